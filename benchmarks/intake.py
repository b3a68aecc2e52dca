"""Intake: durable observations a second over HTTP and MQTT, the CPU of each, and queries over a full store.

Run: ``make bench-intake``. ``--rows`` sets how full the store of the query is (50 million is the goal; a smaller one is quicker).
Peers in the same run: the disk's own fsync, and bare SQLite that only inserts, without checks, HTTP or entities.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

from benchmarks._node import RUIMTE, Node, load, request, sandbox, serving
from benchmarks._report import OUT, Row, markdown, missing, publish, row
from ruimte.clock import HOUR_US, MINUTE_US, SECOND_US, iso
from ruimte.lab.new import new_lab

CONNECTIONS = 8
ROUNDS = 3
DATASTREAMS = 20
_BATCHES = 40
_SINGLES = 500
_MESSAGES = 20_000
_LAB_MINUTES = 5
START_US = 1_767_225_600 * SECOND_US
"""2026-01-01T00:00:00Z"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000_000, help="observations in the store that is queried")
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory(prefix="ruimte-bench-") as name:
        folder = Path(name)
        found = _over_http(folder) + _in_a_lab(folder) + _over_mqtt(folder) + _full_store(folder, rows)
    publish("intake", found)
    (OUT / "intake.md").write_text(markdown(found) + "\n", "utf-8")


def _over_http(folder: Path) -> list[Row]:
    data = folder / "http"
    with sandbox(data) as node:
        idle_mb = node.memory_mb()
        streams = [node.new_datastream() for _ in range(CONNECTIONS)]
        minutes = count()
        batches, singles, documents = [], [], []
        for _ in range(ROUNDS):
            batches.append((*_batches(node, streams, minutes), _bare_rate(folder)))
            singles.append((*_singles(node, streams, minutes), _fsync_rate(folder)))
            documents.append(_documents(node, streams[0], minutes))
    shutil.rmtree(data)
    rate, cpu_us, bare = _medians(batches)
    single_rate, single_cpu_us, fsync = _medians(singles)
    bound = min(1000.0, 0.6 * CONNECTIONS * fsync)
    unit, bare_peer, disk = "durable observations/s", "bare SQLite, 10,000 a commit", "fsync of this disk"
    return [
        row("dataArray, 8 connections, 1,000 a batch", rate, unit, least=30_000, peer=bare_peer, peer_value=bare),
        row("CPU of the server, each", cpu_us, "µs", most=15),
        row("single POST, 8 connections", single_rate, unit, least=bound, peer=disk, peer_value=fsync),
        row("CPU of the server, each single POST", single_cpu_us, "µs", most=300),
        row("10,000 observations in one document, CPU of the server", statistics.median(documents), "ms", most=100),
        row("memory of an idle node", idle_mb, "MB", most=300),
    ]


def _in_a_lab(folder: Path) -> list[Row]:
    """The same in a lab: with a device's token, the register, the search for identifiers and the gate."""
    lab, data = folder / "town", folder / "lab"
    new_lab(lab)
    register = lab / "sensors.toml"
    register.write_text(register.read_text().replace("per_minute = 120", "per_minute = 1e9"))
    with serving(data, str(lab)) as node:
        command = [RUIMTE, "device", "token", lab, "square-cameras", "--data", data]
        token = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        streams, slots = [1, 2, 3, 4] * 2, count(step=_LAB_MINUTES)  # what the device speaks for
        batches, singles = [], []
        for _ in range(ROUNDS):
            batches.append(_batches(node, streams, slots, 2, token, _LAB_MINUTES))
            singles.append(_singles(node, streams, slots, 100, token, _LAB_MINUTES))
    shutil.rmtree(data)
    (rate, cpu_us), (single_rate, single_cpu_us) = (_medians(found) for found in (batches, singles))
    return [
        row("in a lab: dataArray, 8 connections, 1,000 a batch", rate, "durable observations/s", least=30_000),
        row("in a lab: CPU of the server, each", cpu_us, "µs", most=15),
        row("in a lab: single POST, 8 connections", single_rate, "durable observations/s"),
        row("in a lab: CPU of the server, each single POST", single_cpu_us, "µs", most=300),
    ]


def _batches(
    node: Node, streams: list[int], minutes: Iterator[int], each: int = _BATCHES, token: str = "", length: int = 1
) -> tuple[float, float]:
    """Observations a second in batches of 1,000, so many over each connection, and the CPU of each observation (µs)."""
    work = [
        [request(node.url, "CreateObservations", _data_array(stream, minutes, 1_000, length), token) for _ in range(each)]
        for stream in streams
    ]
    return _rate(node, work, len(streams) * each * 1_000)


def _singles(
    node: Node, streams: list[int], minutes: Iterator[int], each: int = _SINGLES, token: str = "", length: int = 1
) -> tuple[float, float]:
    """Observations a second, a POST each, and the CPU of each (µs)."""
    work = [
        [request(node.url, f"Datastreams({stream})/Observations", _one(minutes, length), token) for _ in range(each)]
        for stream in streams
    ]
    return _rate(node, work, len(streams) * each)


def _documents(node: Node, stream: int, minutes: Iterator[int]) -> float:
    """CPU of a document of 10,000 observations, ms."""
    work = [request(node.url, "CreateObservations", _data_array(stream, minutes, 10_000)) for _ in range(10)]
    return _rate(node, [work], 10)[1] / 1e3


def _rate(node: Node, work: list[list[bytes]], things: int) -> tuple[float, float]:
    """How many of so many things a second, and the node's CPU of each (µs)."""
    before = node.cpu_s()
    seconds = load(node.url, work)
    return things / seconds, (node.cpu_s() - before) / things * 1e6


def _over_mqtt(folder: Path) -> list[Row]:
    name, unit, goal = "MQTT QoS 1 through Mosquitto", "stored messages/s", 3_000
    if shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin") is None:
        return [missing(name, unit, "no mosquitto on this machine", f"≥ {goal:,} {unit}")]
    from benchmarks._mqtt import broker, publisher

    rates, costs = [], []
    for number in range(ROUNDS):
        data = folder / f"mqtt{number}"
        with broker(folder) as port, sandbox(data, "--broker", f"mqtt://127.0.0.1:{port}") as node:
            stream = node.new_datastream()
            minutes = count()
            messages = [_one(minutes) for _ in range(_MESSAGES)]
            before, began = node.cpu_s(), time.perf_counter()
            with publisher(port, f"v1.1/Datastreams({stream})/Observations", messages):
                while _stored(data) < _MESSAGES:
                    if time.perf_counter() - began > 120:
                        raise SystemExit(f"{_stored(data)} of {_MESSAGES} messages were stored in 120 s")
                    time.sleep(0.05)
            rates.append(_MESSAGES / (time.perf_counter() - began))
            costs.append((node.cpu_s() - before) / _MESSAGES * 1e6)
        shutil.rmtree(data)
    return [
        row(name, statistics.median(rates), unit, least=goal),
        row("CPU of the server, each message", statistics.median(costs), "µs"),
    ]


def _full_store(folder: Path, rows: int) -> list[Row]:
    """A year and more of minutes from many counters; what was counted in the last hour by one of them."""
    data = folder / "full"
    with sandbox(data) as node:
        streams = [node.new_datastream() for _ in range(DATASTREAMS)]
    last_us = _fill(data / "sandbox.db", streams, rows)
    from_text = iso(last_us - HOUR_US)
    took: list[float] = []
    with sandbox(data) as node:
        for attempt in range(20):
            stream = streams[attempt % len(streams)]
            options = f"$filter=phenomenonTime%20ge%20{from_text}&$orderby=phenomenonTime%20desc&$top=100"
            began = time.perf_counter()
            answer = node.get(f"Datastreams({stream})/Observations?{options}")
            took.append((time.perf_counter() - began) * 1e3)
            assert len(answer["value"]) >= 60, len(answer["value"])
    return [
        row(f"last hour of a datastream, {rows:,} observations stored (median of 20)", statistics.median(took), "ms", most=20)
    ]


def _fill(path: Path, streams: list[int], rows: int) -> int:
    """Write observations straight into the store's table, as many minutes as it takes; the end of the last one."""
    each = rows // len(streams)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    about = "SELECT name, sql FROM sqlite_master WHERE tbl_name = 'observations' AND type = 'index'"
    indexes = connection.execute(about).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    listed = ", ".join(f"({stream})" for stream in streams)
    for begin in range(0, each, 100_000):  # by time, as it would have come in
        connection.execute(
            f"""WITH RECURSIVE
              minute (n) AS (SELECT {begin} UNION ALL SELECT n + 1 FROM minute WHERE n + 1 < {min(each, begin + 100_000)}),
              stream (id) AS (VALUES {listed})
            INSERT INTO observations (datastream_id, start_us, end_us, received_us, result)
            SELECT id, t, t + 60000000, t + 60000000, (n * 7919 + id) % 240
              FROM (SELECT n, {START_US} + n * 60000000 AS t FROM minute), stream"""
        )
        connection.commit()
    for _, sql in indexes:
        connection.execute(sql)
    last_us = START_US + each * MINUTE_US
    connection.execute("UPDATE datastreams SET first_start_us = ?, last_end_us = ?", (START_US, last_us))
    connection.commit()
    connection.close()
    return last_us


def _data_array(stream: int, minutes: Iterator[int], rows: int, length: int = 1) -> bytes:
    group = {
        "Datastream": {"@iot.id": stream},
        "components": ["phenomenonTime", "result"],
        "dataArray": [[_time(minute, length), minute % 239] for minute in islice(minutes, rows)],
    }
    return json.dumps([group]).encode()


def _one(minutes: Iterator[int], length: int = 1) -> bytes:
    minute = next(minutes)
    return json.dumps({"phenomenonTime": _time(minute, length), "result": minute % 239}).encode()


def _time(minute: int, length: int) -> str:
    start_us = START_US + minute * MINUTE_US
    return f"{iso(start_us)}/{iso(start_us + length * MINUTE_US)}"


def _fsync_rate(folder: Path) -> float:
    """How often a second this disk makes 4 kB durable."""
    path, count = folder / "fsync", 200
    with path.open("wb", buffering=0) as file:
        began = time.perf_counter()
        for _ in range(count):
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
        seconds = time.perf_counter() - began
    path.unlink()
    return count / seconds


def _bare_rate(folder: Path) -> float:
    """Rows a second that SQLite alone makes durable, with the same two indexes and nothing round it."""
    path, count = folder / "bare.db", 100_000
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(
        """PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
        CREATE TABLE o (id INTEGER PRIMARY KEY, s INTEGER, a INTEGER, b INTEGER, r INTEGER, v REAL, f INTEGER);
        CREATE INDEX i ON o (s, a); CREATE INDEX j ON o (r);"""
    )
    rows = [(n % 8, n, n + 1, n, float(n), 0) for n in range(count)]
    began = time.perf_counter()
    for begin in range(0, count, 10_000):
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO o (s, a, b, r, v, f) VALUES (?, ?, ?, ?, ?, ?)", rows[begin : begin + 10_000])
        connection.execute("COMMIT")
    seconds = time.perf_counter() - began
    connection.close()
    for each in folder.glob("bare.db*"):
        each.unlink()
    return count / seconds


def _stored(data: Path) -> int:
    connection = sqlite3.connect(f"{(data / 'sandbox.db').as_uri()}?mode=ro", uri=True)
    try:
        return int(connection.execute("SELECT count(*) FROM observations").fetchone()[0])
    finally:
        connection.close()


def _medians(found: list[tuple[float, ...]]) -> tuple[float, ...]:
    return tuple(statistics.median(column) for column in zip(*found, strict=True))


if __name__ == "__main__":
    main()

"""The whole way: walkers before a sensor, its payloads over HTTP into the node's process, figures in the store and in the API."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import httpx
import numpy as np
import pytest
from shapely import box, contains_xy

from ruimte.store.sqlite import Reader
from track_lab import sensor, track_lab
from track_walkers import payload, wandering

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are signalled otherwise there")

RUIMTE = [sys.executable, "-c", "from ruimte.cli import main; main()"]
WIDE, HIGH, RATE_HZ, PEOPLE = 20.0, 10.0, 10.0, 60
HALL = box(5, 0, 15, 10)
WARM_S = 400
"""On a machine that has never done it, and that does much else."""


@pytest.fixture
def folder(tmp_path):
    """A lab that ticks each ten seconds, with a hall and a door in it."""
    sensors = {
        "hall-tracks": sensor("hall-tracks", "hall", ["people", "people_sd", "density", "speed"]),
        "door-tracks": sensor("door-tracks", "door", ["count_in", "count_out"], "10s"),
    }
    gates = {"door": ([(5.0, 0.0), (5.0, HIGH)], "outside", "hall")}
    view = [(0.0, 0.0), (WIDE, 0.0), (WIDE, HIGH), (0.0, HIGH)]
    made = track_lab(tmp_path / "town", view, list(HALL.exterior.coords)[:-1], sensors, gates=gates)
    changes = {
        "lab.toml": {'length = "5m"': 'length = "10s"', 'lateness = "30s"': 'lateness = "3s"'},
        "sensors.toml": {'interval = "5m"': 'interval = "10s"', "[device.ground]": "per_minute = 6000\n[device.ground]"},
    }
    for name, replacements in changes.items():
        text = (made / name).read_text()
        for before, after in replacements.items():
            assert before in text
            text = text.replace(before, after)
        (made / name).write_text(text)
    return made


@dataclass
class Node:
    url: str
    page: httpx.Client
    device: httpx.Client

    def send(self, time_us: int, ids: object, x: object, y: object) -> httpx.Response:
        return self.device.post(f"{self.url}/intake/v1/overhead", content=payload(time_us, ids, x, y))

    def state(self) -> dict[str, object] | None:
        """The hall, once the node has looked at it."""
        zones = self.page.get(f"{self.url}/api/v1/zones").json()
        return next((each for each in zones["zones"] if each["key"] == "hall"), None)


@contextmanager
def serving(folder, data) -> Iterator[Node]:
    token = subprocess.run(
        [*RUIMTE, "device", "token", str(folder), "overhead", "--data", str(data)], capture_output=True, text=True, check=True
    ).stdout.strip()
    command = [*RUIMTE, "serve", str(folder), "--port", "0", "--no-browser", "--data", str(data)]
    with (
        (data / "stderr.txt").open("w") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
        httpx.Client(trust_env=False, timeout=30) as page,
        httpx.Client(trust_env=False, timeout=30, headers={"authorization": f"Bearer {token}"}) as device,
    ):
        try:
            assert process.stdout is not None
            link = next((found[0] for line in process.stdout if (found := re.search(r"http://\S+", line))), "")
            assert link, (data / "stderr.txt").read_text()
            assert page.get(link).status_code == 200
            yield Node(link.partition("/sign-in/")[0], page, device)
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=60) == 0
        finally:
            process.kill()


def rows(data, like: str) -> list[tuple[int, float]]:
    """Ends and results of a datastream in the store."""
    query = (
        "SELECT end_us, result FROM observations o JOIN datastreams d ON d.id = o.datastream_id WHERE d.key = ? ORDER BY end_us"
    )
    with Reader(data / "town.db") as reader:
        return reader.read(lambda c: c.execute(query, (like,)).fetchall())


def test_walkers_are_told_by_the_api_within_its_interval_and_leave_no_trace(folder, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    walks = wandering(PEOPLE, WIDE, HIGH, RATE_HZ, seed=4)
    ids = [888_000_000 + k for k in range(PEOPLE)]
    truth: dict[int, float] = {}
    sent: list[str] = []
    with serving(folder, data) as node:
        begun, found, next_s = time.time(), None, time.time()
        while found is None and time.time() - begun < WARM_S:
            x, y = next(walks)
            time_us = time.time_ns() // 1000
            assert node.send(time_us, ids, x, y).status_code == 201
            truth[time_us] = float(contains_xy(HALL, x, y).sum())
            sent += [f"{each:.3f}" for each in (*x[:5], *y[:5])]
            next_s = max(next_s + 1 / RATE_HZ, time.time())
            time.sleep(next_s - time.time() if next_s > time.time() else 0)
            if len(truth) % 20 == 0:
                state = node.state()
                sure = state is not None and state["mean"] is not None and state["observed"] > 0 and time.time() - begun > 5
                found = state if sure else None
        assert found is not None, (data / "stderr.txt").read_text()
        near = [seen for at, seen in truth.items() if abs(at - _us(found["time"])) < 1_000_000]
        assert near, "the state is of a moment that was seen"
        sd = (found["q95"] - found["q05"]) / (2 * 1.645)
        print("told", found["mean"], "sd", sd, "there were", np.mean(near), "at", found["time"])
        assert abs(np.mean(near) - found["mean"]) <= 4 * sd + 1  # a ninety per cent interval misses one run of ten
        assert node.send(time.time_ns() // 1000, [], [], []).status_code == 201
        garbage = node.device.post(f"{node.url}/intake/v1/overhead", content=b'{"live_data": {"frames": [{"time": "x"}]}}')
        assert garbage.status_code == 400
        told = "".join(node.page.get(f"{node.url}/{path}").text for path in ("", "api/v1/zones", "api/v1/crowds", "crowds"))
        assert '"overhead"' in told, "the page gets what the device sees"
    people = rows(data, "hall-tracks/people")
    assert len(people) >= 5
    for end_us, result in people:
        second = [seen for at, seen in truth.items() if end_us - 1_000_000 <= at < end_us]
        assert not second or abs(result - np.mean(second)) <= 2.0, "as many as there were"
    kept = b"".join(each.read_bytes() for each in data.rglob("*") if each.is_file())
    for who in ids:
        assert str(who).encode() not in kept + told.encode()
        assert who.to_bytes(8, "little") not in kept
        assert who.to_bytes(8, "big") not in kept
    for text in {each for each in sent if len(each) >= 6}:
        assert f'"{text}"'.encode() not in kept
        assert f"[{text}," not in told
    assert "Traceback" not in (data / "stderr.txt").read_text()


def _us(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1e6)

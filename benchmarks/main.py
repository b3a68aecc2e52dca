"""The main job, end to end: from nothing to the first page, an import, a year at full speed, the page, the forecast's skill.

Run: ``make bench-main``. With ``--quick`` it leaves out the clean installs. Real data are read from ``../shared/data``, where
that is there.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from benchmarks._page import page_rows
from benchmarks._report import OUT, Row, markdown, missing, publish, row
from ruimte.clock import HOUR_US, to_us
from ruimte.intake.formats.auckland import packaged_counts
from ruimte.jobs.evaluate import evaluate
from ruimte.lab.read import read_lab
from ruimte.labs import lab_folder
from ruimte.store.sqlite import Reader

ROOT = Path(__file__).parent.parent
RUIMTE = Path(sys.executable).with_name("ruimte")
ZURICH = ROOT.parent / "shared/data/zurich_hardbruecke/frequenzen_hardbruecke_2020.csv.gz"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="leave out the clean installs")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory(prefix="ruimte-bench-") as name:
        folder = Path(name)
        rows = [] if quick else _fresh_installs(folder)
        data = folder / "data"
        _run([RUIMTE, "import", "auckland", packaged_counts(), "--format", "auckland", "--data", data])
        rows += _second_demo(data)
        rows += _zurich(folder)
        rows += _year(folder, data)
        rows += page_rows(data / "auckland.db")
        skill = _skill(data)
    publish("main", rows + skill)
    (OUT / "main.md").write_text(markdown(rows) + "\n\n" + markdown(skill) + "\n", "utf-8")


def _fresh_installs(folder: Path) -> list[Row]:
    """``make demo`` in two fresh clones, the first with an empty package cache."""
    home, cache = folder / "home", folder / "cache"
    home.mkdir()
    seconds = []
    for number in range(2):
        clone = folder / f"clone{number}"
        _run(["git", "clone", "-q", ROOT, clone])
        keep = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "RUIMTE_DATA", "PYTHONPATH")}
        environment = keep | {"HOME": str(home), "PIP_CACHE_DIR": str(cache / "pip"), "npm_config_cache": str(cache / "npm")}
        port = _free_port()
        command = ["make", "-s", "demo", f"ARGS=--no-browser --port {port} --data {folder / f'data{number}'}"]
        with _first_page(command, port, environment, clone) as took:
            seconds.append(took)
        shutil.rmtree(clone)
    return [
        row("make demo to first page, cold package cache", seconds[0], "s", most=90),
        row("make demo to first page, warm package cache", seconds[1], "s", most=30),
    ]


def _second_demo(data: Path) -> list[Row]:
    """``ruimte demo`` to the first page, and to the first picture on it, when it has run before."""
    took, pictured = [], []
    for attempt in range(6):
        port = _free_port()
        command = [RUIMTE, "demo", "--no-browser", "--port", str(port), "--data", data]
        began = time.perf_counter()
        with _first_page(command, port) as seconds:
            _wait(f"http://127.0.0.1:{port}/readyz")
            if attempt:
                took.append(seconds)
                pictured.append(time.perf_counter() - began)
    return [
        row("ruimte demo to first page, second time (median of 5)", statistics.median(took), "s", most=3),
        row("ruimte demo to first picture, second time (median of 5)", statistics.median(pictured), "s"),
    ]


def _zurich(folder: Path) -> list[Row]:
    """The Zürich file through format, gatekeeper and store; beside pandas, which reads and stores it unchecked."""
    names = ("import of the Zürich file (714,681 rows)", "memory of that import")
    if not ZURICH.exists():
        return [missing(name, unit, "the file is not here") for name, unit in zip(names, ("s", "MB"), strict=True)]
    ours, theirs = [], []
    pandas = (
        "import pandas, sqlite3, sys\n"
        "rows = pandas.read_csv(sys.argv[1], parse_dates=['Timestamp'])\n"
        "rows = rows.melt(['Timestamp', 'Name'], ['In', 'Out'])\n"
        "connection = sqlite3.connect(sys.argv[2])\n"
        "connection.execute('PRAGMA journal_mode = WAL'); connection.execute('PRAGMA synchronous = FULL')\n"
        "rows.to_sql('counts', connection, index=False)\n"
        "connection.execute('CREATE INDEX by_name ON counts (Name, Timestamp)'); connection.commit()\n"
    )
    for attempt in range(3):
        data = folder / f"zurich{attempt}"
        data.mkdir()
        ours.append(_timed([RUIMTE, "import", "hardbruecke", ZURICH, "--format", "zurich", "--data", data]))
        theirs.append(_timed([sys.executable, "-c", pandas, ZURICH, data / "pandas.db"]))
        shutil.rmtree(data)
    seconds, memory = (statistics.median(column) for column in zip(*ours, strict=True))
    peer_seconds, peer_memory = (statistics.median(column) for column in zip(*theirs, strict=True))
    peer = "pandas read_csv + to_sql, no checks"
    return [
        row(names[0], seconds, "s", most=15, peer=peer, peer_value=peer_seconds),
        row(names[1], memory, "MB", most=500, peer=peer, peer_value=peer_memory),
    ]


def _year(folder: Path, data: Path) -> list[Row]:
    """2024 of all Auckland locations through intake, estimate, forecast and warnings, on one core."""
    code = (
        "import sys, time\n"
        "from datetime import datetime\n"
        "from pathlib import Path\n"
        "from ruimte.clock import to_us\n"
        "from ruimte.jobs.models import shipped\n"
        "from ruimte.jobs.replay import Replay, run_through\n"
        "from ruimte.jobs.register import register_lab\n"
        "from ruimte.lab.read import read_lab\n"
        "from ruimte.labs import lab_folder\n"
        "from ruimte.store.sqlite import Reader\n"
        "lab = read_lab(lab_folder('auckland'))\n"
        "first, last = (to_us(datetime(year, 1, 1, tzinfo=lab.zone)) for year in (2024, 2025))\n"
        "replay = Replay.begin(lab, Reader(Path(sys.argv[1])), Path(sys.argv[2]), first, shipped())\n"
        "with replay.target:\n"
        "    register_lab(lab, replay.target)\n"
        "    replay.prepare(lambda share: None)\n"
        "    began = time.perf_counter()\n"
        "    done = run_through(replay, last)\n"
        "    print(time.perf_counter() - began, done.ticks, done.warnings)\n"
    )
    target = folder / "year"
    target.mkdir()
    command = [sys.executable, "-c", code, data / "auckland.db", target]
    one_core = ["taskset", "-c", "0"] if shutil.which("taskset") else []
    output = subprocess.run([*one_core, *map(str, command)], check=True, capture_output=True, text=True).stdout
    seconds, _, warnings = output.split()
    return [
        row("one year of 21 locations replayed, one core", float(seconds), "s", most=60),
        row("warnings opened in that year, per day", float(warnings) / 366, "/day"),
    ]


def _skill(data: Path) -> list[Row]:
    """Skill of the baseline over 2023, beside "same hour last week"."""
    lab = read_lab(lab_folder("auckland"))
    first, last = (to_us(datetime(year, 1, 1, tzinfo=lab.zone)) for year in (2023, 2024))
    rows = []
    with Reader(data / "auckland.db") as source:
        for skill in evaluate(lab, source, first, last, [1, 2, 3, 6, 12, 24]):
            hours = f"{skill.horizon_us // HOUR_US} h ahead"
            peer = "same hour last week"
            rows += [
                row(f"MAE, {hours}", skill.mae, "persons/h", peer=peer, peer_value=skill.mae_last_week),
                row(f"WAPE, {hours}", skill.wape, "", peer=peer, peer_value=skill.wape_last_week),
                row(f"pinball loss, {hours}", skill.pinball, "persons/h"),
                row(f"coverage of the 80 % interval, {hours}", skill.coverage, ""),
            ]
    return rows


@contextmanager
def _first_page(
    command: list[object], port: int, environment: dict[str, str] | None = None, folder: Path | None = None
) -> Iterator[float]:
    """Start a node; gives the seconds until its first page, and ends it (and what it started) afterwards."""
    began = time.perf_counter()
    node = subprocess.Popen(
        [str(part) for part in command], env=environment, cwd=folder, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        _wait(f"http://127.0.0.1:{port}/", node)
        yield time.perf_counter() - began
    finally:
        os.killpg(node.pid, signal.SIGTERM)
        node.wait(30)


def _wait(url: str, node: subprocess.Popen[bytes] | None = None, limit_s: float = 600) -> None:
    end = time.perf_counter() + limit_s
    while time.perf_counter() < end:
        if node is not None and node.poll() is not None:
            raise SystemExit(f"the node ended with code {node.returncode} before its first page")
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                answer.read()
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.02)
    raise SystemExit(f"no answer from {url} within {limit_s:g} s")


def _timed(command: list[object]) -> tuple[float, float]:
    """Wall seconds and the largest resident memory (MB) of a command."""
    began = time.perf_counter()
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"failed: {command[:4]}")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def _run(command: list[object]) -> None:
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()

"""Kill −9 in the middle of an import: what was acknowledged is there whole, and importing again completes it."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from ruimte.lab.new import new_lab

N = 20_000
"""Rows; each column of the file is a batch of its own."""
STREAMS = (
    "square-west/count_in",
    "square-west/count_out",
    "square-street/count_in",
    "square-street/count_out",
    "street-east/count_in",
    "street-east/count_out",
    "station-road/count",
)

pytestmark = [
    pytest.mark.fault,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system cannot kill −9"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A lab, a mapping, and a file of twenty thousand rows for each of its datastreams."""
    made = tmp_path_factory.mktemp("kill")
    new_lab(made / "town")
    begin, counts = datetime(2026, 1, 5, tzinfo=UTC), np.random.default_rng(1).integers(0, 500, (N, len(STREAMS)))
    with (made / "counts.csv").open("w") as file:
        file.write(",".join(("t", *(f"c{k}" for k in range(len(STREAMS))))) + "\n")
        for row in range(N):
            moment = begin + row * timedelta(minutes=5)
            file.write(f"{moment:%Y-%m-%dT%H:%M}Z,{','.join(map(str, counts[row]))}\n")
    columns = ", ".join(f'c{k} = "{stream}"' for k, stream in enumerate(STREAMS))
    (made / "mapping.toml").write_text(f'time = "t"\ninterval = "5m"\ncolumns = {{ {columns} }}\n')
    return made


def importing(folder, data):
    code = "from ruimte.cli import main; main()"
    options = ["--format", "table", "--mapping", folder / "mapping.toml", "--data", data]
    command = [sys.executable, "-c", code, "import", folder / "town", folder / "counts.csv", *options]
    return subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def stored(path):
    """Rows of each datastream, by its key; what another process sees."""
    query = "SELECT d.key, count(o.id) FROM datastreams d LEFT JOIN observations o ON o.datastream_id = d.id GROUP BY d.id"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute(query))


def content(path):
    query = (
        "SELECT d.key, start_us, end_us, result, flags FROM current_observations o JOIN datastreams d ON d.id = o.datastream_id"
        " ORDER BY d.key, start_us"
    )
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def whole(folder, tmp_path_factory):
    """What an import that nobody disturbs leaves behind."""
    data = tmp_path_factory.mktemp("whole")
    _, errors = importing(folder, data).communicate(timeout=60)
    assert errors == ""
    return content(data / "town.db")


@pytest.mark.parametrize("batches", [1, 3, 5])
def test_a_killed_import_is_whole_and_can_be_completed(folder, whole, tmp_path, batches):
    path = tmp_path / "town.db"
    process, deadline = importing(folder, tmp_path), time.monotonic() + 60
    acknowledged = 0
    while acknowledged < batches * N and process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(sqlite3.OperationalError):  # not made yet
            acknowledged = sum(stored(path).values())
        time.sleep(0.001)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "it was done before it was killed"

    left = stored(path)
    assert sum(left.values()) >= acknowledged
    assert set(left.values()) <= {0, N}
    assert 0 in left.values()
    assert set(content(path)) <= set(whole)

    again = importing(folder, tmp_path)
    report, errors = again.communicate(timeout=60)
    assert (again.returncode, errors) == (0, "")
    assert f"known already          {sum(left.values()):>12,}" in report
    assert content(path) == whole

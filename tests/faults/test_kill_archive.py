"""Kill −9 in the middle of archiving: what is there is whole, and archiving again completes it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ruimte.clock import DAY_US, MINUTE_US, to_us
from ruimte.jobs.archiving import History
from ruimte.jobs.register import register_lab
from ruimte.lab.new import new_lab
from ruimte.lab.read import read_lab
from ruimte.model.observation import OBSERVATIONS
from ruimte.store import archive, observations
from ruimte.store.sqlite import Reader, Store

DAYS = 90
TICKS = DAY_US // (5 * MINUTE_US)

pytestmark = [
    pytest.mark.fault,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system cannot kill −9"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A lab, and its database with ninety days of two datastreams, and a tick more."""
    made = tmp_path_factory.mktemp("kill")
    new_lab(made / "town")
    end = to_us(datetime(2026, 1, 5, tzinfo=UTC)) + np.arange(DAYS * TICKS + 1) * 5 * MINUTE_US
    with Store(made / "town.db", "town", durable=False) as store:
        register_lab(read_lab(made / "town"), store)
        for stream in (1, 2):
            columns = [np.full(len(end), stream), end - 5 * MINUTE_US, end, end, end // MINUTE_US % 50, np.zeros(len(end))]
            store.append(pa.table([pa.array(c).cast(f.type) for c, f in zip(columns, OBSERVATIONS, strict=True)], OBSERVATIONS))
    return made


def archiving(folder):
    code = "from ruimte.cli import main; main()"
    command = [sys.executable, "-c", code, "archive", folder / "town", "--data", folder, "--verify", "--json"]
    return subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("files", [1, 20, 50])
def test_a_killed_archive_is_whole_and_can_be_completed(folder, files):
    target = folder / "archive" / "town"
    already = len(list(target.rglob("*.parquet")))
    process, deadline = archiving(folder), time.monotonic() + 60
    while (
        len(list(target.rglob("*.parquet"))) < max(files, already + 1) and process.poll() is None and time.monotonic() < deadline
    ):
        time.sleep(0.001)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "it was done before it was killed"

    manifest = archive.read_manifest(target)
    assert manifest is not None
    assert archive.verify(target, manifest) == len(manifest.days) < DAYS
    for path in target.rglob("*.parquet"):
        assert pq.read_table(path, partitioning=None).num_rows == 2 * TICKS, "a file stood under its name before it was whole"

    if files != 50:
        return  # the next one goes on where this one was killed
    again = archiving(folder)
    told, errors = again.communicate(timeout=60)
    assert (again.returncode, errors) == (0, "")
    report = json.loads(told)
    assert (report["days"], report["files"], report["verified"]) == (DAYS, DAYS, DAYS)
    assert report["written"] == DAYS - len(manifest.days)
    assert list(target.rglob("*.part")) == []
    with Reader(folder / "town.db", "town") as store:
        alone = store.read(lambda c: observations.received(c, 0, 2**62))
        assert alone.num_rows == 2 * (DAYS * TICKS + 1)
        assert History(store, target).received(0, 2**62).equals(alone)

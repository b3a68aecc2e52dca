"""A disk that is full: a clear error, nothing acknowledged lost, and a database that can still be read."""

from __future__ import annotations

import sqlite3
import subprocess
import sys

import pytest

resource = pytest.importorskip("resource", reason="no limits on the size of files on this system")

_FILL = """
import pathlib, resource, sys
import numpy as np
import pyarrow as pa
from ruimte.errors import RuimteError
from ruimte.model.observation import OBSERVATIONS
from ruimte.store import observations
from ruimte.store.sqlite import Store

store = Store(pathlib.Path(sys.argv[1]), "test")
resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, resource.RLIM_INFINITY))
n, acknowledged = 5_000, 0
try:
    for batch in range(100):
        start = (batch * n + np.arange(n)) * 10
        columns = [np.full(n, 1), start, start + 10, start + 10, np.full(n, 1.0), np.zeros(n)]
        store.append(pa.table([pa.array(c).cast(f.type) for c, f in zip(columns, OBSERVATIONS)], schema=OBSERVATIONS))
        acknowledged += n
except RuimteError as error:
    print(acknowledged, store.read(observations.count), error, sep="|")
"""


@pytest.mark.fault
def test_a_full_disk_loses_nothing_that_was_acknowledged(tmp_path):
    path = tmp_path / "lab.db"
    done = subprocess.run([sys.executable, "-c", _FILL, str(path)], capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    acknowledged, readable, line = done.stdout.strip().split("|")
    assert int(acknowledged) > 0
    assert int(readable) == int(acknowledged)
    assert "nothing was written" in line
    assert "check that the disk has room" in line
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("SELECT count(*) FROM observations").fetchone() == (int(acknowledged),)
    connection.close()

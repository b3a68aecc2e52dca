"""No log, no data: on a full disk the future of an entry raises, nothing half is left, and it goes on when there is room."""

from __future__ import annotations

import subprocess
import sys

import pytest

resource = pytest.importorskip("resource", reason="no limits on the size of files on this system")

pytestmark = pytest.mark.fault

_FILL = """
import pathlib, resource, sys
from ruimte.errors import RuimteError
from ruimte.jobs.log import Log
from ruimte.keys.signature import generate
from ruimte.ledger.checkpoint import open_checkpoint

keys, path = generate(), pathlib.Path(sys.argv[1])
now_us = lambda: 1_782_000_000_000_000
log = Log(path, "town", (keys.private, keys.public), now_us)
unlimited = resource.RLIM_INFINITY
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, unlimited))
acknowledged, told = 0, ""
for number in range(2_000):
    futures = [log.append("release", {"text": "x" * 500, "n": number}) for _ in range(3)]
    for future in futures:
        try:
            assert future.result(30).index == acknowledged
            acknowledged += 1
        except RuimteError as error:
            told = str(error)
    if told:
        break
assert log.size == acknowledged, (log.size, acknowledged)
assert open_checkpoint(log.checkpoint(), log.key)[0].size == acknowledged
assert log.proof(acknowledged - 1)
resource.setrlimit(resource.RLIMIT_FSIZE, (unlimited, unlimited))
assert log.append("release", {"n": "again"}).result(30).index == acknowledged
log.close()
with Log(path, "town", (keys.private, keys.public), now_us) as log:  # it is checked when it is opened
    print(acknowledged, log.size, told, sep="|")
"""


def test_a_full_disk_refuses_entries_and_leaves_nothing_half(tmp_path):
    run = [sys.executable, "-c", _FILL, str(tmp_path / "town.log.db")]
    done = subprocess.run(run, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    acknowledged, after, line = done.stdout.strip().split("|")
    assert int(acknowledged) > 0
    assert int(after) == int(acknowledged) + 1
    assert "nothing was written" in line
    assert "check that the disk has room" in line

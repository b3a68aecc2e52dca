"""Kill −9 while entries are written: whatever was acknowledged is in the log, in its place, and the log is whole."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ledger_world import CITY, open_log
from ruimte.ledger.entry import commitment

pytestmark = [
    pytest.mark.fault,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system cannot kill −9"),
]

_WRITE = """
import json, sys
from pathlib import Path
from ruimte.jobs.log import Log
from ledger_world import NOW_US, ORIGIN

log = Log(Path(sys.argv[1]), ORIGIN, (sys.argv[2], sys.argv[3]), lambda: NOW_US)
while True:
    for future in [log.append("release", {"n": number}) for number in range(20)]:
        receipt = future.result()
        print(json.dumps([receipt.index, receipt.salt, receipt.commitment, log.payload(receipt.index)[1]]), flush=True)
"""


def test_what_was_acknowledged_is_there_after_a_kill(tmp_path: Path) -> None:
    path, receipts = tmp_path / "town.log.db", tmp_path / "receipts.jsonl"
    for attempt in range(3):
        with receipts.open("ab") as out:
            run = [sys.executable, "-c", _WRITE, str(path), CITY.private, CITY.public]
            process = subprocess.Popen(run, stdout=out, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
            try:
                deadline = time.monotonic() + 30
                while receipts.stat().st_size < 20_000 * (attempt + 1) and time.monotonic() < deadline and process.poll() is None:
                    time.sleep(0.01)
            finally:
                process.kill()
                process.wait()
    known = [json.loads(line) for line in receipts.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    assert len(known) > 100
    with open_log(path) as log:  # checks the whole of it
        assert log.size >= len(known)
        for index, salt, committed, payload in known:
            kept = log.payload(index)
            assert kept == (salt, payload)
            assert committed.encode() in log.entries(index, 1)[0]
    assert commitment(bytes(32), {}) != committed

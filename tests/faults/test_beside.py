"""A file beside the database that another process opens and closes while the node has it open."""

from __future__ import annotations

import subprocess
import sys

import pytest

from agreed import CITY, KEYS, NOW_S
from ruimte.clock import SECOND_US
from ruimte.jobs.log import Log

pytestmark = [
    pytest.mark.fault,
    pytest.mark.skipif(sys.platform == "win32", reason="locks work otherwise there"),
]


def test_what_is_logged_after_another_process_looked_is_on_the_disk(tmp_path):
    path = tmp_path / "city.log.db"
    looks = "import pathlib, sys; from ruimte.store.ledger import open_ledger; open_ledger(pathlib.Path(sys.argv[1])).close()"
    with Log(path, f"{CITY}/city", KEYS[CITY], lambda: NOW_S * SECOND_US) as log:
        log.append("release", {"n": 1}).result()
        subprocess.run([sys.executable, "-c", looks, str(path)], check=True)
        log.append("release", {"n": 2}).result()
        seen = f"{looks[:-8]}.execute('SELECT count(*) FROM entries').fetchone()[0]".replace("; open_", "; print(open_", 1) + ")"
        told = subprocess.run([sys.executable, "-c", seen, str(path)], check=True, capture_output=True, text=True).stdout
    assert int(told) == 2
    with Log(path, f"{CITY}/city", KEYS[CITY], lambda: NOW_S * SECOND_US) as log:
        assert log.size == 2

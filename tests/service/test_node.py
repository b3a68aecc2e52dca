"""The node as a process: it says where it listens, answers there, and ends when it is asked to."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from ruimte.store.sqlite import Reader

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are signalled otherwise there")


@pytest.fixture
def serving(folder, tmp_path):
    """A node on a free port: its process, and what it said first, line by line."""
    code = "from ruimte.cli import main; main()"
    command = [sys.executable, "-c", code, "serve", str(folder), "--port", "0", "--no-browser", "--data", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lines = [process.stdout.readline(), process.stdout.readline()]
    yield process, lines
    process.kill()
    process.communicate()


def ready(url, limit_s):
    """Whether the node is ready within so many seconds."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        with contextlib.suppress(urllib.error.HTTPError), urllib.request.urlopen(url + "readyz", timeout=10):
            return True
        time.sleep(0.05)
    return False


def test_it_serves_and_stops(serving, tmp_path):
    process, (notice, where) = serving
    assert "this link signs you in, once" in notice
    url = re.search(r"http://127\.0\.0\.1:\d+/", where)[0]
    with urllib.request.urlopen(url + "healthz", timeout=10) as answer:
        assert answer.status == 200
    assert ready(url, limit_s=60)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    with Reader(tmp_path / "town.db") as reader:
        kinds = reader.read(lambda c: c.execute("SELECT kind FROM logbook").fetchall())
    assert ("started",) in kinds


def test_a_second_node_over_the_same_data_is_refused(serving, folder, tmp_path):
    process, _ = serving
    code = "from ruimte.cli import main; main()"
    command = [sys.executable, "-c", code, "serve", str(folder), "--port", "0", "--no-browser", "--data", str(tmp_path)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (second.returncode, second.stdout) == (1, "")
    assert f"another process writes this database (process {process.pid})" in second.stderr
    assert len(second.stderr.splitlines()) == 1

"""A node with channels: it starts with them, says what is wrong with them, and stops though a receiver is dead."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
import urllib.request

import pytest

from receivers import Receiver
from ruimte.jobs.register import register_lab
from ruimte.model.warning import Warning  # noqa: A004 - the field's own word
from ruimte.store import outbox, records
from ruimte.store.sqlite import Store

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are signalled otherwise there")


def start_node(folder, data):
    code = "from ruimte.cli import main; main()"
    command = [sys.executable, "-c", code, "serve", str(folder), "--port", "0", "--no-browser", "--data", str(data)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_node_delivers_what_waited_for_it_and_stops(folder, town, tmp_path):
    now_us = time.time_ns() // 1000  # what is older than the retention would be forgotten before it is sent
    with Receiver() as receiver:
        text = f'[[channel]]\nkey = "wall"\nkind = "webhook"\naddress = "{receiver.url()}"\nallow_private = true\n'
        dead = '[[channel]]\nkey = "dead"\nkind = "webhook"\naddress = "http://127.0.0.1:9/"\nallow_private = true\n'
        push = '[[channel]]\nkey = "devices"\nkind = "push"\ncontact = "mailto:a@example.org"\n'
        (tmp_path / "node.toml").write_text(text + dead + push)
        told = Warning(
            id=1,
            place="square",
            table="fruin-walkway",
            level="E",
            rank=1,
            priority=2,
            phase="closed",
            opened_us=now_us,
            updated_us=now_us,
            closed_us=now_us,
            probability=0.8,
            expected_us=now_us,
            lead_us=0,
            threshold=9.0,
        )

        def work(connection):
            records.append_warning(connection, told, now_us)
            for channel in ("wall", "dead"):
                outbox.put(connection, channel, "", 1, "closed", at_us=now_us, wall_us=now_us)

        with Store(tmp_path / "town.db", town.key) as store:
            register_lab(town, store)
            store.write(work).result()
        process = start_node(folder, tmp_path)
        try:
            _, where = process.stdout.readline(), process.stdout.readline()
            url = re.search(r"http://127\.0\.0\.1:\d+/", where)[0]
            end = time.monotonic() + 60
            while not receiver.received:
                assert time.monotonic() < end
                time.sleep(0.05)
            with urllib.request.urlopen(url + "push-worker.js", timeout=10) as answer:
                assert answer.status == 200
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=20)
            assert process.returncode == 0, errors
            assert "Traceback" not in errors
        finally:
            process.kill()
            process.communicate()
    assert (tmp_path / "town.keys.json").stat().st_mode & 0o777 == 0o600


def test_a_node_does_not_start_with_a_channel_that_is_wrong(folder, tmp_path):
    (tmp_path / "node.toml").write_text('[[channel]]\nkey = "wall"\nkind = "webhook"\naddress = "http://wall.example.org"\n')
    process = start_node(folder, tmp_path)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (1, "")
    assert len(errors.splitlines()) == 1
    assert "channel 'wall'" in errors

"""Kill −9 between sending and noting it: after the restart the step comes again, under the same id; nothing after it is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from receivers import Receiver
from ruimte.lab.new import new_lab

pytestmark = [
    pytest.mark.fault,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system cannot kill −9"),
]

NODE = """
import asyncio, sys
from pathlib import Path
import msgspec
from ruimte.clock import SystemClock
from ruimte.jobs.delivering import Delivery
from ruimte.jobs.live import LiveRoom
from ruimte.jobs.register import register_lab
from ruimte.jobs.station import Station
from ruimte.lab.read import read_lab
from ruimte.model.warning import Warning
from ruimte.notify.channels import read_channels
from ruimte.notify.keys import node_keys
from ruimte.store import records
from ruimte.store.sqlite import Store

folder, data, url, write = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4] == "write"
lab = read_lab(folder)
with Store(data / "town.db", lab.key) as store:
    station = Station(lab, register_lab(lab, store), store)
    channel = {"key": "wall", "kind": "webhook", "address": url, "allow_private": True}
    delivery = Delivery(station, read_channels([channel], "node.toml"), node_keys(data, lab.key), {}, "urn:test")
    now = SystemClock().now_us()
    opened = Warning(
        id=1, place=station.model.places[0].key, table="fruin-walkway", level="E", rank=1, priority=2, phase="open",
        opened_us=now, updated_us=now, probability=0.8, expected_us=now, lead_us=0, threshold=9.0, now=10.0,
    )
    closed = msgspec.structs.replace(opened, phase="closed", closed_us=now)

    def work(connection):
        for step, warning in (("opened", opened), ("closed", closed)):
            records.append_warning(connection, warning, now)
            delivery.put(connection, step, warning, now)

    if write:
        store.write(work).result()
    asyncio.run(delivery.run(LiveRoom(station, SystemClock(), "live")))
"""


def node(folder: Path, data: Path, url: str, mode: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", NODE, str(folder), str(data), url, mode])


def test_a_step_that_was_sent_but_not_noted_comes_again_under_the_same_id(tmp_path: Path) -> None:
    folder, data = tmp_path / "town", tmp_path / "data"
    new_lab(folder)
    running: list[subprocess.Popen[bytes]] = []
    with Receiver() as receiver:

        def kill() -> None:
            """The receiver has the step; the node never hears that."""
            receiver.on_receipt = lambda: None
            os.kill(running[0].pid, signal.SIGKILL)

        receiver.on_receipt = kill
        try:
            running.append(node(folder, data, receiver.url(), "write"))
            assert running[0].wait(60) == -signal.SIGKILL
            assert len(receiver.received) == 1
            running.append(node(folder, data, receiver.url(), "go on"))
            end = time.monotonic() + 60
            while len(receiver.received) < 3:
                assert time.monotonic() < end
                time.sleep(0.05)
        finally:
            for process in running:
                process.kill()
                process.wait()
    first, again, last = (msgspec.json.decode(each.body) for each in receiver.received)
    assert first == again
    assert (first["data"]["step"], last["data"]["step"]) == ("opened", "closed")
    assert first["id"] != last["id"]

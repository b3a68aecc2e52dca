"""A Mosquitto broker for a benchmark, and a publisher in a process of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

_IN_FLIGHT = 2_000


@contextmanager
def broker(folder: Path) -> Iterator[int]:
    """Mosquitto on a free port of this machine, until the block ends; its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    config = folder / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\n")
    binary = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
    assert binary is not None
    process = subprocess.Popen([binary, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()


@contextmanager
def publisher(port: int, topic: str, messages: list[bytes]) -> Iterator[None]:
    """Publishes at QoS 1, from a process of its own that stays linked until the block ends, so that all are acknowledged."""
    process = get_context("spawn").Process(target=_publish, args=(port, topic, messages))
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()


def _publish(port: int, topic: str, messages: list[bytes]) -> None:
    from gmqtt import Client

    async def everything() -> None:
        client = Client("ruimte-bench-publisher", receive_maximum=_IN_FLIGHT)
        await client.connect("127.0.0.1", port)
        for number, message in enumerate(messages):
            client.publish(topic, message, qos=1)
            if number % 100 == 99:
                await asyncio.sleep(0)
        await asyncio.Event().wait()

    asyncio.run(everything())

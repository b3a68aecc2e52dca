"""Work in a thread with an event loop of its own, so that what waits for other machines holds up neither tick nor page."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ruimte.jobs.live import LiveRoom

_log = logging.getLogger(__name__)


def apart(name: str, threads: int, work: Callable[[], Coroutine[Any, Any, None]]) -> threading.Thread:
    """Begin ``work`` in a loop that shares nothing with that of the pages, not even its ``threads``; the thread, to be joined.

    An error ends the work, and is logged.
    """

    def run() -> None:
        with asyncio.Runner() as runner:
            runner.get_loop().set_default_executor(ThreadPoolExecutor(threads, name))
            try:
                runner.run(work())
            except Exception:
                _log.exception("%s has ended", name)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


def noting(room: LiveRoom) -> Callable[[], None]:
    """What tells the room, from any thread, that somebody has written in the logbook. Call it in the room's event loop."""
    loop = asyncio.get_running_loop()

    def tell() -> None:
        with contextlib.suppress(RuntimeError):  # the pages have stopped
            loop.call_soon_threadsafe(room.note)

    return tell

"""Names of staff go when their time is over: at the node's start, every day, and when a privacy officer asks."""

from __future__ import annotations

import asyncio
import sqlite3

from ruimte.clock import SystemClock
from ruimte.store import records, staff
from ruimte.store.records import LogEntry
from ruimte.store.sqlite import Store

_EVERY_S = 24 * 3600.0


def forget_names(store: Store, lab_us: int, who: str = "system") -> int:
    """Delete the names whose time is over (the lab's ``retention.staff``). How many they were stands in the logbook."""
    wall_us = SystemClock().now_us()

    def work(connection: sqlite3.Connection) -> int:
        count = staff.forget_names(connection, wall_us)
        if count:
            body = {"lines": str(count)}
            records.append_log(connection, LogEntry(lab_us=lab_us, wall_us=wall_us, kind="forgotten", who=who, body=body))
        return count

    return store.write(work).result()


async def keep_forgetting(store: Store, every_s: float = _EVERY_S) -> None:
    """Forget at once, and then every day, until cancelled."""
    while True:
        await asyncio.to_thread(forget_names, store, SystemClock().now_us())
        await asyncio.sleep(every_s)

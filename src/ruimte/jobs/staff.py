"""What a lab keeps for a time only goes when that is over: names of staff, and lines of the logbook.

At the node's start and every day; names also when a privacy officer asks.
"""

from __future__ import annotations

import asyncio
import sqlite3

from ruimte.clock import SystemClock
from ruimte.store import contributions, records, staff
from ruimte.store.records import LogEntry
from ruimte.store.retention import purge_records
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


def purge(store: Store, logbook_us: int) -> int:
    """Delete lines of the logbook, closed warnings and what partners told, older than the lab keeps them (``retention.logbook``).

    Tells how many lines; that it was done is a line too.
    """
    now_us = SystemClock().now_us()
    before_us = now_us - logbook_us

    def work(connection: sqlite3.Connection) -> int:
        contributions.forget(connection, before_us)
        return purge_records(connection, before_us, now_us, now_us)

    return store.write(work).result()


async def keep_forgetting(store: Store, logbook_us: int, every_s: float = _EVERY_S) -> None:
    """Forget at once, and then every day, until cancelled."""
    while True:
        await asyncio.to_thread(forget_names, store, SystemClock().now_us())
        await asyncio.to_thread(purge, store, logbook_us)
        await asyncio.sleep(every_s)

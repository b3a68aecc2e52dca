"""The one way in which lines of the logbook and steps of warnings are ever deleted: their retention is over."""

from __future__ import annotations

import sqlite3

from ruimte.store import records
from ruimte.store.records import LogEntry


def purge_records(connection: sqlite3.Connection, before_us: int, now_us: int, wall_us: int) -> int:
    """Delete lines of the logbook from before ``before_us`` (lab time, µs) and warnings closed by then; tells how many lines.

    To be run as one piece of work of the writer. That it was done is a line of the logbook itself.
    """
    connection.execute("INSERT INTO purging (before_us) VALUES (?)", (before_us,))
    connection.execute("DELETE FROM staff_names WHERE log_id IN (SELECT id FROM logbook WHERE lab_us < ?)", (before_us,))
    lines = connection.execute("DELETE FROM logbook WHERE lab_us < ?", (before_us,)).rowcount
    steps = connection.execute(
        "DELETE FROM warnings WHERE id IN (SELECT w.id FROM warnings w JOIN"
        " (SELECT id, max(revision) AS revision FROM warnings GROUP BY id) last ON w.id = last.id AND w.revision = last.revision"
        " WHERE w.phase = 'closed' AND w.at_us < ?)",
        (before_us,),
    ).rowcount
    connection.execute("DELETE FROM purging")
    if lines or steps:
        body = {"lines": lines, "before": before_us}
        records.append_log(connection, LogEntry(lab_us=now_us, wall_us=wall_us, kind="purged", who="system", body=body))
    return lines

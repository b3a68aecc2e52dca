"""Names of staff beside the logbook: each is kept for a set time, and then gone from the file too."""

from __future__ import annotations

import sqlite3


def keep_name(connection: sqlite3.Connection, log_id: int, name: str, until_us: int) -> None:
    """Keep who did what a line of the logbook tells, until the wall's time ``until_us``."""
    connection.execute("INSERT INTO staff_names VALUES (?, ?, ?)", (log_id, name, until_us))


def forget_names(connection: sqlite3.Connection, now_us: int) -> int:
    """Delete the names whose time is over, and overwrite where they stood. Tells how many they were."""
    connection.execute("PRAGMA secure_delete = ON")
    try:
        return connection.execute("DELETE FROM staff_names WHERE until_us <= ?", (now_us,)).rowcount
    finally:
        connection.execute("PRAGMA secure_delete = OFF")

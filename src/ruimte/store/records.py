"""Warnings and the logbook in SQLite: every step is kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

import msgspec

from ruimte.model.warning import Warning  # noqa: A004 - the field's own word

_LINES = "SELECT id, lab_us, wall_us, kind, place, warning_id, who, body, name FROM logbook LEFT JOIN staff_names ON log_id = id"


class LogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the logbook: ``kind`` and ``body`` say what happened; words are made when it is read, in a reader's language.

    ``who`` is a role. ``name`` is filled when a line is read, as long as the name is kept (``ruimte.store.staff``).
    """

    lab_us: int
    wall_us: int
    kind: str
    who: str
    place: str | None = None
    warning: int | None = None
    body: dict[str, Any] = {}
    id: int = 0
    name: str | None = None


def append_warning(connection: sqlite3.Connection, warning: Warning, at_us: int) -> None:
    """Append a step of a warning's life."""
    connection.execute(
        "INSERT INTO warnings (id, revision, at_us, phase, body)"
        " SELECT ?1, coalesce(max(revision), 0) + 1, ?2, ?3, ?4 FROM warnings WHERE id = ?1",
        (warning.id, at_us, warning.phase, msgspec.json.encode(warning).decode()),
    )


def warnings(connection: sqlite3.Connection, at_us: int, closed_since_us: int) -> list[Warning]:
    """Warnings as they stood at ``at_us``: those not closed, and those closed after ``closed_since_us``; by id."""
    rows = connection.execute(
        "SELECT w.body FROM warnings w JOIN"
        " (SELECT id, max(revision) AS revision FROM warnings WHERE at_us <= ? GROUP BY id) last"
        " ON w.id = last.id AND w.revision = last.revision"
        " WHERE w.phase <> 'closed' OR w.at_us > ? ORDER BY w.id",
        (at_us, closed_since_us),
    )
    return [msgspec.json.decode(row[0], type=Warning) for row in rows]


def warning_steps(connection: sqlite3.Connection, from_us: int, until_us: int) -> list[tuple[int, Warning]]:
    """Every step, with its moment (µs), of the warnings that were open at some time in ``[from_us, until_us)``; by id and order.

    Steps from ``until_us`` on are left out: what came later was not known then.
    """
    rows = connection.execute(
        "SELECT at_us, body FROM warnings WHERE at_us < ?2 AND id NOT IN"
        " (SELECT id FROM warnings WHERE phase = 'closed' AND at_us < ?1) ORDER BY id, revision",
        (from_us, until_us),
    )
    return [(int(at_us), msgspec.json.decode(body, type=Warning)) for at_us, body in rows]


def last_warning_id(connection: sqlite3.Connection) -> int:
    """The highest id in use, 0 where there is none."""
    return int(connection.execute("SELECT coalesce(max(id), 0) FROM warnings").fetchone()[0])


def append_log(connection: sqlite3.Connection, entry: LogEntry) -> int:
    """Append a line to the logbook. Tells its id."""
    appended = connection.execute(
        "INSERT INTO logbook (lab_us, wall_us, kind, place, warning_id, who, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            entry.lab_us,
            entry.wall_us,
            entry.kind,
            entry.place,
            entry.warning,
            entry.who,
            msgspec.json.encode(entry.body).decode(),
        ),
    )
    return int(appended.lastrowid or 0)


def decisions(connection: sqlite3.Connection, since_us: int, until_us: int) -> list[LogEntry]:
    """Measures that were taken from ``since_us`` up to and with ``until_us``, the lab's time; oldest first."""
    wanted = "kind = 'decided' AND lab_us BETWEEN ? AND ?"
    return _entries(connection.execute(f"{_LINES} WHERE {wanted} ORDER BY id", (since_us, until_us)))


def log(connection: sqlite3.Connection, before: int | None, limit: int) -> list[LogEntry]:
    """Lines of the logbook, newest first, from below id ``before``."""
    return _entries(
        connection.execute(
            f"{_LINES} WHERE id < ? ORDER BY id DESC LIMIT ?",
            (before if before is not None else 2**62, limit),
        )
    )


def log_between(connection: sqlite3.Connection, from_us: int, until_us: int) -> list[LogEntry]:
    """Lines of the logbook with a lab time in ``[from_us, until_us)``, oldest first."""
    return _entries(connection.execute(f"{_LINES} WHERE lab_us >= ? AND lab_us < ? ORDER BY lab_us, id", (from_us, until_us)))


def _entries(rows: Iterable[tuple[Any, ...]]) -> list[LogEntry]:
    return [
        LogEntry(
            id=id_,
            lab_us=lab,
            wall_us=wall,
            kind=kind,
            place=place,
            warning=warning,
            who=who,
            body=msgspec.json.decode(body),
            name=name,
        )
        for id_, lab, wall, kind, place, warning, who, body, name in rows
    ]


def first_start(connection: sqlite3.Connection) -> int | None:
    """When a node ran on this database for the first time (lab time, µs); None where none did."""
    row = connection.execute("SELECT min(lab_us) FROM logbook WHERE kind = 'started'").fetchone()
    return None if row[0] is None else int(row[0])

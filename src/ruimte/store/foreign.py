"""What partners share with this node, in SQLite: messages as they were signed, the figures in them, and how each link stands.

A message, its figures and the id after which the link goes on are written in one transaction: whatever happens to the node,
nothing is missed and nothing kept twice.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

import msgspec


class Figure(NamedTuple):
    """One quantity of one place over ``[start_us, end_us)``; None is "not known", or "not told" where ``suppressed``."""

    place: str
    quantity: str
    start_us: int
    end_us: int
    value: float | str | None
    low: float | None
    high: float | None
    suppressed: bool


class ForeignWarning(NamedTuple):
    """A warning of a partner, as it was told last."""

    id: str
    made_us: int
    body: dict[str, Any]


class Message(NamedTuple):
    """One message: ``event`` is its id within the link, ``digest`` the SHA-256 of ``body`` (hex).

    Entry ``log_index`` of the provider's log commits to ``payload`` (JSON) with ``salt`` (base64url); ``made_us`` is the
    provider's time, ``delete_us`` when it has to be gone.
    """

    event: str
    kind: str
    made_us: int
    received_us: int
    agreement: str
    log_index: int
    salt: str
    digest: str
    signature: str
    body: bytes
    payload: str
    delete_us: int


class Cursor(NamedTuple):
    """Where a stream of a link is: after which event it goes on, and when that was made."""

    event: str
    made_us: int


class LinkState(msgspec.Struct, frozen=True, kw_only=True):
    """How a link stands. ``covered_us``: states are known up to there; ``[gap_from_us, gap_until_us)`` is still to be asked for.

    ``failing_since_us`` and ``trouble``: since when it is broken, and why; ``refused`` messages could not be verified,
    ``refusal`` tells of the last. ``checkpoint``: of the provider's log, the newest that follows from those before. ``proved``:
    how many receipts were found in it. ``distrusted_us``: since when the log is known to contradict itself.
    """

    key: str
    covered_us: int | None = None
    gap_from_us: int | None = None
    gap_until_us: int | None = None
    heard_us: int | None = None
    failing_since_us: int | None = None
    trouble: dict[str, Any] | None = None
    refused: int = 0
    refusal: dict[str, Any] | None = None
    checkpoint: str | None = None
    log_size: int = 0
    witnessed_us: int | None = None
    proved: int = 0
    distrusted_us: int | None = None
    distrust: dict[str, Any] | None = None
    places: dict[str, Any] | None = None


_JSON = frozenset({"trouble", "refusal", "distrust", "places"})
_FIELDS = tuple(LinkState.__struct_fields__)


def link(connection: sqlite3.Connection, key: str) -> LinkState:
    """How a link stands; one that is new stands at its beginning."""
    row = connection.execute(f"SELECT {', '.join(_FIELDS)} FROM foreign_links WHERE key = ?", (key,)).fetchone()
    if row is None:
        return LinkState(key=key)
    told = dict(zip(_FIELDS, row, strict=True))
    return LinkState(**{k: msgspec.json.decode(v) if k in _JSON and v is not None else v for k, v in told.items()})


def set_link(connection: sqlite3.Connection, key: str, **changes: Any) -> None:
    """Change fields of ``LinkState``."""
    if not changes.keys() < set(_FIELDS):
        raise ValueError(f"no such fields: {changes.keys() - set(_FIELDS)}")
    values = [msgspec.json.encode(v).decode() if k in _JSON and v is not None else v for k, v in changes.items()]
    connection.execute("INSERT OR IGNORE INTO foreign_links (key) VALUES (?)", (key,))
    connection.execute(f"UPDATE foreign_links SET {', '.join(f'{k} = ?' for k in changes)} WHERE key = ?", (*values, key))


def count_refusal(connection: sqlite3.Connection, key: str, refusal: dict[str, Any]) -> int:
    """Note that a message was refused. Tells how many were, before."""
    before = link(connection, key).refused
    set_link(connection, key, refused=before + 1, refusal=refusal)
    return before


def cursor(connection: sqlite3.Connection, key: str, stream: str) -> Cursor | None:
    """Where a stream is; None at its beginning."""
    row = connection.execute("SELECT event, made_us FROM foreign_cursors WHERE link = ? AND stream = ?", (key, stream)).fetchone()
    return None if row is None else Cursor(*row)


def append(
    connection: sqlite3.Connection,
    key: str,
    message: Message,
    figures: Collection[Figure] = (),
    warnings: Iterable[ForeignWarning] = (),
    *,
    stream: str = "",
    at: Cursor | None = None,
) -> bool:
    """Keep a message and what it tells; the ``stream`` goes on after ``at``. Gives False where it was there already.

    A figure of the past that is known stays as it was told first; a forecast replaces the one before of its places, and a message
    of warnings, which tells of all that stand, all before.
    """
    added = connection.execute(
        f"INSERT OR IGNORE INTO foreign_messages (link, {', '.join(Message._fields)}) VALUES (?{', ?' * len(Message._fields)})",
        (key, *message),
    )
    if at is not None:
        connection.execute("INSERT OR REPLACE INTO foreign_cursors VALUES (?, ?, ?, ?)", (key, stream, *at))
    if not added.rowcount:
        return False
    id_ = added.lastrowid
    kind = "forecast" if message.kind == "forecast" else "state"
    if kind == "forecast":
        places = {figure.place for figure in figures}
        connection.executemany(
            "DELETE FROM foreign_figures WHERE link = ? AND kind = 'forecast' AND place = ?", [(key, place) for place in places]
        )
    connection.executemany(
        f"INSERT OR IGNORE INTO foreign_figures (link, kind, {', '.join(Figure._fields)}, message)"
        f" VALUES (?, ?{', ?' * len(Figure._fields)}, ?)",
        [(key, kind, *figure, id_) for figure in figures],
    )
    if message.kind == "warning":
        connection.execute("DELETE FROM foreign_warnings WHERE link = ?", (key,))
    connection.executemany(
        "INSERT OR REPLACE INTO foreign_warnings VALUES (?, ?, ?, ?, ?)",
        [(key, w.id, w.made_us, msgspec.json.encode(w.body).decode(), id_) for w in warnings],
    )
    return True


def newest(connection: sqlite3.Connection, key: str) -> list[Figure]:
    """The states that were told last, by place and quantity."""
    rows = connection.execute(
        f"SELECT {', '.join(Figure._fields)} FROM foreign_figures WHERE message ="
        " (SELECT max(id) FROM foreign_messages WHERE link = ? AND kind = 'state') ORDER BY place, quantity",
        (key,),
    )
    return [_figure(row) for row in rows]


def figures(connection: sqlite3.Connection, key: str, kind: str, from_us: int, until_us: int) -> list[Figure]:
    """Figures that begin in ``[from_us, until_us)``, by time, place and quantity."""
    rows = connection.execute(
        f"SELECT {', '.join(Figure._fields)} FROM foreign_figures WHERE link = ? AND kind = ? AND start_us >= ? AND start_us < ?"
        " ORDER BY start_us, place, quantity",
        (key, kind, from_us, until_us),
    )
    return [_figure(row) for row in rows]


def warnings(connection: sqlite3.Connection, key: str) -> list[ForeignWarning]:
    """The warnings of a link that stand, newest first."""
    rows = connection.execute("SELECT id, made_us, body FROM foreign_warnings WHERE link = ? ORDER BY made_us DESC, id", (key,))
    return [ForeignWarning(id_, made_us, msgspec.json.decode(body)) for id_, made_us, body in rows]


def message_ids(connection: sqlite3.Connection, key: str, since_us: int = 0) -> list[int]:
    """Ids of the messages that are kept and came from ``since_us`` on, oldest first."""
    rows = connection.execute("SELECT id FROM foreign_messages WHERE link = ? AND received_us >= ? ORDER BY id", (key, since_us))
    return [int(row[0]) for row in rows]


def message(connection: sqlite3.Connection, id_: int) -> Message | None:
    """A message as it came; None where it is gone."""
    row = connection.execute(f"SELECT {', '.join(Message._fields)} FROM foreign_messages WHERE id = ?", (id_,)).fetchone()
    return None if row is None else Message(*row)


def forget(connection: sqlite3.Connection, now_us: int) -> int:
    """Delete the messages whose time is over, with all that they told, and overwrite where it stood. Tells how many."""
    connection.execute("PRAGMA secure_delete = ON")
    try:
        return connection.execute("DELETE FROM foreign_messages WHERE delete_us <= ?", (now_us,)).rowcount
    finally:
        connection.execute("PRAGMA secure_delete = OFF")


def remove(connection: sqlite3.Connection, keep: Collection[str]) -> int:
    """Delete all of the links that are no more. Tells how many messages that were."""
    marks = ", ".join("?" * len(keep))
    connection.execute(f"DELETE FROM foreign_links WHERE key NOT IN ({marks})", tuple(keep))
    connection.execute(f"DELETE FROM foreign_cursors WHERE link NOT IN ({marks})", tuple(keep))
    return connection.execute(f"DELETE FROM foreign_messages WHERE link NOT IN ({marks})", tuple(keep)).rowcount


def _figure(row: tuple[Any, ...]) -> Figure:
    return Figure._make((*row[:-1], bool(row[-1])))

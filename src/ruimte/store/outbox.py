"""The outbox in SQLite: what has to go out survives everything, until it was taken or given up.

Of one channel, target and warning only the oldest waiting step is ever due, so that steps arrive in their order.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import Any, NamedTuple

import msgspec

from ruimte.clock import DAY_US
from ruimte.model.warning import Warning  # noqa: A004 - the field's own word

KEPT_US = 30 * DAY_US
"""How long it is remembered what was sent, after it was."""

_HEAD = (
    "o.state = 'waiting' AND o.id = (SELECT min(p.id) FROM outbox p WHERE p.state = 'waiting' AND p.channel = o.channel"
    " AND p.target = o.target AND p.warning_id = o.warning_id)"
)


class Waiting(NamedTuple):
    """A step on its way to one receiver; times in µs, ``at_us`` the lab's, ``wall_us`` (when it was written) the wall's."""

    id: int
    channel: str
    target: str
    warning_id: int
    revision: int
    step: str
    at_us: int
    wall_us: int
    tries: int


class ChannelState(msgspec.Struct, frozen=True, kw_only=True):
    """How a channel does: how many steps wait, were sent and were given up in the last days; since when it takes nothing."""

    key: str
    waiting: int = 0
    sent: int = 0
    given_up: int = 0
    failing_since_us: int | None = None
    trouble: dict[str, Any] | None = None
    last_sent_us: int | None = None


def put(connection: sqlite3.Connection, channel: str, target: str, warning: int, step: str, *, at_us: int, wall_us: int) -> None:
    """Add the newest row of a warning, in the transaction that wrote it."""
    connection.execute(
        "INSERT INTO outbox (channel, target, warning_id, revision, step, at_us, wall_us, next_us)"
        " SELECT ?1, ?2, ?3, max(revision), ?4, ?5, ?6, ?6 FROM warnings WHERE id = ?3 HAVING max(revision) IS NOT NULL",
        (channel, target, warning, step, at_us, wall_us),
    )


def was_told(connection: sqlite3.Connection, channel: str, target: str, warning: int) -> bool:
    """Whether an earlier step of a warning went, or goes, to a receiver."""
    found = connection.execute(
        "SELECT 1 FROM outbox WHERE warning_id = ? AND channel = ? AND target = ? LIMIT 1", (warning, channel, target)
    )
    return found.fetchone() is not None


def due(connection: sqlite3.Connection, channel: str, now_us: int, limit: int, without: Collection[int] = ()) -> list[Waiting]:
    """What a channel has to send now, oldest first; of each warning and target one step at most, and none ``without``."""
    rows = connection.execute(
        "SELECT o.id, o.channel, o.target, o.warning_id, o.revision, o.step, o.at_us, o.wall_us, o.tries FROM outbox o"
        f" WHERE o.channel = ? AND o.next_us <= ? AND {_HEAD} AND o.id NOT IN ({_marks(without)}) ORDER BY o.id LIMIT ?",
        (channel, now_us, *without, limit),
    )
    return [Waiting(*row) for row in rows]


def next_us(connection: sqlite3.Connection, channel: str, without: Collection[int] = ()) -> int | None:
    """When a channel has something to send next, other than ``without``, µs; None where nothing waits."""
    found = connection.execute(
        f"SELECT min(o.next_us) FROM outbox o WHERE o.channel = ? AND {_HEAD} AND o.id NOT IN ({_marks(without)})",
        (channel, *without),
    ).fetchone()
    return None if found[0] is None else int(found[0])


def warning_of(connection: sqlite3.Connection, waiting: Waiting) -> Warning | None:
    """The warning as it stood at that step; None where it is not kept any more."""
    found = connection.execute(
        "SELECT body FROM warnings WHERE id = ? AND revision = ?", (waiting.warning_id, waiting.revision)
    ).fetchone()
    return None if found is None else msgspec.json.decode(found[0], type=Warning)


def earlier(connection: sqlite3.Connection, waiting: Waiting) -> tuple[int, ...]:
    """When the steps were taken that the same receiver was sent before, of the same warning; lab's time, µs."""
    rows = connection.execute(
        "SELECT at_us FROM outbox WHERE warning_id = ? AND channel = ? AND target = ? AND id < ? AND state = 'sent' ORDER BY id",
        (waiting.warning_id, waiting.channel, waiting.target, waiting.id),
    )
    return tuple(dict.fromkeys(int(row[0]) for row in rows))


def mark_sent(connection: sqlite3.Connection, waiting: Waiting, now_us: int) -> bool:
    """Note that a receiver took a step. Gives whether its channel had been failing."""
    connection.execute("UPDATE outbox SET state = 'sent', done_us = ?, trouble = NULL WHERE id = ?", (now_us, waiting.id))
    had = _failing(connection, waiting.channel)
    connection.execute(
        "INSERT INTO channels (key, last_sent_us) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE"
        " SET last_sent_us = ?2, failing_since_us = NULL, trouble = NULL",
        (waiting.channel, now_us),
    )
    return had


def mark_failed(
    connection: sqlite3.Connection, waiting: Waiting, trouble: dict[str, Any], now_us: int, again_us: int | None
) -> bool:
    """Note that a step was not taken: it is tried again at ``again_us``, or given up (None). Gives whether this is the channel's
    first failure."""
    text = msgspec.json.encode(trouble).decode()
    connection.execute(
        "UPDATE outbox SET state = ?, tries = tries + 1, next_us = ?, done_us = ?, trouble = ? WHERE id = ?",
        (
            "given-up" if again_us is None else "waiting",
            now_us if again_us is None else again_us,
            now_us if again_us is None else None,
            text,
            waiting.id,
        ),
    )
    if waiting.target:
        return False  # one of many receivers says nothing about the others
    had = _failing(connection, waiting.channel)
    connection.execute(
        "INSERT INTO channels (key, failing_since_us, trouble) VALUES (?1, ?2, ?3) ON CONFLICT (key) DO UPDATE"
        " SET failing_since_us = coalesce(failing_since_us, ?2), trouble = ?3",
        (waiting.channel, now_us, text),
    )
    return not had


def tidy(connection: sqlite3.Connection, channels: Collection[str], now_us: int) -> None:
    """Give up what waits for a channel that is no more, and forget what was done long ago."""
    marks = _marks(channels)
    connection.execute(
        "UPDATE outbox SET state = 'given-up', done_us = ?, trouble = '{\"why\":\"removed\"}'"
        f" WHERE state = 'waiting' AND channel NOT IN ({marks})",
        (now_us, *channels),
    )
    connection.execute(f"DELETE FROM channels WHERE key NOT IN ({marks})", tuple(channels))
    connection.execute("DELETE FROM outbox WHERE state <> 'waiting' AND done_us < ?", (now_us - KEPT_US,))


def states(connection: sqlite3.Connection) -> dict[str, ChannelState]:
    """How every channel does of which anything is known, by key. Empty for a database from before there was an outbox."""
    known = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE name IN ('outbox', 'channels')")}
    if len(known) < 2:
        return {}
    counts: dict[str, dict[str, int]] = {}
    for channel, state, count in connection.execute("SELECT channel, state, count(*) FROM outbox GROUP BY channel, state"):
        counts.setdefault(channel, {})[state.replace("-", "_")] = count
    rows = {row[0]: row[1:] for row in connection.execute("SELECT key, failing_since_us, trouble, last_sent_us FROM channels")}
    found = {}
    for key in counts.keys() | rows.keys():
        since_us, trouble, last_us = rows.get(key, (None, None, None))
        told = None if trouble is None else msgspec.json.decode(trouble)
        found[key] = ChannelState(key=key, failing_since_us=since_us, trouble=told, last_sent_us=last_us, **counts.get(key, {}))
    return found


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))


def _failing(connection: sqlite3.Connection, channel: str) -> bool:
    found = connection.execute("SELECT 1 FROM channels WHERE key = ? AND failing_since_us IS NOT NULL", (channel,))
    return found.fetchone() is not None

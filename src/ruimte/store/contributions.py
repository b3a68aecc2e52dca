"""What partners told about the lab, in SQLite. Of a kind, a party and a place the newest counts."""

from __future__ import annotations

import sqlite3
from typing import Any, NamedTuple

import msgspec


class Contributed(NamedTuple):
    """One thing told, by which organisation, under which agreement; times in µs of the wall's clock."""

    kind: str
    party: str
    party_name: str
    agreement: str
    place: str
    from_us: int
    until_us: int
    received_us: int
    body: dict[str, Any]


def append(connection: sqlite3.Connection, told: Contributed) -> int:
    """Keep it. Tells its id."""
    added = connection.execute(
        "INSERT INTO contributions (kind, party, party_name, agreement, place, from_us, until_us, received_us, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*told[:-1], msgspec.json.encode(told.body).decode()),
    )
    return int(added.lastrowid or 0)


def standing(connection: sqlite3.Connection, now_us: int) -> list[Contributed]:
    """What holds now or is still to come, by place and time: the newest of each kind, party and place."""
    rows = connection.execute(
        "SELECT kind, party, party_name, agreement, place, from_us, until_us, received_us, body FROM contributions"
        " WHERE until_us > ? AND id IN (SELECT max(id) FROM contributions GROUP BY kind, party, place)"
        " ORDER BY place, from_us, id",
        (now_us,),
    )
    return [Contributed._make((*row[:-1], msgspec.json.decode(row[-1]))) for row in rows]


def forget(connection: sqlite3.Connection, before_us: int) -> int:
    """Delete what was over before a moment. Tells how many."""
    return connection.execute("DELETE FROM contributions WHERE until_us < ?", (before_us,)).rowcount

"""A signed message is taken once: of each key the highest sequence number is kept, in the transaction that stores the message."""

from __future__ import annotations

import sqlite3

from ruimte.errors import RuimteError

_RAISE = (
    "INSERT INTO sequences (key_id, last) VALUES (?, ?) ON CONFLICT (key_id) DO UPDATE SET last = excluded.last"
    " WHERE excluded.last > last"
)


def accept_sequence(connection: sqlite3.Connection, key_id: str, sequence: int) -> None:
    """Note the sequence number of a message signed by a key (its thumbprint); ``RuimteError`` unless it is above all before.

    A new key starts anew: what its predecessor signed is refused by its signature.
    """
    if connection.execute(_RAISE, (key_id, sequence)).rowcount == 0:
        raise _sent_before()


def require_new(connection: sqlite3.Connection, key_id: str, sequence: int) -> None:
    """Raise ``RuimteError`` where a message with this sequence number, or a higher one, was taken already; notes nothing."""
    row = connection.execute("SELECT last FROM sequences WHERE key_id = ?", (key_id,)).fetchone()
    if row is not None and sequence <= row[0]:
        raise _sent_before()


def _sent_before() -> RuimteError:
    return RuimteError("was sent before: its sequence number is not above the last", "signature", "count up with each message")

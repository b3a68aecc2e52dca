"""Webhooks of partners: where to, what, and up to which event it was taken. In a small file of their own beside the database."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any, Self

import msgspec

from ruimte.store.beside import open_beside, unusable

_VERSION = 1
_SCHEMA = """
CREATE TABLE webhooks (
  id               TEXT PRIMARY KEY,
  party            TEXT NOT NULL,
  purpose          TEXT NOT NULL,
  address          TEXT NOT NULL,
  origin           TEXT NOT NULL,  -- what the node calls itself to the receiver
  kind             TEXT NOT NULL,
  places           TEXT NOT NULL,  -- JSON list
  quantities       TEXT NOT NULL,  -- JSON list
  step             TEXT NOT NULL,
  agreement        TEXT NOT NULL,
  made_us          INTEGER NOT NULL,
  last_id          TEXT,           -- the last event that was taken
  last_us          INTEGER,
  failing_since_us INTEGER,
  trouble          TEXT,
  ended_us         INTEGER,
  reason           TEXT,
  key              TEXT NOT NULL DEFAULT ''  -- thumbprint of the key by which the party asked for it
) WITHOUT ROWID
"""
_COLUMNS = (
    "id, party, purpose, address, origin, kind, places, quantities, step, agreement, made_us, last_id, last_us,"
    " failing_since_us, trouble, ended_us, reason, key"
)


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """One webhook; times are the wall's, µs. ``origin`` is the name under which the node sends; ``key`` the thumbprint of the key
    by which the party asked for it: once that is the party's no more it ends.

    ``reason`` says why it has ended, ``trouble`` why the last try failed.
    """

    id: str
    party: str
    purpose: str
    address: str
    origin: str
    kind: str
    places: tuple[str, ...] = ()
    quantities: tuple[str, ...] = ()
    step: str = ""
    agreement: str = ""
    made_us: int
    last_id: str | None = None
    last_us: int | None = None
    failing_since_us: int | None = None
    trouble: str | None = None
    ended_us: int | None = None
    reason: str | None = None
    key: str = ""


class WebhookFile:
    """The webhooks of one lab. Safe to use from several threads; each method waits for the disk, and raises ``RuimteError`` where
    that fails."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection = open_beside(path, _SCHEMA, _VERSION, "webhooks")
        try:
            if not self._connection.execute("SELECT 1 FROM pragma_table_info('webhooks') WHERE name = 'key'").fetchone():
                self._connection.execute("ALTER TABLE webhooks ADD COLUMN key TEXT NOT NULL DEFAULT ''")  # older files
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise unusable(path, error, "webhooks") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def all(self, party: str | None = None) -> list[Webhook]:
        """All webhooks, or those of one party, oldest first."""
        return self._rows(f"SELECT {_COLUMNS} FROM webhooks WHERE party = ?1 OR ?1 IS NULL ORDER BY made_us, id", (party,))

    def get(self, key: str) -> Webhook | None:
        """One webhook; None where it was removed."""
        found = self._rows(f"SELECT {_COLUMNS} FROM webhooks WHERE id = ?", (key,))
        return found[0] if found else None

    def put(self, webhook: Webhook) -> None:
        """Keep a new one."""
        values = [_plain(getattr(webhook, name)) for name in _COLUMNS.replace(" ", "").split(",")]
        self._change(f"INSERT INTO webhooks ({_COLUMNS}) VALUES ({', '.join('?' * len(values))})", tuple(values))

    def remove(self, party: str, key: str) -> bool:
        """Remove one of a party. Gives whether there was one."""
        return self._change("DELETE FROM webhooks WHERE id = ? AND party = ?", (key, party)) > 0

    def taken(self, key: str, event: str, now_us: int) -> None:
        """Its receiver has taken an event, and all before it."""
        self._change(
            "UPDATE webhooks SET last_id = ?, last_us = ?, failing_since_us = NULL, trouble = NULL WHERE id = ?",
            (event, now_us, key),
        )

    def failed(self, key: str, trouble: str, now_us: int) -> None:
        """A try failed."""
        self._change(
            "UPDATE webhooks SET trouble = ?, failing_since_us = coalesce(failing_since_us, ?) WHERE id = ?",
            (trouble, now_us, key),
        )

    def ended(self, key: str, reason: str, now_us: int) -> None:
        """Nothing more is sent."""
        self._change("UPDATE webhooks SET ended_us = ?, reason = ? WHERE id = ?", (now_us, reason, key))

    def forget(self, before_us: int) -> None:
        """Delete those that ended before a time."""
        self._change("DELETE FROM webhooks WHERE ended_us < ?", (before_us,))

    def _rows(self, statement: str, values: tuple[Any, ...]) -> list[Webhook]:
        with self._lock:
            try:
                rows = self._connection.execute(statement, values).fetchall()
            except sqlite3.DatabaseError as error:
                raise unusable(self._path, error, "webhooks") from None
        return [_webhook(row) for row in rows]

    def _change(self, statement: str, values: tuple[Any, ...]) -> int:
        with self._lock:
            try:
                return self._connection.execute(statement, values).rowcount
            except sqlite3.DatabaseError as error:
                raise unusable(self._path, error, "webhooks") from None


def _webhook(row: tuple[Any, ...]) -> Webhook:
    told = dict(zip(_COLUMNS.replace(" ", "").split(","), row, strict=True))
    lists = {name: tuple(msgspec.json.decode(told[name], type=list[str])) for name in ("places", "quantities")}
    return Webhook(**(told | lists))


def _plain(value: object) -> object:
    return msgspec.json.encode(value).decode() if isinstance(value, tuple) else value

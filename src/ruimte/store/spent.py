"""Assertions of partners are taken once, also after a restart, and whatever becomes of the clock.

No clock is asked here. Of each party its newest moment is kept (by its own clock, which it signed), and the numbers of those
assertions that had not expired by then. An assertion that had is refused: whether it was seen is no longer known. So little is
kept, nothing has to be cleared away, and a clock that is set back makes nothing new again.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from pathlib import Path
from typing import Self

from ruimte.keys.jwt import LEEWAY_S
from ruimte.store.beside import open_beside, unusable

_HOLDS = "assertions that were seen"
_VERSION = 1
_SCHEMA = """
CREATE TABLE parties (
  party  BLOB PRIMARY KEY,  -- SHA-256 of its id
  newest REAL NOT NULL      -- the latest moment that it signed, seconds since 1970
) WITHOUT ROWID;
CREATE TABLE spent (
  party   BLOB NOT NULL,
  id      BLOB NOT NULL,    -- SHA-256 of the assertion's number
  expires REAL NOT NULL,
  PRIMARY KEY (party, id)
) WITHOUT ROWID
"""
_NEWEST = (
    "INSERT INTO parties (party, newest) VALUES (?, ?)"
    " ON CONFLICT (party) DO UPDATE SET newest = max(newest, excluded.newest) RETURNING newest"
)


class Spent:
    """What was spent, in the file at ``path``. Any thread may ask. Raises ``RuimteError`` where the file cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection = open_beside(path, _SCHEMA, _VERSION, _HOLDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def spend(self, party: str, id_: str, issued_s: float, expires_s: float) -> bool:
        """Whether this assertion is new; from now on it is not. On the disk when this comes back.

        ``issued_s``, ``expires_s``: when it holds, by the party's clock. Raises ``RuimteError`` where that cannot be written.
        """
        whose, which = (hashlib.sha256(text.encode()).digest() for text in (party, id_))
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    is_new = self._spend(whose, which, issued_s, expires_s)
                except BaseException:
                    self._connection.execute("ROLLBACK")
                    raise
                self._connection.execute("COMMIT" if is_new else "ROLLBACK")
            except sqlite3.DatabaseError as error:
                raise unusable(self._path, error, _HOLDS) from None
        return is_new

    def _spend(self, party: bytes, id_: bytes, issued_s: float, expires_s: float) -> bool:
        ask = self._connection.execute
        newest = float(ask(_NEWEST, (party, issued_s)).fetchone()[0])
        if expires_s + LEEWAY_S <= newest:
            return False
        ask("DELETE FROM spent WHERE party = ? AND expires <= ?", (party, newest - LEEWAY_S))
        return ask("INSERT OR IGNORE INTO spent VALUES (?, ?, ?)", (party, id_, expires_s)).rowcount == 1

"""What was drawn and what was spent of the privacy budget, in a small file beside the lab's database: ``LAB.noise.db``.

It keeps figures as they were told, never as they were. Noise that waits for its step is deleted in the same transaction in which
the step is told, so that the file never holds both.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

from ruimte.store.beside import open_beside, unusable

_VERSION = 1
_SCHEMA = """
CREATE TABLE days (
  day     TEXT PRIMARY KEY,  -- the lab's local date
  epsilon INTEGER NOT NULL   -- the lab's budget when the day was first opened, millionths
) WITHOUT ROWID;
CREATE TABLE mechanisms (
  day       TEXT NOT NULL,
  quantity  TEXT NOT NULL,
  mechanism TEXT NOT NULL,   -- JSON; fixed once the day is opened
  PRIMARY KEY (day, quantity)
) WITHOUT ROWID;
CREATE TABLE spent (
  day       TEXT NOT NULL,
  recipient TEXT NOT NULL,
  quantity  TEXT NOT NULL,
  epsilon   INTEGER NOT NULL,
  reserved  INTEGER NOT NULL,
  PRIMARY KEY (day, recipient, quantity)
) WITHOUT ROWID;
CREATE TABLE series (
  day      TEXT NOT NULL,
  quantity TEXT NOT NULL,
  place    TEXT NOT NULL,
  drawn_us INTEGER NOT NULL,
  PRIMARY KEY (day, quantity, place)
) WITHOUT ROWID;
CREATE TABLE waiting (
  quantity TEXT NOT NULL,
  place    TEXT NOT NULL,
  start_us INTEGER NOT NULL,
  day      TEXT NOT NULL,
  noise    INTEGER NOT NULL,
  PRIMARY KEY (quantity, place, start_us)
) WITHOUT ROWID;
CREATE TABLE told (
  quantity TEXT NOT NULL,
  place    TEXT NOT NULL,
  start_us INTEGER NOT NULL,
  day      TEXT NOT NULL,
  units    INTEGER NOT NULL, -- the figure with its noise
  PRIMARY KEY (quantity, place, start_us)
) WITHOUT ROWID;
CREATE TABLE closed (
  id  INTEGER PRIMARY KEY CHECK (id = 1),
  day TEXT NOT NULL          -- days before this one are deleted, and are never drawn again
)
"""


class Spent(NamedTuple):
    """What a recipient paid on a day for a quantity, and what was reserved for it; millionths of ε."""

    recipient: str
    quantity: str
    epsilon: int
    reserved: int


class NoiseFile:
    """The file at ``path``. What reads before it writes does so ``alone``; a process that dies leaves all of that or nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._connection = open_beside(path, _SCHEMA, _VERSION, "privacy noise")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One transaction, which nobody else's comes between; durable when it is over."""
        with self._lock:
            self._do("BEGIN IMMEDIATE")
            try:
                yield
                self._do("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def budget(self, day: str) -> int | None:
        """The lab's budget of a day that was opened."""
        found = self._do("SELECT epsilon FROM days WHERE day = ?", day)
        return found[0][0] if found else None

    def begin(self, day: str, epsilon: int) -> None:
        self._do("INSERT INTO days VALUES (?, ?)", day, epsilon)

    def mechanism(self, day: str, quantity: str) -> str | None:
        """How noise is drawn for a quantity that was opened on a day."""
        found = self._do("SELECT mechanism FROM mechanisms WHERE day = ? AND quantity = ?", day, quantity)
        return found[0][0] if found else None

    def fix(self, day: str, quantity: str, mechanism: str) -> None:
        self._do("INSERT INTO mechanisms VALUES (?, ?, ?)", day, quantity, mechanism)

    def spent(self, day: str) -> list[Spent]:
        """All that was paid on a day."""
        query = "SELECT recipient, quantity, epsilon, reserved FROM spent WHERE day = ? ORDER BY recipient, quantity"
        return [Spent(*row) for row in self._do(query, day)]

    def pay(self, day: str, recipient: str, quantity: str, epsilon: int, reserved: int) -> None:
        self._do("INSERT INTO spent VALUES (?, ?, ?, ?, ?)", day, recipient, quantity, epsilon, reserved)

    def is_drawn(self, day: str, quantity: str, place: str) -> bool:
        """Whether a place's noise of a day was drawn."""
        return bool(self._do("SELECT 1 FROM series WHERE day = ? AND quantity = ? AND place = ?", day, quantity, place))

    def draw(self, day: str, quantity: str, place: str, noise: Iterable[tuple[int, int]], now_us: int) -> None:
        """Keep a place's noise (start of the step in µs, units) until its steps are told. A step that has some keeps it."""
        self._do("INSERT INTO series VALUES (?, ?, ?, ?)", day, quantity, place, now_us)
        rows = [(quantity, place, start_us, day, units) for start_us, units in noise]
        self._many("INSERT OR IGNORE INTO waiting VALUES (?, ?, ?, ?, ?)", rows)

    def tell(self, quantity: str, place: str, figures: Sequence[tuple[int, int]]) -> None:
        """Add figures (start of the step in µs, units) to the noise that waits for them; one that is told already stays."""
        query = (
            "INSERT OR IGNORE INTO told SELECT quantity, place, start_us, day, noise + ? FROM waiting"
            " WHERE quantity = ? AND place = ? AND start_us = ?"
        )
        self._many(query, [(units, quantity, place, start_us) for start_us, units in figures])
        steps = [(quantity, place, start_us) for start_us, _ in figures]
        self._many("DELETE FROM waiting WHERE quantity = ? AND place = ? AND start_us = ?", steps)

    def told(self, quantity: str, place: str, from_us: int, until_us: int) -> list[tuple[int, int]]:
        """What was told of the steps of a place that begin in [``from_us``, ``until_us``): start, units."""
        query = "SELECT start_us, units FROM told WHERE quantity = ? AND place = ? AND start_us >= ? AND start_us < ?"
        return self._do(query, quantity, place, from_us, until_us)

    def first_day(self) -> str:
        """Days before this one are closed for ever."""
        found = self._do("SELECT day FROM closed")
        return found[0][0] if found else ""

    def forget(self, before_day: str) -> int:
        """Delete the days before this one, and close them; gives how many figures that were."""
        with self.alone():
            deleted = self._do("SELECT count(*) FROM told WHERE day < ?", before_day)[0][0]
            for table in ("told", "waiting", "series", "mechanisms", "spent", "days"):
                self._do(f"DELETE FROM {table} WHERE day < ?", before_day)
            self._do("INSERT INTO closed VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET day = max(day, excluded.day)", before_day)
        return int(deleted)

    def end_waiting(self, before_us: int) -> None:
        """Delete noise that was drawn before this, and that no step came for: those steps are never told."""
        drawn = "SELECT day, quantity, place FROM series WHERE drawn_us < ?"
        self._do(f"DELETE FROM waiting WHERE (day, quantity, place) IN ({drawn})", before_us)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _do(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._connection.execute(statement, values).fetchall()
            except sqlite3.DatabaseError as error:
                raise unusable(self.path, error, "privacy noise") from None

    def _many(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        with self._lock:
            try:
                self._connection.executemany(statement, rows)
            except sqlite3.DatabaseError as error:
                raise unusable(self.path, error, "privacy noise") from None

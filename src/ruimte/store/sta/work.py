"""One write: its connection, its moment, and what it touched."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field


@dataclass(slots=True)
class Touched:
    """What a write did: the entity that it was about, every entity that was made (also by deep insert, and those that the server
    makes by itself), the names of properties and links that changed, and the datastreams whose observations did."""

    entity: str
    id: int
    created: list[tuple[str, int]] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    streams: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Work:
    """A write under way, inside a transaction that is undone as a whole where anything in it raises."""

    connection: sqlite3.Connection
    now_us: int
    touched: Touched

    def made(self, entity: str, id_: int) -> int:
        """Note a new entity."""
        self.touched.created.append((entity, id_))
        return id_

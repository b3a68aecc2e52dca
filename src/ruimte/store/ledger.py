"""The transparency log's file: entries, the hashes of their tree, checkpoints, and what was committed to.

A file of its own beside the lab's database. Entries and hashes are only ever added to, which triggers hold; payloads and their
salts can be deleted, for they are what an entry only commits to.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ruimte.errors import RuimteError
from ruimte.ledger import tree
from ruimte.ledger.checkpoint import Checkpoint, open_checkpoint
from ruimte.ledger.note import NoteKey
from ruimte.store.beside import open_beside

HOLDS = "the transparency log"
RESTORE = "put back a copy that is whole, and keep this file: it is evidence"
_VERSION = 1
_SCHEMA = """
CREATE TABLE entries (
  position INTEGER PRIMARY KEY,
  leaf     BLOB NOT NULL
);
CREATE TABLE nodes (
  level    INTEGER NOT NULL,  -- from 1; the hash of a leaf is made from its entry
  position INTEGER NOT NULL,
  hash     BLOB NOT NULL,
  PRIMARY KEY (level, position)
) WITHOUT ROWID;
CREATE TABLE payloads (
  position INTEGER PRIMARY KEY,
  at       INTEGER NOT NULL,  -- seconds since 1970
  salt     BLOB NOT NULL,
  payload  BLOB NOT NULL      -- canonical JSON
);
CREATE INDEX payloads_by_at ON payloads (at);
CREATE TABLE checkpoints (  -- the last, and those that were cosigned
  size INTEGER PRIMARY KEY,
  note TEXT NOT NULL        -- without cosignatures
);
CREATE TABLE cosignatures (
  size INTEGER NOT NULL,
  name TEXT NOT NULL,
  at   INTEGER NOT NULL,    -- seconds since 1970
  line TEXT NOT NULL,
  PRIMARY KEY (size, name, line)
) WITHOUT ROWID;
CREATE TABLE witnessed (    -- the largest tree of other logs that was cosigned
  origin TEXT PRIMARY KEY,
  size   INTEGER NOT NULL,
  root   BLOB NOT NULL,
  note   TEXT NOT NULL,
  at     INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE facts (        -- what was logged last of things that change, so that only changes are logged
  key     TEXT PRIMARY KEY,
  payload BLOB NOT NULL     -- canonical JSON
) WITHOUT ROWID;
CREATE TRIGGER entries_stay BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'entries are never deleted'); END;
CREATE TRIGGER entries_are_fixed BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'entries never change'); END;
CREATE TRIGGER nodes_stay BEFORE DELETE ON nodes BEGIN SELECT RAISE(ABORT, 'hashes are never deleted'); END;
CREATE TRIGGER nodes_are_fixed BEFORE UPDATE ON nodes BEGIN SELECT RAISE(ABORT, 'hashes never change'); END
"""


class NewEntry(NamedTuple):
    """An entry to be put into the log: its bytes, and what it commits to (canonical JSON) with its salt."""

    leaf: bytes
    at: int
    salt: bytes
    payload: bytes


class Cosignature(NamedTuple):
    """A witness's line under the checkpoint of ``size`` entries; ``at`` in seconds since 1970."""

    size: int
    name: str
    at: int
    line: str


def open_ledger(path: Path) -> sqlite3.Connection:
    """The file, made where it is missing. Raises ``RuimteError`` where it cannot be used."""
    return open_beside(path, _SCHEMA, _VERSION, HOLDS)


class StoredNodes:
    """The hashes of full subtrees, as a proof reads them (``ruimte.ledger.tree.Nodes``)."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def node(self, level: int, index: int) -> bytes:
        if level == 0:
            return tree.leaf_hash(leaf(self._connection, index))
        found = self._connection.execute(
            "SELECT CAST(hash AS BLOB) FROM nodes WHERE level = ? AND position = ?", (level, index)
        ).fetchone()
        if found is None:
            raise RuimteError(f"the hash of subtree {level}/{index} is not there", "transparency log", RESTORE)
        return bytes(found[0])


def size(connection: sqlite3.Connection) -> int:
    """How many entries there are."""
    found = connection.execute("SELECT max(position) FROM entries").fetchone()[0]
    return 0 if found is None else int(found) + 1


def leaf(connection: sqlite3.Connection, index: int) -> bytes:
    """The bytes of an entry. Raises ``RuimteError`` where it is not there."""
    found = connection.execute("SELECT CAST(leaf AS BLOB) FROM entries WHERE position = ?", (index,)).fetchone()
    if found is None:
        raise RuimteError(f"entry {index} is not there", "transparency log", f"choose one below {size(connection)}")
    return bytes(found[0])


def leaves(connection: sqlite3.Connection, start: int, end: int) -> Iterator[bytes]:
    """The bytes of the entries [start, end), in order."""
    rows = connection.execute(
        "SELECT CAST(leaf AS BLOB) FROM entries WHERE position >= ? AND position < ? ORDER BY position", (start, end)
    )
    return (bytes(row[0]) for row in rows)


def append(connection: sqlite3.Connection, before: int, entries: Sequence[NewEntry]) -> None:
    """Put entries behind the ``before`` that are there, with the hashes of the subtrees that they complete."""
    nodes = StoredNodes(connection)
    for index, entry in enumerate(entries, before):
        connection.execute("INSERT INTO entries VALUES (?, ?)", (index, entry.leaf))
        made = tree.completed(nodes, index, tree.leaf_hash(entry.leaf))
        connection.executemany("INSERT INTO nodes VALUES (?, ?, ?)", made[1:])
        connection.execute("INSERT INTO payloads VALUES (?, ?, ?, ?)", (index, entry.at, entry.salt, entry.payload))


def put_checkpoint(connection: sqlite3.Connection, size: int, note: str) -> None:
    """Keep the newest checkpoint; the one before goes, unless a witness cosigned it."""
    connection.execute(
        "DELETE FROM checkpoints WHERE size = (SELECT max(size) FROM checkpoints WHERE size <> ?1)"
        " AND NOT EXISTS (SELECT 1 FROM cosignatures c WHERE c.size = checkpoints.size)",
        (size,),
    )
    connection.execute(
        "INSERT INTO checkpoints VALUES (?, ?) ON CONFLICT (size) DO UPDATE SET note = excluded.note", (size, note)
    )


def last_checkpoint(connection: sqlite3.Connection) -> tuple[int, str] | None:
    """The newest checkpoint's size and note, without cosignatures."""
    found = connection.execute("SELECT size, note FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone()
    return None if found is None else (int(found[0]), str(found[1]))


def cosigned_after(connection: sqlite3.Connection, index: int) -> int | None:
    """The size of the newest cosigned checkpoint that holds an entry; None where there is none."""
    found = connection.execute("SELECT max(size) FROM cosignatures WHERE size > ?", (index,)).fetchone()[0]
    return None if found is None else int(found)


def cosignatures(connection: sqlite3.Connection, size: int) -> list[Cosignature]:
    """Those under the checkpoint of a size, oldest first."""
    rows = connection.execute("SELECT size, name, at, line FROM cosignatures WHERE size = ? ORDER BY at, name", (size,))
    return [Cosignature(*row) for row in rows]


def last_cosignatures(connection: sqlite3.Connection) -> list[Cosignature]:
    """Of each witness the one under the largest checkpoint."""
    rows = connection.execute("SELECT max(size), name, max(at), line FROM cosignatures GROUP BY name ORDER BY name")
    return [Cosignature(*row) for row in rows]


def put_cosignatures(connection: sqlite3.Connection, note: str, lines: Sequence[Cosignature]) -> None:
    """Keep cosignatures under the checkpoint whose ``note`` (without them) is given: of each witness the last of each day (UTC).

    A later one says all that an earlier one said, but for the time; and a witness may look every minute.
    """
    for each in lines:
        connection.execute("INSERT INTO checkpoints VALUES (?, ?) ON CONFLICT DO NOTHING", (each.size, note))
        connection.execute("DELETE FROM cosignatures WHERE size = ? AND name = ?", (each.size, each.name))
        connection.execute("INSERT INTO cosignatures VALUES (?, ?, ?, ?)", each)
        connection.execute(
            "DELETE FROM cosignatures WHERE name = ? AND size < ? AND at / 86400 = ?", (each.name, each.size, each.at // 86400)
        )
    connection.execute(
        "DELETE FROM checkpoints WHERE size < (SELECT max(size) FROM checkpoints)"
        " AND NOT EXISTS (SELECT 1 FROM cosignatures c WHERE c.size = checkpoints.size)"
    )


def payload(connection: sqlite3.Connection, index: int) -> tuple[bytes, bytes] | None:
    """Salt and payload of an entry; None where they are not kept any more."""
    found = connection.execute("SELECT salt, payload FROM payloads WHERE position = ?", (index,)).fetchone()
    return None if found is None else (bytes(found[0]), bytes(found[1]))


def forget(connection: sqlite3.Connection, before: int) -> int:
    """Delete salts and payloads of entries from before a time (seconds since 1970); how many."""
    return connection.execute("DELETE FROM payloads WHERE at < ?", (before,)).rowcount


def seen(connection: sqlite3.Connection, origin: str) -> tuple[int, bytes] | None:
    """Size and root of the largest tree of another log that was cosigned."""
    found = connection.execute("SELECT size, root FROM witnessed WHERE origin = ?", (origin,)).fetchone()
    return None if found is None else (int(found[0]), bytes(found[1]))


def put_seen(connection: sqlite3.Connection, said: Checkpoint, note: str, at: int) -> None:
    """Note what of another log was cosigned; it never goes back to a smaller one."""
    connection.execute(
        "INSERT INTO witnessed VALUES (?, ?, ?, ?, ?) ON CONFLICT (origin) DO UPDATE SET size = excluded.size,"
        " root = excluded.root, note = excluded.note, at = excluded.at WHERE excluded.size >= witnessed.size",
        (said.origin, said.size, said.root, note, at),
    )


def forget_seen(connection: sqlite3.Connection, origin: str) -> None:
    """Begin anew with another log: what is cosigned next need not follow from before."""
    connection.execute("DELETE FROM witnessed WHERE origin = ?", (origin,))


def check(connection: sqlite3.Connection, keys: Sequence[NoteKey], where: str) -> None:
    """Look whether entries and hashes are those that the last checkpoint was signed over, by reading all of them.

    ``keys``: those that the log may have signed with. Raises ``RuimteError`` where something was cut off, changed or added behind
    the log's back. About 2 µs an entry.
    """
    connection.execute("BEGIN")  # a node may be writing
    try:
        last, there = last_checkpoint(connection), size(connection)
        if last is None:
            if there:
                raise RuimteError("has entries, but no checkpoint: it was tampered with", where, RESTORE)
            return
        said = _signed_by_one_of(keys, last[1], where)
        if there != said.size or connection.execute("SELECT count(*) FROM entries").fetchone()[0] != there:
            raise RuimteError(f"should hold {said.size} entries and holds others: cut back, or added to", where, RESTORE)
        frontier = tree.Frontier()
        for each in leaves(connection, 0, there):
            frontier.push(each)
        if said.root != frontier.root() or said.root != _root(connection, there):
            raise RuimteError("does not fit its last signed checkpoint: an entry or a hash was changed", where, RESTORE)
    finally:
        connection.execute("ROLLBACK")


def _root(connection: sqlite3.Connection, size: int) -> bytes | None:
    """The root by the hashes that are kept; None where one is missing."""
    try:
        return tree.root(StoredNodes(connection), size)
    except RuimteError:
        return None


def _signed_by_one_of(keys: Sequence[NoteKey], note: str, where: str) -> Checkpoint:
    for key in keys[:-1]:
        with contextlib.suppress(RuimteError):
            return open_checkpoint(note, key, where)[0]
    return open_checkpoint(note, keys[-1], where)[0]


def facts(connection: sqlite3.Connection) -> dict[str, bytes]:
    """What was logged last of each thing that changes (canonical JSON), by its key."""
    return {key: bytes(payload) for key, payload in connection.execute("SELECT key, payload FROM facts")}


def put_facts(connection: sqlite3.Connection, payloads: Mapping[str, bytes]) -> None:
    """Remember what was logged of things that change."""
    connection.executemany("INSERT OR REPLACE INTO facts (key, payload) VALUES (?, ?)", payloads.items())


def origin(path: Path) -> str | None:
    """What the log in a file is called; None where there is no log yet."""
    if not path.exists():
        return None
    with contextlib.closing(open_ledger(path)) as connection:
        last = last_checkpoint(connection)
    return None if last is None else last[1].split("\n", 1)[0]

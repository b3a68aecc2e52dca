"""A whole log as one text file: its checkpoint, and below it the entries, one a line. It can be checked without the node."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, NamedTuple

import msgspec

from ruimte.errors import RuimteError
from ruimte.jobs.log import MOST_ENTRIES, Log
from ruimte.ledger.checkpoint import Checkpoint, parse
from ruimte.ledger.note import MOST_BYTES, read_note
from ruimte.ledger.tree import Frontier

EXPORT = "ruimte-log@v1"
"""The first line of the file."""

_MOST_LEAF_BYTES = 65_536
_TELL_EVERY = 20_000


class Read(NamedTuple):
    """What was read of an export: its checkpoint (a signed note), what that says, and when the first and last entry are of."""

    note: str
    said: Checkpoint
    first_at: int | None
    last_at: int | None


class _Leaf(msgspec.Struct):
    """Of an entry no more than its time."""

    at: int


def write_export(log: Log, out: Path, progress: Callable[[float], None]) -> Checkpoint:
    """Write the log to a new file, whole or not at all. Returns what its checkpoint says.

    Raises ``RuimteError`` where it cannot be written, or is there already: an older export is evidence.
    """
    there = RuimteError("is there already", str(out), "choose another name, or move it away")
    if out.exists():
        raise there
    note = log.checkpoint()
    said = parse(read_note(note))
    part = out.with_name(f"{out.name}.part")
    try:
        with part.open("wb") as file:
            file.write(f"{EXPORT}\n{note}\n".encode())
            for start in range(0, said.size, MOST_ENTRIES):
                file.writelines(leaf + b"\n" for leaf in log.entries(start, min(MOST_ENTRIES, said.size - start)))
                progress(start / said.size)
            file.flush()
            os.fsync(file.fileno())
        os.link(part, out)  # unlike a rename this does not replace what is there
    except FileExistsError:
        raise there from None
    except OSError as error:
        raise RuimteError(f"cannot be written ({error.strerror})", str(out), "choose another file") from None
    finally:
        part.unlink(missing_ok=True)
    return said


def read_export(path: Path, older: Checkpoint | None, progress: Callable[[float], None]) -> Read:
    """Read an export and hold its entries against the checkpoint in it, and against the beginning that an ``older`` one tells of.

    Who signed is for the caller to check. Raises ``RuimteError`` where something does not fit. About 2 µs an entry.
    """
    where, frontier, older_root = str(path), Frontier(), None
    first_at = last_at = None
    with path.open("rb") as file:
        whole = max(path.stat().st_size, 1)
        note = _head(file, where)
        said = parse(read_note(note, where), where)
        while line := file.readline(_MOST_LEAF_BYTES):
            if older is not None and frontier.size == older.size:
                older_root = frontier.root()
            last_at = _time(line, frontier.size, last_at, where)
            first_at = last_at if first_at is None else first_at
            frontier.push(line[:-1])
            if frontier.size % _TELL_EVERY == 0:
                progress(file.tell() / whole)
    if frontier.size != said.size:
        told = f"holds {frontier.size} entries, and its checkpoint says {said.size}: cut off, or added to"
        raise RuimteError(told, where, "ask for the log anew, and keep this file")
    if frontier.root() != said.root:
        raise RuimteError("its entries are not those that were signed: one was changed", where, "keep this file: it is evidence")
    if older is not None:
        _begins(frontier, older, older_root, where)
    return Read(note, said, first_at, last_at)


def _begins(frontier: Frontier, older: Checkpoint, older_root: bytes | None, where: str) -> None:
    if older.size > frontier.size:
        told = f"holds {frontier.size} entries, and the older checkpoint says {older.size}: the log was cut back"
        raise RuimteError(told, where, "keep both: they are evidence")
    if older.root != (frontier.root() if older.size == frontier.size else older_root):
        told = f"does not begin with the {older.size} entries of the older checkpoint: the log was rewritten"
        raise RuimteError(told, where, "keep both: they are evidence")


def _head(file: IO[bytes], where: str) -> str:
    """The checkpoint above the entries."""
    if file.readline(100) != f"{EXPORT}\n".encode():
        raise RuimteError("is not an exported log", where, f"its first line should be {EXPORT}")
    parts: list[bytes] = []
    empty = 0
    while empty < 2 and sum(map(len, parts)) < MOST_BYTES and (line := file.readline(MOST_BYTES)):
        parts.append(line)
        empty += line == b"\n"
    return b"".join(parts[:-1]).decode(errors="replace")


def _time(line: bytes, index: int, before: int | None, where: str) -> int:
    """When an entry is of; it is never before the one before."""
    try:
        at = msgspec.json.decode(line, type=_Leaf).at
    except (msgspec.DecodeError, RecursionError):
        raise RuimteError(f"entry {index} is not one", where, "ask for the log anew, and keep this file") from None
    if not line.endswith(b"\n") or (before is not None and at < before):
        raise RuimteError(
            f"entry {index} is broken off, or lies before the one before it", where, "keep this file: it is evidence"
        )
    return at

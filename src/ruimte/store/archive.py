"""The archive: closed days of observations as segments, and a manifest that tells what they hold.

``manifest.json`` is written last, so what it names is there and whole. The database stays the master: the archive is a copy that
is cheap to keep and quick to read, and a day that has since changed in the database is told by ``stale_days``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ruimte.clock import DAY_US, from_us, to_us
from ruimte.errors import RuimteError
from ruimte.lab.compile import SHARDS
from ruimte.store import segments
from ruimte.store.segments import SCHEMA, Segment, SegmentWriter

FORMAT = 1
"""Version of the manifest and of what it names; a newer one is refused."""
ROWS_PER_FILE = 4_000_000
"""A day of more rows is cut into ranges of shards, about so large."""
MANIFEST = "manifest.json"

_BATCH = 250_000
"""Rows in memory at a time; also those of a row group."""
_DAY = "SELECT count(*), coalesce(max(id), 0) FROM observations WHERE received_us >= ? AND received_us < ?"
_ROWS = (
    "SELECT datastream_id, start_us, end_us, received_us, result, flags, id FROM observations"
    " WHERE received_us >= ? AND received_us < ? ORDER BY received_us, id"
)
_ASIDE = "move the archive aside, then archive again"

Standing = Literal["same", "grown", "other"]
"""How the database stands to an archived day: has its rows, has more by now, or holds others than were archived."""


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """An archived day: rows, the highest id among them, how many times it was written, and its files.

    Its files get new names each time, so who reads the old ones is not disturbed.
    """

    rows: int
    last_id: int
    written: int
    segments: tuple[Segment, ...]


class Manifest(msgspec.Struct, kw_only=True):
    """What the archive of a lab holds: the ids of the datastreams by their keys, and days by date (``2020-01-31``, UTC)."""

    format: int = FORMAT
    lab: str
    datastreams: dict[str, int] = {}
    days: dict[str, Day] = {}

    def segments(self) -> list[Segment]:
        """All files, in order of time."""
        return [segment for _, day in sorted(self.days.items()) for segment in day.segments]


class _Header(msgspec.Struct):
    format: int


def date_of(start_us: int) -> str:
    """The date of a day that starts at ``start_us``.

    >>> date_of(1_580_428_800_000_000)
    '2020-01-31'
    """
    return from_us(start_us).date().isoformat()


def start_of(date: str) -> int:
    """Start of a day, µs."""
    return to_us(datetime.fromisoformat(date).replace(tzinfo=UTC))


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of an archive; None where there is none. ``RuimteError`` where it is damaged or of a newer Ruimte."""
    path = folder / MANIFEST
    try:
        text = path.read_bytes()
        if (found := msgspec.json.decode(text, type=_Header).format) > FORMAT:
            raise RuimteError(f"made by a newer Ruimte (format {found}, this one knows {FORMAT})", str(path), "upgrade Ruimte")
        return msgspec.json.decode(text, type=Manifest)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise RuimteError(f"cannot be read ({error})", str(path), _ASIDE) from None


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Put the manifest in place of the one before; after a crash one of the two is there."""
    manifest.days = dict(sorted(manifest.days.items()))
    part = folder / f"{MANIFEST}.part"
    part.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
    segments.settle(part, folder / MANIFEST)


def require_ids(manifest: Manifest, ids: Mapping[str, int]) -> None:
    """``RuimteError`` where datastreams have other ids (by key) than in the archive, as in another database."""
    known = {id_: key for key, id_ in manifest.datastreams.items()}
    for key, id_ in ids.items():
        if manifest.datastreams.get(key, id_) != id_ or known.get(id_, key) != key:
            raise RuimteError(f"was made from another database: datastream {key} has another id", "archive", _ASIDE)


def closed_days(connection: sqlite3.Connection, until_us: int) -> Iterator[int]:
    """Starts (µs) of the days with observations that ended by ``until_us``, and after which something was received."""
    newest_us = connection.execute("SELECT max(received_us) FROM observations").fetchone()[0]
    until_us = until_us if newest_us is None else min(until_us, newest_us)
    from_us = -(2**63)
    while True:
        # one look into the index a day, instead of all rows
        (found,) = connection.execute("SELECT min(received_us) FROM observations WHERE received_us >= ?", (from_us,)).fetchone()
        if found is None or (from_us := (found // DAY_US + 1) * DAY_US) > until_us:
            return
        yield from_us - DAY_US


def standing(connection: sqlite3.Connection, start_us: int, day: Day) -> Standing:
    """How the database stands to an archived day. Rows are only ever added, so their number and highest id tell."""
    rows, last_id = connection.execute(_DAY, (start_us, start_us + DAY_US)).fetchone()
    if (rows, last_id) == (day.rows, day.last_id):
        return "same"
    return "grown" if rows > day.rows and last_id > day.last_id else "other"


def stale_days(connection: sqlite3.Connection, manifest: Manifest, from_us: int = -(2**62), until_us: int = 2**62) -> list[str]:
    """Dates of the archived days, of those that touch ``(from_us, until_us]``, that are no longer what the database holds."""
    days = ((date, start_of(date), day) for date, day in manifest.days.items())
    touched = (each for each in days if each[1] <= until_us and each[1] + DAY_US - 1 > from_us)
    return [date for date, start_us, day in touched if standing(connection, start_us, day) != "same"]


def write_day(
    folder: Path,
    connection: sqlite3.Connection,
    start_us: int,
    shard_of: Callable[[int], int],
    before: Day | None = None,
    rows_per_file: int = ROWS_PER_FILE,
) -> Day:
    """Write the segments of a day; ``shard_of`` gives the shard of a datastream's id, ``before`` is what was archived of it.

    Holds a batch of rows in memory, however long the day. ``OSError`` where the disk refuses: then no part is left.
    """
    bounds = (start_us, start_us + DAY_US)
    rows, _ = connection.execute(_DAY, bounds).fetchone()
    written = before.written + 1 if before else 1
    files = 1 << max(0, -(-rows // rows_per_file) - 1).bit_length()  # a power of two, so that ranges of shards are equal
    width = SHARDS // min(files, SHARDS)
    with ExitStack() as stack:
        writers = []
        for first in range(0, SHARDS, width):
            name = f"{date_of(start_us)}/shards-{first:04}-{first + width - 1:04}{f'.{written}' if written > 1 else ''}.parquet"
            writers.append(SegmentWriter(folder, name, first, first + width - 1))
            stack.callback(writers[-1].abandon)
        cursor = connection.execute(_ROWS, bounds)
        rows = last_id = 0  # of what is written, not of what was there a moment ago
        while batch := cursor.fetchmany(_BATCH):
            table = _table(batch, shard_of)
            rows, last_id = rows + len(batch), max(last_id, max(row[6] for row in batch))
            ranges = pc.divide(table["shard"], width) if len(writers) > 1 else None
            for number, writer in enumerate(writers):
                writer.write(table if ranges is None else table.filter(pc.equal(ranges, number)))
        made = [writer.finish() for writer in writers]
    return Day(rows=rows, last_id=last_id, written=written, segments=tuple(each for each in made if each is not None))


def received(folder: Path, from_us: int, until_us: int, datastreams: Mapping[str, int] | None = None) -> pa.Table:
    """Every archived observation received in ``(from_us, until_us]``, as ``observations.received`` gives them.

    ``datastreams``: only those, as the keys and ids of the database that the caller has. Raises ``RuimteError`` where there is no
    archive, where its ids are others, or where a file is not what it should be. Days may be stale: see ``stale_days``.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        raise RuimteError("no archive here", str(folder), "make it: ruimte archive LAB")
    if datastreams is not None:
        require_ids(manifest, datastreams)
    ids = None if datastreams is None else datastreams.values()
    return segments.read(folder, manifest.segments(), from_us, until_us, ids)


def verify(folder: Path, manifest: Manifest, progress: Callable[[float], None] = lambda share: None) -> int:
    """Compare every file with its SHA-256, and tell how many there are; ``RuimteError`` at the first that is another."""
    files = manifest.segments()
    for number, segment in enumerate(files, 1):
        segments.verify(folder, segment)
        progress(number / len(files))
    return len(files)


def remove_leftovers(folder: Path, manifest: Manifest) -> None:
    """Remove what a broken-off run left, and files that were replaced before this run: all that the manifest does not name."""
    named = {folder / segment.name for segment in manifest.segments()}
    for day in folder.glob("????-??-??"):
        for pattern in ("*.parquet", "*.part"):
            for path in set(day.glob(pattern)) - named:
                path.unlink()
    (folder / f"{MANIFEST}.part").unlink(missing_ok=True)


def _table(rows: list[tuple[object, ...]], shard_of: Callable[[int], int]) -> pa.Table:
    columns = [list(column) for column in zip(*rows, strict=True)]
    columns[4] = [np.nan if value is None else value for value in columns[4]]
    shards = {stream: shard_of(stream) for stream in set(columns[0])}
    columns.append([shards[stream] for stream in columns[0]])
    return pa.Table.from_arrays([pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)

"""Archive a lab's closed days, and read its history from the archive and the database as one."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa

from ruimte.clock import DAY_US, Clock, SystemClock
from ruimte.errors import RuimteError
from ruimte.lab.compile import shard, sites_of_zones, stream_keys
from ruimte.lab.lab import Lab
from ruimte.lab.rules import OUTSIDE
from ruimte.model.observation import OBSERVATIONS
from ruimte.store import archive, observations, segments
from ruimte.store.archive import Day, Manifest
from ruimte.store.lockfile import LockFile
from ruimte.store.sqlite import Reader
from ruimte.text import duration_us

Progress = Callable[[float], None]

MARGIN_US = DAY_US
"""So long after its end, and the lab's lateness, a day is left alone: what is late is mostly there by then."""
_DAYS_AT_ONCE = 32
"""Days between two manifests: a broken-off run loses no more than these."""


@dataclass(slots=True)
class Archived:
    """What an archive holds, and what became of this run.

    ``written`` days are new, ``rewritten`` ones had changed in the database or were damaged. ``verified`` files had their hash
    compared; None where that was not asked for. Of the ``database``, ``database_bytes`` are those of all that it holds.
    """

    archive: Path
    database: Path
    days: int = 0
    written: int = 0
    rewritten: int = 0
    files: int = 0
    rows: int = 0
    bytes: int = 0
    verified: int | None = None
    database_rows: int = 0
    database_bytes: int = 0
    seconds: float = 0.0

    def lines(self) -> list[str]:
        """As lines of text."""
        counts = [("days in the archive", self.days), ("  of these written now", self.written)]
        counts += [("  of these rewritten", self.rewritten)] if self.rewritten else []
        counts += [] if self.verified is None else [("files verified", self.verified)]
        return [
            *(f"{name:<24} {count:>14,}" for name, count in counts),
            _size("archive", self.rows, self.bytes),
            _size("database", self.database_rows, self.database_bytes),
            f"archive {self.archive}",
            f"{self.seconds:.1f} s",
        ]

    def as_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {
            "archive": str(self.archive),
            "database": str(self.database),
            "days": self.days,
            "written": self.written,
            "rewritten": self.rewritten,
            "files": self.files,
            "rows": self.rows,
            "bytes": self.bytes,
            "bytes_per_row": round(self.bytes / self.rows, 2) if self.rows else None,
            "verified": self.verified,
            "database_rows": self.database_rows,
            "database_bytes": self.database_bytes,
            "seconds": round(self.seconds, 3),
        }


def archive_folder(lab: Lab, data: Path) -> Path:
    """Where the archive of a lab lies in the data folder."""
    return data / "archive" / lab.key


def sites(lab: Lab) -> dict[str, str]:
    """The site of each datastream of the register, by its key: of a gate that of the zones it joins, of a count point itself.

    Zones that gates join are one site, under the smallest of their keys.
    """
    site = sites_of_zones(lab) | {key: key for key in lab.count_points}
    for gate in lab.gates.values():
        site[gate.key] = site[gate.from_ if gate.from_ != OUTSIDE else gate.to]
    return {stream.key: site[stream.place] for stream in stream_keys(lab)}


def shards(lab: Lab, ids: Mapping[str, int]) -> Callable[[int], int]:
    """Tells the shard of a datastream by its id: that of its site; where the register has it no longer, one by its own key."""
    of_streams = sites(lab)
    names = {id_: of_streams.get(key, key) for key, id_ in ids.items()}
    return lambda id_: shard(names.get(id_, f"datastream {id_}"))


def archive_days(
    lab: Lab,
    store: Reader,
    folder: Path,
    *,
    verify: bool = False,
    progress: Progress = lambda share: None,
    margin_us: int = MARGIN_US,
    rows_per_file: int = archive.ROWS_PER_FILE,
    clock: Clock | None = None,
) -> Archived:
    """Write every closed day that the archive does not hold as the database does; ``verify`` compares the files' hashes too.

    A day is closed when it ended ``margin_us`` and the lab's lateness before the time of ``clock`` (the system's where none is
    given), and something was received after it. The database is only read. Each file is durable before the manifest names it,
    so what a broken-off run leaves is whole, and archiving again completes it.

    Raises ``RuimteError`` where the archive cannot be written, was made from another database, or is not what was written.
    """
    began = time.perf_counter()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = LockFile(folder / "archive.lock")
        try:
            told, manifest = _write_days(lab, store, folder, margin_us, rows_per_file, clock or SystemClock(), progress)
        finally:
            lock.release()
    except OSError as error:
        what = f"cannot be written ({error.strerror or error})"
        raise RuimteError(what, str(folder), "check that the disk has room and the folder can be written") from None
    if verify:
        told.verified = archive.verify(folder, manifest, progress)
    told.seconds = time.perf_counter() - began
    return told


def _write_days(
    lab: Lab, store: Reader, folder: Path, margin_us: int, rows_per_file: int, clock: Clock, progress: Progress
) -> tuple[Archived, Manifest]:
    ids = store.stream_ids()
    manifest = _open(lab, ids, folder)
    told, shard_of = Archived(folder, store.path), shards(lab, ids)
    until_us = clock.now_us() - duration_us(lab.file.ticks.lateness) - margin_us
    wanted = store.read(lambda connection: _wanted(connection, folder, manifest, until_us))
    for number, start_us in enumerate(wanted, 1):
        date = archive.date_of(start_us)
        before = manifest.days.get(date)
        manifest.days[date] = store.read(
            lambda c, start=start_us, old=before: archive.write_day(folder, c, start, shard_of, old, rows_per_file)  # type: ignore[misc]
        )
        told.written, told.rewritten = told.written + (before is None), told.rewritten + (before is not None)
        if number % _DAYS_AT_ONCE == 0 or number == len(wanted):
            archive.write_manifest(folder, manifest)
        progress(number / len(wanted))
    told.days, files = len(manifest.days), manifest.segments()
    told.files, told.rows, told.bytes = len(files), sum(each.rows for each in files), sum(each.bytes for each in files)
    told.database_rows = store.read(lambda c: int(c.execute("SELECT count(*) FROM observations").fetchone()[0]))
    beside = store.path.with_name(f"{store.path.name}-wal")
    told.database_bytes = sum(path.stat().st_size for path in (store.path, beside) if path.exists())
    return told, manifest


def _open(lab: Lab, ids: Mapping[str, int], folder: Path) -> Manifest:
    """The manifest as it is, or a new one; with the ids of this database, and nothing beside what it names."""
    manifest = archive.read_manifest(folder)
    if manifest is None:
        if any(folder.glob("*/*.parquet")):
            what = "holds days but no manifest: nothing tells what they are"
            raise RuimteError(what, str(folder), "put the manifest back, or move the archive aside and archive again")
        manifest = Manifest(lab=lab.key)
    if manifest.lab != lab.key:
        raise RuimteError(f"is the archive of lab {manifest.lab!r}, not {lab.key!r}", str(folder), "choose another --data")
    archive.require_ids(manifest, ids)
    archive.remove_leftovers(folder, manifest)
    if manifest.datastreams != ids:
        manifest.datastreams = dict(ids)
        archive.write_manifest(folder, manifest)
    return manifest


def _wanted(connection: sqlite3.Connection, folder: Path, manifest: Manifest, until_us: int) -> list[int]:
    """Starts of the days to write: new ones, grown ones, and those with a damaged file."""
    known = {archive.start_of(date): day for date, day in manifest.days.items()}
    wanted = [start_us for start_us in archive.closed_days(connection, until_us) if start_us not in known]
    for start_us, day in known.items():
        standing = archive.standing(connection, start_us, day)
        if standing == "other":
            # the archive may be the only place where these rows are: never written over
            what = f"holds other observations of {archive.date_of(start_us)} than the database"
            raise RuimteError(what, str(folder), "move the archive aside, then archive again")
        if standing == "grown" or any(segments.fault(folder, each) for each in day.segments):
            wanted.append(start_us)
    return sorted(wanted)


class History:
    """Observations by receipt, from the archive where it holds what the database does, from the database elsewhere."""

    def __init__(self, store: Reader, folder: Path) -> None:
        self._store = store
        self._folder = folder

    def received(self, from_us: int, until_us: int) -> pa.Table:
        """Exactly what ``observations.received`` gives of the database alone: ``(from_us, until_us]``, by receipt and id.

        Raises ``RuimteError`` where a file is damaged, or the archive is of another database.
        """
        manifest = archive.read_manifest(self._folder)
        if manifest is None:
            return self._store.read(lambda connection: observations.received(connection, from_us, until_us))
        archive.require_ids(manifest, self._store.stream_ids())
        parts = self._store.read(lambda connection: self._parts(connection, manifest, from_us, until_us))
        tables = [part if isinstance(part, pa.Table) else segments.read(self._folder, part, from_us, until_us) for part in parts]
        return pa.concat_tables([OBSERVATIONS.empty_table(), *tables])

    def _parts(
        self, connection: sqlite3.Connection, manifest: Manifest, from_us: int, until_us: int
    ) -> list[pa.Table | list[segments.Segment]]:
        """What to put together, in order of receipt: rows of the database, and segments that are still what it holds."""
        connection.execute("BEGIN")  # so that what is compared and what is read are of one moment
        try:
            stale = set(archive.stale_days(connection, manifest, from_us, until_us))
            parts: list[pa.Table | list[segments.Segment]] = []
            at_us = from_us
            for start_us, end_us, files in _runs(manifest, stale):
                first_us, last_us = max(start_us - 1, from_us), min(end_us - 1, until_us)
                if first_us >= last_us:
                    continue
                parts += [observations.received(connection, at_us, first_us), files]
                at_us = last_us
            return [*parts, observations.received(connection, at_us, until_us)]
        finally:
            connection.execute("ROLLBACK")


def _runs(manifest: Manifest, stale: set[str]) -> list[tuple[int, int, list[segments.Segment]]]:
    """Archived days that follow each other, without the stale ones: start, end, files."""
    fresh = [(archive.start_of(date), day) for date, day in sorted(manifest.days.items()) if date not in stale]

    def run(numbered: tuple[int, tuple[int, Day]]) -> int:
        return numbered[1][0] - numbered[0] * DAY_US  # stays the same as long as each is the day after the one before

    groups = ([day for _, day in group] for _, group in groupby(enumerate(fresh), run))
    return [(days[0][0], days[-1][0] + DAY_US, [segment for _, day in days for segment in day.segments]) for days in groups]


def _size(name: str, rows: int, size: int) -> str:
    each = f", {size / rows:.2f} a row" if rows else ""
    return f"{name:<24} {size:>14,} bytes of {rows:,} rows{each}"

"""Segments: sorted Parquet files of observations, each there whole or not at all, and read in order of receipt by DuckDB."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from ruimte.errors import RuimteError
from ruimte.model.observation import OBSERVATIONS

SCHEMA = pa.schema([*OBSERVATIONS, pa.field("id", pa.int64()), pa.field("shard", pa.int16())])
"""Columns of a segment: those of ``OBSERVATIONS``, the row's id in the database, and the shard of its site."""

# Rows lie in order of receipt, then id. So a read by receipt finds them as it needs them, and they also take the least room: of a
# thousand sensors that report every five minutes 4.1 B a row, by shard and receipt 6.8 B, by datastream and receipt 7.4 B; for
# then receipt and id jump about. Times and ids as differences: 1.2 B a row in place of 4.9 B on a year of Zürich. Statistics only
# of what is searched by: a tenth less.
_ENCODED = {
    "compression": "zstd",
    "use_dictionary": ["datastream", "result", "flags", "shard"],
    "column_encoding": dict.fromkeys(("start_us", "end_us", "received_us", "id"), "DELTA_BINARY_PACKED"),
    "write_statistics": ["received_us"],
    "store_schema": False,
}
_WITHOUT_NETWORK = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
_AGAIN = "remove it, then write it again from the database: ruimte archive LAB"


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """One file, as the manifest tells of it: ``name`` below the archive's folder, size, SHA-256 (hex), and what it holds.

    ``first_us``/``last_us`` are its first and last receipt, ``first_shard``/``last_shard`` bound its shards; all inclusive.
    """

    name: str
    rows: int
    bytes: int
    sha256: str
    first_us: int
    last_us: int
    first_shard: int
    last_shard: int


class SegmentWriter:
    """Writes ``folder / name`` batch by batch, in order of receipt; before ``finish`` nothing stands under that name."""

    def __init__(self, folder: Path, name: str, first_shard: int, last_shard: int) -> None:
        self._path = folder / name
        self._name, self._shards = name, (first_shard, last_shard)
        self._part = self._path.with_name(f"{self._path.name}.part")
        self._rows = self._first_us = self._last_us = 0
        self._path.parent.mkdir(exist_ok=True)
        self._file = pq.ParquetWriter(self._part, SCHEMA, **_ENCODED)

    def write(self, table: pa.Table) -> None:
        """Add rows (schema ``SCHEMA``); none of them was received before the last one."""
        if not table.num_rows:
            return
        received = table["received_us"]
        if not self._rows:
            self._first_us = received[0].as_py()
        self._last_us = received[-1].as_py()
        self._rows += table.num_rows
        self._file.write_table(table)

    def finish(self) -> Segment | None:
        """Put the file in its place, on the disk; None, and no file, where there is no row."""
        self._file.close()
        if not self._rows:
            self._part.unlink()
            return None
        segment = Segment(
            name=self._name,
            rows=self._rows,
            bytes=self._part.stat().st_size,
            sha256=_sha256(self._part),
            first_us=self._first_us,
            last_us=self._last_us,
            first_shard=self._shards[0],
            last_shard=self._shards[1],
        )
        settle(self._part, self._path)
        return segment

    def abandon(self) -> None:
        """Leave nothing behind."""
        if self._file.is_open:
            self._file.close()
        self._part.unlink(missing_ok=True)


def settle(part: Path, path: Path) -> None:
    """Give a file that is whole its name, durably: after a crash the name stands for the old file or the new one, both whole."""
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(path)
    if os.name != "nt":  # a folder cannot be opened there
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def fault(folder: Path, segment: Segment) -> str | None:
    """What is wrong with a segment as far as a quick look tells (its size, its number of rows); None where nothing is."""
    path = folder / segment.name
    try:
        found = path.stat().st_size
        if found != segment.bytes:
            return f"has {found:,} bytes, not {segment.bytes:,}"
        rows = pq.read_metadata(path).num_rows
    except FileNotFoundError:
        return "is missing"
    except (OSError, pa.ArrowException) as error:
        return f"cannot be read ({_line(error)})"
    return None if rows == segment.rows else f"has {rows:,} rows, not {segment.rows:,}"


def verify(folder: Path, segment: Segment) -> None:
    """Read a segment as a whole; ``RuimteError`` unless it is, to the byte, what was written."""
    what = fault(folder, segment)
    if what is None and _sha256(folder / segment.name) != segment.sha256:
        what = "is not what was written: its SHA-256 is another"
    if what is not None:
        raise RuimteError(what, str(folder / segment.name), _AGAIN)


def read(
    folder: Path, segments: Sequence[Segment], from_us: int, until_us: int, datastreams: Iterable[int] | None = None
) -> pa.Table:
    """Their rows (schema ``OBSERVATIONS``) received in ``(from_us, until_us]``, in order of receipt and id.

    ``datastreams``: ids; None stands for all. Raises ``RuimteError`` where DuckDB is missing, or a file is not what it should be.
    """
    segments = [each for each in segments if each.last_us > from_us and each.first_us <= until_us]
    if not segments:
        return OBSERVATIONS.empty_table()
    for each in segments:
        if (what := fault(folder, each)) is not None:
            raise RuimteError(what, str(folder / each.name), _AGAIN)
    duckdb = _duckdb()
    columns = ", ".join(OBSERVATIONS.names)
    query = f"SELECT {columns} FROM read_parquet($files) WHERE received_us > $after AND received_us <= $until"
    # a folder's name may hold what DuckDB would take for a pattern
    names = [glob.escape(str(folder / each.name)) for each in segments]
    values: dict[str, object] = {"files": names, "after": from_us, "until": until_us}
    if datastreams is not None:
        query += " AND datastream IN (SELECT unnest($streams::BIGINT[]))"
        values["streams"] = list(datastreams)
    try:
        with duckdb.connect(":memory:", config=_WITHOUT_NETWORK) as connection:
            table = connection.sql(f"{query} ORDER BY received_us, id", params=values).to_arrow_table()
    except duckdb.Error as error:
        raise RuimteError(f"cannot be read ({_line(error)})", str(folder), "see which: ruimte archive LAB --verify") from None
    return table.cast(OBSERVATIONS)


def _duckdb() -> ModuleType:
    try:
        import duckdb
    except ImportError:
        raise RuimteError("reading it needs the package duckdb", "archive", "pip install 'ruimte[archive]'") from None
    return duckdb


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0]

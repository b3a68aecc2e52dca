"""Observations in SQLite: append with revisions, read as Arrow tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ruimte.model.observation import OBSERVATIONS

_COLUMNS = "datastream_id, start_us, end_us, received_us, result, flags"
_MORE = "result_us, extra"
_INSERT = f"INSERT INTO observations ({_COLUMNS}, {_MORE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_REVISE = f"INSERT INTO observations ({_COLUMNS}, {_MORE}, revises, first) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_WIDEN = """UPDATE datastreams SET
  first_start_us = min(coalesce(first_start_us, 9e18), ?), last_end_us = max(coalesce(last_end_us, -9e18), ?) WHERE id = ?"""

More = tuple[int | None, str | None]
"""What an observation can have besides: the moment of its result (µs), and JSON with its parameters."""


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of a batch: rows added, rows that revise an earlier result, rows that were known already."""

    added: int = 0
    revised: int = 0
    known: int = 0

    def __add__(self, other: Appended) -> Appended:
        return Appended(self.added + other.added, self.revised + other.revised, self.known + other.known)


def append(connection: sqlite3.Connection, table: pa.Table) -> Appended:
    """Append a batch (schema ``OBSERVATIONS``). A row with the times and result of the latest one is known, not written again."""
    return append_ids(connection, table)[0]


def append_ids(
    connection: sqlite3.Connection, table: pa.Table, more: Sequence[More] | None = None
) -> tuple[Appended, NDArray[np.int64]]:
    """Append a batch, and tell the id of each row's observation: its own, or that of the first that it repeats or revises.

    ``more`` holds what else is known of each row.
    """
    ids = np.zeros(table.num_rows, dtype=np.int64)
    if table.num_rows == 0:
        return Appended(), ids
    table = table.select(OBSERVATIONS.names).cast(OBSERVATIONS)
    streams, starts, ends, received, results, flags = (column.to_numpy() for column in table.columns)
    order = np.lexsort((received, ends, starts, streams))
    columns = [column[order] for column in (streams, starts, ends, received, results, flags)]
    bounds = np.flatnonzero(np.diff(columns[0])) + 1
    total = Appended()
    parts = zip(*(np.split(column, bounds) for column in columns), strict=True)
    for index, part in zip(np.split(order, bounds), parts, strict=True):
        rest = [(None, None)] * len(index) if more is None else [more[i] for i in index.tolist()]
        appended, ids[index] = _append_stream(connection, *part, rest)
        total += appended
    return total, ids


def _append_stream(
    connection: sqlite3.Connection,
    streams: NDArray[np.int64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    received: NDArray[np.int64],
    results: NDArray[np.float64],
    flags: NDArray[np.int32],
    more: Sequence[More],
) -> tuple[Appended, Sequence[int]]:
    columns = [column.tolist() for column in (streams, starts, ends, received, results, flags)]
    if np.isnan(results).any():
        columns[4] = [None if result != result else result for result in columns[4]]
    rows = zip(*columns, *zip(*more, strict=True), strict=True)
    repeated = bool(np.any((np.diff(starts) == 0) & (np.diff(ends) == 0)))
    stored = connection.execute(
        "SELECT id, coalesce(first, id), start_us, end_us, result, flags FROM observations"
        " WHERE datastream_id = ? AND start_us BETWEEN ? AND ? ORDER BY id",
        (columns[0][0], columns[1][0], columns[1][-1]),
    ).fetchall()
    connection.execute(_WIDEN, (columns[1][0], max(columns[2]), columns[0][0]))
    if not stored and not repeated:
        connection.executemany(_INSERT, rows)
        last = int(connection.execute("SELECT last_insert_rowid()").fetchone()[0])  # of one writer, so they follow each other
        return Appended(added=len(starts)), range(last - len(starts) + 1, last + 1)
    latest = {(start, end): (id_, first, result, flag) for id_, first, start, end, result, flag in stored}
    added = revised = known = 0
    ids = []
    for row in rows:
        key, result, flag = (row[1], row[2]), row[4], row[5]
        before = latest.get(key)
        if before is not None and before[2:] == (result, flag):
            known += 1
            ids.append(before[1])
            continue
        id_ = connection.execute(_REVISE, (*row, *(before[:2] if before else (None, None)))).lastrowid
        assert id_ is not None
        latest[key] = (id_, before[1] if before else id_, result, flag)
        ids.append(latest[key][1])
        added, revised = added + (before is None), revised + (before is not None)
    return Appended(added, revised, known), ids


def received(connection: sqlite3.Connection, from_us: int, until_us: int) -> pa.Table:
    """Every observation received in ``(from_us, until_us]``, in order of receipt, revisions included."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM observations WHERE received_us > ? AND received_us <= ? ORDER BY received_us, id",
        (from_us, until_us),
    ).fetchall()
    return _table(rows)


def current(connection: sqlite3.Connection, stream: int, from_us: int, until_us: int) -> pa.Table:
    """The observations of one datastream that count now, with ``start_us`` in ``[from_us, until_us)``, in order of time."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM current_observations"
        " WHERE datastream_id = ? AND start_us >= ? AND start_us < ? ORDER BY start_us, id",
        (stream, from_us, until_us),
    ).fetchall()
    return _table(rows)


def span(connection: sqlite3.Connection) -> tuple[int, int] | None:
    """First and last receipt, or None where nothing is stored."""
    first, last = connection.execute("SELECT min(received_us), max(received_us) FROM observations").fetchone()
    return None if first is None else (first, last)


def count(connection: sqlite3.Connection) -> int:
    """Number of observations that count now."""
    return int(connection.execute("SELECT count(*) FROM current_observations").fetchone()[0])


def _table(rows: Sequence[tuple[object, ...]]) -> pa.Table:
    if not rows:
        return OBSERVATIONS.empty_table()
    columns = zip(*rows, strict=True)
    arrays = [
        pa.array([np.nan if v is None else v for v in column] if field.name == "result" else column, type=field.type)
        for column, field in zip(columns, OBSERVATIONS, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=OBSERVATIONS)

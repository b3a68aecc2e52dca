"""Observations in SQLite: append with revisions, read as Arrow tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, repeat

import numpy as np
import pyarrow as pa

from ruimte.model.observation import OBSERVATIONS

_COLUMNS = "datastream_id, start_us, end_us, received_us, result, flags"
_MORE = "result_us, extra"
_INSERT = f"INSERT INTO observations ({_COLUMNS}, {_MORE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_REVISE = f"INSERT INTO observations ({_COLUMNS}, {_MORE}, revises, first) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_WIDEN = """UPDATE datastreams SET
  first_start_us = min(coalesce(first_start_us, 9e18), ?), last_end_us = max(coalesce(last_end_us, -9e18), ?) WHERE id = ?"""

Row = tuple[int, int, int, int, float | None, int, int | None, str | None]
"""Datastream, start, end, receipt (µs), result, flags; the moment of its result (µs) and JSON with parameters, if it has them."""

_Stored = tuple[int, int, int, int, float | None, int]
"""Id, id of the first one that it revises (or its own), start, end (µs), result, flags."""


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
    columns = [column.to_numpy().tolist() for column in table.select(OBSERVATIONS.names).cast(OBSERVATIONS).columns]
    columns[4] = [None if result != result else result for result in columns[4]]
    return append_rows(connection, list(zip(*columns, repeat(None), repeat(None))))[0]


def append_rows(connection: sqlite3.Connection, rows: Sequence[Row]) -> tuple[Appended, list[int]]:
    """Append observations, and tell the id of each: its own, or that of the first one that it repeats or revises."""
    streams: dict[int, list[int]] = {}
    for index, row in enumerate(rows):
        streams.setdefault(row[0], []).append(index)
    for indices in streams.values():
        if len(indices) > 1:
            indices.sort(key=lambda index: rows[index][1:4])
    stored = _stored(connection, {stream: (rows[i[0]][1], rows[i[-1]][1]) for stream, i in streams.items()})
    extents = ((rows[i[0]][1], max(rows[index][2] for index in i), stream) for stream, i in streams.items())
    connection.executemany(_WIDEN, extents)
    total, ids, new = Appended(), [0] * len(rows), []
    for stream, indices in streams.items():
        if stream not in stored and all(rows[i][1:3] != rows[after][1:3] for i, after in pairwise(indices)):
            new += indices
            continue
        appended, found = _append_known(connection, [rows[index] for index in indices], stored.get(stream, []))
        total += appended
        for index, id_ in zip(indices, found, strict=True):
            ids[index] = id_
    if new:
        connection.executemany(_INSERT, [rows[index] for index in new])
        last = int(connection.execute("SELECT last_insert_rowid()").fetchone()[0])  # of one writer, so they follow each other
        for id_, index in enumerate(new, last - len(new) + 1):
            ids[index] = id_
    return total + Appended(added=len(new)), ids


def _stored(connection: sqlite3.Connection, spans: Mapping[int, tuple[int, int]]) -> dict[int, list[_Stored]]:
    """What each datastream holds that starts in its span (µs, both ends included), by id; one that holds nothing is left out.

    Those with the same span are asked for at once: a tick of a lab has many datastreams and one span.
    """
    streams: dict[tuple[int, int], list[int]] = {}
    for stream, span in spans.items():
        streams.setdefault(span, []).append(stream)
    found: dict[int, list[_Stored]] = {}
    for (first_us, last_us), several in streams.items():
        for stream, *stored in connection.execute(
            "SELECT o.datastream_id, o.id, coalesce(o.first, o.id), o.start_us, o.end_us, o.result, o.flags"
            " FROM json_each(?) AS asked CROSS JOIN observations AS o"
            " ON o.datastream_id = asked.value AND o.start_us BETWEEN ? AND ? ORDER BY o.id",
            (str(several), first_us, last_us),
        ):
            found.setdefault(stream, []).append(tuple(stored))
    return found


def _append_known(connection: sqlite3.Connection, rows: list[Row], stored: Sequence[_Stored]) -> tuple[Appended, list[int]]:
    """Append rows of one datastream, in order of start, end and receipt, some of which may be known or revise others."""
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


def latest(connection: sqlite3.Connection, stream: int, from_us: int, until_us: int) -> tuple[int, float] | None:
    """The end and the result of a datastream's last observation that counts, with ``start_us`` in ``[from_us, until_us)``."""
    row = connection.execute(
        "SELECT end_us, result FROM current_observations"
        " WHERE datastream_id = ? AND start_us >= ? AND start_us < ? AND result IS NOT NULL ORDER BY start_us DESC LIMIT 1",
        (stream, from_us, until_us),
    ).fetchone()
    return None if row is None else (int(row[0]), float(row[1]))


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


def counted(connection: sqlite3.Connection, streams: Sequence[int], from_us: int, until_us: int) -> list[tuple[int, int, float]]:
    """What some datastreams counted in intervals that lie in [``from_us``, ``until_us``): datastream, end (µs), result."""
    found = connection.execute(
        "SELECT datastream_id, end_us, result FROM current_observations"
        " WHERE datastream_id IN (SELECT value FROM json_each(?)) AND start_us >= ? AND start_us < ? AND end_us <= ?"
        " AND result IS NOT NULL",
        (str(list(streams)), from_us, until_us, until_us),
    )
    return [(int(stream), int(end), float(result)) for stream, end, result in found]

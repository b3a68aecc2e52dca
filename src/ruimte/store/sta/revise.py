"""Observations changed and withdrawn: the old row stays, and a new one says what holds now. The id that the outside knows is that
of the first row of such a chain; a chain lies in one datastream."""

from __future__ import annotations

import sqlite3
from typing import Any, NamedTuple

import msgspec

from ruimte.model.observation import Flag
from ruimte.sta.times import show_instant, show_interval, show_time
from ruimte.store.sta import extents
from ruimte.store.sta.observe import COLUMNS, Stream, columns, find_stream
from ruimte.store.sta.work import Work

_FIND = f"""SELECT id, first, flags, {COLUMNS} FROM observations o
WHERE (id = ?1 AND first IS NULL OR first = ?1) AND flags & {int(Flag.TOMBSTONE)} = 0
  AND NOT EXISTS (SELECT 1 FROM observations r WHERE r.revises = o.id)"""
_REVISE = f"INSERT INTO observations (revises, first, flags, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_MOVE = """UPDATE observations SET datastream_id = ?2, feature_id = coalesce(feature_id, ?3) WHERE id = ?1 OR first = ?1"""
_EDGES = "SELECT first_start_us, last_end_us, first_result_us, last_result_us FROM datastreams WHERE id = ?"


class Row(NamedTuple):
    """The row of an observation that counts now."""

    id: int
    first: int | None
    flags: int
    stream: int
    start_us: int
    end_us: int
    received_us: int
    result: float | None
    result_json: str | None
    feature: int | None
    result_us: int | None
    valid_start_us: int | None
    valid_end_us: int | None
    extra: str | None

    @property
    def known_as(self) -> int:
        """The id that the outside knows the observation by."""
        return self.id if self.first is None else self.first


def find_observation(connection: sqlite3.Connection, id_: int) -> Row | None:
    """The row that counts now of an observation; None where there is no such observation, or no longer."""
    found = connection.execute(_FIND, (id_,)).fetchone()
    return None if found is None else Row(*found)


def shown_observation(row: Row) -> dict[str, Any]:
    """The properties of an observation, as a client would write them."""
    result: Any = row.result
    if row.result_json is not None:
        result = msgspec.json.decode(row.result_json)
    elif isinstance(result, float) and result.is_integer():
        result = int(result)
    body = {
        "phenomenonTime": show_time(row.start_us, row.end_us),
        "resultTime": None if row.result_us is None else show_instant(row.result_us),
        "result": result,
    }
    if row.valid_start_us is not None and row.valid_end_us is not None:
        body["validTime"] = show_interval(row.valid_start_us, row.valid_end_us)
    return body | ({} if row.extra is None else msgspec.json.decode(row.extra))


def stream_of(connection: sqlite3.Connection, row: Row) -> Stream:
    """The datastream of an observation."""
    multi = connection.execute("SELECT multi FROM datastreams WHERE id = ?", (row.stream,)).fetchone()[0]
    return find_stream(connection, "MultiDatastream" if multi else "Datastream", row.stream)


def revise(work: Work, row: Row, values: dict[str, Any], stream: Stream | None = None, feature: int | None = None) -> None:
    """Give an observation these checked values, and another datastream or feature where one is named."""
    connection, before = work.connection, stream_of(work.connection, row)
    stream = stream or before
    start_us, end_us, number, text, result_us, *rest = columns(values, stream, work.now_us)
    seen = before.feature if row.feature is None else row.feature
    chosen = seen if feature is None else feature
    if stream.id != before.id:
        connection.execute(_MOVE, (row.known_as, stream.id, before.feature))
    kept = None if chosen == stream.feature else chosen
    new = (start_us, end_us, work.now_us, number, text, kept, result_us, *rest)
    connection.execute(_REVISE, (row.id, row.known_as, row.flags, stream.id, *new))
    work.touched.streams |= {before.id, stream.id}
    if stream.id == before.id and (start_us, end_us, result_us, chosen) == (row.start_us, row.end_us, row.result_us, seen):
        return
    _leave(connection, row)
    if chosen is not None:
        extents.cover(connection, stream.id, [chosen])
    extents.widen(connection, stream.id, (start_us, end_us), (result_us, result_us))


def withdraw(work: Work, row: Row) -> None:
    """Take an observation back."""
    tombstone = row.flags | Flag.TOMBSTONE
    work.connection.execute(
        _REVISE, (row.id, row.known_as, tombstone, row.stream, row.start_us, row.end_us, work.now_us, *row[7:])
    )
    work.touched.streams.add(row.stream)
    _leave(work.connection, row)


def _leave(connection: sqlite3.Connection, row: Row) -> None:
    """Measure the datastream anew where a row that no longer counts was at its edge, or the last of its feature."""
    first_us, last_us, first_result_us, last_result_us = connection.execute(_EDGES, (row.stream,)).fetchone()
    at_edge = row.start_us == first_us or row.end_us == last_us
    at_edge |= row.result_us is not None and row.result_us in (first_result_us, last_result_us)
    if at_edge or not _still_sees(connection, row.stream, row.feature):
        extents.measure(connection, row.stream)


def _still_sees(connection: sqlite3.Connection, stream: int, feature: int | None) -> bool:
    query = "SELECT EXISTS (SELECT 1 FROM current_observations WHERE datastream_id = ? AND feature_id IS ?)"
    return bool(connection.execute(query, (stream, feature)).fetchone()[0])

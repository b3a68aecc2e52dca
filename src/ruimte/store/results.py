"""States, forecasts and snapshots in SQLite."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ruimte.forecast.errors import with_outer
from ruimte.model.forecast import EVEN, LEVELS, Forecast
from ruimte.model.state import STATES

_STATE_COLUMNS = [name for name in STATES.names if name != "place"]


@dataclass(frozen=True, slots=True)
class StoredForecast:
    """A forecast of one place: ``valid_us`` (horizons,), ``quantiles`` (horizons, 21)."""

    issued_us: int
    valid_us: NDArray[np.int64]
    quantiles: NDArray[np.float32]


def algorithm_id(connection: sqlite3.Connection, key: str, version: str) -> int:
    """Id of an algorithm's version; made where it is new."""
    connection.execute("INSERT OR IGNORE INTO algorithms (key, version) VALUES (?, ?)", (key, version))
    row = connection.execute("SELECT id FROM algorithms WHERE key = ? AND version = ?", (key, version)).fetchone()
    return int(row[0])


def append_states(connection: sqlite3.Connection, states: pa.Table, place_ids: Sequence[int], algorithms: Sequence[int]) -> None:
    """Append states (schema ``STATES``); ``place_ids`` and ``algorithms`` give the stored ids by the model's index of a place."""
    places = states["place"].to_numpy()
    ids, made_by = np.asarray(place_ids)[places].tolist(), np.asarray(algorithms)[places].tolist()
    columns = [_told(states[name]) for name in _STATE_COLUMNS]
    connection.executemany(
        f"INSERT INTO states (place_id, {', '.join(_STATE_COLUMNS)}, algorithm_id)"
        f" VALUES ({', '.join('?' * (len(_STATE_COLUMNS) + 2))})",
        zip(ids, *columns, made_by, strict=True),
    )


def states(connection: sqlite3.Connection, places: Mapping[int, int], from_us: int, until_us: int) -> pa.Table:
    """Latest revision of every state with ``end_us`` in ``(from_us, until_us]``, by place and time.

    ``places`` maps stored ids to the model's index; other places are left out.
    """
    rows = connection.execute(
        f"SELECT place_id, {', '.join(_STATE_COLUMNS)} FROM states"
        " WHERE end_us > ? AND end_us <= ? AND place_id IN (SELECT value FROM json_each(?))"
        " ORDER BY place_id, end_us, id",
        (from_us, until_us, str(list(places))),
    ).fetchall()
    if not rows:
        return STATES.empty_table()
    columns = list(zip(*rows, strict=True))
    ids, ends = np.array(columns[0]), np.array(columns[2])
    latest = np.append((np.diff(ids) != 0) | (np.diff(ends) != 0), True)
    arrays = [pa.array([places[i] for i in columns[0]], pa.int32())]
    arrays += [_read(column, STATES.field(name).type) for name, column in zip(_STATE_COLUMNS, columns[1:], strict=True)]
    return pa.Table.from_arrays(arrays, schema=STATES).filter(pa.array(latest))


def _read(column: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """A column of states as it is in memory: missing numbers are NaN, lists are lists."""
    if pa.types.is_list(kind):
        return pa.array([[] if text is None else json.loads(text) for text in column], kind)
    return pa.array([np.nan if v is None else v for v in column] if pa.types.is_floating(kind) else column, kind)


def values(
    connection: sqlite3.Connection, places: Mapping[int, int], from_us: int, until_us: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """What the past of all places was: index of the place, end of the tick, value; by end, latest revision last.

    A tick in which a place was not observed has NaN: a guess is not a past to learn from.
    """
    rows = connection.execute(
        "SELECT place_id, end_us, CASE WHEN observed > 0 THEN mean END FROM states"
        " WHERE end_us > ? AND end_us <= ? ORDER BY end_us, id",
        (from_us, until_us),
    ).fetchall()
    kept = [(places[place], end, np.nan if value is None else value) for place, end, value in rows if place in places]
    index, ends, found = zip(*kept, strict=True) if kept else ((), (), ())
    return np.array(index, dtype=np.int64), np.array(ends, dtype=np.int64), np.array(found, dtype=np.float64)


def append_forecast(connection: sqlite3.Connection, forecast: Forecast, place_ids: Sequence[int], algorithm: int) -> None:
    """Append the forecasts of all places, one row a place."""
    step = int(forecast.valid_us[1] - forecast.valid_us[0]) if len(forecast.valid_us) > 1 else 0
    first = int(forecast.valid_us[0])
    packed = forecast.quantiles.astype("<f4")
    connection.executemany(
        "INSERT INTO forecasts (place_id, issued_us, algorithm_id, first_us, step_us, levels, quantiles)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            (place, forecast.issued_us, algorithm, first, step, len(LEVELS), packed[index].tobytes())
            for index, place in enumerate(place_ids)
        ),
    )


def forecast_at(connection: sqlite3.Connection, place_id: int, at_us: int) -> StoredForecast | None:
    """The newest forecast of a place that was issued at or before ``at_us``.

    One of the time when only the 19 even levels were forecast gets the two outer ones that its own tails had.
    """
    row = connection.execute(
        "SELECT issued_us, first_us, step_us, levels, quantiles FROM forecasts"
        " WHERE place_id = ? AND issued_us <= ? ORDER BY issued_us DESC, id DESC LIMIT 1",
        (place_id, at_us),
    ).fetchone()
    if row is None:
        return None
    issued, first, step, levels, packed = row
    quantiles = np.frombuffer(packed, "<f4").reshape(-1, levels)
    if levels == len(LEVELS[EVEN]):
        quantiles = with_outer(quantiles.astype(np.float64)).astype(np.float32)
    return StoredForecast(issued, first + step * np.arange(len(quantiles)), quantiles)


def save_snapshot(connection: sqlite3.Connection, name: str, until_us: int, body: bytes) -> None:
    """Replace a snapshot."""
    connection.execute(
        "INSERT OR REPLACE INTO snapshots (name, until_us, log_id, body)"
        " VALUES (?, ?, (SELECT coalesce(max(id), 0) FROM observations), ?)",
        (name, until_us, body),
    )


def snapshot(connection: sqlite3.Connection, name: str) -> tuple[int, bytes] | None:
    """A snapshot and the moment until which it knows, or None."""
    row = connection.execute("SELECT until_us, body FROM snapshots WHERE name = ?", (name,)).fetchone()
    return None if row is None else (int(row[0]), bytes(row[1]))


def known_until(connection: sqlite3.Connection) -> int:
    """The latest moment of the snapshots, up to which what was received has been looked at; 0 where there is none."""
    return int(connection.execute("SELECT coalesce(max(until_us), 0) FROM snapshots").fetchone()[0])


def was_overtaken(connection: sqlite3.Connection, name: str) -> bool:
    """Whether observations were added since a snapshot that it should have known: an import of the past."""
    row = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM observations o, snapshots s"
        " WHERE s.name = ? AND o.id > s.log_id AND o.received_us <= s.until_us)",
        (name,),
    ).fetchone()
    return bool(row[0])


def _told(column: pa.ChunkedArray) -> list[object]:
    """A column of states as it is stored: NaN, and a list of nothing, are NULL."""
    if pa.types.is_list(column.type):
        return [json.dumps(each) if each else None for each in column.to_pylist()]
    values = column.to_numpy()
    if not np.issubdtype(values.dtype, np.floating):
        return list(values.tolist())
    return [None if v != v else v for v in values.tolist()]

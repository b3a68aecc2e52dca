"""What the database holds of a period, counted or picked by SQLite itself: for reports."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def last_state(connection: sqlite3.Connection) -> int | None:
    """The end of the newest state, µs, or None."""
    found = connection.execute("SELECT max(end_us) FROM states").fetchone()[0]
    return None if found is None else int(found)


def counts(connection: sqlite3.Connection, from_us: int, until_us: int) -> dict[int, int]:
    """How many observations that count each datastream has with a start in ``[from_us, until_us)``, by id."""
    rows = connection.execute(
        "SELECT d.id, (SELECT count(*) FROM current_observations o"
        " WHERE o.datastream_id = d.id AND o.start_us >= ? AND o.start_us < ?) FROM datastreams d",
        (from_us, until_us),
    )
    return {int(id_): int(count) for id_, count in rows}


def algorithms(connection: sqlite3.Connection, from_us: int, until_us: int) -> list[tuple[str, str]]:
    """Key and version of what made the states and forecasts of a period."""
    rows = connection.execute(
        "SELECT key, version FROM algorithms WHERE id IN"
        " (SELECT DISTINCT algorithm_id FROM states WHERE end_us > ?1 AND end_us <= ?2)"
        " OR EXISTS (SELECT 1 FROM forecasts f, places p WHERE f.place_id = p.id AND f.issued_us > ?1 AND f.issued_us <= ?2"
        " AND f.algorithm_id = algorithms.id) ORDER BY key, version",
        (from_us, until_us),
    )
    return [(key, version) for key, version in rows]


def forecasts_ahead(
    connection: sqlite3.Connection, place_id: int, ahead_us: int, from_us: int, until_us: int
) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
    """Of each forecast of a place issued in ``[from_us, until_us)`` the moments of issue and validity, and its quantiles.

    It is the horizon nearest to ``ahead_us`` that lies no further; only those few numbers are read, for a forecast of a week
    holds tens of thousands.
    """
    rows = connection.execute(
        "SELECT issued_us, valid_us, substr(quantiles, 1 + 4 * levels * step, 4 * levels) FROM ("
        " SELECT *, first_us + step * step_us AS valid_us FROM ("
        "  SELECT *, CASE WHEN step_us = 0 THEN 0 ELSE (issued_us + ?2 - first_us) / step_us END AS step"
        "  FROM forecasts WHERE place_id = ?1 AND issued_us >= ?3 AND issued_us < ?4 AND issued_us + ?2 >= first_us))"
        " WHERE 4 * levels * (step + 1) <= length(quantiles) ORDER BY issued_us",
        (place_id, ahead_us, from_us, until_us),
    )
    for issued_us, valid_us, packed in rows:
        yield int(issued_us), int(valid_us), np.frombuffer(packed, "<f4")

"""What a datastream's observations span: their times and the box of their features. Widened with each batch; measured anew only
where what went away may have been the edge."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import msgspec

from ruimte.sta.geojson import ENCODINGS, Box, box_of, geometry_of, join

_WIDEN = """UPDATE datastreams SET
  first_start_us = min(coalesce(first_start_us, ?1), ?1), last_end_us = max(coalesce(last_end_us, ?2), ?2),
  first_result_us = min(coalesce(first_result_us, ?3), coalesce(?3, first_result_us)),
  last_result_us = max(coalesce(last_result_us, ?4), coalesce(?4, last_result_us))
WHERE id = ?5"""
_MEASURE = """UPDATE datastreams SET (first_start_us, last_end_us, first_result_us, last_result_us) =
  (SELECT min(start_us), max(end_us), min(result_us), max(result_us) FROM current_observations WHERE datastream_id = ?1)
WHERE id = ?1"""
_FEATURES = """SELECT DISTINCT coalesce(o.feature_id, d.feature_id)
FROM current_observations o JOIN datastreams d ON d.id = o.datastream_id WHERE o.datastream_id = ?"""
_SPELL_OUT = """UPDATE observations SET feature_id = (SELECT feature_id FROM datastreams WHERE id = ?1)
WHERE datastream_id = ?1 AND feature_id IS NULL"""


def widen(
    connection: sqlite3.Connection, stream: int, phenomenon_us: tuple[int, int], result_us: tuple[int | None, int | None]
) -> None:
    """Let the times of a datastream hold those of new observations, too: the first and last of each kind."""
    connection.execute(_WIDEN, (*phenomenon_us, *result_us, stream))


def cover(connection: sqlite3.Connection, stream: int, features: Iterable[int]) -> None:
    """Let the observed area of a datastream hold these features, too."""
    area = connection.execute("SELECT observed_area FROM datastreams WHERE id = ?", (stream,)).fetchone()[0]
    before = None if area is None else box_of(msgspec.json.decode(area))
    after = join(before, _box(connection, features))
    if after != before:
        _set_area(connection, stream, after)


def measure(connection: sqlite3.Connection, stream: int) -> None:
    """Take the times and the observed area from all observations that count now."""
    connection.execute(_MEASURE, (stream,))
    features = {row[0] for row in connection.execute(_FEATURES, (stream,)) if row[0] is not None}
    _set_area(connection, stream, _box(connection, features))
    own = connection.execute("SELECT feature_id FROM datastreams WHERE id = ?", (stream,)).fetchone()[0]
    if features and own not in {None, *features}:  # else a new observation of it would seem to be within the area
        connection.execute(_SPELL_OUT, (stream,))
        connection.execute("UPDATE datastreams SET feature_id = NULL WHERE id = ?", (stream,))


def measure_of_feature(connection: sqlite3.Connection, feature: int) -> None:
    """The same for every datastream that observes a feature, where it moved."""
    for (stream,) in connection.execute(
        "SELECT id FROM datastreams WHERE feature_id = ?1"
        " UNION SELECT datastream_id FROM current_observations WHERE feature_id = ?1",
        (feature,),
    ).fetchall():
        measure(connection, stream)


def _box(connection: sqlite3.Connection, features: Iterable[int]) -> Box | None:
    """The box of features; those that are no GeoJSON have none."""
    box = None
    for feature in features:
        encoding, text = connection.execute("SELECT encoding_type, feature FROM features WHERE id = ?", (feature,)).fetchone()
        if encoding in ENCODINGS:
            box = join(box, box_of(msgspec.json.decode(text)))
    return box


def _set_area(connection: sqlite3.Connection, stream: int, box: Box | None) -> None:
    area = None if box is None else msgspec.json.encode(geometry_of(box)).decode()
    connection.execute("UPDATE datastreams SET observed_area = ? WHERE id = ?", (area, stream))

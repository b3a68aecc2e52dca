"""New observations: of which feature they are, how their result is kept, and their row.

Most datastreams watch one place, so an observation's row names its feature only where it is another one than the datastream's
(``datastreams.feature_id``, that of its first observation).
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any

from ruimte.sta.bodies import json_text
from ruimte.sta.entities import ENTITIES
from ruimte.sta.errors import StaError
from ruimte.sta.geojson import ENCODINGS
from ruimte.store.sta import extents
from ruimte.store.sta.work import Work

COLUMNS = (
    "datastream_id, start_us, end_us, received_us, result, result_json, feature_id,"
    " result_us, valid_start_us, valid_end_us, extra"
)
INSERT = f"INSERT INTO observations ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_EXACT = 2**53
"""Integers up to this are exact in a REAL column; what is larger is kept as JSON."""
_GEOJSON = ", ".join(f"'{encoding}'" for encoding in sorted(ENCODINGS))
_STREAM = f"""SELECT d.multi, d.feature_id, d.first_start_us,
  (SELECT count(*) FROM datastreams_properties p WHERE p.datastream_id = d.id),
  (SELECT l.id FROM things_locations t JOIN locations l ON l.id = t.location_id
   WHERE t.thing_id = d.thing_id ORDER BY l.encoding_type NOT IN ({_GEOJSON}), l.id LIMIT 1)
FROM datastreams d WHERE d.id = ?"""


@dataclass(slots=True)
class Stream:
    """What is to be known of a datastream to give it observations: its feature, whether it has observations, how many results
    each has (None where it is no MultiDatastream), and where its Thing is."""

    id: int
    feature: int | None
    is_empty: bool
    width: int | None
    location: int | None


def find_stream(connection: sqlite3.Connection, entity: str, id_: int, status: int = 400) -> Stream:
    """A Datastream or MultiDatastream. Raises ``StaError`` (``status``) where there is none with that id."""
    found = connection.execute(_STREAM, (id_,)).fetchone()
    if found is None or found[0] != (entity == "MultiDatastream"):
        raise no_such(entity, id_, status)
    multi, feature, first_us, width, location = found
    return Stream(id_, feature, first_us is None, width if multi else None, location)


def no_such(entity: str, id_: int, status: int = 400) -> StaError:
    """The error of an entity that does not exist."""
    mend = "link to one that exists" if status == 400 else "check the id"
    return StaError("does not exist", f"{ENTITIES[entity].set_name}({id_})", mend, status)


def observe(work: Work, stream: Stream, values: dict[str, Any], feature: int | None) -> int:
    """Store an observation of checked ``values``, and tell its id. Without ``feature`` it is of the place where the Thing is."""
    row = columns(values, stream, work.now_us)
    chosen = feature_here(work, stream) if feature is None else feature
    if chosen != stream.feature or stream.is_empty:
        extents.cover(work.connection, stream.id, [chosen])
    kept = keep_feature(work.connection, stream, chosen)
    id_ = work.connection.execute(INSERT, (stream.id, row[0], row[1], work.now_us, row[2], row[3], kept, *row[4:])).lastrowid
    assert id_ is not None
    extents.widen(work.connection, stream.id, row[:2], (row[4], row[4]))
    work.touched.streams.add(stream.id)
    return work.made("Observation", id_)


Columns = tuple[int, int, float | None, str | None, int | None, int | None, int | None, str | None]
"""start, end, result as a number, result as JSON, result time, start and end of the valid time, extra."""


def columns(values: dict[str, Any], stream: Stream, now_us: int) -> Columns:
    """The columns of an observation's checked values. Raises ``StaError`` (400) where the result does not fit its datastream."""
    result = values["result"]
    if stream.width is not None and (not isinstance(result, list) or len(result) != stream.width):
        raise StaError(
            "does not fit the MultiDatastream", "result", f"send a list of {stream.width}, one for each ObservedProperty"
        )
    start_us, end_us = values.get("phenomenonTime") or (now_us, now_us)
    valid = values.get("validTime") or (None, None)
    number, text = split_result(result)
    return start_us, end_us, number, text, values.get("resultTime"), *valid, _extra(values)


def _extra(values: dict[str, Any]) -> str | None:
    parameters, quality = values.get("parameters"), values.get("resultQuality")
    if parameters is None and quality is None:
        return None
    extra = {"parameters": parameters, "resultQuality": quality}
    return json_text({name: value for name, value in extra.items() if value is not None}, "parameters")


def split_result(result: Any) -> tuple[float | None, str | None]:
    """A result as a number and, where it is none or would not be exact, as JSON.

    >>> split_result(21.5), split_result(2**53 + 1), split_result(True), split_result(None)
    ((21.5, None), (None, '9007199254740993'), (None, 'true'), (None, None))
    """
    kind = type(result)
    if kind is float:
        if result - result != 0:
            raise StaError("is no finite number", "result", "send a number, or null where it is missing")
        return result, None
    if kind is int and -_EXACT <= result <= _EXACT:
        return result, None
    return None, None if result is None else json_text(result, "result")


def keep_feature(connection: sqlite3.Connection, stream: Stream, feature: int) -> int | None:
    """What an observation's row says of its feature: nothing where it is the datastream's. The first observation sets that."""
    if (
        stream.feature is None
        and not connection.execute("SELECT EXISTS (SELECT 1 FROM observations WHERE datastream_id = ?)", (stream.id,)).fetchone()[
            0
        ]
    ):
        connection.execute("UPDATE datastreams SET feature_id = ? WHERE id = ?", (feature, stream.id))
        stream.feature = feature
    stream.is_empty = False
    return None if stream.feature == feature else feature


def feature_here(work: Work, stream: Stream) -> int:
    """The feature of the Location where the datastream's Thing is; made once for each Location.

    Raises ``StaError`` (400) where the Thing has no Location.
    """
    if stream.location is None:
        raise StaError(
            "is not given, and the Thing has no Location to make it from",
            "FeatureOfInterest",
            "send a FeatureOfInterest, or give the Thing a Location",
        )
    found = work.connection.execute("SELECT min(id) FROM features WHERE location_id = ?", (stream.location,)).fetchone()[0]
    if found is not None:
        return int(found)
    id_ = work.connection.execute(
        "INSERT INTO features (name, description, encoding_type, feature, location_id)"
        " SELECT name, description, encoding_type, location, id FROM locations WHERE id = ?",
        (stream.location,),
    ).lastrowid
    assert id_ is not None
    return work.made("FeatureOfInterest", id_)

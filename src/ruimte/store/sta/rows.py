"""Entities as rows: which column holds which property, and back. Observations have their own (``observe``, ``revise``)."""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec

from ruimte.sta import swe
from ruimte.sta.bodies import json_text
from ruimte.sta.errors import StaError
from ruimte.sta.times import show_instant

TABLES = {
    "Thing": "things",
    "Location": "locations",
    "HistoricalLocation": "historical_locations",
    "Datastream": "datastreams",
    "MultiDatastream": "datastreams",
    "Sensor": "sensors",
    "ObservedProperty": "observed_properties",
    "FeatureOfInterest": "features",
}
_TEXTS = {"name": "name", "description": "description", "definition": "definition", "encodingType": "encoding_type"}
_JSONS = {"properties": "properties", "metadata": "metadata", "location": "location", "feature": "feature"}
_SHOWN = {
    "Thing": ("name", "description", "properties"),
    "Location": ("name", "description", "encodingType", "location", "properties"),
    "HistoricalLocation": (),
    "Datastream": ("name", "description", "properties"),
    "MultiDatastream": ("name", "description", "properties"),
    "Sensor": ("name", "description", "encodingType", "metadata", "properties"),
    "ObservedProperty": ("name", "definition", "description", "properties"),
    "FeatureOfInterest": ("name", "description", "encodingType", "feature", "properties"),
}


def row_of(entity: str, values: dict[str, Any], observed: list[str]) -> dict[str, Any]:
    """The columns of checked values; ``observed`` are the names of the properties that a MultiDatastream observes, in order."""
    row: dict[str, Any] = {_TEXTS[name]: values[name] for name in _SHOWN[entity] if name in _TEXTS}
    for name in _SHOWN[entity]:
        if name in _JSONS:
            row[_JSONS[name]] = "{}" if values.get(name) is None and name == "properties" else json_text(values[name], name)
    if entity == "HistoricalLocation":
        row["time_us"] = values["time"]
    elif entity == "Datastream":
        row["result_type"] = json_text(
            swe.result_type(values["observationType"], values["unitOfMeasurement"]), "unitOfMeasurement"
        )
    elif entity == "MultiDatastream":
        row["result_type"] = _record(values, observed)
    return row


def insert(connection: sqlite3.Connection, entity: str, row: dict[str, Any]) -> int:
    """A new row, and its id."""
    columns, holes = ", ".join(row), ", ".join("?" * len(row))
    cursor = connection.execute(f"INSERT INTO {TABLES[entity]} ({columns}) VALUES ({holes})", tuple(row.values()))
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def update(connection: sqlite3.Connection, entity: str, id_: int, row: dict[str, Any]) -> None:
    """Give columns of a row new values."""
    changes = ", ".join(f"{column} = ?" for column in row)
    connection.execute(f"UPDATE {TABLES[entity]} SET {changes} WHERE id = ?", (*row.values(), id_))


def shown(connection: sqlite3.Connection, entity: str, id_: int) -> dict[str, Any]:
    """The properties of an entity that exists, as a client would write them; the computed ones are left out."""
    names = _SHOWN[entity]
    extra = {"HistoricalLocation": ["time_us"], "Datastream": ["result_type"], "MultiDatastream": ["result_type"]}.get(entity, [])
    columns = ", ".join([*(_TEXTS.get(name) or _JSONS[name] for name in names), *extra])
    found = connection.execute(f"SELECT {columns} FROM {TABLES[entity]} WHERE id = ?", (id_,)).fetchone()
    body = {name: msgspec.json.decode(value) if name in _JSONS else value for name, value in zip(names, found, strict=False)}
    if entity == "HistoricalLocation":
        body["time"] = show_instant(found[0])
    elif extra:
        body |= swe.shown(msgspec.json.decode(found[-1]))
    return body


def _record(values: dict[str, Any], observed: list[str]) -> str:
    types, units = values["multiObservationDataTypes"], values["unitOfMeasurements"]
    if not len(types) == len(units) == len(observed):
        raise StaError(
            f"{len(types)} multiObservationDataTypes, {len(units)} unitOfMeasurements and {len(observed)} ObservedProperties",
            "MultiDatastream",
            "give as many of each, in the same order",
        )
    if not types:
        raise StaError("is empty", "multiObservationDataTypes", "name at least one type")
    if not all(isinstance(each, str) for each in types):
        raise StaError("holds what is no text", "multiObservationDataTypes", "send strings")
    if not all(isinstance(each, dict) for each in units):
        raise StaError("holds what is no object", "unitOfMeasurements", "send objects with name, symbol and definition")
    return json_text(swe.record_type(observed, types, units), "unitOfMeasurements")

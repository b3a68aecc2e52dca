"""The lab's register written into Things, Sensors, Datastreams and Features; ids stay with their keys."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec


class StreamEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What the store needs to know of one datastream: its key and its Thing, Sensor, ObservedProperty and Feature."""

    key: str
    sensor_key: str
    name: str
    description: str
    kind: str
    measure: str
    definition: str
    result_type: dict[str, Any]
    interval_us: int
    feature_key: str
    feature_name: str
    feature: dict[str, Any]
    metadata: dict[str, Any]


def register(connection: sqlite3.Connection, entries: Iterable[StreamEntry], places: Iterable[str]) -> None:
    """Write entries and places; what exists under a key is updated, never renumbered, and nothing is removed."""
    for place in places:
        connection.execute("INSERT OR IGNORE INTO places (key) VALUES (?)", (place,))
    for entry in entries:
        thing = _upsert(
            connection,
            "things",
            entry.sensor_key,
            {"name": entry.name, "description": entry.description, "properties": "{}"},
        )
        location = _upsert(
            connection,
            "locations",
            entry.sensor_key,
            {
                "name": entry.feature_name,
                "description": entry.feature_name,
                "encoding_type": "application/geo+json",
                "location": json.dumps(entry.feature),
            },
        )
        connection.execute("INSERT OR IGNORE INTO things_locations VALUES (?, ?)", (thing, location))
        sensor = _upsert(
            connection,
            "sensors",
            entry.sensor_key,
            {
                "name": entry.name,
                "description": entry.kind,
                "encoding_type": "application/json",
                "metadata": json.dumps(entry.metadata),
            },
        )
        observed = _upsert(
            connection,
            "observed_properties",
            entry.measure,
            {"name": entry.measure, "definition": entry.definition, "description": entry.measure},
        )
        feature = _upsert(
            connection,
            "features",
            entry.feature_key,
            {
                "name": entry.feature_name,
                "description": entry.feature_name,
                "encoding_type": "application/geo+json",
                "feature": json.dumps(entry.feature),
            },
        )
        datastream = _upsert(
            connection,
            "datastreams",
            entry.key,
            {
                "thing_id": thing,
                "sensor_id": sensor,
                "feature_id": feature,
                "name": entry.key,
                "description": entry.description,
                "result_type": json.dumps(entry.result_type),
                "properties": json.dumps({"interval_us": entry.interval_us}),
            },
        )
        connection.execute("INSERT OR REPLACE INTO datastreams_properties VALUES (?, 0, ?)", (datastream, observed))


def stream_ids(connection: sqlite3.Connection) -> dict[str, int]:
    """Ids of the registered datastreams, by key."""
    return dict(connection.execute("SELECT key, id FROM datastreams WHERE key IS NOT NULL ORDER BY id"))


def place_ids(connection: sqlite3.Connection) -> dict[str, int]:
    """Ids of the places, by key."""
    return dict(connection.execute("SELECT key, id FROM places ORDER BY id"))


def _upsert(connection: sqlite3.Connection, table: str, key: str, values: Mapping[str, object]) -> int:
    columns = ", ".join(values)
    holes = ", ".join("?" * len(values))
    updates = ", ".join(f"{column} = excluded.{column}" for column in values)
    row = connection.execute(
        f"INSERT INTO {table} (key, {columns}) VALUES (?, {holes}) ON CONFLICT (key) DO UPDATE SET {updates} RETURNING id",
        (key, *values.values()),
    ).fetchone()
    return int(row[0])

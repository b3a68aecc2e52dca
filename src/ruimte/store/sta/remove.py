"""Entities deleted with what cannot be without them (OGC 18-088, clause 10.4: the table of integrity constraints)."""

from __future__ import annotations

import sqlite3

from ruimte.store.sta import extents
from ruimte.store.sta.revise import find_observation, withdraw
from ruimte.store.sta.rows import TABLES
from ruimte.store.sta.work import Work

_STREAMS = {
    "Thing": "SELECT id FROM datastreams WHERE thing_id = ?",
    "Sensor": "SELECT id FROM datastreams WHERE sensor_id = ?",
    "ObservedProperty": "SELECT DISTINCT datastream_id FROM datastreams_properties WHERE observed_property_id = ?",
    "Datastream": "SELECT ?",
    "MultiDatastream": "SELECT ?",
}
_HISTORY = """DELETE FROM historical_locations WHERE id IN
  (SELECT historical_location_id FROM historical_locations_locations WHERE location_id = ?)"""
_LAST_ROW = "NOT EXISTS (SELECT 1 FROM observations r WHERE r.revises = o.id)"
_CHAINS = f"""SELECT coalesce(o.first, o.id), o.datastream_id FROM observations o WHERE o.feature_id = ?1 AND {_LAST_ROW}
UNION SELECT coalesce(o.first, o.id), o.datastream_id FROM datastreams d JOIN observations o ON o.datastream_id = d.id
WHERE d.feature_id = ?1 AND o.feature_id IS NULL AND {_LAST_ROW}"""


def remove(work: Work, entity: str, id_: int) -> None:
    """Delete an entity that exists. An Observation is withdrawn and its rows stay; all else goes, with the observations of a
    datastream or a feature that goes."""
    connection = work.connection
    if entity == "Observation":
        row = find_observation(connection, id_)
        assert row is not None
        withdraw(work, row)
        return
    if entity in _STREAMS:
        for (stream,) in connection.execute(_STREAMS[entity], (id_,)).fetchall():
            connection.execute("DELETE FROM observations WHERE datastream_id = ?", (stream,))
            connection.execute("DELETE FROM datastreams WHERE id = ?", (stream,))
    elif entity == "Location":
        connection.execute(_HISTORY, (id_,))
    elif entity == "FeatureOfInterest":
        _remove_observations(work, id_)
    connection.execute(f"DELETE FROM {TABLES[entity]} WHERE id = ?", (id_,))


def _remove_observations(work: Work, feature: int) -> None:
    """Delete the observations whose last row is of a feature; what others once said of it is forgotten."""
    connection: sqlite3.Connection = work.connection
    chains = connection.execute(_CHAINS, (feature,)).fetchall()
    connection.executemany("DELETE FROM observations WHERE id = ?1 OR first = ?1", [(first,) for first, _ in chains])
    connection.execute("UPDATE observations SET feature_id = NULL WHERE feature_id = ?", (feature,))
    for stream in sorted({stream for _, stream in chains}):
        extents.measure(connection, stream)
        work.touched.streams.add(stream)

"""How entities lie in the tables: what makes a row an entity, what its id is, and how links lead from row to row.

Rows are named by the alias of their table. The id of a row is not always that of the entity: an observation keeps the id of the
first row of its chain of revisions.
"""

from __future__ import annotations

from ruimte.store.sta.rows import TABLES as _TABLES

TABLES = _TABLES | {"Observation": "observations"}

BY_ID = "by_id"
"""The alias of ``OBSERVATIONS_BY_ID``."""
OBSERVATIONS_BY_ID = """(SELECT *, id AS public FROM observations WHERE first IS NULL
  UNION ALL SELECT *, first AS public FROM observations WHERE first IS NOT NULL)"""
"""Observations with their id in a column ``public``. SQLite merges the two halves in the order of two indexes, where a sort by
``coalesce(first, id)`` would read all of them."""

_PROPERTIES = "(SELECT {} FROM datastreams_properties WHERE {} = {{parent}})"
_FIRST_PROPERTY = "SELECT observed_property_id FROM datastreams_properties WHERE datastream_id = {parent}.id AND position = 0"

_TO_ONE = {
    ("HistoricalLocation", "Thing"): "{child}.id = {parent}.thing_id",
    ("Datastream", "Thing"): "{child}.id = {parent}.thing_id",
    ("Datastream", "Sensor"): "{child}.id = {parent}.sensor_id",
    ("Datastream", "ObservedProperty"): "{child}.id = (" + _FIRST_PROPERTY + ")",
    ("MultiDatastream", "Thing"): "{child}.id = {parent}.thing_id",
    ("MultiDatastream", "Sensor"): "{child}.id = {parent}.sensor_id",
    ("Observation", "Datastream"): "{child}.id = {parent}.datastream_id",
    ("Observation", "MultiDatastream"): "{child}.id = {parent}.datastream_id",
    ("Observation", "FeatureOfInterest"): (
        "{child}.id = coalesce({parent}.feature_id, (SELECT feature_id FROM datastreams WHERE id = {parent}.datastream_id))"
    ),
}
_TO_MANY = {
    ("Thing", "Datastreams"): "{child}.thing_id = {parent}",
    ("Thing", "MultiDatastreams"): "{child}.thing_id = {parent}",
    ("Thing", "Locations"): "{child}.id IN (SELECT location_id FROM things_locations WHERE thing_id = {parent})",
    ("Thing", "HistoricalLocations"): "{child}.thing_id = {parent}",
    ("Location", "Things"): "{child}.id IN (SELECT thing_id FROM things_locations WHERE location_id = {parent})",
    ("Location", "HistoricalLocations"): (
        "{child}.id IN (SELECT historical_location_id FROM historical_locations_locations WHERE location_id = {parent})"
    ),
    ("HistoricalLocation", "Locations"): (
        "{child}.id IN (SELECT location_id FROM historical_locations_locations WHERE historical_location_id = {parent})"
    ),
    ("Datastream", "Observations"): "{child}.datastream_id = {parent}",
    ("MultiDatastream", "ObservedProperties"): "{child}.id IN " + _PROPERTIES.format("observed_property_id", "datastream_id"),
    ("MultiDatastream", "Observations"): "{child}.datastream_id = {parent}",
    ("Sensor", "Datastreams"): "{child}.sensor_id = {parent}",
    ("Sensor", "MultiDatastreams"): "{child}.sensor_id = {parent}",
    ("ObservedProperty", "Datastreams"): "{child}.id IN " + _PROPERTIES.format("datastream_id", "observed_property_id"),
    ("ObservedProperty", "MultiDatastreams"): "{child}.id IN " + _PROPERTIES.format("datastream_id", "observed_property_id"),
    ("FeatureOfInterest", "Observations"): (
        "({child}.feature_id = {parent} OR ({child}.feature_id IS NULL"
        " AND {child}.datastream_id IN (SELECT id FROM datastreams WHERE feature_id = {parent})))"
    ),
}
_EXISTS = {
    "Datastream": "{row}.multi = 0",
    "MultiDatastream": "{row}.multi = 1",
    "Observation": "{row}.flags & 8 = 0 AND NOT EXISTS (SELECT 1 FROM observations r WHERE r.revises = {row}.id)",
}


def exists(entity: str, row: str) -> str:
    """The condition under which a row is such an entity: an observation that counts now, a datastream of the right kind."""
    return _EXISTS.get(entity, "TRUE").format(row=row)


def identity(entity: str, row: str) -> str:
    """The id by which the outside knows a row."""
    if entity != "Observation":
        return f"{row}.id"
    return f"{row}.public" if row == BY_ID else f"coalesce({row}.first, {row}.id)"


def has_id(entity: str, row: str, value: str) -> str:
    """The condition under which a row's entity has an id, in a form for which indexes serve."""
    if entity == "Observation":
        return f"({row}.first = {value} OR ({row}.id = {value} AND {row}.first IS NULL))"
    return f"{row}.id = {value}"


def to_one(entity: str, link: str, parent: str, child: str) -> str:
    """The condition under which row ``child`` is what the link of row ``parent`` leads to; at most one row meets it."""
    return _TO_ONE[entity, link].format(parent=parent, child=child)


def to_many(entity: str, link: str, parent: str, child: str) -> str:
    """The condition under which row ``child`` is among what the link leads to from the row whose id is the SQL ``parent``."""
    return _TO_MANY[entity, link].format(parent=parent, child=child)

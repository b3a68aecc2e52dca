"""From an address to the id of the entity that it leads to."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from ruimte.sta.bodies import MOST_ID
from ruimte.sta.entities import ENTITIES
from ruimte.sta.errors import StaError
from ruimte.sta.path import Path, Step
from ruimte.store.sta.observe import no_such
from ruimte.store.sta.revise import find_observation, stream_of
from ruimte.store.sta.rows import TABLES

_MULTI = {"Datastream": " AND multi = 0", "MultiDatastream": " AND multi = 1"}
_EXISTS = {
    entity: f"SELECT EXISTS (SELECT 1 FROM {table} WHERE id = ?{_MULTI.get(entity, '')})" for entity, table in TABLES.items()
}
_TO_ONE = {
    ("Datastream", "Thing"): "SELECT thing_id FROM datastreams WHERE id = ?",
    ("Datastream", "Sensor"): "SELECT sensor_id FROM datastreams WHERE id = ?",
    ("Datastream", "ObservedProperty"): "SELECT observed_property_id FROM datastreams_properties WHERE datastream_id = ?",
    ("MultiDatastream", "Thing"): "SELECT thing_id FROM datastreams WHERE id = ?",
    ("MultiDatastream", "Sensor"): "SELECT sensor_id FROM datastreams WHERE id = ?",
    ("HistoricalLocation", "Thing"): "SELECT thing_id FROM historical_locations WHERE id = ?",
}
_PROPERTIES = "SELECT 1 FROM datastreams_properties p JOIN datastreams d ON d.id = p.datastream_id WHERE d.multi = {}"
_TO_MANY = {
    ("Thing", "Datastreams"): "SELECT 1 FROM datastreams WHERE thing_id = ? AND id = ? AND multi = 0",
    ("Thing", "MultiDatastreams"): "SELECT 1 FROM datastreams WHERE thing_id = ? AND id = ? AND multi = 1",
    ("Thing", "Locations"): "SELECT 1 FROM things_locations WHERE thing_id = ? AND location_id = ?",
    ("Thing", "HistoricalLocations"): "SELECT 1 FROM historical_locations WHERE thing_id = ? AND id = ?",
    ("Location", "Things"): "SELECT 1 FROM things_locations WHERE location_id = ? AND thing_id = ?",
    ("Location", "HistoricalLocations"): (
        "SELECT 1 FROM historical_locations_locations WHERE location_id = ? AND historical_location_id = ?"
    ),
    ("HistoricalLocation", "Locations"): (
        "SELECT 1 FROM historical_locations_locations WHERE historical_location_id = ? AND location_id = ?"
    ),
    ("Sensor", "Datastreams"): "SELECT 1 FROM datastreams WHERE sensor_id = ? AND id = ? AND multi = 0",
    ("Sensor", "MultiDatastreams"): "SELECT 1 FROM datastreams WHERE sensor_id = ? AND id = ? AND multi = 1",
    ("ObservedProperty", "Datastreams"): _PROPERTIES.format(0) + " AND p.observed_property_id = ? AND d.id = ?",
    ("ObservedProperty", "MultiDatastreams"): _PROPERTIES.format(1) + " AND p.observed_property_id = ? AND d.id = ?",
    ("MultiDatastream", "ObservedProperties"): (
        "SELECT 1 FROM datastreams_properties WHERE datastream_id = ? AND observed_property_id = ?"
    ),
}


def exists(connection: sqlite3.Connection, entity: str, id_: int) -> bool:
    """Whether there is an entity with that id."""
    if id_ > MOST_ID:
        return False
    if entity == "Observation":
        return find_observation(connection, id_) is not None
    return bool(connection.execute(_EXISTS[entity], (id_,)).fetchone()[0])


def require(connection: sqlite3.Connection, entity: str, id_: int, status: int = 400) -> int:
    """The id, where there is such an entity. Raises ``StaError`` (``status``) where there is none."""
    if not exists(connection, entity, id_):
        raise no_such(entity, id_, status)
    return id_


def resolve(connection: sqlite3.Connection, steps: Sequence[Step]) -> int:
    """The id of the one entity that an address leads to. Raises ``StaError``: 404 where any of it does not exist, 405 where it
    leads to a set."""
    first, *others = steps
    if first.id is None:
        raise not_one(first)
    entity, id_ = first.entity.name, require(connection, first.entity.name, first.id, 404)
    for step in others:
        assert step.link is not None
        if step.link.many and step.id is None:
            raise not_one(step)
        id_ = _follow(connection, entity, id_, step)
        entity = step.entity.name
    return id_


def resolve_entity(connection: sqlite3.Connection, path: Path) -> int:
    """The id of the entity that an address of a change names. Raises ``StaError`` as ``resolve`` does, and 405 for anything else
    than an entity."""
    if not path.steps:
        raise StaError("the service's root cannot be changed", mend="name an entity", status=405)
    id_ = resolve(connection, path.steps)
    if path.prop or path.value or path.ref:
        raise StaError("only whole entities can be written", path.steps[-1].entity.name, "send it to the entity", status=405)
    return id_


def not_one(step: Step) -> StaError:
    """The error of a set where one entity is meant."""
    return StaError("is a set", step.entity.set_name, f"name one entity of it, as in {step.entity.set_name}(1)", status=405)


def _follow(connection: sqlite3.Connection, entity: str, id_: int, step: Step) -> int:
    assert step.link is not None
    link = step.link.name
    if not step.link.many:
        found = _one(connection, entity, id_, link)
        if found is None:
            raise StaError("does not exist", f"{ENTITIES[entity].set_name}({id_})/{link}", "check the address", status=404)
        return found
    if step.id is None or step.id > MOST_ID:
        raise no_such(step.entity.name, step.id or 0, 404)
    if step.entity.name == "Observation":
        row = find_observation(connection, step.id)
        there = row is not None and id_ == (
            row.stream if entity != "FeatureOfInterest" else _one(connection, "Observation", step.id, "FeatureOfInterest")
        )
    else:
        there = connection.execute(_TO_MANY[entity, link], (id_, step.id)).fetchone() is not None
    if not there:
        raise no_such(step.entity.name, step.id, 404)
    return step.id


def _one(connection: sqlite3.Connection, entity: str, id_: int, link: str) -> int | None:
    """The id that a link to one leads to."""
    if entity != "Observation":
        return int(connection.execute(_TO_ONE[entity, link], (id_,)).fetchone()[0])
    row = find_observation(connection, id_)
    assert row is not None
    stream = stream_of(connection, row)
    if link == "FeatureOfInterest":
        return stream.feature if row.feature is None else row.feature
    return stream.id if (link == "MultiDatastream") == (stream.width is not None) else None

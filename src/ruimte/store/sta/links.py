"""Entities linked to others that exist, and where Things are."""

from __future__ import annotations

import sqlite3

from ruimte.sta.bodies import article, check_body
from ruimte.sta.entities import ENTITIES, Link
from ruimte.sta.errors import StaError
from ruimte.store.sta.observe import find_stream
from ruimte.store.sta.revise import find_observation, revise, shown_observation
from ruimte.store.sta.work import Work

_COLUMNS = {
    ("Datastream", "Thing"): "UPDATE datastreams SET thing_id = ? WHERE id = ?",
    ("Datastream", "Sensor"): "UPDATE datastreams SET sensor_id = ? WHERE id = ?",
    ("Datastream", "ObservedProperty"): "UPDATE datastreams_properties SET observed_property_id = ? WHERE datastream_id = ?",
    ("MultiDatastream", "Thing"): "UPDATE datastreams SET thing_id = ? WHERE id = ?",
    ("MultiDatastream", "Sensor"): "UPDATE datastreams SET sensor_id = ? WHERE id = ?",
    ("HistoricalLocation", "Thing"): "UPDATE historical_locations SET thing_id = ? WHERE id = ?",
}
_IS_NEWEST = """SELECT thing_id FROM historical_locations h WHERE id = ?1 AND NOT EXISTS
  (SELECT 1 FROM historical_locations o WHERE o.thing_id = h.thing_id AND o.time_us >= h.time_us AND o.id != ?1)"""


def attach(work: Work, entity: str, id_: int, link: Link, targets: list[int]) -> None:
    """Let a link of an entity lead to ``targets``, which exist: to one, to that one; to many, to these besides those before. The
    Locations of a Thing are replaced as a whole.

    Raises ``StaError`` (400) for what a MultiDatastream observes: a list that is set as a whole.
    """
    inverse = ENTITIES[link.target].links[link.inverse]
    if not link.many:
        _set_one(work, entity, id_, link.name, targets[0])
    elif not inverse.many:
        for target in targets:
            _set_one(work, link.target, target, inverse.name, id_)
    elif (entity, link.name) == ("Thing", "Locations"):
        move(work, id_, targets)
    elif (entity, link.name) == ("Location", "Things"):
        for target in targets:
            move(work, target, [id_])
    elif (entity, link.name) == ("HistoricalLocation", "Locations"):
        for target in targets:
            remember_place(work.connection, id_, target)
        follow_history(work.connection, id_)
    elif (entity, link.name) == ("Location", "HistoricalLocations"):
        for target in targets:
            remember_place(work.connection, target, id_)
            follow_history(work.connection, target)
    else:
        raise StaError(
            "the order of a MultiDatastream's properties is that of its results",
            f"{ENTITIES[entity].set_name}({id_})/{link.name}",
            "send all ObservedProperties in a PATCH of the MultiDatastream",
        )


def detach(work: Work, entity: str, id_: int, link: Link, target: int) -> None:
    """Undo a link between two entities. Raises ``StaError``: 404 where there is none, 400 where one of them needs it."""
    pair = {entity: id_, link.target: target}
    if pair.keys() == {"Thing", "Location"}:
        query = "DELETE FROM things_locations WHERE thing_id = ? AND location_id = ?"
        values = pair["Thing"], pair["Location"]
    elif pair.keys() == {"HistoricalLocation", "Location"}:
        query = "DELETE FROM historical_locations_locations WHERE historical_location_id = ? AND location_id = ?"
        values = pair["HistoricalLocation"], pair["Location"]
        places = "SELECT count(*) FROM historical_locations_locations WHERE historical_location_id = ?"
        if work.connection.execute(places, values[:1]).fetchone()[0] == 1:
            raise StaError("needs a Location", f"HistoricalLocations({values[0]})", "delete the HistoricalLocation")
    else:
        inverse = ENTITIES[link.target].links[link.inverse]
        needs, needed = (entity, link.target) if not link.many or (inverse.many and link.required) else (link.target, entity)
        raise StaError(f"{article(needs)} needs its {needed}", "$ref", "link it to another one, or delete it")
    if work.connection.execute(query, values).rowcount == 0:
        raise StaError("there is no such link", f"{ENTITIES[entity].set_name}({id_})/{link.name}", "check the ids", status=404)


def move(work: Work, thing: int, locations: list[int]) -> None:
    """Say that a Thing is now at these Locations (one place, in several encodings), and that it came there now."""
    if not put(work.connection, thing, locations):
        return
    insert = "INSERT INTO historical_locations (thing_id, time_us) VALUES (?, ?)"
    id_ = work.connection.execute(insert, (thing, work.now_us)).lastrowid
    assert id_ is not None
    for location in dict.fromkeys(locations):
        remember_place(work.connection, id_, location)
    work.made("HistoricalLocation", id_)


def put(connection: sqlite3.Connection, thing: int, locations: list[int]) -> bool:
    """Put a Thing at these Locations; False where it was there already."""
    before = {row[0] for row in connection.execute("SELECT location_id FROM things_locations WHERE thing_id = ?", (thing,))}
    if before == set(locations):
        return False
    connection.execute("DELETE FROM things_locations WHERE thing_id = ?", (thing,))
    connection.executemany("INSERT INTO things_locations VALUES (?, ?)", [(thing, each) for each in dict.fromkeys(locations)])
    return True


def follow_history(connection: sqlite3.Connection, historical_location: int) -> None:
    """Put the Thing where a HistoricalLocation says, where that is the newest of all of the Thing."""
    newest = connection.execute(_IS_NEWEST, (historical_location,)).fetchone()
    if newest is not None:
        places = connection.execute(
            "SELECT location_id FROM historical_locations_locations WHERE historical_location_id = ?", (historical_location,)
        ).fetchall()
        put(connection, newest[0], [row[0] for row in places])


def remember_place(connection: sqlite3.Connection, historical_location: int, location: int) -> None:
    """Let a HistoricalLocation hold a Location, too."""
    connection.execute("INSERT OR IGNORE INTO historical_locations_locations VALUES (?, ?)", (historical_location, location))


def set_observed(connection: sqlite3.Connection, stream: int, properties: list[int]) -> None:
    """Say what a datastream observes, in the order of its results."""
    connection.execute("DELETE FROM datastreams_properties WHERE datastream_id = ?", (stream,))
    connection.executemany(
        "INSERT INTO datastreams_properties VALUES (?, ?, ?)", [(stream, place, each) for place, each in enumerate(properties)]
    )


def change_observation(work: Work, id_: int, properties: dict[str, object], links: dict[str, int]) -> None:
    """Revise an observation: its properties become those of a body, its links lead to what ``links`` names."""
    row = find_observation(work.connection, id_)
    assert row is not None
    if "Datastream" in links and "MultiDatastream" in links:
        raise two_streams()
    stream = next((find_stream(work.connection, name, links[name]) for name in links if name != "FeatureOfInterest"), None)
    values = check_body(ENTITIES["Observation"], properties).values
    revise(work, row, values, stream, links.get("FeatureOfInterest"))


def two_streams() -> StaError:
    """The error of an Observation with two datastreams."""
    return StaError("belongs to a Datastream or a MultiDatastream, not to both", "Observation", "leave one out")


def _set_one(work: Work, entity: str, id_: int, link: str, target: int) -> None:
    if entity != "Observation":
        work.connection.execute(_COLUMNS[entity, link], (target, id_))
        if entity == "HistoricalLocation":
            follow_history(work.connection, id_)
        return
    row = find_observation(work.connection, id_)
    assert row is not None
    change_observation(work, id_, shown_observation(row), {link: target})

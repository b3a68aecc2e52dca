"""SensorThings entities created, updated, linked and deleted (OGC 18-088, clause 10, with MultiDatastream and ``$ref``).

Every function runs inside one piece of work of the store's writer, ``store.write(lambda connection: create(connection, …))``:
where it raises, nothing of it stays. ``now_us`` is the moment of the write, UTC microseconds. Ids are the server's; one in a body
is passed over.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from ruimte.sta.bodies import check_body, json_text, read_reference
from ruimte.sta.entities import Entity, Link
from ruimte.sta.errors import StaError
from ruimte.sta.json_patch import apply_patch
from ruimte.sta.path import Path
from ruimte.store.sta import extents, rows
from ruimte.store.sta.bulk import create_observations
from ruimte.store.sta.insert import insert, is_needed_first
from ruimte.store.sta.links import attach, change_observation, detach, follow_history, set_observed
from ruimte.store.sta.observe import find_stream
from ruimte.store.sta.remove import remove
from ruimte.store.sta.resolve import require, resolve, resolve_entity
from ruimte.store.sta.revise import find_observation, shown_observation
from ruimte.store.sta.work import Touched, Work

__all__ = ["Touched", "create", "create_observations", "delete", "json_patch", "link", "unlink", "update"]


def create(connection: sqlite3.Connection, path: Path, body: Any, now_us: int) -> Touched:
    """A new entity in a set (``Things``) or behind a link of another (``Things(1)/Datastreams``), with all that its body holds.

    Raises ``StaError``: 400 for a body that is wrong, 404 for an address that does not exist, 405 for one that is no set.
    """
    if not path.steps:
        raise StaError("nothing can be made here", mend="post to a set, such as Things", status=405)
    *before, last = path.steps
    if last.id is not None or (last.link is not None and not last.link.many) or path.prop or path.value or path.ref:
        resolve(connection, path.steps)
        raise StaError("is no set", last.entity.name, f"post to {last.entity.set_name}", status=405)
    work = Work(connection, now_us, Touched(last.entity.name, 0))
    if last.link is None:
        work.touched.id = insert(work, last.entity, body)
        return work.touched
    owner, owner_id = before[-1].entity, resolve(connection, before)
    back = last.entity.links[last.link.inverse]
    work.touched.id = insert(work, last.entity, body, "", (back, owner_id))
    if not is_needed_first(last.entity, back):
        attach(work, owner.name, owner_id, last.link, [work.touched.id])
    return work.touched


def update(connection: sqlite3.Connection, path: Path, body: Any, now_us: int, *, replace: bool) -> Touched:
    """Change an entity: the properties that are given (PATCH), or all, where those left out are reset (``replace``: PUT).

    Links may lead to other entities that exist; those left out stay. Raises ``StaError``: 400 for a body that is wrong or holds a
    new entity, 404 for an entity that does not exist, 405 for a set.
    """
    id_ = resolve_entity(connection, path)
    before = _shown(connection, path.entity, id_)
    if not isinstance(body, dict):
        check_body(path.entity, body)
    given = {name: value for name, value in body.items() if name in path.entity.properties}
    links = check_body(path.entity, body, partial=not replace).links
    return _change(connection, path.entity, id_, before, given if replace else before | given, links, now_us)


def json_patch(connection: sqlite3.Connection, path: Path, operations: Any, now_us: int) -> Touched:
    """Change an entity by a JSON Patch (RFC 6902) of its properties, also within them.

    Raises ``StaError``: 400 for a patch that is wrong or leaves a wrong entity, 404 for an entity that does not exist, 409 where
    a test of the patch fails.
    """
    id_ = resolve_entity(connection, path)
    before = _shown(connection, path.entity, id_)
    json_text(operations, "body")
    after = apply_patch(before, operations)
    links = check_body(path.entity, after).links
    return _change(connection, path.entity, id_, before, after, links, now_us)


def delete(connection: sqlite3.Connection, path: Path, now_us: int) -> Touched:
    """Delete an entity with what cannot be without it. Raises ``StaError``: 404 where there is none, 405 for a set."""
    work = Work(connection, now_us, Touched(path.entity.name if path.steps else "", 0))
    work.touched.id = resolve_entity(connection, path)
    remove(work, work.touched.entity, work.touched.id)
    return work.touched


def link(connection: sqlite3.Connection, path: Path, body: Any, now_us: int) -> Touched:
    """Link an entity to one that exists (POST or PUT to ``…/$ref``): ``{"@iot.id": 5}`` or ``{"@id": "https://…/Things(5)"}``.

    Raises ``StaError``: 400 for a body that is wrong or leads to nothing, 404 for an address that does not exist, 405 for one
    that is no link.
    """
    entity, id_, way = _way(connection, path)
    if path.steps[-1].id is not None:
        raise StaError("is one entity", f"{way.name}({path.steps[-1].id})", f"send it to {way.name}/$ref", status=405)
    target = require(connection, way.target, read_reference(body, way.target))
    work = Work(connection, now_us, Touched(entity.name, id_, changed=[way.name]))
    attach(work, entity.name, id_, way, [target])
    return work.touched


def unlink(connection: sqlite3.Connection, path: Path, now_us: int, body: Any = None) -> Touched:
    """Undo a link: DELETE of ``Things(1)/Locations(2)/$ref``, or of ``Things(1)/Locations/$ref`` with a reference as in ``link``.

    Raises ``StaError``: 400 where one of both needs the other, 404 where they are not linked, 405 for what is no link.
    """
    entity, id_, way = _way(connection, path)
    target = path.steps[-1].id
    if target is None and not way.many:
        target = resolve(connection, path.steps)
    elif target is None:
        target = read_reference(body, way.target)
    work = Work(connection, now_us, Touched(entity.name, id_, changed=[way.name]))
    detach(work, entity.name, id_, way, target)
    return work.touched


def _way(connection: sqlite3.Connection, path: Path) -> tuple[Entity, int, Link]:
    """The entity that a link starts at, its id, and the link."""
    if len(path.steps) < 2 or path.prop or path.value:
        raise StaError("is no link between entities", "$ref", "write it as Things(1)/Locations/$ref", status=405)
    *before, last = path.steps
    assert last.link is not None
    return before[-1].entity, resolve(connection, before), last.link


def _shown(connection: sqlite3.Connection, entity: Entity, id_: int) -> dict[str, Any]:
    if entity.name != "Observation":
        return rows.shown(connection, entity.name, id_)
    row = find_observation(connection, id_)
    assert row is not None
    return shown_observation(row)


def _change(
    connection: sqlite3.Connection,
    entity: Entity,
    id_: int,
    before: dict[str, Any],
    after: dict[str, Any],
    links: dict[str, list[int | dict[str, Any]]],
    now_us: int,
) -> Touched:
    """Give an entity the properties ``after`` and these links."""
    work = Work(connection, now_us, Touched(entity.name, id_))
    targets = {name: _existing(connection, entity.links[name], items) for name, items in links.items()}
    if entity.name == "Observation":
        change_observation(work, id_, after, {name: ids[0] for name, ids in targets.items()})
    else:
        values = check_body(entity, after).values
        for name, ids in targets.items():
            if (entity.name, name) == ("MultiDatastream", "ObservedProperties"):
                _set_observed(connection, id_, ids)
            else:
                attach(work, entity.name, id_, entity.links[name], ids)
        rows.update(connection, entity.name, id_, rows.row_of(entity.name, values, _observed(connection, entity, id_)))
        if entity.name == "HistoricalLocation":
            follow_history(connection, id_)
    now = _shown(connection, entity, id_)
    differing = [name for name in entity.properties if before.get(name) != now.get(name)]
    work.touched.changed += [*differing, *targets]
    _mind_places(connection, entity.name, id_, differing)
    return work.touched


def _existing(connection: sqlite3.Connection, way: Link, items: list[int | dict[str, Any]]) -> list[int]:
    if not all(isinstance(item, int) for item in items):
        raise StaError("an update holds no new entities", way.name, 'link to one that exists, as in {"@iot.id": 5}')
    return [require(connection, way.target, item) for item in items if isinstance(item, int)]


def _set_observed(connection: sqlite3.Connection, id_: int, properties: list[int]) -> None:
    """Let a MultiDatastream observe other properties; as many as before once it has observations."""
    width = find_stream(connection, "MultiDatastream", id_).width
    has_some = "SELECT EXISTS (SELECT 1 FROM observations WHERE datastream_id = ?)"
    if len(properties) != width and connection.execute(has_some, (id_,)).fetchone()[0]:
        raise StaError(f"has Observations of {width} results", f"MultiDatastreams({id_})", f"name {width} ObservedProperties")
    set_observed(connection, id_, properties)


def _observed(connection: sqlite3.Connection, entity: Entity, id_: int) -> list[str]:
    if entity.name != "MultiDatastream":
        return []
    query = """SELECT o.name FROM datastreams_properties p JOIN observed_properties o ON o.id = p.observed_property_id
      WHERE p.datastream_id = ? ORDER BY p.position"""
    return [row[0] for row in connection.execute(query, (id_,))]


def _mind_places(connection: sqlite3.Connection, entity: str, id_: int, changed: list[str]) -> None:
    """After a change of a place: new observations at a moved Location are of another feature; a moved feature moves areas."""
    if entity == "Location" and {"location", "encodingType"} & set(changed):
        connection.execute("UPDATE features SET location_id = NULL WHERE location_id = ?", (id_,))
    elif entity == "FeatureOfInterest" and {"feature", "encodingType"} & set(changed):
        extents.measure_of_feature(connection, id_)

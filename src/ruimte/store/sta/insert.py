"""New entities with all that stands inside them (deep insert): first what an entity needs, then itself, then what needs it."""

from __future__ import annotations

from typing import Any

from ruimte.sta.bodies import Body, article, check_body
from ruimte.sta.entities import ENTITIES, Entity, Link
from ruimte.sta.errors import StaError
from ruimte.store.sta import rows
from ruimte.store.sta.links import attach, follow_history, remember_place, set_observed, two_streams
from ruimte.store.sta.observe import find_stream, observe
from ruimte.store.sta.resolve import require
from ruimte.store.sta.work import Work

DEEPEST = 8
"""Most levels of entities inside one another."""
_FOREIGN = {"Thing": "thing_id", "Sensor": "sensor_id"}
_NEEDED_FIRST = {("MultiDatastream", "ObservedProperties"), ("HistoricalLocation", "Locations")}
_PLACES_FIRST = ("Locations", "Things")
"""Where a Thing is must be known before its Observations come, for they may take their feature from there."""


def insert(work: Work, entity: Entity, body: Any, where: str = "", owner: tuple[Link, int] | None = None, depth: int = 0) -> int:
    """A new entity, and its id. ``owner`` is the link that leads back to what it stands in, and the id of that.

    Raises ``StaError`` (400) where anything in the body is wrong or missing.
    """
    if depth > DEEPEST:
        raise StaError(f"more than {DEEPEST} levels of entities", where, "send them one after the other")
    checked = check_body(entity, body, where)
    owned = _own(entity, checked, owner, where)
    needed = {
        name: _all(work, entity, name, items, where, depth)
        for name, items in checked.links.items()
        if is_needed_first(entity, entity.links[name])
    }
    if owned is not None and is_needed_first(entity, owned[0]):
        before = needed.get(owned[0].name, [])
        needed[owned[0].name] = before if owned[1] in before else [owned[1], *before]
    for link in entity.links.values():
        if link.required and not needed.get(link.name):
            raise StaError(f"{article(entity.name)} needs {_one_or_some(link)}", where or "body", f"add {link.name}")
    id_ = _store(work, entity, checked.values, needed)
    for name in sorted(checked.links, key=lambda name: name not in _PLACES_FIRST):
        if name not in needed:
            _fill(work, entity, id_, name, checked.links[name], where, depth)
    return id_


def is_needed_first(entity: Entity, link: Link) -> bool:
    """Whether an entity is made only once this link of it is known."""
    return not link.many or (entity.name, link.name) in _NEEDED_FIRST


def _own(entity: Entity, body: Body, owner: tuple[Link, int] | None, where: str) -> tuple[Link, int] | None:
    """The link to the owner, which the body may repeat but not contradict."""
    if owner is None or owner[0].many:
        return owner
    said = body.links.pop(owner[0].name, None)
    if said not in (None, [owner[1]]):
        place = f"{where}/{owner[0].name}" if where else owner[0].name
        raise StaError(f"is given already, by where the {entity.name} stands", place, f"leave {owner[0].name} out")
    return owner


def _all(work: Work, entity: Entity, name: str, items: list[int | dict[str, Any]], where: str, depth: int) -> list[int]:
    """The ids of what a link leads to: those that are linked, and those that are made."""
    target, ids = ENTITIES[entity.links[name].target], []
    place = f"{where}/{name}" if where else name
    for item in items:
        if isinstance(item, int):
            ids.append(require(work.connection, target.name, item))
        else:
            ids.append(insert(work, target, item, place, None, depth + 1))
    return ids


def _fill(work: Work, entity: Entity, id_: int, name: str, items: list[int | dict[str, Any]], where: str, depth: int) -> None:
    """Give a link to many of a new entity what its body says."""
    link = entity.links[name]
    target = ENTITIES[link.target]
    back = target.links[link.inverse]
    if (entity.name, name) in (("Thing", "Locations"), ("Location", "Things")):
        attach(work, entity.name, id_, link, _all(work, entity, name, items, where, depth))
        return
    place = f"{where}/{name}" if where else name
    for item in items:
        if isinstance(item, int):
            attach(work, entity.name, id_, link, [require(work.connection, target.name, item)])
        else:
            insert(work, target, item, place, (back, id_), depth + 1)


def _store(work: Work, entity: Entity, values: dict[str, Any], links: dict[str, list[int]]) -> int:
    connection = work.connection
    if entity.name == "Observation":
        return _observation(work, values, links)
    observed = links.get("ObservedProperties") or links.get("ObservedProperty") or []
    row = rows.row_of(entity.name, values, [_name(work, each) for each in observed])
    row |= {_FOREIGN[name]: ids[0] for name, ids in links.items() if name in _FOREIGN}
    if entity.name == "MultiDatastream":
        row["multi"] = 1
    id_ = work.made(entity.name, rows.insert(connection, entity.name, row))
    if observed:
        set_observed(connection, id_, observed)
    if entity.name == "HistoricalLocation":
        for location in links["Locations"]:
            remember_place(connection, id_, location)
        follow_history(connection, id_)
    return id_


def _observation(work: Work, values: dict[str, Any], links: dict[str, list[int]]) -> int:
    streams = [name for name in ("Datastream", "MultiDatastream") if name in links]
    if not streams:
        raise StaError("an Observation needs a Datastream or a MultiDatastream", "body", 'add "Datastream": {"@iot.id": 1}')
    if len(streams) == 2:
        raise two_streams()
    stream = find_stream(work.connection, streams[0], links[streams[0]][0])
    return observe(work, stream, values, links.get("FeatureOfInterest", [None])[0])


def _name(work: Work, observed_property: int) -> str:
    query = "SELECT name FROM observed_properties WHERE id = ?"
    return str(work.connection.execute(query, (observed_property,)).fetchone()[0])


def _one_or_some(link: Link) -> str:
    return link.name if link.many else article(link.target)

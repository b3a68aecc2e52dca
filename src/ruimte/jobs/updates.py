"""What is published when entities are made or changed (OGC 18-088, clause 14.2): on which topics, and what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any

import msgspec

from ruimte.intake.mqtt.topics import PREFIX, Asked
from ruimte.sta.entities import ENTITIES, Entity, Link
from ruimte.sta.errors import StaError
from ruimte.sta.path import Path, parse_path

Get = Callable[[str, str], Any]
"""What a GET of an address with a query gives; None where there is no such thing."""

Message = tuple[str, bytes]
"""A topic and what is published on it."""

MOST_OWNERS = 1000
"""Owners in whose sets an entity is announced (the Things of a Location); and the most rows that are read at once."""


@dataclass(frozen=True, slots=True)
class Change:
    """An entity that was made, or of which the properties ``changed`` are new."""

    entity: str
    id: int
    changed: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """A change of an entity that is still there: what a GET shows, and the ids of its owners by the name of the link to them."""

    change: Change
    body: dict[str, Any]
    owners: dict[str, set[int]]


def updates(changes: Iterable[Change], asked: Sequence[Asked], get: Get) -> Iterator[Message]:
    """The messages of changes; none for an entity that is gone by now.

    Always: the entity's own set, the sets of those that it belongs to, and after a change the entity and its changed properties.
    On top of that whatever is ``asked``: deeper addresses, and those with ``$select``. A message is what a GET gives.
    """
    for name, group in groupby(sorted(changes, key=lambda change: (change.entity, change.id)), lambda change: change.entity):
        entity = ENTITIES[name]
        wanted = [(each, path) for each in asked if (path := _parsed(each.path)) is not None and path.entity is entity]
        for known in _known(entity, list(group), get):
            plain = dict(_plain(entity, known))
            yield from plain.items()
            for each, path in wanted:
                if each.topic not in plain and (body := _asked_for(known, each, path, get)) is not None:
                    yield each.topic, msgspec.json.encode(body)


def _known(entity: Entity, changes: list[Change], get: Get) -> Iterator[_Known]:
    """The changes with what has to be known of them, read many at a time."""
    ids = sorted({change.id for change in changes})
    links = ",".join(f"{link.name}($select=id;$top={MOST_OWNERS})" for link in _owning(entity))
    bodies = {row["@iot.id"]: row for row in _rows(entity, ids, "", get)}
    owners = {row["@iot.id"]: row for row in _rows(entity, ids, f"&$select=id&$expand={links}", get)} if links else {}
    for change in changes:
        if change.id in bodies:
            yield _Known(change, bodies[change.id], _owners(entity, owners.get(change.id, {})))


def _rows(entity: Entity, ids: Sequence[int], query: str, get: Get) -> Iterator[dict[str, Any]]:
    """The entities with these ids, by runs of ids that follow each other, as those of observations do that came together."""
    for first, last in _runs(ids):
        page = get(entity.set_name, f"$filter=id ge {first} and id le {last}&$orderby=id&$top={MOST_OWNERS}{query}")
        yield from () if page is None else page["value"]


def _runs(ids: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last of each run of ascending ids, none longer than a page.

    >>> list(_runs([1, 2, 3, 7]))
    [(1, 3), (7, 7)]
    """
    first = last = ids[0]
    for id_ in ids[1:]:
        if id_ != last + 1 or id_ - first >= MOST_OWNERS:
            yield first, last
            first = id_
        last = id_
    yield first, last


def _owning(entity: Entity) -> Iterator[Link]:
    """The links to entities in whose sets this one stands: an Observation's to its Datastream, not a Sensor's to Datastreams."""
    return (link for link in entity.links.values() if ENTITIES[link.target].links[link.inverse].many)


def _owners(entity: Entity, row: dict[str, Any]) -> dict[str, set[int]]:
    found = {}
    for link in _owning(entity):
        owner = row.get(link.name)
        found[link.name] = {one["@iot.id"] for one in (owner if link.many else [owner]) if one} if owner else set()
    return found


def _plain(entity: Entity, known: _Known) -> Iterator[Message]:
    """The messages that are published whoever listens."""
    own, whole = f"{entity.set_name}({known.change.id})", msgspec.json.encode(known.body)
    yield PREFIX + entity.set_name, whole
    for link in _owning(entity):
        for id_ in sorted(known.owners[link.name]):
            yield f"{PREFIX}{ENTITIES[link.target].set_name}({id_})/{link.inverse}", whole
    if known.change.changed is not None:
        yield PREFIX + own, whole
        for name in known.change.changed:
            if name in entity.properties:
                yield f"{PREFIX}{own}/{name}", msgspec.json.encode({name: known.body.get(name)})


def _asked_for(known: _Known, wanted: Asked, path: Path, get: Get) -> Any:
    """The message for a subscriber to an address that may hold the entity; None where it does not."""
    change = known.change
    if path.value or path.ref:
        return None
    if path.is_set:
        return get(f"{path.entity.set_name}({change.id})", wanted.query) if _holds(path, known.owners, get) else None
    if change.changed is None or (path.prop and path.prop[0] not in change.changed):
        return None
    return get(wanted.path, wanted.query) if _id_at(Path(path.steps), get) == change.id else None


def _holds(path: Path, owners: dict[str, set[int]], get: Get) -> bool:
    """Whether a set holds the entity whose owners these are."""
    before, link = path.parent, path.steps[-1].link
    if before is None or link is None:
        return True
    owned, id_ = owners.get(link.inverse, set()), before.steps[-1].id
    if id_ is not None and (id_ not in owned or len(before.steps) == 1):
        return id_ in owned
    return bool(owned) and _id_at(before, get) in owned


def _id_at(path: Path, get: Get) -> int | None:
    """The id of the entity at an address, or None where there is none."""
    if len(path.steps) == 1:
        return path.steps[0].id
    found = get(str(path), "$select=id")
    return None if found is None else int(found["@iot.id"])


@lru_cache(maxsize=2000)
def _parsed(text: str) -> Path | None:
    """The address in a topic filter, or None where it is none."""
    try:
        return parse_path(text)
    except StaError:
        return None

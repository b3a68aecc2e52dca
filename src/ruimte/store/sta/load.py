"""Entities as JSON, level by level: one query for the rows of all entities of a level, one for each link that is expanded.

An entity that several others lead to (the Datastream of a thousand Observations) is made once and shared.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any

import msgspec

from ruimte.sta.entities import Entity
from ruimte.sta.errors import StaError
from ruimte.sta.options import Expand, Options
from ruimte.store.sta import schema
from ruimte.store.sta.pages import Page, Parent, find_pages
from ruimte.store.sta.shown import Shape

MOST_ENTITIES = 50_000
"""In one answer, expanded ones included, each as often as it is shown."""

Json = dict[str, Any]


@dataclass(slots=True)
class Loaded:
    """An entity: its JSON, its address, of an Observation the kind and id of its datastream, and how many entities are shown in
    it, itself included."""

    json: Json
    link: str
    stream: tuple[str, int] | None
    size: int = 1


class Loader:
    """Makes the entities of one answer. ``base`` is the address of the service, without a slash at its end."""

    def __init__(self, connection: sqlite3.Connection, base: str, now_us: int) -> None:
        self.connection = connection
        self.base = base
        self.now_us = now_us
        self._made = 0

    def load(self, entity: Entity, ids: list[int], options: Options) -> dict[int, Loaded]:
        """Entities by the ids of their rows, with ``$select`` and ``$expand``."""
        self._made += len(ids)
        _check_size(self._made)
        expands = {expand.link.name: expand for expand in options.expand}
        loaded = self._rows(entity, ids, options, set(expands))
        for expand in expands.values():
            if expand.link.many:
                self._expand_many(entity, loaded, expand)
            else:
                self._expand_one(entity, loaded, expand)
        _check_size(sum(each.size for each in loaded.values()))
        return loaded

    def _rows(self, entity: Entity, ids: list[int], options: Options, expanded: set[str]) -> dict[int, Loaded]:
        selected = options.select
        shape = Shape(entity, [name for name in entity.properties if selected is None or name in selected])
        links = [name for name in entity.links if (name not in expanded if selected is None else name in selected)]
        whole = selected is None or "id" in selected
        observed = entity.name == "Observation"
        more = ["s.multi", "o.datastream_id", "coalesce(o.feature_id, s.feature_id)"] if observed else []
        columns = ["o.id", schema.identity(entity.name, "o"), *more, *(f"o.{column}" for column in shape.columns)]
        join = "LEFT JOIN datastreams s ON s.id = o.datastream_id" if observed else ""
        sql = (
            f"SELECT {', '.join(columns)} FROM json_each(:ids) k"
            f" CROSS JOIN {schema.TABLES[entity.name]} o ON o.id = k.value {join}"
        )
        loaded = {}
        for row in self.connection.execute(sql, {"ids": _json_list(ids)}):
            link = f"{self.base}/{entity.set_name}({row[1]})"
            json: Json = {"@iot.selfLink": link, "@iot.id": row[1]} if whole else {}
            shape.fill(json, row[2 + len(more) :])
            stream, absent = _stream_of(row) if observed else (None, ())
            for name in links:
                if name not in absent:
                    json[f"{name}@iot.navigationLink"] = f"{link}/{name}"
            loaded[row[0]] = Loaded(json, link, stream)
        return loaded

    def _expand_many(self, entity: Entity, loaded: dict[int, Loaded], expand: Expand) -> None:
        parent = Parent(entity, expand.link, "k.value")
        pages = find_pages(self.connection, expand.entity, parent, list(loaded), expand.options, self.now_us)
        wanted = list(dict.fromkeys(id_ for page in pages.values() for id_ in page.ids))
        children = self.load(expand.entity, wanted, expand.options)
        for id_, page in pages.items():
            _put_set(loaded[id_], expand.link.name, page, [children[child] for child in page.ids])

    def _expand_one(self, entity: Entity, loaded: dict[int, Loaded], expand: Expand) -> None:
        condition = schema.to_one(entity.name, expand.link.name, "p", "o")
        sql = (
            f"SELECT p.id, o.id FROM json_each(:ids) k CROSS JOIN {schema.TABLES[entity.name]} p ON p.id = k.value"
            f" CROSS JOIN {schema.TABLES[expand.entity.name]} o ON {condition} AND {schema.exists(expand.entity.name, 'o')}"
        )
        pairs = dict(self.connection.execute(sql, {"ids": _json_list(list(loaded))}).fetchall())
        children = self.load(expand.entity, list(dict.fromkeys(pairs.values())), expand.options)
        for id_, each in loaded.items():
            child = children[pairs[id_]] if id_ in pairs else None
            each.json[expand.link.name] = child.json if child else None
            each.size += child.size if child else 0


def _put_set(parent: Loaded, name: str, page: Page, children: list[Loaded]) -> None:
    """Put an expanded set into an entity, with its count and its next page where it has them."""
    if page.count is not None:
        parent.json[f"{name}@iot.count"] = page.count
    parent.json[name] = [child.json for child in children]
    if page.following is not None:
        parent.json[f"{name}@iot.nextLink"] = f"{parent.link}/{name}?{page.following.query()}"
    parent.size += sum(child.size for child in children)


def _check_size(entities: int) -> None:
    if entities > MOST_ENTITIES:
        raise StaError(f"the answer has more than {MOST_ENTITIES} entities", "$expand", "ask for less with $top")


def _stream_of(row: tuple[Any, ...]) -> tuple[tuple[str, int], tuple[str, ...]]:
    """The kind and id of an observation's datastream, and which of its links lead nowhere."""
    kind, other = ("MultiDatastream", "Datastream") if row[2] else ("Datastream", "MultiDatastream")
    return (kind, row[3]), (other,) if row[4] is not None else (other, "FeatureOfInterest")


def _json_list(ids: list[int]) -> str:
    return msgspec.json.encode(ids).decode()

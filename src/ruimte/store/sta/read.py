"""What an address and its query options answer (OGC 18-088, clauses 9.2 and 9.3)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from ruimte.clock import SystemClock
from ruimte.sta.entities import Entity
from ruimte.sta.errors import StaError
from ruimte.sta.options import NO_OPTIONS, Options
from ruimte.sta.path import Path, Step
from ruimte.store.sta import schema
from ruimte.store.sta.functions import prepare
from ruimte.store.sta.load import Json, Loader
from ruimte.store.sta.pages import Parent, find_page
from ruimte.store.sta.shown import Shape

Kind = Literal["entity", "set", "property", "value", "refs"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was asked for, ready to be encoded as JSON.

    ``entity``: an object. ``set``: an object whose ``value`` lists the entities, with ``@iot.count`` and ``@iot.nextLink`` where
    they apply. ``refs``: the like with selfLinks only, or one selfLink. ``property``: an object of that one property. ``value``:
    the bare value. The body is None where a property has no value. ``streams`` tells of each listed Observation the kind and id
    of its datastream (``("Datastream", 7)``).
    """

    kind: Kind
    entity: Entity
    body: Any
    count: int | None = None
    next_link: str | None = None
    streams: tuple[tuple[str, int], ...] = ()

    @property
    def rows(self) -> list[Json]:
        """The entities of a set; those of an entity are itself."""
        return list(self.body["value"]) if self.kind == "set" else [self.body] if self.kind == "entity" else []


def read(connection: sqlite3.Connection, path: Path, options: Options, base: str, now_us: int | None = None) -> Answer:
    """Answer an address. ``base`` is the service's own (``https://…/sta/v1.1``); ``now_us`` is what ``now()`` means (µs).

    Raises ``StaError``: 404 where any part of the address does not exist, 400 where the options make no sense.
    """
    prepare(connection)
    loader = Loader(connection, base.rstrip("/"), SystemClock().now_us() if now_us is None else now_us)
    with _one_picture(connection):
        if path.steps[-1].is_set:
            return _set(loader, path, options)
        row = _row(connection, path.steps)
        if path.prop:
            return _property(connection, path, row)
        loaded = loader.load(path.entity, [row], NO_OPTIONS if path.ref else options)[row]
        if path.ref:
            return Answer("refs", path.entity, {"@iot.selfLink": loaded.link})
        return Answer("entity", path.entity, loaded.json, streams=(loaded.stream,) if loaded.stream else ())


@contextmanager
def _one_picture(connection: sqlite3.Connection) -> Iterator[None]:
    """Let all queries see the database of one moment."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")


def _set(loader: Loader, path: Path, options: Options) -> Answer:
    parent, parent_row = None, None
    if len(path.steps) > 1:
        link = path.steps[-1].link
        assert link is not None
        parent, parent_row = Parent(path.steps[-2].entity, link, ":parent"), _row(loader.connection, path.steps[:-1])
    page = find_page(loader.connection, path.entity, parent, parent_row, options, loader.now_us)
    loaded = loader.load(path.entity, page.ids, NO_OPTIONS if path.ref else options)
    rows = [loaded[id_] for id_ in page.ids]
    body: Json = {} if page.count is None else {"@iot.count": page.count}
    body["value"] = [{"@iot.selfLink": each.link} for each in rows] if path.ref else [each.json for each in rows]
    next_link = None if page.following is None else f"{loader.base}/{path}?{page.following.query()}"
    if next_link is not None:
        body["@iot.nextLink"] = next_link
    streams = tuple(each.stream for each in rows if each.stream is not None)
    return Answer("refs" if path.ref else "set", path.entity, body, page.count, next_link, streams)


def _row(connection: sqlite3.Connection, steps: Sequence[Step]) -> int:
    """The id of the row of the one entity that the steps lead to. Raises ``StaError`` (404) where any of them leads nowhere."""
    before, row = steps[0].entity, 0
    for number, step in enumerate(steps):
        name = step.entity.name
        conditions, tables = [schema.exists(name, "o")], f"{schema.TABLES[name]} o"
        if step.link is not None and step.link.many:
            conditions.append(schema.to_many(before.name, step.link.name, ":row", "o"))
        elif step.link is not None:
            condition = schema.to_one(before.name, step.link.name, "p", "o")
            tables = f"{schema.TABLES[before.name]} p CROSS JOIN {tables} ON {condition}"
            conditions.append("p.id = :row")
        if step.id is not None:
            conditions.append(schema.has_id(name, "o", ":id"))
        sql = f"SELECT o.id FROM {tables} WHERE {' AND '.join(conditions)}"
        found = connection.execute(sql, {"row": row, "id": step.id}).fetchone()
        if found is None:
            raise StaError("does not exist", str(Path(tuple(steps[: number + 1]))), "check the ids", status=404)
        before, row = step.entity, found[0]
    return row


def _property(connection: sqlite3.Connection, path: Path, row: int) -> Answer:
    name, keys = path.prop[0], path.prop[1:]
    shape = Shape(path.entity, [name])
    sql = f"SELECT {', '.join(shape.columns)} FROM {schema.TABLES[path.entity.name]} WHERE id = ?"
    json: Json = {}
    shape.fill(json, connection.execute(sql, (row,)).fetchone())
    value = json.get(name)
    for key in keys:
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and len(key) < 10 and int(key) < len(value):
            value = value[int(key)]
        else:
            raise StaError("does not exist", str(path), f"{name} has no such key", status=404)
    if path.value:
        return Answer("value", path.entity, value)
    return Answer("property", path.entity, None if value is None else {path.prop[-1]: value})

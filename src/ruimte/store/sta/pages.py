"""Which rows a set holds, in which order, page by page.

A page goes on where the one before ended: where the rows are ordered by time or id, at the keys of its last row, so that a walk
has no gap and no overlap while others write; in any other order by a number of rows to skip. Whatever the order, equal rows come
by id. Observations of one datastream come by time, those of all by id; what a MultiDatastream observes as its results have it.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from ruimte.sta.entities import Entity, Link
from ruimte.sta.errors import StaError
from ruimte.sta.options import Options
from ruimte.sta.path import LARGEST_ID
from ruimte.sta.tree import Field
from ruimte.store.sta import schema
from ruimte.store.sta.query import Compiler, Parameters

USUAL = 100
"""Rows of a page where no $top says otherwise."""
MOST = 1000
LONGEST_S = 30
_BETWEEN_LOOKS = 1_000_000
"""Steps of SQLite's machine between two looks at the clock: some hundredths of a second."""
_TOO_MUCH = ("stack overflow", "too large", "too many", "at most 64", "malformed JSON")
_ID, _TIME = Field((), "id"), Field((), "phenomenonTime")


@dataclass(frozen=True, slots=True)
class Parent:
    """From where a set is reached: the kind of entity, the link, and the SQL of its row's id."""

    entity: Entity
    link: Link
    id: str


@dataclass(frozen=True, slots=True)
class Page:
    """The ids of a page's rows, how many rows the whole set has (where that was asked for), and the options of the page after it
    (None at the end)."""

    ids: list[int]
    count: int | None
    following: Options | None


@dataclass(frozen=True, slots=True)
class _Key:
    """A key of the order; a ``whole`` one is a number that is never null, so that a page can begin at it."""

    sql: str
    falls: bool
    whole: bool = False


def find_page(
    connection: sqlite3.Connection, entity: Entity, parent: Parent | None, parent_id: int | None, options: Options, now_us: int
) -> Page:
    """A page of a set; ``parent.id`` must be ``:parent``. Raises ``StaError`` (400) where the options make no sense."""
    query = _Query(entity, parent, options, now_us)
    values = query.parameters.values | {"parent": parent_id}
    count = int(_fetch(connection, query.counting, values)[0][0]) if options.count else None
    return query.page([] if options.top == 0 else _fetch(connection, query.listing, values), count)


def find_pages(
    connection: sqlite3.Connection, entity: Entity, parent: Parent, parents: list[int], options: Options, now_us: int
) -> dict[int, Page]:
    """A page of the set of each of many parents, by the ids of their rows, in one query; ``parent.id`` must be ``k.value``."""
    query = _Query(entity, parent, options, now_us)
    columns = ", ".join(["id", *(f"key{number}" for number in range(query.walked))])
    listed = "'[]'" if options.top == 0 else f"(SELECT json_group_array(json_array({columns})) FROM ({query.listing}))"
    counted = f"({query.counting})" if options.count else "NULL"
    sql = f"SELECT k.value, {listed}, {counted} FROM json_each(:parents) k"
    values = query.parameters.values | {"parents": msgspec.json.encode(parents).decode()}
    found = _fetch(connection, sql, values)
    return {parent_id: query.page(msgspec.json.decode(text), count) for parent_id, text, count in found}


class _Query:
    """The SQL of a set. ``listing`` gives the ids of the rows of a page and of one more, each with its ``walked`` keys where a
    page can begin at them; ``counting`` tells how many rows the set has, whatever the page. They share ``parameters``."""

    def __init__(self, entity: Entity, parent: Parent | None, options: Options, now_us: int) -> None:
        self.entity, self.parent, self.options = entity, parent, options
        self.size = USUAL if options.top is None else min(options.top, MOST)
        self.parameters = Parameters()
        self._now_us = now_us
        self.counting = self._counting()
        by_id = entity.name == "Observation" and self._is_by_id()
        table, row = (schema.OBSERVATIONS_BY_ID, schema.BY_ID) if by_id else (schema.TABLES[entity.name], "o")
        compiler = Compiler(entity, row, self.parameters, now_us)
        keys = self._keys(compiler, row)
        conditions = [self._best_of_streams()] if self._is_by_time() else self._conditions(compiler, row, keys)
        self.walked = len(keys) if all(key.whole for key in keys) else 0
        columns = [f"{row}.id"]
        if self.walked:
            columns += [f"{key.sql} AS key{number}" for number, key in enumerate(keys)]
            keys = [replace(key, sql=f"key{number}") for number, key in enumerate(keys)]
        self.listing = (
            f"SELECT {', '.join(columns)} FROM {table} {row} {compiler.joins} WHERE {' AND '.join(conditions)}"
            f" ORDER BY {_order(keys)} LIMIT {self.size + 1} OFFSET {self.parameters.add(options.skip)}"
        )

    def _counting(self) -> str:
        compiler = Compiler(self.entity, "o", self.parameters, self._now_us)
        conditions = self._conditions(compiler, "o")
        return f"SELECT count(*) FROM {schema.TABLES[self.entity.name]} o {compiler.joins} WHERE {' AND '.join(conditions)}"

    def _best_of_streams(self) -> str:
        """Observations of all datastreams by time: those that come first in each, for which an index serves, hold the page."""
        compiler = Compiler(self.entity, "x", self.parameters, self._now_us)
        keys = self._keys(compiler, "x")
        conditions = ["x.datastream_id = d.id", *self._conditions(compiler, "x", keys)]
        most = self.parameters.add(min(self.size + 1 + self.options.skip, LARGEST_ID))
        rows = f"SELECT x.id FROM observations x {compiler.joins} WHERE {' AND '.join(conditions)}"
        best = f"{rows} ORDER BY {_order(keys)} LIMIT {most}"
        return f"o.id IN (SELECT b.id FROM datastreams d CROSS JOIN observations b ON b.id IN ({best}))"

    def page(self, rows: Sequence[Sequence[int]], count: int | None) -> Page:
        """The page of the rows that ``listing`` gives."""
        ids = [row[0] for row in rows[: self.size]]
        if len(rows) <= self.size:
            return Page(ids, count, None)
        last = tuple(rows[self.size - 1][1:])
        if last:
            return Page(ids, count, replace(self.options, skip=0, skip_token=last))
        return Page(ids, count, replace(self.options, skip=self.options.skip + self.size))

    def _conditions(self, compiler: Compiler, row: str, keys: Sequence[_Key] = ()) -> list[str]:
        """What makes a row one of the set, and of those that come after the page before (by ``keys``)."""
        conditions = []
        if self.parent is not None:
            conditions.append(schema.to_many(self.parent.entity.name, self.parent.link.name, self.parent.id, row))
        conditions.append(schema.exists(self.entity.name, row))
        if self.options.filter is not None:
            conditions.append(compiler.condition(self.options.filter))
        if keys and self.options.skip_token is not None:
            conditions.append(self._after(keys, self.options.skip_token))
        return conditions

    def _is_by_id(self) -> bool:
        """Whether the rows are ordered by id before all."""
        return self.options.orderby[0][0] == _ID if self.options.orderby else not self._is_in_stream()

    def _is_by_time(self) -> bool:
        """Whether the rows are observations of all datastreams, ordered by time before all."""
        if self.entity.name != "Observation" or self.parent is not None or not self.options.orderby:
            return False
        return self.options.orderby[0][0] == _TIME

    def _is_in_stream(self) -> bool:
        return self.entity.name == "Observation" and self.parent is not None and self.parent.entity.name != "FeatureOfInterest"

    def _keys(self, compiler: Compiler, row: str) -> list[_Key]:
        """What the rows are ordered by; the last key is the id, after which nothing matters."""
        keys, falls = self._usual_keys(row), False
        for node, falls in self.options.orderby:
            if node == _ID:
                break
            times = ("phenomenonTime", "time") if self.entity.name in ("Observation", "HistoricalLocation") else ()
            whole = isinstance(node, Field) and not node.links and node.name in times
            keys.append(_Key(compiler.order(node), falls, whole))
        return [*keys, _Key(schema.identity(self.entity.name, row), falls, whole=True)]

    def _usual_keys(self, row: str) -> list[_Key]:
        if self.options.orderby or self.parent is None:
            return []
        if self._is_in_stream():
            return [_Key(f"{row}.start_us", False, whole=True)]
        if self.parent.link.name == "ObservedProperties":
            position = "SELECT min(position) FROM datastreams_properties"
            sql = f"({position} WHERE datastream_id = {self.parent.id} AND observed_property_id = {row}.id)"
            return [_Key(sql, False, whole=True)]
        return []

    def _after(self, keys: Sequence[_Key], token: tuple[int, ...]) -> str:
        """The condition of rows that come after the one with these keys. Raises ``StaError`` (400) for keys of another order."""
        if len(token) != len(keys) or not all(key.whole for key in keys):
            raise StaError("not a place in this set", "$skiptoken", "use a nextLink as it came")
        values = [self.parameters.add(number) for number in token]
        sql = "FALSE"
        for key, value in reversed(list(zip(keys, values, strict=True))):
            sign = "<" if key.falls else ">"
            # the first half alone is implied by the second; it is what an index serves for
            sql = f"({key.sql} {sign}= {value} AND ({key.sql} {sign} {value} OR {sql}))"
        return sql


def _order(keys: Sequence[_Key]) -> str:
    return ", ".join(key.sql + (" DESC" if key.falls else "") for key in keys)


def _fetch(connection: sqlite3.Connection, sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a query. Raises ``StaError`` (400) where it is too much for SQLite, or takes longer than ``LONGEST_S``."""
    until_s = time.monotonic() + LONGEST_S
    connection.set_progress_handler(lambda: time.monotonic() > until_s, _BETWEEN_LOOKS)
    try:
        return connection.execute(sql, values).fetchall()
    except sqlite3.OperationalError as error:
        if str(error) == "interrupted":
            what = f"the answer would take longer than {LONGEST_S} s"
            raise StaError(what, "$filter", "ask for one datastream, or a shorter time") from None
        if any(word in str(error) for word in _TOO_MUCH):
            raise StaError("the query is too complicated", "$filter", "use a simpler one") from None
        raise
    finally:
        connection.set_progress_handler(None, 0)

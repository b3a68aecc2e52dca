"""Many observations at once: the data array extension (OGC 18-088, clause 12). A wrong row does not harm its neighbours."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from ruimte.sta.bodies import read_id, value_check
from ruimte.sta.entities import ENTITIES
from ruimte.sta.errors import StaError
from ruimte.store.sta import extents
from ruimte.store.sta.links import two_streams
from ruimte.store.sta.observe import INSERT, Stream, columns, feature_here, find_stream, keep_feature, no_such
from ruimte.store.sta.resolve import exists
from ruimte.store.sta.work import Touched, Work

_FEATURE = ("FeatureOfInterest/id", "FeatureOfInterest/@iot.id")
_PASSED_OVER = ("id", "@iot.id")
_OBSERVATION = ENTITIES["Observation"]
_COMPONENTS = (*_OBSERVATION.properties, *_FEATURE, *_PASSED_OVER)


def create_observations(
    connection: sqlite3.Connection, groups: Any, now_us: int, touched: Touched | None = None
) -> list[int | StaError]:
    """New observations of several datastreams, as a list of groups or one group:
    ``{"Datastream": {"@iot.id": 1}, "components": ["phenomenonTime", "result"], "dataArray": [[…], …]}``.

    For each row, in order, it tells the id of its observation, or why there is none; ``touched`` is told what was made. Raises
    ``StaError`` (400) where the groups themselves are wrong; then nothing is stored.
    """
    work = Work(connection, now_us, touched or Touched("Observation", 0))
    read = [_read(group, f"group {number}") for number, group in enumerate(groups if isinstance(groups, list) else [groups])]
    return [outcome for group in read for outcome in _store(work, group)]


@dataclass(frozen=True, slots=True)
class _Group:
    entity: str
    id: int
    width: int
    checks: list[tuple[int, str, Callable[[Any, str], Any], bool]]
    """Place, name, check and whether it may be null, of each component that is a property."""
    feature: int | None
    """Place of the feature's id."""
    rows: list[Any]


def _read(group: Any, where: str) -> _Group:
    """A group whose head is right. Raises ``StaError`` (400) for any other."""
    if not isinstance(group, dict):
        raise StaError("is no object", where, 'send {"Datastream": {"@iot.id": 1}, "components": […], "dataArray": [[…]]}')
    streams = [name for name in ("Datastream", "MultiDatastream") if group.get(name) is not None]
    if len(streams) == 2:
        raise two_streams()
    link = group[streams[0]] if streams else None
    if not isinstance(link, dict) or "@iot.id" not in link:
        raise StaError("names no Datastream", where, 'add "Datastream": {"@iot.id": 1}')
    names, rows = group.get("components"), group.get("dataArray")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise StaError("has no list of components", where, 'add "components": ["phenomenonTime", "result"]')
    if not isinstance(rows, list):
        raise StaError("has no dataArray", where, "add a list of rows")
    for name in names:
        if name not in _COMPONENTS:
            near = get_close_matches(name[:100], _COMPONENTS, n=1)
            raise StaError(
                f"has an unknown component {name[:60]!a}",
                where,
                f"did you mean {near[0]}?" if near else f"use {', '.join(_COMPONENTS[:-2])}",
            )
    if len(set(names)) < len(names) or sum(name in _FEATURE for name in names) > 1:
        raise StaError("names a component twice", where, "name each once")
    if "result" not in names:
        raise StaError("has no component result", where, "add it to components")
    checks = [
        (place, name, value_check(_OBSERVATION.properties[name]), name != "result")
        for place, name in enumerate(names)
        if name in _OBSERVATION.properties
    ]
    feature = next((place for place, name in enumerate(names) if name in _FEATURE), None)
    return _Group(streams[0], read_id(link["@iot.id"], f"{where}/{streams[0]}"), len(names), checks, feature, rows)


def _store(work: Work, group: _Group) -> list[int | StaError]:
    try:
        stream = find_stream(work.connection, group.entity, group.id)
    except StaError as error:
        return [error] * len(group.rows)
    was_empty, before = stream.is_empty, stream.feature
    features = _Features(work, stream)
    outcomes: list[int | StaError | None] = []
    rows = []
    for row in group.rows:
        try:
            if type(row) is not list or len(row) != group.width:
                raise StaError(f"is no list of {group.width}, one value a component", f"row {len(outcomes)}", "check the row")
            values = {
                name: check(value, name)
                for place, name, check, optional in group.checks
                if (value := row[place]) is not None or not optional
            }
            start_us, end_us, number, text, *rest = columns(values, stream, work.now_us)
            kept = features.kept(None if group.feature is None else row[group.feature])
            rows.append((stream.id, start_us, end_us, work.now_us, number, text, kept, *rest))
            outcomes.append(None)
        except StaError as error:
            outcomes.append(error)
    if not rows:
        return [outcome for outcome in outcomes if outcome is not None]
    work.connection.executemany(INSERT, rows)
    last = int(work.connection.execute("SELECT last_insert_rowid()").fetchone()[0])  # of one writer, so they follow each other
    ids = iter(range(last - len(rows) + 1, last + 1))
    _widen(work, stream, rows)
    new = [feature for feature in features.used if was_empty or feature != before]
    if new:
        extents.cover(work.connection, stream.id, new)
    work.touched.streams.add(stream.id)
    work.touched.created.extend(("Observation", id_) for id_ in range(last - len(rows) + 1, last + 1))
    return [next(ids) if outcome is None else outcome for outcome in outcomes]


def _widen(work: Work, stream: Stream, rows: list[tuple[Any, ...]]) -> None:
    _, starts, ends, _, _, _, _, results, *_ = zip(*rows, strict=True)
    known = [result for result in results if result is not None]
    span = (min(known), max(known)) if known else (None, None)
    extents.widen(work.connection, stream.id, (min(starts), max(ends)), span)


class _Features:
    """What the rows of one datastream say of their features, each looked up once."""

    def __init__(self, work: Work, stream: Stream) -> None:
        self._work, self._stream = work, stream
        self._known: dict[Any, int | StaError | None] = {}
        self.used: list[int] = []

    def kept(self, given: Any) -> int | None:
        """What a row holds for the feature that is given, or for that of the place where none is. Raises ``StaError`` (400) where
        there is none."""
        key = (type(given), given if isinstance(given, int | str) else None)  # True is no 1
        if key not in self._known:
            self._known[key] = self._look_up(given)
        known = self._known[key]
        if isinstance(known, StaError):
            raise known
        return known

    def _look_up(self, given: Any) -> int | StaError | None:
        try:
            if given is None:
                feature = feature_here(self._work, self._stream)
            else:
                feature = read_id(given, "FeatureOfInterest/id")
                if not exists(self._work.connection, "FeatureOfInterest", feature):
                    return no_such("FeatureOfInterest", feature)
        except StaError as error:
            return error
        self.used.append(feature)
        return keep_feature(self._work.connection, self._stream, feature)

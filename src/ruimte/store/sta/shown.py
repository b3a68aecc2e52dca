"""Rows as JSON: which columns a property needs, and how it is shown (OGC 18-088, clause 8; times with ``Z``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from ruimte.sta import swe
from ruimte.sta.entities import Entity
from ruimte.sta.times import show_instant, show_interval, show_time

_EXACT = 2**53
_decode = msgspec.json.decode


@dataclass(frozen=True, slots=True)
class Shown:
    """A property's columns, and what it is shown as; where that is None it is left out, unless ``nullable``."""

    columns: tuple[str, ...]
    show: Callable[..., Any]
    nullable: bool = False


def _same(value: Any) -> Any:
    return value


def _json(text: str | None) -> Any:
    return None if text is None else _decode(text)


def _instant(us: int | None) -> str | None:
    return None if us is None else show_instant(us)


def _time(start_us: int, end_us: int) -> str:
    return show_time(start_us, end_us)


def _interval(start_us: int | None, end_us: int | None) -> str | None:
    return None if start_us is None or end_us is None else show_interval(int(start_us), int(end_us))


def _result(number: float | None, text: str | None) -> Any:
    """A result: a number that is whole is shown without a fraction.

    >>> _result(5.0, None), _result(2.5, None), _result(None, '"busy"'), _result(None, None)
    (5, 2.5, 'busy', None)
    """
    if number is None:
        return _json(text)
    return int(number) if number.is_integer() and abs(number) <= _EXACT else number


def _extra(name: str) -> Shown:
    return Shown(("extra",), lambda text: None if text is None else _decode(text).get(name))


def _result_type(name: str) -> Shown:
    return Shown(("result_type",), lambda text: swe.shown(_decode(text))[name])


_OBSERVED = {
    "observedArea": Shown(("observed_area",), _json),
    "phenomenonTime": Shown(("first_start_us", "last_end_us"), _interval),
    "resultTime": Shown(("first_result_us", "last_result_us"), _interval),
}
_PLAIN = {
    "name": Shown(("name",), _same),
    "description": Shown(("description",), _same),
    "definition": Shown(("definition",), _same),
    "encodingType": Shown(("encoding_type",), _same),
    "properties": Shown(("properties",), _json),
    "location": Shown(("location",), _json, nullable=True),
    "feature": Shown(("feature",), _json, nullable=True),
    "metadata": Shown(("metadata",), _json, nullable=True),
    "time": Shown(("time_us",), _instant),
    **{
        name: _result_type(name)
        for name in ("observationType", "unitOfMeasurement", "multiObservationDataTypes", "unitOfMeasurements")
    },
}
_OBSERVATION = {
    "phenomenonTime": Shown(("start_us", "end_us"), _time),
    "resultTime": Shown(("result_us",), _instant, nullable=True),
    "result": Shown(("result", "result_json"), _result, nullable=True),
    "resultQuality": _extra("resultQuality"),
    "validTime": Shown(("valid_start_us", "valid_end_us"), _interval),
    "parameters": _extra("parameters"),
}


def shown_property(entity: Entity, name: str) -> Shown:
    """How a property of an entity is shown."""
    if entity.name == "Observation":
        return _OBSERVATION[name]
    return _OBSERVED[name] if name in _OBSERVED else _PLAIN[name]


class Shape:
    """Which properties of an entity are shown, the columns that they need, and their JSON."""

    def __init__(self, entity: Entity, names: Iterable[str]) -> None:
        self.columns: list[str] = []
        self._properties: list[tuple[str, Shown, list[int]]] = []
        for name in names:
            shown = shown_property(entity, name)
            for column in shown.columns:
                if column not in self.columns:
                    self.columns.append(column)
            self._properties.append((name, shown, [self.columns.index(column) for column in shown.columns]))

    def fill(self, entity: dict[str, Any], row: tuple[Any, ...]) -> None:
        """Put the properties of a row (its values in the order of ``columns``) into an entity's JSON."""
        for name, shown, places in self._properties:
            value = shown.show(*[row[place] for place in places])
            if value is not None or shown.nullable:
                entity[name] = value

"""What a client writes about an entity, checked against the table of entities. Pure: nothing here knows what is stored.

A body may hold what the server showed before: annotations such as ``@iot.id`` or ``Things@iot.navigationLink`` are passed over
(ids are the server's), as are the properties that only the server computes. An object of a navigation property is a link to an
entity that exists where it has an ``@iot.id``, and a new entity where it has none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import msgspec

from ruimte.sta.entities import ENTITIES, SETS, Entity, Kind, Property
from ruimte.sta.errors import StaError
from ruimte.sta.geojson import ENCODINGS, check_geojson
from ruimte.sta.times import parse_instant, parse_interval, parse_time

DEEPEST = 64
"""Most levels of arrays and objects within one value."""
MOST_ID = 2**63 - 1
_ADDRESS = re.compile(r"(?:.*/)?([A-Za-z]+)\(([0-9]{1,19})\)")


@dataclass(frozen=True, slots=True)
class Body:
    """A checked body: ``values`` of properties by name, an instant as UTC microseconds, intervals and times as pairs of them;
    ``links`` by navigation property: ids of entities that exist, and bodies, still unchecked, of new ones."""

    values: dict[str, Any]
    links: dict[str, list[int | dict[str, Any]]]


def check_body(entity: Entity, body: Any, where: str = "", *, partial: bool = False) -> Body:
    """Check the body of an entity; a ``partial`` one (PATCH) may leave out what is required, and is not looked at as a whole.

    Raises ``StaError`` (400) that names the field: unknown, missing, of another kind, or not well formed. Required links are not
    looked for: they may come from the address.
    """
    if not isinstance(body, dict):
        raise StaError(f"{article(entity.name)} is a JSON object", where or "body", "send an object with its properties")
    values: dict[str, Any] = {}
    links: dict[str, list[int | dict[str, Any]]] = {}
    for name, value in body.items():
        if (known := entity.properties.get(name)) is not None:
            if known.computed:
                continue
            if value is None and not (known.required and known.kind != "json"):
                values[name] = None
            else:
                values[name] = _CHECKS[known.kind](value, _within(where, name))
        elif (link := entity.links.get(name)) is not None:
            if value is not None:
                links[name] = _linked(value, link.many, _within(where, name))
        elif not _is_annotation(entity, name):
            raise _unknown(entity, name, where)
    if not partial:
        _check_whole(entity, values, where)
    return Body(values, links)


def _check_whole(entity: Entity, values: dict[str, Any], where: str) -> None:
    for name in _REQUIRED[entity.name]:
        if name not in values:
            raise StaError(f"{article(entity.name)} needs {name}", where or "body", f"add {name}")
    for name in _GEOMETRIES[entity.name]:
        json_text(values[name], _within(where, name))  # not too deep to walk through
        if values["encodingType"] in ENCODINGS:
            check_geojson(values[name], _within(where, name))
    if entity.name == "Sensor" and values["metadata"] is None:
        raise StaError("is null", _within(where, "metadata"), "describe the sensor, or give the address of its description")


def value_check(known: Property) -> Callable[[Any, str], Any]:
    """What checks a value of a property, called with the value and where it stands; it gives what a ``Body`` holds."""
    return _CHECKS[known.kind]


_REQUIRED = {name: [each.name for each in entity.properties.values() if each.required] for name, entity in ENTITIES.items()}
_GEOMETRIES = {
    name: [each.name for each in entity.properties.values() if each.kind == "geometry" and not each.computed]
    for name, entity in ENTITIES.items()
}


def read_id(value: Any, where: str = "@iot.id") -> int:
    """An id as a client gives it, a number or digits in a string. Raises ``StaError`` (400) for anything else.

    >>> read_id("12")
    12
    """
    if isinstance(value, str) and value.isdecimal() and value.isascii() and len(value) <= 19:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_ID:
        return value
    raise StaError(f"{_short(value)} is no id", where, 'ids are numbers, as in {"@iot.id": 5}')


def read_reference(body: Any, target: str) -> int:
    """The id in the body of a ``$ref``: ``{"@iot.id": 5}`` or ``{"@id": "https://…/Things(5)"}``, leading to a ``target``.

    Raises ``StaError`` (400) for anything else, or an address of another kind of entity.

    >>> read_reference({"@id": "http://localhost/sta/v1.1/Things(5)"}, "Thing")
    5
    """
    body = body if isinstance(body, dict) else {}
    if "@iot.id" in body:
        return read_id(body["@iot.id"])
    address = next((body[name] for name in ("@id", "@odata.id", "@iot.selfLink", "url") if name in body), None)
    match = _ADDRESS.fullmatch(address) if isinstance(address, str) else None
    if match is None or match[1] not in SETS:
        raise StaError("names no entity", "body", f'write {{"@iot.id": 5}} or {{"@id": "…/{ENTITIES[target].set_name}(5)"}}')
    if SETS[match[1]].name != target:
        raise StaError(f"leads to {article(SETS[match[1]].name)}, not {article(target)}", "body")
    return read_id(match[2])


def json_text(value: Any, where: str = "") -> str:
    """A JSON value as text. Raises ``StaError`` (400) where it has broken characters, or more than ``DEEPEST`` levels."""
    try:
        text = msgspec.json.encode(value).decode()
    except (UnicodeEncodeError, OverflowError, RecursionError, TypeError, ValueError):
        raise StaError("cannot be kept as JSON", where, "send plain JSON, with whole characters") from None
    if text.count("[") + text.count("{") > DEEPEST and _depth(value) > DEEPEST:
        raise StaError(f"has more than {DEEPEST} levels", where, "send it flatter")
    return text


def article(name: str) -> str:
    """A kind of entity with its article.

    >>> article("Observation"), article("Thing")
    ('an Observation', 'a Thing')
    """
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise StaError(f"{_short(value)} is no text", where, "send a string")
    if "\0" in value or (not value.isascii() and not _is_whole(value)):
        raise StaError("holds characters that are none", where, "leave out null characters and halves of surrogate pairs")
    return value


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise StaError(f"{_short(value)} is no JSON object", where, 'send an object, such as {"floor": 3}')
    return value


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise StaError(f"{_short(value)} is no list", where, "send a JSON array")
    return value


def _present(value: Any, where: str) -> Any:
    if value is None:
        raise StaError("is null", where, "send its value")
    return value


_CHECKS: dict[Kind, Callable[[Any, str], Any]] = {
    "text": _text,
    "object": _object,
    "json": lambda value, where: value,
    "instant": parse_instant,
    "interval": parse_interval,
    "time": parse_time,
    "geometry": _present,
    "list": _list,
}


def _linked(value: Any, many: bool, where: str) -> list[int | dict[str, Any]]:
    if many and not isinstance(value, list):
        raise StaError("leads to many entities", where, 'send a list, such as [{"@iot.id": 5}]')
    found: list[int | dict[str, Any]] = []
    for number, each in enumerate(value if many else [value]):
        place = f"{where}/{number}" if many else where
        if not isinstance(each, dict):
            raise StaError(f"{_short(each)} is no entity", place, 'send {"@iot.id": 5}, or a new entity as an object')
        found.append(read_id(each["@iot.id"], place) if "@iot.id" in each else each)
    return found


def _is_annotation(entity: Entity, name: str) -> bool:
    start, mark, _ = name.partition("@")
    return bool(mark) and (not start or start in entity.links or start in entity.properties)


def _unknown(entity: Entity, name: str, where: str) -> StaError:
    names: Iterable[str] = [*entity.properties, *entity.links]
    near = get_close_matches(name[:100], names, n=1)
    mend = f"did you mean {near[0]}?" if near else f"it has {', '.join(names)}"
    return StaError(f"{article(entity.name)} has no {_short(name)}", where or "body", mend)


def _within(where: str, name: str) -> str:
    return f"{where}/{name}" if where else name


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _depth(value: Any) -> int:
    """Levels of a JSON value; it is known to end, for it could be encoded."""
    deepest, level = 0, [value]
    while level:
        level = [
            part
            for each in level
            if isinstance(each, list | dict)
            for part in (each.values() if isinstance(each, dict) else each)
        ]
        deepest += 1
    return deepest


def _short(value: Any) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and abs(value) >= 10**30:
        return "a number that long"
    text = ascii(value[:60] if isinstance(value, str) else value)
    return text if len(text) <= 60 else text[:57] + "..."

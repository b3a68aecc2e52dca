"""Nothing personal enters: every value of a payload is looked at, and free objects hold only what the lab declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ruimte.intake.identifiers import Key, read_key, read_text
from ruimte.sta.errors import StaError

Found = tuple[str, str]
"""The kind of an identifier ("a device's address") and where it stands (``data[0].mac``); never its value."""

_Way = tuple[Any, str | int] | None
"""The way to a value: the way to what holds it, and the last step."""
_Waiting = tuple[Any, Key, _Way, bool]
"""A value, the key that it stands under, the way to it, and whether it is of the device itself."""

_ROOT = Key()
_HOLDING = (str, dict, list)
_LONGEST_TEXT = 1000


def find_identifier(payload: object) -> Found | None:
    """The first thing in a payload that identifies a person or what a person carries; None where there is nothing of the kind.

    ``payload`` is decoded JSON, or JSON as text or bytes (what is no JSON is looked at as one text). What a device tells of
    itself (its serial number, and addresses in ``device_info``, ``sensor_info`` and the like) is no visitor's.
    """
    if isinstance(payload, bytes | str):
        try:
            payload = msgspec.json.decode(payload)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            payload = payload.decode(errors="replace") if isinstance(payload, bytes) else payload
    waiting: list[_Waiting] = [(payload, _ROOT, None, False)]
    while waiting:
        value, key, way, of_device = waiting.pop()
        if isinstance(value, str):
            found = read_text(value, key, of_device=of_device)
            if found is not None:
                return found, _path(way)
        elif isinstance(value, list):
            for place, inner in enumerate(value):
                if not key.is_plain and (found := key.gives_away(inner, _ROOT)) is not None:
                    return found, _path((way, place))
                if type(inner) in _HOLDING:
                    waiting.append((inner, key, (way, place), of_device))
        elif isinstance(value, dict):
            for name, inner in value.items():
                inside = read_key(name)
                found = None if inside.is_plain else inside.gives_away(inner, key)
                if found is not None:
                    return found, _path((way, inside.shown))
                if type(inner) in _HOLDING and not inside.is_link:
                    waiting.append((inner, inside, (way, inside.shown), of_device or inside.is_header))
    return None


def _path(way: _Way) -> str:
    steps: list[str] = []
    while way is not None:
        way, step = way
        steps.append(f"[{step}]" if isinstance(step, int) else f".{step}")
    return "".join(reversed(steps)).lstrip(".")


def check_declared(parameters: object, allowed: Mapping[str, str]) -> None:
    """Raise ``StaError`` unless ``parameters`` hold only keys that the lab declares, each with what it declares for it.

    ``allowed`` gives for each key ``number``, ``text`` or ``boolean`` (``[intake.keys]`` of ``lab.toml``).
    """
    if not isinstance(parameters, dict):
        raise StaError("is not an object", "parameters", "send a JSON object")
    for name, value in parameters.items():
        key = read_key(name)
        where = f"parameters/{key.shown}"
        kind = allowed.get(name)
        if kind is None:
            raise StaError("the lab declares no such key", where, "leave it out, or declare it under [intake.keys] of lab.toml")
        if not _is(kind, value):
            raise StaError(f"is not a {kind}", where, f"send a {kind}")
        found = key.gives_away(value, _ROOT) or (read_text(value, key) if isinstance(value, str) else None)
        if found is not None:
            raise StaError(f"holds what looks like {found}", where, "leave it out")


def _is(kind: str, value: object) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "number":
        return isinstance(value, int | float) and -(2.0**63) < value < 2.0**63
    return kind == "text" and isinstance(value, str) and len(value) <= _LONGEST_TEXT

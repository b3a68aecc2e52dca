"""JSON Patch (RFC 6902) on JSON Pointers (RFC 6901): a document and operations in, a new document out."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import msgspec

from ruimte.sta.errors import StaError

MOST_OPERATIONS = 200
MOST_COPIED = 1_000_000
"""Most bytes that the ``copy`` operations of one patch may make: each can double the document."""
_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")


def apply_patch(document: Any, operations: Any) -> Any:
    """The document after all operations; the one given stays as it is.

    Raises ``StaError``: 400 where an operation is malformed or points at nothing, 409 where a ``test`` fails.

    >>> apply_patch({"a": {"b": 1}}, [{"op": "replace", "path": "/a/b", "value": 2}])
    {'a': {'b': 2}}
    """
    if not isinstance(operations, list) or not all(isinstance(each, dict) for each in operations):
        raise StaError("a JSON Patch is a list of operations", "body", 'write [{"op": "replace", "path": "/name", "value": "…"}]')
    if len(operations) > MOST_OPERATIONS:
        raise StaError(f"{len(operations)} operations are too many", "body", f"send at most {MOST_OPERATIONS} at once")
    document, copied = deepcopy(document), 0
    for number, operation in enumerate(operations):
        where = f"operation {number}"
        name = operation.get("op")
        if not isinstance(name, str) or name not in _OPERATIONS:
            raise StaError("has no op that JSON Patch knows", where, f"use one of {', '.join(_OPERATIONS)}")
        if name == "copy":
            copied += len(msgspec.json.encode(_find(document, _pointer(operation, "from", where), where)))
            if copied > MOST_COPIED:
                raise StaError("copies too much", where, f"copy at most {MOST_COPIED} bytes in one patch")
        document = _OPERATIONS[name](document, operation, where)
    return document


def _add(document: Any, operation: dict[str, Any], where: str) -> Any:
    return _put(document, _pointer(operation, "path", where), _value(operation, where), where)


def _remove(document: Any, operation: dict[str, Any], where: str) -> Any:
    return _take(document, _pointer(operation, "path", where), where)


def _replace(document: Any, operation: dict[str, Any], where: str) -> Any:
    path, value = _pointer(operation, "path", where), _value(operation, where)
    if not path:
        return value
    holder, key = _find(document, path[:-1], where), path[-1]
    _step(holder, key, where)
    holder[key if isinstance(holder, dict) else int(key)] = value
    return document


def _move(document: Any, operation: dict[str, Any], where: str) -> Any:
    source, path = _pointer(operation, "from", where), _pointer(operation, "path", where)
    if path[: len(source)] == source and path != source:
        raise StaError("moves a value into itself", where, "choose another path")
    value = _find(document, source, where)
    return _put(_take(document, source, where), path, value, where)


def _copy(document: Any, operation: dict[str, Any], where: str) -> Any:
    value = deepcopy(_find(document, _pointer(operation, "from", where), where))
    return _put(document, _pointer(operation, "path", where), value, where)


def _test(document: Any, operation: dict[str, Any], where: str) -> Any:
    if not _same(_find(document, _pointer(operation, "path", where), where), _value(operation, where)):
        raise StaError("the test does not hold", where, "read the entity again", status=409)
    return document


_OPERATIONS: dict[str, Callable[[Any, dict[str, Any], str], Any]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}


def _pointer(operation: dict[str, Any], name: str, where: str) -> list[str]:
    text = operation.get(name)
    if not isinstance(text, str) or (text and not text.startswith("/")) or re.search(r"~(?![01])", text):
        raise StaError(f"{name} is no JSON Pointer", where, "write it as /properties/floor")
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _value(operation: dict[str, Any], where: str) -> Any:
    if "value" not in operation:
        raise StaError("has no value", where, "add a value")
    return deepcopy(operation["value"])


def _find(document: Any, path: list[str], where: str) -> Any:
    for key in path:
        document = _step(document, key, where)
    return document


def _step(holder: Any, key: str, where: str) -> Any:
    if isinstance(holder, dict) and key in holder:
        return holder[key]
    if isinstance(holder, list) and _INDEX.fullmatch(key) and int(key) < len(holder):
        return holder[int(key)]
    raise StaError(f"nothing is at {key[:60]!r}", where, "check its path")


def _put(document: Any, path: list[str], value: Any, where: str) -> Any:
    if not path:
        return value
    holder, key = _find(document, path[:-1], where), path[-1]
    if isinstance(holder, dict):
        holder[key] = value
    elif isinstance(holder, list) and (key == "-" or (_INDEX.fullmatch(key) and int(key) <= len(holder))):
        holder.insert(len(holder) if key == "-" else int(key), value)
    else:
        raise StaError(f"nothing can be put at {key[:60]!r}", where, "check its path")
    return document


def _take(document: Any, path: list[str], where: str) -> Any:
    if not path:
        raise StaError("the whole entity cannot be removed", where, "use DELETE")
    holder, key = _find(document, path[:-1], where), path[-1]
    _step(holder, key, where)
    del holder[key if isinstance(holder, dict) else int(key)]
    return document


def _same(one: Any, other: Any) -> bool:
    """JSON's equality: a boolean is no number, 1 and 1.0 are one."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_same(*pair) for pair in zip(one, other, strict=True))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)

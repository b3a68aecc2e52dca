"""What is wrong with a file of terms, in the words of that file: which table, which field, and what may stand there."""

from __future__ import annotations

import difflib
import re
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import msgspec

_EXAMPLE = "see `ruimte share propose --example`"
_STEP = re.compile(r"\.(\w+)|\[(\d+|\.\.\.)\]")
_AS_WRITTEN = {
    "str": "write a text in quotes",
    "int": "write a whole number",
    "float": "write a number",
    "bool": "write true or false",
    "array": 'write a list: ["…"]',
    "object": "write a table of its own",
}
_SHOWN = 80
"""Letters of what stands in the file that a line repeats at the most."""
_NAMED = {"validity.not_before": "field valid_from", "validity.not_after": "field valid_until", "group_id": "field group"}
"""What a field of the agreement is called in the file of terms."""


def of_type(error: msgspec.ValidationError, kind: type[msgspec.Struct]) -> tuple[str, str, str]:
    """What is wrong, where, and the mend, of a file that cannot be read as ``kind``."""
    said, at, path = str(error).rpartition(" - at `$")  # the last: names that stand in the file may look like it
    if not at:
        said, path = path, ""
    steps = _STEP.findall(path)
    found = _type_at(kind, steps)
    where = _place(steps)
    named = re.search(r"`(.*)`", said, re.DOTALL)
    name = "" if named is None else named[1]
    if said.startswith("Object contains unknown field"):
        return f"there is no field {_plain(name)!r}", where, _nearest(name, found)
    if said.startswith("Object missing required field"):
        return f"field {name!r} is missing", where, f"add it; {_EXAMPLE}"
    if said.startswith("Invalid enum value") and get_origin(found) is Literal:
        value = said.removeprefix("Invalid enum value").strip().strip("'\"")
        return f"{_plain(value)!r} is not known", where, f"write one of {', '.join(map(str, get_args(found)))}"
    expected = said.removeprefix("Expected `").partition("`")[0].partition(" ")[0]
    what = said.replace("`", "")
    return _plain(what[:1].lower() + what[1:]), where, _AS_WRITTEN.get(expected, _EXAMPLE)


def in_terms(where: str) -> str:
    """A field of the agreement as the file of terms names it.

    >>> in_terms("grants[0].properties.what.kinds")
    'grant 1, what.kinds'
    >>> in_terms("validity.not_after")
    'field valid_until'
    """
    if where in _NAMED:
        return _NAMED[where]
    for listed, table in (("grants", "grant"), ("parties", "party")):
        if where == listed or where.startswith((f"{listed}[", f"{listed}.")):
            steps = _STEP.findall(f".{table}{where.removeprefix(listed)}")
            return _place([step for step in steps if step[0] != "properties"])
    return where


def _place(steps: list[tuple[str, str]]) -> str:
    """Tables of a list by their number, counted from 1; below them fields, with points between; empty: the file itself."""
    if not steps:
        return ""
    (head, _), *below = steps
    named = f"field {head}"
    if head in ("grant", "party"):
        number = below.pop(0)[1] if below and below[0][1] else ""
        named = f"{head} {int(number) + 1}" if number.isdecimal() else head
    fields = ".".join(name for name, _ in below if name)
    return f"{named}, {fields}" if fields else named


def _type_at(kind: Any, steps: list[tuple[str, str]]) -> Any:
    """The type of what stands at a place; ``None`` where that is not known."""
    for name, index in steps:
        if name:
            is_table = isinstance(kind, type) and issubclass(kind, msgspec.Struct)
            fields = {field.encode_name: field.type for field in msgspec.structs.fields(kind)} if is_table else {}
            kind = fields.get(name)
            if get_origin(kind) in (Union, UnionType):  # what may be left out
                kind = next(each for each in get_args(kind) if each is not type(None))
        elif index:
            arguments = get_args(kind)
            kind = (arguments[1] if get_origin(kind) is dict else arguments[0]) if arguments else None
    return kind


def _nearest(name: str, kind: Any) -> str:
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return _EXAMPLE
    fields = [field.encode_name for field in msgspec.structs.fields(kind)]
    close = difflib.get_close_matches(name[:_SHOWN], fields, n=1)
    return f"did you mean {close[0]}?" if close else f"its fields are {', '.join(fields)}"


def _plain(text: str) -> str:
    """What stands in the file, in one line that can be printed."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:_SHOWN]

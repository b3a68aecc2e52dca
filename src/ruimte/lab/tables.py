"""TOML tables to structs, finding every mistake instead of stopping at the first."""

from __future__ import annotations

import difflib
import re
import tomllib
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import msgspec

from ruimte.lab.files import FORMAT, Text
from ruimte.lab.mistakes import Mistake, Spot
from ruimte.lab.rules import RULES

S = TypeVar("S", bound=msgspec.Struct)

_DAY_OR_MOMENT = date | datetime
_AS_WRITTEN: dict[Any, str] = {
    str: "write a text in quotes",
    Text: 'write a text in quotes, or { en = "…", nl = "…" }',
    int: "write a whole number",
    float: "write a number",
    bool: "write true or false",
    list[str]: 'write a list of texts: ["…"]',
    list[int]: "write a list of whole numbers: [1, 2]",
    str | list[str]: "write a text in quotes, or a list of texts",
    dict[str, str]: 'write a table of texts: { "…" = "…" }',
    dict[str, float]: "write a table of numbers: { people = 0.5 }",
    datetime: "write a moment like 2026-12-31T20:00:00, without quotes",
    date: "write a day like 2026-12-31, without quotes",
    _DAY_OR_MOMENT: "write a day like 2026-12-31, without quotes",
}


def read_text(folder: Path, file: str, found: list[Mistake]) -> str | None:
    """The text of one of the lab's files; a mistake where it is absent or not UTF-8."""
    try:
        return (folder / file).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        found.append(Mistake(file, "", "the file is missing", "add it; `ruimte new` writes an example of each file"))
    except UnicodeDecodeError:
        found.append(Mistake(file, "", "the file is not UTF-8 text", "save it as UTF-8"))
    except OSError as error:
        found.append(Mistake(file, "", f"the file cannot be read ({error.strerror})", "check that it is a file you may read"))
    return None


def read_toml(folder: Path, file: str, found: list[Mistake]) -> tuple[dict[str, Any], Spot] | None:
    """A TOML file as a table and its spot; ``None`` (and a mistake) where it cannot be read or is of a newer format."""
    text = read_text(folder, file, found)
    if text is None:
        return None
    lines = tuple(text.splitlines())
    spot = Spot(found, file, lines=lines, stop=len(lines))
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, _, place = str(error).partition(" (at ")
        found.append(Mistake(file, place.rstrip(")"), f"not TOML: {message}", "mend the text there; a text value needs quotes"))
        return None
    except (ValueError, RecursionError) as error:
        spot.mistake(f"not TOML that can be read: {error}", "write it anew")
        return None
    return (raw, spot) if known_format(raw.get("format"), spot) else None


def known_format(version: object, spot: Spot) -> bool:
    """Whether this software knows the file's format; a mistake on its spot where it is newer."""
    if isinstance(version, int) and version > FORMAT:
        spot.mistake(f"format {version} is newer than this version knows ({FORMAT})", "update ruimte", at="format")
        return False
    return True


def typed(raw: object, kind: type[S], spot: Spot, within: str = "") -> S | None:
    """A raw table as a struct of this kind; ``None`` where it has mistakes, each reported on its spot.

    ``within`` is the dotted path of a table in a table ("warn."). Every field is checked by itself: its name, its type, and its
    rule in ``rules.py``.
    """
    if not isinstance(raw, dict):
        spot.mistake("this is not a table of fields", "write it as field = value lines", at=within.rstrip("."))
        return None
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    already = len(spot.found)
    misspelt: set[str] = set()
    for name in raw:
        if name not in fields:
            close = difflib.get_close_matches(name, fields.keys() - raw.keys(), n=1)
            mend = f"did you mean {close[0]!r}?" if close else f"the fields are {', '.join(fields)}"
            spot.mistake(f"unknown field {name!r}", mend, at=within + name)
            misspelt.update(close)
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name in raw:
            values[field.name] = _value(raw[name], field.type, kind, spot, within + name)
        elif field.required and name not in misspelt:
            spot.mistake(f"field {within + name!r} is missing", f"add {name} = …")
    return kind(**values) if len(spot.found) == already else None


def entries(raw: dict[str, Any], list_name: str, kind: type[S], spot: Spot) -> list[tuple[S | None, str | None, Spot]]:
    """The tables of ``[[list_name]]`` as (struct or ``None``, key as far as readable, spot); duplicate keys are mistakes."""
    tables = raw.get(list_name, [])
    if not isinstance(tables, list):
        spot.mistake(f"{list_name!r} is not a list of tables", f"start each with [[{list_name}]]", at=list_name)
        return []
    result: list[tuple[S | None, str | None, Spot]] = []
    seen: dict[str, str] = {}
    spans = _spans(spot.lines, list_name)
    for number, table in enumerate(tables):
        key = table.get("key") if isinstance(table, dict) else None
        key = key if isinstance(key, str) else None
        name = f"{list_name} {number + 1}" + (f" {key!r}" if key else "")
        start, stop = spans[number] if len(spans) == len(tables) else (0, 0)
        here = Spot(spot.found, spot.file, name, spot.lines if stop else (), start, stop)
        result.append((typed(table, kind, here), key, here))
        unique(key, seen, here)
    return result


def unique(key: str | None, seen: dict[str, str], spot: Spot) -> None:
    """Report a key that another entry already has; remember it otherwise."""
    if key is None:
        return
    if key in seen:
        spot.mistake(f"key {key!r} is already used by {seen[key]}", "give each entry its own key", at="key")
    seen.setdefault(key, spot.name)


def _value(raw: object, kind: Any, owner: type[msgspec.Struct], spot: Spot, at: str) -> Any:
    """One field's value, of its type and by its rule; reports a mistake where it is not."""
    tables = [each for each in (kind, *get_args(kind)) if isinstance(each, type) and issubclass(each, msgspec.Struct)]
    if tables and get_origin(kind) is list:
        return _nested(raw, tables[0], spot, at)
    if tables:  # one that may be left out is a union with None
        return typed(raw, tables[0], spot, within=f"{at}.")
    try:
        value = _convert(raw, kind)
    except msgspec.ValidationError as error:
        what = str(error).replace("`", "").replace(" - at $", " at ")
        spot.mistake(what[0].lower() + what[1:], _mend(kind), at=at)
        return None
    rule = RULES.get(owner, {}).get(at.rpartition(".")[2])
    complaint = rule(value) if rule is not None and value is not None else None
    if complaint is not None:
        spot.mistake(*complaint, at=at)
    return value


def _nested(raw: object, kind: type[S], spot: Spot, at: str) -> list[S | None] | None:
    """The tables of a list in a table."""
    if not isinstance(raw, list):
        spot.mistake(f"{at!r} is not a list of tables", f"start each with [[{at}]]", at=at)
        return None
    return [typed(table, kind, here) for table, here in zip(raw, nested_spots(spot, at, len(raw)), strict=True)]


def nested_spots(spot: Spot, list_name: str, count: int) -> list[Spot]:
    """The spots of the ``count`` tables of a list in the table that stands on this spot."""
    wanted, starts, stop = re.compile(rf"\s*\[\[[\w\s.]*\b{list_name}\s*\]\]"), [], len(spot.lines)
    for number in range(spot.start + bool(spot.name), len(spot.lines)):
        if wanted.match(spot.lines[number]):
            starts.append(number)
        elif re.match(r"\s*\[\[", spot.lines[number]):
            stop = number
            break
    ends = [*starts, stop][1:]
    spans = list(zip(starts, ends, strict=True)) if len(starts) == count else [(spot.start, spot.stop)] * count
    names = [f"{spot.name} {list_name} {number}".strip() for number in range(1, count + 1)]
    return [Spot(spot.found, spot.file, name, spot.lines, *span) for name, span in zip(names, spans, strict=True)]


def _convert(raw: object, kind: Any) -> Any:
    if kind != _DAY_OR_MOMENT:
        return msgspec.convert(raw, kind)
    if not isinstance(raw, date):
        raise msgspec.ValidationError(f"Expected date, got {type(raw).__name__}")
    return raw


def _mend(kind: Any) -> str:
    optional: tuple[Any, ...] = getattr(kind, "__args__", ())
    if kind not in _AS_WRITTEN and type(None) in optional:
        kind = optional[0]
    if get_origin(kind) is Literal:
        return f"write {' or '.join(repr(value) for value in get_args(kind))}"
    return _AS_WRITTEN[kind]


def _spans(lines: tuple[str, ...], list_name: str) -> list[tuple[int, int]]:
    """First line (0-based) and the one after the last of each ``[[list_name]]`` table."""
    heads = [number for number, line in enumerate(lines) if re.match(r"\s*\[", line)]
    wanted = re.compile(rf"\s*\[\[\s*{list_name}\s*\]\]")
    ends = [*heads[1:], len(lines)]
    return [(start, stop) for start, stop in zip(heads, ends, strict=False) if wanted.match(lines[start])]

"""A ``$filter`` as a tree, and back as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ruimte.clock import DAY_US, SECOND_US, from_us
from ruimte.sta.entities import Link
from ruimte.sta.times import show_instant, show_interval

Kind = Literal["text", "number", "boolean", "null", "instant", "interval", "date", "time", "duration", "geometry"]


@dataclass(frozen=True, slots=True)
class Value:
    """A literal: instants and durations in µs, an interval as a pair of instants, a date in days since 1970, a time of day in µs
    since midnight, a geometry as Well-Known Text."""

    kind: Kind
    value: Any


@dataclass(frozen=True, slots=True)
class Field:
    """A property, perhaps over links (``Datastream/Thing/name``), perhaps inside an object or list (``properties/a``,
    ``result[0]``). ``name`` is ``id`` for ``@iot.id``."""

    links: tuple[Link, ...]
    name: str
    keys: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """``not``."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Minus:
    """A minus sign before one operand."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Binary:
    """A comparison (``eq ne gt ge lt le``) or a calculation (``add sub mul div mod``)."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Logic:
    """``and`` or ``or`` of two or more."""

    operator: Literal["and", "or"]
    operands: tuple[Node, ...]


Node = Value | Field | Call | Not | Minus | Binary | Logic

LEVELS = (("or",), ("and",), ("eq", "ne"), ("gt", "ge", "lt", "le"), ("add", "sub"), ("mul", "div", "mod"))
"""Infix operators, the loosest first (OData 4.01, Part 2, 5.1.1.17)."""
_UNARY = len(LEVELS)


def show(node: Node) -> str:
    """A tree as text that reads back as the same tree.

    >>> show(Binary("mul", Binary("add", Value("number", 1), Value("number", 2)), Value("number", 3)))
    '(1 add 2) mul 3'
    """
    return _show(node, 0)


def _show(node: Node, level: int) -> str:
    """The text of an operand where only operators of ``level`` and tighter may stand without parentheses."""
    if isinstance(node, Value):
        return _literal(node)
    if isinstance(node, Field):
        return show_field(node)
    if isinstance(node, Call):
        return f"{node.function}({','.join(_show(each, 0) for each in node.arguments)})"
    if isinstance(node, Not | Minus):
        return ("not " if isinstance(node, Not) else "-") + _show(node.operand, _UNARY)
    own = next(number for number, operators in enumerate(LEVELS) if node.operator in operators)
    if isinstance(node, Logic):
        text = f" {node.operator} ".join(_show(each, own + 1) for each in node.operands)
    else:
        text = f"{_show(node.left, own)} {node.operator} {_show(node.right, own + 1)}"
    return f"({text})" if own < level else text


def show_field(field: Field) -> str:
    """A property's address.

    >>> show_field(Field((), "result", ("in", 0)))
    'result/in[0]'
    """
    steps = [link.name for link in field.links] + [field.name]
    return "/".join(steps) + "".join(f"[{key}]" if isinstance(key, int) else f"/{key}" for key in field.keys)


def _literal(literal: Value) -> str:
    kind, value = literal.kind, literal.value
    if kind == "text":
        return f"'{_doubled(value)}'"
    if kind == "number":
        return repr(value)
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "instant":
        return show_instant(value)
    if kind == "interval":
        return show_interval(*value)
    if kind == "date":
        return from_us(value * DAY_US).date().isoformat()
    if kind == "time":
        return from_us(value).time().isoformat()
    if kind == "duration":
        seconds, rest = divmod(abs(value), SECOND_US)
        return f"duration'{'-' if value < 0 else ''}PT{seconds}.{rest:06}S'"
    return f"geography'{_doubled(value)}'" if kind == "geometry" else "null"


def _doubled(text: str) -> str:
    return text.replace("'", "''")

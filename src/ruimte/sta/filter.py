"""The grammar of ``$filter`` and ``$orderby`` (OGC 18-088, clause 9.3.3.5, after OData 4.01): text → tree.

Every property is looked up in the table of entities while reading, so that an unknown one is an error with its place. What it
refuses: more than ``DEEPEST`` within each other, more than ``MOST_WORDS`` words, more than ``MOST_LINKS`` links in one address.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Literal

from ruimte.sta.entities import ENTITIES, Entity, Link
from ruimte.sta.errors import StaError
from ruimte.sta.lexer import Word, words
from ruimte.sta.tree import LEVELS, Binary, Call, Field, Logic, Minus, Node, Not, Value

LONGEST = 16_384
MOST_WORDS = 4_000
DEEPEST = 50
MOST_LINKS = 8

FUNCTIONS: dict[str, tuple[int, int]] = {
    **dict.fromkeys(("length", "tolower", "toupper", "trim"), (1, 1)),
    **dict.fromkeys(("substringof", "startswith", "endswith", "indexof", "concat"), (2, 2)),
    "substring": (2, 3),
    **dict.fromkeys(("year", "month", "day", "hour", "minute", "second", "fractionalseconds"), (1, 1)),
    **dict.fromkeys(("date", "time", "totaloffsetminutes"), (1, 1)),
    **dict.fromkeys(("now", "mindatetime", "maxdatetime"), (0, 0)),
    **dict.fromkeys(("round", "floor", "ceiling", "geo.length"), (1, 1)),
    **dict.fromkeys(("geo.distance", "geo.intersects"), (2, 2)),
    **dict.fromkeys(("st_equals", "st_disjoint", "st_touches", "st_within", "st_overlaps"), (2, 2)),
    **dict.fromkeys(("st_crosses", "st_intersects", "st_contains"), (2, 2)),
    "st_relate": (3, 3),
}
"""Every function: how many arguments it takes, at least and at most."""

_CONSTANTS = {"true": Value("boolean", True), "false": Value("boolean", False), "null": Value("null", None)}
_NESTED = ("object", "json", "list", "geometry")
_LARGEST_INDEX = 10_000


def parse_filter(text: str, entity: Entity) -> Node:
    """The tree of a ``$filter`` on a set of ``entity``. Raises ``StaError`` (400) for what is none.

    >>> parse_filter("result gt 5", ENTITIES["Observation"])
    Binary(operator='gt', left=Field(links=(), name='result', keys=()), right=Value(kind='number', value=5))
    """
    parser = _Parser(text, entity)
    node = parser.infix(0, 0)
    parser.end()
    return node


def parse_orderby(text: str, entity: Entity) -> tuple[tuple[Node, bool], ...]:
    """The keys of an ``$orderby``, each with whether it falls. Raises ``StaError`` (400).

    >>> [falls for _, falls in parse_orderby("name,id desc", ENTITIES["Thing"])]
    [False, True]
    """
    parser = _Parser(text, entity, "$orderby")
    keys = []
    while True:
        node = parser.infix(4, 0)  # what is ordered by is a value: it may be calculated, but not compared
        falls = parser.take("name", "desc", "DESC")  # some clients write it in capitals
        if not falls:
            parser.take("name", "asc", "ASC")
        keys.append((node, falls))
        if not parser.take("sign", ","):
            parser.end()
            return tuple(keys)


class _Parser:
    """Recursive descent over the words; one method a rule."""

    def __init__(self, text: str, entity: Entity, option: str = "$filter") -> None:
        self.option = option
        if len(text) > LONGEST:
            raise StaError(f"{option} is too long", option, f"use at most {LONGEST} characters")
        self.words = words(text)
        if len(self.words) > MOST_WORDS:
            raise StaError(f"{option} has too many words", option, f"use at most {MOST_WORDS}")
        self.entity = entity
        self.at = 0

    @property
    def word(self) -> Word:
        return self.words[self.at]

    def take(self, kind: str, *values: str) -> bool:
        """Step over the next word where it is one of these."""
        if self.word.kind == kind and self.word.value in values:
            self.at += 1
            return True
        return False

    def need(self, sign: str) -> None:
        if not self.take("sign", sign):
            raise self.error(f"{sign!r} is missing")

    def end(self) -> None:
        if self.word.kind != "end":
            raise self.error(f"{self._here()} is one word too many")

    def error(self, what: str, mend: str = "see the operators and functions of SensorThings") -> StaError:
        return StaError(what, f"{self.option}, character {self.word.at + 1}", mend)

    def infix(self, level: int, depth: int) -> Node:
        """Operands joined by the operators of a level, or of one that binds tighter; the left ones come first."""
        if depth > DEEPEST:
            raise self.error("too many within each other", f"nest at most {DEEPEST} deep")
        if level == len(LEVELS):
            return self.unary(depth)
        node = self.infix(level + 1, depth)
        if level < 2:
            return self._logic(level, depth, node)
        chained = depth
        while self.word.kind == "name" and self.word.value in LEVELS[level]:
            operator = self.word.value
            self.at += 1
            chained += 1
            if chained > DEEPEST:
                raise self.error("too many operators in a row", f"use at most {DEEPEST}")
            node = Binary(operator, node, self.infix(level + 1, depth))
        return node

    def _logic(self, level: int, depth: int, first: Node) -> Node:
        operator: Literal["and", "or"] = "or" if level == 0 else "and"
        operands = [first]
        while self.take("name", operator):
            operands.append(self.infix(level + 1, depth))
        return first if len(operands) == 1 else Logic(operator, tuple(operands))

    def unary(self, depth: int) -> Node:
        if depth > DEEPEST:
            raise self.error("too many within each other", f"nest at most {DEEPEST} deep")
        if self.word.kind == "name" and self.word.value == "not":
            self.at += 1
            return Not(self.unary(depth + 1))
        if self.take("sign", "-"):
            return Minus(self.unary(depth + 1))
        return self.primary(depth)

    def primary(self, depth: int) -> Node:
        word = self.word
        if word.kind != "name" and word.kind != "sign" and word.kind != "end":
            self.at += 1
            return Value(word.kind, word.value)
        if self.take("sign", "("):
            node = self.infix(0, depth + 1)
            self.need(")")
            return node
        if word.kind != "name":
            raise self.error(f"a value is missing before {self._here()}")
        following = self.words[self.at + 1]
        if following.kind == "sign" and following.value == "(":
            return self._call(depth)
        if word.value in _CONSTANTS:
            self.at += 1
            return _CONSTANTS[word.value]
        return self._field()

    def _call(self, depth: int) -> Node:
        name = self.word.value
        if name not in FUNCTIONS:
            raise self.error(f"there is no function {_short(name)}", _nearest(name, FUNCTIONS))
        self.at += 2
        arguments = []
        if not self.take("sign", ")"):
            arguments.append(self.infix(0, depth + 1))
            while self.take("sign", ","):
                arguments.append(self.infix(0, depth + 1))
            self.need(")")
        least, most = FUNCTIONS[name]
        if not least <= len(arguments) <= most:
            takes = str(least) if least == most else f"{least} or {most}"
            raise self.error(f"{name} takes {takes} argument{'s' if most != 1 else ''}, not {len(arguments)}")
        return Call(name, tuple(arguments))

    def _field(self) -> Node:
        """Steps over links, then a property, then keys inside it."""
        entity, links = self.entity, list[Link]()
        while True:
            name = self._name()
            if name in entity.links:
                links.append(entity.links[name])
                if len(links) > MOST_LINKS:
                    raise self.error("too many links", f"go over at most {MOST_LINKS}")
                entity = ENTITIES[entity.links[name].target]
                if not self.take("sign", "/"):
                    raise self.error(f"{name} is a link, not a value", f"name a property of it, as in {name}/id")
                continue
            if name in ("id", "@iot.id"):
                return Field(tuple(links), "id")
            if name not in entity.properties:
                self.at -= 1
                known = [*entity.properties, *entity.links, "id"]
                raise self.error(f"{entity.name} has no {_short(name)}", _nearest(name, known))
            keys = self._keys()
            if keys and entity.properties[name].kind not in _NESTED:
                raise self.error(f"{name} holds nothing inside", "end the address there")
            return Field(tuple(links), name, keys)

    def _keys(self) -> tuple[str | int, ...]:
        keys: list[str | int] = []
        while True:
            if self.take("sign", "/"):
                keys.append(self._name())
            elif self.take("sign", "["):
                if self.word.kind != "number" or not isinstance(self.word.value, int) or self.word.value > _LARGEST_INDEX:
                    raise self.error("a place in a list is a whole number", "write it as result[0]")
                keys.append(self.word.value)
                self.at += 1
                self.need("]")
            else:
                break
        if len(keys) > DEEPEST:
            raise self.error("too many keys within each other", f"use at most {DEEPEST}")
        return tuple(keys)

    def _name(self) -> str:
        if self.word.kind != "name":
            raise self.error(f"a name is missing before {self._here()}")
        self.at += 1
        return str(self.words[self.at - 1].value)

    def _here(self) -> str:
        return "the end" if self.word.kind == "end" else _short(str(self.word.value))


def _nearest(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(name[:60], names, 1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")

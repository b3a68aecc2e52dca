"""A filter's tree as SQL: parameters for every value, joins for links to one, ``EXISTS`` for links to many.

Null is as in OData 4.01: ``eq`` and ``ne`` know it, every other comparison with it is false, functions of it are null. A
comparison or function over a link to many holds where it holds for any of them; addresses that go over the same link within it
mean the same one. Intervals are closed: ``gt`` and ``ge`` compare the start of the left one with the end of the right one, ``lt``
and ``le`` the end of the left one with the start of the right one, ``eq`` both; an instant starts and ends at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ruimte.sta.entities import ENTITIES, Entity
from ruimte.sta.errors import StaError
from ruimte.sta.tree import Binary, Call, Field, Logic, Minus, Node, Not, Value
from ruimte.store.sta import schema
from ruimte.store.sta.expressions import Expression, Kind, json_path, property_of

MOST_TABLES = 40
"""SQLite joins at most 64."""

_COMPARISONS = {"eq": "=", "ne": "IS NOT", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
_MOMENTS: tuple[Kind, ...] = ("interval", "instant", "date")
_EARLIEST_US, _LATEST_US = -62_135_596_800_000_000, 253_402_300_799_999_999
_PARTS = ("year", "month", "day", "hour", "minute", "second", "fractionalseconds")
_RELATIONS = ("st_equals", "st_disjoint", "st_touches", "st_within", "st_overlaps", "st_crosses", "st_intersects", "st_contains")
_TEXT_RESULTS = {"tolower": "sta_lower({0})", "toupper": "sta_upper({0})", "trim": "sta_trim({0})", "concat": "({0} || {1})"}
_TEXT_TESTS = {
    "substringof": "(instr({1}, {0}) > 0)",
    "startswith": "(substr({0}, 1, length({1})) = {1})",
    "endswith": "(length({1}) <= length({0}) AND substr({0}, length({0}) - length({1}) + 1) = {1})",
}


class Parameters:
    """The values of a query's placeholders, by name."""

    def __init__(self) -> None:
        self.values: dict[str, str | int | float] = {}
        self._names: dict[tuple[type, str | int | float], str] = {}

    def add(self, value: str | int | float) -> str:
        """A placeholder for a value; equal ones share it."""
        name = self._names.setdefault((type(value), value), f"p{len(self.values)}")
        self.values[name] = value
        return f":{name}"


@dataclass(slots=True)
class _Reach:
    """The tables that addresses of one scope lead to: an alias for each list of links, and the joins that bring them in."""

    aliases: dict[tuple[str, ...], str] = field(default_factory=dict)
    joins: list[str] = field(default_factory=list)
    first: str = ""
    """in an EXISTS: the condition of its first table"""


class Compiler:
    """Trees over the rows of one table, named ``row``. ``joins`` grows with what the trees reach; it comes after that table."""

    def __init__(self, entity: Entity, row: str, parameters: Parameters, now_us: int) -> None:
        self.entity = entity
        self.row = row
        self.parameters = parameters
        self.now_us = now_us
        self._outer = _Reach()
        self._inner: _Reach | None = None
        self._tables = 0

    @property
    def joins(self) -> str:
        """The joins that the compiled trees need."""
        return " ".join(self._outer.joins)

    def condition(self, node: Node) -> str:
        """A tree that is true or not, where null counts as false. Raises ``StaError`` (400) for one that is neither."""
        if isinstance(node, Logic):
            return "(" + f" {node.operator.upper()} ".join(self.condition(each) for each in node.operands) + ")"
        if isinstance(node, Binary) and node.operator in _COMPARISONS:
            return self._any(node)
        return self._boolean(node)

    def order(self, node: Node) -> str:
        """What rows are sorted by. Raises ``StaError`` (400) for what may be many values."""
        self._inner = _Reach()
        sql = self._expression(node).order
        if self._inner.aliases:
            raise StaError("a link to many has no one value", "$orderby", "go over links to one only")
        self._inner = None
        return sql

    def _boolean(self, node: Node) -> str:
        """A tree as true, false or null."""
        if isinstance(node, Logic):
            return "(" + f" {node.operator.upper()} ".join(self._boolean(each) for each in node.operands) + ")"
        if isinstance(node, Not):
            return f"(NOT {self._boolean(node.operand)})"
        if isinstance(node, Binary) and node.operator in _COMPARISONS:
            return f"({self._any(node)} IS TRUE)"
        return self._any(node)

    def _any(self, node: Node) -> str:
        """A comparison, a function or a property as a condition; over links to many it holds where it does for any of them."""
        before, self._inner = self._inner, _Reach()
        if isinstance(node, Binary) and node.operator in _COMPARISONS:
            sql = self._comparison(node)
        else:
            value = self._expression(node)
            if value.kind not in ("boolean", "json", "null"):
                raise StaError(f"a {value.kind} is no condition", "$filter", "compare it, as in name eq 'x'")
            sql = value.as_kind("boolean").sql
        inner, self._inner = self._inner, before
        if not inner.aliases:
            return sql
        return f"EXISTS (SELECT 1 FROM {' '.join(inner.joins)} WHERE {inner.first} AND {sql})"

    def _comparison(self, node: Binary) -> str:
        operator = node.operator
        if operator in ("eq", "ge", "gt") and (direct := self._by_id(node)):
            return direct
        left, right = self._expression(node.left), self._expression(node.right)
        if "null" in (left.kind, right.kind):
            return self._null(operator, left, right)
        if left.kind == right.kind == "json":
            return _json_comparison(operator, left, right)
        kind = _common(left, right)
        left, right = left.as_kind(kind), right.as_kind(kind)
        if kind == "interval":
            return _interval_comparison(operator, left, right)
        if kind in ("boolean", "geometry") and (operator not in ("eq", "ne") or kind == "geometry"):
            raise StaError(f"{kind} values have no order", "$filter", "use eq or ne, or an st_ function for shapes")
        sign = "IS" if operator == "eq" and not (left.fixed or right.fixed) else _COMPARISONS[operator]
        return f"({left.sql} {sign} {right.sql})"

    def _by_id(self, node: Binary) -> str:
        """A comparison of an observation's id with a number, such that an index serves; empty for any other."""
        one, other = node.left, node.right
        if not (isinstance(one, Field) and one.name == "id" and isinstance(other, Value) and other.kind == "number"):
            return ""
        entity, row = self._reached(one)
        if entity.name != "Observation" or row == schema.BY_ID:
            return ""
        value = self.parameters.add(other.value)
        if node.operator == "eq":
            return schema.has_id(entity.name, row, value)
        sign = _COMPARISONS[node.operator]
        return f"({row}.id {sign} {value} AND {schema.identity(entity.name, row)} {sign} {value})"

    def _null(self, operator: str, left: Expression, right: Expression) -> str:
        if operator not in ("eq", "ne"):
            return "FALSE"
        if left.kind == right.kind:
            return "TRUE" if operator == "eq" else "FALSE"
        missing = (right if left.kind == "null" else left).is_null
        return missing if operator == "eq" else f"(NOT {missing})"

    def _expression(self, node: Node) -> Expression:
        if isinstance(node, Value):
            return self._value(node)
        if isinstance(node, Field):
            return self._field(node)
        if isinstance(node, Call):
            return self._call(node)
        if isinstance(node, Minus):
            operand = self._expression(node.operand)
            kind: Kind = "duration" if operand.kind == "duration" else "number"
            return Expression(kind, f"(-{operand.as_kind(kind).sql})")
        if isinstance(node, Binary) and node.operator not in _COMPARISONS:
            return self._calculation(node.operator, self._expression(node.left), self._expression(node.right))
        return Expression("boolean", self._boolean(node))

    def _value(self, node: Value) -> Expression:
        if node.kind == "null":
            return Expression("null", "NULL")
        if node.kind == "interval":
            start, end = (self.parameters.add(each) for each in node.value)
            return Expression("interval", start, end=end, fixed=True)
        return Expression(node.kind, self.parameters.add(node.value), fixed=True)

    def _field(self, node: Field) -> Expression:
        entity, row = self._reached(node)
        found = property_of(entity.name, row, node)
        if isinstance(found, Expression):
            return found
        column, keys = found
        path = self.parameters.add(json_path(keys))
        number = f"{row}.result" if node.name == "result" and not keys else ""
        return Expression("json", f"json_extract({column}, {path})", json_type=f"json_type({column}, {path})", number=number)

    def _reached(self, node: Field) -> tuple[Entity, str]:
        """The entity and the row that a property's links lead to."""
        entity, row, many = self.entity, self.row, False
        for position, link in enumerate(node.links):
            target = ENTITIES[link.target]
            many = many or link.many
            reach = self._inner if many else self._outer
            assert reach is not None
            prefix = tuple(each.name for each in node.links[: position + 1])
            if prefix not in reach.aliases:
                reach.aliases[prefix] = self._join(reach, entity, row, link.name, target, link.many, many)
            entity, row = target, reach.aliases[prefix]
        return entity, row

    def _join(self, reach: _Reach, entity: Entity, row: str, link: str, target: Entity, many: bool, inside: bool) -> str:
        self._tables += 1
        if self._tables > MOST_TABLES:
            raise StaError("too many links", "$filter", f"go over at most {MOST_TABLES} in all")
        alias, table = f"t{self._tables}", schema.TABLES[target.name]
        if many:
            condition = f"{schema.to_many(entity.name, link, f'{row}.id', alias)} AND {schema.exists(target.name, alias)}"
        else:
            condition = f"{schema.to_one(entity.name, link, row, alias)} AND {schema.exists(target.name, alias)}"
        if inside and not reach.joins:
            reach.first = condition
            reach.joins.append(f"{table} {alias}")
        else:
            reach.joins.append(f"{'' if many else 'LEFT '}JOIN {table} {alias} ON {condition}")
        return alias

    def _calculation(self, operator: str, left: Expression, right: Expression) -> Expression:
        if "null" in (left.kind, right.kind):
            return Expression("null", "NULL")
        if {left.kind, right.kind} & {"instant", "interval", "date", "duration"}:
            return _time_calculation(operator, left, right)
        one, other = left.as_kind("number").sql, right.as_kind("number").sql
        if operator == "mod":
            return Expression("number", f"sta_modulo({one}, {other})")
        if operator == "div":
            return Expression("number", f"(CAST({one} AS REAL) / {other})")
        return Expression("number", f"({one} {_SIGNS[operator]} {other})")

    def _call(self, node: Call) -> Expression:
        name = node.function
        if name in ("now", "mindatetime", "maxdatetime"):
            moment = {"now": self.now_us, "mindatetime": _EARLIEST_US, "maxdatetime": _LATEST_US}[name]
            return Expression("instant", self.parameters.add(moment), fixed=True)
        given = [self._expression(each) for each in node.arguments]
        if name in _TEXT_RESULTS:
            return Expression("text", _TEXT_RESULTS[name].format(*_as("text", given)))
        if name in _TEXT_TESTS:
            return Expression("boolean", _TEXT_TESTS[name].format(*_as("text", given)))
        if name == "length":
            return Expression("number", f"length({_as('text', given)[0]})")
        if name == "indexof":
            text, part = _as("text", given)
            return Expression("number", f"(instr({text}, {part}) - 1)")
        if name == "substring":
            numbers = [f"max(CAST({each} AS INTEGER), 0)" for each in _as("number", given[1:])]
            rest = "".join(f", {each}" for each in numbers[1:])
            return Expression("text", f"substr({_as('text', given[:1])[0]}, {numbers[0]} + 1{rest})")
        if name in ("round", "floor", "ceiling"):
            function = name if name == "round" else f"sta_{name}"
            return Expression("number", f"{function}({_as('number', given)[0]})")
        if name in _PARTS or name in ("date", "time", "totaloffsetminutes"):
            return _time_part(name, given[0])
        return self._shape_call(node, given)

    def _shape_call(self, node: Call, given: Sequence[Expression]) -> Expression:
        name, shapes = node.function, _as("geometry", given[:2])
        if name == "geo.length":
            return Expression("number", f"sta_length({shapes[0]})")
        if name == "geo.distance":
            return Expression("number", f"sta_distance({', '.join(shapes)})")
        if name == "st_relate":
            pattern = node.arguments[2]
            if isinstance(pattern, Value) and not (len(str(pattern.value)) == 9 and set(str(pattern.value)) <= set("TF*012")):
                raise StaError("no pattern of a relation", "st_relate", "write nine of T, F, *, 0, 1 and 2")
            return Expression("boolean", f"sta_relate({', '.join(shapes)}, {_as('text', given[2:])[0]})")
        relation = "intersects" if name == "geo.intersects" else name.removeprefix("st_")
        return Expression("boolean", f"sta_relation({self.parameters.add(relation)}, {', '.join(shapes)})")


def _as(kind: Kind, values: Sequence[Expression]) -> list[str]:
    return [value.as_kind(kind).sql for value in values]


def _common(left: Expression, right: Expression) -> Kind:
    """The kind as which two values are compared."""
    kinds = (left.kind, right.kind)
    for moment in _MOMENTS:
        if moment in kinds:
            return "instant" if moment == "date" and "json" in kinds else moment
    return right.kind if left.kind == "json" else left.kind


def _json_comparison(operator: str, left: Expression, right: Expression) -> str:
    """Two JSON values are compared where they are of one kind."""
    if operator == "ne":
        return f"(({_json_comparison('eq', left, right)}) IS NOT TRUE)"
    kinds: tuple[Kind, ...] = ("number", "text", "boolean") if operator == "eq" else ("number", "text")
    pairs = [f"{left.as_kind(kind).sql} {_COMPARISONS[operator]} {right.as_kind(kind).sql}" for kind in kinds]
    if operator == "eq":
        pairs.append(f"({left.is_null} AND {right.is_null})")
    return "(" + " OR ".join(pairs) + ")"


def _interval_comparison(operator: str, left: Expression, right: Expression) -> str:
    if operator in ("eq", "ne"):
        same = f"({left.sql} IS {right.sql} AND {left.end} IS {right.end})"
        return same if operator == "eq" else f"(NOT {same})"
    sign = _COMPARISONS[operator]
    if operator in ("gt", "ge"):
        return f"({left.sql} {sign} {right.end})"
    if left.end != left.sql and right.fixed:  # that it starts before its end lets the index on the start serve
        return f"({left.end} {sign} {right.sql} AND {left.sql} <= {right.sql})"
    return f"({left.end} {sign} {right.sql})"


def _time_calculation(operator: str, left: Expression, right: Expression) -> Expression:
    """Moments and durations: a moment ± a duration, the duration between moments, sums and multiples of durations."""
    moments = [kind for kind in (left.kind, right.kind) if kind in _MOMENTS]
    sign = _SIGNS.get(operator, "")
    if right.kind == "duration" and operator in ("add", "sub") and left.kind in (*_MOMENTS, "json"):
        kind: Kind = "interval" if left.kind == "interval" else "instant"
        moved = left.as_kind(kind)
        return Expression(kind, f"({moved.sql} {sign} {right.sql})", end=f"({moved.end} {sign} {right.sql})" if moved.end else "")
    if len(moments) == 2 and operator == "sub":
        return Expression("duration", f"({left.as_kind('instant').sql} - {right.as_kind('instant').sql})")
    if left.kind == right.kind == "duration" and operator in ("add", "sub"):
        return Expression("duration", f"({left.sql} {sign} {right.sql})")
    if (left.kind == "duration" and operator in ("mul", "div")) or (right.kind == "duration" and operator == "mul"):
        length, number = (left, right) if left.kind == "duration" else (right, left)
        return Expression("duration", f"(CAST({length.sql} AS REAL) {sign} {number.as_kind('number').sql})")
    raise StaError(f"{operator} makes no sense of {left.kind} and {right.kind}", "$filter", "as in now() sub duration'PT1H'")


def _time_part(name: str, given: Expression) -> Expression:
    if given.kind == "time" and name in ("hour", "minute", "second", "fractionalseconds"):
        return Expression("number", f"sta_part('{name}', {given.sql})")
    moment = given.as_kind("instant").sql
    if name == "totaloffsetminutes":  # inside, all times are UTC
        return Expression("number", f"CASE WHEN {moment} IS NOT NULL THEN 0 END")
    kind: Kind = "date" if name == "date" else "time" if name == "time" else "number"
    return Expression(kind, f"sta_part('{name}', {moment})")

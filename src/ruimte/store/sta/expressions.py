"""Values in SQL with their kind: what a property is in the tables, and how one kind is read as another.

JSON values (``properties/…``, ``result``, ``parameters/…``) have no kind until they are compared: with a number they are read as
a number, with a text as a text; what is of another kind then is null.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ruimte.clock import DAY_US
from ruimte.sta.errors import StaError
from ruimte.sta.swe import COMPLEX, UNIT_NAMES
from ruimte.sta.tree import Field
from ruimte.store.sta.schema import identity

Kind = Literal["text", "number", "boolean", "null", "instant", "interval", "date", "time", "duration", "geometry", "json"]


@dataclass(frozen=True, slots=True)
class Expression:
    """A value in SQL: its kind, the SQL, of an interval also that of its end, of JSON also that of its type (as ``json_type``
    names it). ``number`` is the SQL of a JSON value that the tables keep as a number, too."""

    kind: Kind
    sql: str
    end: str = ""
    json_type: str = ""
    number: str = ""
    fixed: bool = False
    """whether it is a literal, so never null"""

    def as_kind(self, kind: Kind) -> Expression:
        """The value read as another kind. Raises ``StaError`` (400) where that makes no sense."""
        if kind == self.kind or "null" in (kind, self.kind):
            return self
        if self.kind == "json":
            return _of_json(self, kind)
        if (self.kind, kind) == ("date", "instant"):
            return Expression("instant", f"({self.sql} * {DAY_US})", fixed=self.fixed)
        if kind == "interval" and self.kind in ("instant", "date"):
            instant = self.as_kind("instant")
            return Expression("interval", instant.sql, end=instant.sql, fixed=self.fixed)
        if (self.kind, kind) == ("interval", "instant"):
            return Expression("instant", self.sql, fixed=self.fixed)
        raise StaError(f"{_article(self.kind)} cannot be read as {_article(kind)}", "$filter", "use values of one kind")

    @property
    def is_null(self) -> str:
        """The condition under which there is no value."""
        if self.kind == "json":
            missing = f"coalesce({self.json_type}, 'null') = 'null'"
            return f"({self.number} IS NULL AND {missing})" if self.number else f"({missing})"
        return f"({self.sql} IS NULL)"

    @property
    def order(self) -> str:
        """What rows are sorted by: nulls come first, then numbers, then texts; intervals by their start."""
        return f"coalesce({self.number}, {self.sql})" if self.number else self.sql


def _of_json(value: Expression, kind: Kind) -> Expression:
    def only(*types: str) -> str:
        names = ", ".join(f"'{name}'" for name in types)
        return f"CASE WHEN {value.json_type} IN ({names}) THEN {value.sql} END"

    if kind == "number":
        number = only("integer", "real")
        return Expression(kind, f"coalesce({value.number}, {number})" if value.number else f"({number})")
    if kind in ("text", "boolean"):
        return Expression(kind, f"({only('text') if kind == 'text' else only('true', 'false')})")
    if kind == "geometry":
        return Expression(kind, f"({only('object')})")
    if kind in ("instant", "interval", "date"):
        text = only("text")
        return Expression("interval" if kind == "interval" else "instant", f"sta_start({text})", end=f"sta_end({text})")
    raise StaError(
        f"JSON cannot be read as {_article(kind)}", "$filter", "compare it with a number, a text, true, false or a time"
    )


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


_COLUMNS = {"encodingType": "encoding_type"}
_TIMES = {
    ("HistoricalLocation", "time"): ("time_us",),
    ("Observation", "phenomenonTime"): ("start_us", "end_us"),
    ("Observation", "resultTime"): ("result_us",),
    ("Observation", "validTime"): ("valid_start_us", "valid_end_us"),
    ("Datastream", "phenomenonTime"): ("first_start_us", "last_end_us"),
    ("Datastream", "resultTime"): ("first_result_us", "last_result_us"),
    ("MultiDatastream", "phenomenonTime"): ("first_start_us", "last_end_us"),
    ("MultiDatastream", "resultTime"): ("first_result_us", "last_result_us"),
}
_GEOMETRIES = {"location": "location", "feature": "feature", "observedArea": "observed_area"}


def property_of(entity: str, row: str, field: Field) -> Expression | tuple[str, tuple[str | int, ...]]:
    """What a property is in the tables: an expression, or a column of JSON and the keys inside it."""
    name, keys = field.name, field.keys
    if name == "id":
        return Expression("number", identity(entity, row))
    if (entity, name) in _TIMES:
        columns = _TIMES[entity, name]
        if len(columns) == 1:
            return Expression("instant", f"{row}.{columns[0]}")
        return Expression("interval", f"{row}.{columns[0]}", end=f"{row}.{columns[1]}")
    if name in _GEOMETRIES:
        column = f"{row}.{_GEOMETRIES[name]}"
        return (column, keys) if keys else Expression("geometry", column)
    if entity in ("Datastream", "MultiDatastream") and name not in ("name", "description", "properties"):
        return _result_type(entity, row, name, keys)
    if name == "result":
        return f"{row}.result_json", keys
    if name in ("parameters", "resultQuality"):
        return f"{row}.extra", (name, *keys)
    if name in ("properties", "metadata"):
        return f"{row}.{name}", keys
    return Expression("text", f"{row}.{_COLUMNS.get(name, name)}")


def _result_type(entity: str, row: str, name: str, keys: tuple[str | int, ...]) -> Expression | tuple[str, tuple[str | int, ...]]:
    """Where a 1.1 property of a datastream's result lies in its SWE Common ``result_type``."""
    column = f"{row}.result_type"
    if name == "observationType":
        return Expression("text", f"'{COMPLEX}'") if entity == "MultiDatastream" else (column, ("observationType",))
    inside: tuple[str | int, ...] = ()
    if entity == "MultiDatastream":
        if not keys or not isinstance(keys[0], int):
            return column, ("field",)
        inside, keys = ("field", keys[0], "component"), keys[1:]
    if name == "multiObservationDataTypes":
        return column, (*inside, "observationType", *keys)
    return column, (*inside, "uom", *(UNIT_NAMES.get(str(key), key) for key in keys[:1]), *keys[1:])


def json_path(keys: tuple[str | int, ...]) -> str:
    """Keys as SQLite's JSON functions take them.

    >>> json_path(("in", 0))
    '$."in"[0]'
    """
    return "$" + "".join(f"[{key}]" if isinstance(key, int) else f'."{key}"' for key in keys)

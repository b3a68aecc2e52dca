"""Functions of ``$filter`` that SQLite lacks: Unicode texts, parts of times, and shapes.

Shapes are compared on the plane of their coordinates, as OGC Simple Features does: ``geo.distance`` and ``geo.length`` of
longitudes and latitudes are in degrees, not metres. A value that is no shape, no time or out of range gives null, never an error.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from ruimte.clock import DAY_US, SECOND_US, from_us
from ruimte.sta.errors import StaError
from ruimte.sta.times import parse_time


def prepare(connection: sqlite3.Connection) -> None:
    """Give a connection the functions; where it has them this costs microseconds."""
    try:
        connection.execute("SELECT sta_trim('')").fetchone()
    except sqlite3.OperationalError:
        for name, function in _FUNCTIONS.items():
            arguments = function.__code__.co_argcount
            connection.create_function(name, arguments, _calm(function), deterministic=True)


def _calm(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with null for null, and for what it cannot do."""

    def called(*arguments: Any) -> Any:
        if None in arguments:
            return None
        try:
            return function(*arguments)
        except (ValueError, OverflowError, TypeError, StaError, shapely.errors.ShapelyError):
            return None

    return called


def _lower(text: str) -> str:
    return text.lower()


def _upper(text: str) -> str:
    return text.upper()


def _trim(text: str) -> str:
    return text.strip()


def _floor(number: float) -> float:
    return number if isinstance(number, int) else float(math.floor(number))


def _ceiling(number: float) -> float:
    return number if isinstance(number, int) else float(math.ceil(number))


def _modulo(number: float, by: float) -> float | None:
    """The rest of a division, with the sign of ``number``; null for a division by 0."""
    if by == 0:
        return None
    if isinstance(number, int) and isinstance(by, int):
        return int(math.copysign(1, number)) * (abs(number) % abs(by))
    return math.fmod(number, by)


def _start(text: str) -> int:
    return parse_time(text)[0]


def _end(text: str) -> int:
    return parse_time(text)[1]


def _part(name: str, us: int) -> float:
    """A part of an instant (UTC): ``year`` … ``second``, ``fractionalseconds``, ``date`` in days since 1970, ``time`` in µs."""
    whole = math.floor(us) if isinstance(us, float) else us
    if name == "date":
        return whole // DAY_US
    if name == "time":
        return whole % DAY_US
    if name == "fractionalseconds":
        return whole % SECOND_US / SECOND_US
    return int(getattr(from_us(whole), name))


@lru_cache(maxsize=2048)
def _shape(text: str) -> BaseGeometry:
    """A shape in GeoJSON (geometry or Feature) or Well-Known Text, prepared for many questions."""
    shape = shapely.from_geojson(text) if text.lstrip().startswith("{") else shapely.from_wkt(text)
    shapely.prepare(shape)
    return shape


def _distance(one: str, other: str) -> float:
    return _finite(shapely.distance(_shape(one), _shape(other)))


def _length(text: str) -> float:
    return _finite(shapely.length(_shape(text)))


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError("no number")
    return float(number)


def _relation(name: str, one: str, other: str) -> bool:
    return bool(getattr(shapely, name)(_shape(one), _shape(other)))


def _relate(one: str, other: str, pattern: str) -> bool:
    return bool(shapely.relate_pattern(_shape(one), _shape(other), pattern))


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sta_lower": _lower,
    "sta_upper": _upper,
    "sta_trim": _trim,
    "sta_floor": _floor,
    "sta_ceiling": _ceiling,
    "sta_modulo": _modulo,
    "sta_start": _start,
    "sta_end": _end,
    "sta_part": _part,
    "sta_distance": _distance,
    "sta_length": _length,
    "sta_relation": _relation,
    "sta_relate": _relate,
}

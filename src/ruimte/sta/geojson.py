"""GeoJSON (RFC 7946) as far as SensorThings needs it: is it well formed, and what box holds it. Pure; no geometry library."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ruimte.sta.errors import StaError

ENCODINGS = frozenset({"application/vnd.geo+json", "application/geo+json", "application/geojson"})
"""Values of an encodingType that say GeoJSON; anything else is kept as it is, unread."""

_DEPTH = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
_FEWEST = {"LineString": 2, "MultiLineString": 2, "Polygon": 3, "MultiPolygon": 3}
"""Fewest positions of a line or a ring; an open ring is taken as closed, as geometry libraries do."""
_MEND = 'write GeoJSON, such as {"type": "Point", "coordinates": [4.9, 52.37]} (longitude, latitude)'

Box = tuple[float, float, float, float]
"""West, south, east, north."""


def check_geojson(value: Any, where: str = "") -> None:
    """Raises ``StaError`` (400) where ``value`` is no geometry, Feature or FeatureCollection: an unknown type, missing members,
    or coordinates that are not numbers."""
    if not isinstance(value, dict):
        raise StaError("is no GeoJSON object", where, _MEND)
    kind = value.get("type")
    if not isinstance(kind, str):
        raise StaError("has no type", where, _MEND)
    if kind in _DEPTH:
        if not _well_formed(value.get("coordinates"), _DEPTH[kind], _FEWEST.get(kind, 0)):
            raise StaError(f"has coordinates that are none of a {kind}", where, _MEND)
    elif kind == "Feature":
        if "geometry" not in value:
            raise StaError("is a Feature without geometry", where, _MEND)
        if value["geometry"] is not None:
            check_geojson(value["geometry"], where)
    elif kind in ("GeometryCollection", "FeatureCollection"):
        members = value.get("geometries" if kind == "GeometryCollection" else "features")
        if not isinstance(members, list):
            raise StaError(f"is a {kind} without members", where, _MEND)
        for member in members:
            check_geojson(member, where)
    else:
        raise StaError(f"has a type that GeoJSON does not know: {kind[:40]!r}", where, _MEND)


def box_of(value: dict[str, Any]) -> Box | None:
    """The smallest box that holds a well-formed GeoJSON object; None where it holds no position.

    >>> box_of({"type": "LineString", "coordinates": [[4, 52], [5, 51]]})
    (4.0, 51.0, 5.0, 52.0)
    """
    positions = list(_positions(value))
    if not positions:
        return None
    eastings, northings = zip(*positions, strict=True)
    return min(eastings), min(northings), max(eastings), max(northings)


def join(one: Box | None, other: Box | None) -> Box | None:
    """The box that holds both."""
    if one is None or other is None:
        return one or other
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def geometry_of(box: Box) -> dict[str, Any]:
    """The box as a geometry: a Polygon (counter-clockwise), or what it shrinks to where it has no width or height.

    >>> geometry_of((4.0, 52.0, 4.0, 52.0))
    {'type': 'Point', 'coordinates': [4.0, 52.0]}
    """
    west, south, east, north = box
    if west == east and south == north:
        return {"type": "Point", "coordinates": [west, south]}
    if west == east or south == north:
        return {"type": "LineString", "coordinates": [[west, south], [east, north]]}
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def _well_formed(coordinates: Any, depth: int, fewest: int) -> bool:
    if not isinstance(coordinates, list):
        return False
    if depth == 0:
        return len(coordinates) >= 2 and all(
            isinstance(number, int | float) and not isinstance(number, bool) and -1e300 < number < 1e300 for number in coordinates
        )
    if depth == 1 and len(coordinates) < fewest:
        return False
    return all(_well_formed(part, depth - 1, fewest) for part in coordinates)


def _positions(value: Any) -> Iterator[tuple[float, float]]:
    if isinstance(value, list):
        if value and isinstance(value[0], int | float):
            yield float(value[0]), float(value[1])
        else:
            for part in value:
                yield from _positions(part)
    elif isinstance(value, dict):
        for name in ("coordinates", "geometry", "geometries", "features"):
            yield from _positions(value.get(name))

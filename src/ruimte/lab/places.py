"""``places.geojson``: zones, gates, count points, and what a device with tracks sees, with every mistake in them.

A GeoJSON FeatureCollection (RFC 7946: longitude first, WGS84 degrees). A feature's property ``kind`` says what it is: ``zone``
(a Polygon), ``gate`` (a LineString), ``count_point`` (a Point), ``view`` or ``obstacle`` (a Polygon). Properties that are null
count as absent, and a ``note`` is free text, since JSON has no comments.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from ruimte.lab.files import CountPointProperties, GateProperties, ObstacleProperties, ViewProperties, ZoneProperties
from ruimte.lab.geometry import area_m2, distance_m, overlap_m2
from ruimte.lab.lab import CountPoint, Gate, Obstacle, View, Zone
from ruimte.lab.mistakes import Mistake, Spot
from ruimte.lab.rules import OUTSIDE
from ruimte.lab.tables import known_format, read_text, typed, unique

FILE = "places.geojson"
SLIVER = 0.01
"""Zones may overlap by this share of the smaller one: drawing is never exact."""
TOUCH_M = 5.0
"""A gate lies within this distance of the zones that it joins."""


_Properties = ZoneProperties | GateProperties | CountPointProperties | ViewProperties | ObstacleProperties

_KINDS: dict[str, tuple[type[_Properties], str]] = {
    "zone": (ZoneProperties, "Polygon"),
    "gate": (GateProperties, "LineString"),
    "count_point": (CountPointProperties, "Point"),
    "view": (ViewProperties, "Polygon"),
    "obstacle": (ObstacleProperties, "Polygon"),
}


@dataclass(slots=True)
class Places:
    """What was read. ``named`` holds the kind of every key in the file, also of features with mistakes."""

    zones: dict[str, Zone] = field(default_factory=dict)
    gates: dict[str, Gate] = field(default_factory=dict)
    count_points: dict[str, CountPoint] = field(default_factory=dict)
    views: dict[str, View] = field(default_factory=dict)
    obstacles: dict[str, Obstacle] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    spots: dict[str, Spot] = field(default_factory=dict)


def read_places(folder: Path, found: list[Mistake]) -> Places | None:
    """The lab's places; ``None`` where the file cannot be read at all. Mistakes are added to ``found``."""
    source = read_text(folder, FILE, found)
    if source is None:
        return None
    whole = Spot(found, FILE)
    try:
        raw = json.loads(source)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        found.append(Mistake(FILE, place, f"not JSON: {error.msg}", "mend the text there"))
        return None
    except (ValueError, RecursionError) as error:
        found.append(Mistake(FILE, "", f"not JSON that can be read: {error}", "write it anew"))
        return None
    if not isinstance(raw, dict) or raw.get("type") != "FeatureCollection" or not isinstance(raw.get("features"), list):
        whole.mistake("not a GeoJSON FeatureCollection", 'write {"type": "FeatureCollection", "features": […]}')
        return None
    if not known_format(raw.get("format"), whole):
        return None
    places, seen = Places(), dict[str, str]()
    for number, feature in enumerate(raw["features"], start=1):
        _read_feature(feature, number, places, seen, found)
    _check_overlaps(places)
    for gate in places.gates.values():
        _check_gate(gate, places)
    return places


def _read_feature(feature: object, number: int, places: Places, seen: dict[str, str], found: list[Mistake]) -> None:
    raw = feature.get("properties") if isinstance(feature, dict) else None
    if not isinstance(feature, dict) or feature.get("type") != "Feature" or not isinstance(raw, dict):
        Spot(found, FILE, f"feature {number}").mistake("not a GeoJSON Feature with properties", "write one")
        return
    given = {name: value for name, value in raw.items() if value is not None}
    name = given.get("key") if isinstance(given.get("key"), str) else None
    spot = Spot(found, FILE, f"feature {number}" + (f" {name!r}" if name else ""))
    kind = given.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        spot.mistake(f"unknown kind {kind!r}", f"choose one of {', '.join(_KINDS)}", at="kind")
        return
    unique(name, seen, spot)
    if name is not None:
        places.named.setdefault(name, kind)
        places.spots.setdefault(name, spot)
    struct, shape_type = _KINDS[kind]
    shape = _shape(feature.get("geometry"), shape_type, kind, spot)
    properties = typed(given, struct, spot)
    if shape is not None and properties is not None:
        _add(properties, shape, places)


def _add(p: _Properties, shape: BaseGeometry, places: Places) -> None:
    if isinstance(p, ZoneProperties):
        area = p.area_m2 if p.area_m2 is not None else area_m2(shape)
        places.zones[p.key] = Zone(p.key, p.name, shape, area, p.capacity, p.empty_at, p.levels, p.longest_stay, p.typical)
    elif isinstance(p, GateProperties):
        places.gates[p.key] = Gate(p.key, p.name, shape, p.from_, p.to, p.width_m, p.per_minute)
    elif isinstance(p, ViewProperties):
        places.views[p.key] = View(p.key, shape)
    elif isinstance(p, ObstacleProperties):
        places.obstacles[p.key] = Obstacle(p.key, shape)
    else:
        places.count_points[p.key] = CountPoint(p.key, p.name, shape, p.width_m, p.levels, p.typical)


def _shape(geometry: object, shape_type: str, kind: str, spot: Spot) -> BaseGeometry | None:
    if not isinstance(geometry, dict) or geometry.get("type") != shape_type:
        actual = geometry.get("type") if isinstance(geometry, dict) else None
        spot.mistake(f"a {kind} is a {shape_type}, not {actual!r}", f"draw it as a {shape_type}", at="geometry")
        return None
    coordinates = geometry.get("coordinates")
    positions = _positions(coordinates, depth={"Point": 0, "LineString": 1, "Polygon": 2}[shape_type])
    if positions is None:
        spot.mistake(f"the coordinates are not those of a {shape_type}", "see RFC 7946, appendix A", at="geometry")
        return None
    for longitude, latitude in positions:
        if not (abs(longitude) <= 180 and abs(latitude) <= 90):
            mend = "write longitude first, then latitude, in degrees"
            spot.mistake(f"coordinates [{longitude}, {latitude}] are outside WGS84", mend, at="geometry")
            return None
    try:
        shape: BaseGeometry = shapely.geometry.shape(geometry)
    except (ValueError, OverflowError, shapely.errors.ShapelyError) as error:
        spot.mistake(f"the {shape_type} is invalid: {error}", "draw it again", at="geometry")
        return None
    if shape.is_empty or not shape.is_valid:
        reason = "it is empty" if shape.is_empty else shapely.is_valid_reason(shape)
        spot.mistake(f"the {shape_type} is invalid: {reason}", "draw it without crossing or repeating itself", at="geometry")
        return None
    return shapely.force_2d(shape)


def _positions(value: object, depth: int) -> list[tuple[float, float]] | None:
    """All positions of nested coordinates, or ``None`` where they are not nested numbers of that depth."""
    if not isinstance(value, list):
        return None
    if depth == 0:
        numbers = all(isinstance(n, int | float) and not isinstance(n, bool) for n in value)
        return [(value[0], value[1])] if numbers and len(value) in (2, 3) else None
    result: list[tuple[float, float]] = []
    for part in value:
        inner = _positions(part, depth - 1)
        if inner is None:
            return None
        result += inner
    return result


def _check_overlaps(places: Places) -> None:
    zones = list(places.zones.values())
    polygons = np.array([zone.polygon for zone in zones], dtype=object)
    for first, second in shapely.STRtree(polygons).query(polygons, predicate="intersects").T:
        if first < second:
            one, other = zones[first], zones[second]
            shared = overlap_m2(one.polygon, other.polygon)
            if shared > SLIVER * min(area_m2(one.polygon), area_m2(other.polygon)):
                mend = "draw them side by side: a person is in one zone at a time"
                places.spots[other.key].mistake(f"zone overlaps zone {one.key!r} by {shared:.0f} m²", mend, at="geometry")


def _check_gate(gate: Gate, places: Places) -> None:
    spot = places.spots[gate.key]
    if gate.from_ == gate.to:
        mend = "name two different sides" if gate.to != OUTSIDE else "make it a count_point with a Point"
        spot.mistake(f"gate leads from {gate.from_!r} to itself", mend, at="to")
        return
    for end, name in (("from", gate.from_), ("to", gate.to)):
        if name == OUTSIDE:
            continue
        if places.named.get(name) != "zone":
            spot.mistake(f"{name!r} is not a zone", f"name a zone of this file, or {OUTSIDE!r}", at=end)
        elif name in places.zones and (away := distance_m(gate.line, places.zones[name].polygon)) > TOUCH_M:
            spot.mistake(f"gate lies {away:.0f} m from zone {name!r}", "draw it on the edge of that zone", at=end)

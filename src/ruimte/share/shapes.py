"""The shapes of what grants give: zones, count points and gates as they are, areas as their zones put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shapely import union_all
from shapely.geometry.base import BaseGeometry

from ruimte.lab.lab import Lab
from ruimte.share.agreement import ALL, Form, What
from ruimte.share.asking import Granted


def geojson(lab: Lab, granted: Sequence[Granted]) -> dict[str, Any]:
    """The places of grants as a GeoJSON FeatureCollection (RFC 7946), each place once; ``id`` is its key, or an area's name.

    Properties: ``key``, ``kind`` ("zone", "count_point", "gate" or "area"), ``name`` (by language, or as one text) and the
    ``agreements`` (hashes) that give it. A place of a grant that the lab has no longer is left out.
    """
    features: dict[str, dict[str, Any]] = {}
    for each in granted:
        terms = each.grant.properties
        for key, kind, name, shape in [*_zones(lab, terms.what, terms.form), *_gates(lab, terms.what)]:
            feature = features.setdefault(
                key,
                {
                    "type": "Feature",
                    "id": key,
                    "properties": {"key": key, "kind": kind, "name": name, "agreements": []},
                    "geometry": shape.__geo_interface__,
                },
            )
            if each.agreement not in feature["properties"]["agreements"]:
                feature["properties"]["agreements"].append(each.agreement)
    return {"type": "FeatureCollection", "features": list(features.values())}


_Shape = tuple[str, str, Any, BaseGeometry]


def _zones(lab: Lab, what: What, form: Form) -> list[_Shape]:
    """Zones and count points; where the form has areas, those."""
    if form.areas:
        whole = {name: [lab.zones[key].polygon for key in keys if key in lab.zones] for name, keys in form.areas.items()}
        return [(name, "area", name, union_all(polygons)) for name, polygons in whole.items() if polygons]
    zones = [zone for zone in lab.zones.values() if _given(zone.key, what.zones)]
    points = [point for point in lab.count_points.values() if _given(point.key, what.zones)]
    return [
        *((zone.key, "zone", zone.name, zone.polygon) for zone in zones),
        *((point.key, "count_point", point.name, point.point) for point in points),
    ]


def _gates(lab: Lab, what: What) -> list[_Shape]:
    return [(gate.key, "gate", gate.name, gate.line) for gate in lab.gates.values() if _given(gate.key, what.gates)]


def _given(key: str, keys: tuple[str, ...]) -> bool:
    return key in keys or ALL in keys

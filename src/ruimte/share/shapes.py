"""The shapes of what grants give: zones, count points and gates as they are, areas as their zones put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shapely import union_all
from shapely.geometry import shape

from ruimte.share.asking import Granted
from ruimte.share.places import PlaceInfo, given
from ruimte.share.shown import kind_of


def geojson(places: Mapping[str, PlaceInfo], granted: Sequence[Granted]) -> dict[str, Any]:
    """The places of grants as a GeoJSON FeatureCollection (RFC 7946), each place once; ``id`` is its key, or an area's name.

    Properties: ``key``, ``kind`` ("zone", "count_point", "gate" or "area"), ``name`` (by language, or as one text) and the
    ``agreements`` (hashes) that give it. Two grants may have areas of one name: then each is told. What the lab has no longer is
    left out.
    """
    features: dict[tuple[str, tuple[str, ...]], dict[str, Any]] = {}
    for each in granted:
        for name, keys in given(each.grant, places).items():
            geometry = _geometry(places, keys)
            if geometry is None:
                continue
            feature = features.setdefault((name, keys), _feature(places, name, keys, geometry))
            if each.agreement not in feature["properties"]["agreements"]:
                feature["properties"]["agreements"].append(each.agreement)
    return {"type": "FeatureCollection", "features": list(features.values())}


def _feature(places: Mapping[str, PlaceInfo], name: str, keys: tuple[str, ...], geometry: Mapping[str, Any]) -> dict[str, Any]:
    own = places[name].name if keys == (name,) else name
    properties: dict[str, Any] = {"key": name, "kind": kind_of(keys, places), "name": own or name, "agreements": []}
    return {"type": "Feature", "id": name, "properties": properties, "geometry": geometry}


def _geometry(places: Mapping[str, PlaceInfo], keys: tuple[str, ...]) -> Mapping[str, Any] | None:
    known = [places[key].geometry for key in keys if key in places]
    shapes = [geometry for geometry in known if geometry is not None]
    if len(shapes) < 2:
        return shapes[0] if shapes else None
    merged: Mapping[str, Any] = union_all([shape(geometry) for geometry in shapes]).__geo_interface__
    return merged

"""Other shapes of a read than JSON entities: data arrays (OGC 18-088, clause 12), CSV (RFC 4180) and GeoJSON (RFC 7946)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ruimte.sta.entities import ENTITIES, Entity
from ruimte.web.sta.exchange import encode

Rows = Sequence[dict[str, Any]]
"""Entities as a read gives them, with their ``@iot.…`` names."""

_COMPONENTS = ("id", *ENTITIES["Observation"].properties)
_PLACES = {
    "Location": "location",
    "FeatureOfInterest": "feature",
    "Datastream": "observedArea",
    "MultiDatastream": "observedArea",
}
_LEADS_TO_PLACE = ("FeatureOfInterest", "Locations", "Location", "Thing", "Datastream")


def data_arrays(rows: Rows, streams: Sequence[tuple[str, int]], select: Sequence[str] | None, base: str) -> list[dict[str, Any]]:
    """Observations as a group for each datastream; ``streams`` tells that of each, as its kind and id.

    ``select`` names the components; without it they are those that any of the rows has.
    """
    names = (
        list(select) if select is not None else [name for name in _COMPONENTS if name == "id" or any(name in row for row in rows)]
    )
    keys = ["@iot.id" if name == "id" else name for name in names]
    groups: dict[tuple[str, int], list[list[Any]]] = {}
    for row, stream in zip(rows, streams, strict=True):
        groups.setdefault(stream, []).append([row.get(key) for key in keys])
    return [
        {
            f"{kind}@iot.navigationLink": f"{base}/{ENTITIES[kind].set_name}({id_})",
            "components": names,
            "dataArray@iot.count": len(values),
            "dataArray": values,
        }
        for (kind, id_), values in groups.items()
    ]


def table(rows: Rows, select: Sequence[str] | None = None) -> bytes:
    """CSV with a header line, in UTF-8: objects flattened to columns such as ``properties/owner``, lists as JSON.

    The columns have the order of ``select``, and else that of the rows.
    """
    flat = [dict(_flat(row)) for row in rows]
    names = list(dict.fromkeys(name for row in flat for name in row))
    if select is not None:
        place = {name: number for number, name in enumerate(select)}
        names.sort(key=lambda name: place.get(name.partition("/")[0], len(place)))
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows([[_cell(row.get(name)) for name in names] for row in flat])
    return text.getvalue().encode()


def features(rows: Rows, entity: Entity) -> list[dict[str, Any]]:
    """Entities as GeoJSON features. One without a geometry of its own takes that of an expanded place; else it is null."""
    return [
        {
            "type": "Feature",
            "id": row.get("@iot.id"),
            "geometry": _place(row, entity),
            "properties": dict(_flat(row, _own_place(entity))),
        }
        for row in rows
    ]


def _flat(row: dict[str, Any], without: str | None = None, before: str = "") -> Iterator[tuple[str, Any]]:
    """Names and values of an entity, with those of the objects in it; links to others are left out."""
    for name, value in row.items():
        if name == "@iot.id":
            yield f"{before}id", value
        elif "@iot." in name or name == without:
            continue
        elif isinstance(value, dict):
            yield from _flat(value, before=f"{before}{name}/")
        else:
            yield f"{before}{name}", value


def _cell(value: Any) -> Any:
    """What stands in a cell: a list or a boolean as JSON has it."""
    return encode(value).decode() if isinstance(value, list | bool) else value


def _own_place(entity: Entity) -> str | None:
    return _PLACES.get(entity.name)


def _place(row: dict[str, Any], entity: Entity) -> Any:
    own = _own_place(entity)
    if own is not None and (shape := _geometry(row.get(own))) is not None:
        return shape
    for name in _LEADS_TO_PLACE:
        link = entity.links.get(name)
        found = row.get(name) if link is not None else None
        for each in found if isinstance(found, list) else [found]:
            if link is not None and isinstance(each, dict) and (shape := _place(each, ENTITIES[link.target])) is not None:
                return shape
    return None


def _geometry(value: Any) -> Any:
    """The geometry in what a place holds: itself, that of a Feature, or those of a FeatureCollection."""
    if not isinstance(value, dict):
        return None
    kind = value.get("type")
    if kind == "Feature":
        return _geometry(value.get("geometry"))
    if kind == "FeatureCollection":
        return {"type": "GeometryCollection", "geometries": list(_geometries(value.get("features")))}
    return value if "coordinates" in value or kind == "GeometryCollection" else None


def _geometries(members: Any) -> Iterable[Any]:
    for member in members if isinstance(members, list) else []:
        if (shape := _geometry(member)) is not None:
            yield shape

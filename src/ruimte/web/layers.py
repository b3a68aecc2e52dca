"""Layers for a situation map: the warnings and the state of the places as GeoJSON (RFC 7946), flat, as map programs like it."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ruimte.jobs.notices import geometry
from ruimte.jobs.room import Room, WarningView, ZoneView
from ruimte.web import fields
from ruimte.web.pages import Pages

MEDIA_TYPE = "application/geo+json"


async def warnings(request: Request) -> Response:
    """``/api/v1/warnings.geojson``: the warnings that stand, now or ``at`` a moment, each where its place is."""
    room, language = _parts(request)
    found = [each for each in room.warnings(language, fields.moment(request, room)) if each.phase != "closed"]
    return _collection([_feature(room, str(each.id), each.place, _of_warning(each)) for each in found])


async def zones(request: Request) -> Response:
    """``/api/v1/zones.geojson``: the places with their state, now or ``at`` a moment."""
    room, language = _parts(request)
    found = room.zones(language, fields.moment(request, room))
    return _collection([_feature(room, each.key, each.key, _of_zone(each)) for each in found])


def _of_warning(view: WarningView) -> dict[str, Any]:
    return {
        "warning": view.id,
        "place": view.place,
        "name": view.place_name,
        "phase": view.phase,
        "priority": view.priority,
        "table": view.table,
        "level": view.level,
        "colour": view.colour,
        "probability": view.probability,
        "expected_at": view.expected_at,
        "opened": view.opened,
        "updated": view.updated,
        "unit": view.unit,
        "threshold": view.threshold,
        "expected": view.expected,
        "now": view.now,
        "why": " ".join(view.reasons),
        "measures": "; ".join(measure.name for measure in view.measures),
    }


def _of_zone(view: ZoneView) -> dict[str, Any]:
    return {
        "key": view.key,
        "name": view.name,
        "kind": view.kind,
        "time": view.time,
        "unit": view.unit,
        "mean": view.mean,
        "q05": view.q05,
        "q95": view.q95,
        "density": view.density,
        "silent": view.silent,
        "table": view.table,
        "level": view.level,
        "colour": view.colour,
    }


def _feature(room: Room, id_: str, place: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "id": id_, "geometry": geometry(room.lab, place), "properties": properties}


def _collection(features: list[dict[str, Any]]) -> Response:
    return Response(msgspec.json.encode({"type": "FeatureCollection", "features": features}), media_type=MEDIA_TYPE)


def _parts(request: Request) -> tuple[Room, str]:
    pages: Pages = request.app.state.pages
    return request.app.state.room, pages.language(request)

"""The room as JSON, under ``/api/v1``."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ruimte.clock import iso
from ruimte.jobs.room import Room
from ruimte.web import fields
from ruimte.web.pages import Pages
from ruimte.web.picture import picture
from ruimte.web.roles import without_names

_MAX_LINES = 500


async def zones(request: Request) -> Response:
    """State of all places, now or ``at`` a moment."""
    room = _room(request)
    return _json(picture(room, _language(request), fields.moment(request, room)))


async def series(request: Request) -> Response:
    """One place over time: ``hours`` of past, and what is expected."""
    room = _room(request)
    key = fields.place(request.path_params["key"], room)
    hours = fields.whole(request, "hours", 24, 1, 168)
    return _json(room.series(key, _language(request), fields.moment(request, room), float(hours or 24)))


async def places(request: Request) -> Response:
    """The places as GeoJSON."""
    body = msgspec.json.encode(_room(request).lab.geojson())
    return Response(body, media_type="application/geo+json")


async def status(request: Request) -> Response:
    """Where the node stands, and how far one can look back."""
    room = _room(request)
    return _json({"status": room.status(), "span": [iso(moment) for moment in room.span()]})


async def warnings(request: Request) -> Response:
    """The warnings, now or as they stood ``at`` a moment."""
    room = _room(request)
    return _json({"warnings": room.warnings(_language(request), fields.moment(request, room))})


async def logbook(request: Request) -> Response:
    """The logbook, newest first: ``limit`` lines from below id ``before``."""
    limit = fields.whole(request, "limit", 50, 1, _MAX_LINES)
    before = fields.whole(request, "before", None, 1, 2**62)
    lines = _room(request).logbook(_language(request), before, limit or 50)
    return _json({"logbook": without_names(lines, request)})


def _room(request: Request) -> Room:
    room: Room = request.app.state.room
    return room


def _language(request: Request) -> str:
    pages: Pages = request.app.state.pages
    return pages.language(request)


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")

"""The sensors that the estimate rests on: a page and JSON, so that who keeps them sees what is wrong, since when and why."""

from __future__ import annotations

from collections import Counter

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ruimte.jobs.room import Room, SensorView
from ruimte.web import conditions
from ruimte.web.pages import Pages


async def sensors_page(request: Request) -> Response:
    """``/sensors``: every sensor, those in trouble first."""
    room: Room = request.app.state.room
    pages: Pages = request.app.state.pages
    views, status, words = _sensors(request), room.status(), pages.speaks(request)
    return pages.render(
        request,
        "sensors.html",
        sensors=conditions.worst_first(views),
        rests=conditions.rests(views),
        counts=Counter(view.condition for view in views),
        status=status,
        symbols=conditions.SYMBOLS,
        names=conditions.names(words),
        uneven=lambda imbalance: conditions.uneven(imbalance, words),
    )


async def sensors(request: Request) -> Response:
    """The same as JSON."""
    return Response(msgspec.json.encode({"sensors": _sensors(request)}), media_type="application/json")


def _sensors(request: Request) -> list[SensorView]:
    """None while the node is starting: what they told has not been read yet."""
    room: Room = request.app.state.room
    pages: Pages = request.app.state.pages
    return [] if room.status().phase == "starting" else room.sensors(pages.language(request))

"""What devices with tracks see: a page, its part that is fetched again each second, and JSON. Nothing in it is of one person."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ruimte.jobs.room import Room
from ruimte.web.control import crowd_figures
from ruimte.web.control.crowd_map import table_of, views
from ruimte.web.control.levels import SYMBOLS
from ruimte.web.control.page import for_scripts
from ruimte.web.pages import Pages
from ruimte.web.picture import picture


async def crowds_page(request: Request) -> Response:
    """``/crowds``: everything in one answer, so that there is something to read before any script runs."""
    room, pages = _parts(request)
    data = for_scripts(request, picture(room, pages.language(request)))
    data |= {"zones": [], "places": {"type": "FeatureCollection", "features": []}}  # the map is of what devices see alone
    return pages.render(request, "crowds.html", data=data, status=room.status(), **_told(request))


async def fragment(request: Request) -> Response:
    """The figures of every device, with what the map shows as data, so that both are of one second."""
    _, pages = _parts(request)
    return HTMLResponse(pages.fragment(request, "_crowds.html", **_told(request)))


async def crowds(request: Request) -> Response:
    """The same as JSON."""
    return Response(msgspec.json.encode({"crowds": views(request)}), media_type="application/json")


def _told(request: Request) -> dict[str, Any]:
    room, pages = _parts(request)
    words, seen = pages.speaks(request), views(request)
    return {
        "crowds": [crowd_figures.told(view, table_of(room), words) for view in seen],
        "fields": [crowd_figures.on_map(view) for view in seen],
        "symbols": SYMBOLS,
    }


def _parts(request: Request) -> tuple[Room, Pages]:
    return request.app.state.room, request.app.state.pages

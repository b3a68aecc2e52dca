"""Measures side by side: as a part of the page, and as JSON."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ruimte.errors import RuimteError
from ruimte.jobs.compared import CompareView
from ruimte.jobs.room import Room
from ruimte.web import fields
from ruimte.web.control.compare_figures import figures
from ruimte.web.control.levels import SYMBOLS
from ruimte.web.limits import address
from ruimte.web.pages import Pages
from ruimte.web.problems import bad_field, not_found
from ruimte.web.words import marked

_MOST_CHOSEN = 5
_LONG = 18


async def fragment(request: Request) -> Response:
    """``GET /warnings/{id}/compare``: what each measure would change, to lay beside the measures of the dialog."""
    pages: Pages = request.app.state.pages
    room: Room = request.app.state.room
    view = await _compared(request, request.path_params["id"])
    context = {"view": view, "figures": figures(room.lab, view), "symbols": SYMBOLS, "now": room.status().time}
    return HTMLResponse(pages.fragment(request, "_compare.html", **context))


async def of_warning(request: Request) -> Response:
    """``GET /api/v1/warnings/{id}/compare``."""
    text = request.path_params["id"]
    if not (text.isascii() and text.isdecimal() and len(text) < _LONG):
        raise not_found(marked("there is no such warning"), text, marked("look at the list again"))
    return _json(await _compared(request, int(text)))


async def of_zone(request: Request) -> Response:
    """``GET /api/v1/zones/{key}/compare``."""
    return _json(await _compared(request, fields.place(request.path_params["key"], request.app.state.room)))


async def _compared(request: Request, subject: int | str) -> CompareView:
    """``also``: keys of other measures, with commas between; ``minutes`` ahead."""
    room: Room = request.app.state.room
    also = tuple(key for key in request.query_params.get("also", "").split(",") if key)
    if len(also) > _MOST_CHOSEN:
        raise bad_field("also", f"{len(also)} measures are too many", f"choose {_MOST_CHOSEN} at the most")
    for key in also:
        if key not in room.lab.measures:
            raise bad_field("also", f"{key!r} is not in the playbook", f"one of: {', '.join(room.lab.measures)}")
    minutes = fields.whole(request, "minutes", 60, 5, 180) or 60
    request.app.state.limits.compare.spend(request.state.token or address(request))
    pages: Pages = request.app.state.pages
    try:
        return await room.compare(subject, pages.language(request), also, minutes)
    except RuimteError as error:
        raise not_found(marked("there is no such warning"), str(subject), marked("look at the list again")) from error


def _json(view: CompareView) -> Response:
    return Response(msgspec.json.encode(view), media_type="application/json")

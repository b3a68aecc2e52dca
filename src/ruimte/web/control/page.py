"""The control room: the page, and the fragments of it that are fetched again when something changed."""

from __future__ import annotations

from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ruimte.clock import MINUTE_US, iso
from ruimte.jobs.room import LogView, Room, ZoneView
from ruimte.lab.lab import CountPoint, Lab, Zone
from ruimte.model.role import Actor, Permission
from ruimte.text import duration_us, pick
from ruimte.web import conditions, fields
from ruimte.web.control import partners
from ruimte.web.control.crowd_map import for_map
from ruimte.web.control.levels import SYMBOLS, legend, worst_first
from ruimte.web.control.script_words import script_words
from ruimte.web.pages import Pages
from ruimte.web.picture import picture
from ruimte.web.push import key_for
from ruimte.web.roles import without_names
from ruimte.web.words import LOCALES

_LINES = 50
_LINES_TO_SEARCH = 500
SILENCE_S = 10
"""After so long without a word from the node, the page says that what it shows is old."""


async def control_room(request: Request) -> Response:
    """``/``: everything in one answer, so that there is something to read before any script runs."""
    room, pages = _parts(request)
    language = pages.language(request)
    now = picture(room, language)
    context = {
        "status": now["status"],
        "places": sorted((pick(place.name, language), key) for key, place in _places(room.lab).items()),
        "data": for_scripts(request, now),
        **_legend(request),
        **_warnings(request, None),
        **_logbook(request, None),
        **_table(request, None),
        **partners.panel(request),
    }
    return pages.render(request, "control_room.html", **context)


async def legend_fragment(request: Request) -> Response:
    """The legend, for a page that was opened before there was a picture."""
    return _fragment(request, "_legend.html", _legend(request))


async def warnings(request: Request) -> Response:
    """The list of warnings."""
    at_us = fields.moment(request, _parts(request)[0])
    return warnings_fragment(request, at_us)


async def logbook(request: Request) -> Response:
    """The logbook's newest lines."""
    at_us = fields.moment(request, _parts(request)[0])
    return _fragment(request, "_logbook.html", _logbook(request, at_us))


async def table(request: Request) -> Response:
    """All places as a table, worst first."""
    at_us = fields.moment(request, _parts(request)[0])
    return _fragment(request, "_table.html", _table(request, at_us))


def warnings_fragment(request: Request, at_us: int | None = None) -> Response:
    """The list of warnings as HTML."""
    return _fragment(request, "_warnings_and_count.html", _warnings(request, at_us))


def may_act(request: Request, permission: Permission = "act") -> bool:
    """Whether to show what can be pressed. To nobody in particular too: pressing it asks to sign in first."""
    user: Actor | None = request.state.user
    return user is None or user.may(permission)


def logbook_fragment(request: Request) -> Response:
    """The logbook's newest lines as HTML."""
    return _fragment(request, "_logbook.html", _logbook(request, None))


def _legend(request: Request) -> dict[str, Any]:
    room, pages = _parts(request)
    return {"legend": legend(room.zones(pages.language(request)), pages.speaks(request))}


def _warnings(request: Request, at_us: int | None) -> dict[str, Any]:
    room, pages = _parts(request)
    language, status = pages.language(request), room.status()
    return {
        "warnings": room.warnings(language, at_us),
        "load": room.load(),
        "past": at_us is not None,
        "close_below": room.lab.file.warn.close_below,
        "shelve_most": duration_us(room.lab.file.warn.shelve_most) // MINUTE_US,
        "why_none": why_none(status.phase, room.zones(language, at_us)),
        "measures": list(room.lab.measures.values()),
        "symbols": SYMBOLS,
        "now": status.time if at_us is None else iso(at_us),
        "can_act": at_us is None and may_act(request),
    }


def why_none(phase: str, zones: list[ZoneView]) -> Literal["starting", "elsewhere", "unheard", "unforecast", "calm"]:
    """What it means where there are no warnings: only ``calm`` is good news."""
    if phase == "starting":
        return "starting"
    if not zones:
        return "elsewhere"
    if all(zone.silent or zone.mean is None for zone in zones):
        return "unheard"
    if not any(zone.forecast for zone in zones):
        return "unforecast"
    return "calm"


def _logbook(request: Request, at_us: int | None) -> dict[str, Any]:
    room, pages = _parts(request)
    language = pages.language(request)
    lines: list[LogView]
    if at_us is None:
        lines, now = room.logbook(language, limit=_LINES), room.status().time
    else:
        now = iso(at_us)
        lines = [line for line in room.logbook(language, limit=_LINES_TO_SEARCH) if line.time <= now][:_LINES]
    return {
        "lines": without_names(lines, request),
        "now": now,
        "can_write": may_act(request),
        "can_export": may_act(request, "export"),
    }


def _table(request: Request, at_us: int | None) -> dict[str, Any]:
    room, pages = _parts(request)
    return {
        "rows": worst_first(room.zones(pages.language(request), at_us)),
        "level_symbols": SYMBOLS,
        "told_of": partners.told_by_place(request) if at_us is None else {},
        "rests": conditions.rests,
        "condition_symbols": conditions.SYMBOLS,
    }


def for_scripts(request: Request, now: dict[str, Any]) -> dict[str, Any]:
    """What the server hands over to the page's scripts, with the picture as it is ``now``."""
    room, pages = _parts(request)
    words = pages.speaks(request)
    lab = room.lab
    return {
        **now,
        "language": words.language,
        "locale": LOCALES[words.language].replace("_", "-"),
        "zone": str(lab.zone),
        "tick_s": duration_us(lab.file.ticks.length) // 1_000_000,
        "open_at": lab.file.warn.open_at,
        "silence_s": SILENCE_S,
        "still": False,
        "tiles": lab.file.map.tiles,
        "attribution": pick(lab.file.attribution, words.language),
        "lab": pick(lab.file.name, words.language),
        "symbols": SYMBOLS,
        "conditions": {
            key: {"word": word, "symbol": conditions.SYMBOLS.get(key)} for key, word in conditions.names(words).items()
        },
        "imbalanced": conditions.IMBALANCED,
        "places": lab.geojson(),
        "words": script_words(words),
        "push": key_for(request),
        "partners": partners.has_partners(request),
        "crowds": for_map(room, words),
    }


def _places(lab: Lab) -> dict[str, Zone | CountPoint]:
    return {**lab.zones, **lab.count_points}


def _fragment(request: Request, template: str, context: dict[str, Any]) -> Response:
    _, pages = _parts(request)
    return HTMLResponse(pages.fragment(request, template, **context))


def _parts(request: Request) -> tuple[Room, Pages]:
    return request.app.state.room, request.app.state.pages

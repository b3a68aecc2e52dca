"""``/wall``: the control room on a screen on the wall, which is read from across the room and which nobody touches."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ruimte.jobs.room import Ahead, Room, SensorView, ZoneView
from ruimte.web import conditions
from ruimte.web.control.levels import SYMBOLS
from ruimte.web.control.page import for_scripts, why_none
from ruimte.web.control.wall_words import wall_words
from ruimte.web.pages import THEMES, Pages
from ruimte.web.picture import picture

_SHADE_OF_RANK = 3
"""Where the lowest level that calls stands in the palette A–F."""


@dataclass(frozen=True, slots=True)
class Soon:
    """Where the highest level is likely within the hour."""

    place: str
    colour: int
    ahead: Ahead


async def wall(request: Request) -> Response:
    """The page; ``?theme=light`` (or ``auto``) for a bright room, else dark."""
    room, pages = _parts(request)
    wish = request.query_params.get("theme", "")
    now = picture(room, pages.language(request))
    words = wall_words(pages.speaks(request))
    data = for_scripts(request, now) | {"still": True, "words": words}
    theme = wish if wish in THEMES else "dark"
    return pages.render(request, "wall.html", theme=theme, data=data, **_told(request, room, pages))


async def fragment(request: Request) -> Response:
    """What stands beside the map, fetched again when something changed."""
    room, pages = _parts(request)
    return HTMLResponse(pages.fragment(request, "_wall.html", **_told(request, room, pages)))


def _told(request: Request, room: Room, pages: Pages) -> dict[str, Any]:
    language, status = pages.language(request), room.status()
    zones = room.zones(language)
    known = [warning for warning in room.warnings(language) if warning.phase in ("open", "acknowledged")]
    warnings = [warning for warning in known if not warning.shelved_until]
    sensors = room.sensors(language)
    return {
        "status": status,
        "now": status.time,
        "warnings": warnings,
        "aside": len(known) - len(warnings),
        "why_none": why_none(status.phase, zones),
        "symbols": SYMBOLS,
        "soon": highest(zones),
        "forecast": any(zone.forecast for zone in zones),
        "rests": conditions.rests(sensors),
        "troubles": troubles(sensors),
        "condition_symbols": conditions.SYMBOLS,
        "condition_names": conditions.names(pages.speaks(request)),
        "silent": [zone.name for zone in zones if zone.silent],
    }


def highest(zones: list[ZoneView]) -> Soon | None:
    """The place where the highest level is likely within the hour, the surest first; None where none is."""
    likely = [Soon(zone.name, zone.soon.rank + _SHADE_OF_RANK, zone.soon) for zone in zones if zone.soon]
    return max(likely, key=lambda soon: (soon.ahead.rank, soon.ahead.probability), default=None)


def troubles(sensors: list[SensorView]) -> dict[str, int]:
    """How many sensors are in which trouble, the worst first. A gate that no sensor watches is no sensor."""
    counts = Counter(sensor.condition for sensor in sensors)
    return {condition: counts[condition] for condition in conditions.SYMBOLS if condition != "missing" and counts[condition]}


def _parts(request: Request) -> tuple[Room, Pages]:
    return request.app.state.room, request.app.state.pages

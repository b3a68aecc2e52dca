"""What partners share and tell, on the page and as JSON; kept apart from the lab's own figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ruimte.jobs.foreign_views import PartnerView
from ruimte.jobs.partners import Partners
from ruimte.jobs.room import Room
from ruimte.web.control.levels import SYMBOLS
from ruimte.web.pages import Pages

_RANKS = {"A": 0, "B": 1, "C": 2, "D": 3, "E": 4, "F": 5, "P90": 3, "P95": 4, "P99": 5}


async def fragment(request: Request) -> Response:
    """The panel of partners."""
    pages: Pages = request.app.state.pages
    return HTMLResponse(pages.fragment(request, "_partners.html", **panel(request)))


async def foreign(request: Request) -> Response:
    """``/api/v1/foreign``: what partners share with this node, how each link stands, and what they tell about this lab."""
    links, told = _known(request)
    return Response(msgspec.json.encode({"partners": links, "contributions": told}), media_type="application/json")


async def places(request: Request) -> Response:
    """``/api/v1/foreign.geojson``: the places of partners that gave a geometry, each with its newest figure."""
    partners: Partners | None = request.app.state.partners
    shapes: dict[str, Any] = {"type": "FeatureCollection", "features": []} if partners is None else partners.places()
    links, _ = _known(request)
    known = {(link.key, place.key): (link, place) for link in links for place in link.places}
    for feature in shapes["features"]:
        about = feature["properties"]
        found = known.get((about["link"], about["key"]))
        if found is not None:
            link, place = found
            state = {"partner": link.partner, "exactness": link.exactness, "colour": colour(place.level)}
            fresh = not place.old and link.status == "following"
            about |= msgspec.to_builtins(place) | state | {"fresh": fresh, "key": about["key"]}
    return Response(msgspec.json.encode(shapes), media_type="application/geo+json")


def panel(request: Request) -> dict[str, Any]:
    """What the panel's template shows. ``wrong``: how many links need a look."""
    room: Room = request.app.state.room
    links, told = _known(request)
    wrong = sum(link.status in ("broken", "ended", "distrusted") or bool(link.refused) for link in links)
    return {
        "partners": links,
        "told": told,
        "wrong": wrong,
        "warned": sum(len(link.warnings) for link in links),
        "colour": colour,
        "level_symbols": SYMBOLS,
        "now": room.status().time,
    }


def told_by_place(request: Request) -> Mapping[str, list[str]]:
    """What partners tell about each place, with who tells it."""
    partners: Partners | None = request.app.state.partners
    pages: Pages = request.app.state.pages
    by_place: dict[str, list[str]] = {}
    for each in () if partners is None else partners.told(pages.language(request)):
        by_place.setdefault(each.place, []).append(f"{each.party}: {each.text}")
    return by_place


def has_partners(request: Request) -> bool:
    """Whether there is anything of partners to show."""
    return any(_known(request))


def colour(level: str | None) -> int:
    """A level's place in the palette A–F."""
    return _RANKS.get(level or "", 0)


def _known(request: Request) -> tuple[list[PartnerView], list[Any]]:
    partners: Partners | None = request.app.state.partners
    if partners is None:
        return [], []
    pages: Pages = request.app.state.pages
    language = pages.language(request)
    return partners.links(language), partners.told(language)

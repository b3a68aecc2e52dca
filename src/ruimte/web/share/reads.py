"""What a partner reads: figures and warnings, the agreements, the places."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ruimte.clock import DAY_US, iso
from ruimte.share import shapes
from ruimte.share.asking import Action, Granted
from ruimte.share.formats import JSON, MEDIA_TYPES
from ruimte.web.problems import bad_field
from ruimte.web.share import query
from ruimte.web.share.accept import choose
from ruimte.web.share.released import answer, document
from ruimte.web.share.resource import Handler
from ruimte.web.share.state import caller, house

PLACES = ("zones", "agreement")
FIGURES = ("zones", "quantities", "step", "agreement")
PERIOD = ("from", "until")
GEOJSON = "application/geo+json"
LONGEST_US = 31 * DAY_US
"""The longest period that one request may ask for."""


def figures(action: Action, known: Collection[str], forms: tuple[str, ...] = MEDIA_TYPES) -> Handler:
    """A handler that reads figures; ``known`` are its parameters, ``forms`` the media types of its answer."""

    async def read(request: Request) -> Response:
        came_s = time.monotonic()  # before anybody looks who asks: that look is good for the decision, too
        here, who = house(request), await caller(request)
        given = query.parameters(request, known)
        asked = query.asked(request, who, action, given, came_s)
        from_us, until_us = _period(given) if "from" in known else (None, None)
        form = choose(request.headers.get("accept", ""), forms)
        return answer(await here.desk.release(asked, form, from_us, until_us))

    return read


def _period(given: dict[str, str]) -> tuple[int, int]:
    from_us, until_us = (query.moment(given, name) for name in PERIOD)
    if from_us >= until_us:
        raise bad_field("until", "is not after from", "a period is from ≤ time < until")
    if until_us - from_us > LONGEST_US:
        raise bad_field("until", f"is more than {LONGEST_US // DAY_US} days after from", "ask in parts")
    return from_us, until_us


async def agreements(request: Request) -> Response:
    """GET: the agreements between the caller and this lab, whether or not they hold now."""
    here, who = house(request), await caller(request)
    query.parameters(request, ())
    choose(request.headers.get("accept", ""), (JSON,))
    return document(request, {"agreements": _by_agreement(here.desk.granted(who.party))})


async def agreement(request: Request) -> Response:
    """GET: one of them, with its file: so a party learns from the other which signatures there are by now."""
    here, who = house(request), await caller(request)
    query.parameters(request, ())
    choose(request.headers.get("accept", ""), (JSON,))
    wanted = request.path_params["hash"]
    for found in _by_agreement(here.desk.granted(who.party)):
        if found["hash"] == wanted and (file := here.desk.file(who.party, wanted)) is not None:
            return document(request, found | {"file": msgspec.Raw(file)})
    raise query.not_here("no agreement of yours has this hash", "hash", "see /share/v1/agreements for yours")


async def places(request: Request) -> Response:
    """GET: the shapes of the places that the caller's grants give now, as GeoJSON."""
    here, who = house(request), await caller(request)
    wanted = query.agreement(query.parameters(request, ("agreement",)).get("agreement"))
    form = choose(request.headers.get("accept", ""), (GEOJSON, JSON))
    now_us = here.now_us()
    giving = [
        granted
        for granted in here.desk.granted(who.party)
        if granted.grant.consumer == who.party
        and granted.grant.properties.purpose == who.purpose
        and granted.status == "valid"
        and granted.not_before_us <= now_us < granted.not_after_us
        and wanted in ("", granted.agreement)
    ]
    return document(request, shapes.geojson(here.places, giving), form)


def _by_agreement(granted: list[Granted]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for each in granted:
        of = found.setdefault(
            each.agreement,
            {
                "hash": each.agreement,
                "status": each.status,
                "not_before": iso(each.not_before_us),
                "not_after": iso(each.not_after_us),
                "grants": [],
            },
        )
        of["grants"].append({"index": each.index, **msgspec.to_builtins(each.grant)})
    return list(found.values())

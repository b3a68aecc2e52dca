"""Which route needs what: the one place where that stands. What does not stand here is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec
from starlette.requests import Request
from starlette.routing import Match, Route

from ruimte.jobs.room import LogView
from ruimte.model.role import Actor, Permission

Need = Permission | Literal["nothing", "a session"]
"""``nothing``: everybody who reaches the node. ``a session``: whoever is signed in, in any role."""

NEEDS: Mapping[str, Need] = {
    "GET /": "look",
    "GET /wall": "look",
    "GET /fragments/wall": "look",
    "GET /fragments/legend": "look",
    "GET /fragments/warnings": "look",
    "GET /fragments/logbook": "look",
    "GET /fragments/table": "look",
    "GET /fragments/partners": "look",
    "GET /crowds": "look",
    "GET /fragments/crowds": "look",
    "GET /warnings/{id:int}/compare": "look",
    "POST /warnings/{id:int}/acknowledge": "act",
    "POST /warnings/{id:int}/decide": "act",
    "POST /warnings/{id:int}/shelve": "act",
    "POST /warnings/{id:int}/unshelve": "act",
    "GET /logbook": "look",
    "POST /logbook": "act",
    "POST /logbook/field-report": "act",
    "GET /logbook.csv": "export",
    "GET /logbook.pdf": "export",
    "GET /report": "act",
    "GET /sources": "look",
    "GET /sensors": "look",
    "GET /sharing": "look",
    "POST /sharing": "manage",
    "GET /sharing/propose": "manage",
    "POST /sharing/propose": "manage",
    "GET /sharing/{hash}/agreement.json": "export",
    "POST /sharing/{hash}/sign": "manage",
    "POST /sharing/{hash}/reject": "manage",
    "POST /sharing/{hash}/revoke": "manage",
    "GET /sign-in": "nothing",
    "POST /sign-in": "nothing",
    "GET /sign-in/provider": "nothing",
    "GET /sign-in/provider/callback": "nothing",
    "GET /sign-out/provider": "nothing",
    "GET /sign-in/{token}": "nothing",
    "POST /sign-out": "a session",
    "GET /account": "a session",
    "POST /account": "a session",
    "POST /account/sessions/{id}/end": "a session",
    "POST /staff-names/forget": "retain",
    "GET /api/v1/zones": "look",
    "GET /api/v1/zones/{key}/series": "look",
    "GET /api/v1/ngsi-ld/crowd-flow-observed": "look",
    "GET /api/v1/ngsi-ld/item-flow-observed": "look",
    "GET /api/v1/places.geojson": "look",
    "GET /api/v1/status": "look",
    "GET /api/v1/warnings": "look",
    "GET /api/v1/warnings/{id}/compare": "look",
    "GET /api/v1/zones/{key}/compare": "look",
    "GET /api/v1/logbook": "look",
    "GET /api/v1/foreign": "look",
    "GET /api/v1/foreign.geojson": "look",
    "GET /api/v1/sources": "look",
    "GET /api/v1/sensors": "look",
    "GET /api/v1/crowds": "look",
    "GET /api/v1/stream": "look",
    "GET /api/v1/warnings.geojson": "look",
    "GET /api/v1/zones.geojson": "look",
    "GET /api/v1/cap.xml": "look",
    "GET /api/v1/cap/{id}.xml": "look",
    "GET /push-worker.js": "look",
    "POST /push/subscribe": "a session",
    "POST /push/unsubscribe": "a session",
    "GET /healthz": "nothing",
    "GET /readyz": "nothing",
    "GET /metrics": "look",
    "GET /static/{version}/{name:path}": "nothing",
}

COSTLY = frozenset({"GET /api/v1/zones/{key}/series"})
"""Reads that cost more than others: these, and any that looks back (``at``), have a limit of their own."""


def without_names(lines: list[LogView], request: Request) -> list[LogView]:
    """Lines of the logbook as a visitor may read them: with the names of staff only where the role may see those."""
    user: Actor | None = request.state.user
    if user is not None and user.may("names"):
        return lines
    return [msgspec.structs.replace(line, name=None) for line in lines]


def route_of(request: Request) -> str | None:
    """The route that a request takes, as ``NEEDS`` writes it; None where there is none."""
    for route in request.app.routes:
        if route.matches(request.scope)[0] is Match.FULL:
            method = "GET" if request.method == "HEAD" else request.method
            return f"{method} {route.path}" if isinstance(route, Route) else f"{method} {request.url.path}"
    return None


def needed(route: str | None) -> Need | None:
    """What a route needs; None where it stands nowhere. An address that is not there needs ``look``: it tells nothing."""
    return "look" if route is None else NEEDS.get(route)

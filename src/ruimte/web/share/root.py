"""What tells nothing of anybody, so that no token is needed: the links of the API, and its description."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from ruimte.share.formats import JSON
from ruimte.web.share import query
from ruimte.web.share.accept import choose
from ruimte.web.share.address import ROOT
from ruimte.web.share.openapi import description
from ruimte.web.share.released import document
from ruimte.web.share.state import house
from ruimte.web.share.version import VERSION
from ruimte.web.sta.links import base

_LINKS = {
    "service-desc": "/openapi.json",
    "token": "/token",
    "state": "/state",
    "forecast": "/forecast",
    "history": "/history",
    "warnings": "/warnings",
    "live": "/live",
    "places": "/places",
    "agreements": "/agreements",
    "webhooks": "/webhooks",
    "log": "/log/checkpoint",
}


async def root(request: Request) -> Response:
    """GET: what there is."""
    query.parameters(request, ())
    choose(request.headers.get("accept", ""), (JSON,))
    here = house(request)
    told = {
        "title": "Ruimte: shared under agreement",
        "organisation": here.lab.file.organisation,
        "lab": here.lab.key,
        "version": VERSION,
        "links": [{"rel": name, "href": ROOT + path} for name, path in _LINKS.items()],
    }
    return document(request, told)


async def described(request: Request) -> Response:
    """GET: the description in OpenAPI."""
    query.parameters(request, ())
    choose(request.headers.get("accept", ""), (JSON, "application/vnd.oai.openapi+json"))
    here = house(request)
    server = base(request.scope, dict(request.scope["headers"]), here.settings, ROOT)
    return document(request, description(server, here.lab.file.organisation, here.lab.file.contact))

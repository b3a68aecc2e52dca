"""The sandbox: one page that says what it is, and the SensorThings service open to everybody on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ruimte import __version__
from ruimte.errors import RuimteError
from ruimte.jobs.sensorthings import SensorThings
from ruimte.sta.entities import SETS
from ruimte.web import health
from ruimte.web.guard import known_hosts, require_known_host, security_headers
from ruimte.web.pages import Pages
from ruimte.web.problems import WebError, own_mistake
from ruimte.web.settings import WebSettings
from ruimte.web.sta.access import anybody
from ruimte.web.sta.app import Front, StaApp
from ruimte.web.sta.exchange import ROOT
from ruimte.web.sta.service import Service
from ruimte.web.statics import Statics
from ruimte.web.words import marked

MARK = {"ruimte-sandbox": "true"}
"""Every answer says so."""


def create_sandbox(things: SensorThings, settings: WebSettings) -> Starlette:
    """The application over a sandbox's store. Raises ``RuimteError`` where the browser libraries are missing."""
    statics = Statics(Path(__file__).parent / "static")
    service = StaApp(Service(things, settings.mqtt_endpoints), anybody, settings, MARK)
    app = Starlette(
        routes=[
            Route("/", _page),
            Route("/healthz", health.alive),
            Route("/readyz", _ready),
            Route("/metrics", _metrics),
            Route("/static/{version}/{name:path}", statics.serve),
        ],
        middleware=[Middleware(Front, services=[service]), Middleware(_Marked, settings=settings)],
        exception_handlers={RuimteError: _error, HTTPException: _http_error, Exception: _own_error},
    )
    app.router.redirect_slashes = False
    app.state.things = things
    app.state.pages = Pages(ZoneInfo("UTC"), static=statics.url, version=__version__, root=ROOT)
    return app


class _Marked:
    """Middleware of the pages: checks the host; every answer says that this is a sandbox, and what a browser may do with it."""

    def __init__(self, app: ASGIApp, settings: WebSettings) -> None:
        self._app = app
        self._hosts = known_hosts(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                _mark(MutableHeaders(scope=message))
            await send(message)

        request = Request(scope, receive)
        try:
            require_known_host(request.headers.get("host", ""), self._hosts)
        except WebError as error:
            await _told(request, error)(scope, receive, send_marked)
            return
        await self._app(scope, receive, send_marked)


def _mark(headers: MutableHeaders) -> None:
    for name, value in (security_headers(tiles=False) | MARK).items():
        headers.setdefault(name, value)


async def _page(request: Request) -> Response:
    return _shown(request, 200, counts=await asyncio.to_thread(_counts, request.app.state.things))


async def _ready(request: Request) -> Response:
    return PlainTextResponse("sandbox\n")


async def _metrics(request: Request) -> Response:
    counts = await asyncio.to_thread(_counts, request.app.state.things)
    entities = {f'{{set="{name}"}}': float(count) for name, count in counts.items()}
    lines = [*health.uptime(), *health.gauge("entities", "Entities of the sandbox, by set.", entities)]
    return PlainTextResponse("\n".join(lines) + "\n", media_type=health.PROMETHEUS)


def _counts(things: SensorThings) -> Mapping[str, int]:
    """How many entities each set has. Waits for the disk."""
    return {name: things.get(name, "$top=0&$count=true", "").body["@iot.count"] for name in SETS}


async def _error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RuimteError)
    return _told(request, error)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    what = marked("this page does not exist") if error.status_code == 404 else marked("this cannot be done here")
    return _told(request, WebError(error.status_code, what, request.url.path, marked("check the address")))


async def _own_error(request: Request, error: Exception) -> Response:
    response = _told(request, own_mistake(request.url.path))
    _mark(response.headers)  # this answer does not pass the middleware
    return response


def _told(request: Request, error: RuimteError) -> Response:
    """An error as the caller can read it."""
    status = error.status if isinstance(error, WebError) else 503
    if "text/html" in request.headers.get("accept", ""):
        return _shown(request, status, error=error)
    return PlainTextResponse(f"{error}\n", status)


def _shown(request: Request, status: int, counts: Mapping[str, int] | None = None, error: RuimteError | None = None) -> Response:
    pages: Pages = request.app.state.pages
    return pages.render(request, "sandbox.html", status, counts=counts, error=error)

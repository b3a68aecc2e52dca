"""The API for partners as an ASGI application, to stand before the pages: it knows no cookies, no sessions and no forms.

Every answer says which version answers, and forbids browsers to do anything with it. Who asks is proved by a token at each
address but those that tell nothing of anybody: the links, the description, the log, and where tokens are given.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Message, Receive, Scope, Send

from ruimte.clock import SystemClock
from ruimte.errors import RuimteError
from ruimte.jobs.desk import Desk
from ruimte.jobs.webhooks import Webhooks
from ruimte.lab.lab import Lab
from ruimte.share.formats import JSON
from ruimte.share.places import lab_places
from ruimte.web.guard import known_hosts, require_known_host
from ruimte.web.limits import Limit
from ruimte.web.problems import WebError
from ruimte.web.settings import WebSettings
from ruimte.web.share import problem, reads, webhooks
from ruimte.web.share.address import ROOT
from ruimte.web.share.contribute import contribution
from ruimte.web.share.live import live
from ruimte.web.share.resource import Resource, mistake
from ruimte.web.share.root import described, root
from ruimte.web.share.state import LARGEST_BODY, House, Identify
from ruimte.web.share.streams import Streams
from ruimte.web.share.version import VERSION
from ruimte.web.sta.body import Bodies

MOST_READS, MOST_WRITES = 600, 60
"""Requests of one party in a minute."""

_HEADERS = {
    "API-Version": VERSION,
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_OPEN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET",
    "Access-Control-Expose-Headers": "API-Version, ETag",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cache-Control": "no-cache",
}
"""Of the description: any page may read it (NL API Design Rules, /core/publish-openapi)."""

_log = logging.getLogger(__name__)
_now_us = SystemClock().now_us


class ShareApp:
    """Answers everything under ``root``.

    ``identify`` tells who sends a request; ``routes`` are further ones (tokens, the log), with absolute addresses, and ``state``
    what those find in their application's state; ``marks`` gives headers of every answer; ``now_us`` is the wall's clock.
    """

    root = ROOT

    def __init__(
        self,
        lab: Lab,
        desk: Desk,
        hooks: Webhooks,
        settings: WebSettings,
        *,
        identify: Identify,
        routes: Sequence[BaseRoute] = (),
        state: Mapping[str, object] | None = None,
        marks: Callable[[], Mapping[str, str]] = dict,
        now_us: Callable[[], int] = _now_us,
    ) -> None:
        self._hosts, self._marks = known_hosts(settings), marks
        self.streams = Streams()
        self._app = Starlette(
            routes=[*_routes(), *routes],
            exception_handlers={RuimteError: _ruimte_error, HTTPException: _http_error, Exception: _own_mistake},
        )
        self._app.router.redirect_slashes = False
        for name, value in (state or {}).items():
            setattr(self._app.state, name, value)
        self._app.state.house = House(
            lab=lab,
            places=lab_places(lab),
            desk=desk,
            identify=identify,
            webhooks=hooks,
            settings=settings,
            now_us=now_us,
            streams=self.streams,
            bodies=Bodies(LARGEST_BODY),
            reads=Limit("too many requests", MOST_READS),
            writes=Limit("too many changes at once", MOST_WRITES),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in {**_HEADERS, **self._marks()}.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            require_known_host(Request(scope).headers.get("host", ""), self._hosts)
        except WebError as error:
            return await problem.answer(error)(scope, receive, send_marked)
        try:
            await self._app(scope, receive, send_marked)
        except Exception:  # it was answered, and is handed on so that the server notes it
            _log.exception("%s %s", scope["method"], scope["path"])

    def close(self) -> None:
        """End the streams: the node stops."""
        self.streams.close()


def _routes() -> list[Route]:
    read = reads.figures
    resources = {
        "": Resource({"GET": root}),
        "/": Resource({"GET": root}),
        "/openapi.json": Resource({"GET": described}, _OPEN),
        "/state": Resource({"GET": read("read-state", reads.FIGURES)}),
        "/forecast": Resource({"GET": read("read-forecast", reads.FIGURES)}),
        "/history": Resource({"GET": read("read-history", (*reads.PERIOD, *reads.FIGURES))}),
        "/warnings": Resource({"GET": read("read-warnings", reads.PLACES, (JSON,))}),
        "/live": Resource({"GET": live}),
        "/agreements": Resource({"GET": reads.agreements}),
        "/agreements/{hash}": Resource({"GET": reads.agreement}),
        "/places": Resource({"GET": reads.places}),
        "/contributions/zone-status": Resource({"POST": contribution("contribute-zone-status")}),
        "/contributions/closures": Resource({"POST": contribution("contribute-closures")}),
        "/contributions/arrivals": Resource({"POST": contribution("contribute-arrivals")}),
        "/webhooks": Resource({"GET": webhooks.webhooks, "POST": webhooks.create}),
        "/webhooks/{id}": Resource({"GET": webhooks.webhook, "DELETE": webhooks.remove}),
    }
    return [Route(ROOT + path, resource) for path, resource in resources.items()]


async def _ruimte_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RuimteError)
    return problem.answer(error)


async def _http_error(request: Request, error: Exception) -> Response:
    """An address or a method that is not here."""
    assert isinstance(error, HTTPException)
    known = {
        404: WebError(404, "there is no such address", request.url.path, f"see {ROOT}/openapi.json"),
        405: WebError(405, f"{request.method} cannot be done here", request.url.path, "see the header Allow"),
    }
    response = problem.answer(known.get(error.status_code, WebError(error.status_code, error.detail, request.url.path)))
    response.headers.update(error.headers or {})
    return response


async def _own_mistake(request: Request, error: Exception) -> Response:
    return problem.answer(mistake())

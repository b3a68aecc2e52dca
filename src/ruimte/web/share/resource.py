"""One address of the API, and what each method does there."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ruimte.errors import RuimteError
from ruimte.web.problems import WebError
from ruimte.web.share import problem
from ruimte.web.sta.body import Gone

Handler = Callable[[Request], Awaitable[Response]]

_log = logging.getLogger(__name__)


class Resource:
    """Answers at one address, by method: HEAD as GET without the body, OPTIONS with what there is, anything else with a 405.

    ``always`` are headers of every answer here.
    """

    def __init__(self, methods: Mapping[str, Handler], always: Mapping[str, str] | None = None) -> None:
        self._methods = dict(methods)
        self._always = dict(always or {})
        reads = ["HEAD"] if "GET" in methods else []
        self.allowed = ", ".join([*methods, *reads, "OPTIONS"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        try:
            response = await self._answer(request)
        except Gone:
            return
        response.headers.update(self._always)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        method = request.method
        try:
            if method == "OPTIONS":
                return Response(status_code=204, headers={"allow": self.allowed})
            handler = self._methods.get("GET" if method == "HEAD" else method)
            if handler is None:
                raise WebError(405, f"{method} cannot be done here", request.url.path, f"use {self.allowed}")
            response = await handler(request)
        except RuimteError as error:
            response = problem.answer(error)
            if response.status_code == 405:
                response.headers["allow"] = self.allowed
        except Gone:
            raise
        except Exception:
            _log.exception("%s %s", method, request.url.path)
            response = problem.answer(mistake())
        if method == "HEAD":
            response.body = b""  # the length told stays that of what a GET would bring
        return response


def mistake() -> WebError:
    """500: the fault is the node's."""
    return WebError(500, "the node made a mistake", "", "see the node's own messages")

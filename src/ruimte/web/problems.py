"""Errors as answers: a problem document (RFC 9457) for programs, a page for people."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ruimte.errors import RuimteError
from ruimte.web.pages import Pages
from ruimte.web.words import marked

_FROM_PROGRAMS = ("/api/", "/metrics", "/healthz", "/readyz", "/fragments/", "/static/")


class WebError(RuimteError):
    """An error with its HTTP status. ``said``: what is wrong is in the reader's language already."""

    def __init__(self, status: int, what: str, where: str = "", mend: str = "", *, said: bool = False) -> None:
        super().__init__(what, where, mend)
        self.status = status
        self.said = said


def not_found(what: str, where: str, mend: str) -> WebError:
    """404: the thing is not here."""
    return WebError(404, what, where, mend)


def bad_field(field: str, what: str, mend: str) -> WebError:
    """400: a field of the request is wrong; names it."""
    return WebError(400, what, field, mend)


def own_mistake(path: str) -> WebError:
    """500: the fault is ours."""
    return WebError(500, marked("the node made a mistake"), path, marked("see the node's own messages"))


def answer(request: Request, error: RuimteError) -> Response:
    """The error as the caller can read it. A ``RuimteError`` without a status is a 400."""
    status = error.status if isinstance(error, WebError) else 400
    pages: Pages = request.app.state.pages
    if _wants_page(request):
        return pages.render(request, "error.html", status, error=error)
    words = pages.speaks(request) if "hx-request" in request.headers else str  # what our own scripts asked is shown to a person
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": words(error.what),
        "where": error.where,
        "mend": words(error.mend) if error.mend else "",
    }
    return Response(msgspec.json.encode(body), status, media_type="application/problem+json")


def _wants_page(request: Request) -> bool:
    if request.url.path.startswith(_FROM_PROGRAMS) or "hx-request" in request.headers:
        return False
    return "text/html" in request.headers.get("accept", "")

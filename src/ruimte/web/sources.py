"""What sends to this node: a page and JSON, so that a source that is wrong, or sends what it must not, is seen."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ruimte.jobs.inbox import Inbox
from ruimte.jobs.sources import SourceView
from ruimte.jobs.words import identifier
from ruimte.web.pages import Pages


async def sources_page(request: Request) -> Response:
    """``/sources``: every device of the register, and what it did since the node started."""
    pages: Pages = request.app.state.pages
    language = pages.language(request)
    return pages.render(request, "sources.html", sources=_sources(request), identifier=lambda kind: identifier(kind, language))


async def sources(request: Request) -> Response:
    """The same as JSON."""
    return Response(msgspec.json.encode({"sources": _sources(request)}), media_type="application/json")


def _sources(request: Request) -> list[SourceView]:
    inbox: Inbox | None = request.app.state.inbox
    return [] if inbox is None else inbox.views()

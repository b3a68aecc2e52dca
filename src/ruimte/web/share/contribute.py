"""What a partner tells: how a zone is, what is closed, who is expected."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ruimte.share.asking import Action
from ruimte.share.formats import JSON
from ruimte.web.problems import WebError, bad_field
from ruimte.web.share import query
from ruimte.web.share.accept import choose
from ruimte.web.share.released import answer
from ruimte.web.share.resource import Handler
from ruimte.web.share.state import caller, house


def contribution(action: Action) -> Handler:
    """A handler that takes one contribution. The answer is a receipt, committed to in the log as all that goes out is."""

    async def take(request: Request) -> Response:
        here, who = house(request), await caller(request)
        given = query.parameters(request, ("agreement",))
        choose(request.headers.get("accept", ""), (JSON,))
        body = await read_object(request)
        asked = query.asked(request, who, action, given)
        asked = msgspec.structs.replace(asked, places=_places(body))
        return answer(await here.desk.contribute(asked, body), 201)

    return take


async def read_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object. Raises ``WebError``: 400 where it is none, 408, 413 or 415."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise WebError(415, "the body is no JSON by its Content-Type", "Content-Type", f"send {JSON}")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise WebError(415, "the body is encoded", "Content-Encoding", "send it as it is")
    bodies = house(request).bodies
    octets = await bodies.read(request.receive, dict(request.scope["headers"]))
    try:
        body = msgspec.json.decode(octets)
    except (msgspec.DecodeError, RecursionError) as error:
        raise bad_field("body", f"is no JSON ({str(error) or 'too deep'})", "send one JSON object") from None
    finally:
        bodies.release(len(octets))
    if not isinstance(body, dict):
        raise bad_field("body", "is no JSON object", 'send one, as {"zone": "square", …}')
    return body


def _places(body: dict[str, Any]) -> tuple[str, ...]:
    """The places that a contribution is about, for the decision on it."""
    return tuple(key for key in (body.get("zone"), body.get("place")) if isinstance(key, str))

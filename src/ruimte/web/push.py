"""``/push``: a browser asks to be warned, or not to be any more. Only somebody who is signed in can ask."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ruimte.jobs.push_desk import PushDesk
from ruimte.store.subscriptions import Subscription
from ruimte.web.pages import Pages
from ruimte.web.problems import WebError, bad_field, not_found
from ruimte.web.words import marked

_MAX_BODY = 4096
_WORKER = Path(__file__).parent / "push_worker.js"


class _Keys(msgspec.Struct, frozen=True):
    p256dh: str
    auth: str


class _Browser(msgspec.Struct, frozen=True):
    """A PushSubscription as browsers write it (W3C Push API); ``keys`` is not needed to leave."""

    endpoint: str
    keys: _Keys | None = None


async def worker(request: Request) -> Response:
    """``/push-worker.js``: the part of the page that shows a message; at the root, for it may only look after what lies below."""
    return Response(_WORKER.read_bytes(), media_type="text/javascript", headers={"cache-control": "no-cache"})


async def subscribe(request: Request) -> Response:
    """``POST /push/subscribe`` with the browser's subscription as JSON."""
    desk, browser = _desk(request), await _browser(request)
    if browser.keys is None:
        raise bad_field("keys", "the keys are missing", "send the whole subscription")
    pages: Pages = request.app.state.pages
    kept = Subscription(browser.endpoint, browser.keys.p256dh, browser.keys.auth, pages.language(request))
    await asyncio.to_thread(desk.subscribe, kept)
    return Response(status_code=204)


async def unsubscribe(request: Request) -> Response:
    """``POST /push/unsubscribe`` with the ``endpoint`` of the subscription as JSON."""
    desk, browser = _desk(request), await _browser(request)
    await asyncio.to_thread(desk.unsubscribe, browser.endpoint)
    return Response(status_code=204)


def key_for(request: Request) -> str | None:
    """The key with which this visitor's browser may ask; None for who is not signed in, or where the node has no such channel."""
    desk: PushDesk | None = request.app.state.push
    return None if desk is None or request.state.user is None else desk.key


def _desk(request: Request) -> PushDesk:
    desk: PushDesk | None = request.app.state.push
    if desk is None:
        raise not_found(marked("this node warns no browsers"), request.url.path, marked("add a push channel to node.toml"))
    return desk


async def _browser(request: Request) -> _Browser:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BODY:
            raise WebError(413, f"larger than {_MAX_BODY} bytes", "body", "send a subscription only")
    try:
        return msgspec.json.decode(bytes(body), type=_Browser)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise bad_field("body", "is no subscription", "send what the browser's PushManager gives") from None

"""A partner's webhooks: where the node sends what is new under an agreement."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ruimte.clock import iso
from ruimte.share.formats import JSON
from ruimte.store.webhooks import Webhook
from ruimte.web.problems import WebError, bad_field
from ruimte.web.share import query
from ruimte.web.share.accept import choose
from ruimte.web.share.address import ROOT, own_base
from ruimte.web.share.contribute import read_object
from ruimte.web.share.live import action_of
from ruimte.web.share.released import document
from ruimte.web.share.state import Who, caller, house


class Wish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a partner asks for: where to, and what, as the parameters of ``/live`` have it."""

    address: str
    kind: Literal["state", "forecast", "warnings"] = "state"
    zones: list[str] = []
    quantities: list[str] = []
    step: str = ""
    agreement: str = ""


async def webhooks(request: Request) -> Response:
    """GET: the caller's webhooks."""
    who = await _reader(request)
    return document(request, {"webhooks": [_view(each) for each in house(request).webhooks.of(who.party)]})


async def webhook(request: Request) -> Response:
    """GET: one of them."""
    who = await _reader(request)
    for each in house(request).webhooks.of(who.party):
        if each.id == request.path_params["id"]:
            return document(request, _view(each))
    raise _none()


async def create(request: Request) -> Response:
    """POST: a new webhook. What it asks for is decided on now, and again for every event."""
    here, who = house(request), await caller(request)
    query.parameters(request, ())
    choose(request.headers.get("accept", ""), (JSON,))
    try:
        wish = msgspec.convert(await read_object(request), Wish)
    except msgspec.ValidationError as error:
        raise bad_field("body", str(error), 'send {"address": "https://…", "kind": "state"}') from None
    given = {name: text for name, text in (("step", wish.step), ("agreement", wish.agreement)) if text}
    given |= {name: ",".join(keys) for name, keys in (("zones", wish.zones), ("quantities", wish.quantities)) if keys}
    asked = query.asked(request, who, action_of(wish.kind), given)
    origin = urlsplit(own_base(request, here.settings)).hostname or ""
    made = await here.webhooks.add(asked, wish.kind, wish.address, origin)
    location = {"location": f"{ROOT}/webhooks/{made.id}"}
    return Response(msgspec.json.encode(_view(made)), 201, location, JSON)


async def remove(request: Request) -> Response:
    """DELETE: no more of it."""
    who = await caller(request)
    query.parameters(request, ())
    if not await house(request).webhooks.remove(who.party, request.path_params["id"]):
        raise _none()
    return Response(status_code=204)


async def _reader(request: Request) -> Who:
    who = await caller(request)
    query.parameters(request, ())
    choose(request.headers.get("accept", ""), (JSON,))
    return who


def _none() -> WebError:
    return query.not_here("no webhook of yours has this id", "id", "see /share/v1/webhooks for yours")


def _view(webhook: Webhook) -> dict[str, Any]:
    state = "ended" if webhook.ended_us is not None else "failing" if webhook.failing_since_us is not None else "active"
    return {
        "id": webhook.id,
        "address": webhook.address,
        "kind": webhook.kind,
        "zones": webhook.places,
        "quantities": webhook.quantities,
        "step": webhook.step,
        "agreement": webhook.agreement,
        "purpose": webhook.purpose,
        "state": state,
        "made": iso(webhook.made_us),
        "last_event": webhook.last_id,
        "last_taken": _time(webhook.last_us),
        "failing_since": _time(webhook.failing_since_us),
        "trouble": webhook.trouble,
        "ended": _time(webhook.ended_us),
        "reason": webhook.reason,
    }


def _time(us: int | None) -> str | None:
    return None if us is None else iso(us)

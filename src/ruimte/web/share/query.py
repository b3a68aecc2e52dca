"""What a request's address asks for, read and checked: nothing that is not known is passed over."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from datetime import datetime
from typing import get_args

from starlette.requests import Request

from ruimte.clock import to_us
from ruimte.share.agreement import Quantity
from ruimte.share.asking import Action, Asked
from ruimte.text import duration_us
from ruimte.web.problems import WebError, bad_field
from ruimte.web.share.state import Who, house

QUANTITIES: tuple[str, ...] = get_args(Quantity)
HASH = re.compile(r"[A-Za-z0-9_-]{86}")
"""A content hash: SHA3-512 in base64url."""
MOST_PLACES = 1000
LONGEST_PLACE = 100

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SHOWN = 40


def parameters(request: Request, known: Collection[str]) -> dict[str, str]:
    """The parameters of the address. Raises ``WebError`` (400) for one that is not ``known``, comes twice, or is empty."""
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in known:
            mend = f"use {', '.join(known)}" if known else "leave it out"
            raise bad_field(_short(name), "is no parameter here", mend)
        if name in found:
            raise bad_field(name, "comes twice", "send it once; several keys stand in one, with commas between them")
        if not value or _CONTROL.search(value):
            raise bad_field(name, "is empty, or holds a control character", "fill it in or leave it out")
        found[name] = value
    return found


def asked(request: Request, who: Who, action: Action, given: dict[str, str], came_s: float = math.inf) -> Asked:
    """The request in the words of the desk. ``given``: its parameters; ``came_s``: when it came. Raises ``WebError`` (400)."""
    here = house(request)
    return Asked(
        party=who.party,
        purpose=who.purpose,
        action=action,
        lab=here.lab.key,
        at_us=here.now_us(),
        places=places(given.get("zones")),
        quantities=quantities(given.get("quantities")),
        step=step(given.get("step")),
        agreement=agreement(given.get("agreement")),
        traceparent=request.headers.get("traceparent", "")[:200],
        key=who.key_id,
        came_s=came_s,
    )


def places(text: str | None) -> tuple[str, ...]:
    """Keys of zones, count points or gates, or names of areas, with commas between them; none is all that the grant gives."""
    if text is None:
        return ()
    keys = tuple(dict.fromkeys(text.split(",")))
    if len(keys) > MOST_PLACES or not all(key.strip() and len(key) <= LONGEST_PLACE for key in keys):
        raise bad_field("zones", "is no list of keys", f"write them as square,street: {MOST_PLACES} at most")
    return keys


def quantities(text: str | None) -> tuple[Quantity, ...]:
    """Quantities, with commas between them; none is all that the grant gives."""
    if text is None:
        return ()
    names = tuple(dict.fromkeys(text.split(",")))
    if wrong := [name for name in names if name not in QUANTITIES]:
        raise bad_field("quantities", f"{_short(wrong[0])!r} is no quantity", f"use {', '.join(QUANTITIES)}")
    return names  # type: ignore[return-value]  # each is one


def step(text: str | None) -> str:
    """A length of time such as 15m; "" is that of the grant."""
    if text is None:
        return ""
    try:
        fine = len(text) <= 8 and text.isascii() and duration_us(text) > 0
    except ValueError:
        fine = False
    if not fine:
        raise bad_field("step", "is no length of time", "write a whole number and s, m, h, d or w, such as 15m")
    return text


def agreement(text: str | None) -> str:
    """The hash of an agreement's content; "" is whichever allows it."""
    if text is not None and not HASH.fullmatch(text):
        raise bad_field("agreement", "is no hash of an agreement", "give the 86 letters that /agreements tells")
    return text or ""


def moment(given: dict[str, str], name: str) -> int:
    """A time in ISO 8601 with its zone, µs. Raises ``WebError`` (400) where it is missing or none."""
    mend = "write it like 2026-04-27T14:00:00Z"
    if name not in given:
        raise bad_field(name, "is missing", mend)
    try:
        return to_us(datetime.fromisoformat(given[name]))
    except (ValueError, OverflowError):
        raise bad_field(name, f"{_short(given[name])!r} is no time with a zone", mend) from None


def not_here(what: str, where: str, mend: str) -> WebError:
    """404."""
    return WebError(404, what, where, mend)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"

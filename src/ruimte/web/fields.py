"""Fields of a request's address: read, checked, and named where they are wrong."""

from __future__ import annotations

from datetime import datetime

from starlette.requests import Request

from ruimte.clock import iso, to_us
from ruimte.jobs.room import Room
from ruimte.web.problems import bad_field, not_found


def moment(request: Request, room: Room) -> int | None:
    """``at``: the moment to look back to, µs; None for now."""
    text = request.query_params.get("at")
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
        at_us = to_us(time)
    except (ValueError, OverflowError):
        raise bad_field("at", f"{text!r} is no time with a zone", "write it like 2019-12-31T22:00:00Z") from None
    first, last = room.span()
    if not first <= at_us <= last:
        raise bad_field("at", f"{text} is outside what is kept", f"ask between {iso(first)} and {iso(last)}")
    return at_us


def whole(request: Request, name: str, default: int | None, low: int, high: int) -> int | None:
    """A whole number from ``low`` to ``high``."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and low <= int(text) <= high):
        raise bad_field(name, f"{text!r} is no whole number from {low} to {high}", "leave it out or mend it")
    return int(text)


def place(key: str, room: Room) -> str:
    """A place's key that is in the lab."""
    if key not in room.lab.zones and key not in room.lab.count_points:
        raise not_found("no such zone", key, "see /api/v1/zones for the keys")
    return key

"""What a partner may tell about a lab: how a zone is, what is closed, who is expected. Types and what must hold of them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from ruimte.clock import DAY_US, MINUTE_US, to_us
from ruimte.errors import RuimteError
from ruimte.share.agreement import Contribution

LONGEST_US = 14 * DAY_US
"""Nothing is told for longer at once: what nobody looks at any more should go by itself."""
SKEW_US = MINUTE_US
LONGEST_NOTE = 200
MOST_PEOPLE = 1_000_000

Condition = Literal["open", "busy", "full", "closed"]
_Text = Annotated[str, msgspec.Meta(max_length=LONGEST_NOTE)]
_Key = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class _Told(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class ZoneStatus(_Told, frozen=True):
    """How a zone is, in the eyes of who tells it: ``until`` when that holds (ISO 8601 with its offset)."""

    zone: _Key
    status: Condition
    until: datetime
    note: _Text = ""


class Closure(_Told, frozen=True):
    """A zone or gate that is closed, ``[from, until)``. A later one for the same place takes the place of the earlier."""

    place: _Key
    from_: datetime = msgspec.field(name="from")
    until: datetime
    reason: _Text = ""


class Arrivals(_Told, frozen=True):
    """How many people are expected to come to a zone, or through a gate, in ``[from, until)``."""

    place: _Key
    expected: Annotated[int, msgspec.Meta(ge=0, le=MOST_PEOPLE)]
    from_: datetime = msgspec.field(name="from")
    until: datetime
    note: _Text = ""


Told = ZoneStatus | Closure | Arrivals
TYPES: dict[Contribution, type[Told]] = {"zone-status": ZoneStatus, "closures": Closure, "arrivals": Arrivals}


def read(kind: Contribution, body: dict[str, Any], zones: Collection[str], gates: Collection[str], now_us: int) -> Told:
    """What a body of JSON tells. Raises ``RuimteError`` at the first thing that is wrong with it.

    >>> until = "2026-07-04T23:00:00+02:00"
    >>> read("zone-status", {"zone": "stage", "status": "full", "until": until}, ["stage"], [], 1_783_170_000_000_000).status
    'full'
    """
    try:
        told = msgspec.convert(body, TYPES[kind], strict=True)
    except msgspec.ValidationError as error:
        what, _, where = str(error).replace("`", "").partition(" - at $.")
        raise RuimteError(what[0].lower() + what[1:], where or kind, "see the documentation of contributions") from None
    if not text_of(told).isprintable():
        raise RuimteError("holds a letter that cannot be seen", "note", "write plain text in one line")
    place = place_of(told)
    known = [*zones] if isinstance(told, ZoneStatus) else [*zones, *gates]
    if place not in known:
        raise RuimteError("is no place of this lab that can be told of", repr(place), "name one that /share/v1/places gives")
    for name, moment in (("from", getattr(told, "from_", None)), ("until", told.until)):
        if moment is not None and moment.tzinfo is None:
            raise RuimteError("has no offset", name, "write it like 2026-07-04T23:00:00+02:00")
    from_us, until_us = span_us(told, now_us)
    if until_us <= from_us:
        raise RuimteError("ends before it begins", "until", "set a later until")
    if until_us <= now_us - SKEW_US:
        raise RuimteError("is over already", "until", "set a later until")
    if until_us - now_us > LONGEST_US:
        raise RuimteError("is more than 14 days ahead", "until", "tell it nearer to the time")
    return told


def place_of(told: Told) -> str:
    """The zone or gate that it is about."""
    return told.zone if isinstance(told, ZoneStatus) else told.place


def text_of(told: Told) -> str:
    """Its free text; empty where there is none."""
    return told.reason if isinstance(told, Closure) else told.note


def span_us(told: Told, now_us: int) -> tuple[int, int]:
    """From when until when it holds, µs; how a zone is holds from now on."""
    return now_us if isinstance(told, ZoneStatus) else to_us(told.from_), to_us(told.until)

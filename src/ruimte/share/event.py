"""An event of a live share as a CloudEvent (CNCF CloudEvents 1.0.2, JSON event format), by the NL GOV profile 1.1.

What the profile asks beyond the standard: ``source`` is a URN of the organisation, ``type`` is in reverse domain notation,
``time`` is when the event was logged (not when it happened: that is in the data), ``subject`` never tells of a person.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from ruimte.clock import iso
from ruimte.errors import RuimteError
from ruimte.intake.identifiers import Key, read_text

MEDIA_TYPE = "application/cloudevents+json"
PREFIX = "org.ruimte.share."
Kind = Literal["state", "forecast", "warning"]

_SOURCE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")
_ONE_LINE = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,200}")


class ShareEvent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The event as it is on the wire, in this order.

    ``agreement``, ``logindex`` and ``logsalt`` are extension attributes: under which agreement it was sent, and which entry of
    the log commits to ``data``, with which salt. ``logindex`` is a text, for an Integer of CloudEvents ends at 2³¹ - 1. ``data``
    keeps its bytes, for the log commits to those.
    """

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: str
    subject: str
    time: str
    datacontenttype: Literal["application/json"] = "application/json"
    agreement: str
    logindex: str
    logsalt: str
    data: msgspec.Raw


def cloud_event(
    *,
    id: str,  # noqa: A002 - the attribute's own name
    source: str,
    kind: Kind,
    subject: str,
    at_us: int,
    agreement: str,
    index: int,
    salt: str,
    data: bytes,
) -> bytes:
    """The event as one line of JSON; ``data`` is JSON too, and stays as it is to the byte.

    ``id`` is unique within ``source``, the provider's id; ``subject`` is the lab's key, or a place's; ``at_us`` is the wall's
    time at which it was logged. Raises ``RuimteError`` for what the profile does not allow.
    """
    for name, text in (("id", id), ("subject", subject)):
        if not _ONE_LINE.fullmatch(text):
            raise RuimteError("has to be one line of 1 to 200 letters", name, "leave control characters out")
    if not _SOURCE.fullmatch(source):
        raise RuimteError("is no URI", "source", "use the party's id, such as urn:nld:oin:00000099000000001000")
    if (kind_of := read_text(subject, Key())) is not None:
        raise RuimteError(f"holds what looks like {kind_of}", "subject", "name the lab or a place: never a person")
    if b"\n" in data or b"\r" in data:
        raise RuimteError("has to be one line", "data", "write JSON without line breaks")
    event = ShareEvent(
        id=id,
        source=source,
        type=f"{PREFIX}{kind}",
        subject=subject,
        time=iso(at_us),
        agreement=agreement,
        logindex=str(index),
        logsalt=salt,
        data=msgspec.Raw(data),
    )
    return msgspec.json.encode(event)


def read_event(body: bytes) -> ShareEvent:
    """The event in a message. Raises ``RuimteError`` where it is none of a live share."""
    try:
        event = msgspec.json.decode(body, type=ShareEvent)
    except (msgspec.DecodeError, RecursionError) as error:
        raise RuimteError(f"is no event of a live share ({error})", "event", "send it as it came") from None
    if not event.type.startswith(PREFIX) or not event.logindex.isdecimal():
        raise RuimteError("is no event of a live share", "event", "send it as it came")
    return event

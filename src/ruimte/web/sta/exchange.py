"""A request to the service and its answer, whether they came by themselves or as a part of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import msgspec

from ruimte.errors import RuimteError
from ruimte.intake.identifiers import Key, read_text
from ruimte.sta.errors import StaError
from ruimte.web.problems import WebError

ROOT = "/sta/v1.1"
"""Where the service lives."""
READS = ("GET", "HEAD")
JSON = "application/json"

_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the device that proved to be one, and whether what is kept may be shown to them."""

    device: str | None = None
    may_read: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. ``path``: what comes after the root, percent-encoded, without slashes around it; ``base``: what links begin
    with; ``kind``: its body's content type; ``gzip``: whether the answer may be compressed."""

    method: str
    path: str
    query: str
    base: str
    caller: Caller
    body: bytes = b""
    kind: str = JSON
    prefer: str = ""
    gzip: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request; an empty body is of no kind, but for a text."""

    status: int
    body: bytes = b""
    kind: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """A request in a batch: its name, the group with which it is done or undone, and the names of those that must have been done
    before. ``named``: whether the name was given by the client."""

    id: str
    method: str
    url: str
    body: bytes = b""
    kind: str = JSON
    group: str | None = None
    after: tuple[str, ...] = ()
    named: bool = True


def encode(value: Any) -> bytes:
    """A value as JSON."""
    return _encoder.encode(value)


def refusal(error: RuimteError) -> Reply:
    """An error as SensorThings clients read it: ``code``, ``type`` and ``message``, with where it is and how to mend it.

    A ``RuimteError`` without a status is no fault of the caller: the node cannot do it now (503).
    """
    status = error.status if isinstance(error, StaError | WebError) else 503
    message = f"{error.where}: {error.what}" if error.where else error.what
    if (
        kind := read_text(message.replace("@iot.", ""), Key())
    ) is not None:  # as in an address or the name of a field: it is not told again
        message = f"holds what looks like {kind}"
    body = {"code": status, "type": "error", "message": message, "mend": error.mend}
    headers = {}
    if status == 401:
        headers["www-authenticate"] = 'Bearer realm="sensorthings"'
    elif status in (429, 503):
        headers["retry-after"] = "30"
    return Reply(status, encode(body), JSON, headers)


def not_allowed(allowed: tuple[str, ...], mend: str = "") -> Reply:
    """405: the address is right, the method is not."""
    body = {"code": 405, "type": "error", "message": "this cannot be done here", "mend": mend or f"use {' or '.join(allowed)}"}
    return Reply(405, encode(body), JSON, {"allow": ", ".join(allowed)})


def phrase(status: int) -> str:
    """The words of a status, such as ``Created``."""
    return HTTPStatus(status).phrase

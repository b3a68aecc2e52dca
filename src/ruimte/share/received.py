"""What a partner sends, on its way in: is it the partner's, under this agreement, of now, and new? Nothing else is a fact."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from ruimte.clock import MINUTE_US, to_us
from ruimte.errors import RuimteError
from ruimte.keys.signature import verify
from ruimte.ledger.entry import body_hash
from ruimte.share.event import PREFIX, ShareEvent, read_event
from ruimte.share.formats import JSON
from ruimte.share.releases import release_payload

SKEW_US = MINUTE_US
"""A partner's clock may be so far from ours."""
OLDEST_US = 10 * MINUTE_US
"""A message that was made longer ago is not news, unless it was asked for after a break."""

Why = Literal["signature", "source", "agreement", "future", "stale", "order", "form", "kind", "log"]


class UnverifiableError(RuimteError):
    """A message that is not taken as fact; ``why`` is the kind of reason."""

    def __init__(self, why: Why, what: str) -> None:
        super().__init__(what, "message", "look at the provider's node; nothing of it was kept")
        self.why = why


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """A message that is what it says: ``kind`` is "state", "forecast" or "warning"; ``made_us`` the provider's time."""

    event: ShareEvent
    kind: str
    made_us: int


def check(
    body: bytes,
    signature: str,
    *,
    keys: Sequence[str],
    source: str,
    agreement: str,
    now_us: int,
    last_us: int | None,
    resumed: bool,
) -> Received:
    """The event in ``body``, once it is sure that ``source`` signed it with one of ``keys``, under this ``agreement``.

    ``last_us``: when the newest message of the link was made; an older one is none of this stream. ``resumed``: what was made
    while nobody listened still comes. Raises ``UnverifiableError``.
    """
    if not _is_signed(body, signature, keys):
        raise UnverifiableError("signature", "is not signed with the key that the agreement names")
    try:
        event = read_event(body)
        made_us = _moment_us(event.time)
    except RuimteError as error:
        raise UnverifiableError("form", error.what) from None
    if event.source != source:
        raise UnverifiableError("source", f"is of {event.source}, not of the partner that is followed")
    if event.agreement != agreement:
        raise UnverifiableError("agreement", "is sent under another agreement")
    if made_us > now_us + SKEW_US:
        raise UnverifiableError("future", f"is dated {event.time}, which is still to come")
    if not resumed and made_us < now_us - OLDEST_US:
        raise UnverifiableError("stale", f"is dated {event.time}, which is long ago")
    if last_us is not None and made_us < last_us - SKEW_US:
        raise UnverifiableError("order", f"is dated {event.time}, before what came before it")
    return Received(event=event, kind=event.type.removeprefix(PREFIX), made_us=made_us)


def committed(told: bytes, *, agreement: str, party: str, purpose: str, action: str) -> dict[str, Any]:
    """What the provider's log has to commit to where it released ``told`` (JSON) to ``party``: with the salt it can be proved.

    Raises ``UnverifiableError`` where it does not say under which grant it was.
    """
    try:
        grant = msgspec.json.decode(told, type=_Told).meta.grant
    except (msgspec.DecodeError, RecursionError):
        raise UnverifiableError("form", "does not say under which grant it is given") from None
    return release_payload(body_hash(told), JSON, agreement=agreement, grant=grant, party=party, purpose=purpose, action=action)


class _Meta(msgspec.Struct):
    grant: int


class _Told(msgspec.Struct):
    meta: _Meta


def _is_signed(body: bytes, signature: str, keys: Sequence[str]) -> bool:
    for key in keys:
        try:
            verify(signature, key, body)
        except RuimteError:
            continue
        return True
    return False


def _moment_us(text: str) -> int:
    try:
        return to_us(datetime.fromisoformat(text))
    except ValueError:
        raise RuimteError("holds a time that is none", "message", "write ISO 8601 in UTC") from None

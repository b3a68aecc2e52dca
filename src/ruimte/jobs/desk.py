"""The desk where partners ask: the contract between what shares figures and the web that speaks to partners."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

import msgspec

from ruimte.errors import RuimteError
from ruimte.share.asking import Asked, Decision, Granted, Reason
from ruimte.share.event import Kind

_MENDS: dict[Reason, str] = {
    "no-agreement": "sign an agreement first",
    "revoked": "sign a new agreement",
    "expired": "sign a new agreement",
    "not-yet-valid": "ask again when it has begun",
    "purpose": "ask for a token for the purpose that was agreed on",
    "budget": "ask when it renews, or agree on a larger part",
    "engine-failed": "ask again later, or tell the node's operator",
    "log-failed": "ask again later, or tell the node's operator",
}


class RefusedError(RuimteError):
    """A request that was decided against; ``decision`` says why, ``index`` is its entry in the log, where it was logged."""

    def __init__(self, decision: Decision, index: int | None = None) -> None:
        super().__init__(decision.told, decision.asked.action, _MENDS.get(decision.reason, "ask what the agreement gives"))
        self.decision = decision
        self.index = index


class NotYetError(RuimteError):
    """What is asked will be there in a while."""


class Released(msgspec.Struct, frozen=True, kw_only=True):
    """One answer, as it goes out. Entry ``index`` of the log commits to its SHA-256, with ``salt`` (base64url).

    ``payload`` is what was committed to: whoever has it, the salt and the body can prove later that this was sent.
    """

    body: bytes
    media_type: str
    agreement: str
    index: int
    salt: str
    payload: dict[str, Any]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A message of a live share: ``body`` is a CloudEvent in JSON, ``signature`` a detached JWS of the node over it.

    ``id``: where in the stream; who comes back with it goes on after it. ``kind``: of what it tells.
    """

    id: str
    kind: Kind
    body: bytes
    signature: str


class Desk(Protocol):
    """Answers partners. Whatever cannot be decided or logged is refused with ``RefusedError``: no log, no data."""

    def granted(self, party: str) -> list[Granted]:
        """What stands between a party and this lab, whether or not it holds now."""
        ...

    def file(self, party: str, hashed: str) -> bytes | None:
        """An agreement's file with all signatures so far, for one of its parties; None where it has no such agreement."""
        ...

    def public_keys(self, party: str) -> list[str]:
        """The keys that a party may sign with now (base64url of Ed25519): of the agreements that are in force."""
        ...

    async def release(self, asked: Asked, media_type: str, from_us: int | None = None, until_us: int | None = None) -> Released:
        """Decide, log and answer. ``from_us`` and ``until_us`` bound a history.

        Raises ``RefusedError``, and ``RuimteError`` for a request that makes no sense.
        """
        ...

    async def contribute(self, asked: Asked, body: dict[str, Any]) -> Released:
        """Take what a partner tells: ``zone-status``, ``closures`` or ``arrivals``, by the action. The answer is a receipt."""
        ...

    async def live(self, asked: Asked, after: str | None) -> asyncio.Queue[Event | RefusedError]:
        """A queue of what is new under a grant, from just after an event's id on. Give it back with ``leave``.

        Each event is decided and logged anew; the first that is refused is the last. The queue holds a few: the desk waits for
        who does not take them.
        """
        ...

    def leave(self, queue: asyncio.Queue[Event | RefusedError]) -> None: ...

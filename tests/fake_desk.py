"""A desk with invented figures, for the tests of the API for partners: two parties, one grant, and knobs for what goes wrong."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.requests import Request

from ruimte.jobs.desk import Event, RefusedError, Released
from ruimte.jobs.log import Log
from ruimte.keys.signature import generate, sign
from ruimte.share.agreement import Duties, Form, Grant, Terms, What
from ruimte.share.asking import Asked, Decision, Granted, Reason
from ruimte.share.event import Kind, cloud_event
from ruimte.web.problems import WebError

CITY, POLICE = "urn:nld:oin:00000099000000001000", "urn:nld:oin:00000099000000002000"
HASH = "h" * 86
NOW_US = 1_777_298_400_000_000
"""27 April 2026, 14:00 UTC."""
DAY_US = 86_400_000_000
KEYS = generate()
RECEIPT = b'{"taken":{"kind":"closures"},"at":"2026-04-27T14:00:00Z"}'


def granted(**changes: Any) -> Granted:
    """What the police get of the city, but for ``changes``."""
    terms = Terms(
        purpose="event-safety",
        legal_regime="none",
        legal_ground="public task",
        what=What(kinds=("state", "warnings"), zones=("square",), quantities=("people",)),
        form=Form(exactness="exact"),
        duties=Duties(delete_after="30d", name_source="City of Example"),
    )
    grant = Grant(provider=CITY, consumer=POLICE, lab="town", properties=terms)
    plain = Granted(
        agreement=HASH, index=0, grant=grant, status="valid", not_before_us=NOW_US - DAY_US, not_after_us=NOW_US + DAY_US
    )
    return msgspec.structs.replace(plain, **changes)


def refused(asked: Asked, reason: Reason, index: int | None = 7) -> RefusedError:
    return RefusedError(Decision(allowed=False, reason=reason, told=f"no: {reason}", asked=asked), index)


@dataclass
class FakeDesk:
    """Answers what it was told to. ``refuse``: the reason of every refusal from now on; ``raises``: any other error."""

    grants: list[Granted] = field(default_factory=lambda: [granted()])
    refuse: Reason | None = None
    raises: Exception | None = None
    body: bytes = b'{"figures":[]}'
    asked: list[tuple[Asked, str, int | None, int | None]] = field(default_factory=list)
    told: list[tuple[Asked, dict[str, Any]]] = field(default_factory=list)
    sent: list[Event] = field(default_factory=list)
    queues: list[asyncio.Queue[Event | RefusedError]] = field(default_factory=list)
    lives: list[tuple[Asked, str | None]] = field(default_factory=list)

    def granted(self, party: str) -> list[Granted]:
        return [each for each in self.grants if party in (each.grant.consumer, each.grant.provider)]

    def file(self, party: str, hashed: str) -> bytes | None:
        return b'{"version": 1}' if hashed in [each.agreement for each in self.granted(party)] else None

    def public_keys(self, party: str) -> list[str]:
        return []

    async def release(self, asked: Asked, media_type: str, from_us: int | None = None, until_us: int | None = None) -> Released:
        self.asked.append((asked, media_type, from_us, until_us))
        self._check(asked)
        return self._released(self.body, media_type)

    async def contribute(self, asked: Asked, body: dict[str, Any]) -> Released:
        self.told.append((asked, body))
        self._check(asked)
        return self._released(RECEIPT, "application/json")

    async def live(self, asked: Asked, after: str | None) -> asyncio.Queue[Event | RefusedError]:
        self.lives.append((asked, after))
        self._check(asked)
        queue: asyncio.Queue[Event | RefusedError] = asyncio.Queue()
        if after is not None:
            for event in self.sent:
                if int(event.id) > int(after):
                    queue.put_nowait(event)
        self.queues.append(queue)
        return queue

    def leave(self, queue: asyncio.Queue[Event | RefusedError]) -> None:
        self.queues.remove(queue)

    def publish(self, kind: Kind = "state", padding: int = 0) -> Event:
        """Something new, to all who follow; so many bytes larger than it has to be."""
        number = len(self.sent) + 1
        body = cloud_event(
            id=str(number),
            source=CITY,
            kind=kind,
            subject="town",
            at_us=NOW_US + number,
            agreement=HASH,
            index=number,
            salt="c2FsdA",
            data=b'{"people": %d%s}' % (number, b" " * padding),
        )
        event = Event(id=str(number), kind=kind, body=body, signature=sign(body, KEYS.private, number, detached=True))
        self.sent.append(event)
        for queue in self.queues:
            queue.put_nowait(event)
        return event

    def end(self, reason: Reason = "revoked") -> None:
        """The grant ends: those who follow hear it, and nobody gets anything any more."""
        self.refuse = reason
        for queue in self.queues:
            queue.put_nowait(refused(self.lives[-1][0], reason))

    def _check(self, asked: Asked) -> None:
        if self.raises is not None:
            raise self.raises
        if self.refuse is not None:
            raise refused(asked, self.refuse)

    def _released(self, body: bytes, media_type: str) -> Released:
        return Released(body=body, media_type=media_type, agreement=HASH, index=41, salt="c2FsdA", payload={})


class LoggingDesk(FakeDesk):
    """Logs what it gives, as the real one does."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self.log = log

    async def release(self, asked: Asked, media_type: str, from_us: int | None = None, until_us: int | None = None) -> Released:
        self._check(asked)
        payload = {"sha256": hashlib.sha256(self.body).hexdigest(), "party": asked.party}
        receipt = await asyncio.wrap_future(self.log.append("release", payload))
        return Released(
            body=self.body, media_type=media_type, agreement=HASH, index=receipt.index, salt=receipt.salt, payload=payload
        )


@dataclass(frozen=True)
class FakeWho:
    party: str = POLICE
    purpose: str = "event-safety"
    key_id: str = ""


class UnknownError(WebError):
    """Nobody proved who asks; ``headers`` tell how to, as those of the door do."""

    def __init__(self) -> None:
        super().__init__(401, "this needs an access token", "Authorization", "ask for one")
        self.headers = {"www-authenticate": 'DPoP algs="Ed25519"'}


async def fake_identify(request: Request) -> FakeWho:
    """Whoever names a party is that party: ``Authorization: Fake POLICE``."""
    scheme, _, party = request.headers.get("authorization", "").partition(" ")
    if scheme != "Fake":
        raise UnknownError
    return FakeWho(party or POLICE)

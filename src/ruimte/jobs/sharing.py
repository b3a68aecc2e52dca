"""The desk of one running lab: decides, puts figures into the agreed form, logs, and only then gives them (see ``Desk``).

Whatever a partner gets has passed ``_give``: what was decided, and the hash of what goes out, are in the log and on the disk
before the first byte leaves. No log, no data.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import secrets
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar
from uuid import UUID
from weakref import WeakValueDictionary

import msgspec

from ruimte.clock import SECOND_US, iso
from ruimte.errors import RuimteError
from ruimte.jobs.agreements import Book
from ruimte.jobs.desk import Event, RefusedError, Released
from ruimte.jobs.given import Given, given
from ruimte.jobs.log import Log, Receipt
from ruimte.jobs.processing_log import activity_uri
from ruimte.jobs.room import Room
from ruimte.jobs.share_forms import MOST_AT_ONCE, Forms
from ruimte.jobs.share_tally import Tally
from ruimte.keys.signature import KeyPair, sign
from ruimte.ledger.entry import EntryKind, body_hash
from ruimte.share import formats
from ruimte.share.asking import Action, Asked, Decision, Granted, Reason
from ruimte.share.budget import BudgetError
from ruimte.share.decide import Decider
from ruimte.share.document import write_document
from ruimte.share.event import Kind, cloud_event
from ruimte.share.releases import release_payload

LOOK_AGAIN_S = 5.0
"""So often a stream is decided on again while there is nothing new: taking an agreement back ends it."""
_KINDS: dict[Action, Kind] = {"read-state": "state", "read-forecast": "forecast", "read-warnings": "warning"}
_WAITING = 8
_AT_ONCE = 25
"""Of those who follow so many are told at a time, and the next in turn: the first need not wait until all have been decided on,
and yet several have their entries written to the disk together."""
_READING, _TELLING = 2, 2
"""Threads that put into form what is asked once, and what is followed. They are sharing's own, and a party has one request at a
time in them: who asks for much waits for itself, and keeps neither the control room nor another partner waiting."""
_log = logging.getLogger(__name__)

Queue = asyncio.Queue[Event | RefusedError]
Logged = tuple[EntryKind, dict[str, Any]]
T = TypeVar("T")


class Processing(Protocol):
    """Keeps the processing log: writes a line for what happens inside, and raises ``RuimteError`` where it cannot."""

    def __call__(
        self, name: str, activity_id: str, traceparent: str | None = None, entity: str = ""
    ) -> AbstractContextManager[object]: ...


class Take(Protocol):
    """Takes what a partner tells. Gives what is to be logged of it; raises ``RuimteError`` for what cannot be taken."""

    async def __call__(self, asked: Asked, party_name: str, body: dict[str, Any]) -> dict[str, Any]: ...


class Sharing:
    """Answers the partners of one lab (see ``ruimte.jobs.desk.Desk``), in one event loop.

    ``keys``: the node's; ``now_us``: the wall's clock; ``take``: None where the lab takes no contributions.
    ``before``: hashes of agreements that the log knows as the node's own from before it was started again.
    """

    def __init__(
        self,
        lab_key: str,
        forms: Forms,
        book: Book,
        decider: Decider,
        log: Log,
        keys: KeyPair,
        now_us: Callable[[], int],
        processing: Processing,
        take: Take | None = None,
        before: Collection[str] = (),
    ) -> None:
        self.book, self.log, self.tally = book, log, Tally()
        self._lab_key, self._forms, self._decider, self._keys = lab_key, forms, decider, keys
        self._now_us, self._processing, self._take, self._before = now_us, processing, take, before
        self._following: dict[Queue, asyncio.Task[None]] = {}
        self._news, self._news_s = asyncio.Event(), time.monotonic()
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._sequence = 0
        self._reading = ThreadPoolExecutor(_READING, "ruimte-share-once")
        self._telling = ThreadPoolExecutor(_TELLING, "ruimte-share-live")
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._given: tuple[tuple[Granted, ...], Given] | None = None

    def close(self) -> None:
        """Begin nothing more."""
        for pool in (self._reading, self._telling):
            pool.shutdown(wait=False, cancel_futures=True)

    # --- who ----------------------------------------------------------------------------------------------------------

    def granted(self, party: str) -> list[Granted]:
        own = self._own()
        return [
            one
            for one in self.book.granted()
            if party in (one.grant.consumer, one.grant.provider)
            and self._keys.public
            in (own.keys.get(one.agreement, {}).get(side) for side in (one.grant.provider, one.grant.consumer))
        ]

    def file(self, party: str, hashed: str) -> bytes | None:
        known = self.book.find(hashed) if any(one.agreement == hashed for one in self.granted(party)) else None
        return None if known is None or known.agreement is None else write_document(known.agreement)

    def public_keys(self, party: str) -> list[str]:
        return self._own().public_keys(party)

    def own(self) -> Collection[str]:
        """Hashes of the agreements that this node signed."""
        return self._own().keys.keys()

    def witnesses(self) -> list[tuple[str, str]]:
        """Who may cosign the log, by id and key of now: the other parties of agreements in force that this node signed."""
        own = self._own()
        found = [each for hashed, keys in own.keys.items() if hashed in own.standing for each in keys.items()]
        return [each for each in dict.fromkeys(found) if each[1] != self._keys.public]

    def _own(self, since_s: float = math.inf) -> Given:
        """What this node gives, found once for as long as its agreements stay the same; ``since_s`` as in ``Book.granted``."""
        granted = self.book.granted(since_s)
        if self._given is None or self._given[0] is not granted:
            self._given = granted, given(self.book, granted, self._keys.public, self._now_us() // SECOND_US, self._before)
        return self._given[1]

    # --- once ---------------------------------------------------------------------------------------------------------

    async def release(self, asked: Asked, media_type: str, from_us: int | None = None, until_us: int | None = None) -> Released:
        async with self._turns.setdefault(asked.party, asyncio.Lock()):
            decision = await self._decide(asked)  # only now: it may have been taken back while this waited
            try:
                body = await _in(self._reading, self._forms.body, decision, media_type, from_us, until_us)
            except BudgetError as error:
                raise await self._refused(_denied(decision.asked, "budget", str(error))) from None
        return (await self._give(decision, [body], media_type))[0]

    async def contribute(self, asked: Asked, body: dict[str, Any]) -> Released:
        decision = await self._decide(asked)
        if self._take is None:
            raise RuimteError("this node takes no contributions", asked.action, "tell its operator by another way")
        await self._logged(decision.asked, [("decision", _decided(decision))])  # before it is a fact here
        told = await self._take(msgspec.structs.replace(asked, agreement=_agreement(decision)), self._name(decision), body)
        receipt = msgspec.json.encode({"taken": told})
        return (await self._give(decision, [receipt], formats.JSON, "contribution"))[0]

    # --- live ---------------------------------------------------------------------------------------------------------

    async def live(self, asked: Asked, after: str | None) -> Queue:
        await self._decide(asked)
        queue: Queue = asyncio.Queue(_WAITING)
        self._following[queue] = asyncio.create_task(self._follow(queue, asked, after or ""))
        return queue

    def leave(self, queue: Queue) -> None:
        task = self._following.pop(queue, None)
        if task is not None:
            task.cancel()

    async def run(self, room: Room) -> None:
        """Tell those who follow when there is something new, until cancelled."""
        heard = room.listen()
        try:
            while True:
                await heard.get()
                while not heard.empty():
                    heard.get_nowait()
                self.look()
        finally:
            room.unlisten(heard)
            for queue in list(self._following):
                self.leave(queue)

    def look(self) -> None:
        """There may be something new: let all who follow look."""
        self._forms.refresh()
        news, self._news, self._news_s = self._news, asyncio.Event(), time.monotonic()
        news.set()

    async def _follow(self, queue: Queue, asked: Asked, cursor: str) -> None:
        """Put one stream's events into its queue; it waits where the reader does, so a slow one misses nothing."""
        try:
            while True:
                news = self._news
                async with self._turn:
                    decision = await self._decide(msgspec.structs.replace(asked, came_s=self._news_s))
                    pieces = await _in(self._telling, self._forms.next, decision, cursor)
                    given = await self._give(decision, [piece.body for piece in pieces], formats.JSON)
                decided_s = time.monotonic()
                for piece, released in zip(pieces, given, strict=True):
                    event = self._event(decision, piece.cursor, released)
                    while not await _put(queue, event, decided_s + LOOK_AGAIN_S - time.monotonic()):
                        await self._decide(asked)
                        decided_s = time.monotonic()
                    cursor = piece.cursor
                if len(pieces) < MOST_AT_ONCE:  # it has all that there was
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(LOOK_AGAIN_S):  # wait_for may swallow a cancellation
                            await news.wait()
        except BudgetError as error:
            await queue.put(await self._refused(_denied(asked, "budget", str(error))))
        except RefusedError as refused:
            while not queue.empty():  # what was not fetched by now is not given any more
                queue.get_nowait()
            await queue.put(refused)
        except Exception as error:
            _log.exception("a live share broke off")
            told = str(error) if isinstance(error, RuimteError) else "the node made a mistake; come back with the last id"
            await queue.put(RefusedError(_denied(asked, "engine-failed", told)))

    def _event(self, decision: Decision, cursor: str, released: Released) -> Event:
        granted = decision.granted
        assert granted is not None  # it was allowed
        now_us = self._now_us()
        self._sequence = max(self._sequence + 1, now_us)
        kind = _KINDS[decision.asked.action]
        body = cloud_event(
            id=cursor,
            source=granted.grant.provider,
            kind=kind,
            subject=self._lab_key,
            at_us=now_us,
            agreement=granted.agreement,
            index=released.index,
            salt=released.salt,
            data=released.body,
        )
        signature = sign(body, self._keys.private, self._sequence, detached=True)
        return Event(id=cursor, kind=kind, body=body, signature=signature)

    # --- deciding -------------------------------------------------------------------------------------------------------

    async def _decide(self, asked: Asked) -> Decision:
        """The decision, where it is to give; else it is logged, and ``RefusedError`` raised."""
        asked = msgspec.structs.replace(asked, at_us=self._now_us())
        try:
            decision = self._decider.decide(asked, self._own(asked.came_s).to(asked.party, asked.key))
        except RuimteError as error:
            decision = _denied(asked, "engine-failed", str(error))
        if not decision.allowed:
            raise await self._refused(decision)
        return decision

    async def _refused(self, decision: Decision) -> RefusedError:
        """The refusal, once it is logged. Where the log fails it is refused all the same."""
        self.tally.refused(decision.asked.party, decision.reason)
        try:
            receipts = await self._append([("decision", _decided(decision))])
        except RuimteError:
            return RefusedError(decision)
        return RefusedError(decision, receipts[0].index)

    # --- logging and giving -----------------------------------------------------------------------------------------------

    async def _give(
        self, decision: Decision, bodies: Sequence[bytes], media_type: str, kind: EntryKind = "release"
    ) -> list[Released]:
        """Log the decision and what goes out under it; what comes back may leave."""
        asked, granted = decision.asked, decision.granted
        assert granted is not None  # it was allowed
        if not bodies:
            return []
        payloads = [_given(decision, granted, body, media_type) for body in bodies]
        entries: list[Logged] = [] if kind == "contribution" else [("decision", _decided(decision))]
        entries += [(kind, payload) for payload in payloads]
        activity = activity_uri(granted.agreement, asked.purpose)
        receipts = (await self._logged(asked, entries, activity, len(bodies)))[-len(bodies) :]
        self.tally.released(asked.party, granted.agreement, self._now_us())
        return [
            Released(
                body=body,
                media_type=media_type,
                agreement=granted.agreement,
                index=receipt.index,
                salt=receipt.salt,
                payload=payload,
            )
            for body, payload, receipt in zip(bodies, payloads, receipts, strict=True)
        ]

    async def _logged(self, asked: Asked, entries: Sequence[Logged], activity: str = "", lines: int = 0) -> list[Receipt]:
        """Write entries, and so many lines in the processing log. Raises ``RefusedError`` where that cannot be done."""
        try:
            with contextlib.ExitStack() as processing:
                for _ in range(lines):
                    processing.enter_context(self._processing(asked.action, activity, asked.traceparent, asked.party))
                return await self._append(entries)
        except RuimteError as error:
            _log.error("nothing is shared: %s", error)
            self.tally.refused(asked.party, "log-failed")
            told = "the log cannot be written, so nothing is given; ask again later"
            raise RefusedError(_denied(asked, "log-failed", told)) from None

    async def _append(self, entries: Sequence[Logged]) -> list[Receipt]:
        return await asyncio.wrap_future(self.log.append_many(entries))

    def _name(self, decision: Decision) -> str:
        known = self.book.find(_agreement(decision))
        parties = known.agreement.content.parties if known is not None and known.agreement is not None else ()
        return next((party.name for party in parties if party.id == decision.asked.party), decision.asked.party)


async def _in(pool: ThreadPoolExecutor, work: Callable[..., T], *given: object) -> T:
    return await asyncio.get_running_loop().run_in_executor(pool, work, *given)


async def _put(queue: Queue, event: Event, within_s: float) -> bool:
    """Whether the reader made room for it in time."""
    if within_s <= 0:
        return False
    try:
        async with asyncio.timeout(within_s):
            await queue.put(event)
    except TimeoutError:
        return False
    return True


def _agreement(decision: Decision) -> str:
    return "" if decision.granted is None else decision.granted.agreement


def _denied(asked: Asked, reason: Reason, told: str) -> Decision:
    return Decision(allowed=False, reason=reason, told=told, asked=asked)


def _decided(decision: Decision) -> dict[str, Any]:
    """What the log commits to of a decision. Releases under it follow it in the log."""
    asked = decision.asked
    return {
        "transaction": _transaction(asked.at_us),
        "party": asked.party,
        "purpose": asked.purpose,
        "action": asked.action,
        "at": iso(asked.at_us),
        "agreement": _agreement(decision) or asked.agreement,
        "allowed": decision.allowed,
        "reason": decision.reason,
        "policies": list(decision.policies),
    }


def _given(decision: Decision, granted: Granted, body: bytes, media_type: str) -> dict[str, Any]:
    """What the log commits to of a release."""
    asked = decision.asked
    return release_payload(
        body_hash(body),
        media_type,
        agreement=granted.agreement,
        grant=granted.index,
        party=asked.party,
        purpose=asked.purpose,
        action=asked.action,
    )


def _transaction(now_us: int) -> str:
    """A UUID of version 7 (RFC 9562), as FSC's logging has it: what belongs to one transaction, in the order of time."""
    random = secrets.randbits(74)
    value = (now_us // 1000 & (1 << 48) - 1) << 80 | 7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & (1 << 62) - 1
    return str(UUID(int=value))

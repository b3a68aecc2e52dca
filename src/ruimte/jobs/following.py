"""Following one partner: its messages are checked, kept once with where they came from, and what was missed is asked for.

A stream goes on after the last message that is on the disk, so that neither a killed node nor a broken line leaves a gap or a
double.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol

import httpx
import msgspec

from ruimte.clock import DAY_US, MINUTE_US, iso
from ruimte.errors import RuimteError
from ruimte.jobs.event_stream import ServerEvent
from ruimte.jobs.link import EndedError, Link, Standing
from ruimte.jobs.partner import PartnerError
from ruimte.jobs.witnessing import Asker, LogContradictsError, Witnessing, forgive, prove, witness
from ruimte.ledger.entry import body_hash
from ruimte.share.received import UnverifiableError, check, committed
from ruimte.share.shared import read_places, read_shared
from ruimte.store.foreign import Cursor, Message

STREAMS = ("state", "forecast", "warnings")
"""Kinds that are followed live; "history" is only asked for."""
FIRST_WAIT_S, LONGEST_WAIT_S, LONGEST_REFUSED_S = 1.0, 60.0, 600.0
"""How long a broken link waits before it is tried again: at first, at the longest, and where the partner refused."""
_WITNESS_S = 60.0
_LOOK_S = 1.0
"""So soon it is seen that an agreement stands again, or that a partner is trusted again."""
_FRESH_US = 2 * MINUTE_US
_LONGEST_GAP_US = DAY_US
"""So much of the past is asked for at once."""
_REFUSED = (401, 403)
_OVER = ("revoked", "rejected")
"""Reasons that a signature gives, which may be in the partner's copy of the agreement only."""

_log = logging.getLogger(__name__)


class Provider(Asker, Protocol):
    """The node that is followed (see ``ruimte.jobs.partner.Partner``)."""

    def stream(
        self, path: str, params: Mapping[str, str] | None = None, last_event_id: str | None = None
    ) -> AsyncIterator[ServerEvent]: ...

    async def aclose(self) -> None: ...


class Follower:
    """Follows one subscription until cancelled. ``witnessing``: the node's own log, which remembers how far others were seen."""

    def __init__(self, link: Link, provider: Provider, witnessing: Witnessing) -> None:
        self.link = link
        self._provider = provider
        self._witnessing = witnessing
        self._filling = asyncio.Lock()

    async def run(self) -> None:
        """Follow, and come back after every break; ever later, up to a minute."""
        link, wait_s = self.link, FIRST_WAIT_S
        try:
            while True:
                came = link.heard_us
                try:
                    await self._follow()
                    if not link.is_distrusted():
                        await link.failed({"why": "link.closed"})
                except EndedError as error:
                    await self._end(error)
                except PartnerError as error:
                    if error.status in _REFUSED:
                        await self._end(_ended(error.problem, error.what))
                    else:
                        await link.failed({"why": "link.refused", "reason": error.what})
                except RuimteError as error:
                    await link.failed({"why": "link.refused", "reason": error.what})
                if link.heard_us != came and link.ended is None:
                    wait_s = FIRST_WAIT_S
                await self._rest(wait_s * random.uniform(0.5, 1.0))  # noqa: S311 - so that not all come back at once
                wait_s = min(2 * wait_s, LONGEST_WAIT_S if link.ended is None else LONGEST_REFUSED_S)
        finally:
            await self._provider.aclose()

    async def _end(self, error: EndedError) -> None:
        """Let go. Where the partner says that the agreement was taken back, its copy holds the signature: take that over."""
        await self.link.end(error)
        if error.reason in _OVER:
            with contextlib.suppress(RuimteError, msgspec.DecodeError, EndedError):
                self.link.standing()  # what our own copy says already is not asked
                answer = await self._provider.get(f"/share/v1/agreements/{self.link.subscription.agreement}")
                if answer.is_success:
                    await asyncio.to_thread(self.link.take_copy, bytes(msgspec.json.decode(answer.content, type=_Copy).file))

    async def _rest(self, seconds: float) -> None:
        """Wait. Where our own copy of the agreement gives nothing, until it does: nobody is asked for what is not agreed."""
        await asyncio.sleep(seconds)
        while True:
            try:
                self.link.standing()
            except EndedError as error:
                await self.link.end(error)
                await asyncio.sleep(_LOOK_S)
            else:
                return

    # --- one connection ---------------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        while self.link.is_distrusted():
            await asyncio.sleep(_LOOK_S)
        state = self.link.state()
        if self.link.is_forgiven(state):
            await forgive(self._witnessing, state.checkpoint)
            await self.link.trust()
        standing = self.link.standing()
        await self._read_places()
        await self._fill_gap(standing)
        streams = [kind for kind in STREAMS if kind in standing.kinds]
        work = [*(self._listen(stream) for stream in streams), self._keep_witnessing(), self._keep_standing()]
        tasks = [asyncio.create_task(each) for each in work]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # the first that ends takes the others with it: they begin anew together
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep_standing(self) -> None:
        """Let go as soon as our own copy of the agreement gives nothing any more, or the partner's log is not to be trusted."""
        while not self.link.is_distrusted():
            self.link.standing()
            await asyncio.sleep(_LOOK_S)

    async def _listen(self, stream: str) -> None:
        """One stream, as long as it lasts."""
        cursor = self.link.cursor(stream)
        params = {"agreement": self.link.subscription.agreement, "kind": stream}
        resumed = cursor is not None
        events = self._provider.stream("/share/v1/live", params, None if cursor is None else cursor.event)
        async with contextlib.aclosing(events):  # type: ignore[type-var]
            async for id_, kind, data in events:
                await self.link.heard()
                if kind == "ended":
                    raise _ended(data)
                if kind not in ("figures", "warning"):
                    continue
                try:
                    made_us = await self._take(stream, id_, data, resumed)
                except UnverifiableError as error:
                    await self.link.refuse(error)
                else:
                    resumed = resumed and made_us < self.link.now_us() - _FRESH_US
                    await self._fill_gap(self.link.standing())

    async def _take(self, stream: str, id_: str, data: str, resumed: bool) -> int:
        """Check one message and keep it. Gives when it was made. Raises ``UnverifiableError``."""
        sent, now_us, standing, cursor = _sent(data), self.link.now_us(), self.link.standing(), self.link.cursor(stream)
        body = bytes(sent.event)
        received = check(
            body,
            sent.signature,
            keys=standing.keys,
            source=standing.provider.id,
            agreement=self.link.subscription.agreement,
            now_us=now_us,
            last_us=None if cursor is None else cursor.made_us,
            resumed=resumed,
        )
        event, told = received.event, bytes(received.event.data)
        if received.kind != stream.removesuffix("s"):
            raise UnverifiableError("kind", f"is of the kind {received.kind}, which was not asked for")
        shared = read_shared(told, received.kind, standing.grants, received.made_us)
        message = Message(
            event=event.id if stream != "warnings" else f"{event.id}/{event.logindex}",  # what stands may be the same again
            kind=received.kind,
            made_us=received.made_us,
            received_us=now_us,
            agreement=self.link.subscription.agreement,
            log_index=int(event.logindex),
            salt=event.logsalt,
            digest=body_hash(body),
            signature=sent.signature,
            body=body,
            payload=self._committed(told, f"read-{stream}"),
            delete_us=now_us + standing.kept_us,
        )
        await self.link.keep(message, shared, stream, Cursor(id_, received.made_us))
        return received.made_us

    def _committed(self, told: bytes, action: str) -> str:
        """What the provider's log has to commit to for these bytes, JSON."""
        ours = self.link.subscription
        facts = committed(told, agreement=ours.agreement, party=ours.party, purpose=ours.purpose, action=action)
        return msgspec.json.encode(facts).decode()

    # --- what was missed --------------------------------------------------------------------------------------------

    async def _fill_gap(self, standing: Standing) -> None:
        """Ask for the states that the stream could not give. What is not given stays missing, and the page says so."""
        if "history" not in standing.kinds:
            return
        async with self._filling:
            state = self.link.state()
            if state.gap_from_us is not None and state.gap_until_us is not None:
                await self._ask_for(state.gap_from_us, min(state.gap_until_us, state.gap_from_us + _LONGEST_GAP_US), standing)

    async def _ask_for(self, from_us: int, until_us: int, standing: Standing) -> None:
        now_us, agreement = self.link.now_us(), self.link.subscription.agreement
        params = {"agreement": agreement, "from": iso(from_us), "until": iso(until_us)}
        answer = await self._provider.get("/share/v1/history", params)
        if not answer.is_success:
            return
        try:
            message = self._of_history(answer, f"{params['from']}/{params['until']}", now_us, standing)
            await prove(self._provider, message, standing.keys)  # a history is not signed: the log vouches for it
            shared = read_shared(answer.content, "history", standing.grants, now_us)
        except UnverifiableError as error:
            await self.link.refuse(error)
        except LogContradictsError as error:
            await self.link.refuse(UnverifiableError("log", error.what))
        else:
            await self.link.fill(message, shared, until_us)

    def _of_history(self, answer: httpx.Response, span: str, now_us: int, standing: Standing) -> Message:
        index = answer.headers.get("ruimte-log-index", "")
        return Message(
            event=span,
            kind="history",
            made_us=now_us,
            received_us=now_us,
            agreement=self.link.subscription.agreement,
            log_index=int(index) if index.isdecimal() else -1,
            salt=answer.headers.get("ruimte-log-salt", ""),
            digest=body_hash(answer.content),
            signature="",
            body=answer.content,
            payload=self._committed(answer.content, "read-history"),
            delete_us=now_us + standing.kept_us,
        )

    async def _read_places(self) -> None:
        """What and where the places are that are shared: names, and geometry where the agreement gives it."""
        wanted = {"agreement": self.link.subscription.agreement}
        answer = await self._provider.get("/share/v1/places", wanted, "application/geo+json")
        if answer.status_code in _REFUSED:
            raise _ended(answer.content)
        if not answer.is_success:
            where = self.link.subscription.url
            raise RuimteError(f"answers {answer.status_code} where its places should be", where, "ask its operator")
        places = read_places(answer.content)
        if places["features"] or not self.link.state().places:  # who gives nothing any more says nothing of what it gave
            await self.link.keep_places(places)

    # --- the provider's log -----------------------------------------------------------------------------------------

    async def _keep_witnessing(self) -> None:
        """Each minute: does the provider's log still begin as it did, and does it hold what this node was sent?"""
        while True:
            try:
                await self._witness()
            except LogContradictsError as error:
                await self.link.distrust(error)
            except RuimteError as error:
                _log.warning("the log of %s could not be looked at: %s", self.link.subscription.provider, error)
            await asyncio.sleep(_WITNESS_S)

    async def _witness(self) -> None:
        keys, known = self.link.standing().keys, self.link.state().checkpoint
        seen = await witness(self._provider, keys, known, self._witnessing, self.link.subscription.party)
        ids = self.link.received()
        message = self.link.message(random.choice(ids)) if ids else None  # noqa: S311 - a sample
        if message is not None:
            await prove(self._provider, message, keys)
        await self.link.witnessed(seen, int(message is not None))


class _Copy(msgspec.Struct):
    """What the provider tells of one agreement: of that, its file."""

    file: msgspec.Raw


class _Sent(msgspec.Struct):
    event: msgspec.Raw
    signature: str


def _sent(data: str) -> _Sent:
    try:
        return msgspec.json.decode(data, type=_Sent)
    except (msgspec.DecodeError, RecursionError):
        raise UnverifiableError("form", "is no message of a live share") from None


def _ended(told: Any, otherwise: str = "refused") -> EndedError:
    """What a problem document says (as text, or read already), where it is one."""
    try:
        problem = msgspec.json.decode(told, type=dict[str, Any]) if isinstance(told, str | bytes) else told
    except msgspec.DecodeError:
        problem = {}
    text = str(problem.get("detail") or problem.get("title") or otherwise)
    plain = "".join(letter if letter.isprintable() else "?" for letter in text)[:300]
    return EndedError(str(problem.get("reason", "")), plain)

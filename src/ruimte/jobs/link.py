"""The kept side of following a partner: messages and what they tell, how the link stands, and the logbook's lines about it."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from ruimte.clock import MINUTE_US, SECOND_US
from ruimte.jobs.partner_words import ENDED
from ruimte.jobs.subscriptions import Subscription
from ruimte.jobs.witnessing import LogContradictsError, Seen
from ruimte.share.agreement import Grant, Party
from ruimte.share.received import UnverifiableError
from ruimte.share.shared import Shared
from ruimte.store import foreign, records
from ruimte.store.foreign import Cursor, LinkState, Message
from ruimte.store.records import LogEntry
from ruimte.store.sqlite import Store
from ruimte.text import duration_us

T = TypeVar("T")

_SAY_AGAIN_US = 10 * MINUTE_US


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What the agreement gives a subscription now: its grants, the provider, and the keys that may sign for it."""

    grants: tuple[Grant, ...]
    provider: Party
    keys: tuple[str, ...]

    @property
    def kinds(self) -> frozenset[str]:
        """What may be asked for: "state", "forecast", "warnings", "history"."""
        return frozenset(kind for grant in self.grants for kind in grant.properties.what.kinds)

    @property
    def kept_us(self) -> int:
        """How long what is received may be kept: the shortest that a grant says."""
        return min(duration_us(grant.properties.duties.delete_after) for grant in self.grants)


class EndedError(Exception):
    """The agreement gives nothing (any more): ``reason`` is one of ``ENDED``, else ``told`` says it in a line."""

    def __init__(self, reason: str, told: str = "") -> None:
        super().__init__(told or reason)
        self.reason = reason if reason in ENDED else "refused"
        self.told = told or reason


class Link:
    """What the store knows of one subscription. Everything is durable when it returns; ``tell`` is called when there is news."""

    def __init__(
        self,
        subscription: Subscription,
        store: Store,
        standing: Callable[[], Standing],
        now_us: Callable[[], int],
        tell: Callable[[], object],
        take_copy: Callable[[bytes], object] = lambda octets: None,
        name: Callable[[], str] | None = None,
    ) -> None:
        self.subscription = subscription
        self.standing = standing
        """What the agreement says now; raises ``EndedError`` where that is nothing."""
        self.take_copy = take_copy
        """Takes the provider's copy of the agreement's file, in a thread: what it adds that is right is kept."""
        self.now_us = now_us
        self.heard_us: int | None = None
        """When anything came, a heartbeat too."""
        self.ended: str | None = None
        """Why the partner shares no more; None while it does."""
        self._store = store
        self._tell = tell
        self._said_us = 0
        self._ended_why: str | None = None
        self._name = name or (lambda: standing().provider.name)

    @property
    def key(self) -> str:
        """What the store knows the link by."""
        return self.subscription.key

    # --- looking ----------------------------------------------------------------------------------------------------

    def state(self) -> LinkState:
        """How the link stands."""
        return self._store.read(lambda c: foreign.link(c, self.key))

    def cursor(self, stream: str) -> Cursor | None:
        """After which event a stream goes on; None: from its beginning."""
        return self._store.read(lambda c: foreign.cursor(c, self.key, stream))

    def received(self) -> list[int]:
        """Ids of the messages that the partner's log has to hold: where it was trusted anew, those that came since."""
        since_us = self.subscription.trusted_s * SECOND_US
        return self._store.read(lambda c: foreign.message_ids(c, self.key, since_us))

    def message(self, id_: int) -> Message | None:
        """One of them."""
        return self._store.read(lambda c: foreign.message(c, id_))

    def is_forgiven(self, state: LinkState) -> bool:
        """Whether the partner's log contradicted itself, and somebody has looked since."""
        return state.distrusted_us is not None and not self.is_distrusted(state)

    def is_distrusted(self, state: LinkState | None = None) -> bool:
        """Whether the partner's log contradicted itself, and nobody has looked since."""
        state = self.state() if state is None else state
        return state.distrusted_us is not None and state.distrusted_us >= self.subscription.trusted_s * SECOND_US

    # --- keeping ----------------------------------------------------------------------------------------------------

    async def keep(self, message: Message, shared: Shared, stream: str, at: Cursor) -> None:
        """A message, its figures, where the stream is now, and what is missing between: in one transaction."""

        def work(connection: sqlite3.Connection) -> None:
            state = foreign.link(connection, self.key)
            if self.is_distrusted(state):
                return  # it comes again when somebody has looked
            new = foreign.append(connection, self.key, message, shared.figures, shared.warnings, stream=stream, at=at)
            if not new or message.kind != "state" or not shared.figures:
                return
            start_us = min(figure.start_us for figure in shared.figures)
            end_us = max(figure.end_us for figure in shared.figures)
            changes: dict[str, Any] = {"covered_us": max(end_us, state.covered_us or end_us)}
            if state.covered_us is not None and start_us > state.covered_us:
                changes["gap_from_us"] = state.covered_us if state.gap_from_us is None else state.gap_from_us
                changes["gap_until_us"] = start_us
            foreign.set_link(connection, self.key, **changes)

        await self._write(work)
        self._tell()

    async def fill(self, message: Message, shared: Shared, until_us: int) -> None:
        """What was missing up to a moment, in one transaction with what is still missing after it."""

        def work(connection: sqlite3.Connection) -> None:
            state = foreign.link(connection, self.key)
            if self.is_distrusted(state):
                return
            foreign.append(connection, self.key, message, shared.figures)
            done = state.gap_until_us is None or until_us >= state.gap_until_us
            rest = {"gap_from_us": None, "gap_until_us": None} if done else {"gap_from_us": until_us}
            foreign.set_link(connection, self.key, **rest)

        await self._write(work)
        self._tell()

    async def keep_places(self, places: dict[str, Any]) -> None:
        """The shapes and names of what is shared."""
        await self._write(lambda c: foreign.set_link(c, self.key, places=places))

    async def refuse(self, error: UnverifiableError) -> None:
        """A message that is not taken: counted, shown, and told in the logbook, not more often than every ten minutes."""
        now_us, told = self.now_us(), {"why": f"link.{error.why}", "reason": error.what}
        say = now_us - self._said_us >= _SAY_AGAIN_US

        def work(connection: sqlite3.Connection) -> None:
            foreign.count_refusal(connection, self.key, told)
            if say:
                records.append_log(connection, self._line("partner-refused", told))

        await self._write(work)
        self._said_us = now_us if say else self._said_us
        self._tell()

    # --- how it stands ----------------------------------------------------------------------------------------------

    async def heard(self) -> None:
        """Something came: the link works."""
        self.heard_us, self.ended, self._ended_why = self.now_us(), None, None
        if self.state().failing_since_us is None:
            return

        def work(connection: sqlite3.Connection) -> None:
            if foreign.link(connection, self.key).failing_since_us is None:
                return  # another stream of the link was first
            foreign.set_link(connection, self.key, failing_since_us=None, trouble=None, heard_us=self.heard_us)
            records.append_log(connection, self._line("partner-heard", {}))

        await self._write(work)
        self._tell()

    async def failed(self, trouble: dict[str, Any], kind: str = "partner-lost") -> None:
        """The link is broken: since when, and why. The logbook tells when it begins."""
        now_us, heard_us = self.now_us(), self.heard_us

        def work(connection: sqlite3.Connection) -> bool:
            first = foreign.link(connection, self.key).failing_since_us is None
            changes = {"failing_since_us": now_us} if first else {}
            if heard_us is not None:
                changes["heard_us"] = heard_us
            foreign.set_link(connection, self.key, trouble=trouble, **changes)
            if first:
                records.append_log(connection, self._line(kind, trouble))
            return first

        if await self._write(work):
            self._tell()

    async def end(self, error: EndedError) -> None:
        """The partner, or the agreement, gives nothing any more: for one reason, since the first time that it was told."""
        if self.ended == error.told:
            return
        trouble, state = {"why": f"link.{error.reason}", "reason": error.told}, self.state()
        before = self._ended_why or str((state.trouble or {}).get("why"))
        self.ended, self._ended_why = error.told, trouble["why"]
        if state.failing_since_us is not None and before == trouble["why"]:
            await self._write(lambda c: foreign.set_link(c, self.key, trouble=trouble))
            self._tell()
            return
        await self._write(lambda c: foreign.set_link(c, self.key, failing_since_us=None))
        await self.failed(trouble, "partner-ended")

    async def witnessed(self, seen: Seen, proved: int) -> None:
        """The partner's log is in order, and so many more receipts were found in it."""
        now_us = self.now_us()

        def work(connection: sqlite3.Connection) -> None:
            proved_now = foreign.link(connection, self.key).proved + proved
            changes = {"checkpoint": seen.text, "log_size": seen.size, "witnessed_us": now_us, "proved": proved_now}
            foreign.set_link(connection, self.key, **changes)

        await self._write(work)

    async def trust(self) -> None:
        """Somebody looked: the partner's log is followed from now on as if it were new."""

        def work(connection: sqlite3.Connection) -> None:
            changes = {"distrusted_us": None, "distrust": None, "checkpoint": None, "log_size": 0}
            foreign.set_link(connection, self.key, **changes)
            records.append_log(connection, self._line("partner-trusted", {}))

        await self._write(work)
        self._tell()

    async def distrust(self, error: LogContradictsError) -> None:
        """Say loudly that the partner's log contradicts itself, keep both checkpoints, and take nothing more."""
        now_us, told = self.now_us(), {"why": "link.log", "reason": error.what}

        def work(connection: sqlite3.Connection) -> None:
            evidence = told | {"before": foreign.link(connection, self.key).checkpoint, "shown": error.evidence}
            foreign.set_link(connection, self.key, distrusted_us=now_us, distrust=evidence)
            records.append_log(connection, self._line("partner-distrusted", told))

        await self._write(work)
        self._tell()

    def _line(self, kind: str, body: dict[str, Any]) -> LogEntry:
        now_us, name = self.now_us(), self.subscription.provider
        with contextlib.suppress(EndedError):
            name = self._name()
        return LogEntry(lab_us=now_us, wall_us=now_us, kind=kind, who="system", body={"partner": name, **body})

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.wrap_future(self._store.write(work))

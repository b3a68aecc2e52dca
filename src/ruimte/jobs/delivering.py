"""Delivery: what the outbox holds goes out, in a thread of its own, so that no receiver can hold up a tick or a page.

A step is delivered at least once, with an id that stays the same; of one warning in order; each channel by itself. What is not
taken is tried again, ever less often, until it is too old. The logbook gets a line when a channel begins to fail, when a message
is given up, and when the channel works again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from ruimte.clock import SECOND_US, SystemClock
from ruimte.errors import RuimteError
from ruimte.jobs.apart import apart, noting
from ruimte.jobs.live import LiveRoom
from ruimte.jobs.notices import notice
from ruimte.jobs.room import WarningView
from ruimte.jobs.station import SYSTEM, Station
from ruimte.jobs.views import warning_view
from ruimte.model.warning import Warning  # noqa: A004 - the field's own word
from ruimte.notify.channels import Channel, PushChannel
from ruimte.notify.keys import NodeKeys
from ruimte.notify.notice import Notice, Sender
from ruimte.notify.senders import sender
from ruimte.notify.trouble import Undelivered
from ruimte.store import outbox, records, subscriptions
from ruimte.store.outbox import ChannelState, Waiting
from ruimte.store.records import LogEntry
from ruimte.text import LANGUAGES, duration_us

FIRST_WAIT_S, LONGEST_WAIT_S = 2.0, 300.0
_AT_ONCE = 8
"""Receivers of one channel that are sent to at the same time."""
_LOOK_AGAIN_S = 60.0
_TROUBLE_S = 5.0
_STOP_S = 5.0
_THREADS = 32

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Delivery:
    """Puts steps into the outbox of a station's store, and sends what is in it. ``source``: the node's address or URN.

    Raises ``RuimteError`` where a channel lacks a secret, a file or a package.
    """

    def __init__(
        self, station: Station, channels: Sequence[Channel], keys: NodeKeys, environment: Mapping[str, str], source: str
    ) -> None:
        self._station = station
        self._store = station.store
        self._channels = {channel.key: channel for channel in channels}
        self._source = source
        self._now_us: Callable[[], int] = SystemClock().now_us
        self._senders: dict[str, Sender] = {
            channel.key: sender(channel, station.lab.key, keys, environment, self._browser) for channel in channels
        }
        self._taken: set[int] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news: dict[str, asyncio.Event] = {}
        self._stopped = threading.Event()
        self._tell: Callable[[], object] = lambda: None

    # --- in ---------------------------------------------------------------------------------------------------------

    def put(self, connection: sqlite3.Connection, step: str, warning: Warning, at_us: int) -> None:
        """Put a step into the outbox, for every channel that wants it; in the transaction that wrote the step."""
        now_us = self._now_us()
        for key, channel in self._channels.items():
            for target in subscriptions.ids(connection, now_us) if isinstance(channel, PushChannel) else [""]:
                if channel.wants(step, warning.priority, outbox.was_told(connection, key, target, warning.id)):
                    outbox.put(connection, key, target, warning.id, step, at_us=at_us, wall_us=now_us)

    def states(self) -> list[ChannelState]:
        """How the channels do, in the order of their file."""
        known = self._store.read(outbox.states)
        return [known.get(key, ChannelState(key=key)) for key in self._channels]

    # --- running ----------------------------------------------------------------------------------------------------

    async def run(self, room: LiveRoom) -> None:
        """Deliver until cancelled; ``room`` tells when there is something new, and is told of lines in the logbook."""
        self._tell = noting(room)
        thread = apart("ruimte-delivery", _THREADS, self._deliver_all)
        changes = room.listen()
        try:
            while True:
                if (await changes.get()).kind == "changed":
                    self.wake()
        finally:
            room.unlisten(changes)
            self._stopped.set()
            self.wake()
            await asyncio.to_thread(thread.join, 2 * _STOP_S)

    def wake(self) -> None:
        """Look into the outbox now; from any thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended
                for news in self._news.values():
                    self._loop.call_soon_threadsafe(news.set)

    async def _deliver_all(self) -> None:
        self._news = {key: asyncio.Event() for key in self._channels}
        self._loop = asyncio.get_running_loop()
        with contextlib.suppress(RuimteError):
            await self._write(lambda c: outbox.tidy(c, self._channels, self._now_us()))
        tasks = [asyncio.create_task(self._serve(key)) for key in self._channels]
        while not self._stopped.is_set():
            await asyncio.wait(tasks, timeout=0.2)
        _, late = await asyncio.wait(tasks, timeout=_STOP_S)
        for task in late:  # what was not taken by now is sent again after the next start
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _serve(self, key: str) -> None:
        """One channel, until stopped: a few receivers at a time, so that one that is slow holds up no other."""
        news, going = self._news[key], dict[int, asyncio.Task[None]]()

        def begin(waiting: Waiting) -> None:
            going[waiting.id] = task = asyncio.create_task(self._deliver_or_rest(waiting))

            def done(_: asyncio.Task[None]) -> None:
                del going[waiting.id]
                news.set()

            task.add_done_callback(done)

        while not self._stopped.is_set():
            news.clear()
            try:
                now_us, free = self._now_us(), _AT_ONCE - len(going)
                for waiting in self._store.read(lambda c: outbox.due(c, key, now_us, free, list(going))):  # noqa: B023
                    begin(waiting)
                next_us = self._store.read(lambda c: outbox.next_us(c, key, list(going)))
            except (RuimteError, sqlite3.Error) as error:
                _log.error("channel %s: the outbox cannot be read (%s)", key, error)
                next_us = self._now_us() + int(_TROUBLE_S * SECOND_US)
            if next_us is None or len(going) == _AT_ONCE:
                await self._rest(news, _LOOK_AGAIN_S)
            else:
                await self._rest(news, min(_LOOK_AGAIN_S, (next_us - self._now_us()) / SECOND_US))
        if going:
            await asyncio.wait(going.values())

    async def _rest(self, news: asyncio.Event, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await news.wait()

    # --- one step ---------------------------------------------------------------------------------------------------

    async def _deliver_or_rest(self, waiting: Waiting) -> None:
        """As below; where the database does not work, wait a while before anybody tries again."""
        try:
            await self._deliver(waiting)
        except (RuimteError, sqlite3.Error) as error:
            _log.error("channel %s: the outbox cannot be written (%s)", waiting.channel, error)
            await asyncio.sleep(_TROUBLE_S)

    async def _deliver(self, waiting: Waiting) -> None:
        """Send one step to one receiver, and note what became of it."""
        channel = self._channels[waiting.channel]
        deadline_us = waiting.wall_us + duration_us(channel.give_up_after)
        try:
            if waiting.id not in self._taken:  # else it was only not noted, for want of a disk
                if self._now_us() >= deadline_us:
                    raise Undelivered("too-old", again=False)
                await self._senders[waiting.channel].send(self._notice(waiting), waiting.target)
        except Undelivered as trouble:
            await self._failed(waiting, trouble, deadline_us)
        except (RuimteError, sqlite3.Error):
            raise  # the database's
        except Exception as error:
            _log.exception("channel %s: a message could not be sent", waiting.channel)
            await self._failed(waiting, Undelivered("own", again=True, reason=type(error).__name__), deadline_us)
        else:
            self._taken.add(waiting.id)
            await self._sent(waiting)
            self._taken.discard(waiting.id)

    async def _sent(self, waiting: Waiting) -> None:
        now_us = self._now_us()

        def work(connection: sqlite3.Connection) -> bool:
            heard = outbox.mark_sent(connection, waiting, now_us)
            if heard:
                records.append_log(connection, _line("channel-heard", waiting, now_us, {}))
            return heard

        if await self._write(work):
            self._tell()

    async def _failed(self, waiting: Waiting, trouble: Undelivered, deadline_us: int) -> None:
        now_us = self._now_us()
        wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(waiting.tries, 20)) * random.uniform(0.5, 1.0)  # noqa: S311
        again_us = now_us + int(max(wait_s, trouble.after_s or 0.0) * SECOND_US)
        again = again_us if trouble.again and again_us < deadline_us else None
        why = {"why": f"trouble.{trouble.kind}", **trouble.figures}
        place = None if again is not None else self._place(waiting)

        def work(connection: sqlite3.Connection) -> bool:
            first = outbox.mark_failed(connection, waiting, why, now_us, again)
            if trouble.kind == "gone":  # a browser that has left is no trouble
                subscriptions.end(connection, waiting.target, now_us=now_us)
                return False
            if again is None:
                records.append_log(connection, _line("channel-given-up", waiting, now_us, why, place))
            elif first:
                records.append_log(connection, _line("channel-failed", waiting, now_us, why))
            return again is None or first

        if await self._write(work):
            self._tell()

    def _notice(self, waiting: Waiting) -> Notice:
        """The words for a step. Raises ``Undelivered`` where it is not known any more what it was about."""
        read = self._store.read
        warning = read(lambda c: outbox.warning_of(c, waiting))
        if warning is None:
            raise Undelivered("forgotten", again=False)
        try:
            views = {language: warning_view(self._station, warning, language) for language in LANGUAGES}
        except RuimteError:  # its place is not in the lab any more
            raise Undelivered("forgotten", again=False) from None
        standing = None
        if self._channels[waiting.channel].kind == "mqtt":
            standing = self._standing()
        return notice(
            self._station.lab,
            views,
            waiting.step,
            waiting.at_us,
            source=self._source,
            revision=waiting.revision,
            sequence=waiting.id,
            earlier_us=read(lambda c: outbox.earlier(c, waiting)),
            standing=standing,
        )

    def _standing(self) -> dict[str, list[WarningView]]:
        newest = 2**62
        found = self._store.read(lambda c: records.warnings(c, newest, newest))
        known = [each for each in found if each.place in {place.key for place in self._station.model.places}]
        return {language: [warning_view(self._station, each, language) for each in known] for language in LANGUAGES}

    def _place(self, waiting: Waiting) -> str | None:
        warning = self._store.read(lambda c: outbox.warning_of(c, waiting))
        return None if warning is None else warning.place

    def _browser(self, id_: str) -> subscriptions.Subscription | None:
        return self._store.read(lambda c: subscriptions.find(c, id_, self._now_us()))

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.wrap_future(self._store.write(work))


def _line(kind: str, waiting: Waiting, now_us: int, body: dict[str, Any], place: str | None = None) -> LogEntry:
    given_up = kind == "channel-given-up"
    return LogEntry(
        lab_us=now_us,
        wall_us=now_us,
        kind=kind,
        who=SYSTEM,
        place=place,
        warning=waiting.warning_id if given_up else None,
        body={"channel": waiting.channel, **({"place": "?"} if given_up and place is None else {}), **body},
    )

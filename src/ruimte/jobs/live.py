"""The live job: a station that runs by a clock, seen and steered by a control room."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import msgspec
import pyarrow as pa

from ruimte.clock import HOUR_US, MINUTE_US, Clock, SystemClock, iso
from ruimte.errors import RuimteError
from ruimte.jobs import reporting, views
from ruimte.jobs.compare_views import compare_view, not_compared
from ruimte.jobs.compared import CompareView
from ruimte.jobs.comparing import MINUTES, Comparing, to_compare
from ruimte.jobs.crowd_view import Crowds, CrowdView
from ruimte.jobs.effects import predicted
from ruimte.jobs.keeping import Keeper
from ruimte.jobs.room import Change, LoadView, LogView, Mode, SensorView, Series, Status, WarningView, ZoneView
from ruimte.jobs.staff import forget_names
from ruimte.jobs.station import Picture, Station
from ruimte.lab.lab import Lab
from ruimte.model.role import Actor
from ruimte.model.warning import ANSWERS, Warning  # noqa: A004 - the field's own word
from ruimte.store import observations, records, results, staff
from ruimte.store.records import LogEntry
from ruimte.store.sqlite import Store
from ruimte.text import duration_us
from ruimte.warn.situations import by_situation

Feed = Callable[[int], pa.Table]
"""Gives what was received since the last call, up to a moment; the rows were handed to the store before it returns."""

Prepare = Callable[[Callable[[float], None]], None]
"""What must be there before the station starts; told how far it is (0–1) through its argument."""

_Change = Callable[[Warning, int], Warning | None]
"""From a warning and the moment to what becomes of it; None: nothing changes."""
_LISTENER_QUEUE = 64
_SHOW_CLOSED_US = 12 * HOUR_US
_PLAIN_LEVEL = "E"
"""Of a place that nothing warns of, this level is compared."""
_STILL_HOLDS_TICKS = 3
"""What was compared so many ticks ago is still what the person saw when deciding."""
_DECISION_WAITS_S = 4.0
_BEAT_S = 1.0


class LiveRoom:
    """A running lab (see ``ruimte.jobs.room.Room``). The chain runs in a thread of its own; views read what it finished last."""

    def __init__(self, station: Station, clock: Clock, mode: Mode, speed: float = 1.0, tracking: Crowds | None = None) -> None:
        self.lab: Lab = station.lab
        self._tracking = tracking
        self._station = station
        self._clock = clock
        self._mode: Mode = mode
        self._speed = speed
        self._phase: Literal["starting", "running", "ended"] = "starting"
        self._progress = 0.0
        self._sequence = 0
        self._listeners: set[asyncio.Queue[Change]] = set()
        self._lock = threading.Lock()
        self._looking_back = threading.Lock()
        self._keeper = Keeper(station.lab, station.store, clock)
        self._comparing = Comparing(station, self._lock)
        self._one_by_one = ThreadPoolExecutor(1, "compare")  # of its own, so that who waits here keeps nobody else waiting

    def now_us(self) -> int:
        """The lab's time: of a replay that of the past."""
        return self._clock.now_us()

    # --- running ----------------------------------------------------------------------------------------------------

    async def run(self, prepare: Prepare, feed: Feed, until_us: int | None = None) -> None:
        """Prepare and warm up, then tick by the clock until cancelled (or the lab's time reaches ``until_us``)."""
        start = await asyncio.to_thread(self._start, prepare)
        await asyncio.to_thread(self._log, "started", start, mode=self._mode)
        self._phase = "running"
        await self._tell("state", "changed")
        model = self._station.model
        tick = model.tick_of(start)
        while until_us is None or model.tick_end_us(tick) <= until_us:
            due = model.tick_end_us(tick) + model.lateness_us
            while (wait := self._clock.wait_s(due)) > 0:
                await asyncio.sleep(min(wait, _BEAT_S))
            changed = await asyncio.to_thread(self._tick, feed, due)
            await self._tell("state")
            if changed:
                await self._tell("changed")
            # a clock that ran ahead (a busy machine, a fast replay) is caught up with in one go, at the newest tick
            tick = max(tick + 1, model.tick_of(self._clock.now_us() - model.lateness_us))
        self._phase = "ended"
        await self._tell("state")

    def _start(self, prepare: Prepare) -> int:
        prepare(lambda share: self._set_progress(0.7 * share))
        now_us = self._clock.now_us()
        settle(self._station.store)
        self._station.warm_up(now_us, lambda share: self._set_progress(0.7 + 0.3 * share))
        self._clock.start()
        return now_us

    def _tick(self, feed: Feed, now_us: int) -> bool:
        with self._lock:
            rows, reported = feed(now_us), self._keeper.received(now_us)
            if self._mode == "replay" and reported.num_rows:  # a replay is fed from elsewhere, not from this store
                rows = pa.concat_tables([rows, reported])
            outcome = self._station.tick(rows, now_us)
        if outcome.durable is not None:
            outcome.durable.result()
        return bool(outcome.warnings or outcome.log)

    def _set_progress(self, share: float) -> None:
        self._progress = share

    def note(self) -> None:
        """Somebody else has written in the logbook: let it be read again. In the event loop of the room."""
        self._tell_now("changed")

    async def _tell(self, *kinds: Literal["state", "changed", "beat"]) -> None:
        self._tell_now(*kinds)

    def _tell_now(self, *kinds: Literal["state", "changed", "beat"]) -> None:
        for kind in kinds:
            self._sequence += 1
            for queue in self._listeners:
                if queue.full():
                    with contextlib.suppress(asyncio.QueueEmpty):
                        queue.get_nowait()
                queue.put_nowait(Change(kind=kind, sequence=self._sequence))

    # --- looking ----------------------------------------------------------------------------------------------------

    def status(self) -> Status:
        return Status(
            mode=self._mode,
            phase=self._phase,
            progress=self._progress,
            time=iso(self._clock.now_us()),
            speed=self._speed,
            sequence=self._sequence,
        )

    def zones(self, language: str, at_us: int | None = None) -> list[ZoneView]:
        picture = self._picture(at_us)
        now_us = self._clock.now_us() if at_us is None else None
        return [] if picture is None else views.zone_views(self._station, picture, language, now_us)

    def sensors(self, language: str) -> list[SensorView]:
        return views.sensor_views(self._station, language, self._clock.now_us())

    def series(self, key: str, language: str, at_us: int | None = None, hours: float = 24.0) -> Series:
        station = self._station
        index = station.index(key)
        picture = station.picture if at_us is None else None
        model = station.model
        moment = self._clock.now_us() if at_us is None else at_us
        end = picture.end_us if picture is not None else model.tick_end_us(model.tick_of(moment) - 1)
        place = {station.place_ids[index]: index}
        states = station.store.read(lambda c: results.states(c, place, end - int(hours * HOUR_US), end))
        forecast = station.store.read(lambda c: results.forecast_at(c, station.place_ids[index], end))
        if forecast is not None and forecast.issued_us < end - model.tick_us:
            forecast = None
        taken = station.store.read(lambda c: records.decisions(c, end - int(hours * HOUR_US), moment))
        return views.series_view(station, index, language, states, forecast, taken)

    def warnings(self, language: str, at_us: int | None = None) -> list[WarningView]:
        moment = self._clock.now_us() if at_us is None else at_us
        found = self._station.store.read(lambda c: records.warnings(c, moment, moment - _SHOW_CLOSED_US))
        places = {warning.id: warning.place for warning in found}
        return [
            views.warning_view(self._station, warning, language, moment, places.get(warning.situation))
            for warning in in_order(found)
        ]

    def load(self) -> LoadView:
        return views.load_view(self._station, self._clock.now_us())

    def logbook(self, language: str, before: int | None = None, limit: int = 50) -> list[LogView]:
        entries = self._station.store.read(lambda c: records.log(c, before, limit))
        return [views.log_view(self._station, entry, language) for entry in entries]

    async def compare(self, subject: int | str, language: str, also: Sequence[str] = (), minutes: int = MINUTES) -> CompareView:
        in_turn = asyncio.get_running_loop().run_in_executor
        return await in_turn(self._one_by_one, self._compare, subject, language, also, minutes)

    def _compare(self, subject: int | str, language: str, also: Sequence[str], minutes: int) -> CompareView:
        warning = self._station.book.get(subject) if isinstance(subject, int) else None
        place = warning.place if warning is not None else str(subject)
        level = warning.level if warning is not None else _PLAIN_LEVEL
        id_ = None if warning is None else warning.id
        measures = to_compare(self.lab, () if warning is None else warning.measures, also)
        self._station.index(place)
        try:
            found = self._comparing.compare(place, measures, minutes)
        except RuimteError as error:
            return not_compared(self.lab, place, level, id_, measures, self._clock.now_us(), error, language)
        return compare_view(self.lab, found, place, level, id_, language)

    def get_ready_to_compare(self) -> None:
        """Compile what comparing measures needs, in a thread of its own that nothing waits for."""
        threading.Thread(target=self._comparing.warm_up, name="get ready to compare", daemon=True).start()

    def crowds(self, language: str) -> list[CrowdView]:
        return [] if self._tracking is None else self._tracking.views(language)

    def span(self) -> tuple[int, int]:
        now = self._clock.now_us()
        known = self._station.store.read(observations.span)
        return (now, now) if known is None else (min(known[0], now), now)

    def _picture(self, at_us: int | None) -> Picture | None:
        if at_us is None:
            return self._station.picture
        with self._looking_back:
            return self._station.picture_at(at_us)

    # --- acting -----------------------------------------------------------------------------------------------------

    async def acknowledge(self, warning: int, actor: Actor) -> None:
        def change(before: Warning, now_us: int) -> Warning | None:
            if before.phase != "open":
                return None  # two who acknowledge at once mean the same
            return msgspec.structs.replace(before, phase="acknowledged", acknowledged_by=actor.role, acknowledged_us=now_us)

        await self._act(warning, "acknowledged", actor, {}, change)

    async def decide(self, warning: int, actor: Actor, answer: str, note: str = "", before: str | None = None) -> None:
        if answer not in (*ANSWERS, *self.lab.measures):
            raise RuimteError("is not in the playbook", f"measure {answer!r}", "choose one that the warning proposes")

        def change(known: Warning, now_us: int) -> Warning:
            if known.decision != before:
                raise RuimteError("was answered by someone else", f"warning {warning}", "look at that answer first")
            return _seen(known, actor, now_us, decision=answer)

        if answer in ANSWERS:
            await self._act(warning, answer, actor, {"note": note}, change)
        else:
            body = {"note": note, "measure": answer, **await self._predicted(warning, answer)}
            await self._act(warning, "decided", actor, body, change)

    async def _predicted(self, warning: int, measure: str) -> dict[str, Any]:
        """What is predicted of a measure, for the logbook; nothing where that takes too long: a decision does not wait."""
        known = self._station.book.get(warning)
        found = self._comparing.last(measure, self._clock.now_us() - _STILL_HOLDS_TICKS * self._station.model.tick_us)
        if found is None and known.place in self.lab.zones and self.lab.measures[measure].action:
            in_turn = asyncio.get_running_loop().run_in_executor
            reckoning = in_turn(self._one_by_one, self._comparing.compare, known.place, (measure,))
            with contextlib.suppress(RuimteError, TimeoutError):
                async with asyncio.timeout(_DECISION_WAITS_S):
                    found = await reckoning
        if found is None or measure not in found.schedules:
            return {}
        return {"predicted": predicted(found, measure, known.place)}

    async def shelve(self, warning: int, actor: Actor, minutes: int, note: str = "") -> None:
        most = duration_us(self.lab.file.warn.shelve_most) // MINUTE_US
        if not 1 <= minutes <= most:
            raise RuimteError(f"cannot be put aside for {minutes} minutes", f"warning {warning}", f"choose 1 to {most} minutes")
        until_us = self._clock.now_us() + minutes * MINUTE_US

        def change(known: Warning, now_us: int) -> Warning:
            return _seen(known, actor, now_us, shelved_until_us=until_us)

        await self._act(warning, "shelved", actor, {"note": note, "until": until_us}, change)

    async def unshelve(self, warning: int, actor: Actor) -> None:
        def change(known: Warning, now_us: int) -> Warning | None:
            if known.shelved_until_us is None:
                return None
            return msgspec.structs.replace(known, phase="open", shelved_until_us=None, asked_us=now_us)

        await self._act(warning, "unshelved", actor, {}, change)

    async def forget_names(self, actor: Actor) -> int:
        count = await asyncio.to_thread(forget_names, self._station.store, self._clock.now_us(), actor.role)
        if count:
            await self._tell("changed")
        return count

    async def _act(self, id_: int, kind: str, actor: Actor, body: dict[str, Any], change: _Change) -> None:
        if await asyncio.to_thread(self._change, id_, kind, actor, body, change):
            await self._tell("changed")

    def _change(self, id_: int, kind: str, actor: Actor, body: dict[str, Any], change: _Change) -> bool:
        with self._lock:
            now = self._clock.now_us()
            before = self._station.book.get(id_)
            warning = change(before, now)
            if warning is None:
                return False
            self._station.book.replace(warning)
            book = msgspec.msgpack.encode(self._station.book)
            entry = LogEntry(
                lab_us=now,
                wall_us=SystemClock().now_us(),
                kind=kind,
                who=actor.role,
                place=warning.place,
                warning=id_,
                body={"level": warning.level} | body,
            )

            def work(connection: sqlite3.Connection) -> None:
                records.append_warning(connection, warning, now)
                self._station.on_step(connection, kind, warning, now)
                line = records.append_log(connection, entry)
                if actor.name != actor.role:
                    staff.keep_name(connection, line, actor.name, entry.wall_us + duration_us(self.lab.file.retention.staff))
                results.save_snapshot(connection, "warnings", now, book)

            try:
                self._station.store.write(work).result()
            except BaseException:
                self._station.book.replace(before)
                raise
        return True

    def _log(self, kind: str, now_us: int, **body: Any) -> None:
        entry = LogEntry(lab_us=now_us, wall_us=SystemClock().now_us(), kind=kind, who="system", body=body)
        self._station.store.write(lambda c: records.append_log(c, entry)).result()

    # --- writing down -----------------------------------------------------------------------------------------------

    async def write_note(self, actor: Actor, text: str, place: str | None = None) -> None:
        await asyncio.to_thread(self._keeper.note, actor, text, place)
        await self._tell("changed")

    async def write_act(self, actor: Actor, kind: str, body: dict[str, Any]) -> None:
        await asyncio.to_thread(self._keeper.act, actor, kind, body)
        await self._tell("changed")

    async def report_count(self, actor: Actor, place: str, low: float, high: float, note: str = "") -> None:
        await asyncio.to_thread(self._keeper.report, actor, place, low, high, note)
        await self._tell("changed")

    def log_file(self, kind: Literal["csv", "html"], language: str, from_us: int, until_us: int, notice: str = "") -> str:
        if kind == "csv":
            return reporting.log_csv(self.lab, self._station.store, language, from_us, until_us)
        return reporting.log_page(self.lab, self._station.store, language, from_us, until_us, notice)

    def after_action(self, language: str, from_us: int, until_us: int) -> str:
        return reporting.report_page(self.lab, self._station.model, self._station.store, language, from_us, until_us)

    # --- listening --------------------------------------------------------------------------------------------------

    def listen(self) -> asyncio.Queue[Change]:
        queue: asyncio.Queue[Change] = asyncio.Queue(_LISTENER_QUEUE)
        self._listeners.add(queue)
        return queue

    def unlisten(self, queue: asyncio.Queue[Change]) -> None:
        self._listeners.discard(queue)


def _seen(warning: Warning, actor: Actor, now_us: int, **changes: Any) -> Warning:
    """Who answers a warning has seen it."""
    first = now_us if warning.phase == "open" else warning.acknowledged_us
    return msgspec.structs.replace(warning, phase="acknowledged", acknowledged_by=actor.role, acknowledged_us=first, **changes)


def in_order(warnings: Iterable[Warning]) -> list[Warning]:
    """The most urgent situation first, in each the warning that came first; then what was put aside; closed ones at the end."""
    standing = [warning for warning in warnings if warning.phase != "closed" and warning.shelved_until_us is None]
    aside = [warning for warning in warnings if warning.phase != "closed" and warning.shelved_until_us is not None]
    closed = [warning for warning in warnings if warning.phase == "closed"]
    situations = sorted(by_situation(standing).values(), key=lambda each: min(_urgency(warning) for warning in each))
    return [
        *(warning for each in situations for warning in each),
        *sorted(aside, key=_urgency),
        *sorted(closed, key=lambda warning: -(warning.closed_us or 0)),
    ]


def _urgency(warning: Warning) -> tuple[int, int, int]:
    """Open ones first; then the highest priority, and what comes soonest."""
    return int(warning.phase == "acknowledged"), warning.priority, warning.expected_us


class StoreFeed:
    """A feed of what the store received, by whichever way it came in; nothing is missed and nothing told twice."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._last_us: int | None = None

    def __call__(self, now_us: int) -> pa.Table:
        if self._last_us is None:
            known = self._store.read(lambda c: results.snapshot(c, "estimate"))
            self._last_us = now_us if known is None else known[0]
        settle(self._store)
        last_us, self._last_us = self._last_us, max(self._last_us, now_us)  # a clock may be set back
        return self._store.read(lambda c: observations.received(c, last_us, now_us))


def settle(store: Store) -> None:
    """Wait until what the writer was handed is written: it stamps the receipt, so none of an earlier moment can follow."""
    store.write(lambda connection: None).result()

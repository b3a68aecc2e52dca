"""Live tracks in the node: frames come in, figures of places go out, each second. A track is known only while it is in view.

All work is done in one thread, so that the event loop answers meanwhile. What waits for it is bounded: where it cannot keep up,
whole frames are left out, and that is told.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from ruimte.clock import SECOND_US, Clock, SystemClock
from ruimte.intake.message import Frame, ImageFrame, Message
from ruimte.jobs.crowd_view import CrowdView
from ruimte.jobs.crowd_watch import CrowdWatch
from ruimte.jobs.track_views import Shown, Squares, crowd_view
from ruimte.jobs.tracked import Row, Tracked
from ruimte.lab.lab import Lab
from ruimte.lab.validity import TRACK_FIGURES, registered, validity_us
from ruimte.store import records
from ruimte.store.records import LogEntry
from ruimte.store.sqlite import Store
from ruimte.text import duration_us

_log = logging.getLogger(__name__)

Tell = Callable[[str, Sequence[Row]], Awaitable[None]]
"""Stores observations of a device's sensors."""

_WAIT_S = 0.25
_BEHIND_S = 2.0
"""Frames of so many seconds may wait."""
_LEAST_WAITING = 16
_STOP_S = 5.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    device: str
    frame: Frame | ImageFrame
    arrived_us: int


class Tracking:
    """What the devices with tracks of one lab see. ``take`` and ``views`` may be called from any thread."""

    def __init__(self, lab: Lab, store: Store, clock: Clock | None = None) -> None:
        """The store knows the lab's datastreams already. Raises ``RuimteError`` where a view cannot be."""
        self._lab, self._store, self._clock = lab, store, clock or SystemClock()
        streams, skew_us = store.stream_ids(), duration_us(lab.file.intake.clock_skew)
        with_ground = {key: device for key, device in lab.devices.items() if device.ground is not None}
        self._devices = {key: Tracked(lab, device, streams, skew_us) for key, device in with_ground.items()}
        self._shown = {
            key: Shown(Squares.of(each.grid, each.area.polygon, each.plane), tuple(each.told))
            for key, each in self._devices.items()
        }
        rates = [device.ground.rate_hz for device in with_ground.values() if device.ground is not None]
        self._watches: dict[str, CrowdWatch] = {}
        self._most = max(_LEAST_WAITING, round(_BEHIND_S * sum(rates)))
        self._waiting: deque[_Waiting] = deque()
        self._skipped = dict.fromkeys(self._devices, 0)
        self._disorder = dict.fromkeys(self._devices, 0)
        self._awake = threading.Condition()
        self._stopped = False
        self._ready = False
        self._refused: set[str] = set()
        self._looked_us = -SECOND_US
        self._failed: set[str] = set()

    @property
    def ready(self) -> bool:
        """Whether all is compiled that a frame needs."""
        return self._ready

    # --- from outside -----------------------------------------------------------------------------------------------

    def take(self, device: str, message: Message) -> None:
        """The frames of a message; of a device without a place on the map they are dropped."""
        if device not in self._devices or not self._ready:
            return
        arrived_us = self._clock.now_us()
        with self._awake:
            frames: list[Frame | ImageFrame] = [*message.frames, *message.image_frames]
            for frame in frames:
                if len(self._waiting) >= self._most:
                    self._skipped[self._waiting.popleft().device] += 1
                self._waiting.append(_Waiting(device, frame, arrived_us))
            self._awake.notify()

    def views(self, language: str) -> list[CrowdView]:
        """What each device sees now, in the reader's language."""
        return [self._view(key, language) for key in self._devices]

    def _view(self, key: str, language: str) -> CrowdView:
        shown = self._shown[key]
        seen = crowd_view(self._lab, self._lab.devices[key], shown, language, self._clock.now_us(), ready=self._ready)
        watch = self._watches.get(key)
        if watch is None:
            return seen
        return msgspec.structs.replace(seen, indicators=watch.indicators(language), distancing=watch.distancing(language))

    async def run(self, tell: Tell) -> None:
        """Until cancelled. ``tell`` is called in this event loop."""
        if not self._devices:
            return
        loop = asyncio.get_running_loop()

        def told(device: str, rows: Sequence[Row]) -> None:
            asyncio.run_coroutine_threadsafe(_store(tell, device, rows), loop)

        thread = threading.Thread(target=self._run, args=(told,), name="tracks", daemon=True)
        self._stopped = False
        thread.start()
        try:
            await asyncio.Event().wait()
        finally:
            self.stop()
            await asyncio.to_thread(thread.join, _STOP_S)

    def stop(self) -> None:
        """Let the thread end soon, and forget all tracks."""
        with self._awake:
            self._stopped = True
            self._ready = False
            self._waiting.clear()
            self._awake.notify()

    # --- in the thread ----------------------------------------------------------------------------------------------

    def _run(self, told: Callable[[str, Sequence[Row]], None]) -> None:
        try:
            self._measure(told)
        except Exception as error:  # the control room goes on; nothing of a track may get into a log
            self._ready = False
            _log.error("tracks are not measured any more: %s", type(error).__name__)

    def _measure(self, told: Callable[[str, Sequence[Row]], None]) -> None:
        self.warm_up()
        while not self._stopped:
            with self._awake:
                if not self._waiting and not self._stopped:
                    self._awake.wait(_WAIT_S)
                waiting = self._waiting.popleft() if self._waiting else None
            for device, rows in self.step(waiting).items():
                told(device, rows)
        self._watches.clear()
        for tracked in self._devices.values():
            tracked.forget()

    def warm_up(self) -> None:
        """Compile what the first frames would wait for: a minute on a machine that has never done it."""
        for tracked in self._devices.values():
            tracked.warm_up()
        self._look_at_register(self._clock.now_us())
        self._ready = True

    def work_off(self) -> dict[str, list[Row]]:
        """All that waits, and the end of seconds, now and here; the observations by device."""
        found: dict[str, list[Row]] = {key: [] for key in self._devices}
        while True:
            with self._awake:
                waiting = self._waiting.popleft() if self._waiting else None
            for device, rows in self.step(waiting).items():
                found[device] += rows
            if waiting is None:
                return found

    def step(self, waiting: _Waiting | None) -> dict[str, list[Row]]:
        """One frame, or a look at the time; the observations by device."""
        now_us = self._clock.now_us()
        if abs(now_us - self._looked_us) >= SECOND_US:
            self._looked_us = now_us
            self._look_at_register(now_us)
        found = {}
        for key in self._devices if waiting is None else (waiting.device,):
            if key in self._refused:
                continue
            try:
                rows = self._step(key, waiting, now_us)
            except Exception as error:  # of one device: the others go on, and nothing of a track may get into a log
                self._fail(key, error, now_us)
                continue
            if rows:
                found[key] = rows
        return found

    def _step(self, key: str, waiting: _Waiting | None, now_us: int) -> list[Row]:
        tracked = self._devices[key]
        newest = tracked.recent[-1] if tracked.recent else None
        used = tracked.wait_is_over(now_us) if waiting is None else tracked.take(waiting.frame, waiting.arrived_us)
        for frame in used:
            self._watches[key].take(frame.number, frame.who, frame.x_m, frame.y_m)
        if (tracked.recent[-1] if tracked.recent else None) is not newest or self._shown[key].dropped != tracked.dropped:
            self._show(key, tracked)
        return tracked.rows(now_us)

    def _show(self, key: str, tracked: Tracked) -> None:
        shown = self._shown[key]
        skipped, self._skipped[key] = self._skipped[key], 0
        came = tracked.order.late + tracked.order.doubled
        disorder, self._disorder[key] = came - self._disorder[key], came
        self._shown[key] = replace(
            shown,
            seconds=tuple(tracked.recent),
            dropped=tracked.dropped,
            skipped=skipped,
            disorder=disorder,
            off=False,
        )

    def _look_at_register(self, now_us: int) -> None:
        """What the register does not allow at this moment does not run; the logbook is told once."""
        allowed = registered(self._lab, TRACK_FIGURES, now_us)
        refused = set()
        for key, tracked in self._devices.items():
            valid = (validity_us(each.sensor, self._lab.zone) for each in tracked.told)
            if not allowed or not any(from_us <= now_us < until_us for from_us, until_us in valid):
                refused.add(key)
        new = refused - self._refused
        if new and not allowed:
            self._write_log("not-run", now_us, algorithm=TRACK_FIGURES)
        elif new:
            for key in sorted(new):
                self._write_log("tracks-sensors-off", now_us, device=key)
        for key in new:
            self._devices[key].forget()
            self._devices[key].recent.clear()
            self._watches.pop(key, None)
            self._shown[key] = replace(self._shown[key], seconds=(), off=True)
        for key in self._refused - refused:
            self._shown[key] = replace(self._shown[key], off=False)
        self._refused = refused
        for key in self._devices.keys() - refused:
            if key in self._watches:
                self._watches[key].check()
            else:
                self._begin_to_watch(key)

    def _begin_to_watch(self, key: str) -> None:
        device, area = self._devices[key].device, self._devices[key].area
        assert device.ground is not None
        watch = CrowdWatch(self._lab, device, area, device.ground.rate_hz, SystemClock().now_us, self._say)
        watch.warm_up()
        self._watches[key] = watch

    def _say(self, kind: str, body: dict[str, Any]) -> None:
        self._write_log(kind, self._clock.now_us(), **body)

    def _fail(self, key: str, error: Exception, now_us: int) -> None:
        self._devices[key].forget()
        if key not in self._failed:  # once is enough to look for it
            self._failed.add(key)
            _log.error("figures from tracks of device %s failed: %s", key, type(error).__name__)
            self._write_log("tracks-failed", now_us, device=key, error=type(error).__name__)

    def _write_log(self, kind: str, now_us: int, **body: Any) -> None:
        entry = LogEntry(lab_us=now_us, wall_us=SystemClock().now_us(), kind=kind, who="system", body=dict(body))
        self._store.write(lambda connection: records.append_log(connection, entry))


async def _store(tell: Tell, device: str, rows: Sequence[Row]) -> None:
    try:
        await tell(device, rows)
    except Exception as error:
        _log.error("figures from tracks of device %s could not be stored: %s", device, error)

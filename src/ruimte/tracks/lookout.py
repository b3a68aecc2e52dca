"""Danger indicators live: the last seconds of a crowd in memory, looked at now and again.

Of the frames that come in some two a second are kept, for a dozen seconds, so that memory and work have a bound whatever the
sensor's rate; velocities are reckoned between those. Pressure and congestion are of these; of a minute and a half, which the
oscillation needs, only the crowd's mean velocity is kept. The figures are those of ``crowd_pressure``, ``congestion_level`` and
``collective_oscillation``. A track's number is forgotten with the frames that it is in.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from ruimte.errors import RuimteError
from ruimte.tracks.area import Area
from ruimte.tracks.congestion import congestion_level
from ruimte.tracks.danger import Indicator, Parameter
from ruimte.tracks.frames import Frames, cut_at_gaps, frames_of, in_slots, one_frame
from ruimte.tracks.motion import Motion, motion
from ruimte.tracks.oscillation import WINDOW_S, Sway, oscillation_of, sway_of
from ruimte.tracks.pressure import crowd_pressure
from ruimte.tracks.profiles import grid_over

Array = NDArray[np.float64]
Index = NDArray[np.int64]

SLOTS_HZ = 2.0
"""So many frames a second are kept: a velocity is over two of them, a second, in which the errors of positions weigh little."""
LEAST_HZ = 1.0
"""With fewer frames a second than this there are no velocities of which an indicator could be made."""
WINDOW_OF_FIELD_S = 10.0
RADIUS_M = 1.0
SQUARE_M = 0.5
LEAST_SHARE = 0.05
"""The rotation is to be known of so much of the area; not of more, for a jam before a door is a small part of what is seen."""
EVERY_S = 5.0
"""How often is looked; in between the figures stay as they are."""

_LOST = 2
"""A track that is not seen for more slots than this is cut: a second."""
_MOST_ROWS = 500_000
"""Positions in memory, 12 MB; beyond these the oldest go, and the window is too short."""
_MOST_SQUARES = 40_000
"""A larger area has larger squares."""


@dataclass(frozen=True, slots=True)
class Indicators:
    """The indicators of a place: crowd pressure, congestion level, crowd danger, collective oscillation."""

    pressure: Indicator
    congestion: Indicator
    danger: Indicator
    oscillation: Indicator


@dataclass(frozen=True, slots=True)
class _Kept:
    """A frame, its people in order of their numbers."""

    number: int
    person: Index
    x_m: Array
    y_m: Array


class Lookout:
    """Danger indicators of one area, from frames as they come in.

    Args:
        area: where people walk; who is elsewhere does not count.
        rate_hz: frames a second.
        error_m: how far a position may be off; it is told beside the figures.

    >>> from ruimte.tracks.area import walkable_area
    >>> lookout = Lookout(walkable_area([(0, 0), (10, 0), (10, 10), (0, 10)]), rate_hz=10)
    >>> lookout.take(0, [1, 2], [1.0, 3.0], [1.0, 3.0])
    False
    >>> lookout.told.pressure.unknown
    'short window'
    """

    def __init__(self, area: Area, rate_hz: float, error_m: float | None = None) -> None:
        if not (math.isfinite(rate_hz) and rate_hz > 0):
            raise RuimteError(f"{rate_hz} frames a second", "danger indicators", "give the sensor's frame rate in 1/s")
        self._area, self._rate_hz, self.error_m = area, float(rate_hz), error_m
        self._every = max(round(rate_hz / SLOTS_HZ), 1)
        self._slots_hz = self._rate_hz / self._every
        west, south, east, north = area.bounds
        self._grid = grid_over(area, max(SQUARE_M, math.sqrt((east - west) * (north - south) / _MOST_SQUARES)))
        self._in_window = max(round(WINDOW_OF_FIELD_S * self._slots_hz), 1)
        self._kept: deque[_Kept] = deque()
        self._rows = 0
        self._sway = Sway(np.zeros(0, np.complex128), np.zeros(0))
        self._swayed: int | None = None
        self._look_at: int | None = None
        shapely.prepare(area.polygon)
        nobody = frames_of([], [], [], [], max(self._slots_hz, LEAST_HZ))
        self.told = self._told(nobody, motion(nobody, 1), None, ())

    @property
    def too_slow(self) -> bool:
        """Whether so few frames come that nothing can be told."""
        return self._rate_hz < LEAST_HZ

    @property
    def in_memory(self) -> int:
        """Positions in memory."""
        return self._rows

    def warm_up(self) -> None:
        """Compile now what the first look would wait for."""
        west, south, east, north = self._area.bounds
        other = Lookout(self._area, SLOTS_HZ)
        for number in range(self._in_window + 3):
            other.take(number, [1, 2], [west, east], [south, north])
        other.look()

    def take(self, number: int, person: ArrayLike, x_m: ArrayLike, y_m: ArrayLike) -> bool:
        """Take in frame ``number``: tracks (people,), at ``x_m``, ``y_m``, NaN where that is not known. Frames may be missing.

        Returns whether it was time to look, and ``told`` is new. Raises ``RuimteError`` where the frame is not later than the
        last one, somebody is in it twice, columns differ in length, or numbers are no whole ones; nothing of it is kept then.
        """
        frame = _Kept(*one_frame(number, person, x_m, y_m))
        slot = frame.number // self._every
        if self._kept and frame.number <= self._kept[-1].number:
            raise RuimteError(f"frame {number} after frame {self._kept[-1].number}", "tracks", "send frames in order, each once")
        if self.too_slow or (self._kept and slot == self._kept[-1].number // self._every):
            return False
        inside = self.within(frame.x_m, frame.y_m)
        frame = _Kept(frame.number, frame.person[inside], frame.x_m[inside], frame.y_m[inside])
        self._kept.append(frame)
        self._rows += len(frame.person)
        oldest = slot - self._in_window - 2 * _LOST - round(EVERY_S * self._slots_hz)
        while self._kept[0].number // self._every < oldest or self._rows > _MOST_ROWS:
            self._rows -= len(self._kept.popleft().person)
            if not self._kept:
                return False
        due = self._look_at is not None and slot >= self._look_at
        if due:
            self.look()
        if due or self._look_at is None:
            self._look_at = slot + max(round(EVERY_S * self._slots_hz), 1)
        return due

    def within(self, x_m: Array, y_m: Array) -> NDArray[np.bool_]:
        """Who is in the area (people,)."""
        inside: NDArray[np.bool_] = shapely.contains_xy(self._area.polygon, x_m, y_m)
        return inside

    def look(self) -> None:
        """Reckon the indicators of what is in memory."""
        if not self._kept:
            return
        slots = [each.number // self._every for each in self._kept]
        frames, moves = self._velocities(slots[0], slots[-1])
        # who is in the last slots may be seen once more soon: only then is their velocity known
        until = slots[-1] - _LOST
        missing = np.setdiff1d(np.arange(slots[0], slots[-1] + 1), slots)
        if until < slots[0]:
            return
        self._add_sway(frames, moves, until, missing)
        self.told = self._told(frames, moves, until, missing)

    def _velocities(self, first: int, last: int) -> tuple[Frames, Motion]:
        """What is in memory by slot; the velocities are over the true time between the frames that were kept."""
        person, x, y = (np.concatenate([getattr(each, name) for each in self._kept]) for name in ("person", "x_m", "y_m"))
        number = np.repeat([each.number for each in self._kept], [len(each.person) for each in self._kept])
        seen = cut_at_gaps(frames_of(person, number, x, y, self._rate_hz), _LOST * self._every)
        return in_slots(seen, self._every, first, last), motion(seen, 1)

    def _add_sway(self, frames: Frames, moves: Motion, until: int, missing: Index) -> None:
        """Go on with the crowd's mean velocity up to a slot."""
        begin = frames.first if self._swayed is None else self._swayed + 1
        gap = min(max(frames.first - begin, 0), round(WINDOW_S * self._slots_hz))
        begin = max(begin, frames.first)
        new = sway_of(frames, moves, self._area, begin - frames.first, until - frames.first + 1, missing)
        none = np.full(gap, np.nan)
        most = round(WINDOW_S * self._slots_hz)
        self._sway = Sway(
            np.concatenate([self._sway.velocity, none, new.velocity])[-most:],
            np.concatenate([self._sway.people, none, new.people])[-most:],
        )
        self._swayed = until

    def _told(self, frames: Frames, moves: Motion, until: int | None, missing: ArrayLike) -> Indicators:
        window_s, area_m2 = WINDOW_OF_FIELD_S, self._area.area_m2
        pressure = crowd_pressure(
            frames, moves, self._grid, radius_m=RADIUS_M, window_s=window_s, until_frame=until, missing=missing
        )
        level = congestion_level(
            frames,
            moves,
            self._grid,
            window_s=window_s,
            until_frame=until,
            missing=missing,
            area_m2=area_m2,
            least_share=LEAST_SHARE,
        )
        sway = oscillation_of(self._sway, frames.rate_hz, area_m2)
        return self._beside(Indicators(pressure.indicator, level.level, level.danger, sway.indicator))

    def _beside(self, found: Indicators) -> Indicators:
        """With what the figures depend on beside their own parameters: how velocities were measured, of which positions."""
        more = [Parameter("time of a velocity", 2 / self._slots_hz, "s"), Parameter("frames used a second", self._slots_hz, "")]
        if self.error_m is not None:
            more.append(Parameter("error of a position", self.error_m, "m"))
        return Indicators(
            *(
                replace(each, parameters=(*each.parameters, *more))
                for each in (found.pressure, found.congestion, found.danger, found.oscillation)
            )
        )

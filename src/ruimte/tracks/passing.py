"""Who passes gates, live: as ``flow.crossings`` tells of a recording, frame by frame. A track is forgotten once it is lost."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ruimte.compiled import compiled_aside
from ruimte.tracks.flow import step
from ruimte.tracks.gates import Gates
from ruimte.tracks.motion import MOST_M_S

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Passed:
    """One row a crossing: the ``gate``, the ``row`` of the frame, and the ``way``: 1 forward, -1 back."""

    gate: Index
    row: Index
    way: Index


class Passing:
    """Counts who passes gates. A track that was away for longer than ``lost_s`` is another one when it comes back."""

    def __init__(self, gates: Gates, lost_s: float) -> None:
        self._line, self._lost_s = gates.line, lost_s
        self.forget()

    def forget(self) -> None:
        """All tracks are over, as after a start of the sensor."""
        self._who, self._x, self._y, self._s = np.zeros(0, np.int64), np.zeros(0), np.zeros(0), np.zeros(0)
        self._came = np.zeros((0, len(self._line)), np.int64)

    def __len__(self) -> int:
        """How many tracks are known."""
        return len(self._who)

    def take(self, time_s: float, who: Index, x_m: Array, y_m: Array) -> Passed:
        """The crossings that end in a frame, which is later than the one before; nobody is in it twice."""
        was = np.searchsorted(self._who, who)
        known = np.zeros(len(who), np.bool_)
        if len(self._who):
            near = np.minimum(was, len(self._who) - 1)
            known = (self._who[near] == who) & (time_s - self._s[near] <= self._lost_s)
        was = np.where(known, was, -1)
        came = np.zeros((len(who), len(self._line)), np.int64)
        gate, row, way, count = _pass(was, self._x, self._y, self._s, self._came, time_s, x_m, y_m, self._line, came)
        self._remember(time_s, who, x_m, y_m, came)
        return Passed(gate[:count], row[:count], way[:count])

    def _remember(self, time_s: float, who: Index, x_m: Array, y_m: Array, came: Index) -> None:
        away = ~np.isin(self._who, who) & (time_s - self._s <= self._lost_s)
        every = np.concatenate([self._who[away], who])
        order = np.argsort(every, kind="stable")
        self._who = every[order]
        self._x, self._y = (np.concatenate([a[away], b])[order] for a, b in ((self._x, x_m), (self._y, y_m)))
        self._s = np.concatenate([self._s[away], np.full(len(who), time_s)])[order]
        self._came = np.concatenate([self._came[away], came])[order]


@compiled_aside
def _pass(
    was: Index, px: Array, py: Array, seen_s: Array, before: Index, time_s: float, x: Array, y: Array, line: Array, came: Index
) -> tuple[Index, Index, Index, int]:
    """Gate, row and way of each crossing, and how many there are; ``was`` is where each row stood before, -1: nowhere."""
    most = len(x) * len(line)
    gate, row, way = np.zeros(most, np.int64), np.zeros(most, np.int64), np.zeros(most, np.int64)
    count = 0
    for i in range(len(x)):
        k = was[i]
        for g in range(len(line)):
            if k < 0:
                step_way, came[i, g] = step(math.nan, math.nan, 0, x[i], y[i], 0.0, line, g)
            else:
                most_m = MOST_M_S * (time_s - seen_s[k])
                step_way, came[i, g] = step(px[k], py[k], before[k, g], x[i], y[i], most_m, line, g)
            if step_way != 0:
                gate[count], row[count], way[count] = g, i, step_way
                count += 1
    return gate, row, way, count

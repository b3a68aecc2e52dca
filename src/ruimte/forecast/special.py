"""What special days were like: how a city's holidays, and the days around them, compared with the usual, hour by hour.

Christmas Day is like no other Wednesday, but much like the last Christmas Day. Of each special day that has been, the city's
log-ratio of the counts to the usual is kept by hour; earlier ones fade.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ruimte.forecast.past import DAY_H, Past
from ruimte.forecast.usual import level_of, log_ratio, usual_of

Array = NDArray[np.float64]

FADE = 0.6
"""Each occurrence counts so many times the one after it."""
WAIT_DAYS = 30
"""A day is remembered for the next year, not for itself: only after so many days."""


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """One special day that has been: its local day number, its name, and the city's log-ratio to the usual by hour, (24,)."""

    day: int
    name: str
    ratio: Array


@dataclass(frozen=True, slots=True)
class Memory:
    """Of each name of a special day: the faded mean of its log-ratios by hour, shape (24,), and how much it rests on, (24,)."""

    ratios: Mapping[str, tuple[Array, Array]]

    def of(self, name: str) -> tuple[Array, Array]:
        """Log-ratio by hour (NaN where nothing is known) and its weight (0 there)."""
        return self.ratios.get(name, _NOTHING)


_NOTHING = (np.full(DAY_H, np.nan), np.zeros(DAY_H))


def special_days(past: Past, shape: Array) -> list[SpecialDay]:
    """The special days in a long past of whole hours that starts and ends at midnight.

    Each is compared with what was usual by then. Days before there is any usual are left out.
    """
    found = []
    count = past.values.shape[1] // DAY_H
    for number in range(1, count):
        begin = number * DAY_H
        index = int(past.days.index(np.array([round(past.end_h) - past.values.shape[1] + begin]))[0])
        name = past.days.special[index]
        if not name:
            continue
        before = replace(past, values=past.values[:, :begin], end_h=past.end_h - past.values.shape[1] + begin)
        hours = np.arange(1, DAY_H + 1)
        usual = usual_of(before, hours, shape, level_of(before, shape)).value
        actual = past.values[:, begin : begin + DAY_H]
        both = ~np.isnan(usual) & ~np.isnan(actual)
        city = np.where(both, actual, 0).sum(axis=0), np.where(both, usual, 0).sum(axis=0)
        ratio = np.where(city[1] > 0, log_ratio(*city), np.nan)
        if not np.isnan(ratio).all():
            found.append(SpecialDay(past.days.first + index, name, ratio))
    return found


def memory_of(days: list[SpecialDay], before: int) -> Memory:
    """What is remembered of special days ``WAIT_DAYS`` or more before local day number ``before``."""
    ratios: dict[str, tuple[Array, Array]] = {}
    for each in days:
        if each.day > before - WAIT_DAYS:
            continue
        mean, weight = ratios.get(each.name, (np.zeros(DAY_H), np.zeros(DAY_H)))
        known = ~np.isnan(each.ratio)
        new = np.where(known, FADE * weight + 1, weight)
        total = np.where(known, FADE * weight * np.nan_to_num(mean) + np.nan_to_num(each.ratio), weight * np.nan_to_num(mean))
        ratios[each.name] = (np.where(new > 0, total / np.where(new > 0, new, 1.0), np.nan), new)
    return Memory(ratios)

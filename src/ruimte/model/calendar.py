"""Which days are unlike others: public holidays by name, the days around them, school holidays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

EPOCH = date(1970, 1, 1)
FAR = 10
"""Days to and from a holiday are counted up to so many."""
_TURN_OF_THE_YEAR = ((12, 22), (1, 6))


@dataclass(frozen=True, slots=True)
class Calendar:
    """Public holidays by date, with their names, and school holidays as (first, last) days; all local."""

    holidays: Mapping[date, str]
    school: tuple[tuple[date, date], ...] = ()


NO_CALENDAR = Calendar({})


@dataclass(frozen=True, slots=True)
class Days:
    """The days of a calendar as arrays, from local day number ``first`` (days since 1970-01-01) on.

    ``holiday``: public holidays. ``special``: name of what is special about a day ("Easter Monday", "after Easter Monday",
    "12-27"), empty for a day like others. ``ahead`` and ``back``: days to the next and from the last public holiday, at most
    ``FAR``. ``school``: school holidays.
    """

    first: int
    holiday: NDArray[np.bool_]
    special: tuple[str, ...]
    ahead: Ints
    back: Ints
    school: NDArray[np.bool_]

    def index(self, hours: Ints) -> Ints:
        """Index of the day of each local hour (hours since 1970-01-01T00:00); days outside are the first or the last."""
        return np.clip(hours // 24 - self.first, 0, len(self.holiday) - 1)


def days_of(calendar: Calendar, first: int, last: int) -> Days:
    """The days from number ``first`` to ``last``.

    >>> days = days_of(Calendar({date(2024, 12, 25): "Christmas Day"}), 20_080, 20_084)
    >>> days.special[1:4]
    ('12-24', 'Christmas Day', '12-26')
    >>> days.ahead.tolist(), days.back.tolist()
    ([2, 1, 0, 10, 10], [10, 10, 0, 1, 2])
    """
    dates = [EPOCH + timedelta(number) for number in range(first, last + 1)]
    holiday = np.array([day in calendar.holidays for day in dates])
    wide = np.array([day in calendar.holidays for day in _around(dates)])
    distance = np.arange(len(wide))
    at = np.where(wide, distance, -FAR)
    back = np.minimum(distance - np.maximum.accumulate(at), FAR)[FAR:-FAR]
    at = np.where(wide, distance, len(wide) + FAR)
    ahead = np.minimum(np.minimum.accumulate(at[::-1])[::-1] - distance, FAR)[FAR:-FAR]
    school = np.zeros(len(dates), dtype=bool)
    for begin, end in calendar.school:
        low, high = (begin - EPOCH).days - first, (end - EPOCH).days - first
        school[max(low, 0) : max(high + 1, 0)] = True
    return Days(first, holiday, tuple(_special(day, calendar.holidays) for day in dates), ahead, back, school)


def _around(dates: list[date]) -> list[date]:
    before = [dates[0] - timedelta(number) for number in range(FAR, 0, -1)]
    return [*before, *dates, *(dates[-1] + timedelta(number) for number in range(1, FAR + 1))]


def _special(day: date, holidays: Mapping[date, str]) -> str:
    if day in holidays:
        return holidays[day]
    if (day.month, day.day) >= _TURN_OF_THE_YEAR[0] or (day.month, day.day) <= _TURN_OF_THE_YEAR[1]:
        return f"{day.month}-{day.day}"
    for offset, word in ((1, "before"), (-1, "after"), (2, "two days before")):
        if (name := holidays.get(day + timedelta(offset))) is not None:
            return f"{word} {name}"
    return ""

"""From ticks in UTC to blocks on the wall's clock, and from blocks ahead back to ticks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ruimte.clock import DAY_US, HOUR_US
from ruimte.forecast.past import PAST_DAYS, Past
from ruimte.forecast.usual import known_mean
from ruimte.model.calendar import Days, days_of
from ruimte.model.place import Model

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_KNOWN = 0.5
"""From so large a share of its ticks known, a block is."""
_YEAR_DAYS = 366


@dataclass(frozen=True, slots=True)
class Ahead:
    """Blocks ahead of a moment: the tick with which each ends, blocks ahead by the wall's clock, and hours that will have
    passed.
    """

    ticks: Ints
    wall: Ints
    elapsed_h: Array


class Blocks:
    """How a lab's ticks become blocks; ``scale`` turns a place's quantity into what people count: persons, or persons/h."""

    def __init__(self, model: Model, per_day: int) -> None:
        self.model = model
        self.per_day = per_day
        self.ticks = DAY_US // model.tick_us // per_day
        self.scale = np.array([1.0 if place.quantity == "people" else 3600.0 for place in model.places])
        said = [np.nan if place.typical is None else place.typical for place in model.places]
        self._typical = np.array(said, dtype=np.float64)
        self._days: Days | None = None

    def past(self, values: Array, tick: int, *, whole: bool = False) -> Past:
        """The past at the end of a tick; ``values`` (places, ticks) in the places' own quantity, the last column is that tick.

        Of the last ``PAST_DAYS``, or of all of them (``whole``).

        An hour that comes twice in autumn is one block, the mean of both; the one that does not exist in spring is not known.
        """
        longest = values.shape[1] if whole else PAST_DAYS * self.per_day * self.ticks
        ticks = tick + np.arange(1 - min(values.shape[1], longest), 1)
        values = np.maximum(values[:, values.shape[1] - len(ticks) :], 0.0) * self.scale[:, None]
        position = self._position(ticks)
        if (np.diff(position) != 1).any():
            values = _placed(values, position - position[0])
        count = values.shape[1] // self.ticks
        if self.ticks > 1:
            parts = values[:, values.shape[1] - count * self.ticks :].reshape(len(values), count, self.ticks)
            enough = (~np.isnan(parts)).mean(axis=-1) >= LEAST_KNOWN
            values = np.where(enough, known_mean(parts, -1), np.nan)
        return Past(values, self.wall_end_h(tick), self.per_day, self.days(tick), self._typical)

    def ahead(self, tick: int, count: int) -> Ahead:
        """The next ``count`` blocks after a tick."""
        steps = np.arange(1, count + 1)
        ticks = tick + steps * self.ticks
        moved = self._position(ticks) - self._position(np.array([tick]))
        # a block in the hour that comes again is not the one before it
        wall = np.maximum(np.rint(moved / self.ticks).astype(np.int64), 1)
        return Ahead(ticks, wall, (steps * (24.0 / self.per_day)).astype(np.float64))

    def means(self, values: Array, tick: int, ends: Ints) -> Array:
        """Mean over the blocks that end with the ticks ``ends`` (any shape), of ``values`` as of ``past``, shape (places,
        *ends.shape).

        NaN where less than half is known, or the block has not ended at ``tick``.
        """
        column = values.shape[1] - 1 + ends[..., None] - tick - np.arange(self.ticks)
        there = (column >= 0) & (ends <= tick)[..., None]
        parts = np.where(there, values[:, np.clip(column, 0, values.shape[1] - 1)], np.nan)
        enough = (~np.isnan(parts)).mean(axis=-1) >= LEAST_KNOWN
        scale = self.scale.reshape(-1, *[1] * ends.ndim)
        return np.asarray(np.where(enough, np.maximum(known_mean(parts, -1), 0.0), np.nan) * scale)

    def days(self, tick: int) -> Days:
        """The calendar around a tick."""
        today = self._wall_us(tick) // DAY_US
        if self._days is None or not (self._days.first + PAST_DAYS + 20 < today < self._days.first + _YEAR_DAYS):
            self._days = days_of(self.model.calendar, int(today) - PAST_DAYS - 60, int(today) + _YEAR_DAYS)
        return self._days

    def days_from(self, first: int, tick: int) -> Days:
        """The calendar from before local day ``first`` to well after a tick."""
        return days_of(self.model.calendar, first - PAST_DAYS - 20, int(self._wall_us(tick) // DAY_US) + 20)

    def wall_end_h(self, tick: int) -> float:
        """Local wall time at the end of a tick, hours since 1970-01-01T00:00."""
        return (self._wall_us(tick) + self.model.tick_us) / HOUR_US

    def _wall_us(self, tick: int) -> int:
        start_us = self.model.phase_us + tick * self.model.tick_us
        return start_us + int(self.model.utc_offset_us(np.array([start_us]))[0])

    def _position(self, ticks: Ints) -> Ints:
        return ticks + self.model.local_shift(ticks)


def _placed(values: Array, position: Ints) -> Array:
    """Values at their places on the wall's clock, up to the newest: the mean of those that share one, NaN where there is none.

    Within the hour that comes again in autumn some lie before the oldest or after the newest of them: those are left out.
    """
    width = int(position[-1]) + 1
    within = (position >= 0) & (position < width)
    values, position = values[:, within], position[within]
    total, count = np.zeros((width, len(values))), np.zeros((width, len(values)))
    np.add.at(total, position, np.nan_to_num(values).T)
    np.add.at(count, position, (~np.isnan(values)).T.astype(float))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).T

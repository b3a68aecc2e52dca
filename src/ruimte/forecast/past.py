"""What is known of all places at one moment: blocks of an hour or a quarter of an hour, on the wall's clock.

Everything that a forecast looks at comes through a ``Past``. It ends at the moment of issue, so a forecast cannot look ahead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ruimte.model.calendar import Days

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

DAY_H = 24
WEEK_DAYS = 7
PAST_DAYS = 63
"""So much of the past is looked at: eight weeks before a week ahead."""


@dataclass(frozen=True, slots=True)
class Past:
    """Blocks of equal length that end at one moment.

    ``values``: shape (places, blocks), the mean over each block in a unit that counts people (persons, or persons/h), oldest
    first, NaN where it is not known. ``end_h``: local wall time at the end of the newest block, hours since 1970-01-01T00:00.
    ``per_day``: blocks a day, 24 or 96. ``days``: the calendar, from before the oldest block to after the last one forecast.
    ``typical``: what an average hour of each place holds, as somebody who knows it says, (places,); NaN where nobody does.
    """

    values: Array
    end_h: float
    per_day: int
    days: Days
    typical: Array | None = None

    @property
    def week(self) -> int:
        """Blocks a week."""
        return WEEK_DAYS * self.per_day

    def start_h(self, ahead: Ints) -> Array:
        """Local hour at which the block that ends ``ahead`` blocks after the moment starts (0: the newest one), same shape."""
        return np.asarray(self.end_h + (ahead - 1) * (DAY_H / self.per_day))

    def day_index(self, ahead: Ints) -> Ints:
        """Index in ``days`` of the day on which each block starts."""
        return self.days.index(np.floor(self.start_h(ahead) + 1e-9).astype(np.int64))

    def at(self, ahead: Ints) -> Array:
        """Values of the blocks that end ``ahead`` (0 or less) blocks from the moment, shape (places, *ahead.shape).

        NaN for what lies ahead of the moment or before what is known: nothing that is asked for can come from the future.
        """
        newest = self.values.shape[1] - 1
        column = newest + ahead
        there = (column >= 0) & (ahead <= 0)
        return np.where(there, self.values[:, np.clip(column, 0, newest)], np.nan)

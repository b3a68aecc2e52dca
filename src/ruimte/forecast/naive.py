"""Forecasts that need no learning: what a learned one has to beat, and what it gives way to when the world changes overnight.

All take a ``Past`` and blocks ahead by the wall's clock, and give shape (places, blocks), NaN where they know nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ruimte.forecast.median import known_median
from ruimte.forecast.past import Past
from ruimte.forecast.usual import known_mean

Array = NDArray[np.float64]
Ints = NDArray[np.int64]


def last_week(past: Past, ahead: Ints) -> Array:
    """The same time last week (seasonal naive); from a week ahead on, of the week before that."""
    return past.at(ahead - past.week * (-(-ahead // past.week)))


def last_day(past: Past, ahead: Ints) -> Array:
    """The same time on the last day that is known."""
    return past.at(ahead - past.per_day * (-(-ahead // past.per_day)))


def mean_4_weeks(past: Past, ahead: Ints) -> Array:
    """Mean of the same weekday and time over the last four weeks."""
    return known_mean(_weeks(past, ahead, 4), -1)


def median_4_weeks(past: Past, ahead: Ints) -> Array:
    """Median of the same weekday and time over the last four weeks."""
    return known_median(_weeks(past, ahead, 4))


def persistence(past: Past, ahead: Ints) -> Array:
    """The newest block, for ever."""
    return np.repeat(past.at(np.array([0])), len(ahead), axis=1)


def _weeks(past: Past, ahead: Ints, count: int) -> Array:
    first = ahead - past.week * (-(-ahead // past.week))
    return np.stack([past.at(first - past.week * number) for number in range(count)], axis=-1)

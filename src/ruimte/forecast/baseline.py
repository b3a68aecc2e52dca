r"""The baseline to beat: same weekday and time of day over eight weeks, times how today compares.

Of a place, with slot s of the week and the last eight weeks (without the last two days, which may still be corrected):

1. profile: the median of the values at the same weekday and local time, :math:`m_s`;
2. smoothed: :math:`\bar m_s = 0.25\,m_{s-1} + 0.5\,m_s + 0.25\,m_{s+1}`;
3. factor: over the last 12 slots, oldest first, :math:`f \leftarrow 0.31\,\min(y/\bar m, 4) + 0.69\,f`, from f = 1;
4. forecast: :math:`\hat y_{t+h} = f\,\bar m_{t+h}`.

This is the method of the crowd monitor that Amsterdam has in production, written from a description of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ruimte.forecast.median import known_median

Array = NDArray[np.float64]

WEEKS = 8
GUARD_DAYS = 2
NEWEST_WEIGHT = 0.31
RATIO_CAP = 4.0
FACTOR_SLOTS = 12


def point_forecast(
    history: Array, shift: NDArray[np.int64], day_ticks: int, horizons: int, special: Array | None = None
) -> Array:
    """Forecast the coming ticks of all places.

    Args:
        history: values per tick, shape (places, n); the last column is the newest closed tick; NaN is missing.
        shift: offset of local time from UTC in ticks, shape (n + horizons + 1,): of every column, and of those to come.
        day_ticks: ticks in a day.
        horizons: how many ticks ahead.
        special: profile of slots that are unlike other weeks (see ``occasions``), of the last 12 ticks and the coming ones, shape
            (places, 12 + horizons); NaN where the week's own profile holds.

    Returns:
        Shape (places, horizons), in the units of ``history``; NaN where eight weeks hold no value for a slot, or
        where none of the last 12 ticks is known.

    >>> week = np.tile(np.arange(7.0), 9)[None, :]  # one tick a day, nine weeks
    >>> point_forecast(week, np.zeros(week.shape[1] + 3, dtype=int), day_ticks=1, horizons=2).round(2)
    array([[1.93, 1.1 ]])
    """
    n = history.shape[1]
    # one slot more on both sides, for the smoothing
    columns = np.arange(n - FACTOR_SLOTS - 1, n + horizons + 1)
    median = _weekly_median(history, shift, columns, day_ticks)
    smooth = 0.25 * median[:, :-2] + 0.5 * median[:, 1:-1] + 0.25 * median[:, 2:]
    # a slot at the edge of what is known goes without its neighbour
    smooth = np.where(np.isnan(smooth), median[:, 1:-1], smooth)
    if special is not None:
        smooth = np.where(np.isnan(special), smooth, special)
    recent, coming = smooth[:, :FACTOR_SLOTS], smooth[:, FACTOR_SLOTS:]
    return _factor(history[:, n - FACTOR_SLOTS :], recent)[:, None] * coming


def _weekly_median(history: Array, shift: NDArray[np.int64], columns: NDArray[np.int64], day_ticks: int) -> Array:
    """Median over eight weeks of the same local weekday and time as each column, shape (places, columns)."""
    n = history.shape[1]
    weeks_back = np.arange(1, WEEKS + 1) * 7 * day_ticks
    source = columns[:, None] - weeks_back
    # the same local time: a change of clock in between moves the column
    source = source + shift[columns][:, None] - shift[np.clip(source, 0, n - 1)]
    usable = (source >= 0) & (source < n - GUARD_DAYS * day_ticks)
    values = history[:, np.clip(source, 0, n - 1)]
    return known_median(np.where(usable, values, np.nan))


def _factor(actual: Array, profile: Array) -> Array:
    """How the last slots compare with their profile, shape (places,); a missing slot leaves the factor as it was.

    NaN where all are missing: of a place whose present is not known, the future is not told.
    """
    factor = np.ones(len(actual))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where((profile == 0) & (actual == 0), 1.0, np.minimum(actual / profile, RATIO_CAP))
    for slot in range(actual.shape[1]):
        newest = ratio[:, slot]
        factor = np.where(np.isnan(newest), factor, NEWEST_WEIGHT * newest + (1 - NEWEST_WEIGHT) * factor)
    return np.where(np.isnan(ratio).all(axis=1), np.nan, factor)

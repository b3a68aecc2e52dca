r"""The usual: what a place would hold at a moment if the week were like those before it.

Of a block u with the same weekday and time in the last eight weeks, :math:`y_{u-1w} \dots y_{u-8w}`, public holidays left out, of
which n are known:

.. math:: \text{usual}_u = \frac{n\,\bar y_u + \ell\,s_u}{n + 1}

with :math:`\bar y_u` their mean, :math:`\ell` the level of the place over the last four weeks and :math:`s_u` the pooled shape
of a week
(mean 1): what is known of a place is worth as much as its weeks, and a place without a past looks like others of its level. So
the first day at a new place is told, and the eighth week hardly differs from the plain mean.

The place's level is :math:`\ell = \sum y / \sum s` over the blocks that are known. Shrinkage as in James and Stein (1961); the
prior counts as one week.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ruimte.forecast.median import known_median
from ruimte.forecast.past import WEEK_DAYS, Past

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

WEEKS = 8
LEVEL_DAYS = 28
FADE = 0.75
"""In the faded mean each week counts so many times the one after it."""
OFFSET = 3.0
"""Added to counts before their logarithm: three persons more or less are nothing to speak of."""


@dataclass(frozen=True, slots=True)
class Usual:
    """Of blocks asked for, each shape (places, blocks): ``value``; ``weeks`` known; and what the last weeks were otherwise:
    their ``median``, ``faded`` mean, ``last`` and ``before_last`` week, and ``spread``, the standard deviation of log(y + 3)."""

    value: Array
    weeks: Array
    median: Array
    faded: Array
    last: Array
    before_last: Array
    spread: Array


def log_ratio(one: Array, other: Array) -> Array:
    """log((one + 3) / (other + 3)): a ratio that small counts do not blow up."""
    return np.asarray(np.log((one + OFFSET) / (other + OFFSET)))


def known_mean(values: Array, axis: int) -> Array:
    """Mean of what is known along an axis; NaN where nothing is."""
    known = ~np.isnan(values)
    count = known.sum(axis)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(count > 0, np.where(known, values, 0.0).sum(axis) / np.maximum(count, 1), np.nan))


def level_of(past: Past, shape: Array) -> Array:
    """The level of each place over the last four weeks, shape (places,); NaN where nothing is known of it.

    What somebody said is typical counts as much as a day of past.

    ``shape``: the pooled shape of a week, (blocks a week,), mean 1, from Monday 00:00 local on.
    """
    ahead = np.arange(-LEVEL_DAYS * past.per_day + 1, 1)
    values = past.at(ahead)
    usable = ~np.isnan(values) & ~past.days.holiday[past.day_index(ahead)]
    weight = shape[slots(past, ahead)]
    counted, expected = np.where(usable, values, 0.0).sum(axis=1), (usable * weight).sum(axis=1)
    if past.typical is not None:
        said = ~np.isnan(past.typical)
        counted = counted + np.where(said, past.typical, 0.0) * past.per_day
        expected = expected + said * past.per_day
    return np.where(expected > 0, counted / np.where(expected > 0, expected, 1.0), np.nan)


def slots(past: Past, ahead: Ints) -> Ints:
    """Slot of the week of each block, 0 being the first of Monday."""
    day_h = past.start_h(ahead) + 3 * 24  # 1970-01-01 was a Thursday
    return np.floor(day_h * (past.per_day / 24) + 1e-9).astype(np.int64) % past.week


def usual_of(past: Past, ahead: Ints, shape: Array, level: Array) -> Usual:
    """The usual of the blocks that end ``ahead`` blocks from the moment, shape (blocks,); may be negative, for the recent past.

    ``level``: of each place, (places,); NaN where it is not known, and then the place's own weeks have to do.
    """
    lags = np.arange(1, WEEKS + 1)[:, None] * past.week
    source = ahead[None, :] - lags
    weeks = past.at(source)  # (places, weeks, blocks)
    weeks = np.where(past.days.holiday[past.day_index(source)], np.nan, weeks)
    known = ~np.isnan(weeks)
    count = known.sum(axis=1).astype(np.float64)
    filled = np.where(known, weeks, 0.0)
    total = filled.sum(axis=1)
    own = total / np.maximum(count, 1)
    fade = FADE ** np.arange(WEEKS)
    weight = np.einsum("w,pwb->pb", fade, known)
    faded = np.einsum("w,pwb->pb", fade, filled) / np.where(weight > 0, weight, np.nan)
    pooled = level[:, None] * shape[slots(past, ahead)]
    value = np.where(np.isnan(pooled), np.where(count > 0, own, np.nan), (total + np.nan_to_num(pooled)) / (count + 1))
    logs = np.log(filled + OFFSET) * known
    mean = logs.sum(axis=1) / np.maximum(count, 1)
    square = ((logs - mean[:, None]) ** 2 * known).sum(axis=1) / np.maximum(count, 1)
    median = known_median(np.moveaxis(weeks, 1, -1))
    spread = np.where(count > 0, np.sqrt(square), np.nan)
    return Usual(value, count, median, faded, weeks[:, 0], weeks[:, 1], spread)


def week_shape(values: Array, first_h: int, per_day: int, holiday: NDArray[np.bool_]) -> Array:
    """The pooled shape of a week of many places: shape (blocks a week,), mean 1, from Monday 00:00 on.

    Args:
        values: shape (places, blocks), NaN where not known.
        first_h: local hour at which the first block starts, since 1970-01-01T00:00.
        per_day: blocks a day.
        holiday: which blocks lie on a public holiday, shape (blocks,); they are left out.
    """
    week = WEEK_DAYS * per_day
    values = np.where(holiday, np.nan, values)
    mean = known_mean(values, 1)
    relative = values / np.where(mean > 0, mean, np.nan)[:, None]
    slot = ((first_h + 3 * 24) * per_day // 24 + np.arange(values.shape[1])) % week
    shape = known_mean(np.stack([known_mean(relative[:, slot == each], 1) for each in range(week)]), 1)
    shape = shape / known_mean(shape, 0)
    return np.where(np.isnan(shape), 1.0, shape)

r"""Intervals that follow their own errors: adaptive conformal inference on a log-scale factor.

The spread that a model has learned holds for its own weeks; the world's changes. For each bucket of horizons b and place i the
spread is multiplied by :math:`f = e^{g_b + d_{b,i}}`, and every day

.. math:: g_b \leftarrow g_b + \gamma\,(\text{share missed} - \text{share that may be}), \qquad
          d_{b,i} \leftarrow \rho\, d_{b,i} + \gamma_d\,(\text{missed at } i - \text{missed in the city})

So intervals widen within days where too much falls outside them, narrow where too little does, and a place leaves the city's
factor only
for lasting reasons. The 10–90 %, the 5–95 % interval and the 1 and the 99 % quantile have factors of their own: rare hours are
not like common ones.

Gibbs and Candès (2021), Adaptive conformal inference under distribution shift, NeurIPS 34.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ruimte.model.forecast import LEVELS, MEDIAN, level_index

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

GAMMA = 0.4
GAMMA_PLACE = 0.15
KEEP = 0.98
"""What is left of a place's own factor after a day: it leans back to the city's."""
MOST = 2.5
"""No factor's logarithm goes further from 0: at twelve times the spread something else is wrong."""
_KINDS: tuple[tuple[float | None, float | None], ...] = ((0.1, 0.9), (0.05, 0.95), (None, 0.99), (0.01, None))
"""What has a factor of its own: an interval, or one quantile."""
_MAY: tuple[float, ...] = (0.19, 0.09, 0.007, 0.007)
"""The share that may be missed: a little less than is promised, for what is told today is judged only when it has come."""
_SPEED: tuple[float, ...] = (1.0, 1.0, 3.0, 3.0)
"""Misses at 1 in 100 are rare, so each tells more."""
_KIND_OF_LEVEL: Ints = np.array([3, 1, *[0] * 17, 1, 2])


def widened(spread: Array, log_factors: Array) -> Array:
    """Quantiles z of every place, shape (buckets, places, 21), from ``spread`` (buckets, 21) and ``log_factors`` (4, buckets,
    places): the distance to the median is multiplied, the median stays.
    """
    factor = np.exp(log_factors)[_KIND_OF_LEVEL]  # (21, buckets, places)
    middle = spread[:, None, MEDIAN : MEDIAN + 1]
    return np.asarray(middle + (spread[:, None, :] - middle) * np.moveaxis(factor, 0, -1))


def log_factors(errors: Array, days: Ints, bucket: Ints, spread: Array, places: int) -> Array:
    """Logarithms of the factors after the errors of some days.

    Args:
        errors: (r - m) / s of forecasts that were made, shape (forecasts, places, horizons); NaN where not known.
        days: day on which each came to be known, any numbering that rises, shape (forecasts, horizons).
        bucket: bucket of each horizon, shape (horizons,).
        spread: quantiles z that were learned, shape (buckets, 21).
        places: how many there are.

    Returns:
        Shape (4, buckets, places): of the 80 % and 90 % intervals, the 99 % and the 1 % quantile. 0 where nothing is known.
    """
    city = np.zeros((len(_KINDS), len(spread)))
    own = np.zeros((len(_KINDS), len(spread), places))
    flat = np.moveaxis(errors, 1, -1).reshape(days.size, places)
    day, group = days.ravel(), np.tile(bucket, len(errors))
    some = ~np.isnan(flat).all(axis=1)
    if not some.any():
        return own
    flat, day, group = flat[some], day[some], group[some]
    order = np.lexsort((group, day))
    flat, day, group = flat[order], day[order], group[order]
    starts = np.flatnonzero(np.append(True, (np.diff(day) != 0) | (np.diff(group) != 0)))
    # errors and quantiles from the median on: that is what the factors multiply
    flat = flat - spread[group, MEDIAN][:, None]
    spread = spread - spread[:, MEDIAN : MEDIAN + 1]
    for begin, end in zip(starts, np.append(starts[1:], len(day)), strict=True):
        b, today = group[begin], flat[begin:end]
        known = (~np.isnan(today)).sum(axis=0)
        for kind, (low, high) in enumerate(_KINDS):
            factor = np.exp(city[kind, b] + own[kind, b])
            out = np.zeros(places)
            if low is not None:
                out += (today < spread[b, level_index(low)] * factor).sum(axis=0)
            if high is not None:
                out += (today > spread[b, level_index(high)] * factor).sum(axis=0)
            missed = out.sum() / known.sum()
            speed = GAMMA * _SPEED[kind]
            city[kind, b] = np.clip(city[kind, b] + speed * (missed - _MAY[kind]), -MOST, MOST)
            apart = np.where(known > 0, out / np.maximum(known, 1) - missed, 0.0)
            own[kind, b] = KEEP * own[kind, b] + GAMMA_PLACE * _SPEED[kind] * apart
    return np.clip(city[:, :, None] + own, -MOST, MOST)


assert len(_KIND_OF_LEVEL) == len(LEVELS)

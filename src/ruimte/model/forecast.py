"""A forecast: quantiles of a place's quantity, by issue time and horizon, and what they say of a limit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LEVELS: NDArray[np.float64] = np.array([0.01, *np.arange(1, 20) / 20, 0.99])
"""The 21 quantile levels of every forecast: 0.01, 0.05, 0.10, … 0.90, 0.95, 0.99. They are not evenly spaced: see ``EVEN``."""
MEDIAN = 10
"""Index of the median in ``LEVELS``."""
EVEN = slice(1, -1)
"""Where the 19 evenly spaced levels 0.05, 0.10, … 0.95 lie in ``LEVELS``."""


def level_index(level: float) -> int:
    """Index of a level in ``LEVELS``. Raises ``ValueError`` for one that is not among them.

    >>> level_index(0.95)
    19
    """
    found = np.flatnonzero(np.abs(LEVELS - level) < 1e-9)
    if not len(found):
        raise ValueError(f"no quantile is forecast at {level:g}")
    return int(found[0])


@dataclass(frozen=True, slots=True)
class Forecast:
    """Forecasts of all places, issued together.

    ``quantiles`` has shape (places, horizons, 21), one for each of ``LEVELS``, in the place's quantity (persons, or persons/s),
    rising along the last axis, NaN where no forecast can be made. ``valid_us`` has shape (horizons,): the END of the tick that is
    forecast. ``broken``: indices of places whose level has just changed so much that the past tells little; ``young``: of those
    with less than two weeks of past.
    """

    issued_us: int
    valid_us: NDArray[np.int64]
    quantiles: NDArray[np.float64]
    algorithm: str
    broken: tuple[int, ...] = ()
    young: tuple[int, ...] = ()


def exceedance(quantiles: Array, threshold: Array) -> Array:
    r"""P(value > threshold) from forecast quantiles.

    Between two quantiles the chance is linear in the value. Beyond the last it falls exponentially, as fast as it did between the
    last two: with :math:`a < b` the quantiles at the last two levels, and :math:`\alpha > \beta` the chances of being above them
    (0.05 and 0.01),

    .. math:: P(Y > x) = \beta \, (\beta / \alpha)^{(x - b) / (b - a)} \quad \text{for } x \ge b,

    which is :math:`\beta` at b and would be :math:`\alpha` at a. Likewise P(Y ≤ x) below the first quantile. Where the outer two
    are equal they tell of no spread, and the chance of being beyond them is 0. At a value that several quantiles share, P(Y ≤ x)
    is the highest of their levels.

    Args:
        quantiles: shape (…, 21), rising.
        threshold: shape (…), broadcast against the first axes of ``quantiles``.

    Returns:
        Shape (…), as broadcast; NaN where the threshold or any of the quantiles is.

    >>> float(exceedance(np.arange(1.0, 22.0), np.array(11.0)))
    0.5
    """
    count = len(LEVELS)
    shape = np.broadcast_shapes(quantiles.shape[:-1], threshold.shape)
    quantiles = np.broadcast_to(quantiles, (*shape, count))
    x = np.broadcast_to(threshold, shape)
    index = np.sum(quantiles <= x[..., None], axis=-1)  # so many quantiles lie at or below the threshold
    low, high = np.clip(index - 1, 0, count - 1), np.clip(index, 0, count - 1)
    left, right = (np.take_along_axis(quantiles, i[..., None], axis=-1)[..., 0] for i in (low, high))
    # each part is worked out everywhere and means something only where it is chosen: there nothing is divided by 0 but x - b > 0
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        inside = LEVELS[low] + (LEVELS[high] - LEVELS[low]) * (x - left) / (right - left)
        below = _tail(quantiles[..., 0] - x, quantiles[..., 1] - quantiles[..., 0], LEVELS[0], LEVELS[1])
        above = _tail(x - quantiles[..., -1], quantiles[..., -1] - quantiles[..., -2], 1 - LEVELS[-1], 1 - LEVELS[-2])
    chance = np.where(index == 0, 1 - below, np.where(index == count, above, 1 - inside))
    return np.asarray(np.where(np.isnan(quantiles).any(axis=-1) | np.isnan(x), np.nan, chance))


def _tail(beyond: Array, spacing: Array, outer: float, inner: float) -> Array:
    """Chance of lying so far ``beyond`` the outermost quantile: ``outer`` is its own, ``inner`` that of the one before it."""
    return np.asarray(outer * (outer / inner) ** np.where(beyond > 0, beyond / spacing, 0.0))


def value_at(quantiles: Array, level: Array) -> Array:
    """The value that a forecast is below with this chance: the inverse of ``exceedance``, with the same tails.

    Args:
        quantiles: shape (…, 21), rising.
        level: in (0, 1), shape (…, n): n levels for each forecast; the first axes are broadcast.

    Returns:
        Shape (…, n); NaN where any of the quantiles is.

    >>> value_at(np.arange(1.0, 22.0), np.array([0.5, 0.95, 0.998])).round(6).tolist()
    [11.0, 20.0, 22.0]
    """
    shape = (*np.broadcast_shapes(quantiles.shape[:-1], level.shape[:-1]), level.shape[-1])
    q = np.broadcast_to(quantiles, (*shape[:-1], len(LEVELS)))
    p = np.broadcast_to(level, shape)
    high = np.clip(np.searchsorted(LEVELS, p, side="left"), 1, len(LEVELS) - 1)
    left, right = np.take_along_axis(q, high - 1, axis=-1), np.take_along_axis(q, high, axis=-1)
    inside = left + (right - left) * (p - LEVELS[high - 1]) / (LEVELS[high] - LEVELS[high - 1])
    rate = np.log(LEVELS[0] / LEVELS[1])
    below = q[..., :1] - (q[..., 1:2] - q[..., :1]) * np.log(np.minimum(p / LEVELS[0], 1.0)) / rate
    above = q[..., -1:] + (q[..., -1:] - q[..., -2:-1]) * np.log(np.minimum((1 - p) / (1 - LEVELS[-1]), 1.0)) / rate
    value = np.where(p < LEVELS[0], below, np.where(p > LEVELS[-1], above, inside))
    return np.asarray(np.where(np.isnan(q).any(axis=-1, keepdims=True), np.nan, value))

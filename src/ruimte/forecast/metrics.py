"""How good a forecast was: the figures of the field."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ruimte.model.forecast import EVEN, LEVELS, level_index

Array = NDArray[np.float64]


def mae(actual: Array, forecast: Array) -> float:
    """Mean absolute error, in the unit of the arguments; missing pairs are left out.

    >>> mae(np.array([1.0, np.nan]), np.array([3.0, 1.0]))
    2.0
    """
    return float(np.nanmean(np.abs(actual - forecast)))


def wape(actual: Array, forecast: Array) -> float:
    """Weighted absolute percentage error: the sum of absolute errors over the sum of actuals (0 is perfect).

    >>> wape(np.array([1.0, 3.0]), np.array([2.0, 2.0]))
    0.5
    """
    error = np.abs(actual - forecast)
    known = ~np.isnan(error)
    return float(error[known].sum() / actual[known].sum())


def pinball(actual: Array, quantiles: Array) -> float:
    """Mean pinball loss over the 19 even levels 5, 10, … 95 %, in the unit of ``actual``; missing pairs are left out.

    ``quantiles`` has one axis more than ``actual``, of 21. The 1 and 99 % quantiles are left out of the mean: the levels that are
    averaged are evenly spaced, so the mean stands for the integral over all levels, half the CRPS. Those two have ``pinball_at``.
    Koenker and Bassett (1978), Regression quantiles, Econometrica 46.

    >>> round(pinball(np.array([3.0]), np.full((1, 21), 1.0)), 9)
    1.0
    """
    return float(np.nanmean(_loss(actual[..., None], quantiles[..., EVEN], LEVELS[EVEN])))


def pinball_at(actual: Array, quantiles: Array, level: float) -> float:
    """Mean pinball loss of the quantile at one of ``LEVELS``, in the unit of ``actual``; missing pairs are left out.

    >>> round(pinball_at(np.array([3.0]), np.full((1, 21), 1.0), 0.99), 9)
    1.98
    """
    return float(np.nanmean(_loss(actual, quantiles[..., level_index(level)], np.float64(level))))


def crps(actual: Array, quantiles: Array) -> float:
    """Continuous ranked probability score, in the unit of ``actual``: 2 × ``pinball``. Of a sure forecast it is the MAE.

    The CRPS is twice the integral of the pinball loss over all levels; the mean over the 19 even levels stands for the integral.
    Gneiting and Raftery (2007), Strictly proper scoring rules, prediction, and estimation, JASA 102.
    """
    return 2 * pinball(actual, quantiles)


def coverage(actual: Array, quantiles: Array, share: float) -> float:
    """Share of the actuals that lie in the central interval that promises ``share`` (0.8: between the 10 and 90 % quantile).

    Raises ``ValueError`` where the ends of that interval are not among ``LEVELS``.
    """
    lower, upper = (quantiles[..., level_index(level)] for level in ((1 - share) / 2, (1 + share) / 2))
    known = ~np.isnan(actual) & ~np.isnan(lower)
    inside = (actual >= lower) & (actual <= upper)
    return float(inside[known].mean())


def _loss(actual: Array, quantile: Array, level: Array | np.float64) -> Array:
    """Pinball loss: the distance to the quantile, weighed by the level where it was too low, by 1 - level where too high."""
    difference = actual - quantile
    return np.asarray(np.maximum(level * difference, (level - 1) * difference))

"""How good a forecast was: the figures of the field."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ruimte.model.forecast import LEVELS

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
    """Mean pinball loss over the 19 levels, in the unit of ``actual``.

    ``quantiles`` has one axis more than ``actual``, of 19. Koenker and Bassett (1978), Regression quantiles, Econometrica 46.
    """
    difference = actual[..., None] - quantiles
    return float(np.nanmean(np.maximum(LEVELS * difference, (LEVELS - 1) * difference)))


def coverage(actual: Array, quantiles: Array, share: float) -> float:
    """Share of the actuals that lie in the central interval that promises ``share`` (0.8: between the 10 and 90 % quantile)."""
    low = int(np.argmin(np.abs(LEVELS - (1 - share) / 2)))
    lower, upper = quantiles[..., low], quantiles[..., len(LEVELS) - 1 - low]
    known = ~np.isnan(actual) & ~np.isnan(lower)
    inside = (actual >= lower) & (actual <= upper)
    return float(inside[known].mean())

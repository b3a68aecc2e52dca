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

    NaN where nobody came.

    >>> wape(np.array([1.0, 3.0]), np.array([2.0, 2.0]))
    0.5
    """
    error = np.abs(actual - forecast)
    known = ~np.isnan(error)
    total = actual[known].sum()
    return float(error[known].sum() / total) if total else np.nan


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


def rmse(actual: Array, forecast: Array) -> float:
    """Root of the mean squared error, in the unit of the arguments; missing pairs are left out.

    >>> round(rmse(np.array([1.0, np.nan, 1.0]), np.array([4.0, 1.0, 5.0])) ** 2, 9)
    12.5
    """
    return float(np.sqrt(np.nanmean((actual - forecast) ** 2)))


def mase(actual: Array, forecast: Array, scale: Array) -> float:
    """Mean absolute scaled error: each place's error over ``scale``, what "the same time last week" was off by before; 1 is as
    good.

    ``actual`` and ``forecast`` have one more axis in front than ``scale`` has and any behind: (forecasts, places, …) and
    (places,). A place whose scale is 0 or not known is left out; NaN where that leaves none.
    Hyndman and Koehler (2006), Another look at measures of forecast accuracy, International Journal of Forecasting 22.

    >>> mase(np.array([[1.0], [3.0]]), np.array([[2.0], [2.0]]), np.array([2.0]))
    0.5
    """
    wide = scale.reshape(1, -1, *[1] * (actual.ndim - 2))
    scaled = np.abs(actual - forecast) / np.where(wide > 0, wide, np.nan)
    return float(np.nanmean(scaled)) if not np.isnan(scaled).all() else np.nan


def pit(actual: Array, quantiles: Array) -> Array:
    """Histogram of the probability integral transform, shape (20,), mean 1: flat where the forecast is calibrated.

    The transform of an actual is the level at which it lies among its quantiles; each bin lies between two of the even levels.
    NaN where no pair is known.
    Dawid (1984), Statistical theory: the prequential approach, Journal of the Royal Statistical Society A 147.
    """
    return np.diff(reliability(actual, quantiles)[EVEN], prepend=0.0, append=1.0) * 20


def reliability(actual: Array, quantiles: Array) -> Array:
    """Share of the actuals that lie below each quantile, shape (21,): ``LEVELS`` where the forecast is calibrated.

    NaN where no pair is known. An actual that equals several quantiles (nobody, all night) is spread evenly over their levels.
    Czado, Gneiting and Held (2009), Predictive model assessment for count data, Biometrics 65.

    >>> reliability(np.array([0.5, 2.5, np.nan]), np.arange(21.0) * np.ones((3, 1)))[:4].tolist()
    [0.0, 0.5, 0.5, 1.0]
    """
    known = ~np.isnan(actual) & ~np.isnan(quantiles).any(axis=-1)
    value, row = actual[known][:, None], quantiles[known]
    if not len(row):
        return np.full(len(LEVELS), np.nan)
    equal = row == value
    part = (equal.cumsum(axis=1) - 0.5) / np.maximum(equal.sum(axis=1, keepdims=True), 1)
    return np.asarray(np.where(equal, part, value < row).mean(axis=0))


def block_bootstrap(one: Array, other: Array, block: int = 4, draws: int = 1000, seed: int = 0) -> tuple[float, float]:
    """5 and 95 % quantile of the ratio Σ one / Σ other over resampled blocks of consecutive moments.

    Args:
        one: a loss of each moment, shape (moments,), summed over whatever was forecast then.
        other: the peer's, of the same moments.
        block: moments that are drawn together: errors of neighbouring moments are not independent.
        draws: how many resamples.
        seed: of the draws.

    Künsch (1989), The jackknife and the bootstrap for general stationary observations, Annals of Statistics 17.
    """
    count = len(one)
    block = max(1, min(block, count))
    starts = np.random.default_rng(seed).integers(0, count, (draws, -(-count // block)))
    index = (starts[..., None] + np.arange(block)) % count
    drawn = index.reshape(draws, -1)[:, :count]
    ratio = one[drawn].sum(axis=1) / np.maximum(other[drawn].sum(axis=1), 1e-12)
    low, high = np.quantile(ratio, (0.05, 0.95))
    return float(low), float(high)

r"""Quantiles of a forecast from its own past errors, per place and horizon.

An error is :math:`u = y^{1/4} - \hat y^{1/4}`: on that scale errors of small and of large counts are alike, a zero needs no
special case, and no forecast quantile is negative. (On a year of Auckland's counts the fourth root gave a lower pinball loss than
the square root, the logarithm and the plain difference; all covered 79–80 % where 80 % was promised.) The quantile at level
:math:`\tau` is

.. math:: \hat q_\tau = \max(0,\; \hat y^{1/4} + U_\tau)^4

with :math:`U_\tau` the empirical quantile of the errors that this horizon made over the last weeks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ruimte.model.forecast import EVEN, LEVELS
from ruimte.model.forecast import exceedance as exceedance  # told of forecasts, and used beside them

Array = NDArray[np.float64]

LEAST_ERRORS = 48
"""With fewer errors known at a horizon, no quantiles are given."""


def errors(actual: Array, forecast: Array) -> Array:
    """Errors on the fourth-root scale; same shape as the arguments broadcast to; NaN where either is missing.

    >>> errors(np.array([16.0]), np.array([1.0]))
    array([1.])
    """
    return np.asarray(np.maximum(actual, 0.0) ** 0.25 - np.maximum(forecast, 0.0) ** 0.25)


def error_quantiles(past: Array) -> Array:
    r"""Empirical quantiles at ``LEVELS`` of past errors.

    Of n errors in order, counted from 0, the quantile at level :math:`\tau` is the one at place :math:`\tau (n - 1)`, linear
    between neighbours: so with fewer than a hundred errors the 1 and 99 % quantiles lie between the two outermost ones.

    Args:
        past: shape (times, places, horizons); NaN is missing.

    Returns:
        Shape (places, horizons, 21); NaN where fewer than ``LEAST_ERRORS`` are known.
    """
    ordered = np.sort(past, axis=0)  # NaN last
    known = np.sum(~np.isnan(past), axis=0)
    position = LEVELS * (np.maximum(known, 1)[..., None] - 1)
    low = position.astype(np.int64)
    high = np.minimum(low + 1, len(past) - 1)
    ordered = np.moveaxis(ordered, 0, -1)
    below, above = np.take_along_axis(ordered, low, axis=-1), np.take_along_axis(ordered, high, axis=-1)
    part = position - low
    quantile = np.where(part > 0, below * (1 - part) + np.where(np.isnan(above), below, above) * part, below)
    return np.where(known[..., None] >= LEAST_ERRORS, quantile, np.nan)


def with_errors(forecast: Array, quantiles: Array) -> Array:
    """Forecast quantiles, shape (places, horizons, 21), of ``forecast`` (places, horizons) and ``quantiles`` of its errors."""
    return np.asarray(np.maximum(np.maximum(forecast, 0.0)[..., None] ** 0.25 + quantiles, 0.0) ** 4)


def with_outer(quantiles: Array) -> Array:
    r"""All quantiles of a forecast that was made with the 19 even levels only, 5 … 95 %.

    The 1 and 99 % quantiles are put where the tail of the 19 has them (see ``exceedance``, there with :math:`\alpha = 0.10`,
    :math:`\beta = 0.05`): at :math:`b + (b - a) \log_2 5`, and never below 0. Beyond them the tail is then the very same; between
    95 and 99 % it is a straight line, which is off by less than a percentage point. Where the 1 % quantile is held at 0,
    the chance of passing a limit below the 5 % one is up to four points higher than it was.

    Args:
        quantiles: shape (…, 19), rising.

    Returns:
        Shape (…, 21); NaN where the quantiles are.

    >>> with_outer(np.arange(10.0, 29.0))[[0, 1, 19, 20]].round(2).tolist()
    [7.68, 10.0, 28.0, 30.32]
    """
    even = LEVELS[EVEN]
    steps = np.log(LEVELS[0] / even[0]) / np.log(even[0] / even[1])
    first = np.maximum(quantiles[..., :1] - steps * (quantiles[..., 1:2] - quantiles[..., :1]), 0.0)
    last = quantiles[..., -1:] + steps * (quantiles[..., -1:] - quantiles[..., -2:-1])
    return np.concatenate([first, quantiles, last], axis=-1)

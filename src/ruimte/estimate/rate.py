r"""The rate at which people pass a sensor: a local-level Kalman filter on variance-stabilised counts.

A count :math:`y` over a tick is first turned into :math:`z = 2\sqrt{y + 3/8}` (Anscombe 1948), whose noise is 1 for a Poisson
count whatever its level, and somewhat more for real crossings, which come in groups. Turned back as :math:`z^2/4 - 3/8`, which
keeps 0 at 0, the mean comes out up to a quarter of a person a tick too low. Then

.. math:: z_k = \ell_k + \varepsilon_k,\; \varepsilon \sim N(0, r) \qquad \ell_{k+1} = \ell_k + \eta_k,\; \eta \sim N(0, q)

The noise :math:`r` and the drift :math:`q` are learned as the filter runs, from the moments of the differences
:math:`d_k = z_k - z_{k-1}` (Harvey 1989, section 2.4): :math:`\mathrm{Var}(d) = q + 2r` and
:math:`\mathrm{Cov}(d_k, d_{k-1}) = -r`. A silent sensor gets no update, so its variance grows by :math:`q` a tick: the interval
widens and never freezes. A sensor that says exactly 0 for a whole day is taken for dead, and one unheard for a day is not known:
no figure is better than a wrong one.

Anscombe, F. J. (1948), The transformation of Poisson, binomial and negative-binomial data, Biometrika 35.
Harvey, A. C. (1989), Forecasting, Structural Time Series Models and the Kalman Filter, Cambridge University Press.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

OFFSET = 3 / 8
POISSON_NOISE = 1.0
"""Least noise of z: that of a Poisson count."""
FIRST_DRIFT = 4.0
MEMORY_TICKS = 200.0
"""Differences older than this many ticks hardly count for r and q."""


@dataclass(slots=True)
class Rates:
    """State of the filters of n sensors; every array has shape (n,). ``level`` is NaN before the first count."""

    level: Array
    variance: Array
    last_z: Array
    last_difference: Array
    square: Array
    product: Array
    seen: Array
    zeros: Array
    silent: Array

    @classmethod
    def new(cls, n: int) -> Rates:
        """Filters that have seen nothing."""
        nan = np.full(n, np.nan)
        return cls(
            level=nan.copy(),
            variance=nan.copy(),
            last_z=nan.copy(),
            last_difference=nan.copy(),
            square=np.full(n, FIRST_DRIFT + 2 * POISSON_NOISE),
            product=np.full(n, -POISSON_NOISE),
            seen=np.zeros(n),
            zeros=np.zeros(n),
            silent=np.zeros(n),
        )

    def noise(self) -> Array:
        """r, shape (n,)."""
        return np.maximum(-self.product, POISSON_NOISE)

    def drift(self) -> Array:
        """q, shape (n,)."""
        return np.maximum(self.square - 2 * self.noise(), 0.01 * self.square)


def step(rates: Rates, counts: Array, covered: Array, day_ticks: float) -> None:
    """Advance all filters by one tick, in place.

    Args:
        counts: persons counted in the tick, shape (n,); read only where ``covered`` > 0.
        covered: share of the tick that the sensor saw, 0–1, shape (n,).
        day_ticks: ticks in a day: so long may a sensor say exactly 0, or nothing, before its figure is dropped.
    """
    heard = covered > 0
    share = np.where(heard, covered, 1.0)
    z = 2.0 * np.sqrt(np.where(heard, counts / share, 0.0) + OFFSET)
    first = heard & np.isnan(rates.level)

    rates.variance += rates.drift()
    noise = rates.noise() / share
    update = heard & ~first
    gain = np.where(update, rates.variance / (rates.variance + noise), 0.0)
    rates.level = np.where(first, z, np.where(update, rates.level + gain * (z - rates.level), rates.level))
    rates.variance = np.where(first, noise, np.where(update, (1.0 - gain) * rates.variance, rates.variance))

    difference = np.where(heard, z - rates.last_z, np.nan)
    rates.seen += heard
    weight = np.maximum(1.0 / MEMORY_TICKS, 1.0 / (rates.seen + 10.0))
    known = ~np.isnan(difference)
    rates.square = np.where(known, rates.square + weight * (difference**2 - rates.square), rates.square)
    product = difference * rates.last_difference
    rates.product = np.where(np.isnan(product), rates.product, rates.product + weight * (product - rates.product))
    rates.last_difference = difference
    rates.last_z = np.where(heard, z, np.nan)

    rates.zeros = np.where(heard, np.where(counts > 0, 0.0, rates.zeros + 1.0), rates.zeros)
    rates.silent = np.where(heard, 0.0, rates.silent + 1.0)
    dropped = (rates.zeros >= day_ticks) | (rates.silent >= day_ticks)
    rates.level = np.where(dropped, np.nan, rates.level)
    rates.variance = np.where(dropped, np.nan, rates.variance)


def moments(rates: Rates) -> tuple[Array, Array]:
    """Mean and variance of the count of a whole tick at the present level, shape (n,) each; NaN where not known.

    Of :math:`X = z^2/4 - 3/8` with :math:`z \\sim N(\\ell, P)`.
    """
    square = rates.level**2
    mean = np.maximum((square + rates.variance) / 4 - OFFSET, 0.0)
    variance = (2 * rates.variance**2 + 4 * square * rates.variance) / 16
    return mean, variance


def quantile(mean: Array, variance: Array, deviate: float) -> Array:
    """Quantile of a count with that mean and variance, at a standard-normal deviate; never below 0.

    The count is taken as :math:`z^2/4 - 3/8` with normal z whose two moments are solved from ``mean`` and ``variance``.
    """
    centre = mean + OFFSET
    spread = 4 * centre - np.sqrt(np.maximum(16 * centre**2 - 8 * variance, 0.0))
    level = np.sqrt(np.maximum(4 * centre - spread, 0.0))
    z = np.maximum(level + deviate * np.sqrt(spread), 0.0)
    return np.maximum(z**2 / 4 - OFFSET, 0.0)

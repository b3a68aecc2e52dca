r"""Quantiles that respect what cannot be: people between 0 and what fits, flows not below 0. Compiled.

People inside a zone are a normal whose part below 0 means nobody, and whose part above the most that can be there means that most
(a censored normal, Tobin 1958). A quantile is that of the normal, put between those limits; with :math:`a` and :math:`b` the
limits in standard deviations from :math:`\mu`, :math:`\Phi` and :math:`\phi` the standard normal's distribution and density, the
mean is

.. math:: \mu\,(\Phi(b) - \Phi(a)) + \sigma\,(\phi(a) - \phi(b)) + \text{most}\,(1 - \Phi(b)).

A normal that is cut off instead, as if nobody could never be, puts people on an empty platform: half its standard deviation more.

A flow is :math:`z^2/4 - 3/8` with a normal z whose two moments are solved from its mean and variance.

Tobin, J. (1958), Estimation of relationships for limited dependent variables, Econometrica 26.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ruimte.compiled import compiled
from ruimte.estimate.flows import OFFSET
from ruimte.estimate.layout import Array
from ruimte.estimate.normal import below, density

ORDERS = (0.05, 0.25, 0.5, 0.75, 0.95)
DEVIATES = (-1.6448536269514722, -0.6744897501960817, 0.0, 0.6744897501960817, 1.6448536269514722)
"""Quantiles of the standard normal of these orders."""


@compiled
def censor(mean: float, variance: float, most: float, told: Array) -> None:
    """Mean, sd and the quantiles of ``ORDERS`` of a normal censored at 0 and ``most`` (may be infinite), into ``told`` (7,)."""
    sd = math.sqrt(max(variance, 1e-12))
    a, b = -mean / sd, (most - mean) / sd
    empty, full = below(a), below(-b)
    inside = max(1.0 - empty - full, 0.0)
    at_a, at_b = density(a), density(b)
    top = most * full if full > 0.0 else 0.0
    told[0] = min(max(mean * inside + sd * (at_a - at_b) + top, 0.0), most)
    square = (
        (mean * mean + variance) * inside
        + 2.0 * mean * sd * (at_a - at_b)
        + variance * (a * at_a - (b * at_b if at_b > 0.0 else 0.0))
    )
    square += top * most if full > 0.0 else 0.0
    told[1] = math.sqrt(max(square - told[0] * told[0], 0.0))
    for k in range(len(DEVIATES)):
        told[2 + k] = min(max(mean + sd * DEVIATES[k], 0.0), most)


@compiled
def censor_all(mean: Array, variance: Array, most: Array, told: Array) -> None:
    """``censor`` for arrays of shape (n,), into ``told`` (n, 7)."""
    for i in range(len(mean)):
        censor(mean[i], variance[i], most[i], told[i])


def of_flow(mean: NDArray[np.float64], variance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean, sd and the quantiles of ``ORDERS`` of counts with these means and variances, (n,) each; shape (n, 7)."""
    centre = mean + OFFSET
    spread = 4 * centre - np.sqrt(np.maximum(16 * centre**2 - 8 * variance, 0.0))
    level = np.sqrt(np.maximum(4 * centre - spread, 0.0))
    told = [mean, np.sqrt(variance)]
    for each in DEVIATES:
        z = np.maximum(level + each * np.sqrt(spread), 0.0)
        told.append(np.maximum(z**2 / 4 - OFFSET, 0.0))
    return np.stack(told, axis=-1)

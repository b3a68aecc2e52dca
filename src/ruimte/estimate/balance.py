r"""People inside a zone that counting lines close: what came in less what went out, with honest uncertainty.

Over a tick, with I and O the persons counted in and out and b the imbalance of the zone's counters,

.. math:: N \leftarrow N + I - (1 + b)\,O

Each crossing may be missed or counted twice, so N gains variance :math:`\kappa (I + O)`; a line that is silent gives its
predicted flow with that prediction's variance; and b itself is uncertain, by :math:`P_b`, for all that went out at once.

Real counters see more people one way than the other (a factor 1.4 all year at one platform of Zürich Hardbrücke), so a plain
sum drifts away within hours. At the hour when the lab says that the zone is empty, N is 0, give or take a handful; and the sums
since the last such hour tell b, as a random walk that is measured once a day:

.. math:: \frac{\sum I}{\sum O} - 1 = b + \varepsilon,
   \qquad \mathrm{Var}(\varepsilon) = \kappa \frac{\sum I + \sum O}{(\sum O)^2}

:math:`\kappa` follows how far off those measurements are. A sum that falls below 0 is put back to 0, and tells nothing of b: over
a year of Zürich's platforms, where the imbalance changes over the day, taking it for evidence left more people at the empty hour.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

FIRST_PEOPLE_SD = 30.0
FIRST_IMBALANCE_SD = 0.3
IMBALANCE_DRIFT_PER_DAY = 0.01**2
"""Variance that b gains in a day."""
FIRST_KAPPA = 1.0
EMPTY_SD = 3.0
"""At the empty hour a handful may still be there."""
LEAST_OUT = 50.0
"""With fewer persons out in a day, the day tells nothing of b."""
_KAPPA_RATE = 0.1
_NORMAL = NormalDist()


@dataclass(slots=True)
class Balance:
    """State of n zones; every array has shape (n,).

    ``people`` (NaN: lost), ``variance`` of it, ``covariance`` of it with ``imbalance``, whose variance is ``var_imbalance``;
    ``kappa``; and the persons in and out since the last empty hour (NaN when a line was not known).
    """

    people: Array
    variance: Array
    covariance: Array
    imbalance: Array
    var_imbalance: Array
    kappa: Array
    day_in: Array
    day_out: Array

    @classmethod
    def new(cls, n: int) -> Balance:
        """Zones of which nothing is known but that they are not very full; the first, partial day tells nothing of b."""
        return cls(
            people=np.zeros(n),
            variance=np.full(n, FIRST_PEOPLE_SD**2),
            covariance=np.zeros(n),
            imbalance=np.zeros(n),
            var_imbalance=np.full(n, FIRST_IMBALANCE_SD**2),
            kappa=np.full(n, FIRST_KAPPA),
            day_in=np.full(n, np.nan),
            day_out=np.full(n, np.nan),
        )


def step(
    balance: Balance, inflow: Array, outflow: Array, var_in: Array, var_out: Array, empty: NDArray[np.bool_], days: float
) -> None:
    """Advance all zones by one tick of ``days``, in place.

    Args:
        balance: the zones.
        inflow: persons counted (or predicted) in, shape (n,); NaN makes the zone not known until it is empty again.
        outflow: same, out.
        var_in: variance of the predicted part of ``inflow``, 0 where all lines were heard.
        var_out: same, of ``outflow``.
        empty: the zones that the lab says are empty at the end of this tick.
        days: length of the tick in days.
    """
    b, var_b = balance.imbalance, balance.var_imbalance
    people = balance.people + inflow - (1 + b) * outflow
    # the covariance with b carries what an imbalance not yet known does to all that went out: var = O² var_b
    variance = (
        balance.variance
        - 2 * outflow * balance.covariance
        + outflow**2 * var_b
        + balance.kappa * (inflow + outflow)
        + var_in
        + (1 + b) ** 2 * var_out
    )
    balance.covariance = balance.covariance - outflow * var_b
    below = people < 0
    balance.people = np.where(below, 0.0, people)
    balance.covariance = np.where(below, 0.0, balance.covariance)
    balance.variance = variance
    balance.day_in = balance.day_in + inflow
    balance.day_out = balance.day_out + outflow
    balance.var_imbalance = var_b + IMBALANCE_DRIFT_PER_DAY * days
    if empty.any():
        _settle(balance, empty)


def _settle(balance: Balance, empty: NDArray[np.bool_]) -> None:
    """The empty hour: N starts afresh, and the day's sums tell the imbalance (a scalar Kalman update)."""
    told = empty & (balance.day_out >= LEAST_OUT)
    total_out = np.where(told, balance.day_out, 1.0)
    measured = np.where(told, balance.day_in / total_out - 1, 0.0)
    noise = balance.kappa * (np.where(told, balance.day_in, 0.0) + total_out) / total_out**2
    surprise = measured - balance.imbalance
    total = balance.var_imbalance + noise
    gain = np.where(told, balance.var_imbalance / total, 0.0)
    # clipped, so that one odd day does not decide
    ratio = 1 + _KAPPA_RATE * (np.clip(surprise**2 / total, 0.0, 9.0) - 1)
    balance.kappa = np.where(told, np.clip(balance.kappa * ratio, 0.05, 200.0), balance.kappa)
    balance.imbalance = balance.imbalance + gain * surprise
    balance.var_imbalance = balance.var_imbalance * (1 - gain)
    balance.people = np.where(empty, 0.0, balance.people)
    balance.variance = np.where(empty, EMPTY_SD**2, balance.variance)
    for name in ("covariance", "day_in", "day_out"):
        setattr(balance, name, np.where(empty, 0.0, getattr(balance, name)))


def quantiles(balance: Balance) -> Array:
    """Mean, sd and the 5, 50 and 95 % quantiles of the people inside, of a normal cut off at 0; shape (n, 5)."""
    pairs = zip(balance.people.tolist(), balance.variance.tolist(), strict=True)
    return np.array([_truncated(mean, variance) for mean, variance in pairs], dtype=float).reshape(-1, 5)


def _truncated(mean: float, variance: float) -> tuple[float, float, float, float, float]:
    if mean != mean or variance != variance:
        return (np.nan,) * 5
    sd = float(max(variance, 1e-9) ** 0.5)
    cut = -mean / sd
    below = _NORMAL.cdf(cut)
    above = 1 - below
    hazard = _NORMAL.pdf(cut) / above
    centre = mean + sd * hazard
    spread = sd * max(1 + cut * hazard - hazard**2, 1e-12) ** 0.5
    low, middle, high = (max(0.0, mean + sd * _NORMAL.inv_cdf(min(below + p * above, 1 - 1e-12))) for p in (0.05, 0.5, 0.95))
    return centre, spread, low, middle, high

"""The fundamental diagram as measured: how fast people walk at each density, and how many pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ruimte.errors import RuimteError

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measured:
    """By class of density, shape (classes,): ``low``, ``high`` (persons/m²), how many ``pairs`` are in it, mean ``density``,
    and mean and standard deviation of speed (m/s) and of flow (persons per metre and second); NaN where there is no pair."""

    low: Array
    high: Array
    pairs: NDArray[np.int64]
    density: Array
    speed_m_s: Array
    speed_sd: Array
    flow: Array
    flow_sd: Array


def fundamental_diagram(density: ArrayLike, speed_m_s: ArrayLike, edges: ArrayLike) -> Measured:
    """Pairs of density (persons/m²) and speed (m/s), of frames or of single people, by classes between ``edges`` (ascending).

    A pair with a figure that is not known is left out. Flow is density times speed (Seyfried et al. 2005, J. Stat. Mech. P10002).

    >>> found = fundamental_diagram([0.5, 0.7, 3.0], [1.3, 1.1, 0.4], edges=[0, 1, 2, 4])
    >>> found.pairs.tolist(), found.speed_m_s.round(2).tolist()
    ([2, 0, 1], [1.2, nan, 0.4])
    """
    given, moving, bounds = (np.asarray(each, dtype=np.float64) for each in (density, speed_m_s, edges))
    if given.shape != moving.shape:
        raise RuimteError("not as many speeds as densities", "fundamental diagram", "give them in pairs")
    if bounds.ndim != 1 or len(bounds) < 2 or not (np.diff(bounds) > 0).all():
        raise RuimteError("classes out of order", "fundamental diagram", "give two or more densities, each above the one before")
    known = np.isfinite(given) & np.isfinite(moving)
    rho, v = given[known], moving[known]
    where = np.searchsorted(bounds, rho, side="right") - 1
    inside = (where >= 0) & (where < len(bounds) - 1)
    rho, v, where = rho[inside], v[inside], where[inside]
    pairs = np.bincount(where, minlength=len(bounds) - 1)

    def mean(values: Array) -> Array:
        with np.errstate(invalid="ignore"):
            return np.bincount(where, values, minlength=len(pairs)) / pairs

    def spread(values: Array, middle: Array) -> Array:
        return np.asarray(np.sqrt(mean((values - middle[where]) ** 2)))

    speed, rate = mean(v), mean(rho * v)
    return Measured(bounds[:-1], bounds[1:], pairs, mean(rho), speed, spread(v, speed), rate, spread(rho * v, rate))

"""A forecast: quantiles of a place's quantity, by issue time and horizon."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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

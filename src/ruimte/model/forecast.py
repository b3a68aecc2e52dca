"""A forecast: quantiles of a place's quantity, by issue time and horizon."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVELS: NDArray[np.float64] = np.arange(1, 20) / 20
"""The 19 quantile levels of every forecast: 0.05, 0.10, … 0.95."""
MEDIAN = 9
"""Index of the median in ``LEVELS``."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Forecasts of all places, issued together.

    ``quantiles`` has shape (places, horizons, 19), in the place's quantity (persons, or persons/s), rising along the last axis,
    NaN where no forecast can be made. ``valid_us`` has shape (horizons,): the END of the tick that is forecast.
    """

    issued_us: int
    valid_us: NDArray[np.int64]
    quantiles: NDArray[np.float64]
    algorithm: str

"""A dead counter that writes zeros: from when on its zeros cannot be meant.

A run of zeros is believed as long as fewer than ``BUDGET`` persons were to be expected in it, by what the same hours of the
week used
to hold. From there on its zeros are missing: what came before was told as it was known then, so nothing looks ahead. In a lab the
health of its sensors does this, better; here it serves published files, which have none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ruimte.compiled import compiled

Array = NDArray[np.float64]

BUDGET = 50.0
NEW = 0.3
"""Weight of a new value in what an hour of the week holds."""


def without_dead(values: Array, week: int, budget: float = BUDGET) -> Array:
    """The same values, with zeros that cannot be meant as NaN.

    Args:
        values: counts, shape (places, blocks), NaN is missing.
        week: blocks a week.
        budget: persons that a run of zeros may have missed.

    >>> without_dead(np.array([[30.0, 40.0, 0.0, 0.0, 0.0]]), week=1)
    array([[30., 40.,  0., nan, nan]])
    """
    return np.asarray(_without(np.ascontiguousarray(values), week, budget))


@compiled
def _without(values: Array, week: int, budget: float) -> Array:
    out = values.copy()
    for place in range(values.shape[0]):
        usual = np.full(week, np.nan)
        missed = 0.0
        for block in range(values.shape[1]):
            value, slot = values[place, block], block % week
            if np.isnan(value):
                continue
            if value == 0.0:
                missed += 0.0 if np.isnan(usual[slot]) else usual[slot]
                if missed > budget:
                    out[place, block] = np.nan
                    continue
            else:
                missed = 0.0
            usual[slot] = value if np.isnan(usual[slot]) else (1 - NEW) * usual[slot] + NEW * value
    return out

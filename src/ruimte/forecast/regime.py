r"""Has the world changed? A break is told where the last day's errors are far beyond what was promised.

Of the forecasts up to a day ahead that came due in the last 24 hours, :math:`\sigma_i = \overline{|e|} / \overline{|z|}` is how
many
times larger the errors e of place i are than its spread z lets expect. The city has broken where the median of σ over its places
passes 2, a place by itself where its σ passes 3; it has mended when σ is below 1.5 again.

Where a plain method (the same time on the last two days) was off by less than 0.8 times as much in those hours, it takes the
model's place up to a day ahead; in a break, as far as the outlook goes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CITY, ALONE, MENDED = 2.0, 3.0, 1.5
BETTER = 0.8
LEAST_HOURS = 12
"""With fewer hours known nothing is said."""
DAY_H = 24.0


@dataclass(frozen=True, slots=True)
class Regime:
    """Of each place, shape (places,): whether its level has ``broken``, and whether it ``yields`` to the plain method."""

    broken: NDArray[np.bool_]
    yields: NDArray[np.bool_]


def no_break(places: int) -> Regime:
    """All is as it was."""
    return Regime(np.zeros(places, dtype=bool), np.zeros(places, dtype=bool))


def regime_of(before: Regime, surprise: Array, model_error: Array, plain_error: Array, hours: Array) -> Regime:
    """The regime after a day.

    Args:
        before: as it stood.
        surprise: σ of each place, shape (places,); NaN where not known.
        model_error: mean absolute error of the model in those hours, (places,).
        plain_error: that of the plain method, (places,).
        hours: how many hours of each place are known, (places,).
    """
    told = (hours >= LEAST_HOURS) & ~np.isnan(surprise)
    if not told.any():
        return before
    city = float(np.median(surprise[told]))
    was_city = before.broken[told].mean() > 0.5
    whole = city > (MENDED if was_city else CITY)
    alone = surprise > np.where(before.broken, MENDED, ALONE)
    # of a place that is not heard only the city tells
    broken = np.where(told, whole | alone, whole)
    with np.errstate(invalid="ignore"):
        yields = told & (plain_error < BETTER * model_error)
    return Regime(broken, yields)

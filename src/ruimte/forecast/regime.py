r"""Has the world changed? A break is told where the last day's errors are far beyond what was promised.

Of the forecasts up to a day ahead that came due in the last 24 hours, :math:`\sigma_i = \overline{|e|} / \overline{|z|}` is how
many
times larger the errors e of place i are than its spread z lets expect. The city has broken where the median of σ over its places
passes 2, a place by itself where its σ passes 3; it has mended when σ is below 1.5 again.

Where a plain method (the same time on the last day that is known) was off by less than 0.8 times as much, it takes the model's
place:

- up to a day ahead where it was so in those hours at a place that is broken (at any other: by less than half), or, the city
being broken, all over the city in what was told within
  the last 12 hours: on the second day of a lockdown yesterday tells best, though it told worst the day before;
- beyond a day where it was so with what was told one to three days ahead: at a place that is broken, or
  all over a city that is (and until the model is better again).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CITY, ALONE, MENDED = 2.0, 3.0, 1.5
BETTER, FAR_BETTER = 0.8, 0.5
LEAST_HOURS = 12
"""With fewer hours known nothing is said."""
DAY_H = 24.0


SOON_H, FAR_H = 12.0, 72.0


@dataclass(frozen=True, slots=True)
class Regime:
    """Of each place, shape (places,): whether its level has ``broken``, and whether it ``yields`` to the plain method, up to a
    day ahead and ``beyond``."""

    broken: NDArray[np.bool_]
    yields: NDArray[np.bool_]
    beyond: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Errors:
    """Mean absolute errors of each place, shape (places,), NaN where not known: of the ``model`` and of the ``plain`` method."""

    model: Array
    plain: Array

    def better(self, before: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Where the plain method was clearly better, or, where it was told ``before``, still better."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.plain < np.where(before, 1.0, BETTER) * self.model)

    def far_better(self, before: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Where it was better by half, or, where it was told ``before``, still clearly better."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.plain < np.where(before, BETTER, FAR_BETTER) * self.model)

    def better_in_all(self, before: NDArray[np.bool_]) -> bool:
        """Whether it was so over all places together."""
        return bool(np.nansum(self.plain) < (1.0 if before.all() else BETTER) * np.nansum(self.model))


def no_break(places: int) -> Regime:
    """All is as it was."""
    nowhere = np.zeros(places, dtype=bool)
    return Regime(nowhere, nowhere, nowhere)


def regime_of(before: Regime, surprise: Array, hours: Array, day: Errors, soon: Errors, far: Errors) -> Regime:
    """The regime after some hours.

    Args:
        before: as it stood.
        surprise: σ of each place, shape (places,); NaN where not known.
        hours: how many of the last day's hours are known, (places,).
        day: errors up to a day ahead that came due in the last day.
        soon: of those, what was told within the last ``SOON_H`` hours.
        far: errors one to three days ahead that came due in the last day.
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
    # a place that is not broken gives way to far better only: one odd day, copied, costs more than it mends
    here = np.where(broken, day.better(before.yields), day.far_better(before.yields))
    yields = told & here | (whole and soon.better_in_all(before.yields))
    # only a city that is broken, or goes by yesterday in whole, begins: else a Friday that surprised were copied onto a Sunday
    changed = whole or bool(yields.all() or before.beyond.all())
    whole_far = changed and far.better_in_all(before.beyond)
    beyond = broken & told & far.better(before.beyond) | whole_far
    return Regime(broken, yields, beyond)

r"""What the last evening of a series tells of this one's end: who leaves a gathering fills the same places in the same minutes.

Of an earlier gathering with :math:`N_0` people when it ended, each place held :math:`y_0(k)` people :math:`k` ticks after that.
Of one that ends with :math:`N` people it will hold

.. math:: y(k) = \frac{N}{N_0}\, y_0(k)\, e^{\sigma\varepsilon},

the median over the earlier gatherings, :math:`\varepsilon` standard normal. How far two evenings of a series differ,
:math:`\sigma`, cannot be learned from one or two of them: it is ``SPREAD``, assumed.
"""

from __future__ import annotations

from math import erfc, log, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from ruimte.forecast.median import known_median
from ruimte.model.forecast import LEVELS

Array = NDArray[np.float64]

SPREAD = 0.35
"""Standard deviation of the log-ratio between two evenings."""
_LEAST_PEOPLE = 100.0
"""A smaller gathering tells nothing of a large one."""


def echo_of(history: Array, ended: int, places: tuple[int, ...], ticks: int) -> Array | None:
    """What one gathering's end was like: people of every place after it, for each person who was there when it ended.

    Args:
        history: persons per tick, shape (places, n); NaN is not known.
        ended: the column of the last tick before the end.
        places: indices of the gathering's places.
        ticks: how many ticks after it are told.

    Returns:
        Shape (places, ticks); None where the history does not hold it, or hardly anybody was there.

    >>> history = np.array([[500.0, 400.0, 100.0], [0.0, 90.0, 250.0]])
    >>> echo_of(history, 0, (0,), 2).tolist()
    [[0.8, 0.2], [0.18, 0.5]]
    """
    if ended < 0 or ended + ticks >= history.shape[1]:
        return None
    there = float(np.nansum(history[list(places), ended]))
    return None if there < _LEAST_PEOPLE else np.asarray(history[:, ended + 1 : ended + 1 + ticks] / there)


def from_echoes(echoes: list[Array], there: float) -> Array:
    """The median of what is to come, shape (places, ticks), for a gathering of so many people; NaN where nothing is known."""
    return np.asarray(there * known_median(np.stack(echoes, axis=-1)))


def above_echo(median: Array, limits: Array) -> Array:
    """P(above each limit), shape of the two broadcast together; NaN where either is.

    >>> above_echo(np.array([500.0, 500.0, 0.0]), np.array([500.0, 250.0, 10.0])).round(2).tolist()
    [0.5, 0.98, 0.0]
    """
    shape = np.broadcast_shapes(median.shape, limits.shape)
    pairs = zip(np.broadcast_to(median, shape).ravel().tolist(), np.broadcast_to(limits, shape).ravel().tolist(), strict=True)
    return np.array([_above(middle, limit) for middle, limit in pairs]).reshape(shape)


def _above(middle: float, limit: float) -> float:
    if middle != middle or limit != limit:
        return float("nan")
    if middle <= 0 or limit <= 0:
        return float(limit <= 0)
    return 0.5 * erfc(log(limit / middle) / SPREAD / sqrt(2))


def echo_quantiles(median: Array) -> Array:
    """Quantiles of what is to come, shape (…, 21)."""
    deviates = np.array([NormalDist().inv_cdf(level) for level in LEVELS.tolist()])
    return np.asarray(median[..., None] * np.exp(SPREAD * deviates))

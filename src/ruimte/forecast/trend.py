r"""As it is now, and as it moves: the next hour of a place from its last hour alone.

With :math:`z = \sqrt{y + 1}`, in which the scatter of a count hardly depends on its size, of each place:

- its slope :math:`b_t = 0.5\,\Delta z_t + 0.3\,\Delta z_{t-1} + 0.2\,\Delta z_{t-2}`, and
- its restlessness :math:`s_t = \sqrt{\overline{\Delta z^2} + 0.05^2}`, the mean over twelve ticks,

and :math:`z_{t+h} = z_t + c_h b_t + s_t\,\varepsilon_h`. How long a slope goes on, :math:`c_h`, is fitted by least squares to
the last weeks of all places together, weighted by :math:`1/s^2`; the quantiles of :math:`\varepsilon_h` are those of what was
left. Nothing is known of hours and weekdays; so it is not surprised by an evening unlike any other.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ruimte.model.forecast import LEVELS

Array = NDArray[np.float64]

WINDOW = 12
"""Ticks over which restlessness is measured."""
LEAST_RESTLESS = 0.05
LEAST_Z = 3.0
"""Only from so many on (eight people) does a place tell how places move."""
LEAST_PAIRS = 500


class Trend(NamedTuple):
    """What was learned: ``reach`` (horizons,), how many times its slope a place goes on to move; ``left`` (horizons, 21)."""

    reach: Array
    left: Array


def to_z(values: Array) -> Array:
    """Values in the scale of the trend.

    >>> to_z(np.array([0.0, 8.0])).tolist()
    [1.0, 3.0]
    """
    return np.asarray(np.sqrt(np.maximum(values, 0.0) + 1.0))


def from_z(z: Array) -> Array:
    """Back from the scale of the trend; never below 0.

    >>> from_z(np.array([0.5, 3.0])).tolist()
    [0.0, 8.0]
    """
    return np.asarray(np.maximum(np.maximum(z, 0.0) ** 2 - 1.0, 0.0))


def moves(z: Array) -> tuple[Array, Array]:
    """Slope and restlessness of every place at every tick; z, shape (places, ticks); NaN where too little is known.

    The first ``WINDOW`` ticks are not known.
    """
    step = np.diff(z, axis=1, prepend=np.nan)
    earlier = [np.concatenate([np.full((len(z), lag), np.nan), step[:, :-lag]], axis=1) for lag in (1, 2)]
    slope = 0.5 * step + 0.3 * earlier[0] + 0.2 * earlier[1]
    squares = np.pad(np.cumsum(np.nan_to_num(step**2), axis=1), ((0, 0), (1, 0)))
    spread = np.full(z.shape, np.nan)
    spread[:, WINDOW:] = np.sqrt((squares[:, WINDOW + 1 :] - squares[:, 1:-WINDOW]) / WINDOW + LEAST_RESTLESS**2)
    return slope, spread


def learn_trend(z: Array, horizons: int) -> Trend | None:
    """Learn from the past of all places, shape (places, ticks); None where it tells too little."""
    slope, spread = moves(z)
    reach, left = np.zeros(horizons), np.zeros((horizons, len(LEVELS)))
    for h in range(1, horizons + 1):
        x, y = (slope / spread)[:, :-h], (z[:, h:] - z[:, :-h]) / spread[:, :-h]
        known = ~np.isnan(x) & ~np.isnan(y) & (z[:, :-h] > LEAST_Z)
        if np.count_nonzero(known) < LEAST_PAIRS:
            return None
        x, y = x[known], y[known]
        reach[h - 1] = (x @ y) / max(float(x @ x), 1e-12)
        left[h - 1] = np.quantile(y - reach[h - 1] * x, LEVELS)
    return Trend(reach, left)


def trend_quantiles(trend: Trend, z: Array) -> Array:
    """Quantiles in the scale of z of the coming ticks, shape (places, horizons, 21), from the last ticks of z (places, ticks)."""
    slope, spread = moves(z)
    middle = z[:, -1:] + slope[:, -1:] * trend.reach
    return np.asarray(middle[..., None] + spread[:, -1, None, None] * trend.left)

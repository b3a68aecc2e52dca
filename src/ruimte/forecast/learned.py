r"""A learned model, and what it tells of a place at a moment.

Of a block ahead with the usual p it tells the median m and a scale s of the log-ratio :math:`r = \log\frac{y + 3}{p + 3}`:

.. math:: \hat q_\tau = (p + 3)\, e^{\,m + s\,z_\tau f_\tau} - 3

with :math:`z_\tau` the quantiles of :math:`(r - m)/s` in weeks that it was not learned from, by horizon, and :math:`f_\tau` a
factor that follows the errors made since (see ``conformal``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ruimte.forecast.features import features
from ruimte.forecast.past import Past
from ruimte.forecast.special import Memory
from ruimte.forecast.trees import Trees
from ruimte.forecast.usual import OFFSET

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

BUCKETS_H: tuple[tuple[float, float], ...] = ((0, 1), (1, 3), (3, 6), (6, 12), (12, 24), (24, 48), (48, 168))
"""Horizons (after, until] that share their spread, hours."""
LEAST_SCALE = 0.02
SOON_H = 6.0
"""Up to so many hours ahead the median has a model of its own."""


def bucket_of(elapsed_h: Array) -> Ints:
    """Number of the bucket of each horizon (hours), same shape; beyond the last it is the last."""
    edges = np.array([until for _, until in BUCKETS_H[:-1]])
    return np.searchsorted(edges, elapsed_h - 1e-9)


@dataclass(frozen=True, slots=True)
class Part:
    """Trees of the median for horizons up to ``until_h`` hours."""

    until_h: float
    trees: Trees


@dataclass(frozen=True, slots=True)
class Learned:
    """What was learned from the past of one or more cities.

    ``per_day``: 24 for a model of hours, 96 for one of quarters. ``shape``: pooled shape of a week. ``memory``: special days.
    ``median``: trees over ``NAMES`` by horizon, rising, the last for all beyond; ``scale``: such trees for all. ``spread``:
    shape (buckets, 21), the quantiles z.
    """

    per_day: int
    shape: Array
    memory: Memory
    median: tuple[Part, ...]
    scale: Trees
    spread: Array

    def tell(self, past: Past, ahead: Ints, elapsed_h: Array, special: Array | None = None) -> Told:
        """Median and scale of every place and block ahead; arguments as of ``features``."""
        seen = features(past, self.shape, self.memory, ahead, elapsed_h, special)
        places, blocks, count = seen.rows.shape
        flat = seen.rows.reshape(-1, count)
        median = self._median(seen.rows, elapsed_h)
        scale = np.maximum(self.scale.predict(flat).reshape(places, blocks), LEAST_SCALE)
        unknown = np.isnan(seen.usual)
        return Told(seen.usual, np.where(unknown, np.nan, median), np.where(unknown, np.nan, scale))

    def _median(self, rows: NDArray[np.float32], elapsed_h: Array) -> Array:
        """Median of the log-ratio, shape (places, blocks), each block by the trees of its horizon."""
        places, blocks, count = rows.shape
        number = np.searchsorted(np.array([part.until_h for part in self.median[:-1]]), elapsed_h - 1e-9)
        median = np.empty((places, blocks))
        for index, part in enumerate(self.median):
            if (mine := number == index).any():
                median[:, mine] = part.trees.predict(rows[:, mine].reshape(-1, count)).reshape(places, int(mine.sum()))
        return median


@dataclass(frozen=True, slots=True)
class Told:
    """Of every place and block ahead, shape (places, blocks) each: the usual p, and median m and scale s of the log-ratio to
    it.
    """

    usual: Array
    median: Array
    scale: Array

    def middle(self) -> Array:
        """The median of the quantity itself, not below 0."""
        return np.asarray(np.maximum((self.usual + OFFSET) * np.exp(self.median) - OFFSET, 0.0))

    def quantiles(self, z: Array) -> Array:
        """Quantiles of the quantity, shape (places, blocks, 21), rising; ``z`` broadcasts to that shape."""
        log = self.median[..., None] + self.scale[..., None] * z
        # 50 is beyond any count: what is far out of hand stays a number
        rising = np.maximum.accumulate((self.usual[..., None] + OFFSET) * np.exp(np.minimum(log, 50.0)) - OFFSET, axis=-1)
        return np.asarray(np.maximum(rising, 0.0))

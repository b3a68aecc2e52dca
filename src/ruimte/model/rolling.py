"""The recent past of all places, tick by tick."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Rolling:
    """The newest ``width`` ticks of n series; what was skipped or not yet seen is NaN.

    >>> past = Rolling(1, 3)
    >>> past.put(10, np.array([1.0])), past.put(12, np.array([3.0]))
    (range(10, 11), range(11, 13))
    >>> past.view()
    array([[ 1., nan,  3.]])
    """

    def __init__(self, n: int, width: int) -> None:
        self.width = width
        self.tick: int | None = None
        # twice as wide as needed, so that it moves back only once in a while
        self._values = np.full((n, 2 * width), np.nan)
        self._filled = width

    def put(self, tick: int, values: Array) -> range:
        """Put in the values of a tick, shape (n,); gives the ticks that are new (empty where an earlier one was corrected)."""
        if self.tick is not None and tick <= self.tick:
            column = self._filled - 1 - (self.tick - tick)
            if column >= self._filled - self.width:
                self._values[:, column] = values
            return range(0)
        new = range(tick if self.tick is None else self.tick + 1, tick + 1)
        if len(new) > self.width:
            self._values[:] = np.nan
        else:
            for _ in new:
                if self._filled == self._values.shape[1]:
                    self._values[:, : self.width] = self._values[:, -self.width :]
                    self._filled = self.width
                self._values[:, self._filled] = np.nan
                self._filled += 1
        self._values[:, self._filled - 1] = values
        self.tick = tick
        return new

    def view(self) -> Array:
        """The past, shape (n, width), oldest first; the last column is the newest tick. Not a copy."""
        return self._values[:, self._filled - self.width : self._filled]

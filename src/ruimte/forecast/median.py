"""The median of what is known: numpy's own is many times slower where values are missing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def known_median(values: Array) -> Array:
    """Median over the last axis without the NaN; shape without that axis; NaN where nothing is known.

    >>> known_median(np.array([[3.0, np.nan, 1.0], [np.nan, np.nan, np.nan]]))
    array([ 2., nan])
    """
    ordered = np.sort(values, axis=-1)  # NaN last
    known = np.sum(~np.isnan(values), axis=-1, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum(known - 1, 0) // 2, axis=-1)
    high = np.take_along_axis(ordered, known // 2, axis=-1)
    return np.asarray(((low + high) / 2)[..., 0])

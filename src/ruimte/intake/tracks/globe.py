"""Positions in degrees as metres, around the middle of a recording."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ruimte.errors import RuimteError
from ruimte.lab.geometry import metres_per_degree

Array = NDArray[np.float64]

_FAR_M = 10_000.0
"""Up to so far from the middle lengths are right to 0.2 %."""


def on_plane(longitude: Array, latitude: Array, where: str) -> tuple[Array, Array, tuple[float, float], tuple[str, ...]]:
    """Metres east and north of the middle, that middle (longitude, latitude), and what is to be said of it.

    The middle is the median, so that a receiver that now and then tells (0, 0) does not move it. Raises ``RuimteError`` for what
    are no degrees.
    """
    known = np.isfinite(longitude) & np.isfinite(latitude)
    if not known.any():
        raise RuimteError("no position is known", where, "choose another file")
    if (abs(longitude[known]) > 180).any() or (abs(latitude[known]) > 90).any():
        raise RuimteError("longitudes or latitudes are no degrees", where, "name the right columns; they may be swapped")
    middle = float(np.median(longitude[known])), float(np.median(latitude[known]))
    east_m, north_m = metres_per_degree(middle[1])
    x, y = (longitude - middle[0]) * east_m, (latitude - middle[1]) * north_m
    far = int((np.hypot(x, y) > _FAR_M).sum())
    notes = (f"{far:,} positions lie more than {_FAR_M / 1000:g} km from the middle of all",) if far else ()
    return x, y, middle, notes

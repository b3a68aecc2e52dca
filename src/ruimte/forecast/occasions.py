"""What is unlike other weeks but like last time: the profile of a gathering that comes back.

A tick within an occasion is compared with the same moment, counted from the start, of the earlier occasions of its series; the
median of those takes the place of the week's profile. New Year's Eve is not like other Tuesdays, but much like the last one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ruimte.forecast.median import known_median
from ruimte.model.place import Model

Array = NDArray[np.float64]


def occasion_profile(model: Model, history: Array, newest: int, ticks: NDArray[np.int64]) -> Array | None:
    """Profile of the ticks that lie within an occasion of which an earlier one is known.

    Args:
        model: the compiled lab, with its occasions.
        history: values per tick, shape (places, n), the last column being tick ``newest``.
        newest: number of the newest tick.
        ticks: the ticks asked for, rising, shape (m,).

    Returns:
        Shape (places, m), NaN where nothing is known; None where no tick lies within an occasion.
    """
    places, n = history.shape
    profile: Array | None = None
    for occasion in model.occasions:
        first, last = model.tick_of(occasion.start_us), model.tick_of(occasion.end_us - 1)
        if last < ticks[0] or first > ticks[-1]:
            continue
        within = np.flatnonzero((ticks >= first) & (ticks <= last))
        columns = [
            ticks[within] - first + model.tick_of(earlier.start_us) - newest + n - 1
            for earlier in model.occasions
            if earlier.series == occasion.series and earlier.start_us < occasion.start_us
        ]
        usable = [column for column in columns if column[0] >= 0 and column[-1] < n]
        if not usable:
            continue
        profile = np.full((places, len(ticks)), np.nan) if profile is None else profile
        chosen = np.array(occasion.places or range(places))
        profile[np.ix_(chosen, within)] = known_median(np.stack([history[np.ix_(chosen, column)] for column in usable], axis=-1))
    return profile

"""Zeros that a publisher leaves out, put back where silence can only mean zero."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def implied_zeros(
    start_us: NDArray[np.int64], interval_us: int, longest_gap_us: int, unknown: Sequence[tuple[int, int]] = ()
) -> tuple[NDArray[np.int64], int]:
    """Starts of the intervals that are missing between two rows of a sensor, where the gap is no longer than
    ``longest_gap_us``.

    ``start_us`` rises strictly. ``unknown`` are periods ``[from, until)`` of which silence says nothing; nothing is filled
    there. Returns the starts, rising, and the number of gaps that are too long to fill: those may be outages and stay missing.

    >>> starts, left = implied_zeros(np.array([0, 15, 100]), interval_us=5, longest_gap_us=20)
    >>> starts.tolist(), left
    ([5, 10], 1)
    """
    silent = np.diff(start_us) - interval_us
    short = (silent >= interval_us) & (silent <= longest_gap_us)
    counts = np.where(short, silent // interval_us, 0)
    total = int(counts.sum())
    number_in_gap = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts) + 1
    implied = np.repeat(start_us[:-1], counts) + number_in_gap * interval_us
    for from_us, until_us in unknown:
        implied = implied[(implied + interval_us <= from_us) | (implied >= until_us)]
    return implied, int(np.count_nonzero(silent > longest_gap_us))

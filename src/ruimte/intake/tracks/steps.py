"""Times as frames: a sensor that looks at equal intervals, told by its times, or at the rate that somebody gave."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ruimte.clock import SECOND_US
from ruimte.errors import RuimteError

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_OFF = 0.25
"""A time fits a frame if it is at most so much of a step away from it."""
_OFF_SHARE = 0.05
"""At a given rate at most this share of the moments may be further away: a sensor that is late now and then."""
_SHORT = 20
"""The step is measured on gaps of at most so many steps: in longer ones the first guess may be a step wrong."""
_MOST_FRAMES = 2**40


@dataclass(frozen=True, slots=True)
class Stepped:
    """Frames of rows, shape (rows,), numbered from 0; frames a second; when frame 0 was, in the unit of what was given."""

    frame: Index
    rate_hz: float
    first_us: int


def stepped(time_us: Index, rate_hz: float | None, where: str) -> Stepped:
    """Frames of times (µs, shape (rows,), any order), at ``rate_hz`` or, where it is None, at the rate that they keep.

    Raises ``RuimteError`` where they keep none, and where they do not fit the rate that was given.

    >>> seen = stepped(np.array([5_000_000, 5_067_000, 5_133_000, 5_200_000, 5_333_000]), None, "walk.csv")
    >>> seen.frame.tolist(), round(seen.rate_hz, 2)
    ([0, 1, 2, 3, 5], 15.02)
    """
    moment, row = np.unique(time_us, return_inverse=True)
    if float(moment[-1]) - float(moment[0]) > 1e18:
        raise RuimteError("its times lie centuries apart", where, "correct them, or tell their unit")
    if rate_hz is None:
        number, rate_hz = _kept(moment, where)
    else:
        number = _given(moment, rate_hz, where)
    return Stepped(number[row], rate_hz, int(moment[0]))


def _kept(moment: Index, where: str) -> tuple[Index, float]:
    """Number of the frame of each moment, and the rate that they keep."""
    gap = np.diff(moment).astype(np.float64)
    if len(gap) == 0:
        raise RuimteError("holds one moment, which tells no frame rate", where, "give --rate, frames a second (25, say)")
    step = float(np.median(gap))
    short = gap <= _SHORT * step
    for _ in range(2):
        steps = np.maximum(np.round(gap[short] / step), 1.0)
        step = float(gap[short].sum() / steps.sum())
    steps = np.round(gap / step)
    off = abs(gap - steps * step) / step
    if (steps < 1).any() or (off[short] > _OFF).any():
        raise RuimteError(
            f"its times keep no frame rate (from {gap.min() / 1000:g} to {gap.max() / 1000:g} ms apart, median "
            f"{float(np.median(gap)) / 1000:g})",
            where,
            "give --rate, frames a second, if they nearly do; else bring them to equal intervals first",
        )
    if steps.sum() > _MOST_FRAMES:
        raise RuimteError("its times lie too far apart for its frame rate", where, "correct them, or split it by time")
    return np.append(0, np.cumsum(steps.astype(np.int64))), _plain(SECOND_US / step)


def _given(moment: Index, rate_hz: float, where: str) -> Index:
    """Number of the frame of each moment at a rate."""
    if not (math.isfinite(rate_hz) and rate_hz > 0):
        raise RuimteError(f"{rate_hz:g} frames a second", where, "give --rate, frames a second (25, say)")
    at = (moment - moment[0]) * (rate_hz / SECOND_US)
    if at[-1] > _MOST_FRAMES:
        raise RuimteError("its times lie too far apart for its frame rate", where, "correct them, or split it by time")
    at -= float(np.median((at + 0.5) % 1.0 - 0.5))  # the first moment may be the one that is late
    number: Index = np.round(at).astype(np.int64)
    off = abs(at - number)
    if (np.diff(number) == 0).any() or (off > _OFF).mean() > _OFF_SHARE:
        usual = f", median {SECOND_US / np.median(np.diff(moment)):.4g} a second" if len(moment) > 1 else ""
        raise RuimteError(f"its times do not fit {rate_hz:g} frames a second{usual}", where, "give the rate that they keep")
    first: Index = number - number[0]
    return first


def _plain(rate_hz: float) -> float:
    """A rate without the crumbs of times that were rounded to milliseconds, where that moves nothing by a frame."""
    near = round(rate_hz, 2)
    return near if near > 0 and abs(near - rate_hz) < 1e-6 * rate_hz else rate_hz

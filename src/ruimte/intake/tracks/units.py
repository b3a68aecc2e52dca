"""Units and frame rates: told by the file or by whoever reads it, never guessed."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ruimte.errors import RuimteError
from ruimte.intake.tracks.recording import Asked

PER_METRE = {"m": 1, "cm": 100, "mm": 1000}
DEGREES = "degrees"
"""Longitude and latitude: a file that has these tells its unit by that."""

_SAMPLE_FRAMES, _SAMPLE_PEOPLE = 20, 300
"""The distance to the nearest neighbour is looked at in so many frames, of so many people each."""

Array = NDArray[np.float64]
Index = NDArray[np.int64]


def agreed_unit(told: str | None, asked: Asked, frame: Index, x: Array, y: Array) -> str:
    """The unit of positions, as the file and whoever reads it agree on. Raises ``RuimteError`` where nobody tells it, and
    where they differ."""
    if asked.unit is not None and asked.unit not in (*PER_METRE, DEGREES):
        raise RuimteError(f"{asked.unit!r} is not a unit", asked.where, f"give one of {', '.join(PER_METRE)}")
    if told is None and asked.unit == DEGREES:
        raise RuimteError("x and y are no degrees", asked.where, "name longitude and latitude in a mapping (--mapping)")
    if told is None and asked.unit is None:
        raise RuimteError(
            f"does not tell the unit of its positions ({likeness(frame, x, y)})", asked.where, "give --unit m or --unit cm"
        )
    if told is not None and asked.unit is not None and told != asked.unit:
        raise RuimteError(
            f"tells its positions in {told}, not in {asked.unit}", asked.where, f"leave out --unit, or give --unit {told}"
        )
    return told or asked.unit or ""


def agreed_rate(told: float | None, asked: Asked) -> float:
    """Frames a second, as the file and whoever reads it agree on. Raises ``RuimteError`` as ``agreed_unit`` does."""
    for rate in (told, asked.rate_hz):
        if rate is not None and not (math.isfinite(rate) and rate > 0):
            raise RuimteError(f"{rate:g} frames a second", asked.where, "give --rate, frames a second (25, say)")
    if told is None and asked.rate_hz is None:
        raise RuimteError("does not tell its frame rate", asked.where, "give --rate, frames a second (25, say)")
    if told is not None and asked.rate_hz is not None and not math.isclose(told, asked.rate_hz, rel_tol=1e-6):
        raise RuimteError(
            f"tells {told:g} frames a second, not {asked.rate_hz:g}", asked.where, f"leave out --rate, or give --rate {told:g}"
        )
    return told or asked.rate_hz or 0.0


def likeness(frame: Index, x: Array, y: Array) -> str:
    """What the figures look like, for somebody who has to tell their unit.

    >>> likeness(np.array([0, 0, 1]), np.array([0.0, 63.0, 812.0]), np.array([0.0, 0.0, 210.0]))
    'x spans 812, y 210; the nearest neighbour is 63 away (median)'
    """
    known = np.isfinite(x) & np.isfinite(y)
    if not known.any():
        return "no position is known"
    frame, x, y = frame[known], x[known], y[known]
    spans = f"x spans {_figure(x.max() - x.min())}, y {_figure(y.max() - y.min())}"
    numbers = np.unique(frame)
    nearest = []
    for number in numbers[np.linspace(0, len(numbers) - 1, min(_SAMPLE_FRAMES, len(numbers))).astype(np.int64)]:
        rows = np.flatnonzero(frame == number)[:_SAMPLE_PEOPLE]
        if len(rows) > 1:
            away = np.hypot(x[rows, None] - x[rows], y[rows, None] - y[rows])
            np.fill_diagonal(away, np.inf)
            nearest.append(away.min(axis=1))
    if not nearest:
        return f"{spans}; nobody has a neighbour"
    return f"{spans}; the nearest neighbour is {_figure(float(np.median(np.concatenate(nearest))))} away (median)"


def _figure(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"

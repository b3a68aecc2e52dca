"""The danger indicators of a whole recording: of each its worst window."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ruimte.tracks.area import Area
from ruimte.tracks.congestion import congestion_level
from ruimte.tracks.danger import Indicator, positive
from ruimte.tracks.frames import Frames
from ruimte.tracks.motion import Motion
from ruimte.tracks.oscillation import collective_oscillation
from ruimte.tracks.pressure import crowd_pressure
from ruimte.tracks.profiles import Grid, grid_over

_PERIOD_S = 4.0
"""Motion of a shorter period is steps, not a crowd's."""
_SQUARE_M, _SQUARES = 0.5, 40_000
"""Side of the squares of pressure and congestion; larger where there would be more of them than this."""


@dataclass(frozen=True, slots=True)
class Worst:
    """An indicator in the window in which it was the highest. ``start_s``: where that begins, from the first frame. ``windows``
    were looked at, and in ``known`` of them it was known; where it never was, ``indicator`` says why not in the window with most
    people. ``x_m``, ``y_m``: where it was that high, of indicators of a place."""

    indicator: Indicator
    start_s: float
    windows: int
    known: int
    x_m: float = math.nan
    y_m: float = math.nan


@dataclass(frozen=True, slots=True)
class _Found:
    indicator: Indicator
    start_s: float
    rows: int
    x_m: float = math.nan
    y_m: float = math.nan
    rank: float = math.nan
    """Higher is worse; NaN where it is not known."""


def worst_windows(
    frames: Frames,
    moves: Motion,
    area: Area,
    *,
    window_s: float = 10.0,
    oscillation_s: float = 90.0,
    progress: Callable[[float], None] = lambda share: None,
) -> tuple[Worst, ...]:
    """Crowd pressure, congestion level and crowd danger in windows of ``window_s``, each half a window after the last, and
    collective oscillation in windows of ``oscillation_s``, each a sixth after the last.

    Raises ``RuimteError`` for numbers that make no sense.
    """
    side = max(_SQUARE_M, math.sqrt(area.area_m2 / _SQUARES))
    grid = grid_over(area, side)
    short, long = (_ends(frames, each, each / parts) for each, parts in ((window_s, 2), (oscillation_s, 6)))
    places = []
    for number, end in enumerate(short, start=1):
        places.append(_places(frames, moves, area, grid, end, window_s))
        progress(0.7 * number / len(short))
    sways = []
    for number, end in enumerate(long, start=1):
        sways.append(_sway(frames, moves, area, end, oscillation_s))
        progress(0.7 + 0.3 * number / len(long))
    return (*(_worst(each) for each in zip(*places, strict=True)), _worst(sways))


def _ends(frames: Frames, window_s: float, step_s: float) -> list[int]:
    """Where windows end: the first at its full length, each a step after the last one, and one at the end of the recording."""
    positive(window_s, "window", "s")
    whole, step = max(round(window_s * frames.rate_hz), 1), max(round(step_s * frames.rate_hz), 1)
    return sorted({*range(whole, len(frames), step), len(frames)})


def _places(frames: Frames, moves: Motion, area: Area, grid: Grid, end: int, window_s: float) -> tuple[_Found, _Found, _Found]:
    """Pressure, congestion and danger of the window up to a frame."""
    part, motion, start_s = _window(frames, moves, end, window_s)
    rows = len(part.person)
    pressure = crowd_pressure(part, motion, grid, window_s=window_s)
    congestion = congestion_level(part, motion, grid, window_s=window_s, area_m2=area.area_m2)
    one = _Found(pressure.indicator, start_s, rows, pressure.x_m, pressure.y_m, pressure.indicator.value)
    level, danger = (_Found(each, start_s, rows, rank=each.value) for each in (congestion.level, congestion.danger))
    return one, level, danger


def _sway(frames: Frames, moves: Motion, area: Area, end: int, window_s: float) -> _Found:
    """Oscillation of the window up to a frame; of two the one that holds more of the power is the worse."""
    part, motion, start_s = _window(frames, moves, end, window_s)
    fastest_s = max(_PERIOD_S, 2.5 / frames.rate_hz)  # a period takes more than two frames
    found = collective_oscillation(part, motion, area, window_s=window_s, fastest_s=fastest_s)
    return _Found(found.indicator, start_s, len(part.person), rank=math.nan if found.indicator.unknown else found.share)


def _window(frames: Frames, moves: Motion, end: int, window_s: float) -> tuple[Frames, Motion, float]:
    begin = max(end - max(round(window_s * frames.rate_hz), 1), 0)
    rows = slice(int(frames.start[begin]), int(frames.start[end]))
    motion = Motion(moves.speed_m_s[rows], moves.x_m_s[rows], moves.y_m_s[rows], moves.jumped[rows])
    return frames.between(begin, end), motion, begin / frames.rate_hz


def _worst(found: Sequence[_Found]) -> Worst:
    rank = np.array([each.rank for each in found])
    known = np.isfinite(rank)
    at = found[int(np.nanargmax(rank))] if known.any() else max(found, key=lambda each: each.rows)
    return Worst(at.indicator, at.start_s, len(found), int(known.sum()), at.x_m, at.y_m)

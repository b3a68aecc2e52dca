"""Congestion level: how much the paths of a crowd turn against each other, from the rotation of its velocity field.

Feliciani & Nishinari (2018), Transportation Research Part C 91, 124–155: the level of a region is (max rot v − min rot v) / |v|,
of the velocity field averaged over some seconds, |v| its mean speed; the crowd danger is level × density. All who go one way, or
turn as one, have level 0. In m⁻¹ it depends on the side of the squares of the field and on how long is averaged, and the source
names no limit that would hold for others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ruimte.tracks.danger import Indicator, Parameter, Unknown, positive, same_rows, window_of
from ruimte.tracks.frames import Frames
from ruimte.tracks.motion import Motion
from ruimte.tracks.profiles import Grid

Array = NDArray[np.float64]

_LEVEL = "level = (max rot v − min rot v) / mean |v|; rot v = ∂v_y/∂x − ∂v_x/∂y, by central differences of squares"
_DANGER = "danger = level × density"
_SOURCE = "Feliciani & Nishinari (2018), Transp. Res. C 91, 124–155"


@dataclass(frozen=True, slots=True)
class Congestion:
    """Congestion of a region: ``level`` in 1/m, ``danger`` in persons/m³, mean ``density`` in persons/m² and ``speed_m_s`` of the
    field (NaN: not known). By square (rows, columns), row 0 is the south: velocity ``x_m_s``, ``y_m_s``, and ``rotation`` in 1/s,
    NaN where a square beside it has no velocity."""

    level: Indicator
    danger: Indicator
    density: float
    speed_m_s: float
    x_m_s: Array
    y_m_s: Array
    rotation: Array


def congestion_level(
    frames: Frames,
    motion: Motion,
    grid: Grid,
    *,
    window_s: float = 10.0,
    until_frame: int | None = None,
    missing: ArrayLike = (),
    area_m2: float | None = None,
    least_density: float = 0.5,
    least_people: int = 10,
    least_share: float = 0.25,
    least_seen: int = 5,
    least_speed_m_s: float = 0.05,
) -> Congestion:
    """Congestion of the region under a grid, over the ``window_s`` seconds up to ``until_frame`` (or the last frame).

    Args:
        frames, motion: the tracks and their velocities.
        grid: the region and its squares.
        missing: numbers of frames that never came; density is that of those that did.
        area_m2: how much of it can be walked on; None: all.
        least_density, least_people: with fewer persons/m², or fewer people in all, it is not known.
        least_seen, least_share: a square has a velocity from so many positions on; the rotation of squares that make
            up so large a share of the area has to be known.
        least_speed_m_s: slower than this nobody moves, and the level is not known. All these limits are ours.

    Raises ``RuimteError`` for numbers that make no sense.
    """
    limits = ((least_density, "density"), (least_people, "people"), (least_share, "share"), (least_seen, "positions"))
    for number, name in (*limits, (least_speed_m_s, "speed")):
        positive(number, f"least {name}", "")
    area = grid.columns * grid.rows * grid.side_m**2 if area_m2 is None else area_m2
    positive(area, "area", "m²")
    same_rows(frames, len(motion.x_m_s))
    window = window_of(frames, window_s, until_frame, missing)
    rows = np.arange(window.first, window.last)
    with np.errstate(over="ignore", invalid="ignore"):
        column = np.floor((frames.x_m[rows] - grid.west_m) / grid.side_m)
        line = np.floor((frames.y_m[rows] - grid.south_m) / grid.side_m)
        inside = (column >= 0) & (column < grid.columns) & (line >= 0) & (line < grid.rows)
    rows, square = rows[inside], (line[inside] * grid.columns + column[inside]).astype(np.int64)
    people = len(np.unique(frames.person[rows]))
    density = len(rows) / max(window.seen, 1) / area
    x_m_s, y_m_s = _field(motion, rows, square, grid, least_seen)
    rotation = _rotation(x_m_s, y_m_s, grid.side_m)
    fast = np.hypot(x_m_s, y_m_s)
    speed = float(np.nanmean(fast)) if np.isfinite(fast).any() else math.nan
    known = np.isfinite(rotation)
    share = min(known.sum() * grid.side_m**2 / area, 1.0)
    unknown: Unknown = ""
    why = ""
    if window.short:
        unknown, why = "short window", window.short
    elif people < least_people:
        unknown, why = "few people", f"{people} people, fewer than {least_people}"
    elif density < least_density:
        unknown, why = "low density", f"{density:.2g} persons/m², less than {least_density:g}"
    elif share < least_share or not known.any():
        unknown, why = "few people", f"rotation known of {share:.0%} of the area, less than {least_share:.0%}"
    elif speed < least_speed_m_s:
        unknown, why = "nobody moves", f"mean speed {speed:.2g} m/s, less than {least_speed_m_s:g} m/s"
    level = math.nan if unknown else float(np.nanmax(rotation) - np.nanmin(rotation)) / speed
    parameters = (
        Parameter("square", grid.side_m, "m"),
        Parameter("window", window_s, "s"),
        Parameter("region", area, "m²"),
        Parameter("least density", least_density, "persons/m²"),
        Parameter("least people", least_people, ""),
        Parameter("least share of area", least_share, ""),
        Parameter("least positions in a square", least_seen, ""),
        Parameter("least speed", least_speed_m_s, "m/s"),
    )
    return Congestion(
        Indicator("congestion level", level, "m⁻¹", parameters, _LEVEL, _SOURCE, None, unknown, why),
        Indicator("crowd danger", level * density, "persons m⁻³", parameters, _DANGER, _SOURCE, None, unknown, why),
        math.nan if window.short else density,
        speed,
        x_m_s,
        y_m_s,
        rotation,
    )


def _field(
    motion: Motion, rows: NDArray[np.int64], square: NDArray[np.int64], grid: Grid, least_seen: int
) -> tuple[Array, Array]:
    """Mean velocity by square, NaN where too few were seen."""
    moves = np.isfinite(motion.x_m_s[rows]) & np.isfinite(motion.y_m_s[rows])
    rows, square, size = rows[moves], square[moves], grid.rows * grid.columns
    seen = np.bincount(square, minlength=size)
    with np.errstate(invalid="ignore", divide="ignore"):
        x, y = (
            np.where(seen >= least_seen, np.bincount(square, weights=each[rows], minlength=size) / seen, np.nan)
            for each in (motion.x_m_s, motion.y_m_s)
        )
    return x.reshape(grid.shape), y.reshape(grid.shape)


def _rotation(x: Array, y: Array, side_m: float) -> Array:
    """∂v_y/∂x − ∂v_x/∂y; NaN at the edge and beside a square without a velocity."""
    rotation = np.full(x.shape, np.nan)
    if min(x.shape) >= 3:
        rotation[1:-1, 1:-1] = ((y[1:-1, 2:] - y[1:-1, :-2]) - (x[2:, 1:-1] - x[:-2, 1:-1])) / (2 * side_m)
    return rotation

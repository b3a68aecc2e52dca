"""Crowd pressure, P = ρ Var(v): how much people who stand close are pushed about. Compiled.

Helbing, Johansson & Al-Abideen (2007), Physical Review E 75, 046109, saw crowd turbulence begin where it passed 0.02 s⁻², in one
crowd. That number depends on how density and variance were averaged, over which radius and how long; it is not known to us what
theirs were. Ours: each position counts at a place with the weight w = exp(−d² / R²), d away, over all frames of the window;
ρ = Σ w / (π R² frames), and Var(v) = Σ w |v − v̄|² / Σ w with v̄ = Σ w v / Σ w, of both components of the velocity. Errors of the
sensor's positions add to the variance; people who walk past each other do too, so that below a density it says nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ruimte.compiled import compiled_aside
from ruimte.tracks.danger import Indicator, Parameter, Unknown, Window, positive, same_rows, window_of
from ruimte.tracks.frames import Frames
from ruimte.tracks.motion import Motion
from ruimte.tracks.profiles import Grid

Array = NDArray[np.float64]
Index = NDArray[np.int64]

THRESHOLD = 0.02
"""1/s², of the source."""
_FORMULA = "P = ρ Var(v); ρ = Σ w / (π R² frames), Var(v) = Σ w |v − v̄|² / Σ w, w = exp(−d² / R²)"
_SOURCE = "Helbing, Johansson & Al-Abideen (2007), Phys. Rev. E 75, 046109"
_FAR = 6.0
"""Beyond so many radii nobody counts: the weight is below 1e-15."""


@dataclass(frozen=True, slots=True)
class Pressure:
    """Crowd pressure over a region. ``indicator`` is the greatest, at ``x_m``, ``y_m``. The rest by square (rows, columns), row 0
    is the south: ``pressure`` in 1/s² (NaN: not known), ``density`` in persons/m², ``variance`` in m²/s² (NaN where no speed is
    known), and ``people``, how many were within the radius."""

    indicator: Indicator
    x_m: float
    y_m: float
    pressure: Array
    density: Array
    variance: Array
    people: Index


def crowd_pressure(
    frames: Frames,
    motion: Motion,
    grid: Grid,
    *,
    radius_m: float = 1.0,
    window_s: float = 10.0,
    until_frame: int | None = None,
    missing: ArrayLike = (),
    least_density: float = 4.0,
    least_people: int = 10,
) -> Pressure:
    """Crowd pressure at the middle of each square, over the ``window_s`` seconds up to ``until_frame`` (or the last frame).

    Args:
        frames, motion: the tracks and their velocities.
        grid: where it is told.
        missing: numbers of frames that never came; density is that of those that did.
        radius_m: R, over which is averaged. Within R of a wall or the edge of what the sensor sees, the density is too low.
        least_density, least_people: with fewer persons/m², or fewer people within R, it is not known. Both are ours.

    Raises ``RuimteError`` for numbers that make no sense.
    """
    positive(radius_m, "radius", "m")
    positive(least_density, "density", "persons/m²")
    positive(least_people, "least number of people", "")
    same_rows(frames, len(motion.x_m_s))
    window = window_of(frames, window_s, until_frame, missing)
    sums = _Sums(*(grid.empty(1)[0] for _ in range(5)), *(np.zeros(grid.shape, np.int64) for _ in range(2)))
    _add_rows(
        frames.by_track, frames.track, frames.x_m, frames.y_m, *_from_mean(motion, window), window.first, window.last,
        grid.numbers, radius_m, np.zeros(grid.columns), sums,
    )  # fmt: skip
    density = sums.weight / (math.pi * radius_m**2 * max(window.seen, 1))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        spread = sums.square - (sums.x**2 + sums.y**2) / sums.known
        variance = np.where(sums.known > 0, np.maximum(spread, 0.0) / sums.known, np.nan)
    many, dense = sums.people >= least_people, density >= least_density
    known = many & dense & np.isfinite(variance) & (window.short == "")
    pressure = np.where(known, density * variance, np.nan)
    parameters = (
        Parameter("averaging radius", radius_m, "m"),
        Parameter("window", window_s, "s"),
        Parameter("square", grid.side_m, "m"),
        Parameter("least density", least_density, "persons/m²"),
        Parameter("least people", least_people, ""),
    )
    unknown: Unknown = ""
    value, x_m, y_m, why = math.nan, math.nan, math.nan, ""
    if window.short:
        unknown, why = "short window", window.short
    elif known.any():
        row, column = np.unravel_index(np.nanargmax(pressure), pressure.shape)
        value = float(pressure[row, column])
        x_m, y_m = grid.west_m + (column + 0.5) * grid.side_m, grid.south_m + (row + 0.5) * grid.side_m
    elif not (many & np.isfinite(variance)).any():
        unknown, why = (
            "few people",
            f"at most {sums.people.max(initial=0)} people within {radius_m:g} m, fewer than {least_people}",
        )
    else:
        unknown = "low density"
        why = f"at most {density[many].max():.2g} persons/m² where there are enough people, less than {least_density:g}"
    indicator = Indicator("crowd pressure", value, "s⁻²", parameters, _FORMULA, _SOURCE, THRESHOLD, unknown, why)
    return Pressure(indicator, float(x_m), float(y_m), pressure, density, variance, sums.people)


def _from_mean(motion: Motion, window: Window) -> tuple[Array, Array]:
    """Velocities from the mean of the window, so that sums of squares lose nothing where all go one way."""
    rows = slice(window.first, window.last)
    moves = np.isfinite(motion.x_m_s[rows]) & np.isfinite(motion.y_m_s[rows])
    with np.errstate(invalid="ignore", over="ignore"):
        x, y = (each - (each[rows][moves].mean() if moves.any() else 0.0) for each in (motion.x_m_s, motion.y_m_s))
    return x, y


class _Sums(NamedTuple):
    """By square: Σ w of all, and of those whose velocity is known; Σ w u and Σ w |u|², u their velocity from the mean of all;
    people within R, and the last of them."""

    weight: Array
    known: Array
    x: Array
    y: Array
    square: Array
    people: Index
    who: Index


@compiled_aside
def _add_rows(
    by_track: Index, track: Index, x: Array, y: Array, ux: Array, uy: Array, first: int, last: int, numbers: Array, radius: float,
    along: Array, sums: _Sums,
) -> None:  # fmt: skip
    """Add rows ``first`` to ``last``, track by track. ``along`` is room of (columns,)."""
    rows, columns = sums.weight.shape
    step, far = numbers[2] / radius, _FAR * radius / numbers[2]
    near = radius / numbers[2]
    for t in range(len(track) - 1):
        for i in range(track[t], track[t + 1]):
            row = by_track[i]
            if row < first or row >= last or not (math.isfinite(x[row]) and math.isfinite(y[row])):
                continue
            # centres lie half a square on; a place far off is beyond all squares, also as a whole number
            at_x = min(max((x[row] - numbers[0]) / numbers[2] - 0.5, -1e9), 1e9)
            at_y = min(max((y[row] - numbers[1]) / numbers[2] - 0.5, -1e9), 1e9)
            left, right = max(math.ceil(at_x - far), 0), min(math.floor(at_x + far), columns - 1)
            under, over = max(math.ceil(at_y - far), 0), min(math.floor(at_y + far), rows - 1)
            moves = math.isfinite(ux[row]) and math.isfinite(uy[row])
            # without a velocity it adds nothing to these
            knows = 1.0 if moves else 0.0
            u, v = (ux[row], uy[row]) if moves else (0.0, 0.0)
            uu = u * u + v * v
            for c in range(left, right + 1):
                d = (c - at_x) * step
                along[c] = math.exp(-d * d)
            for r in range(under, over + 1):
                d = (r - at_y) * step
                across = math.exp(-d * d)
                for c in range(left, right + 1):
                    w = across * along[c]
                    sums.weight[r, c] += w
                    sums.known[r, c] += knows * w
                    sums.x[r, c] += u * w
                    sums.y[r, c] += v * w
                    sums.square[r, c] += uu * w
            for r in range(max(math.ceil(at_y - near), 0), min(math.floor(at_y + near), rows - 1) + 1):
                for c in range(max(math.ceil(at_x - near), 0), min(math.floor(at_x + near), columns - 1) + 1):
                    dx, dy = (c - at_x) * step, (r - at_y) * step
                    if dx * dx + dy * dy <= 1.0 and sums.who[r, c] != t + 1:
                        sums.who[r, c] = t + 1
                        sums.people[r, c] += 1

"""Densities that need no cells: people in zones, people in squares, and the Gaussian field; of all frames at once.

Somebody whose position is not a number is nowhere. The walkable area plays no part here: a ``Meter`` leaves out who is outside
it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ruimte.compiled import compiled_aside
from ruimte.errors import RuimteError
from ruimte.tracks.crowd import NOT_FINITE
from ruimte.tracks.frames import Frames
from ruimte.tracks.profiles import Grid, classic, gaussian
from ruimte.tracks.zones import ZoneArrays, Zones, count

Array = NDArray[np.float64]
Index = NDArray[np.int64]


def classic_density(frames: Frames, zones: Zones, edge_counts: bool = True) -> Array:
    """People in each zone over its area, persons/m², shape (frames, zones).

    ``edge_counts``: whether somebody on the edge of a zone is in it (PedPy: no).

    >>> from ruimte.tracks.frames import frames_of
    >>> from ruimte.tracks.zones import zones_of
    >>> two = frames_of([1, 2, 1], [0, 0, 1], [1.0, 2.0, 9.0], [1.0, 1.0, 1.0], rate_hz=1)
    >>> classic_density(two, zones_of({"z": [(0, 0), (4, 0), (4, 2), (0, 2)]})).tolist()
    [[0.25], [0.0]]
    """
    people = np.zeros((len(frames), len(zones)), np.int64)
    _count(zones.arrays, frames.x_m, frames.y_m, frames.start, _unknown(frames), edge_counts, people)
    return np.asarray(people / zones.area_m2)


def classic_profile(frames: Frames, grid: Grid) -> Array:
    """People in each square over its area, persons/m², shape (frames, rows, columns); row 0 is the south."""
    fields = grid.empty(len(frames))
    _classic(grid.numbers, frames.x_m, frames.y_m, frames.start, _unknown(frames), fields)
    return fields


def gaussian_field(frames: Frames, grid: Grid, fwhm_m: float) -> Array:
    """A Gaussian of this full width at half maximum around each person, at the squares' centres, persons/m², shape (frames, rows,
    columns); row 0 is the south."""
    if not (np.isfinite(fwhm_m) and fwhm_m > 0):
        raise RuimteError(f"a Gaussian {fwhm_m} m wide", mend="give a width in metres, above 0")
    fields = grid.empty(len(frames))
    _gaussian(grid.numbers, fwhm_m, frames.x_m, frames.y_m, frames.start, _unknown(frames), fields)
    return fields


def _unknown(frames: Frames) -> NDArray[np.uint8]:
    return np.where(np.isfinite(frames.x_m) & np.isfinite(frames.y_m), np.uint8(0), np.uint8(NOT_FINITE))


@compiled_aside
def _count(zones: ZoneArrays, x: Array, y: Array, start: Index, flags: NDArray[np.uint8], edge: bool, people: Index) -> None:
    for f in range(len(start) - 1):
        rows = slice(start[f], start[f + 1])
        count(zones, x[rows], y[rows], flags[rows], edge, people[f])


@compiled_aside
def _classic(grid: Array, x: Array, y: Array, start: Index, flags: NDArray[np.uint8], fields: Array) -> None:
    for f in range(len(start) - 1):
        rows = slice(start[f], start[f + 1])
        classic(grid, x[rows], y[rows], flags[rows], fields[f])


@compiled_aside
def _gaussian(grid: Array, fwhm_m: float, x: Array, y: Array, start: Index, flags: NDArray[np.uint8], fields: Array) -> None:
    along = np.zeros(fields.shape[2])
    for f in range(len(start) - 1):
        rows = slice(start[f], start[f + 1])
        gaussian(grid, fwhm_m, x[rows], y[rows], flags[rows], along, fields[f])

"""Profiles: a figure for each square of a grid, so that a map of the crowd can be drawn. Compiled.

Row 0 of a profile is the south, column 0 the west.

- Voronoi: density of a square = Σ |cell ∩ square| / |cell| / |square| (Steffen & Seyfried 2010).
- Classic: people in a square over its area; a square holds its west and south edge.
- Gaussian: Σ over people of a two-dimensional Gaussian around each, at the square's centre; its width is told as the full width
  at half maximum, FWHM = 2 √(2 ln 2) σ. Beyond 8.6 σ a person adds nothing: less than 1e-16 of the peak.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ruimte.compiled import compiled_inner
from ruimte.errors import RuimteError
from ruimte.tracks.area import Area
from ruimte.tracks.voronoi import Room

Array = NDArray[np.float64]

_MOST = 100_000_000
"""Squares in all frames together of one call."""
_SIGMAS = 8.6
_FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))


@dataclass(frozen=True, slots=True)
class Grid:
    """Squares of ``side_m``: ``columns`` × ``rows`` from the south-west corner at ``west_m``, ``south_m``."""

    west_m: float
    south_m: float
    side_m: float
    columns: int
    rows: int

    @property
    def numbers(self) -> Array:
        """What the kernels read, shape (3,): west, south, side."""
        return np.array([self.west_m, self.south_m, self.side_m])

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, self.columns

    def empty(self, frames: int) -> Array:
        """Zeros for so many frames; raises ``RuimteError`` where that would not fit into memory."""
        if frames * self.rows * self.columns > _MOST:
            raise RuimteError(f"{frames} profiles of {self.rows} × {self.columns} squares", "grid", "take fewer frames at once")
        return np.zeros((frames, self.rows, self.columns))


def grid_over(area: Area, side_m: float) -> Grid:
    """Squares over a walkable area, from its south-west corner.

    >>> from ruimte.tracks.area import walkable_area
    >>> grid_over(walkable_area([(0, 0), (10, 0), (10, 4.9), (0, 4.9)]), side_m=0.5).shape
    (10, 20)
    """
    if not (math.isfinite(side_m) and side_m > 0):
        raise RuimteError(f"squares of {side_m} m", "grid", "give a side in metres, above 0")
    west, south, east, north = area.bounds
    squares = max((east - west) / side_m, 1.0) * max((north - south) / side_m, 1.0)
    if not squares <= _MOST:
        raise RuimteError(
            f"squares of {side_m:g} m are {squares:.3g} over the area", "grid", f"take larger ones, at most {_MOST:,}"
        )
    columns, rows = (max(math.ceil(extent / side_m - 1e-9), 1) for extent in (east - west, north - south))
    return Grid(west, south, side_m, columns, rows)


@compiled_inner
def add_cell(numbers: Array, px: float, py: float, each_m2: float, room: Room, cover: Array, full: Array, field: Array) -> None:
    """Add the last cell, of a person at px, py, to a profile: ``each_m2`` for each m² of it, over the area of a square.

    Exact areas in one walk around each piece: with the corners anticlockwise, the area that a piece has in a square is the sum
    over its edges of ∫ clamp(x − west, 0, side) dy within the square's row. ``cover``, ``full`` are room of (rows, columns + 1).
    """
    rows, columns, side = field.shape[0], field.shape[1], numbers[2]
    west, south = (px - numbers[0]) / side, (py - numbers[1]) / side
    for piece in range(room.counts[0]):
        start, end = room.first[piece], room.first[piece + 1]
        low_x = high_x = room.px[start]
        low_y = high_y = room.py[start]
        for i in range(start + 1, end):
            low_x, high_x = min(low_x, room.px[i]), max(high_x, room.px[i])
            low_y, high_y = min(low_y, room.py[i]), max(high_y, room.py[i])
        left, right = max(math.floor(west + low_x / side), 0), min(math.floor(west + high_x / side), columns - 1)
        under, over = max(math.floor(south + low_y / side), 0), min(math.floor(south + high_y / side), rows - 1)
        if left > right or under > over:
            continue
        for j in range(under, over + 1):
            for i in range(left, right + 2):
                cover[j, i] = full[j, i] = 0.0
        last = end - 1
        for i in range(start, end):
            ax, ay = west + room.px[last] / side, south + room.py[last] / side
            bx, by = west + room.px[i] / side, south + room.py[i] / side
            if ay < by:
                _walk(ax, ay, bx, by, 1.0, left, right, under, over, cover, full)
            elif by < ay:
                _walk(bx, by, ax, ay, -1.0, left, right, under, over, cover, full)
            last = i
        for j in range(under, over + 1):
            beyond = full[j, right + 1]
            for back in range(right - left + 1):
                i = right - back
                field[j, i] += each_m2 * (cover[j, i] + beyond)
                beyond += full[j, i]


@compiled_inner
def _walk(
    ax: float,
    ay: float,
    bx: float,
    by: float,
    sign: float,
    left: int,
    right: int,
    under: int,
    over: int,
    cover: Array,
    full: Array,
) -> None:
    """One edge, upwards from a to b, in squares' sides: what it adds to each square it passes, and to all west of that."""
    slope = (bx - ax) / (by - ay)
    y, x = max(ay, float(under)), ax
    if ay < under:
        x = ax + slope * (under - ay)
    j = math.floor(y)
    while y < by and j <= over:
        top = min(by, j + 1.0)
        to = bx if top == by else ax + slope * (top - ay)
        low, high = min(x, to), max(x, to)
        first, last = math.floor(low), math.floor(high)
        if first >= last or first > right:
            _add(sign * (top - y), 0.5 * (low + high), first, left, right, j, cover, full)
        else:
            each = sign * (top - y) / (high - low)
            for i in range(max(first, left - 1), min(last, right + 1) + 1):
                # all that is beyond the columns counts as one
                begin = low if i == max(first, left - 1) else float(i)
                stop = high if i == min(last, right + 1) else min(high, i + 1.0)
                _add(each * (stop - begin), 0.5 * (begin + stop), i, left, right, j, cover, full)
        y, x, j = top, to, j + 1


@compiled_inner
def _add(dy: float, middle: float, i: int, left: int, right: int, j: int, cover: Array, full: Array) -> None:
    if i > right:
        full[j, right + 1] += dy
    elif i >= left:
        cover[j, i] += dy * (middle - i)
        full[j, i] += dy


@compiled_inner
def classic(numbers: Array, x: Array, y: Array, flags: NDArray[np.uint8], field: Array) -> None:
    """Add to a profile those at ``x``, ``y`` whose flag is 0, as persons/m²."""
    side, each = numbers[2], 1.0 / (numbers[2] * numbers[2])
    for k in range(len(x)):
        if flags[k] != 0:
            continue
        i, j = _step(numbers[0], side, x[k], field.shape[1]), _step(numbers[1], side, y[k], field.shape[0])
        if i >= 0 and j >= 0:
            field[j, i] += each


@compiled_inner
def _step(start: float, side: float, at: float, count: int) -> int:
    """Which square of a row holds a coordinate (the last one its far edge too); -1: none."""
    if not (at >= start and at <= start + count * side):
        return -1
    i = min(int((at - start) / side), count - 1)
    if at < start + i * side:
        i -= 1
    elif i + 1 < count and at >= start + (i + 1) * side:
        i += 1
    return i


@compiled_inner
def gaussian(numbers: Array, fwhm_m: float, x: Array, y: Array, flags: NDArray[np.uint8], along: Array, field: Array) -> None:
    """Add to a field a Gaussian for each of those at ``x``, ``y`` whose flag is 0. ``along`` is room of (columns,)."""
    sigma, side = fwhm_m / _FWHM, numbers[2]
    peak, far = 1.0 / (2.0 * math.pi * sigma * sigma), _SIGMAS * sigma
    rows, columns = field.shape
    for k in range(len(x)):
        if flags[k] != 0:
            continue
        # centres lie half a square on
        at_x, at_y = (x[k] - numbers[0]) / side - 0.5, (y[k] - numbers[1]) / side - 0.5
        left, right = max(math.ceil(at_x - far / side), 0), min(math.floor(at_x + far / side), columns - 1)
        under, over = max(math.ceil(at_y - far / side), 0), min(math.floor(at_y + far / side), rows - 1)
        for i in range(left, right + 1):
            d = (i - at_x) * side / sigma
            along[i] = peak * math.exp(-0.5 * d * d)
        for j in range(under, over + 1):
            d = (j - at_y) * side / sigma
            height = math.exp(-0.5 * d * d)
            for i in range(left, right + 1):
                field[j, i] += height * along[i]

"""The people of one frame in bins, so that who is near is found without looking at everyone. Compiled."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ruimte.compiled import compiled_inner, compiled_within
from ruimte.tracks.area import INSIDE, OUTSIDE, Walls

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Flags = NDArray[np.uint8]

NOT_FINITE, NOT_INSIDE, TWIN, NO_CELL = 1, 2, 4, 8
"""What is wrong with a position: no number; not in the walkable area; somebody else is at the same point; no cell was found."""

_A_BIN = 2.0
"""People a bin, on average."""


class Crowd(NamedTuple):
    """The people of a frame that count, sorted by bin, coordinates from the area's origin.

    ``row`` is where each is in the frame; those of bin b are ``first[b]:first[b + 1]``. ``bins`` (2,): how many in x and y;
    ``raster`` (4,): least x and y, and bins a metre in x and y.
    """

    x: Array
    y: Array
    row: Index
    bin: Index
    first: Index
    bins: Index
    raster: Array


def room_for(most: int) -> Crowd:
    """Room for frames of at most ``most`` people."""
    return Crowd(
        np.zeros(most),
        np.zeros(most),
        np.zeros(most, np.int64),
        np.zeros(most, np.int64),
        np.zeros(4 * most + 66, np.int64),
        np.zeros(2, np.int64),
        np.zeros(4),
    )


@compiled_inner
def gather(walls: Walls, x: Array, y: Array, flags: Flags, crowd: Crowd) -> int:
    """Put the people at ``x``, ``y`` into bins; those who are nowhere or outside are left out, and ``flags`` says so.

    Returns how many count.
    """
    west, south, east, north, n = math.inf, math.inf, -math.inf, -math.inf, 0
    for i in range(len(x)):
        px, py = x[i] - walls.origin[0], y[i] - walls.origin[1]
        if not (math.isfinite(px) and math.isfinite(py)):
            flags[i] = NOT_FINITE
        elif not is_inside(walls, px, py):
            flags[i] = NOT_INSIDE
        else:
            flags[i] = 0
            west, south, east, north, n = min(west, px), min(south, py), max(east, px), max(north, py), n + 1
    if n == 0:
        return 0
    wide, high = east - west, north - south
    side = max(math.sqrt(wide * high * _A_BIN / n), max(wide, high) * _A_BIN / n, 1e-6)
    columns, rows = int(wide / side) + 1, int(high / side) + 1
    crowd.bins[0], crowd.bins[1] = columns, rows
    crowd.raster[0], crowd.raster[1], crowd.raster[2], crowd.raster[3] = west, south, side, 1.0 / side
    crowd.first[: columns * rows + 1] = 0
    for i in range(len(x)):
        if flags[i] == 0:
            b = _bin(crowd, x[i] - walls.origin[0], y[i] - walls.origin[1])
            crowd.bin[i] = b
            crowd.first[b + 1] += 1
    for b in range(columns * rows):
        crowd.first[b + 1] += crowd.first[b]
    for j in range(len(x)):
        i = len(x) - 1 - j
        if flags[i] == 0:
            # the end of the bin moves down to its beginning as the bin is filled
            crowd.first[crowd.bin[i] + 1] -= 1
            at = crowd.first[crowd.bin[i] + 1]
            crowd.x[at], crowd.y[at], crowd.row[at] = x[i] - walls.origin[0], y[i] - walls.origin[1], i
    for b in range(columns * rows):
        crowd.first[b] = crowd.first[b + 1]
    crowd.first[columns * rows] = n
    return n


@compiled_within
def _bin(crowd: Crowd, px: float, py: float) -> int:
    i = min(int((px - crowd.raster[0]) * crowd.raster[3]), crowd.bins[0] - 1)
    j = min(int((py - crowd.raster[1]) * crowd.raster[3]), crowd.bins[1] - 1)
    return int(j * crowd.bins[0] + i)


@compiled_within
def area_bin(walls: Walls, px: float, py: float) -> int:
    """Which bin of the area's raster holds a point within its box."""
    i = min(max(int(px * walls.box[2]), 0), walls.bins[0] - 1)
    j = min(max(int(py * walls.box[3]), 0), walls.bins[1] - 1)
    return int(j * walls.bins[0] + i)


@compiled_inner
def is_inside(walls: Walls, px: float, py: float) -> bool:
    """Whether a point (from the origin) is in the walkable area or on its edge."""
    slack = walls.box[4]
    if px < -slack or py < -slack or px > walls.box[0] + slack or py > walls.box[1] + slack:
        return False
    kind = walls.kind[area_bin(walls, px, py)]
    if kind == INSIDE:
        return True
    if kind == OUTSIDE:
        return False
    odd = False
    for w in range(len(walls.wall)):
        ax, ay, bx, by = walls.wall[w, 0], walls.wall[w, 1], walls.wall[w, 2], walls.wall[w, 3]
        if from_segment(px, py, ax, ay, bx, by) <= slack * slack:
            return True
        if (ay > py) != (by > py) and px < ax + (py - ay) / (by - ay) * (bx - ax):
            odd = not odd
    return odd


@compiled_within
def from_segment(px: float, py: float, ax: float, ay: float, bx: float, by: float) -> float:
    """Squared distance of a point from a segment."""
    ux, uy = bx - ax, by - ay
    length = ux * ux + uy * uy
    share = ((px - ax) * ux + (py - ay) * uy) / length if length > 0.0 else 0.0
    share = min(max(share, 0.0), 1.0)
    dx, dy = px - ax - share * ux, py - ay - share * uy
    return dx * dx + dy * dy

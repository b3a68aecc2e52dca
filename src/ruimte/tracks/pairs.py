"""Which two people of a frame are near each other. Compiled.

People are put into bins as wide as the reach, so that those near somebody are in the same bin or in one of the eight around it;
rows of bins lie one after another, so that half of the nine are two runs of people.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ruimte.compiled import compiled_aside

Array = NDArray[np.float64]
Index = NDArray[np.int64]

FARTHEST_M = 1e8
"""A coordinate beyond this is no place on earth, in any national grid: the position counts as unknown."""


class Near(NamedTuple):
    """Room for a frame. Of each pair found: ``one``, ``other``, the rows in the frame, and ``ring``, which ring of distance.
    The rest are the people by bin: ``x``, ``y``, ``row`` and where each bin begins (``first``), ``bin`` of each row, -1: none."""

    one: Index
    other: Index
    ring: NDArray[np.int32]
    x: Array
    y: Array
    row: Index
    bin: Index
    first: Index


def room_for(people: int, pairs: int) -> Near:
    """Room for frames of so many people and pairs."""
    return Near(
        np.zeros(pairs, np.int64),
        np.zeros(pairs, np.int64),
        np.zeros(pairs, np.int32),
        np.zeros(people),
        np.zeros(people),
        np.zeros(people, np.int64),
        np.zeros(people, np.int64),
        np.zeros(4 * people + 66, np.int64),
    )


@compiled_aside
def near_pairs(x: Array, y: Array, edges_m: Array, near: Near) -> tuple[int, int]:
    """Find the pairs of a frame that are nearer than ``edges_m[-1]``.

    ``edges_m`` (rings + 1,), from 0 up, equally far apart; ring r holds distances from ``edges_m[r]`` up to, without,
    ``edges_m[r + 1]``. Returns how many people have a position, and how many pairs there are: where that is more than there is
    room for, only so many were kept.
    """
    n, columns, rows = _into_bins(x, y, edges_m[-1], near)
    reach, per_m, pairs = edges_m[-1] * edges_m[-1], 1.0 / edges_m[1], 0
    for b in range(columns * rows):
        begin, end = near.first[b], near.first[b + 1]
        if begin == end:
            continue
        column, north, after = b % columns, 0, 0
        if b + columns < columns * rows:
            north = near.first[b + columns - (1 if column > 0 else 0)]
            after = near.first[b + columns + (2 if column + 1 < columns else 1)]
        east = near.first[b + 2] if column + 1 < columns else end
        for i in range(begin, end):
            px, py = near.x[i], near.y[i]
            for run in range(2):
                low, high = (i + 1, east) if run == 0 else (north, after)
                for j in range(low, high):
                    dx, dy = near.x[j] - px, near.y[j] - py
                    square = dx * dx + dy * dy
                    if square < reach:
                        if pairs < len(near.one):
                            near.one[pairs], near.other[pairs] = near.row[i], near.row[j]
                            near.ring[pairs] = _ring(square, edges_m, per_m)
                        pairs += 1
    return n, pairs


@compiled_aside
def _ring(square: float, edges_m: Array, per_m: float) -> int:
    """The ring of a squared distance; compared as squares, so that no root is on the wrong side of an edge."""
    ring = min(int(math.sqrt(square) * per_m), len(edges_m) - 2)
    while square < edges_m[ring] * edges_m[ring]:
        ring -= 1
    while square >= edges_m[ring + 1] * edges_m[ring + 1]:
        ring += 1
    return ring


@compiled_aside
def _into_bins(x: Array, y: Array, side: float, near: Near) -> tuple[int, int, int]:
    """Put people into bins at least ``side`` wide; how many have a position, and how many columns and rows there are."""
    west, south, east, north, n = math.inf, math.inf, -math.inf, -math.inf, 0
    for i in range(len(x)):
        near.bin[i] = -1
        if abs(x[i]) <= FARTHEST_M and abs(y[i]) <= FARTHEST_M:
            near.bin[i] = 0
            west, south, east, north, n = min(west, x[i]), min(south, y[i]), max(east, x[i]), max(north, y[i]), n + 1
    if n == 0:
        return 0, 0, 0
    # a hair wider, for rounding; and no more bins than a few for each person, however far apart some are
    wide, high = east - west, north - south
    side = max(side * (1.0 + 1e-9), math.sqrt(wide * high / (2 * n)), max(wide, high) / (n + 8))
    columns, rows = int(wide / side) + 1, int(high / side) + 1
    near.first[: columns * rows + 1] = 0
    for i in range(len(x)):
        if near.bin[i] == 0:
            near.bin[i] = int((y[i] - south) / side) * columns + int((x[i] - west) / side)
            near.first[near.bin[i] + 1] += 1
    for b in range(columns * rows):
        near.first[b + 1] += near.first[b]
    for back in range(len(x)):
        i = len(x) - 1 - back
        if near.bin[i] >= 0:
            # the end of a bin moves down to its beginning as the bin is filled
            near.first[near.bin[i] + 1] -= 1
            at = near.first[near.bin[i] + 1]
            near.x[at], near.y[at], near.row[at] = x[i], y[i], i
    for b in range(columns * rows):
        near.first[b] = near.first[b + 1]
    near.first[columns * rows] = n
    return n, columns, rows

"""Convex polygons in small arrays: cut by a line, cut a segment, measure. Compiled.

A polygon is its first ``n`` corners, anticlockwise: x in row 0 of an array (3, room), y in row 1; row 2 is room to work in.
Coordinates are small (from the person whose cell it is), so that nothing is lost of far origins.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ruimte.compiled import compiled_inner, compiled_within

Array = NDArray[np.float64]

_POINT_M = 1e-9
"""Two corners nearer than this are one: the direction from one to the other is but rounding."""


@compiled_inner
def cut(p: Array, n: int, u: float, v: float, c: float) -> int:
    """Keep of a polygon what has u·x + v·y ≤ c, in place; how many corners it has then (0: nothing is left).

    ``p`` has room for one corner more.
    """
    far = beyond(p, n, u, v, c)
    return cut_at(p, n, far) if far >= 0 else n


@compiled_within
def beyond(p: Array, n: int, u: float, v: float, c: float) -> int:
    """Which corner is farthest beyond the line u·x + v·y = c (-1: none is); how far each is, into row 2."""
    most, far = 0.0, -1
    for i in range(n):
        s = u * p[0, i] + v * p[1, i] - c
        p[2, i] = s
        if s > most:
            most, far = s, i
    return far


@compiled_inner
def cut_at(p: Array, n: int, far: int) -> int:
    """Cut by the line that corner ``far`` is farthest ``beyond``, in place; how many corners are left.

    What goes is the run of corners around that one, and two new ones take its place. Any other corner beyond the line is so by
    rounding only.
    """
    first, last, gone = far, far, 1
    while gone < n:
        before = first - 1 if first > 0 else n - 1
        if p[2, before] <= 0.0:
            break
        first, gone = before, gone + 1
    while gone < n:
        after = last + 1 if last + 1 < n else 0
        if p[2, after] <= 0.0:
            break
        last, gone = after, gone + 1
    if gone == n:
        return 0
    begin_x, begin_y = _between(p, first, first - 1 if first > 0 else n - 1)
    end_x, end_y = _between(p, last, last + 1 if last + 1 < n else 0)
    kept = n - gone
    if first > last:  # the run goes round the end
        for i in range(kept):
            p[0, i], p[1, i] = p[0, last + 1 + i], p[1, last + 1 + i]
        first = kept
    elif gone == 1:
        for i in range(n, last + 1, -1):
            p[0, i], p[1, i] = p[0, i - 1], p[1, i - 1]
    else:
        for i in range(last + 1, n):
            p[0, first + 1 + i - last], p[1, first + 1 + i - last] = p[0, i], p[1, i]
    p[0, first], p[1, first], p[0, first + 1], p[1, first + 1] = begin_x, begin_y, end_x, end_y
    return kept + 2


@compiled_within
def _between(p: Array, i: int, j: int) -> tuple[float, float]:
    """Where the line crosses an edge, from how far beyond it both corners are."""
    share = p[2, i] / (p[2, i] - p[2, j])
    return p[0, i] + share * (p[0, j] - p[0, i]), p[1, i] + share * (p[1, j] - p[1, i])


@compiled_within
def reach(p: Array, n: int) -> float:
    """Squared distance of the farthest corner from (0, 0)."""
    far = 0.0
    for i in range(n):
        far = max(far, p[0, i] * p[0, i] + p[1, i] * p[1, i])
    return far


@compiled_within
def size(x: Array, y: Array, start: int, end: int) -> float:
    """Area of the polygon of corners ``start`` to ``end`` (without)."""
    twice = 0.0
    for i in range(start + 1, end - 1):
        twice += (x[i] - x[start]) * (y[i + 1] - y[start]) - (x[i + 1] - x[start]) * (y[i] - y[start])
    return 0.5 * twice


@compiled_inner
def within(
    x: Array, y: Array, start: int, end: int, ax: float, ay: float, bx: float, by: float, depth: float
) -> tuple[float, float]:
    """Between which shares (0 to 1) a segment from a to b is inside a polygon, at least ``depth`` from its edges; (1, 0):
    nowhere."""
    low, high = 0.0, 1.0
    last = end - 1
    for i in range(start, end):
        ex, ey = x[i] - x[last], y[i] - y[last]
        length = math.sqrt(ex * ex + ey * ey)
        if length < _POINT_M:
            continue
        from_a = ex * (ay - y[last]) - ey * (ax - x[last]) - depth * length
        from_b = ex * (by - y[last]) - ey * (bx - x[last]) - depth * length
        if from_a < 0.0 and from_b < 0.0:
            return 1.0, 0.0
        if from_a < 0.0:
            low = max(low, from_a / (from_a - from_b))
        elif from_b < 0.0:
            high = min(high, from_a / (from_a - from_b))
        last = i
    return low, high


@compiled_inner
def holds(x: Array, y: Array, start: int, end: int, px: float, py: float, depth: float) -> bool:
    """Whether a point is inside a polygon, at least ``depth`` from its edges."""
    last = end - 1
    for i in range(start, end):
        ex, ey = x[i] - x[last], y[i] - y[last]
        length = math.sqrt(ex * ex + ey * ey)
        if length < _POINT_M:
            continue
        if ex * (py - y[last]) - ey * (px - x[last]) < depth * length:
            return False
        last = i
    return True

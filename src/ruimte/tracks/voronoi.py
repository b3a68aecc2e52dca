"""The Voronoi cell of a person: what is nearer to them than to anybody else, can be walked to inside it, and is not too far.
Compiled.

Steffen & Seyfried (2010), Methods for measuring pedestrian density, flow, speed and direction with minimal scatter, Physica A
389. The cut-off circle is a polygon of 4 × ``segments`` corners on it, the first due east; as PedPy and GEOS make it.

A cell begins as a square and is cut by the bisector with each neighbour that is no further than twice the cell's farthest corner,
the close ones first, so that most others are soon too far; then by the circle, and by walls. Of what is left, the part that holds
the person is the cell. That part is convex unless a reflex corner of the area lies in it; then it is put together from what the
cell shares with the triangles that can be reached from the person's own.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ruimte.compiled import compiled_inner, compiled_within
from ruimte.tracks.area import Walls
from ruimte.tracks.convex import beyond, cut, cut_at, holds, reach, size, within
from ruimte.tracks.crowd import Crowd, area_bin

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_SAME_M2 = 1e-18
"""Two people are at one point where their squared distance is no more."""
_DEPTH_M = 1e-11
"""A wall that enters a cell no deeper than this does not touch it."""
_CLOSE = 0.8
"""Who is closer than this (bins' sides, squared) is looked at first."""


class Circle(NamedTuple):
    """The cut-off: ``sizes`` (2,), its radius and apothem in m (infinite: none); ``u``, ``v``: normals of its polygon's edges."""

    sizes: Array
    u: Array
    v: Array


class Room(NamedTuple):
    """Room to work in, made once; and the last cell: ``pieces[0]`` convex pieces, of corners ``first[p]:first[p + 1]`` in ``px``,
    ``py``, seen from the person."""

    p: Array
    q: Array
    far_x: Array
    far_y: Array
    to_x: Array
    to_y: Array
    done: NDArray[np.bool_]
    seen: Index
    stack: Index
    px: Array
    py: Array
    first: Index
    counts: Index


def circle_of(radius_m: float | None, segments: int = 3) -> Circle:
    """A cut-off of a radius, a quarter of it made of ``segments`` edges; None: no cut-off."""
    if radius_m is None:
        return Circle(np.array([math.inf, math.inf]), np.zeros(0), np.zeros(0))
    turn = (np.arange(4 * segments) + 0.5) * (math.pi / 2 / segments)
    return Circle(np.array([radius_m, radius_m * math.cos(math.pi / 4 / segments)]), np.cos(turn), np.sin(turn))


def room_for(people: int, walls: Walls, circle: Circle) -> Room:
    """Room for the cells of frames of at most so many people in an area."""
    most = people + len(circle.u) + len(walls.wall) + 16
    triangles = len(walls.triangle)
    pieces = 2 * most + 12 * triangles
    return Room(
        np.zeros((3, most)),
        np.zeros((3, most)),
        np.zeros(most),
        np.zeros(most),
        np.zeros(people + 1),
        np.zeros(people + 1),
        np.zeros(len(walls.wall), np.bool_),
        np.zeros(triangles, np.int64),
        np.zeros(triangles + 1, np.int64),
        np.zeros(pieces),
        np.zeros(pieces),
        np.zeros(triangles + 2, np.int64),
        np.zeros(2, np.int64),
    )


@compiled_within
def cell(walls: Walls, circle: Circle, crowd: Crowd, k: int, room: Room) -> int:
    """The cell of the k-th of the crowd, into ``room``; how many others are at the same point (-1: no cell was found)."""
    x, y = room.p[0], room.p[1]
    half = 1.01 * (circle.sizes[0] if circle.sizes[0] < 1e300 else walls.box[0] + walls.box[1])
    x[0], y[0], x[1], y[1], x[2], y[2], x[3], y[3] = -half, -half, half, -half, half, half, -half, half
    if circle.sizes[0] >= 1e300:
        _box(walls, crowd.x[k], crowd.y[k], x, y)
    n, twins = _among_others(crowd, k, circle.sizes[0], room)
    n = _in_circle(circle, n, room)
    if n == 0:
        room.counts[0] = 0
        return -1
    far = math.sqrt(reach(room.p, n))
    b = area_bin(walls, crowd.x[k], crowd.y[k])
    if walls.near_m[b, 0] > far:
        _keep(room, n)
        return twins
    n = _among_walls(walls, crowd.x[k], crowd.y[k], b, far, n, room)
    if n > 0:
        _keep(room, n)
    elif n < 0:
        _from_triangles(walls, crowd.x[k], crowd.y[k], b, -n, room)
    else:
        room.counts[0] = 0
    return twins if room.counts[0] > 0 else -1


@compiled_within
def _in_circle(circle: Circle, n: int, room: Room) -> int:
    """Cut by those edges of the cut-off that a corner is beyond; how many corners are left."""
    x, y, apothem, far = room.p[0], room.p[1], circle.sizes[1], 0
    for i in range(n):
        if x[i] * x[i] + y[i] * y[i] > apothem * apothem:
            room.far_x[far], room.far_y[far], far = x[i], y[i], far + 1
    if far == 0:
        return n
    for e in range(len(circle.u)):
        u, v, most = circle.u[e], circle.v[e], 0.0
        for i in range(far):
            most = max(most, u * room.far_x[i] + v * room.far_y[i])
        if most > apothem:
            n = cut(room.p, n, u, v, apothem)
    return n


@compiled_within
def _box(walls: Walls, px: float, py: float, x: Array, y: Array) -> None:
    """The area's box, a little larger, seen from the person. Exactly as large, its edges would hide the walls on it."""
    more = 0.01 * (walls.box[0] + walls.box[1])
    x[0] = x[3] = -px - more
    x[1] = x[2] = walls.box[0] - px + more
    y[0] = y[1] = -py - more
    y[2] = y[3] = walls.box[1] - py + more


@compiled_within
def _keep(room: Room, n: int) -> None:
    """The cell is convex: one piece."""
    for i in range(n):
        room.px[i], room.py[i] = room.p[0, i], room.p[1, i]
    room.counts[0], room.first[0], room.first[1] = 1, 0, n


@compiled_within
def _among_others(crowd: Crowd, k: int, radius: float, room: Room) -> tuple[int, int]:
    """Cut by the bisectors with those around; how many corners are left, and how many others are at the same point."""
    to_x, to_y = room.to_x, room.to_y
    columns, rows = crowd.bins[0], crowd.bins[1]
    side = crowd.raster[2]
    px, py = crowd.x[k], crowd.y[k]
    own_i = min(int((px - crowd.raster[0]) * crowd.raster[3]), columns - 1)
    own_j = min(int((py - crowd.raster[1]) * crowd.raster[3]), rows - 1)
    in_x, in_y = px - crowd.raster[0] - own_i * side, py - crowd.raster[1] - own_j * side
    margin = max(min(min(in_x, side - in_x), min(in_y, side - in_y)), 0.0)
    n, twins = 4, -1  # for the person is found as well
    most = 4.0 * min(reach(room.p, n), radius * radius)
    ring, close = 1, _CLOSE * side * side
    while True:
        found, rest = 0, len(to_x)
        for j in range(max(own_j - ring, 0), min(own_j + ring + 1, rows)):
            whole = ring == 1 or j == own_j - ring or j == own_j + ring
            for half in range(1 if whole else 2):
                if whole:
                    left, right = max(own_i - ring, 0), min(own_i + ring, columns - 1)
                elif half == 0:
                    left = right = own_i - ring
                else:
                    left = right = own_i + ring
                if left < 0 or right >= columns:
                    continue
                for other in range(crowd.first[j * columns + left], crowd.first[j * columns + right + 1]):
                    dx, dy = crowd.x[other] - px, crowd.y[other] - py
                    d = dx * dx + dy * dy
                    # the close ones to the front, others to the back: written to both, and one end moves on, for no processor
                    # could foresee which way a branch would go
                    to_x[found] = to_x[rest - 1] = dx
                    to_y[found] = to_y[rest - 1] = dy
                    found += d < close
                    rest -= (d >= close) & (d < most)
        for wave in range(2):
            for c in range(found) if wave == 0 else range(rest, len(to_x)):
                d = to_x[c] * to_x[c] + to_y[c] * to_y[c]
                if d >= most:
                    continue
                if d <= _SAME_M2:
                    twins += 1
                    continue
                far = beyond(room.p, n, to_x[c], to_y[c], 0.5 * d)
                if far >= 0:
                    n = cut_at(room.p, n, far)
                    most = 4.0 * min(reach(room.p, n), radius * radius)
        seen = ring * side + margin
        if n == 0 or seen * seen >= most or (ring >= columns and ring >= rows):
            return n, twins
        ring += 1


@compiled_inner
def _among_walls(walls: Walls, px: float, py: float, b: int, far: float, n: int, room: Room) -> int:
    """Cut by the walls that are seen, nearest first; how many corners are left. Below 0: minus that number, and the rest needs
    the triangles, for a reflex corner is in the cell.

    Of the parts of walls inside the cell the nearest is always seen: whatever hid it would be nearer. A wall from edge to edge of
    the cell divides it. One that ends inside it goes on as the next wall; where no corner there is reflex, the part that holds
    the person is convex, and lies on one side of each.
    """
    x, y, wall = room.p[0], room.p[1], walls.wall
    near = 0
    while near < len(wall) and walls.near_m[b, near] <= far:
        room.done[near] = False
        near += 1
    while True:
        best, nearest, ends = -1, math.inf, False
        for c in range(near):
            if room.done[c]:
                continue
            w = walls.near[b, c]
            ax, ay, bx, by = wall[w, 0] - px, wall[w, 1] - py, wall[w, 2] - px, wall[w, 3] - py
            if ax * wall[w, 4] + ay * wall[w, 5] < -far:
                continue
            ux, uy = bx - ax, by - ay
            length = ux * ux + uy * uy
            foot = min(max(-(ax * ux + ay * uy) / length, 0.0), 1.0)
            dx, dy = ax + foot * ux, ay + foot * uy
            if dx * dx + dy * dy >= min(far * far, nearest):
                continue
            low, high = within(x, y, 0, n, ax, ay, bx, by, _DEPTH_M)
            if high <= low:
                continue
            foot = min(max(-(ax * ux + ay * uy) / length, low), high)
            dx, dy = ax + foot * ux, ay + foot * uy
            d = dx * dx + dy * dy
            if d < nearest:
                best, nearest, ends = c, d, low == 0.0 or high == 1.0
        if best < 0:
            return n
        if ends and _has_reflex(walls, px, py, b, near, n, room):
            return -n
        w = walls.near[b, best]
        room.done[best] = True
        offset = (wall[w, 0] - px) * wall[w, 4] + (wall[w, 1] - py) * wall[w, 5]
        n = cut(room.p, n, -wall[w, 4], -wall[w, 5], -offset)
        if n == 0:
            return 0


@compiled_inner
def _has_reflex(walls: Walls, px: float, py: float, b: int, near: int, n: int, room: Room) -> bool:
    """Whether one of the near walls starts at a reflex corner in the cell."""
    for c in range(near):
        w = walls.near[b, c]
        if walls.reflex[w] and holds(room.p[0], room.p[1], 0, n, walls.wall[w, 0] - px, walls.wall[w, 1] - py, _DEPTH_M):
            return True
    return False


@compiled_inner
def _from_triangles(walls: Walls, px: float, py: float, b: int, n: int, room: Room) -> None:
    """The cell as pieces: what it shares with the triangles that are reached from the person's own without leaving the cell."""
    room.counts[1] += 1
    stamp = room.counts[1]
    start = _triangle_of(walls, px, py, b)
    room.stack[0], room.seen[start] = start, stamp
    waiting, pieces, used = 1, 0, 0
    while waiting > 0:
        waiting -= 1
        t = room.stack[waiting]
        kept = _shared(walls, px, py, t, n, used, room)
        if kept > 0:
            room.first[pieces] = used
            pieces, used = pieces + 1, used + kept
            room.first[pieces] = used
        for p in range(walls.portal_first[t], walls.portal_first[t + 1]):
            to = walls.portal_to[p]
            if room.seen[to] == stamp:
                continue
            ax, ay, bx, by = walls.portal[p, 0] - px, walls.portal[p, 1] - py, walls.portal[p, 2] - px, walls.portal[p, 3] - py
            low, high = within(room.p[0], room.p[1], 0, n, ax, ay, bx, by, _DEPTH_M)
            if high > low:
                room.seen[to] = stamp
                room.stack[waiting] = to
                waiting += 1
    room.counts[0] = pieces


@compiled_inner
def _triangle_of(walls: Walls, px: float, py: float, b: int) -> int:
    """The triangle that holds a point, or the one whose edges are the least beyond."""
    best, least = 0, -math.inf
    for c in range(-1, len(walls.triangle)):
        t = c if c >= 0 else walls.start[b]  # mostly it is the one of the bin's middle
        depth = math.inf
        for e in range(3):
            f = (e + 1) % 3
            ax, ay, bx, by = (
                walls.triangle[t, 2 * e],
                walls.triangle[t, 2 * e + 1],
                walls.triangle[t, 2 * f],
                walls.triangle[t, 2 * f + 1],
            )
            ux, uy = bx - ax, by - ay
            depth = min(depth, (ux * (py - ay) - uy * (px - ax)) / math.sqrt(ux * ux + uy * uy))
        if depth > least:
            best, least = t, depth
            if depth >= 0.0:
                break
    return best


@compiled_inner
def _shared(walls: Walls, px: float, py: float, t: int, n: int, used: int, room: Room) -> int:
    """What the cell shares with a triangle, behind the pieces so far; how many corners it has (0: nothing)."""
    q = room.q
    for i in range(n):
        q[0, i], q[1, i] = room.p[0, i], room.p[1, i]
    kept = n
    for e in range(3):
        f = (e + 1) % 3
        ax, ay = walls.triangle[t, 2 * e] - px, walls.triangle[t, 2 * e + 1] - py
        u, v = walls.triangle[t, 2 * f + 1] - py - ay, ax - walls.triangle[t, 2 * f] + px
        kept = cut(q, kept, u, v, u * ax + v * ay)
        if kept == 0:
            return 0
    for i in range(kept):
        room.px[used + i], room.py[used + i] = q[0, i], q[1, i]
    return kept if size(room.px, room.py, used, used + kept) > 0.0 else 0

"""The walkable area: where people can be, as arrays for the kernels.

Walls are the edges of the area's rings, with the walkable side on their left. A raster over the area tells, for any place,
whether it is inside, and which walls are near: so that most people need to look at no wall at all. Triangles and the portals
between them serve the few cells with a reflex corner (one of more than 180°, seen from inside) in them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray

from ruimte.errors import RuimteError

Array = NDArray[np.float64]
Index = NDArray[np.int64]

INSIDE, OUTSIDE, MIXED = 1, 0, 2
_BINS, _PAIRS = 4096, 400_000
"""At most so many bins in the raster, and so many pairs of a bin and a wall."""


class Walls(NamedTuple):
    """An area as the kernels read it; all lengths in m, from ``origin``.

    ``box`` (6,): width and height of the area, bins a metre in x and y, tolerance and the area's size in m². ``bins`` (2,): how
    many in x and y. ``wall`` (walls, 6): start x, y, end x, y, and the unit normal into the area. ``reflex`` (walls,): whether
    a wall starts at a reflex corner. ``kind`` (bins,): INSIDE, OUTSIDE or MIXED. ``near`` (bins, walls): walls, nearest first,
    ``near_m`` how far they are at least from any point of the bin. ``triangle`` (triangles, 6), anticlockwise; ``start``
    (bins,), the one that a bin's middle is in. Portals of triangle t are ``portal_first[t]:portal_first[t + 1]``:
    ``portal_to``, and ``portal`` (portals, 4), the edge that both share.
    """

    origin: Array
    box: Array
    bins: Index
    wall: Array
    reflex: NDArray[np.bool_]
    kind: NDArray[np.int8]
    near: NDArray[np.int32]
    near_m: Array
    triangle: Array
    start: Index
    portal_first: Index
    portal_to: Index
    portal: Array


@dataclass(frozen=True, slots=True)
class Area:
    """Where people can be: ``polygon`` in m, and the same as arrays."""

    polygon: shapely.Polygon | shapely.MultiPolygon
    walls: Walls

    @property
    def area_m2(self) -> float:
        """Size in m²."""
        return float(self.polygon.area)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Least x and y, greatest x and y, in m."""
        west, south, east, north = self.polygon.bounds
        return west, south, east, north


Shape: TypeAlias = shapely.Polygon | shapely.MultiPolygon | Sequence[tuple[float, float]] | Array
"""A polygon, as shapely's or as corners (n, 2) in m."""


def walkable_area(outline: Shape, obstacles: Sequence[Shape] = ()) -> Area:
    """The area within an outline and outside obstacles, all in m.

    Raises ``RuimteError`` for an outline or obstacle that crosses itself, has no size or corners that are no numbers, and where
    the obstacles leave nothing.

    >>> area = walkable_area([(0, 0), (10, 0), (10, 5), (0, 5)], obstacles=[[(4, 2), (6, 2), (6, 3), (4, 3)]])
    >>> area.area_m2
    48.0
    """
    polygon = polygon_of(outline, "walkable area")
    for number, each in enumerate(obstacles):
        polygon = polygon.difference(polygon_of(each, f"obstacle {number + 1}"))
    if polygon.geom_type == "GeometryCollection":
        polygon = shapely.union_all([part for part in polygon.geoms if part.area > 0])
    if polygon.area == 0:
        raise RuimteError("obstacles leave no room to walk", "walkable area", "make the outline larger or the obstacles smaller")
    polygon = shapely.orient_polygons(shapely.remove_repeated_points(polygon))
    return Area(polygon, _walls(polygon))


def polygon_of(shape: Shape, where: str) -> shapely.Polygon | shapely.MultiPolygon:
    """A checked polygon in m; raises ``RuimteError`` where it is none, crosses itself, or has no size."""
    if isinstance(shape, shapely.Polygon | shapely.MultiPolygon):
        polygon = shape
    else:
        try:
            corners = np.asarray(shape, dtype=np.float64)
        except (TypeError, ValueError):
            corners = np.empty(0)
        if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3:
            raise RuimteError("not a polygon", where, "give at least three corners as pairs of x and y in metres")
        if not np.isfinite(corners).all():
            raise RuimteError("a corner is not a number", where, "give x and y of each corner in metres")
        polygon = shapely.Polygon(corners)
    if not np.isfinite(shapely.get_coordinates(polygon)).all():
        raise RuimteError("a corner is not a number", where, "give x and y of each corner in metres")
    if not polygon.is_valid:
        raise RuimteError(f"not a plain polygon ({shapely.is_valid_reason(polygon)})", where, "give corners in order around it")
    if polygon.area <= 0:
        raise RuimteError("a polygon without size", where, "give at least three corners that are not on one line")
    return shapely.force_2d(polygon)


def _walls(polygon: shapely.Polygon | shapely.MultiPolygon) -> Walls:
    west, south, east, north = polygon.bounds
    origin = np.array([west, south])
    starts, ends, reflex = [], [], []
    for part in shapely.get_parts(polygon):
        for ring in (part.exterior, *part.interiors):
            points = shapely.get_coordinates(ring)[:-1] - origin
            after, before = np.roll(points, -1, axis=0), np.roll(points, 1, axis=0)
            starts.append(points)
            ends.append(after)
            into, out = points - before, after - points
            reflex.append(into[:, 0] * out[:, 1] - into[:, 1] * out[:, 0] < 0)
    start, end = np.concatenate(starts), np.concatenate(ends)
    along = end - start
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.hypot(along[:, 0], along[:, 1])[:, None]
    wide, high = east - west, north - south
    bins, per_m, kind, near, near_m = _raster(polygon, start, end, wide, high)
    triangles = _triangles(polygon)
    triangle = np.array([shapely.get_coordinates(each)[:3] - origin for each in triangles]).reshape(-1, 6)
    triangle = _anticlockwise(triangle)
    first, to, portal = _portals(triangle, 4.0 * float(np.spacing(np.abs(polygon.bounds).max())))
    return Walls(
        origin,
        np.array([wide, high, *per_m, 1e-9, polygon.area]),
        bins,
        np.concatenate([start, end, normal], axis=1),
        np.concatenate(reflex),
        kind,
        near,
        near_m,
        triangle,
        _start(triangles, bins, per_m, origin),
        first,
        to,
        portal,
    )


def _raster(
    polygon: shapely.Polygon | shapely.MultiPolygon, start: Array, end: Array, wide: float, high: float
) -> tuple[Index, Array, NDArray[np.int8], NDArray[np.int32], Array]:
    """Bins over the area: how many, per metre, of which kind, and which walls are near."""
    most = max(16, min(_BINS, _PAIRS // len(start)))
    side = max((wide * high / most) ** 0.5, max(wide, high) / most)
    count = np.maximum(np.array([wide, high]) / side, 1.0).astype(np.int64)
    size = np.array([wide, high]) / count
    x, y = ((np.arange(n) + 0.5) * s for n, s in zip(count, size, strict=True))
    centre = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    along = end - start
    share = ((centre[:, None] - start) * along).sum(-1) / (along**2).sum(-1)
    foot = start + np.clip(share, 0.0, 1.0)[..., None] * along
    away = np.maximum(np.hypot(*np.moveaxis(centre[:, None] - foot, -1, 0)) - np.hypot(*size) / 2 - 1e-9, 0.0)
    near = np.argsort(away, axis=1, kind="stable")
    near_m = np.take_along_axis(away, near, axis=1)
    west, south = polygon.bounds[:2]
    inside = shapely.contains_xy(polygon, centre[:, 0] + west, centre[:, 1] + south)
    kind = np.where(near_m[:, 0] > 0, np.where(inside, INSIDE, OUTSIDE), MIXED).astype(np.int8)
    return count, 1.0 / size, kind, near.astype(np.int32), near_m


def _start(triangles: list[shapely.Polygon], bins: Index, per_m: Array, origin: Array) -> Index:
    """Which triangle holds the middle of each bin; 0 where none does."""
    i, j = np.meshgrid(np.arange(bins[0]), np.arange(bins[1]))
    centres = shapely.points(origin[0] + (i.ravel() + 0.5) / per_m[0], origin[1] + (j.ravel() + 0.5) / per_m[1])
    held, triangle = shapely.STRtree(triangles).query(centres, predicate="intersects")
    start = np.zeros(len(centres), np.int64)
    start[held] = triangle
    return start


def _triangles(polygon: shapely.Polygon | shapely.MultiPolygon) -> list[shapely.Polygon]:
    parts = shapely.get_parts(polygon)
    return [each for part in parts for each in shapely.constrained_delaunay_triangles(part).geoms if each.area > 0]


def _anticlockwise(triangle: Array) -> Array:
    a, b, c = triangle[:, 0:2], triangle[:, 2:4], triangle[:, 4:6]
    turned = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) < (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    triangle[turned] = np.concatenate([a, c, b], axis=1)[turned]
    return np.ascontiguousarray(triangle)


def _portals(triangle: Array, tolerance: float) -> tuple[Index, Index, Array]:
    """Where one can pass from a triangle to another. Most share a whole edge; where one has a corner on an edge of the other,
    they share a part of it. The tolerance is that of rounding: a wider one would lead through thin walls."""
    corner = triangle.reshape(-1, 3, 2)
    start, end = corner.reshape(-1, 2), np.roll(corner, -1, axis=1).reshape(-1, 2)
    whole = {(*a, *b): edge for edge, (a, b) in enumerate(zip(start.tolist(), end.tolist(), strict=True))}
    found: dict[int, list[tuple[int, Array]]] = defaultdict(list)
    alone = []
    for edge, (a, b) in enumerate(zip(start.tolist(), end.tolist(), strict=True)):
        other = whole.get((*b, *a))
        if other is None:
            alone.append(edge)
        else:
            found[edge // 3].append((other // 3, np.array([*a, *b])))
    lone = np.array(alone, dtype=np.int64)
    along = end[lone] - start[lone]
    length = np.hypot(along[:, 0], along[:, 1])
    for i, edge in enumerate(alone):
        u = along[i] / length[i]
        away, far = start[lone] - start[edge], end[lone] - start[edge]
        across = np.maximum(abs(away @ [-u[1], u[0]]), abs(far @ [-u[1], u[0]]))
        low, high = np.maximum(far @ u, 0.0), np.minimum(away @ u, length[i])
        for j in np.flatnonzero((across < tolerance) & (high - low > tolerance) & (lone // 3 != edge // 3)):
            part = np.concatenate([start[edge] + low[j] * u, start[edge] + high[j] * u])
            found[edge // 3].append((int(lone[j]) // 3, part))
    first = np.cumsum([0, *(len(found[t]) for t in range(len(triangle)))])
    every = [each for t in range(len(triangle)) for each in found[t]]
    to = np.array([each for each, _ in every], dtype=np.int64)
    return first.astype(np.int64), to, np.array([part for _, part in every]).reshape(-1, 4)

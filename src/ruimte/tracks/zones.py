"""Zones of measurement: any number at once, of any shape; who is in which, and how much of a cell each holds. Compiled.

A raster over all zones tells for most places at once which zones hold them, so that the time does not depend on their number. A
zone that is not convex is a set of triangles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from ruimte.compiled import compiled_inner, compiled_within
from ruimte.tracks.area import Shape, polygon_of
from ruimte.tracks.convex import cut, size
from ruimte.tracks.crowd import from_segment
from ruimte.tracks.voronoi import Room

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_BINS = 120
"""Bins of the raster, in x and in y."""
_ON_EDGE_M2 = 1e-24
"""Squared distance from an edge at which a point is on it."""


class ZoneArrays(NamedTuple):
    """Zones as the kernels read them, in m from ``origin``.

    Convex parts of zone z: ``part[z]:part[z + 1]``; corners of part p, anticlockwise: ``corner[p]:corner[p + 1]`` in ``x``,
    ``y``. Edges of zone z: ``edge_first[z]:edge_first[z + 1]`` in ``edge`` (edges, 4). ``box`` (zones, 4): least x, y, greatest
    x, y. Zones of raster bin b: ``bin_first[b]:bin_first[b + 1]`` in ``bin_zone``, ``whole`` where the zone holds all of it;
    ``raster`` (2,) bins a metre in x and y, ``bins`` (2,) their number.
    """

    origin: Array
    part: Index
    corner: Index
    x: Array
    y: Array
    edge_first: Index
    edge: Array
    box: Array
    bins: Index
    raster: Array
    bin_first: Index
    bin_zone: Index
    whole: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Zones:
    """Zones by name, with their areas in m², shape (zones,)."""

    names: tuple[str, ...]
    area_m2: Array
    arrays: ZoneArrays

    def __len__(self) -> int:
        return len(self.names)


def zones_of(shapes: Mapping[str, Shape]) -> Zones:
    """Zones from polygons in m; they may overlap, and need not lie within the walkable area.

    Raises ``RuimteError`` for a polygon that crosses itself or has no size.

    >>> zones_of({"platform": [(0, 0), (20, 0), (20, 3), (0, 3)]}).area_m2
    array([60.])
    """
    polygons = [shapely.orient_polygons(polygon_of(shape, f"zone {name!r}")) for name, shape in shapes.items()]
    bounds = np.array([each.bounds for each in polygons]).reshape(-1, 4)
    origin = bounds[:, :2].min(axis=0) if polygons else np.zeros(2)
    parts, part = [], [0]
    edges, edge_first = [], [0]
    for polygon in polygons:
        # of a nearly convex one the hull: an edge that is a rounding error long may point anywhere, and would cut cells off
        convex = [polygon.convex_hull] if _is_convex(polygon) else list(shapely.constrained_delaunay_triangles(polygon).geoms)
        parts += [shapely.get_coordinates(each)[:-1] - origin for each in shapely.orient_polygons(convex)]
        part.append(len(parts))
        for ring in shapely.get_rings(shapely.get_parts(polygon)):  # of a polygon of several parts it gives none
            points = shapely.get_coordinates(ring) - origin
            edges.append(np.concatenate([points[:-1], points[1:]], axis=1))
        edge_first.append(sum(map(len, edges)))
    corners = np.concatenate(parts) if parts else np.zeros((0, 2))
    arrays = ZoneArrays(
        origin,
        np.array(part, dtype=np.int64),
        np.cumsum([0, *map(len, parts)]).astype(np.int64),
        np.ascontiguousarray(corners[:, 0]),
        np.ascontiguousarray(corners[:, 1]),
        np.array(edge_first, dtype=np.int64),
        np.concatenate(edges) if edges else np.zeros((0, 4)),
        bounds - np.tile(origin, 2),
        *_raster(polygons, bounds, origin),
    )
    return Zones(tuple(shapes), np.array([each.area for each in polygons]), arrays)


def _is_convex(polygon: shapely.Polygon | shapely.MultiPolygon) -> bool:
    return (
        polygon.geom_type == "Polygon"
        and not polygon.interiors
        and polygon.convex_hull.area - polygon.area <= 1e-12 * polygon.area
    )


def _raster(
    polygons: list[shapely.Polygon | shapely.MultiPolygon], bounds: Array, origin: Array
) -> tuple[Index, Array, Index, Index, NDArray[np.bool_]]:
    """The raster over all zones; a bin is a little larger here than it is, so that rounding does not put anybody into the wrong
    one."""
    if not polygons:
        return np.ones(2, np.int64), np.ones(2), np.zeros(2, np.int64), np.zeros(0, np.int64), np.zeros(0, np.bool_)
    extent = bounds[:, 2:].max(axis=0) - origin
    side = extent / _BINS
    i, j = np.meshgrid(np.arange(_BINS), np.arange(_BINS))
    west, south = origin[0] + i.ravel() * side[0], origin[1] + j.ravel() * side[1]
    more = 1e-9 * (1.0 + extent.max())
    boxes = shapely.box(west - more, south - more, west + side[0] + more, south + side[1] + more)
    zone, held = shapely.STRtree(boxes).query(polygons, predicate="intersects")
    whole = shapely.contains_properly(np.array(polygons)[zone], boxes[held])
    order = np.lexsort((zone, held))
    first = np.searchsorted(held[order], np.arange(len(boxes) + 1))
    bins = np.full(2, _BINS, np.int64)
    return bins, 1.0 / side, first.astype(np.int64), zone[order].astype(np.int64), whole[order]


@compiled_inner
def count(zones: ZoneArrays, x: Array, y: Array, flags: NDArray[np.uint8], edge_counts: bool, people: Index) -> None:
    """Add to ``people`` (zones,) those at ``x``, ``y`` whose flag is 0."""
    for i in range(len(x)):
        px, py = x[i] - zones.origin[0], y[i] - zones.origin[1]
        fx, fy = px * zones.raster[0], py * zones.raster[1]
        # a point on the outer edge may be beyond the last bin, or before the first, by rounding
        if flags[i] != 0 or not (fx > -1e-6 and fy > -1e-6 and fx < zones.bins[0] + 1e-6 and fy < zones.bins[1] + 1e-6):
            continue
        b = min(int(fy), zones.bins[1] - 1) * zones.bins[0] + min(int(fx), zones.bins[0] - 1)
        for c in range(zones.bin_first[b], zones.bin_first[b + 1]):
            z = zones.bin_zone[c]
            if zones.whole[c] or is_in(zones, z, px, py, edge_counts):
                people[z] += 1


@compiled_inner
def is_in(zones: ZoneArrays, z: int, px: float, py: float, edge_counts: bool) -> bool:
    """Whether a zone holds a point (from the zones' origin); of one on its edge, ``edge_counts`` says so."""
    odd = False
    for e in range(zones.edge_first[z], zones.edge_first[z + 1]):
        ax, ay, bx, by = zones.edge[e, 0], zones.edge[e, 1], zones.edge[e, 2], zones.edge[e, 3]
        if (py < ay and py < by) or (py > ay and py > by) or (px > ax and px > bx):
            continue
        if from_segment(px, py, ax, ay, bx, by) <= _ON_EDGE_M2:
            return edge_counts
        if (ay > py) != (by > py) and (px < ax + (py - ay) / (by - ay) * (bx - ax)):
            odd = not odd
    return odd


@compiled_within
def overlap(zones: ZoneArrays, z: int, px: float, py: float, far: float, room: Room) -> float:
    """How many m² of the last cell, of a person at px, py (from the zones' origin), lie in a zone; ``far``: no corner is
    further."""
    if px + far <= zones.box[z, 0] or py + far <= zones.box[z, 1] or px - far >= zones.box[z, 2] or py - far >= zones.box[z, 3]:
        return 0.0
    q, total = room.q, 0.0
    for part in range(zones.part[z], zones.part[z + 1]):
        start, end = zones.corner[part], zones.corner[part + 1]
        for piece in range(room.counts[0]):
            n = room.first[piece + 1] - room.first[piece]
            for i in range(n):
                q[0, i], q[1, i] = room.px[room.first[piece] + i], room.py[room.first[piece] + i]
            last = end - 1
            for c in range(start, end):
                ax, ay = zones.x[last] - px, zones.y[last] - py
                u, v = zones.y[c] - py - ay, ax - zones.x[c] + px
                n = cut(q, n, u, v, u * ax + v * ay)
                if n == 0:
                    break
                last = c
            if n > 0:
                total += size(q[0], q[1], 0, n)
    return total

"""From the map to the plane of a device that tells tracks, and back: metres from its own origin, along its own axes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry

from ruimte.lab.files import Ground
from ruimte.lab.geometry import flattened, metres_per_degree
from ruimte.lab.lab import Gate, Obstacle, Zone

TRACKS = "tracks"
"""The kind of a sensor of the register whose figures the node makes from its device's tracks."""
MEASURES = {
    "zone": ("people", "people_sd", "density", "speed"),
    "gate": ("count_in", "count_out", "speed"),
}
"""What tracks tell, by kind of place."""
PRECISION_M = 1e-6
"""Corners are put on a grid of this, so that edges that fall together on the map do so in the plane too."""
SHARE = 0.95
"""The share of a zone that a view must hold for a count of the people in it; of less it tells the density there."""

ACCURACY = 0.05
"""By which share a count of people from tracks may be off for long, where the register does not say."""
_ASIDE_M = 0.5


@dataclass(frozen=True, slots=True)
class Plane:
    """Metres from an ``origin`` (longitude, latitude); y points ``bearing_deg`` clockwise from north, x a quarter turn on."""

    origin: tuple[float, float]
    bearing_deg: float = 0.0

    @classmethod
    def of(cls, ground: Ground) -> Plane:
        """The plane of a device."""
        return cls((ground.origin[0], ground.origin[1]), ground.bearing_deg)

    def flat(self, shape: BaseGeometry) -> BaseGeometry:
        """A shape of longitudes and latitudes as metres in the plane.

        >>> plane = Plane((4.9, 52.37), bearing_deg=90)
        >>> east = plane.flat(Point(4.901, 52.37))
        >>> round(east.x, 1), round(east.y, 1)
        (0.0, 68.1)
        """
        cosine, sine = self._turn()
        turn = np.array([[cosine, sine], [-sine, cosine]])
        return shapely.transform(flattened(shape, Point(self.origin)), lambda metres: metres @ turn)

    def degrees(self, x_m: ArrayLike, y_m: ArrayLike) -> NDArray[np.float64]:
        """Longitudes and latitudes of points of the plane, shape (points, 2).

        >>> plane = Plane((4.9, 52.37), bearing_deg=30)
        >>> there = plane.flat(Point(4.903, 52.368))
        >>> plane.degrees([there.x], [there.y]).round(6).tolist()
        [[4.903, 52.368]]
        """
        cosine, sine = self._turn()
        x, y = np.asarray(x_m, dtype=np.float64), np.asarray(y_m, dtype=np.float64)
        metres = np.stack([x * cosine + y * sine, y * cosine - x * sine], axis=-1)
        degrees: NDArray[np.float64] = metres / metres_per_degree(self.origin[1]) + np.array(self.origin)
        return degrees

    def _turn(self) -> tuple[float, float]:
        angle = math.radians(self.bearing_deg)
        return math.cos(angle), math.sin(angle)


def walkable(plane: Plane, view: Polygon, obstacles: Iterable[Obstacle]) -> Polygon | None:
    """What of a view can be walked, in metres of the plane, to the micrometre; None where obstacles leave nothing, or cut it in
    two."""
    seen = plane.flat(view)
    for obstacle in obstacles:
        seen = seen.difference(plane.flat(obstacle.polygon))
    seen = shapely.set_precision(seen, PRECISION_M)
    return seen if isinstance(seen, Polygon) and not seen.is_empty else None


def goes_in(line: LineString, from_: BaseGeometry | None, to: BaseGeometry | None) -> bool:
    """Whether who crosses a gate from its left to its right, seen along its line, goes from ``from_`` to ``to`` (None: outside).
    All in m of one plane.

    >>> door = LineString([(0, 0), (0, 2)])
    >>> goes_in(door, shapely.box(-5, 0, 0, 2), None), goes_in(door, None, shapely.box(-5, 0, 0, 2))
    (True, False)
    """
    left, right = (line.parallel_offset(_ASIDE_M, side).interpolate(0.5, normalized=True) for side in ("left", "right"))
    nearer_left = 0.0
    for zone, sign in ((from_, 1.0), (to, -1.0)):
        if zone is not None:
            nearer_left += sign * (zone.distance(right) - zone.distance(left))
    return nearer_left > 0


def gate_line(plane: Plane, gate: Gate, zones: Mapping[str, Zone]) -> LineString:
    """A gate as a straight line in metres of the plane, from its first to its last corner, turned so that who goes from its
    ``from`` side to its ``to`` side crosses it from left to right. A lab may draw a gate either way."""
    whole = plane.flat(gate.line)
    line = LineString([whole.coords[0], whole.coords[-1]])
    return line if goes_in(line, *sides(plane, gate, zones)) else line.reverse()


def sides(plane: Plane, gate: Gate, zones: Mapping[str, Zone]) -> tuple[BaseGeometry | None, BaseGeometry | None]:
    """The zones on the ``from`` and the ``to`` side of a gate, in metres of the plane; None: outside."""
    from_, to = (plane.flat(zones[name].polygon) if name in zones else None for name in (gate.from_, gate.to))
    return from_, to

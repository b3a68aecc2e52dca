"""How many people were in a zone over a second, and how far that may be off.

People are counted by where they stand, not by the shares of their cells: a whole person is in a zone or is not, so that the
count changes by exactly those who cross its edge, as the counts of its gates do. With n the mean of the second's frames, u the
area of the zone that is not seen over the area that is, and d the share of the people that the sensor sees,

    people = (n + astray) (1 + u) / d

and the variance is the sum of what can be wrong with it, each on the scale of the people:

| what | variance |
|---|---|
| the sensor's level (``accuracy``, a share) | (accuracy · people)² |
| who is not seen: of n + astray who are, binomial | people (1 − d) / d |
| who stands so near the edge that they may be on its other side: p = Φ(−distance / error) | Σ p |
| the part that is not seen: as unsure as all that is there | (n u)² + n u |
| positions that are no numbers (``astray``): they may be here, or nobody's | astray² + astray |
| tracks at one point: one person seen twice, or two | (twins / 2)² / 3 |
| people come and go within the second | variance of its frames |
| frames that are missing (a share) | missing · (n − n of the second before)² |
| a track lost or doubled | LEAST_SD² |
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

Array = NDArray[np.float64]

LEAST_SD = 0.5
"""Nobody is surer of a count than this, persons: now and then a track is lost, or one is kept of somebody who left."""
_SLIVER = 1e-4
"""Less than this share of a zone is not unseen: it is rounding."""
_FAR = 4.0
"""Beyond so many standard deviations from an edge it is certain on which side somebody is."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A zone in which people are counted: what of it is seen and can be walked on (m²), and the ``edge`` across which people come
    and go (walls are none). ``unseen_m2`` is what else of it can be walked on; ``detection`` the share of the people that the
    sensor sees, ``accuracy`` by which share its counts may be off for long (a standard deviation)."""

    seen: shapely.Polygon | shapely.MultiPolygon
    edge: shapely.Geometry
    unseen_m2: float = 0.0
    detection: float = 1.0
    accuracy: float = 0.0


def counted(
    zone: shapely.Polygon,
    area: shapely.Polygon | shapely.MultiPolygon,
    obstacles: shapely.Geometry | None = None,
    detection: float = 1.0,
    accuracy: float = 0.0,
) -> Counted | None:
    """A zone as a sensor sees it that sees the walkable ``area``; None where it sees nothing of it. All in m."""
    pieces = shapely.get_parts(zone.intersection(area))
    pieces = [each for each in pieces if each.geom_type == "Polygon" and each.area > 0]
    if not pieces:
        return None
    seen = shapely.union_all(pieces)
    unseen = zone.difference(seen) if obstacles is None else zone.difference(seen).difference(obstacles)
    edge = seen.boundary.difference(area.boundary.buffer(1e-6))
    left = float(unseen.area) if unseen.area > _SLIVER * seen.area else 0.0
    return Counted(seen, edge, left, detection, accuracy)


def on_edge(zone: Counted, x_m: Array, y_m: Array, error_m: float) -> float:
    """Σ p over the people at ``x_m``, ``y_m``, p that somebody is on the other side of the zone's edge than the position, which
    is off by ``error_m`` (a standard deviation) along each axis: the variance of how many of them are in the zone.

    >>> square = counted(shapely.box(0, 0, 2, 2), shapely.box(-5, -5, 5, 5))
    >>> on_edge(square, np.array([2.0, 1.0]), np.array([1.0, 1.0]), error_m=0.1)
    0.5
    """
    known = np.isfinite(x_m) & np.isfinite(y_m)
    if error_m <= 0 or zone.edge.is_empty or not known.any():
        return 0.0
    apart = shapely.distance(zone.edge, shapely.points(x_m[known], y_m[known])) / error_m
    beyond = np.array([0.5 * math.erfc(each / math.sqrt(2)) for each in apart[apart < _FAR].tolist()])
    return float(beyond.sum())


def headcount(
    zone: Counted, inside: Array, *, missing: float = 0.0, before: float = math.nan, edge: float = 0.0, twins: float = 0.0,
    astray: float = 0.0,
) -> tuple[float, float]:  # fmt: skip
    """People in a zone over a second, and the standard deviation of that.

    Args:
        inside: how many were in it in each frame, shape (frames,), at least one.
        missing: share of the second's frames that is missing.
        before: people seen in the second before; NaN: not known.
        edge: see ``on_edge``. twins, astray: a frame's mean of tracks at one point, and of positions that are no numbers, in
            this zone.

    >>> hall = counted(shapely.box(0, 0, 10, 10), shapely.box(0, 0, 10, 10), accuracy=0.05)
    >>> headcount(hall, np.array([100.0, 100.0]))[0]
    100.0
    """
    n = float(inside.mean()) + astray
    unseen, d = zone.unseen_m2 / zone.seen.area, zone.detection
    people = n * (1.0 + unseen) / d
    change = 0.0 if math.isnan(before) else n - before
    seen = edge + astray**2 + astray + (twins / 2) ** 2 / 3 + float(inside.var()) + missing * change**2
    hidden = (n * unseen) ** 2 + n * unseen
    variance = (zone.accuracy * people) ** 2 + people * (1.0 - d) / d + (seen + hidden) / d**2 + LEAST_SD**2
    return people, math.sqrt(variance)

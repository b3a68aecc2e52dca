"""How likely two people are so far apart by chance: what the radial distribution is held against.

Whoever stands near a wall has neighbours on one side only. So the chance is that of the area itself: two places in it, each
anywhere with the same chance, are within a ring of distance of each other. It is reckoned from places on a regular
lattice, so that it is the same each time.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

from ruimte.tracks.area import Area

Array = NDArray[np.float64]

_PLACES, _WAYS, _GOLDEN = 2000, 32, 0.6180339887498949


def chance_within(area: Area, edges_m: Array) -> Array:
    """The chance (rings,) that two places in an area are ``edges_m[r]`` to ``edges_m[r + 1]`` apart.

    In a large area it is π (b² − a²) / |area| for the ring from a to b.

    >>> from ruimte.tracks.area import walkable_area
    >>> square = walkable_area([(0, 0), (100, 0), (100, 100), (0, 100)])
    >>> float(chance_within(square, np.array([0.0, 1.0]))[0]) * 10_000 / np.pi > 0.98
    True
    """
    polygon = area.polygon
    west, south, east, north = area.bounds
    side = (area.area_m2 / _PLACES) ** 0.5
    x, y = (low + (np.arange(max(round((high - low) / side), 1)) + 0.5) * (high - low) / max(round((high - low) / side), 1)
            for low, high in ((west, east), (south, north)))  # fmt: skip
    px, py = (each.ravel() for each in np.meshgrid(x, y))
    shapely.prepare(polygon)
    inside = shapely.contains_xy(polygon, px, py)
    if not inside.any():
        middle = polygon.representative_point()
        px, py, inside = np.array([middle.x]), np.array([middle.y]), np.array([True])
    px, py = px[inside], py[inside]
    # each place looks in other ways, so that thin areas are seen along too
    way = (np.arange(_WAYS) + (np.arange(len(px)) * _GOLDEN % 1.0)[:, None]) * 2 * np.pi / _WAYS
    chance = np.empty(len(edges_m) - 1)
    for ring, (a, b) in enumerate(pairwise(edges_m)):
        far = ((a * a + b * b) / 2) ** 0.5
        held = shapely.contains_xy(polygon, px[:, None] + far * np.cos(way), py[:, None] + far * np.sin(way)).mean()
        chance[ring] = held * np.pi * (b * b - a * a) / area.area_m2
    return chance

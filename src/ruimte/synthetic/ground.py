"""The ground that visitors walk on: a lab's zones and gates in metres, and how far it is from each gate to everywhere."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import Point, Polygon

from ruimte.lab.geometry import flattened
from ruimte.lab.lab import Gate, Lab
from ruimte.lab.rules import OUTSIDE

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

SPOTS = 96
"""So many spots in each zone are where people stand, sit or lie."""
_UNKNOWN_WIDTH_M = 3.0
"""Of a gate whose width the lab does not tell."""


class Ground(NamedTuple):
    """Zones, then gates, as arrays. Metres, east and north of the middle of it all.

    ``area_m2`` (zones,), where people can be; ``spots`` (zones, SPOTS, 2). Of gates: ``ends_m`` (gates, 4) x and y of both ends
    of its line; ``sides`` (gates, 2) the zones that it leads from and to, -1 outside; ``width_m``. ``doors`` (zones, most gates
    of one) are the gates of each zone, -1 for none. ``rest_m`` (gates, 2, zones + gates): how far it is from a gate, once it is
    passed from its first side to its second (0) or back (1), to each zone's edge and to each gate that leads outside.
    """

    area_m2: Array
    spots: Array
    ends_m: Array
    sides: Ints
    width_m: Array
    doors: Ints
    rest_m: Array


def ground_of(lab: Lab) -> Ground:
    """The ground of a lab; the same for the same lab."""
    zones, gates = list(lab.zones.values()), list(lab.gates.values())
    index = {zone.key: number for number, zone in enumerate(zones)} | {OUTSIDE: -1}
    around = shapely.unary_union([zone.polygon for zone in zones]).centroid
    ends = np.array([_ends(gate, around) for gate in gates])
    sides = np.array([[index[gate.from_], index[gate.to]] for gate in gates], dtype=np.int64)
    of_zone = [np.flatnonzero((sides == number).any(axis=1)) for number in range(len(zones))]
    doors = np.full((len(zones), max(map(len, of_zone))), -1, dtype=np.int64)
    for number, mine in enumerate(of_zone):
        doors[number, : len(mine)] = mine
    return Ground(
        area_m2=np.array([zone.area_m2 for zone in zones]),
        spots=np.stack([_spots(flattened(zone.polygon, around), number) for number, zone in enumerate(zones)]),
        ends_m=ends,
        sides=sides,
        width_m=np.array([gate.width_m or _UNKNOWN_WIDTH_M for gate in gates]),
        doors=doors,
        rest_m=_rest(ends, sides, of_zone),
    )


def _ends(gate: Gate, around: Point) -> list[float]:
    line = flattened(gate.line, around)
    (x0, y0), (x1, y1) = line.coords[0], line.coords[-1]
    return [x0, y0, x1, y1]


def _spots(polygon: Polygon, number: int) -> Array:
    """Spots spread over a zone by chance, shape (SPOTS, 2)."""
    random = np.random.default_rng(number)
    low, high = np.array(polygon.bounds).reshape(2, 2)
    found: list[Array] = []
    while sum(map(len, found)) < SPOTS:
        tried = random.uniform(low, high, (SPOTS * 4, 2))
        found.append(tried[shapely.contains_xy(polygon, tried)])
    return np.concatenate(found)[:SPOTS]


def _rest(ends: Array, sides: Ints, of_zone: list[NDArray[np.intp]]) -> Array:
    """Shortest ways by repeated relaxation: from a gate straight through a zone to another of its gates, and on from there."""
    gates, zones = len(sides), len(of_zone)
    middle = (ends[:, :2] + ends[:, 2:]) / 2
    apart = np.linalg.norm(middle[:, None] - middle[None], axis=2)
    rest = np.full((gates, 2, zones + gates), np.inf)
    for _ in range(gates):
        before = rest.copy()
        for gate in range(gates):
            for way in (0, 1):
                inside = sides[gate, 1 - way]
                if inside < 0:
                    continue
                rest[gate, way, inside] = 0.0
                for other in of_zone[inside]:
                    onward = 0 if sides[other, 0] == inside else 1
                    if sides[other, 1 - onward] < 0:
                        rest[gate, way, zones + other] = min(rest[gate, way, zones + other], apart[gate, other])
                    elif other != gate:
                        rest[gate, way] = np.minimum(rest[gate, way], apart[gate, other] + rest[other, onward])
        if np.array_equal(rest, before):
            break
    return rest

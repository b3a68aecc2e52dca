"""Metres out of degrees: a flat map around one spot of the WGS84 ellipsoid.

A local equirectangular projection: degrees are scaled by the ellipsoid's two radii of curvature at the spot (a textbook
formula, e.g. NIMA TR8350.2). Within 10 km of the spot lengths are right to about 0.2 %; a zone is measured around its own middle,
where the error is far below that of a survey.
"""

from __future__ import annotations

import math

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import Point, Polygon
from shapely.geometry.base import BaseGeometry

_EQUATOR_M = 6_378_137.0
_ECCENTRICITY_SQUARED = 0.006_694_379_990_14


def flattened(shape: BaseGeometry, around: Point) -> BaseGeometry:
    """A shape of longitudes and latitudes (degrees) as metres east and north of the spot ``around``."""
    scale, origin = metres_per_degree(around.y), np.array([around.x, around.y])

    def project(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
        metres: NDArray[np.float64] = (degrees - origin) * scale
        return metres

    return shapely.transform(shape, project)


def metres_per_degree(latitude: float) -> NDArray[np.float64]:
    """Metres to a degree of longitude and to one of latitude, shape (2,), at a latitude in degrees."""
    sine = math.sin(math.radians(latitude))
    bend = 1 - _ECCENTRICITY_SQUARED * sine * sine
    north_radius_m = _EQUATOR_M * (1 - _ECCENTRICITY_SQUARED) / bend**1.5
    east_radius_m = _EQUATOR_M / math.sqrt(bend) * math.cos(math.radians(latitude))
    scale: NDArray[np.float64] = np.radians([east_radius_m, north_radius_m])
    return scale


def area_m2(polygon: Polygon) -> float:
    """Area of a polygon of longitudes and latitudes.

    >>> around = Polygon([(0, 0), (0.001, 0), (0.001, 0.001), (0, 0.001)])
    >>> round(area_m2(around))
    12309
    """
    return float(flattened(polygon, polygon.centroid).area)


def distance_m(one: BaseGeometry, other: BaseGeometry) -> float:
    """Shortest distance between two shapes of longitudes and latitudes; 0 where they touch."""
    around = one.centroid
    return float(flattened(one, around).distance(flattened(other, around)))


def overlap_m2(one: Polygon, other: Polygon) -> float:
    """Area that two polygons of longitudes and latitudes share."""
    around = one.centroid
    return float(flattened(one, around).intersection(flattened(other, around)).area)

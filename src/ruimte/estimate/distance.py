r"""How many people fit in a place when each keeps a distance from the next: from counts alone, without a single track.

Points that all lie at least :math:`d` apart fill a plane no denser than a triangular lattice does, where each takes
:math:`\frac{\sqrt 3}{2} d^2` (Lagrange 1773, Thue 1910). So a zone of area A holds at most

.. math:: N_d = \frac{A}{\frac{\sqrt 3}{2} d^2}

people at distance d: 0.513 persons/m² at 1.5 m. That is the best that standing still in perfect order could do, and people who
walk or know each other stand otherwise: above it the distance is surely not kept by everybody, below it nothing is promised.

Thue, A. (1910), Über die dichteste Zusammenstellung von kongruenten Kreisen in einer Ebene.
"""

from __future__ import annotations

import math


def capacity_at_distance(area_m2: float, distance_m: float) -> float:
    """The most persons that a place of ``area_m2`` holds when all are at least ``distance_m`` apart.

    >>> round(capacity_at_distance(180.0, 1.5))
    92

    Raises ``ValueError`` unless both are above 0.
    """
    if not (area_m2 > 0 and distance_m > 0):
        raise ValueError("an area and a distance are above 0")
    return area_m2 / (math.sqrt(3) / 2 * distance_m**2)

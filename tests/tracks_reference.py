"""Crowds measured slowly, with shapely's polygons: what the kernels of tracks are held against. And random scenes to do it on."""

from __future__ import annotations

import math

import numpy as np
import shapely
from numpy.typing import NDArray

Array = NDArray[np.float64]
Polygon = shapely.Polygon | shapely.MultiPolygon

FAR_M = 1000.0


def cells(walkable: Polygon, x: Array, y: Array, radius: float | None, segments: int = 3) -> list[shapely.Polygon]:
    """Voronoi cells by the book: half-planes, the walkable area, the circle, and the part that holds the person."""
    found = []
    for px, py in zip(x, y, strict=True):
        # seen from the person, so that nothing is lost of far origins
        cell = shapely.affinity.translate(walkable, -px, -py)
        if radius is not None:
            cell = cell & shapely.Point(0, 0).buffer(radius, quad_segs=segments)
        for dx, dy in zip(x - px, y - py, strict=True):
            if (dx, dy) != (0.0, 0.0):
                cell = cell & _nearer(dx, dy)
        parts = [part for part in shapely.get_parts(cell) if part.geom_type == "Polygon"]
        found.append(shapely.affinity.translate(min(parts, key=lambda part: part.distance(shapely.Point(0, 0))), px, py))
    return found


def _nearer(dx: float, dy: float) -> shapely.Polygon:
    """All that is nearer to (0, 0) than to (dx, dy), as a large square."""
    long = math.hypot(dx, dy)
    ux, uy = dx / long * FAR_M, dy / long * FAR_M
    mx, my = dx / 2, dy / 2
    return shapely.Polygon([(mx - uy, my + ux), (mx - ux - uy, my - uy + ux), (mx - ux + uy, my - uy - ux), (mx + uy, my - ux)])


def voronoi_density(found: list[shapely.Polygon], zone: Polygon) -> float:
    """Σ |cell ∩ zone| / |cell| / |zone|, persons/m²."""
    return sum((cell & zone).area / cell.area for cell in found) / zone.area


def scene(seed: int, people: int) -> tuple[Polygon, Array, Array]:
    """A random walkable area of some 10 m, often with reflex corners, obstacles and a gap, and people in it (some on a grid)."""
    chance = np.random.default_rng(seed)
    turn = np.sort(chance.uniform(0, 2 * math.pi, chance.integers(4, 14)))
    turn = np.linspace(0, 2 * math.pi, len(turn), endpoint=False) + 0.2 * (turn - turn.mean()) / len(turn)
    far = chance.uniform(2.0, 8.0, len(turn))
    area = shapely.Polygon(np.stack([far * np.cos(turn), far * np.sin(turn)], axis=1))
    for _ in range(chance.integers(0, 6)):
        wide, high = chance.uniform(0.05, 3.0, 2)
        box = shapely.affinity.rotate(shapely.box(0, 0, wide, high), chance.choice([0.0, 90.0, 37.0, chance.uniform(0, 180)]))
        area = area - shapely.affinity.translate(box, *chance.uniform(-5, 4, 2))
    area = max(shapely.get_parts(area), key=lambda part: part.area)
    rounded = chance.choice([3, 3, 1])
    spread = chance.uniform(0.5, 8.0)
    found: list[tuple[float, float]] = []
    for _ in range(50 * people):
        px, py = np.round(chance.normal(0, spread, 2), rounded).tolist()
        if len(found) < people and (px, py) not in found and area.contains(shapely.Point(px, py)):
            found.append((px, py))
    x, y = np.array(found).reshape(-1, 2).T
    return area, x, y

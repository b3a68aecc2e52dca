"""Small figures of a comparison, as numbers for SVG: curves on one scale, and a map that is tinted by level."""

from __future__ import annotations

import math
from dataclasses import dataclass

import shapely
from shapely.geometry.base import BaseGeometry

from ruimte.jobs.compared import CompareView, Curve, MeasureEffect
from ruimte.lab.lab import Lab

WIDTH, HEIGHT = 240.0, 110.0
"""Of the curves' drawing, in its own units."""
_MAP = 200.0
_NEAR = 1.6
"""A level that starts below so many times the highest figure is drawn."""


@dataclass(frozen=True, slots=True)
class LevelLine:
    """Where a level starts."""

    level: str
    colour: int
    y: float


@dataclass(frozen=True, slots=True)
class Curves:
    """Points of the medians and outlines of the bands, as SVG wants them; ``last`` tells the figures at the last moment."""

    without: str
    without_band: str
    with_: str
    with_band: str


@dataclass(frozen=True, slots=True)
class Shape:
    """A zone's outline, and where there is room for a letter in it."""

    zone: str
    path: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Figures:
    """All that is drawn. ``curves`` by measure; ``top`` is the figure at the upper edge; ``lines`` where levels start."""

    curves: dict[str, Curves]
    lines: list[LevelLine]
    top: float
    shapes: list[Shape]
    map_width: float
    map_height: float
    width: float = WIDTH
    height: float = HEIGHT


def figures(lab: Lab, view: CompareView) -> Figures:
    """The figures of a comparison; without curves where none could be made."""
    effects = [each for each in view.measures if each.simulated]
    pairs = {each.key: pair for each in effects if (pair := _pair(view, each)) is not None}
    highest = max((max(curve.q95) for pair in pairs.values() for curve in pair), default=1.0)
    limits = _limits(view, effects)
    above = [limit for limit, _, _ in limits if highest < limit < _NEAR * highest]
    top = max(1.0, 1.05 * (min(above) if above else highest))
    lines = [LevelLine(name, colour, _y(limit, top)) for limit, name, colour in limits if limit <= top]
    shapes, width, height = outlines({key: zone.polygon for key, zone in lab.zones.items()})
    return Figures(
        {key: _curves(view, without, with_, top) for key, (without, with_) in pairs.items()}, lines, top, shapes, width, height
    )


def outlines(zones: dict[str, BaseGeometry]) -> tuple[list[Shape], float, float]:
    """Outlines of polygons in degrees on a flat drawing, north up, and its width and height."""
    if not zones:
        return [], 0.0, 0.0
    west, south, east, north = shapely.total_bounds(list(zones.values()))
    squeeze = math.cos(math.radians((south + north) / 2))
    scale = _MAP / max((east - west) * squeeze, north - south, 1e-9)

    def drawn(point: tuple[float, ...]) -> tuple[float, float]:
        return round((point[0] - west) * squeeze * scale, 1), round((north - point[1]) * scale, 1)

    shapes = [
        Shape(
            key,
            f"M{'L'.join(f'{x} {y}' for x, y in map(drawn, zone.exterior.coords))}Z",
            *drawn(zone.representative_point().coords[0]),
        )
        for key, zone in zones.items()
    ]
    return shapes, round((east - west) * squeeze * scale, 1), round((north - south) * scale, 1)


def _pair(view: CompareView, effect: MeasureEffect) -> tuple[Curve, Curve] | None:
    """The warned place's curves, without and with."""
    zone = next((each for each in effect.zones if each.zone == view.place), None)
    if zone is None or zone.without is None or zone.with_ is None:
        return None
    return zone.without, zone.with_


def _limits(view: CompareView, effects: list[MeasureEffect]) -> list[tuple[float, str, int]]:
    """Where the levels that are told of the warned place start, lowest first."""
    found = {
        (each.threshold, each.level, each.colour)
        for effect in effects
        for zone in effect.zones
        if zone.zone == view.place
        for each in zone.levels
    }
    return sorted(found)


def _curves(view: CompareView, without: Curve, with_: Curve, top: float) -> Curves:
    steps = len(view.valid)
    x = [WIDTH * step / (steps - 1) for step in range(steps)] if steps > 1 else [0.0, WIDTH]
    without, with_ = (_stretched(curve) if steps == 1 else curve for curve in (without, with_))
    return Curves(
        without=_line(x, without.q50, top),
        without_band=_line([*x, *x[::-1]], [*without.q05, *without.q95[::-1]], top),
        with_=_line(x, with_.q50, top),
        with_band=_line([*x, *x[::-1]], [*with_.q05, *with_.q95[::-1]], top),
    )


def _stretched(curve: Curve) -> Curve:
    """The figures of a single moment as a level line."""
    return Curve(q05=curve.q05 * 2, q50=curve.q50 * 2, q95=curve.q95 * 2)


def _line(x: list[float], values: list[float], top: float) -> str:
    return " ".join(f"{one:.1f},{_y(value, top):.1f}" for one, value in zip(x, values, strict=True))


def _y(value: float, top: float) -> float:
    return HEIGHT * (1 - min(value, top) / top)

"""From people and flows that may be told to the quantities that a grant names: density and level follow from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ruimte.lab.levels import TABLES
from ruimte.share.agreement import Quantity
from ruimte.share.enough import FLOW, INFLOW, OUTFLOW, PEOPLE, Mask
from ruimte.share.figures import Array
from ruimte.share.places import PlaceInfo

OF_KIND: Mapping[str, tuple[Quantity, ...]] = {
    "zone": ("people", "density", "inflow", "outflow", "level"),
    "count_point": ("flow", "level"),
    "gate": ("inflow", "outflow", "flow"),
    "area": ("people", "density", "level"),
}
"""Which quantities a place has. An area of several zones has no flows: who goes from one of them to another does not leave it."""
_BASE_OF: Mapping[Quantity, int] = {
    "people": PEOPLE,
    "density": PEOPLE,
    "level": PEOPLE,
    "inflow": INFLOW,
    "outflow": OUTFLOW,
    "flow": FLOW,
}


@dataclass(frozen=True, slots=True)
class Cube:
    """Value and band, shape (names, steps, quantities)."""

    value: Array
    low: Array
    high: Array

    def rounded(self, to: int) -> Cube:
        """The value half away from 0, the band outward, in multiples of ``to``."""
        value = np.copysign(np.floor(np.abs(self.value) / to + 0.5) * to, self.value)
        return Cube(value, np.floor(self.low / to) * to, np.ceil(self.high / to) * to)

    def at_least_nothing(self) -> Cube:
        return Cube(*(np.maximum(part, 0.0) for part in (self.value, self.low, self.high)))


class Names:
    """What is known of the names that a grant gives: an entry for each in every array."""

    def __init__(self, names: Mapping[str, tuple[str, ...]], places: Mapping[str, PlaceInfo]) -> None:
        self.kinds = [kind_of(zones, places) for zones in names.values()]
        areas = [area_m2(zones, places) for zones in names.values()]
        widths = [
            places[zones[0]].width_m if kind == "count_point" else None
            for kind, zones in zip(self.kinds, names.values(), strict=True)
        ]
        tables = [level_table(zones, places) for zones in names.values()]
        self.area_m2 = np.array([area or np.nan for area in areas], dtype=np.float64)
        self._width_m = np.array([width or np.nan for width in widths], dtype=np.float64)
        self._of_table = {name: np.array([each == name for each in tables], dtype=bool) for name in set(tables) - {None} if name}

    def have(self, quantity: Quantity) -> Mask:
        """Which names have this quantity, shape (names,)."""
        return np.array([quantity in OF_KIND[kind] for kind in self.kinds], dtype=bool)

    def base(self, quantity: Quantity) -> NDArray[np.int64]:
        """From which base figure each name has it, shape (names,): the level of a count point follows from its flow."""
        of_points = FLOW if quantity == "level" else _BASE_OF[quantity]
        return np.array([of_points if kind == "count_point" else _BASE_OF[quantity] for kind in self.kinds], dtype=np.int64)

    def told_as(self, quantity: Quantity, figure: Array) -> Array:
        """Base figures, shape (names, steps), as the quantity: the same, per m², or the rank of the level."""
        if quantity == "density":
            return figure / self.area_m2[:, None]
        if quantity != "level":
            return figure
        out = np.full_like(figure, np.nan)
        for name, rows in self._of_table.items():
            table = TABLES[name]
            per = self.area_m2 if table.measure == "density" else self._width_m * 60
            measure = figure[rows] / per[rows, None]
            rank = np.searchsorted(np.array(table.upper), measure, side="right").astype(np.float64)
            out[rows] = np.where(np.isnan(measure), np.nan, np.minimum(rank, len(table.names) - 1))
        return out


def shown(cube: Cube, told: Mask, hidden: Mask, names: Names, quantities: tuple[Quantity, ...]) -> tuple[Cube, Mask]:
    """The quantities, and where they are suppressed; all have the shape (names, steps, quantities).

    ``cube``, ``told`` (may be told) and ``hidden`` (was not told to us either) have base quantities in their last axis.
    """
    shape = (len(names.kinds), cube.value.shape[1], len(quantities))
    out = Cube(*(np.full(shape, np.nan) for _ in range(3)))
    suppressed = np.zeros(shape, dtype=bool)
    every = np.arange(len(names.kinds))
    for column, quantity in enumerate(quantities):
        base, have = names.base(quantity), names.have(quantity)[:, None]
        known, show = ~np.isnan(cube.value[every, :, base]), told[every, :, base]
        suppressed[:, :, column] = have & ((known & ~show) | (~known & hidden[every, :, base]))
        for into, part in ((out.value, cube.value), (out.low, cube.low), (out.high, cube.high)):
            into[:, :, column] = names.told_as(quantity, np.where(have & show, part[every, :, base], np.nan))
    return out, suppressed


def kind_of(zones: tuple[str, ...], places: Mapping[str, PlaceInfo]) -> str:
    """A key of ``OF_KIND``: of a name that stands for one place that place's kind, else "area"."""
    return places[zones[0]].kind if len(zones) == 1 and zones[0] in places else "area"


def area_m2(zones: tuple[str, ...], places: Mapping[str, PlaceInfo]) -> float | None:
    """The area of all zones under a name; None where that of one is not known."""
    areas = [places[zone].area_m2 for zone in zones if zone in places]
    known = [area for area in areas if area is not None]
    return sum(known) if len(known) == len(zones) > 0 else None


def level_table(zones: tuple[str, ...], places: Mapping[str, PlaceInfo]) -> str | None:
    """The name of the table of fixed limits that all places under a name have; None where there is none."""
    tables = {places[zone].levels for zone in zones if zone in places}
    name = tables.pop() if len(tables) == 1 else ""
    return name if name in TABLES else None

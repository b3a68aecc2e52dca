"""Ticks on a grid of steps, and means over them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ruimte.errors import RuimteError
from ruimte.share.agreement import Quantity
from ruimte.share.figures import Array, Figures
from ruimte.text import duration_text


@dataclass(frozen=True, slots=True)
class Grid:
    """Ticks without holes from ``start_us`` on, a whole number of ``unit_us``; what is not in the figures is NaN.

    ``value``, ``low``, ``high`` and ``hidden`` (what is not told already) have the shape (places, ticks, quantities).
    ``[first, last)``: the ticks of which there were figures, NaN or not.
    """

    start_us: int
    tick_us: int
    value: Array
    low: Array
    high: Array
    hidden: NDArray[np.bool_]
    first: int
    last: int

    @property
    def ticks(self) -> int:
        return int(self.value.shape[1])

    def starts_us(self, length_us: int) -> NDArray[np.int64]:
        """Where each step of this length starts, shape (steps,)."""
        return self.start_us + np.arange(self.ticks * self.tick_us // length_us, dtype=np.int64) * length_us


def ticks_in(figures: Figures, length_us: int) -> int:
    """How many ticks of the figures a length of time has. Raises ``RuimteError`` where that is no whole number."""
    if length_us % figures.step_us:
        what = f"a step of {duration_text(length_us)} is not a whole number of the lab's ticks ({duration_text(figures.step_us)})"
        raise RuimteError(what, figures.lab, "agree on a step that is")
    return int(length_us // figures.step_us)


def grid(figures: Figures, places: tuple[str, ...], quantities: tuple[Quantity, ...], unit_us: int) -> Grid:
    """The figures of these places and quantities on the grid; a place or quantity that they lack is not known.

    Steps begin where a whole number of them lies after midnight UTC (and after the start of a tick, in a lab whose hours do not
    start with UTC's), so the steps of different lengths nest, and a day is a UTC day.

    Raises ``RuimteError`` where ``unit_us`` is not a whole number of ticks.
    """
    ticks_in(figures, unit_us)
    tick_us, starts_us = figures.step_us, figures.starts_us
    phase_us = int(starts_us[0]) % tick_us if len(starts_us) else 0
    begin_us, end_us = (int(starts_us.min()), int(starts_us.max()) + tick_us) if len(starts_us) else (0, 0)
    start_us = begin_us - (begin_us - phase_us) % unit_us
    ticks = -(-(end_us - start_us) // unit_us) * unit_us // tick_us
    at = (starts_us - start_us) // tick_us
    row = {place: index for index, place in enumerate(figures.places)}
    column = {quantity: index for index, quantity in enumerate(figures.quantities)}
    here = [index for index, place in enumerate(places) if place in row]
    there = [index for index, quantity in enumerate(quantities) if quantity in column]
    source = np.ix_(
        _indices(row[places[i]] for i in here), np.arange(len(starts_us)), _indices(column[quantities[i]] for i in there)
    )
    target = np.ix_(_indices(here), at, _indices(there))

    def laid_out(cube: Array) -> Array:
        out = np.full((len(places), ticks, len(quantities)), np.nan)
        out[target] = cube[source]
        return out

    hidden = laid_out(figures.suppressed.astype(np.float64)) == 1.0
    first, last = (begin_us - start_us) // tick_us, (end_us - start_us) // tick_us
    return Grid(start_us, tick_us, laid_out(figures.value), laid_out(figures.low), laid_out(figures.high), hidden, first, last)


def _indices(numbers: Iterable[int]) -> NDArray[np.int64]:
    return np.fromiter(numbers, dtype=np.int64)


def means(cube: Array, ticks: int) -> Array:
    """Means over every ``ticks`` ticks of the second axis; NaN where one of them is: missing is missing."""
    if ticks == 1:
        return cube
    places, all_ticks, quantities = cube.shape
    return np.asarray(cube.reshape(places, all_ticks // ticks, ticks, quantities).mean(axis=2))

"""Where each warning level of each place starts, now and at every horizon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ruimte.clock import HOUR_US, SECOND_US
from ruimte.lab.lab import Lab
from ruimte.lab.levels import UNUSUAL, UNUSUAL_LEVELS, colour, table, thresholds_for
from ruimte.model.place import Model
from ruimte.warn.unusual import Unusual

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scale:
    """The levels of one place, calmest first. ``lower`` (in the place's quantity) is None where the past gives it."""

    table: str
    names: tuple[str, ...]
    lower: tuple[float, ...] | None

    def level_of(self, value: float, lower: Sequence[float]) -> str | None:
        """The level of a value; None where value or thresholds are not known."""
        if value != value or any(limit != limit for limit in lower):
            return None
        return self.names[int(np.searchsorted(lower, value, side="right")) - 1]


class Thresholds:
    """The thresholds of all places of a lab. Of *unusual* they are never below what the lab calls worth a warning."""

    def __init__(self, lab: Lab, model: Model, unusual: Unusual) -> None:
        self._unusual = unusual
        self._model = model
        self.scales = tuple(_scale(place.levels, place_index, model) for place_index, place in enumerate(model.places))
        flow = lab.file.unusual.minimum_per_hour / (HOUR_US / SECOND_US)
        self._least = np.array([flow if p.quantity == "flow" else lab.file.unusual.minimum_people for p in model.places])

    @property
    def needs_past(self) -> bool:
        """Whether any place is compared with its own past."""
        return any(scale.lower is None for scale in self.scales)

    def lower(self, place: int, tick: int) -> list[float]:
        """Where each level of one place's scale starts at a tick, as was known then."""
        scale = self.scales[place]
        if scale.lower is not None:
            return list(scale.lower)
        return [0.0, *self.over(place, np.array([tick]), tick)[1][:, 0].tolist()]

    def over(self, place: int, ticks: NDArray[np.int64], known_at: int) -> tuple[tuple[str, ...], Array]:
        """Names of one place's levels but the lowest, and where each starts at each tick as is known at one: (levels, ticks)."""
        scale = self.scales[place]
        if scale.lower is not None:
            return scale.names[1:], np.tile(np.array(scale.lower[1:])[:, None], (1, len(ticks)))
        return scale.names[1:], np.maximum(self._unusual.percentiles(ticks, known_at)[place, :, 1:].T, self._least[place])

    def warning(self, ticks: NDArray[np.int64], from_colour: int) -> tuple[Array, list[tuple[str, ...]]]:
        """Where the levels start that warn (those of ``from_colour`` 0–5 and above), as is known at the first of ``ticks``.

        Returns:
            Limits, shape (places, levels, ticks), rising along the second axis, NaN where a place has fewer levels or its past
            is too short; and the names of each place's levels.
        """
        names = [tuple(n for n in scale.names if colour(n) >= from_colour and colour(n) > 0) for scale in self.scales]
        limits = np.full((len(names), max(map(len, names), default=0), len(ticks)), np.nan)
        past = self._unusual.percentiles(ticks, int(ticks[0])) if self.needs_past else None
        for index, (scale, wanted) in enumerate(zip(self.scales, names, strict=True)):
            for row, name in enumerate(wanted):
                at = scale.names.index(name)
                if scale.lower is not None:
                    limits[index, row] = scale.lower[at]
                elif past is not None:
                    limits[index, row] = np.maximum(past[index, :, at], self._least[index])
        return limits, names

    def usual(self, tick: int) -> Array:
        """The median of this weekday and hour, shape (places,)."""
        return self._unusual.percentiles(np.array([tick]), tick)[:, 0, 0]


def _scale(name: str | None, index: int, model: Model) -> Scale:
    if name is None or name == UNUSUAL:
        return Scale(UNUSUAL, UNUSUAL_LEVELS, None)
    limits = thresholds_for(model.places[index], table(name))
    return Scale(name, tuple(t.level for t in limits), tuple(t.lower for t in limits))

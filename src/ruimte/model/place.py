"""Places and the compiled lab: what the science reads instead of text files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Quantity = Literal["people", "flow"]
Direction = Literal["in", "out", "both"]
Text = str | Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """A place with its own state: a zone (quantity people) or a count point (quantity flow).

    ``capacity`` in persons; ``empty_at_us`` is the time after local midnight at which the zone is known to be empty.
    """

    key: str
    name: Text
    quantity: Quantity
    site: str
    area_m2: float | None = None
    width_m: float | None = None
    capacity: float | None = None
    empty_at_us: int | None = None
    levels: str | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """What one datastream tells of one place: persons who came in, went out, or passed (both).

    A gate between two zones is watched by one datastream that appears twice: out of one zone, into the other.
    ``valid_from_us``/``valid_until_us`` bound when the register lets it count; ``gate`` names what it watches.
    """

    id: int
    key: str
    place: int
    direction: Direction
    gate: str
    interval_us: int
    valid_from_us: int
    valid_until_us: int


@dataclass(frozen=True, slots=True)
class Occasion:
    """A planned gathering that comes back, with its aftermath: one of a ``series``. ``places`` are indices; empty: everywhere."""

    series: str
    start_us: int
    end_us: int
    places: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Model:
    """A lab compiled for the science: places, streams, the tick, what comes back, and the wall's time at each moment.

    Ticks are ``[phase + k·tick, phase + (k+1)·tick)`` in UTC. ``offset_from_us`` (rising) and ``offset_us`` give the lab's
    offset from UTC from each moment on, so that the science needs no time-zone database.
    """

    lab: str
    places: tuple[Place, ...]
    streams: tuple[Stream, ...]
    tick_us: int
    phase_us: int
    lateness_us: int
    offset_from_us: NDArray[np.int64]
    offset_us: NDArray[np.int64]
    occasions: tuple[Occasion, ...] = ()

    def utc_offset_us(self, times_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """Offset of the lab's wall time from UTC at each time, µs, same shape as ``times_us``."""
        index = np.searchsorted(self.offset_from_us, times_us, side="right") - 1
        return self.offset_us[np.maximum(index, 0)]

    def tick_of(self, time_us: int) -> int:
        """Number of the tick that holds ``time_us``."""
        return (time_us - self.phase_us) // self.tick_us

    def tick_of_end(self, ends_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """Numbers of the ticks that end at these times, same shape."""
        return (ends_us - self.phase_us) // self.tick_us - 1

    def tick_end_us(self, tick: int) -> int:
        """End of tick number ``tick``."""
        return self.phase_us + (tick + 1) * self.tick_us

    def local_shift(self, ticks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Offset of local time from UTC at the start of each tick, in whole ticks, same shape as ``ticks``."""
        return self.utc_offset_us(self.phase_us + ticks * self.tick_us) // self.tick_us

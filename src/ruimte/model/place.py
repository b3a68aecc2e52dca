"""Places and the compiled lab: what the science reads instead of text files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ruimte.model.calendar import NO_CALENDAR, Calendar

Quantity = Literal["people", "flow"]
Way = Literal["in", "out", "both"]
Presence = Literal["people", "density", "devices"]
Text = str | Mapping[str, str]

OUTSIDE = -1
"""The index that stands for what is no zone: the world around them."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place with its own state: a zone (quantity people) or a count point (quantity flow).

    ``capacity`` in persons; ``empty_at_us`` is the time after local midnight at which the zone is known to be empty;
    ``longest_stay_us`` how long a person stays in it at the most, where that is known (a platform: until the next trains).
    ``typical``: what an average hour holds, persons or persons/h: what a forecast goes by as long as there is no past.
    """

    key: str
    name: Text
    quantity: Quantity
    site: str
    area_m2: float | None = None
    width_m: float | None = None
    capacity: float | None = None
    empty_at_us: int | None = None
    longest_stay_us: int | None = None
    levels: str | None = None
    typical: float | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """One way through a gate: who takes it leaves zone ``source`` and comes into zone ``target`` (``OUTSIDE``: no zone).

    Of a count point, whose two sides are both outside, ``point`` is the index of its place; of a gate it is ``OUTSIDE``. A gate
    has its links also where no datastream watches it.
    """

    gate: str
    way: Way
    source: int = OUTSIDE
    target: int = OUTSIDE
    point: int = OUTSIDE

    @property
    def places(self) -> tuple[int, ...]:
        """Indices of the places that it tells of."""
        return tuple(index for index in (self.source, self.target, self.point) if index != OUTSIDE)


@dataclass(frozen=True, slots=True)
class Stream:
    """A datastream that counts who takes one link (an index). ``most``: what one of its intervals can hold.

    ``valid_from_us``/``valid_until_us`` bound when the register lets it count. ``detection``: which share of those who pass it is
    thought to count, before it is calibrated, and ``accuracy``: by which share that may be off (standard deviation).
    """

    id: int
    key: str
    link: int
    interval_us: int
    valid_from_us: int
    valid_until_us: int
    most: float = math.inf
    detection: float = 0.95
    accuracy: float = 0.15


@dataclass(frozen=True, slots=True)
class Reading:
    """A datastream that tells of the people in a zone (an index): themselves, per m², or devices in an unknown proportion.

    ``accuracy``: by which share a single figure is usually off (standard deviation); ``lasting``: which share of that variance is
    the same for hours (None: as of a camera). ``sd_id``: a datastream that tells how far each figure is off (persons), the
    ``accuracy`` included. ``walkable``: of a density, the share of the place's area that people can be on.
    """

    id: int
    key: str
    place: int
    measure: Presence
    interval_us: int
    valid_from_us: int
    valid_until_us: int
    accuracy: float = 0.15
    lasting: float | None = None
    sd_id: int | None = None
    walkable: float = 1.0


@dataclass(frozen=True, slots=True)
class Report:
    """Datastreams by which people tell how many there are in a zone (an index): ``id`` of the figures, ``sd_id`` of how far each
    is off (a standard deviation, persons).

    ``accuracy``: by which share a figure is off of which that is not told.
    """

    id: int
    sd_id: int
    key: str
    place: int
    valid_from_us: int
    valid_until_us: int
    accuracy: float = 0.25


@dataclass(frozen=True, slots=True)
class Fact:
    """What is known from elsewhere: so many people in these zones together at a moment, give or take ``sd``."""

    at_us: int
    places: tuple[int, ...]
    people: float
    sd: float


@dataclass(frozen=True, slots=True)
class Occasion:
    """A planned gathering that comes back, with its aftermath: one of a ``series``. ``places`` are indices; empty: everywhere."""

    series: str
    start_us: int
    end_us: int
    places: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Load:
    """People who are known to come: ``people`` in all, at these places (indices; empty: everywhere).

    They come within the time from ``from_us`` to ``start_us``, stay until ``end_us`` and have gone by ``until_us``. Where
    ``start_us`` is ``end_us`` they only pass, as from a train.
    """

    from_us: int
    start_us: int
    end_us: int
    until_us: int
    people: float
    places: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Model:
    """A lab compiled for the science: places, links and what watches them, the tick, what is known, and the wall's time.

    Ticks are ``[phase + k·tick, phase + (k+1)·tick)`` in UTC. ``offset_from_us`` (rising) and ``offset_us`` give the lab's
    offset from UTC from each moment on, so that the science needs no time-zone database.
    """

    lab: str
    places: tuple[Place, ...]
    links: tuple[Link, ...]
    streams: tuple[Stream, ...]
    tick_us: int
    phase_us: int
    lateness_us: int
    offset_from_us: NDArray[np.int64]
    offset_us: NDArray[np.int64]
    readings: tuple[Reading, ...] = ()
    reports: tuple[Report, ...] = ()
    facts: tuple[Fact, ...] = ()
    occasions: tuple[Occasion, ...] = ()
    loads: tuple[Load, ...] = ()
    calendar: Calendar = NO_CALENDAR

    @property
    def datastream_ids(self) -> tuple[int, ...]:
        """Ids of all datastreams, flows first."""
        return tuple(stream.id for stream in self.streams) + tuple(reading.id for reading in self.readings)

    @property
    def datastream_keys(self) -> dict[int, str]:
        """Keys of all datastreams, by id."""
        return {s.id: s.key for s in self.streams} | {r.id: r.key for r in self.readings}

    def tells_of(self, place: int) -> tuple[Stream | Reading, ...]:
        """The datastreams that tell of a place (an index), flows first."""
        flows = tuple(stream for stream in self.streams if place in self.links[stream.link].places)
        return flows + tuple(reading for reading in self.readings if reading.place == place)

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

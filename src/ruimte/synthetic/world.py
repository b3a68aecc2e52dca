"""A day of the invented world: who was where, who passed which gate, and what the weather was. All of it is the truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np
from numpy.typing import NDArray

from ruimte.clock import HOUR_US, SECOND_US
from ruimte.lab.lab import Lab
from ruimte.lab.validity import moment_us
from ruimte.synthetic.ground import Ground, Ints, ground_of
from ruimte.synthetic.parameters import Parameters
from ruimte.synthetic.visitors import FIRST_H, STAGE, Festival, crowd_of, require_boulevard, trams_of
from ruimte.synthetic.walk import walk
from ruimte.synthetic.weather import Weather, weather
from ruimte.text import duration_us

USUAL = Festival(19.0, 23.0, 16_000.0)
"""The festival of a day that has none in the calendar, where one is asked for."""


@dataclass(frozen=True, slots=True)
class Day:
    """The truth of one day, from 04:00 local time to 04:00; nobody is there before it and after it.

    ``people`` (ticks, zones): persons in each zone at the end of each tick. ``flows`` (ticks, gates, 2): persons who passed
    each gate from its ``from`` to its ``to`` (0) and back (1). Ticks are the lab's, the first begins at ``start_us``; ``zones``
    and ``gates`` are the lab's keys in its order. ``visitors``: how many meant to come.
    """

    on: date
    seed: int
    parameters: Parameters
    start_us: int
    tick_us: int
    zones: tuple[str, ...]
    gates: tuple[str, ...]
    people: Ints
    flows: Ints
    weather: Weather
    festival: Festival | None
    visitors: int

    @property
    def ends_us(self) -> NDArray[np.int64]:
        """The end of each tick, µs, shape (ticks,)."""
        return self.start_us + self.tick_us * np.arange(1, len(self.people) + 1, dtype=np.int64)


def day(
    lab: Lab,
    on: date,
    seed: int,
    parameters: Parameters | None = None,
    festival: bool | None = None,
    ground: Ground | None = None,
) -> Day:
    """One day of the boulevard, the same for the same lab, date, seed and parameters.

    ``festival``: whether there is one on the beach; by default as the lab's calendar says. Where the calendar has none for that
    day, it is ``USUAL``. ``ground`` saves a few milliseconds where many days are made of one lab. Raises ``RuimteError`` where
    the lab has not the boulevard's places.
    """
    require_boulevard(lab)
    ground = ground or ground_of(lab)
    p = parameters or Parameters()
    begin, end = (moment_us(datetime.combine(on + timedelta(days=days), time(FIRST_H)), lab.zone) for days in (0, 1))
    tick_us = duration_us(lab.file.ticks.length)
    ticks = (end - begin) // tick_us
    random = np.random.default_rng([seed, on.toordinal()])
    sky = weather(on, seed, -(-(end - begin) // HOUR_US), FIRST_H)
    planned = _planned(lab, on)
    party = (planned or USUAL) if (planned is not None if festival is None else festival) else None
    trams = trams_of(lab, p, party, random)
    crowd = crowd_of(lab, on, sky, party, trams, p, random)
    people, flows = walk(ground, crowd, trams, ground.width_m * p.gate_per_m_s, sky.rain_mm, tick_us / SECOND_US, ticks)
    return Day(on, seed, p, begin, tick_us, tuple(lab.zones), tuple(lab.gates), people, flows, sky, party, len(crowd.who))


def history(lab: Lab, first: date, last: date, seed: int, parameters: Parameters | None = None) -> Iterator[Day]:
    """The days from the first to the last, both included, one after another."""
    ground = ground_of(lab)
    for number in range((last - first).days + 1):
        yield day(lab, first + timedelta(days=number), seed, parameters, ground=ground)


def _planned(lab: Lab, on: date) -> Festival | None:
    """The calendar's festival on the beach that begins on that day."""
    for event in lab.events:
        start, end = (moment.astimezone(lab.zone) if moment.tzinfo else moment for moment in (event.start, event.end))
        if start.date() == on and STAGE in event.places:
            midnight = datetime.combine(on, time(), start.tzinfo)
            start_h, end_h = ((moment - midnight) / timedelta(hours=1) for moment in (start, end))
            return Festival(start_h, end_h, float(event.expected_visitors or USUAL.expected))
    return None

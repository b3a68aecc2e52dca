r"""Surges: so many come in at once that nobody should wait for the forecast, or for the estimate to believe it.

A filter mistrusts a count that is far beyond what is usual, and rightly: most of them are faults. But 800 people who really come
through one gate in five minutes look just the same. So what the counters *said* is looked at as well, before it is believed:

.. math::

    S = \sum_{\text{in}} g\,c - \sum_{\text{out}} g\,c, \qquad
    E = \sum_{\text{in}} g\,e - \sum_{\text{out}} g\,e

of each zone over one tick, with :math:`c` what a counter said, :math:`e` what was expected of it and :math:`g` persons for each
one that it counts. It is a surge where :math:`S - \max(E, 0) \ge \alpha L`, with :math:`L` the number of people at which the
lowest level that warns starts and :math:`\alpha` the lab's ``surge``. It passes every level that starts below the number of
people before, plus :math:`S`; where a tick is no longer than ten minutes, plus twice that within one tick more: a surge seldom
stops at the end of a tick.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ruimte.clock import MINUTE_US
from ruimte.model.place import OUTSIDE, Model
from ruimte.warn.decide import Risk

Array = NDArray[np.float64]

UNCONFIRMED = 0.5
"""The chance that is told of a surge that the estimate does not believe: a fault and a crowd are then about as likely."""
BELIEVED = 0.9
GOES_ON_US = 10 * MINUTE_US
"""A tick up to so long may be followed by another like it."""


@dataclass(frozen=True, slots=True)
class Count:
    """What one datastream (an id) said over the newest tick, what was ``expected`` of it, and persons for each one counted.

    ``believed``: whether the estimate rests on it.
    """

    stream: int
    said: float
    expected: float
    scale: float
    believed: bool


@dataclass(frozen=True, slots=True)
class Surge:
    """A surge into a zone (an index): ``people`` more by what was said, of whom ``usual`` were expected.

    ``stream``: the datastream (an id) that saw most of it; ``believed``: whether the estimate takes its count.
    """

    place: int
    people: float
    usual: float
    stream: int
    believed: bool


def surges(model: Model, counts: Iterable[Count], least: Array) -> dict[int, Surge]:
    """The surges of one tick, by place.

    Args:
        model: the compiled lab.
        counts: of every datastream that said something over the tick.
        least: persons that make a surge, shape (places,); NaN: none can be told there.
    """
    places = len(model.places)
    said, expected = np.zeros(places), np.zeros(places)
    most: dict[int, tuple[float, Count]] = {}
    by_id = {stream.id: model.links[stream.link] for stream in model.streams}
    for count in counts:
        link = by_id.get(count.stream)
        if link is None or link.way == "both":  # who goes which way is not known
            continue
        told, usual = count.scale * count.said, count.scale * count.expected
        for place, sign in ((link.target, 1.0), (link.source, -1.0)):
            if place == OUTSIDE:
                continue
            said[place] += sign * told
            expected[place] += sign * usual
            excess = sign * (told - usual)
            if place not in most or excess > most[place][0]:
                most[place] = (excess, count)
    found = {}
    for place in np.flatnonzero(said - np.maximum(expected, 0.0) >= least).tolist():
        count = most[place][1]
        found[place] = Surge(place, float(said[place]), float(expected[place]), count.stream, count.believed)
    return found


def with_surge(risks: list[Risk], surge: Surge, before: float, now_us: int, tick_us: int) -> list[Risk]:
    """The risks of a place, those that a surge brings about raised.

    Args:
        risks: of the place, lowest level first.
        surge: at the place.
        before: people before it; NaN is not known, then none: those who came are sure.
        now_us: end of the tick.
        tick_us: length of a tick.
    """
    there = (before if before == before else 0.0) + surge.people
    chance = BELIEVED if surge.believed else UNCONFIRMED
    raised, more = [], (0, 1) if tick_us <= GOES_ON_US else (0,)
    for risk in risks:
        late = next((k for k in more if there + k * surge.people >= risk.limit), None)
        if late is None or risk.limit != risk.limit:
            raised.append(risk)
            continue
        at_us = now_us + late * tick_us
        outlook = tuple((moment, max(value, chance) if moment >= at_us else value) for moment, value in risk.outlook)
        if risk.probability >= chance and risk.at_us <= at_us:
            raised.append(replace(risk, surge=True, outlook=outlook))
        else:
            raised.append(replace(risk, surge=True, outlook=outlook, probability=chance, at_us=at_us, horizon=late - 1))
    return raised

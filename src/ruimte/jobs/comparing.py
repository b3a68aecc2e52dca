"""Comparing measures from the live picture: who is where, how sure that is, who is expected, and what each measure changes.

Every measure meets the same members. One comparison at a time; what it gave is kept for a while: what a person saw is what is
written down with the decision.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ruimte.clock import MINUTE_US
from ruimte.errors import RuimteError
from ruimte.jobs.counted import KEPT_US, LATELY_US
from ruimte.jobs.endings import homeward
from ruimte.jobs.station import Picture, Station
from ruimte.jobs.whatif import require_gates
from ruimte.lab.lab import Lab
from ruimte.lab.scenario import scenario_of
from ruimte.model.forecast import LEVELS
from ruimte.whatif.compare import Comparison, compare
from ruimte.whatif.ensemble import Situation, run
from ruimte.whatif.ensemble import members as draw
from ruimte.whatif.measures import Schedule, nothing, schedule_of
from ruimte.whatif.network import Network
from ruimte.whatif.situation import situation_of

Array = NDArray[np.float64]

MINUTES = 60
MOST, LEAST = 200, 60
"""So many members, or as many as ``IN_S`` allows on this machine, but never fewer than the least."""
IN_S = 1.5
_KEPT = 8
"""So many comparisons are remembered."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Measures beside nothing, from the end of one tick.

    ``measures``: what was asked for, those without actions too; the others are keys of ``comparison.outcomes`` and ``schedules``.
    ``names`` and ``limits`` (zones, levels, steps): each zone's levels but the calmest, and where they start, persons; NaN where
    a zone has fewer or its past is too short. ``after_end``: whether an event's end is near, so that after it the members speak.
    """

    end_us: int
    minutes: int
    members: int
    measures: tuple[str, ...]
    schedules: Mapping[str, Schedule]
    comparison: Comparison
    names: tuple[tuple[str, ...], ...]
    limits: Array
    after_end: bool

    @property
    def situation(self) -> Situation:
        return self.comparison.situation

    @property
    def network(self) -> Network:
        return self.comparison.situation.network


@dataclass(frozen=True, slots=True)
class _Now:
    """What is taken from the station in one go, while it stands still. ``rates``: persons/s of late by link of the network;
    ``counted``: how many that were; ``today``: persons by link over the last hours."""

    picture: Picture
    mean: Array
    names: tuple[tuple[str, ...], ...]
    limits: Array
    rates: Array
    counted: float
    today: Array


class Comparing:
    """Compares measures over one station. ``hold``: what keeps the station still for a moment while it is read."""

    def __init__(self, station: Station, hold: AbstractContextManager[object]) -> None:
        self._station = station
        self._hold = hold
        self._one = threading.Lock()
        self._found: dict[tuple[int, tuple[str, ...], int], Compared] = {}
        self._run_s: float | None = None

    def compare(self, place: str, measures: Sequence[str], minutes: int = MINUTES, members: int | None = None) -> Compared:
        """Compare measures of the playbook over the next ``minutes``, as they bear on a place. Not for an event loop.

        ``members``: None is as many as are done in time, by how long the last ones took. Raises ``RuimteError`` for a place that
        is no zone, a lab without gates, a measure that is not in the playbook, and where nobody knows how many people there are.
        """
        if place not in self._station.lab.zones:
            self._station.index(place)
            raise RuimteError("what happens in a street that is only counted cannot be reckoned", place, "choose a zone")
        network = self._walked()
        now = self._look(network, minutes)
        key = (now.picture.end_us, tuple(measures), minutes)
        with self._one:
            found = self._found.get(key)
            if found is None:
                found = self._reckon(now, network, tuple(measures), members)
                self._found = {**dict(list(self._found.items())[1 - _KEPT :]), key: found}
        return found

    def last(self, measure: str, since_us: int) -> Compared | None:
        """The newest comparison that holds a measure, from a picture of ``since_us`` or later."""
        found = [each for each in self._found.values() if measure in each.schedules and each.end_us >= since_us]
        return max(found, key=lambda each: each.end_us, default=None)

    def warm_up(self) -> None:
        """Compile what a comparison needs, so that the first does not wait for that; nothing where the lab has no gates."""
        try:
            network = self._walked()
        except RuimteError:
            return
        zones, links = len(network.zones), len(network.source)
        situation = situation_of(network, 0, 1, 1, np.ones(zones), np.zeros(zones), np.full(links, 0.01), 1.0)
        with self._one:
            compare(situation, {"warm": nothing(network, 1, situation.diagram)}, np.ones((zones, 1)), 2)
            self._run_s = self._run_s or _run_s(situation)

    def _walked(self) -> Network:
        network = self._station.endings.network
        require_gates(network, self._station.lab)
        return network

    def _look(self, network: Network, minutes: int) -> _Now:
        """Take what is needed from the station while it does not tick."""
        station, zones = self._station, len(network.zones)
        every = station.model.tick_us // MINUTE_US
        if station.model.tick_us % MINUTE_US or not 0 < every <= minutes:
            raise RuimteError(f"{minutes} minutes hold no whole tick", station.lab.key, f"take {max(every, 1)} minutes or more")
        with self._hold:
            picture = station.picture
            if picture is None:
                raise RuimteError("how many people there are is not known yet", station.lab.key, "wait for the first picture")
            mean = station.heard(picture.states)[:zones]
            now = int(station.model.tick_of_end(np.array([picture.end_us]))[0])
            ticks = now + np.arange(1, minutes // every + 1)
            scales = [station.thresholds.over(index, ticks, now) for index in range(zones)]
            links, counted = station.endings.links, station.counted
            rates, lately = counted.rates(LATELY_US)[links], counted.persons(LATELY_US)[links]
            today = counted.persons(KEPT_US)[links]
        if np.isnan(mean).all():
            raise RuimteError("how many people there are is not known", station.lab.key, "see which sensors are silent")
        limits = np.full((zones, max(len(names) for names, _ in scales), len(ticks)), np.nan)
        for index, (names, lower) in enumerate(scales):
            limits[index, : len(names)] = lower
        return _Now(picture, mean, tuple(names for names, _ in scales), limits, rates, float(lately.sum()), today)

    def _reckon(self, now: _Now, network: Network, measures: tuple[str, ...], members: int | None) -> Compared:
        lab, start_us = self._station.lab, now.picture.end_us
        situation, after_end = self._situation(now, network)
        scenarios = {key: scenario_of(lab, [key]) for key in measures}
        schedules = {
            key: schedule_of(scenario, network, lab, start_us, situation.minutes, situation.diagram)
            for key, scenario in scenarios.items()
            if scenario.steps
        }
        runs = (1 + len(schedules)) * situation.minutes
        count = members or _in_time(runs, self._run_s)
        begun = time.perf_counter()
        found = compare(situation, schedules, now.limits, count)
        self._run_s = (time.perf_counter() - begun) / (runs * count)
        return Compared(start_us, situation.minutes, count, measures, schedules, found, now.names, now.limits, after_end)

    def _situation(self, now: _Now, network: Network) -> tuple[Situation, bool]:
        """How things are, and whether an event's end is near: who then leaves goes out the way they came."""
        station, start_us, zones = self._station, now.picture.end_us, len(network.zones)
        model, steps = station.model, now.limits.shape[2]
        every = model.tick_us // MINUTE_US
        forecast = _ahead(now.picture, zones, steps)
        ends = station.endings.near(start_us, steps * model.tick_us)
        if ends and forecast is not None:
            # the forecast does not know where they go: after the end the members speak for themselves, as in the warnings
            valid = start_us + model.tick_us * np.arange(1, steps + 1)
            forecast[:, valid > min(each.at_us for each in ends)] = np.nan
            forecast = None if np.isnan(forecast).all() else forecast
        sd = np.nan_to_num(now.picture.states["sd"][:zones])
        situation = situation_of(network, start_us, steps * every, every, now.mean, sd, now.rates, now.counted, ends, forecast)
        return (homeward(situation, ends, now.today) if ends else situation), bool(ends)


def _run_s(situation: Situation) -> float:
    """How long a member takes for a minute here, seconds."""
    count = 2 * (os.cpu_count() or 1)
    hour = replace(situation, minutes=MINUTES, arrivals=np.repeat(situation.arrivals, MINUTES, axis=1))
    hour = replace(hour, stay_s=np.repeat(situation.stay_s, MINUTES, axis=1))
    begun = time.perf_counter()
    run(hour, draw(hour, count), nothing(hour.network, MINUTES, hour.diagram))
    return (time.perf_counter() - begun) / (count * MINUTES)


def _in_time(runs: int, run_s: float | None) -> int:
    """How many members are done in time, in tens; ``runs``: scenarios times minutes."""
    if run_s is None:
        return LEAST
    return int(np.clip(IN_S / (runs * run_s) // 10 * 10, LEAST, MOST))


def _ahead(picture: Picture, zones: int, steps: int) -> Array | None:
    """The forecast quantiles of the zones at the next steps, (zones, steps, 21), NaN where there is none; None: none at all."""
    if picture.forecast is None:
        return None
    found = np.full((zones, steps, len(LEVELS)), np.nan)
    told = picture.forecast.quantiles[:zones, :steps]
    found[:, : told.shape[1]] = np.maximum.accumulate(told, axis=-1)
    return None if np.isnan(found).all() else found


def to_compare(lab: Lab, proposed: Sequence[str], also: Sequence[str] = ()) -> tuple[str, ...]:
    """The measures that are put side by side: those proposed (all of the playbook where none is), and others that were chosen."""
    known = [key for key in proposed if key in lab.measures] or list(lab.measures)
    return tuple(dict.fromkeys([*known, *also]))

"""Sick sensors in the made-up city, as a live node sees them: tick by tick, with what has come in until then.

A sensor is as sick as its worst datastream (``jobs.health.worst_of``), and silent only when all of them are. The estimator
decides on a tick when no row of it can come any more (``lateness``). Delays count the sensor's intervals up to the one that
decided; by the clock they are longer by that lateness.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from benchmarks._city import START_US, City, Label
from benchmarks._report import Row, missing, row
from ruimte.clock import DAY_US, HOUR_US
from ruimte.estimate import advance
from ruimte.estimate.health import Condition, conditions
from ruimte.jobs.health import sensor_of, worst_of

_DEATHS = ("silent", "zeros", "stuck")
_WITHIN = 3
_AFTER = 12
"""Ticks after the end of a label in which its sensor may still be called sick."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A sensor that was fine is in a condition from the tick on that ends at ``end_us``; until it is fine again."""

    sensor: str
    condition: Condition
    end_us: int


@dataclass(frozen=True, slots=True)
class Found:
    """How the sick sensors of a city were found.

    Delays of ``deaths`` in intervals, and of the liar in hours (inf: never); alarms that were ``false``.
    """

    deaths: dict[Label, float]
    liar_h: float
    false_a_week: float
    false: list[Alarm]


def look(city: City) -> Found:
    """Feed the city tick by tick, and hold what the health says against the labels."""
    alarms, changes = _live(city)
    lateness = _AFTER * city.model.tick_us
    deaths, liar_h, false = {}, float("inf"), []
    for label in city.labels:
        during = [one for one in changes if one.sensor == label.sensor and label.start_us < one.end_us <= label.end_us + lateness]
        if label.kind in _DEATHS:
            ends = [one.end_us for one in during]
            deaths[label] = (min(ends) - label.start_us) / city.model.tick_us if ends else float("inf")
        else:
            ends = [one.end_us for one in during if one.condition in ("lying", "drifting")]
            liar_h = (min(ends) - label.start_us) / HOUR_US if ends else float("inf")
    for alarm in alarms:
        spans = [(one.start_us, one.end_us + lateness) for one in city.labels if one.sensor == alarm.sensor]
        if not any(first < alarm.end_us <= last for first, last in spans):
            false.append(alarm)
    weeks = len(city.people) * city.model.tick_us / (7 * DAY_US)
    return Found(deaths, liar_h, len(false) / weeks, false)


def alarm_rows(found: Found, seed: int) -> list[Row]:
    """The figures of one city."""
    delays = list(found.deaths.values())
    name = f"city {seed}, live"
    soon, ever = (float(np.mean([delay <= most for delay in delays])) for most in (_WITHIN, sys.float_info.max))
    rows = [
        row(f"{name}: deaths found within {_WITHIN} intervals", 100 * soon, f"% of {len(delays)}", least=100),
        row(f"{name}: deaths found at all", 100 * ever, f"% of {len(delays)}", least=100),
    ]
    for kind in _DEATHS:
        of_kind = [delay for label, delay in found.deaths.items() if label.kind == kind]
        if of_kind:
            rows.append(_after(f"{name}: {kind} ({len(of_kind)}), median delay", float(np.median(of_kind)), "intervals"))
    return [
        *rows,
        _after(f"{name}: the liar is found after", found.liar_h, "hours"),
        row(f"{name}: false alarms of all sensors", found.false_a_week, "a week", most=1),
    ]


def _after(name: str, delay: float, unit: str) -> Row:
    return row(name, delay, unit) if np.isfinite(delay) else missing(name, unit, "never")


def _live(city: City) -> tuple[list[Alarm], list[Alarm]]:
    """Alarms (a sensor was fine and is not), and all changes of the condition of a sensor to one that is not fine."""
    model, observations = city.model, city.observations
    streams: dict[str, list[int]] = defaultdict(list)
    for id_, key in model.datastream_keys.items():
        streams[sensor_of(key)].append(id_)
    received = observations["received_us"].to_numpy()
    late, row_ = model.lateness_us // model.tick_us, 0
    state: bytes | None = None
    now: dict[str, Condition] = {}
    alarms, changes = [], []
    before: dict[int, Condition] = {}
    for tick in range(len(city.people) + late):
        until_us = START_US + (tick + 1) * model.tick_us
        last = int(np.searchsorted(received, until_us, side="right"))
        state, _ = advance(model, state, observations.slice(row_, last - row_), until_us)
        row_, sick = last, {id_: each for id_, each in conditions(model, state).items() if each != "new"}
        if sick == before:
            continue
        before = sick
        for sensor, ids in streams.items():
            condition = worst_of(sick.get(id_, "fine") for id_ in ids)
            was = now.get(sensor, "fine")
            if condition not in ("fine", was):
                one = Alarm(sensor, condition, until_us - model.lateness_us)
                changes.append(one)
                alarms += [one] if was == "fine" else []
            now[sensor] = condition
    return alarms, changes

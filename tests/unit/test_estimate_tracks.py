"""Counts of a zone from tracks: many in a tick, each with its own error, of which part lasts for hours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from estimate_world import DAWN_US, DAY, TICK_US, end_us, live, rows, square
from ruimte.clock import SECOND_US
from ruimte.estimate.advance import advance
from ruimte.model.observation import OBSERVATIONS
from ruimte.model.place import Reading

TOLD, SURE = 401, 402
ACCURACY = 0.05
DAYS = 3
PART = slice(2 * DAY + 120, 3 * DAY)
"""From ten in the morning of the last day on."""


def watched(gates: int, **changes: object):
    tracks = Reading(TOLD, "hall-tracks/people", 0, "people", SECOND_US, 0, 2**62, ACCURACY, 1.0, SURE)
    model = square(gates=gates)
    readings = (replace(tracks, **changes),) if gates >= 0 else ()
    return replace(model, readings=readings)


def readings(people: np.ndarray, seed: int, first: int = 2 * DAY, each: int = 20) -> pa.Table:
    """``each`` readings a tick of who is there at its end, of a sensor that is off by up to some percent for hours, and each time
    by a person or so besides."""
    chance = np.random.default_rng(seed)
    level = chance.normal(0, 1)
    columns = []
    for tick in range(first, len(people)):
        rest = np.exp(-5 / 60 / 6)
        level = rest * level + np.sqrt(1 - rest**2) * chance.normal()
        for k in range(each):
            at = DAWN_US + (tick + 1) * TICK_US - (each - 1 - k) * SECOND_US
            noise = 1 + 0.02 * people[tick]
            told = max(0.0, people[tick] * (1 + ACCURACY * level) + noise * chance.normal())
            sd = np.hypot(ACCURACY * told, noise)
            columns += [(TOLD, at, at, at, told, 0), (SURE, at, at, at, sd, 0)]
    arrays = zip(*columns, strict=True)
    return pa.table([pa.array(c).cast(f.type) for c, f in zip(arrays, OBSERVATIONS, strict=True)], schema=OBSERVATIONS)


def told(model, *tables) -> dict[str, np.ndarray]:
    table = pa.concat_tables([each for each in tables if each is not None]).sort_by("received_us")
    states = advance(model, None, table, end_us(DAYS * DAY - 1))[1]
    table = states.filter(pa.compute.greater(states["end_us"], end_us(PART.start) - TICK_US))
    return {name: table[name].to_numpy() for name in ("mean", "sd", "q05", "q95")}


@pytest.fixture(scope="module")
def runs():
    """Of eight worlds: the truth, and what is told from counters, from tracks, and from both."""
    found = []
    for seed in range(8):
        world = live(DAYS, seed=seed, busy=60.0)
        counted, tracks = rows(world, square()), readings(world.people, seed)
        from_tracks = replace(watched(0), links=(), streams=())
        found.append(
            (
                world.people[PART].astype(float),
                told(square(), counted),
                told(from_tracks, tracks),
                told(watched(4), counted, tracks),
            )
        )
    return found


def inside(truth: np.ndarray, states: dict[str, np.ndarray]) -> np.ndarray:
    return (truth >= states["q05"]) & (truth <= states["q95"])


def error(truth: np.ndarray, states: dict[str, np.ndarray]) -> float:
    return float(np.sqrt(np.nanmean((states["mean"] - truth) ** 2)))


@pytest.mark.parametrize(("which", "name"), [(2, "tracks"), (3, "tracks and counters")])
def test_the_truth_is_in_the_90_percent_interval_nine_times_in_ten(runs, which, name):
    share = np.mean([inside(run[0], run[which]).mean() for run in runs])
    assert 0.84 <= share <= 0.98, name


def test_the_error_shrinks_beside_door_counters(runs):
    counters, tracks, both = (np.mean([error(run[0], run[which]) for run in runs]) for which in (1, 2, 3))
    assert both < 0.9 * min(counters, tracks)


def test_many_readings_of_one_sensor_are_not_surer_than_the_sensor(runs):
    """The part of its error that lasts does not average out over the ticks of a day, nor over the seconds of a tick."""
    for truth, _, tracks, _ in runs:
        busy = truth > 100
        assert (tracks["sd"][busy] > 0.6 * ACCURACY * truth[busy]).all()


def test_the_first_reading_of_all_is_as_unsure_as_it_says():
    """Also where nothing was known before: then the part that lasts is that of as many people as are told."""
    people = np.full(DAYS * DAY, 100)
    states = told(replace(watched(0), links=(), streams=()), readings(people, 1, first=PART.start))
    assert states["sd"][0] == pytest.approx(np.hypot(ACCURACY * 100, 3), rel=0.1)


def test_as_many_readings_a_tick_as_there_may_be_tell_the_same():
    """What is told is that of the newest: how often a sensor repeats itself does not matter."""
    people = live(DAYS, seed=3).people
    model = replace(watched(0), links=(), streams=())
    table = readings(people, 3, each=20)
    last = (table["end_us"].to_numpy() - DAWN_US) % TICK_US == 0
    one = told(model, table.filter(pa.array(last)))
    many = told(model, table)
    for name in one:
        np.testing.assert_array_equal(one[name], many[name])


def test_a_reading_whose_error_is_not_told_is_as_sure_as_the_register_says():
    people = live(DAYS, seed=3).people
    model = replace(watched(0), links=(), streams=())
    table = readings(people, 3, each=1)
    alone = table.filter(pa.compute.equal(table["datastream"], TOLD))
    with_its_own, without = told(model, table), told(model, alone)
    assert np.nanmean(without["sd"]) > 0
    assert not np.array_equal(with_its_own["sd"], without["sd"])


def test_where_nobody_is_counted_a_crowd_that_comes_at_once_is_told_at_once():
    people = np.where(np.arange(DAYS * DAY) >= 2 * DAY + 200, 400, 5)
    model = replace(watched(0), links=(), streams=())
    states = told(model, readings(people, 1))
    at = 200 - 120
    assert states["mean"][at - 1] == pytest.approx(5, abs=3)
    assert states["mean"][at] == pytest.approx(400, rel=0.15)

"""Which sensor is wrong: found in time, told apart from an empty street, and no alarm where nothing is wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from estimate_world import DAY, end_us, live, rows, square
from ruimte.estimate.advance import advance
from ruimte.estimate.health import conditions, health
from ruimte.model.observation import no_observations

DAYS = 12
NOON = (DAYS - 1) * DAY + 156
"""13:00 on the last day."""


@pytest.fixture(scope="module")
def world():
    return live(DAYS, seed=11, seen=np.tile([0.95, 0.85], 4), busy=120.0)


@pytest.fixture(scope="module")
def model():
    return square()


@pytest.fixture(scope="module")
def noon(world, model):
    """The estimator's state just before NOON."""
    return advance(model, None, rows(world, model, last=NOON), end_us(NOON - 1))[0]


def go_on(model, state, world, ticks, change):
    """Tick by tick from NOON on with changed counts; the conditions after each tick, and the states of the last."""
    counts = world.counts.copy()
    change(counts)
    broken = replace_counts(world, counts)
    seen, states = [], None
    for tick in range(NOON, NOON + ticks):
        state, states = advance(model, state, rows(broken, model, tick, tick + 1), end_us(tick))
        seen.append(conditions(model, state))
    return seen, states, state


def replace_counts(world, counts):
    return replace(world, counts=counts)


def test_where_nothing_is_wrong_nothing_is_told(model, noon, world):
    seen, _, _ = go_on(model, noon, world, 60, lambda counts: None)
    assert conditions(model, noon) == {}
    assert all(found == {} for found in seen)


def test_silence_is_told_after_three_ticks_and_its_end_after_three_more(model, noon, world):
    def silent(counts):
        counts[NOON : NOON + 8, 0:2] = np.nan

    seen, _, _ = go_on(model, noon, world, 16, silent)
    assert [found.get(1) for found in seen[:4]] == [None, None, "silent", "silent"]
    assert seen[7] == {1: "silent", 2: "silent"}
    assert seen[-1] == {}


def test_a_sensor_that_dies_into_zeros_is_found_within_three_ticks_and_left_out(model, noon, world):
    def dead(counts):
        counts[NOON:, 0:2] = 0.0

    seen, states, state = go_on(model, noon, world, 12, dead)
    assert seen[2].get(1) == "stuck" or seen[2].get(2) == "stuck"
    assert seen[6][1] == seen[6][2] == "stuck"
    last = states.to_pylist()[-1]
    assert set(last["left_out"]) == {1, 2}
    found = {one.id: one for one in health(model, state)}[1]
    assert not found.used
    assert found.said == 0
    assert found.expected == pytest.approx(world.counts[NOON + 11, 0], rel=0.6)
    assert abs(last["mean"] - world.people[NOON + 11]) < 0.25 * world.people[NOON + 11]


def test_zeros_because_nobody_is_there_are_not_taken_for_a_dead_sensor(model, noon, world):
    """A cloudburst: everybody is gone at once, at all gates."""

    def rain(counts):
        counts[NOON:] = np.random.default_rng(1).binomial(counts[NOON:].astype(int), 0.01)

    seen, _, _ = go_on(model, noon, world, 24, rain)
    assert not any("stuck" in found.values() or "lying" in found.values() for found in seen)


def test_at_night_zeros_are_what_they_are(model, world):
    state = advance(model, None, rows(world, model), end_us(DAYS * DAY - 1))[0]
    quiet = replace_counts(world, np.zeros_like(world.counts))
    for tick in range(36):
        step = rows(quiet, model, tick, tick + 1)
        moved = step.set_column(1, "start_us", pa.array(step["start_us"].to_numpy() + end_us(DAYS * DAY - 1) - end_us(-1)))
        for name in ("end_us", "received_us"):
            at = moved.schema.get_field_index(name)
            moved = moved.set_column(at, name, pa.array(step[name].to_numpy() + end_us(DAYS * DAY - 1) - end_us(-1)))
        state, _ = advance(model, state, moved, end_us(DAYS * DAY + tick))
        assert conditions(model, state) == {}


def test_the_same_value_again_and_again_is_stuck(model, noon, world):
    def stuck(counts):
        counts[NOON:, 0] = 23.0

    seen, _, state = go_on(model, noon, world, 20, stuck)
    assert seen[12].get(1) == "stuck"
    assert {one.id: one for one in health(model, state)}[1].repeats >= 12


def test_one_absurd_count_moves_nothing_and_is_forgotten(model, noon, world):
    def absurd(counts):
        counts[NOON + 2, 0] = 1_900.0  # less than the register says can be, far more than ever was

    seen, _, _ = go_on(model, noon, world, 8, absurd)
    _, plain, _ = go_on(model, noon, world, 8, lambda counts: None)
    _, moved, _ = go_on(model, noon, world, 8, absurd)
    assert moved["mean"][0].as_py() == pytest.approx(plain["mean"][0].as_py(), rel=0.05)
    assert seen[-1] == {}


@pytest.mark.parametrize("count", [1e9, -5.0])
def test_a_count_that_cannot_be_is_left_out(model, noon, world, count):
    def impossible(counts):
        counts[NOON, 0] = count

    _, states, _ = go_on(model, noon, world, 1, impossible)
    assert states.to_pylist()[0]["left_out"] == [1]
    _, plain, _ = go_on(model, noon, world, 1, lambda counts: None)
    assert states["mean"][0].as_py() == pytest.approx(plain["mean"][0].as_py(), rel=0.1)


def test_a_surge_is_in_the_picture_within_one_tick(model, noon, world):
    """Three times the most that ever came, through one gate: people, not a fault."""
    most = world.counts[:NOON, 0].max()

    def surge(counts):
        counts[NOON, 0] = 3 * most

    _, states, _ = go_on(model, noon, world, 1, surge)
    _, plain, _ = go_on(model, noon, world, 1, lambda counts: None)
    more = states["mean"][0].as_py() - plain["mean"][0].as_py()
    assert more == pytest.approx(3 * most - world.counts[NOON, 0], rel=0.25)
    assert states["inflow"][0].as_py() - plain["inflow"][0].as_py() == pytest.approx(more / 300, rel=0.35)


def test_a_counter_that_drifts_and_one_that_lies_are_told_by_their_calibration(model):
    days = 34
    world = live(days, seed=12, seen=0.95, busy=120.0)
    world.counts[22 * DAY :, 0] = np.round(world.counts[22 * DAY :, 0] * 1.7)
    state = advance(model, None, rows(world, model), end_us(days * DAY - 1))[0]
    found = {one.id: one for one in health(model, state)}
    assert found[1].condition in ("lying", "drifting")
    assert found[1].scale < 0.85 * found[3].scale
    assert [one.condition for one in found.values()].count("fine") >= 7


def test_before_anything_was_heard_all_are_new(model):
    assert {one.condition for one in health(model, None)} == {"new"}
    state, _ = advance(model, None, no_observations(), end_us(5))
    assert set(conditions(model, state).values()) == {"new"}


def test_a_counter_that_lied_for_hours_is_fine_again_when_it_tells_what_is_believable():
    world, model, noon = live(6, gates=2, seed=13, busy=300.0), square(gates=2), 5 * DAY + 156
    world.counts[noon : noon + 30, 0] = 1.0 + np.arange(30) % 2
    state, seen = advance(model, None, rows(world, model, last=noon), end_us(noon - 1))[0], []
    for tick in range(noon, noon + 40):
        state, _ = advance(model, state, rows(world, model, tick, tick + 1), end_us(tick))
        seen.append(conditions(model, state).get(1))
    assert seen[3] == "doubtful"
    assert seen[20] == "lying"
    assert seen[-1] is None

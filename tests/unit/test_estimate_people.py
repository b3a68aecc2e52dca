"""People inside: near the truth, inside the interval as often as promised, and calibrated by what is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from estimate_world import DAY, FOUR, TICK_US, end_us, live, rows, square
from ruimte.clock import HOUR_US
from ruimte.estimate import memory
from ruimte.estimate.advance import advance
from ruimte.estimate.health import balances, health
from ruimte.model.place import Fact
from ruimte.model.state import VALUE_COLUMNS

OPEN = np.tile((np.arange(DAY) >= 7 * 12), 1)


def told(model, world, cameras=None):
    state, states = advance(model, None, rows(world, model, cameras=cameras), end_us(len(world.people) - 1))
    return state, {name: states[name].to_numpy(zero_copy_only=False) for name in states.column_names if name != "left_out"}


def after(days, length):
    return (np.arange(length) >= days * DAY) & np.tile(OPEN, length // DAY)


def rmse(of, truth, where):
    return float(np.sqrt(np.mean((of[where] - truth[where]) ** 2)))


def naive(world):
    """In less out, from the empty hour on."""
    net = world.counts[:, 0::2].sum(axis=1) - world.counts[:, 1::2].sum(axis=1)
    return np.concatenate([np.maximum(np.cumsum(day), 0) for day in np.split(np.roll(net, -FOUR), len(net) // DAY)])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_people_are_near_the_truth_and_inside_the_interval_as_often_as_promised(seed):
    random = np.random.default_rng(seed)
    world = live(30, seed=seed, seen=random.uniform(0.75, 0.98, 8))
    _, states = told(square(), world)
    where = after(14, len(world.people))
    inside = (states["q05"] <= world.people) & (world.people <= states["q95"])
    assert 0.8 < inside[where].mean() <= 1.0
    assert rmse(states["mean"], world.people, where) < 0.25 * world.people[where].mean()


def test_the_imbalance_of_a_zone_is_learned_and_told():
    seen = np.tile([0.95, 0.68], 4)
    world = live(20, seen=seen)
    state, states = told(square(), world)
    where = after(5, len(world.people))
    rolled = np.roll(naive(world), FOUR)
    assert rmse(states["mean"], world.people, where) < 0.1 * rmse(rolled, world.people, where)
    found = {one.place: one for one in balances(square(), state)}
    assert found["square"].ratio == pytest.approx(0.95 / 0.68, abs=3 * found["square"].sd)
    assert found["square"].sd < 0.02
    assert found["gate0"].sd > found["square"].sd


def test_a_camera_makes_the_figure_better_and_surer():
    world = live(20, seen=np.tile([0.95, 0.8], 4))
    random = np.random.default_rng(5)
    cameras = np.maximum(np.round(world.people * (1 + 0.15 * random.normal(size=len(world.people)))), 0.0)[:, None]
    where = after(5, len(world.people))
    _, blind = told(square(), world)
    _, seeing = told(square(cameras=1), world, cameras)
    assert rmse(seeing["mean"], world.people, where) < 0.7 * rmse(blind["mean"], world.people, where)
    assert seeing["sd"][where].mean() < blind["sd"][where].mean()
    inside = (seeing["q05"] <= world.people) & (world.people <= seeing["q95"])
    assert 0.8 < inside[where].mean() < 0.99


@pytest.mark.parametrize(("seed", "busy"), [(3, 10.0), (4, 40.0), (5, 120.0)])
def test_a_camera_that_is_right_holds_the_level_for_months_and_so_do_the_counters(seed, busy):
    """Counters miss some, and now and then count somebody who is not there: what looks like evidence must not add up."""
    world = live(60, seed=seed, seen=np.tile([0.95, 0.9], 4), busy=busy)
    world.counts += np.random.default_rng(seed).poisson(0.05, world.counts.shape)
    model = square(cameras=1)
    state, states = told(model, world, world.people[:, None].astype(float))
    found = {one.id: one for one in health(model, state)}
    assert found[101].scale == pytest.approx(1.0, abs=0.03)
    where = (np.arange(len(world.people)) >= 50 * DAY) & (world.people > 20)
    assert states["mean"][where].sum() == pytest.approx(world.people[where].sum(), rel=0.02)
    assert np.mean([found[each].scale for each in range(1, 9)]) == pytest.approx((1 / 0.95 + 1 / 0.9) / 2, rel=0.05)


def test_a_camera_that_is_off_for_an_evening_is_told_with_an_interval_that_holds_the_truth():
    """By seven percent, of a registered accuracy of fifteen: the counters cannot tell, and the interval says so."""
    world = live(20, seed=6)
    random = np.random.default_rng(6)
    off = np.where(np.arange(len(world.people)) % (2 * DAY) < DAY, 1.07, 0.93)
    cameras = np.round(world.people * off * (1 + 0.1 * random.normal(size=len(world.people)))).clip(0)[:, None]
    _, states = told(square(cameras=1), world, cameras)
    where = after(5, len(world.people)) & (world.people > 20)
    inside = (states["q05"] <= world.people) & (world.people <= states["q95"])
    assert inside[where].mean() > 0.85


def test_one_absurd_reading_moves_nothing():
    world = live(6)
    random = np.random.default_rng(6)
    cameras = np.round(world.people * (1 + 0.15 * random.normal(size=len(world.people)))).clip(0)[:, None]
    odd = cameras.copy()
    odd[5 * DAY + 180] = 10_000.0
    model = square(cameras=1)
    _, plain = told(model, world, cameras)
    _, moved = told(model, world, odd)
    tick = 5 * DAY + 180
    assert abs(moved["mean"][tick] - plain["mean"][tick]) < 0.1 * plain["mean"][tick]
    assert moved["q95"][tick] < 1.5 * world.people[tick]


def test_devices_in_an_unknown_proportion_are_told_apart_from_people():
    world = live(25, seed=4)
    model = square(cameras=1)
    model = replace(model, readings=(replace(model.readings[0], measure="devices"),))
    random = np.random.default_rng(7)
    devices = np.round(0.35 * world.people * (1 + 0.1 * random.normal(size=len(world.people)))).clip(0)[:, None]
    state, states = told(model, world, devices)
    found = {one.id: one for one in health(model, state)}[101]
    assert found.scale == pytest.approx(0.35, rel=0.15)
    where = after(10, len(world.people))
    assert rmse(states["mean"], world.people, where) < 0.2 * world.people[where].mean()


def test_density_is_turned_into_people():
    world = live(4)
    model = square(cameras=1, area_m2=2000.0)
    dense = replace(model, readings=(replace(model.readings[0], measure="density"),))
    cameras = world.people[:, None].astype(float)
    _, people = told(model, world, cameras)
    _, density = told(dense, world, cameras / 2000.0)
    np.testing.assert_allclose(density["mean"], people["mean"], rtol=1e-9)


def test_a_known_event_is_believed():
    """Sold 900 tickets: nobody when the gates open, 830 or so at the start, whatever the counters say."""
    world = live(3, seen=np.tile([0.6, 0.95], 4), busy=30.0)
    start = 2 * DAY + 180
    truth = float(world.people[start])
    model = replace(square(), facts=(Fact(end_us(start), (0,), truth, 10.0),))
    _, plain = told(square(), world)
    _, known = told(model, world)
    assert abs(known["mean"][start] - truth) < 0.1 * abs(plain["mean"][start] - truth)
    assert known["sd"][start] <= 10.0


def test_without_an_empty_hour_or_a_reading_people_are_not_known():
    world = live(3)
    _, states = told(square(empty_at_us=None), world)
    assert np.isnan(states["mean"]).all()
    assert np.isfinite(states["inflow"][FOUR:]).all()


def test_nobody_stays_longer_than_the_longest_stay():
    """Counters that are far off cannot fill a place that people only pass."""
    world = live(12, seen=np.tile([0.95, 0.6], 4))
    _, states = told(square(longest_stay_us=2 * HOUR_US, empty_at_us=None), world)
    night = np.arange(len(world.people)) % DAY == FOUR - 6
    night[:DAY] = False
    assert (states["mean"][night] < 15).all()
    by_day = after(2, len(world.people))
    came = np.convolve(world.counts[:, 0::2].sum(axis=1), np.ones(24))[: len(world.people)] / 0.75
    assert (states["q95"][by_day] <= 1.2 * came[by_day] + 30).all()


def test_silence_widens_and_never_freezes():
    world = live(16)
    world.counts[15 * DAY + 140 :, 0:2] = np.nan
    _, states = told(square(), world)
    width = (states["q95"] - states["q05"])[15 * DAY + 138 : 15 * DAY + 200 : 12]
    assert (np.diff(width) > 0).all()
    assert np.diff(states["mean"][15 * DAY + 140 : 15 * DAY + 160]).any()
    # its share is told from its sisters: still near the truth
    tick = 15 * DAY + 164
    assert abs(states["mean"][tick] - world.people[tick]) < 3 * states["sd"][tick]


def test_two_cameras_that_disagree_for_hours_make_the_interval_take_in_both():
    world = live(6)
    right = world.people[:, None].astype(float)
    wrong = right.copy()
    wrong[5 * DAY + 150 :] *= 2.5
    _, states = told(square(cameras=2), world, np.concatenate([right, wrong], axis=1))
    _, agreed = told(square(cameras=2), world, np.concatenate([right, right], axis=1))
    tick = 5 * DAY + 190
    assert (states["q95"] - states["q05"])[tick] > 1.5 * (agreed["q95"] - agreed["q05"])[tick]


def test_two_counters_of_one_gate_do_not_count_twice():
    world = live(8, gates=2)
    model = square(gates=2)
    twin = replace(model.streams[0], id=50, key="twin/count_in")
    both = replace(model, streams=(*model.streams, twin))
    more = rows(world, model)
    extra = rows(world, model).filter(np.equal(rows(world, model)["datastream"].to_numpy(), 1))
    extra = extra.set_column(0, "datastream", pa.array(np.full(extra.num_rows, 50), pa.int64()))
    together = pa.concat_tables([more, extra]).sort_by("received_us")
    last = end_us(len(world.people) - 1)
    one = advance(model, None, more, last)[1]["mean"].to_numpy()
    two = advance(both, None, together, last)[1]["mean"].to_numpy()
    where = after(4, len(world.people))
    assert rmse(two, one, where) < 0.05 * one[where].mean()


def test_a_sensor_that_is_added_harms_nothing_that_is_known():
    """A second counter at a gate of a zone that a camera has calibrated for weeks."""
    world = live(20, gates=2)
    model = square(gates=2, cameras=1)
    cameras = np.round(world.people * (1 + 0.15 * np.random.default_rng(8).normal(size=len(world.people)))).clip(0)[:, None]
    half = 15 * DAY + 100
    state, _ = advance(model, None, rows(world, model, last=half, cameras=cameras), end_us(half - 1))
    twin = replace(model, streams=(*model.streams, replace(model.streams[0], id=50, key="twin/count_in")))
    rest, last = rows(world, model, half, cameras=cameras), end_us(len(world.people) - 1)
    plain = advance(model, state, rest, last)[1]["mean"].to_numpy()
    grown, states = advance(twin, state, rest, last)
    np.testing.assert_allclose(states["mean"].to_numpy()[:100], plain[:100], rtol=0.1, atol=5)
    known = memory.load(grown, twin, len(VALUE_COLUMNS)).state
    n = round(len(known.people_p) ** 0.5)
    assert np.linalg.eigvalsh(known.people_p.reshape(n, n)).min() > -1e-6


def test_a_register_that_changes_keeps_who_came_in_during_the_stay():
    world = live(6, gates=2)
    model = square(gates=2, longest_stay_us=2 * HOUR_US)
    half = 5 * DAY + 150
    state, _ = advance(model, None, rows(world, model, last=half), end_us(half - 1))
    more = replace(model, streams=(*model.streams, replace(model.streams[0], id=50, key="twin/count_in")))
    rest = rows(world, model, half, half + 6)
    plain, grown = (advance(each, state, rest, end_us(half + 5))[1]["mean"].to_numpy() for each in (model, more))
    np.testing.assert_allclose(grown, plain, rtol=0.1)


def test_a_tick_that_was_heard_in_part_counts_for_the_whole():
    world = live(8, gates=2)
    model = square(gates=2)
    whole = rows(world, model)
    end, late = whole["end_us"].to_numpy(), whole["end_us"].to_numpy() > end_us(7 * DAY + 100)
    part = whole.set_column(1, "start_us", pa.array(np.where(late, end - TICK_US // 2, whole["start_us"].to_numpy())))
    part = part.set_column(4, "result", pa.array(np.where(late, whole["result"].to_numpy() / 2, whole["result"].to_numpy())))
    last = end_us(len(world.people) - 1)
    one, other = (advance(model, None, each, last)[1]["mean"].to_numpy() for each in (whole, part))
    where = slice(7 * DAY + 102, 7 * DAY + 240)
    np.testing.assert_allclose(other[where], one[where], rtol=0.1, atol=8)

"""People inside counting lines: within the interval as often as promised, and afresh at the empty hour."""

from __future__ import annotations

import numpy as np
import pytest

from ruimte.estimate import balance
from ruimte.estimate.balance import Balance

DAY = 96
"""Ticks of a quarter of an hour."""


def step(zones, inflow, outflow, empty=False, var_in=0.0, var_out=0.0):
    n = len(zones.people)
    full = [np.broadcast_to(np.asarray(value, dtype=float), n) for value in (inflow, outflow, var_in, var_out)]
    balance.step(zones, *full, np.broadcast_to(empty, n), 1 / DAY)


def days_of_visits(random, n, days, seen_in):
    """True people, persons counted in and out, tick by tick: visitors come, stay a while and all leave before the empty hour."""
    phase = np.arange(DAY) / DAY
    arrivals = 60 * np.clip(np.sin(2 * np.pi * (phase - 0.1)), 0, None) + 2 * (phase < 0.8)
    for _ in range(days):
        people = np.zeros(n)
        for tick in range(DAY):
            came = random.poisson(arrivals[tick], n) if tick < DAY - 12 else np.zeros(n, dtype=int)
            left = random.binomial(people.astype(int), 0.15) if tick < DAY - 8 else people.astype(int)
            people = people + came - left
            yield people, random.binomial(came, seen_in), random.binomial(left, 0.9), tick == DAY - 1


@pytest.mark.parametrize("seen_in", [0.9, 0.8, 0.98])
def test_people_lie_within_the_interval_as_often_as_promised(seen_in):
    random = np.random.default_rng(7)
    zones, inside, wrong, there = Balance.new(60), [], [], []
    for tick, (people, counted_in, counted_out, empty) in enumerate(days_of_visits(random, 60, 12, seen_in)):
        step(zones, counted_in, counted_out, empty)
        if tick >= 5 * DAY and people.mean() > 20:
            found = balance.quantiles(zones)
            # what the counters on the way in see is what can be known: the rest is their own share
            truth = people * seen_in
            inside.append((found[:, 2] <= truth) & (truth <= found[:, 4]))
            wrong.append(found[:, 0] - truth)
            there.append(truth)
    assert zones.imbalance.mean() == pytest.approx(seen_in / 0.9 - 1, abs=0.02)
    assert np.mean(inside) > 0.85
    assert abs(np.mean(wrong)) < 0.05 * np.mean(there)


def test_the_interval_narrows_as_the_imbalance_becomes_known():
    random = np.random.default_rng(8)
    zones, widths = Balance.new(20), []
    for _, counted_in, counted_out, empty in days_of_visits(random, 20, 8, 0.8):
        step(zones, counted_in, counted_out, empty)
        found = balance.quantiles(zones)
        widths.append((found[:, 4] - found[:, 2]).mean())
    by_day = np.array(widths).reshape(8, DAY)[:, DAY // 2]
    assert by_day[-1] < 0.5 * by_day[1]


def test_what_goes_in_counts_and_never_below_zero():
    zones = Balance.new(2)
    step(zones, [100, 0], [0, 0])
    step(zones, [50, 0], [30, 500])
    found = balance.quantiles(zones)
    assert found[0, 1] > 0
    assert found[0, 0] == pytest.approx(120, abs=6)
    assert zones.people.tolist() == [120.0, 0.0]
    assert found[1, 2] >= 0


def test_a_line_that_is_not_known_loses_the_zone_until_the_empty_hour():
    zones = Balance.new(2)
    step(zones, [10, 10], [np.nan, 5])
    assert np.isnan(balance.quantiles(zones)[0]).all()
    assert not np.isnan(balance.quantiles(zones)[1]).any()
    step(zones, 10, 5)
    assert np.isnan(zones.people[0])
    step(zones, 0, 0, empty=True)
    found = balance.quantiles(zones)
    assert not np.isnan(found).any()
    assert np.all(found[:, 4] < 10)
    assert np.isfinite(zones.variance).all()
    # and from then on it counts again
    step(zones, 40, 0)
    assert zones.people.tolist() == [40.0, 40.0]


def test_a_day_with_few_people_tells_nothing_of_the_imbalance():
    zones = Balance.new(1)
    step(zones, 0, 0, empty=True)
    for _ in range(10):
        step(zones, 0, 4)
    step(zones, 0, 0, empty=True)
    assert zones.imbalance.tolist() == [0.0]
    for _ in range(10):
        step(zones, 120, 100)
    step(zones, 0, 0, empty=True)
    assert 0.1 < zones.imbalance[0] < 0.2


def test_one_odd_day_does_not_decide():
    zones = Balance.new(1)
    for _ in range(10):
        step(zones, 1000, 1000, empty=True)
    before = zones.imbalance.copy()
    step(zones, 3000, 1000, empty=True)
    assert abs(zones.imbalance - before) < 0.5


def test_a_predicted_flow_makes_the_zone_less_sure():
    sure, unsure = Balance.new(1), Balance.new(1)
    step(sure, 10, 5)
    step(unsure, 10, 5, var_in=400.0, var_out=100.0)
    assert unsure.variance[0] - sure.variance[0] == pytest.approx(500.0)


def test_quantiles_of_a_normal_cut_off_at_zero():
    zones = Balance.new(1)
    zones.people[:], zones.variance[:] = 2.0, 9.0
    drawn = np.random.default_rng(9).normal(2.0, 3.0, 400_000)
    drawn = drawn[drawn >= 0]
    wanted = [drawn.mean(), drawn.std(), *np.quantile(drawn, (0.05, 0.5, 0.95))]
    assert balance.quantiles(zones)[0] == pytest.approx(wanted, rel=0.02)

"""The filtered rate of one sensor: right on average, honest about how sure it is, and silent when it does not know."""

from __future__ import annotations

import numpy as np
import pytest

from ruimte.estimate import rate
from ruimte.estimate.rate import Rates

DAY = 288


def run(rates, counts, covered=1.0):
    for row in counts:
        rate.step(rates, np.asarray(row, dtype=float), np.broadcast_to(covered, np.shape(row)).astype(float), DAY)


def within(mean, variance, truth):
    low, high = (rate.quantile(mean, variance, deviate) for deviate in (-1.645, 1.645))
    return (low <= truth) & (truth <= high)


@pytest.mark.parametrize("level", [2.0, 20.0, 400.0])
def test_a_constant_rate_is_found(level):
    random = np.random.default_rng(1)
    rates = Rates.new(200)
    run(rates, random.poisson(level, (400, 200)))
    mean, variance = rate.moments(rates)
    # turning the transformed count back is up to a quarter of a person too low
    luck = 3 * np.std(mean) / np.sqrt(200)
    assert level - 0.25 - luck < mean.mean() < level + luck
    # better than one count alone, and sure of it about as it should be
    assert np.std(mean) < 0.5 * np.sqrt(level)
    assert 0.5 < np.std(mean) / np.sqrt(variance).mean() < 1.5


def test_intervals_hold_a_wandering_rate_as_often_as_promised():
    random = np.random.default_rng(2)
    steps, n = 600, 150
    root = 8 + np.cumsum(random.normal(0, 0.25, (steps, n)), axis=0)
    truth = np.maximum(root, 1.0) ** 2
    rates, inside = Rates.new(n), []
    for k in range(steps):
        run(rates, [random.poisson(truth[k])])
        if k >= 200:
            inside.append(within(*rate.moments(rates), truth[k]))
    # a little less than 90 %: noise and drift are learned from the same counts
    assert 0.8 < np.mean(inside) < 0.95


def test_silence_widens_the_interval_and_never_freezes():
    rates = Rates.new(1)
    run(rates, np.random.default_rng(3).poisson(50, (100, 1)))
    spreads = []
    for _ in range(DAY - 1):
        run(rates, [[0.0]], covered=0.0)
        spreads.append(float(rate.moments(rates)[1][0]))
    assert np.all(np.diff(spreads) > 0)
    run(rates, [[0.0]], covered=0.0)
    assert np.isnan(rate.moments(rates)[0])
    run(rates, [[40.0]])
    assert rate.moments(rates)[0] == pytest.approx(40.0, abs=1.0)


def test_a_day_of_exactly_zero_is_not_known_until_somebody_passes():
    rates = Rates.new(2)
    run(rates, np.full((50, 2), 30.0))
    nearly = np.zeros((DAY - 1, 2))
    run(rates, nearly)
    assert np.all(rate.moments(rates)[0] < 1)
    run(rates, [[0.0, 1.0]])
    dead, alive = rate.moments(rates)[0]
    assert np.isnan(dead)
    assert alive < 5
    run(rates, [[0.0, 0.0]])
    assert np.isnan(rate.moments(rates)[0][0])
    run(rates, [[25.0, 0.0]])
    assert rate.moments(rates)[0][0] == pytest.approx(25.0, abs=1.0)


def test_a_part_of_the_tick_is_scaled_up_and_weighs_less():
    random = np.random.default_rng(4)
    whole, half = Rates.new(100), Rates.new(100)
    run(whole, random.poisson(40.0, (200, 100)))
    run(half, random.poisson(20.0, (200, 100)), covered=0.5)
    assert rate.moments(half)[0].mean() == pytest.approx(40.0, rel=0.03)
    assert np.std(rate.moments(half)[0]) > np.std(rate.moments(whole)[0])
    assert rate.moments(half)[1].mean() > rate.moments(whole)[1].mean()


def test_nothing_is_known_before_the_first_count():
    rates = Rates.new(1)
    run(rates, [[0.0]], covered=0.0)
    mean, variance = rate.moments(rates)
    assert np.isnan(mean)
    assert np.isnan(variance)
    assert np.isnan(rate.quantile(mean, variance, 0.0))


def test_sensors_do_not_touch_each_other():
    random = np.random.default_rng(5)
    counts = random.poisson(30, (100, 3)).astype(float)
    together = Rates.new(3)
    run(together, counts)
    for sensor in range(3):
        alone = Rates.new(1)
        run(alone, counts[:, sensor : sensor + 1])
        assert rate.moments(alone)[0][0] == rate.moments(together)[0][sensor]


@pytest.mark.parametrize("deviate", [-1.645, 0.0, 1.645])
def test_quantiles_are_those_of_the_squared_normal(deviate):
    z = np.random.default_rng(6).normal(10.0, 1.5, 400_000)
    count = z**2 / 4 - 3 / 8
    share = {-1.645: 0.05, 0.0: 0.5, 1.645: 0.95}[deviate]
    assert rate.quantile(count.mean(), count.var(), deviate) == pytest.approx(np.quantile(count, share), rel=0.01)

"""The figures by which a forecast is judged."""

from __future__ import annotations

import numpy as np
import pytest

from ruimte.forecast.metrics import block_bootstrap, coverage, crps, mae, mase, pinball, pinball_at, pit, reliability, rmse
from ruimte.model.forecast import EVEN, LEVELS, MEDIAN, level_index

RANDOM = np.random.default_rng(3)
CAME = RANDOM.uniform(0, 1, 20_000)
"""What comes is anything from 0 to 1, so its quantiles are the levels themselves."""
PERFECT = np.broadcast_to(LEVELS, (len(CAME), len(LEVELS)))


def test_levels_are_found_by_their_value():
    assert LEVELS.tolist() == sorted(LEVELS.tolist())
    assert [level_index(level) for level in LEVELS] == list(range(len(LEVELS)))
    assert level_index(0.5) == MEDIAN
    assert np.diff(LEVELS[EVEN]) == pytest.approx(0.05)
    with pytest.raises(ValueError, match=r"no quantile is forecast at 0\.975"):
        level_index(0.975)


def test_pinball_is_the_mean_over_the_even_levels_only():
    each = [pinball_at(CAME, PERFECT, level) for level in LEVELS]
    assert pinball(CAME, PERFECT) == pytest.approx(np.mean(each[1:-1]))
    worse = PERFECT.copy()
    worse[:, [0, -1]] = [-9.0, 9.0]
    assert pinball(CAME, worse) == pinball(CAME, PERFECT)
    assert pinball_at(CAME, worse, 0.99) > pinball_at(CAME, PERFECT, 0.99)


def test_a_quantile_that_was_too_low_costs_as_much_as_its_level_says():
    came, quantiles = np.array([3.0, np.nan]), np.ones((2, len(LEVELS)))
    assert pinball_at(came, quantiles, 0.95) == pytest.approx(2 * 0.95)
    assert pinball_at(-came, quantiles, 0.95) == pytest.approx(4 * 0.05)


def test_crps_is_that_of_the_textbook():
    sure = np.repeat(CAME[:, None] + 0.3, len(LEVELS), axis=1)
    assert crps(CAME, sure) == pytest.approx(mae(CAME, CAME + 0.3))
    # of a uniform forecast of a uniform outcome the CRPS is 1/6; the levels leave out what lies beyond 5 and 95 %
    assert crps(CAME, PERFECT) == pytest.approx(1 / 6, rel=0.06)
    assert crps(CAME, PERFECT) < crps(CAME, PERFECT + 0.1)


@pytest.mark.parametrize("share", [0.98, 0.9, 0.8, 0.5, 0.1])
def test_coverage_of_a_perfect_forecast_is_what_it_promises(share):
    assert coverage(CAME, PERFECT, share) == pytest.approx(share, abs=0.015)


def test_an_interval_that_is_not_forecast_is_not_taken_for_another():
    with pytest.raises(ValueError, match="no quantile is forecast"):
        coverage(CAME, PERFECT, 0.95)


def test_a_root_mean_square_weighs_the_worst_most():
    came, told = np.array([0.0, 0.0, np.nan]), np.array([3.0, 4.0, 9.0])
    assert rmse(came, told) == pytest.approx(np.sqrt(12.5))
    assert rmse(came, told) >= mae(came, told)


def test_a_scaled_error_is_one_for_what_is_as_good_as_last_week():
    random = np.random.default_rng(1)
    came = random.uniform(0, 1, (50, 3, 24)) * np.array([1.0, 10.0, 100.0])[:, None]
    told = random.permutation(came, axis=0)
    assert mase(came, told, np.abs(came - told).mean(axis=(0, 2))) == pytest.approx(1.0)
    assert mase(10 * came, 10 * told, 10 * np.abs(came - told).mean(axis=(0, 2))) == pytest.approx(1.0)
    # a place that was always the same, or never known, has no scale
    assert mase(came, told, np.array([0.0, np.nan, 1.0])) == pytest.approx(mae(came[:, 2], told[:, 2]))


def test_of_a_perfect_forecast_the_transform_is_flat():
    assert pit(CAME, PERFECT) == pytest.approx(1.0, abs=0.12)
    assert pit(CAME, PERFECT).mean() == pytest.approx(1.0)
    assert reliability(CAME, PERFECT) == pytest.approx(LEVELS, abs=0.015)


def test_a_forecast_that_is_too_narrow_or_too_low_shows_in_the_transform():
    narrow = 0.5 + (PERFECT - 0.5) * 0.5
    ends = pit(CAME, narrow)[[0, -1]]
    assert (ends > 2).all()
    low = pit(CAME, PERFECT - 0.3)
    assert low[-1] > 4
    assert low[0] < 0.1


def test_where_nobody_is_foreseen_and_nobody_comes_the_transform_is_flat_too():
    nobody = np.zeros((100, len(LEVELS)))
    told = reliability(np.zeros(100), nobody)
    assert (np.diff(told) > 0).all()
    assert told == pytest.approx((np.arange(21) + 0.5) / 21)
    assert np.isnan(pit(np.full(3, np.nan), nobody[:3])).all()


def test_an_interval_of_a_ratio_is_wider_the_less_is_known_and_the_same_for_the_same_seed():
    random = np.random.default_rng(2)
    one, other = random.gamma(2, 1, 200), random.gamma(2, 1, 200)
    low, high = block_bootstrap(one, other)
    assert low < one.sum() / other.sum() < high
    assert (low, high) == block_bootstrap(one, other)
    fewer = block_bootstrap(one[:20], other[:20])
    assert fewer[1] - fewer[0] > high - low
    assert block_bootstrap(3 * one, other) == pytest.approx((3 * low, 3 * high))


def test_of_two_that_err_alike_the_ratio_is_sure():
    random = np.random.default_rng(2)
    one = random.gamma(2, 1, 50)
    assert block_bootstrap(one, one) == pytest.approx((1.0, 1.0))
    assert block_bootstrap(one[:1], 2 * one[:1]) == pytest.approx((0.5, 0.5))
    low, high = block_bootstrap(one, np.zeros(50))
    assert low > 1e6
    assert np.isfinite(high)


def test_errors_that_come_in_spells_make_a_wider_interval_than_as_many_by_themselves():
    spells = np.repeat(np.random.default_rng(5).gamma(1, 1, 25), 8)
    narrow, wide = (np.subtract(*block_bootstrap(spells, np.ones(200), block=block)[::-1]) for block in (1, 8))
    assert wide > 1.5 * narrow

"""The figures by which a forecast is judged."""

from __future__ import annotations

import numpy as np
import pytest

from ruimte.forecast.metrics import coverage, crps, mae, pinball, pinball_at
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

"""What holds of every forecast's quantiles and of the chances that are read from them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ruimte.forecast.errors import LEAST_ERRORS, error_quantiles, exceedance, with_errors
from ruimte.model.forecast import LEVELS

VALUES = st.one_of(st.floats(0, 1e6), st.sampled_from([0.0, 1.0, 10.0]))
QUANTILES = st.lists(VALUES, min_size=19, max_size=19).map(sorted)


@given(quantiles=QUANTILES, thresholds=st.lists(VALUES, min_size=2, max_size=20).map(sorted))
def test_a_higher_threshold_is_never_more_likely(quantiles, thresholds):
    chance = exceedance(np.array(quantiles), np.array(thresholds))
    assert np.all((chance >= 0) & (chance <= 1))
    assert np.all(np.diff(chance) <= 1e-12)


@given(steps=st.lists(st.floats(0.01, 1e4), min_size=19, max_size=19))
def test_the_chance_at_a_quantile_is_what_the_quantile_says(steps):
    quantiles = np.cumsum(steps)
    assert exceedance(quantiles, quantiles) == pytest.approx(1 - LEVELS)
    middles = (quantiles[1:] + quantiles[:-1]) / 2
    assert exceedance(quantiles, middles) == pytest.approx(1 - (LEVELS[1:] + LEVELS[:-1]) / 2)


@given(quantiles=QUANTILES, more=VALUES, threshold=VALUES)
def test_more_people_are_never_less_of_a_risk(quantiles, more, threshold):
    low, high = np.array(quantiles), np.array(quantiles) + more
    assert exceedance(high, np.array(threshold)) >= exceedance(low, np.array(threshold)) - 1e-9


def test_the_tails_fall_by_half_with_each_step_and_never_reach_certainty():
    quantiles = np.arange(1.0, 20.0)
    assert exceedance(quantiles, np.array([19.0, 20.0, 21.0])) == pytest.approx([0.05, 0.025, 0.0125])
    assert exceedance(quantiles, np.array([1.0, 0.0, -1.0])) == pytest.approx([0.95, 0.975, 0.9875])


def test_a_forecast_that_is_not_known_gives_no_chance():
    assert np.isnan(exceedance(np.full(19, np.nan), np.array(1.0)))


@given(point=st.floats(0, 1e5), spread=st.lists(st.floats(-3, 3), min_size=19, max_size=19).map(sorted))
def test_quantiles_rise_and_are_never_negative(point, spread):
    quantiles = with_errors(np.array([[point]]), np.array(spread)[None, None, :])
    assert np.all(quantiles >= 0)
    assert np.all(np.diff(quantiles) >= 0)


@given(
    errors=st.lists(st.one_of(st.floats(-5, 5), st.just(float("nan"))), min_size=1, max_size=120).map(np.array),
)
def test_quantiles_of_errors_are_the_empirical_ones(errors):
    found = error_quantiles(errors[:, None, None])[0, 0]
    if np.sum(~np.isnan(errors)) < LEAST_ERRORS:
        assert np.isnan(found).all()
    else:
        assert found == pytest.approx(np.nanquantile(errors, LEVELS), abs=1e-12)

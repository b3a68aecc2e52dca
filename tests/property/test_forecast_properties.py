"""What holds of every forecast's quantiles and of the chances that are read from them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ruimte.forecast.errors import LEAST_ERRORS, error_quantiles, exceedance, with_errors, with_outer
from ruimte.model.forecast import EVEN, LEVELS

VALUES = st.one_of(st.floats(0, 1e6), st.sampled_from([0.0, 1.0, 10.0]))
COUNT = len(LEVELS)
QUANTILES = st.lists(VALUES, min_size=COUNT, max_size=COUNT).map(sorted)


@given(quantiles=QUANTILES, thresholds=st.lists(VALUES, min_size=2, max_size=20).map(sorted))
def test_a_higher_threshold_is_never_more_likely(quantiles, thresholds):
    chance = exceedance(np.array(quantiles), np.array(thresholds))
    assert np.all((chance >= 0) & (chance <= 1))
    assert np.all(np.diff(chance) <= 1e-12)


@given(steps=st.lists(st.floats(0.01, 1e4), min_size=COUNT, max_size=COUNT))
def test_the_chance_at_a_quantile_is_what_the_quantile_says(steps):
    quantiles = np.cumsum(steps)
    assert exceedance(quantiles, quantiles) == pytest.approx(1 - LEVELS)
    middles = (quantiles[1:] + quantiles[:-1]) / 2
    assert exceedance(quantiles, middles) == pytest.approx(1 - (LEVELS[1:] + LEVELS[:-1]) / 2)


@given(quantiles=QUANTILES, more=VALUES, threshold=VALUES)
def test_more_people_are_never_less_of_a_risk(quantiles, more, threshold):
    low, high = np.array(quantiles), np.array(quantiles) + more
    assert exceedance(high, np.array(threshold)) >= exceedance(low, np.array(threshold)) - 1e-9


def test_the_tails_go_on_as_fast_as_between_the_last_two_and_never_reach_certainty():
    quantiles = np.arange(1.0, 1.0 + COUNT)  # from 5 % to 1 % it falls to a fifth in one step
    last = quantiles[-1]
    assert exceedance(quantiles, last + np.array([-1.0, 0.0, 1.0, 2.0])) == pytest.approx([0.05, 0.01, 0.002, 0.0004])
    assert exceedance(quantiles, np.array([2.0, 1.0, 0.0, -1.0])) == pytest.approx([0.95, 0.99, 0.998, 0.9996])
    half = quantiles.copy()
    half[-1] = last + 1  # the last two twice as far apart
    assert exceedance(half, np.array([last + 2])) == pytest.approx([0.01 * 0.2**0.5])


@given(quantiles=QUANTILES, value=VALUES)
def test_of_equal_quantiles_the_highest_level_counts(quantiles, value):
    quantiles = np.array(quantiles)
    quantiles[8:] = np.maximum(quantiles[8:], value)
    quantiles[8:12] = value
    quantiles[:8] = np.minimum(quantiles[:8], value)
    equal = np.flatnonzero(quantiles == value)
    assert exceedance(quantiles, np.array(value)) == pytest.approx(1 - LEVELS[equal[-1]])


def test_where_nobody_is_foreseen_nobody_is_likely():
    nobody = np.zeros(COUNT)
    assert exceedance(nobody, np.array([-1.0, 0.0, 1e-9, 5.0])) == pytest.approx([1.0, 0.01, 0.0, 0.0])
    nobody[-1] = 2.0  # at most 1 in 20 nights somebody passes
    assert exceedance(nobody, np.array([-1.0, 0.0, 1.0, 2.0, 4.0])) == pytest.approx([1.0, 0.05, 0.03, 0.01, 0.002])


@given(quantiles=QUANTILES, at=st.integers(0, COUNT - 1))
def test_what_is_not_known_gives_no_chance(quantiles, at):
    quantiles = np.array(quantiles)
    assert np.isnan(exceedance(quantiles, np.array(np.nan)))
    quantiles[at] = np.nan
    assert np.isnan(exceedance(quantiles, np.array([0.0, 1.0, 1e7]))).all()


@given(steps=st.lists(st.floats(0.01, 1e3), min_size=19, max_size=19), beyond=st.floats(0, 30))
def test_a_forecast_of_19_quantiles_keeps_them_and_the_tail_it_had(steps, beyond):
    old = np.cumsum(steps)
    quantiles = with_outer(old)
    assert np.array_equal(quantiles[EVEN], old)
    assert np.all(np.diff(quantiles) >= 0)
    assert quantiles[0] >= 0
    # what was promised of it then: beyond 95 % half as likely with each step of 90 to 95 %
    x = old[-1] + beyond * (old[-1] - old[-2])
    then = 0.05 * 0.5**beyond
    assert exceedance(quantiles, np.array(x)) == pytest.approx(then, abs=1e-9 if x >= quantiles[-1] else 0.008)


def test_what_was_not_known_in_19_quantiles_is_not_known_in_21():
    assert np.isnan(with_outer(np.full((2, 19), np.nan))).all()


@given(point=st.floats(0, 1e5), spread=st.lists(st.floats(-3, 3), min_size=COUNT, max_size=COUNT).map(sorted))
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

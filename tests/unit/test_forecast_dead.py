"""Zeros of a dead counter: they are missing from when on they cannot be meant, and nothing looks ahead."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast_world import counts
from ruimte.forecast.dead import BUDGET, without_dead


@given(seed=st.integers(0, 99), at=st.integers(0, 335), kind=st.sampled_from(["zeros", "missing", "many", "shuffled"]))
@settings(deadline=None)
def test_the_future_changes_nothing_before_it(seed, at, kind):
    values = counts(2, 2, seed=seed)
    values[0, 100:200] = 0.0
    other = values.copy()
    later = other[:, at:]
    later[...] = {"zeros": 0.0, "missing": np.nan, "many": 1e6, "shuffled": later[:, ::-1].copy()}[kind]
    np.testing.assert_array_equal(without_dead(values, 168)[:, :at], without_dead(other, 168)[:, :at])


def test_a_counter_that_dies_is_believed_only_for_a_while():
    values = counts(4, 2, seed=3)
    values[0, 400:] = 0.0
    found = without_dead(values, 168)
    dead = np.isnan(found[0, 400:])
    first = int(dead.argmax())
    assert dead[first:].all()
    missed = values[0, 400 - 168 : 400 - 168 + first].sum()
    assert missed < 3 * BUDGET + 400
    np.testing.assert_array_equal(found[1], values[1])
    np.testing.assert_array_equal(found[0, :400], values[0, :400])


def test_it_is_believed_again_when_it_counts_again():
    values = np.full((1, 100), 30.0)
    values[0, 20:40] = 0.0
    found = without_dead(values, 1)
    assert np.isnan(found[0, 25:40]).all()
    np.testing.assert_array_equal(found[0, 40:], values[0, 40:])


def test_quiet_nights_and_places_where_nobody_ever_is_are_left_alone():
    nights = np.tile(np.r_[np.zeros(8), np.full(16, 200.0)], 30)[None, :]
    np.testing.assert_array_equal(without_dead(nights, 24), nights)
    nobody = np.zeros((1, 1000))
    np.testing.assert_array_equal(without_dead(nobody, 168), nobody)


def test_what_is_missing_stays_so_and_the_values_given_are_not_changed():
    values = np.array([[30.0, np.nan, 0.0, 0.0, 0.0, np.nan]])
    before = values.copy()
    assert np.isnan(without_dead(values, 1)).tolist() == [[False, True, False, True, True, True]]
    np.testing.assert_array_equal(values, before)
    assert without_dead(np.zeros((0, 5)), 1).shape == (0, 5)
    assert without_dead(np.zeros((3, 0)), 1).shape == (3, 0)

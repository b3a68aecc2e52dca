"""Intervals that follow their own errors: wider after misses, narrower where nothing is missed, in the end by place."""

from __future__ import annotations

import numpy as np
import pytest

from forecast_world import Z
from ruimte.forecast.conformal import _MAY as MAY
from ruimte.forecast.conformal import GAMMA, GAMMA_PLACE, KEEP, MOST, log_factors, widened
from ruimte.forecast.learned import BUCKETS_H, Told, bucket_of
from ruimte.model.forecast import LEVELS, MEDIAN, level_index

ONE = Z[None, :]
"""The spread of one bucket."""
B80, B90, HIGH, LOW = range(4)


def daily(errors, spread=ONE, buckets=None):
    """Factors after days of errors, shape (days, places, horizons): those of a day come to be known on it."""
    count, places, horizons = errors.shape
    bucket = np.zeros(horizons, dtype=int) if buckets is None else buckets
    return log_factors(errors, np.repeat(np.arange(count)[:, None], horizons, axis=1), bucket, spread, places)


def test_a_little_less_may_be_missed_than_is_promised():
    assert (GAMMA, MAY) == (0.4, (0.19, 0.09, 0.007, 0.007))
    assert (np.array(MAY) < [0.2, 0.1, 0.01, 0.01]).all()


def test_after_a_day_of_misses_by_hand():
    factors = daily(np.full((1, 2, 10), 5.0))  # all far above
    assert factors.shape == (4, 1, 2)
    assert factors[:, 0, 0] == pytest.approx(
        [GAMMA * (1 - MAY[B80]), GAMMA * (1 - MAY[B90]), 3 * GAMMA * (1 - MAY[HIGH]), -3 * GAMMA * MAY[LOW]]
    )
    np.testing.assert_array_equal(factors[:, :, 0], factors[:, :, 1])


def test_after_a_day_without_misses_by_hand():
    factors = daily(np.zeros((1, 1, 10)))
    assert factors[:, 0, 0] == pytest.approx(
        [-GAMMA * MAY[B80], -GAMMA * MAY[B90], -3 * GAMMA * MAY[HIGH], -3 * GAMMA * MAY[LOW]]
    )


def test_they_widen_day_by_day_under_misses_and_narrow_without_but_never_beyond_bounds():
    wide = [daily(np.full((n, 1, 5), 1e9))[B80, 0, 0] for n in range(1, 40)]
    narrow = [daily(np.full((n, 1, 5), 0.0))[B80, 0, 0] for n in range(1, 60)]
    assert (np.diff(wide[:8]) > 0).all()
    assert (np.diff(narrow[:8]) < 0).all()
    assert max(wide) == MOST
    assert min(narrow) >= -MOST


def test_a_place_that_misses_by_itself_gets_wider_by_itself_and_leans_back_later():
    random = np.random.default_rng(1)
    errors = random.normal(0, 1, (60, 5, 24))
    errors[:30, 2] *= 3
    half, whole = daily(errors[:30]), daily(errors)
    others = np.delete(half[B80, 0], 2)
    assert half[B80, 0, 2] > others.max() + 0.3
    apart = [each[B80, 0, 2] - np.delete(each[B80, 0], 2).mean() for each in (half, whole)]
    assert abs(apart[1]) < 0.4 * apart[0]


def test_of_a_place_that_is_not_heard_its_own_factor_fades():
    errors = np.zeros((80, 2, 10))
    errors[:20, 1] = 9.0
    errors[20:, 1] = np.nan
    own = [np.diff(daily(errors[:n])[B80, 0])[0] for n in (20, 79, 80)]
    assert own[2] == pytest.approx(own[1] * KEEP)
    assert 0 < own[2] < own[0] * KEEP**59


def test_what_is_not_known_changes_nothing():
    random = np.random.default_rng(2)
    errors = random.normal(0, 1.4, (20, 3, 12))
    gaps = np.full((20, 3, 15), np.nan)
    gaps[:, :, :12] = errors
    np.testing.assert_array_equal(daily(gaps), daily(errors))
    more = np.full((24, 3, 12), np.nan)
    more[2:22] = errors
    np.testing.assert_array_equal(daily(more), daily(errors))


def test_nothing_known_gives_nothing():
    assert daily(np.full((5, 3, 4), np.nan)).tolist() == np.zeros((4, 1, 3)).tolist()
    assert daily(np.zeros((5, 0, 4))).shape == (4, 1, 0)
    assert log_factors(np.zeros((0, 3, 4)), np.zeros((0, 4), dtype=int), np.zeros(4, dtype=int), ONE, 3).tolist() == (
        np.zeros((4, 1, 3)).tolist()
    )


def test_each_bucket_of_horizons_has_factors_of_its_own():
    errors = np.zeros((10, 2, 4))
    errors[:, :, 2:] = 8.0
    factors = daily(errors, np.tile(Z, (3, 1)), np.array([0, 0, 2, 2]))
    assert (factors[B80, 0] < 0).all()
    assert (factors[:, 1] == 0).all()
    assert (factors[B80, 2] > 1).all()


def test_the_order_in_which_forecasts_are_told_does_not_matter_only_the_day_on_which_they_are_known():
    random = np.random.default_rng(3)
    errors, known = random.normal(0, 1, (30, 2, 6)), random.integers(0, 12, (30, 6))
    bucket = np.array([0, 0, 1, 1, 1, 2])
    order = random.permutation(30)
    spread = np.tile(Z, (3, 1))
    one = log_factors(errors, known, bucket, spread, 2)
    np.testing.assert_array_equal(log_factors(errors[order], known[order], bucket, spread, 2), one)
    np.testing.assert_array_equal(log_factors(errors, known + 19_000, bucket, spread, 2), one)


@pytest.mark.parametrize("begin", [0.4, 1.0, 2.5])
def test_under_a_drifting_scale_the_intervals_hold_what_they_promise(begin):
    """The errors' scale wanders between a third and three times what was learned; the intervals must not be left behind."""
    random = np.random.default_rng(int(begin * 10))
    days, places, horizons = 300, 4, 24
    scale = np.exp(np.log(begin) * np.linspace(1, 0, days) + 0.8 * np.sin(np.arange(days) / 40))
    errors = random.normal(0, 1, (days, places, horizons)) * scale[:, None, None]
    inside = {0.8: [], 0.9: [], 0.98: []}
    for day in range(30, days, 2):
        # as in the forecaster: from the last 56 days each time anew
        z = widened(ONE, daily(errors[max(0, day - 56) : day]))[0]
        for share, told in inside.items():
            low, high = (
                z[:, level_index(level)][:, None]
                for level in (((1 - share) / 2, (1 + share) / 2) if share < 0.95 else (0.01, 0.99))
            )
            told.append(((errors[day] >= low) & (errors[day] <= high)).mean())
    fixed = {share: (np.abs(errors) <= Z[level_index((1 + share) / 2)]).mean() for share in (0.8, 0.9)}
    assert np.mean(inside[0.8]) == pytest.approx(0.8, abs=0.03)
    assert np.mean(inside[0.9]) == pytest.approx(0.9, abs=0.03)
    assert np.mean(inside[0.98]) == pytest.approx(0.98, abs=0.02)
    if begin != 1.0:
        assert abs(fixed[0.8] - 0.8) > 0.04  # without it they would be


def test_factors_widen_their_own_quantiles():
    factors = np.log(np.array([2.0, 3.0, 5.0, 7.0]))[:, None, None] * np.ones((4, 1, 2))
    z = widened(ONE, factors)
    assert z.shape == (1, 2, 21)
    assert (z[0, 0] / np.where(Z == 0, 1, Z))[[0, 1, 2, 9, 10, 18, 19, 20]] == pytest.approx([7, 3, 2, 2, 0, 2, 3, 5])
    np.testing.assert_array_equal(widened(ONE, np.zeros((4, 1, 1)))[0, 0], Z)


def test_the_median_stays_and_the_distance_to_it_is_multiplied():
    factors = np.log(np.array([2.0, 3.0, 5.0, 7.0]))[:, None, None] * np.ones((4, 1, 1))
    z = widened(ONE + 0.4, factors)[0, 0]
    assert z[MEDIAN] == 0.4
    np.testing.assert_allclose(z, widened(ONE, factors)[0, 0] + 0.4, atol=1e-12)
    assert z[[0, 1, 2, 18, 19, 20]] == pytest.approx(0.4 + np.array([7, 3, 2, 2, 3, 5]) * Z[[0, 1, 2, 18, 19, 20]])
    np.testing.assert_allclose(widened(ONE + 0.4, np.zeros((4, 1, 1)))[0, 0], Z + 0.4, atol=1e-12)


def test_errors_are_judged_from_the_median_on_as_they_are_multiplied():
    """Errors and quantiles that are both moved give the same factors: what lies outside is what is told as outside."""
    random = np.random.default_rng(6)
    errors = random.normal(0, 1.5, (40, 3, 24))
    one = daily(errors)
    np.testing.assert_array_equal(daily(errors + 2.0, ONE + 2.0), one)
    assert np.abs(daily(errors + 2.0) - one).max() > 0.5
    # one day more: what falls outside the widened quantiles is what the factors go by
    z = widened(ONE + 2.0, one)[0][:, :, None]  # (places, levels, 1)
    today = errors[:1] + 2.0
    out = ((today[0] < z[:, level_index(0.1)]) | (today[0] > z[:, level_index(0.9)])).mean(axis=1)
    more = daily(np.concatenate([errors, errors[:1]]) + 2.0, ONE + 2.0)[B80, 0]
    city, own = one[B80, 0].mean(), one[B80, 0] - one[B80, 0].mean()
    expected = city + GAMMA * (out.mean() - MAY[B80]) + KEEP * own + GAMMA_PLACE * (out - out.mean())
    assert more == pytest.approx(expected)


def test_quantiles_rise_whatever_the_factors():
    random = np.random.default_rng(4)
    factors = random.uniform(-MOST, MOST, (4, 1, 50))
    z = widened(ONE, factors)[0][:, None, :]
    told = Told(random.uniform(0, 200, (50, 1)), random.normal(0, 1, (50, 1)), random.uniform(0.02, 2, (50, 1)))
    quantiles = told.quantiles(z)
    assert (np.diff(quantiles, axis=-1) >= 0).all()
    assert (quantiles >= 0).all()
    assert np.isfinite(Told(np.array([[1e5]]), np.array([[3.0]]), np.array([[500.0]])).quantiles(np.exp(MOST) * Z)).all()
    assert Told(np.array([[50.0]]), np.array([[0.1]]), np.array([[0.3]])).middle()[0, 0] == pytest.approx(53 * np.exp(0.1) - 3)


def test_horizons_fall_into_the_bucket_that_ends_with_them():
    assert bucket_of(np.array([0.25, 1.0, 1.25, 3.0, 6.0, 12.0, 24.0, 25.0, 48.0, 168.0, 500.0])).tolist() == [
        0, 0, 1, 1, 2, 3, 4, 5, 5, 6, 6,
    ]  # fmt: skip
    assert len(BUCKETS_H) == 7
    assert len(LEVELS) == len(Z)


def test_a_places_own_factor_by_hand():
    errors = np.zeros((1, 2, 10))
    errors[0, 1] = 9.0
    factors = daily(errors)[B80, 0]
    city = GAMMA * (0.5 - MAY[B80])
    assert factors == pytest.approx([city - GAMMA_PLACE * 0.5, city + GAMMA_PLACE * 0.5])

"""The baseline against a slow reading of its own description, and what it does at its edges."""

from __future__ import annotations

import numpy as np
import pytest

from ruimte.forecast.baseline import point_forecast

DAY = 24


def slowly(history, shift, horizons):
    """The description in words, one value at a time: a slot's sources are found by their local time."""
    n = len(history)
    local = [k + int(shift[k]) for k in range(len(shift))]

    def profile(k):
        values = []
        for week in range(1, 9):
            found = [s for s in range(n) if local[s] == local[k] - week * 7 * DAY]
            values += [history[s] for s in found[:1] if s < n - 2 * DAY and not np.isnan(history[s])]
        return float(np.median(values)) if values else np.nan

    def smooth(k):
        around = 0.25 * profile(k - 1) + 0.5 * profile(k) + 0.25 * profile(k + 1)
        return profile(k) if np.isnan(around) else around

    factor, compared = 1.0, 0
    for k in range(n - 12, n):
        actual, usual = history[k], smooth(k)
        if not np.isnan(actual) and not np.isnan(usual):
            ratio = 1.0 if actual == usual == 0 else min(actual / usual, 4.0) if usual > 0 else 4.0
            factor, compared = 0.31 * ratio + 0.69 * factor, compared + 1
    if not compared:
        return [np.nan] * horizons
    return [factor * smooth(n - 1 + h) for h in range(1, horizons + 1)]


def made(random, weeks, missing):
    n = weeks * 7 * DAY
    week = random.gamma(2, 20, 7 * DAY)
    history = random.poisson(np.tile(week, weeks)[:n]).astype(float)
    history[random.random(n) < missing] = np.nan
    return history


@pytest.mark.parametrize("missing", [0.0, 0.3, 0.95])
@pytest.mark.parametrize("weeks", [3, 9])
def test_it_does_what_its_description_says(missing, weeks):
    history = made(np.random.default_rng(weeks), weeks, missing)
    shift = np.zeros(len(history) + 7, dtype=int)
    fast = point_forecast(history[None, :], shift, DAY, 6)
    assert fast[0] == pytest.approx(slowly(history, shift, 6), nan_ok=True)


@pytest.mark.parametrize("change", [1, -1], ids=["spring", "autumn"])
@pytest.mark.parametrize("days_ago", [5, 17.5, 30])
def test_a_change_of_clock_moves_the_slots_with_the_wall(change, days_ago):
    n = 9 * 7 * DAY
    history = made(np.random.default_rng(3), 9, 0.1)
    shift = np.full(n + 7, 12, dtype=int)
    shift[n - int(days_ago * DAY) :] += change
    fast = point_forecast(history[None, :], shift, DAY, 6)
    assert fast[0] == pytest.approx(slowly(history, shift, 6), nan_ok=True)


def test_places_do_not_touch_each_other():
    random = np.random.default_rng(4)
    both = np.stack([made(random, 9, 0.1), made(random, 9, 0.5)])
    shift = np.zeros(both.shape[1] + 5, dtype=int)
    together = point_forecast(both, shift, DAY, 4)
    for place in range(2):
        np.testing.assert_array_equal(point_forecast(both[place : place + 1], shift, DAY, 4)[0], together[place])


def flat(level=10.0, weeks=9):
    return np.full((1, weeks * 7 * DAY), level), np.zeros(weeks * 7 * DAY + 3, dtype=int)


def test_the_factor_caps_each_ratio_at_four():
    history, shift = flat()
    history[0, -1] = 1e9
    assert point_forecast(history, shift, DAY, 2)[0] == pytest.approx(10 * (0.31 * 4 + 0.69))
    history[0, -12:] = 1e9
    assert point_forecast(history, shift, DAY, 2)[0] == pytest.approx(10 * (4 - 3 * 0.69**12))


def test_the_last_two_days_are_no_part_of_the_profile():
    history, shift = flat()
    shown = point_forecast(history, shift, DAY, 2)
    history[0, -2 * DAY : -12] = 5_000.0
    assert np.array_equal(point_forecast(history, shift, DAY, 2), shown)


def test_zero_as_usual_is_as_usual_and_more_than_zero_is_four_times():
    history, shift = flat(0.0)
    assert point_forecast(history, shift, DAY, 2).tolist() == [[0.0, 0.0]]
    history[0, -1] = 3.0
    assert point_forecast(history, shift, DAY, 2).tolist() == [[0.0, 0.0]]


def test_nothing_known_gives_nothing():
    history, shift = flat(np.nan)
    assert np.isnan(point_forecast(history, shift, DAY, 2)).all()


def test_of_a_place_that_was_not_heard_lately_the_future_is_not_told():
    history, shift = flat()
    history[0, -11:] = np.nan
    assert np.isfinite(point_forecast(history, shift, DAY, 2)).all()
    history[0, -12:] = np.nan
    assert np.isnan(point_forecast(history, shift, DAY, 2)).all()


def test_a_special_profile_takes_the_place_of_the_weeks_own():
    history, shift = flat()
    special = np.full((1, 14), np.nan)
    special[0, 12] = 70.0
    assert point_forecast(history, shift, DAY, 2, special)[0] == pytest.approx([70.0, 10.0])
    special[0, 11] = 5.0  # the newest slot was twice its special profile
    assert point_forecast(history, shift, DAY, 2, special)[0] == pytest.approx([70.0 * 1.31, 13.1])

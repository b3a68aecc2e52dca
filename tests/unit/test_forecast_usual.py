"""The usual against its formula worked out by hand, the pooled week, and what special days were like."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from forecast_world import DAY_H, FIRST, MONDAY, WEEK, counts, past, week
from ruimte.forecast.special import FADE, WAIT_DAYS, SpecialDay, memory_of, special_days
from ruimte.forecast.usual import level_of, log_ratio, slots, usual_of, week_shape
from ruimte.model.calendar import EPOCH, Calendar

SHAPE = week() / week().mean()
NEXT = np.arange(1, WEEK + 1)


def day_of(number):
    return date.fromordinal(EPOCH.toordinal() + number)


def usual(at, ahead=NEXT, shape=SHAPE):
    return usual_of(at, ahead, shape, level_of(at, shape))


@pytest.mark.parametrize("weeks", [1, 2, 5, 8])
def test_n_weeks_weigh_n_and_the_level_times_the_shape_weighs_one(weeks):
    random = np.random.default_rng(weeks)
    values = random.uniform(0, 100, (2, weeks * WEEK))
    at = past(values)
    told = usual(at)
    newest = values[:, -28 * DAY_H :]
    weight = np.tile(SHAPE, weeks)[-28 * DAY_H :]
    level = newest.sum(axis=1) / weight.sum()
    assert level_of(at, SHAPE) == pytest.approx(level)
    mean = values.reshape(2, weeks, WEEK).mean(axis=1)
    assert told.value == pytest.approx((weeks * mean + level[:, None] * SHAPE) / (weeks + 1))
    assert (told.weeks == weeks).all()
    by_week = values.reshape(2, weeks, WEEK)
    assert told.median == pytest.approx(np.median(by_week, axis=1))
    fade = 0.75 ** np.arange(weeks)[::-1]
    assert told.faded == pytest.approx((by_week * fade[:, None]).sum(axis=1) / fade.sum())
    assert told.last == pytest.approx(by_week[:, -1])
    assert told.spread == pytest.approx(np.log(by_week + 3).std(axis=1))
    if weeks > 1:
        assert told.before_last == pytest.approx(by_week[:, -2])
    else:
        assert np.isnan(told.before_last).all()


def test_of_no_past_nothing_is_told():
    for values in (np.full((1, WEEK), np.nan), np.full((1, 1), np.nan)):
        at = past(values)
        assert np.isnan(level_of(at, SHAPE)).all()
        told = usual(at)
        for name in ("value", "median", "faded", "last", "before_last", "spread"):
            assert np.isnan(getattr(told, name)).all()
        assert (told.weeks == 0).all()


def test_after_one_day_a_place_is_told_by_its_level_and_the_shape_of_a_week():
    day = 70.0 * SHAPE[:DAY_H]  # a Monday
    told = usual(past(day[None, :]))
    rest = np.arange(6 * DAY_H)  # Tuesday to Sunday: nothing of its own
    assert told.value[0, rest] == pytest.approx(70 * SHAPE[DAY_H:])
    assert told.value[0, 6 * DAY_H :] == pytest.approx(day)  # next Monday: mean and level agree
    assert (told.weeks[0, rest] == 0).all()


def test_without_a_level_a_places_own_weeks_have_to_do():
    values = np.full((1, 6 * WEEK), 10.0)
    values[:, -28 * DAY_H :] = np.nan
    at = past(values)
    assert np.isnan(level_of(at, SHAPE)).all()
    assert usual(at).value == pytest.approx(10.0)
    assert (usual(at).weeks == 2).all()


def test_missing_weeks_count_for_nothing():
    values = counts(8, 1)
    gap = values.copy()
    gap[:, 2 * WEEK : 3 * WEEK] = np.nan
    level = level_of(past(values), SHAPE)
    told = usual_of(past(gap), NEXT, SHAPE, level)
    mean = np.delete(values.reshape(8, WEEK), 2, axis=0).mean(axis=0)
    assert told.value[0] == pytest.approx((7 * mean + level * SHAPE) / 8)
    assert (told.weeks == 7).all()


def test_holidays_are_left_out_of_the_usual_and_of_the_level():
    values = counts(8, 1)
    calendar = Calendar({day_of(MONDAY + 49 + 1): "Feast"})  # the last Tuesday
    disturbed = values.copy()
    disturbed[:, 50 * DAY_H : 51 * DAY_H] = 9e5
    quiet, loud = (usual(past(each, calendar=calendar)) for each in (values, disturbed))
    np.testing.assert_array_equal(quiet.value, loud.value)
    tuesday = slice(DAY_H, 2 * DAY_H)
    assert (loud.weeks[:, tuesday] == 7).all()
    assert np.isnan(loud.last[:, tuesday]).all()
    assert (usual(past(disturbed)).value[:, tuesday] > 1e5).all()


def test_a_leap_day_is_usual_like_any_other_thursday():
    thursday = (date(2024, 2, 29) - EPOCH).days
    values = np.tile(100 * SHAPE, 9)[None, : (thursday - MONDAY) * DAY_H]
    at = past(values)
    told = usual(at, np.arange(1, 2 * DAY_H + 1))
    assert told.value[0] == pytest.approx(100 * SHAPE[3 * DAY_H : 5 * DAY_H])
    assert slots(at, np.array([1])).tolist() == [3 * DAY_H]


def test_slots_are_counted_from_monday_for_hours_and_quarters():
    for per_day in (24, 96, 144):
        at = past(np.zeros((1, 3 * per_day)), per_day)  # Monday to Wednesday
        assert slots(at, np.array([-3 * per_day + 1, 0, 1, 4 * per_day, 4 * per_day + 1])).tolist() == [
            0, 3 * per_day - 1, 3 * per_day, 7 * per_day - 1, 0,
        ]  # fmt: skip


@pytest.mark.parametrize("per_day", [24, 96])
@pytest.mark.parametrize("first", [0, 1, 4])
def test_the_shape_of_a_week_is_found_again_whatever_day_it_begins_on(per_day, first):
    shape = week(per_day) / week(per_day).mean()
    values = np.array([[20.0], [900.0]]) * np.tile(shape, 5)[first * per_day : (first + 28) * per_day]
    found = week_shape(values, FIRST + first * 24, per_day, np.zeros(values.shape[1], dtype=bool))
    assert found == pytest.approx(shape)
    assert found.mean() == pytest.approx(1)


def test_the_shape_leaves_holidays_out_and_is_level_where_nothing_is_known():
    values = 50 * np.tile(SHAPE, 4)[None, :]
    holiday = np.zeros(values.shape[1], dtype=bool)
    holiday[WEEK : WEEK + DAY_H] = True
    values[:, holiday] = 7e4
    assert week_shape(values, FIRST, DAY_H, holiday) == pytest.approx(SHAPE)
    values[:, np.arange(values.shape[1]) % WEEK < 3] = np.nan
    assert np.isfinite(week_shape(values, FIRST, DAY_H, holiday)).all()


def test_places_that_are_empty_or_not_known_leave_the_shape_to_others():
    values = np.tile(SHAPE, 4) * np.array([[0.0], [np.nan], [60.0]])
    nowhere = np.zeros(values.shape[1], dtype=bool)
    assert week_shape(values, FIRST, DAY_H, nowhere) == pytest.approx(SHAPE)
    for nothing in (values[:2], values[:0], values[:, :0]):
        assert (week_shape(nothing, FIRST, DAY_H, nowhere[: nothing.shape[1]]) == 1).all()


def test_of_less_than_a_week_the_hours_that_are_not_known_are_level():
    shape = week_shape(50 * SHAPE[None, : 5 * DAY_H], FIRST, DAY_H, np.zeros(5 * DAY_H, dtype=bool))
    assert shape[: 5 * DAY_H] == pytest.approx(SHAPE[: 5 * DAY_H] / SHAPE[: 5 * DAY_H].mean())
    assert (shape[5 * DAY_H :] == 1).all()
    assert shape.mean() == pytest.approx(1)


# --- special days ------------------------------------------------------------------------------------------------------


def test_a_special_day_is_remembered_as_the_citys_log_ratio_by_hour():
    feast = MONDAY + 30
    calendar = Calendar({day_of(feast): "Feast"})
    values = np.tile(week(), 6) * np.array([[100.0], [300.0]])
    values[:, 30 * DAY_H : 31 * DAY_H] *= 3
    found = {each.name: each for each in special_days(past(values, calendar=calendar), SHAPE)}
    assert {"two days before Feast", "before Feast", "Feast", "after Feast", "1-2", "1-6"} <= set(found)
    assert "1-1" not in found  # nothing was usual yet
    assert found["Feast"].day == feast
    usual_city = 400 * week()[(30 % 7) * DAY_H :][:DAY_H]
    assert found["Feast"].ratio == pytest.approx(np.log((3 * usual_city + 3) / (usual_city + 3)))
    assert np.abs(found["after Feast"].ratio).max() < 1e-9  # the feast is no part of what is usual
    assert np.abs(found["before Feast"].ratio).max() < 1e-9


def test_special_days_are_kept_from_memory_for_thirty_days_and_earlier_ones_fade():
    one, other = (SpecialDay(day, "Feast", np.full(DAY_H, ratio)) for day, ratio in ((1000, 1.0), (1365, 2.0)))
    assert np.isnan(memory_of([one, other], 1000 + WAIT_DAYS - 1).of("Feast")[0]).all()
    assert (memory_of([one, other], 1000 + WAIT_DAYS).of("Feast")[0] == 1.0).all()
    ratio, weight = memory_of([one, other], 1365 + WAIT_DAYS).of("Feast")
    assert ratio == pytest.approx((FADE * 1.0 + 2.0) / (FADE + 1))
    assert weight == pytest.approx(1 + FADE)
    nothing, none = memory_of([one, other], 2000).of("Fair")
    assert np.isnan(nothing).all()
    assert not none.any()


def test_an_hour_that_was_not_known_keeps_what_was_remembered_of_it():
    gap = np.full(DAY_H, 2.0)
    gap[5] = np.nan
    ratio, weight = memory_of([SpecialDay(0, "x", np.full(DAY_H, 1.0)), SpecialDay(365, "x", gap)], 9999).of("x")
    assert (ratio[5], weight[5]) == (1.0, 1.0)
    first, none = memory_of([SpecialDay(0, "x", gap)], 9999).of("x")
    assert np.isnan(first[5])
    assert none[5] == 0
    assert np.isfinite(np.delete(first, 5)).all()


def test_a_ratio_that_small_counts_do_not_blow_up():
    assert log_ratio(np.array(0.0), np.array(0.0)) == 0
    assert log_ratio(np.array(1.0), np.array(0.0)) == pytest.approx(np.log(4 / 3))

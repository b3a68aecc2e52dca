"""The learned forecast and its features under all that cities send: beginnings, silence, zeros, jumps, a leap day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from forecast_world import DAY_H, FIRST, MONDAY, SPRING_DAYS, WEEK, counts, fed, lab, past, plain, trained, week
from ruimte.forecast import learned_forecaster as at_work
from ruimte.forecast.features import NAMES, WINDOWS_H, features
from ruimte.forecast.learned_forecaster import LearnedForecaster
from ruimte.forecast.special import SpecialDay, memory_of
from ruimte.forecast.usual import log_ratio
from ruimte.model.calendar import EPOCH, Calendar

LEAP = (date(2024, 2, 29) - EPOCH).days - MONDAY
"""The days from the first to the leap day."""


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(at_work, "KEPT_DAYS", 14)


def sound(forecast, known=None):
    """Quantiles rise, are not negative, and are finite or wholly NaN by place and horizon."""
    quantiles = forecast.quantiles
    missing = np.isnan(quantiles)
    assert (missing.all(axis=-1) == missing.any(axis=-1)).all()
    told = quantiles[~missing.any(axis=-1)]
    assert np.isfinite(told).all()
    assert (np.diff(told, axis=-1) >= 0).all()
    assert (told >= 0).all()
    if known is not None:
        assert (~missing.all(axis=(1, 2))).tolist() == known
        assert (~missing.any(axis=(1, 2))).tolist() == known
    return quantiles


def each_day(values, learned=None, horizons=30, recalled=0):
    """All forecasts at the ends of days, each looked at."""
    forecaster = LearnedForecaster(lab(len(values), calendar=SPRING_DAYS), horizons, learned or trained())
    found = []
    for tick in range(values.shape[1]):
        (forecaster.recall if tick < recalled else forecaster.observe)(FIRST + tick, values[:, tick])
        if tick >= recalled and (tick + 1) % DAY_H == 0:
            found.append(forecaster.issue())
            sound(found[-1])
    forecaster.skill()
    return found


def test_before_anything_was_seen_nothing_is_issued():
    forecaster = LearnedForecaster(lab(2), 24, trained())
    assert forecaster.issue() is None
    assert forecaster.skill() == []
    assert forecaster.algorithm == "learned-ratio"


def test_from_the_first_hour_on_something_is_told_and_places_are_young_for_two_weeks():
    values = counts(3, 2)
    forecaster = LearnedForecaster(lab(2), 24, trained())
    for tick in range(3 * WEEK):
        forecaster.observe(FIRST + tick, values[:, tick])
        if tick in (0, 1, 5, 23, 24, 47, 100, 14 * DAY_H - 2, 14 * DAY_H - 1, 3 * WEEK - 1):
            forecast = forecaster.issue()
            sound(forecast, [True, True])
            assert forecast.young == ((0, 1) if tick < 14 * DAY_H - 1 else ())


def test_two_days_of_history_tell_the_third():
    values = counts(1, 3)
    (_, second) = each_day(values[:, : 2 * DAY_H])
    assert second.young == (0, 1, 2)
    came = values[:, 2 * DAY_H : 3 * DAY_H]
    assert np.abs(second.quantiles[:, :DAY_H, 10] - came).sum() < 0.5 * came.sum()


def test_a_sensor_of_zeros_is_told_as_zeros_and_leaves_others_alone():
    values = counts(6, 3, seed=9)
    dead = values.copy()
    dead[1] = 0.0
    found = each_day(dead, recalled=3 * WEEK)
    assert found[-1].quantiles[1, :, :19].max() < 1.5
    assert 1 not in found[-1].broken


def test_a_sensor_that_falls_silent_keeps_being_told_and_one_never_heard_is_not():
    values = counts(6, 3, seed=10)
    values[0, 4 * WEEK :] = np.nan
    values[1] = np.nan
    found = each_day(values, recalled=3 * WEEK)
    sound(found[-1], [True, False, True])
    assert found[-1].young == (1,)
    assert 1 not in found[-1].broken


def test_of_places_of_which_nothing_is_known_nothing_is_told():
    for learned in (plain(), trained()):
        found = each_day(np.full((2, 15 * DAY_H), np.nan), learned)
        assert np.isnan(found[-1].quantiles).all()
        assert (found[-1].young, found[-1].broken) == ((0, 1), ())


def test_a_lab_without_places_is_told_nothing():
    found = each_day(np.zeros((0, 9 * DAY_H)))
    assert found[-1].quantiles.shape == (0, 30, 21)


def test_a_step_of_ten_is_told_as_broken_and_followed():
    values = counts(8, 3, seed=15)
    values[:, 6 * WEEK :] *= 10
    found = each_day(values, recalled=4 * WEEK)
    told = [forecast.broken for forecast in found]
    assert not any(told[3:14])
    assert (0, 1, 2) in told[14:17]
    came = values.reshape(3, -1, DAY_H).sum(axis=(0, 2))[-7:]  # Monday to Sunday, a week after the step
    before = np.array([each.quantiles[:, :DAY_H, 10].sum() for each in found[-8:-1]])
    assert ((before[:6] > 0.6 * came[:6]) & (before[:6] < 1.6 * came[:6])).all()
    assert before.sum() / came.sum() == pytest.approx(1, abs=0.15)
    # The model is still far too low, so Saturday is told again; a Sunday has half of that in this city (0.8 to 1.6).
    assert before[6] < 2.0 * came[6]
    assert before[6] == pytest.approx(came[5], rel=0.05)


def test_a_long_silence_of_all_ends_without_a_break():
    """Two weeks of nothing, as when the intake was down: what is told after it is about what it was."""
    values = counts(9, 2, seed=16)
    silent = values.copy()
    silent[:, 6 * WEEK : 8 * WEEK] = np.nan
    found = each_day(silent, recalled=4 * WEEK)
    assert found[-1].broken == ()
    assert np.isfinite(found[27].quantiles).all()
    came = values[:, -DAY_H:]
    assert np.abs(found[-2].quantiles[:, :DAY_H, 10] - came).sum() < 0.35 * came.sum()


def test_a_jump_of_the_clock_of_months_begins_anew():
    values = counts(5, 2, seed=17)
    forecaster = fed(lab(2), values, trained(), 24, recalled=4 * WEEK)
    for tick in range(30):
        forecaster.observe(FIRST + 400 * DAY_H + tick, values[:, tick])
        sound(forecaster.issue(), [True, True])
    assert forecaster.issue().young == (0, 1)


def test_wild_values_do_no_lasting_harm():
    values = counts(6, 2, seed=18)
    wild = values.copy()
    wild[0, 4 * WEEK + 50] = 1e12
    wild[1, 4 * WEEK + 51] = -1e9
    wild[:, 4 * WEEK + 80 : 4 * WEEK + 83] = [[np.nan, 0.0, 1e6], [1e-9, np.nan, 0.0]]
    found = each_day(wild, recalled=3 * WEEK)
    assert (found[-1].quantiles[1] < 1e4).all()


def test_the_leap_day_is_foreseen_like_the_thursday_that_it_is():
    shape = week() / week().mean()
    values = np.round(np.tile(200 * shape, 10))[None, : LEAP * DAY_H]
    (forecast,) = each_day(values, plain(), 49, recalled=LEAP * DAY_H - 1)
    told = forecast.quantiles[0, :, 10]
    thursday = (FIRST // DAY_H + LEAP + 3) % 7
    assert thursday == 3
    assert told[: 2 * DAY_H] == pytest.approx(200 * shape[3 * DAY_H : 5 * DAY_H], rel=0.02, abs=0.5)


@pytest.mark.parametrize("horizons", [1, 2, 13, 168])
def test_any_horizon_is_told(horizons):
    values = counts(4, 2, seed=19)
    forecast = fed(lab(2), values, trained(), horizons, recalled=3 * WEEK + 3 * DAY_H).issue()
    sound(forecast, [True, True])
    assert forecast.quantiles.shape == (2, horizons, 21)


# --- features ----------------------------------------------------------------------------------------------------------

AHEAD = np.arange(1, WEEK + 1)
SHAPE = plain().shape
NONE = memory_of([], 0)


def column(seen, name):
    return seen.rows[:, :, NAMES.index(name)]


def seen_of(values, ahead=AHEAD, calendar=SPRING_DAYS, memory=NONE, special=None):
    return features(past(values, calendar=calendar), SHAPE, memory, ahead, ahead.astype(float), special)


def test_in_a_city_that_is_just_as_usual_all_ratios_are_zero():
    seen = seen_of(np.tile(SHAPE * 100, 9)[None, :], calendar=Calendar({}))
    ratios = [name for name in NAMES if name.startswith(("ratio", "city", "same_time"))]
    for name in [*ratios, "median", "faded", "last_week", "week_before", "pooled", "turn", "spread"]:
        assert column(seen, name) == pytest.approx(0, abs=1e-5), name
    assert column(seen, "size")[0] == pytest.approx(np.log(100 * SHAPE + 3), rel=1e-5)
    assert (column(seen, "weeks") == 8).all()
    assert (column(seen, "age") == 8 * WEEK).all()


def test_windows_tell_the_last_hours_against_their_usual():
    values = np.tile(SHAPE * 100, 9)[None, :].repeat(2, axis=0).copy()
    values[0, -2:] *= 2
    seen = seen_of(values)
    usual = 100 * SHAPE[-6:]
    for number, window in enumerate(WINDOWS_H[:4]):
        came = values[0, -window:].mean()
        assert column(seen, f"ratio_{number}")[0, 0] == pytest.approx(log_ratio(came, usual[-window:].mean()), rel=1e-2)
        assert column(seen, f"ratio_{number}")[1, 0] == pytest.approx(0, abs=1e-3)
    city = log_ratio(values[:, -1].sum(), 2 * usual[-1])
    assert column(seen, "city_0")[:, 0] == pytest.approx(float(city), rel=1e-2)
    assert column(seen, "turn")[0] == pytest.approx(column(seen, "ratio_0")[0] - column(seen, "ratio_2")[0])
    # at the same time tomorrow the last day's ratio is told
    told = column(seen, "same_time_last_day")[0, :50]
    assert (np.flatnonzero(told > 0.5) + 1).tolist() == [23, 24, 47, 48]


def test_days_and_hours_are_those_of_the_block_ahead():
    values = counts(9, 1)[:, : 4 * DAY_H]  # Friday comes
    calendar = Calendar({date(2024, 1, 6): "Feast"}, ((date(2024, 1, 7), date(2024, 1, 8)),))
    seen = seen_of(values, calendar=calendar)
    assert column(seen, "hour")[0, :30].tolist() == [*range(24), *range(6)]
    assert column(seen, "weekday")[0, ::24].tolist() == [4, 5, 6, 0, 1, 2, 3]
    assert column(seen, "holiday")[0, ::24].tolist() == [0, 1, 0, 0, 0, 0, 0]
    assert column(seen, "to_holiday")[0, ::24].tolist() == [1, 0, 10, 10, 10, 10, 10]
    assert column(seen, "from_holiday")[0, ::24].tolist() == [10, 0, 1, 2, 3, 4, 5]
    assert column(seen, "school")[0, ::24].tolist() == [0, 0, 1, 1, 0, 0, 0]
    assert (column(seen, "now_holiday") == 0).all()
    assert (column(seen, "horizon")[0] == AHEAD).all()


def test_means_by_class_of_day_are_those_of_working_days_saturdays_and_sundays_with_holidays():
    values = np.zeros((1, 28 * DAY_H))
    for day, level in ((4, 10.0), (5, 20.0), (6, 40.0)):
        values.reshape(4, 7, DAY_H)[:, day] = level
    values.reshape(4, 7, DAY_H)[:, :4] = 10.0
    values.reshape(28, DAY_H)[25] = 40.0  # a Friday that is a holiday
    calendar = Calendar({date(2024, 1, 26): "Feast", date(2024, 1, 30): "Fair"})
    seen = seen_of(values, calendar=calendar)
    usual = seen.usual
    assert column(seen, "weekdays") == pytest.approx(log_ratio(10.0, usual), rel=1e-4, abs=1e-5)
    assert column(seen, "saturdays") == pytest.approx(log_ratio(20.0, usual), rel=1e-4, abs=1e-5)
    assert column(seen, "sundays") == pytest.approx(log_ratio(40.0, usual), rel=1e-4, abs=1e-5)
    own = np.repeat([10.0, 40.0, 10.0, 10.0, 10.0, 20.0, 40.0], DAY_H)  # the Tuesday is a holiday
    assert column(seen, "own_class") == pytest.approx(log_ratio(own, usual), rel=1e-4, abs=1e-5)


def test_what_a_special_day_was_like_is_told_by_its_hour():
    ratio = np.arange(24.0)
    memory = memory_of([SpecialDay(0, "Feast", ratio), SpecialDay(0, "before Feast", ratio + 100)], 9999)
    calendar = Calendar({date(2024, 1, 26): "Feast"})
    seen = seen_of(counts(9, 1)[:, : 24 * DAY_H + 12], calendar=calendar, memory=memory)  # Thursday noon
    told = column(seen, "special")[0]
    assert told[:12].tolist() == [100.0 + h for h in range(12, 24)]
    assert told[12:36].tolist() == list(range(24))
    assert np.isnan(told[36:]).all()
    assert column(seen, "special_weight")[0, [0, 12, 40]].tolist() == [1, 1, 0]
    assert (column(seen, "now_special") == 111.0).all()


def test_places_do_not_touch_each_other_but_through_the_city():
    values = counts(9, 3, seed=20)
    together, alone = seen_of(values), seen_of(values[1:2])
    for name in NAMES:
        if not name.startswith("city"):
            np.testing.assert_array_equal(column(together, name)[1], column(alone, name)[0], err_msg=name)


def test_gatherings_take_the_place_of_the_usual_before_and_ahead():
    values = np.tile(SHAPE * 100, 9)[None, :].copy()
    values[0, -3:] = 900.0
    special = np.full((1, WEEK + len(AHEAD)), np.nan)
    special[0, WEEK - 3 : WEEK + 2] = 900.0
    seen = seen_of(values, special=special)
    assert seen.usual[0, :2].tolist() == [900.0, 900.0]
    assert column(seen, "ratio_1")[0, 0] == pytest.approx(0, abs=1e-6)
    assert column(seen_of(values), "ratio_1")[0, 0] > 1


def test_a_large_square_looks_like_a_small_street():
    """Ratios do not depend on the size of a place, but for the three that are added to counts."""
    big = counts(9, 1, seed=21) * 1000
    one, other = seen_of(big), seen_of(big * 10)
    for name in NAMES:
        if name not in ("size",):
            assert column(one, name) == pytest.approx(column(other, name), abs=2e-3, nan_ok=True), name


def test_a_model_tells_nothing_of_a_place_without_any_past():
    told = trained().tell(past(np.full((2, WEEK), np.nan)), AHEAD, AHEAD.astype(float))
    assert np.isnan(told.usual).all()
    assert np.isnan(told.median).all()
    assert np.isnan(told.scale).all()
    assert np.isnan(replace(told).quantiles(np.zeros(21))).all()

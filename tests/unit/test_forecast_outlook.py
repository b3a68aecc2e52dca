"""The outlook in ticks of all lengths, between the hours, and of gatherings that come back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from forecast_world import DAY_H, FIRST, MONDAY, WEEK, counts, lab, plain, stump, stumps, trained, week
from ruimte.clock import HOUR_US, MINUTE_US
from ruimte.forecast.learned_forecaster import LearnedForecaster
from ruimte.forecast.outlook import DAMPED, OCCASION_DAMPED, OCCASION_SCALE, Outlook, blocks_a_day
from ruimte.model.place import Occasion

SHAPE = week() / week().mean()


@pytest.mark.parametrize(("minutes", "blocks"), [(60, 24), (15, 96), (5, 96), (1, 96), (3, 96), (30, 48), (10, 144), (20, 72)])
def test_it_is_told_in_hours_quarters_or_ticks(minutes, blocks):
    assert blocks_a_day(lab(1, minutes * MINUTE_US)) == blocks


def hourly(weeks, per_hour, places=2):
    """Counts that follow the shape of the week exactly, each hour level."""
    level = np.array([[100.0], [400.0]])[:places]
    return level * np.repeat(np.tile(SHAPE, weeks), per_hour)


@pytest.mark.parametrize("minutes", [5, 10, 15, 30, 60])
def test_where_all_is_as_usual_the_usual_is_told(minutes):
    per_hour = 60 // minutes
    model = lab(2, minutes * MINUTE_US)
    values = hourly(9, per_hour)
    tick = (FIRST + 9 * WEEK) * per_hour - 1
    outlook = Outlook(model, plain(), None, 2 * blocks_a_day(model))
    told, past = outlook.tell(values, tick)
    assert told.usual.shape == told.median.shape == told.scale.shape == (2, 2 * blocks_a_day(model))
    assert past.per_day == blocks_a_day(model)
    expected = np.repeat(SHAPE, blocks_a_day(model) // 24)[: 2 * blocks_a_day(model)] * np.array([[100.0], [400.0]])
    assert told.usual == pytest.approx(expected)
    assert told.median == pytest.approx(0, abs=1e-9)
    assert told.middle() == pytest.approx(expected)
    assert told.scale == pytest.approx(0.2)


@pytest.mark.parametrize("minutes", [5, 10, 15, 30])
def test_up_to_two_hours_ahead_the_last_hour_counts_too_and_fades(minutes):
    per_hour = 60 // minutes
    model = lab(2, minutes * MINUTE_US)
    values = hourly(9, per_hour)
    tick = (FIRST + 8 * WEEK + 3 * DAY_H + 15) * per_hour - 1
    values = values[:, : tick - FIRST * per_hour + 1].copy()
    usual = values[:, -1].copy()
    values[0, -max(1, 30 // minutes) :] *= 2
    outlook = Outlook(model, replace(plain(), median=stumps(0.3)), None, 4 * blocks_a_day(model) // 24)
    told, _ = outlook.tell(values, tick)
    middle = (np.arange(told.median.shape[1]) + 0.5) * 24 / blocks_a_day(model)
    half = np.log((2 * usual[0] + 3) / (usual[0] + 3))
    hour = np.log((1.5 * usual[0] + 3) / (usual[0] + 3))  # half of it was twice as busy
    now = (half + hour) / 2
    soon = middle < 2
    assert told.median[0, soon] == pytest.approx(0.7 * 0.3 + 0.3 * DAMPED ** middle[soon] * now, abs=1e-3)
    assert told.median[1, soon] == pytest.approx(0.7 * 0.3, abs=1e-3)
    assert told.median[:, ~soon] == pytest.approx(0.3)


def test_where_the_last_half_hour_is_not_known_the_model_is_told():
    model = lab(2, 15 * MINUTE_US)
    values = hourly(9, 4)
    values[0, -2:] = np.nan
    told, _ = Outlook(model, replace(plain(), median=stumps(0.3)), None, 8).tell(values, (FIRST + 9 * WEEK) * 4 - 1)
    assert told.median[0] == pytest.approx(0.3)


def test_a_gap_in_the_last_half_hour_is_not_taken_for_a_change():
    """Of two quarters, one busy as usual and one unknown: what is compared is the same quarter."""
    model = lab(1, 15 * MINUTE_US)
    shape = np.tile([1.0, 1.0, 1.0, 9.0], WEEK)  # the last quarter of each hour is busy
    values = 50 * np.tile(shape, 9)[None, :]
    values[0, -1] = np.nan
    told, _ = Outlook(model, plain(), None, 8).tell(values, (FIRST + 9 * WEEK) * 4 - 1)
    assert told.median == pytest.approx(0, abs=0.2)


def test_quarters_are_told_by_their_own_model_where_there_is_one():
    model = lab(2, 5 * MINUTE_US)
    values = hourly(9, 12)
    tick = (FIRST + 9 * WEEK) * 12 - 1
    quarters = replace(plain(96), median=stumps(0.4), scale=stump(0.7))
    told, _ = Outlook(model, plain(), quarters, 16).tell(values, tick)
    assert told.median[:, :8] == pytest.approx(0.2, abs=1e-6)  # half of 0.4: the last hour was as usual
    assert told.median[:, 8:] == pytest.approx(0, abs=1e-9)
    assert told.scale[:, :8] == pytest.approx(0.7)
    assert told.scale[:, 8:] == pytest.approx(0.2)
    # of ticks that quarters do not fit they say nothing
    other, _ = Outlook(lab(2, 10 * MINUTE_US), plain(), quarters, 16).tell(hourly(9, 6), (FIRST + 9 * WEEK) * 6 - 1)
    assert other.scale == pytest.approx(0.2)


@pytest.mark.parametrize("minutes", [5, 15, 60])
def test_what_hours_say_of_a_trained_model_is_said_of_their_quarters(minutes):
    """Told in quarters or in hours, the same city has about the same day ahead of it."""
    fine = counts(9, 2, seed=31, per_day=288)
    per_hour = 60 // minutes
    values = fine.reshape(2, -1, 12 // per_hour).mean(axis=2)
    model = lab(2, minutes * MINUTE_US)
    tick = (FIRST + 9 * WEEK) * per_hour - 1
    blocks = blocks_a_day(model) // 24
    told, _ = Outlook(model, trained(), None, 24 * blocks).tell(values, tick)
    hours = told.middle().reshape(2, 24, blocks).mean(axis=2)
    whole, _ = Outlook(lab(2), trained(), None, 24).tell(fine.reshape(2, -1, 12).mean(axis=2), FIRST + 9 * WEEK - 1)
    assert hours[:, 4:] == pytest.approx(whole.middle()[:, 4:], rel=0.12, abs=3)


@pytest.mark.parametrize(("minutes", "horizons"), [(5, 1), (5, 7), (15, 5), (10, 4), (30, 3), (60, 2)])
def test_forecasts_have_a_value_for_every_tick(minutes, horizons):
    model = lab(2, minutes * MINUTE_US, quantity="flow")
    per_hour = 60 // minutes
    forecaster = LearnedForecaster(model, horizons, plain())
    values = hourly(2, per_hour) / 3600
    first = FIRST * per_hour
    for tick in range(values.shape[1]):
        (forecaster.observe if tick > values.shape[1] - 4 * per_hour else forecaster.recall)(first + tick, values[:, tick])
    issued = forecaster.issue()
    assert issued.quantiles.shape == (2, horizons, 21)
    assert issued.valid_us.tolist() == [issued.issued_us + model.tick_us * h for h in range(1, horizons + 1)]
    assert issued.quantiles[:, 0, 10] == pytest.approx(values[:, 0], rel=0.05)  # in persons/s, as it came
    assert (np.diff(issued.quantiles, axis=-1) >= 0).all()


# --- gatherings --------------------------------------------------------------------------------------------------------

BELL = np.array([2.0, 4.0, 9.0, 16.0, 9.0, 4.0])
THEN, NOW = 5 * WEEK + 100, 8 * WEEK + 40
"""Hours after the first at which it was last time, and at which it is."""


def fair(hour, places=(0,)):
    return Occasion("fair", (FIRST + hour) * HOUR_US, (FIRST + hour + len(BELL)) * HOUR_US, places)


def at_the_fair(per_hour, until, factor=1.0):
    """Counts up to so many hours after its start: last time's bell, now times a factor."""
    values = hourly(9, per_hour)
    for start, times in ((THEN, 1.0), (NOW, factor)):
        values[0, start * per_hour : (start + len(BELL)) * per_hour] = 100 * times * np.repeat(BELL, per_hour)
    return values[:, : (NOW + until) * per_hour]


PER_HOUR = pytest.mark.parametrize("per_hour", [1, 4, 12])


def told_of(per_hour, until, factor=1.0, hours=10):
    model = lab(2, HOUR_US // per_hour, occasions=(fair(THEN), fair(NOW)))
    values = at_the_fair(per_hour, until, factor)
    blocks = blocks_a_day(model) // 24
    told, _ = Outlook(model, plain(), None, hours * blocks).tell(values, FIRST * per_hour + values.shape[1] - 1)
    return told, blocks


@PER_HOUR
def test_a_gathering_that_comes_back_is_told_by_the_last_one(per_hour):
    told, blocks = told_of(per_hour, until=-2)
    expected = 100 * np.repeat(BELL, blocks)
    within = slice(2 * blocks, 8 * blocks)
    assert told.middle()[0, within] == pytest.approx(expected)
    assert (told.scale[0, within] == OCCASION_SCALE).all()
    rest = np.delete(np.arange(10 * blocks), np.arange(2 * blocks, 8 * blocks))
    assert told.scale[0, rest] == pytest.approx(0.2)
    assert told.middle()[1] == pytest.approx(np.repeat(400 * np.tile(SHAPE, 2)[(NOW - 2) % WEEK :][:10], blocks))


@PER_HOUR
@pytest.mark.parametrize("until", [1, 2, 3, 5])
def test_within_a_gathering_that_goes_as_last_time_last_time_is_told(per_hour, until):
    """However far it has come: the hours before it are no part of the comparison."""
    told, blocks = told_of(per_hour, until)
    ahead = len(BELL) - until
    assert told.middle()[0, : ahead * blocks] == pytest.approx(100 * np.repeat(BELL[until:], blocks))


@PER_HOUR
def test_a_gathering_twice_as_busy_as_last_time_stays_about_twice_as_busy(per_hour):
    told, blocks = told_of(per_hour, 3, factor=2.0)
    ratio = told.middle()[0, : 3 * blocks] / (100 * np.repeat(BELL[3:], blocks))
    elapsed = np.arange(1, 3 * blocks + 1) / blocks
    assert ratio == pytest.approx(2**OCCASION_DAMPED**elapsed, rel=0.01)


def test_a_place_that_is_silent_during_a_gathering_is_told_by_the_last_one():
    model = lab(2, occasions=(fair(THEN), fair(NOW)))
    values = at_the_fair(1, 2)
    values[0, -3:] = np.nan
    told, _ = Outlook(model, plain(), None, 4).tell(values, FIRST + values.shape[1] - 1)
    assert told.middle()[0] == pytest.approx(100 * BELL[2:])


def test_last_years_gathering_is_told_again():
    """A year lies between them: a forecaster of a lab with gatherings remembers that long."""
    year = 52 * WEEK
    model = lab(1, occasions=(fair(THEN), fair(THEN + year)))
    values = np.tile(100 * SHAPE, 58)[: THEN + year - 1].copy()
    values[THEN : THEN + len(BELL)] = 100 * BELL
    forecaster = LearnedForecaster(model, 8, plain())
    for tick, value in enumerate(values):
        forecaster.recall(FIRST + tick, np.array([value]))
    assert forecaster.needs_ticks > year
    assert forecaster.issue().quantiles[0, 1:7, 10] == pytest.approx(100 * BELL, rel=1e-4)


def test_a_gathering_without_an_earlier_one_changes_nothing():
    values, tick = at_the_fair(1, -2), FIRST + NOW - 3
    one, _ = Outlook(lab(2, occasions=(fair(NOW),)), plain(), None, 10).tell(values, tick)
    other, _ = Outlook(lab(2), plain(), None, 10).tell(values, tick)
    for name in ("usual", "median", "scale"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_mondays_first_hour_is_the_first_of_the_shape():
    assert MONDAY * DAY_H == FIRST
    assert (FIRST // 24 + 3) % 7 == 0

"""Nothing that a forecast looks at, and nothing that it says, depends on what comes after the moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast_world import DAY_H, FIRST, MONDAY, WEEK, city, counts, fed, lab, past, plain, trained
from ruimte.clock import MINUTE_US
from ruimte.forecast import learned_forecaster as at_work
from ruimte.forecast import naive
from ruimte.forecast.blocks import Blocks
from ruimte.forecast.features import NAMES, features
from ruimte.forecast.learned_forecaster import LearnedForecaster
from ruimte.forecast.outlook import Outlook
from ruimte.forecast.special import WAIT_DAYS, memory_of, special_days
from ruimte.forecast.usual import level_of, usual_of
from ruimte.model.calendar import Calendar
from ruimte.model.place import Occasion

CALENDAR = Calendar({date(2024, 1, 20): "Feast", date(2024, 2, 14): "Feast", date(2024, 3, 12): "Fair"})
AHEAD = np.arange(1, WEEK + 3)  # a week by the wall may be an hour longer
CITY = counts(12, 3, seed=5)
SHAPE = plain().shape
CHANGE = st.sampled_from(["nothing", "far too much", "nobody", "shuffled", "shifted"])
SLOW = settings(max_examples=30, deadline=None)


def changed(values, since, how):
    """The same until ``since``; what comes after is something else."""
    values = values.copy()
    later = values[:, since:]
    values[:, since:] = {
        "nothing": np.full_like(later, np.nan),
        "far too much": later * 50 + 1e6,
        "nobody": np.zeros_like(later),
        "shuffled": later[:, ::-1],
        "shifted": np.roll(later, 5, axis=1) + 1,
    }[how]
    return values


@given(moment=st.integers(DAY_H, 12 * WEEK - 1), how=CHANGE)
@SLOW
def test_no_feature_and_no_usual_looks_ahead(moment, how):
    one, other = (city(each, CALENDAR).past(DAY_H, moment) for each in (CITY, changed(CITY, moment, how)))
    assert one.end_h == other.end_h
    level = [level_of(each, SHAPE) for each in (one, other)]
    np.testing.assert_array_equal(*level)
    for name in ("value", "weeks", "median", "faded", "last", "before_last", "spread"):
        np.testing.assert_array_equal(*(getattr(usual_of(each, AHEAD, SHAPE, level[0]), name) for each in (one, other)))
    memory = memory_of([], 0)
    seen = [features(each, SHAPE, memory, AHEAD, AHEAD.astype(float)) for each in (one, other)]
    np.testing.assert_array_equal(seen[0].usual, seen[1].usual)
    for column, name in enumerate(NAMES):
        np.testing.assert_array_equal(seen[0].rows[:, :, column], seen[1].rows[:, :, column], err_msg=name)
    for method in (naive.last_week, naive.last_day, naive.mean_4_weeks, naive.median_4_weeks, naive.persistence):
        np.testing.assert_array_equal(method(one, AHEAD), method(other, AHEAD))


@given(moment=st.integers(DAY_H, 12 * WEEK - 200), beyond=st.integers(1, 200), how=CHANGE)
@SLOW
def test_not_even_where_the_values_go_on_and_only_the_moment_ends_the_past(moment, beyond, how):
    """What lies ahead of a past is not asked of its array by any lag, however far ahead a block is."""
    at = city(CITY, CALENDAR).past(DAY_H, moment)
    ahead = np.arange(1, 400)
    assert np.isnan(at.at(ahead)).all()
    lags = ahead[None, :] - np.arange(1, 9)[:, None] * WEEK
    assert np.isnan(at.at(lags)[:, lags > 0]).all()


@given(day=st.integers(35, 83), how=CHANGE)
@SLOW
def test_what_special_days_were_like_does_not_look_ahead(day, how):
    """Those before a day are the same whatever comes, and one is not remembered for ``WAIT_DAYS``."""
    one, other = (special_days(past(each, calendar=CALENDAR), SHAPE) for each in (CITY, changed(CITY, day * DAY_H, how)))
    before = [[each for each in found if each.day < MONDAY + day] for found in (one, other)]
    assert [each.name for each in before[0]] == [each.name for each in before[1]]
    for each, same in zip(*before, strict=True):
        np.testing.assert_array_equal(each.ratio, same.ratio)
    now = MONDAY + day
    memories = [memory_of(found, now) for found in (one, other)]
    for name in {each.name for each in one + other}:
        for each, same in zip(*(memory.of(name) for memory in memories), strict=True):
            np.testing.assert_array_equal(each, same)
    # whatever the last 30 days held
    late = memory_of(special_days(past(changed(CITY, (day - WAIT_DAYS + 1) * DAY_H, how), calendar=CALENDAR), SHAPE), now)
    for name in {each.name for each in one}:
        np.testing.assert_array_equal(late.of(name)[0], memories[0].of(name)[0])


@given(end=st.integers(-300, 300), minutes=st.sampled_from([15, 60]), autumn=st.booleans(), how=CHANGE)
@settings(max_examples=25, deadline=None)
def test_blocks_and_outlooks_do_not_look_ahead_across_a_change_of_clocks_either(end, minutes, autumn, how):
    """Of a record that goes on, what is cut off at a tick gives the same, whatever the record says later."""
    per_hour = 60 // minutes
    at = (MONDAY + 40) * 24 + 1
    model = lab(3, minutes * MINUTE_US, ((0, 2 if autumn else 1), (at, 1 if autumn else 2)))
    record = counts(12, 3, seed=6, per_day=24 * per_hour)
    first = FIRST * per_hour
    tick = at * per_hour + end
    until = tick - first + 1
    blocks = Blocks(model, 24 * per_hour)
    cut = [each[:, :until] for each in (record, changed(record, until, how))]
    ahead = blocks.ahead(tick, 48)
    one, other = (blocks.past(each, tick) for each in cut)
    np.testing.assert_array_equal(one.values, other.values)
    # what a block that has not ended holds is not known, though some of its ticks are
    assert np.isnan(blocks.means(cut[0], tick, ahead.ticks)).all()
    hourly = Blocks(model, 24)
    assert np.isnan(hourly.means(cut[0], tick, hourly.ahead(tick, 5).ticks)).all()
    outlook = Outlook(model, plain(), None, 30)
    told = [outlook.tell(each, tick)[0] for each in cut]
    for name in ("usual", "median", "scale"):
        np.testing.assert_array_equal(*(getattr(each, name) for each in told))


GATHERINGS = (
    Occasion("fair", (FIRST + 300) * 60 * MINUTE_US, (FIRST + 306) * 60 * MINUTE_US, (0, 2)),
    Occasion("fair", (FIRST + 980) * 60 * MINUTE_US, (FIRST + 986) * 60 * MINUTE_US, (0, 2)),
)


@pytest.fixture
def short(monkeypatch):
    """Errors are learned from for two weeks only: what is tested needs no more, and takes a quarter of the time."""
    monkeypatch.setattr(at_work, "KEPT_DAYS", 14)


@pytest.mark.parametrize("how", ["nothing", "far too much", "shuffled"])
@pytest.mark.parametrize("occasions", [(), GATHERINGS], ids=["no gatherings", "gatherings"])
def test_what_was_issued_does_not_change_with_what_comes_after(how, occasions, short):
    """A forecaster that goes on has issued, up to any moment, what one issues that sees another future."""
    model = lab(3, calendar=CALENDAR, occasions=occasions)
    values = CITY[:, : 6 * WEEK]
    since = 977
    issued = []
    for each in (values, changed(values, since, how)):
        forecaster = LearnedForecaster(model, 30, trained())
        told = []
        for tick in range(since + 12):
            (forecaster.observe if tick > since - 16 * DAY_H else forecaster.recall)(FIRST + tick, each[:, tick])
            if tick > since - 8:
                told.append(forecaster.issue())
        issued.append(told)
    for number, (one, other) in enumerate(zip(*issued, strict=True)):
        tick = since - 7 + number
        same = np.array_equal(one.quantiles, other.quantiles, equal_nan=True) and one.broken == other.broken
        assert same == (tick < since), tick


def test_to_go_on_after_it_was_issued_does_not_change_a_forecast(short):
    """What was issued is not a view of something that is changed later."""
    forecaster = fed(lab(2), CITY[:2, : 5 * WEEK], trained(), 30, recalled=4 * WEEK)
    issued = forecaster.issue()
    kept = issued.quantiles.copy()
    for tick in range(5 * WEEK, 5 * WEEK + 30):
        forecaster.observe(FIRST + tick, CITY[:2, tick] * 9)
        forecaster.issue()
    np.testing.assert_array_equal(issued.quantiles, kept)


def test_two_that_were_fed_the_same_are_equal_to_the_bit_however_often_they_were_asked(short):
    values = CITY[:2, : 6 * WEEK]
    one, other = LearnedForecaster(lab(2), 30, trained()), LearnedForecaster(lab(2), 30, trained())
    for tick in range(values.shape[1]):
        for each in (one, other):
            (each.observe if tick > 3 * WEEK else each.recall)(FIRST + tick, values[:, tick])
        if tick % 7 == 0:
            other.issue()
            other.skill()
    same(one, other)
    assert one.skill() == other.skill()


def same(one, other):
    first, second = one.issue(), other.issue()
    np.testing.assert_array_equal(first.quantiles, second.quantiles)
    assert np.isfinite(first.quantiles).all()
    assert (first.issued_us, first.broken, first.young) == (second.issued_us, second.broken, second.young)
    assert first.valid_us.tolist() == second.valid_us.tolist()


@pytest.mark.parametrize("ends", [0, 5, 17])
def test_to_recall_the_distant_past_gives_the_same(ends, short):
    """Tick by tick from the beginning, or only the newest ``learns_from_ticks`` observed and the rest recalled."""
    values = counts(14, 2, seed=7)[:, : 14 * WEEK - ends]
    whole = fed(lab(2), values, plain(), 30)
    started = LearnedForecaster(lab(2), 30, plain())
    begin = values.shape[1] - started.needs_ticks
    assert begin > 0
    for tick in range(begin, values.shape[1]):
        recent = tick >= values.shape[1] - started.learns_from_ticks
        (started.observe if recent else started.recall)(FIRST + tick, values[:, tick])
    same(whole, started)
    # how wide intervals were when the oldest of what is kept was told rests on errors before that
    assert [replace(each, coverage=0.0) for each in whole.skill()] == [replace(each, coverage=0.0) for each in started.skill()]


def test_ticks_that_were_skipped_are_ticks_that_are_not_known(short):
    values = CITY[:2, : 5 * WEEK].copy()
    skipped = [400, 401, 700, 701, 702, 830]
    values[:, skipped] = np.nan
    gaps = LearnedForecaster(lab(2), 30, trained())
    for tick in range(values.shape[1]):
        if tick not in skipped:
            (gaps.observe if tick > 3 * WEEK else gaps.recall)(FIRST + tick, values[:, tick])
    told = gaps.issue().quantiles
    known = fed(lab(2), values, trained(), 30, recalled=3 * WEEK + 1).issue().quantiles
    assert told == pytest.approx(known, rel=0.05)


def test_a_corrected_tick_counts_as_corrected(short):
    values = CITY[:2, : 5 * WEEK]
    wrong = values.copy()
    wrong[:, -3] = 1e5
    corrected, right = (fed(lab(2), each, trained(), 30, recalled=4 * WEEK) for each in (wrong, values))
    before = corrected.issue().quantiles
    corrected.observe(FIRST + values.shape[1] - 3, values[:, -3])
    middle = slice(8, 13)
    assert corrected.issue().quantiles[..., middle] == pytest.approx(right.issue().quantiles[..., middle], rel=0.1)
    assert before[..., middle] != pytest.approx(right.issue().quantiles[..., middle], rel=0.1)


def test_where_it_lies_in_time_does_not_matter_without_a_calendar():
    """A year and a day later, on the same weekday, the same is told of the same values."""
    at = past(CITY)
    later = replace(at, end_h=at.end_h + 52 * WEEK)
    memory = memory_of([], 0)
    one, other = (features(each, SHAPE, memory, AHEAD, AHEAD.astype(float)) for each in (at, later))
    np.testing.assert_array_equal(one.rows, other.rows)

"""From ticks to blocks on the wall's clock, on the days that have 23 and 25 hours too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from forecast_world import DAY_H, FIRST, MONDAY, WEEK, counts, lab, past, plain, week
from ruimte.clock import MINUTE_US
from ruimte.forecast.blocks import Blocks
from ruimte.forecast.features import features
from ruimte.forecast.naive import last_day, last_week
from ruimte.forecast.past import PAST_DAYS, Past
from ruimte.forecast.usual import usual_of

CHANGE_DAY = MONDAY + 90  # a Sunday
AT = CHANGE_DAY * 24 + 1  # at 01:00 UTC, as in Europe
SPRING = ((0, 1), (AT, 2))  # 02:00 to 03:00 does not exist
AUTUMN = ((0, 2), (AT, 1))  # 02:00 to 03:00 comes twice
BOTH = pytest.mark.parametrize("offsets", [SPRING, AUTUMN], ids=["spring", "autumn"])


def on_the_wall(ticks, offsets, per_hour=1):
    """Local time at which each tick starts, in ticks since 1970, worked out one by one."""
    before, after = offsets[0][1], offsets[1][1]
    return np.array([t + per_hour * (after if t >= AT * per_hour else before) for t in ticks])


@BOTH
@pytest.mark.parametrize("since", range(2, 60, 7))
def test_each_hour_lies_where_the_wall_has_it(offsets, since):
    """Every hour is told its own local time; the hour that came twice is the mean, the one that never was is not known."""
    ticks = np.arange(AT + since - 200, AT + since)
    wall = on_the_wall(ticks, offsets)
    random = np.random.default_rng(since)
    values = random.uniform(10, 90, (2, len(ticks)))
    found = Blocks(lab(2, offsets=offsets), 24).past(values, int(ticks[-1]))
    assert found.end_h == wall[-1] + 1
    for block in range(found.values.shape[1]):
        hour = found.end_h - found.values.shape[1] + block
        here = values[:, wall == hour]
        if here.shape[1]:
            assert found.values[:, block] == pytest.approx(here.mean(axis=1))
        else:
            assert hour == CHANGE_DAY * 24 + 2
            assert np.isnan(found.values[:, block]).all()
    assert found.values.shape[1] == len(ticks) + (1 if offsets is SPRING else -1)


@BOTH
@pytest.mark.parametrize("per_day", [96, 24])
def test_quarters_and_hours_of_shorter_ticks_lie_where_the_wall_has_them(offsets, per_day):
    per_hour, size = 12, 288 // per_day
    model = lab(1, 5 * MINUTE_US, offsets)
    for end in AT * per_hour + np.array([30, 37, 500]):
        ticks = np.arange(end - 900, end)
        wall = on_the_wall(ticks, offsets, per_hour)
        values = wall[None, :].astype(float)
        found = Blocks(model, per_day).past(values, int(ticks[-1]))
        last = wall[-1]
        for back in range(found.values.shape[1]):
            expected = last - size * back - (size - 1) / 2
            told = found.values[0, -1 - back]
            assert np.isnan(told) or abs(told - expected) <= size / 2, (back, told, expected)
        if per_day == 96:  # of hours two may be half known
            assert np.isnan(found.values).any() == (offsets is SPRING)


@pytest.mark.parametrize("minutes", [5, 15, 30, 55, 60])
@pytest.mark.parametrize("per_day", [96, 24])
def test_in_the_hour_that_comes_again_the_newest_block_is_the_newest(minutes, per_day):
    """At 02:05 for the second time what the wall showed as 02:05 to 03:00 the first time lies ahead of it: it must not pass
    for the newest block."""
    model = lab(1, 5 * MINUTE_US, AUTUMN)
    newest = AT * 12 + minutes // 5 - 1
    wall = on_the_wall(np.arange(newest - 900, newest + 1), AUTUMN, 12)
    found = Blocks(model, per_day).past(wall[None, :].astype(float), newest)
    size = 288 // per_day
    assert found.end_h * 12 == wall[-1] + 1
    assert found.values[0, -1] == pytest.approx(wall[-1] - (size - 1) / 2, abs=0.01)
    assert found.values[0, -20] == pytest.approx(wall[-1] - 19 * size - (size - 1) / 2, abs=0.01)


@pytest.mark.parametrize("into", [1, 5, 11, 12])
def test_a_past_that_begins_within_the_hour_that_comes_again_puts_nothing_old_at_its_end(into):
    model = lab(1, 5 * MINUTE_US, AUTUMN)
    blocks = Blocks(model, 96)
    begin = AT * 12 - into
    values = np.full((1, PAST_DAYS * 288), 7.0)
    values[0, :40] = 5000.0
    found = blocks.past(values, begin + values.shape[1] - 1)
    assert (found.values[0, -90:] == 7.0).all()


@BOTH
def test_blocks_ahead_are_counted_by_the_wall(offsets):
    blocks = Blocks(lab(1, offsets=offsets), 24)
    for tick in range(AT - 30, AT + 3):
        ahead = blocks.ahead(tick, 48)
        wall = on_the_wall(ahead.ticks, offsets) - on_the_wall([tick], offsets)
        assert ahead.ticks.tolist() == list(range(tick + 1, tick + 49))
        assert ahead.elapsed_h.tolist() == list(range(1, 49))
        assert ahead.wall.tolist() == np.maximum(wall, 1).tolist()
        assert (ahead.wall >= 1).all()


@BOTH
def test_across_a_change_of_clocks_the_local_hour_is_kept(offsets):
    """Counts that follow the wall's hour are told exactly, before and after the change."""
    model = lab(1, offsets=offsets)
    blocks = Blocks(model, 24)
    shape = week() / week().mean()
    for tick in (AT - 40, AT - 3, AT + 5, AT + 100):
        ticks = np.arange(tick - PAST_DAYS * 24, tick + 1)
        local = on_the_wall(ticks, offsets)
        values = 100 * shape[(local + 72) % WEEK][None, :]
        ahead = blocks.ahead(tick, WEEK)
        told = usual_of(blocks.past(values, tick), ahead.wall, shape, np.array([100.0]))
        expected = 100 * shape[(on_the_wall(ahead.ticks, offsets) + 72) % WEEK]
        clamped = on_the_wall(ahead.ticks, offsets) - on_the_wall([tick], offsets) < 1
        assert told.value[0, ~clamped] == pytest.approx(expected[~clamped])


@BOTH
def test_features_and_forecasts_across_a_change_are_finite(offsets):
    learned = plain()
    for model, per_hour in ((lab(2, offsets=offsets), 1), (lab(2, 15 * MINUTE_US, offsets), 4)):
        blocks = Blocks(model, 24 * per_hour)
        values = counts(9, 2, per_day=24 * per_hour)
        shape = np.repeat(learned.shape, per_hour)
        for tick in (AT * per_hour + np.array([-30, -2, -1, 0, 1, 2, 24, 168]) * per_hour).tolist():
            ahead = blocks.ahead(tick, 48 * per_hour)
            seen = features(blocks.past(values, tick), shape, learned.memory, ahead.wall, ahead.elapsed_h)
            assert np.isfinite(seen.usual).all()
            names = [column for column in range(seen.rows.shape[2]) if not np.isfinite(seen.rows[:, :, column]).all()]
            assert not np.isinf(seen.rows).any()
            assert len(names) <= 8  # what is NaN is memory of special days, or lies in the hour that never was


@pytest.mark.parametrize(("minutes", "per_day"), [(5, 96), (15, 96), (10, 144), (30, 48), (5, 24), (60, 24)])
def test_a_block_is_the_mean_of_its_ticks_where_half_of_them_are_known(minutes, per_day):
    model = lab(2, minutes * MINUTE_US)
    size = 1440 // minutes // per_day
    values = np.random.default_rng(1).uniform(0, 50, (2, 10 * size))
    values[0, -size : -size + (size + 1) // 2 - 1] = np.nan  # just under half is missing
    values[1, -2 * size : -size] = np.nan
    values[1, -2 * size : -2 * size + (size - 1) // 2] = 1.0  # just under half is known
    tick = FIRST * 60 // minutes + 5
    found = Blocks(model, per_day).past(values, tick)
    assert found.values.shape == (2, 10)
    assert found.values[0, -1] == pytest.approx(np.nanmean(values[0, -size:]))
    assert np.isnan(found.values[1, -2])
    assert found.values[:, :8] == pytest.approx(values[:, : 8 * size].reshape(2, 8, size).mean(axis=2))
    ends = np.array([[tick, tick - size], [tick - 5 * size, tick + 1]])
    means = Blocks(model, per_day).means(values, tick, ends)
    assert means.shape == (2, 2, 2)
    assert means[:, 0, 0] == pytest.approx(found.values[:, -1], nan_ok=True)
    assert means[:, 0, 1] == pytest.approx(found.values[:, -2], nan_ok=True)
    assert means[:, 1, 0] == pytest.approx(found.values[:, -6])
    assert np.isnan(means[:, 1, 1]).all()  # it has not ended


def test_flows_are_told_per_hour_and_less_than_nobody_is_nobody():
    model = lab(2)
    model = replace(model, places=(model.places[0], replace(model.places[1], quantity="flow")))
    found = Blocks(model, 24).past(np.array([[5.0, -2.0], [0.5, -1.0]]), FIRST)
    assert found.values.tolist() == [[5.0, 0.0], [1800.0, 0.0]]
    assert Blocks(model, 24).means(np.array([[5.0, -2.0], [0.5, -1.0]]), FIRST, np.array([FIRST - 1, FIRST])).tolist() == [
        [5.0, 0.0],
        [1800.0, 0.0],
    ]


def test_only_the_last_nine_weeks_are_looked_at_and_less_is_enough():
    blocks = Blocks(lab(1), 24)
    assert blocks.past(np.zeros((1, 5000)), FIRST).values.shape == (1, PAST_DAYS * DAY_H)
    assert blocks.past(np.zeros((1, 5)), FIRST).values.shape == (1, 5)


def test_the_calendar_reaches_around_whatever_tick_is_asked_for():
    blocks = Blocks(lab(1), 24)
    for tick in (FIRST, FIRST + 400 * 24, FIRST - 4000 * 24, FIRST + 100):
        days, today = blocks.days(tick), tick // 24
        assert days.first < today - PAST_DAYS
        assert today + 8 < days.first + len(days.holiday)


def test_a_past_gives_nothing_that_lies_ahead_of_it_or_before_it():
    values = np.arange(1.0, 49.0)[None, :]
    at = past(values)
    assert at.at(np.array([0, -1, -47])).tolist() == [[48.0, 47.0, 1.0]]
    assert np.isnan(at.at(np.array([1, 100, -48]))).all()
    assert at.start_h(np.array([0, 1])).tolist() == [FIRST + 47, FIRST + 48]
    assert at.day_index(np.array([0, 1])).tolist() == [201, 202]
    quarters = Past(values, FIRST + 12.0, 96, at.days)
    assert quarters.start_h(np.array([0, 1, 2])).tolist() == [FIRST + 11.75, FIRST + 12.0, FIRST + 12.25]


def test_naive_forecasts_never_reach_ahead():
    values = np.arange(float(3 * WEEK))[None, :]
    at = past(values)
    ahead = np.arange(1, WEEK + 2)
    assert last_week(at, ahead)[0].tolist() == [*range(2 * WEEK, 3 * WEEK), 2 * WEEK]
    assert last_day(at, ahead)[0, :25].tolist() == [*range(3 * WEEK - 24, 3 * WEEK), 3 * WEEK - 24]

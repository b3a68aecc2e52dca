"""What is unusual for a weekday and hour: percentiles of known figures, in the lab's own time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ruimte.clock import DAY_US, HOUR_US
from ruimte.warn.unusual import LEAST_VALUES, Unusual

WEEK = 7 * 24
FIRST = 2_900 * WEEK
WEEKS = 20


@pytest.fixture
def model(make_model):
    return make_model([("street", "both")], tick_us=HOUR_US)


def fed(model, values, weeks=WEEKS):
    unusual = Unusual(model, weeks * 7 * DAY_US)
    for tick, value in enumerate(values, start=FIRST):
        unusual.observe(tick, np.array([value]))
    return unusual


def known(unusual, ticks, known_at):
    return unusual.percentiles(FIRST + np.atleast_1d(ticks), FIRST + known_at)[0]


def test_percentiles_pool_a_slot_with_its_neighbours(model):
    values = np.zeros(WEEKS * WEEK)
    # in week w the hours 9, 10 and 11 of the first day count 3w, 3w + 1 and 3w + 2: together 0 … 59
    for hour in (9, 10, 11):
        values[hour::WEEK] = np.arange(WEEKS) * 3 + hour - 9
    found = known(fed(model, values), 10, WEEKS * WEEK)[0]
    ordered = np.arange(60.0)
    assert found.tolist() == [ordered[int(np.ceil(share * 60)) - 1] for share in (0.5, 0.9, 0.95, 0.99)]
    assert known(fed(model, values), 50, WEEKS * WEEK)[0].tolist() == [0.0] * 4


def test_too_little_past_gives_no_threshold(model):
    needed = LEAST_VALUES // 3
    values = np.ones(needed * WEEK)
    assert np.isnan(known(fed(model, values[WEEK:]), 10, needed * WEEK)).all()
    assert known(fed(model, values), 10, needed * WEEK).tolist() == [[1.0] * 4]
    values[10::WEEK] = np.nan
    assert np.isnan(known(fed(model, values), 10, needed * WEEK)).all()
    assert np.isnan(known(Unusual(model, WEEKS * 7 * DAY_US), 10, 0)).all()


def test_the_running_week_does_not_count_and_thresholds_stand_for_a_week(model):
    values = np.ones((WEEKS + 1) * WEEK)
    values[WEEKS * WEEK :] = 1000.0
    unusual = fed(model, values)
    for moment in (0, 50, WEEK - 1):
        assert known(unusual, 10, WEEKS * WEEK + moment).max() == 1.0
    assert known(unusual, 10, (WEEKS + 1) * WEEK).max() == 1000.0


def test_looking_back_sees_what_was_seen_then(model):
    values = np.random.default_rng(1).gamma(2, 50, (WEEKS + 2) * WEEK)
    unusual = Unusual(model, WEEKS * 7 * DAY_US)
    seen = {}
    for tick, value in enumerate(values):
        unusual.observe(FIRST + tick, np.array([value]))
        if tick >= WEEKS * WEEK and tick % 40 == 0:
            seen[tick] = known(unusual, tick + np.arange(5), tick)
    for tick, then in seen.items():
        np.testing.assert_array_equal(known(unusual, tick + np.arange(5), tick), then)


def test_starting_again_gives_the_same(model):
    values = np.random.default_rng(2).gamma(2, 50, (WEEKS + 9) * WEEK - 30)
    unusual, now = fed(model, values), len(values) - 1
    again = Unusual(model, WEEKS * 7 * DAY_US)
    for tick in range(len(values) - again.needs_ticks, len(values)):
        again.observe(FIRST + tick, values[[tick]])
    asked = now + np.arange(12)
    np.testing.assert_array_equal(known(again, asked, now), known(unusual, asked, now))
    assert np.isfinite(known(again, asked, now)).all()


def test_slots_are_of_the_wall_clock(model):
    change = FIRST + 12 * WEEK
    summer = replace(model, offset_from_us=np.array([0, change * HOUR_US]), offset_us=np.array([0, HOUR_US]))
    # people go by the wall: the busy hour is 20:00 local, so an hour earlier in UTC once the clocks went forward
    values = np.ones(WEEKS * WEEK)
    values[20 : 12 * WEEK : 24] = 100.0
    values[12 * WEEK + 19 :: 24] = 100.0
    now = WEEKS * WEEK
    local = known(fed(summer, values), now + np.arange(24), now)[:, 1]
    assert np.flatnonzero(local == 100.0).tolist() == [18, 19, 20]
    utc = known(fed(model, values), now + np.arange(24), now)[:, 1]
    assert len(np.flatnonzero(utc == 100.0)) > 3

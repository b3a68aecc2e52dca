"""Which days are special, how far the next holiday is, and when school is out."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ruimte.model.calendar import EPOCH, FAR, NO_CALENDAR, Calendar, days_of


def number(day):
    return (day - EPOCH).days


def of(calendar, first, last):
    return days_of(calendar, number(first), number(last))


def test_days_around_a_holiday_are_named_after_it_and_the_day_before_counts_most():
    days = of(Calendar({date(2024, 5, 9): "Ascension Day"}), date(2024, 5, 6), date(2024, 5, 11))
    assert days.special == (
        "",
        "two days before Ascension Day",
        "before Ascension Day",
        "Ascension Day",
        "after Ascension Day",
        "",
    )


def test_between_two_holidays_a_day_is_before_the_second():
    calendar = Calendar({date(2024, 4, 1): "Easter Monday", date(2024, 4, 3): "Feast"})
    assert of(calendar, date(2024, 4, 1), date(2024, 4, 4)).special == ("Easter Monday", "before Feast", "Feast", "after Feast")


def test_at_the_turn_of_the_year_days_go_by_their_date_unless_they_are_holidays():
    calendar = Calendar({date(2024, 12, 25): "Christmas Day", date(2025, 1, 1): "New Year's Day"})
    days = of(calendar, date(2024, 12, 21), date(2025, 1, 8))
    assert days.special[:6] == ("", "12-22", "12-23", "12-24", "Christmas Day", "12-26")
    assert days.special[10:13] == ("12-31", "New Year's Day", "1-2")
    assert days.special[-3:] == ("1-6", "", "")


def test_holidays_beyond_the_ends_count_up_to_ten_days():
    calendar = Calendar({date(2024, 5, 1): "Labour Day", date(2024, 6, 1): "Feast"})
    days = of(calendar, date(2024, 5, 3), date(2024, 5, 30))
    assert days.back[:3].tolist() == [2, 3, 4]
    assert days.ahead[-3:].tolist() == [4, 3, 2]
    assert days.back.max() == days.ahead.max() == FAR
    assert not days.holiday.any()


@given(st.sets(st.integers(-30, 60), max_size=6))
def test_distances_are_those_to_the_nearest_holiday(at):
    first = date(2024, 2, 10)
    calendar = Calendar({first + timedelta(k): f"day {k}" for k in at})
    days = of(calendar, first, first + timedelta(30))
    for k in range(31):
        assert days.ahead[k] == min([FAR, *(h - k for h in at if h >= k)])
        assert days.back[k] == min([FAR, *(k - h for h in at if h <= k)])
        assert days.holiday[k] == (k in at)


def test_a_leap_day_is_a_day_like_others():
    days = of(NO_CALENDAR, date(2024, 2, 28), date(2024, 3, 1))
    assert days.special == ("", "", "")
    assert of(Calendar({date(2024, 2, 29): "Leap Day"}), date(2024, 2, 28), date(2024, 3, 1)).holiday.tolist() == [
        False,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("begin", "end", "out"),
    [
        (date(2024, 7, 3), date(2024, 7, 4), [0, 0, 1, 1, 0]),
        (date(2024, 6, 1), date(2024, 7, 1), [1, 0, 0, 0, 0]),
        (date(2024, 7, 5), date(2024, 8, 30), [0, 0, 0, 0, 1]),
        (date(2024, 6, 1), date(2024, 8, 30), [1, 1, 1, 1, 1]),
        (date(2024, 6, 1), date(2024, 6, 30), [0, 0, 0, 0, 0]),
        (date(2024, 7, 6), date(2024, 7, 9), [0, 0, 0, 0, 0]),
    ],
)
def test_school_is_out_from_the_first_to_the_last_day(begin, end, out):
    days = of(Calendar({}, ((begin, end),)), date(2024, 7, 1), date(2024, 7, 5))
    assert days.school.astype(int).tolist() == out


def test_an_hour_finds_its_day_and_hours_outside_find_the_nearest():
    days = days_of(NO_CALENDAR, 100, 104)
    assert days.index(np.array([100 * 24, 100 * 24 + 23, 101 * 24, 99 * 24, 105 * 24])).tolist() == [0, 0, 1, 0, 4]

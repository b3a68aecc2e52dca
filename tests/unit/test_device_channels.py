"""Intervals of devices that tell only an end, or a counter that runs on."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ruimte.clock import HOUR_US, MINUTE_US, SECOND_US
from ruimte.intake.devices.channels import Channels, Counter
from ruimte.intake.message import Message, Reading, Total
from ruimte.model.observation import Flag

FIVE = 5 * MINUTE_US
NOON = 20_000 * 24 * HOUR_US + 12 * HOUR_US


def totals(channels, *told, source="exit", interval=FIVE, device="camera", since=None):
    """Readings that running totals close: ``told`` are minutes after noon and the total then."""
    closed = []
    for minutes, value in told:
        total = Total(source, "count_in", NOON + round(minutes * MINUTE_US), value, since)
        closed += channels.settle(device, Message(source, totals=[total]), lambda *_: interval)
    return [((each.start_us - NOON) / MINUTE_US, each.value, each.flags) for each in closed]


def ends(channels, *told, name="counter", interval=FIVE):
    """Intervals of counts that tell their end only, in seconds after noon."""
    settled = []
    for seconds in told:
        end_us = NOON + seconds * SECOND_US
        message = Message(name, readings=[Reading(name, "count_in", end_us, end_us, 3.0)])
        settled += channels.settle("counter", message, lambda *_: interval)
    assert all(each.flags == Flag.REPAIRED for each in settled)
    return [((each.start_us - NOON) // SECOND_US, (each.end_us - NOON) // SECOND_US) for each in settled]


# --- ends ---------------------------------------------------------------------------------------------------------------


def test_a_count_lasts_the_registered_interval_up_to_its_end():
    assert ends(Channels(), 300) == [(0, 300)]


def test_messages_that_come_early_or_late_leave_no_gap_and_no_overlap():
    assert ends(Channels(), 300, 607, 893, 1_201) == [(0, 300), (300, 600), (600, 900), (900, 1_200)]


def test_a_lost_message_leaves_its_interval_missing():
    assert ends(Channels(), 300, 903) == [(0, 300), (600, 900)]


def test_a_new_rhythm_is_taken_over():
    assert ends(Channels(), 300, 750, 1_052) == [(0, 300), (450, 750), (750, 1_050)]


def test_history_that_comes_late_does_not_shift_the_rhythm():
    assert ends(Channels(), 1_200, 298, 1_503) == [(900, 1_200), (0, 300), (1_200, 1_500)]


def test_what_tells_its_interval_or_is_of_an_instant_stays_as_it_is():
    told = Reading("square", "count_in", NOON, NOON + MINUTE_US, 2.0)
    instant = Reading("square", "people", NOON, NOON, 7.0)
    assert Channels().settle("camera", Message("square", [told, instant]), lambda *_: FIVE) == [told, instant]


def test_what_is_not_registered_passes_for_the_gatekeeper_to_refuse():
    told, total = Reading("a", "count", NOON, NOON, 2.0), Total("b", "count", NOON, 9.0)
    settled = Channels().settle("camera", Message("a", [told], [total]), lambda *_: None)
    assert settled == [told, Reading("b", "count", NOON, NOON, 9.0)]


def test_a_device_that_cannot_name_itself_goes_by_its_key():
    message = Message("", [Reading("region-1", "people", NOON, NOON, 2.0), Reading("", "people", NOON, NOON, 3.0)])
    assert [each.source for each in Channels().settle("lamp", message, lambda *_: FIVE)] == ["lamp/region-1", "lamp"]


# --- running totals -----------------------------------------------------------------------------------------------------


def test_first_sight_closes_nothing_and_the_first_whole_interval_does():
    assert totals(Channels(), (0, 100)) == []
    assert totals(Channels(), (0, 100), (5, 112)) == [(0, 12, Flag.REPAIRED)]
    assert totals(Channels(), (1, 100), (4, 103), (6, 105)) == []  # the begin of the first interval was not seen


def test_an_event_for_every_person_counts_in_the_interval_it_came_in():
    told = [(0, 10), (1.0, 11), (4.9, 12), (5.1, 13), (9.9, 14), (10.0, 14)]
    assert totals(Channels(), *told) == [(0, 2, Flag.REPAIRED), (5, 2, Flag.REPAIRED)]


def test_a_total_told_now_and_then_is_shared_over_the_boundary():
    assert totals(Channels(), (0, 0), (4, 40), (6, 60), (10, 100)) == [(0, 50, Flag.REPAIRED), (5, 50, Flag.REPAIRED)]


def test_messages_a_little_late_still_make_every_interval():
    assert totals(Channels(), (0, 0), (5.1, 51), (10.3, 103), (15.2, 152)) == [
        (0, 50, Flag.REPAIRED),
        (5, 50, Flag.REPAIRED),
        (10, 50, Flag.REPAIRED),
    ]


def test_quiet_hours_are_zero_and_say_so():
    implied = Flag.REPAIRED | Flag.IMPLIED
    assert totals(Channels(), (0, 7), (17, 8)) == [(0, 0, implied), (5, 0, implied), (10, 0, implied)]


def test_what_passed_in_a_long_gap_belongs_to_no_interval():
    assert totals(Channels(), (0, 0), (20, 90), (25, 95)) == [(20, 5, Flag.REPAIRED)]
    assert totals(Channels(), (0, 0), (7 * 60, 0)) == []


def test_a_total_that_begins_anew_gives_at_least_so_much_and_is_doubtful():
    doubtful = Flag.REPAIRED | Flag.DOUBTFUL
    told = [(0, 300), (4, 310), (6, 4), (10, 9), (15, 12)]
    assert totals(Channels(), *told) == [(0, 12, doubtful), (5, 7, doubtful), (10, 3, Flag.REPAIRED)]


def test_a_new_begin_tells_a_reset_even_where_the_total_is_higher():
    channels = Channels()
    totals(channels, (0, 3), since=1)
    assert totals(channels, (5, 9), since=2) == [(0, 9, Flag.REPAIRED | Flag.DOUBTFUL)]


def test_a_message_again_or_too_late_changes_nothing():
    assert totals(Channels(), (0, 0), (4, 4), (4, 4), (2, 2), (5, 5)) == [(0, 5, Flag.REPAIRED)]


def test_channels_do_not_mix():
    channels = Channels()
    for source, device in (("a", "one"), ("b", "one"), ("a", "two")):
        assert totals(channels, (0, 0), source=source, device=device) == []
    assert totals(channels, (5, 6), source="a", device="two") == [(0, 6, Flag.REPAIRED)]


def test_a_channel_that_tells_its_periods_is_not_counted_again_by_its_total():
    channels = Channels()
    assert ends(channels, 0, name="counter") == [(-300, 0)]
    assert totals(channels, (0, 0), (5, 6), source="counter", device="counter") == []


@pytest.mark.parametrize(
    ("registered", "measure"),
    [({"count_out"}, "count_out"), ({"count"}, "count"), ({"count", "count_in"}, "count"), ({"count_in", "count_out"}, None)],
)
def test_a_counter_of_one_way_is_what_the_register_says(registered, measure):
    def interval_of(source, asked, time_us):
        return FIVE if asked in registered else None

    channels, closed = Channels(), []
    for minutes, value in ((0, 3), (5, 9)):
        total = Total("Device1Scenario1", "count", NOON + minutes * MINUTE_US, value)
        closed += channels.settle("camera", Message("", totals=[total]), interval_of)
    told = [(each.source, each.measure, each.value) for each in closed if each.start_us < each.end_us]
    assert told == ([("camera/Device1Scenario1", measure, 6)] if measure else [])


@given(steps=st.lists(st.tuples(st.integers(1, 299), st.integers(0, 40)), min_size=2, max_size=60))
def test_nothing_is_lost_or_counted_twice(steps):
    counter = Counter.first_sight(Total("a", "count", NOON, 0.0), FIVE)
    seconds, value, closed = 0, 0, []
    known = {0: 0}
    for step, rise in steps:
        seconds, value = seconds + step, value + rise
        counter, more = counter.advance(Total("a", "count", NOON + seconds * SECOND_US, float(value)))
        closed += more
        known[seconds] = value
    starts = [each.start_us for each in closed]
    assert starts == [NOON + n * FIVE for n in range(seconds // 300)]  # every interval once, in order
    assert all(each.value >= 0 and each.value == math.floor(each.value) for each in closed)
    for number in range(1, len(closed) + 1):
        counted = sum(each.value for each in closed[:number])
        before = max(total for at, total in known.items() if at <= number * 300)
        after = min(total for at, total in known.items() if at >= number * 300)
        assert before <= counted <= after

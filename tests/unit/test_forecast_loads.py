"""People who are known to come: how many are there and how many pass, hour by hour."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from forecast_world import lab
from ruimte.clock import HOUR_US, MINUTE_US
from ruimte.forecast.loads import expected_of
from ruimte.model.place import Load

DOORS, START, END, GONE = (hour * HOUR_US for hour in (10, 12, 16, 17))


def spans(step_us=15 * MINUTE_US, until_us=24 * HOUR_US):
    start = np.arange(0, until_us, step_us)
    return start, start + step_us


def gathering(*places, people=1000.0, quantity="people", areas=(), **times):
    model = lab(places=2, quantity=quantity)
    if areas:
        model = replace(model, places=tuple(replace(p, area_m2=a) for p, a in zip(model.places, areas, strict=True)))
    when = {"from_us": DOORS, "start_us": START, "end_us": END, "until_us": GONE} | times
    return replace(model, loads=(Load(**when, people=people, places=places),))


def test_who_is_there_comes_stays_and_goes():
    start, end = spans()
    (added, nobody) = expected_of(gathering(0), start, end)
    assert not nobody.any()
    middle_h = (start + end) / 2 / HOUR_US
    assert added[(middle_h > 12) & (middle_h < 16)] == pytest.approx(1000.0)
    assert not added[(middle_h < 10) | (middle_h > 17)].any()
    assert added[np.searchsorted(middle_h, 11.125)] == pytest.approx(1000 * 1.125 / 2)
    assert added[np.searchsorted(middle_h, 16.625)] == pytest.approx(1000 * 0.375)
    # persons × hours: those who come evenly over two hours are there half of that time
    assert added.sum() / 4 == pytest.approx(1000 * (1 + 4 + 0.5))


@pytest.mark.parametrize("minutes", [5, 15, 60])
def test_past_a_count_point_each_visitor_comes_once_and_goes_once(minutes):
    start, end = spans(minutes * MINUTE_US)
    added = expected_of(gathering(0, quantity="flow"), start, end)
    coming = end <= START
    assert added[0][coming].sum() * minutes / 60 == pytest.approx(1000)
    assert added[0][~coming].sum() * minutes / 60 == pytest.approx(1000)
    assert not added[0][(start >= START) & (end <= END)].any()
    assert not added[1].any()


def test_spans_that_do_not_line_up_with_the_doors_lose_nobody():
    start, end = spans(60 * MINUTE_US)
    model = gathering(0, quantity="flow", from_us=DOORS + 7 * MINUTE_US, start_us=START + 11 * MINUTE_US)
    assert expected_of(model, start, end)[0].sum() == pytest.approx(2000)


def test_zones_share_by_area_and_count_points_do_not():
    start, end = spans()
    added = expected_of(gathering(0, 1, areas=(300.0, 100.0)), start, end)
    assert added.max(axis=1) == pytest.approx([750.0, 250.0])
    assert expected_of(gathering(areas=(300.0, 100.0)), start, end) == pytest.approx(added)  # no places are all places
    flows = expected_of(gathering(0, 1, quantity="flow"), start, end)
    assert flows[0] == pytest.approx(flows[1])


def test_a_train_is_emptied_within_its_time():
    start, end = spans(5 * MINUTE_US)
    at = 9 * HOUR_US
    gone = at + 15 * MINUTE_US
    model = gathering(0, quantity="flow", people=300.0, from_us=at, start_us=gone, end_us=gone, until_us=gone)
    added = expected_of(model, start, end)[0]
    assert added[(start >= at) & (end <= gone)] == pytest.approx(1200.0)
    assert added.sum() / 12 == pytest.approx(300)


@pytest.mark.parametrize("hours", [-48, 48])
def test_what_lies_before_or_after_adds_nothing(hours):
    start, end = spans()
    moved = {
        name: value + hours * HOUR_US
        for name, value in (("from_us", DOORS), ("start_us", START), ("end_us", END), ("until_us", GONE))
    }
    for quantity in ("people", "flow"):
        assert not expected_of(gathering(0, quantity=quantity, **moved), start, end).any()


def test_one_that_has_begun_still_counts_and_one_that_ends_with_the_begin_does_not():
    start, _ = spans()
    later = start + GONE
    assert not expected_of(gathering(0), later, later + 15 * MINUTE_US).any()
    later = start + 14 * HOUR_US
    assert expected_of(gathering(0), later, later + 15 * MINUTE_US)[0, 0] == pytest.approx(1000)


def test_gatherings_add_up():
    start, end = spans()
    model = gathering(0)
    twice = replace(model, loads=model.loads * 2)
    assert expected_of(twice, start, end) == pytest.approx(2 * expected_of(model, start, end))
    assert not expected_of(replace(model, loads=()), start, end).any()


def test_doors_that_open_when_it_starts_let_all_in_at_once():
    start, end = spans()
    added = expected_of(gathering(0, from_us=START, until_us=END), start, end)[0]
    assert set(added.round(6)) == {0.0, 1000.0}

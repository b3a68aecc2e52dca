"""Surges: what was counted is looked at before it is believed."""

from __future__ import annotations

import numpy as np
import pytest

from estimate_world import TICK_US, square
from ruimte.clock import HOUR_US
from ruimte.warn.decide import Risk
from ruimte.warn.surge import BELIEVED, UNCONFIRMED, Count, Surge, surges, with_surge

MODEL = square(gates=2)
"""Streams: 1 gate0 in, 2 gate0 out, 3 gate1 in, 4 gate1 out."""
LEAST = np.array([100.0])


def counts(*said, expected=10.0, scale=1.0, believed=True):
    return [Count(number, each, expected, scale, believed) for number, each in enumerate(said, start=1)]


def test_so_many_who_come_in_beyond_the_usual_are_a_surge():
    found = surges(MODEL, counts(10, 10, 810, 10), LEAST)
    assert found == {0: Surge(0, 800.0, 0.0, 3, True)}


@pytest.mark.parametrize("said", [(10, 10, 109, 10), (10, 10, 810, 800), (10, 400, 10, 400)])
def test_what_is_usual_or_passes_through_or_leaves_is_none(said):
    assert surges(MODEL, counts(*said), LEAST) == {}


def test_who_is_expected_is_no_surge():
    train = [Count(1, 300.0, 280.0, 1.0, True), Count(2, 5.0, 5.0, 1.0, True)]
    assert surges(MODEL, train, LEAST) == {}


def test_persons_are_counted_not_counts():
    assert surges(MODEL, counts(60, 0, 0, 0, expected=0.0), LEAST) == {}
    assert surges(MODEL, counts(60, 0, 0, 0, expected=0.0, scale=2.0), LEAST)[0].people == 120.0


def test_where_no_limit_is_known_none_is_told():
    assert surges(MODEL, counts(900, 0, 0, 0), np.array([np.nan])) == {}


def risks(*limits, probability=0.05):
    outlook = tuple((k * TICK_US, probability) for k in range(4))
    return [Risk("DEF"[rank], rank, probability, 0, -1, limit, outlook) for rank, limit in enumerate(limits)]


def raised(people, before, *limits, believed=False, tick_us=TICK_US, probability=0.05):
    surge = Surge(0, people, 0.0, 1, believed)
    return with_surge(risks(*limits, probability=probability), surge, before, 0, tick_us)


def test_levels_below_those_who_came_are_passed_now_the_next_a_tick_later():
    now, soon, not_yet = raised(800.0, 100.0, 900.0, 1700.0, 1701.0)
    assert (now.surge, now.at_us, now.horizon, now.probability) == (True, 0, -1, UNCONFIRMED)
    assert (soon.surge, soon.at_us, soon.horizon) == (True, TICK_US, 0)
    assert [chance for _, chance in soon.outlook] == [0.05, 0.5, 0.5, 0.5]
    assert not not_yet.surge


def test_a_surge_of_an_hour_need_not_go_on():
    now, soon = raised(800.0, 100.0, 900.0, 901.0, tick_us=HOUR_US)
    assert (now.surge, soon.surge) == (True, False)


def test_who_was_there_before_may_be_unknown():
    assert [each.surge for each in raised(800.0, float("nan"), 800.0, 1601.0)] == [True, False]


def test_what_the_estimate_takes_is_likelier_and_what_was_likelier_stays():
    assert raised(800.0, 0.0, 500.0, believed=True)[0].probability == BELIEVED
    sure = raised(800.0, 0.0, 500.0, probability=0.95)[0]
    assert (sure.probability, sure.surge) == (0.95, True)

"""Neighbours that warn are one situation; and how much is asked of a person."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estimate_world import square
from ruimte.clock import HOUR_US, MINUTE_US
from ruimte.model.place import Link, Place
from ruimte.warn.decide import Risk
from ruimte.warn.lifecycle import Book, Look, Rules, step
from ruimte.warn.situations import by_situation, load, neighbours, situation_at

RULES = Rules(open_at=0.5, close_below=0.25, close_after_us=0, cool_down_us=0)
ROW = replace(
    square(gates=1),
    places=tuple(Place(key, key, "people", "a") for key in "abcd"),
    links=tuple(Link(f"{a}{b}", "in", a, b) for a, b in ((0, 1), (1, 2), (2, 3))),
)
NEAR = neighbours(ROW)


def warn(book, place, chance=0.9, minute=0):
    look = Look(place, "t", [Risk("D", 0, chance, 0, -1, 1.0)], [3], True, situation_at(NEAR[place], book))
    return step(book, RULES, look, minute * MINUTE_US)


def test_who_shares_a_gate_is_a_neighbour():
    assert {"a": {"b"}, "b": {"a", "c"}, "c": {"b", "d"}, "d": {"c"}} == NEAR


def test_warnings_at_neighbours_bear_the_number_of_the_first():
    book = Book()
    for place in ("b", "c", "d"):
        warn(book, place)
    assert [(w.place, w.situation) for w in book.open_warnings()] == [("b", 1), ("c", 1), ("d", 1)]
    assert [each.place for each in by_situation(book.open_warnings())[1]] == ["b", "c", "d"]


def test_places_that_do_not_touch_are_two_situations_also_once_they_are_joined():
    book = Book()
    for place in ("d", "b", "c"):
        warn(book, place)
    assert {w.place: w.situation for w in book.open_warnings()} == {"d": 1, "b": 2, "c": 1}


def test_the_number_stays_when_the_first_closes():
    book = Book()
    warn(book, "b")
    warn(book, "c")
    assert warn(book, "b", 0.0)[0] == "closed"
    warn(book, "b", minute=5)
    assert {w.place: w.situation for w in book.open_warnings()} == {"c": 1, "b": 1}


@pytest.mark.parametrize(
    ("alarms", "operators", "heavy", "too_heavy"), [(6, 1, False, False), (7, 1, True, False), (26, 2, True, True)]
)
def test_the_load_is_what_was_asked_within_the_hour(alarms, operators, heavy, too_heavy):
    book = Book(alarms_us=[0, *(90 * MINUTE_US + k for k in range(alarms))])
    found = load(book, operators, 90 * MINUTE_US + alarms)
    assert (found.alarms, found.heavy, found.too_heavy) == (alarms, heavy, too_heavy)
    assert load(book, operators, 90 * MINUTE_US + alarms + HOUR_US).alarms == 0


def test_alarms_are_kept_for_an_hour_only():
    book = Book()
    for minute in range(0, 600, 5):
        warn(book, "a", minute % 10 / 5, minute)
    assert len(book.alarms_us) <= 7

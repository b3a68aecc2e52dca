"""A warning's life, scene by scene."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from ruimte.clock import MINUTE_US
from ruimte.errors import RuimteError
from ruimte.warn.decide import Risk
from ruimte.warn.lifecycle import Book, Look, Rules, escalate, step

RULES = Rules(open_at=0.5, close_below=0.25, close_after_us=15 * MINUTE_US, cool_down_us=60 * MINUTE_US)
LEVELS = ("D", "E", "F")


class Place:
    """One place that is looked at every five minutes; ``look`` takes the chances of D, E and F."""

    def __init__(self):
        self.book, self.minute = Book(), 0

    def look(self, *chances, minutes=5, known=True, rules=RULES, surge=False, horizon=5):
        self.minute += minutes
        now = self.minute * MINUTE_US
        risks = [
            Risk(
                level=LEVELS[rank],
                rank=rank,
                probability=chance,
                at_us=now + 30 * MINUTE_US,
                horizon=horizon,
                limit=10.0 * rank,
                surge=surge,
            )
            for rank, chance in enumerate(chances)
        ]
        happened = step(self.book, rules, Look("square", "fruin-walkway", risks, [3, 2, 1][: len(risks)], known), now)
        return None if happened is None else happened[0]

    def decide(self, measure):
        changes = {"phase": "acknowledged", "acknowledged_by": "operator", "decision": measure}
        self.book.replace(msgspec.structs.replace(self.warning, **changes))

    def shelve(self, minutes):
        until = (self.minute + minutes) * MINUTE_US
        self.book.replace(msgspec.structs.replace(self.warning, phase="acknowledged", shelved_until_us=until))

    @property
    def warning(self):
        (warning,) = self.book.open_warnings()
        return warning


@pytest.fixture
def square():
    return Place()


def test_it_opens_at_the_limit_and_at_the_highest_level_that_reaches_it(square):
    assert square.look(0.49, 0.3, 0.1) is None
    assert square.look(0.9, 0.5, 0.1) == "opened"
    warning = square.warning
    assert (warning.id, warning.level, warning.rank, warning.priority, warning.phase) == (1, "E", 1, 2, "open")
    assert (warning.probability, warning.lead_us, warning.threshold) == (0.5, 30 * MINUTE_US, 10.0)
    assert warning.opened_us == 10 * MINUTE_US


def test_between_the_two_limits_it_stands(square):
    square.look(0.6)
    for _ in range(20):
        assert square.look(0.3) == "updated"
    assert square.warning.probability == 0.3


def test_it_closes_only_after_it_stayed_calm(square):
    square.look(0.6)
    assert [square.look(0.2) for _ in range(3)] == ["updated"] * 3
    assert square.look(0.26) == "updated"  # not calm: the count starts again
    assert [square.look(0.2) for _ in range(4)] == ["updated", "updated", "updated", "closed"]
    assert square.book.open_warnings() == []


def closed(square):
    square.look(0.9, 0.6)
    for _ in range(4):
        last = square.look(0.1, 0.1)
    assert last == "closed"


def test_after_it_closed_the_place_keeps_quiet_for_a_while(square):
    closed(square)
    assert square.look(0.9, 0.9) is None
    assert square.look(0.9, 0.4) is None  # lower levels too
    assert square.look(0.9, 0.9, minutes=49) is None
    assert square.look(0.9, 0.9, minutes=1) == "opened"
    assert square.warning.id == 2


def test_a_higher_level_breaks_the_quiet(square):
    closed(square)
    assert square.look(0.9, 0.9, 0.5) == "opened"
    assert square.warning.level == "F"


def test_a_raise_asks_for_a_response_again(square):
    square.look(0.6, 0.1)
    square.decide("hold")
    assert square.look(0.6, 0.1) == "updated"
    assert (square.warning.phase, square.warning.decision) == ("acknowledged", "hold")
    assert square.look(0.9, 0.6) == "raised"
    warning = square.warning
    assert (warning.id, warning.level, warning.priority, warning.phase) == (1, "E", 2, "open")
    assert (warning.acknowledged_by, warning.decision) == (None, None)


def test_it_is_lowered_to_a_level_that_is_still_likely(square):
    square.look(0.9, 0.6, 0.6)
    assert [square.look(0.9, 0.6, 0.1) for _ in range(4)] == ["updated", "updated", "updated", "lowered"]
    assert (square.warning.level, square.warning.id) == ("E", 1)
    assert [square.look(0.9, 0.1, 0.1) for _ in range(4)][-1] == "lowered"
    assert [square.look(0.1, 0.1, 0.1) for _ in range(4)][-1] == "closed"


def test_what_was_decided_stays_when_it_is_lowered_or_closed(square):
    square.look(0.9, 0.6)
    square.decide("hold")
    for _ in range(4):
        square.look(0.9, 0.1)
    assert (square.warning.level, square.warning.phase, square.warning.decision) == ("D", "acknowledged", "hold")


def test_a_level_that_is_no_more_closes_like_a_calm_one(square):
    square.look(0.9, 0.9, 0.9)
    assert [square.look(0.1) for _ in range(4)] == ["updated", "updated", "updated", "closed"]


def test_the_time_that_is_left_never_falls_below_zero(square):
    square.look(0.9)
    risk = Risk(level="D", rank=0, probability=0.9, at_us=0, horizon=-1, limit=1.0)
    kind, warning = step(square.book, RULES, Look("square", "fruin-walkway", [risk], [3]), 100 * MINUTE_US)
    assert (kind, warning.lead_us) == ("updated", 0)


def test_a_warning_that_does_not_stand_is_not_found(square):
    square.look(0.9)
    assert square.book.get(1).place == "square"
    with pytest.raises(RuimteError, match="warning 7: is closed or does not exist"):
        square.book.get(7)


def test_the_book_outlives_a_restart(square):
    closed(square)
    square.look(0.9, 0.9, 0.9)
    again = Place()
    again.book, again.minute = msgspec.msgpack.decode(msgspec.msgpack.encode(square.book), type=Book), square.minute
    assert again.book == square.book
    for chances in ((0.1, 0.1, 0.1),) * 5 + ((0.9, 0.9, 0.9),):
        assert again.look(*chances) == square.look(*chances)
    assert again.book == square.book


SLOW = replace(RULES, open_after_us=10 * MINUTE_US)


def test_it_waits_until_the_level_has_been_likely_for_long_enough(square):
    assert [square.look(0.6, rules=SLOW) for _ in range(3)] == [None, None, "opened"]


def test_a_moment_of_calm_starts_the_wait_again(square):
    chances = (0.6, 0.6, 0.4, 0.6, 0.6, 0.6)
    assert [square.look(chance, rules=SLOW) for chance in chances] == [None] * 5 + ["opened"]


def test_what_is_passed_already_and_a_surge_do_not_wait(square):
    assert square.look(0.6, rules=SLOW, horizon=-1) == "opened"
    other = Place()
    assert other.look(0.3, rules=SLOW, surge=True) == "opened"
    assert other.warning.surge


def test_a_surge_that_is_over_calms_down_like_any_other(square):
    square.look(0.3, surge=True)
    assert [square.look(0.1) for _ in range(4)][-1] == "closed"


def test_silence_in_the_middle_of_a_warning_is_not_calm(square):
    square.look(0.6)
    assert [square.look(0.0, known=False) for _ in range(40)] == ["updated"] * 40
    assert square.warning.probability == 0.6  # what was known last
    assert [square.look(0.0) for _ in range(4)] == ["updated"] * 3 + ["closed"]


def test_silence_starts_the_calm_again(square):
    square.look(0.6)
    assert [square.look(0.0, known=known) for known in (True, True, False, True, True, True, True)][-2:] == ["updated", "closed"]


def test_what_is_put_aside_comes_back(square):
    square.look(0.6)
    square.shelve(20)
    assert [square.look(0.6) for _ in range(4)] == ["updated"] * 3 + ["unshelved"]
    assert (square.warning.phase, square.warning.shelved_until_us) == ("open", None)


def test_a_higher_level_brings_back_what_was_put_aside(square):
    square.look(0.6, 0.1)
    square.shelve(60)
    assert square.look(0.6, 0.6) == "raised"
    assert (square.warning.phase, square.warning.shelved_until_us) == ("open", None)


def test_what_was_put_aside_closes_when_it_is_calm(square):
    square.look(0.6)
    square.shelve(60)
    assert [square.look(0.1) for _ in range(4)][-1] == "closed"


def test_a_clock_that_is_set_back_leaves_nothing_quiet_for_longer(square):
    closed(square)
    square.minute -= 24 * 60
    assert square.look(0.9, 0.9) == "opened"
    square.shelve(60)
    square.minute -= 24 * 60
    assert square.look(0.9, 0.9) == "unshelved"
    square.minute -= 24 * 60
    assert [square.look(0.0, 0.0) for _ in range(4)] == ["updated"] * 3 + ["closed"]


def test_the_most_urgent_is_passed_on_once_when_nobody_acknowledges_it(square):
    rules = replace(RULES, escalate_after_us=10 * MINUTE_US)
    passed_on = []
    for _ in range(5):
        square.look(0.9, 0.9, 0.9)
        passed_on.append(len(escalate(square.book, rules, square.minute * MINUTE_US)))
    assert passed_on == [0, 0, 1, 0, 0]
    assert square.warning.escalated_us == 15 * MINUTE_US


@pytest.mark.parametrize("how", ["acknowledged", "put aside", "lower priority"])
def test_what_is_answered_or_less_urgent_is_not_passed_on(square, how):
    square.look(*((0.9, 0.9, 0.9) if how != "lower priority" else (0.9, 0.9, 0.1)))
    if how == "acknowledged":
        square.decide(None)
    if how == "put aside":
        square.shelve(200)
    for _ in range(20):
        square.look(0.9, 0.9, 0.9 if how != "lower priority" else 0.1)
        assert escalate(square.book, RULES, square.minute * MINUTE_US) == []

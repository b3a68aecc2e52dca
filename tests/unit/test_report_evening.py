"""Verdicts on warnings: ahead, too late, false, or not known yet; and what nobody warned of."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from ruimte.clock import MINUTE_US
from ruimte.report.after_action import after_action, in_short
from ruimte.report.evening import Evening, Judged, PlaceTold, WarningTold, judge, misses
from ruimte.report.words import _DUTCH, Words

TICK = 5 * MINUTE_US
NAMES, LIMITS = ("A", "D", "E"), (0.0, 100.0, 200.0)


def place(*people, heard=None, key="square"):
    """A place in ticks of five minutes: A, from 100 on D (which warns), from 200 on E."""
    mean = np.array(people, dtype=float)
    return PlaceTold(
        key=key,
        name=key.title(),
        unit="persons",
        table="made up",
        names=NAMES,
        colours=(0, 3, 4),
        ends_us=TICK * np.arange(1, len(mean) + 1, dtype=np.int64),
        mean=mean,
        q05=0.8 * mean,
        q95=1.2 * mean,
        heard=np.ones(len(mean), dtype=bool) if heard is None else np.array(heard, dtype=bool),
        limits=np.tile(np.array(LIMITS)[:, None], (1, len(mean))),
        warns_from=1,
    )


def warning(opened, closed=None, level="D", **more):
    closed_us = None if closed is None else closed * TICK
    return WarningTold(1, "square", level, 2, 0.7, opened * TICK, closed_us=closed_us, **more)


def evening(*places, **more):
    longest = max([len(each.mean) for each in places], default=6)
    return Evening("Lab", "City", "", False, 0, longest * TICK, 0, TICK, 12 * TICK, list(places), **more)


def test_a_warning_that_came_before_its_level_has_a_lead():
    found = judge(warning(2, 9), place(10, 20, 50, 80, 120, 150, 90, 20, 10))
    assert (found.verdict, found.passed_us, found.lead_us) == ("ahead", 5 * TICK, 3 * TICK)


def test_one_that_opened_when_its_level_was_passed_was_too_late():
    found = judge(warning(5, 9), place(10, 20, 50, 80, 120, 150, 90, 20, 10))
    assert (found.verdict, found.lead_us) == ("already", None)


def test_one_whose_level_never_came_is_false_and_an_open_one_not_known():
    calm = place(10, 20, 50, 80, 90, 60, 10)
    assert judge(warning(2, 6), calm).verdict == "not"
    assert judge(warning(2), calm).verdict == "running"
    assert judge(warning(2, 6, level="E"), place(10, 20, 120, 150, 120, 60, 10)).verdict == "not"


def test_one_that_was_lowered_is_judged_by_what_it_said_then():
    busy = place(10, 20, 50, 80, 120, 150, 120, 220, 90, 20)
    lowered = warning(1, 10, level="E", said=((3 * TICK, "D"),))
    found = judge(lowered, busy)
    assert (found.verdict, found.level, found.lead_us) == ("ahead", "D", 4 * TICK)  # what passed E later, it no longer said
    assert judge(warning(1, 10, level="E"), busy).lead_us == 7 * TICK
    raised = warning(1, 10, level="D", said=((6 * TICK, "E"),))
    assert (judge(raised, busy).level, judge(raised, busy).lead_us) == ("D", 4 * TICK)
    assert judge(warning(1, 4, level="E", said=((3 * TICK, "D"),)), busy).verdict == "not"


def test_what_comes_after_it_was_closed_is_not_its_merit():
    assert judge(warning(1, 3), place(10, 20, 50, 80, 120, 150)).verdict == "not"


def test_what_was_not_heard_is_not_passed():
    silent = place(10, 20, 500, 500, 20, 10, heard=[1, 1, 0, 0, 1, 1])
    assert judge(warning(1, 6), silent).verdict == "not"
    assert misses(silent, [], TICK, 0) == []
    assert silent.rank.tolist() == [0, 0, -1, -1, 0, 0]


def test_a_busy_time_without_a_warning_is_a_miss_once():
    busy = place(10, 120, 90, 250, 130, 10, 10, 10, 10, 10, 150)
    found = misses(busy, [], TICK, 3 * TICK)
    assert [(m.level, m.from_us // TICK, m.until_us // TICK) for m in found] == [("E", 1, 5), ("D", 10, 11)]
    assert misses(busy, [warning(1, 6)], TICK, 3 * TICK) == found[1:]
    assert misses(busy, [replace(warning(1, 6), place="street")], TICK, 3 * TICK) == found


def test_the_worst_moment_is_of_the_highest_level_not_of_most_people():
    turning = place(150, 180, 190)
    turning.limits[:, 0] = (0, 50, 100)
    assert turning.worst == 0
    assert place(np.nan, np.nan).worst is None


@pytest.mark.parametrize("language", ["en", "nl"])
def test_a_report_of_anything_can_be_made(language):
    words = Words(language, ZoneInfo("Europe/Amsterdam"))
    odd = replace(place(10, 120, 250, key="street"), name="<i>Street & Co</i> \\1")
    judged = Judged(warning(1, 3, acknowledged_us=2 * TICK, by="operator", answer="Screens", measure=True), "not")
    for told in (
        evening(),
        evening(place()),
        evening(place(np.nan, np.nan, np.nan)),
        evening(place(10, 20), odd, warnings=[judged]),
        evening(replace(place(1, 2, 3), limits=np.full((3, 3), np.nan))),
    ):
        text = after_action(told, words)
        assert "<i>" not in text
        assert len(in_short(told, words)) == 8
    assert "&lt;i&gt;Street &amp; Co" in after_action(evening(odd), words)


def test_the_short_figures_add_up():
    words = Words("en", ZoneInfo("UTC"))
    busy = place(10, 20, 50, 80, 120, 150, 90, 20, 10)
    kinds = [
        judge(warning(2, 9, acknowledged_us=3 * TICK, by="operator"), busy),
        judge(warning(5, 9, acknowledged_us=8 * TICK, by="operator", answer="No measure taken"), busy),
        Judged(warning(1, 3), "not"),
        Judged(warning(1, 3, answer="Screens", measure=True), "not"),
    ]
    told = {name: (strong, rest) for name, strong, rest in in_short(evening(busy, warnings=kinds), words)}
    assert told["Warnings"] == ("4", "4× priority 2; 2 answered, 1 with a measure")
    assert told["Lead time"] == ("15 min", "median; 1 of 2 ahead")
    assert told["False alarms"] == ("1", "of 4; 1 after a measure")
    assert told["Acknowledged after"] == ("10 min", "median")


def test_every_word_of_the_reports_is_translated():
    folder = Path(str(files("ruimte.report")))
    said = "".join(path.read_text() for path in [*folder.glob("*.py"), *folder.glob("templates/*.html")])
    used = set(re.findall(r'\b(?:words|_|nothing)\(\s*"([^"]+)"', said))
    assert len(used) > 60
    assert used <= set(_DUTCH)
    slot = re.compile(r"%\(\w+\)s|%%")
    for english, dutch in _DUTCH.items():
        assert sorted(slot.findall(english)) == sorted(slot.findall(dutch)), english

"""From a warning to what goes out: words for every step in both languages, the place's shape, and nobody's name."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest

from fake_room import FakeRoom
from ruimte.clock import HOUR_US, iso
from ruimte.jobs.notices import geometry, notice, trial
from ruimte.jobs.room import WarningView
from ruimte.notify.channels import STEPS
from ruimte.notify.notice import Notice
from ruimte.text import LANGUAGES

NOW_US = 1_767_222_000_000_000


@pytest.fixture
def views(room: FakeRoom) -> dict[str, WarningView]:
    room.now_us += HOUR_US
    return {language: room.warnings(language)[0] for language in LANGUAGES}


def told(room: FakeRoom, views: dict[str, WarningView], step: str, **changes: Any) -> Notice:
    changed = {language: msgspec.structs.replace(view, **changes) for language, view in views.items()}
    return notice(room.lab, changed, step, NOW_US, source="urn:test", revision=4)


@pytest.mark.parametrize("step", STEPS)
def test_every_step_has_words_in_both_languages(room: FakeRoom, views: dict[str, WarningView], step: str) -> None:
    texts = told(room, views, step, shelved_until=iso(NOW_US), decision="Gates open").texts
    assert texts["en"].headline != texts["nl"].headline
    for language in LANGUAGES:
        headline = texts[language].headline
        assert views[language].place_name in headline
        assert "{" not in headline
        assert headline == headline.strip()


def test_a_step_of_a_later_version_has_words_too(room: FakeRoom, views: dict[str, WarningView]) -> None:
    assert views["en"].place_name in told(room, views, "handed-over").texts["en"].headline


def test_a_decision_names_its_measure_and_an_exercise_says_so(room: FakeRoom, views: dict[str, WarningView]) -> None:
    headline = told(room, views, "decided", decision="Gates open").texts["en"].headline
    assert "Gates open" in headline
    assert headline.startswith("EXERCISE: ") == room.lab.file.synthetic


def test_who_acted_does_not_go_out(room: FakeRoom, views: dict[str, WarningView]) -> None:
    made = told(room, views, "acknowledged", acknowledged_by="Jo Jansen")
    assert "Jo Jansen" not in repr(made)
    assert made.views["en"]["level"] == views["en"].level


def test_the_id_is_the_same_each_time_and_another_for_each_step(room: FakeRoom, views: dict[str, WarningView]) -> None:
    one = told(room, views, "opened")
    assert one.id == told(room, views, "opened").id
    later = notice(room.lab, views, "opened", NOW_US, source="urn:test", revision=5)
    assert one.id != later.id


def test_a_zone_goes_counter_clockwise_and_what_is_gone_has_no_shape(room: FakeRoom) -> None:
    key = next(iter(room.lab.zones))
    shape = geometry(room.lab, key)
    assert shape is not None
    ring = shape["coordinates"][0]
    doubled = sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(ring))
    assert doubled > 0  # RFC 7946, 3.1.6
    assert geometry(room.lab, next(iter(room.lab.count_points)))["type"] == "Point"  # type: ignore[index]
    assert geometry(room.lab, "gone") is None


def test_a_trial_says_that_it_is_one(room: FakeRoom) -> None:
    made = trial(room.lab, "wall", NOW_US, source="urn:test")
    assert (made.step, made.warning, made.geometry) == ("test", 0, None)
    assert "wall" in made.texts["nl"].headline

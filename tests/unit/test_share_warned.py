"""Warnings on their way out: of granted places only, and without numbers of people."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import pytest

from ruimte.jobs.room import WarningView
from ruimte.share.warned import SharedWarning, Warned, release_warnings
from share_world import PLACES, granted, privacy


@dataclass(frozen=True)
class Told:
    """A warning with more than may go out."""

    place: str
    level: str = "E"
    priority: int = 1
    phase: str = "open"
    opened: str = "2026-07-04T20:00:00Z"
    expected_at: str = "2026-07-04T20:30:00Z"
    probability: float = 0.62
    earliest: str | None = "2026-07-04T20:10:00Z"
    latest: str | None = None
    now: float = 812.0
    acknowledged_by: str = "duty officer"


WARNINGS = [Told("quay"), Told("square", probability=0.974), Told("street", probability=0.02, level="F")]


def test_only_warnings_of_places_that_the_grant_gives() -> None:
    out = release_warnings(WARNINGS, granted(kinds=("warnings",)), PLACES)  # type: ignore[arg-type]
    assert [warning.place for warning in out] == ["square", "street"]
    assert [warning.probability for warning in out] == [0.95, 0.0]
    assert not any(warning.exercise for warning in out)


def test_they_tell_no_numbers_and_no_names() -> None:
    out = release_warnings(WARNINGS, granted(kinds=("warnings",), zones=("*",)), PLACES, exercise=True)  # type: ignore[arg-type]
    assert len(out) == 3
    text = msgspec.json.encode(out).decode()
    assert "812" not in text
    assert "officer" not in text
    assert all(warning.exercise for warning in out)
    assert set(SharedWarning.__struct_fields__) == {
        "place",
        "level",
        "priority",
        "phase",
        "opened",
        "expected_at",
        "probability",
        "earliest",
        "latest",
        "exercise",
    }


def test_of_areas_the_area_is_told() -> None:
    one = granted(kinds=("warnings",), areas={"centre": ("square", "street")})
    out = release_warnings(WARNINGS, one, PLACES)  # type: ignore[arg-type]
    assert [(warning.place, warning.level) for warning in out] == [("centre", "E"), ("centre", "F")]


@pytest.mark.parametrize("one", [granted(), granted(kinds=("warnings",), exactness="private", privacy=privacy())])
def test_a_grant_that_gives_none_or_is_private_gives_none(one) -> None:
    assert release_warnings(WARNINGS, one, PLACES) == []  # type: ignore[arg-type]


def test_the_room_shows_what_is_looked_at() -> None:
    names = {name for name in Warned.__dict__ if not name.startswith("_")}
    assert names <= set(WarningView.__struct_fields__)
    assert names == set(SharedWarning.__struct_fields__) - {"exercise"}

"""What a partner tells can be wrong in every way, also where it is signed: then it is refused, and no page breaks on it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

import agreed
from ruimte.clock import DAY_US, MINUTE_US, iso
from ruimte.share.agreement import What
from ruimte.share.received import UnverifiableError
from ruimte.share.shared import read_shared

NOW_US = agreed.NOW_S * 1_000_000
GRANT = agreed.grant(what=What(kinds=("state", "forecast", "warnings"), zones=("square",), quantities=("people", "level")))
WARNING = {
    "place": "square",
    "level": "E",
    "priority": 1,
    "phase": "open",
    "opened": iso(NOW_US),
    "expected_at": iso(NOW_US),
    "probability": 0.7,
    "earliest": None,
    "latest": None,
    "exercise": False,
}


def warned(**changes: Any) -> Any:
    return read_shared(msgspec.json.encode({"warnings": [WARNING | changes]}), "warning", [GRANT], NOW_US)


def told(start_us: int = NOW_US - 5 * MINUTE_US, kind: str = "state", **changes: Any) -> Any:
    row = {"place": "square", "quantity": "people", "start": iso(start_us), "end": iso(start_us + 5 * MINUTE_US), "value": 12.0}
    return read_shared(msgspec.json.encode({"figures": [row | changes]}), kind, [GRANT], NOW_US)


def test_what_is_right_is_read() -> None:
    assert warned().warnings[0].body["place"] == "square"
    assert told().figures[0].value == 12.0
    assert told(NOW_US + DAY_US, "forecast").figures


@pytest.mark.parametrize(
    "changes",
    [
        {"place": "moon"},
        {"expected_at": "soon"},
        {"opened": "<script>alert(1)</script>"},
        {"latest": "0001-01-01T00:00:00+14:00"},
        {"earliest": "2026-01-01T00:00:00"},
        {"level": "E" * 1000},
        {"probability": 7.0},
    ],
)
def test_a_warning_that_no_page_could_show(changes: dict[str, Any]) -> None:
    with pytest.raises(UnverifiableError):
        warned(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"start_us": NOW_US + DAY_US},
        {"start_us": NOW_US + 400 * DAY_US, "kind": "forecast"},
        {"end": "9999-12-31T23:59:59+00:00"},
        {"start": "0001-01-01T00:00:00+14:00"},
    ],
)
def test_a_figure_of_a_time_to_come_does_not_stay_the_newest(changes: dict[str, Any]) -> None:
    with pytest.raises(UnverifiableError):
        told(**changes)

"""Which level is likely within the hour."""

from __future__ import annotations

import pytest

from ruimte.clock import HOUR_US, MINUTE_US
from ruimte.jobs.views import _soon
from ruimte.warn.decide import Risk

NOON_US = 1_783_159_200 * 1_000_000


def risk(rank: int, probability: float, at_us: int) -> Risk:
    return Risk(level="DEF"[rank], rank=rank, probability=probability, at_us=NOON_US + at_us, horizon=0, limit=1.0)


@pytest.mark.parametrize(
    ("risks", "level"),
    [
        ([], None),
        ([risk(0, 0.49, 0)], None),
        ([risk(0, 0.5, 0)], "D"),
        ([risk(0, 0.9, HOUR_US)], "D"),
        ([risk(0, 0.9, HOUR_US + MINUTE_US)], None),
        ([risk(0, 0.9, 0), risk(1, 0.6, HOUR_US)], "E"),
        ([risk(0, 0.9, 0), risk(1, 0.8, 2 * HOUR_US), risk(2, 0.3, 0)], "D"),
    ],
)
def test_the_highest_level_likely_within_an_hour(risks: list[Risk], level: str | None) -> None:
    found = _soon(risks, 0.5, NOON_US)
    assert (found and found.level) == level

"""How likely each level is passed: now by the state, later by the forecast."""

from __future__ import annotations

import numpy as np
import pytest

from ruimte.warn.decide import above_now, risks

NAMES = [("P95", "P99")]
MOMENTS = np.array([100, 200, 300])
LIMITS = np.array([[[5.0, 6.0, 7.0], [8.0, 9.0, 10.0]]])


def first(chance, open_at=0.5):
    return risks(np.array([chance]), MOMENTS, LIMITS, NAMES, open_at)[0]


def test_the_first_moment_that_reaches_the_limit_and_its_own_chance():
    low, high = first([[0.1, 0.6, 0.9], [0.0, 0.2, 0.4]])
    assert (low.level, low.rank, low.probability, low.at_us, low.horizon, low.limit) == ("P95", 0, 0.6, 200, 0, 6.0)
    assert (high.level, high.rank, high.probability, high.at_us, high.horizon, high.limit) == ("P99", 1, 0.4, 300, 1, 10.0)


def test_now_has_horizon_minus_one():
    low, _ = first([[0.9, 0.6, 0.9], [0.0, 0.0, 0.0]])
    assert (low.at_us, low.horizon) == (100, -1)


def test_what_is_not_known_is_no_risk():
    low, high = first([[np.nan, np.nan, np.nan], [np.nan, 0.7, np.nan]])
    assert low.probability == 0.0
    assert (high.probability, high.at_us) == (0.7, 200)


def test_a_place_with_fewer_levels_has_fewer_risks():
    both = risks(np.zeros((2, 2, 3)), MOMENTS, np.zeros((2, 2, 3)), [("E",), ("D", "E")], 0.5)
    assert [[risk.level for risk in one] for one in both] == [["E"], ["D", "E"]]


def test_the_chance_of_being_above_now():
    mean, sd = np.array([10.0, 10.0, np.nan, 10.0]), np.array([2.0, 0.0, 1.0, 2.0])
    limits = np.array([[10.0, 12.0], [9.0, 11.0], [0.0, 0.0], [np.nan, 8.0]])
    expected = [[0.5, 0.158655], [1.0, 0.0], [0.0, 0.0], [0.0, 0.841345]]
    assert above_now(mean, sd, limits) == pytest.approx(np.array(expected), abs=1e-6)

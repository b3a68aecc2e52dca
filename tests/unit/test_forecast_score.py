"""Skill worked out by hand, with the baselines beside it."""

from __future__ import annotations

import numpy as np
import pytest

from forecast_world import FIRST, WEEK, counts, fed, lab, plain
from ruimte.forecast.score import BASELINES, SHOWN_H, skill_of

NAN = np.nan


def test_figures_by_hand():
    elapsed = np.array([1.0, 2.0, 5.0])
    actual = np.array([[[10.0, 20.0, NAN], [30.0, NAN, 50.0]]])  # (one place, two forecasts, three horizons)
    median = np.array([[[12.0, 15.0, 1.0], [27.0, 1.0, 60.0]]])
    last_week = np.array([[[10.0, 10.0, 1.0], [20.0, 1.0, 100.0]]])
    amsterdam = np.array([[[11.0, 20.0, 1.0], [30.0, 1.0, 50.0]]])
    inside = np.array([[[1.0, 0.0, NAN], [0.0, NAN, NAN]]])
    one, two, three = skill_of(elapsed, actual, median, np.stack([last_week, amsterdam]), inside)
    assert (one.from_h, one.until_h, one.pairs) == (0, 1, 2)
    assert one.nmae == pytest.approx((2 + 3) / 40)
    assert one.baselines == pytest.approx({"last-week": 10 / 40, "amsterdam-profile": 1 / 40})
    assert one.coverage == pytest.approx(0.5)
    assert (two.from_h, two.nmae, two.coverage, two.pairs) == (1, pytest.approx(5 / 20), 0.0, 1)
    assert two.baselines == pytest.approx({"last-week": 0.5, "amsterdam-profile": 0.0})
    assert (three.from_h, three.until_h, three.nmae) == (3, 6, pytest.approx(0.2))
    assert np.isnan(three.coverage)  # there was no interval


def test_only_pairs_that_all_serve_count():
    actual = np.full((1, 1, 3), 10.0)
    median = np.array([[[8.0, NAN, 0.0]]])
    baselines = np.array([[[[9.0, 9.0, 9.0]]], [[[10.0, 10.0, NAN]]]])
    (found,) = skill_of(np.array([1.0, 1.0, 1.0]), actual, median, baselines, np.ones((1, 1, 3)))
    assert (found.pairs, found.nmae) == (1, pytest.approx(0.2))
    assert found.baselines == pytest.approx({"last-week": 0.1, "amsterdam-profile": 0.0})


def test_ranges_without_anything_and_places_without_anybody_are_left_out():
    elapsed = np.array([0.25, 30.0, 400.0])
    actual, other = np.full((1, 1, 3), 5.0), np.full((1, 1, 3), 4.0)
    baselines = np.stack([other, other])
    found = skill_of(elapsed, actual, other, baselines, np.ones((1, 1, 3)))
    assert [(each.from_h, each.until_h) for each in found] == [(0, 1), (24, 48)]  # beyond a week nothing is shown
    assert skill_of(elapsed, actual * NAN, other, baselines, np.ones((1, 1, 3))) == []
    assert skill_of(elapsed, actual * 0, other, baselines, np.ones((1, 1, 3))) == []


def test_a_horizon_belongs_to_one_range():
    elapsed = np.arange(1.0, 169.0)
    ones = np.ones((1, 1, 168))
    found = skill_of(elapsed, ones, ones, np.stack([ones, ones]), ones)
    assert [each.pairs for each in found] == [int(high - low) for low, high in SHOWN_H]
    assert sum(each.pairs for each in found) == 168


def test_a_forecaster_tells_its_own_skill_beside_the_baselines():
    """Its figures are those of the forecasts that it made every six hours, worked out from what it issued."""
    values = counts(5, 2)
    forecaster = fed(lab(2), values, plain(), 6)
    told = {(each.from_h, each.until_h): each for each in forecaster.skill()}
    # a day at least, however short the lab looks ahead
    assert set(told) == {(0, 1), (1, 3), (3, 6), (6, 24)}
    again, off, off_week, total = fed(lab(2), values[:, :0], plain(), 6), 0.0, 0.0, 0.0
    for tick in range(values.shape[1]):
        again.observe(FIRST + tick, values[:, tick])
        kept = (FIRST + tick) % 6 == 0 and tick >= WEEK  # the other four weeks
        if kept and tick + 1 < values.shape[1] and tick > values.shape[1] - 1 - 28 * 24:
            middle = again.issue().quantiles[:, 0, 10]
            came = values[:, tick + 1]
            last = values[:, tick + 1 - WEEK]
            off, off_week, total = off + np.abs(middle - came).sum(), off_week + np.abs(last - came).sum(), total + came.sum()
    hour = told[0, 1]
    assert set(hour.baselines) == set(BASELINES)
    assert hour.nmae == pytest.approx(off / total, rel=0.1)  # where the Amsterdam profile has nothing yet, nothing counts
    assert hour.baselines["last-week"] == pytest.approx(off_week / total, rel=0.1)
    assert 0.5 < hour.coverage <= 1


def test_skill_of_one_place_is_its_own_and_of_none_is_nothing():
    values = counts(5, 2)
    values[1] = np.nan
    forecaster = fed(lab(2), values, plain(), 6)
    assert forecaster.skill(1) == []
    assert forecaster.skill(0) == forecaster.skill()
    assert fed(lab(2), values[:, :0], plain(), 6).skill() == []
    assert fed(lab(2), values[:, :5], plain(), 6).skill() == []

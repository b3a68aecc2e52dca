"""Forecasts tick by tick: the same from the same past, honest in their intervals, and aware of what comes back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ruimte.clock import HOUR_US
from ruimte.forecast.forecaster import ERROR_DAYS, Forecaster
from ruimte.forecast.metrics import coverage
from ruimte.forecast.occasions import occasion_profile
from ruimte.model.forecast import LEVELS, MEDIAN, level_index
from ruimte.model.place import Occasion

FIRST = 20_000 * 24
WEEK = 7 * 24
HORIZONS = 3


@pytest.fixture
def model(make_model):
    return make_model([("street", "both")], [("quay", "both")], tick_us=HOUR_US)


def weekly(weeks, seed=1):
    """Counts of two places that repeat each week, some days busier than others: (ticks, 2)."""
    random = np.random.default_rng(seed)
    usual = np.tile(random.gamma(3, 40, (WEEK, 2)), (weeks, 1))
    day = np.repeat(np.exp(random.normal(0, 0.15, (weeks * 7, 2))), 24, axis=0)
    return random.poisson(usual * day).astype(float)


def fed(model, values, first=FIRST):
    forecaster = Forecaster(model, HORIZONS)
    for tick, row in enumerate(values, start=first):
        forecaster.observe(tick, row)
    return forecaster


def same(one, other):
    assert one.issued_us == other.issued_us
    np.testing.assert_array_equal(one.quantiles, other.quantiles)
    return np.isfinite(one.quantiles).all()


def test_it_says_when_it_was_issued_and_for_when(model):
    assert Forecaster(model, HORIZONS).issue() is None
    forecast = fed(model, weekly(1)).issue()
    assert forecast.issued_us == (FIRST + WEEK) * HOUR_US
    assert forecast.valid_us.tolist() == [forecast.issued_us + h * HOUR_US for h in (1, 2, 3)]
    assert forecast.quantiles.shape == (2, HORIZONS, len(LEVELS))
    assert np.isnan(forecast.quantiles).all()  # a week is too little to learn errors from


def test_it_depends_only_on_what_it_was_fed(model):
    values = weekly(15)
    asked = Forecaster(model, HORIZONS)
    for tick, row in enumerate(values, start=FIRST):
        asked.observe(tick, row)
        if tick % 7 == 0:
            asked.issue()
    assert same(asked.issue(), fed(model, values).issue())


@pytest.mark.parametrize("ends", [0, 5, 23])
def test_recalling_the_distant_past_gives_the_same(model, ends):
    values = weekly(16)[: 16 * WEEK - ends]
    started = Forecaster(model, HORIZONS)
    begin = len(values) - started.needs_ticks
    assert begin > 0
    for tick in range(begin, len(values)):
        recent = tick >= len(values) - started.learns_from_ticks
        (started.observe if recent else started.recall)(FIRST + tick, values[tick])
    assert same(started.issue(), fed(model, values).issue())


def test_skipped_ticks_are_missing_ticks(model):
    values = weekly(15)
    skipped = np.zeros(len(values), dtype=bool)
    skipped[[-1000, -999, -400, -3, -2]] = True
    gaps = Forecaster(model, HORIZONS)
    for tick in np.flatnonzero(~skipped):
        gaps.observe(FIRST + int(tick), values[tick])
    values[skipped] = np.nan
    forecast = gaps.issue()
    assert np.isfinite(forecast.quantiles).all()
    point = forecast.quantiles[:, :, MEDIAN]
    assert point == pytest.approx(fed(model, values).issue().quantiles[:, :, MEDIAN], rel=0.02)


def test_a_tick_that_is_corrected_counts_as_corrected(model):
    values = weekly(15)
    wrong = values.copy()
    wrong[-2 * WEEK] = 1e6
    wrong[-2] = 0.0
    corrected = fed(model, wrong)
    for tick in (len(values) - 2 * WEEK, len(values) - 2):
        corrected.observe(FIRST + tick, values[tick])
    right = fed(model, values).issue().quantiles
    assert corrected.issue().quantiles == pytest.approx(right, rel=0.1)
    assert fed(model, wrong).issue().quantiles != pytest.approx(right, rel=0.1)


def test_eighty_percent_holds_eighty_percent(make_model):
    model = make_model(*([(f"street-{n}", "both")] for n in range(6)), tick_us=HOUR_US)
    random = np.random.default_rng(5)
    weeks = 18
    usual = np.tile(random.gamma(3, 40, (WEEK, 6)), (weeks, 1))
    hours = np.zeros((weeks * WEEK, 6))
    for k in range(1, len(hours)):
        hours[k] = 0.7 * hours[k - 1] + random.normal(0, 0.1, 6)
    values = random.poisson(usual * np.exp(hours)).astype(float)
    forecaster, issued = Forecaster(model, HORIZONS), []
    for tick, row in enumerate(values, start=FIRST):
        (forecaster.observe if tick > FIRST + 8 * WEEK else forecaster.recall)(tick, row)
        if tick >= FIRST + 14 * WEEK:
            issued.append(forecaster.issue().quantiles)
    for horizon in range(HORIZONS):
        made = np.array([quantiles[:, horizon] for quantiles in issued[: -horizon - 1]])
        came = values[14 * WEEK + horizon + 1 :]
        assert 0.75 < coverage(came, made, 0.8) < 0.85


def test_errors_are_learned_from_four_weeks_and_no_longer(model):
    values = weekly(18)
    before = slice(0, -(ERROR_DAYS + 2) * 24 - HORIZONS)
    disturbed = values.copy()
    disturbed[before][-24:] *= 5
    quiet, loud = fed(model, values).issue().quantiles, fed(model, disturbed).issue().quantiles
    # the profile may feel it a little (one week of eight), the spread does not
    width = [q[:, :, level_index(0.75)] / q[:, :, level_index(0.25)] for q in (quiet, loud)]
    assert width[1] == pytest.approx(width[0], rel=0.1)


EVE = Occasion("eve", (FIRST + 1000) * HOUR_US, (FIRST + 1006) * HOUR_US, (0,))
NEXT_EVE = Occasion("eve", (FIRST + 2500) * HOUR_US, (FIRST + 2506) * HOUR_US, (0,))


def test_what_comes_back_takes_its_profile_from_last_time(model):
    model = replace(model, occasions=(EVE, NEXT_EVE))
    values = np.full((2499, 2), 10.0)
    values[1000:1006, :] = np.array([20.0, 40.0, 80.0, 160.0, 90.0, 30.0])[:, None]
    special = occasion_profile(model, values.T, FIRST + 2498, FIRST + np.arange(2497, 2504))
    np.testing.assert_array_equal(special[0], [np.nan, np.nan, np.nan, 20.0, 40.0, 80.0, 160.0])
    assert np.isnan(special[1]).all()
    forecaster = fed(model, values)
    middle = forecaster._forecast_point(FIRST + 2498)
    assert middle[0] == pytest.approx([10.0, 20.0, 40.0])
    assert middle[1] == pytest.approx([10.0, 10.0, 10.0])


def test_of_several_earlier_times_the_median_and_of_none_nothing(model):
    third = replace(EVE, start_us=EVE.start_us + 200 * HOUR_US, end_us=EVE.end_us + 200 * HOUR_US)
    other = replace(EVE, series="fair", start_us=EVE.start_us + 300 * HOUR_US, end_us=EVE.end_us + 300 * HOUR_US)
    history = np.arange(2.0 * 2499).reshape(2, 2499)
    asked = FIRST + np.arange(2500, 2506)
    both = occasion_profile(replace(model, occasions=(EVE, third, other, NEXT_EVE)), history, FIRST + 2498, asked)
    assert both[0].tolist() == [1100.0 + k for k in range(6)]
    assert occasion_profile(replace(model, occasions=(other, NEXT_EVE)), history, FIRST + 2498, asked) is None
    # last time lies before what is remembered
    assert occasion_profile(replace(model, occasions=(EVE, NEXT_EVE)), history[:, -100:], FIRST + 2498, asked) is None

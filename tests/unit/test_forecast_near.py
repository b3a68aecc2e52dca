"""The next two hours: the trend, and who is heard of the three."""

from __future__ import annotations

import numpy as np
import pytest

from estimate_world import square
from ruimte.forecast.learned_forecaster import LearnedForecaster
from ruimte.forecast.near import LATELY, NearForecaster, suits_near
from ruimte.forecast.trend import LEAST_PAIRS, WINDOW, from_z, learn_trend, moves, to_z, trend_quantiles
from ruimte.jobs.forecasters import feed_past
from ruimte.jobs.models import shipped
from ruimte.model.forecast import MEDIAN

MODEL = square(gates=1)
DAY = 288
HORIZONS = 36


def wave(days: int, seed: int = 1) -> np.ndarray:
    """A square that fills and empties every day, with noise; shape (1, ticks)."""
    ticks = np.arange(days * DAY)
    shape = 200 + 180 * np.sin(2 * np.pi * (ticks / DAY - 0.3))
    return np.maximum(shape * np.random.default_rng(seed).normal(1.0, 0.03, len(ticks)), 0.0)[None]


def started(values: np.ndarray, asked: bool = True) -> NearForecaster:
    bundle = shipped()
    near = NearForecaster(MODEL, HORIZONS, LearnedForecaster(MODEL, HORIZONS, bundle.hours, bundle.quarters))
    ticks = 20_000 * DAY + np.arange(values.shape[1])
    if asked:
        feed_past(near, ticks, values.T)
    else:
        for tick, value in zip(ticks.tolist(), values.T, strict=True):
            near.observe(tick, value)
    return near


def test_the_scale_of_the_trend_goes_there_and_back() -> None:
    values = np.array([0.0, 1.0, 80.0, 12_000.0])
    assert from_z(to_z(values)) == pytest.approx(values)


def test_a_slope_is_carried_on_and_noise_goes_back() -> None:
    ramp = (10 + 0.2 * np.arange(3000))[None]
    trend = learn_trend(ramp, 6)
    assert trend is not None
    assert trend.reach == pytest.approx(np.arange(1, 7), rel=1e-6)
    noise = 10 + np.random.default_rng(1).normal(0, 1, (1, 20_000))
    still = learn_trend(noise, 6)
    assert still is not None
    assert still.reach == pytest.approx(np.full(6, still.reach[0]), abs=0.1)
    assert still.reach[0] < 0


def test_its_quantiles_hold_what_comes() -> None:
    z = np.cumsum(np.random.default_rng(2).normal(0, 0.3, (3, 9000)), axis=1) + 50
    trend = learn_trend(z[:, :6000], 6)
    assert trend is not None
    inside = []
    for end in range(6000, 8900, 20):
        told = trend_quantiles(trend, z[:, end - 2 * WINDOW : end])
        came = z[:, end : end + 6]
        inside.append((came >= told[:, :, 1]) & (came <= told[:, :, -2]))
    assert np.mean(inside) == pytest.approx(0.9, abs=0.05)


def test_too_short_a_past_tells_no_trend() -> None:
    assert learn_trend(np.full((1, LEAST_PAIRS // 2), 20.0), 3) is None
    slope, spread = moves(np.full((1, WINDOW), 20.0))
    assert np.isnan(spread).all()
    assert np.isnan(slope[:, :3]).all()


def test_short_ticks_suit() -> None:
    assert suits_near(MODEL)


def test_starting_again_tells_the_same_to_the_bit() -> None:
    values = wave(45)
    one = started(values[:, :-40])
    for tick, value in zip(
        range(20_000 * DAY + values.shape[1] - 40, 20_000 * DAY + values.shape[1]), values.T[-40:], strict=True
    ):
        one.issue()
        one.observe(tick, value)
    again = started(values)
    told, told_again = one.issue(), again.issue()
    assert told is not None
    assert told_again is not None
    np.testing.assert_array_equal(told.quantiles, told_again.quantiles)


def test_on_an_evening_unlike_any_other_it_follows_what_happens() -> None:
    values = wave(45)
    crowd = values.copy()
    crowd[:, -24:] += np.linspace(50, 1200, 24)  # a crowd that no week has seen
    near, learned = started(crowd), started(crowd)._learned
    told, alone = near.issue(), learned.issue()
    assert told is not None
    assert alone is not None
    coming = crowd[0, -1] + 50 * np.arange(1, 7)
    off = [np.abs(each.quantiles[0, :6, MEDIAN] - coming).mean() for each in (told, alone)]
    assert off[0] < off[1]
    assert (np.diff(told.quantiles, axis=2) >= 0).all()


def test_beyond_two_hours_the_learned_model_speaks_alone() -> None:
    near = started(wave(45))
    told, alone = near.issue(), near._learned.issue()
    assert told is not None
    assert alone is not None
    np.testing.assert_array_equal(told.quantiles[:, 24:], alone.quantiles[:, 24:])
    assert (told.quantiles[:, :12] != alone.quantiles[:, :12]).any()


def test_a_place_of_which_nothing_is_known_is_not_told() -> None:
    values = wave(45)
    values[:, -DAY:] = np.nan
    told = started(values).issue()
    assert told is not None
    assert np.isnan(told.quantiles).all() or np.isfinite(told.quantiles).all()
    assert near_weights_are_finite(started(wave(45)))


def near_weights_are_finite(near: NearForecaster) -> bool:
    """After so many questions its weights rest on losses."""
    near.issue()
    return len(near._made) >= LATELY and bool(np.isfinite(near._made[-30].loss[:, :, 0]).all())

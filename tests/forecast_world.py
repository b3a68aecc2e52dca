"""A made-up city of count points, and a small model that was learned from another one like it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache

import numpy as np
import pytest

from ruimte.clock import DAY_US, HOUR_US
from ruimte.forecast import learn as learning
from ruimte.forecast.learn import City
from ruimte.forecast.learned import BUCKETS_H, Learned, Part
from ruimte.forecast.learned_forecaster import LearnedForecaster
from ruimte.forecast.past import DAY_H, Past
from ruimte.forecast.special import Memory
from ruimte.forecast.trees import Trees
from ruimte.model.calendar import NO_CALENDAR, Calendar, Days, days_of
from ruimte.model.forecast import LEVELS
from ruimte.model.place import Model, Occasion, Place, Quantity

MONDAY = 19_723
"""2024-01-01, a Monday; its February has 29 days."""
FIRST = MONDAY * DAY_H
"""The number of its first tick where ticks are hours in UTC."""
WEEK = 7 * DAY_H
Z = np.array([-2.33, -1.64, -1.28, -1.04, -0.84, -0.67, -0.52, -0.39, -0.25, -0.13, 0.0])
Z = np.concatenate([Z, -Z[-2::-1]])
"""Quantiles of a normal error at the levels of a forecast."""


def lab(
    places: int = 3,
    tick_us: int = HOUR_US,
    offsets: Iterable[tuple[int, int]] = ((0, 0),),
    calendar: Calendar = NO_CALENDAR,
    occasions: tuple[Occasion, ...] = (),
    quantity: Quantity = "people",
) -> Model:
    """A lab without sensors; ``offsets``: hours from UTC from each hour since 1970 on."""
    since, hours = zip(*offsets, strict=True)
    return Model(
        lab="test",
        places=tuple(Place(f"p{k}", f"Place {k}", quantity, f"p{k}") for k in range(places)),
        links=(),
        streams=(),
        tick_us=tick_us,
        phase_us=0,
        lateness_us=0,
        offset_from_us=np.array(since) * HOUR_US,
        offset_us=np.array(hours) * HOUR_US,
        occasions=occasions,
        calendar=calendar,
    )


def days(calendar: Calendar = NO_CALENDAR) -> Days:
    """From half a year before ``MONDAY`` to two years after it."""
    return days_of(calendar, MONDAY - 200, MONDAY + 800)


def week(per_day: int = DAY_H) -> np.ndarray:
    """What is usual at a place of level 1, a week long: nights are quiet, afternoons busy, Saturdays busiest."""
    hour = (np.arange(7 * per_day) % per_day + 0.5) * (24 / per_day)
    day = np.repeat([1.0, 1.0, 1.05, 1.1, 1.3, 1.6, 0.8], per_day)
    return day * (0.05 + 1.9 * np.exp(-0.5 * ((hour - 15) / 3.5) ** 2))


def counts(weeks: int, places: int = 3, seed: int = 1, per_day: int = DAY_H, noise: float = 0.15) -> np.ndarray:
    """Counts (places, blocks) from ``MONDAY`` on: places of different size, and hours that run together for a while."""
    random = np.random.default_rng(seed)
    level = random.uniform(80, 400, (places, 1))
    blocks = weeks * 7 * per_day
    keep = 0.85 ** (24 / per_day)
    run = np.zeros((places, blocks))
    shocks = random.normal(0, noise * np.sqrt(1 - keep**2), (places, blocks)) + random.normal(0, noise / 3, blocks)
    for k in range(1, blocks):
        run[:, k] = keep * run[:, k - 1] + shocks[:, k]
    return random.poisson(level * np.tile(week(per_day), weeks) * np.exp(run)).astype(float)


def past(values: np.ndarray, per_day: int = DAY_H, calendar: Calendar = NO_CALENDAR, first_h: int = FIRST) -> Past:
    """All of the values, as they stand at their end."""
    return Past(values, first_h + values.shape[1] * 24 / per_day, per_day, days(calendar))


def city(values: np.ndarray, calendar: Calendar = NO_CALENDAR) -> City:
    return City(values, FIRST, days(calendar))


def stump(value: float) -> Trees:
    """One tree that says the same of everything."""
    nothing = np.array([], dtype=np.int32)
    return Trees(
        np.array([-1], dtype=np.int32),
        nothing.astype(np.int16),
        nothing.astype(np.float64),
        nothing,
        nothing,
        nothing.astype(np.int8),
        np.array([value]),
    )


def stumps(value: float) -> tuple[Part, ...]:
    """A median that says the same of everything, near and far."""
    return Part(6.0, stump(value)), Part(168.0, stump(value))


def all_trees(model: Learned) -> list[Trees]:
    """Those of the median, near and far, and those of the scale."""
    return [*(part.trees for part in model.median), model.scale]


def plain(per_day: int = DAY_H, scale: float = 0.2, median: float = 0.0) -> Learned:
    """A model that tells the usual and learned nothing."""
    shape = week(per_day)
    spread = np.tile(Z, (len(BUCKETS_H), 1))
    assert spread.shape[1] == len(LEVELS)
    return Learned(per_day, shape / shape.mean(), Memory({}), stumps(median), stump(scale), spread)


SPRING_DAYS = Calendar({date(2024, 4, 1): "Easter Monday", date(2024, 5, 1): "Labour Day"})


@cache
def trained(seed: int = 0) -> Learned:
    """Learned from 30 weeks of four places: small, but it knows breaks and beginnings."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learning, "_MEDIAN_ROUNDS", 60)
        patch.setattr(learning, "_SOON_ROUNDS", 60)
        patch.setattr(learning, "_SCALE_ROUNDS", 30)
        patch.setattr(learning, "APART", 5)  # of 30 weeks two would tell nothing of the scale
        return learning.learn([city(counts(30, 4, seed=100), SPRING_DAYS)], DAY_H, seed=seed, rows=24_000)


def fed(model: Model, values: np.ndarray, learned: Learned, horizons: int = 24, recalled: int = 0) -> LearnedForecaster:
    """A forecaster after all of the values (places, ticks), the first ``recalled`` of them only recalled."""
    forecaster = LearnedForecaster(model, horizons, learned)
    first = MONDAY * (DAY_US // model.tick_us)
    for tick in range(values.shape[1]):
        (forecaster.recall if tick < recalled else forecaster.observe)(first + tick, values[:, tick])
    return forecaster

"""Learn a forecast from the past of one or more cities: one model for all places and horizons.

Moments are drawn at random; of each, the features of some horizons and what came of them make rows. Some moments are changed on
purpose: the level of a city or of one place breaks (times 0.05 to 6), or all but the last days of the past are taken away. So the
model has seen a lockdown, and a first week, before they happen.

The next hours and the time after them have a model each: what the last hour was counts for the one and hardly for the other,
and one
model of both was 1 % worse. Weeks are set apart: the medians are learned from most, their errors on the others tell the scale
and the quantiles of the spread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ruimte.errors import RuimteError
from ruimte.forecast.features import NAMES, features
from ruimte.forecast.learned import BUCKETS_H, LEAST_SCALE, SOON_H, Learned, Part, bucket_of
from ruimte.forecast.past import DAY_H, PAST_DAYS, Past
from ruimte.forecast.special import SpecialDay, memory_of, special_days
from ruimte.forecast.trees import Trees, from_lightgbm
from ruimte.forecast.usual import known_mean, log_ratio, week_shape
from ruimte.model.calendar import Days
from ruimte.model.forecast import LEVELS, MEDIAN

if TYPE_CHECKING:
    from types import ModuleType

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Progress = Callable[[float], None]

HORIZON_H = 168
ROWS = 560_000
LEAST_ROWS = 2_000
"""From fewer rows nothing is learned."""
_DRAWN = {24: ((1, 6, 4), (7, 24, 2), (25, HORIZON_H, 3)), 96: ((1, 8, 6),)}
"""By blocks a day: of blocks ahead from … to …, how many are drawn a moment. The next hours differ most from each other."""
BROKEN, BEGUN = 0.12, 0.12
"""Shares of the moments with a broken level, and with a past that has just begun."""
BREAKS = (0.05, 6.0)
BREAK_AGE_H = 14 * 24
CITY_WIDE = 0.5
YOUNGEST_H, OLDEST_H = 1, 8 * 168
UNBORN, SAID_SD = 0.25, 0.15
"""Of places whose past has just begun: the share that has none yet, and how far off an operator's word for its level is."""
APART = 15
"""Every so many weeks one is set apart."""
PRIOR_WORTH = 500
"""So many errors of its own make a bucket's spread half its own."""
_MEDIAN = {
    "objective": "huber",
    "alpha": 0.2,
    "learning_rate": 0.06,
    "num_leaves": 63,
    "min_data_in_leaf": 60,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
    "max_bin": 63,
}
_SCALE = _MEDIAN | {"objective": "quantile", "alpha": 0.8, "learning_rate": 0.08, "num_leaves": 15, "min_data_in_leaf": 200}
_SOON = _MEDIAN | {"num_leaves": 127, "learning_rate": 0.08}
_MEDIAN_ROUNDS, _SOON_ROUNDS, _SCALE_ROUNDS = 500, 300, 100


@dataclass(frozen=True, slots=True)
class City:
    """The long past of one city: ``values`` (places, blocks) as in ``Past``, whole days from local midnight on, ``first_h`` the
    local hour at which it starts."""

    values: Array
    first_h: int
    days: Days

    def past(self, per_day: int, until: int) -> Past:
        """The past as it stood after ``until`` blocks."""
        begin = max(0, until - PAST_DAYS * per_day)
        return Past(self.values[:, begin:until], self.first_h + until * 24 / per_day, per_day, self.days)


@dataclass(frozen=True, slots=True)
class _Rows:
    features: NDArray[np.float32]
    usual: Array
    actual: Array
    horizon_h: Array
    week: Ints


def learn(cities: list[City], per_day: int, seed: int = 0, rows: int = ROWS, progress: Progress = lambda share: None) -> Learned:
    """Learn from cities' past.

    Args:
        cities: their weeks are pooled, and their special days by name.
        per_day: blocks a day, 24 or 96; horizons go to a week, of quarters to two hours.
        seed: of what is drawn.
        rows: how many, about.
        progress: told the share that is done.

    Raises ``RuimteError`` where LightGBM is not there, or the past is too short to learn from.
    """
    lightgbm = _lightgbm()
    random = np.random.default_rng(seed)
    made: list[_Rows] = []
    shapes, days = [], []
    for number, city in enumerate(cities):
        shape = week_shape(city.values, city.first_h, per_day, _holidays(city, per_day))
        special = _special(city, per_day, shape)
        shapes.append(shape)
        days += special
        tell = _part(progress, 0.3 * number / len(cities), 0.3 * (number + 1) / len(cities))
        made += _draw(city, per_day, shape, special, rows // len(cities), random, tell)
    drawn = _Rows(*(np.concatenate([getattr(each, name) for each in made]) for name in _Rows.__slots__)) if made else None
    if drawn is None or len(drawn.actual) < LEAST_ROWS:
        count = 0 if drawn is None else len(drawn.actual)
        what = f"the past is too short to learn from ({count} examples)"
        raise RuimteError(what, "train", "import more history, or take a pretrained model: --pretrained")
    if not drawn.actual.any():
        raise RuimteError(
            "nobody was ever counted, so there is nothing to learn", "train", "see to the sensors: ruimte sensors LAB"
        )
    target, weight = log_ratio(drawn.actual, drawn.usual), np.sqrt(drawn.usual + 1)
    apart = drawn.week % APART == 0
    if apart.all() or not apart.any():
        apart = random.random(len(apart)) < 1 / APART
    parts: list[Part] = []
    error = np.empty(int(apart.sum()))
    for until_h, params, rounds, share in _parts(per_day):
        mine = (drawn.horizon_h <= until_h) & (drawn.horizon_h > (parts[-1].until_h if parts else 0.0))
        seen = mine & ~apart
        tell = _part(progress, *share)
        trees = _fit(lightgbm, drawn.features[seen], target[seen], weight[seen], params, rounds, seed, tell)
        parts.append(Part(until_h, trees))
        judged = mine & apart
        error[mine[apart]] = target[judged] - trees.predict(drawn.features[judged])
    tell = _part(progress, 0.9, 1.0)
    scale = _fit(lightgbm, drawn.features[apart], np.abs(error), weight[apart], _SCALE, _SCALE_ROUNDS, seed, tell)
    relative = error / np.maximum(scale.predict(drawn.features[apart]), LEAST_SCALE)
    spread = _spread(relative, drawn.horizon_h[apart], weight[apart])
    memory = memory_of(sorted(days, key=lambda each: each.day), 2**31)
    return Learned(per_day, np.mean(shapes, axis=0), memory, tuple(parts), scale, spread)


def _parts(per_day: int) -> list[tuple[float, dict[str, Any], int, tuple[float, float]]]:
    """The models of a median: horizon (hours) up to which each goes, its parameters, its rounds, its share of the progress."""
    if per_day != DAY_H:
        return [(SOON_H, _MEDIAN, _MEDIAN_ROUNDS, (0.3, 0.9))]
    return [(SOON_H, _SOON, _SOON_ROUNDS, (0.3, 0.55)), (HORIZON_H, _MEDIAN, _MEDIAN_ROUNDS, (0.55, 0.9))]


def _part(progress: Progress, begin: float, end: float) -> Progress:
    """Progress of a part of the work, from its own share."""
    return lambda share: progress(begin + (end - begin) * share)


def _lightgbm() -> ModuleType:
    try:
        import lightgbm
    except ImportError:
        raise RuimteError("is not installed", "package lightgbm", "pip install 'ruimte[forecast]'") from None
    return lightgbm


def _holidays(city: City, per_day: int) -> NDArray[np.bool_]:
    hours = city.first_h + np.arange(city.values.shape[1]) * 24 // per_day
    return city.days.holiday[city.days.index(hours)]


def _special(city: City, per_day: int, shape: Array) -> list[SpecialDay]:
    if per_day != 24:
        return []
    count = city.values.shape[1] // 24 * 24
    return special_days(Past(city.values[:, :count], city.first_h + count, 24, city.days), shape)


def _draw(
    city: City, per_day: int, shape: Array, special: list[SpecialDay], rows: int, random: np.random.Generator, progress: Progress
) -> list[_Rows]:
    """Rows of moments drawn at random, a ``_Rows`` a moment."""
    places, blocks = city.values.shape
    furthest = _DRAWN[per_day][-1][1]
    each = sum(count for _, _, count in _DRAWN[per_day])
    first, last = per_day, blocks - furthest
    known = float((~np.isnan(city.values)).mean()) if city.values.size else 0.0
    if last <= first or not known:
        return []
    moments = random.integers(first, last, max(1, round(rows / (each * places * max(known, 0.05)))))
    made = []
    for number, moment in enumerate(np.sort(moments).tolist()):
        spans = ((np.arange(low, high + 1), count) for low, high, count in _DRAWN[per_day])
        ahead = np.sort(np.concatenate([random.choice(span, count, replace=False) for span, count in spans]))
        past, actual = city.past(per_day, moment), city.values[:, moment + ahead - 1]
        fate = random.random()
        if fate < BROKEN:
            past, actual = _broken(past, actual, random)
        elif fate < BROKEN + BEGUN:
            past = _begun(past, random)
        memory = memory_of(special, int(past.end_h) // 24)
        seen = features(past, shape, memory, ahead, ahead * (24 / per_day))
        good = ~np.isnan(actual) & ~np.isnan(seen.usual)
        horizon = np.broadcast_to(ahead * (24 / per_day), good.shape)
        week = np.full(int(good.sum()), int(past.end_h) // 168)
        made.append(_Rows(seen.rows[good], seen.usual[good], actual[good], horizon[good], week))
        if number % 100 == 0:
            progress(number / len(moments))
    return made


def _broken(past: Past, actual: Array, random: np.random.Generator) -> tuple[Past, Array]:
    """The same past with a level that broke within the last two weeks, of all places or of each one by itself."""
    places, blocks = past.values.shape
    alone = 1 if random.random() < CITY_WIDE else places
    factor = np.exp(random.uniform(np.log(BREAKS[0]), np.log(BREAKS[1]), (alone, 1)))
    since = random.integers(1, BREAK_AGE_H * past.per_day // 24, (alone, 1))
    after = np.arange(blocks)[None, :] >= blocks - since
    return replace(past, values=np.where(after, past.values * factor, past.values)), actual * factor


def _begun(past: Past, random: np.random.Generator) -> Past:
    """The same past, of which each place knows only the last hours to weeks; some know nothing but what is typical, about."""
    places, blocks = past.values.shape
    age_h = np.exp(random.uniform(np.log(YOUNGEST_H), np.log(OLDEST_H), (places, 1)))
    unborn = random.random(places) < UNBORN
    age_h[unborn] = 0.0
    before = np.arange(blocks)[None, :] < blocks - age_h * past.per_day / 24
    said = known_mean(past.values, 1) * np.exp(random.normal(0.0, SAID_SD, places))
    return replace(past, values=np.where(before, np.nan, past.values), typical=np.where(unborn, said, np.nan))


def _fit(
    lightgbm: Any,
    rows: NDArray[np.float32],
    target: Array,
    weight: Array,
    params: dict[str, Any],
    rounds: int,
    seed: int,
    progress: Progress,
) -> Trees:
    def tell(env: Any) -> None:
        progress((env.iteration + 1) / rounds)

    # one thread: two on a busy machine were ten times slower; and the same seed gives the same trees
    fixed = {"num_threads": 1, "verbose": -1, "seed": seed, "deterministic": True, "force_row_wise": True}
    data = lightgbm.Dataset(rows, target, weight=weight, feature_name=list(NAMES), free_raw_data=True)
    booster = lightgbm.train(params | fixed, data, rounds, callbacks=[tell])
    return from_lightgbm(booster.dump_model())


def _spread(relative: Array, horizon_h: Array, weight: Array) -> Array:
    """Quantiles of the relative errors by bucket of horizons, shape (buckets, 21), busy places weighing more; rising.

    A bucket with few errors leans on all of them.
    """
    bucket = bucket_of(horizon_h)
    everywhere = _quantiles(relative, weight)
    found = np.stack([_shrunk(relative[bucket == b], weight[bucket == b], everywhere) for b in range(len(BUCKETS_H))])
    # the median is the median that was told: times a scale that a break has made large, its little error would be a large one
    return found - found[:, MEDIAN : MEDIAN + 1]


def _shrunk(values: Array, weight: Array, prior: Array) -> Array:
    if not len(values):
        return prior
    return np.asarray((len(values) * _quantiles(values, weight) + PRIOR_WORTH * prior) / (len(values) + PRIOR_WORTH))


def _quantiles(values: Array, weight: Array) -> Array:
    """Weighted quantiles at ``LEVELS``."""
    order = np.argsort(values)
    position = np.cumsum(weight[order]) - 0.5 * weight[order]
    return np.interp(LEVELS, position / weight.sum(), values[order])

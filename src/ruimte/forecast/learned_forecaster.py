"""The learned forecast, tick by tick: keeps the past it needs, follows its own errors, notices when the world has changed.

Feed it the value of every place at every tick, in order; ``issue`` gives the forecast from the newest tick on. Every six hours it
keeps what it told. From that it knows how far off it was (which sets the width of the intervals), how the baselines did at the
same
moments (its skill), whether the errors of the last day are beyond what it promised (a break), and whether a plain method now does
better (then that is told instead).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ruimte.clock import DAY_US, HOUR_US
from ruimte.forecast.baseline import point_forecast
from ruimte.forecast.conformal import log_factors, widened
from ruimte.forecast.learned import Learned, Told, bucket_of
from ruimte.forecast.naive import last_day, last_week
from ruimte.forecast.outlook import OCCASION_DAYS, Outlook, blocks_a_day
from ruimte.forecast.past import PAST_DAYS, Past
from ruimte.forecast.regime import DAY_H, FAR_H, SOON_H, Errors, Regime, no_break, regime_of
from ruimte.forecast.score import Skill, skill_of
from ruimte.forecast.usual import log_ratio
from ruimte.model.forecast import MEDIAN, Forecast, level_index
from ruimte.model.place import Model
from ruimte.model.rolling import Rolling

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

ALGORITHM = "learned-ratio"
VERSION = "1"
KEPT_EVERY_H = 6
KEPT_DAYS = 35
"""How long what was told is kept, to learn from its errors."""
SETTLE_DAYS = 3
"""So long before those it must have run to know which places yielded then; and the factors may be a day old."""
SKILL_DAYS = 28
YOUNG_H = 14 * 24
"""A place of which fewer hours are known is young: its forecast leans on others."""
_LOW, _HIGH = level_index(0.05), level_index(0.95)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was told at a tick: blocks ``ends`` (ticks), the outlook, the model's ``own`` (which may have yielded), the plain
    method, the baselines, and what was ``issued``: the 5, 50 and 95 % quantile."""

    tick: int
    ends: Ints
    told: Told
    own: Told
    plain: Array
    baselines: Array
    issued: Array


class LearnedForecaster:
    """A learned model at work in a lab. What it gives depends only on what it was fed.

    Its skill may be asked by one thread while another one feeds it.
    """

    def __init__(self, model: Model, horizons: int, learned: Learned, quarters: Learned | None = None) -> None:
        self._model = model
        self._horizons = horizons
        self._day_ticks = DAY_US // model.tick_us
        places = len(model.places)
        self._per_block = self._day_ticks // blocks_a_day(model)
        # at least a day, however short the lab looks ahead: its errors tell of breaks
        count = max(-(-horizons // self._per_block), blocks_a_day(model))
        self._outlook = Outlook(model, learned, quarters, count)
        self._spread = learned.spread
        days = OCCASION_DAYS if model.occasions else PAST_DAYS
        self._past = Rolling(places, (days + KEPT_DAYS + SETTLE_DAYS) * self._day_ticks)
        self._every = max(1, KEPT_EVERY_H * HOUR_US // model.tick_us)
        self._kept: deque[_Kept] = deque(maxlen=KEPT_DAYS * 24 // KEPT_EVERY_H)
        self._elapsed_h = self._outlook.blocks.ahead(0, self._outlook.count).elapsed_h
        self._bucket = bucket_of(self._elapsed_h)
        self._factors = np.zeros((4, len(learned.spread), places))
        self._regime = no_break(places)
        self._learned_on: int | None = None
        self._lock = threading.Lock()
        self._told: tuple[int, Told, Told, Past] | None = None

    @property
    def algorithm(self) -> str:
        return ALGORITHM

    @property
    def version(self) -> str:
        return VERSION

    @property
    def needs_ticks(self) -> int:
        """How many ticks of the past make it as good as it gets."""
        return self._past.width

    @property
    def learns_from_ticks(self) -> int:
        """The newest of those that must be observed; the ones before need only be recalled."""
        return (KEPT_DAYS + SETTLE_DAYS) * self._day_ticks

    def recall(self, tick: int, values: Array) -> None:
        """Take in values of a time too long ago to learn errors from."""
        with self._lock:
            self._past.put(tick, values)
            self._told = None

    def observe(self, tick: int, values: Array) -> None:
        """Take in the values of all places, shape (places,), at a tick; ticks that were skipped are missing.

        A tick that was observed before is corrected, where the past still holds it; what was told from it is not.
        """
        with self._lock:
            self._observe(tick, values)

    def feed(self, first: int, values: Array, progress: Callable[[float], None] = lambda share: None) -> None:
        """Take in a whole past, shape (places, ticks), from tick ``first`` on: what is long ago is only recalled."""
        count = values.shape[1]
        for column in range(count):
            (self.observe if count - column <= self.learns_from_ticks else self.recall)(first + column, values[:, column])
            if column % 256 == 0:
                progress(column / count)

    def _observe(self, tick: int, values: Array) -> None:
        new = self._past.put(tick, values)
        self._told = None
        if new and new[-1] // self._every != (new[0] - 1) // self._every:
            self._learn()
            self._keep()

    def issue(self) -> Forecast | None:
        """The forecast from the newest tick on; None before the first."""
        tick = self._past.tick
        if tick is None:
            return None
        told, _, past = self._tell()
        past_h = (~np.isnan(past.values)).sum(axis=1) * (24 / past.per_day)
        quantiles = self._quantiles(told)
        # every tick tells what its block does
        each = np.repeat(quantiles, self._per_block, axis=1)[:, : self._horizons]
        issued_us = self._model.tick_end_us(tick)
        return Forecast(
            issued_us=issued_us,
            valid_us=issued_us + self._model.tick_us * np.arange(1, self._horizons + 1),
            # as exact as it is stored, so that whoever looks back sees just what was seen
            quantiles=(each / self._outlook.blocks.scale[:, None, None]).astype(np.float32).astype(np.float64),
            algorithm=ALGORITHM,
            broken=tuple(np.flatnonzero(self._regime.broken).tolist()),
            young=tuple(np.flatnonzero(past_h < YOUNG_H).tolist()),
        )

    def skill(self, place: int | None = None) -> list[Skill]:
        """How the forecasts of the last four weeks did, of one place (an index) or of all, beside the baselines."""
        with self._lock:
            return self._skill(place)

    def _skill(self, place: int | None) -> list[Skill]:
        tick = self._past.tick
        kept = [each for each in self._kept if tick is not None and each.tick > tick - SKILL_DAYS * self._day_ticks]
        if tick is None or not kept:
            return []
        chosen = slice(None) if place is None else slice(place, place + 1)
        actual = self._actual(kept)[chosen]
        low, median, high = (np.stack([each.issued[..., side] for each in kept], axis=1)[chosen] for side in range(3))
        baselines = np.stack([each.baselines for each in kept], axis=2)[:, chosen]
        inside = np.where(np.isnan(low) | np.isnan(actual), np.nan, (actual >= low) & (actual <= high))
        return skill_of(self._elapsed_h, actual, median, baselines, inside)

    # --- telling ----------------------------------------------------------------------------------------------------

    def _tell(self) -> tuple[Told, Told, Past]:
        """The outlook from the newest tick on, where it yields the plain one; the model's own; and the past that both rest on."""
        tick = self._past.tick
        assert tick is not None
        if self._told is None or self._told[0] != tick:
            own, past = self._outlook.tell(self._past.view(), tick)
            told = own
            if self._regime.yields.any() or self._regime.beyond.any():
                ahead = self._outlook.blocks.ahead(tick, self._outlook.count)
                told = self._yielding(own, last_day(past, ahead.wall))
            self._told = tick, told, own, past
        return self._told[1:]

    def _yielding(self, told: Told, plain: Array) -> Told:
        """The outlook with the plain method where the model yields to it; a place not heard lately goes with the city."""
        known = ~np.isnan(plain) & ~np.isnan(told.usual)
        city = log_ratio(np.where(known, plain, 0.0).sum(axis=0), np.where(known, told.usual, 0.0).sum(axis=0))
        median = np.where(known, log_ratio(plain, told.usual), np.where(known.any(axis=0), city, told.median))
        here = np.where(self._elapsed_h <= DAY_H, self._regime.yields[:, None], self._regime.beyond[:, None])
        return Told(told.usual, np.where(here, median, told.median), told.scale)

    def _quantiles(self, told: Told) -> Array:
        z = widened(self._spread, self._factors)[self._bucket]  # (blocks, places, 21)
        return told.quantiles(np.moveaxis(z, 0, 1))

    # --- learning from what was told --------------------------------------------------------------------------------

    def _keep(self) -> None:
        tick = self._past.tick
        assert tick is not None
        told, own, past = self._tell()
        blocks, count = self._outlook.blocks, self._outlook.count
        ahead = blocks.ahead(tick, count)
        shift = self._model.local_shift(tick + np.arange(1 - self._past.width, count * blocks.ticks + 2))
        profile = point_forecast(self._past.view(), shift, self._day_ticks, count * blocks.ticks)
        amsterdam = profile.reshape(len(profile), count, blocks.ticks).mean(axis=-1) * blocks.scale[:, None]
        issued = self._quantiles(told)[..., [_LOW, MEDIAN, _HIGH]]
        baselines = np.stack([last_week(past, ahead.wall), amsterdam])
        self._kept.append(_Kept(tick, ahead.ticks, told, own, last_day(past, ahead.wall), baselines, issued))

    def _learn(self) -> None:
        """See whether the world has changed and, once a day, set the width of the intervals."""
        tick = self._past.tick
        assert tick is not None
        if not self._kept:
            return
        kept = list(self._kept)
        ends = np.stack([each.ends for each in kept])
        due = np.flatnonzero((ends <= tick).any(axis=1))
        kept, ends = [kept[index] for index in due], ends[due]
        if not kept:
            return
        actual = self._actual(kept)
        errors = _relative(actual, [each.told for each in kept])
        if self._learned_on != (today := tick // self._day_ticks):
            days = ends // self._day_ticks
            errors_then = np.where(days < today, errors, np.nan)
            self._factors = log_factors(np.moveaxis(errors_then, 0, 1), days, self._bucket, self._spread, len(actual))
            self._learned_on = today
        recent = [index for index, each in enumerate(kept) if each.tick > tick - (1 + FAR_H / DAY_H) * self._day_ticks]
        if recent:
            self._regime = self._look([kept[index] for index in recent], actual[:, recent], ends[recent])

    def _look(self, kept: list[_Kept], actual: Array, ends: Ints) -> Regime:
        """What the last day's errors say of the model's own outlook, whether it was told or yielded; ``actual``: shape (places,
        forecasts, blocks), ``ends``: ticks with which the blocks end, (forecasts, blocks)."""
        tick, day = self._past.tick, self._day_ticks
        assert tick is not None
        model, plain, errors = self._off(kept, actual)
        lately = (ends > tick - day) & (ends <= tick)
        within = self._elapsed_h <= DAY_H
        told_soon = np.array([each.tick >= tick - SOON_H / DAY_H * day for each in kept])[:, None]
        near = lately & within
        expected = np.broadcast_to(np.abs(self._spread).mean(axis=1)[self._bucket], errors.shape)
        known = near & ~np.isnan(model) & ~np.isnan(plain)
        hours = known.any(axis=1).sum(axis=1) * (DAY_H / self._outlook.blocks.per_day)
        # a model that learned from nobody promises to be never off
        surprise = _mean_of(np.abs(errors), known) / np.maximum(_mean_of(expected, known), 1e-9)
        far = lately & ~within & (self._elapsed_h <= FAR_H)
        groups = (Errors(_mean_of(model, each), _mean_of(plain, each)) for each in (near, near & told_soon, far))
        return regime_of(self._regime, surprise, hours, *groups)

    def _off(self, kept: list[_Kept], actual: Array) -> tuple[Array, Array, Array]:
        """Absolute errors of the model's own outlook and of the plain method where both are known, else NaN; and the model's in
        units of its scale. Shape (places, forecasts, blocks)."""
        model = np.abs(actual - np.stack([each.own.middle() for each in kept], axis=1))
        plain = np.abs(actual - np.stack([each.plain for each in kept], axis=1))
        unknown = np.isnan(model) | np.isnan(plain)
        return np.where(unknown, np.nan, model), np.where(unknown, np.nan, plain), _relative(actual, [each.own for each in kept])

    def _actual(self, kept: list[_Kept]) -> Array:
        """What came, shape (places, forecasts, blocks); NaN where it has not come yet."""
        tick = self._past.tick
        assert tick is not None
        return self._outlook.blocks.means(self._past.view(), tick, np.stack([each.ends for each in kept]))


def _relative(actual: Array, told: list[Told]) -> Array:
    """Errors in units of the scale that was told, (r - m) / s, shape (places, forecasts, blocks)."""
    usual, median, scale = (np.stack([getattr(each, name) for each in told], axis=1) for name in ("usual", "median", "scale"))
    return np.asarray((log_ratio(actual, usual) - median) / scale)


def _mean_of(values: Array, known: NDArray[np.bool_]) -> Array:
    """Mean of each place's values that are known, shape (places,); NaN where none is."""
    known = known & ~np.isnan(values)
    count = known.sum(axis=(1, 2))
    return np.where(count > 0, np.where(known, values, 0.0).sum(axis=(1, 2)) / np.maximum(count, 1), np.nan)

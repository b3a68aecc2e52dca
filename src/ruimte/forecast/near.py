r"""The next two hours, told by three who know different things: the learned model, the weekly profile, and the trend.

The learned model knows the calendar and other cities, the profile this place's weeks, the trend only the last hour. On an evening
unlike any other one of them is far off, and nobody can say beforehand which. So their quantiles are averaged, place by place and
horizon by horizon, with weights from how they did of late:

.. math:: w_k \propto 1 / \sqrt{\bar L_k + 0.02},

:math:`\bar L_k` the mean pinball loss in :math:`z = \sqrt{y + 1}` over the last ``LATELY`` forecasts whose moment has come. The
square root keeps the weights near each other: a plain mean of forecasts is hard to beat (J. M. Bates & C. W. J. Granger, The
combination of forecasts, 1969; quantiles: K. C. Lichtendahl et al., Is it better to average probabilities or quantiles?, 2013).
From one to two hours ahead it gives way to the learned model.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ruimte.clock import DAY_US, HOUR_US, MINUTE_US
from ruimte.forecast.forecaster import Forecaster
from ruimte.forecast.learned_forecaster import LearnedForecaster
from ruimte.forecast.score import Skill
from ruimte.forecast.trend import WINDOW, Trend, from_z, learn_trend, to_z, trend_quantiles
from ruimte.model.forecast import LEVELS, Forecast
from ruimte.model.place import Model
from ruimte.model.rolling import Rolling

Array = NDArray[np.float64]

ALGORITHM, VERSION = "learned-ratio", "2"
LATELY = 24
LEAST_LOSS = 0.02
NEAR_US = 2 * HOUR_US
"""So far ahead the three are heard; in the second half of it less and less."""
LONGEST_TICK_US = 15 * MINUTE_US
"""With longer ticks an hour is too few of them for a trend."""
TREND_DAYS = 28


def suits_near(model: Model) -> bool:
    """Whether a lab's ticks are short enough."""
    return model.tick_us <= LONGEST_TICK_US


@dataclass(slots=True)
class _Made:
    """What the three told at a tick, in z: (3, places, horizons, 21); and their losses by horizon, NaN as long as unknown."""

    tick: int
    told: NDArray[np.float32]
    loss: Array


class NearForecaster:
    """A learned forecaster whose next two hours are blended. What it gives depends only on what it was fed and asked.

    Its weights rest on what it was asked: a caller who starts it again asks (``issue``) at the last ``asks_from_ticks`` too.
    """

    def __init__(self, model: Model, horizons: int, learned: LearnedForecaster) -> None:
        self._model = model
        self._learned = learned
        self._profile = Forecaster(model, horizons)
        self._near = min(horizons, NEAR_US // model.tick_us)
        self._day_ticks = DAY_US // model.tick_us
        self._past = Rolling(len(model.places), (TREND_DAYS + 1) * self._day_ticks)
        self._made: deque[_Made] = deque(maxlen=LATELY + self._near)
        self._trend: Trend | None = None
        self._trend_of: int | None = None
        self._issued: tuple[int, Forecast] | None = None
        # all of it up to an hour ahead, none at two
        ahead_us = model.tick_us * np.arange(1, self._near + 1)
        self._heard = np.clip(2.0 - 2.0 * ahead_us / NEAR_US, 0.0, 1.0)

    @property
    def algorithm(self) -> str:
        return ALGORITHM

    @property
    def version(self) -> str:
        return VERSION

    @property
    def needs_ticks(self) -> int:
        """How many ticks of the past make it as good as it gets."""
        return max(self._learned.needs_ticks, self._profile.needs_ticks, self._past.width)

    @property
    def learns_from_ticks(self) -> int:
        """The newest of those that must be observed; the ones before need only be recalled."""
        return max(self._learned.learns_from_ticks, self._profile.learns_from_ticks)

    @property
    def profile_from_ticks(self) -> int:
        """From the newest of those on the profile learns from its errors; it looks less far back than the learned model."""
        return self._profile.learns_from_ticks

    @property
    def asks_from_ticks(self) -> int:
        """At the newest of those it must be asked what it forecasts."""
        return LATELY + self._near

    def recall(self, tick: int, values: Array) -> None:
        """Take in values of a time too long ago to learn errors from."""
        self._past.put(tick, values)
        self._learned.recall(tick, values)
        self._profile.recall(tick, values)

    def observe(self, tick: int, values: Array, *, long_ago: bool = False) -> None:
        """Take in the values of all places, shape (places,), at a tick; ticks that were skipped are missing.

        ``long_ago``: before ``profile_from_ticks``, when only the learned model still learns from its errors.
        """
        self._past.put(tick, values)
        self._learned.observe(tick, values)
        (self._profile.recall if long_ago else self._profile.observe)(tick, values)
        self._issued = None
        came = to_z(values)
        for made in self._made:
            ahead = tick - made.tick - 1
            if 0 <= ahead < self._near:
                off = came[:, None] - made.told[:, :, ahead]
                made.loss[:, :, ahead] = np.maximum(LEVELS * off, (LEVELS - 1) * off).mean(axis=-1)

    def issue(self) -> Forecast | None:
        """The forecast from the newest tick on; None before the first."""
        tick = self._past.tick
        if tick is None:
            return None
        if self._issued is not None and self._issued[0] == tick:
            return self._issued[1]
        forecast = self._learned.issue()
        if forecast is None:
            return None
        told = self._told(forecast, tick)
        if told is not None:
            forecast = self._blended(forecast, told, tick)
            self._made.append(_Made(tick, told.astype(np.float32), np.full(told.shape[:3], np.nan)))
        self._issued = tick, forecast
        return forecast

    def skill(self, place: int | None = None) -> list[Skill]:
        """How the learned forecast did over the last four weeks."""
        return self._learned.skill(place)

    def _told(self, forecast: Forecast, tick: int) -> Array | None:
        """What the three tell, in z; who knows nothing of a place tells NaN."""
        day = tick - tick % self._day_ticks
        if self._trend_of != day:  # how places move hardly changes within a day
            past = self._past.view()[:, -(TREND_DAYS * self._day_ticks + tick - day) : self._past.width - (tick - day)]
            self._trend, self._trend_of = learn_trend(to_z(past), self._near), day
        profile = self._profile.issue()
        if self._trend is None or profile is None:
            return None
        trend = trend_quantiles(self._trend, to_z(_filled(self._past.view()[:, -2 * WINDOW :])))
        return np.stack([to_z(forecast.quantiles[:, : self._near]), to_z(profile.quantiles[:, : self._near]), trend])

    def _blended(self, forecast: Forecast, told: Array, tick: int) -> Forecast:
        weights = self._weights(told, tick)
        known = np.asarray(~np.isnan(told).any(axis=3))
        weights = np.where(known, weights, 0.0)
        total = weights.sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            blend = from_z(np.einsum("kph,kphq->phq", weights / total, np.nan_to_num(told)))
        heard = np.where((total > 0) & known[0], self._heard, 0.0)[..., None]
        quantiles = forecast.quantiles.copy()
        near = quantiles[:, : self._near]
        quantiles[:, : self._near] = np.where(heard > 0, heard * blend + (1 - heard) * near, near)
        # as exact as it is stored, so that whoever looks back sees just what was seen
        return replace(forecast, quantiles=quantiles.astype(np.float32).astype(np.float64), algorithm=ALGORITHM)

    def _weights(self, told: Array, tick: int) -> Array:
        """By how they did of late, shape (3, places, horizons); equal where that is not known."""
        loss = np.full(told.shape[:3], np.nan)
        for ahead in range(self._near):
            newest = tick - ahead - 1  # of what was made later, this moment has not come yet
            recent = [made.loss[:, :, ahead] for made in self._made if newest - LATELY < made.tick <= newest]
            if recent:
                stacked = np.stack(recent)
                count = (~np.isnan(stacked)).sum(axis=0)
                loss[:, :, ahead] = np.where(count > 0, np.nansum(stacked, axis=0) / np.maximum(count, 1), np.nan)
        weights = 1.0 / np.sqrt(loss + LEAST_LOSS)
        return np.where(np.isnan(weights).any(axis=0), 1.0, weights)


def _filled(values: Array) -> Array:
    """What is missing as it was before, (places, ticks); NaN where nothing is known before it."""
    filled = values.copy()
    for column in range(1, filled.shape[1]):
        filled[:, column] = np.where(np.isnan(filled[:, column]), filled[:, column - 1], filled[:, column])
    return filled

"""Forecasts tick by tick: keeps the past it needs, learns from its own errors, issues quantiles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ruimte.clock import DAY_US
from ruimte.forecast.baseline import FACTOR_SLOTS, GUARD_DAYS, WEEKS, point_forecast
from ruimte.forecast.errors import error_quantiles, errors, with_errors
from ruimte.forecast.occasions import occasion_profile
from ruimte.forecast.score import Skill
from ruimte.model.forecast import LEVELS, Forecast
from ruimte.model.place import Model
from ruimte.model.rolling import Rolling

Array = NDArray[np.float64]

ALGORITHM = "amsterdam-profile"
VERSION = "1"
ERROR_DAYS = 28
MOST_ERRORS = 2016
"""Errors kept per place and horizon: four weeks of hours, one week of five minutes."""
HISTORY_DAYS = 7 * WEEKS + GUARD_DAYS + 1
OCCASION_DAYS = 380
"""Where gatherings come back, the past reaches back to last year's."""


class Forecaster:
    """The baseline with quantiles, for all places of a lab.

    Feed it the value of every place at every tick, in order (``observe``); ``issue`` then gives the forecast from the newest
    tick on. What it gives depends only on what it was fed.
    """

    def __init__(self, model: Model, horizons: int) -> None:
        self._model = model
        self._horizons = horizons
        self._day_ticks = DAY_US // model.tick_us
        places = len(model.places)
        self._profile_ticks = HISTORY_DAYS * self._day_ticks
        days = OCCASION_DAYS if model.occasions else HISTORY_DAYS
        self._past = Rolling(places, days * self._day_ticks)
        self._learned_ticks = min(ERROR_DAYS * self._day_ticks, MOST_ERRORS)
        # the forecasts that were made for each tick, one a horizon; those of today and of what comes are not learned from yet
        self._made = np.full((self.learns_from_ticks, places, horizons), np.nan)
        self._spread = np.full((places, horizons, len(LEVELS)), np.nan)
        self._spread_from: int | None = None
        self._point: Array | None = None

    @property
    def algorithm(self) -> str:
        return ALGORITHM

    @property
    def version(self) -> str:
        return VERSION

    @property
    def needs_ticks(self) -> int:
        """How many ticks of the past make it as good as it gets."""
        return self._past.width + self.learns_from_ticks

    @property
    def learns_from_ticks(self) -> int:
        """The newest of those that must be observed; the ones before need only be recalled."""
        return self._learned_ticks + self._day_ticks + self._horizons

    def recall(self, tick: int, values: Array) -> None:
        """Take in values of a time too long ago to learn errors from; much cheaper than ``observe``."""
        self._past.put(tick, values)
        self._point = None

    def observe(self, tick: int, values: Array) -> None:
        """Take in the values of all places, shape (places,), at a tick; ticks that were skipped are missing.

        A tick that was observed before is corrected, where the past still holds it; the forecast that it issued is not.
        """
        new = self._past.put(tick, values)
        self._point = None
        for skipped in new[:-1][-len(self._made) :]:
            self._keep(skipped, np.nan)
        if new:
            self._keep(tick, self._forecast_point(tick).T)

    def issue(self) -> Forecast | None:
        """The forecast from the newest tick on; None before the first."""
        if self._past.tick is None:
            return None
        issued_us = self._model.tick_end_us(self._past.tick)
        quantiles = with_errors(self._forecast_point(self._past.tick), self._error_quantiles(self._past.tick))
        return Forecast(
            issued_us=issued_us,
            valid_us=issued_us + self._model.tick_us * np.arange(1, self._horizons + 1),
            # as exact as it is stored, so that whoever looks back sees just what was seen
            quantiles=quantiles.astype(np.float32).astype(np.float64),
            algorithm=ALGORITHM,
        )

    def skill(self, place: int | None = None) -> list[Skill]:
        """Nothing: it keeps no record of how it did."""
        return []

    def _keep(self, tick: int, made: Array | float) -> None:
        """Keep what was forecast at a tick, shape (horizons, places), with the ticks that it was made for."""
        horizon = np.arange(self._horizons)
        self._made[(tick + 1 + horizon) % len(self._made), :, horizon] = made

    def _error_quantiles(self, tick: int) -> Array:
        """Quantiles of the errors up to the start of the day: a month of errors hardly changes within one."""
        start = tick - tick % self._day_ticks
        if self._spread_from != start:
            ticks = start + np.arange(-self._learned_ticks, 0)
            actual = self._past.view()[:, ticks - tick - 1].T
            self._spread = error_quantiles(errors(actual[..., None], self._made[ticks % len(self._made)]))
            self._spread_from = start
        return self._spread

    def _forecast_point(self, tick: int) -> Array:
        if self._point is None:
            past = self._past.view()
            shift = self._model.local_shift(tick + np.arange(1 - self._profile_ticks, self._horizons + 2))
            asked = tick + np.arange(1 - FACTOR_SLOTS, self._horizons + 1)
            special = occasion_profile(self._model, past, tick, asked)
            recent = past[:, -self._profile_ticks :]
            self._point = point_forecast(recent, shift, self._day_ticks, self._horizons, special)
        return self._point

"""From a picture to warnings: chances by the state and the forecast, surges by what was counted, and the book of what stands."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ruimte.estimate.health import health
from ruimte.forecast.errors import exceedance
from ruimte.jobs.counted import Counted
from ruimte.jobs.endings import Endings, Leaving
from ruimte.lab.lab import Lab
from ruimte.lab.levels import colour
from ruimte.model.forecast import Forecast
from ruimte.model.place import OUTSIDE, Model
from ruimte.model.warning import Warning  # noqa: A004 - the field's own word
from ruimte.text import duration_us
from ruimte.warn.decide import Risk, above_now, risks
from ruimte.warn.lifecycle import Book, Look, Rules, Step, escalate, step
from ruimte.warn.situations import neighbours, situation_at
from ruimte.warn.surge import Count, Surge, surges, with_surge
from ruimte.warn.thresholds import Thresholds

Array = NDArray[np.float64]

_BROKEN = ("silent", "stuck", "lying")
"""What a sensor in such a condition says is no sign of a crowd."""


class Warner:
    """The warnings of one lab. What it gives depends only on what it was fed, and on ``book``."""

    def __init__(self, lab: Lab, model: Model, thresholds: Thresholds) -> None:
        self.book = Book()
        self.thresholds = thresholds
        self.model = model
        warn = lab.file.warn
        self.rules = Rules(
            open_at=warn.open_at,
            close_below=warn.close_below,
            close_after_us=duration_us(warn.close_after),
            cool_down_us=duration_us(warn.cool_down),
            open_after_us=duration_us(warn.open_after),
            escalate_after_us=duration_us(warn.escalate_after),
            shelve_most_us=duration_us(warn.shelve_most),
        )
        self._surge = warn.surge
        self._least_colour = colour(warn.from_level)
        horizons = duration_us(lab.file.forecast.horizon)
        self._look_ahead = max(1, min(horizons, duration_us(warn.look_ahead)) // model.tick_us)
        self._neighbours = neighbours(model)
        self._into = np.array(
            [stream.id for stream in model.streams if model.links[stream.link].target != OUTSIDE], dtype=np.int64
        )

    def limits(self, end_us: int) -> tuple[Array, list[tuple[str, ...]]]:
        """Where the levels that warn start, from the end of a tick over the look-ahead; see ``Thresholds.warning``."""
        tick = int(self.model.tick_of_end(np.array([end_us]))[0])
        return self.thresholds.warning(tick + np.arange(self._look_ahead + 1), self._least_colour)

    def risks(
        self, end_us: int, mean: Array, sd: Array, forecast: Forecast | None, also: Array | None = None
    ) -> list[list[Risk]]:
        """Risks within the look-ahead: of now by the state, of later by the forecast.

        Args:
            end_us: end of the newest tick.
            mean: the state, shape (places,), in the place's quantity; NaN where it is not known or silent.
            sd: its standard deviation.
            forecast: from that tick on.
            also: other chances, shape (places, levels, 1 + ticks), by which to go where they are higher; NaN is none.
        """
        limits, names = self.limits(end_us)
        chance = np.full(limits.shape, np.nan)
        chance[:, :, 0] = np.where(np.isnan(mean)[:, None], np.nan, above_now(mean, sd, limits[:, :, 0]))
        if forecast is not None:
            ahead = forecast.quantiles[:, None, : self._look_ahead]
            told = exceedance(ahead, limits[:, :, 1 : 1 + ahead.shape[2]])
            unknown = np.isnan(ahead).any(axis=3)
            chance[:, :, 1 : 1 + ahead.shape[2]] = np.where(unknown, np.nan, told)
        if also is not None:
            chance = np.fmax(chance, also)
        chance[np.isnan(limits)] = np.nan
        moments = end_us + self.model.tick_us * np.arange(self._look_ahead + 1)
        return risks(chance, moments, limits, names, self.rules.open_at)

    def leaving(self, endings: Endings, end_us: int, mean: Array, sd: Array, counted: Counted) -> Leaving | None:
        """What is to come within the look-ahead where an event ends; None, and hardly any work, where no end is near."""
        if not endings.near(end_us, self._look_ahead * self.model.tick_us):
            return None
        return endings.leaving(end_us, mean, sd, counted, self.limits(end_us)[0])

    def surges(self, rows: pa.Table, state: bytes | None, left_out: list[list[int]], end_us: int) -> dict[int, Surge]:
        """Surges into zones over the tick that ends at ``end_us``, by what the counters said.

        Args:
            rows: what was just received.
            state: the estimator's, after it took them in.
            left_out: of each place the datastreams that it did not believe.
            end_us: end of the tick.
        """
        tick = self.model.tick_of_end(np.array([end_us]))
        limits, _ = self.thresholds.warning(tick, self._least_colour)
        if not limits.size or not rows.num_rows:
            return {}
        zone = np.array([place.quantity == "people" for place in self.model.places])
        least = np.where(zone, self._surge * limits[:, 0, 0], np.nan)
        stream, end, said = (rows[name].to_numpy() for name in ("datastream", "end_us", "result"))
        newest = (end > end_us - self.model.tick_us) & (end <= end_us) & (said == said) & np.isin(stream, self._into)
        if np.isnan(least).all() or said[newest].sum() < np.nanmin(least):
            return {}  # a usual tick: not worth reading what the estimator remembers
        doubted = {id_ for ids in left_out for id_ in ids}
        counts = [
            Count(one.id, one.said, one.expected, one.scale, one.id not in doubted)
            for one in health(self.model, state)
            if one.said is not None and one.expected is not None and one.heard_us == end_us and one.condition not in _BROKEN
        ]
        return surges(self.model, counts, least)

    def with_surges(self, risks: list[list[Risk]], found: dict[int, Surge], before: Array, end_us: int) -> list[list[Risk]]:
        """The risks, those that surges bring about raised; ``before``: people before them, shape (places,)."""
        return [
            with_surge(each, found[place], float(before[place]), end_us, self.model.tick_us) if place in found else each
            for place, each in enumerate(risks)
        ]

    def look(self, risks: list[list[Risk]], known: NDArray[Any], now_us: int) -> list[tuple[int, Step, Warning]]:
        """Let every place take its step; gives what happened with the place's index, then what is passed on.

        Args:
            risks: of every place, lowest level first.
            known: shape (places,), whether anything tells how likely the levels are.
            now_us: the moment.
        """
        happened = []
        for index, place in enumerate(self.model.places):
            found = risks[index]
            look = Look(
                place.key,
                self.thresholds.scales[index].table,
                found,
                [priority(risk) for risk in found],
                bool(known[index]),
                situation_at(self._neighbours[place.key], self.book),
            )
            took = step(self.book, self.rules, look, now_us)
            if took is not None:
                happened.append((index, *took))
        return happened

    def escalate(self, now_us: int) -> list[Warning]:
        """Pass on what nobody acknowledged in time."""
        return escalate(self.book, self.rules, now_us)


def priority(risk: Risk) -> int:
    """1 is the highest: level F, or E that a surge passes now; 2: E, or P99; 3: all others. What is only unusual is never the
    highest: it may be harmless.
    """
    if risk.level == "F" or (risk.surge and risk.level == "E" and risk.horizon < 0):
        return 1
    return 2 if risk.level in ("E", "P99") else 3

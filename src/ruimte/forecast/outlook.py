r"""What a learned model tells of all places of a lab from one moment on, before its own errors are looked at.

Where ticks are hours, the model of hours tells all. Where they are shorter, the outlook is of quarters of an hour: the usual of
each quarter, times the model's ratio, which changes slowly enough to be read off between the hours. Up to two hours ahead

.. math:: m = 0.7\, m_\text{model} + 0.3\, \delta^{h}\, \tfrac12 (r_{30} + r_{60})

with :math:`r_{30}` and :math:`r_{60}` the log-ratios of the last 30 and 60 minutes to their usual, h the hours ahead and δ =
0.7: a
geometric mean of forecasts, each of which is beaten by it. Where there is a model of quarters, that counts 0.5 and the one of
hours 0.2.
(The weights were chosen on Zürich's Hardbrücke, March to June 2020.) Gatherings that come back are told by the last ones
(``occasions``), times how today compares.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ruimte.clock import DAY_US, HOUR_US, MINUTE_US
from ruimte.forecast.blocks import Blocks
from ruimte.forecast.learned import Learned, Told
from ruimte.forecast.loads import expected_of
from ruimte.forecast.occasions import occasion_profile
from ruimte.forecast.past import Past
from ruimte.forecast.usual import known_mean, level_of, log_ratio, usual_of
from ruimte.model.place import Model

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

QUARTERS = 96
HOURS = 24
NOW_H = 2.0
DAMPED = 0.7
"""What is left of the last hour's ratio after an hour."""
CARRIED, OF_QUARTERS = 0.3, 0.5
"""Weights of that ratio, and of the model of quarters; the model of hours has what is left."""
OCCASION_DAMPED = 0.9
OCCASION_SCALE = 0.25
"""The least scale of a gathering: the next one is never quite like the last."""
LOAD_SCALE = 0.5
"""Scale of a block that holds nothing but expected visitors: how many come, and when, is a guess. The two scales add up by
their people."""
OCCASION_DAYS = 380
"""Where gatherings come back, the past reaches back to last year's."""


def blocks_a_day(model: Model) -> int:
    """Blocks a day in which a lab's outlook is told: hours, quarters of an hour, or its ticks where they fit neither."""
    if model.tick_us * HOURS == DAY_US:
        return HOURS
    return QUARTERS if 15 * MINUTE_US % model.tick_us == 0 else int(DAY_US // model.tick_us)


def suits(model: Model) -> bool:
    """Whether the learned forecast takes a lab's ticks: those that an hour is made of."""
    return HOUR_US % model.tick_us == 0


class Outlook:
    """The model of a lab; pure: what it tells depends only on its arguments."""

    def __init__(self, model: Model, learned: Learned, quarters: Learned | None, count: int) -> None:
        self.blocks = Blocks(model, blocks_a_day(model))
        self.count = count
        self._hours = Blocks(model, HOURS)
        self._learned = learned
        self._quarters = quarters
        self._shape = np.repeat(learned.shape, self.blocks.per_day // HOURS)

    def tell(self, values: Array, tick: int) -> tuple[Told, Past]:
        """The outlook at the end of ``tick``, of the next ``count`` blocks, and the past that it rests on, in blocks.

        ``values``: shape (places, ticks) in the places' own quantity, the last column is ``tick``.
        """
        blocks = self.blocks
        ahead = blocks.ahead(tick, self.count)
        past = blocks.past(values, tick)
        special = self._special(values, tick, past.week)
        if blocks.per_day == HOURS:
            told = self._learned.tell(past, ahead.wall, ahead.elapsed_h, special)
        else:
            told = self._between(values, tick, past, special)
        if special is not None:
            told = _of_gatherings(told, past, special, ahead.elapsed_h)
        return self._with_loads(told, ahead.ticks, special), past

    def _with_loads(self, told: Told, ends: Ints, special: Array | None) -> Told:
        """With who is known to come, where no earlier gathering tells better."""
        model = self.blocks.model
        if not model.loads:
            return told
        end_us = model.phase_us + (ends + 1) * model.tick_us
        added = expected_of(model, end_us - self.blocks.ticks * model.tick_us, end_us)
        if special is not None:
            added = np.where(np.isnan(special[:, -self.count :]), added, 0.0)
        if not added.any():
            return told
        # those who come anyway come as the model says; on top of them come those who are expected
        anyway = told.middle()
        middle = anyway + added
        scale = (told.scale * anyway + LOAD_SCALE * added) / np.maximum(middle, 1e-9)
        return Told(told.usual, log_ratio(middle, told.usual), np.where(added > 0, scale, told.scale))

    def _between(self, values: Array, tick: int, past: Past, special: Array | None) -> Told:
        """From hours to shorter blocks."""
        blocks = self.blocks
        ahead = blocks.ahead(tick, self.count)
        level = level_of(past, self._shape)
        usual = usual_of(past, ahead.wall, self._shape, level).value
        hours = self._hours.ahead(tick, int(np.ceil(ahead.elapsed_h[-1])))
        told = self._learned.tell(self._hours.past(values, tick), hours.wall, hours.elapsed_h)
        middle = ahead.elapsed_h - 0.5 * HOURS / blocks.per_day
        at = hours.elapsed_h - 0.5
        median = _read_off(told.median, at, middle)
        scale = _read_off(told.scale, at, middle)
        soon = ahead.elapsed_h <= NOW_H
        weight = 1.0 - CARRIED
        blended = weight * median
        if self._quarters is not None and blocks.per_day == self._quarters.per_day and soon.any():
            near = self._quarters.tell(past, ahead.wall[soon], ahead.elapsed_h[soon])
            blended[:, soon] += OF_QUARTERS * (near.median - median[:, soon])
            scale[:, soon] = near.scale
        hour = blocks.per_day // HOURS
        recent = np.arange(1 - hour, 1)
        expected = usual_of(past, recent, self._shape, level).value
        if special is not None:
            known = special[:, past.week - hour : past.week]
            expected = np.where(np.isnan(known), expected, known)
            usual = np.where(np.isnan(special[:, past.week :]), usual, special[:, past.week :])
        half = max(1, hour // 2)
        lately = past.at(recent)
        now = 0.5 * (_ratio_of(lately, expected) + _ratio_of(lately[:, -half:], expected[:, -half:]))
        carried = DAMPED ** middle[None, :] * now[:, None]
        # where nothing was heard lately, the models have to do
        blended = np.where(np.isnan(carried), blended / weight, blended + CARRIED * carried)
        return Told(usual, np.where(soon, blended, median), scale)

    def _special(self, values: Array, tick: int, week: int) -> Array | None:
        """What gatherings that come back were like, in blocks: of the last week and of those ahead; None where there are none."""
        model, blocks = self.blocks.model, self.blocks
        if not model.occasions:
            return None
        asked = tick + np.arange(1 - week * blocks.ticks, self.count * blocks.ticks + 1)
        profile = occasion_profile(model, values, tick, asked)
        if profile is None:
            return None
        parts = profile.reshape(len(profile), week + self.count, blocks.ticks)
        return np.asarray(known_mean(parts, -1) * blocks.scale[:, None])


def _of_gatherings(told: Told, past: Past, special: Array, elapsed_h: Array) -> Told:
    """Blocks within a gathering: the last ones, times how the last hours compare with what is told of them."""
    within = ~np.isnan(special[:, past.week :])
    hours = past.per_day // HOURS
    recent = np.arange(1 - 3 * hours, 1)
    expected = special[:, past.week - 3 * hours : past.week]
    now = _ratio_of(past.at(recent), expected)
    carried = np.nan_to_num(now)[:, None] * OCCASION_DAMPED ** elapsed_h[None, :]
    return Told(
        told.usual, np.where(within, carried, told.median), np.where(within, np.maximum(told.scale, OCCASION_SCALE), told.scale)
    )


def _ratio_of(actual: Array, expected: Array) -> Array:
    """Log-ratio of what came to what was expected, over the blocks of which both are known, shape (places,); NaN without any."""
    both = ~np.isnan(actual) & ~np.isnan(expected)
    return log_ratio(*(known_mean(np.where(both, each, np.nan), 1) for each in (actual, expected)))


def _read_off(values: Array, at: Array, wanted: Array) -> Array:
    return np.stack([np.interp(wanted, at, row) for row in values])

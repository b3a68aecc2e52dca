"""What a measure changes: the same members with it and without, beside the forecast that is on the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ruimte.model.forecast import LEVELS, exceedance, value_at
from ruimte.whatif.diagram import Array
from ruimte.whatif.ensemble import Paths, Situation, members, run
from ruimte.whatif.measures import Schedule, nothing


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one scenario leads to.

    ``chance`` (zones, levels, steps): P(the zone is above the level then); ``ever`` (zones, levels): above it at any step.
    ``people`` (zones, steps, 21): quantiles. ``queue`` (outer gates, steps): persons who wait outside, the mean of the members.
    ``trapped`` (zones, steps): how many have no way out because of what is shut, the mean. ``change`` (zones, steps, 3): people
    with the measure less people without, in the same member: the 5, 50 and 95 % quantiles. ``fewer`` (zones,): the share of
    members in which the zone's highest number of people becomes lower. Of a zone whose people are not known chance, ever and
    people are NaN.
    """

    chance: Array
    ever: Array
    people: Array
    queue: Array
    trapped: Array
    change: Array
    fewer: Array


@dataclass(frozen=True, slots=True)
class Comparison:
    """Outcomes by scenario, ``nothing`` first; all by the same members."""

    situation: Situation
    outcomes: Mapping[str, Outcome]


def compare(
    situation: Situation, schedules: Mapping[str, Schedule], thresholds: Array, count: int = 200, seed: int = 0
) -> Comparison:
    r"""Compare what is done with nothing.

    Both are run for the same members (common random numbers), so that chance is in both and drops out of the difference. Where
    a forecast is given, what is told starts from it. With :math:`W_m` the people of member m without a measure (at one step, in
    one zone), :math:`X_m` with it, :math:`r_m = 1 … M` the rank of :math:`W_m` among the members, and :math:`F` the forecast,

    .. math:: Y_m = \min\bigl(\max\bigl(F^{-1}\bigl((r_m - \tfrac12) / M\bigr) + X_m - W_m,\; 0\bigr),\; J\bigr)

    are the people that are told of, J being what fits. With nothing done :math:`Y_m` is the forecast's own quantile. P(above a
    level) is that of the forecast (``exceedance``) plus the share of members above it with the measure less that without, between
    0 and 1; quantiles likewise: so *nothing* is the forecast on the page, exactly. Without a forecast the members speak for
    themselves.

    Args:
        schedules: what is done, by a key of the scenario.
        thresholds: where each zone's levels start, persons: (zones, levels) or (zones, levels, steps); NaN: no such level.
        count, seed: of the members.

    Raises ``ValueError`` for what cannot be run.
    """
    drawn = members(situation, count, seed)
    plain = nothing(situation.network, situation.minutes, situation.diagram)
    without = run(situation, drawn, plain)
    limits = np.broadcast_to(
        thresholds if thresholds.ndim == 3 else thresholds[:, :, None], (*thresholds.shape[:2], situation.steps)
    )
    base = anchored(situation, without, without)
    told = {"nothing": _outcome(situation, base, base, without, limits)}
    for key, schedule in schedules.items():
        done = run(situation, drawn, schedule)
        told[key] = _outcome(situation, anchored(situation, done, without), base, done, limits)
    return Comparison(situation, told)


def anchored(situation: Situation, done: Paths, without: Paths) -> Array:
    """The people that are told of (``compare``), persons, (members, zones, steps)."""
    if situation.forecast is None:
        return done.people
    count = len(without.people)
    rank = np.argsort(np.argsort(without.people, axis=0, kind="stable"), axis=0)
    level = (np.moveaxis(rank, 0, -1) + 0.5) / count  # (zones, steps, members)
    start = np.moveaxis(value_at(situation.forecast, level), -1, 0)
    moved = np.clip(start + done.people - without.people, 0.0, situation.room[:, None])
    return np.where(np.isnan(start), done.people, moved)


def _outcome(s: Situation, told: Array, base: Array, done: Paths, limits: Array) -> Outcome:
    above = (told[:, :, None, :] > limits).astype(np.float64)
    chance = above.mean(axis=0)
    people = np.moveaxis(np.quantile(told, LEVELS, axis=0), 0, -1)
    if s.forecast is not None:
        page = exceedance(s.forecast[:, None], limits)
        moved = chance - (base[:, :, None, :] > limits).mean(axis=0)
        chance = np.where(np.isnan(page), chance, np.clip(page + moved, 0.0, 1.0))
        shifted = s.forecast + (people - np.moveaxis(np.quantile(base, LEVELS, axis=0), 0, -1))
        held = np.maximum.accumulate(np.clip(shifted, 0.0, np.maximum(s.room[:, None, None], s.forecast)), axis=-1)
        people = np.where(np.isnan(s.forecast), people, held)
    ever = above.max(axis=3).mean(axis=0)
    missing = np.isnan(limits)
    unknown = list(s.unknown)
    for each in (chance, ever, people):
        each[unknown] = np.nan
    change = np.moveaxis(np.quantile(told - base, (0.05, 0.5, 0.95), axis=0), 0, -1)
    return Outcome(
        chance=np.where(missing, np.nan, chance),
        ever=np.where(missing.all(axis=2), np.nan, ever),
        people=people,
        queue=done.queue.mean(axis=0),
        trapped=done.trapped.mean(axis=0),
        change=change,
        fewer=(told.max(axis=2) < base.max(axis=2) - 1e-9).mean(axis=0),
    )

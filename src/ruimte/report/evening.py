"""What happened in a period: the figures of an after-action report, and the verdicts on its warnings. Pure: data in, data out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Verdict = Literal["ahead", "already", "not", "running"]


@dataclass(frozen=True, slots=True)
class PlaceTold:
    """One place, tick by tick, in the unit it is told in. All arrays have shape (ticks,).

    ``limits``: where each level begins, calmest first, with its colour 0–5; NaN where that is not known. ``heard``: whether any
    sensor was. ``rank`` (−1: not known) is the number of the level in ``names``.
    """

    key: str
    name: str
    unit: str
    table: str
    names: tuple[str, ...]
    colours: tuple[int, ...]
    ends_us: Ints
    mean: Floats
    q05: Floats
    q95: Floats
    heard: NDArray[np.bool_]
    limits: Floats
    """Shape (levels, ticks): where each of ``names`` starts."""
    warns_from: int
    """The number of the lowest level that warns."""

    @property
    def rank(self) -> Ints:
        """The number of the level at each tick, −1 where it is not known."""
        passed = self.mean[None, :] >= self.limits
        known = self.heard & ~np.isnan(self.mean) & ~np.isnan(self.limits).any(axis=0)
        return np.where(known, np.maximum(passed.sum(axis=0) - 1, 0), -1)

    def passed(self, level: str) -> NDArray[np.bool_]:
        """At which ticks it was at a level or above it, as far as is known."""
        return self.rank >= self.names.index(level) if level in self.names else np.zeros(len(self.mean), dtype=bool)

    @property
    def worst(self) -> int | None:
        """The tick with the highest level, and among those with most people; None where nothing is known."""
        rank = self.rank
        if not (rank >= 0).any():
            return None
        return int(np.lexsort((np.nan_to_num(self.mean, nan=-1.0), rank))[-1])


@dataclass(frozen=True, slots=True)
class WarningTold:
    """One warning as it went. Times in µs; ``level`` is the one with which it opened; ``answer`` in words, None where there was
    none. ``opened_us`` may lie before the period.
    """

    id: int
    place: str
    level: str
    priority: int
    probability: float
    opened_us: int
    acknowledged_us: int | None = None
    by: str | None = None
    answer: str | None = None
    measure: bool = False
    closed_us: int | None = None
    said: tuple[tuple[int, str], ...] = ()
    """From which moment on it said which level, where that changed after it opened."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A warning with what became of it.

    ``ahead``: a level that it said was passed ``lead_us`` after it opened, while it said so. ``already``: it was passed when it
    opened. ``not``: it closed, and the level was not passed; where a measure was taken, that may be why. ``running``: it was open
    when the period ended.
    """

    warning: WarningTold
    verdict: Verdict
    passed_us: int | None = None
    level: str = ""
    """The level that was passed: where its first one was not, the lower one that it was lowered to."""

    @property
    def lead_us(self) -> int | None:
        """How long before its level was passed it was told."""
        return None if self.passed_us is None or self.verdict != "ahead" else self.passed_us - self.warning.opened_us


@dataclass(frozen=True, slots=True)
class Miss:
    """A time in which a place was at a level that warns, and no warning of it stood when that began."""

    place: str
    level: str
    from_us: int
    until_us: int


@dataclass(frozen=True, slots=True)
class DecisionTold:
    """A decision: what was decided, what was expected then, and what came within the look-ahead, in the place's unit.

    ``expected`` is None where the level had been passed already. ``peak`` is None where nothing is known of the time after it.
    """

    at_us: int
    place: str
    what: str
    by: str
    note: str
    level: str
    limit: float
    expected: float | None
    expected_us: int
    probability: float
    peak: float | None
    peak_us: int | None
    passed: bool | None


@dataclass(frozen=True, slots=True)
class FaultTold:
    """A line about a sensor or a place that was not heard."""

    at_us: int
    text: str


@dataclass(frozen=True, slots=True)
class SkillTold:
    """How far off the forecast of a place was so far ahead: mean error as a share of the mean figure, that of "as it was", and
    the share of what came that lay in the 90 % band."""

    place: str
    ahead_us: int
    error: float
    as_it_was: float
    within: float
    pairs: int


@dataclass(frozen=True, slots=True)
class LogTold:
    """A line of the logbook; ``by`` is a role."""

    at_us: int
    text: str
    by: str


@dataclass(frozen=True, slots=True)
class SensorTold:
    """A sensor of the register and how many observations it gave in the period."""

    key: str
    name: str
    kind: str
    owner: str
    observations: int


@dataclass(frozen=True, slots=True)
class Evening:
    """All that an after-action report tells of ``[from_us, until_us)``. ``tick_us``, ``look_ahead_us``: of the lab."""

    lab: str
    organisation: str
    attribution: str
    synthetic: bool
    from_us: int
    until_us: int
    made_us: int
    tick_us: int
    look_ahead_us: int
    places: list[PlaceTold]
    warnings: list[Judged] = field(default_factory=list)
    misses: list[Miss] = field(default_factory=list)
    decisions: list[DecisionTold] = field(default_factory=list)
    faults: list[FaultTold] = field(default_factory=list)
    skill: list[SkillTold] = field(default_factory=list)
    log: list[LogTold] = field(default_factory=list)
    sensors: list[SensorTold] = field(default_factory=list)
    algorithms: list[str] = field(default_factory=list)
    version: str = ""
    files_hash: str = ""

    @property
    def known(self) -> bool:
        """Whether anything at all is known of the period."""
        return any((place.rank >= 0).any() for place in self.places)

    def place(self, key: str) -> PlaceTold | None:
        """The place with this key."""
        return next((place for place in self.places if place.key == key), None)

    def silent_share(self, place: PlaceTold) -> float:
        """The share of the period in which a place was not heard; ticks that were never estimated count as such."""
        ticks = max(1, (self.until_us - self.from_us) // self.tick_us)
        return min(1.0, max(0.0, 1.0 - float(place.heard.sum()) / ticks))

    @property
    def acknowledged_after_us(self) -> int | None:
        """The median time from the opening of a warning to its acknowledgement; None where none was acknowledged."""
        taken = [j.warning.acknowledged_us - j.warning.opened_us for j in self.warnings if j.warning.acknowledged_us is not None]
        return round(median(taken)) if taken else None

    @property
    def median_lead_us(self) -> int | None:
        """The median lead of the warnings that came ahead."""
        leads = [judged.lead_us for judged in self.warnings if judged.lead_us is not None]
        return round(median(leads)) if leads else None


def judge(warning: WarningTold, place: PlaceTold | None) -> Judged:
    """What became of a warning, by what is known of its place in the period."""
    if place is None or not len(place.ends_us):
        return Judged(warning, "running" if warning.closed_us is None else "not")
    ends = place.ends_us
    before = np.flatnonzero(ends <= warning.opened_us)
    if len(before) and place.passed(warning.level)[before[-1]]:
        return Judged(warning, "already", level=warning.level)
    first = _rank(place, warning.level)
    lowered = sorted({_rank(place, level) for _, level in warning.said if 0 <= _rank(place, level) < first}, reverse=True)
    for rank in (first, *lowered):
        after = np.flatnonzero(
            (place.rank >= max(rank, 0)) & (ends > warning.opened_us) & (ends <= _says_until(warning, place, rank))
        )
        if rank >= 0 and len(after):
            return Judged(warning, "ahead", int(ends[after[0]]), place.names[rank])
    return Judged(warning, "running" if warning.closed_us is None else "not")


def _rank(place: PlaceTold, level: str) -> int:
    return place.names.index(level) if level in place.names else -1


def _says_until(warning: WarningTold, place: PlaceTold, rank: int) -> float:
    """Until when a warning says that a level, or a higher one, is coming or there."""
    lapsed = [at_us for at_us, level in warning.said if _rank(place, level) < rank]
    closed = float("inf") if warning.closed_us is None else float(warning.closed_us)
    return min([closed, *map(float, lapsed[:1])])


def misses(
    place: PlaceTold, warnings: list[WarningTold], tick_us: int, apart_us: int, ran_from_us: float = -math.inf
) -> list[Miss]:
    """When a place was at a level that warns, and no warning of it stood by the end of the tick in which that began.

    Times that are less than ``apart_us`` apart are one. Before ``ran_from_us`` no node ran, so nothing could be warned of.
    """
    busy = np.flatnonzero(place.rank >= place.warns_from)
    if not len(busy):
        return []
    ends, rank = place.ends_us, place.rank
    breaks = np.flatnonzero(np.diff(ends[busy]) > max(apart_us, tick_us)) + 1
    found = []
    for run in np.split(busy, breaks):
        last = int(ends[run[-1]])
        if last <= ran_from_us:
            continue
        first = max(int(ends[run[0]]), int(max(ran_from_us, 0)))
        stood = any(
            each.place == place.key and each.opened_us <= first + tick_us and (each.closed_us is None or each.closed_us >= first)
            for each in warnings
        )
        if not stood:
            found.append(Miss(place.key, place.names[int(rank[run].max())], first - tick_us, last))
    return found

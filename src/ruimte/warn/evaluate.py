r"""How good are warnings? Passages into a level that were warned of in time, false alarms, alarms a day, and honest chances.

A *passage* begins where a place is above a level after it was below it for ``apart`` ticks, and ends where it is below for that
long again. An *alarm* is the time over which a warning says that the level, or a higher one, is coming or there. With :math:`s`
the start of a passage:

- it is **hit** with lead :math:`\ell` where an alarm stands at :math:`s` that began at :math:`s - \ell` or before;
- it is **noticed** with lead :math:`\ell` where a warning of any level stands at the place at :math:`s` that began by then;
- it is **missed** where none stands at :math:`s`;
- an alarm is **false** where its level is not passed between its beginning and ``grace`` ticks after its end.

The chances are judged apart: with :math:`p` the chance that was told at :math:`t` of being above the level at :math:`t + h`, and
:math:`o` whether it was, the Brier score is the mean of :math:`(p - o)^2`.

Source: G. W. Brier, Verification of forecasts expressed in terms of probability, Monthly Weather Review 78 (1950).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]

BINS = 10


@dataclass(frozen=True, slots=True)
class Span:
    """Ticks from ``start`` up to, not with, ``end``."""

    start: int
    end: int


@dataclass(slots=True)
class Tally:
    """How one method did at one level; adds up over places and periods.

    ``leads``: of each passage that was hit, by how many ticks; ``noticed``: the same, by a warning of any level; ``days``: how
    long it was looked at.
    """

    passages: int = 0
    leads: list[int] = field(default_factory=list)
    noticed: list[int] = field(default_factory=list)
    missed: int = 0
    alarms: int = 0
    false: int = 0
    days: float = 0.0

    def hits(self, lead: int) -> int:
        """Passages that were warned of so many ticks ahead or more."""
        return sum(each >= lead for each in self.leads)

    def add(self, other: Tally) -> None:
        """Take in another's."""
        self.passages += other.passages
        self.leads += other.leads
        self.noticed += other.noticed
        self.missed += other.missed
        self.alarms += other.alarms
        self.false += other.false
        self.days += other.days


@dataclass(slots=True)
class Chances:
    """Chances beside what came, in ``BINS`` bins of equal width; adds up.

    Each of shape (bins,): ``count``, ``told`` (sum of the chances), ``came`` (how often it was above); ``squares``: sum of
    :math:`(p - o)^2`.
    """

    count: Array = field(default_factory=lambda: np.zeros(BINS))
    told: Array = field(default_factory=lambda: np.zeros(BINS))
    came: Array = field(default_factory=lambda: np.zeros(BINS))
    squares: float = 0.0

    @property
    def brier(self) -> float:
        """The Brier score; NaN where nothing was judged."""
        return float(self.squares / self.count.sum()) if self.count.sum() else float("nan")

    def add(self, other: Chances) -> None:
        """Take in another's."""
        self.count = self.count + other.count
        self.told = self.told + other.told
        self.came = self.came + other.came
        self.squares += other.squares


def passages(above: Bools, apart: int) -> list[Span]:
    """The passages of one place into one level.

    Args:
        above: shape (ticks,), whether it is above the level; what is not known counts as below.
        apart: so many ticks below end a passage, and must come before one: what begins above is no passage.

    >>> passages(np.array([0, 0, 1, 1, 0, 1, 0, 0, 0, 1], dtype=bool), 2)
    [Span(start=2, end=6), Span(start=9, end=10)]
    """
    found: list[Span] = []
    below, start, last = 0, None, 0
    for tick, is_above in enumerate(above.tolist()):
        if is_above:
            if start is None and below >= apart:
                start = tick
            below, last = 0, tick + 1
        else:
            below += 1
            if start is not None and below >= apart:
                found.append(Span(start, last))
                start = None
    if start is not None:
        found.append(Span(start, last))
    return found


def alarm_spans(ranks: Iterable[int], rank: int) -> list[Span]:
    """The alarms of one place for a level: where the rank that is warned of at each tick (-1: none) is that of it or higher.

    >>> alarm_spans([-1, 0, 1, 1, 0, -1, 2], 1)
    [Span(start=2, end=4), Span(start=6, end=7)]
    """
    stands = np.array([False, *(each >= rank for each in ranks), False])
    edges = np.flatnonzero(stands[1:] != stands[:-1]).tolist()
    return [Span(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def tally(above: Bools, ranks: Sequence[int], rank: int, *, apart: int, grace: int, days: float) -> Tally:
    """How the warnings of one place did at one level.

    Args:
        above: shape (ticks,), whether the place was above the level.
        ranks: of every tick, the rank that was warned of when it had ended; -1: none.
        rank: that of the level.
        apart: ticks below that part two passages.
        grace: ticks after its end within which an alarm may still come true.
        days: how long that was.

    >>> above = np.array([0] * 6 + [1] * 3 + [0] * 9, dtype=bool)
    >>> found = tally(above, [-1] * 3 + [0] * 6 + [-1] * 6 + [0] * 3, 0, apart=2, grace=2, days=1.0)
    >>> found.passages, found.leads, found.missed, found.alarms, found.false
    (1, [3], 0, 2, 1)
    """
    spans, any_level = alarm_spans(ranks, rank), alarm_spans(ranks, 0)
    found = Tally(alarms=len(spans), days=days)
    for passage in passages(above, apart):
        found.passages += 1
        for wanted, leads in ((spans, found.leads), (any_level, found.noticed)):
            leads += [passage.start - each.start for each in wanted if each.start <= passage.start < each.end]
    found.missed = found.passages - len(found.leads)
    found.false = sum(not above[each.start : each.end + grace].any() for each in spans)
    return found


def chances(told: Array, came: Bools, known: Bools) -> Chances:
    """Chances beside what came.

    Args:
        told: the chances, any shape; NaN is none.
        came: whether it was above, same shape.
        known: whether that is known, same shape.

    >>> found = chances(np.array([0.05, 0.9, 0.9, np.nan]), np.array([0, 1, 0, 1], dtype=bool), np.ones(4, dtype=bool))
    >>> round(found.brier, 4), found.count[[0, 9]].tolist()
    (0.2742, [1.0, 2.0])
    """
    there = known & ~np.isnan(told)
    p, o = told[there], came[there].astype(np.float64)
    at = np.minimum((p * BINS).astype(np.int64), BINS - 1)
    return Chances(
        np.bincount(at, minlength=BINS).astype(np.float64),
        np.bincount(at, p, minlength=BINS).astype(np.float64),
        np.bincount(at, o, minlength=BINS).astype(np.float64),
        float(np.sum((p - o) ** 2)),
    )

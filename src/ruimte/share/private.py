"""Noise that hides any one person: the mechanisms of differential privacy, drawn by OpenDP.

Two worlds are neighbours when one has a person more, on one day. Δ is by how much that person can change all exact figures of
the day together. With Laplace noise of scale Δ/ε every outcome is at most e^ε times as likely in the one as in the other.
Presence takes noise a cell. Passages take that of a tree of running totals, so that totals stay exact to a few draws however long
the day is: Dwork, Naor, Pitassi and Rothblum, *Differential privacy under continual observation* (2010); Chan, Shi and Song,
*Private and continual release of statistics* (2011).

All figures are whole numbers of units (``GRAIN`` a person), for floating-point noise leaks (Mironov 2012). Rounding may move a
figure by a unit more than the person did, so each counts for one unit more.
"""

from __future__ import annotations

import math
import warnings
from functools import cache
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ruimte.errors import RuimteError

Ints = NDArray[np.int64]

GRAIN = 1000
"""Units a person."""
MICRO = 1_000_000
"""Budgets are kept in millionths of ε, whole numbers: sums of fractions would drift past them."""


class Mechanism(msgspec.Struct, frozen=True, kw_only=True):
    """How noise of a quantity is drawn on one day: fixed when the day is opened, whatever the lab's file says later.

    ``epsilon`` in millionths. ``touches``: cells that a person is in, or places that it passes, at most. ``weight``: by how many
    persons one moves a figure at most. ``branching``: children a node of the tree; 0: no tree, each cell by itself.
    """

    epsilon: int
    touches: int
    weight: float
    branching: int
    step_us: int

    def sensitivity(self, steps: int) -> int:
        """By how many units a person can change all that is drawn for a day of so many steps (the L1 norm)."""
        return self.touches * (math.ceil(self.weight * GRAIN) + 1) * levels(steps, self.branching)

    def scale(self, steps: int) -> float:
        """Of the Laplace noise of each draw, in persons."""
        return _mechanism(self.sensitivity(steps), self.epsilon)[1] / GRAIN

    def draws(self, index: int) -> int:
        """How many draws the noise of a day's step (counted from 0) is made of."""
        if self.branching == 0:
            return 1
        ended, zeros = index + 1, 0
        while ended % self.branching == 0:
            ended, zeros = ended // self.branching, zeros + 1
        return 1 + zeros * (self.branching - 1)


def levels(steps: int, branching: int) -> int:
    """Levels of the tree over so many steps that hold a whole node: so many nodes one passage is counted in.

    >>> levels(96, 2), levels(96, 12), levels(96, 0)
    (7, 2, 1)
    """
    found = 1
    while branching and branching**found <= steps:
        found += 1
    return found


def noise(mechanism: Mechanism, steps: int) -> Ints:
    """Noise of each step of a day at one place, in units, shape (steps,).

    With a tree, the noise of the day's first n steps together is that of the few nodes which cover them.
    """
    sensitivity, epsilon = mechanism.sensitivity(steps), mechanism.epsilon
    branching = mechanism.branching
    if branching == 0:
        return _draw(sensitivity, epsilon, steps)
    ended = np.arange(1, steps + 1)
    total = np.zeros(steps, dtype=np.int64)
    for level in range(levels(steps, branching)):
        nodes = _draw(sensitivity, epsilon, steps // branching**level)
        before = np.concatenate(([0], np.cumsum(nodes)))
        first = ended // branching ** (level + 1) * branching
        total += before[ended // branching**level] - before[first]
    return np.diff(total, prepend=0)


def units(persons: NDArray[np.float64]) -> Ints:
    """Persons as whole units.

    >>> units(np.array([1.2344, -0.0005001])).tolist()
    [1234, -1]
    """
    return np.rint(persons * GRAIN).astype(np.int64)


@cache
def spread(draws: int, chance: float = 0.9) -> float:
    """Within which distance of 0 the sum of so many Laplace draws of scale 1 lies, with this chance.

    Such a sum is the difference of two gamma variables of shape ``draws``, whose tail is a polynomial times e^(−x).

    >>> round(spread(1), 6) == round(math.log(10), 6)
    True
    """
    low, high = 0.0, 60.0 * math.sqrt(draws)
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if _tail(middle, draws) > (1 - chance) / 2 else (low, middle)
    return high


def _tail(x: float, draws: int) -> float:
    """P(sum > x), x > 0: E[P(X > x + Y)] of two gamma variables; in logarithms, for factorials grow."""
    return sum(
        math.exp(
            j * math.log(x)
            - math.lgamma(j + 1)
            + math.lgamma(n + draws)
            - math.lgamma(n + 1)
            - math.lgamma(draws)
            - (n + draws) * math.log(2)
            - x
        )
        for j in range(draws)
        for n in range(draws - j)
    )


def _draw(sensitivity: int, epsilon: int, count: int) -> Ints:
    """Independent discrete Laplace noise, in units."""
    if count == 0:
        return np.zeros(0, dtype=np.int64)
    return np.array(_mechanism(sensitivity, epsilon)[0]([0] * count), dtype=np.int64)


@cache
def _mechanism(sensitivity: int, epsilon: int) -> tuple[Any, float]:
    """OpenDP's mechanism that loses ``epsilon`` (millionths) at most where data differ by ``sensitivity`` units; its scale."""
    dp = _opendp()
    space = dp.vector_domain(dp.atom_domain(T=dp.i64)), dp.l1_distance(T=dp.i64)
    scale = sensitivity / (epsilon / MICRO)
    while True:
        made = dp.m.make_laplace(*space, scale=scale)
        if made.map(sensitivity) <= epsilon / MICRO:
            return made, scale
        scale = math.nextafter(scale, math.inf)


@cache
def _opendp() -> Any:
    """The library; loaded when noise is first drawn, for that takes seconds."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import opendp.prelude as dp
    except ImportError:
        raise RuimteError("noise needs OpenDP", "[privacy]", "pip install 'ruimte[share]'") from None
    dp.enable_features("contrib")
    return dp

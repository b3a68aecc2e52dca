"""Noise held to its word by attack: how well can somebody tell whether a person was there, who knows all else and sees all told?

The likelihood ratio is the best such test there is (Neyman and Pearson). Where noise keeps ε, even it is right no more often than
e^ε / (1 + e^ε), so one that is right more often has found noise that does not.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def bound(epsilon: float) -> float:
    """How often a guess between two equally likely worlds is right at the most, under ε.

    >>> round(bound(1.0), 3), bound(0.0)
    (0.731, 0.5)
    """
    return 1 / (1 + math.exp(-epsilon))


def nodes(told: Array, branching: int) -> Array:
    """The noised nodes of a tree, taken back out of a day's told steps, both (…, steps): each has noise of its own.

    Step n (from 1) ends a node of branching^z steps, z the zeros at the end of n in that base: the running total up to its end
    less that up to its start. ``branching`` 0: there is no tree.
    """
    if branching == 0:
        return told
    totals = np.concatenate([np.zeros_like(told[..., :1]), np.cumsum(told, axis=-1)], axis=-1)
    ends = np.arange(1, told.shape[-1] + 1)
    length = np.ones_like(ends)
    while (longer := ends % (length * branching) == 0).any():
        length = np.where(longer, length * branching, length)
    difference: Array = totals[..., ends] - totals[..., ends - length]
    return difference


def likelier(told: Array, without: Array, with_: Array, scale: float) -> Array:
    """The logarithm of how much likelier what was told is in the world with the person than in that without; (…,).

    All three (…, draws), each draw with Laplace noise of this ``scale`` of its own.
    """
    ratio: Array = (np.abs(told - without) - np.abs(told - with_)).sum(axis=-1) / scale
    return ratio


def right(ratio: Array, was_there: NDArray[np.bool_]) -> float:
    """How often the guess by likelihood is right; where both worlds are as likely, half a guess."""
    return float(np.mean(np.where(ratio == 0, 0.5, (ratio > 0) == was_there)))


def surely_above(share: float, trials: int, chance: float = 1e-9) -> float:
    """What a share found in so many trials shows its probability to be above, but for this chance (Clopper and Pearson 1934).

    >>> round(surely_above(0.5, 100, 0.025), 3)
    0.398
    """
    found = math.floor(share * trials)
    if found == 0:
        return 0.0
    logs = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, trials + 1)))))
    counts = np.arange(found, trials + 1)
    ways = logs[trials] - logs[counts] - logs[trials - counts]
    low, high = 0.0, share
    for _ in range(60):
        middle = (low + high) / 2
        as_many = np.exp(ways + counts * math.log(middle) + (trials - counts) * math.log1p(-middle)).sum()
        low, high = (middle, high) if as_many < chance else (low, middle)
    return low

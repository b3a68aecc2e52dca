"""The standard normal distribution. Compiled."""

from __future__ import annotations

import math

from ruimte.compiled import compiled

_ROOT2 = math.sqrt(2.0)
_ROOT_2PI = math.sqrt(2.0 * math.pi)


@compiled
def density(x: float) -> float:
    """Density at x.

    >>> round(density(0.0), 4)
    0.3989
    """
    return math.exp(-0.5 * x * x) / _ROOT_2PI


@compiled
def below(x: float) -> float:
    """Chance to lie below x, exact in both tails.

    >>> round(below(-1.6448536269514722), 6)
    0.05
    """
    return 0.5 * math.erfc(-x / _ROOT2)

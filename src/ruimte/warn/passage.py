"""When a level will be passed: what the chances of single moments tell of the moment itself."""

from __future__ import annotations

from collections.abc import Iterable

EARLY, LATE = 0.1, 0.9
"""The chances that bound the expected moment."""


def passage(outlook: Iterable[tuple[int, float]]) -> tuple[int | None, int | None]:
    r"""The moments by which the level is passed with a chance of at least 10 % and 90 %; None where that is not reached.

    Of the first moment :math:`T` at which a level is passed, the chances of single moments bound the distribution from below:
    who is above the level at :math:`s \le t` has passed it by :math:`t`, so

    .. math:: P(T \le t) \;\ge\; \max_{s \le t} P(\text{above at } s).

    So the level may be passed sooner than told, never later, as far as the chances are right.

    Args:
        outlook: moments (µs, rising) with the probability of being above the level then.

    >>> passage([(0, 0.02), (300, 0.15), (600, 0.7), (900, 0.95), (1200, 0.4)])
    (300, 900)
    >>> passage([(0, 0.02), (300, 0.15)])
    (300, None)
    """
    earliest = latest = None
    for moment, chance in outlook:
        if earliest is None and chance >= EARLY:
            earliest = moment
        if chance >= LATE:
            return earliest, moment
    return earliest, latest

"""How likely each level is passed, now and at each horizon."""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, sqrt

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Risk:
    """The risk that one level of one place is passed within the look-ahead.

    ``at_us`` is the first moment at which the lab's limit is reached, else the moment of the highest probability; ``horizon`` is
    its index, -1 for now; ``probability`` that of being above the level then, and ``limit`` (in the place's quantity) where the
    level starts then. So all four tell of one moment, and ``probability`` reaches the lab's limit if that of any moment does.
    ``outlook``: every moment with the probability of being above the level then; empty where it is not known. ``surge``: so many
    have just been counted that a warning opens whatever the probability (see ``warn.surge``).
    """

    level: str
    rank: int
    probability: float
    at_us: int
    horizon: int
    limit: float
    outlook: tuple[tuple[int, float], ...] = ()
    surge: bool = False


def above_now(mean: Array, sd: Array, limits: Array) -> Array:
    """P(the place is above a limit now): state ``mean`` and ``sd``, shape (places,), limits (places, levels) → (places, levels).

    A state that is not known is above nothing: that a sensor is silent is shown, not warned of as a crowd.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        deviate = (limits - mean[:, None]) / np.maximum(sd, 1e-9)[:, None]
    chance = [0.5 * erfc(d / sqrt(2)) if d == d else 0.0 for d in deviate.ravel().tolist()]
    return np.array(chance).reshape(limits.shape)


def risks(
    chance: Array, moments_us: NDArray[np.int64], limits: Array, names: list[tuple[str, ...]], open_at: float
) -> list[list[Risk]]:
    """The risks of every place, lowest level first.

    Args:
        chance: P(level passed), shape (places, levels, 1 + horizons); the first is now; NaN is not known.
        moments_us: shape (1 + horizons,).
        limits: shape (places, levels, 1 + horizons).
        names: names of each place's warning levels.
        open_at: the lab's limit.
    """
    known = np.nan_to_num(chance)
    passed = known >= open_at
    first = np.where(passed.any(axis=2), passed.argmax(axis=2), known.argmax(axis=2))
    times = moments_us.tolist()
    return [
        [
            Risk(
                level=name,
                rank=rank,
                probability=float(known[place, rank, first[place, rank]]),
                at_us=int(moments_us[first[place, rank]]),
                horizon=int(first[place, rank]) - 1,
                limit=float(limits[place, rank, first[place, rank]]),
                outlook=tuple(
                    (time, value) for time, value in zip(times, chance[place, rank].tolist(), strict=True) if value == value
                ),
            )
            for rank, name in enumerate(levels)
        ]
        for place, levels in enumerate(names)
    ]

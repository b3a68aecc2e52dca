"""How the forecast did, beside what needs no learning: measured on its own past forecasts, for the page and the register."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

BASELINES: tuple[str, ...] = ("last-week", "amsterdam-profile")
"""Beside what the forecast is shown."""
SHOWN_H: tuple[tuple[float, float], ...] = ((0, 1), (1, 3), (3, 6), (6, 24), (24, 48), (48, 168))
"""Horizons (after, until] that are shown together, hours."""


@dataclass(frozen=True, slots=True)
class Skill:
    """Of one range of horizons: the mean absolute error over the mean of what came (nMAE), that of each baseline on the same
    pairs, the share of what came that lay within the 90 % interval, and how many pairs."""

    from_h: float
    until_h: float
    nmae: float
    baselines: dict[str, float]
    coverage: float
    pairs: int


def skill_of(elapsed_h: Array, actual: Array, median: Array, baselines: Array, inside: Array) -> list[Skill]:
    """Skill by range of horizons.

    Args:
        elapsed_h: horizons, hours, shape (horizons,).
        actual: what came, shape (places, forecasts, horizons); NaN is not known.
        median: what was forecast, same shape.
        baselines: what each of ``BASELINES`` said, shape (baselines, places, forecasts, horizons).
        inside: 1 where what came lay within the 90 % interval, else 0, NaN where there was none.

    Only pairs that all methods serve count; ranges without any are left out.
    """
    found = []
    served = ~np.isnan(actual) & ~np.isnan(median) & ~np.isnan(baselines).any(axis=0)
    for low, high in SHOWN_H:
        within = served & ((elapsed_h > low + 1e-9) & (elapsed_h <= high + 1e-9))
        total = float(actual[within].sum())
        if total <= 0:
            continue
        known = within & ~np.isnan(inside)
        found.append(
            Skill(
                low,
                high,
                float(np.abs(median - actual)[within].sum()) / total,
                {name: float(np.abs(one - actual)[within].sum()) / total for name, one in zip(BASELINES, baselines, strict=True)},
                float(inside[known].mean()) if known.any() else float("nan"),
                int(within.sum()),
            )
        )
    return found

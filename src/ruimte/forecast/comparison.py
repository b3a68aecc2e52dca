"""Methods of forecasting side by side: what each said at the same moments, what came, and how good that was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ruimte.forecast import metrics

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

BUCKETS_H: tuple[tuple[float, float], ...] = ((0, 1), (1, 3), (3, 6), (6, 12), (12, 24), (0, 24), (24, 48), (48, 168))
"""Ranges of horizons (after, until] that are told, hours."""
WHOLE_DAY_H = (0, 24)


@dataclass(slots=True)
class Method:
    """What one method said: ``point`` (forecasts, places, blocks), and ``quantiles`` with one axis of 21 more, where it has
    them.
    """

    point: Array
    quantiles: Array | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What every method said at the same moments, and what came.

    ``origins_us``: moments of issue; ``elapsed_h``: horizons; ``actual``: (forecasts, places, blocks) in persons or persons/h,
    NaN where
    it is not known; ``scale``: of each place, by how much "the same time last week" was off in the year before the first moment.
    """

    places: tuple[str, ...]
    origins_us: Ints
    elapsed_h: Array
    actual: Array
    scale: Array
    methods: dict[str, Method]

    def served(self) -> NDArray[np.bool_]:
        """Pairs of forecast and actual that every method serves, shape of ``actual``."""
        there = ~np.isnan(self.actual)
        for method in self.methods.values():
            there &= ~np.isnan(method.point)
        return there

    def figures(self) -> list[dict[str, Any]]:
        """A row a method and range of horizons, with its figures; on the pairs that all methods serve."""
        served, rows = self.served(), []
        for low, high in BUCKETS_H:
            blocks = (self.elapsed_h > low + 1e-9) & (self.elapsed_h <= high + 1e-9)
            within = served & blocks
            # the whole day is told where there is one
            if not within.any() or ((low, high) == WHOLE_DAY_H and self.elapsed_h[-1] < high):
                continue
            actual = np.where(within, self.actual, np.nan)
            mean = float(np.nanmean(actual))
            for name, method in self.methods.items():
                row: dict[str, Any] = {
                    "method": name,
                    "from_h": low,
                    "until_h": high,
                    "pairs": int(within.sum()),
                    "mae": metrics.mae(actual, method.point),
                    "rmse": metrics.rmse(actual, method.point),
                    "mase": metrics.mase(actual, method.point, self.scale),
                    "nmae": metrics.wape(actual, np.where(within, method.point, np.nan)),
                }
                if method.quantiles is not None:
                    came, told = self.actual[within], method.quantiles[within]
                    row |= {
                        "crps": metrics.crps(came, told) / mean if mean else np.nan,
                        "pinball": metrics.pinball(came, told),
                        "pinball_95": metrics.pinball_at(came, told, 0.95),
                        "pinball_99": metrics.pinball_at(came, told, 0.99),
                        "coverage_80": metrics.coverage(came, told, 0.8),
                        "coverage_90": metrics.coverage(came, told, 0.9),
                    }
                rows.append(row)
        return rows

    def ratio(self, one: str, other: str, low_h: float, high_h: float) -> tuple[float, tuple[float, float]]:
        """Ratio of the absolute errors of two methods over a range of horizons, and its 90 % interval (block bootstrap).

        NaN where the other was never off, or no pair is served by all.
        """
        within = self.served() & (self.elapsed_h > low_h) & (self.elapsed_h <= high_h)
        losses = [np.where(within, np.abs(self.methods[name].point - self.actual), 0.0).sum(axis=(1, 2)) for name in (one, other)]
        if not losses[1].any():
            return np.nan, (np.nan, np.nan)
        return float(losses[0].sum() / losses[1].sum()), metrics.block_bootstrap(*losses)

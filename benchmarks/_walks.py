"""Recorded walking experiments for the kernels of tracks, in metres, with the area they were walked in."""

from __future__ import annotations

import gzip
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from benchmarks._tracks import FOLDER

Array = NDArray[np.float64]

_BOTTLENECK = shapely.Polygon(
    [(-3.5, -2), (3.5, -2), (3.5, 8), (-3.5, 8)],
    [
        [
            (-0.7, -1.1),
            (-0.25, -1.1),
            (-0.25, -0.15),
            (-0.4, 0),
            (-2.8, 0),
            (-2.8, 6.7),
            (-3.05, 6.7),
            (-3.05, -0.3),
            (-0.7, -0.3),
        ],
        [(0.25, -1.1), (0.7, -1.1), (0.7, -0.3), (3.05, -0.3), (3.05, 6.7), (2.8, 6.7), (2.8, 0), (0.4, 0), (0.25, -0.15)],
    ],
)


@dataclass(frozen=True, slots=True)
class Walk:
    """A run: rows of ``person``, ``frame``, ``x``, ``y`` (m) by frame; ``area`` that can be walked on, ``zone`` in its
    middle; frames a second."""

    name: str
    rate_hz: float
    person: NDArray[np.int64]
    frame: NDArray[np.int64]
    x: Array
    y: Array
    area: shapely.Polygon
    zone: shapely.Polygon

    def some(self, rows: int) -> Walk:
        """About so many rows from the busiest frames on."""
        busy = np.argsort(-np.bincount(self.frame), kind="stable")
        first = max(int(np.median(busy[: max(len(busy) // 4, 1)])), int(self.frame.min()))
        begin = min(int(np.searchsorted(self.frame, first)), max(len(self.frame) - rows, 0))
        last = self.frame[min(begin + rows, len(self.frame) - 1)]
        kept = (self.frame >= self.frame[begin]) & (self.frame <= last)
        return Walk(
            self.name,
            self.rate_hz,
            self.person[kept],
            self.frame[kept],
            self.x[kept],
            self.y[kept],
            self.area,
            self.zone,
        )


def walks() -> list[Walk]:
    """A bottleneck, a corridor with people in both ways, and one in one way. Raises ``FileNotFoundError`` without the files."""
    return [
        _read("040_c_56_h-", 25, 1.0, _BOTTLENECK, shapely.box(-0.4, 0.5, 0.4, 1.3)),
        _read("bi_corr_400_b_03", 25, 0.01, None, shapely.box(-1.0, 0.5, 1.0, 2.5)),
        _read("uo-145-180-180", 16, 0.01, None, shapely.box(0.0, -1.0, 1.6, 1.0)),
    ]


def _read(name: str, rate_hz: float, unit_m: float, area: shapely.Polygon | None, zone: shapely.Polygon) -> Walk:
    with gzip.open(FOLDER / f"{name}.txt.gz", "rt") as lines:
        rows = np.loadtxt(lines, comments="#")
    rows = rows[np.lexsort((rows[:, 0], rows[:, 1]))]
    x, y = np.ascontiguousarray(rows[:, 2:4].T) * unit_m
    if area is None:
        area = shapely.box(x.min() - 0.3, y.min() - 0.3, x.max() + 0.3, y.max() + 0.3)
    return Walk(name, rate_hz, rows[:, 0].astype(np.int64), rows[:, 1].astype(np.int64), x, y, area, zone)

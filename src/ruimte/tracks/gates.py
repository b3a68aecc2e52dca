"""Gates as the kernels read them, and how much of one lies in a cell. Compiled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ruimte.compiled import compiled_inner
from ruimte.errors import RuimteError
from ruimte.tracks.convex import within
from ruimte.tracks.voronoi import Room

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Gates:
    """Lines that are crossed, by name. ``line`` (gates, 4): x, y of both ends, in m. Who crosses from left to right, seen from
    the first end to the second, goes forward: along ``forward`` (gates, 2), of length 1."""

    names: tuple[str, ...]
    line: Array

    def __len__(self) -> int:
        return len(self.names)

    @property
    def width_m(self) -> Array:
        """Length of each gate, shape (gates,)."""
        return np.hypot(self.line[:, 2] - self.line[:, 0], self.line[:, 3] - self.line[:, 1])

    @property
    def forward(self) -> Array:
        """Unit vectors of the way that counts as forward, shape (gates, 2)."""
        return np.stack([self.line[:, 3] - self.line[:, 1], self.line[:, 0] - self.line[:, 2]], axis=1) / self.width_m[:, None]


def gates_of(lines: Mapping[str, Sequence[tuple[float, float]]]) -> Gates:
    """Gates from two ends each, in m. Raises ``RuimteError`` where one is no line of two ends apart.

    >>> gates_of({"door": [(0, 0), (0, 2)]}).forward.tolist()
    [[1.0, 0.0]]
    """
    found = np.zeros((len(lines), 4))
    for row, (name, ends) in zip(found, lines.items(), strict=True):
        given = np.asarray(ends, dtype=np.float64)
        if given.shape != (2, 2) or not np.isfinite(given).all() or (given[0] == given[1]).all():
            raise RuimteError("not a line between two places", f"gate {name!r}", "give x and y in metres of two ends")
        row[:] = given.ravel()
    return Gates(tuple(lines), found)


@compiled_inner
def share(line: Array, g: int, px: float, py: float, far: float, room: Room) -> float:
    """Which share (0 to 1) of a gate lies in the last cell, of a person at px, py; ``far``: no corner is further."""
    ax, ay, bx, by = line[g, 0] - px, line[g, 1] - py, line[g, 2] - px, line[g, 3] - py
    if min(ax, bx) > far or max(ax, bx) < -far or min(ay, by) > far or max(ay, by) < -far:
        return 0.0
    total = 0.0
    for piece in range(room.counts[0]):
        low, high = within(room.px, room.py, room.first[piece], room.first[piece + 1], ax, ay, bx, by, 0.0)
        if high > low:
            total += high - low
    return total

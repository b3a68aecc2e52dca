"""The pedestrian fundamental diagram: how fast people walk at a density, and how many pass.

Two published diagrams, never mixed. Weidmann 1993 (Transporttechnik der Fussgänger, ETH Zürich):
v = v0 (1 − exp(−γ (1/ρ − 1/ρ_jam))). SFPE (Handbook of Fire Protection Engineering, Nelson & Mowrer): v = v0 (1 − a ρ), and
0.15 m on each side of a passage is not walked on.

The cell-transmission model (Daganzo 1994, 1995) reads two lines from it: what a zone can send, and what it can receive.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ruimte.compiled import compiled_aside

Array = NDArray[np.float64]

_SHAPE, _FREE, _JAM, _CRITICAL, _CAPACITY = range(5)


@dataclass(frozen=True, slots=True)
class Diagram:
    """Walking speed by density.

    ``free_m_s`` at an empty place; ``jam`` (persons/m²) where nobody moves; ``capacity`` (persons/m/s), the highest flow, at the
    density ``critical``. ``shape`` is γ of Weidmann, 0 for the straight line of SFPE; ``edge_m``: not walked on, each side.
    """

    name: str
    free_m_s: float
    shape: float
    jam: float
    critical: float
    capacity: float
    edge_m: float = 0.0

    def numbers(self) -> Array:
        """What the compiled functions read, shape (5,)."""
        return np.array([self.shape, self.free_m_s, self.jam, self.critical, self.capacity])

    def speed(self, density: Array) -> Array:
        """Walking speed (m/s) at densities (persons/m²), any shape."""
        numbers, given = self.numbers(), np.asarray(density, dtype=np.float64)
        return np.array([speed_at(numbers, each) for each in given.ravel()]).reshape(given.shape)

    def flow(self, density: Array) -> Array:
        """Flow per metre (persons/m/s) at densities (persons/m²)."""
        return np.asarray(density) * self.speed(density)


@compiled_aside
def speed_at(d: Array, density: float) -> float:
    """Walking speed, m/s, of a diagram's numbers at one density."""
    if density <= 0.0:
        return float(d[_FREE])
    if density >= d[_JAM]:
        return 0.0
    if d[_SHAPE] > 0.0:
        return float(d[_FREE] * (1.0 - math.exp(-d[_SHAPE] * (1.0 / density - 1.0 / d[_JAM]))))
    return float(d[_FREE] * (1.0 - density / d[_JAM]))


@compiled_aside
def sending_speed(d: Array, density: float) -> float:
    """At which speed people would go on if nothing were in their way: beyond the critical density, that of full capacity.

    So a crowd that is jammed flows away at capacity once there is room, as in the cell-transmission model.
    """
    if density > d[_CRITICAL]:
        return float(d[_CAPACITY] / density)
    return speed_at(d, density)


@compiled_aside
def receiving_flow(d: Array, density: float) -> float:
    """How many a metre of width can take in a second (persons/m/s): full capacity up to the critical density, then less."""
    return float(d[_CAPACITY]) if density <= d[_CRITICAL] else density * speed_at(d, density)


def _with_capacity(name: str, free: float, shape: float, jam: float, edge: float) -> Diagram:
    """The diagram with its highest flow, found by golden section (the flow has one maximum)."""
    plain = np.array([shape, free, jam, jam, 0.0])
    low, high, golden = 0.0, jam, (math.sqrt(5) - 1) / 2
    while high - low > 1e-12:
        one, other = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, other) if one * speed_at(plain, one) > other * speed_at(plain, other) else (one, high)
    return Diagram(name, free, shape, jam, low, float(low * speed_at(plain, low)), edge)


WEIDMANN = _with_capacity("weidmann", 1.34, 1.913, 5.4, 0.0)
"""1.34 m/s, jam 5.4/m²; capacity 1.2249 persons/m/s at 1.7507/m²."""
SFPE = _with_capacity("sfpe", 1.4, 0.0, 1 / 0.266, 0.15)
"""1.4 m/s, jam 3.759/m²; capacity 1.3158 persons/m/s at 1.880/m²."""
DIAGRAMS = {each.name: each for each in (WEIDMANN, SFPE)}

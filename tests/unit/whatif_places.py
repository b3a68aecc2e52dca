"""Demand for tests of the what-if model."""

from __future__ import annotations

import numpy as np

from ruimte.whatif.kernel import Demand
from ruimte.whatif.network import Network


def steady(net: Network, minutes: int, arrivals: dict[str, float], stay_s: float = 900.0) -> Demand:
    """Arrivals by outer gate (persons/s) who stay in the first zone behind it, and leave by all outer gates alike."""
    zones, exits = len(net.zones), len(net.exits)
    rates = np.array([arrivals.get(key, 0.0) for key in net.outer])
    shares = np.zeros((zones + exits, zones + exits))
    shares[:zones, zones:] = 1 / exits
    shares[zones + np.arange(exits), net.target[net.entrances]] = 1.0
    return Demand(np.tile(rates, (minutes, 1)), np.full((minutes, zones), 1 / stay_s), shares)

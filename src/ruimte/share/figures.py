"""Figures on their way out: a cube of places, steps and quantities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ruimte.share.agreement import Quantity

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Figures:
    """Quantities of places over steps of time ``[start, start + step)``, µs.

    ``value``, ``low`` and ``high`` (5 and 95 %) have the shape (places, steps, quantities) and the units of ``Quantity``; NaN is
    "not known", or, where ``suppressed`` (bool, same shape) says so, "not told". ``issued_us``: when a forecast was made.
    """

    kind: Literal["state", "forecast", "history"]
    lab: str
    places: tuple[str, ...]
    quantities: tuple[Quantity, ...]
    starts_us: NDArray[np.int64]
    step_us: int
    value: Array
    low: Array
    high: Array
    suppressed: NDArray[np.bool_]
    issued_us: int | None = None

"""Ticks put together into steps: means over the whole of each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ruimte.errors import RuimteError
from ruimte.share.figures import Array, Figures
from ruimte.text import duration_text


def in_steps(figures: Figures, step_us: int) -> Figures:
    """Figures of ticks as means over steps (which begin on whole steps since 1970), for steps of which every tick is there.

    A step with a tick that nobody knows, or that is not told, is so itself. Bands are averaged, as if errors went together.
    Raises ``RuimteError`` where a step is not a whole number of ticks.
    """
    if step_us == figures.step_us:
        return figures
    if step_us % figures.step_us:
        what = f"steps of {duration_text(step_us)} are not made of ticks of {duration_text(figures.step_us)}"
        raise RuimteError(what, figures.lab, "choose a multiple")
    per_step = step_us // figures.step_us
    begins, count = np.unique(figures.starts_us // step_us * step_us, return_counts=True)
    starts_us = begins[count == per_step]
    ticks = np.flatnonzero(np.isin(figures.starts_us // step_us * step_us, starts_us))
    ticks = ticks[np.argsort(figures.starts_us[ticks], kind="stable")]

    def laid_out(cube: NDArray[np.generic]) -> Array:
        places, _, quantities = cube.shape
        return cube[:, ticks].reshape(places, len(starts_us), per_step, quantities).astype(np.float64)

    value, low, high = (laid_out(cube).mean(axis=2) for cube in (figures.value, figures.low, figures.high))
    hidden = laid_out(figures.suppressed).max(axis=2, initial=0.0) > 0
    return replace(figures, starts_us=starts_us, step_us=step_us, value=value, low=low, high=high, suppressed=hidden)

"""Which forecast a lab runs live, and how it is fed its past."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ruimte.forecast.forecaster import Forecaster
from ruimte.forecast.learned_forecaster import LearnedForecaster
from ruimte.forecast.model_file import Bundle
from ruimte.forecast.near import NearForecaster, suits_near
from ruimte.forecast.outlook import suits
from ruimte.lab.lab import Lab
from ruimte.model.place import Model

LEARNED = "learned-ratio"

AnyForecaster = Forecaster | LearnedForecaster | NearForecaster


def live_forecaster(lab: Lab, model: Model, horizons: int, bundle: Bundle | None) -> AnyForecaster:
    """The learned forecast where the register has it and it takes the lab's ticks, its next two hours blended where those are
    short; else the profile.
    """
    if bundle is None or LEARNED not in lab.algorithms or not suits(model):
        return Forecaster(model, horizons)
    learned = LearnedForecaster(model, horizons, bundle.hours, bundle.quarters)
    return NearForecaster(model, horizons, learned) if suits_near(model) else learned


def feed_past(
    forecaster: AnyForecaster,
    ticks: NDArray[np.int64],
    values: NDArray[np.float64],
    progress: Callable[[float], None] = lambda share: None,
) -> None:
    """Feed what is known of the past: what is long ago is only recalled, and of the last hours it is asked what it forecast.

    Args:
        ticks: numbers, rising.
        values: of all places, shape (ticks, places).
    """
    if not len(ticks):
        return
    newest = int(ticks[-1])
    observed = newest - forecaster.learns_from_ticks
    near = forecaster if isinstance(forecaster, NearForecaster) else None
    asked = newest if near is None else newest - near.asks_from_ticks
    for number, (tick, known) in enumerate(zip(ticks.tolist(), values, strict=True)):
        if tick <= observed:
            forecaster.recall(tick, known)
        elif near is not None:
            near.observe(tick, known, long_ago=tick <= newest - near.profile_from_ticks)
        else:
            forecaster.observe(tick, known)
        if asked < tick < newest:
            forecaster.issue()
        if number % 256 == 0:
            progress(number / len(ticks))

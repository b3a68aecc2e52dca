"""How good is the forecast? Replay a period, forecast every tick as if it were now, and compare with what came."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ruimte.clock import DAY_US
from ruimte.forecast import metrics
from ruimte.forecast.forecaster import Forecaster
from ruimte.jobs.history import actual as actual_of
from ruimte.jobs.reasons import scale_of
from ruimte.lab.compile import compile_lab
from ruimte.lab.lab import Lab
from ruimte.model.forecast import LEVELS, MEDIAN
from ruimte.model.place import Model
from ruimte.store.sqlite import Reader
from ruimte.text import duration_us

Array = NDArray[np.float64]

COVERAGE = 0.8


@dataclass(frozen=True, slots=True)
class Skill:
    """Skill at one horizon over all places and ticks, beside "same time last week"; MAE and pinball in the places' unit."""

    horizon_us: int
    pairs: int
    mae: float
    wape: float
    pinball: float
    coverage: float
    mae_last_week: float
    wape_last_week: float


def evaluate(
    lab: Lab,
    source: Reader,
    from_us: int,
    until_us: int,
    horizons: list[int],
    progress: Callable[[float], None] = lambda share: None,
) -> list[Skill]:
    """Skill of the baseline, without its knowledge of the calendar, for ticks in ``[from_us, until_us)``.

    Args:
        lab: the lab; its places must share one unit.
        source: a database that holds the period and the ten weeks or more before it.
        from_us: first moment at which a forecast is issued.
        until_us: end.
        horizons: in ticks, from 1 on, each at most the lab's own horizon.
        progress: told the share that is done.

    The forecast learns only from what was known at the time. A place whose state is not known (a dead sensor) is left out. Of a
    count point the truth is what was counted; of a zone it is the estimate, for lack of another.
    """
    model = replace(compile_lab(lab, source.stream_ids()), occasions=())
    ahead = max(1, duration_us(lab.file.forecast.horizon) // model.tick_us)
    forecaster = Forecaster(model, ahead)
    first = from_us - forecaster.needs_ticks * model.tick_us
    found = actual_of(model, source, first, until_us)
    actual, begin = found.values, found.first
    scale = np.array([scale_of(place)[0] for place in model.places])
    start = int(model.tick_of(from_us)) - begin
    issued = np.full((actual.shape[1] - start, len(model.places), len(horizons), len(LEVELS)), np.nan)
    for index in range(actual.shape[1]):
        forecaster.observe(begin + index, actual[:, index])
        if index >= start and (forecast := forecaster.issue()) is not None:
            issued[index - start] = forecast.quantiles[:, np.array(horizons) - 1]
        if index % 64 == 0:
            progress(index / actual.shape[1])
    return [
        _skill(model, actual * scale[:, None], issued[:, :, row] * scale[None, :, None], start, horizon)
        for row, horizon in enumerate(horizons)
    ]


def _skill(model: Model, actual: Array, quantiles: Array, start: int, horizon: int) -> Skill:
    """Of the forecasts issued from column ``start`` on; only pairs that both methods can serve."""
    count = actual.shape[1] - start - horizon
    came = actual[:, start + horizon :].T
    week = 7 * DAY_US // model.tick_us
    last_week = actual[:, start + horizon - week : actual.shape[1] - week].T
    quantiles = quantiles[:count]
    served = ~np.isnan(came) & ~np.isnan(last_week) & ~np.isnan(quantiles[..., MEDIAN])
    came, last_week, quantiles = came[served], last_week[served], quantiles[served]
    return Skill(
        horizon_us=horizon * model.tick_us,
        pairs=len(came),
        mae=metrics.mae(came, quantiles[:, MEDIAN]),
        wape=metrics.wape(came, quantiles[:, MEDIAN]),
        pinball=metrics.pinball(came, quantiles),
        coverage=metrics.coverage(came, quantiles, COVERAGE),
        mae_last_week=metrics.mae(came, last_week),
        wape_last_week=metrics.wape(came, last_week),
    )

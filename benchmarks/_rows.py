"""What the truths of the estimate's benchmark share: observations as a table and as a grid, and how near an estimate comes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ruimte.model.observation import OBSERVATIONS
from ruimte.model.place import Model

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

WIDE = 1.6448536269514722
"""Half the width of a normal's 90 % interval, in standard deviations."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """People inside per tick and zone, mean and standard deviation, each of shape (ticks, zones)."""

    mean: Array
    sd: Array


@dataclass(frozen=True, slots=True)
class Score:
    """How near an estimate comes: root mean square and mean error (persons), share of the truth inside the 90 % interval."""

    rmse: float
    bias: float
    coverage: float


def table(streams: Ints, ends_us: Ints, intervals_us: Ints, received_us: Ints, results: Array) -> pa.Table:
    """Observations (one array a column, all of shape (rows,)) in the order in which they come in."""
    order = np.lexsort((streams, ends_us, received_us))
    columns = [streams, ends_us - intervals_us, ends_us, received_us, results.astype(np.float64), np.zeros(len(order), np.int32)]
    return pa.table([pa.array(column[order]) for column in columns], schema=OBSERVATIONS)


def grid(model: Model, observations: pa.Table, ids: list[int], start_us: int, ticks: int) -> Array:
    """Results by tick (from ``start_us`` on) and datastream, shape (ticks, len(ids)); NaN where there is no row.

    It knows all rows, also those that came late. A row stands in the tick in which it ends.
    """
    streams = observations["datastream"].to_numpy()
    tick = (observations["end_us"].to_numpy() - start_us - 1) // model.tick_us
    column = np.full(int(max([*ids, streams.max(initial=0)])) + 1, -1)
    column[ids] = np.arange(len(ids))
    kept = (column[streams] >= 0) & (tick >= 0) & (tick < ticks)
    values = np.full((ticks, len(ids)), np.nan)
    values[tick[kept], column[streams[kept]]] = observations["result"].to_numpy()[kept]
    return values


def score(truth: NDArray[np.generic], estimate: Estimate, where: NDArray[np.bool_] | None = None) -> Score:
    """Score of an estimate against the truth, both (ticks, zones); ``where`` (same shape) leaves out the rest.

    The 90 % interval is the normal's, cut off at 0.
    """
    error = estimate.mean - truth
    inside = np.abs(error) <= WIDE * estimate.sd
    if where is not None:
        error, inside = error[where], inside[where]
    return Score(float(np.sqrt(np.mean(error**2))), float(np.mean(error)), float(np.mean(inside)))

"""The past of a lab's places as a forecast knows it: what was counted at every tick, through the estimate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ruimte.clock import DAY_US, SECOND_US
from ruimte.errors import RuimteError
from ruimte.estimate import advance
from ruimte.forecast.blocks import Blocks
from ruimte.forecast.learn import City
from ruimte.forecast.outlook import suits
from ruimte.forecast.past import DAY_H
from ruimte.model.place import Model
from ruimte.store import observations
from ruimte.store.sqlite import Reader, Store

Array = NDArray[np.float64]
LONGEST_US = 7 * DAY_US
"""So far ahead a forecast looks at most."""
_CHUNK_US = 28 * DAY_US


@dataclass(frozen=True, slots=True)
class Actual:
    """What came, in the places' own quantity: shape (places, ticks), NaN where it is not known, from tick number ``first`` on.

    ``state``: the estimator's, at the end.
    """

    values: Array
    first: int
    state: bytes | None = None

    @property
    def last(self) -> int:
        """Number of the last tick."""
        return int(self.first + self.values.shape[1] - 1)


def actual(
    model: Model, source: Reader | Store, from_us: int, until_us: int, progress: Callable[[float], None] = lambda share: None
) -> Actual:
    """What came in ``[from_us, until_us)``. Of a count point it is what was counted; of a zone the estimate, for lack of another.

    A tick that no sensor saw, or that no believed one did (stuck, lying), is not known.
    """
    state: bytes | None = None
    parts: list[pa.Table] = []
    observed: list[pa.Table] = []
    for begin in range(from_us, until_us, _CHUNK_US):
        end = min(begin + _CHUNK_US, until_us)
        rows = source.read(lambda c, b=begin, e=end: observations.received(c, b, e))  # type: ignore[misc]
        state, states = advance(model, state, rows, end)
        parts.append(states.select(["place", "end_us", "mean", "observed"]))
        observed.append(rows)
        progress((end - from_us) / (until_us - from_us))
    states = pa.concat_tables(parts) if parts else pa.table({})
    if not states.num_rows:
        return Actual(np.full((len(model.places), 0), np.nan), 0, state)
    ticks = model.tick_of_end(states["end_us"].to_numpy())
    first = int(ticks.min())
    values = np.full((len(model.places), int(ticks.max()) - first + 1), np.nan)
    # a later row of the same place and tick revises the earlier
    known = states["observed"].to_numpy() > 0
    values[states["place"].to_numpy(), ticks - first] = np.where(known, states["mean"].to_numpy(), np.nan)
    flows = counted(model, pa.concat_tables(observed), first, values.shape[1])
    for index, place in enumerate(model.places):
        if place.quantity == "flow":
            mine = [link for link, each in enumerate(model.links) if each.point == index]
            total = np.where(np.isnan(flows[mine]).all(axis=0), np.nan, np.nansum(flows[mine], axis=0))
            values[index] = np.where(np.isnan(values[index]), np.nan, total)
    return Actual(values, first, state)


def require_ticks(model: Model) -> None:
    """Raise ``RuimteError`` where the learned forecast cannot take the lab's ticks."""
    if not suits(model):
        what = "the learned forecast takes ticks that an hour is made of"
        raise RuimteError(what, "lab.toml: ticks.length", "use 1m, 5m, 10m, 15m, 30m or 1h")


def require_horizon(model: Model, horizon_us: int) -> None:
    """Raise ``RuimteError`` where the learned forecast does not look so far ahead, or not even one tick."""
    if not model.tick_us <= horizon_us <= LONGEST_US:
        raise RuimteError("a forecast goes from one tick to seven days ahead", "--horizon", "choose 15m, 3h, 24h, 7d …")


def city_of(model: Model, found: Actual, per_day: int) -> City:
    """The same as whole local days of hours (24) or quarters of an hour (96), to learn from."""
    blocks = Blocks(model, per_day)
    last = found.last
    # the last tick that ends a local day: a change of clocks moves it
    while blocks.wall_end_h(last) % DAY_H and last > found.first:
        last -= 1
    past = blocks.past(found.values[:, : last - found.first + 1], last, whole=True)
    count = past.values.shape[1] // per_day * per_day
    first_h = round(past.end_h) - count * DAY_H // per_day
    return City(past.values[:, past.values.shape[1] - count :], first_h, blocks.days_from(first_h // DAY_H, last))


def counted(model: Model, rows: pa.Table, first: int, ticks: int) -> Array:
    """Persons/s counted on every link and tick, shape (links, ticks), tick number ``first`` first; NaN where nothing was counted.

    Of an observation that was revised, the latest counts.
    """
    stream, start, end = (rows[name].to_numpy() for name in ("datastream", "start_us", "end_us"))
    order = np.lexsort((np.arange(rows.num_rows), end, start, stream))
    keys = np.stack([stream, start, end])[:, order]
    latest = order[np.append((np.diff(keys, axis=1) != 0).any(axis=0), True)[: rows.num_rows]]
    result, column = rows["result"].to_numpy()[latest], model.tick_of_end(end[latest]) - first
    there = (column >= 0) & (column < ticks) & ~np.isnan(result)
    totals, heard = np.zeros((len(model.links), ticks)), np.zeros((len(model.links), ticks), dtype=bool)
    for one in model.streams:
        mine = there & (stream[latest] == one.id)
        np.add.at(totals[one.link], column[mine], result[mine])
        heard[one.link, column[mine]] = True
    return np.where(heard, totals / (model.tick_us / SECOND_US), np.nan)

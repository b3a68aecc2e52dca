"""The reorder buffer: which rows count, in which tick, and what the filters get of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ruimte.clock import DAY_US
from ruimte.estimate.layout import Layout, kept
from ruimte.estimate.memory import ROWS, Memory, Rows
from ruimte.estimate.state import Inputs
from ruimte.model.observation import Flag
from ruimte.model.place import Model

LEAST_SD = 1.0
"""Nobody who counts a crowd is surer than this, persons."""
_NOT_COUNTED = Flag.DOUBTFUL | Flag.TOMBSTONE


def take(memory: Memory, model: Model, layout: Layout, observations: pa.Table) -> None:
    """Put rows into the buffer, in order of receipt, without those that can't count: unknown, invalid, too late, of the
    future."""
    if observations.num_rows == 0:
        return
    new = {name: observations[name].to_numpy() for name in ROWS}
    order = np.argsort(new["received_us"], kind="stable")
    new = {name: column[order] for name, column in new.items()}
    ids, from_us, until_us, instant = _register(model)
    number = np.minimum(np.searchsorted(ids, new["datastream"]), len(ids) - 1) if len(ids) else np.zeros(len(order), np.int64)
    tick_end = model.phase_us + (_ticks(model, new) + 1) * model.tick_us
    good = np.zeros(len(order), dtype=bool)
    if len(ids):
        good = (
            (ids[number] == new["datastream"])
            & (new["start_us"] >= from_us[number])
            & (new["start_us"] < until_us[number])
            & (new["received_us"] <= tick_end + model.lateness_us)
            & (new["end_us"] <= new["received_us"] + model.tick_us)
            & (new["end_us"] > new["start_us"] - instant[number])
        )
    if not good.any():
        return
    if memory.settled is None:
        first = int(np.flatnonzero(good)[0])
        memory.settled = int(_ticks(model, new)[first]) - 1
    good &= new["end_us"] > model.tick_end_us(memory.settled)
    memory.rows = {name: np.concatenate([memory.rows[name], new[name][good]]) for name in ROWS}


def forget(memory: Memory, model: Model, settled: int) -> None:
    """Tick ``settled`` and all before it can no longer change."""
    keep = memory.rows["end_us"] > model.tick_end_us(settled)
    memory.rows = {name: column[keep] for name, column in memory.rows.items()}
    memory.settled = settled


def inputs(memory: Memory, model: Model, layout: Layout, last: int) -> tuple[Inputs, NDArray[np.int64]]:
    """What the filters get of every tick after the settled one up to ``last``, and up to when each datastream was heard.

    The second has shape (ticks, streams + readings + reports), µs, -1 where nothing ended in that tick.
    """
    assert memory.settled is not None
    first = memory.settled + 1
    ticks, streams, readings = max(0, last - first + 1), len(layout.streams), len(layout.readings)
    rows = current(memory.rows)
    tick = _ticks(model, rows) - first
    inside = (tick >= 0) & (tick < ticks)
    rows, tick = {name: column[inside] for name, column in rows.items()}, tick[inside]
    heard = np.full((ticks, streams + readings + len(layout.reports)), -1, dtype=np.int64)

    which = _positions(layout.streams.id, rows["datastream"])
    of = np.flatnonzero(which >= 0)
    cell = tick[of] * streams + which[of]
    share = (rows["end_us"][of] - rows["start_us"][of]) / model.tick_us
    count = np.bincount(cell, rows["result"][of], ticks * streams).reshape(ticks, streams).astype(np.float64)
    covered = np.minimum(np.bincount(cell, share, ticks * streams), 1.0).reshape(ticks, streams)
    np.maximum.at(heard, (tick[of], which[of]), rows["end_us"][of])

    told, left = np.full((ticks, readings), np.nan), np.zeros((ticks, readings))
    which = _positions(layout.readings.id, rows["datastream"])
    of = np.flatnonzero(which >= 0)
    of = of[np.argsort(rows["end_us"][of], kind="stable")]  # the newest in a tick is the last that is written
    told[tick[of], which[of]] = rows["result"][of]
    sd = _errors(layout, rows, tick, of, which, (ticks, readings))
    ends = model.phase_us + (first + tick[of] + 1) * model.tick_us
    left[tick[of], which[of]] = (ends - rows["end_us"][of]) / model.tick_us
    np.maximum.at(heard, (tick[of], streams + which[of]), rows["end_us"][of])

    which = _positions(layout.reports.id, rows["datastream"])
    of = np.flatnonzero(which >= 0)
    np.maximum.at(heard, (tick[of], streams + readings + which[of]), rows["end_us"][of])

    given = Inputs(
        first=first,
        count=count,
        covered=covered,
        stream_valid=_valid(layout.streams.id, model, first, ticks),
        reading=told,
        reading_left=left,
        reading_sd=sd,
        reading_valid=_valid(layout.readings.id, model, first, ticks),
        **_calendar(model, layout, first, ticks),
        **_facts(model, layout, first, ticks, _told(layout, rows, tick)),
    )
    return given, heard


def current(rows: Rows) -> Rows:
    """Of each (datastream, start, end) the row that was received last, unless it withdraws, is doubtful or holds no number."""
    count = len(rows["datastream"])
    order = np.lexsort((np.arange(count), rows["end_us"], rows["start_us"], rows["datastream"]))
    last = np.ones(count, dtype=bool)
    if count > 1:
        keys = [rows[name][order] for name in ("datastream", "start_us", "end_us")]
        last[:-1] = np.any([np.diff(key) != 0 for key in keys], axis=0)
    chosen = order[last]
    chosen = chosen[(rows["flags"][chosen] & int(_NOT_COUNTED) == 0) & ~np.isnan(rows["result"][chosen])]
    return {name: column[chosen] for name, column in rows.items()}


def _calendar(model: Model, layout: Layout, first: int, ticks: int) -> dict[str, NDArray[Any]]:
    """The local half-hour and kind of day of every tick, which zones it empties, and what is known from elsewhere."""
    ends = model.tick_end_us(first) + model.tick_us * np.arange(ticks, dtype=np.int64)
    local_start = ends - model.tick_us + model.utc_offset_us(ends - model.tick_us)
    local_end = ends + model.utc_offset_us(ends)
    weekday = (local_start // DAY_US + 3) % 7
    moments = [model.places[z].empty_at_us for z in layout.zones.place.tolist()]
    moment = np.array([-1 if m is None else m for m in moments], dtype=np.int64)
    # whether the wall's clock passes that time of day, also where it leaps over it
    since = (local_end[:, None] - moment) % DAY_US
    empty = (since < (local_end - local_start)[:, None]) & (moment >= 0)
    return {
        "slot": local_start % DAY_US // (DAY_US // layout.day_bins),
        "kind": np.where(weekday < 5, 0, weekday - 4),
        "empty": empty,
    }


def _errors(
    layout: Layout, rows: Rows, tick: NDArray[np.int64], of: NDArray[np.int64], which: NDArray[np.int64], shape: tuple[int, int]
) -> NDArray[np.float64]:
    """How far each tick's newest reading is off, where that was told of the same moment; NaN elsewhere, shape (ticks, readings).

    ``of``: the rows of readings in order of time, ``which`` reading each row is of.
    """
    sd = np.full(shape, np.nan)
    sure = _positions(layout.readings.sd_id, rows["datastream"])
    told = {(int(sure[i]), int(rows["end_us"][i])): float(rows["result"][i]) for i in np.flatnonzero(sure >= 0).tolist()}
    if told:
        newest = {(int(tick[i]), int(which[i])): (int(which[i]), int(rows["end_us"][i])) for i in of.tolist()}
        for cell, key in newest.items():
            sd[cell] = told.get(key, np.nan)
    return sd


_Fact = tuple[int, int, float, float]
"""Tick (counted from the first), zone (a number in the layout), people, sd."""


def _told(layout: Layout, rows: Rows, tick: NDArray[np.int64]) -> list[_Fact]:
    """What people reported: each figure as sure as who told it was, else as usual."""
    sure = _positions(layout.reports.sd_id, rows["datastream"])
    told_with = {
        (int(sure[i]), int(rows["start_us"][i]), int(rows["end_us"][i])): float(rows["result"][i])
        for i in np.flatnonzero(sure >= 0).tolist()
    }
    which = _positions(layout.reports.id, rows["datastream"])
    found = []
    for i in np.flatnonzero(which >= 0).tolist():
        report, people = layout.reports[which[i]], float(rows["result"][i])
        key = (int(which[i]), int(rows["start_us"][i]), int(rows["end_us"][i]))
        found.append((int(tick[i]), int(report.zone), people, max(told_with.get(key, report.accuracy * people), LEAST_SD)))
    return found


def _facts(model: Model, layout: Layout, first: int, ticks: int, told: list[_Fact]) -> dict[str, NDArray[Any]]:
    """What is known from elsewhere: from the calendar, and from people who were there."""
    known = [
        (model.tick_of(fact.at_us - 1) - first, zone, people, sd)
        for fact in model.facts
        for zone, people, sd in _shares(model, layout, fact)
    ]
    facts = [fact for fact in sorted(known + told) if 0 <= fact[0] < ticks]
    return {
        "fact_tick": np.array([fact[0] for fact in facts], dtype=np.int64),
        "fact_zone": np.array([fact[1] for fact in facts], dtype=np.int64),
        "fact_people": np.array([fact[2] for fact in facts], dtype=np.float64),
        "fact_sd": np.array([fact[3] for fact in facts], dtype=np.float64),
    }


def _shares(model: Model, layout: Layout, fact: Any) -> list[tuple[int, float, float]]:
    """A fact about zones together, split over them by their area: (number in the layout, people, sd)."""
    number = {int(place): zone for zone, place in enumerate(layout.zones.place)}
    areas = [model.places[place].area_m2 or 1.0 for place in fact.places]
    return [
        (number[place], fact.people * area / sum(areas), max(1.0, fact.sd * (area / sum(areas)) ** 0.5))
        for place, area in zip(fact.places, areas, strict=True)
    ]


@kept
def _register(model: Model) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Ids of all datastreams, rising; from and until when the register lets each count; whether it may tell of an instant."""
    every = sorted(
        [(s.id, s.valid_from_us, s.valid_until_us, False) for s in model.streams]
        + [(id_, r.valid_from_us, r.valid_until_us, True) for r in model.readings for id_ in (r.id, r.sd_id) if id_ is not None]
        + [(id_, r.valid_from_us, r.valid_until_us, True) for r in model.reports for id_ in (r.id, r.sd_id)]
    )
    table = np.array([row[:3] for row in every], dtype=np.int64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2], np.array([row[3] for row in every], dtype=bool)


def _valid(ids: NDArray[np.int64], model: Model, first: int, ticks: int) -> NDArray[np.bool_]:
    """Whether the register lets each datastream count in some part of each tick, shape (ticks, datastreams)."""
    known, from_us, until_us, _ = _register(model)
    at = np.searchsorted(known, ids)
    ends = model.tick_end_us(first) + model.tick_us * np.arange(ticks, dtype=np.int64)[:, None]
    return np.asarray((ends > from_us[at]) & (ends - model.tick_us < until_us[at]))


def _positions(ids: NDArray[np.int64], of: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each of ``of`` stands in ``ids``; -1 where it does not."""
    if not len(ids):
        return np.full(len(of), -1, dtype=np.int64)
    order = np.argsort(ids)
    at = order[np.minimum(np.searchsorted(ids[order], of), len(ids) - 1)]
    return np.where(ids[at] == of, at, -1)


def _ticks(model: Model, rows: Rows) -> NDArray[np.int64]:
    """The tick in which each row counts: the one in which its interval ends, for only then was it all seen."""
    return np.asarray((rows["end_us"] - 1 - model.phase_us) // model.tick_us)

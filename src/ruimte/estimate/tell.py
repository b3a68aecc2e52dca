"""From what the filters know to what is told of every place: the rows of ``STATES``."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ruimte.clock import SECOND_US
from ruimte.estimate.layout import kept, layout_of
from ruimte.estimate.quantiles import DEVIATES, censor_all, of_flow
from ruimte.estimate.sensors import UNREGISTERED, USED
from ruimte.estimate.state import Inputs, Outputs
from ruimte.model.place import Model
from ruimte.model.state import STATES, VALUE_COLUMNS

WIDEST = 0.5
"""An interval wider than this share of what a zone can hold says nothing: then the answer is "not known", not a number."""
_INTERVAL = DEVIATES[-1] - DEVIATES[0]
"""Width of the 90 % interval of a normal, in standard deviations."""

Array = NDArray[np.float64]
Ints = NDArray[np.int64]


class Index(NamedTuple):
    """What tells of which place, as pairs of numbers in the layout and indices in the model.

    ``into`` and ``out_of``: links and the places whose in- and outflow they are; ``passing``: links and count points;
    ``telling``: datastreams (streams, then readings) and places, by place and id; ``heard``: the same with what people report,
    of which there is no verdict. ``points``: the count points; ``told``: the zones (numbers) of which anything tells at all.
    """

    into: Ints
    out_of: Ints
    passing: Ints
    telling: Ints
    heard: Ints
    points: Ints
    told: NDArray[np.bool_]


@kept
def index_of(model: Model) -> Index:
    """The index of a model."""
    layout = layout_of(model)
    into: list[tuple[int, int]] = []
    out_of: list[tuple[int, int]] = []
    passing: list[tuple[int, int]] = []
    both_ways = {link.point for link in model.links if link.point >= 0 and link.way != "both"}
    for number, link in enumerate(model.links[i] for i in layout.links.model.tolist()):
        if link.point >= 0:
            if link.way != "both" or link.point not in both_ways:  # who is counted by direction is not counted again
                passing.append((number, link.point))
            if link.way != "both":
                (into if link.way == "in" else out_of).append((number, link.point))
        if link.target >= 0:
            into.append((number, link.target))
        if link.source >= 0:
            out_of.append((number, link.source))
    places_of = {stream.id: model.links[stream.link].places for stream in model.streams}
    places_of |= {reading.id: (reading.place,) for reading in model.readings}
    ids = np.concatenate([layout.streams.id, layout.readings.id]).tolist()
    telling = sorted((place, id_, number) for number, id_ in enumerate(ids) for place in places_of[id_])
    reported = [(len(ids) + number, int(layout.zones.place[zone])) for number, zone in enumerate(layout.reports.zone.tolist())]
    watched = {place for place, _, _ in telling} | {place for _, place in reported}
    return Index(
        _pairs(into),
        _pairs(out_of),
        _pairs(passing),
        _pairs([(number, place) for place, _, number in telling]),
        _pairs([(number, place) for place, _, number in telling] + reported),
        np.flatnonzero([place.quantity == "flow" for place in model.places]),
        np.array([zone in watched for zone in layout.zones.place.tolist()], dtype=bool),
    )


def _pairs(of: list[tuple[int, int]]) -> Ints:
    """Pairs as two rows."""
    return np.array(of, dtype=np.int64).reshape(-1, 2).T


def values(model: Model, given: Inputs, out: Outputs) -> Array:
    """The values of ``VALUE_COLUMNS``, shape (ticks, places, columns)."""
    layout, index = layout_of(model), index_of(model)
    ticks, places, seconds = len(given.slot), len(model.places), model.tick_us / SECOND_US
    told = np.full((ticks, places, len(VALUE_COLUMNS)), np.nan)
    for pairs, column in ((index.into, 7), (index.out_of, 9)):
        told[:, :, column] = _sums(out.flow, pairs, places) / seconds
        told[:, :, column + 1] = np.sqrt(_sums(out.flow_var, pairs, places)) / seconds
    mean, variance = (_sums(of, index.passing, places)[:, index.points] for of in (out.flow, out.flow_var))
    told[:, index.points, :7] = of_flow(mean, variance) / seconds
    people = np.empty((out.people.size, 7))
    censor_all(out.people.ravel(), out.people_var.ravel(), out.people_most.ravel(), people)
    by_tick = people.reshape(ticks, len(layout.zones), 7)
    by_tick[(_INTERVAL * np.sqrt(out.people_var) > WIDEST * layout.zones.most) | ~index.told] = np.nan
    told[:, layout.zones.place, :7] = by_tick
    told[:, :, 11] = _observed(given, out, index, places)
    return told


def _sums(of: Array, pairs: Ints, places: int) -> Array:
    """Sum over the links of each place, shape (ticks, places); NaN where there is none."""
    total = np.full((places, len(of)), np.nan)
    total[pairs[1]] = 0.0
    np.add.at(total, pairs[1], of.T[pairs[0]])
    return total.T


def _observed(given: Inputs, out: Outputs, index: Index, places: int) -> Array:
    """Share of each place's datastreams that was heard and believed, shape (ticks, places)."""
    verdicts = np.concatenate([out.stream, out.reading], axis=1)
    share = np.concatenate([np.minimum(given.covered, 1.0), np.ones(out.reading.shape)], axis=1)
    asked = _counts((verdicts != UNREGISTERED).astype(np.float64), index.telling, places)
    seen = _counts(np.where(verdicts == USED, share, 0.0), index.telling, places)
    return np.where(asked > 0, seen / np.maximum(asked, 1.0), 0.0)


def _counts(of: Array, pairs: Ints, places: int) -> Array:
    total = np.zeros((places, len(of)))
    np.add.at(total, pairs[1], of.T[pairs[0]])
    return total.T


def age(model: Model, first: int, heard_us: Ints) -> Ints:
    """Time from the newest observation of each place to the end of each tick, shape (ticks, places), µs; -1: never.

    ``heard_us`` (ticks, streams + readings + reports): up to when each datastream was heard at the end of each tick from
    ``first`` on.
    """
    pairs = index_of(model).heard
    newest = np.full((len(model.places), len(heard_us)), -1, dtype=np.int64)
    np.maximum.at(newest, pairs[1], heard_us.T[pairs[0]])
    ends = model.tick_end_us(first) + model.tick_us * np.arange(len(heard_us), dtype=np.int64)
    return np.where(newest < 0, -1, ends - newest).T


def table(model: Model, first: int, new: list[int], told: Array, ages: Ints, verdicts: NDArray[np.int8]) -> pa.Table:
    """The ticks ``new`` (counted from ``first``) as rows of ``STATES``, by tick and place."""
    if not new:
        return STATES.empty_table()
    places = len(model.places)
    ends = np.repeat(model.tick_end_us(first) + model.tick_us * np.array(new, dtype=np.int64), places)
    columns = {
        "place": np.tile(np.arange(places, dtype=np.int32), len(new)),
        "start_us": ends - model.tick_us,
        "end_us": ends,
        "age_us": ages[new].ravel(),
        "left_out": _left_out(model, verdicts[new]),
    }
    columns |= {name: told[new, :, index].ravel() for index, name in enumerate(VALUE_COLUMNS)}
    return pa.table([columns[name] for name in STATES.names], schema=STATES)


def _left_out(model: Model, verdicts: NDArray[np.int8]) -> pa.Array:
    """Of every tick and place the datastreams on which its state does not rest, though the register would let it."""
    layout, (number, place) = layout_of(model), index_of(model).telling
    ids = np.concatenate([layout.streams.id, layout.readings.id])
    tick, pair = np.nonzero((verdicts > USED)[:, number])
    cell = tick * len(model.places) + place[pair]
    ends = np.cumsum(np.bincount(cell, minlength=len(verdicts) * len(model.places)))
    offsets = np.concatenate([[0], ends]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(ids[number[pair]], pa.int64()))

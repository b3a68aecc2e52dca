"""The seam: all places of a shard in, new state and estimates out.

``advance`` is a pure function. Its state holds the filters as they stood at the last *settled* tick (one for which no row can
come any more), the rows of the ticks after that, and what was last said of those ticks. A late row within the lab's limit
re-opens the ticks it belongs to, and the changed estimates come out again as revisions.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, fields
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ruimte.clock import DAY_US, SECOND_US
from ruimte.errors import RuimteError
from ruimte.estimate import balance, rate
from ruimte.model.observation import OBSERVATIONS, Flag
from ruimte.model.place import Model
from ruimte.model.state import STATES, VALUE_COLUMNS

ALGORITHMS = {"rate-filter": "1", "counting-line-balance": "1"}
JAM_DENSITY_PER_M2 = 5.4
"""Persons/m² at which nobody moves (Weidmann 1993): a zone holds no more."""
VERSION = 1
"""Version of the state's bytes."""

Array = NDArray[np.float64]
_ROWS = tuple(OBSERVATIONS.names)
_NOT_COUNTED = Flag.DOUBTFUL | Flag.TOMBSTONE


def advance(model: Model, state: bytes | None, observations: pa.Table, until_us: int) -> tuple[bytes, pa.Table]:
    """Take in observations and estimate every tick that ends at or before ``until_us``.

    Args:
        model: the compiled lab.
        state: what the last call gave, or None to begin. A lab whose ticks have changed begins afresh.
        observations: rows (schema ``OBSERVATIONS``) in order of receipt, each with ``received_us`` in (the last ``until_us``,
            this one]. A row counts in the tick in which its interval ends. Rows of datastreams that the model does not know, too
            late ones, and ones from the future are left out.
        until_us: the moment up to which to tell; may lie beyond the last row, so that silence widens the intervals.

    Returns:
        The new state (versioned bytes), and the estimates (schema ``STATES``): new ticks, and earlier ticks that changed. The
        final state and the latest revisions do not depend on how the rows were split over calls.

    Raises:
        RuimteError: the state was made by a newer version.
    """
    shape = _Shape.of(model)
    memory = _Memory.load(state, shape) if state is not None else _Memory.new(shape)
    memory.take(shape, observations)
    if memory.settled is None:
        return memory.dump(shape), STATES.empty_table()

    rows = memory.current_rows(shape)
    filters = memory.filters
    last = model.tick_of(until_us) - 1
    settled = max(memory.settled, min(last, (until_us - model.lateness_us - model.phase_us) // model.tick_us - 1))
    said: list[tuple[int, Array, NDArray[np.int64]]] = []
    spoken: dict[int, Array] = {}
    for tick in range(memory.settled + 1, last + 1):
        if tick == settled + 1:
            # from here on ticks are provisional: go on with a copy, keep what is settled
            filters = copy.deepcopy(filters)
        values, age = filters.step(shape, tick, rows)
        before = memory.spoken.get(tick)
        if before is None or not np.array_equal(before, values, equal_nan=True):
            said.append((tick, values, age))
        if tick > settled:
            spoken[tick] = values
    if settled > memory.settled:
        memory.forget(shape, settled)
    memory.spoken = spoken
    return memory.dump(shape), _table(shape, said)


@dataclass(frozen=True, slots=True)
class _Shape:
    """The model as index arrays. ``row`` maps a datastream id to its row; ``link_*`` say which row tells what of which place."""

    model: Model
    ids: list[int]
    valid: dict[int, tuple[int, int]]
    row: dict[int, int]
    link_row: NDArray[np.int64]
    link_place: NDArray[np.int64]
    is_in: NDArray[np.bool_]
    is_out: NDArray[np.bool_]
    zones: NDArray[np.int64]
    directed: NDArray[np.bool_]
    most_people: Array
    day_ticks: float

    @classmethod
    def of(cls, model: Model) -> _Shape:
        ids = sorted({stream.id for stream in model.streams})
        row = {id_: index for index, id_ in enumerate(ids)}
        directions = np.array([stream.direction for stream in model.streams], dtype="U4")
        place = np.array([stream.place for stream in model.streams], dtype=np.int64)
        directed = np.zeros(len(model.places), dtype=bool)
        directed[place[directions != "both"]] = True
        zones = [i for i, p in enumerate(model.places) if p.quantity == "people"]
        return cls(
            model=model,
            ids=ids,
            valid={s.id: (s.valid_from_us, s.valid_until_us) for s in model.streams},
            row=row,
            link_row=np.array([row[stream.id] for stream in model.streams], dtype=np.int64),
            link_place=place,
            is_in=directions == "in",
            is_out=directions == "out",
            zones=np.array(zones, dtype=np.int64),
            directed=directed,
            most_people=np.array([(model.places[z].area_m2 or np.inf) * JAM_DENSITY_PER_M2 for z in zones]),
            day_ticks=DAY_US / model.tick_us,
        )

    def gather(self, values: Array, links: NDArray[np.bool_] | None = None) -> Array:
        """Sum of a value of every sensor over the places it tells of, shape (places,); NaN where a sensor's is."""
        rows, places = (self.link_row, self.link_place) if links is None else (self.link_row[links], self.link_place[links])
        return _sums(places, values[rows], len(self.model.places))


@dataclass(slots=True)
class _Rows:
    """Rows that count, sorted by tick: which sensor, persons, seconds covered; ``start`` maps a tick to its slice."""

    tick: NDArray[np.int64]
    sensor: NDArray[np.int64]
    result: Array
    covered: Array
    end_us: NDArray[np.int64]


@dataclass(slots=True)
class _Filters:
    """Everything that evolves from tick to tick."""

    rates: rate.Rates
    balance: balance.Balance
    heard_us: NDArray[np.int64]

    def step(self, shape: _Shape, tick: int, rows: _Rows) -> tuple[Array, NDArray[np.int64]]:
        """One tick on; gives the values of ``VALUE_COLUMNS``, shape (places, 8), and the age, shape (places,)."""
        model, n = shape.model, len(shape.ids)
        part = slice(*np.searchsorted(rows.tick, [tick, tick + 1]))
        sensor = rows.sensor[part]
        counts = _sums(sensor, rows.result[part], n)
        covered = np.minimum(_sums(sensor, rows.covered[part], n), 1.0)
        np.maximum.at(self.heard_us, sensor, rows.end_us[part])

        expected, uncertain = rate.moments(self.rates)
        uncertain = uncertain + self.rates.noise() * expected  # of the count itself, besides that of the level
        rate.step(self.rates, counts, covered, shape.day_ticks)
        end_us = model.tick_end_us(tick)
        self._balance(shape, counts, covered, expected, uncertain, end_us)
        return self._values(shape, covered), self._age(shape, end_us)

    def _balance(self, shape: _Shape, counts: Array, covered: Array, expected: Array, uncertain: Array, end_us: int) -> None:
        if not len(shape.zones):
            return
        missing = 1.0 - covered
        known = counts + np.where(missing > 0, missing * expected, 0.0)
        variance = np.where(missing > 0, missing * uncertain, 0.0)
        zones, model = shape.zones, shape.model
        edges = np.array([end_us - model.tick_us, end_us])
        before, after = (edges + model.utc_offset_us(edges)).tolist()
        empty = np.array([_passes(model.places[z].empty_at_us, before, after) for z in zones])
        balance.step(
            self.balance,
            shape.gather(known, shape.is_in)[zones],
            shape.gather(known, shape.is_out)[zones],
            shape.gather(variance, shape.is_in)[zones],
            shape.gather(variance, shape.is_out)[zones],
            empty,
            model.tick_us / DAY_US,
        )

    def _values(self, shape: _Shape, covered: Array) -> Array:
        seconds = shape.model.tick_us / SECOND_US
        count, spread = rate.moments(self.rates)
        mean, variance = shape.gather(count), shape.gather(spread)
        values = np.empty((len(shape.model.places), len(VALUE_COLUMNS)))
        values[:, 0] = mean / seconds
        values[:, 1] = np.sqrt(variance) / seconds
        for column, deviate in ((2, -1.6448536269514722), (3, 0.0), (4, 1.6448536269514722)):
            values[:, column] = rate.quantile(mean, variance, deviate) / seconds
        values[:, 5] = np.where(shape.directed, shape.gather(count, shape.is_in) / seconds, np.nan)
        values[:, 6] = np.where(shape.directed, shape.gather(count, shape.is_out) / seconds, np.nan)
        links = np.bincount(shape.link_place, minlength=len(shape.model.places))
        watched = links > 0
        values[:, 7] = np.where(watched, shape.gather(covered) / np.maximum(links, 1), 0.0)
        values[~watched, :7] = np.nan
        if len(shape.zones):
            people = balance.quantiles(self.balance)
            # an interval wider than the zone can hold says nothing: then the answer is "not known", not a number
            people[~watched[shape.zones] | (people[:, 4] - people[:, 2] > shape.most_people)] = np.nan
            values[shape.zones, :5] = people
        return values

    def _age(self, shape: _Shape, end_us: int) -> NDArray[np.int64]:
        newest = np.full(len(shape.model.places), -1, dtype=np.int64)
        np.maximum.at(newest, shape.link_place, self.heard_us[shape.link_row])
        return np.where(newest < 0, -1, end_us - newest)


def _sums(index: NDArray[np.int64], values: Array, n: int) -> Array:
    """Sum of the values at each index, shape (n,)."""
    return np.bincount(index, values, minlength=n).astype(np.float64, copy=False)


def _passes(moment_us: int | None, before_us: int, after_us: int) -> bool:
    """Whether the wall's clock passes a time of day between two moments; also where it leaps over it."""
    return moment_us is not None and (after_us - moment_us) % DAY_US < after_us - before_us


@dataclass(slots=True)
class _Memory:
    """What goes from call to call."""

    settled: int | None
    filters: _Filters
    rows: dict[str, NDArray[Any]]
    spoken: dict[int, Array]

    @classmethod
    def new(cls, shape: _Shape) -> _Memory:
        n = len(shape.ids)
        filters = _Filters(rate.Rates.new(n), balance.Balance.new(len(shape.zones)), np.full(n, -1, dtype=np.int64))
        empty = {name: np.zeros(0, OBSERVATIONS.field(name).type.to_pandas_dtype()) for name in _ROWS}
        return cls(None, filters, empty, {})

    def take(self, shape: _Shape, observations: pa.Table) -> None:
        """Put rows into the buffer, in order of receipt, without those that can't count."""
        if observations.num_rows == 0:
            return
        new = {name: observations[name].to_numpy() for name in _ROWS}
        order = np.argsort(new["received_us"], kind="stable")
        new = {name: column[order] for name, column in new.items()}
        model = shape.model
        ids, place_in = np.unique(new["datastream"], return_inverse=True)
        bounds = np.array([shape.valid.get(int(i), (0, -1)) for i in ids]).reshape(-1, 2)[place_in]
        tick_end = model.phase_us + (_ticks(model, new) + 1) * model.tick_us
        good = (
            (new["start_us"] >= bounds[:, 0])
            & (new["start_us"] < bounds[:, 1])
            & (new["received_us"] <= tick_end + model.lateness_us)
            & (new["end_us"] <= new["received_us"] + model.tick_us)
            & (new["end_us"] > new["start_us"])
        )
        if not good.any():
            return
        if self.settled is None:
            first = int(np.flatnonzero(good)[0])
            self.settled = int(_ticks(model, new)[first]) - 1
        good &= new["end_us"] > model.tick_end_us(self.settled)
        self.rows = {name: np.concatenate([self.rows[name], new[name][good]]) for name in _ROWS}

    def current_rows(self, shape: _Shape) -> _Rows:
        """Of each (datastream, start, end) the row that was received last, unless it withdraws or is doubtful."""
        rows, model = self.rows, shape.model
        count = len(rows["datastream"])
        order = np.lexsort((np.arange(count), rows["end_us"], rows["start_us"], rows["datastream"]))
        last = np.ones(count, dtype=bool)
        if count > 1:
            keys = [rows[name][order] for name in ("datastream", "start_us", "end_us")]
            last[:-1] = np.any([np.diff(key) != 0 for key in keys], axis=0)
        chosen = order[last]
        chosen = chosen[(rows["flags"][chosen] & int(_NOT_COUNTED) == 0) & ~np.isnan(rows["result"][chosen])]
        tick = _ticks(model, rows)[chosen]
        by_tick = np.argsort(tick, kind="stable")
        chosen = chosen[by_tick]
        sensor = np.searchsorted(np.array(shape.ids, dtype=np.int64), rows["datastream"][chosen])
        covered = (rows["end_us"][chosen] - rows["start_us"][chosen]) / model.tick_us
        return _Rows(tick[by_tick], sensor, rows["result"][chosen], covered, rows["end_us"][chosen])

    def forget(self, shape: _Shape, settled: int) -> None:
        """Tick ``settled`` and all before it can no longer change."""
        keep = self.rows["end_us"] > shape.model.tick_end_us(settled)
        self.rows = {name: column[keep] for name, column in self.rows.items()}
        self.settled = settled

    def dump(self, shape: _Shape) -> bytes:
        filters = self.filters
        return msgspec.msgpack.encode(
            {
                "version": VERSION,
                "ticks": [shape.model.tick_us, shape.model.phase_us],
                "settled": self.settled,
                "sensors": shape.ids,
                "zones": [shape.model.places[z].key for z in shape.zones],
                "rates": {f.name: getattr(filters.rates, f.name).tobytes() for f in fields(rate.Rates)},
                "balance": {f.name: getattr(filters.balance, f.name).tobytes() for f in fields(balance.Balance)},
                "heard_us": filters.heard_us.tobytes(),
                "rows": {name: column.tobytes() for name, column in self.rows.items()},
                "spoken": {str(tick): values.tobytes() for tick, values in self.spoken.items()},
            }
        )

    @classmethod
    def load(cls, state: bytes, shape: _Shape) -> _Memory:
        raw = msgspec.msgpack.decode(state)
        if raw["version"] > VERSION:
            raise RuimteError(f"made by a newer Ruimte (version {raw['version']})", "estimator state", "upgrade Ruimte")
        memory = cls.new(shape)
        if raw["ticks"] != [shape.model.tick_us, shape.model.phase_us]:
            # rates and variances are per tick: with other ticks they mean nothing
            return memory
        memory.settled = raw["settled"]
        # a register that changed: what is still there keeps its filter, what is new begins afresh
        sensors = _matches(raw["sensors"], shape.ids)
        zones = _matches(raw["zones"], [shape.model.places[z].key for z in shape.zones])
        for kind, index, target in (("rates", sensors, memory.filters.rates), ("balance", zones, memory.filters.balance)):
            for name, body in raw[kind].items():
                getattr(target, name)[index[1]] = np.frombuffer(body)[index[0]]
        memory.filters.heard_us[sensors[1]] = np.frombuffer(raw["heard_us"], np.int64)[sensors[0]]
        memory.rows = {name: np.frombuffer(raw["rows"][name], OBSERVATIONS.field(name).type.to_pandas_dtype()) for name in _ROWS}
        if len(sensors[0]) == len(raw["sensors"]) == len(shape.ids) and len(zones[0]) == len(raw["zones"]) == len(shape.zones):
            memory.spoken = {
                int(tick): np.frombuffer(body).reshape(-1, len(VALUE_COLUMNS)) for tick, body in raw["spoken"].items()
            }
        known = np.isin(memory.rows["datastream"], shape.ids)
        memory.rows = {name: column[known] for name, column in memory.rows.items()}
        return memory


def _ticks(model: Model, rows: dict[str, NDArray[Any]]) -> NDArray[np.int64]:
    """The tick in which each row counts: the one in which its interval ends, for only then was it all seen."""
    return np.asarray((rows["end_us"] - 1 - model.phase_us) // model.tick_us)


def _matches(old: list[Any], new: list[Any]) -> tuple[list[int], list[int]]:
    """Positions in ``old`` and in ``new`` of what is in both."""
    at = {key: index for index, key in enumerate(new)}
    pairs = [(i, at[key]) for i, key in enumerate(old) if key in at]
    return [i for i, _ in pairs], [j for _, j in pairs]


def _table(shape: _Shape, said: list[tuple[int, Array, NDArray[np.int64]]]) -> pa.Table:
    if not said:
        return STATES.empty_table()
    places = len(shape.model.places)
    ends = np.repeat([shape.model.tick_end_us(tick) for tick, _, _ in said], places).astype(np.int64)
    values = np.concatenate([values for _, values, _ in said])
    columns: dict[str, NDArray[Any]] = {
        "place": np.tile(np.arange(places, dtype=np.int32), len(said)),
        "start_us": ends - shape.model.tick_us,
        "end_us": ends,
        "age_us": np.concatenate([age for _, _, age in said]),
    }
    columns |= {name: values[:, index] for index, name in enumerate(VALUE_COLUMNS)}
    return pa.table([columns[name] for name in STATES.names], schema=STATES)

"""Estimate a lab's history anew: from its archive and database, into its database or a file."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ruimte.clock import DAY_US, from_us, iso
from ruimte.errors import RuimteError
from ruimte.estimate.advance import ALGORITHMS, advance
from ruimte.jobs.reasons import scale_of
from ruimte.lab.lab import Lab
from ruimte.lab.validity import require_algorithm
from ruimte.model.place import Model
from ruimte.model.state import STATES, VALUE_COLUMNS
from ruimte.store import results
from ruimte.store.sqlite import Reader, Store
from ruimte.text import pick

Progress = Callable[[float], None]
_CHUNK_US = 28 * DAY_US


class History(Protocol):
    """Observations by receipt, in ``(from_us, until_us]``."""

    def received(self, from_us: int, until_us: int) -> pa.Table: ...


@dataclass(slots=True)
class Estimated:
    """What came of it: the states (schema ``STATES``) with an end in ``(from_us, until_us]``, the state of the estimator at the
    end, and how many rows of the database are new or have changed (None: nothing was stored)."""

    states: pa.Table
    state: bytes
    from_us: int
    until_us: int
    seconds: float
    stored: int | None = None

    def as_dict(self, lab: Lab, model: Model) -> dict[str, Any]:
        """For ``--json``: flows in persons/h, people in persons; NaN is null."""
        return {
            "lab": lab.key,
            "from": iso(self.from_us),
            "until": iso(self.until_us),
            "states": self.states.num_rows,
            "stored": self.stored,
            "seconds": round(self.seconds, 2),
            "places": [_place(self.states, model, index) for index in range(len(model.places))],
        }

    def lines(self, lab: Lab, model: Model) -> list[str]:
        """As lines of text, a line a place; times are the lab's."""
        told = self.as_dict(lab, model)
        width = max((len(pick(place.name, "en")) for place in model.places), default=0)
        lines = [f"{told['states']:,} states of {len(model.places)} places, {told['from']} to {told['until']}"]
        for place, each in zip(told["places"], model.places, strict=True):
            name = f"{pick(each.name, 'en'):{width}}"
            if place["mean"] is None:
                lines.append(f"{name}  not known")
                continue
            when = f"{from_us(place['most_us']).astimezone(lab.zone):%Y-%m-%d %H:%M}"
            mean, most = (f"{place[key]:8,.0f}" for key in ("mean", "most"))
            lines.append(f"{name}  known {place['known']:4.0%}  mean {mean}  most {most} {place['unit']} ({when})")
        lines += [f"new or changed in the database: {self.stored:,}"] if self.stored is not None else []
        return [*lines, f"{self.seconds:.1f} s"]


def estimate(
    lab: Lab,
    model: Model,
    history: History,
    span: tuple[int, int],
    window: tuple[int, int],
    *,
    smoothed: bool = False,
    lag_us: int | None = None,
    progress: Progress = lambda share: None,
) -> Estimated:
    """Estimate from the first observation on, and tell what falls into ``window``.

    Args:
        lab: the lab; its register must let the estimators run at the window's end.
        model: the same, compiled with the ids of the history.
        history: where the observations are.
        span: first and last receipt, µs. All of it up to the window's end is gone through, for what comes before is what the
            calibration is learned from.
        window: states with an end in ``(from, until]`` are told, µs.
        smoothed: tell of each moment what is known with what was heard later, up to ``lag_us`` later (None: all).
        progress: told the share that is done.
    """
    began = time.perf_counter()
    for key in ALGORITHMS:
        require_algorithm(lab, key, window[1])
    first, until = span[0] - 1, window[1] + model.lateness_us
    state: bytes | None = None
    parts: list[pa.Table] = []
    begun: tuple[int, bytes | None] | None = None
    for begin in range(first, until, _CHUNK_US):
        end = min(begin + _CHUNK_US, until)
        if smoothed and begun is None and end > window[0]:
            begun = (begin, state)
        rows = history.received(begin, end)
        state, states = advance(model, state, rows, end)
        parts.append(_within(states, window))
        progress((0.5 if smoothed else 0.98) * (end - first) / max(1, until - first))
    assert state is not None
    if smoothed and begun is not None:
        from ruimte.estimate.smooth import smooth  # what it needs is compiled only where it is asked for

        last = span[1] if lag_us is None else min(window[1] + lag_us, span[1])
        rows = history.received(begun[0], max(until, last + model.lateness_us))
        parts = [_within(smooth(model, begun[1], rows, max(until, last + model.lateness_us), lag_us), window)]
    table = _latest(pa.concat_tables([STATES.empty_table(), *parts]))
    progress(1.0)
    return Estimated(table, state, *window, time.perf_counter() - began)


def store_states(store: Store, model: Model, history: History, found: Estimated) -> None:
    """Put into the database what it does not hold yet, as revisions; and the estimator's state, at the moment of the one there.

    A node's own state may be newer than the last observation: then what lies between is gone through too, silence included.
    """
    ids = store.place_ids()
    place_ids = [ids[place.key] for place in model.places]
    index = {id_: number for number, id_ in enumerate(place_ids)}
    new = changed(store, index, found.states, found.from_us, found.until_us)
    saved = store.read(lambda c: results.snapshot(c, "estimate"))
    known_us, state = found.until_us + model.lateness_us, found.state
    if saved is not None and saved[0] > known_us:
        state, _ = advance(model, state, history.received(known_us, saved[0]), saved[0])
        known_us = saved[0]

    def work(connection: sqlite3.Connection) -> None:
        makers = {key: results.algorithm_id(connection, key, version) for key, version in ALGORITHMS.items()}
        by_quantity = {"people": makers["counting-line-balance"], "flow": makers["rate-filter"]}
        results.append_states(connection, new, place_ids, [by_quantity[place.quantity] for place in model.places])
        results.save_snapshot(connection, "estimate", known_us, state)

    store.write(work).result()
    found.stored = new.num_rows


def changed(store: Reader, places: Mapping[int, int], states: pa.Table, from_us: int, until_us: int) -> pa.Table:
    """Without the states that the store holds already: a past that is estimated anew need not be written anew."""
    stored = store.read(lambda c: results.states(c, places, from_us, until_us))
    if not stored.num_rows:
        return states
    seen = set(_rows(stored))
    return states.filter(pa.array([row not in seen for row in _rows(states)], pa.bool_()))


def _rows(states: pa.Table) -> Iterator[tuple[bytes, str]]:
    """Each state as something that can be compared, missing figures too."""
    numbers = np.stack([states[name].to_numpy() for name in ("place", "end_us", "age_us", *VALUE_COLUMNS)], axis=1)
    numbers = np.where(np.isnan(numbers), np.nan, numbers)  # one NaN is as good as another
    return ((row.tobytes(), str(left_out)) for row, left_out in zip(numbers, states["left_out"].to_pylist(), strict=True))


def write_states(states: pa.Table, model: Model, path: Path) -> None:
    """Write states as a Parquet file that stands by itself: keys of places, and times with their zone.

    Raises ``RuimteError`` where the file cannot be written.
    """
    keys = pa.array([place.key for place in model.places])
    table = states.set_column(0, "place", keys.take(states["place"].combine_chunks()))
    for name in ("start_us", "end_us"):
        at = table.schema.get_field_index(name)
        table = table.set_column(at, name.removesuffix("_us"), table[name].cast(pa.timestamp("us", "UTC")))
    streams = model.datastream_keys
    left_out = [[streams[id_] for id_ in each] for each in table["left_out"].to_pylist()]
    table = table.set_column(table.schema.get_field_index("left_out"), "left_out", pa.array(left_out, pa.list_(pa.string())))
    try:
        pq.write_table(table, path, compression="zstd")
    except OSError as error:
        raise RuimteError(
            f"cannot be written ({error.strerror or error})", str(path), "name a file in a folder you may write"
        ) from None


def _within(states: pa.Table, window: tuple[int, int]) -> pa.Table:
    ends = states["end_us"].to_numpy()
    return states.filter(pa.array((ends > window[0]) & (ends <= window[1]), pa.bool_()))


def _latest(states: pa.Table) -> pa.Table:
    """The latest revision of each place and tick, by tick and place."""
    ends, places = states["end_us"].to_numpy(), states["place"].to_numpy()
    order = np.lexsort((np.arange(len(ends)), places, ends))
    last = np.append((np.diff(ends[order]) != 0) | (np.diff(places[order]) != 0), True)[: len(order)]
    return states.take(pa.array(order[last]))


def _place(states: pa.Table, model: Model, index: int) -> dict[str, Any]:
    place = model.places[index]
    scale, unit = scale_of(place)
    mine = states.filter(pa.array(states["place"].to_numpy() == index, pa.bool_()))
    mean = mine["mean"].to_numpy() * scale
    known = ~np.isnan(mean)
    told: dict[str, Any] = {"key": place.key, "unit": unit, "known": float(known.mean()) if len(known) else 0.0}
    if not known.any():
        return told | {"mean": None, "most": None, "most_us": None}
    at = int(np.nanargmax(mean))
    return told | {"mean": float(np.nanmean(mean)), "most": float(mean[at]), "most_us": int(mine["end_us"][at].as_py())}

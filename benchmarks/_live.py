"""What a live lab costs: a tick of one site through ``advance``, and one of a thousand sites with all that is written of it."""

from __future__ import annotations

import sqlite3
import statistics
import time
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from benchmarks._report import Row, row
from benchmarks._rows import table
from ruimte.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US, to_us
from ruimte.estimate import advance
from ruimte.lab.compile import compile_lab, stream_keys
from ruimte.lab.read import read_lab
from ruimte.labs import lab_folder
from ruimte.model.place import OUTSIDE, Link, Model, Place, Stream, Way
from ruimte.store import catalogue, observations, results
from ruimte.store.sqlite import Store

TICK_US = 5 * MINUTE_US
START_US = to_us(datetime(2026, 1, 5, tzinfo=UTC))
AFTER_US = 30 * SECOND_US
"""The lateness of a new lab: so long after a tick has ended its rows are in, and a live node takes it."""
SITES, GATES = 1000, 5
SNAPSHOT_EVERY = 12
"""Ticks from one snapshot of the estimator's state to the next."""
_WARM_UP = 24


class Split(NamedTuple):
    """Seconds that the parts of a tick took; the snapshot's are 0 where there was none."""

    rows: float
    advance: float
    states: float
    snapshot: float
    commit: float


def one_site(quick: bool) -> list[Row]:
    """A tick of one site, with four weeks behind it: the lab of the Hardbrücke, all rows made up."""
    lab = read_lab(lab_folder("hardbruecke"))
    ids = {stream.key: number for number, stream in enumerate(stream_keys(lab), 1)}
    model = replace(compile_lab(lab, ids), lateness_us=AFTER_US)
    chance = np.random.default_rng(0)
    days, ticks = 7 if quick else 28, 300
    first = days * DAY_US // TICK_US
    state, _ = advance(model, None, _counts(model, 0, first, chance), START_US + first * TICK_US + AFTER_US)
    took = []
    for tick in range(first, first + ticks):
        rows = _counts(model, tick, tick + 1, chance)
        began = time.perf_counter()
        state, _ = advance(model, state, rows, START_US + (tick + 1) * TICK_US + AFTER_US)
        took.append(time.perf_counter() - began)
    name = f"a tick of one site ({len(model.places)} zones, {len(model.streams)} datastreams)"
    return [row(f"{name}, median of {ticks}", 1e3 * statistics.median(took), "ms", most=2)]


def thousand_sites(folder: Path, quick: bool) -> list[Row]:
    """A tick of a thousand sites: rows, estimates and state, durable in one transaction; in a new store, and in one with a past.

    With a past the rows of a tick go to as many pages of the store's index as there are datastreams.
    """
    model = _sites()
    chance = np.random.default_rng(0)
    ticks, past = (12, 24) if quick else (36, 144)
    with Store(folder / "sites.db", "sites") as store:
        store.write(lambda connection: catalogue.register(connection, _entries(model), [p.key for p in model.places])).result()
        ids = store.stream_ids()
        model = replace(model, streams=tuple(replace(stream, id=ids[stream.key]) for stream in model.streams))
        state, _ = advance(model, None, _counts(model, 0, _WARM_UP, chance), START_US + _WARM_UP * TICK_US + AFTER_US)
        state, new = _ticks(model, store, state, _WARM_UP, ticks, chance)
        for first in range(-past, 0, 12):
            store.append(_counts(model, first, first + 12, chance))
        _, old = _ticks(model, store, state, _WARM_UP + ticks, ticks, chance)
    name = f"a tick of {SITES:,} sites ({len(model.streams):,} rows)"
    return [*_figures(f"{name}, new store", new), *_figures(f"{name}, {past} ticks stored", old)]


def _figures(name: str, took: list[Split]) -> list[Row]:
    total = [1e3 * sum(each) for each in took]
    parts = [1e3 * statistics.median(one for one in part if one > 0.0) for part in zip(*took, strict=True)]
    return [
        row(f"{name}, durable, median of {len(took)}", statistics.median(total), "ms", most=150),
        row(f"{name}, 95th percentile", float(np.percentile(total, 95)), "ms"),
        *(row(f"{name}: {part}", value, "ms") for part, value in zip(Split._fields, parts, strict=True)),
    ]


def _ticks(
    model: Model, store: Store, state: bytes, first: int, ticks: int, chance: np.random.Generator
) -> tuple[bytes, list[Split]]:
    """Go on for some ticks; gives the last state and what each took, from handing in to durable."""
    place_ids = store.place_ids()
    places = [place_ids[place.key] for place in model.places]
    algorithm = store.write(lambda connection: results.algorithm_id(connection, "counting-line-balance", "2")).result()

    def work(connection: sqlite3.Connection, state: bytes, rows: pa.Table, tick: int) -> tuple[bytes, list[float]]:
        until_us, moments = START_US + (tick + 1) * TICK_US + AFTER_US, [time.perf_counter()]
        observations.append(connection, rows)
        moments.append(time.perf_counter())
        after, states = advance(model, state, rows, until_us)
        moments.append(time.perf_counter())
        results.append_states(connection, states, places, [algorithm] * len(places))
        moments.append(time.perf_counter())
        if tick % SNAPSHOT_EVERY == 0:
            results.save_snapshot(connection, "estimate", until_us, after)
        return after, [*moments, time.perf_counter() if tick % SNAPSHOT_EVERY == 0 else moments[-1]]

    took = []
    for tick in range(first, first + ticks):
        rows = _counts(model, tick, tick + 1, chance)
        began = time.perf_counter()
        state, moments = store.write(partial(work, state=state, rows=rows, tick=tick)).result()
        parts = np.diff(moments).tolist()
        took.append(Split(*parts, commit=time.perf_counter() - began - sum(parts)))
    return state, took


def _sites() -> Model:
    """Sites of one zone and five gates, each counted both ways; ids of datastreams are as the store has none yet."""
    valid = START_US, START_US + 365 * DAY_US
    ways: tuple[Way, Way] = ("in", "out")
    links = tuple(
        Link(f"site{site:03d}-gate{gate}", way, *((OUTSIDE, site) if way == "in" else (site, OUTSIDE)))
        for site in range(SITES)
        for gate in range(GATES)
        for way in ways
    )
    return Model(
        lab="sites",
        places=tuple(
            Place(f"site{site:03d}", f"site {site}", "people", f"site{site:03d}", area_m2=2000.0, empty_at_us=4 * HOUR_US)
            for site in range(SITES)
        ),
        links=links,
        streams=tuple(
            Stream(number + 1, f"{link.gate}/count_{link.way}", number, TICK_US, *valid, 2000.0)
            for number, link in enumerate(links)
        ),
        tick_us=TICK_US,
        phase_us=0,
        lateness_us=AFTER_US,
        offset_from_us=np.zeros(1, np.int64),
        offset_us=np.zeros(1, np.int64),
    )


def _entries(model: Model) -> list[catalogue.StreamEntry]:
    return [
        catalogue.StreamEntry(
            key=stream.key,
            sensor_key=model.links[stream.link].gate,
            name=stream.key,
            description="made up",
            kind="counting line",
            measure=stream.key.rpartition("/")[2],
            definition="people",
            result_type={},
            interval_us=stream.interval_us,
            feature_key=model.links[stream.link].gate,
            feature_name=model.links[stream.link].gate,
            feature={},
            metadata={},
        )
        for stream in model.streams
    ]


def _counts(model: Model, first: int, after: int, chance: np.random.Generator) -> pa.Table:
    """A count of every datastream for each of the ticks [first, after), in within seconds of its end."""
    streams = np.array([stream.id for stream in model.streams])
    tick = np.arange(first, after)
    day = 1.0 + np.sin(2.0 * np.pi * (tick * TICK_US / DAY_US - 0.3))
    counts = chance.poisson(np.outer(day, 5.0 + np.arange(len(streams)) % 40))
    ends_us = np.repeat(START_US + (tick + 1) * TICK_US, len(streams))
    received_us = ends_us + chance.integers(0, AFTER_US, len(ends_us))
    return table(np.tile(streams, len(tick)), ends_us, np.full(len(ends_us), TICK_US), received_us, counts.ravel())

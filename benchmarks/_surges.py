"""Surges on a year of Zürich's platforms: 800 people through one gate in five minutes, put into real counts at random moments.

Caught is a warning that opens at the end of the very interval, whether or not the estimate believes the count. What the same year
holds by itself tells how often a surge is told of without one having been put in.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks._report import Row, missing, row
from benchmarks._zurich import ABSENT, read_year
from ruimte.clock import DAY_US
from ruimte.estimate import advance
from ruimte.jobs.warner import Warner
from ruimte.lab.read import read_lab
from ruimte.labs import lab_folder
from ruimte.warn.thresholds import Thresholds
from ruimte.warn.unusual import Unusual

LEARNING_DAYS, PEOPLE, SEED = 28, 800.0, 6


def surge_rows(quick: bool) -> list[Row]:
    """Share of the surges that were caught within their interval, and how many a day are told of otherwise."""
    with tempfile.TemporaryDirectory() as folder:
        year = read_year(Path(folder))
    if year is None:
        return [missing("surges of 800 people caught within one interval", "of 1", ABSENT, ">= 1")]
    model, rows, tick_us = year.model, year.rows, year.model.tick_us
    lab = read_lab(lab_folder("hardbruecke"))
    warner = Warner(lab, model, Thresholds(lab, model, Unusual(model, 364 * DAY_US)))
    received = rows["received_us"].to_numpy()
    start, days = year.start_us + LEARNING_DAYS * DAY_US, 14 if quick else 60
    ends = np.arange(start, start + days * DAY_US, tick_us) + tick_us
    random = np.random.default_rng(SEED)
    chosen = set(random.choice(ends, 50 if quick else 200, replace=False).tolist())
    into = [stream.id for stream in model.streams if model.links[stream.link].way == "in"]
    state, _ = advance(model, None, rows.slice(0, int(np.searchsorted(received, start, side="right"))), start)
    caught, told, before = 0, 0, np.full(len(model.places), np.nan)
    for end in ends.tolist():
        first, last = np.searchsorted(received, [end - tick_us, end], side="right")
        part = rows.slice(first, last - first)
        if end in chosen:
            put = _with_surge(part, int(random.choice(into)))
            caught += put is not None and _warns(warner, put, state, before, end)
            chosen -= set() if put is not None else {end}
        state, states = advance(model, state, part, end)
        told += _opens(warner, part, state, states, before, end)
        before = states["mean"].to_numpy()[-len(model.places) :]
    return [
        row("surges of 800 people caught within one interval", caught / len(chosen), "of 1", least=1.0),
        row("surges told of a day, none put in", told / days, ""),
    ]


def _with_surge(part: pa.Table, stream: int) -> pa.Table | None:
    mine = part["datastream"].to_numpy() == stream
    if not mine.any():
        return None
    result = part["result"].to_numpy().copy()
    result[np.flatnonzero(mine)[-1]] += PEOPLE
    return part.set_column(part.schema.get_field_index("result"), "result", pa.array(result))


def _warns(warner: Warner, part: pa.Table, state: bytes | None, before: np.ndarray, end: int) -> bool:
    after, states = advance(warner.model, state, part, end)
    return _opens(warner, part, after, states, before, end)


def _opens(warner: Warner, part: pa.Table, state: bytes | None, states: pa.Table, before: np.ndarray, end: int) -> bool:
    places = len(warner.model.places)
    newest = states.slice(states.num_rows - places)
    found = warner.surges(part, state, newest["left_out"].to_pylist(), end)
    if not found:
        return False
    mean, sd = (newest[name].to_numpy() for name in ("mean", "sd"))
    risks = warner.with_surges(warner.risks(end, mean, sd, None), found, before, end)
    return any(risk.surge for each in risks for risk in each)

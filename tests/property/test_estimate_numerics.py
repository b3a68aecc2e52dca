"""The numbers hold: for a hundred thousand steps, for nobody and for multitudes, one site or many, compiled or not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estimate_world import DAWN_US, TICK_US, end_us, live, rows, square
from ruimte.estimate import memory
from ruimte.estimate.advance import advance
from ruimte.estimate.layout import layout_of
from ruimte.model.observation import OBSERVATIONS
from ruimte.model.place import Link, Model, Stream
from ruimte.model.state import VALUE_COLUMNS


def sound(model, state):
    """All covariances are symmetric to the bit and have no negative variance; everything is finite."""
    known = memory.load(state, model, len(VALUE_COLUMNS)).state
    layout = layout_of(model)
    for ends, flat in ((layout.sites.flow_p, known.flow_p), (layout.sites.people_p, known.people_p)):
        for first, last in pairwise(ends.tolist()):
            n = round((last - first) ** 0.5)
            p = flat[first:last].reshape(n, n)
            assert np.isfinite(p).all()
            assert np.array_equal(p, p.T)
            assert (np.diag(p) >= 0).all()
            scale = np.sqrt(np.maximum(np.outer(np.diag(p), np.diag(p)), 1e-30))
            assert (np.abs(p) <= scale * (1 + 1e-6) + 1e-9).all()
    assert np.isfinite(known.flow_x).all()
    assert np.isfinite(known.people_x).all()


def table(stream, tick, result):
    end = DAWN_US + (tick + 1) * TICK_US
    arrays = [stream, end - TICK_US, end, end, result, np.zeros(len(end))]
    return pa.table([pa.array(a).cast(f.type) for a, f in zip(arrays, OBSERVATIONS, strict=True)], schema=OBSERVATIONS)


@pytest.mark.parametrize("counts", ["nobody", "multitudes", "both", "missing"])
def test_a_hundred_thousand_steps(counts):
    random = np.random.default_rng(3)
    ticks, model = 100_000, square(gates=1)
    of = {
        "nobody": np.zeros((ticks, 2)),
        "multitudes": random.poisson(1500, (ticks, 2)).astype(float),
        "both": np.where(random.random((ticks, 2)) < 0.5, 0.0, 1900.0),
        "missing": random.poisson(20, (ticks, 2)).astype(float),
    }[counts]
    keep = random.random((ticks, 2)) < (0.3 if counts == "missing" else 1.0)
    tick, stream = np.nonzero(keep)
    state, states = advance(model, None, table(stream + 1, tick, of[tick, stream]), end_us(ticks - 1))
    sound(model, state)
    mean, sd = states["mean"].to_numpy(), states["sd"].to_numpy()
    known = ~np.isnan(mean)
    assert (mean[known] >= 0).all()
    assert (mean[known] <= 5.4 * 2000).all()
    assert (sd[known] >= 0).all()


def ring(zones: int) -> Model:
    """Zones in a ring of gates that are counted both ways, and a gate to the outside."""
    base = square()
    ends = [(-1, 0), *((z, (z + 1) % zones) for z in range(zones if zones > 2 else zones - 1))]
    links = tuple(Link(f"g{g}", way, *pair) for g, (a, b) in enumerate(ends) for way, pair in (("in", (a, b)), ("out", (b, a))))
    return replace(
        base,
        places=tuple(replace(base.places[0], key=f"z{z}", site="z0") for z in range(zones)),
        links=links,
        streams=tuple(Stream(i + 1, f"{link.gate}/{link.way}", i, TICK_US, 0, 2**62, most=1e6) for i, link in enumerate(links)),
    )


@pytest.mark.parametrize("zones", [1, 2, 50])
def test_one_zone_and_fifty(zones):
    model, ticks = ring(zones), 600
    random = np.random.default_rng(zones)
    tick, stream = np.nonzero(random.random((ticks, len(model.streams))) < 0.9)
    counts = random.poisson(30, len(tick)) * random.choice([0, 1, 1, 1, 100], len(tick))
    state, states = advance(model, None, table(stream + 1, tick, counts.astype(float)), end_us(ticks - 1))
    sound(model, state)
    assert states.num_rows == zones * ticks


@given(
    st.lists(
        st.tuples(
            st.integers(1, 8),
            st.integers(0, 60),
            st.sampled_from([0.0, 1.0, 7.5, 1e3, 1e9, 1e300, -3.0, float("nan")]),
        ),
        min_size=1,
        max_size=80,
    )
)
@settings(max_examples=40, deadline=None)
def test_nothing_that_can_be_told_breaks_the_filter(told):
    model = square()
    stream, tick, result = (np.array(column) for column in zip(*told, strict=True))
    order = np.argsort(tick, kind="stable")
    state, states = advance(model, None, table(stream[order], tick[order], result[order]), end_us(61))
    sound(model, state)
    for name in ("mean", "sd", "q05", "q95"):
        values = states[name].to_numpy()
        assert (np.isnan(values) | (values >= 0)).all()


def test_many_sites_at_once_are_each_the_same_to_the_bit_as_alone():
    world = live(3, seed=5)
    one = square()
    table_one = rows(world, one)
    many = replace(
        one,
        places=tuple(replace(one.places[0], key=f"s{k}", site=f"s{k}") for k in range(5)),
        links=tuple(
            replace(
                link,
                gate=f"{link.gate}-{k}",
                source=link.source if link.source < 0 else k,
                target=link.target if link.target < 0 else k,
            )
            for k in range(5)
            for link in one.links
        ),
        streams=tuple(
            replace(s, id=s.id + 100 * k, key=f"{k}-{s.key}", link=s.link + 8 * k) for k in range(5) for s in one.streams
        ),
    )
    parts = [table_one.set_column(0, "datastream", pa.array(table_one["datastream"].to_numpy() + 100 * k)) for k in range(5)]
    together = pa.concat_tables(parts).sort_by([("received_us", "ascending"), ("datastream", "ascending")])
    last = end_us(len(world.people) - 1)
    alone, all_at_once = advance(one, None, table_one, last)[1], advance(many, None, together, last)[1]
    for k in range(5):
        mine = all_at_once.filter(pa.array(all_at_once["place"].to_numpy() == k))
        for name in VALUE_COLUMNS:
            assert mine[name].to_numpy().tobytes() == alone[name].to_numpy().tobytes()


def test_compiled_and_plain_python_agree(tmp_path):
    """The same source, interpreted with NumPy: to 1e-8, or to a ten-millionth of a person."""
    world = live(2, seed=6)
    model = square(gates=2, cameras=1)
    cameras = world.people[:, None] * 1.1
    script = Path(__file__).with_name("plain_estimate.py")
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([sys.executable, script], env=environment, check=True, capture_output=True, text=True)
    plain = np.array(json.loads(done.stdout), dtype=float)
    _, states = advance(model, None, rows(live(2, gates=2, seed=6), model, cameras=cameras), end_us(2 * 288 - 1))
    mine = np.stack([states[name].to_numpy() for name in VALUE_COLUMNS])
    np.testing.assert_allclose(mine, plain, rtol=1e-8, atol=1e-7, equal_nan=True)

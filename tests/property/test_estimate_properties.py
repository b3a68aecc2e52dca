"""The seam: what ``advance`` gives does not depend on how rows were split over calls."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ruimte.estimate.advance import advance
from ruimte.model.observation import OBSERVATIONS, Flag

TICK = 300_000_000
TICKS = 8
FIRST = 40 * 12 * 288  # some day at midnight
END = (FIRST + TICKS) * TICK

ROW = st.fixed_dictionaries(
    {
        "datastream": st.sampled_from([1, 1, 2, 3, 4, 99]),
        "start": st.integers(0, 4 * TICKS - 1).map(lambda quarter: quarter * TICK // 4),
        "length": st.sampled_from([TICK, TICK, TICK // 4, TICK // 2]),
        "delay": st.sampled_from([0, 0, 0, 1, TICK // 2, TICK, 2 * TICK, 3 * TICK, -TICK // 2, -2 * TICK]),
        "result": st.sampled_from([0.0, 1.0, 7.0, 50.0, 0.5, float("nan")]),
        "flags": st.sampled_from([0, 0, 0, 0, int(Flag.DOUBTFUL), int(Flag.TOMBSTONE), int(Flag.IMPLIED)]),
    }
)


def table(rows):
    starts = [FIRST * TICK + row["start"] for row in rows]
    ends = [start + row["length"] for start, row in zip(starts, rows, strict=True)]
    columns = {
        "datastream": [row["datastream"] for row in rows],
        "start_us": starts,
        "end_us": ends,
        "received_us": [end + row["delay"] for end, row in zip(ends, rows, strict=True)],
        "result": [row["result"] for row in rows],
        "flags": [row["flags"] for row in rows],
    }
    return pa.table([pa.array(columns[f.name], f.type) for f in OBSERVATIONS], schema=OBSERVATIONS).sort_by("received_us")


def run(model, rows, moments):
    """Feed rows in calls that end at ``moments``; gives the final state and the latest revision of each place and tick."""
    state, latest, before = None, {}, -(2**62)
    received = rows["received_us"].to_numpy()
    for until in moments:
        state, states = advance(model, state, rows.filter(pa.array((received > before) & (received <= until))), until)
        for row in states.to_pylist():
            latest[row["place"], row["end_us"]] = repr(row)
        before = until
    return state, latest


@pytest.fixture(scope="module")
def models(make_model):
    """By lateness in ticks: a count point, and two zones that share a gate."""
    streams = ([("street", "both")], [("east", "in")], [("east", "out"), ("west", "in")], [("west", "out")])
    return [make_model(*streams, lateness_us=ticks * TICK) for ticks in range(4)]


@given(
    rows=st.lists(ROW, min_size=1, max_size=40),
    again=st.lists(st.integers(0, 39), max_size=10),
    cuts=st.lists(st.integers(0, 2 * TICKS * 4), max_size=8),
    lateness=st.integers(0, 3),
)
@settings(max_examples=100, deadline=None)
def test_no_split_of_rows_over_calls_changes_the_outcome(models, rows, again, cuts, lateness):
    # duplicates, and the same observation with another result later on
    rows = rows + [rows[i % len(rows)] | {"delay": rows[i % len(rows)]["delay"] + i * TICK // 8} for i in again]
    observations = table(rows)
    end = END + 4 * TICK
    cut_moments = sorted({FIRST * TICK + cut * TICK // 4 for cut in cuts if FIRST * TICK + cut * TICK // 4 < end})
    whole = run(models[lateness], observations, [end])
    split = run(models[lateness], observations, [*cut_moments, end])
    every_tick = run(models[lateness], observations, [(FIRST + k) * TICK for k in range(-2, TICKS + 5)])
    assert whole[1] == split[1] == every_tick[1]
    assert whole[0] == split[0] == every_tick[0]


@given(rows=st.lists(ROW, min_size=1, max_size=40))
@settings(max_examples=100, deadline=None)
def test_no_estimate_is_negative_or_out_of_order(models, rows):
    _, states = advance(models[3], None, table(rows), END)
    for row in states.to_pylist():
        known = [row[name] for name in ("mean", "sd", "q05", "q50", "q95")]
        assert all(value != value for value in known) or (min(known) >= 0 and row["q05"] <= row["q50"] <= row["q95"])
        assert 0 <= row["observed"] <= 1
        assert row["end_us"] - row["start_us"] == TICK

"""What holds of the archive, whatever is received, revised and archived in whatever order: it and the database are one."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from ruimte.clock import DAY_US, ManualClock
from ruimte.jobs.archiving import History, archive_days
from ruimte.model.observation import OBSERVATIONS
from ruimte.store import observations
from ruimte.store.sqlite import Store

HALF = DAY_US // 2
EDGES = st.sampled_from([-1, 0, 1])
MOMENT = st.builds(lambda halves, edge: halves * HALF + edge, st.integers(-3, 12), EDGES)
"""Times about the middles and the ends of days, also of days before 1970."""
ROW = st.tuples(
    st.integers(1, 3), st.integers(0, 3), MOMENT, st.sampled_from([np.nan, 0.0, 1.0, 2.0]), st.sampled_from([0, 4, 8])
)
BATCH = st.tuples(st.lists(ROW, max_size=12), MOMENT, st.sampled_from([1, 3, 100]))
"""Rows that come in, then the time at which the archive is made, and how many rows a file may hold."""


def table(rows):
    full = [(stream, start * 10, start * 10 + 10, received, result, flags) for stream, start, received, result, flags in rows]
    columns = zip(*full, strict=True) if full else [[]] * len(OBSERVATIONS)
    return pa.table([pa.array(list(c), f.type) for c, f in zip(columns, OBSERVATIONS, strict=True)], schema=OBSERVATIONS)


def same(one, other):
    """Whether two tables hold the same rows in the same order; missing results are the same."""
    return one.schema == other.schema and all(
        np.array_equal(one[name].to_numpy(), other[name].to_numpy(), equal_nan=name == "result") for name in one.column_names
    )


@given(batches=st.lists(BATCH, min_size=1, max_size=4), late=st.lists(ROW, max_size=4), spans=st.lists(st.tuples(MOMENT, MOMENT)))
@settings(max_examples=30, deadline=None)
def test_history_is_the_database(make_lab, batches, late, spans):
    with tempfile.TemporaryDirectory() as name, Store(Path(name) / "lab.db", "test", durable=False) as store:
        folder, lab = Path(name) / "archive", make_lab()
        history = History(store, folder)
        for rows, now_us, rows_per_file in batches:
            store.append(table(rows))
            archive_days(lab, store, folder, margin_us=0, clock=ManualClock(now_us), rows_per_file=rows_per_file)
        store.append(table(late))
        for from_us, until_us in [(-(10**12), 10**13), *spans]:
            alone = store.read(lambda c, f=from_us, u=until_us: observations.received(c, f, u))
            assert same(history.received(from_us, until_us), alone)

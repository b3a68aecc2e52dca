"""What holds of the store, whatever is written and however it is cut into batches."""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from ruimte.model.observation import OBSERVATIONS, Flag
from ruimte.store import observations
from ruimte.store.observations import Appended
from ruimte.store.sqlite import Store

ROW = st.tuples(
    st.integers(1, 3),
    st.integers(0, 4),
    st.sampled_from([10, 20]),
    st.sampled_from([None, 0.0, 1.0, 2.0]),
    st.sampled_from([0, 0, 0, int(Flag.DOUBTFUL), int(Flag.TOMBSTONE)]),
)


def table(rows):
    """A batch; each row is received after the one before it."""
    full = [
        (stream, start * 10, start * 10 + length, 1000 + number, float("nan") if result is None else result, flags)
        for number, (stream, start, length, result, flags) in rows
    ]
    columns = [list(column) for column in zip(*full, strict=True)]
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, OBSERVATIONS, strict=True)], schema=OBSERVATIONS)


def as_dictionary(store):
    found = {}
    for stream in (1, 2, 3):
        for row in store.read(lambda c, s=stream: observations.current(c, s, 0, 1000)).to_pylist():
            result = None if row["result"] != row["result"] else row["result"]
            key = (stream, row["start_us"], row["end_us"])
            assert key not in found
            found[key] = (result, row["flags"])
    return found


@given(rows=st.lists(ROW, min_size=1, max_size=40), cuts=st.sets(st.integers(1, 39), max_size=6))
@settings(max_examples=40, deadline=None)
def test_any_split_into_batches_gives_what_a_dictionary_would(rows, cuts):
    numbered = list(enumerate(rows))
    edges = [0, *sorted(cut for cut in cuts if cut < len(rows)), len(rows)]
    model, told = {}, Appended()
    for _, (stream, start, length, result, flags) in numbered:
        key = (stream, start * 10, start * 10 + length)
        kind = "known" if model.get(key) == (result, flags) else "revised" if key in model else "added"
        told += Appended(**{kind: 1})
        model[key] = (result, flags)
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "lab.db", "test", durable=False) as store:
        total = Appended()
        for begin, end in pairwise(edges):
            total += store.append(table(numbered[begin:end]))
        assert total == told
        assert as_dictionary(store) == {key: kept for key, kept in model.items() if not kept[1] & Flag.TOMBSTONE}
        assert store.append(table(numbered[-1:])) == Appended(known=1)
        assert store.read(lambda c: observations.received(c, 0, 10_000)).num_rows == told.added + told.revised

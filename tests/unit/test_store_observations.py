"""Observations in the store: append-only, with revisions, tombstones and missing results."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from ruimte.model.observation import OBSERVATIONS, Flag
from ruimte.store import observations
from ruimte.store.observations import Appended
from ruimte.store.sqlite import Store


def rows(*values):
    """A batch of (datastream, start, result, received, flags); every interval is 10 long."""
    full = [(s, start, start + 10, received, result, flags) for s, start, result, received, flags in values]
    columns = zip(*full, strict=True) if full else [[]] * len(OBSERVATIONS)
    return pa.table([pa.array(list(c), f.type) for c, f in zip(columns, OBSERVATIONS, strict=True)], schema=OBSERVATIONS)


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "lab.db", "test") as opened:
        yield opened


def current(store, stream=1):
    table = store.read(lambda c: observations.current(c, stream, 0, 10_000))
    return list(zip(table["start_us"].to_pylist(), table["result"].to_pylist(), table["flags"].to_pylist(), strict=True))


def log(store):
    table = store.read(lambda c: observations.received(c, -1, 10_000))
    return list(zip(table["start_us"].to_pylist(), table["result"].to_pylist(), strict=True))


def test_appending_again_adds_nothing(store):
    batch = rows((1, 0, 5.0, 10, 0), (1, 10, 6.0, 20, 0), (2, 0, 7.0, 10, 0))
    assert store.append(batch) == Appended(added=3)
    # a later receipt of the same result is not news
    again = rows((1, 0, 5.0, 99, 0), (1, 10, 6.0, 99, 0), (2, 0, 7.0, 99, 0))
    assert store.append(again) == Appended(known=3)
    assert store.read(observations.count) == 3
    assert store.read(observations.span) == (10, 20)


def test_a_chain_of_revisions_shows_the_newest_and_keeps_all(store):
    for received, result in ((10, 5.0), (11, 6.0), (12, 5.0)):
        store.append(rows((1, 0, result, received, 0)))
    assert current(store) == [(0, 5.0, 0)]
    assert log(store) == [(0, 5.0), (0, 6.0), (0, 5.0)]
    chain = store.read(lambda c: c.execute("SELECT id, revises FROM observations ORDER BY id").fetchall())
    assert [revises for _, revises in chain] == [None, chain[0][0], chain[1][0]]


def test_other_flags_are_a_revision(store):
    store.append(rows((1, 0, 5.0, 10, 0)))
    assert store.append(rows((1, 0, 5.0, 11, int(Flag.DOUBTFUL)))) == Appended(revised=1)
    assert current(store) == [(0, 5.0, int(Flag.DOUBTFUL))]


def test_another_interval_with_the_same_start_is_another_observation(store):
    longer = rows((1, 0, 9.0, 20, 0)).set_column(2, OBSERVATIONS.field("end_us"), pa.array([20], pa.int64()))
    assert store.append(rows((1, 0, 5.0, 10, 0))) + store.append(longer) == Appended(added=2)
    assert [result for _, result, _ in current(store)] == [5.0, 9.0]


def test_a_tombstone_hides_and_a_new_result_comes_back(store):
    store.append(rows((1, 0, 5.0, 10, 0), (1, 10, 6.0, 20, 0)))
    store.append(rows((1, 0, 5.0, 21, int(Flag.TOMBSTONE))))
    assert current(store) == [(10, 6.0, 0)]
    assert len(log(store)) == 3
    store.append(rows((1, 0, 4.0, 22, 0)))
    assert current(store) == [(0, 4.0, 0), (10, 6.0, 0)]


def test_duplicates_inside_a_batch_are_read_in_order_of_receipt(store):
    batch = rows((1, 0, 3.0, 12, 0), (1, 0, 1.0, 10, 0), (1, 0, 1.0, 11, 0), (1, 10, 8.0, 20, 0))
    assert store.append(batch) == Appended(added=2, revised=1, known=1)
    assert current(store) == [(0, 3.0, 0), (10, 8.0, 0)]


def test_a_missing_result_stays_missing(store):
    batch = rows((1, 0, np.nan, 10, 0))
    assert store.append(batch) == Appended(added=1)
    assert store.append(batch) == Appended(known=1)
    ((_, result, _),) = current(store)
    assert np.isnan(result)
    assert store.append(rows((1, 0, 0.0, 11, 0))) == Appended(revised=1)
    assert current(store) == [(0, 0.0, 0)]


def test_an_empty_batch_and_columns_in_another_order(store):
    assert store.append(rows()) == Appended()
    shuffled = rows((1, 0, 5.0, 10, 0)).select(["result", "flags", "end_us", "start_us", "datastream", "received_us"])
    store.append(shuffled)
    assert current(store) == [(0, 5.0, 0)]


def test_received_is_open_at_the_start_and_closed_at_the_end(store):
    store.append(rows((1, 0, 1.0, 10, 0), (1, 10, 2.0, 20, 0), (1, 20, 3.0, 30, 0)))
    assert store.read(lambda c: observations.received(c, 10, 20))["result"].to_pylist() == [2.0]

"""Group commit: many at once, each durable when its future is done, none harmed by another."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ruimte.errors import RuimteError
from ruimte.store.sqlite import Store


def put(value):
    return lambda connection: connection.execute("INSERT INTO meta VALUES (?, ?)", (f"key-{value}", str(value))).lastrowid


def seen(path):
    """What another connection sees: only what is committed."""
    with sqlite3.connect(path) as connection:
        found = {key for (key,) in connection.execute("SELECT key FROM meta WHERE key LIKE 'key-%'")}
    connection.close()
    return found


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "lab.db", "test") as opened:
        yield opened


def test_two_hundred_at_once_are_each_visible_when_done(store):
    def submit(number):
        store.write(put(number)).result()
        return f"key-{number}" in seen(store.path)

    with ThreadPoolExecutor(20) as pool:
        assert all(pool.map(submit, range(200)))
    assert len(seen(store.path)) == 200


def held(store):
    """The writer waits inside a piece of work until told; what is handed in meanwhile is committed together."""
    begun, go = threading.Event(), threading.Event()

    def wait(connection):
        begun.set()
        go.wait(5)

    store.write(wait)
    begun.wait(5)
    return go


def test_a_piece_that_fails_does_not_harm_its_neighbours(store):
    def fail(connection):
        put("half")(connection)
        raise ValueError("not this one")

    go = held(store)
    before, bad, after = store.write(put(1)), store.write(fail), store.write(put(2))
    twice = store.write(put(1))
    assert not before.done()
    go.set()
    before.result(), after.result()
    with pytest.raises(ValueError, match="not this one"):
        bad.result()
    with pytest.raises(sqlite3.IntegrityError):
        twice.result()
    assert seen(store.path) == {"key-1", "key-2"}


def test_a_piece_that_was_cancelled_is_left_out_and_the_writer_goes_on(store):
    go = held(store)
    cancelled, other = store.write(put("cancelled")), store.write(put("other"))
    assert cancelled.cancel()
    go.set()
    other.result(timeout=5)
    assert seen(store.path) == {"key-other"}
    store.write(put("later")).result(timeout=5)


def test_closing_finishes_what_was_handed_in(tmp_path):
    store = Store(tmp_path / "lab.db", "test")
    go = held(store)
    pieces = [store.write(put(number)) for number in range(50)]
    go.set()
    store.close()
    store.close()
    assert all(piece.done() for piece in pieces)
    assert len(seen(store.path)) == 50
    with pytest.raises(RuimteError, match="the store is closed"):
        store.write(put("late"))

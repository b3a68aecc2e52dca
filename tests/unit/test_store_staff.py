"""Names of staff: beside the logbook for a while, then gone; the logbook stays."""

from __future__ import annotations

import pytest

from ruimte.store import records, staff
from ruimte.store.records import LogEntry
from ruimte.store.sqlite import Store


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "lab.db", "test") as opened:
        for number, name in enumerate(("Jo Jansen", "Kim Visser"), start=1):
            entry = LogEntry(lab_us=number, wall_us=number, kind="acknowledged", who="operator")
            opened.write(lambda c, e=entry, n=name: staff.keep_name(c, records.append_log(c, e), n, e.wall_us + 100)).result()
        yield opened


def test_a_name_is_read_with_its_line_until_its_time_is_over(store):
    def names():
        return [(line.who, line.name) for line in store.read(lambda c: records.log(c, None, 9))]

    assert names() == [("operator", "Kim Visser"), ("operator", "Jo Jansen")]
    assert store.write(lambda c: staff.forget_names(c, 100)).result() == 0
    assert store.write(lambda c: staff.forget_names(c, 101)).result() == 1
    assert names() == [("operator", "Kim Visser"), ("operator", None)]


def test_a_name_that_is_forgotten_is_in_no_file(tmp_path, store):
    store.write(lambda c: staff.forget_names(c, 1_000)).result()
    store.close()
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("lab.db*"))
    assert b"operator" in stored
    assert b"Jo Jansen" not in stored

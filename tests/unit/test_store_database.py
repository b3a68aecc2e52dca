"""The database file: its schema, whose it is, who writes it; warnings as they stood, and a logbook that stays."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys

import msgspec
import numpy as np
import pytest

from ruimte.errors import RuimteError
from ruimte.forecast.errors import with_outer
from ruimte.model.forecast import EVEN, LEVELS, Forecast
from ruimte.model.warning import Reason, Warning  # noqa: A004 - the field's own word
from ruimte.store import records, results
from ruimte.store.records import LogEntry
from ruimte.store.retention import purge_records
from ruimte.store.sqlite import Reader, Store, _migrations
from ruimte.store.staff import keep_name


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "lab.db"


def version(path, new=None):
    connection = sqlite3.connect(path)
    if new is not None:
        connection.execute(f"PRAGMA user_version = {new}")
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    return found


def one_line(error):
    assert "\n" not in str(error)
    assert error.mend
    return str(error)


def test_a_new_database_has_the_whole_schema_and_opening_it_again_changes_nothing(path):
    with Store(path, "test") as store:
        first = store.read(lambda c: c.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall())
        store.write(lambda c: c.execute("INSERT INTO places (key) VALUES ('square')")).result()
    assert {"observations", "things", "datastreams", "logbook", "current_observations"} <= {name for name, _ in first}
    assert version(path) >= 1
    with Store(path, "test") as store:
        assert store.read(lambda c: c.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()) == first
        assert store.place_ids() == {"square": 1}


@pytest.mark.parametrize("opened", [lambda path: Store(path, "test"), Reader], ids=["to write", "to read"])
def test_a_newer_schema_is_refused_and_left_alone(path, opened):
    Store(path, "test").close()
    version(path, 99)
    with pytest.raises(RuimteError, match="made by a newer Ruimte") as raised:
        opened(path)
    assert str(path) in one_line(raised.value)
    assert version(path) == 99


def test_a_database_of_before_the_outer_quantiles_is_brought_forward_and_its_forecasts_are_shown(path):
    old = (np.arange(1.0, 1 + 2 * 19) ** 2).astype("<f4").reshape(2, 19)
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    for number in (1, 2):
        connection.executescript(_migrations()[number])
    connection.execute("INSERT INTO places (key) VALUES ('square')")
    connection.execute("INSERT INTO algorithms (key, version) VALUES ('amsterdam-profile', '1')")
    row = (1, 100, 1, 110, 10, old.tobytes())
    columns = "place_id, issued_us, algorithm_id, first_us, step_us, quantiles"
    connection.execute(f"INSERT INTO forecasts ({columns}) VALUES (?, ?, ?, ?, ?, ?)", row)
    connection.commit()
    connection.close()
    version(path, 2)
    new = Forecast(200, np.array([210, 220]), np.arange(2.0 * len(LEVELS)).reshape(1, 2, -1), "amsterdam-profile")
    with Store(path, "test") as store:
        store.write(lambda c: results.append_forecast(c, new, [1], 1)).result()
        then, now = (store.read(lambda c, t=t: results.forecast_at(c, 1, t)) for t in (199, 200))
        assert store.read(lambda c: c.execute("SELECT levels FROM forecasts ORDER BY id").fetchall()) == [(19,), (len(LEVELS),)]
    assert version(path) == max(_migrations())
    assert (then.issued_us, then.valid_us.tolist()) == (100, [110, 120])
    np.testing.assert_array_equal(then.quantiles[:, EVEN], old)
    assert then.quantiles == pytest.approx(with_outer(old))
    np.testing.assert_array_equal(now.quantiles, new.quantiles[0])
    assert then.quantiles.dtype == now.quantiles.dtype == np.float32


@pytest.mark.parametrize("opened", [lambda path: Store(path, "test"), Reader], ids=["to write", "to read"])
def test_what_is_not_a_database_is_refused(path, opened):
    path.parent.mkdir()
    path.write_text("Dear diary, today I counted 12 people and a dog.\n" * 100)
    with pytest.raises(RuimteError, match="cannot be used as a database") as raised:
        opened(path)
    assert str(path) in one_line(raised.value)


def test_a_database_of_something_else_cannot_be_read(path):
    path.parent.mkdir()
    sqlite3.connect(path).close()
    with pytest.raises(RuimteError, match="holds nothing of Ruimte"):
        Reader(path)


def test_another_lab_or_another_purpose_is_refused(path):
    Store(path, "test").close()
    with pytest.raises(RuimteError, match="is a database of lab 'test', not 'other'"):
        Store(path, "other")
    with pytest.raises(RuimteError, match="is a database of stamp 'lab', not 'replay'"):
        Store(path, "test", "replay")
    Store(path, "test").close()  # the refusals let go of the lock


def test_a_second_writer_process_is_told_which_one_is_first(path):
    code = (
        "import sys, pathlib\nfrom ruimte.store.sqlite import Store\nfrom ruimte.errors import RuimteError\n"
        "try:\n    Store(pathlib.Path(sys.argv[1]), 'test').close()\n    print('opened')\n"
        "except RuimteError as error:\n    print(error)\n"
    )

    def other():
        return subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True).stdout

    with Store(path, "test") as store:
        assert f"another process writes this database (process {os.getpid()})" in other()
        with Reader(path) as reader:
            assert reader.place_ids() == store.place_ids()
    assert other() == "opened\n"


def test_a_lock_that_cannot_be_made_is_one_line(path):
    path.with_name(path.name + ".lock").mkdir(parents=True)
    with pytest.raises(RuimteError) as raised:
        Store(path, "test")
    assert "lab.db.lock" in one_line(raised.value)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RuimteError) as raised:
        Store(tmp_path / "file" / "lab.db", "test")
    assert str(tmp_path / "file") in one_line(raised.value)


def test_a_missing_database_cannot_be_read(path):
    with pytest.raises(RuimteError, match="no such database"):
        Reader(path)


def test_a_closed_database_is_one_file(path):
    with Store(path, "test") as store:
        store.write(lambda c: c.execute("INSERT INTO places (key) VALUES ('square')")).result()
        store.place_ids()
    assert sorted(file.name for file in path.parent.iterdir()) == ["lab.db", "lab.db.lock"]


def test_a_copy_is_whole_and_readable(path, tmp_path):
    with Store(path, "test") as store:
        store.write(lambda c: c.execute("INSERT INTO places (key) VALUES ('square')")).result()
        store.copy_to(tmp_path / "copy.db")
    with Reader(tmp_path / "copy.db") as copy:
        assert copy.place_ids() == {"square": 1}
    assert sorted(p.name for p in tmp_path.glob("copy.db*.part")) == []


def warning(**changes):
    plain = {
        "id": 1, "place": "square", "table": "unusual", "level": "P99", "rank": 2, "priority": 2, "phase": "open",
        "opened_us": 100, "updated_us": 100, "probability": 0.7, "expected_us": 200, "lead_us": 100, "threshold": 5.0,
        "reasons": (Reason("event", {"name": {"en": "Fair"}, "start": 100, "end": 300.5}),),
    }  # fmt: skip
    return Warning(**(plain | changes))


def test_warnings_as_they_stood(path):
    steps = [
        (100, warning()),
        (150, warning(phase="acknowledged", acknowledged_by="operator")),
        (150, warning(phase="acknowledged", acknowledged_by="operator", decision="hold")),
        (180, warning(id=2, place="street", opened_us=180)),
        (200, warning(phase="closed", closed_us=200, decision="hold")),
    ]
    with Store(path, "test") as store:
        for at_us, step in steps:
            store.write(lambda c, w=step, t=at_us: records.append_warning(c, w, t)).result()
        then = {t: store.read(lambda c, t=t: records.warnings(c, t, 190)) for t in (99, 100, 150, 199, 200)}
        assert then[99] == []
        assert then[100] == [steps[0][1]]
        assert then[150] == [steps[2][1]]
        assert then[199] == [steps[2][1], steps[3][1]]
        assert then[200] == [steps[4][1], steps[3][1]]
        assert [w.id for w in store.read(lambda c: records.warnings(c, 500, 200))] == [2]
        assert store.read(records.last_warning_id) == 2


def test_the_logbook_cannot_be_rewritten(path):
    entry = LogEntry(lab_us=1, wall_us=2, kind="decided", who="operator", place="square", warning=3, body={"note": "ok"})
    with Store(path, "test") as store:
        store.write(lambda c: records.append_log(c, entry)).result()
        rewrite = "REPLACE INTO logbook SELECT * FROM logbook"
        for statement in ("UPDATE logbook SET who = 'nobody'", "DELETE FROM logbook", rewrite):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                store.write(lambda c, s=statement: c.execute(s)).result()
        (kept,) = store.read(lambda c: records.log(c, None, 10))
    assert (kept.who, kept.place, kept.warning, kept.body) == ("operator", "square", 3, {"note": "ok"})


def test_steps_of_warnings_cannot_be_rewritten(path, some_warning):
    with Store(path, "test") as store:
        store.write(lambda c: records.append_warning(c, some_warning, 5)).result()
        rewrite = "REPLACE INTO warnings SELECT * FROM warnings"
        for statement in ("UPDATE warnings SET phase = 'closed'", "DELETE FROM warnings", rewrite):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                store.write(lambda c, s=statement: c.execute(s)).result()
        assert store.read(lambda c: records.warnings(c, 10, 0)) == [some_warning]


def test_only_what_is_older_than_its_retention_goes_and_that_is_written_down(path, some_warning):
    def write(store):
        for at_us in (5, 50):
            line = LogEntry(lab_us=at_us, wall_us=0, kind="note", who="operator", body={"note": str(at_us)})
            store.write(lambda c, e=line: keep_name(c, records.append_log(c, e), "Jo", 99)).result()
        closed = msgspec.structs.replace(some_warning, phase="closed", closed_us=6)
        still_open = msgspec.structs.replace(some_warning, id=9)
        for step, at_us in ((some_warning, 5), (closed, 6), (still_open, 5)):
            store.write(lambda c, s=step, a=at_us: records.append_warning(c, s, a)).result()

    with Store(path, "test") as store:
        write(store)
        assert store.write(lambda c: purge_records(c, 20, 60, 61)).result() == 1
        lines = store.read(lambda c: records.log(c, None, 10))
        assert [(line.kind, line.body.get("note")) for line in lines] == [("purged", None), ("note", "50")]
        assert [w.id for _, w in store.read(lambda c: records.warning_steps(c, 0, 100))] == [9]
        assert store.write(lambda c: purge_records(c, 20, 60, 61)).result() == 0
        assert len(store.read(lambda c: records.log(c, None, 10))) == 2
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            store.write(lambda c: c.execute("DELETE FROM logbook")).result()


def test_lines_and_warnings_of_a_period(path, some_warning):
    with Store(path, "test") as store:
        for at_us in (5, 10, 20):
            line = LogEntry(lab_us=at_us, wall_us=0, kind="silent", who="system")
            store.write(lambda c, e=line: records.append_log(c, e)).result()
        assert [e.lab_us for e in store.read(lambda c: records.log_between(c, 5, 20))] == [5, 10]
        closed = msgspec.structs.replace(some_warning, phase="closed", closed_us=15)
        for step, at_us in ((some_warning, 5), (closed, 15)):
            store.write(lambda c, s=step, a=at_us: records.append_warning(c, s, a)).result()
        asked = {
            span: store.read(lambda c, s=span: records.warning_steps(c, *s)) for span in ((0, 5), (0, 10), (10, 30), (16, 30))
        }
        assert {span: [at for at, _ in steps] for span, steps in asked.items()} == {
            (0, 5): [],
            (0, 10): [5],
            (10, 30): [5, 15],
            (16, 30): [],
        }


@pytest.fixture
def some_warning():
    return Warning(
        id=3,
        place="square",
        table="fruin-walkway",
        level="E",
        rank=1,
        priority=2,
        phase="open",
        opened_us=5,
        updated_us=5,
        probability=0.6,
        expected_us=9,
        lead_us=4,
        threshold=100.0,
    )


def test_the_logbook_is_read_from_the_newest_down(path):
    with Store(path, "test") as store:
        for number in range(5):
            entry = LogEntry(lab_us=number, wall_us=0, kind="silent", who="system")
            store.write(lambda c, e=entry: records.append_log(c, e)).result()
        page = store.read(lambda c: records.log(c, None, 2))
        assert [e.lab_us for e in page] == [4, 3]
        assert [e.lab_us for e in store.read(lambda c: records.log(c, page[-1].id, 9))] == [2, 1, 0]


def test_a_snapshot_is_replaced(path):
    with Store(path, "test") as store:
        assert store.read(lambda c: results.snapshot(c, "estimate")) is None
        for body in (b"one", b"two"):
            store.write(lambda c, b=body: results.save_snapshot(c, "estimate", 7, b)).result()
        assert store.read(lambda c: results.snapshot(c, "estimate")) == (7, b"two")

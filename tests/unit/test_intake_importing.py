"""The whole import: file to store, and the report."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from ruimte.clock import ManualClock, to_us
from ruimte.errors import RuimteError
from ruimte.intake.formats import FORMATS
from ruimte.jobs.importing import import_file
from ruimte.store.observations import Appended

FILE = '"In","Out","Timestamp","Name"\n1,0,"2020-06-01T00:15:00","Nord"\n2,5,"2020-06-01T00:00:00","Nord"\n'


class Shelf:
    """A store that keeps batches in memory."""

    path = Path("shelf.db")

    def __init__(self, *keys: str) -> None:
        self.keys = keys
        self.rows: dict[tuple[object, ...], float] = {}

    def stream_ids(self) -> dict[str, int]:
        return {key: i for i, key in enumerate(self.keys)}

    def append(self, table: pa.Table) -> Appended:
        total = Appended()
        for row in table.to_pylist():
            key = (row["datastream"], row["start_us"])
            known = self.rows.get(key)
            total += Appended(known is None, known not in (None, row["result"]), known == row["result"])
            self.rows[key] = row["result"]
        return total


NORTH = ("north/count_in", "north/count_out")


@pytest.fixture
def lab(make_lab):
    return make_lab({"key": "north", "source_id": "Nord", "measures": ["count_in", "count_out"], "interval": "5m"})


def test_importing_twice_adds_nothing(lab, tmp_path):
    path = tmp_path / "file.csv"
    path.write_text(FILE)
    shelf = Shelf(*NORTH)
    told: list[tuple[float, int]] = []
    first = import_file(lab, shelf, path, "zurich", progress=lambda done, kept: told.append((done, kept)))
    assert (first.rows, first.kept, first.implied, first.added, first.known) == (2, 8, 4, 8, 0)
    assert told[-1] == (1.0, 8)
    again = import_file(lab, shelf, path, "zurich")
    assert (again.kept, again.added, again.known, again.revised) == (8, 0, 8, 0)


def test_the_longest_gap_can_be_given(lab, tmp_path):
    path = tmp_path / "file.csv"
    path.write_text(FILE)
    report = import_file(lab, Shelf(*NORTH), path, "zurich", longest_gap="5m")
    assert (report.implied, report.long_gaps) == (0, 1)
    with pytest.raises(RuimteError, match="'soon' is not a length of time"):
        import_file(lab, Shelf(*NORTH), path, "zurich", longest_gap="soon")


def test_the_report_is_text_and_json(lab, tmp_path):
    path = tmp_path / "file.csv"
    path.write_text(FILE + '7,1,"whenever","Nord"\n9,9,"2020-06-01T00:20:00","Süd"\n')
    report = import_file(lab, Shelf(*NORTH), path, "zurich")
    facts = json.loads(json.dumps(report.as_dict()))
    assert facts["rows"] == 4
    assert facts["database"] == str(Path("shelf.db").resolve())
    assert facts["from"] == "2020-05-31T22:00:00Z"
    assert {(each["unit"], each["count"]) for each in facts["refused"]} == {("rows", 1), ("observations", 2)}
    text = "\n".join(report.lines())
    assert "unreadable time: row 4: 'whenever'; expected ISO 8601" in text
    assert f"database {facts['database']}" in text
    assert "sensor is not registered: row 5: 'Süd' 9" in text


def test_what_lies_after_the_clock_is_refused(lab, tmp_path):
    path = tmp_path / "file.csv"
    path.write_text(FILE)
    clock = ManualClock(to_us(datetime(2020, 5, 31, 22, 5, tzinfo=UTC)))
    report = import_file(lab, Shelf(*NORTH), path, "zurich", clock=clock)
    assert (report.kept, report.implied, report.refused_count("observations")) == (2, 0, 2)
    assert "lies in the future: row 2" in "\n".join(report.lines())


LONG = """t,s,in,out
2020-06-01T00:00,north,1,2
2020-06-01T00:00,north,1,3
2020-06-01T00:05,north,many,
never,north,many,
2020-06-01T00:15,,x,-4
2020-06-01T00:20,north,5
2020-06-01T00:30,north,-1,nan
2020-06-01T00:32,north,1,1
2020-10-25T02:30,north,7,
2021-03-28T02:30,north,,7
2020-06-01T00:40,south,,1
"""
WIDE = "t,in,out,south\n2020-06-01T00:00,1,,1\nnever,x,,\n2020-06-01T00:15,-2,x,\n2020-06-01T00:18,4,5,6\n"
ZURICH = FILE + '"x","","2020-06-01T00:30:00","Nord"\n"x","","soon","Nord"\n"x","","2020-06-01T00:30:00",""\n'
AUCKLAND = (
    "date,hour,year,Nord,South\n2020-04-04,1:00-1:59,2020,4,8\n2020-04-04,2:00-2:59,2020,16,x\n2020-04-04,3:00-3:59,2020,4,\n"
    "soon,4:00-4:59,2020,x,\n2020-04-04,4:00-4:59,2020,-1,5\n"
)
KINDS = {
    "long": ("table", LONG, 'sensor = "s"\ncount_in = "in"\ncount_out = "out"'),
    "wide": ("table", WIDE, '[columns]\nin = "north/count_in"\nout = "north/count_out"\nsouth = "south"'),
    "zurich": ("zurich", ZURICH, None),
    "auckland": ("auckland", AUCKLAND, None),
}


@pytest.mark.parametrize(
    ("kind", "rows", "rows_refused", "cells"),
    [("long", 11, 5, 12), ("wide", 4, 1, 9), ("zurich", 5, 2, 6), ("auckland", 5, 1, 10)],
)
def test_the_figures_add_up_and_nothing_is_counted_twice(make_lab, tmp_path, kind, rows, rows_refused, cells):
    format_, text, more = KINDS[kind]
    measures, interval = (["count"], "1h") if kind == "auckland" else (["count_in", "count_out"], "5m")
    lab = make_lab({"key": "north", "source_id": "Nord", "measures": measures, "interval": interval})
    path, mapping = tmp_path / "file.csv", tmp_path / "mapping.toml"
    path.write_text(text)
    if more is not None:
        mapping.write_text(f'time = "t"\ninterval = "5m"\nabsence = "zero"\nlongest_gap = "1h"\n{more}')
    shelf = Shelf(*(f"north/{measure}" for measure in measures))
    report = import_file(lab, shelf, path, format_, None if more is None else mapping)
    assert (report.rows, report.refused_count("rows"), report.observations) == (rows, rows_refused, cells)
    assert report.kept > 0
    assert report.missing > 0
    assert report.refused_count("observations") > 0
    assert report.observations == report.refused_count("observations") + report.missing + report.kept - report.implied
    assert report.kept == report.added + report.known + report.revised
    figures = report.as_dict()
    assert sum(each["count"] for each in figures["refused"]) == rows_refused + report.refused_count("observations")
    text = "\n".join(report.lines())
    assert all(f"{each['reason']}: " in text for each in figures["refused"])


def test_wrong_usage_is_told(lab, tmp_path):
    path = tmp_path / "file.csv"
    path.write_text(FILE)
    with pytest.raises(RuimteError, match="unknown format 'oslo'; choose one of auckland"):
        import_file(lab, Shelf(*NORTH), path, "oslo")
    with pytest.raises(RuimteError, match="format table needs a mapping"):
        import_file(lab, Shelf(*NORTH), path, "table")
    for name in sorted(set(FORMATS) - {"table"}):
        with pytest.raises(RuimteError, match=f"format {name} takes no mapping"):
            import_file(lab, Shelf(*NORTH), path, name, mapping=tmp_path / "m.toml")


def test_a_store_in_which_the_lab_is_not_registered(lab, tmp_path):
    with pytest.raises(RuimteError, match="the store does not know datastream north/count_out; register the lab"):
        import_file(lab, Shelf("north/count_in"), tmp_path / "file.csv", "zurich")

"""Zürich's file: omitted zeros, long gaps, and the two odd days of the year."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from ruimte.clock import HOUR_US, MINUTE_US, to_us
from ruimte.intake.formats.zurich import Zurich
from ruimte.intake.raw import Options
from ruimte.intake.report import Report
from ruimte.model.observation import Flag

ZONE = ZoneInfo("Europe/Zurich")


def at(*when: int, fold: int = 0) -> int:
    return to_us(datetime(*when, tzinfo=ZONE, fold=fold))


def read(tmp_path, make_lab, rows, **options):
    path = tmp_path / "file.csv"
    path.write_text('"In","Out","Timestamp","Name"\n' + "".join(f'{i},{o},"{t}","{n}"\n' for i, o, t, n in rows))
    report = Report(str(path), "zurich")
    lab = make_lab({"key": "north", "source_id": "Nord"}, {"key": "south", "source_id": "Süd"})
    batches = list(Zurich().read(path, lab, report, Options(**options)))
    table = pa.concat_tables(batch.table for batch in batches).to_pylist() if batches else []
    return {(r["sensor"], r["measure"], r["start_us"]): (r["result"], r["flags"]) for r in table}, report


def test_omitted_zeros_are_put_back_for_each_line_by_itself(tmp_path, make_lab):
    rows = [
        (1, 0, "2020-06-01T00:15:00", "Nord"),
        (2, 5, "2020-06-01T00:00:00", "Nord"),
        (3, 4, "2020-06-01T00:00:00", "Süd"),
    ]
    seen, report = read(tmp_path, make_lab, rows)
    north = {key[2]: value for key, value in seen.items() if key[:2] == ("Nord", "count_out")}
    start = at(2020, 6, 1)
    assert north == {
        start: (5.0, 0),
        start + 5 * MINUTE_US: (0.0, Flag.IMPLIED),
        start + 10 * MINUTE_US: (0.0, Flag.IMPLIED),
        start + 15 * MINUTE_US: (0.0, 0),
    }
    assert sum(key[0] == "Süd" for key in seen) == 2
    assert report.rows == 3


def test_a_gap_of_more_than_six_hours_stays_missing(tmp_path, make_lab):
    rows = [(1, 1, "2020-06-01T00:00:00", "Nord"), (1, 1, "2020-06-01T06:10:00", "Nord")]
    seen, report = read(tmp_path, make_lab, rows)
    assert len(seen) == 4
    assert report.long_gaps == 1
    seen, report = read(tmp_path, make_lab, rows, longest_gap_us=7 * HOUR_US)
    assert (len(seen), report.long_gaps) == (2 * 75, 0)


def test_an_unregistered_line_gets_no_zeros(tmp_path, make_lab):
    rows = [(1, 1, "2020-06-01T00:00:00", "West"), (1, 1, "2020-06-01T01:00:00", "West")]
    assert len(read(tmp_path, make_lab, rows)[0]) == 4


def test_autumn_written_once_is_doubtful_and_its_second_hour_missing(tmp_path, make_lab):
    rows = [(1, 0, f"2020-10-25T{time}:00", "Nord") for time in ("03:10", "02:50", "02:40", "01:50")]
    seen, _ = read(tmp_path, make_lab, rows)
    flags = {key[2]: value[1] for key, value in seen.items() if key[1] == "count_in"}
    assert flags[at(2020, 10, 25, 2, 50)] == Flag.DOUBTFUL
    assert flags[at(2020, 10, 25, 2, 55)] == Flag.IMPLIED
    assert flags[at(2020, 10, 25, 3, 5)] == Flag.IMPLIED
    second = at(2020, 10, 25, 2, fold=1)
    assert not any(second <= start < second + HOUR_US for start in flags)


def test_autumn_written_twice_goes_to_both_hours(tmp_path, make_lab):
    times = ["03:00", *[f"02:{m:02d}" for m in range(55, -1, -5)] * 2, "01:55"]
    seen, _ = read(tmp_path, make_lab, [(i, 1, f"2020-10-25T{time}:00", "Nord") for i, time in enumerate(times)])
    assert seen["Nord", "count_in", at(2020, 10, 25, 2, 55, fold=1)] == (1.0, 0)
    assert seen["Nord", "count_in", at(2020, 10, 25, 2, 55)] == (13.0, 0)


def test_spring_is_bridged_without_its_missing_hour(tmp_path, make_lab):
    rows = [(1, 1, "2020-03-29T03:00:00", "Nord"), (1, 1, "2020-03-29T02:30:00", "Nord"), (1, 1, "2020-03-29T01:55:00", "Nord")]
    seen, report = read(tmp_path, make_lab, rows)
    assert {flag for _, flag in seen.values()} == {0}
    assert report.refused_count("rows") == 1


def test_cells_that_are_no_numbers_are_refused_one_by_one(tmp_path, make_lab):
    rows = [("many", 1, "2020-06-01T00:00:00", "Nord"), ("", 1, "2020-06-01T00:05:00", "Nord"), (1, 1, "2020-06-01T00:10:00", "")]
    seen, report = read(tmp_path, make_lab, rows)
    assert [key[1] for key in seen] == ["count_out", "count_out"]
    assert report.missing == 1
    assert (report.refused_count("observations"), report.refused_count("rows")) == (1, 1)


@pytest.mark.data
def test_the_real_file(shared_data, make_lab):
    path = shared_data / "zurich_hardbruecke" / "frequenzen_hardbruecke_2020.csv.gz"
    names = [f"{side}-{line}" for side in ("Ost", "West") for line in ("Nord total", "SBB total", "Süd total", "VBZ total")]
    names[3] = "Ost-VBZ Total"
    lab = make_lab(*({"key": f"line-{i}", "source_id": name} for i, name in enumerate(names)))
    report = Report(str(path), "zurich")
    rows = real = 0
    for batch in Zurich().read(path, lab, report, Options()):
        rows += batch.table.num_rows
        real += sum(row != 0 for row in batch.table["row"].to_pylist())
    assert (report.rows, real, report.refused) == (714_681, 2 * 714_681, {})
    year = (datetime(2021, 1, 1, tzinfo=UTC) - datetime(2020, 1, 1, tzinfo=UTC)).days * 288
    assert 0.97 < rows / (16 * year) < 1

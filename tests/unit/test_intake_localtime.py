"""Hours that come twice or never."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from ruimte.clock import HOUR_US, MINUTE_US, to_us
from ruimte.intake.cells import Stamps, read_stamps
from ruimte.intake.localtime import doubled_hours, naive_us, to_utc
from ruimte.intake.report import Report
from ruimte.intake.rows import place_in_time, silent_doubled_hours
from ruimte.model.observation import Flag

ZURICH = ZoneInfo("Europe/Zurich")


def wall(*moments: datetime) -> Stamps:
    us = np.array([naive_us(moment) for moment in moments])
    yes = np.ones(len(us), dtype=bool)
    return Stamps(us, ~yes, yes, pa.chunked_array([[str(moment) for moment in moments]]), "expected ISO 8601")


def utc(*moments: datetime) -> list[int]:
    return [to_us(moment.replace(tzinfo=UTC)) for moment in moments]


def place(stamps: Stamps, folded: str, edge: str = "start"):
    rows = np.arange(len(stamps.us))
    report = Report("x", "y")
    times, flags, good = place_in_time(stamps, ZURICH, folded, edge, np.zeros(len(rows), dtype=np.int64), rows, report)
    return times[good].tolist(), flags[good].tolist(), report


def test_every_hour_of_a_day_with_25_and_23_hours():
    for day, missing, folded in ((datetime(2020, 10, 25), 0, 1), (datetime(2020, 3, 29), 1, 0)):
        local = to_utc(np.array([naive_us(day + timedelta(hours=h)) for h in range(24)]), ZURICH)
        assert local.missing.sum() == missing
        assert local.folded.sum() == folded
        assert np.all((local.second_us - local.first_us)[local.folded] == HOUR_US)


def test_the_edges_of_the_doubled_hour():
    local = to_utc(wall(*(datetime(2020, 10, 25, h, m) for h, m in ((1, 59), (2, 0), (2, 59), (3, 0)))).us, ZURICH)
    assert local.folded.tolist() == [False, True, True, False]
    expected = utc(
        datetime(2020, 10, 24, 23, 59), datetime(2020, 10, 25), datetime(2020, 10, 25, 0, 59), datetime(2020, 10, 25, 2)
    )
    assert local.first_us.tolist() == expected


def test_a_zone_without_changes_and_no_times_at_all():
    local = to_utc(wall(datetime(2020, 6, 1)).us, ZoneInfo("Asia/Tokyo"))
    assert local.first_us.tolist() == utc(datetime(2020, 5, 31, 15))
    assert len(to_utc(np.empty(0, dtype=np.int64), ZURICH).first_us) == 0


def test_both_gives_each_stamp_its_own_hour_in_either_order():
    stamps = [
        datetime(2020, 10, 25, 1, 30),
        datetime(2020, 10, 25, 2, 30),
        datetime(2020, 10, 25, 2, 30),
        datetime(2020, 10, 25, 3, 30),
    ]
    hours = utc(*(datetime(2020, 10, 24, 23, 30) + timedelta(hours=h) for h in range(4)))
    assert place(wall(*stamps), "both")[:2] == (hours, [0, 0, 0, 0])
    assert place(wall(*stamps[::-1]), "both")[:2] == (hours[::-1], [0, 0, 0, 0])


def test_a_doubled_stamp_that_stands_alone_is_doubtful():
    times, flags, _ = place(wall(datetime(2020, 10, 25, 2, 30)), "both")
    assert times == utc(datetime(2020, 10, 25, 0, 30))
    assert flags == [Flag.DOUBTFUL]
    assert place(wall(datetime(2020, 10, 25, 2, 30)), "first")[1] == [0]


def test_refused_hours_are_counted_and_named():
    times, _, report = place(wall(datetime(2020, 10, 25, 2, 30), datetime(2020, 3, 29, 2, 30)), "refuse")
    assert times == []
    assert report.refused_count("rows") == 2
    text = "\n".join(report.lines())
    assert "(clocks go back): row 0 at 2020-10-25 02:30; tell in the mapping" in text
    assert 'folded = "first"' in text
    assert "(clocks go forward): row 1 at 2020-03-29 02:30; where the file keeps winter time" in text


def test_the_end_of_the_last_interval_before_spring_is_written_either_way():
    times, _, report = place(
        wall(datetime(2020, 3, 29, 2, 0), datetime(2020, 3, 29, 3, 0), datetime(2020, 3, 29, 2, 5)), "both", "end"
    )
    assert times == utc(datetime(2020, 3, 29, 1), datetime(2020, 3, 29, 1))
    assert report.refused_count("rows") == 1


def test_a_second_hour_that_no_row_tells_of_is_unknown():
    from_us, until_us = utc(datetime(2020, 10, 25), datetime(2020, 10, 25, 3))
    change = to_us(datetime(2020, 10, 25, 1, tzinfo=UTC))
    assert doubled_hours(ZURICH, from_us, until_us) == [(change, change + HOUR_US)]
    assert silent_doubled_hours(ZURICH, np.array([from_us, until_us])) == [(change, change + HOUR_US)]
    assert silent_doubled_hours(ZURICH, np.array([from_us, change + 5 * MINUTE_US, until_us])) == []


def test_stamps_with_offsets_without_and_unreadable():
    column = pa.chunked_array([["2020-06-01T12:00:00+02:00", "2020-06-01 12:00", "soon", None, "1920-06-01T12:00"]])
    stamps = read_stamps(column)
    assert stamps.readable.tolist() == [True, True, False, False, False]
    assert stamps.absolute.tolist()[:2] == [True, False]
    assert stamps.us.tolist()[:2] == utc(datetime(2020, 6, 1, 10), datetime(2020, 6, 1, 12))


def test_unreadable_times_are_shown_with_what_is_expected():
    cells = pa.chunked_array([["2020-06-01 12:00", "01-06-2020 12:00", None]])
    _, _, report = place(read_stamps(cells), "refuse")
    assert "unreadable time: row 1: '01-06-2020 12:00', row 2: empty; expected ISO 8601, like 2026-" in "\n".join(report.lines())
    _, _, report = place(read_stamps(cells, "%d-%m-%Y %H:%M"), "refuse")
    text = "\n".join(report.lines())
    assert "row 0: '2020-06-01 12:00', row 2: empty; expected '%d-%m-%Y %H:%M', like 04-07-2026 10:05" in text
    _, _, report = place(read_stamps(pa.chunked_array([pa.array([datetime(2120, 6, 1)])])), "refuse")
    assert "row 0: '2120-06-01 00:00:00'; expected a time from 1970 to 2099" in "\n".join(report.lines())

"""Auckland's file: each mend is pinned, and the New Year's midnight of 2019/20."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from ruimte.clock import from_us, to_us
from ruimte.errors import RuimteError
from ruimte.intake.formats.auckland import Auckland, packaged_counts
from ruimte.intake.raw import Options
from ruimte.intake.report import Report
from ruimte.model.observation import Flag

ZONE = ZoneInfo("Pacific/Auckland")


def label(hour: datetime) -> str:
    """The two first cells of the row of a local hour, as the publisher writes them."""
    day = hour - timedelta(days=1) if hour.hour < 6 else hour
    return f"{day:%Y-%m-%d},{hour.hour}:00-{hour.hour}:59,{day.year}"


def read(tmp_path, make_lab, rows):
    """Observations of a file with one or two sensors: local time of the start → (result, flag); and the report."""
    path = tmp_path / "hourly_counts.csv"
    sensors = rows[0].count(",") - 2
    path.write_text("\n".join([f"date,hour,year,{','.join('AB'[:sensors])}", *rows]) + "\n")
    report = Report(str(path), "auckland")
    lab = make_lab({"key": "a", "source_id": "A"}, {"key": "b", "source_id": "B"}, zone="Pacific/Auckland")
    seen = {}
    for batch in Auckland().read(path, lab, report, Options()):
        for row in batch.table.to_pylist():
            if row["sensor"] == "A":
                seen[from_us(row["start_us"]).replace(tzinfo=UTC)] = (row["result"], row["flags"])
    return seen, report


def hours(first: datetime, count: int) -> list[datetime]:
    return [first + timedelta(hours=i) for i in range(count)]


def at(*when: int, fold: int = 0) -> datetime:
    return datetime(*when, tzinfo=ZONE, fold=fold).astimezone(UTC)


def test_a_day_runs_from_six_to_six_and_empty_is_missing(tmp_path, make_lab):
    rows = ["2019-12-31,23:00-23:59,2019,7.0,1", "2019-12-31,0:00-0:59,2019,5226.0,1", "2019-12-31,1:00-1:59,2019,,1"]
    seen, report = read(tmp_path, make_lab, rows)
    assert seen == {at(2019, 12, 31, 23): (7.0, 0), at(2020, 1, 1, 0): (5226.0, 0)}
    assert at(2020, 1, 1, 0) == datetime(2019, 12, 31, 11, tzinfo=UTC)
    assert (report.rows, report.missing) == (3, 1)


def test_scrambled_labels_are_mended_by_their_neighbours(tmp_path, make_lab):
    order = hours(datetime(2025, 1, 2, 1), 8)
    rows = [f"{label(hour)},{i}" for i, hour in enumerate(order)]
    for i, days in ((2, 1), (3, 2), (4, 3)):
        rows[i] = f"{label(order[i] + timedelta(days=days))},{i}"
    seen, report = read(tmp_path, make_lab, rows)
    assert seen == {at(2025, 1, 2, 1 + i): (float(i), Flag.REPAIRED if i in (2, 3, 4) else 0) for i in range(8)}
    assert any("rows 4 to 6" in note for note in report.notes)


def test_an_unreadable_label_is_mended_within_the_file_and_refused_at_its_end(tmp_path, make_lab):
    rows = [f"{label(hour)},{i}" for i, hour in enumerate(hours(datetime(2025, 1, 2, 10), 5))]
    rows[1] = "sometime,11:00-11:59,2025,1"
    seen, _ = read(tmp_path, make_lab, rows)
    assert seen[at(2025, 1, 2, 11)] == (1.0, Flag.REPAIRED)
    rows[4] = "2025-01-02,noonish,2025,4"
    seen, report = read(tmp_path, make_lab, rows)
    assert at(2025, 1, 2, 14) not in seen
    assert report.refused_count("rows") == 1


def test_a_jump_that_later_rows_keep_to_is_a_gap_and_going_back_is_refused(tmp_path, make_lab):
    order = hours(datetime(2025, 1, 2, 10), 3) + hours(datetime(2025, 2, 2, 10), 3)
    seen, report = read(tmp_path, make_lab, [f"{label(hour)},1" for hour in order])
    assert list(seen) == [hour.replace(tzinfo=ZONE).astimezone(UTC) for hour in order]
    assert not report.refused
    seen, report = read(tmp_path, make_lab, [f"{label(hour)},1" for hour in order[3:] + order[:3]])
    assert list(seen) == [hour.replace(tzinfo=ZONE).astimezone(UTC) for hour in order[3:]]
    assert report.refused_count("rows") == 3


def test_spring_with_an_empty_row_at_the_hour_that_does_not_exist(tmp_path, make_lab):
    order = hours(datetime(2019, 9, 29, 0), 5)
    seen, report = read(tmp_path, make_lab, [f"{label(h)},{0 if h.hour == 2 else 10 + h.hour},{''}" for h in order])
    assert [seen[hour][0] for hour in sorted(seen)] == [10, 11, 13, 14]
    assert [hour.astimezone(ZONE).hour for hour in sorted(seen)] == [0, 1, 3, 4]
    assert len(report.notes) == 1


def test_spring_with_a_lost_hour_made_up_for_later(tmp_path, make_lab):
    order = hours(datetime(2023, 9, 24, 0), 31)
    rows = [f"{label(h)},{i}" for i, h in enumerate(order)]
    rows[29] = f"{label(order[29])},"
    seen, report = read(tmp_path, make_lab, rows)
    expected = {hour.replace(tzinfo=ZONE).astimezone(UTC): (float(i), 0) for i, hour in enumerate(order[:2])}
    expected |= {at(2023, 9, 24, 3) + timedelta(hours=i): (float(2 + i), Flag.REPAIRED) for i in range(27)}
    expected[at(2023, 9, 25, 6)] = (30.0, 0)
    assert seen == expected
    assert any("the 27 rows" in note for note in report.notes)


def test_spring_with_counts_that_nothing_explains_is_refused(tmp_path, make_lab):
    seen, report = read(tmp_path, make_lab, [f"{label(h)},5" for h in hours(datetime(2023, 9, 24, 0), 6)])
    assert len(seen) == 5
    assert report.refused_count("rows") == 1


def test_spring_with_the_hour_left_out_as_it_should(tmp_path, make_lab):
    order = [hour for hour in hours(datetime(2024, 9, 29, 0), 6) if hour.hour != 2]
    seen, report = read(tmp_path, make_lab, [f"{label(h)},{h.hour}" for h in order])
    assert np.all(np.diff([to_us(hour) for hour in seen]) == 3_600_000_000)
    assert [flag for _, flag in seen.values()] == [0] * 5
    assert not report.notes


def test_autumn_with_two_hours_in_a_row_is_halved(tmp_path, make_lab):
    seen, report = read(
        tmp_path,
        make_lab,
        [f"{label(h)},{n}" for h, n in zip(hours(datetime(2024, 4, 7, 0), 5), (50, 48, 61, 13, 8), strict=True)],
    )
    assert seen[at(2024, 4, 7, 2)] == seen[at(2024, 4, 7, 2, fold=1)] == (30.5, Flag.REPAIRED)
    assert seen[at(2024, 4, 7, 3)] == (13.0, 0)
    assert "halved" in report.notes[0]


def test_autumn_with_one_hour_in_a_row_is_doubtful_and_the_other_missing(tmp_path, make_lab):
    seen, _ = read(
        tmp_path,
        make_lab,
        [f"{label(h)},{n}" for h, n in zip(hours(datetime(2023, 4, 2, 0), 5), (64, 53, 35, 15, 8), strict=True)],
    )
    assert seen[at(2023, 4, 2, 2)] == (35.0, Flag.DOUBTFUL)
    assert at(2023, 4, 2, 2, fold=1) not in seen


@pytest.mark.data
def test_the_real_file(make_lab):
    """Row by row: what the file is known to hold, and the New Year's midnight on its right day."""
    try:
        path = packaged_counts()
    except RuimteError as error:
        pytest.skip(str(error))
    report = Report(str(path), "auckland")
    counts = {}
    batches = list(Auckland().read(path, make_lab(zone="Pacific/Auckland"), report, Options()))
    for batch in batches:
        table = batch.table
        counts[table["sensor"][0].as_py()] = dict(zip(table["start_us"].to_pylist(), table["result"].to_pylist(), strict=True))
    assert (report.rows, report.refused, len(counts)) == (61_367, {}, 21)
    midnight = to_us(datetime(2019, 12, 31, 11, tzinfo=UTC))
    total = {hour: sum(each.get(midnight + hour * 3_600_000_000, 0) for each in counts.values()) for hour in range(-24, 25)}
    assert max(total, key=total.__getitem__) == 0
    for year in range(2019, 2026):
        days = {from_us(us).astimezone(ZONE).date() for us in counts["45 Queen Street"]}
        assert date(year, 12, 31) in days
    assert sum("halved" in note for note in report.notes) == 6
    assert sum("one hour, taken as the first" in note for note in report.notes) == 1
    assert sum("moved one hour on" in note for note in report.notes) == 2

"""Melbourne's two files: hourly with wall time, per minute with offsets."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from ruimte.clock import HOUR_US, MINUTE_US, to_us
from ruimte.errors import RuimteError
from ruimte.intake.formats.melbourne import Melbourne
from ruimte.intake.raw import Options
from ruimte.intake.report import Report
from ruimte.model.observation import Flag

ZONE = ZoneInfo("Australia/Melbourne")
MINUTES = "\ufeffLocationID,SensingDateTime,SensingDate,SensingTime,Direction_1,Direction_2,total_of_Directions\n"
HOURS = "Date,Day_of_week,Hour,SensorID,SensorName,PedestrianCount\n"


def at(*when: int, fold: int = 0) -> int:
    return to_us(datetime(*when, tzinfo=ZONE, fold=fold))


def read(path, lab):
    report = Report(str(path), "melbourne")
    batches = list(Melbourne().read(path, lab, report, Options()))
    rows = pa.concat_tables(batch.table for batch in batches).to_pylist()
    return {(r["sensor"], r["measure"], r["start_us"], r["end_us"]): (r["result"], r["flags"]) for r in rows}, report


def test_hourly(tmp_path, make_lab):
    path = tmp_path / "hourly.csv"
    path.write_text(
        HOURS + "05-Apr-2014,Saturday,23,4,Town Hall,120\n06-Apr-2014,Sunday,2,4,Town Hall,40\n"
        "06-Apr-2014,Sunday,5,4,Town Hall,0\n07-Apr-2014,Monday,5,4,Town Hall,NaN\n"
        "05-Oct-2014,Sunday,2,4,Town Hall,7\n06-Oct-2014,Monday,9,4,Town Hall,\n"
    )
    seen, report = read(path, make_lab({"key": "town-hall", "source_id": "4"}))
    starts = {start: value for (_, _, start, _), value in seen.items()}
    assert starts == {
        at(2014, 4, 5, 23): (120.0, 0),
        at(2014, 4, 6, 2): (40.0, Flag.DOUBTFUL),
        at(2014, 4, 6, 5): (0.0, 0),
    }
    assert all(end - start == HOUR_US for _, _, start, end in seen)
    assert (report.missing, report.refused_count("rows"), report.refused_count("observations")) == (2, 1, 0)


def test_per_minute_stamps_mark_the_end_and_the_register_says_what_is_counted(tmp_path, make_lab):
    path = tmp_path / "minutes.csv"
    rows = [("6", "11:26", 6, 8), ("6", "11:23", 1, 0), ("59", "11:25", 2, 3), ("59", "11:10", 1, 1)]
    text = "".join(f"{i},2023-06-05T{t}:00+10:00,2023-06-05,{t},{a},{b},{a + b}\n" for i, t, a, b in rows)
    path.write_text(MINUTES + text, encoding="utf-8")
    lab = make_lab(
        {"key": "flinders", "source_id": "6", "measures": ["count_in", "count_out"], "interval": "1m"},
        {"key": "slow", "source_id": "59", "interval": "5m"},
    )
    seen, report = read(path, lab)
    end = at(2023, 6, 5, 11, 26)
    assert seen["6", "count_in", end - MINUTE_US, end] == (6.0, 0)
    assert seen["6", "count_out", end - MINUTE_US, end] == (8.0, 0)
    assert seen["6", "count_out", end - 2 * MINUTE_US, end - MINUTE_US] == (0.0, Flag.IMPLIED)
    slow = {start: value for (sensor, _, start, _), value in seen.items() if sensor == "59"}
    first = at(2023, 6, 5, 11, 5)
    implied = (0.0, Flag.IMPLIED)
    assert slow == {
        first: (2.0, 0),
        first + 5 * MINUTE_US: implied,
        first + 10 * MINUTE_US: implied,
        first + 15 * MINUTE_US: (5.0, 0),
    }
    assert not report.refused


def test_another_file_is_told_apart(tmp_path, make_lab):
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(
        RuimteError, match=r"no column 'Date', 'Hour', .* \(found: a, b\); this format reads the City of Melbourne"
    ):
        read(path, make_lab())


@pytest.mark.data
def test_the_real_files(shared_data, make_lab):
    folder = shared_data / "melbourne_pedestrian"
    lab = make_lab(*({"key": f"s{i}", "source_id": str(i), "interval": "1m"} for i in range(1, 120)), zone="Australia/Melbourne")
    seen, report = read(folder / "per_minute_2023-06-04_05.csv", lab)
    assert report.rows == sum(flags == 0 for _, flags in seen.values()) == 25_446
    report = Report("hourly", "melbourne")
    kept = sum(b.table.num_rows for b in Melbourne().read(folder / "hourly_2012_2015.csv.gz", lab, report, Options()))
    assert report.rows == 656_823
    assert kept + report.missing + report.refused_count("rows") == report.rows

"""What the register does not let in stays out, is counted, and never stops the rest."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pytest

from ruimte.clock import HOUR_US, MINUTE_US, to_us
from ruimte.intake.gatekeeper import admit
from ruimte.intake.raw import NO_ROW, RAW, raw_table
from ruimte.intake.report import Report
from ruimte.model.observation import OBSERVATIONS, Flag

NOON = to_us(datetime(2020, 6, 1, 12, tzinfo=UTC))
NOW = to_us(datetime(2026, 1, 1, tzinfo=UTC))
IDS = {"bridge/count": 1, "gate/count_in": 2, "gate/count_out": 3, "moved-a/count": 4, "moved-b/count": 5}


@pytest.fixture
def lab(make_lab):
    return make_lab(
        {"key": "bridge", "source_id": "Brücke", "max_per_interval": 100.0},
        {"key": "gate", "measures": ["count_in", "count_out"]},
        {"key": "moved-a", "source_id": "7", "valid_until": datetime(2020, 6, 1, 12, tzinfo=UTC)},
        {"key": "moved-b", "source_id": "7", "valid_from": datetime(2020, 6, 1, 12, tzinfo=UTC)},
        {"key": "past", "valid_until": date(2020, 5, 31)},
    )


def raw(sensor="Brücke", measure="count", start=NOON, length=HOUR_US, result=5.0, flags=0, row=17):
    one = np.ones(1, dtype=np.int64)
    return raw_table(sensor, measure, one * start, length, one * result, one.astype(np.int32) * int(flags), one * row)


def test_what_is_registered_comes_in(lab):
    report = Report("x", "table")
    batch = pa.concat_tables([raw(), raw("gate", "count_out"), raw("gate", "count_in", result=2.5), raw("bridge", result=100.0)])
    table = admit(batch, lab, IDS, report, NOW)
    assert table.schema == OBSERVATIONS
    assert table["datastream"].to_pylist() == [1, 3, 2, 1]
    assert table["result"].to_pylist() == [5.0, 5.0, 2.5, 100.0]
    assert table["received_us"].to_pylist() == table["end_us"].to_pylist() == [NOON + HOUR_US] * 4
    assert report.kept == 4
    assert (report.first_us, report.last_us) == (NOON, NOON + HOUR_US)


@pytest.mark.parametrize(
    ("batch", "reason"),
    [
        (raw("elsewhere"), "sensor is not registered"),
        (raw("past"), "outside the sensor's registered period"),
        (raw(start=NOW - HOUR_US + 1), "lies in the future"),
        (raw(start=to_us(datetime(2040, 1, 1, tzinfo=UTC))), "lies in the future"),
        (raw(start=to_us(datetime(2009, 12, 31, tzinfo=UTC))), "outside the sensor's registered period"),
        (raw("gate", "count"), "measure is not registered for the sensor"),
        (raw(measure="speed"), "measure is not registered for the sensor"),
        (raw(length=HOUR_US // 2), "interval is not the registered one"),
        (raw(result=-1.0), "less than can be"),
        (raw(result=np.inf), "not a finite number"),
        (raw(result=np.nan), "not a finite number"),
    ],
)
def test_what_is_not_stays_out_and_the_rest_comes_in(lab, batch, reason):
    report = Report("x", "table")
    assert admit(pa.concat_tables([batch, raw()]), lab, IDS, report, NOW).num_rows == 1
    ((unit, given), refusal), *others = report.refused.items()
    assert (unit, given, refusal.count) == ("observations", reason, 1)
    assert refusal.examples[0].startswith("row 17")
    assert not others


def test_more_than_can_pass_is_kept_but_doubtful(lab):
    report = Report("x", "table")
    table = admit(pa.concat_tables([raw(result=101.0), raw(start=NOON + HOUR_US, result=100.0)]), lab, IDS, report, NOW)
    assert table["flags"].to_pylist() == [Flag.DOUBTFUL, Flag.NONE]
    assert (report.kept, report.doubtful) == (2, 1)


def test_a_sensor_that_moved_is_told_apart_by_time(lab):
    table = admit(pa.concat_tables([raw("7", start=NOON - HOUR_US), raw("7", start=NOON)]), lab, IDS, Report("x", "table"), NOW)
    assert table["datastream"].to_pylist() == [4, 5]
    report = Report("x", "table")
    assert admit(raw("7", start=NOON - HOUR_US // 2), lab, IDS, report, NOW).num_rows == 0
    assert report.refused_count("observations") == 1


def test_no_more_than_three_examples_and_flags_are_counted(lab):
    report = Report("x", "table")
    admit(pa.concat_tables([raw("elsewhere", row=i) for i in range(9)]), lab, IDS, report, NOW)
    (refusal,) = report.refused.values()
    assert refusal.count == 9
    assert len(refusal.examples) == 3
    flags = (Flag.REPAIRED, Flag.IMPLIED, Flag.DOUBTFUL | Flag.REPAIRED)
    admit(pa.concat_tables([raw(flags=flag) for flag in flags]), lab, IDS, report, NOW)
    assert (report.repaired, report.implied, report.doubtful) == (2, 1, 1)


def test_implied_zeros_that_are_refused_are_not_counted(lab):
    report = Report("x", "table")
    assert admit(raw("elsewhere", flags=Flag.IMPLIED, row=NO_ROW), lab, IDS, report, NOW).num_rows == 0
    assert report.refused_count("observations") == 0


def test_an_empty_batch(lab):
    assert admit(RAW.empty_table(), lab, IDS, Report("x", "table"), NOW).num_rows == 0


def test_an_interval_that_ends_now_is_the_last_that_comes_in(lab):
    report = Report("x", "table")
    assert admit(raw(start=NOW - HOUR_US), lab, IDS, report, NOW).num_rows == 1
    admit(raw(start=NOW), lab, IDS, report, NOW)
    (refusal,) = report.refused.values()
    assert refusal.mend == "check time_format and time_zone (it is now 2026-01-01T00:00:00Z)"


def test_another_interval_is_told_beside_the_registered_one(lab):
    report = Report("x", "table")
    admit(pa.concat_tables([raw("elsewhere"), raw(length=HOUR_US // 4)]), lab, IDS, report, NOW)
    _, refusal = report.refused.values()
    assert str(refusal) == (
        "row 17: 'Brücke' 5 at 2020-06-01T12:00:00Z lasts 15m, registered is 1h; correct it in the mapping or in sensors.toml"
    )


def starts(table):
    return [(us - NOON) // MINUTE_US for us in table["start_us"].to_pylist()]


def test_an_interval_that_overlaps_the_one_before_it_stays_out(lab):
    report = Report("x", "table")
    minutes = (120, 0, 2, 0, 60, 121, 179, 181)
    batch = pa.concat_tables([raw(start=NOON + m * MINUTE_US, row=i) for i, m in enumerate(minutes)])
    assert starts(admit(batch, lab, IDS, report, NOW)) == [120, 0, 0, 60, 181]
    ((_, reason), refusal), *others = report.refused.items()
    assert (reason, refusal.count) == ("overlaps the interval before it", 3)
    assert [told.split(":")[0] for told in refusal.examples] == ["row 2", "row 5", "row 6"]
    assert refusal.mend
    assert not others


def test_only_what_came_in_can_be_overlapped_and_only_of_one_datastream(lab):
    batch = pa.concat_tables(
        [
            raw(start=NOON, result=-1.0),
            raw(start=NOON + MINUTE_US),
            raw("gate", "count_in", start=NOON + 2 * MINUTE_US),
            raw("gate", "count_out", start=NOON + 3 * MINUTE_US),
        ]
    )
    assert starts(admit(batch, lab, IDS, Report("x", "table"), NOW)) == [1, 2, 3]

"""What holds of every import, whatever the file."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from ruimte.clock import MINUTE_US, from_us, to_us
from ruimte.errors import RuimteError
from ruimte.intake.formats import FORMATS
from ruimte.intake.formats.table import Table
from ruimte.intake.gaps import implied_zeros
from ruimte.intake.gatekeeper import admit
from ruimte.intake.localtime import naive_us, to_utc
from ruimte.intake.raw import Options, raw_table
from ruimte.intake.report import Report

ZONES = ("Europe/Zurich", "Pacific/Auckland", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Casablanca", "UTC")
NOW = to_us(datetime(2030, 1, 1, tzinfo=UTC))
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2037, 12, 31))


@given(moments=st.lists(MOMENTS, min_size=1, max_size=8), zone=st.sampled_from(ZONES))
def test_there_and_back_gives_the_same_moment(moments, zone):
    info = ZoneInfo(zone)
    local = [moment.replace(tzinfo=UTC).astimezone(info) for moment in moments]
    resolved = to_utc(np.array([naive_us(each.replace(tzinfo=None)) for each in local]), info)
    assert not resolved.missing.any()
    back = np.where([each.fold for each in local], resolved.second_us, resolved.first_us)
    assert [from_us(us) for us in back] == [each.astimezone(UTC) for each in local]


@given(moment=MOMENTS, zone=st.sampled_from(ZONES))
def test_missing_and_folded_are_what_the_time_zone_says(moment, zone):
    info = ZoneInfo(zone)
    resolved = to_utc(np.array([naive_us(moment)]), info)
    first, second = (moment.replace(tzinfo=info, fold=fold).astimezone(UTC) for fold in (0, 1))
    assert resolved.missing[0] == (first.astimezone(info).replace(tzinfo=None) != moment)
    assert resolved.folded[0] == (first < second)


@given(
    steps=st.lists(st.integers(1, 40), max_size=30),
    interval=st.integers(1, 5),
    longest=st.integers(0, 60),
    hole=st.tuples(st.integers(0, 200), st.integers(0, 60)),
)
def test_implied_zeros_never_touch_what_is_there(steps, interval, longest, hole):
    starts = np.cumsum(np.array([0, *(step + interval - 1 for step in steps)]))
    unknown = [(hole[0], hole[0] + hole[1])]
    implied, left = implied_zeros(starts, interval, longest, unknown)
    everything = np.sort(np.concatenate([starts, implied]))
    assert np.all(np.diff(everything) >= interval)
    assert np.all(np.diff(implied) > 0)
    assert left == np.count_nonzero(np.diff(starts) - interval > longest)
    for start in implied:
        before = starts[starts < start].max()
        after = starts[starts > start].min()
        assert after - before - interval <= longest
        assert start + interval <= hole[0] or start >= hole[0] + hole[1]


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_counts_written_in_any_layout_are_read_back(make_lab, data):
    sensors = data.draw(st.lists(st.sampled_from(["bridge", "square", "Süd, oben", "7"]), min_size=1, unique=True), "sensors")
    cells = st.one_of(st.none(), st.integers(0, 5000))
    minutes = data.draw(st.lists(st.integers(0, 20_000), min_size=1, max_size=6, unique=True), "minutes")
    first = data.draw(st.datetimes(datetime(2020, 1, 1), datetime(2020, 12, 31)), "first").replace(second=0, microsecond=0)
    times = [first.replace(tzinfo=UTC) + timedelta(minutes=5 * m) for m in minutes]
    counts = {(s, t): data.draw(cells) for s in sensors for t in times}
    wide, end, parquet, offsets = (data.draw(st.booleans(), name) for name in ("wide", "end", "parquet", "offsets"))
    decimal = data.draw(st.sampled_from([".", ","]), "decimal")
    delimiter = data.draw(st.sampled_from([";", "\t"]), "delimiter")

    stamps = {t: (t + timedelta(minutes=5 * end)) for t in times}
    text = {t: each.isoformat() if offsets else f"{each:%Y-%m-%d %H:%M:%S}" for t, each in stamps.items()}
    mapping = f'time = "when"\ninterval = "5m"\ntime_zone = "UTC"\nstamps = "{"end" if end else "start"}"\n'
    mapping += f"delimiter = {delimiter!r}\n".replace("'", '"') + f'decimal = "{decimal}"\n'
    if wide:
        names = {s: f"column {i}" for i, s in enumerate(sensors)}
        columns = {"when": [text[t] for t in times]} | {names[s]: [counts[s, t] for t in times] for s in sensors}
        mapping += "[columns]\n" + "".join(f'"{names[s]}" = "{s}"\n' for s in sensors)
    else:
        pairs = [(s, t) for t in times for s in sensors]
        columns = {"when": [text[t] for _, t in pairs], "who": [s for s, _ in pairs], "count": [counts[p] for p in pairs]}
        mapping += 'sensor = "who"\ncount = "count"\n'

    with tempfile.TemporaryDirectory() as folder:
        path, mapping_path = Path(folder, "file"), Path(folder, "mapping.toml")
        mapping_path.write_text(mapping)
        if parquet:
            pq.write_table(
                pa.table({name: pa.array(c, pa.int64() if name[0] == "c" else None) for name, c in columns.items()}), path
            )
        else:
            rows = zip(*columns.values(), strict=True)
            path.write_text(
                "\n".join(delimiter.join("" if c is None else str(c) for c in row) for row in (columns, *rows)) + "\n"
            )
        report = Report("file", "table")
        read = {}
        for batch in Table().read(path, make_lab(), report, Options(mapping_path)):
            for row in batch.table.to_pylist():
                assert row["end_us"] - row["start_us"] == 5 * MINUTE_US
                read[row["sensor"], from_us(row["start_us"])] = row["result"]
    assert read == {key: count for key, count in counts.items() if count is not None}
    assert report.missing == sum(count is None for count in counts.values())
    assert report.refused == {}
    assert {to_us(t) for _, t in read} <= {to_us(t) for t in times}


HEADERS = {
    "auckland": "date,hour,year,bridge",
    "zurich": '"In","Out","Timestamp","Name"',
    "melbourne": "LocationID,SensingDateTime,Direction_1,Direction_2,total_of_Directions",
    "table": "when,who,count",
}
CELLS = st.one_of(
    st.sampled_from(
        ["bridge", "2020-10-25T02:30:00", "2020-10-25", "2:00-2:59", "", "7", "-1", "1e400", '"', "0001-01-01", "9999-12-31"]
    ),
    st.text(max_size=6),
)


@settings(max_examples=80, deadline=None)
@given(data=st.data(), name=st.sampled_from(sorted(HEADERS)))
def test_rubbish_is_refused_and_never_a_crash(make_lab, data, name):
    rows = data.draw(st.lists(st.lists(CELLS, min_size=1, max_size=5), max_size=6), "rows")
    good_header = data.draw(st.booleans(), "good header")
    lines = [HEADERS[name]] * good_header + [",".join(row) for row in rows]
    lab = make_lab({"key": "bridge", "measures": ["count", "count_in", "count_out"]})
    ids = {"bridge/count": 1, "bridge/count_in": 2, "bridge/count_out": 3}
    with tempfile.TemporaryDirectory() as folder:
        path, mapping = Path(folder, "file.csv"), Path(folder, "mapping.toml")
        path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
        mapping.write_text('time = "when"\ninterval = "1h"\nsensor = "who"\ncount = "count"\nfolded = "both"')
        report = Report("file", name)
        try:
            for batch in FORMATS[name].read(path, lab, report, Options(mapping if name == "table" else None)):
                admit(batch.table, lab, ids, report, NOW)
        except RuimteError as mistake:
            told = str(mistake)
            assert str(path) in told
            return
    assert report.observations == report.refused_count("observations") + report.missing + report.kept - report.implied
    assert report.refused_count("rows") <= report.rows


@given(st.lists(st.integers(0, 60), max_size=20), st.integers(1, 15))
def test_an_interval_comes_in_where_it_overlaps_none_that_came_in_before(make_lab, minutes, length):
    lab = make_lab({"key": "bridge", "interval": f"{length}m"})
    first = to_us(datetime(2020, 6, 1, tzinfo=UTC))
    start = first + np.array(minutes, dtype=np.int64) * MINUTE_US
    nothing = np.zeros(len(minutes), dtype=np.int64)
    batch = raw_table("bridge", "count", start, length * MINUTE_US, nothing * 1.0, nothing.astype(np.int32), nothing + 1)
    report = Report("file", "table")
    kept = admit(batch, lab, {"bridge/count": 1}, report, NOW)["start_us"].to_numpy()
    expected: list[int] = []
    for each in sorted(set(start.tolist())):
        if not expected or each >= expected[-1] + length * MINUTE_US:
            expected.append(each)
    assert kept.tolist() == [each for each in start.tolist() if each in expected]
    assert report.refused_count("observations") == len(minutes) - len(kept)

"""Any table by a mapping: long and wide, CSV and Parquet, and mappings that are wrong."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ruimte.clock import HOUR_US, MINUTE_US, from_us
from ruimte.errors import RuimteError
from ruimte.intake.formats.table import Table
from ruimte.intake.mapping import read_mapping
from ruimte.intake.raw import Options
from ruimte.intake.report import Report
from ruimte.model.observation import Flag


@pytest.fixture
def read(tmp_path, make_lab):
    """Reads a file with a mapping: (sensor, measure, start as UTC text) → (result, flags, minutes long); and the report."""

    def reading(content, mapping, zone="Europe/Amsterdam"):
        path, mapping_path = tmp_path / "counts", tmp_path / "mapping.toml"
        if isinstance(content, pa.Table):
            pq.write_table(content, path)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        mapping_path.write_text(mapping)
        report = Report(str(path), "table")
        lab = make_lab({"key": "bridge"}, {"key": "square"}, zone=zone)
        seen = {}
        for batch in Table().read(path, lab, report, Options(mapping_path)):
            for row in batch.table.to_pylist():
                minutes = (row["end_us"] - row["start_us"]) // MINUTE_US
                key = (row["sensor"], row["measure"], f"{from_us(row['start_us']):%m-%d %H:%M}")
                seen[key] = (row["result"], row["flags"], minutes)
        return seen, report

    return reading


def test_a_long_file_in_dutch(read):
    text = "van;telpunt;in;uit\n01-06-2020 12:00;bridge;1,5;2\n01-06-2020 12:00;square;3;\n01-06-2020 12:15;bridge;veel;4\n"
    mapping = """
        time = "van"
        time_format = "%d-%m-%Y %H:%M"
        interval = "15m"
        sensor = "telpunt"
        count_in = "in"
        count_out = "uit"
        delimiter = ";"
        decimal = ","
    """
    seen, report = read(gzip.compress(text.encode()), mapping)
    assert seen == {
        ("bridge", "count_in", "06-01 10:00"): (1.5, 0, 15),
        ("bridge", "count_out", "06-01 10:00"): (2.0, 0, 15),
        ("bridge", "count_out", "06-01 10:15"): (4.0, 0, 15),
        ("square", "count_in", "06-01 10:00"): (3.0, 0, 15),
    }
    assert (report.rows, report.missing, report.refused_count("observations")) == (3, 1, 1)
    assert "row 4: in is 'veel'" in "\n".join(report.lines())


def test_a_wide_file_with_date_and_hour_columns_and_stamps_at_the_end(read):
    text = "Dag,Uur,Brug in,Brug uit,Plein\n2020-06-01,13,1,2,3\n2020-06-01,14,4,,6\n"
    mapping = """
        time = ["Dag", "Uur"]
        time_format = "%Y-%m-%d %H"
        time_zone = "UTC"
        stamps = "end"
        interval = "1h"
        columns = { "Brug in" = "bridge/count_in", "Brug uit" = "bridge/count_out", Plein = "square" }
    """
    seen, report = read(text, mapping)
    assert seen == {
        ("bridge", "count_in", "06-01 12:00"): (1.0, 0, 60),
        ("bridge", "count_in", "06-01 13:00"): (4.0, 0, 60),
        ("bridge", "count_out", "06-01 12:00"): (2.0, 0, 60),
        ("square", "count", "06-01 12:00"): (3.0, 0, 60),
        ("square", "count", "06-01 13:00"): (6.0, 0, 60),
    }
    assert report.missing == 1


def test_rates_become_persons_and_absence_can_mean_zero(read):
    text = "t,s,n\n2020-06-01T00:00:00Z,bridge,120\n2020-06-01T00:15:00Z,bridge,240\n2020-06-01T02:00:00Z,bridge,60\n"
    mapping = (
        'time = "t"\ninterval = "5m"\nsensor = "s"\ncount = "n"\nunit = "persons per hour"\nabsence = "zero"\nlongest_gap = "1h"'
    )
    seen, report = read(text, mapping)
    assert seen["bridge", "count", "06-01 00:00"] == (10.0, 0, 5)
    assert seen["bridge", "count", "06-01 00:05"] == (0.0, Flag.IMPLIED, 5)
    assert len(seen) == 5
    assert report.long_gaps == 1


LONG = 'time = "t"\ninterval = "1h"\nsensor = "s"\ncount = "n"\ndelimiter = ";"\n'


@pytest.mark.parametrize(
    ("written", "more", "number"),
    [
        ("1234", "", 1234.0),
        ("1.234", "", 1.234),
        (" 12 ", "", 12.0),
        ("1e3", "", 1000.0),
        ("1,234", "", None),
        ("5,0", "", None),
        ("5,0", 'decimal = ","', 5.0),
        ("1.234", 'decimal = ","', None),
        ("1.234,5", 'decimal = ","', None),
        ("1.234", 'decimal = ","\nthousands = "."', 1234.0),
        ("1.234.567,5", 'decimal = ","\nthousands = "."', 1_234_567.5),
        ("1234,5", 'decimal = ","\nthousands = "."', 1234.5),
        ("1.23", 'decimal = ","\nthousands = "."', None),
        ("1234.567", 'decimal = ","\nthousands = "."', None),
        ("1,234.5", 'thousands = ","', 1234.5),
        ("1 234", 'thousands = " "', 1234.0),
        ("1'234", 'thousands = "\'"', 1234.0),
    ],
)
def test_a_number_is_read_as_the_mapping_says_or_refused_with_its_text_and_the_mend(read, written, more, number):
    seen, report = read(f"t;s;n\n2020-06-01 12:00;bridge;{written}\n", LONG + more)
    assert [value[0] for value in seen.values()] == [number] * (number is not None)
    told = "\n".join(report.lines())
    mend = f"unreadable number: row 2: n is {written!r}; tell in a mapping how numbers are written: decimal (and thousands"
    assert (mend in told) == (number is None)


@pytest.mark.parametrize(("cell", "mend"), [("nan", "; leave a cell empty where there is no count"), ("many", "")])
@pytest.mark.parametrize("decimal", [".", ","])
def test_a_word_is_no_number_and_nan_is_no_empty_cell(read, cell, mend, decimal):
    seen, report = read(f"t;s;n\n2020-06-01 12:00;bridge;{cell}\n", f'{LONG}decimal = "{decimal}"')
    assert (seen, report.missing) == ({}, 0)
    assert f"unreadable number: row 2: n is {cell!r}{mend}" in report.lines()[3]
    assert report.lines()[3].endswith(mend or repr(cell))


def test_nan_in_a_parquet_column_of_numbers_is_an_empty_cell(read):
    table = pa.table({"t": ["2020-06-01 12:00"] * 2, "s": ["bridge", "square"], "n": [float("nan"), 2.0]})
    seen, report = read(table, LONG)
    assert (len(seen), report.missing, report.refused) == (1, 1, {})


@pytest.mark.parametrize(
    ("folded", "starts", "refused"),
    [
        ("first", {"10-25 00:00": 0}, 0),
        ("both", {"10-25 00:00": Flag.DOUBTFUL}, 0),
        ("refuse", {}, 1),
    ],
)
def test_hours_that_come_twice_as_the_mapping_declares(read, folded, starts, refused):
    mapping = f'time = "t"\ninterval = "1h"\ncolumns = {{ n = "bridge" }}\nfolded = "{folded}"'
    seen, report = read("t,n\n2020-10-25 02:00,7\n", mapping)
    assert {key[2]: value[1] for key, value in seen.items()} == starts
    assert report.refused_count("rows") == refused


def test_both_hours_in_order(read):
    mapping = 'time = "t"\ninterval = "1h"\nsensor = "s"\ncount = "n"\nfolded = "both"'
    text = "t,s,n\n" + "".join(
        f"2020-10-25 {t},{s},{n}\n" for s in ("bridge", "square") for n, t in enumerate(("01:00", "02:00", "02:00", "03:00"))
    )
    seen, report = read(text, mapping)
    for sensor in ("bridge", "square"):
        assert [seen[sensor, "count", f"10-{day}:00"] for day in ("24 23", "25 00", "25 01", "25 02")] == [
            (float(n), 0, 60) for n in range(4)
        ]
    assert not report.refused


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_parquet_with_typed_columns(read, zone):
    hours = pa.array([datetime(2020, 6, 1, h, tzinfo=UTC) for h in (12, 13)], pa.timestamp("ms", "UTC"))
    if zone is None:
        hours = hours.cast(pa.timestamp("ms"))
    table = pa.table({"t": hours, "id": ["bridge", "bridge"], "n": pa.array([5, None], pa.int32())})
    mapping = 'time = "t"\ninterval = "1h"\nsensor = "id"\ncount = "n"'
    seen, report = read(table, mapping)
    assert list(seen) == [("bridge", "count", "06-01 10:00" if zone is None else "06-01 12:00")]
    assert report.missing == 1


def test_parquet_with_numbered_sensors_and_dates(read):
    table = pa.table({"t": pa.array([datetime(2020, 6, 1)], pa.date32()), "id": pa.array([7]), "n": pa.array([5.0])})
    seen, _ = read(table, 'time = "t"\ntime_zone = "UTC"\ninterval = "1d"\nsensor = "id"\ncount = "n"')
    assert seen == {("7", "count", "06-01 00:00"): (5.0, 0, 24 * 60)}


def test_a_damaged_parquet_file(read):
    with pytest.raises(RuimteError, match="cannot be read"):
        read(b"PAR1" + b"x" * 100, 'time = "t"\ninterval = "1h"\ncolumns = { n = "bridge" }')


GOOD = {"time": '"t"', "interval": '"1h"', "sensor": '"s"', "count": '"n"'}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"interval": None}, ("field 'interval' is missing", "add interval")),
        ({"interval": '"an hour"'}, ("field interval (line 2)", "'an hour' is not a length of time")),
        ({"hue": '"red"'}, ("field hue (line 5): unknown field 'hue'", "the fields are time, interval")),
        ({"stamps": '"middle"'}, ("field stamps (line 5)", "write 'start' or 'end'")),
        ({"count": None, "cuont": '"n"'}, ("field cuont (line 4)", "did you mean 'count'?")),
        ({"count": "5"}, ("field count (line 4)", "write a text in quotes")),
        ({"time": "5"}, ("field time (line 1)", "or a list of texts")),
        ({"columns": '"n"'}, ("field columns (line 5)", "write a table of texts")),
        ({"thousands": '"_"'}, ("field thousands (line 5)", "write '.' or ','")),
        ({"thousands": '"."'}, ("field thousands", "is the same as decimal")),
        ({"time": "[]"}, ("field time", "names no column")),
        ({"time_zone": '"Europe/Atlantis"'}, ("field time_zone", "'Europe/Atlantis' is not known")),
        ({"columns": '{ a = "b" }'}, ("field sensor", "a file is long or wide")),
        ({"sensor": None}, ("field sensor", "a file is long or wide")),
        ({"count": None}, ("field count", "no column holds counts")),
        ({"sensor": None, "columns": '{ a = "b" }'}, ("field count", "is for long files")),
        ({"absence": '"zero"'}, ("field longest_gap", "belongs to absence")),
        ({"longest_gap": '"6h"'}, ("field longest_gap", "belongs to absence")),
        ({"delimiter": '"::"'}, ("field delimiter", "'::' is not one character")),
        ({"decimal": '","'}, ("field decimal", "is the same as delimiter")),
        ({"format": "2"}, ("field format", "version 2 is not known")),
        ({"count": '"n'}, ("is not TOML",)),
    ],
)
def test_a_wrong_mapping_names_the_file_the_field_and_the_mend(tmp_path, change, told):
    path = tmp_path / "mapping.toml"
    path.write_text("\n".join(f"{key} = {value}" for key, value in (GOOD | change).items() if value is not None))
    with pytest.raises(RuimteError) as raised:
        read_mapping(path)
    line = str(raised.value)
    for part in told:
        assert part in line
    assert line.startswith(str(path))
    assert "; " in line
    assert "\n" not in line


def test_all_mistakes_of_a_mapping_are_counted_and_the_first_is_told(tmp_path):
    path = tmp_path / "mapping.toml"
    path.write_text('time = "t"\ninterval = "1h"\nhue = "red"\nsensor = 5\ncount = "n"\nstamps = "middle"\n')
    with pytest.raises(RuimteError, match=r"field hue \(line 3\): unknown field 'hue' \(and 2 more mistakes\); the fields are"):
        read_mapping(path)


def test_a_mapping_that_is_not_there(tmp_path):
    with pytest.raises(RuimteError, match="the mapping cannot be read"):
        read_mapping(tmp_path / "none.toml")


def test_the_interval_is_kept_in_microseconds(tmp_path):
    path = tmp_path / "mapping.toml"
    path.write_text("\n".join(f"{key} = {value}" for key, value in GOOD.items()))
    assert read_mapping(path).interval_us == HOUR_US

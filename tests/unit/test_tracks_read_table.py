"""Tables of tracks: by the usual names of columns or by a mapping; units are told, times keep a rate or are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from track_files import recorded, refused, write

from ruimte.clock import iso
from ruimte.intake.tracks import read_tracks

ROWS = "id,frame,x/m,y/m\nred,7,0.5,1.0\nred,8,0.6,1.0\nblue,8,3.0,4.0\n"
BY_HAND = 'id = "wie"\nframe = "beeld"\nrate_hz = 10\nx = "oost"\ny = "noord"\nunit = "cm"\ndelimiter = ";"\ndecimal = ","\n'


def mapping(folder: Path, text: str) -> Path:
    return write(folder, text, "mapping.toml")


# --- by the usual names -------------------------------------------------------------------------------------------------


def test_a_table_with_the_usual_names_needs_only_a_rate(tmp_path: Path) -> None:
    path = write(tmp_path, ROWS, "walk.csv")
    assert refused(path) == ": does not tell its frame rate; give --rate, frames a second (25, say)"
    read = read_tracks(path, rate_hz=10)
    assert (read.format, read.unit, read.frames.rate_hz, read.notes, read.start_us) == ("table", "m", 10, (), None)
    assert read.frames.number.tolist() == [7, 8]
    assert read.frames.x_m.tolist() == [0.5, 0.6, 3.0]
    assert read.frames.person.tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("header", "unit"), [("x/cm,y/cm", "cm"), ("x [mm],y [mm]", "mm"), ("x_m,y_m", "m"), ("X (in cm),Y (in cm)", "cm")]
)
def test_the_unit_in_a_name_counts(tmp_path: Path, header: str, unit: str) -> None:
    path = write(tmp_path, ROWS.replace("x/m,y/m", header), "walk.csv")
    read = read_tracks(path, rate_hz=10)
    assert read.unit == unit
    assert read.frames.x_m[2] == 3.0 / {"m": 1, "cm": 100, "mm": 1000}[unit]
    other = "cm" if unit == "m" else "m"
    assert f"tells its positions in {unit}, not in {other}" in refused(path, rate_hz=10, unit=other)


def test_a_unit_that_nobody_tells_is_asked(tmp_path: Path) -> None:
    path = write(tmp_path, ROWS.replace("x/m,y/m", "x,y"), "walk.csv")
    assert "does not tell the unit of its positions (x spans 2.5, y 3; the nearest neighbour is 3.84 away (median))" in refused(
        path, rate_hz=10
    )
    assert read_tracks(path, rate_hz=10, unit="cm").frames.x_m[2] == 0.03
    assert "'inch' is not a unit" in refused(path, rate_hz=10, unit="inch")
    assert "x and y in different units" in refused(write(tmp_path, ROWS.replace("y/m", "y/cm"), "b.csv"), format="table")


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_delimiters_line_ends_bom_and_blank_lines_make_no_difference(tmp_path: Path, delimiter: str) -> None:
    text = "\ufeff" + ROWS.replace(",", delimiter).replace("\n", "\r\n").replace("red\t8", "\r\nred\t8")
    assert read_tracks(write(tmp_path, text, "walk.csv"), rate_hz=10).frames.x_m.tolist() == [0.5, 0.6, 3.0]


def test_names_that_leave_a_choice_are_refused(tmp_path: Path) -> None:
    double = write(tmp_path, "id,frame,x/m,y/m,x/cm,y/cm\n1,0,0.5,1.0,50,100\n", "walk.csv")
    assert "the x may be in 'x/m' or 'x/cm'; tell by a mapping" in refused(double, format="table", rate_hz=10)
    lacking = write(tmp_path, "frame,x/m,y/m\n0,0.5,1.0\n", "lacking.csv")
    assert "no column id (found: 'frame', 'x/m', 'y/m'); tell by a mapping" in refused(lacking, format="table")
    assert "no column frame or time" in refused(write(tmp_path, "id,x,y\n0,0.5,1.0\n", "when.csv"), format="table")


def test_only_people_are_read_where_a_column_tells_what_moves(tmp_path: Path) -> None:
    text = "id,frame,x/m,y/m,class\n1,0,0.5,1.0,Pedestrian\n1,1,0.6,1.0,pedestrian \n2,1,9.0,4.0,bicycle\n3,1,9.0,9.0,\n"
    read = read_tracks(write(tmp_path, text, "walk.csv"), rate_hz=10)
    assert read.frames.x_m.tolist() == [0.5, 0.6]
    assert read.notes == ("2 positions of what is no person (by column class) were left out",)
    only_cars = write(tmp_path, text.replace("edestrian", "assenger car"), "cars.csv")
    assert "no row is of people: column 'class' says " in refused(only_cars, rate_hz=10)


@pytest.mark.data
@pytest.mark.parametrize("name", ["1A", "1B", "1C"])
def test_the_real_street_of_lyon_needs_only_its_rate(name: str) -> None:
    path = recorded(f"lyon_trajectories/Topview_{name}.parquet")
    read = read_tracks(path, rate_hz=10)
    table = pq.read_table(path)
    assert (read.unit, read.frames.rate_hz, len(read.frames.person)) == ("m", 10, table.num_rows)
    assert len(read.frames.tracks) == len(set(table["id"].to_pylist()))
    order = np.lexsort((read.frames.person, read.frames.frame))
    assert sorted(zip(table["frame"].to_pylist(), table["x/m"].to_pylist(), table["y/m"].to_pylist(), strict=True)) == sorted(
        zip(read.frames.frame[order].tolist(), read.frames.x_m[order].tolist(), read.frames.y_m[order].tolist(), strict=True)
    )


# --- Parquet and JSON ---------------------------------------------------------------------------------------------------


def test_parquet_and_json_are_tables_too(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": pa.array([2**64 - 1, 2**64 - 1, 3], pa.uint64()),
            "frame": pa.array([0, 1, 1], pa.uint8()),
            "x/cm": pa.array([50.0, None, 300.0], pa.float32()),
            "y/cm": pa.array([100, 100, 400], pa.int16()),
        }
    )
    pq.write_table(table, tmp_path / "walk.parquet")
    frames = read_tracks(tmp_path / "walk.parquet", rate_hz=10).frames
    assert frames.person.tolist() == [0, 0, 1]
    assert frames.x_m[[0, 2]].tolist() == [0.5, 3.0]
    assert np.isnan(frames.x_m[1])
    lines = "".join(f'{{"id": "{who}", "frame": 0, "at": {{"x/m": {x}, "y/m": 1}}}}\n' for who, x in [("a", 0.5), ("b", 3)])
    told = mapping(tmp_path, 'id = "id"\nframe = "frame"\nrate_hz = 5\nx = "at.x/m"\ny = "at.y/m"\n')
    for text in (lines, "[" + lines.strip().replace("\n", ",") + "]"):
        assert read_tracks(write(tmp_path, text, "walk.json"), mapping=told).frames.x_m.tolist() == [0.5, 3.0]
    assert "row 1, column id: is empty" in refused(write(tmp_path, lines.replace('"a"', "null"), "null.json"), mapping=told)
    assert ", line 2: is not JSON; " in refused(write(tmp_path, lines[:-9], "cut.json"), mapping=told)
    assert ", object 3: is not a JSON object; " in refused(write(tmp_path, lines + "5\n", "five.json"), mapping=told)


def test_parquet_that_is_none_or_holds_other_things_is_told(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [1], "frame": [[0]], "x/m": [0.5], "y/m": [True]}), tmp_path / "walk.parquet")
    assert "column frame: holds list" in refused(tmp_path / "walk.parquet", rate_hz=10)
    pq.write_table(
        pa.table({"id": [1], "frame": [0], "x/m": [0.5], "y/m": [1.0], "class": [["person"]]}), tmp_path / "kind.parquet"
    )
    assert "column class: holds list" in refused(tmp_path / "kind.parquet", rate_hz=10)
    whole = (tmp_path / "walk.parquet").read_bytes()
    assert ": the file is cut off or damaged" in refused(write(tmp_path, whole[:-20], "cut.parquet"), format="table")


# --- by a mapping -------------------------------------------------------------------------------------------------------


def test_a_mapping_tells_columns_unit_rate_and_how_it_is_written(tmp_path: Path) -> None:
    text = "wie;beeld;oost;noord;café\na;0;50,5;100;é\na;1;;100;é\nb;1;300;-nan;\n".encode("latin-1")
    path = write(tmp_path, text, "walk.csv")
    read = read_tracks(path, mapping=mapping(tmp_path, BY_HAND + 'encoding = "latin-1"\n'))
    assert (read.format, read.unit, read.frames.rate_hz) == ("table", "cm", 10)
    assert read.frames.x_m[[0, 2]].tolist() == [0.505, 3.0]
    assert np.isnan(read.frames.x_m[1])
    assert np.isnan(read.frames.y_m[2])
    assert ": is not text in utf-8; " in refused(path, mapping=mapping(tmp_path, BY_HAND))


def test_a_file_without_names_gets_them_from_the_mapping(tmp_path: Path) -> None:
    path = write(tmp_path, "0.0,1,0.5,1.0\n0.5,1,0.6,1.0\n1.0,1,0.7,1.0\n", "walk.csv")
    told = 'names = ["t", "who", "x", "y"]\nid = "who"\ntime = "t"\ntime_unit = "s"\nx = "x"\ny = "y"\nunit = "m"\n'
    read = read_tracks(path, mapping=mapping(tmp_path, told))
    assert read.frames.rate_hz == 2
    assert read.frames.x_m.tolist() == [0.5, 0.6, 0.7]
    assert "line 2, column x: is not a number" in refused(
        write(tmp_path, "0.0,1,0.5,1.0\n0.5,1,left,1.0\n", "bad.csv"), mapping=mapping(tmp_path, told)
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("wie", "who"), ": no column 'who' (found: 'wie', 'beeld', 'oost', 'noord'); correct the mapping"),
        (('unit = "cm"', 'unit = "inch"'), "field unit"),
        (('frame = "beeld"\n', ""), ": a row tells its frame or its time; give either frame or time"),
        (('frame = "beeld"', 'frame = "beeld"\ntime_unit = "s"'), ": belongs to time; give time, or leave it out"),
        (('y = "noord"\n', ""), ": a row tells where a person is; give either x and y, or longitude and latitude"),
        (('y = "noord"', 'y = "noord"\nlatitude = "lat"'), ": a row tells where a person is; "),
        (("rate_hz = 10", "rate_hz = -1"), ": -1.0 frames a second; write one like 25"),
        (('decimal = ","', 'decimal = ";"'), "field decimal"),
        (('delimiter = ";"', 'delimiter = ","'), ": is the same as delimiter; write what the file uses"),
        (('unit = "cm"', 'unit = "cm"\nkind = "soort"'), ': belongs to people; give both (people = ["pedestrian"]) or neither'),
        (('unit = "cm"', 'unit = "cm"\nencoding = "morse"'), ": 'morse' is not known; "),
        (('unit = "cm"', 'unit = "cm"\nheight = "z"'), "height"),
        (('unit = "cm"', 'unit = "cm"\nformat = 2'), ": version 2 is not known; "),
    ],
)
def test_a_mapping_that_does_not_fit_is_told(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    path = write(tmp_path, "wie;beeld;oost;noord\na;0;50,5;100\n", "walk.csv")
    assert told in refused(path, mapping=mapping(tmp_path, BY_HAND.replace(*change)))


def test_rate_and_unit_of_a_mapping_are_not_overruled(tmp_path: Path) -> None:
    path, told = write(tmp_path, "wie;beeld;oost;noord\na;0;50,5;100\n", "walk.csv"), mapping(tmp_path, BY_HAND)
    assert "tells 10 frames a second, not 25" in refused(path, mapping=told, rate_hz=25)
    assert "tells its positions in cm, not in m" in refused(path, mapping=told, unit="m")
    named = mapping(tmp_path, BY_HAND.replace('"oost"', '"x/m"').replace('"noord"', '"y/m"'))
    assert "positions are in cm and in m; " in refused(
        write(tmp_path, "wie;beeld;x/m;y/m\na;0;50,5;100\n", "named.csv"), mapping=named
    )


# --- times --------------------------------------------------------------------------------------------------------------


def timed(times: list[str], header: str = "id,time,x/m,y/m") -> str:
    return header + "\n" + "".join(f"1,{time},{0.1 * at:.1f},1.0\n" for at, time in enumerate(times))


def test_times_that_keep_a_rate_become_frames(tmp_path: Path) -> None:
    times = [f"2026-04-27T14:00:{1 + at / 15:06.3f}+02:00" for at in (*range(30), 31, 90)]
    read = read_tracks(write(tmp_path, timed(times), "walk.csv"))
    assert read.frames.frame.tolist() == [*range(30), 31, 90]
    assert read.frames.rate_hz == pytest.approx(15, rel=1e-3)
    assert read.start_us is not None
    assert iso(read.start_us) == "2026-04-27T12:00:01Z"
    assert read.notes[0].startswith("its times keep 15")


def test_times_without_an_offset_leave_open_when_it_was(tmp_path: Path) -> None:
    path = write(tmp_path, timed([f"2026-04-27 14:00:00.{at}" for at in range(5)]), "walk.csv")
    read = read_tracks(path)
    assert (read.start_us, read.frames.rate_hz) == (None, 10)
    assert read.notes[1] == "its times tell no offset and no time zone: when it was recorded is not known"
    told = 'id = "id"\ntime = "time"\ntime_zone = "Europe/Amsterdam"\nx = "x/m"\ny = "y/m"\n'
    zoned = read_tracks(path, mapping=mapping(tmp_path, told))
    assert zoned.start_us is not None
    assert iso(zoned.start_us) == "2026-04-27T12:00:00Z"
    twice = write(tmp_path, timed([f"2026-10-25 02:30:00.{at}" for at in range(5)]), "twice.csv")
    assert ", line 2, column time: is an hour that comes twice or never; " in refused(twice, mapping=mapping(tmp_path, told))


def test_times_that_are_numbers_need_a_unit(tmp_path: Path) -> None:
    rows = timed([f"{1_777_291_200_000 + 40 * at}" for at in range(5)])
    told = 'id = "id"\ntime = "time"\nx = "x/m"\ny = "y/m"\n'
    assert "line 2, column time: is no time" in refused(write(tmp_path, rows, "walk.csv"))
    read = read_tracks(tmp_path / "walk.csv", mapping=mapping(tmp_path, told + 'time_unit = "ms"\nsince_1970 = true\n'))
    assert (read.frames.rate_hz, read.frames.frame.tolist()) == (25, [0, 1, 2, 3, 4])
    assert read.start_us is not None
    assert iso(read.start_us) == "2026-04-27T12:00:00Z"
    named = read_tracks(write(tmp_path, rows.replace("time,", "time_ms,"), "named.csv"))
    assert (named.frames.rate_hz, named.start_us) == (25, None)
    pq.write_table(pa.table({"id": [1, 1], "t": [0.0, 0.5], "x/m": [0.0, 0.1], "y/m": [0.0, 0.0]}), tmp_path / "walk.parquet")
    assert "column t: holds numbers; tell time_unit by a mapping" in refused(tmp_path / "walk.parquet")


def test_a_pattern_reads_other_times(tmp_path: Path) -> None:
    rows = timed([f"27-04-2026 14:00:00.{at}" for at in range(5)])
    told = 'id = "id"\ntime = "time"\ntime_format = "%d-%m-%Y %H:%M:%S.%f"\nx = "x/m"\ny = "y/m"\n'
    assert read_tracks(write(tmp_path, rows, "walk.csv"), mapping=mapping(tmp_path, told)).frames.rate_hz == 10
    assert "line 4, column time: is no time; expected '%d-%m-%Y" in refused(
        write(tmp_path, rows.replace("00.2", "later"), "bad.csv"), mapping=mapping(tmp_path, told)
    )


def test_times_that_keep_no_rate_are_asked_and_must_fit_what_is_given(tmp_path: Path) -> None:
    wobbly = write(tmp_path, timed(["0.000", "0.103", "0.161", "0.302", "0.395"], "id,t_s,x/m,y/m"), "walk.csv")
    assert ": its times keep no frame rate (from 58 to 141 ms apart, median " in refused(wobbly)
    fits = write(tmp_path, timed([f"{at / 10 + 0.02 * (at % 2):.3f}" for at in range(9)], "id,t_s,x/m,y/m"), "fits.csv")
    assert read_tracks(fits, rate_hz=10).frames.frame.tolist() == list(range(9))
    for rate in (5, 8, 12.5):
        assert f": its times do not fit {rate:g} frames a second, median " in refused(fits, rate_hz=rate)
    even = write(tmp_path, timed([f"{at / 10:.1f}" for at in range(9)], "id,t_s,x/m,y/m"), "even.csv")
    assert ": whoever stays is seen in one of 2 frames only; " in refused(even, rate_hz=20)
    assert ": holds one moment, which tells no frame rate; " in refused(
        write(tmp_path, timed(["5"], "id,t_s,x/m,y/m"), "one.csv")
    )


# --- broken rows --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("1,0,0.5,1.0\n1,1,left,1.0\n", ", line 3, column x/m: is not a number; "),
        ("1,0,0.5,1.0\n\n1,one,0.5,1.0\n", ", line 4, column frame: is not a number; "),
        ("1,0,0.5,1.0\n1,,0.5,1.0\n", ", line 3: the frame is no whole number; "),
        ("1,0,0.5,1.0\n,1,0.5,1.0\n", ", line 3, column id: is empty; "),
        ("1,0,0.5,1.0\n1,1,0.5\n", ", line 3: holds 3 cells, not 4; "),
        ("1,0,0.5,1.0\n1,0,0.6,1.0\n", ": the same person is twice in frame 0 (line 2 and line 3); "),
        ("1,0,0.5,1.0\n1,40,0.6,1.0\n1,80,0.6,1.0\n", ": whoever stays is seen in one of 40 frames only; "),
        ("1,0,0.5,1.0\n2,1777291200000,0.6,1.0\n", ": 2 positions over 1777291200001 frames; "),
        ("", ": holds no positions; "),
    ],
)
def test_broken_rows_are_told_by_line_and_column(tmp_path: Path, rows: str, told: str) -> None:
    assert refused(write(tmp_path, "id,frame,x/m,y/m\n" + rows, "walk.csv"), rate_hz=10).startswith(told)

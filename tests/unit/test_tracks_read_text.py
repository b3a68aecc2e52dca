"""Jülich text is read as PedPy reads it; what it does not tell is asked, and what is broken is told by line and column."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from track_files import recorded, refused, require_same, write

from ruimte.intake.tracks import content, read_tracks

ROWS = "1 0 0.5 1.0 1.8\n1 1 0.6 1.0 1.8\n2 1 3.0 4.0 1.7\n"
HEAD = "# framerate: 25 fps\n# id frame x/m y/m z/m\n"


def test_rows_become_frames_in_metres(tmp_path: Path) -> None:
    read = read_tracks(write(tmp_path, HEAD + ROWS))
    assert (read.format, read.unit, read.notes) == ("juelich-text", "m", ())
    assert read.frames.rate_hz == 25
    assert read.frames.number.tolist() == [0, 1]
    assert read.frames.person.tolist() == [1, 1, 2]
    assert read.frames.x_m.tolist() == [0.5, 0.6, 3.0]
    assert read.frames.y_m.tolist() == [1.0, 1.0, 4.0]


@pytest.mark.parametrize(
    ("comment", "unit"),
    [
        ("# id frame x/m y/m z/m", "m"),
        ("# id frame x/cm y/cm z/cm", "cm"),
        ("#X,Y,Z: the agents coordinates (in metres)", "m"),
        ("# positions in cm", "cm"),
        ("# ID FR X [in cm] Y [in cm] Z [in cm]", "cm"),
    ],
)
def test_the_unit_is_what_the_comments_tell(tmp_path: Path, comment: str, unit: str) -> None:
    read = read_tracks(write(tmp_path, f"#framerate: 16.00\n{comment}\n{ROWS}"))
    assert (read.unit, read.frames.rate_hz) == (unit, 16)
    assert read.frames.x_m[0] == (0.5 if unit == "m" else 0.005)


def test_a_rate_is_read_to_its_end(tmp_path: Path) -> None:
    assert read_tracks(write(tmp_path, "# framerate: 1.6e1\n# x/m\n" + ROWS)).frames.rate_hz == 16


def test_tabs_blanks_line_ends_bom_and_gzip_make_no_difference(tmp_path: Path) -> None:
    plain = read_tracks(write(tmp_path, HEAD + ROWS)).frames
    for number, text in enumerate(
        [
            HEAD + ROWS.replace(" ", "\t"),
            HEAD + ROWS.replace(" ", "  \t ").replace("\n", " \n"),
            (HEAD + ROWS).replace("\n", "\r\n"),
            "\ufeff" + HEAD + "\n" + ROWS.replace("1 1 ", "# a comment between\n 1 1 "),
            HEAD + ROWS.replace("1 0 ", "1.000e+00 0.000e+00 ").rstrip("\n"),
        ]
    ):
        assert read_tracks(write(tmp_path, text, f"{number}.txt")).frames.x_m.tolist() == plain.x_m.tolist(), number
    assert (
        read_tracks(write(tmp_path, gzip.compress((HEAD + ROWS).encode()), "walk.txt.gz")).frames.x_m.tolist()
        == plain.x_m.tolist()
    )


def test_the_order_of_columns_is_what_a_comment_tells(tmp_path: Path) -> None:
    text = "# framerate: 25\n# frame id y/m x/m\n7 1 2.0 3.0\n8 1 2.5 3.0\n"
    frames = read_tracks(write(tmp_path, text)).frames
    assert frames.number.tolist() == [7, 8]
    assert (frames.x_m.tolist(), frames.y_m.tolist()) == ([3.0, 3.0], [2.0, 2.5])


def test_what_the_file_does_not_tell_is_asked_with_a_hint_of_what_it_looks_like(tmp_path: Path) -> None:
    path = write(tmp_path, "1 0 50 100 180\n2 0 113 100 180\n2 1 113 160 180\n")
    assert refused(path) == ": does not tell its frame rate; give --rate, frames a second (25, say)"
    hint = refused(path, rate_hz=16)
    assert hint == (
        ": does not tell the unit of its positions (x spans 63, y 60; the nearest neighbour is 63 away (median)); "
        "give --unit m or --unit cm"
    )
    read = read_tracks(path, rate_hz=16, unit="cm")
    assert read.frames.x_m.tolist() == [0.5, 1.13, 1.13]
    assert read.notes == ("no comment names the columns: they were read as id, frame, x, y",)


def test_what_the_file_tells_is_not_overruled(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + ROWS)
    assert "tells its positions in m, not in cm" in refused(path, unit="cm")
    assert "tells 25 frames a second, not 16" in refused(path, rate_hz=16)
    assert read_tracks(path, unit="m", rate_hz=25).unit == "m"
    assert "different units (cm, m)" in refused(write(tmp_path, "# framerate: 25\n# x/cm\n# in m\n" + ROWS))


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("1 0 0.5 1.0\n1 1 abc 1.0\n", ", line 4, column x: is not a number; "),
        ("1 0 0.5 1.0\n1 one 0.5 1.0\n", ", line 4, column frame: is not a number; "),
        ("1 0 0.5 1.0\n1 nan 0.5 1.0\n", ", line 4, column frame: is not a number; "),
        ("1 0 0.5 1.0\n\n1 1 0.5\n", ", line 5: holds 3 cells, not 4; "),
        ("1 0 0.5 1.0\n1.5 1 0.5 1.0\n", ", line 4: the id is no whole number; "),
        ("1 0 0.5 1.0\n1 1e300 0.5 1.0\n", ", line 4: the frame is no whole number; "),
        ("99999999999999999999 0 0.5 1.0\n", ", line 3: the id is no whole number; "),
        ("1 0\n", ": its first row has 2 cells; "),
        ("", ": holds no positions; "),
        ("1 0 0.5 1.0\n2 0 3.0 1.0\n1 0 0.5 1.0\n", ": the same person is twice in frame 0 (line 3 and line 5); "),
        ("1 0 0.5 1.0\n1 40 0.5 1.0\n1 80 0.5 1.0\n", ": whoever stays is seen in one of 40 frames only; "),
        ("1 0 0.5 1.0\n2 9000000 0.5 1.0\n", ": 2 positions over 9000001 frames; "),
    ],
)
def test_broken_rows_are_told_by_line_and_column(tmp_path: Path, rows: str, told: str) -> None:
    assert refused(write(tmp_path, HEAD + rows)).startswith(told)


def test_positions_that_are_no_numbers_stay_as_not_known(tmp_path: Path) -> None:
    frames = read_tracks(write(tmp_path, HEAD + "1 0 nan 1.0\n1 1 inf 1.0\n1 2 0.5 -NaN\n1 3 0.5 1.0\n")).frames
    assert np.isfinite(frames.x_m).tolist() == [False, False, True, True]
    assert np.isfinite(frames.y_m).tolist() == [True, True, False, True]


def test_rows_in_any_order_are_put_in_order(tmp_path: Path) -> None:
    frames = read_tracks(write(tmp_path, HEAD + "2 1 3.0 4.0\n1 1 0.6 1.0\n1 0 0.5 1.0\n")).frames
    assert frames.person.tolist() == [1, 1, 2]
    assert frames.x_m.tolist() == [0.5, 0.6, 3.0]


def test_what_is_no_file_or_not_whole_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.txt").startswith(": file not found; ")
    assert refused(tmp_path).startswith(": this is a folder, not a file; ")
    assert refused(write(tmp_path, "")).startswith(": the file is empty; ")
    assert refused(write(tmp_path, " \n\n")).startswith(": the file is empty; ")
    packed = gzip.compress((HEAD + ROWS * 1000).encode())
    assert ": the gzip file is cut off or damaged" in refused(write(tmp_path, packed[: len(packed) // 2], "cut.txt.gz"))
    assert refused(write(tmp_path, HEAD + ROWS, "plain.txt.gz")).startswith(": is not gzip; ")
    assert ": its format is not sure; give --format, one of juelich-text, " in refused(write(tmp_path, "Dear all,\nsee you\n"))
    assert ": format 'csv' is not known; give one of juelich-text, " in refused(write(tmp_path, HEAD + ROWS), format="csv")
    assert ": format juelich-text needs no mapping; " in refused(
        write(tmp_path, HEAD + ROWS), format="juelich-text", mapping=tmp_path / "m.toml"
    )
    assert ": format juelich-text needs no homography; " in refused(write(tmp_path, HEAD + ROWS), homography=np.eye(3))


def test_what_unpacks_to_more_than_fits_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "MOST_BYTES", 1_000_000)
    bomb = write(tmp_path, gzip.compress(bytes(50_000_000)), "walk.txt.gz")
    assert bomb.stat().st_size < 100_000
    assert refused(bomb) == ": holds more than 1 MB; split it by time"
    monkeypatch.setattr(content, "MOST_ROWS", 2)
    assert refused(write(tmp_path, HEAD + ROWS)) == ": holds 3 positions, more than 2; split it by time"


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "asked", "unit"),
    [
        ("040_c_56_h-.txt.gz", {}, "m"),
        ("bi_corr_400_b_03.txt.gz", {}, "cm"),
        ("uo-050-180-180.txt.gz", {"unit": "cm", "rate_hz": 16}, "cm"),
    ],
)
def test_real_walks_are_read_as_pedpy_reads_them(name: str, asked: dict[str, Any], unit: str, tmp_path: Path) -> None:
    pedpy = pytest.importorskip("pedpy", reason="the extra peers is not installed")
    path = recorded(f"juelich_trajectories/{name}")
    plain = write(tmp_path, gzip.decompress(path.read_bytes()))
    theirs = pedpy.load_trajectory(
        trajectory_file=plain,
        default_frame_rate=asked.get("rate_hz"),
        default_unit=pedpy.TrajectoryUnit.CENTIMETER if "unit" in asked else None,
    )
    ours = read_tracks(path, **asked)
    assert ours.unit == unit
    assert ours.frames.rate_hz == theirs.frame_rate
    require_same(ours.frames, theirs.data)

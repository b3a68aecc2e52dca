"""HDF5 of the archive and JuPedSim's databases are read with their walkable area; what is no such file is told."""

from __future__ import annotations

import gzip
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from track_files import HALL, recorded, refused, require_same, write, write_jupedsim

from ruimte.intake.tracks import juelich_hdf5, read_tracks
from ruimte.tracks.area import walkable_area

ROWS = [(0, 1, 0.5, 1.0), (1, 1, 0.6, 1.0), (1, 2, 7.0, 4.0)]
"""Frame, id, x, y."""
COLUMNS = [("id", "<i8"), ("frame", "<i8"), ("x", "<f8"), ("y", "<f8"), ("z", "<f8")]


def write_hdf5(path: Path, rows: Any = ROWS, unit: str | None = "m", fps: Any = 25.0, area: str | None = HALL) -> Path:
    h5py = pytest.importorskip("h5py", reason="the extra tracks is not installed")
    with h5py.File(path, "w") as file:
        table = file.create_dataset("trajectory", data=np.array([(who, at, x, y, 1.7) for at, who, x, y in rows], dtype=COLUMNS))
        if fps is not None:
            table.attrs["fps"] = fps
        if unit is not None:
            for axis in ("x", "y"):
                table.attrs[axis] = f"pedestrian {axis}-coordinate (unit [{unit}])"
        if area is not None:
            file.attrs["wkt_geometry"] = area
    return path


# --- HDF5 ---------------------------------------------------------------------------------------------------------------


def test_hdf5_tells_positions_rate_unit_and_area(tmp_path: Path) -> None:
    path = write_hdf5(tmp_path / "walk.h5")
    read = read_tracks(path)
    assert (read.format, read.unit, read.frames.rate_hz, read.notes) == ("juelich-hdf5", "m", 25, ())
    assert read.frames.x_m.tolist() == [0.5, 0.6, 7.0]
    assert read.frames.person.tolist() == [1, 1, 2]
    assert read.walkable is not None
    assert read.walkable.equals(shapely.from_wkt(HALL))
    packed = write(tmp_path, gzip.compress(path.read_bytes()), "walk.h5.gz")
    assert read_tracks(packed).frames.x_m.tolist() == [0.5, 0.6, 7.0]


def test_the_unit_of_hdf5_is_of_its_area_too_and_is_asked_where_it_is_not_told(tmp_path: Path) -> None:
    centimetres = read_tracks(write_hdf5(tmp_path / "cm.h5", unit="cm", area="POLYGON ((0 0, 800 0, 800 500, 0 500, 0 0))"))
    assert centimetres.unit == "cm"
    assert centimetres.frames.x_m.tolist() == [0.005, 0.006, 0.07]
    assert centimetres.walkable is not None
    assert centimetres.walkable.bounds == (0, 0, 8, 5)
    silent = write_hdf5(tmp_path / "silent.h5", unit=None)
    assert "does not tell the unit of its positions" in refused(silent)
    assert read_tracks(silent, unit="m").unit == "m"
    assert "tells its positions in cm, not in m" in refused(tmp_path / "cm.h5", unit="m")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"fps": None}, ": does not tell its frame rate; "),
        ({"fps": "fast"}, ": its frame rate is no number; "),
        ({"fps": -25.0}, ": -25 frames a second; "),
        ({"rows": ROWS[:0]}, ": holds no positions; "),
        ({"rows": [*ROWS, ROWS[0]]}, ": the same person is twice in frame 0 (row 1 and row 4); "),
    ],
)
def test_broken_hdf5_is_told(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    assert refused(write_hdf5(tmp_path / "walk.h5", **change)).startswith(told)


def test_hdf5_without_tracks_is_told(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py", reason="the extra tracks is not installed")
    for name, data, told in [
        ("else", np.zeros(3), "holds no dataset 'trajectory'"),
        ("trajectory", np.zeros(3), "holds no dataset 'trajectory'"),
        ("trajectory", np.zeros(3, dtype=[("id", "<i8"), ("x", "<f8"), ("y", "S4")]), "holds no numbers frame, y; "),
    ]:
        with h5py.File(tmp_path / "walk.h5", "w") as file:
            file[name] = data
        assert told in refused(tmp_path / "walk.h5")
    with h5py.File(tmp_path / "walk.h5", "w") as file:
        file.create_group("trajectory")
    assert "holds no dataset 'trajectory'" in refused(tmp_path / "walk.h5")
    whole = write_hdf5(tmp_path / "whole.h5").read_bytes()
    assert ": the file is cut off or damaged" in refused(write(tmp_path, whole[: len(whole) // 2], "cut.h5"))


def test_an_area_that_is_none_is_left_out_and_told(tmp_path: Path) -> None:
    for area, told in [
        ("POLYGON ((0 0, 4 4, 4 0, 0 4, 0 0))", "not a plain polygon (Self-intersection[2 2])"),
        ("POLYGON ((0 0", "not WKT"),
        ("POINT (1 2)", "no polygon"),
        ("POLYGON ((0 0, nan nan, 1 1, 0 0))", "a corner is not a number"),
        ("POLYGON ((0 0, 1e400 0, 1 1, 0 0))", "a corner is not a number"),
        ("CURVEPOLYGON ((0 0, 4 0, 4 4, 0 0))", "not WKT"),
        ("GEOMETRYCOLLECTION (" * 5_000, "a collection in a collection"),
        ("POLYGON EMPTY", "a polygon without size"),
    ]:
        read = read_tracks(write_hdf5(tmp_path / "walk.h5", area=area))
        assert read.walkable is None
        assert read.notes == (f"the walkable area in the file was left out: {told}",)
    assert read_tracks(write_hdf5(tmp_path / "walk.h5", area=None)).walkable is None


def test_hdf5_without_h5py_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_hdf5(tmp_path / "walk.h5")
    monkeypatch.setattr(juelich_hdf5, "find_spec", lambda name: None)
    assert refused(path) == ": HDF5 needs the package h5py; pip install 'ruimte[tracks]'"


def test_hdf5_that_never_ends_or_ends_the_library_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_hdf5(tmp_path / "walk.h5")
    monkeypatch.setattr(juelich_hdf5, "PATIENCE_S", 0.5)
    monkeypatch.setattr(juelich_hdf5, "_CHILD", write(tmp_path, "while True: pass\n", "loop.py"))
    assert refused(path) == ": could not be read within 0.5 s: it is damaged; fetch it again"
    monkeypatch.setattr(juelich_hdf5, "PATIENCE_S", 60)
    monkeypatch.setattr(juelich_hdf5, "_CHILD", write(tmp_path, "import os; os.abort()\n", "crash.py"))
    assert refused(path) == ": the file is cut off or damaged (the HDF5 library gave up); fetch it again"


@pytest.mark.data
def test_a_real_walk_is_read_as_pedpy_reads_it() -> None:
    pedpy = pytest.importorskip("pedpy", reason="the extra peers is not installed")
    path = recorded("juelich_trajectories/00_01a.h5")
    theirs = pedpy.load_trajectory_from_ped_data_archive_hdf5(trajectory_file=path)
    ours = read_tracks(path)
    assert (ours.unit, ours.frames.rate_hz) == ("m", theirs.frame_rate)
    require_same(ours.frames, theirs.data)
    area = pedpy.load_walkable_area_from_ped_data_archive_hdf5(trajectory_file=path)
    assert ours.walkable is not None
    assert ours.walkable.equals(area.polygon)
    assert walkable_area(ours.walkable).area_m2 == pytest.approx(area.area)


# --- JuPedSim -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1", "2", "3"])
def test_each_version_of_jupedsim_is_read(tmp_path: Path, version: str) -> None:
    path = write_jupedsim(tmp_path / "walk.sqlite", ROWS, version=version)
    before = path.read_bytes()
    read = read_tracks(path)
    assert (read.format, read.unit, read.frames.rate_hz, read.notes) == ("jupedsim", "m", 12.5, ())
    assert read.frames.number.tolist() == [0, 1]
    assert read.frames.person.tolist() == [1, 1, 2]
    assert read.frames.x_m.tolist() == [0.5, 0.6, 7.0]
    assert read.walkable is not None
    assert read.walkable.equals(shapely.from_wkt(HALL))
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["walk.sqlite"]


def test_of_areas_that_followed_each_other_the_union_is_taken(tmp_path: Path) -> None:
    areas = ["POLYGON ((0 0, 4 0, 4 5, 0 5, 0 0))", "POLYGON ((0 0, 8 0, 8 5, 0 5, 0 0))"]
    read = read_tracks(write_jupedsim(tmp_path / "walk.sqlite", ROWS, version="2", areas=areas))
    assert read.walkable is not None
    assert read.walkable.area == 40
    assert read.notes == ("the walkable area changes: the union of 2 was taken",)
    assert read_tracks(write_jupedsim(tmp_path / "none.sqlite", ROWS, areas=[])).walkable is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"version": "7"}, ": version '7' of JuPedSim's trajectories is not known; "),
        ({"fps": None}, ": does not tell its frame rate; "),
        ({"fps": "fast"}, ": its frame rate is no number; "),
        ({"rows": []}, ": holds no positions; "),
        ({"rows": [(0, 1, "left", 1.0)]}, ": its trajectory_data holds something else than numbers; "),
        ({"rows": [(0.5, 1, 1.0, 1.0)]}, ", row 1: the frame is no whole number; "),
        ({"rows": [*ROWS, ROWS[0]]}, ": the same person is twice in frame 0 (row 1 and row 4); "),
    ],
)
def test_broken_databases_are_told(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    assert refused(write_jupedsim(tmp_path / "walk.sqlite", **{"rows": ROWS, **change})).startswith(told)


def test_a_database_of_something_else_is_told(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.sqlite")) as database:
        database.execute("CREATE TABLE people (name TEXT)")
        database.execute("CREATE VIEW trajectory_data AS SELECT 1")
        database.commit()
    assert ": is not JuPedSim's: it holds no table trajectory_data, metadata, geometry; " in refused(tmp_path / "other.sqlite")
    whole = write_jupedsim(tmp_path / "walk.sqlite", ROWS).read_bytes()
    assert ": the file is cut off or damaged" in refused(write(tmp_path, whole[: len(whole) // 2], "cut.sqlite"))
    unknown = write_jupedsim(tmp_path / "unknown.sqlite", [(0, 1, None, 1.0), (1, 1, 0.5, 1.0)])
    assert np.isnan(read_tracks(unknown).frames.x_m).tolist() == [True, False]


def test_what_jupedsim_itself_writes_is_read(tmp_path: Path) -> None:
    jupedsim = pytest.importorskip("jupedsim", reason="the extra micro is not installed")
    path = tmp_path / "walk.sqlite"
    simulation = jupedsim.Simulation(
        model=jupedsim.CollisionFreeSpeedModel(),
        geometry=shapely.from_wkt(HALL),
        trajectory_writer=jupedsim.SqliteTrajectoryWriter(output_file=path, every_nth_frame=5),
    )
    way_out = simulation.add_exit_stage([(7, 0), (8, 0), (8, 5), (7, 5)])
    journey = simulation.add_journey(jupedsim.JourneyDescription([way_out]))
    for y in (1.0, 4.0):
        simulation.add_agent(
            jupedsim.CollisionFreeSpeedModelAgentParameters(position=(1.0, y), journey_id=journey, stage_id=way_out)
        )
    while simulation.agent_count() > 0 and simulation.iteration_count() < 3000:
        simulation.iterate()
    simulation._writer.close()
    read = read_tracks(path)
    assert read.frames.rate_hz == pytest.approx(20)
    assert len(read.frames.tracks) == 2
    assert read.frames.x_m[:2].tolist() == [1.0, 1.0]
    assert read.walkable is not None
    assert read.walkable.equals(shapely.from_wkt(HALL))

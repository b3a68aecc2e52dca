"""The same tracks give the same numbers as PedPy does."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely

from ruimte.tracks.area import Area, walkable_area
from ruimte.tracks.density import classic_density, gaussian_field
from ruimte.tracks.flow import along, crossings, cumulative, spells
from ruimte.tracks.frames import Frames, frames_of
from ruimte.tracks.gates import Gates, gates_of
from ruimte.tracks.meter import Meter
from ruimte.tracks.motion import acceleration, motion
from ruimte.tracks.profiles import Grid
from ruimte.tracks.zones import zones_of

pedpy = pytest.importorskip("pedpy", reason="the extra peers is not installed")

pytestmark = pytest.mark.filterwarnings("ignore:The copy keyword is deprecated")  # PedPy 1.5 beside pandas 3.1

ROOM = shapely.box(-4, -3, 4, 3) - shapely.box(-0.5, -1.0, -0.2, 3) - shapely.Polygon([(2, -2), (3, -2), (2.5, -1)])
ZONE = shapely.box(-2.0, -1.5, 1.3, 1.2)
LINE = [(1.0, 3.0), (1.0, -3.0)]
RECORDED = Path(__file__).parents[3] / "shared/data/juelich_trajectories/040_c_56_h-.txt.gz"


@dataclass(frozen=True)
class Walk:
    frames: Frames
    table: Any
    area: Area
    place: Any
    gates: Gates


def walk_of(person: Any, frame: Any, x: Any, y: Any, room: shapely.Polygon = ROOM) -> Walk:
    table = pedpy.TrajectoryData(data=pd.DataFrame({"id": person, "frame": frame, "x": x, "y": y}), frame_rate=16.0)
    frames = frames_of(person, frame, x, y, 16.0)
    return Walk(frames, table, walkable_area(room), pedpy.WalkableArea(room), gates_of({"gate": LINE}))


@pytest.fixture(scope="module")
def walk() -> Walk:
    """People who walk about for some seconds, many of them over the line; each comes and goes at another time."""
    chance = np.random.default_rng(5)
    person, frame, x, y = [], [], [], []
    for who in range(60):
        first, length = chance.integers(0, 30), chance.integers(15, 90)
        angle = chance.uniform(0, 6.3) + np.cumsum(chance.normal(0, 0.15, length))
        px = chance.uniform(-0.1, 2.1) + np.cumsum(np.cos(angle)) * 0.08
        py = chance.uniform(-3, 3) + np.cumsum(np.sin(angle)) * 0.08
        inside = shapely.contains_xy(ROOM.buffer(-0.01), px, py)
        length = len(px) if inside.all() else int(np.argmin(inside))
        if length < 8 or abs(px[length - 1] - 1.0) < 0.1:
            continue
        person += [who] * length
        frame += range(first, first + length)
        x += px[:length].tolist()
        y += py[:length].tolist()
    return walk_of(np.array(person), np.array(frame), np.array(x), np.array(y))


def cells_of(walk: Walk, cut_off_m: float | None) -> pd.DataFrame:
    circle = None if cut_off_m is None else pedpy.Cutoff(radius=cut_off_m, quad_segments=3)
    cells = pedpy.compute_individual_voronoi_polygons(traj_data=walk.table, walkable_area=walk.place, cut_off=circle)
    return cells.sort_values(["frame", "id"]).reset_index(drop=True)


def by_row(walk: Walk, table: pd.DataFrame, *columns: str) -> np.ndarray:
    """Columns of a table of theirs by our rows; NaN where it has none."""
    rows = pd.DataFrame({"id": walk.frames.person, "frame": walk.frames.frame})
    return rows.merge(table, on=["id", "frame"], how="left")[list(columns)].to_numpy()


@pytest.mark.parametrize("cut_off_m", [0.8, None])
def test_cells_densities_and_speeds_of_zones(walk: Walk, cut_off_m: float | None) -> None:
    cells, zone = cells_of(walk, cut_off_m), pedpy.MeasurementArea(ZONE)
    speeds = pedpy.compute_individual_speed(
        traj_data=walk.table, frame_step=3, speed_calculation=pedpy.SpeedCalculation.BORDER_SINGLE_SIDED
    )
    speed = motion(walk.frames, 3, "single").speed_m_s
    reading = Meter(walk.area, zones_of({"zone": ZONE}), cut_off_m=cut_off_m, edge_counts=False).batch(walk.frames, speed)
    np.testing.assert_allclose(reading.area_m2, shapely.area(cells.polygon.to_numpy()), rtol=1e-9)
    density, shared = pedpy.compute_voronoi_density(individual_voronoi_data=cells, measurement_area=zone)
    np.testing.assert_allclose(reading.voronoi[:, 0], density.density, rtol=1e-9, atol=1e-12)
    classic = pedpy.compute_classic_density(traj_data=walk.table, measurement_area=zone)
    assert np.array_equal(reading.classic[:, 0], classic.density)
    assert np.array_equal(classic_density(walk.frames, zones_of({"zone": ZONE}), edge_counts=False)[:, 0], classic.density)
    theirs = pedpy.compute_voronoi_speed(
        traj_data=walk.table, individual_speed=speeds, individual_voronoi_intersection=shared, measurement_area=zone
    )
    # theirs is 0 where nobody is; ours is not known there
    np.testing.assert_allclose(np.nan_to_num(reading.speed_over_zone_m_s[:, 0]), theirs.speed, rtol=1e-9, atol=1e-12)


def test_profiles(walk: Walk) -> None:
    cells = cells_of(walk, 0.8)
    cells["speed"] = np.arange(len(cells)) / 1000
    data = cells.merge(walk.table.data, on=["id", "frame"])
    # their squares begin in the north for cells, in the south for counts: a side that divides the room puts both in one place
    grid = Grid(-4.0, -3.0, 0.5, 16, 12)
    reading = Meter(walk.area, cut_off_m=0.8, grid=grid, fwhm_m=0.5).batch(walk.frames, cells.speed)
    common = {"data": data, "walkable_area": walk.place, "grid_size": 0.5}
    for ours, method, within in (
        (reading.profile, pedpy.DensityMethod.VORONOI, 1e-11),
        (reading.profile_classic, pedpy.DensityMethod.CLASSIC, 1e-11),
        (reading.field, pedpy.DensityMethod.GAUSSIAN, 1e-4),  # they round 2.35482 and 2.50662
        (gaussian_field(walk.frames, grid, 0.5), pedpy.DensityMethod.GAUSSIAN, 1e-4),
    ):
        theirs = np.array(pedpy.compute_density_profile(**common, density_method=method, gaussian_width=0.5))
        np.testing.assert_allclose(ours, theirs[:, ::-1], rtol=1e-9, atol=within)
    theirs = np.array(pedpy.compute_speed_profile(**common, speed_method=pedpy.SpeedMethod.VORONOI))
    np.testing.assert_allclose(reading.profile_speed, theirs[:, ::-1], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    ("ours", "theirs"), [("exclude", "BORDER_EXCLUDE"), ("adaptive", "BORDER_ADAPTIVE"), ("single", "BORDER_SINGLE_SIDED")]
)
@pytest.mark.parametrize("step", [1, 4])
def test_speeds(walk: Walk, ours: Any, theirs: str, step: int) -> None:
    how = {"traj_data": walk.table, "frame_step": step, "speed_calculation": pedpy.SpeedCalculation[theirs]}
    told = by_row(walk, pedpy.compute_individual_speed(**how, compute_velocity=True), "speed", "v_x", "v_y")
    mine = motion(walk.frames, step, ours)
    np.testing.assert_allclose(np.stack([mine.speed_m_s, mine.x_m_s, mine.y_m_s], axis=1), told, rtol=1e-12, atol=1e-13)
    told = by_row(walk, pedpy.compute_individual_speed(**how, movement_direction=np.array([0.6, 0.8])), "speed")
    np.testing.assert_allclose(motion(walk.frames, step, ours, along=[3, 4]).speed_m_s, told[:, 0], rtol=1e-12, atol=1e-13)


def test_accelerations(walk: Walk) -> None:
    told = pedpy.compute_individual_acceleration(traj_data=walk.table, frame_step=3, compute_acceleration_components=True)
    mine = acceleration(walk.frames, 3)
    told = by_row(walk, told, "acceleration", "a_x", "a_y")
    np.testing.assert_allclose(np.stack([mine.size_m_s2, mine.x_m_s2, mine.y_m_s2], axis=1), told, rtol=1e-10, atol=1e-10)


def test_flow_and_n_t(walk: Walk) -> None:
    line = pedpy.MeasurementLine(LINE)
    n_t, crossed = pedpy.compute_n_t(traj_data=walk.table, measurement_line=line)
    found = crossings(walk.frames, walk.gates)
    # they leave out a step that ends a track
    last = walk.frames.by_track[walk.frames.track[1:] - 1]
    assert not np.isin(found.row, last).any(), "this walk should have no such step"
    assert len(crossed) > 8
    assert np.array_equal(cumulative(walk.frames, found, walk.gates)[:, 0], n_t.cumulative_pedestrians)
    speed = motion(walk.frames, 3, "single").speed_m_s
    speeds = pd.DataFrame({"id": walk.frames.person, "frame": walk.frames.frame, "speed": speed})
    theirs = pedpy.compute_flow(nt=n_t, crossing_frames=crossed, individual_speed=speeds, delta_frame=20, frame_rate=16.0)
    mine = spells(walk.frames, found, walk.gates, 0, 20, speed)
    np.testing.assert_allclose(mine.flow, theirs.flow, rtol=1e-15)
    # their mean speed takes in who crosses in the frame after the spell; where nobody does the two are one
    alone = [not (crossed.frame == end).any() for end in mine.end]
    np.testing.assert_allclose(mine.speed_m_s[alone], theirs.mean_speed[alone], rtol=1e-12)
    assert any(alone)


def test_density_speed_and_flow_along_a_line(walk: Walk) -> None:
    cells, line = cells_of(walk, 0.8), pedpy.MeasurementLine(LINE)
    kind = pedpy.compute_species(
        trajectory_data=walk.table, individual_voronoi_polygons=cells, measurement_line=line, frame_step=3
    )
    speeds = pedpy.compute_individual_speed(
        traj_data=walk.table, frame_step=3, compute_velocity=True, speed_calculation=pedpy.SpeedCalculation.BORDER_SINGLE_SIDED
    )
    common = {"individual_voronoi_polygons": cells, "measurement_line": line, "species": kind}
    reading = Meter(walk.area, gates=walk.gates, cut_off_m=0.8).batch(walk.frames)
    mine = along(walk.frames, walk.gates, reading.area_m2, reading.on_gate, motion(walk.frames, 3, "single"))
    for ours, theirs, columns in (
        (mine.density, pedpy.compute_line_density(**common), ["p_sp+1", "p_sp-1"]),
        (mine.speed_m_s, pedpy.compute_line_speed(**common, individual_speed=speeds), ["s_sp+1", "s_sp-1"]),
        (mine.flow, pedpy.compute_line_flow(**common, individual_speed=speeds), ["j_sp+1", "j_sp-1"]),
    ):
        told = theirs.set_index("frame").reindex(walk.frames.number).fillna(0.0)
        assert told.to_numpy().any()
        np.testing.assert_allclose(ours[:, 0], told[columns].to_numpy(dtype=float), rtol=1e-9, atol=1e-11)


@pytest.mark.data
@pytest.mark.skipif(not RECORDED.exists(), reason=f"no {RECORDED}")
def test_a_recorded_bottleneck() -> None:
    with gzip.open(RECORDED, "rt") as lines:
        rows = np.loadtxt(lines, comments="#")
    rows = rows[(rows[:, 1] >= 600) & (rows[:, 1] < 680)]
    left = [
        (-0.7, -1.1),
        (-0.25, -1.1),
        (-0.25, -0.15),
        (-0.4, 0),
        (-2.8, 0),
        (-2.8, 6.7),
        (-3.05, 6.7),
        (-3.05, -0.3),
        (-0.7, -0.3),
    ]
    room = shapely.Polygon([(-3.5, -2), (3.5, -2), (3.5, 8), (-3.5, 8)], [left, [(-x, y) for x, y in left]])
    walk = walk_of(rows[:, 0].astype(int), rows[:, 1].astype(int), rows[:, 2], rows[:, 3], room)
    for cut_off_m in (0.8, None):
        reading = Meter(walk.area, zones_of({"zone": shapely.box(-0.4, 0.5, 0.4, 1.3)}), cut_off_m=cut_off_m).batch(walk.frames)
        cells = cells_of(walk, cut_off_m)
        np.testing.assert_allclose(reading.area_m2, shapely.area(cells.polygon.to_numpy()), rtol=1e-9)
        zone = pedpy.MeasurementArea(shapely.box(-0.4, 0.5, 0.4, 1.3))
        density = pedpy.compute_voronoi_density(individual_voronoi_data=cells, measurement_area=zone)[0].density
        np.testing.assert_allclose(reading.voronoi[:, 0], density, rtol=1e-9)

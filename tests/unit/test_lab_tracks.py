"""A device that tells tracks: where these lie on the map, and every mistake in that."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import LineString

from ruimte.lab.check import check_lab
from ruimte.lab.files import Ground
from ruimte.lab.ground import Plane, gate_line, walkable
from ruimte.lab.lab import Gate, Zone
from ruimte.tracks.gates import gates_of
from track_lab import PLANE, on_map, sensor, track_lab

ZONE = [(100.0, 0.0), (120.0, 0.0), (120.0, 10.0), (100.0, 10.0)]
VIEW = [(99.0, -1.0), (121.0, -1.0), (121.0, 11.0), (99.0, 11.0)]
HALL = {"hall-people": sensor("hall-people", "hall", ["people", "people_sd", "speed"])}


def mistakes(folder: Path) -> list[str]:
    return [f"{each.where}: {each.what}" for each in check_lab(folder)[1]]


def edit(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new), encoding="utf-8")


def test_a_lab_with_tracks_has_views_and_obstacles(tmp_path: Path) -> None:
    stall = [(105.0, 4.0), (107.0, 4.0), (107.0, 6.0), (105.0, 6.0)]
    lab, found = check_lab(track_lab(tmp_path / "lab", VIEW, ZONE, HALL, obstacles=[stall]))
    assert found == []
    assert lab is not None
    ground = lab.devices["overhead"].ground
    assert ground is not None
    plane = Plane.of(ground)
    assert plane == PLANE
    room = walkable(plane, lab.views["seen"].polygon, lab.obstacles.values())
    assert room is not None
    assert room.area == pytest.approx(22 * 12 - 4, rel=1e-6)
    assert np.array(plane.flat(lab.zones["hall"].polygon).bounds) == pytest.approx([100, 0, 120, 10], abs=1e-6)


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("sensors.toml", 'view = "seen"', 'view = "square"', "'square' is not a view"),
        ("sensors.toml", "rate_hz = 10.0", "rate_hz = 0", "0.0 frames a second"),
        (
            "sensors.toml",
            "rate_hz = 10.0",
            "rate_hz = 10.0\nhomography = [[1, 0, 0], [0, 1, 0]]",
            "not three rows of three numbers",
        ),
        ("sensors.toml", "rate_hz = 10.0", "rate_hz = 10.0\nhomography = [[1, 0, 0], [2, 0, 0], [0, 0, 1]]", "onto a line"),
        ("sensors.toml", "bearing_deg = 20.0", "bearing_deg = nan", "nan is not an angle"),
        ("sensors.toml", "origin = [5.121, ", "origin = [52.1, 95.0, ", "no longitude and latitude"),
        ("sensors.toml", "origin = [5.121, 52.0897]", "origin = [52.0897, 5.121]", "km from view 'seen'"),
        ("sensors.toml", '"people", "people_sd"', '"people", "occupancy"', "'occupancy' of a zone is not told by tracks"),
        ("algorithms.toml", "track-figures", "other", "'track-figures' is not registered"),
        ("places.geojson", '"kind": "view"', '"kind": "glance"', "unknown kind 'glance'"),
    ],
)
def test_each_mistake_is_found(tmp_path: Path, file: str, old: str, new: str, told: str) -> None:
    folder = track_lab(tmp_path / "lab", VIEW, ZONE, HALL)
    edit(folder, file, old, new)
    assert any(told in each for each in mistakes(folder)), mistakes(folder)


def test_tracks_need_a_ground(tmp_path: Path) -> None:
    folder = track_lab(tmp_path / "lab", VIEW, ZONE, HALL)
    text = (folder / "sensors.toml").read_text(encoding="utf-8")
    (folder / "sensors.toml").write_text(text[: text.index("[device.ground]")], encoding="utf-8")
    assert [each for each in mistakes(folder) if "the device has no ground" in each]


def test_people_need_the_whole_zone_in_view_and_density_a_part(tmp_path: Path) -> None:
    half = [(99.0, -1.0), (110.0, -1.0), (110.0, 11.0), (99.0, 11.0)]
    folder = track_lab(tmp_path / "lab", half, ZONE, HALL)
    assert any("of which the view holds 50%" in each for each in mistakes(folder))
    edit(folder, "sensors.toml", '"people", "people_sd"', '"density"')
    assert mistakes(folder) == []


def test_obstacles_may_not_cut_the_view_in_two(tmp_path: Path) -> None:
    wall = [(105.0, -2.0), (106.0, -2.0), (106.0, 12.0), (105.0, 12.0)]
    folder = track_lab(tmp_path / "lab", VIEW, ZONE, HALL, obstacles=[wall])
    assert any("cut view 'seen' in two" in each for each in mistakes(folder))


@given(
    bearing=st.floats(-360, 360),
    latitude=st.floats(-80, 80),
    points=st.lists(st.tuples(st.floats(-300, 300), st.floats(-300, 300)), min_size=2, max_size=8),
)
def test_there_and_back(bearing: float, latitude: float, points: list[tuple[float, float]]) -> None:
    plane = Plane.of(Ground(view="v", origin=[4.9, latitude], rate_hz=10, bearing_deg=bearing))
    x, y = np.array(points).T
    there = LineString(plane.degrees(x, y))
    assert np.array(plane.flat(there).coords) == pytest.approx(np.array(points), abs=1e-6)


def test_lengths_are_kept() -> None:
    assert PLANE.flat(on_map(ZONE)).area == pytest.approx(200, rel=1e-6)


@pytest.mark.parametrize("drawn", [[(100.0, 0.0), (100.0, 10.0)], [(100.0, 10.0), (100.0, 0.0)]])
@pytest.mark.parametrize(("from_", "to", "east"), [("west", "hall", 1), ("hall", "outside", -1), ("outside", "hall", 1)])
def test_forward_is_from_one_side_to_the_other_however_a_gate_is_drawn(
    drawn: list[tuple[float, float]], from_: str, to: str, east: int
) -> None:
    west = [(90.0, 0.0), (99.0, 0.0), (99.0, 10.0), (90.0, 10.0)]
    zones = {key: Zone(key, key, on_map(shape), 1.0, None, None, None) for key, shape in (("hall", ZONE), ("west", west))}
    gate = Gate("g", "g", LineString(PLANE.degrees(*np.array(drawn).T)), from_, to, None)
    line = gate_line(PLANE, gate, zones)
    forward = gates_of({"g": list(line.coords)}).forward[0]
    assert forward == pytest.approx([east, 0.0], abs=1e-6)

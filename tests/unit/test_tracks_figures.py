"""What a whole recording tells is what the kernels tell of its frames, in whatever blocks it is measured."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from ruimte.errors import RuimteError
from ruimte.tracks import figures as module
from ruimte.tracks.area import walkable_area
from ruimte.tracks.figures import Scene, measure
from ruimte.tracks.frames import Frames, frames_of
from ruimte.tracks.gates import gates_of
from ruimte.tracks.meter import Meter
from ruimte.tracks.motion import motion
from ruimte.tracks.profiles import grid_over
from ruimte.tracks.worst import worst_windows
from ruimte.tracks.zones import zones_of

AREA = walkable_area([(0, 0), (10, 0), (10, 4), (0, 4)], [[(4.0, 1.0), (4.2, 1.0), (4.2, 4.0), (4.0, 4.0)]])
SCENE = Scene(
    AREA,
    zones_of({"west": [(0, 0), (4, 0), (4, 4), (0, 4)], "east": [(4.2, 0), (10, 0), (10, 4), (4.2, 4)]}),
    gates_of({"gap": [(4.1, 0), (4.1, 1)], "far": [(9, 0), (9, 4)]}),
    grid_over(AREA, 0.5),
)


def walk(seconds: float = 12.0, people: int = 25, rate_hz: float = 5.0, seed: int = 1) -> Frames:
    """People who go through the gap from west to east one after another, with some who are lost and some who are outside."""
    chance = np.random.default_rng(seed)
    frames = round(seconds * rate_hz)
    frame, person = np.repeat(np.arange(frames), people), np.tile(np.arange(people), frames)
    x = (frame / rate_hz * 1.2 - 0.4 * person) + chance.normal(0, 0.03, len(frame))
    y = 0.5 + 0.05 * (person % 9) + chance.normal(0, 0.02, len(frame))
    x[chance.random(len(x)) < 0.01] = np.nan
    kept = ~((x < 0) | (x > 10.5))
    return frames_of(person[kept], frame[kept] + 7, x[kept], y[kept], rate_hz)


@pytest.mark.parametrize(("rows", "squares"), [(40, 10**9), (10**9, 500), (1, 1)])
def test_blocks_change_nothing(rows: int, squares: int, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = walk()
    moves = motion(frames, 1)
    told: list[float] = []
    whole = measure(frames, moves, SCENE, window_s=3)
    monkeypatch.setattr(module, "_BLOCK_ROWS", rows)
    monkeypatch.setattr(module, "_BLOCK_SQUARES", squares)
    parts = measure(frames, moves, SCENE, window_s=3, progress=told.append)
    assert parts.left_out == whole.left_out
    for of, names in (("series", module.Series.__slots__), ("passing", module.Passing.__slots__)):
        for name in names:
            np.testing.assert_array_equal(getattr(getattr(parts, of), name), getattr(getattr(whole, of), name), err_msg=name)
    np.testing.assert_allclose(parts.map_mean, whole.map_mean, rtol=1e-12, atol=1e-15)
    np.testing.assert_array_equal(parts.map_most, whole.map_most)
    assert len(told) > 2
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_the_series_are_means_of_what_the_meter_tells() -> None:
    frames = walk()
    moves = motion(frames, 1)
    found = measure(frames, moves, SCENE, every_s=2.0)
    reading = Meter(AREA, SCENE.zones, gates=SCENE.gates, cut_off_m=0.8, grid=SCENE.grid).batch(frames, moves.speed_m_s)
    every = 10
    for at, start in enumerate(range(0, len(frames), every)):
        rows = slice(start, start + every)
        assert found.series.start_s[at] == start / 5.0
        np.testing.assert_allclose(found.series.voronoi[at], reading.voronoi[rows].mean(axis=0))
        np.testing.assert_allclose(found.series.classic[at], reading.classic[rows].mean(axis=0))
        np.testing.assert_allclose(found.series.people[at], (reading.classic[rows] * SCENE.zones.area_m2).mean(axis=0))
        for zone in range(2):
            speeds = reading.speed_m_s[rows, zone]
            known = speeds[np.isfinite(speeds)]
            assert found.series.speed_m_s[at, zone] == pytest.approx(known.mean() if len(known) else np.nan, nan_ok=True)
    np.testing.assert_allclose(found.map_mean, reading.profile.mean(axis=0), atol=1e-12)
    means = [reading.profile[start : start + every].mean(axis=0) for start in range(0, len(frames), every)]
    np.testing.assert_allclose(found.map_most, np.max(means, axis=0), atol=1e-12)
    outside = int((frames.x_m > 10).sum())
    assert (found.left_out.outside, found.left_out.unknown) == (outside, int(np.isnan(frames.x_m).sum()))


def test_flow_is_what_crossed_within_the_window() -> None:
    frames = walk()
    found = measure(frames, motion(frames, 1), SCENE, window_s=3.0)
    window, ends = 15, np.arange(5, len(frames) + 1, 5)
    assert len(ends) == len(found.passing.forward)
    for at, end in enumerate(ends):
        crossed = found.passing.forward[at] - (found.passing.forward[at - 3] if at >= 3 else 0)
        expected = crossed / 3.0 if end >= window else np.full(2, np.nan)
        np.testing.assert_allclose(found.passing.forward_s[at], expected)
        assert np.isnan(found.passing.density[at]).all() == (end < window)
    assert found.passing.people[-1, 0] > 15
    assert found.passing.people[-1, 0] <= found.passing.forward[-1, 0]


def test_of_a_gate_that_is_half_unseen_the_density_is_not_known() -> None:
    scene = Scene(AREA, SCENE.zones, gates_of({"edge": [(9.5, -10.0), (9.5, 1.0)]}), SCENE.grid)
    frames = walk()
    assert np.isnan(measure(frames, motion(frames, 1), scene, window_s=1).passing.density).all()


def test_the_diagrams_know_only_pairs_that_are_known() -> None:
    frames = walk()
    moves = motion(frames, 1)
    found = measure(frames, moves, SCENE)
    reading = Meter(AREA, cut_off_m=0.8).batch(frames)
    known = np.isfinite(reading.density) & np.isfinite(moves.speed_m_s) & (reading.density < 20)
    assert found.diagram_of_people.pairs.sum() == known.sum()
    assert 1.0 < np.nansum(found.diagram_of_people.speed_m_s * found.diagram_of_people.pairs) / known.sum() < 1.4


@pytest.mark.parametrize(
    ("scale", "rate_hz", "told"),
    [(100.0, 5.0, "faster than anybody can run"), (1.0, 250.0, "faster than anybody can run"), (0.02, 5.0, "persons/m²")],
)
def test_a_wrong_unit_or_rate_is_refused(scale: float, rate_hz: float, told: str) -> None:
    chance = np.random.default_rng(3)
    person, frame = np.tile(np.arange(40), 20), np.repeat(np.arange(20), 40)
    x, y = np.tile(chance.uniform(1, 9, 40), 20) + 0.2 * frame, np.tile(chance.uniform(0.2, 3.8, 40), 20)
    area = walkable_area(shapely.box(-1000, -1000, 2000, 2000))
    scene = Scene(area, zones_of({}), gates_of({}), grid_over(area, 100))
    frames = frames_of(person, frame, scale * x, scale * y, rate_hz)
    with pytest.raises(RuimteError, match=told):
        measure(frames, motion(frames, 1), scene)


def test_most_people_outside_are_refused_and_so_are_numbers_without_sense() -> None:
    frames = walk()
    moves = motion(frames, 1)
    far = frames_of(frames.person, frames.frame, frames.x_m + 100, frames.y_m, 5.0)
    with pytest.raises(RuimteError, match="outside the walkable area"):
        measure(far, moves, SCENE)
    for more in (
        {"every_s": 0.1},
        {"every_s": np.nan},
        {"window_s": 0.0},
        {"window_s": 1e308},
        {"window_s": 1e300},
        {"cut_off_m": -1.0},
    ):
        with pytest.raises(RuimteError):
            measure(frames, moves, SCENE, **more)
    with pytest.raises(RuimteError, match="nobody"):
        measure(frames_of([], [], [], [], 5.0), motion(frames_of([], [], [], [], 5.0), 1), SCENE)


def test_the_worst_window_is_the_one_that_a_look_at_each_finds() -> None:
    chance = np.random.default_rng(5)
    at = np.arange(0.2, 5, 0.4)
    x, y = (np.tile(each.ravel(), 300) for each in np.meshgrid(at, at))
    frame = np.repeat(np.arange(300), len(at) ** 2)
    shaken = (frame > 150) & (frame < 250)
    sway = np.where(shaken, 0.05, 0.005) * chance.choice([-1.0, 1.0], len(x))
    frames = frames_of(np.tile(np.arange(len(at) ** 2), 300), frame, x + sway, y, 10.0)
    area = walkable_area(shapely.box(0, 0, 5, 5))
    pressure, level, danger, oscillation = worst_windows(frames, motion(frames, 1), area)
    assert pressure.indicator.unknown == ""
    assert pressure.start_s == 15.0
    assert (pressure.windows, pressure.known) == (5, 5)
    assert 0 < pressure.x_m < 5
    assert {level.indicator.name, danger.indicator.name} == {"congestion level", "crowd danger"}
    assert oscillation.known == 0
    assert oscillation.indicator.why == "only 30 s of 90 s"
    assert "not validated" in oscillation.indicator.label


def test_a_zone_with_an_edge_as_short_as_a_rounding_error_is_measured_whole() -> None:
    """Such edges come from laying one shape over another; their direction means nothing."""
    corners = [(8.0, 1.0), (8.0 - 4e-11, 3.6), (8.0 - 8e-11, 3.6 + 2e-10), (8.0, 4.4), (8.0, 5.0), (5.0, 5.0), (5.0, 1.0)]
    chance = np.random.default_rng(2)
    x, y = chance.uniform(4, 8, 40), chance.uniform(0.5, 5.5, 40)
    area = walkable_area(shapely.box(0, 0, 8, 6))
    plain, odd = (Meter(area, zones_of({"z": each})).stream(x, y).voronoi for each in (shapely.box(5, 1, 8, 5), corners))
    np.testing.assert_allclose(odd, plain, rtol=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 12)), min_size=1, max_size=40, unique=True), st.data())
def test_some_frames_of_a_recording_are_as_if_made_of_their_rows(rows: list[tuple[int, int]], data: st.DataObject) -> None:
    person, frame = np.array(rows).T
    x = np.arange(len(rows), dtype=float)
    frames = frames_of(person, frame, x, -x, 10.0)
    begin = data.draw(st.integers(0, len(frames)))
    end = data.draw(st.integers(begin, len(frames)))
    part = frames.between(begin, end)
    inside = (frames.frame >= frames.first + begin) & (frames.frame < frames.first + end)
    assert len(part) == end - begin
    np.testing.assert_array_equal(part.number, frames.number[begin:end])
    np.testing.assert_array_equal(part.frame, frames.frame[inside])
    np.testing.assert_array_equal(part.x_m, frames.x_m[inside])
    for number, track in enumerate(part.tracks):
        held = part.by_track[part.track[number] : part.track[number + 1]]
        assert (part.person[held] == track).all()
        assert (np.diff(part.frame[held]) > 0).all()
    assert part.track[-1] == inside.sum()

"""Random crowds in random places: the kernels tell what shapely tells slowly; people are conserved; nothing crashes them."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ruimte.errors import RuimteError
from ruimte.tracks.area import walkable_area
from ruimte.tracks.frames import frames_of
from ruimte.tracks.gates import gates_of
from ruimte.tracks.meter import NOT_FINITE, NOT_INSIDE, TWIN, Meter
from ruimte.tracks.profiles import Grid, grid_over
from ruimte.tracks.zones import zones_of
from tracks_reference import cells, scene, voronoi_density

EXACT = {"rtol": 1e-9, "atol": 1e-12}
scenes = st.integers(0, 10**9).map(lambda seed: (seed, *scene(seed, 3 + seed % 15)))
cut_offs = st.sampled_from([None, 0.8, 2.5])
slow = settings(max_examples=25, deadline=None)


@slow
@given(scenes, cut_offs, st.integers(1, 6))
@example((6266, *scene(6266, 14)), 2.0, 3)  # a bisector meets a corner of the cut-off but for rounding
def test_cells_zones_and_gates_are_those_of_shapely(found, radius, segments):
    _, area, x, y = found
    ring = shapely.Point(0.3, 0.1).buffer(2.0) - shapely.Point(0.3, 0.1).buffer(1.0)
    shapes = {"box": shapely.box(-1, -1, 1.5, 0.7), "ring": ring}
    gates = gates_of({"slanted": [(-2.0, -1.0), (1.5, 2.37)]})  # along no edge of a cut-off: on which side it lay would be a tie
    meter = Meter(walkable_area(area), zones_of(shapes), gates=gates, cut_off_m=radius, segments=segments)
    reading = meter.stream(x, y)
    slowly = cells(area, x, y, radius, segments)
    assert not reading.flags.any()
    np.testing.assert_allclose(reading.area_m2, [cell.area for cell in slowly], **EXACT)
    for told, shape in zip(reading.voronoi[0], shapes.values(), strict=True):
        assert told == pytest.approx(voronoi_density(slowly, shape), rel=1e-9, abs=1e-12)
    line = shapely.LineString(gates.line[0].reshape(2, 2))
    np.testing.assert_allclose(
        reading.on_gate[:, 0], [(cell & line).length / line.length for cell in slowly], rtol=1e-9, atol=1e-9
    )


def _spiral() -> shapely.Polygon:
    turn = np.linspace(0, 6 * np.pi, 43)
    line = shapely.LineString(np.stack([(0.6 + turn / 8) * np.cos(turn), (0.6 + turn / 8) * np.sin(turn)], axis=1))
    wall = line.buffer(0.05, cap_style="flat", join_style="mitre")
    return shapely.Point(0, 0).buffer(4.0, quad_segs=6) - wall


def _comb(thin: float) -> shapely.Polygon:
    walls = [shapely.box(i, 0 if i % 2 else 1, i + thin, 3 if i % 2 else 4) for i in range(1, 6)]
    return shapely.box(0, 0, 6, 4) - shapely.union_all(walls)


MAZES = {"spiral": _spiral(), "comb": _comb(0.05), "sheets": _comb(1e-6), "thinner": _comb(1e-9)}


@slow
@given(st.sampled_from(sorted(MAZES)), st.integers(0, 10**6), st.integers(1, 12), st.sampled_from([None, 0.8, 3.0, 50.0]))
@example("thinner", 1, 5, None)
@example("thinner", 2, 3, 3.0)
def test_corridors_full_of_corners_and_walls_of_no_width(name, seed, people, radius):
    """Also a wall of a nanometre lets nobody through, and a zone of several parts is one zone."""
    area, chance = MAZES[name], np.random.default_rng(seed)
    points = shapely.points(chance.uniform(area.bounds[:2], area.bounds[2:], (8 * people, 2)))
    points = points[shapely.contains_properly(area, points)][:people]
    x, y = shapely.get_x(points), shapely.get_y(points)
    zones = {"parts": shapely.box(-3, -3, 1.2, 1.7) | shapely.box(2.2, 0.3, 5, 3.4), "all": area}
    reading = Meter(walkable_area(area), zones_of(zones), cut_off_m=radius).stream(x, y)
    slowly = cells(area, x, y, radius)
    np.testing.assert_allclose(reading.area_m2, [cell.area for cell in slowly], rtol=1e-6)
    for told, counted, shape in zip(reading.voronoi[0], reading.classic[0], zones.values(), strict=True):
        assert told == pytest.approx(voronoi_density(slowly, shape), rel=1e-6, abs=1e-9)
        assert counted * shape.area == pytest.approx(shapely.intersects(shape, points).sum())


@slow
@given(scenes, cut_offs, st.floats(0.15, 3.0))
def test_profiles_are_those_of_shapely(found, radius, side):
    _, area, x, y = found
    grid = Grid(-2.03, -1.51, side, 5, 4)
    reading = Meter(walkable_area(area), cut_off_m=radius, grid=grid).stream(x, y, np.arange(len(x)))
    slowly = cells(area, x, y, radius)
    for j in range(grid.rows):
        for i in range(grid.columns):
            west, south = grid.west_m + i * side, grid.south_m + j * side
            square = shapely.box(west, south, west + side, south + side)
            held = np.array([(cell & square).area for cell in slowly])
            own = np.array([cell.area for cell in slowly])
            assert reading.profile[0, j, i] == pytest.approx((held / own).sum() / side**2, rel=1e-9, abs=1e-11)
            assert reading.profile_speed[0, j, i] == pytest.approx(
                (held * np.arange(len(x))).sum() / side**2, rel=1e-9, abs=1e-10
            )
            inside = ((x >= west) & (x < west + side) & (y >= south) & (y < south + side)).sum()
            assert reading.profile_classic[0, j, i] == pytest.approx(inside / side**2)


@slow
@given(scenes, cut_offs, st.sampled_from([0.0, 155_000.0, -4.5e6]))
@example((1, *scene(1, 4)), None, 0.0)
@example((43, *scene(43, 16)), None, 0.0)
@example((164, *scene(164, 17)), None, 0.0)  # here shapely itself loses a part of a cell that shares its edges with the area
def test_nobody_is_lost_and_far_origins_do_no_harm(found, radius, origin):
    """Summed over the whole area each person counts once, by zone and by profile."""
    _, area, x, y = found
    moved = shapely.affinity.translate(area, origin, -origin)
    walkable = walkable_area(moved)
    meter = Meter(walkable, zones_of({"all": moved}), cut_off_m=radius, grid=grid_over(walkable, 0.7), fwhm_m=0.5)
    reading = meter.stream(x + origin, y - origin)
    people = reading.people[0]
    assert people == len(x)
    assert reading.voronoi[0, 0] * moved.area == pytest.approx(people, rel=1e-7)
    assert reading.profile.sum() * 0.7**2 == pytest.approx(people, rel=1e-7)
    assert reading.classic[0, 0] * moved.area == pytest.approx(people)
    if radius is None:
        assert np.nansum(reading.area_m2) <= moved.area * (1 + 1e-7)


@slow
@given(st.integers(0, 10**6), st.integers(1, 12))
def test_one_frame_at_a_time_is_to_the_bit_what_a_batch_tells(seed, frames):
    chance = np.random.default_rng(seed)
    area, x, y = scene(seed, 12)
    walkable, zones = walkable_area(area), zones_of({"a": shapely.box(-1, -1, 1, 1), "b": shapely.box(0, 0, 3, 2)})
    count = len(x) * frames
    table = frames_of(
        np.tile(np.arange(len(x)), frames),
        np.repeat(np.arange(frames), len(x)),
        np.tile(x, frames) + chance.normal(0, 0.01, count),
        np.tile(y, frames) + chance.normal(0, 0.01, count),
        16,
    )
    options = {"cut_off_m": 0.8, "grid": grid_over(walkable, 0.5), "fwhm_m": 0.5, "gates": gates_of({"g": [(-1, 0), (1, 0)]})}
    speed = chance.uniform(0, 2, count)
    whole = Meter(walkable, zones, **options).batch(table, speed)
    live = Meter(walkable, zones, **options)
    for f in range(frames):
        rows = slice(table.start[f], table.start[f + 1])
        one = live.stream(table.x_m[rows], table.y_m[rows], speed[rows])
        for name in ("area_m2", "flags", "on_gate"):
            assert getattr(one, name).tobytes() == getattr(whole, name)[rows].tobytes()
        for name in ("people", "classic", "voronoi", "speed_m_s", "profile", "profile_classic", "profile_speed", "field"):
            assert getattr(one, name)[0].tobytes() == getattr(whole, name)[f].tobytes()


positions = st.lists(
    st.tuples(*[st.sampled_from([0.0, 1.0, 2.0, 3.0, 1.5, 4.0, -1.0, 1e300, np.nan, np.inf]) | st.floats()] * 2), max_size=12
)


@settings(max_examples=150, deadline=None)
@given(positions, cut_offs)
@example([(1.0, 1.0)] * 5, None)
@example([(0.0, 0.0), (4.0, 3.0), (2.0, 0.0), (2.0, 1.0)], 0.8)
@example([(1.0, 1.0), (1.0 + 5e-324, 1.0), (1.0 + 1e-13, 1.0)], 2.5)
def test_whatever_the_positions_each_has_a_cell_or_a_flag(given_positions, radius):
    x, y = np.array(given_positions, dtype=float).reshape(-1, 2).T
    area = walkable_area(shapely.box(0, 0, 4, 3) - shapely.box(1.5, 1.2, 2, 2))
    meter = Meter(area, zones_of({"z": shapely.box(0, 0, 2, 3)}), cut_off_m=radius, grid=grid_over(area, 1.0), fwhm_m=1.0)
    with contextlib.suppress(RuimteError):
        check(meter.stream(x, y, np.ones(len(x))), x, y, area)


def check(reading, x, y, area):
    left_out = (reading.flags & ~np.uint8(TWIN)) > 0
    assert np.array_equal(np.isnan(reading.area_m2), left_out)
    assert (reading.area_m2[~left_out] > 0).all()
    assert np.array_equal((reading.flags & NOT_FINITE) > 0, ~(np.isfinite(x) & np.isfinite(y)))
    assert not (reading.flags[(x < -1e-6) | (x > 4 + 1e-6)] & TWIN).any()
    assert ((reading.flags & NOT_INSIDE) > 0)[np.isfinite(x) & np.isfinite(y) & ((abs(x) > 5) | (abs(y) > 5))].all()
    assert reading.people[0] + reading.left_out[0] == len(x)
    assert np.isfinite(reading.voronoi).all()
    assert np.nansum(1.0 / reading.density) <= area.area_m2 * (1 + 1e-6)

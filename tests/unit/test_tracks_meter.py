"""Cells, densities and profiles by hand; what the meter refuses, and what it marks."""

from __future__ import annotations

import doctest
import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import shapely
from plain_tracks import told

from ruimte.errors import RuimteError
from ruimte.tracks import convex, crowd, gates, meter, profiles, voronoi, zones
from ruimte.tracks.area import Area, walkable_area
from ruimte.tracks.density import classic_density, classic_profile, gaussian_field
from ruimte.tracks.frames import frames_of
from ruimte.tracks.gates import gates_of
from ruimte.tracks.meter import NOT_FINITE, NOT_INSIDE, TWIN, Meter
from ruimte.tracks.profiles import Grid, grid_over
from ruimte.tracks.zones import zones_of

SQUARE = [(0, 0), (4, 0), (4, 4), (0, 4)]


@pytest.fixture(scope="module")
def square() -> Area:
    return walkable_area(SQUARE)


def test_two_people_share_a_square(square: Area) -> None:
    zones = zones_of({"west": [(0, 0), (2, 0), (2, 4), (0, 4)], "all": SQUARE})
    reading = Meter(square, zones).stream([1.0, 3.0], [2.0, 2.0], [1.0, 0.5])
    assert reading.area_m2.tolist() == [8.0, 8.0]
    assert reading.density.tolist() == [0.125, 0.125]
    assert reading.voronoi.tolist() == [[0.125, 0.125]]
    assert reading.speed_m_s.tolist() == [[1.0, 0.75]]


def test_the_cut_off_is_a_polygon_on_the_circle(square: Area) -> None:
    for segments in (1, 3, 50):
        (area,) = Meter(square, cut_off_m=0.8, segments=segments).stream([2.0], [2.0]).area_m2
        assert area == pytest.approx(2 * segments * 0.8**2 * math.sin(math.pi / 2 / segments), rel=1e-12)
    assert area == pytest.approx(math.pi * 0.8**2, rel=1e-3)


def test_a_speed_over_the_whole_zone_is_too_low_where_the_zone_is_not_full(square: Area) -> None:
    reading = Meter(square, zones_of({"all": SQUARE}), cut_off_m=0.5).stream([2.0], [2.0], [1.2])
    assert reading.speed_m_s[0, 0] == pytest.approx(1.2)
    assert reading.speed_over_zone_m_s[0, 0] == pytest.approx(1.2 * reading.area_m2[0] / 16)


def test_a_cell_does_not_go_through_a_wall() -> None:
    """Nobody walks through the screen; whoever stands beside its end sees round the corner."""
    area = walkable_area(SQUARE, obstacles=[[(1.9, 1.0), (2.1, 1.0), (2.1, 4.0), (1.9, 4.0)]])
    behind = Meter(area, zones_of({"east": [(2.1, 1.0), (4, 1), (4, 4), (2.1, 4)]}), cut_off_m=1.0).stream([1.5], [3.0])
    assert behind.voronoi[0, 0] == 0.0
    corner = Meter(area, zones_of({"east": [(2.1, 0.0), (4, 0), (4, 1), (2.1, 1)]}), cut_off_m=1.0).stream([1.8], [0.9])
    assert corner.voronoi[0, 0] > 0.0


def test_people_without_a_place_are_left_out_and_marked(square: Area) -> None:
    reading = Meter(square, zones_of({"all": SQUARE})).stream([1.0, math.nan, 9.0, 3.0, math.inf], [2.0, 2.0, 2.0, 2.0, 0.0])
    assert reading.flags.tolist() == [0, NOT_FINITE, NOT_INSIDE, 0, NOT_FINITE]
    assert np.isnan(reading.area_m2).tolist() == [False, True, True, False, True]
    assert (reading.people[0], reading.left_out[0]) == (2, 3)
    assert reading.voronoi[0, 0] * 16 == pytest.approx(2)


def test_two_at_one_point_hold_their_cell_together(square: Area) -> None:
    reading = Meter(square, zones_of({"all": SQUARE})).stream([1.0, 3.0, 3.0], [2.0, 2.0, 2.0])
    assert reading.flags.tolist() == [0, TWIN, TWIN]
    assert reading.area_m2.tolist() == [8.0, 4.0, 4.0]
    assert reading.voronoi[0, 0] * 16 == pytest.approx(3)


def test_an_empty_frame_is_nobody(square: Area) -> None:
    reading = Meter(square, zones_of({"all": SQUARE}), grid=grid_over(square, 1.0), fwhm_m=1.0).stream([], [], [])
    assert reading.people.tolist() == [0]
    assert reading.classic.tolist() == reading.voronoi.tolist() == [[0.0]]
    assert np.isnan(reading.speed_m_s).all()
    assert not reading.field.any()
    gap = frames_of([1, 1], [3, 6], [1.0, 1.0], [1.0, 1.0], 10)
    assert Meter(square, zones_of({"all": SQUARE})).batch(gap).people.tolist() == [1, 0, 0, 1]


def test_everything_may_be_empty(square: Area) -> None:
    nothing = frames_of([], [], [], [], 10)
    assert Meter(square, zones_of({"all": SQUARE})).batch(nothing).voronoi.shape == (0, 1)
    assert classic_density(nothing, zones_of({"all": SQUARE})).shape == (0, 1)


def test_a_zone_of_several_parts_counts_in_each_of_them() -> None:
    """A zone that a wall cuts in two is one: in the figures of a recording, and live."""
    parts = shapely.union_all([shapely.box(0, 0, 3, 3), shapely.box(4, 0, 6, 3) - shapely.box(4.5, 1, 5.5, 2)])
    meter = Meter(walkable_area(shapely.box(0, 0, 10, 10)), zones_of({"both": parts}), cut_off_m=0.001)
    x, y = [0.01, 1.5, 2.99, 4.2, 5.99, 5.0, 3.5, 8.0], [1.0, 1.5, 2.99, 1.0, 0.01, 1.5, 1.0, 8.0]
    reading = meter.stream(x, y)
    assert reading.classic[0, 0] * parts.area == pytest.approx(5)
    assert reading.voronoi[0, 0] * parts.area == pytest.approx(5)


def test_somebody_on_the_edge_counts_unless_asked_otherwise(square: Area) -> None:
    zones = zones_of({"west": [(0, 0), (2, 0), (2, 4), (0, 4)], "east": [(2, 0), (4, 0), (4, 4), (2, 4)]})
    assert Meter(square, zones).stream([2.0, 4.0], [1.0, 4.0]).classic.tolist() == [[1 / 8, 2 / 8]]
    assert Meter(square, zones, edge_counts=False).stream([2.0, 4.0], [1.0, 4.0]).classic.tolist() == [[0.0, 0.0]]


def test_a_thousand_zones_count_as_shapely_does() -> None:
    chance = np.random.default_rng(2)
    turned = [shapely.affinity.rotate(shapely.box(0, 0, *chance.uniform(0.1, 2, 2)), chance.uniform(0, 90)) for _ in range(1000)]
    shapes = [shapely.affinity.translate(each, *chance.uniform(0, 20, 2)) for each in turned]
    x, y = chance.uniform(-1, 22, (2, 300))
    frames = frames_of(np.arange(300), np.arange(300) // 100, x, y, 1)
    found = classic_density(frames, zones_of({str(number): each for number, each in enumerate(shapes)}))
    for f in range(3):
        rows = slice(100 * f, 100 * f + 100)
        inside = shapely.contains_xy(np.array(shapes)[:, None], x[None, rows], y[None, rows]).sum(1)
        assert np.array_equal(found[f], inside / shapely.area(shapes))


def test_a_square_of_a_profile_holds_its_west_and_south_edge() -> None:
    frames = frames_of([1, 2, 3, 4], [0] * 4, [0.0, 1.0, 1.0, 3.0], [0.0, 0.0, 1.0, 2.0], 1)
    assert classic_profile(frames, Grid(0.0, 0.0, 1.0, 2, 2))[0].tolist() == [[1.0, 1.0], [0.0, 1.0]]


def test_a_gaussian_is_half_as_high_at_half_its_width_and_adds_up_to_one() -> None:
    frames = frames_of([1], [0], [10.0], [10.0], 1)
    (field,) = gaussian_field(frames, Grid(0.05, 0.05, 0.1, 200, 200), 1.0)
    row = field[99]
    assert row[94 + 10] == pytest.approx(row[99] / 2, rel=1e-12)
    assert field.sum() * 0.01 == pytest.approx(1.0, rel=1e-9)


def test_many_on_a_circle_and_all_in_one_heap_take_no_age(square: Area) -> None:
    """A cell with 3,000 neighbours; 3,000 people in one bin, because one is far away."""
    turn = np.arange(3000) * (2 * math.pi / 3000)
    yard = walkable_area([(-2000, -2000), (2000, -2000), (2000, 2000), (-2000, 2000)])
    meter = Meter(yard)
    meter.warm_up()
    begin = time.process_time()
    ring = meter.stream(np.append(300 * np.cos(turn), 0.0), np.append(300 * np.sin(turn), 0.0))
    assert ring.area_m2[-1] == pytest.approx(math.pi * 150**2, rel=1e-4)
    x, y = np.meshgrid(np.arange(60) * 0.5, np.arange(50) * 0.5)
    heap = meter.stream(np.append(x.ravel(), 1900.0), np.append(y.ravel(), 1900.0))
    assert heap.area_m2[60 * 25 + 30] == pytest.approx(0.25)
    assert time.process_time() - begin < 30


def test_positions_in_another_unit_are_refused(square: Area) -> None:
    x, y = np.meshgrid(np.arange(0.1, 3.9, 0.05), np.arange(0.1, 3.9, 0.05))
    with pytest.raises(RuimteError, match="400 persons/m² in frame 0; give positions in metres"):
        Meter(square).stream(x.ravel(), y.ravel())
    many = frames_of(np.arange(20), np.zeros(20, int), np.arange(20) * 100.0, np.ones(20), 10)
    with pytest.raises(RuimteError, match="19 of 20 positions are outside the walkable area; give both in metres"):
        Meter(square).batch(many)


@pytest.mark.parametrize(
    ("outline", "told"),
    [
        ([(0, 0), (4, 4), (4, 0), (0, 4)], "not a plain polygon"),
        ([(0, 0), (1, 1), (2, 2)], "polygon"),
        ([(0, 0), (1, 1)], "not a polygon"),
        ([(0, 0), (math.nan, 1), (2, 0)], "not a number"),
        ("POLYGON", "not a polygon"),
        (shapely.Polygon(), "polygon"),
    ],
)
def test_a_polygon_that_is_none_is_refused(outline: object, told: str) -> None:
    with pytest.raises(RuimteError, match=told):
        walkable_area(outline)  # type: ignore[arg-type]
    with pytest.raises(RuimteError, match="zone 'z'"):
        zones_of({"z": outline})  # type: ignore[dict-item]


def test_mistakes_in_what_is_asked_are_told(square: Area) -> None:
    for options in ({"cut_off_m": 0.0}, {"cut_off_m": math.nan}, {"segments": 0}, {"fwhm_m": 1.0}):
        with pytest.raises(RuimteError):
            Meter(square, **options)
    with pytest.raises(RuimteError, match="obstacles leave no room"):
        walkable_area(SQUARE, [[(-1, -1), (5, -1), (5, 5), (-1, 5)]])
    with pytest.raises(RuimteError, match="2 speeds of 1 people"):
        Meter(square).stream([1.0], [1.0], [1.0, 2.0])
    with pytest.raises(RuimteError, match="different lengths"):
        Meter(square).stream([1.0], [1.0, 2.0])
    with pytest.raises(RuimteError, match="squares"):
        grid_over(square, 1e-6)
    with pytest.raises(RuimteError, match="gate 'g'"):
        gates_of({"g": [(1, 1), (1, 1)]})


def test_obstacles_that_touch_leave_no_way_through() -> None:
    """A hole that touches the edge with one corner, two parts that do not meet: the walls hold."""
    wedge = walkable_area(shapely.Polygon(SQUARE, [[(0, 2), (2, 1), (2, 3)]]))
    reading = Meter(wedge, zones_of({"north": [(0, 2), (2, 3), (0, 3)]})).stream([0.2], [1.5])
    assert reading.flags[0] == 0
    halves = walkable_area(SQUARE, [[(-1, 1.9), (5, 1.9), (5, 2.1), (-1, 2.1)]])
    both = Meter(halves, zones_of({"south": [(0, 0), (4, 0), (4, 1.9), (0, 1.9)]})).stream([1.0, 1.0], [1.0, 3.0])
    assert both.area_m2.tolist() == pytest.approx([7.6, 7.6])
    assert both.voronoi[0, 0] * 7.6 == pytest.approx(1)


def test_the_example_of_the_docs_runs() -> None:
    page = Path(__file__).parents[2] / "docs/tracks.md"
    done = doctest.testfile(str(page), module_relative=False)
    assert done.attempted > 10
    assert done.failed == 0


def test_outlines_are_the_cells(square: Area) -> None:
    screened = walkable_area(SQUARE, obstacles=[[(1.9, 1.0), (2.1, 1.0), (2.1, 4.0), (1.9, 4.0)]])
    meter = Meter(screened, cut_off_m=1.0)
    x, y = [0.5, 1.8, math.nan], [3.0, 0.9, 1.0]
    cells = meter.outlines(x, y)
    areas = [sum(shapely.Polygon(piece).area for piece in cell) for cell in cells]
    assert areas == pytest.approx(np.nan_to_num(meter.stream(x, y).area_m2).tolist())
    assert [len(cell) > 1 for cell in cells] == [False, True, False]
    for cell, px, py in zip(cells[:2], x, y, strict=False):
        whole = shapely.union_all([shapely.Polygon(piece).buffer(1e-9) for piece in cell])
        assert whole.contains(shapely.Point(px, py))
        assert screened.polygon.buffer(1e-6).contains(whole)


def test_compiled_and_plain_python_agree() -> None:
    script = Path(__file__).with_name("plain_tracks.py")
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run([sys.executable, script], env=environment, check=True, capture_output=True, text=True)
    plain, mine = json.loads(done.stdout), told()
    assert plain.keys() == mine.keys()
    for name, values in mine.items():
        np.testing.assert_allclose(np.array(plain[name], float), np.array(values, float), rtol=1e-12, atol=1e-13, err_msg=name)


def test_no_kernel_counts_who_holds_an_array() -> None:
    """One that did would count at every call, and nothing but a clock would tell."""
    modules = convex, crowd, gates, meter, profiles, voronoi, zones
    kernels = {name: each for module in modules for name, each in vars(module).items() if hasattr(each, "targetoptions")}
    assert {"_measure", "cell", "cut"} <= set(kernels)
    assert [name for name, kernel in kernels.items() if kernel.targetoptions.get("_nrt", True)] == []


def test_a_crowd_far_from_somebody_is_not_looked_at_by_everybody() -> None:
    """All but one are in one corner, so that bins are coarse and hold hundreds: still each is measured, and as if the one were
    not there."""
    chance = np.random.default_rng(3)
    x, y = chance.uniform(0, 12, (2, 400))
    area = walkable_area([(0, 0), (2000, 0), (2000, 2000), (0, 2000)])
    alone = Meter(area, cut_off_m=0.8).stream(x, y)
    joined = Meter(area, cut_off_m=0.8).stream(np.append(x, 1999.0), np.append(y, 1500.0))
    np.testing.assert_allclose(joined.area_m2[:-1], alone.area_m2, rtol=1e-12)

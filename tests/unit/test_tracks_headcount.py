"""How many people are in a zone, and how far that may be off: as often right as it says."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely

from ruimte.tracks.area import walkable_area
from ruimte.tracks.gates import gates_of
from ruimte.tracks.headcount import LEAST_SD, counted, headcount, on_edge
from ruimte.tracks.profiles import Grid
from ruimte.tracks.seconds import Seconds

HALL = shapely.box(0, 0, 20, 10)
AREA = shapely.box(-10, -10, 30, 20)


def test_walls_are_no_edge_that_people_cross():
    zone = counted(HALL, shapely.box(0, 0, 30, 10))
    assert zone.edge.length == pytest.approx(10), "only in the east it is open"


def test_a_zone_that_is_not_seen_at_all_is_none():
    assert counted(HALL, shapely.box(100, 100, 110, 110)) is None


def test_what_is_not_seen_is_added_and_obstacles_are_not():
    seen = shapely.box(0, 0, 19, 10)
    without = counted(HALL, seen)
    with_stall = counted(HALL, seen, shapely.box(19, 0, 20, 5))
    assert (without.unseen_m2, with_stall.unseen_m2) == (10.0, 5.0)
    people, sd = headcount(without, np.array([190.0]))
    assert people == pytest.approx(200)
    assert sd > 10, "as unsure as all that is there"


def test_each_thing_that_is_wrong_makes_it_less_sure():
    zone, ten = counted(HALL, AREA), np.full(10, 10.0)
    sure = headcount(zone, ten)
    assert sure == (10.0, pytest.approx(LEAST_SD))
    for wrong in ({"edge": 1.0}, {"twins": 2.0}, {"astray": 1.0}, {"missing": 0.5, "before": 4.0}):
        assert headcount(zone, ten, **wrong)[1] > sure[1]
    assert headcount(zone, np.array([8.0, 12.0]))[1] > sure[1]
    assert headcount(counted(HALL, AREA, accuracy=0.1), ten)[1] == pytest.approx(math.hypot(1.0, LEAST_SD))


@pytest.mark.parametrize(("detection", "error_m"), [(1.0, 0.3), (0.9, 0.1), (0.8, 0.5)])
def test_the_truth_is_within_two_standard_deviations_as_often_as_it_should(detection, error_m):
    """A sensor that misses some for good, whose positions are off, and of which the scene changes."""
    chance = np.random.default_rng(7)
    zone = counted(HALL, AREA, detection=detection)
    off = []
    for _ in range(400):
        x, y = chance.uniform(-10, 30, 300), chance.uniform(-10, 20, 300)
        truth = shapely.contains_xy(HALL, x, y).sum()
        seen = chance.random(300) < detection
        a, b = x[seen] + chance.normal(0, error_m, seen.sum()), y[seen] + chance.normal(0, error_m, seen.sum())
        inside = np.full(10, shapely.contains_xy(HALL, a, b).sum(), dtype=float)
        people, sd = headcount(zone, inside, edge=on_edge(zone, a, b, error_m))
        off.append((people - truth) / sd)
    within = np.mean(np.abs(off) < 1.645)
    assert 0.86 <= within <= 0.97, within
    assert abs(np.mean(off)) < 0.15


def seconds(**more):
    area = walkable_area(HALL)
    zones = {"west": counted(shapely.box(0, 0, 10, 10), area.polygon)}
    settings = {"rate_hz": 10.0, "error_m": 0.1} | more
    return Seconds(area, zones, gates_of({"middle": [(10, 0), (10, 10)]}), **settings)


def of_one_second(made, x, y, ids=None, frames=10):
    who = np.arange(len(x)) if ids is None else np.array(ids)
    for k in range(frames):
        made.take(k * 100_000, who, np.array(x, float), np.array(y, float))
    return made.close()


def test_who_leans_against_the_wall_counts_and_who_is_behind_it_does_not():
    told = of_one_second(seconds(), [5, 5, 5], [-0.2, 5, -2.0])
    assert told.seen.tolist() == [2.0]
    assert told.left_out == 1.0


def test_one_at_the_same_point_or_nowhere_makes_the_count_less_sure():
    sure = of_one_second(seconds(), [5, 6], [5, 5])
    twins = of_one_second(seconds(), [5, 5], [5, 5])
    astray = of_one_second(seconds(), [5, 6, math.nan], [5, 5, 5])
    assert twins.people_sd[0] > sure.people_sd[0]
    assert astray.people_sd[0] > sure.people_sd[0]
    assert 2.0 < astray.people_in[0] <= 3.0


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([600.0, 900.0, 1100.0], [500.0, 500.0, 40.0]),  # centimetres, of three people
        ([1e308], [-1e308]),
        (np.linspace(0, 20, 30_000), np.full(30_000, 5.0)),  # more than there is room for
    ],
)
def test_a_frame_that_cannot_be_of_this_place_is_not_an_empty_one(x, y):
    """Nobody in view is 0 people; where positions are no metres of this place nothing is known."""
    told = of_one_second(seconds(), x, y)
    assert told.refused == 10
    assert told.frames == 0
    assert math.isnan(told.people_in[0])
    one_astray = of_one_second(seconds(), [5.0, 5.0, 1e308], [5.0, 6.0, -1e308])
    assert one_astray.people_in.tolist() == [2.0]
    just_outside = of_one_second(seconds(), [25.0, 30.0], [5.0, 12.0])
    assert just_outside.refused == 0
    assert just_outside.people_in.tolist() == [0.0]


def test_a_number_twice_in_a_frame_counts_once():
    told = of_one_second(seconds(), [5, 6], [5, 5], ids=[3, 3])
    assert told.seen.tolist() == [1.0]
    assert told.left_out == 1.0


def test_speeds_go_by_the_times_of_frames_and_not_by_what_is_registered():
    made = seconds()
    for k in range(40):  # registered as 10 a second, in truth 12.5
        done = made.take(k * 80_000, np.array([1]), np.array([1 + 0.08 * k]), np.array([5.0]))[1]
        if done is not None and done.start_us > 0:
            assert done.speed[0] == pytest.approx(1.0, rel=1e-6)


def test_numbers_of_frames_go_on_over_a_silence_and_tracks_do_not():
    made = seconds(grid=Grid(0, 0, 1.0, 20, 10), fwhm_m=1.0)
    first, _ = made.take(0, np.array([1]), np.array([9.5]), np.array([5.0]))
    second, _ = made.take(5_000_000, np.array([1]), np.array([10.5]), np.array([5.0]))
    assert second.number > first.number + 10
    assert made.close().passed.tolist() == [[0, 0]]


def test_a_second_of_frames_that_cannot_be_tells_nothing():
    told = of_one_second(seconds(), [500.0] * 12, [5.0] * 12)
    assert (told.frames, told.refused) == (0, 10)
    assert np.isnan(told.people_in).all()
    assert np.isnan(told.density).all()

"""Danger indicators on fields whose answer is known, and what is told where there is no answer."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ruimte.errors import RuimteError
from ruimte.tracks.area import walkable_area
from ruimte.tracks.congestion import congestion_level
from ruimte.tracks.danger import LABEL, window_of
from ruimte.tracks.frames import frames_of
from ruimte.tracks.motion import Motion, motion
from ruimte.tracks.oscillation import collective_oscillation
from ruimte.tracks.pressure import crowd_pressure
from ruimte.tracks.profiles import Grid

OMEGA = 2 * math.pi / 18


def field(x, y, vx, vy, rate_hz=1.0):
    """People (frames, people) with their velocities."""
    count, people = np.shape(x)
    frames = frames_of(np.tile(np.arange(people), count), np.repeat(np.arange(count), people), np.ravel(x), np.ravel(y), rate_hz)
    vx, vy = (np.broadcast_to(each, np.shape(x)).ravel()[frames.order].astype(float) for each in (vx, vy))
    return frames, Motion(np.hypot(vx, vy), vx, vy, np.zeros(len(vx), bool))


def lattice(side, spacing, count):
    """People on a lattice over a square, the same in each frame, (frames, people)."""
    at = np.arange(spacing / 2, side, spacing)
    x, y = (np.tile(each.ravel(), (count, 1)) for each in np.meshgrid(at, at))
    return x, y


def pushed(spacing=0.4, speed=0.1, seconds=10):
    """A dense crowd that goes to and fro as one."""
    x, y = lattice(8.0, spacing, seconds)
    return field(x, y, speed * (-1.0) ** np.arange(seconds)[:, None], 0.0)


MIDDLE = Grid(3.5, 3.5, 0.5, 2, 2)


def test_pressure_of_a_crowd_to_and_fro_is_its_density_times_the_square_of_its_speed():
    told = crowd_pressure(*pushed(), MIDDLE)
    assert told.indicator.value == pytest.approx(6.25 * 0.1**2, rel=1e-6)
    np.testing.assert_allclose(told.density, 6.25, rtol=1e-6)
    np.testing.assert_allclose(told.variance, 0.01, rtol=1e-12)
    assert MIDDLE.west_m < told.x_m < MIDDLE.west_m + 1


def test_pressure_of_a_crowd_that_moves_as_one_is_none_however_fast():
    x, y = lattice(8.0, 0.4, 10)
    told = crowd_pressure(*field(x, y, 1.3, -0.2), MIDDLE)
    assert told.indicator.value == pytest.approx(0.0, abs=1e-25)
    assert not told.indicator.unknown


def test_the_figure_stands_with_its_label_and_with_what_it_depends_on():
    text = str(crowd_pressure(*pushed(speed=0.1), MIDDLE, radius_m=0.8).indicator)
    assert text.startswith("crowd pressure: 0.0625 s⁻² (averaging radius 0.8 m, window 10 s, ")
    assert "threshold 0.02 s⁻², which depends on these" in text
    assert text.endswith(f"; {LABEL}")


def test_pressure_depends_on_the_radius_which_is_why_it_is_told():
    """A jet in a crowd that stands."""
    x, y = lattice(8.0, 0.4, 10)
    frames, moves = field(x, y, np.where(abs(y - 4) < 0.3, 0.5, 0.0), 0.0)
    near, far = (crowd_pressure(frames, moves, MIDDLE, radius_m=r, least_people=2).indicator.value for r in (0.5, 2.0))
    assert near > 1.2 * far > 0


def test_pressure_of_two_crowds_through_each_other_is_density_times_the_square_of_half_their_difference():
    """Every other one goes the other way: the mean is 0.2 m/s, each is 0.5 m/s from it. The whole crowd may move along."""
    x, y = lattice(8.0, 0.4, 10)
    ways = np.where(np.indices((20, 20)).sum(0).ravel() % 2, 0.7, -0.3)
    told = crowd_pressure(*field(x, y, ways, 1.1), MIDDLE)
    np.testing.assert_allclose(told.variance, 0.25, rtol=1e-3)
    assert told.indicator.value == pytest.approx(6.25 * 0.25, rel=1e-3)


def test_pressure_is_of_the_frames_that_came_and_not_known_where_too_few_did():
    frames, moves = pushed(seconds=20)
    part = np.flatnonzero(frames.frame != 15)
    fewer = frames_of(frames.person[part], frames.frame[part], frames.x_m[part], frames.y_m[part], 1.0)
    moves = Motion(*(each[part] for each in (moves.speed_m_s, moves.x_m_s, moves.y_m_s, moves.jumped)))
    told = crowd_pressure(fewer, moves, MIDDLE, missing=[15])
    np.testing.assert_allclose(told.density, 6.25, rtol=1e-6)
    assert told.indicator.value == pytest.approx(6.25 * 0.01, rel=0.02)
    assert crowd_pressure(fewer, moves, MIDDLE, missing=[14, 15]).indicator.why == "only 8 of 10 frames came"


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from([0.3, 1.0]), st.sampled_from([0.0, 155_000.0]))
def test_pressure_is_that_of_the_formula(seed, radius, origin):
    """Slowly, in numpy: also where some are not seen, or have no speed."""
    chance = np.random.default_rng(seed)
    x, y = chance.uniform(0, 3, (2, 6, 12)) + origin
    x[chance.random(x.shape) < 0.1] = math.nan
    frames, moves = field(x, y, chance.normal(0, 1, x.shape), chance.normal(0, 1, x.shape))
    moves.x_m_s[chance.random(len(moves.x_m_s)) < 0.3] = math.nan
    grid = Grid(origin - 0.2, origin + 0.1, 0.7, 4, 3)
    told = crowd_pressure(frames, moves, grid, radius_m=radius, window_s=4, least_density=1e-9, least_people=1)
    rows = np.flatnonzero((frames.frame >= 2) & np.isfinite(frames.x_m))
    for row in range(grid.rows):
        for column in range(grid.columns):
            away = np.hypot(
                frames.x_m[rows] - grid.west_m - (column + 0.5) * grid.side_m,
                frames.y_m[rows] - grid.south_m - (row + 0.5) * grid.side_m,
            )
            w = np.exp(-((away / radius) ** 2))
            assert told.density[row, column] == pytest.approx(w.sum() / (math.pi * radius**2 * 4), rel=1e-7)
            assert told.people[row, column] == len(set(frames.person[rows[away <= radius]].tolist()))
            known = np.isfinite(moves.x_m_s[rows])
            v = (moves.x_m_s + 1j * moves.y_m_s)[rows[known]]
            w = w[known]
            if w.sum() > 1e-9:
                variance = (w * abs(v - (w * v).sum() / w.sum()) ** 2).sum() / w.sum()
                assert told.variance[row, column] == pytest.approx(variance, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(
    ("scene", "options", "unknown"),
    [
        (pushed(), {"window_s": 11}, "short window"),
        (pushed(spacing=0.8), {"least_people": 3}, "low density"),
        (pushed(), {"least_people": 100}, "few people"),
        (pushed(seconds=1), {"until_frame": 0}, "short window"),
        (field(np.zeros((10, 0)), np.zeros((10, 0)), 0, 0), {}, "short window"),
        (field(np.full((10, 30), math.nan), np.full((10, 30), 1e300), 0, 0), {}, "few people"),
    ],
)
def test_pressure_that_is_not_known_is_not_zero(scene, options, unknown):
    told = crowd_pressure(*scene, MIDDLE, **options)
    assert told.indicator.unknown == unknown
    assert math.isnan(told.indicator.value)
    assert np.isnan(told.pressure).all()
    assert "not known (" in str(told.indicator)
    assert LABEL in str(told.indicator)


REGION = Grid(0.0, 0.0, 0.5, 8, 8)


def squares(vx, vy, each=5):
    """Somebody in the middle of each square of the region, in so many frames, with the velocity that a function tells."""
    x, y = lattice(4.0, 0.5, each)
    return field(x, y, vx(x, y), vy(x, y))


def test_a_crowd_that_turns_as_one_has_no_congestion():
    turning = squares(lambda x, y: -0.3 * (y - 2), lambda x, y: 0.3 * (x - 2))
    told = congestion_level(*turning, REGION, window_s=5)
    np.testing.assert_allclose(told.rotation[1:-1, 1:-1], 0.6, rtol=1e-12)
    assert np.isnan(told.rotation[0]).all()
    assert told.level.value == pytest.approx(0.0, abs=1e-12)


def test_congestion_of_a_shear_is_the_range_of_its_rotation_over_its_speed():
    """v_x = y²: rotation −2y, from −6.5 to −1.5 at the middles of the inner squares; central differences of y² are exact."""
    told = congestion_level(*squares(lambda x, y: y**2, lambda x, y: 0 * x), REGION, window_s=5)
    mean = (np.arange(0.25, 4, 0.5) ** 2).mean()
    assert told.speed_m_s == pytest.approx(mean)
    assert told.level.value == pytest.approx((6.5 - 1.5) / mean)
    assert told.density == pytest.approx(4.0)
    assert told.danger.value == pytest.approx(4 * (6.5 - 1.5) / mean)
    # all twice as fast: as congested
    fast = congestion_level(*squares(lambda x, y: 2 * y**2, lambda x, y: 0 * x), REGION, window_s=5)
    assert fast.level.value == pytest.approx(told.level.value)


def test_congestion_of_two_streams_past_each_other_is_the_turn_between_them():
    """Up to y = 2 all go east, beyond it west, at 1 m/s: between them the field turns by 2 m/s in a metre, elsewhere not."""
    told = congestion_level(*squares(lambda x, y: np.where(y < 2, 1.0, -1.0), lambda x, y: 0 * x), REGION, window_s=5)
    np.testing.assert_allclose(told.rotation[[3, 4], 1:-1], 2.0)
    np.testing.assert_allclose(told.rotation[[1, 2, 5, 6], 1:-1], 0.0)
    assert told.level.value == pytest.approx(2.0)


def test_congestion_is_of_the_walkable_part_of_an_area():
    """An L: three quarters of its box are walls, and the rotation is known of most of the rest."""
    frames, moves = squares(lambda x, y: y**2, lambda x, y: 0 * x)
    part = np.flatnonzero(frames.x_m < 1.5)
    strip = frames_of(frames.person[part], frames.frame[part], frames.x_m[part], frames.y_m[part], 1.0)
    moves = Motion(*(each[part] for each in (moves.speed_m_s, moves.x_m_s, moves.y_m_s, moves.jumped)))
    assert congestion_level(strip, moves, REGION, window_s=5).level.unknown == "few people"
    assert congestion_level(strip, moves, REGION, window_s=5, area_m2=6.0).level.unknown == ""


def test_congestion_turns_with_the_field():
    """The same, turned by 90°: rotation has one sign, whichever axis the shear is along."""
    one = congestion_level(*squares(lambda x, y: y**2 - 4, lambda x, y: 0 * x), REGION, window_s=5)
    other = congestion_level(*squares(lambda x, y: 0 * x, lambda x, y: x**2 - 4), REGION, window_s=5)
    assert one.level.value == pytest.approx(other.level.value)
    np.testing.assert_allclose(one.rotation, -other.rotation.T)


@pytest.mark.parametrize(
    ("speed", "each", "options", "unknown"),
    [
        (1.0, 5, {"window_s": 6}, "short window"),
        (1.0, 5, {"least_people": 100}, "few people"),
        (1.0, 5, {"least_density": 5}, "low density"),
        (1.0, 5, {"area_m2": 1000}, "low density"),
        (1.0, 4, {"window_s": 4}, "few people"),
        (0.0, 5, {}, "nobody moves"),
        (math.nan, 5, {}, "few people"),
    ],
)
def test_congestion_that_is_not_known_is_not_zero(speed, each, options, unknown):
    scene = squares(lambda x, y: speed * (1 + y), lambda x, y: 0 * x, each)
    told = congestion_level(*scene, REGION, **({"window_s": 5} | options))
    for figure in (told.level, told.danger):
        assert figure.unknown == unknown
        assert math.isnan(figure.value)
        assert LABEL in str(figure)


SQUARE = walkable_area([(0, 0), (6, 0), (6, 6), (0, 6)])


def circling(omega=OMEGA, seconds=100, spacing=0.42, far_m=0.3, rate_hz=4.0, squeeze=1.0, noise=0.0):
    """A dense crowd that goes round together, as real tracks, and the speeds that are measured of them."""
    at = np.arange(0.5, 5.6, spacing)
    x0, y0 = (each.ravel() for each in np.meshgrid(at, at))
    t = np.arange(round(seconds * rate_hz))[:, None] / rate_hz
    chance = np.random.default_rng(2)
    x = x0 + far_m * np.cos(omega * t) + chance.normal(0, noise, (len(t), len(x0)))
    y = y0 + squeeze * far_m * np.sin(omega * t) + chance.normal(0, noise, (len(t), len(x0)))
    frames, _ = field(x, y, 0, 0, rate_hz)
    return frames, motion(frames, step=2)


@pytest.mark.parametrize(("omega", "squeeze", "turning"), [(OMEGA, 1, 1), (-OMEGA, 1, -1), (OMEGA, 0, 0), (2.5 * OMEGA, 1, 1)])
def test_a_crowd_that_goes_round_has_its_frequency_and_its_way_round(omega, squeeze, turning):
    told = collective_oscillation(*circling(omega, squeeze=squeeze, noise=0.03), SQUARE, confinement_m=6.0, until_frame=395)
    assert told.indicator.unknown == ""
    assert told.indicator.value == pytest.approx(abs(omega), rel=0.02)
    assert told.period_s == pytest.approx(2 * math.pi / abs(omega), rel=0.02)
    assert told.turning == pytest.approx(turning, abs=0.05)
    assert told.speed_m_s == pytest.approx(6 * told.indicator.value)
    assert told.share > 0.9
    assert told.density == pytest.approx(169 / 36, rel=0.01)
    assert "confinement length 6 m" in str(told.indicator)


def test_oscillation_is_found_where_some_frames_are_missing():
    frames, _ = circling()
    seen = np.random.default_rng(0).random(len(frames)) > 0.05
    rows = seen[frames.frame]
    fewer = frames_of(frames.person[rows], frames.frame[rows], frames.x_m[rows], frames.y_m[rows], frames.rate_hz)
    told = collective_oscillation(fewer, motion(fewer, step=2), SQUARE, least_density=3.5, until_frame=395)
    assert told.indicator.value == pytest.approx(OMEGA, rel=0.03)


def test_oscillation_of_frames_that_never_came_is_of_those_that_did():
    frames, _ = circling()
    lost = np.flatnonzero(np.random.default_rng(0).random(len(frames)) < 0.05)
    rows = ~np.isin(frames.frame, lost)
    fewer = frames_of(frames.person[rows], frames.frame[rows], frames.x_m[rows], frames.y_m[rows], frames.rate_hz)
    told = collective_oscillation(fewer, motion(fewer, step=2), SQUARE, missing=lost, until_frame=395)
    assert told.indicator.value == pytest.approx(OMEGA, rel=0.03)
    assert told.density == pytest.approx(169 / 36, rel=0.01)
    half = range(0, 396, 2)
    assert collective_oscillation(*circling(), SQUARE, missing=half, until_frame=395).indicator.unknown == "short window"


@pytest.mark.parametrize(
    ("scene", "options", "unknown"),
    [
        ({"spacing": 0.8}, {}, "low density"),
        ({}, {"least_people": 500}, "few people"),
        ({}, {"window_s": 200}, "short window"),
        ({"omega": 2 * math.pi / 55}, {}, "short window"),
        ({"far_m": 0.0, "noise": 0.05}, {}, "no peak"),
        ({"far_m": 0.0}, {}, "no peak"),
    ],
)
def test_oscillation_that_is_not_known_is_not_zero(scene, options, unknown):
    frames, moves = circling(**scene)
    told = collective_oscillation(frames, moves, SQUARE, until_frame=frames.first + len(frames) - 3, **options)
    assert told.indicator.unknown == unknown
    for value in (told.indicator.value, told.period_s, told.turning, told.speed_m_s):
        assert math.isnan(value)


@pytest.mark.parametrize("memory_s", [0.1, 3.0, 10.0, 30.0])
def test_mere_noise_seldom_has_a_peak(memory_s):
    """A velocity that forgets itself within so many seconds: in 200 windows a peak at most now and then."""
    chance, count, kept = np.random.default_rng(4), 360, math.exp(-0.25 / memory_s)
    room = walkable_area([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    found = 0
    for _ in range(200):
        noise = chance.normal(0, 1, (2, count))
        for i in range(1, count):
            noise[:, i] += kept * noise[:, i - 1]
        scene = field(np.zeros((count, 1)), np.zeros((count, 1)), noise[0][:, None], noise[1][:, None], 4.0)
        found += collective_oscillation(*scene, room, least_density=0.1, least_people=1).indicator.unknown == ""
    assert found <= 6


def test_windows_end_where_they_are_told_to():
    frames = frames_of([1] * 10, range(5, 15), [0.0] * 10, [0.0] * 10, rate_hz=2)
    window = window_of(frames, 2.0)
    assert (window.begin, window.end, window.first, window.last, window.short) == (6, 10, 6, 10, "")
    assert window_of(frames, 2.0, until_frame=9).begin == 1
    assert window_of(frames, 2.0, until_frame=6).short == "only 1 s of 2 s"
    with pytest.raises(RuimteError, match="no frame 15 in frames 5 to 14"):
        window_of(frames, 2.0, until_frame=15)


@pytest.mark.parametrize(
    ("call", "part"),
    [
        (lambda f, m: crowd_pressure(f, m, MIDDLE, radius_m=0.0), "radius of 0.0 m"),
        (lambda f, m: crowd_pressure(f, m, MIDDLE, window_s=math.nan), "window of nan s"),
        (lambda f, m: crowd_pressure(f, Motion(*[np.zeros(3)] * 3, np.zeros(3, bool)), MIDDLE), "3 speeds of"),
        (lambda f, m: congestion_level(f, m, REGION, area_m2=-1.0), "area of -1.0"),
        (lambda f, m: congestion_level(f, m, REGION, least_seen=0), "least positions of 0"),
        (lambda f, m: collective_oscillation(f, m, SQUARE, window_s=5.0), "periods of 4 s or more in a window of 5 s"),
        (lambda f, m: collective_oscillation(f, m, SQUARE, confinement_m=math.inf), "confinement length of inf"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(call, part):
    with pytest.raises(RuimteError, match=part):
        call(*pushed())

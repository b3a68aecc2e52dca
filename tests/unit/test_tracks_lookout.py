"""Danger indicators live: the figures of a whole recording, from frames as they come in, in bounded memory."""

from __future__ import annotations

import gzip
import math
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from track_files import recorded

from ruimte.errors import RuimteError
from ruimte.tracks.area import walkable_area
from ruimte.tracks.congestion import congestion_level
from ruimte.tracks.danger import LABEL
from ruimte.tracks.frames import cut_at_gaps, frames_of, in_slots
from ruimte.tracks.lookout import LEAST_SHARE, RADIUS_M, SQUARE_M, Indicators, Lookout
from ruimte.tracks.motion import motion
from ruimte.tracks.oscillation import collective_oscillation
from ruimte.tracks.pressure import crowd_pressure
from ruimte.tracks.profiles import grid_over

ROOM = walkable_area([(0, 0), (6, 0), (6, 6), (0, 6)])
OMEGA = 2 * math.pi / 18
AT = np.arange(0.5, 5.6, 0.42)
X, Y = (each.ravel() for each in np.meshgrid(AT, AT))
WHO = np.arange(len(X))


def play(lookout, frames):
    """Frames of number: (people, x, y); how often was looked."""
    return sum(lookout.take(number, who, x, y) for number, (who, x, y) in frames.items())


def circling(seconds, rate_hz=10.0, keep=None):
    """A dense crowd that goes round together with a period of 18 s, by 30 cm."""
    numbers = range(round(seconds * rate_hz))
    angle = {number: OMEGA * number / rate_hz for number in numbers if keep is None or keep(number)}
    return {n: (WHO, X + 0.3 * np.cos(a), Y + 0.3 * np.sin(a)) for n, a in angle.items()}


def batch(frames, every, rate_hz, until):
    """The same figures of a recording, from the frames that are first in their slots, up to a slot."""
    kept: dict[int, int] = {}
    for number in frames:
        kept.setdefault(number // every, number)
    rows = [(n, w, a, b) for n in kept.values() for w, a, b in zip(*frames[n], strict=True)]
    number, who, x, y = np.array(rows, dtype=float).reshape(-1, 4).T
    inside = (x > 0) & (x < 6) & (y > 0) & (y < 6)
    seen = cut_at_gaps(frames_of(who[inside], number[inside], x[inside], y[inside], rate_hz), 2 * every)
    first, last = min(kept), max(kept)
    slots, moves = in_slots(seen, every, first, last), motion(seen, 1)
    missing = sorted(set(range(first, last + 1)) - set(kept))
    until = until if until >= first else None
    grid = grid_over(ROOM, SQUARE_M)
    level = congestion_level(
        slots, moves, grid, until_frame=until, missing=missing, area_m2=ROOM.area_m2, least_share=LEAST_SHARE
    )
    return Indicators(
        crowd_pressure(slots, moves, grid, radius_m=RADIUS_M, until_frame=until, missing=missing).indicator,
        level.level,
        level.danger,
        collective_oscillation(slots, moves, ROOM, until_frame=until, missing=missing).indicator,
    )


def assert_same(live, whole):
    for each in fields(Indicators):
        one, other = getattr(live, each.name), getattr(whole, each.name)
        assert (one.name, one.unit, one.unknown) == (other.name, other.unit, other.unknown)
        assert one.value == pytest.approx(other.value, rel=1e-9, nan_ok=True)
        assert [str(p) for p in one.parameters][: len(other.parameters)] == [str(p) for p in other.parameters]


def test_a_crowd_that_goes_round_is_told_live_with_its_period():
    lookout = Lookout(ROOM, rate_hz=10.0, error_m=0.05)
    looked = play(lookout, circling(100))
    assert looked == 19
    told = lookout.told
    assert told.oscillation.value == pytest.approx(OMEGA, rel=0.02)
    # all go the same way: velocities differ in time only, by those of a window of 10 s on a circle of 18 s
    speed = 0.3 * OMEGA * np.sinc(OMEGA / 2 / np.pi)
    z = speed * np.exp(1j * OMEGA * np.arange(20) / 2)
    assert told.pressure.value == pytest.approx(5.7 * (abs(z - z.mean()) ** 2).mean(), rel=0.05)
    frames = circling(100)
    assert_same(told, batch({number: each for number, each in frames.items() if number <= 950}, 5, 10.0, 950 // 5 - 2))
    assert LABEL in str(told.pressure)
    assert "time of a velocity 1 s, frames used a second 2, error of a position 0.05 m" in str(told.pressure)


def test_where_three_of_ten_frames_are_missing_the_figures_stay():
    chance = np.random.default_rng(5)
    lost = {number for number in range(1000) if chance.random() < 0.3}
    lookout = Lookout(ROOM, rate_hz=10.0)
    play(lookout, circling(100, keep=lambda number: number not in lost))
    whole = Lookout(ROOM, rate_hz=10.0)
    play(whole, circling(100))
    for name in ("pressure", "oscillation"):
        assert getattr(lookout.told, name).value == pytest.approx(getattr(whole.told, name).value, rel=0.1)


def test_half_of_the_seconds_missing_is_too_little_and_not_a_crowd_half_as_dense():
    lookout = Lookout(ROOM, rate_hz=10.0)
    play(lookout, circling(100, keep=lambda number: number // 10 % 2))
    for each in fields(Indicators):
        figure = getattr(lookout.told, each.name)
        assert (figure.unknown, math.isnan(figure.value)) == ("short window", True)
    assert "frames came" in lookout.told.pressure.why


def test_people_outside_the_area_do_not_count():
    lookout, without = Lookout(ROOM, rate_hz=2.0), Lookout(ROOM, rate_hz=2.0)
    for number, (who, x, y) in circling(100, rate_hz=2.0).items():
        without.take(number, who, x, y)
        lookout.take(number, [*who, 900, 901, 902], [*x, -0.3, math.inf, math.nan], [*y, 3.0, 1.0, 1.0])
    assert_same(lookout.told, without.told)


def test_a_number_that_is_given_anew_is_no_walk_from_one_to_the_other():
    """All leave, and 3 s later others come by the same numbers, 2 m on: nobody moved."""
    frames = dict.fromkeys(range(0, 20), (WHO, X, Y)) | dict.fromkeys(range(26, 60), (WHO, X[::-1], Y[::-1]))
    frames |= dict.fromkeys(range(20, 26), (WHO[:0], X[:0], Y[:0]))
    lookout = Lookout(ROOM, rate_hz=2.0)
    play(lookout, dict(sorted(frames.items())))
    assert lookout.told.congestion.unknown == "nobody moves"
    assert lookout.told.pressure.value == pytest.approx(0.0, abs=1e-12)


def test_a_device_with_too_few_frames_tells_nothing():
    lookout = Lookout(ROOM, rate_hz=0.4)
    assert lookout.too_slow
    assert play(lookout, dict.fromkeys(range(300), (WHO, X, Y))) == 0
    assert (lookout.in_memory, lookout.told.pressure.unknown) == (0, "short window")


def test_memory_does_not_grow_with_time_or_with_people():
    lookout = Lookout(ROOM, rate_hz=2.0)
    chance = np.random.default_rng(1)
    most = 0
    for number in range(140):
        people = 20_000 if number > 100 else 50
        lookout.take(number, np.arange(people) + 7 * number, *chance.uniform(0, 6, (2, people)))
        most = max(most, lookout.in_memory)
    assert 400_000 < most <= 500_000
    for number in range(140, 200):
        lookout.take(number, [], [], [])
    assert lookout.in_memory == 0


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from([2.0, 5.0]), st.sampled_from([0.0, 0.05, 0.4]))
def test_live_and_at_once_tell_the_same(seed, rate_hz, missing):
    """People who come and go, jump, are not seen for a while or are no numbers; frames that are missing or empty."""
    chance = np.random.default_rng(seed)
    every = round(rate_hz / 2)
    count = round(110 * rate_hz)
    people = 170
    x, y = (chance.uniform(-0.3, 6.3, people) + np.cumsum(chance.normal(0, 0.04, (count, people)), 0) for _ in range(2))
    x, y = abs(x), abs(y)
    x[chance.random(x.shape) < 0.01] = math.nan
    who = np.arange(people) + 10 * (chance.random(people) < 0.5)
    who = np.unique(who)
    lost = chance.random(count) < missing / 10
    frames = {}
    for number in range(count):
        if chance.random() < missing or lost[number]:
            continue
        here = np.flatnonzero(chance.random(len(who)) < 0.97)
        if chance.random() < 0.02:
            here = here[:0]
        if chance.random() < 0.05:
            who = who + chance.integers(0, 2)
        frames[number] = (who[here], x[number, here], y[number, here])
    lookout = Lookout(ROOM, rate_hz)
    looks = [number for number, each in frames.items() if lookout.take(number, *each)]
    upto = {number: each for number, each in frames.items() if number <= looks[-1]}
    assert_same(lookout.told, batch(upto, every, rate_hz, looks[-1] // every - 2))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 300),
            st.lists(st.tuples(st.integers(0, 9), st.floats(), st.floats()), max_size=6, unique_by=lambda each: each[0]),
        ),
        max_size=40,
    )
)
def test_whatever_comes_there_is_a_figure_or_a_reason(steps):
    lookout, number = Lookout(ROOM, rate_hz=4.0), 0
    for gap, people in steps:
        number += gap
        who, x, y = np.array(people, dtype=float).reshape(-1, 3).T
        lookout.take(number, who, x, y)
        for each in fields(Indicators):
            figure = getattr(lookout.told, each.name)
            assert math.isfinite(figure.value) == (figure.unknown == "")
    assert lookout.in_memory <= 6 * 40


@pytest.mark.data
def test_recorded_walks_both_ways_are_far_more_congested_than_one_way():
    """Volunteers in a corridor (Jülich), centimetres; levels of all looks at which it was known."""
    levels = {}
    for name, rate_hz in (("bi_corr_400_b_03", 25.0), ("uo-145-180-180", 16.0)):
        with gzip.open(recorded(f"juelich_trajectories/{name}.txt.gz"), "rt") as lines:
            who, number, x, y = np.loadtxt(lines, comments="#")[:, :4].T
        x, y = x / 100, y / 100
        west, east, south, north = x.min() - 0.3, x.max() + 0.3, y.min() - 0.3, y.max() + 0.3
        corridor = walkable_area([(west, south), (east, south), (east, north), (west, north)])
        lookout, found = Lookout(corridor, rate_hz), []
        for each in np.unique(number):
            rows = number == each
            if lookout.take(int(each), who[rows], x[rows], y[rows]) and not lookout.told.congestion.unknown:
                found.append(lookout.told.congestion.value)
        assert len(found) > 5
        levels[name] = np.median(found)
    assert levels["bi_corr_400_b_03"] > 5 * levels["uo-145-180-180"] > 0


@pytest.mark.parametrize(
    ("frame", "part"),
    [
        ((4, [1], [0.0], [0.0]), "frame 4 after frame 5"),
        ((7, [1, 1], [0.0, 1.0], [0.0, 1.0]), "twice"),
        ((7, [1, 2], [0.0], [0.0]), "different lengths"),
        ((7, [1.5], [0.0], [0.0]), "whole numbers"),
    ],
)
def test_frames_that_make_no_sense_are_refused(frame, part):
    lookout = Lookout(ROOM, rate_hz=2.0)
    lookout.take(5, [1], [1.0], [1.0])
    with pytest.raises(RuimteError, match=part):
        lookout.take(*frame)
    assert lookout.in_memory == 1
    with pytest.raises(RuimteError, match="frames a second"):
        Lookout(ROOM, math.nan)


def test_warming_up_leaves_nothing_behind():
    lookout = Lookout(ROOM, rate_hz=10.0)
    before = replace(lookout.told)
    lookout.warm_up()
    assert lookout.in_memory == 0
    assert str(lookout.told) == str(before)

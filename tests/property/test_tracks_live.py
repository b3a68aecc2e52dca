"""Frames as they come in: in order of time, and the gates that are passed are those of the recording."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from ruimte.tracks.area import walkable_area
from ruimte.tracks.flow import crossings
from ruimte.tracks.frames import frames_of
from ruimte.tracks.gates import gates_of
from ruimte.tracks.headcount import Counted, counted
from ruimte.tracks.order import InOrder
from ruimte.tracks.passing import Passing
from ruimte.tracks.seconds import Seconds

GATES = gates_of({"door": [(0, -1), (0, 1)], "slant": [(-2, -2), (1, 2)]})
ON_A_RASTER = st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, float("nan")])
WALKS = st.lists(st.lists(st.tuples(ON_A_RASTER, ON_A_RASTER) | st.none(), min_size=1, max_size=12), min_size=1, max_size=4)


@settings(deadline=None)
@given(WALKS)
def test_live_the_same_gates_are_passed_as_in_the_recording(walks):
    """Also by those who stand on a gate, turn back, go through its end, are away for some frames, or are nowhere."""
    rows = [(who, k, *at) for who, walk in enumerate(walks, 1) for k, at in enumerate(walk) if at is not None]
    if not rows:
        return
    who, frame, x, y = (np.array(column) for column in zip(*rows, strict=True))
    recorded = frames_of(who, frame, x, y, rate_hz=1.0)
    found = crossings(recorded, GATES)
    expected = sorted(zip(found.frame.tolist(), found.person.tolist(), found.gate.tolist(), found.way.tolist(), strict=True))
    live, told = Passing(GATES, lost_s=100.0), []
    for k in range(max(len(walk) for walk in walks)):
        now = frame == k
        passed = live.take(float(k), who[now], x[now], y[now])
        people = who[now][passed.row].tolist()
        told += [(k, *each) for each in zip(people, passed.gate.tolist(), passed.way.tolist(), strict=True)]
    assert sorted(told) == expected


NUMBERS = st.floats(allow_nan=True, allow_infinity=True) | st.floats(-1, 11)
PEOPLE = st.lists(st.tuples(st.integers(0, 2**64 - 1) | st.integers(0, 4), NUMBERS, NUMBERS), max_size=20)
SEEN = [Counted(shapely.box(0, 0, 5, 10), shapely.Point()), counted(shapely.box(4, 0, 12, 10), shapely.box(0, 0, 10, 10))]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 3_000_000), PEOPLE), max_size=15))
def test_whatever_comes_is_told_or_refused_and_nothing_is_out_of_bounds(frames):
    """Positions that are none, far away or at one point, numbers that repeat, gaps: no crash, no figure that cannot be."""
    zones = {"west": SEEN[0], "east": SEEN[1]}
    made = Seconds(walkable_area(shapely.box(0, 0, 10, 10)), zones, GATES, rate_hz=10, error_m=0.2)
    told, time_us, used = [], 0, 0
    for apart_us, people in frames:
        time_us += apart_us
        who = np.array([each[0] for each in people], np.uint64)
        x, y = (np.array([each[axis] for each in people], float) for axis in (1, 2))
        usable, done = made.take(time_us, who, x, y)
        used += usable is not None
        told += [done] if done is not None else []
    last = made.close()
    told += [last] if last is not None else []
    assert sum(each.frames for each in told) == used
    assert sum(each.frames + each.refused for each in told) == len(frames)
    for each in told:
        assert 0 <= each.missing <= 1
        if each.frames:
            assert (each.people_in >= 0).all()
            assert (each.people_sd >= 0.5).all()
            assert (each.seen <= each.people + 1e-9).all()
            assert ((each.speed >= 0) | np.isnan(each.speed)).all()


def test_a_track_that_was_lost_passes_nothing_when_its_number_comes_back():
    live = Passing(GATES, lost_s=1.0)
    one, left, right = np.array([7]), np.array([-0.5]), np.array([0.5])
    still = np.array([0.0])
    live.take(0.0, one, left, still)
    live.take(1.5, np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
    assert len(live) == 0, "and it is forgotten"
    assert len(live.take(2.0, one, right, still).gate) == 0


@given(st.lists(st.integers(0, 50), max_size=60), st.integers(0, 20))
def test_frames_come_out_once_each_and_in_order(times, wait_us):
    order: InOrder[int] = InOrder(wait_us, anew_after=1000)
    given_out = []
    for time_us in times:
        order.put(time_us, time_us)
        given_out += [at for at, _ in order.ready()]
    given_out += [at for at, _ in order.rest()]
    assert given_out == sorted(set(given_out))
    assert len(given_out) + order.late + order.doubled == len(times)
    if times == sorted(times):
        assert given_out == sorted(set(times)), "what comes in order is never late"


def test_a_clock_that_is_set_back_begins_anew():
    order: InOrder[str] = InOrder(wait_us=100, anew_after=3)
    for time_us in (1000, 1100, 1200):
        order.put(time_us, "before")
    order.rest()
    for time_us in (100, 200, 300, 400):
        order.put(time_us, "after")
    assert order.late == 2
    assert order.anew == 1
    assert [at for at, _ in order.rest()] == [300, 400]

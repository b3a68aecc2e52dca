"""Random scenes: the same pairs and times as counted slowly; one frame at a time, in parts or at once; and what is conserved."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import plain_distances
from distances_reference import random_scene, sums, together, watch
from ruimte.tracks.congestion import congestion_level
from ruimte.tracks.distancing import Distancing, Rule
from ruimte.tracks.frames import frames_of
from ruimte.tracks.motion import motion
from ruimte.tracks.pressure import crowd_pressure
from ruimte.tracks.profiles import Grid

RATE_HZ = 5.0
scenes = st.builds(random_scene, st.integers(0, 10**9), st.integers(1, 9), st.integers(1, 60))
rules = st.builds(
    Rule,
    contact_s=st.sampled_from([0.0, 0.4, 1.0]),
    group_m=st.sampled_from([0.5, 1.0, 1.5]),
    group_share=st.sampled_from([0.5, 0.8, 1.0]),
    group_s=st.sampled_from([0.0, 0.6, 2.0]),
    ring_m=st.sampled_from([0.1, 0.25, 0.5]),
    reach_m=st.sampled_from([1.5, 2.5]),
    lost_s=st.sampled_from([0.2, 1.0]),
    keep_s=st.just(10_000.0),
    exposure_s=st.sampled_from([(), (0.2, 1.0, 2.0)]),
)
some = settings(max_examples=100, deadline=None)


def fed(scene, rule):
    live = Distancing(RATE_HZ, rule)
    for number, people in scene:
        x, y = np.array(list(people.values())).reshape(-1, 2).T
        live.stream(number, list(people), x, y)
    return live


def table(scene):
    rows = [(person, number, *at) for number, people in scene for person, at in people.items()]
    return frames_of(*np.array(rows).reshape(-1, 4).T, RATE_HZ)


def same(one, other):
    for each in dataclasses.fields(one):
        np.testing.assert_array_equal(getattr(one, each.name), getattr(other, each.name), err_msg=each.name)


@some
@given(scenes, rules)
def test_pairs_times_and_sums_are_those_that_are_counted_slowly(scene, rule):
    live = fed(scene, rule)
    edges = live.figures().edges_m.tolist()
    slow = watch(scene, rule, RATE_HZ, edges)
    found, groups = live.pairs(), together(slow, rule, RATE_HZ)
    assert list(zip(found.one.tolist(), found.other.tolist(), strict=True)) == sorted(slow.rings)
    assert (found.time_s * RATE_HZ).round(9).tolist() == [slow.rings[pair] for pair in sorted(slow.rings)]
    assert found.together.tolist() == [any(set(pair) <= group for group in groups) for pair in sorted(slow.rings)]
    last = scene[-1][0]
    in_view = {mine for mine in slow.live.values() if last - slow.tracks[mine].last <= rule.lost_s * RATE_HZ}
    assert found.provisional.tolist() == [{a, b} <= in_view for a, b in sorted(slow.rings)]
    expected = sums(slow, rule, RATE_HZ)
    before, after = live.figures(), live.finish()
    assert (before.provisional, after.provisional, after.unsure) == (len(slow.tracks), 0, 0)
    for told in (before, after):
        for name, value in expected.items():
            np.testing.assert_allclose(getattr(told, name), value, rtol=1e-12, err_msg=name)
    assert live.in_memory == (0, 0)


@some
@given(scenes, rules, st.sampled_from([0.0, 0.4, 1.0, 5.0]), st.integers(0, 60))
def test_one_frame_at_a_time_in_parts_and_at_once_tell_the_same(scene, rule, keep_s, cut):
    rule = dataclasses.replace(rule, keep_s=keep_s)
    live, whole, parts = fed(scene, rule), Distancing(RATE_HZ, rule), Distancing(RATE_HZ, rule)
    if any(people for _, people in scene):
        whole.batch(table(scene))
        for part in (scene[:cut], scene[cut:]):
            if any(people for _, people in part):
                parts.batch(table(part))
    if scene[-1][1]:
        # else the table ends with the last person, and does not know how late it is
        same(live.figures(), whole.figures())
        same(live.figures(), parts.figures())
        same(live.pairs(), whole.pairs())
    same(live.finish(), whole.finish())
    same(parts.finish(), whole.finish())


@some
@given(scenes, rules, st.sampled_from([0.0, 0.4, 1.0]))
def test_no_time_is_lost_however_soon_it_is_settled(scene, rule, keep_s):
    """Σ time of edges = pair frames × Δt, of those in memory, of those settled, and of both."""
    live = Distancing(RATE_HZ, dataclasses.replace(rule, keep_s=keep_s))
    slow = watch(scene, rule, RATE_HZ, live.figures().edges_m.tolist())
    for number, people in scene:
        x, y = np.array(list(people.values())).reshape(-1, 2).T
        live.stream(number, list(people), x, y)
    held = live.pairs().time_s.sum()
    told = live.figures()
    counted = sum(sum(rings) for rings in slow.rings.values()) / RATE_HZ
    np.testing.assert_allclose((told.apart_s + told.together_s).sum(), counted, rtol=1e-12)
    final = live.finish()
    assert held <= counted + 1e-9
    np.testing.assert_allclose((final.apart_s + final.together_s).sum(), counted, rtol=1e-12)
    assert final.people == final.exposure.sum() == len(slow.tracks)
    assert final.person_minutes == slow.seen / RATE_HZ / 60


odd = st.sampled_from([0.0, -0.0, 5e-324, 1.5, 1.0 + 2e-16, 1e8, -1e8, 1e9, 1e300, math.nan, math.inf, -math.inf]) | st.floats()


@some
@given(
    st.lists(st.lists(st.tuples(st.integers(-3, 3), odd, odd), max_size=5, unique_by=lambda row: row[0]), min_size=1, max_size=6)
)
def test_whatever_the_positions_each_counts_or_is_marked(frames):
    live = Distancing(RATE_HZ, Rule(lost_s=0.2, keep_s=0.2))
    for number, rows in enumerate(frames):
        live.stream(number, *(np.array([row[column] for row in rows]) for column in range(3)))
    told = live.finish()
    rows = [row for frame in frames for row in frame]
    known = sum(abs(x) <= 1e8 and abs(y) <= 1e8 for _, x, y in rows)
    assert told.unknown == len(rows) - known
    assert round(told.person_minutes * 60 * RATE_HZ) == known
    assert np.isfinite(told.apart_s).all()
    rows = [(who, number, x, y) for number, frame in enumerate(frames) for who, x, y in frame]
    if not rows:
        return
    table = frames_of(*np.array(rows).T, RATE_HZ)
    with np.errstate(over="ignore", invalid="ignore"):
        moves, grid = motion(table, 1), Grid(-1.0, -1.0, 1.0, 3, 3)
    pressure = crowd_pressure(table, moves, grid, window_s=0.4, least_density=1e-6, least_people=1)
    level = congestion_level(table, moves, grid, window_s=0.4, least_density=1e-6, least_people=1)
    for figure in (pressure.indicator, level.level, level.danger):
        assert math.isfinite(figure.value) == (figure.unknown == "")


def test_compiled_and_plain_python_tell_the_same():
    """The same source, interpreted."""
    script = Path(plain_distances.__file__)
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, script], env=environment, check=True, capture_output=True, text=True)
    for plain, compiled in zip(json.loads(done.stdout), plain_distances.told(), strict=True):
        np.testing.assert_allclose(plain, compiled, rtol=1e-12, atol=1e-15)

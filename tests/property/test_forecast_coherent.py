"""Zones and gates that agree: nobody appears or vanishes, whatever the network and whatever was forecast."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ruimte.forecast.coherent import balanced, coherent, incidence


@st.composite
def networks(draw):
    """Zones, links between them and the outside, and forecasts that need not agree."""
    zones, links, blocks = draw(st.integers(1, 5)), draw(st.integers(1, 10)), draw(st.integers(1, 6))
    ends = st.integers(-1, zones - 1)
    sources, targets = (draw(st.lists(ends, min_size=links, max_size=links)) for _ in range(2))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = 10.0 ** draw(st.integers(0, 4))
    people, flows = random.uniform(0, size, (zones, blocks)), random.uniform(0, size, (links, blocks))
    people_sd, flows_sd = random.uniform(0, size, (zones, blocks)), random.uniform(0, size, (links, blocks))
    if draw(st.booleans()):
        flows_sd[random.random(flows_sd.shape) < 0.3] = 0.0  # some are sure
        people_sd[random.random(people_sd.shape) < 0.3] = 0.0
    return random.uniform(0, size, zones), people, people_sd, flows, flows_sd, incidence(sources, targets, zones)


@given(networks())
@settings(deadline=None)
def test_people_change_by_just_who_comes_and_goes(network):
    now, people, _, flows, _, links = network
    told, moved = coherent(*network)
    assert told.shape == people.shape
    assert moved.shape == flows.shape
    assert (moved >= 0).all()
    change = np.diff(np.concatenate([now[:, None], told], axis=1), axis=1)
    size = max(1.0, np.abs(told).max(), moved.max())
    assert np.abs(change - links @ moved).max() <= 1e-9 * size
    assert told.min() >= -1e-9 * size  # nobody leaves a zone who is not in it


@given(networks())
@settings(deadline=None)
def test_what_agrees_already_is_left_alone(network):
    now, _, people_sd, flows, flows_sd, links = network
    now = now + flows.sum()  # as many as can leave
    people = now[:, None] + np.cumsum(links @ flows, axis=1)
    told, moved = coherent(now, people, people_sd, flows, flows_sd, links)
    size = max(1.0, np.abs(people).max(), flows.max())
    assert np.abs(told - people).max() <= 1e-6 * size
    assert np.abs(moved - flows).max() <= 1e-6 * size


def test_what_is_known_well_is_moved_least():
    links = incidence([-1, -1], [0, 0], 1)
    now, people = np.array([10.0]), np.array([[30.0]])
    flows = np.array([[5.0], [5.0]])
    told, moved = coherent(now, people, np.array([[1e-6]]), flows, np.array([[1.0], [3.0]]), links)
    assert told[0, 0] == pytest.approx(30.0)
    assert moved[:, 0] == pytest.approx([5 + 10 * 1 / 10, 5 + 10 * 9 / 10])
    told, moved = coherent(now, people, np.array([[1e6]]), flows, np.array([[1.0], [3.0]]), links)
    assert moved[:, 0] == pytest.approx([5.0, 5.0], abs=1e-6)
    assert told[0, 0] == pytest.approx(20.0, abs=1e-6)


def test_what_came_is_not_changed():
    network = (np.array([3.0]), np.full((1, 4), 9.0), np.ones((1, 4)), np.ones((1, 4)), np.ones((1, 4)), incidence([-1], [0], 1))
    before = [each.copy() for each in network]
    coherent(*network)
    for one, other in zip(network, before, strict=True):
        np.testing.assert_array_equal(one, other)


@given(networks(), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_factors_stay_within_bounds_and_leave_what_is_even_alone(network, seed):
    links = network[-1]
    random = np.random.default_rng(seed)
    totals = random.uniform(0, 10_000, links.shape[1])
    factor = balanced(totals, links)
    assert factor.shape == totals.shape
    assert ((factor >= 0.2) & (factor <= 5.0)).all()
    if not (links @ totals).any():
        assert factor == pytest.approx(1.0)


@given(zones=st.integers(1, 4), gates=st.integers(1, 4), off=st.floats(0.0, 0.3), seed=st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_in_the_long_run_as_many_leave_as_come(zones, gates, off, seed):
    """Each zone has gates both ways that count some per cent too many or too few; a chain leads from zone to zone."""
    random = np.random.default_rng(seed)
    ends = [(-1, zone) for zone in range(zones) for _ in range(gates)] + [(zone, zone + 1) for zone in range(zones - 1)]
    sources, targets = zip(*[*ends, *((b, a) for a, b in ends)], strict=True)
    links = incidence(list(sources), list(targets), zones)
    half = random.uniform(50, 5000, len(ends))
    totals = np.concatenate([half, half]) * random.uniform(1 - off, 1 + off, 2 * len(ends))
    factor = balanced(totals, links)
    assert np.abs(links @ (totals * factor)).max() <= 1e-6 * totals.sum()


def test_where_nothing_was_counted_nothing_is_changed():
    assert balanced(np.zeros(2), incidence([-1, 0], [0, -1], 1)) == pytest.approx(1.0)

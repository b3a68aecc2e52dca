"""What a lab has to share, read from its picture and from its store."""

from __future__ import annotations

import numpy as np
import pytest

from ruimte.clock import HOUR_US
from ruimte.jobs.share_source import Source
from ruimte.share.release import BASE

PEOPLE, INFLOW, OUTFLOW, FLOW = range(4)


@pytest.fixture
def run(start):
    run = start()
    run.tick()
    run.tick()
    return run


def test_places_are_the_zones_and_count_points_and_then_the_gates(run):
    lab = run.station.lab
    assert Source(run.station).places == (*lab.zones, *lab.count_points, *lab.gates)


def test_the_newest_tick_is_what_the_room_shows(run):
    source, picture = Source(run.station), run.station.picture
    now = source.newest()
    assert (now.kind, now.quantities, now.starts_us.tolist()) == ("state", BASE, [picture.end_us - HOUR_US])
    zones = [index for index, place in enumerate(run.station.model.places) if place.quantity == "people"]
    for cube, name in ((now.value, "mean"), (now.low, "q05"), (now.high, "q95")):
        np.testing.assert_array_equal(cube[zones, 0, PEOPLE], picture.states[name][zones])
    np.testing.assert_allclose(now.value[zones, 0, INFLOW], picture.states["inflow"][zones] * 3600)
    assert (now.low[zones, 0, INFLOW] <= now.value[zones, 0, INFLOW]).all()
    assert np.isnan(now.value[zones, 0, FLOW]).all()


def test_the_past_ends_in_the_same_figures_and_what_was_not_known_is_not(run):
    source, end_us = Source(run.station), run.station.picture.end_us
    past, now = source.history(end_us - 5 * HOUR_US, end_us + HOUR_US), source.newest()
    assert past.starts_us.tolist() == [end_us + hour * HOUR_US for hour in range(-5, 1)]
    np.testing.assert_allclose(past.value[:, 4], now.value[:, 0])
    assert not np.isnan(past.value[0, :5, PEOPLE]).any()
    assert np.isnan(past.value[:, 5]).all()  # that hour is still to come


def test_only_whole_ticks_are_told(run):
    source, end_us = Source(run.station), run.station.picture.end_us
    assert len(source.history(end_us - 2 * HOUR_US + 1, end_us - 1).starts_us) == 0
    assert len(source.history(end_us - 2 * HOUR_US + 1, end_us).starts_us) == 1
    assert source.history(end_us, end_us).value.shape == (len(source.places), 0, len(BASE))


def test_a_gate_tells_who_was_counted_each_way(run):
    source, counted = Source(run.station), run.counts
    row = source.places.index("square-west")
    detection = run.station.model.streams[0].detection
    now = source.newest()
    assert now.value[row, 0, INFLOW] == pytest.approx(counted["square-west/count_in"][run.hour - 1] / detection)
    assert now.value[row, 0, OUTFLOW] == pytest.approx(counted["square-west/count_out"][run.hour - 1] / detection)
    assert np.isnan(now.value[row, 0, [PEOPLE, FLOW]]).all()


def test_a_place_that_is_silent_is_not_known(run):
    for _ in range(4):
        run.tick(without=tuple(run.counts)[1:])
    source, end_us = Source(run.station), run.station.picture.end_us
    row = source.places.index("street")
    assert np.isnan(source.newest().value[row]).all()
    assert np.isnan(source.history(end_us - HOUR_US, end_us).value[row]).all()


def test_a_forecast_has_its_own_bounds_and_moment_of_issue(run):
    source, forecast = Source(run.station), run.station.picture.forecast
    ahead = source.forecast()
    assert ahead.issued_us == forecast.issued_us
    assert (ahead.starts_us + source.tick_us).tolist() == forecast.valid_us.tolist()
    zone = source.places.index(next(iter(run.station.lab.zones)))
    np.testing.assert_array_equal(ahead.value[zone, :, PEOPLE], forecast.quantiles[zone, :, 10])
    assert (ahead.low[zone, :, PEOPLE] <= ahead.high[zone, :, PEOPLE]).all()

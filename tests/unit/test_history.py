"""The past of a lab's places as a forecast knows it: what was counted, through the estimate, by whole local days."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import estimate_world as square
from forecast_world import DAY_H, MONDAY, lab
from ruimte.clock import DAY_US, HOUR_US, MINUTE_US
from ruimte.errors import RuimteError
from ruimte.jobs.history import Actual, actual, city_of, counted, require_horizon, require_ticks
from ruimte.model.observation import OBSERVATIONS

START_US = 20_000 * DAY_US


class Source:
    """A database in memory: what was received in ``(from, until]``."""

    def __init__(self, rows):
        self.rows = rows
        self.asked = []

    def read(self, query):
        begin, end = (cell.cell_contents for cell in query.__closure__) if query.__closure__ else query.__defaults__
        self.asked.append((begin, end))
        received = self.rows["received_us"].to_numpy()
        return self.rows.filter(pa.array((received > begin) & (received <= end)))


def rows(*told):
    """Observations (stream, tick, result, late ticks), each received when its tick is over and the late ones are too."""
    stream, tick, result, late = (np.array(each) for each in zip(*told, strict=True))
    end = START_US + (tick + 1) * 5 * MINUTE_US
    received = end + late * 5 * MINUTE_US
    order = np.argsort(received, kind="stable")
    columns = [each[order] for each in (stream, end - 5 * MINUTE_US, end, received, result, np.zeros(len(end)))]
    return pa.table([pa.array(c).cast(f.type) for c, f in zip(columns, OBSERVATIONS, strict=True)], schema=OBSERVATIONS)


def found(model, table, ticks, until=None):
    return actual(model, Source(table), START_US, START_US + (until or ticks) * 5 * MINUTE_US + 1)


def test_of_a_count_point_it_is_what_was_counted(make_model):
    model = make_model([("road", "both")], [("road", "both")])
    known = np.random.default_rng(1).poisson(40, (2, 30)).astype(float)
    told = found(model, rows(*((s + 1, t, known[s, t], 0) for s in range(2) for t in range(30))), 30)
    assert told.first == model.tick_of(START_US)
    assert told.last == told.first + 29
    assert told.values[0] * 300 == pytest.approx(known.sum(axis=0))


def test_what_no_sensor_saw_is_not_known(make_model):
    model = make_model([("road", "both")], [("other", "both")])
    silent = (10, 11, 17)
    told = found(model, rows(*((s, t, 20.0, 0) for s in (1, 2) for t in range(30) if s == 2 or t not in silent)), 30)
    assert np.flatnonzero(np.isnan(told.values[0])).tolist() == list(silent)
    assert not np.isnan(told.values[1]).any()


def test_a_place_that_was_never_heard_is_never_known(make_model):
    model = make_model([("road", "both")], [("other", "both")])
    told = found(model, rows(*((2, t, 20.0, 0) for t in range(30))), 30)
    assert np.isnan(told.values[0]).all()


def test_an_observation_that_was_revised_counts_once_and_as_revised(make_model):
    model = make_model([("road", "both")], lateness_us=10 * MINUTE_US)
    told = [(1, t, 20.0, 0) for t in range(30)]
    again = [(1, 7, 35.0, 1), (1, 8, 20.0, 1), (1, 9, 21.0, 1), (1, 9, 22.0, 2)]
    values = found(model, rows(*told, *again), 30, until=34).values[0, :30] * 300
    wanted = np.full(30, 20.0)
    wanted[[7, 9]] = 35.0, 22.0
    assert values == pytest.approx(wanted)


def test_counts_of_links_by_tick(make_model):
    model = make_model([("road", "both")], [("other", "both")])
    first = model.tick_of(START_US)
    table = rows((1, 3, 6.0, 0), (1, 3, 9.0, 1), (2, 0, 3.0, 0), (2, 1, np.nan, 0), (2, 9, 3.0, 0))
    told = counted(model, table, first, 5) * 300
    assert np.nan_to_num(told, nan=-1.0).tolist() == [[-1.0, -1.0, -1.0, 9.0, -1.0], [3.0, -1.0, -1.0, -1.0, -1.0]]
    assert np.isnan(counted(model, table[:0], first, 5)).all()


def test_of_a_zone_it_is_the_estimate_and_near_the_truth():
    model = square.square()
    world = square.live(2)
    told = actual(model, Source(square.rows(world, model)), square.DAWN_US, square.end_us(2 * square.DAY - 1) + 1)
    assert told.values.shape == (1, 2 * square.DAY)
    late = slice(square.DAY, None)
    known = ~np.isnan(told.values[0, late])
    assert known.mean() > 0.95
    error = np.abs(told.values[0, late] - world.people[late])[known]
    assert error.mean() < 0.25 * world.people[late].mean()


def test_it_is_read_in_chunks_and_the_same_as_at_once(make_model, monkeypatch):
    model = make_model([("road", "both")])
    table = rows(*((1, t, float(t % 7 + 3), 0) for t in range(500)))
    whole = found(model, table, 500)
    monkeypatch.setattr("ruimte.jobs.history._CHUNK_US", 3 * HOUR_US + 1)
    source, shares = Source(table), []
    parts = actual(model, source, START_US, START_US + 500 * 5 * MINUTE_US + 1, shares.append)
    assert len(source.asked) > 5
    np.testing.assert_array_equal(parts.values, whole.values)
    assert (parts.first, parts.last) == (whole.first, whole.last)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_of_no_time_nothing_is_known(make_model):
    model = make_model([("road", "both")])
    empty = actual(model, Source(rows((1, 0, 1.0, 0))), START_US, START_US)
    assert empty.values.shape == (1, 0)


# a year and a half of hours, on a wall that is an hour ahead from April to October
_SPRING, _AUTUMN = (MONDAY + 90) * DAY_H + 1, (MONDAY + 300) * DAY_H + 1
_NEXT_SPRING, _NEXT_AUTUMN = _SPRING + 365 * DAY_H, _AUTUMN + 365 * DAY_H
CLOCKS = [(0, 1), (_SPRING, 2), (_AUTUMN, 1), (_NEXT_SPRING, 2), (_NEXT_AUTUMN, 1)]


@pytest.mark.parametrize("count_days", [60, 150, 365, 366, 540, 700])
@pytest.mark.parametrize("begin", [0, 40, 200])
def test_every_hour_of_years_lies_where_the_wall_had_it(begin, count_days):
    """Also where the past begins and ends in the same season, with two changes of clocks between."""
    model = lab(places=1, offsets=CLOCKS, quantity="flow")
    first = (MONDAY + begin) * DAY_H + 5  # not at midnight
    ticks = first + np.arange(count_days * DAY_H - 7)
    wall = ticks + model.utc_offset_us(ticks * HOUR_US) // HOUR_US
    values = (wall % (7 * DAY_H)).astype(float) / 3600
    city = city_of(model, Actual(values[None, :], first), DAY_H)
    assert city.first_h % DAY_H == 0
    assert city.values.shape[1] % DAY_H == 0
    hours = city.first_h + np.arange(city.values.shape[1])
    known = ~np.isnan(city.values[0])
    assert city.values[0][known] == pytest.approx((hours % (7 * DAY_H))[known])
    gone = [h for h in hours[~known] if h >= wall[0]]
    assert len(gone) == sum(int(first <= h <= ticks[-1]) for h in (_SPRING, _NEXT_SPRING) if h + 2 <= hours[-1])
    assert hours[-1] <= wall[-1]
    assert wall[-1] - hours[-1] < 2 * DAY_H  # no more than the day that is not over is left out
    assert hours[0] - wall[0] < DAY_H


def test_an_hour_that_comes_twice_is_the_mean_of_both():
    model = lab(places=1, offsets=CLOCKS, quantity="flow")
    first = (MONDAY + 295) * DAY_H - 2
    values = np.full(10 * DAY_H, 1.0 / 3600)
    values[_AUTUMN - 1 - first] = 3.0 / 3600
    city = city_of(model, Actual(values[None, :], first), DAY_H)
    twice = np.flatnonzero(city.values[0] != 1.0)
    assert city.values[0, twice].tolist() == [2.0]
    assert (city.first_h + twice[0]) % DAY_H == 2


@pytest.mark.parametrize(("minutes", "per_day"), [(5, 24), (5, 96), (15, 24), (15, 96), (60, 24)])
def test_it_is_told_by_the_hour_or_the_quarter(minutes, per_day):
    model = lab(places=2, tick_us=minutes * MINUTE_US, offsets=CLOCKS, quantity="flow")
    a_day = DAY_US // model.tick_us
    first = (MONDAY + 85) * a_day
    values = np.random.default_rng(1).uniform(0, 1, (2, 12 * a_day + 3))
    city = city_of(model, Actual(values, first), per_day)
    assert city.values.shape[1] % per_day == 0
    assert city.first_h % DAY_H == 0
    assert np.nanmean(city.values) == pytest.approx(1800, rel=0.1)
    assert int(np.isnan(city.values).any(axis=0).sum()) >= per_day // DAY_H  # the hour that there was not
    assert city.days.first < city.first_h // DAY_H


def test_less_than_a_day_is_no_day():
    model = lab(places=1)
    city = city_of(model, Actual(np.ones((1, 20)), MONDAY * DAY_H + 2), DAY_H)
    assert city.values.shape == (1, 0)


@pytest.mark.parametrize("minutes", [1, 5, 10, 15, 20, 30, 60])
def test_ticks_of_which_hours_are_made_suit(minutes):
    model = lab(tick_us=minutes * MINUTE_US)
    require_ticks(model)
    require_horizon(model, model.tick_us)
    require_horizon(model, 7 * DAY_US)


@pytest.mark.parametrize("minutes", [7, 45, 90, 120, 1440])
def test_other_ticks_are_refused_with_those_that_suit(minutes):
    with pytest.raises(RuimteError, match=r"ticks\.length.*use 1m, 5m"):
        require_ticks(lab(tick_us=minutes * MINUTE_US))


@pytest.mark.parametrize("horizon_us", [-1, 0, HOUR_US - 1, 7 * DAY_US + 1])
def test_a_horizon_is_from_a_tick_to_a_week(horizon_us):
    with pytest.raises(RuimteError, match="one tick to seven days"):
        require_horizon(lab(), horizon_us)

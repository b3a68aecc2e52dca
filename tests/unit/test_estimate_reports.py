"""What people on the street tell: the estimate goes there, as far as they are sure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from estimate_world import TICK_US, end_us, live, rows, square
from ruimte.clock import MINUTE_US
from ruimte.estimate import memory
from ruimte.estimate.advance import advance
from ruimte.estimate.health import health
from ruimte.model.observation import OBSERVATIONS
from ruimte.model.place import Report
from ruimte.model.state import VALUE_COLUMNS

NOON = 5 * 288 + 12 * 12
TOLD, SURE = 501, 502


def reporting(**kinds):
    return replace(square(**kinds), reports=(Report(TOLD, SURE, "field-report-square", 0, 0, 2**62),))


def report(tick, people, sd=None):
    """Somebody tells, two minutes before the end of a tick."""
    at_us = end_us(tick) - 2 * MINUTE_US
    told = [(TOLD, people)] + ([] if sd is None else [(SURE, sd)])
    columns = list(zip(*[(stream, at_us, at_us, at_us, value, 0) for stream, value in told], strict=True))
    return pa.table([pa.array(c).cast(f.type) for c, f in zip(columns, OBSERVATIONS, strict=True)], schema=OBSERVATIONS)


def last(states):
    return {name: states[name][-1].as_py() for name in ("mean", "sd", "q05", "q95", "age_us", "observed")}


@pytest.fixture(scope="module")
def morning():
    """A square at noon on its sixth day, as its counters tell."""
    world = live(6)
    return advance(reporting(), None, rows(world, reporting(), 0, NOON), end_us(NOON - 1))[0], world


def noon(morning, *told):
    state, world = morning
    counted = rows(world, reporting(), NOON, NOON + 1)
    together = pa.concat_tables([counted, *told]).sort_by("received_us")
    return last(advance(reporting(), state, together, end_us(NOON))[1])


def test_the_estimate_goes_towards_the_report_and_its_interval_narrows(morning):
    without, told = noon(morning), noon(morning, report(NOON, 2 * noon(morning)["mean"], sd=5.0))
    assert without["mean"] < told["mean"] <= 2 * without["mean"]
    assert told["sd"] < without["sd"]


def test_who_is_surer_weighs_more(morning):
    people = 1.3 * noon(morning)["mean"]
    vague, usual, sure = (noon(morning, report(NOON, people, sd)) for sd in (people, None, 0.02 * people))
    assert vague["mean"] < usual["mean"] < sure["mean"]
    assert sure["sd"] < usual["sd"] < vague["sd"]


def test_a_figure_without_its_own_sd_is_as_sure_as_the_register_says(morning):
    people = 1.3 * noon(morning)["mean"]
    assert noon(morning, report(NOON, people)) == noon(morning, report(NOON, people, 0.25 * people))


def test_a_place_of_which_nothing_is_heard_becomes_known_and_the_age_is_that_of_the_report():
    model = replace(reporting(), streams=())
    state, states = advance(model, None, report(NOON, 400.0), end_us(NOON))
    first = last(states)
    assert first["mean"] == pytest.approx(400, rel=0.1)
    assert first["q05"] < 300 < 500 < first["q95"]
    assert first["age_us"] == 2 * MINUTE_US
    later = last(advance(model, state, OBSERVATIONS.empty_table(), end_us(NOON + 6))[1])
    assert later["age_us"] == 2 * MINUTE_US + 6 * TICK_US
    assert later["sd"] > first["sd"]


def test_people_are_no_sensors_that_fall_silent(morning):
    assert {one.key for one in health(reporting(), morning[0])} == {one.key for one in health(square(), None)}


def test_a_register_that_takes_reports_from_now_on_keeps_what_was_known(morning):
    _, world = morning
    before, _ = advance(square(), None, rows(world, square(), 0, NOON), end_us(NOON - 1))
    one = memory.load(before, reporting(), len(VALUE_COLUMNS))
    other = memory.load(morning[0], reporting(), len(VALUE_COLUMNS))
    np.testing.assert_array_equal(one.state.people_x, other.state.people_x)
    assert one.heard_us.tolist() == other.heard_us.tolist()
    back = memory.load(morning[0], square(), len(VALUE_COLUMNS))
    assert len(back.heard_us) == len(other.heard_us) - 1

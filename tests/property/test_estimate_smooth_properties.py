"""Laws of smoothing, whatever was counted and whatever fails."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from ruimte.clock import DAY_US, HOUR_US, MINUTE_US
from ruimte.estimate.advance import advance
from ruimte.estimate.smooth import smooth
from ruimte.model.observation import OBSERVATIONS
from ruimte.model.place import OUTSIDE, Link, Model, Place, Reading, Stream

TICK_US = 5 * MINUTE_US
START_US = 20_000 * DAY_US
STREAMS = 7

MODEL = Model(
    lab="test",
    places=(
        Place("hall", "hall", "people", "station", area_m2=500.0, empty_at_us=3 * HOUR_US),
        Place("platform", "platform", "people", "station", area_m2=300.0, longest_stay_us=HOUR_US // 2),
        Place("street", "street", "flow", "street"),
    ),
    links=(
        Link("door", "in", OUTSIDE, 0),
        Link("door", "out", 0, OUTSIDE),
        Link("stairs", "in", 0, 1),
        Link("stairs", "out", 1, 0),
        Link("street", "both", point=2),
    ),
    # two counters at the door, nothing at all on the way back from the platform
    streams=tuple(Stream(k + 1, f"s{k}", link, TICK_US, 0, 2**62, 1e4) for k, link in enumerate((0, 0, 1, 2, 4))),
    tick_us=TICK_US,
    phase_us=0,
    lateness_us=0,
    offset_from_us=np.zeros(1, np.int64),
    offset_us=np.zeros(1, np.int64),
    readings=(
        Reading(6, "camera", 0, "people", TICK_US, 0, 2**62),
        Reading(7, "wifi", 1, "devices", TICK_US, 0, 2**62),
    ),
)


@st.composite
def days(draw: st.DrawFn) -> tuple[pa.Table, int]:
    """Rows of some hours of counts of any size, some lost, and for how many ticks."""
    ticks = draw(st.integers(1, 60))
    chance = np.random.default_rng(draw(st.integers(0, 2**32)))
    level = draw(st.sampled_from([0.3, 5.0, 80.0]))
    told = chance.poisson(level * chance.gamma(2.0, 0.5, (ticks, STREAMS))).astype(float)
    told[:, 5] *= draw(st.sampled_from([0.0, 1.0, 10.0]))
    told[chance.random(told.shape) < draw(st.sampled_from([0.0, 0.2, 0.9]))] = np.nan
    if ticks > 20 and draw(st.booleans()):
        told[10 : draw(st.integers(11, 20)), draw(st.integers(0, 5))] *= 30.0
    told[0, 0] = 1.0
    tick, stream = np.nonzero(~np.isnan(told))
    ends = START_US + (tick + 1) * TICK_US
    columns = [stream + 1, ends - TICK_US, ends, ends, told[tick, stream], np.zeros(len(tick))]
    named = zip(OBSERVATIONS.names, columns, strict=True)
    return pa.table({name: pa.array(c).cast(OBSERVATIONS.field(name).type) for name, c in named}, schema=OBSERVATIONS), ticks


@settings(max_examples=60, deadline=None)
@given(days(), st.sampled_from([None, 0, 1, 7, 1000]))
def test_hindsight_stays_within_what_can_be_and_tells_of_the_same_sensors(day: tuple[pa.Table, int], lag: int | None) -> None:
    observations, ticks = day
    until_us = START_US + ticks * TICK_US
    _, told = advance(MODEL, None, observations, until_us)
    states = smooth(MODEL, None, observations, until_us, None if lag is None else lag * TICK_US)
    for name in ("place", "start_us", "end_us", "observed", "age_us", "left_out"):
        assert states[name].equals(told[name]), name
    for name in ("mean", "sd", "inflow", "inflow_sd", "outflow", "outflow_sd"):
        values = states[name].to_numpy()
        assert (values[~np.isnan(values)] >= 0.0).all(), name
        assert np.isfinite(values[~np.isnan(values)]).all(), name
    lower = states["q05"].to_numpy()
    for name in ("q25", "q50", "q75", "q95"):
        upper = states[name].to_numpy()
        assert (np.isnan(lower) | (lower <= upper + 1e-9)).all(), name
        lower = upper


@settings(max_examples=40, deadline=None)
@given(days(), st.integers(1, 20))
def test_what_the_filter_knows_hindsight_knows_too(day: tuple[pa.Table, int], lag: int) -> None:
    observations, ticks = day
    until_us = START_US + ticks * TICK_US
    _, told = advance(MODEL, None, observations, until_us)
    for lag_us in (lag * TICK_US, None):
        states = smooth(MODEL, None, observations, until_us, lag_us)
        for name in ("mean", "inflow", "outflow"):
            assert not (np.isnan(states[name].to_numpy()) & ~np.isnan(told[name].to_numpy())).any(), name


@settings(max_examples=40, deadline=None)
@given(days(), st.integers(1, 20), st.data())
def test_rows_after_the_lag_do_not_matter(day: tuple[pa.Table, int], lag: int, data: st.DataObject) -> None:
    observations, ticks = day
    tick = data.draw(st.integers(0, ticks - 1))
    some, every = (
        smooth(MODEL, None, observations, START_US + min(end, ticks) * TICK_US, lag * TICK_US).slice(tick * 3, 3)
        for end in (tick + 1 + lag, ticks)
    )
    for name in ("mean", "sd", "q05", "q95", "inflow", "outflow"):
        np.testing.assert_allclose(some[name].to_numpy(), every[name].to_numpy(), rtol=1e-6, atol=1e-6, err_msg=name)

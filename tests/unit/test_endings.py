"""What is to come when an event ends: by the last evening of its series, else by the what-if model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ruimte.clock import DAY_US, HOUR_US, MINUTE_US
from ruimte.jobs.counted import Counted
from ruimte.jobs.endings import Endings
from ruimte.lab.compile import compile_lab, stream_keys
from ruimte.lab.lab import Lab
from ruimte.lab.read import read_lab
from ruimte.lab.validity import moment_us
from ruimte.labs import lab_folder
from ruimte.model.observation import OBSERVATIONS
from ruimte.model.place import Model

TICKS = 12


@pytest.fixture(scope="module")
def lab() -> Lab:
    return read_lab(Path(lab_folder("boulevard")))


@pytest.fixture(scope="module")
def model(lab: Lab) -> Model:
    return compile_lab(lab, {each.key: number for number, each in enumerate(stream_keys(lab), start=1)})


@pytest.fixture(scope="module")
def end_us(lab: Lab) -> int:
    return moment_us(lab.events[-1].end, lab.zone)


def zone(model: Model, key: str) -> int:
    return next(index for index, place in enumerate(model.places) if place.key == key)


def counts(model: Model, by_gate: dict[tuple[str, str], float], end: int) -> pa.Table:
    rows = [
        (stream.id, end - model.tick_us, end, end, by_gate[link.gate, link.way] * stream.detection, 0)
        for stream in model.streams
        if ((link := model.links[stream.link]).gate, link.way) in by_gate
    ]
    return pa.table([pa.array(column) for column in zip(*rows, strict=True)], schema=OBSERVATIONS)


def evening(model: Model, people: float) -> tuple[np.ndarray, np.ndarray]:
    mean = np.full(len(model.places), 20.0)
    mean[zone(model, "festival-beach")] = people
    return mean, np.sqrt(mean)


def by_tram(model: Model, until_us: int) -> Counted:
    """All came by tram today."""
    counted = Counted(model)
    for end in range(until_us - 6 * HOUR_US, until_us + 1, model.tick_us):
        counted.note(counts(model, {("tram-stop", "in"): 12.0, ("village", "in"): 0.2}, end), end)
    return counted


def test_counts_are_persons_by_link_over_a_time(model: Model) -> None:
    counted = Counted(model)
    end = 3000 * DAY_US
    counted.note(counts(model, {("tram-stop", "in"): 30.0}, end), end)
    link = next(n for n, each in enumerate(model.links) if (each.gate, each.way) == ("tram-stop", "in"))
    assert counted.persons(HOUR_US)[link] == pytest.approx(30.0)
    assert counted.rates(HOUR_US)[link] == pytest.approx(30.0 / 300)  # the ticks that were not counted tell nothing
    assert counted.persons(HOUR_US).sum() == pytest.approx(30.0)


def test_a_first_festival_is_simulated_home_the_way_it_came(lab: Lab, model: Model, end_us: int) -> None:
    endings = Endings(lab, model)
    now = end_us - 15 * MINUTE_US
    limits = np.full((len(model.places), 1, 1 + TICKS), 400.0)
    told = endings.leaving(now, *evening(model, 6000.0), by_tram(model, now), limits)
    assert told is not None
    assert told.simulated
    chance = told.chance[:, 0]
    assert np.isnan(chance[:, :4]).all()  # now, and before the end
    assert np.nanmax(chance[zone(model, "tram-square")]) > 0.9
    assert np.nanmax(chance[zone(model, "lighthouse-square")]) < 0.1
    few = endings.leaving(now, *evening(model, 300.0), by_tram(model, now), limits)
    assert few is not None
    assert np.nanmax(few.chance[zone(model, "tram-square")]) < 0.1


def test_far_from_an_end_nothing_is_told(lab: Lab, model: Model, end_us: int) -> None:
    endings = Endings(lab, model)
    limits = np.full((len(model.places), 1, 1 + TICKS), 400.0)
    for now in (end_us - 2 * HOUR_US, end_us + HOUR_US):
        assert endings.leaving(now, *evening(model, 8000.0), Counted(model), limits) is None


def test_the_last_evening_of_the_series_tells_of_the_next(lab: Lab, model: Model, end_us: int) -> None:
    first = moment_us(lab.events[0].end, lab.zone)
    assert lab.events[0].series == lab.events[-1].series
    square = zone(model, "tram-square")
    ticks = int(model.tick_of(first)) + np.arange(-300, 300)
    values = np.full((600, len(model.places)), 10.0)
    values[:300, zone(model, "festival-beach")] = 5000.0
    values[300:306, square] = 500.0
    endings = Endings(lab, model)
    endings.learn(ticks, values)
    now = end_us - 15 * MINUTE_US
    limits = np.full((len(model.places), 1, 1 + TICKS), 1000.0)
    told = endings.leaving(now, *evening(model, 10_000.0), Counted(model), limits)
    assert told is not None
    assert not told.simulated
    chance = told.chance[square, 0]
    assert np.isnan(chance[:4]).all()
    # twice as many as then: the limit is the median
    assert chance[4:9] == pytest.approx(0.5, abs=0.02)
    assert chance[10:] == pytest.approx(0.0, abs=0.01)
    # once it has ended, what counts is how many there were
    later = endings.leaving(end_us + 10 * MINUTE_US, *evening(model, 4000.0), Counted(model), limits)
    assert later is not None
    assert later.chance[square, 0, 1:3] == pytest.approx(0.5, abs=0.02)


def test_a_lab_without_gates_has_no_endings_to_tell(lab: Lab, model: Model, end_us: int) -> None:
    bare = replace(model, links=())
    endings = Endings(replace(lab, gates={}), bare)
    limits = np.full((len(model.places), 1, 1 + TICKS), 1.0)
    assert endings.leaving(end_us, *evening(model, 100.0), Counted(bare), limits) is None

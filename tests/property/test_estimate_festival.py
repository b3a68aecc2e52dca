"""A festival that no profile has ever seen is a crowd, not many faults: few counters are taken for liars, one that lies is."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest

from ruimte.estimate.advance import advance
from ruimte.estimate.health import conditions
from ruimte.lab.compile import compile_lab, stream_keys
from ruimte.lab.read import read_lab
from ruimte.labs import lab_folder
from ruimte.model.place import Model
from ruimte.synthetic import Day, Parameters, day, history, observe

SEED = 2
FIRST, EVE, FESTIVAL = date(2026, 7, 18), date(2026, 8, 14), date(2026, 8, 15)
CALLED = ("lying", "drifting")
SEEN = ("festival-beach", "pier-square", "promenade-middle", "pier", "beach-north", "beach-south")
"""Zones with an area camera where people stay."""


@pytest.fixture(scope="module")
def eve() -> tuple[Model, bytes, Day, pa.Table]:
    """Four ordinary weeks have been learned; then the festival: its truth, and what the sensors tell of it."""
    lab = read_lab(lab_folder("boulevard"))
    ids = {each.key: number for number, each in enumerate(stream_keys(lab), 1)}
    model, parameters, state = compile_lab(lab, ids), Parameters.drawn(SEED), None
    for each in history(lab, FIRST, EVE, SEED, parameters):
        state, _ = advance(model, state, observe(each, lab, ids), int(each.ends_us[-1]))
    assert state is not None
    evening = day(lab, FESTIVAL, SEED, parameters)
    return model, state, evening, observe(evening, lab, ids)


def test_hardly_any_counter_is_condemned_for_a_festival(eve: tuple[Model, bytes, Day, pa.Table]) -> None:
    model, state, evening, rows = eve
    end, from_us, called = rows["end_us"].to_numpy(), 0, set()
    for until_us in evening.ends_us[143::12].tolist():
        part = rows.filter(pa.array((end > from_us) & (end <= until_us)))
        state, _ = advance(model, state, part, until_us)
        called |= {id_ for id_, each in conditions(model, state).items() if each in CALLED}
        from_us = until_us
    assert len(called) <= 0.15 * len(model.streams)


def test_people_at_a_festival_are_told_right_where_a_camera_looks(eve: tuple[Model, bytes, Day, pa.Table]) -> None:
    model, state, evening, rows = eve
    _, states = advance(model, state, rows, int(evening.ends_us[-1]))
    hours, key = slice(12 * 14, 12 * 19), [place.key for place in model.places]  # from 18:00 to 23:00
    seen = [key.index(zone) for zone in SEEN]
    told = (states[name].to_numpy().reshape(-1, len(key))[-len(evening.people) :, seen][hours] for name in ("mean", "q05", "q95"))
    mean, low, high = told
    truth = evening.people[:, [evening.zones.index(zone) for zone in SEEN]][hours]
    assert abs(mean[:, 0].sum() / truth[:, 0].sum() - 1) < 0.1
    # not nine in ten: gates that are full miss more people than they ever did
    assert ((low <= truth) & (truth <= high)).mean() > 0.55

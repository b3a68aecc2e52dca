"""Comparing measures in a running room, on an invented evening of the boulevard, and what is kept of it with a decision."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from types import SimpleNamespace

import numpy as np
import pytest

from ruimte.clock import MINUTE_US, ManualClock, to_us
from ruimte.errors import RuimteError
from ruimte.jobs.live import LiveRoom, StoreFeed
from ruimte.jobs.register import register_lab
from ruimte.jobs.station import Station
from ruimte.jobs.synthesising import synthesise
from ruimte.lab.read import read_lab
from ruimte.labs import lab_folder
from ruimte.model.forecast import LEVELS, Forecast
from ruimte.model.role import Actor
from ruimte.store import records
from ruimte.store.sqlite import Store

JO = Actor("Jo Jansen", "manager")
EVENING_US = to_us(datetime(2026, 8, 15, 18, 15, tzinfo=UTC))
"""The beach fills for the festival; the promenade beside it is too full already."""
PLACE, MEASURE = "promenade-middle", "close-entrance"


@pytest.fixture(scope="module")
def evening(tmp_path_factory):
    """A room that ran for a quarter of an hour that evening; ``run_on(minutes)`` runs it further."""
    lab = read_lab(lab_folder("boulevard"))
    with Store(tmp_path_factory.mktemp("boulevard") / "boulevard.db", lab.key) as store:
        synthesise(lab, store, date(2026, 8, 15), date(2026, 8, 15), 1)
        clock = ManualClock(EVENING_US)
        room = LiveRoom(Station(lab, register_lab(lab, store), store), clock, "replay")
        feed = StoreFeed(store)

        def run_on(minutes):
            asyncio.run(room.run(lambda share: None, feed, clock.now_us() + minutes * MINUTE_US))

        run_on(15)
        yield SimpleNamespace(room=room, lab=lab, store=store, run_on=run_on)


def warning(evening):
    return next(each for each in evening.room.warnings("en") if each.place == PLACE and each.phase != "closed")


def compared(evening, subject, *also):
    return asyncio.run(evening.room.compare(subject, "en", also))


def zone(effect, key):
    return next(each for each in effect.zones if each.zone == key)


def test_closing_a_gate_lowers_the_zone_behind_it_and_those_people_are_elsewhere(evening):
    view = compared(evening, warning(evening).id)
    closed = next(each for each in view.measures if each.key == MEASURE)
    beach = zone(closed, "festival-beach")
    assert beach.with_.q50[-1] < 0.97 * beach.without.q50[-1]
    inside = {side: sum(getattr(each, side).q50[-1] for each in closed.zones if each.known) for side in ("without", "with_")}
    elsewhere = {side: total - getattr(beach, side).q50[-1] for side, total in inside.items()}
    assert elsewhere["with_"] > 1.05 * elsewhere["without"]


def test_it_starts_from_the_live_picture_and_nothing_done_is_the_forecast_on_the_page(evening, monkeypatch):
    station = evening.room._station
    picture, places = station.picture, len(station.model.places)
    quantiles = 1000.0 + 400.0 * np.tile(LEVELS, (places, 36, 1))
    valid = picture.end_us + station.model.tick_us * np.arange(1, 37)
    monkeypatch.setattr(station, "picture", replace(picture, forecast=Forecast(picture.end_us, valid, quantiles, "made-up")))
    view = compared(evening, warning(evening).id, "pass-by")
    told = zone(view.measures[0], PLACE).without
    assert told.q05 == pytest.approx([1020.0] * len(view.valid), abs=0.1)
    assert told.q50 == pytest.approx([1200.0] * len(view.valid), abs=0.1)
    assert view.from_ == next(each.time for each in evening.room.zones("en") if each.key == PLACE)
    assert (view.place, view.level) == (PLACE, warning(evening).level)


def test_the_proposed_measures_and_others_that_were_chosen_are_compared(evening):
    proposed = {each.key for each in warning(evening).measures}
    view = compared(evening, warning(evening).id, "close-pier")
    assert {each.key for each in view.measures} == {*proposed, "close-pier"}
    assert next(each for each in view.measures if each.key == "close-pier").simulated
    assert not next(each for each in view.measures if each.key == "stewards").simulated
    ranks = [each.rank for each in view.measures if each.simulated]
    assert ranks == list(range(1, len(ranks) + 1))
    minutes = [each.above_min for each in view.measures if each.simulated]
    assert minutes == sorted(minutes)


def test_asked_again_within_the_tick_it_is_at_hand(evening):
    first = compared(evening, warning(evening).id)
    begun = time.perf_counter()
    again = compared(evening, warning(evening).id)
    assert again == first
    assert time.perf_counter() - begun < 0.3


def test_many_who_ask_at_once_do_not_keep_the_room_waiting(evening):
    async def at_once():
        room, id_ = evening.room, warning(evening).id
        asked = [asyncio.create_task(room.compare(id_, "en", (key,))) for key in ("close-pier", "pass-by", "hold-tram-square")]
        await asyncio.sleep(0)
        begun = time.perf_counter()
        await asyncio.to_thread(room.status)
        waited = time.perf_counter() - begun
        return waited, await asyncio.gather(*asked)

    waited, views = asyncio.run(at_once())
    assert waited < 0.5
    assert all(view.why_not is None for view in views)


def test_a_zone_without_a_warning_is_compared_with_the_whole_playbook(evening):
    view = compared(evening, "pier")
    assert (view.warning, view.level) == (None, "E")
    assert {each.key for each in view.measures} == set(evening.lab.measures)


def test_what_is_not_there_is_refused(evening):
    with pytest.raises(RuimteError, match="no such zone"):
        compared(evening, "nowhere")
    with pytest.raises(RuimteError, match="is closed or does not exist"):
        compared(evening, 9999)


def test_a_decision_keeps_what_was_predicted_and_the_chart_shows_it_beside_what_came(evening):
    room, id_ = evening.room, warning(evening).id
    asyncio.run(room.decide(id_, JO, MEASURE, "Two gates"))
    (entry,) = [each for each in evening.store.read(lambda c: records.log(c, None, 50)) if each.kind == "decided"]
    kept = entry.body["predicted"]
    assert {PLACE, "festival-beach"} <= set(kept["zones"])
    steps = len(kept["valid"])
    for sides in kept["zones"].values():
        for side in ("without", "with"):
            assert all(len(sides[side][name]) == steps for name in ("q05", "q50", "q95"))
    assert "predicted" not in room.logbook("en", limit=1)[0].text
    (effect,) = room.series(PLACE, "en").effects
    assert effect.told.endswith("; not measured yet.")
    evening.run_on(15)
    (effect,) = room.series("festival-beach", "en").effects
    assert effect.measure == MEASURE
    assert effect.told.startswith("Predicted with Close the festival's entrances: ")
    assert "; measured: " in effect.told
    assert room.series("pier", "en", hours=1.0).effects == [] or "pier" in kept["zones"]
    # what was decided later is not shown of the past
    assert room.series(PLACE, "en", at_us=EVENING_US).effects == []


def test_a_measure_without_actions_is_decided_without_a_prediction(evening):
    room = evening.room
    asyncio.run(room.decide(warning(evening).id, JO, "stewards", before=warning(evening).answer))
    newest = next(each for each in evening.store.read(lambda c: records.log(c, None, 5)) if each.kind == "decided")
    assert newest.body["measure"] == "stewards"
    assert "predicted" not in newest.body

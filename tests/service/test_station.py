"""The station: from observations to warnings and back, tick by tick, and again after a restart."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import chain

import msgspec
import numpy as np
import pytest

from ruimte.clock import HOUR_US
from ruimte.jobs import views
from ruimte.jobs.register import register_lab
from ruimte.jobs.station import Station
from ruimte.jobs.words import Words
from ruimte.lab.check import check_lab
from ruimte.lab.files import Distancing
from ruimte.model.forecast import EVEN, LEVELS
from ruimte.model.observation import no_observations
from ruimte.store import observations, records, results
from ruimte.store.sqlite import Store

FIRST_HOURS = 12


def log(run):
    """Lines of the logbook, oldest first."""
    return run.store.read(lambda c: records.log(c, None, 1000))[::-1]


def everything(run):
    """All that the station wrote, without the wall's time."""
    tables = {
        "states": "SELECT place_id, start_us, end_us, algorithm_id, mean, sd, q05, q50, q95, inflow, outflow, observed, age_us",
        "forecasts": "SELECT place_id, issued_us, algorithm_id, first_us, step_us, levels, quantiles",
        "warnings": "SELECT id, revision, at_us, phase, body",
        "logbook": "SELECT lab_us, kind, place, warning_id, who, body",
        "snapshots": "SELECT name, until_us, body",
    }
    return {name: run.store.read(lambda c, q=f"{s} FROM {name}": c.execute(q).fetchall()) for name, s in tables.items()}


def test_a_tick_gives_states_a_forecast_and_in_time_a_warning(start):
    run = start()
    outcomes = [run.tick() for _ in range(FIRST_HOURS)]
    picture = run.station.picture
    assert picture.end_us == run.station.model.tick_end_us(run.station.model.tick_of(picture.end_us) - 1)
    assert np.isfinite(picture.states["mean"]).all()
    assert np.isfinite(picture.forecast.quantiles).all()
    assert (picture.states["observed"] == 1).all()
    opened = {w.place: w for outcome in outcomes for kind, w in outcome.warnings if kind == "opened"}
    assert {"square", "station-road"} <= set(opened)
    assert opened["station-road"].table == "unusual"
    assert opened["square"].table == "fruin-walkway"
    assert opened["square"].measures
    kinds = [entry.kind for entry in log(run)]
    assert "opened" in kinds
    assert "updated" not in kinds
    assert "not-run" not in kinds


def test_every_warning_and_line_can_be_read_in_both_languages(start, town):
    run = start()
    steps = [w for _ in range(30) for _, w in run.tick().warnings]
    for language in ("en", "nl"):
        words = Words(town, language)
        for warning in steps:
            sentences = [words.reason(reason) for reason in warning.reasons]
            assert sentences
            assert "nan" not in " ".join(sentences)
            assert views.warning_view(run.station, warning, language).reasons == sentences
        assert all(words.log(entry) for entry in log(run))


@pytest.mark.parametrize("stops", [(1,), (5, 6), (40,)])
def test_a_restart_changes_nothing(start, stops):
    steady, stopped = start("steady"), start("stopped")
    for hour in range(54):
        if hour in stops:
            stopped.restart()
        steady.tick()
        stopped.tick()
    one, other = everything(steady), everything(stopped)
    for name in one:
        assert other[name] == one[name], name
    assert len(one["warnings"]) > 10
    assert views.zone_views(stopped.station, stopped.station.picture, "en") == views.zone_views(
        steady.station, steady.station.picture, "en"
    )


def test_a_stop_of_some_hours_is_caught_up_with(start):
    steady, stopped = start("steady"), start("stopped")
    for _ in range(6):
        steady.tick()
    stopped.store.append(steady.store.read(lambda c: observations.received(c, 0, 2**60)))
    stopped.hour = steady.hour
    stopped.restart()
    np.testing.assert_array_equal(stopped.station.picture.states["mean"], steady.station.picture.states["mean"])
    steady.tick(), stopped.tick()
    np.testing.assert_array_equal(stopped.station.picture.forecast.quantiles, steady.station.picture.forecast.quantiles)


def test_looking_back_shows_what_was_shown(start):
    run, shown = start(), {}
    for _ in range(40):
        run.tick()
        shown[run.hour] = (run.station.picture.end_us, views.zone_views(run.station, run.station.picture, "en"))
    for end_us, then in shown.values():
        again = views.zone_views(run.station, run.station.picture_at(end_us), "en")
        for before, now in zip(then, again, strict=True):
            # forecasts are kept to seven digits
            assert now.ahead == before.ahead or (
                now.ahead.level == before.ahead.level
                and now.ahead.at == before.ahead.at
                and now.ahead.probability == pytest.approx(before.ahead.probability, abs=1e-5)
            )
            # of the past it is known what a figure rested on, not how its sensors were
            assert [(one.key, one.used) for one in now.rests_on] == [(one.key, one.used) for one in before.rests_on]
            bare = {"ahead": None, "rests_on": []}
            assert msgspec.structs.replace(now, **bare) == msgspec.structs.replace(before, **bare)


def test_looking_back_past_a_week_keeps_the_thresholds_of_then(start):
    run = start()
    run.tick()
    then = views.zone_views(run.station, run.station.picture, "en")[2]
    moment = run.station.picture.end_us
    for _ in range(90):
        run.tick()
    assert then.thresholds
    assert views.zone_views(run.station, run.station.picture_at(moment), "en")[2].thresholds == then.thresholds


def test_a_place_that_is_added_later_does_not_shift_the_others(start, folder, tmp_path):
    run = start()
    run.tick()
    means = dict(zip([p.key for p in run.station.model.places], run.station.picture.states["mean"], strict=True))
    moment = run.station.picture.end_us
    lab = run.station.lab
    # "alley" sorts before all others in the lab, and after them in the store
    zone = replace(lab.zones["street"], key="alley")
    grown = Station(larger := replace(lab, zones={"alley": zone, **lab.zones}), register_lab(larger, run.store), run.store)
    grown.warm_up(moment)
    found = dict(zip([p.key for p in grown.model.places], grown.picture.states["mean"], strict=True))
    assert np.isnan(found.pop("alley"))
    assert found == means
    assert [view.key for view in views.zone_views(grown, grown.picture_at(moment), "en")] == ["alley", *means]


def silent_lines(run):
    return [(entry.kind, entry.place) for entry in log(run) if entry.kind in ("silent", "heard")]


def test_silence_is_told_once_and_so_is_its_end(start):
    run = start()
    quiet = ("station-road/count",)
    run.tick()
    for _ in range(4):
        run.tick(without=quiet)
    assert silent_lines(run) == [("silent", "station-road")]
    view = views.zone_views(run.station, run.station.picture, "en")[2]
    assert view.silent
    assert view.observed == 0.0
    run.restart()
    run.tick(without=quiet)
    assert silent_lines(run) == [("silent", "station-road")]
    run.tick()
    assert silent_lines(run)[1:] == [("heard", "station-road")]


def sensor_lines(run, language="en"):
    words = Words(run.station.lab, language)
    return [(entry.kind, words.log(entry)) for entry in log(run) if entry.kind.startswith("sensor-")]


def test_a_sensor_that_fails_is_told_with_the_evidence_and_again_when_it_is_fine(start):
    run = start()
    run.tick()
    for _ in range(4):
        run.tick(without=("square-west/count_in", "square-west/count_out"))
    ((kind, line),) = sensor_lines(run)
    assert kind == "sensor-silent"
    assert line.startswith("Sensor Square, west side is silent. Not heard since 13 Apr 14:00.")
    assert "Sensor Plein, westkant geeft geen signaal. Niets gehoord sinds 13 apr 14:00." in sensor_lines(run, "nl")[0][1]
    view = views.zone_views(run.station, run.station.picture, "en")[0]
    troubled = [(one.key, one.condition, one.used) for one in view.rests_on if one.condition != "fine"]
    assert troubled == [("square-west", "silent", False)]
    assert not view.silent
    run.restart()
    for _ in range(4):
        run.tick()
    assert [kind for kind, _ in sensor_lines(run)] == ["sensor-silent", "sensor-fine"]


def test_a_large_state_is_written_only_now_and_then_and_nothing_is_lost(start, monkeypatch):
    monkeypatch.setattr("ruimte.jobs.station._LARGE_STATE", 1)
    steady, stopped = start("steady"), start("stopped")
    written = set()
    for hour in range(30):
        if hour == 17:
            stopped.restart()
        steady.tick()
        stopped.tick()
        written.add(steady.store.read(lambda c: results.snapshot(c, "estimate"))[0])
    assert len(written) <= 3
    one, other = everything(steady), everything(stopped)
    assert other["states"] == one["states"]
    assert other["forecasts"] == one["forecasts"]


def test_at_a_set_distance_it_is_told_how_many_fit(start, town):
    file = msgspec.structs.replace(town.file, distancing=Distancing(distance_m=1.5))
    run = start(lab=replace(town, file=file))
    run.tick()
    square, _, road = views.zone_views(run.station, run.station.picture, "en")
    assert square.distance.capacity == pytest.approx(town.zones["square"].area_m2 / 1.9486, rel=1e-3)
    assert 0 <= square.distance.exceeded <= 1
    assert road.distance is None


def test_a_warning_outlives_the_state_that_it_came_from(start, town):
    run = start()
    while not any(w.place == "station-road" for w in run.station.book.open_warnings()):
        run.tick()
    # a day of silence: the place is not known any more, its warning may not break the page
    for _ in range(30):
        run.tick(without=("station-road/count",))
        for warning in run.store.read(lambda c: records.warnings(c, 2**60, 0)):
            assert not any("nan" in sentence for sentence in views.warning_view(run.station, warning, "nl").reasons)
    assert np.isnan(run.station.picture.states["mean"][2])


def changed(lab, **fields):
    entry = lab.algorithms["threshold-warning"] if "key" not in fields else lab.algorithms[fields.pop("key")]
    return replace(lab, algorithms={**lab.algorithms, entry.key: msgspec.structs.replace(entry, **fields)})


def test_an_algorithm_that_is_not_in_use_does_not_run_and_it_is_told_once(start, town):
    run = start(lab=changed(town, status="out of use"))
    for _ in range(FIRST_HOURS):
        assert run.tick().warnings == []
    assert [entry.body["algorithm"] for entry in log(run) if entry.kind == "not-run"] == ["threshold-warning"]
    assert run.station.picture.forecast is not None


def test_an_algorithm_stops_on_the_day_its_entry_ends(start, town):
    run = start(lab=changed(town, key="amsterdam-profile", valid_until=date(2026, 4, 13)))
    issued = []
    for _ in range(20):
        run.tick()
        issued.append(run.station.picture.forecast is not None)
    # the first tick ends at 14:00 of the wall on 13 April, the eleventh at the midnight after it
    assert issued == [True] * 10 + [False] * 10
    assert [entry.body["algorithm"] for entry in log(run) if entry.kind == "not-run"] == ["amsterdam-profile"]


def test_without_its_estimators_a_lab_estimates_nothing_not_even_its_past(start, town, tmp_path, counts):
    none = replace(town, algorithms={})
    run = start(lab=none)
    before = everything(run)["states"]
    run.tick()
    assert everything(run)["states"] == before
    with Store(tmp_path / "fresh.db", town.key, durable=False) as store:
        model = register_lab(none, store)
        store.append(run.store.read(lambda c: observations.received(c, 0, 2**60)))
        Station(none, model, store).warm_up(run.station.picture.end_us)
        assert store.read(lambda c: c.execute("SELECT count(*) FROM states").fetchone()) == (0,)


def test_a_lab_without_any_data_runs_and_says_so(town, tmp_path):
    with Store(tmp_path / "empty.db", town.key, durable=False) as store:
        station = Station(town, register_lab(town, store), store)
        now = 1_776_070_800 * 1_000_000
        station.warm_up(now)
        outcome = station.tick(no_observations(), now + HOUR_US)
        outcome.durable.result()
        assert outcome.warnings == []
        for view in views.zone_views(station, station.picture, "nl"):
            assert (view.mean, view.level, view.silent) == (None, None, True)


def test_the_lab_of_these_tests_is_in_order(folder):
    assert check_lab(folder)[1] == []


def test_forecasts_are_stored_as_issued(start):
    run = start()
    run.tick()
    forecast, model = run.station.picture.forecast, run.station.model
    for index in range(len(model.places)):
        stored = run.store.read(lambda c, i=run.station.place_ids[index]: results.forecast_at(c, i, forecast.issued_us))
        assert stored.valid_us.tolist() == forecast.valid_us.tolist()
        np.testing.assert_allclose(stored.quantiles, forecast.quantiles[index], rtol=1e-6)
        early = run.store.read(lambda c, i=run.station.place_ids[index]: results.forecast_at(c, i, forecast.issued_us - 1))
        assert early is None or early.issued_us < forecast.issued_us


def test_looking_back_on_forecasts_of_19_quantiles_shows_what_was_seen(start):
    run, ends = start(), []
    for _ in range(FIRST_HOURS):
        run.tick()
        ends.append(run.station.picture.end_us)
    now = [run.station.picture_at(end_us) for end_us in ends]

    def cut(connection):
        for id_, packed in connection.execute("SELECT id, quantiles FROM forecasts").fetchall():
            even = np.frombuffer(packed, "<f4").reshape(-1, len(LEVELS))[:, EVEN].tobytes()
            connection.execute("UPDATE forecasts SET levels = 19, quantiles = ? WHERE id = ?", (even, id_))

    run.store.write(cut).result()
    then = [run.station.picture_at(end_us) for end_us in ends]
    for before, after in zip(now, then, strict=True):
        np.testing.assert_array_equal(after.forecast.quantiles[..., EVEN], before.forecast.quantiles[..., EVEN])
        assert np.isfinite(after.forecast.quantiles).all()
    risks = zip(*(chain.from_iterable(chain.from_iterable(p.risks for p in pictures)) for pictures in (now, then)), strict=True)
    # the outer quantiles only matter for what is less likely than 5 % or likelier than 95 %
    shown = [(before, after) for before, after in risks if before.horizon >= 0 and 0.05 <= before.probability <= 0.95]
    assert shown
    assert all(replace(after, outlook=()) == replace(before, outlook=()) for before, after in shown)

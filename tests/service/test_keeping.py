"""Notes and field reports while a lab runs: durable when told so, in the logbook, and in the next picture."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from ruimte.clock import HOUR_US, MINUTE_US, ManualClock
from ruimte.errors import RuimteError
from ruimte.intake.notes import HoldsPersonalError
from ruimte.jobs.inbox import Inbox, Sent
from ruimte.jobs.keeping import judge_figure
from ruimte.jobs.live import LiveRoom, StoreFeed
from ruimte.model.observation import no_observations
from ruimte.model.role import Actor
from ruimte.sta.errors import StaError
from ruimte.store import observations

from .conftest import NOW, moment, rows_of

WHO = Actor("Jo Jansen", "operator")


class LabRun:
    """A room by the hour; a live one is fed from its own store, a replay from elsewhere. ``heard``: whether its sensors tell."""

    def __init__(self, run, mode, heard=True):
        self.run, self.heard = run, heard
        self.clock = ManualClock(moment(NOW - 1))
        self.room = LiveRoom(run.station, self.clock, mode)
        self.store_feed = StoreFeed(run.store)
        self.mode = mode

    def feed(self, now_us):
        hours = range(self.run.hour, (now_us - moment(0)) // HOUR_US + 1)
        self.run.hour = hours.stop
        rows = rows_of(self.run.counts, self.run.store.stream_ids(), hours) if self.heard else no_observations()
        if rows.num_rows:
            self.run.store.append(rows)
        return self.store_feed(now_us) if self.mode == "live" else rows

    def hours(self, count):
        asyncio.run(self.room.run(lambda progress: None, self.feed, self.clock.now_us() + count * HOUR_US))

    def zone(self, key="square"):
        return next(zone for zone in self.room.zones("en") if zone.key == key)

    def report(self, *figures, place="square", note=""):
        """Somebody reports ten minutes into the hour that comes."""
        self.clock.set(self.clock.now_us() + 10 * MINUTE_US)
        asyncio.run(self.room.report_count(WHO, place, *figures, note))
        self.clock.set(self.clock.now_us() - 10 * MINUTE_US)


@pytest.fixture(params=["live", "replay"])
def lab_run(start, request):
    return LabRun(start(request.param), request.param)


def width(zone):
    return zone.q95 - zone.q05


def test_the_next_picture_goes_towards_what_was_reported_and_is_surer(start, lab_run):
    other = LabRun(start("without"), lab_run.mode)
    for each in (lab_run, other):
        each.hours(3)
    expected = other.zone().mean
    lab_run.report(2.2 * expected, 2.4 * expected)
    for each in (lab_run, other):
        each.hours(1)
    assert other.zone().mean < lab_run.zone().mean < 2.5 * max(expected, other.zone().mean)
    # relative to how many there are, for the interval of more people is wider
    assert width(lab_run.zone()) / lab_run.zone().mean < width(other.zone()) / other.zone().mean
    line = next(line for line in lab_run.room.logbook("nl") if line.kind == "field-report")
    assert line.text.startswith("Veldmelding van Plein: ongeveer ")
    assert (line.who, line.name) == ("operator", "Jo Jansen")


def test_a_silent_place_becomes_known_and_its_age_is_that_of_the_report(start, lab_run):
    lab_run.heard = False
    lab_run.hours(5)
    assert lab_run.zone().silent
    lab_run.report(300, 500)
    lab_run.hours(1)
    zone = lab_run.zone()
    assert not zone.silent
    assert zone.level is not None
    assert zone.q05 < 400 < zone.q95
    assert zone.age_s == pytest.approx(50 * 60)
    person = next(one for one in zone.rests_on if one.key == "field-report-square")
    assert person.used
    assert (person.name, person.heard_s) == ("Field report: Square", 50 * 60)
    assert "told of about 400 persons" in person.told
    lab_run.hours(3)
    assert lab_run.zone().silent
    assert not any(one.key == "field-report-square" for one in lab_run.zone().rests_on)


def test_a_report_is_an_observation_with_its_sd_and_is_kept_with_its_line_or_not_at_all(lab_run):
    lab_run.hours(1)
    lab_run.report(400, 600, note="rond het podium")
    store = lab_run.run.store
    ids = store.stream_ids()
    values = {
        measure: store.read(lambda c, m=measure: observations.current(c, ids[f"field-report-square/{m}"], 0, 2**62))[
            "result"
        ].to_pylist()
        for measure in ("people", "people_sd")
    }
    assert values == {"people": [500.0], "people_sd": [100.0]}
    with pytest.raises(HoldsPersonalError):
        lab_run.report(400, 600, note="bel 06-12345678")
    assert sum(line.kind == "field-report" for line in lab_run.room.logbook("en")) == 1
    assert "rond het podium" in lab_run.room.logbook("en")[0].text


def test_after_a_restart_the_report_still_counts(lab_run):
    lab_run.hours(2)
    lab_run.report(3000, 3200)
    lab_run.hours(1)
    before = lab_run.run.station.picture.states["mean"].copy()
    lab_run.run.restart()
    np.testing.assert_array_equal(lab_run.run.station.picture.states["mean"], before)


@pytest.mark.parametrize(
    ("place", "figures", "what"),
    [
        ("square", (1e9, 1e9), "more than fit"),
        ("square", (-1, 5), "below 0"),
        ("square", (50, 20), "ends below where it begins"),
        ("square", (float("nan"), 20), "not a number"),
        ("station-road", (5, 5), "takes no field reports"),
        ("nowhere", (5, 5), "takes no field reports"),
    ],
)
def test_a_silly_number_or_place_is_refused_in_one_line(lab_run, place, figures, what):
    with pytest.raises(RuimteError, match=what) as told:
        lab_run.report(*figures, place=place)
    assert "\n" not in str(told.value)
    assert told.value.mend
    assert not lab_run.room.logbook("en")


def test_outside_the_registered_time_no_report_is_taken(lab_run):
    lab_run.clock.set(moment(0) + 10 * 366 * 24 * HOUR_US)
    with pytest.raises(RuimteError, match="takes no field reports now"):
        lab_run.report(5, 5)


def test_a_note_is_a_line_of_the_logbook(lab_run):
    lab_run.hours(1)
    heard = lab_run.room.listen()
    asyncio.run(lab_run.room.write_note(WHO, " Podium dicht ", "square"))
    assert heard.get_nowait().kind == "changed"
    asyncio.run(lab_run.room.write_note(WHO, "Alles rustig"))
    assert [line.text for line in lab_run.room.logbook("nl", limit=2)] == ["Alles rustig", "Plein: Podium dicht"]
    with pytest.raises(HoldsPersonalError):
        asyncio.run(lab_run.room.write_note(WHO, "auto KB-12-GT"))
    with pytest.raises(RuimteError, match="no such zone"):
        asyncio.run(lab_run.room.write_note(WHO, "hier", "nowhere"))


def test_what_was_done_elsewhere_on_the_node_is_a_line_too(lab_run):
    lab_run.hours(1)
    heard = lab_run.room.listen()
    asyncio.run(lab_run.room.write_act(WHO, "agreement-signed", {"partner": "{Police}", "agreement": "abc"}))
    assert heard.get_nowait().kind == "changed"
    (line,) = lab_run.room.logbook("nl", limit=1)
    assert (line.text, line.who, line.name) == ("Overeenkomst abc met {Police} ondertekend.", "operator", "Jo Jansen")


def test_no_device_tells_what_people_tell(lab_run):
    store, lab = lab_run.run.store, lab_run.room.lab
    box = Inbox(lab, store, lab_run.clock)
    stream = store.stream_ids()["field-report-square/people"]

    with pytest.raises(StaError, match="credential"):
        asyncio.run(box.take(None, b"{}", lambda payload: [Sent(stream, 5)]))
    for device in lab.devices:
        (taken,) = asyncio.run(box.take(device, b"{}", lambda payload: [Sent(stream, 5)]))
        assert isinstance(taken, StaError)
        assert taken.what == "is told by people, in the control room"


def test_how_sure_a_figure_is():
    assert judge_figure(400, 400, 0.25, 1e4).sd == 100
    assert judge_figure(300, 500, 0.25, 1e4).sd == 100
    assert judge_figure(499, 501, 0.25, 1e4).sd == 25  # nobody counts a crowd that well
    assert judge_figure(0, 0, 0.25, 1e4).sd == 5

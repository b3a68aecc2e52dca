"""Tracks in the node: figures of places go out, in the store and on the page; of a track nothing is ever kept."""

from __future__ import annotations

import asyncio
import json
import re
import warnings
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it asks for another HTTP library than the one we test with
    from starlette.testclient import TestClient

from fake_room import FakeAccounts, FakeRoom
from ruimte.clock import SECOND_US, ManualClock, iso, to_us
from ruimte.intake.devices import FORMATS
from ruimte.intake.message import Frame, ImageFrame, Message
from ruimte.jobs.inbox import Inbox, Sent
from ruimte.jobs.register import register_lab
from ruimte.jobs.tracking import Tracking
from ruimte.lab.files import AlgorithmEntry
from ruimte.lab.read import read_lab
from ruimte.sta.errors import StaError
from ruimte.store import observations, records
from ruimte.store.sqlite import Store
from ruimte.web.app import create_app
from ruimte.web.settings import WebSettings
from track_lab import sensor, track_lab
from track_walkers import payload, wandering

NOON = to_us(datetime(2026, 6, 1, 12, tzinfo=UTC))
FRAME = SECOND_US // 10
VIEW = [(0.0, 0.0), (20.0, 0.0), (20.0, 10.0), (0.0, 10.0)]
HALL = [(5.0, 0.0), (15.0, 0.0), (15.0, 10.0), (5.0, 10.0)]
ZONE_FIGURES = ["people", "people_sd", "density", "speed"]
GATE_FIGURES = ["count_in", "count_out", "speed"]


@pytest.fixture
def folder(tmp_path):
    """A hall with a door in the west, told of by one overhead sensor."""
    sensors = {
        "hall-tracks": sensor("hall-tracks", "hall", ZONE_FIGURES),
        "door-tracks": sensor("door-tracks", "door", GATE_FIGURES, "10s"),
    }
    gates = {"door": ([(5.0, 0.0), (5.0, 10.0)], "outside", "hall")}
    return track_lab(tmp_path / "town", VIEW, HALL, sensors, gates=gates)


@pytest.fixture
def hall(folder, tmp_path):
    """The node's part that takes tracks, by a clock of our own."""
    with Store(tmp_path / "town.db", "town") as store:
        yield Hall(folder, store)


class Hall:
    def __init__(self, folder, store):
        self.lab, self.store, self.clock = read_lab(folder), store, ManualClock(NOON)
        register_lab(self.lab, store)
        self.names = {id_: key for key, id_ in store.stream_ids().items()}
        self.inbox = Inbox(self.lab, store, self.clock)
        self.start()

    def start(self):
        self.tracking = Tracking(self.lab, self.store, self.clock)
        self.tracking.warm_up()
        self.inbox.on_tracks = self.tracking.take

    def send(self, time_us, ids, x, y):
        """A frame, as soon as it was seen."""
        self.clock.set(max(time_us, self.clock.now_us()))
        asyncio.run(self.inbox.deliver("overhead", payload(time_us, ids, x, y)))
        return self.work()

    def stand(self, seconds, x, y, begin=NOON, ids=None):
        """The same people in each frame of some seconds."""
        for k in range(round(seconds * 10)):
            self.send(begin + k * FRAME, ids or range(1, len(x) + 1), x, y)

    def wait(self, seconds):
        """Time goes by in which nothing comes."""
        self.clock.set(self.clock.now_us() + round(seconds * SECOND_US))
        return self.work()

    def work(self):
        for device, rows in self.tracking.work_off().items():
            if rows:
                asyncio.run(self.inbox.tell(device, rows))

    def told(self, stream):
        """What was stored of a datastream: results by the end of their interval, s after noon."""
        rows = self.store.read(lambda c: observations.received(c, 0, 2**62)).to_pylist()
        found = {(row["end_us"] - NOON) / SECOND_US: row["result"] for row in rows if self.names[row["datastream"]] == stream}
        return dict(sorted(found.items()))

    def view(self, language="en"):
        (view,) = self.tracking.views(language)
        return view

    def logged(self):
        self.store.write(lambda c: None).result()
        return [(entry.kind, entry.body) for entry in self.store.read(lambda c: records.log(c, None, 50))]


def test_who_stands_in_the_zone_is_told_each_second(hall):
    hall.stand(3, [6.0, 10.0, 14.0, 2.0], [5.0, 5.0, 5.0, 5.0])
    hall.wait(5)
    assert hall.told("hall-tracks/people") == {1.0: 3.0, 2.0: 3.0, 3.0: 3.0}
    assert all(0 < sd < 1 for sd in hall.told("hall-tracks/people_sd").values())
    assert hall.told("hall-tracks/density")[3.0] == pytest.approx(0.03, rel=0.01)
    assert hall.told("hall-tracks/speed")[3.0] == pytest.approx(0.0, abs=1e-9)


def test_an_empty_frame_is_nobody_and_silence_is_nothing(hall):
    hall.stand(1, [], [])
    hall.wait(10)
    hall.stand(1, [10.0], [5.0], begin=NOON + 10 * SECOND_US)
    hall.wait(5)
    assert hall.told("hall-tracks/people") == {1.0: 0.0, 11.0: 1.0}
    assert hall.told("hall-tracks/speed").keys() == {11.0}, "of nobody there is no speed"


def walk_in(hall, seconds=10.0, skip=lambda k: False):
    """One goes in at 1 m/s, two go out; the door is passed after 3 s."""
    for k in range(round(seconds * 10)):
        if not skip(k):
            s = k / 10
            hall.send(NOON + k * FRAME, [1, 2, 3], [2.0 + s, 8.0 - s, 8.0 - s], [2.0, 5.0, 8.0])


def test_who_passes_a_gate_is_counted_by_its_way(hall):
    walk_in(hall, 8)
    hall.stand(2, [], [], begin=NOON + 8 * SECOND_US)
    hall.wait(5)
    assert hall.told("door-tracks/count_in") == {10.0: 1.0}
    assert hall.told("door-tracks/count_out") == {10.0: 2.0}
    assert hall.told("door-tracks/speed")[10.0] == pytest.approx(1.0, rel=0.01)


def test_a_count_of_which_part_was_not_seen_is_missing_and_not_zero(hall):
    walk_in(hall, 10, skip=lambda k: k >= 80)
    hall.wait(20)
    assert hall.told("door-tracks/count_in") == {}
    assert hall.told("hall-tracks/people").keys() == {float(s) for s in range(1, 9)}


def test_frames_may_come_in_disorder_and_twice(hall):
    order = [0, 2, 1, 1, 4, 3, 5, 7, 6, 9, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22]
    for k in order:
        hall.send(NOON + k * FRAME, [1], [3.0 + 0.1 * k], [5.0])
    hall.wait(5)
    assert hall.told("hall-tracks/people")[1.0] == 0.0
    assert hall.told("hall-tracks/people")[3.0] == 1.0
    walked = hall.told("hall-tracks/speed")[3.0]
    assert walked == pytest.approx(1.0, rel=0.01)


def test_a_clock_that_is_far_off_is_told_and_moves_nothing(hall):
    hall.stand(1, [10.0], [5.0])
    for k in range(12):
        hall.send(NOON - 3600 * SECOND_US + k * FRAME, [1], [10.0], [5.0])
    hall.wait(30)
    assert "behind" in hall.view().trouble
    assert hall.told("hall-tracks/people") == {1.0: 1.0}


def test_tracks_of_a_second_sensor_are_not_mixed_with_those_of_the_first(hall):
    for k in range(30):
        time_us = NOON + k * FRAME
        hall.clock.set(time_us)
        for source, x in (("one", 6.0), ("two", 14.0)):
            frame = Frame(source, time_us, np.array([1], np.uint64), np.array([x]), np.array([5.0]))
            hall.tracking.take("overhead", Message(frames=[frame]))
        hall.work()
    assert set(hall.told("hall-tracks/people").values()) == {1.0}
    assert "another sensor" in hall.view().trouble


def test_a_restart_that_gives_numbers_anew_passes_no_gate(hall):
    hall.stand(1.5, [4.0], [5.0], ids=[1])
    hall.stand(8.5, [6.0], [5.0], begin=NOON + 1_500_000, ids=[1])
    hall.wait(5)
    assert hall.told("door-tracks/count_in") == {10.0: 0.0}, "nobody goes 2 m in a tenth of a second"


def test_positions_of_another_place_give_no_figures_and_that_is_told(hall):
    hall.stand(3, [500.0 + k for k in range(12)], [5.0] * 12)
    hall.wait(1.5)
    assert hall.told("hall-tracks/people") == {}
    assert "outside its view" in hall.view().trouble


def test_many_positions_outside_are_told_beside_the_figures(hall):
    """As where the axes of the sensor are not those of the register."""
    inside = [5.5 + 0.7 * k for k in range(12)]
    hall.stand(3, [*inside, *[500.0] * 2], [5.0] * 14)
    hall.wait(1.5)
    assert hall.view().trouble == ""
    hall.stand(3, [*inside, *[500.0] * 5], [5.0] * 17, begin=hall.clock.now_us() + FRAME)
    hall.wait(1.5)
    assert set(hall.told("hall-tracks/people").values()) == {12.0}
    assert hall.view().trouble.startswith("29% of the positions do not count")


def test_units_that_cannot_be_give_no_figures(hall):
    chance = np.random.default_rng(1)
    hall.stand(3, list(chance.uniform(6, 6.2, 50)), list(chance.uniform(5, 5.2, 50)))
    assert hall.told("hall-tracks/people") == {}


def test_what_the_register_does_not_allow_does_not_run_and_is_said_once(hall):
    entry = hall.lab.algorithms["track-figures"]
    hall.lab.algorithms["track-figures"] = _changed(entry, valid_until=datetime(2026, 6, 1, 12, 0, 3, tzinfo=UTC))
    hall.stand(6, [10.0], [5.0])
    hall.wait(5)
    assert max(hall.told("hall-tracks/people")) <= 3.0
    assert [body for kind, body in hall.logged() if kind == "not-run"] == [{"algorithm": "track-figures"}]
    assert "off" in hall.view().trouble
    assert "uit" in hall.view("nl").trouble
    assert hall.view().field is None


def test_a_sensor_whose_time_is_over_tells_nothing_more(hall):
    entry = hall.lab.sensors["hall-tracks"]
    over = datetime(2026, 6, 1, 12, tzinfo=UTC) + timedelta(seconds=2)
    hall.lab.sensors["hall-tracks"] = _changed(entry, valid_until=over)
    hall.start()
    hall.stand(5, [10.0], [5.0])
    hall.wait(5)
    assert hall.told("hall-tracks/people").keys() == {1.0, 2.0}
    (source,) = (each for each in hall.inbox.views() if each.device == "overhead")
    assert source.refused == 0, "what may not be told is not even tried"


def test_a_device_may_not_tell_these_figures_itself(hall):
    stream = hall.store.stream_ids()["hall-tracks/people"]
    sent = Sent(stream, 5, iso(NOON))
    (taken,) = asyncio.run(hall.inbox.take("overhead", b"{}", lambda payload: [sent]))
    assert isinstance(taken, StaError)
    assert taken.status == 403


def test_the_page_gets_a_field_and_figures_and_no_track(hall):
    hall.stand(3, [9.0, 10.0, 11.0], [5.0, 5.0, 5.0])
    view = hall.view()
    assert view.trouble == ""
    assert view.people == 3.0
    assert len(view.field.values) == view.field.columns * view.field.rows <= 2500
    total = sum(value for value in view.field.values if value) * view.field.square_m**2
    assert total == pytest.approx(3, rel=0.02)
    hall_figure, door = view.figures
    assert (hall_figure.people, hall_figure.level, door.inward) == (3.0, "A", None), "a minute has not been seen yet"


def test_after_a_minute_the_page_tells_who_passed_in_it(hall):
    walk_in(hall, 8)
    hall.stand(53, [], [], begin=NOON + 8 * SECOND_US)
    (_, door) = hall.view().figures
    assert (door.inward, door.outward) == (1, 2)
    hall.wait(10)
    (_, door) = hall.view().figures
    assert door.inward is None, "what was is not what is"


def test_where_the_node_cannot_keep_up_frames_are_left_out_and_that_is_told(hall):
    read = FORMATS["xovis"].read
    for k in range(100):  # all at once, for the thread was busy
        hall.clock.set(NOON + k * FRAME)
        hall.tracking.take("overhead", read(payload(NOON + k * FRAME, [1], [10.0], [5.0]), hall.lab.zone, NOON))
    hall.work()
    assert len(hall.told("hall-tracks/people")) <= 3
    hall.stand(1, [10.0], [5.0], begin=NOON + 10 * SECOND_US)
    assert hall.tracking.views("en")[0].frames <= 10


def test_frames_that_come_too_late_are_told(hall):
    for k in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 5, 18, 6, 19, 7, 20, 21, 22, 23, 24, 25):
        hall.send(NOON + k * FRAME, [1], [10.0], [5.0])
    assert "too late" in hall.view().trouble


def test_a_fault_of_one_device_is_told_without_anything_of_a_track(hall, caplog):
    def broken(*frame):
        raise ValueError("track 424242 at 3.14159")

    hall.tracking._devices["overhead"].take = broken
    hall.stand(1, [10.0], [5.0])
    assert [body for kind, body in hall.logged() if kind == "tracks-failed"] == [{"device": "overhead", "error": "ValueError"}]
    assert "424242" not in caplog.text
    assert "3.14159" not in caplog.text


def test_a_picture_needs_a_homography_and_then_gives_figures(tmp_path):
    sensors = {"hall-tracks": sensor("hall-tracks", "hall", ZONE_FIGURES)}
    for number, (more, people, trouble) in enumerate(
        [
            ("homography = [[20, 0, 0], [0, 10, 0], [0, 0, 1]]", {1.0: 1.0}, ""),
            ("", {}, "homography"),
        ]
    ):
        folder = track_lab(tmp_path / f"town{number}", VIEW, HALL, sensors, device_format="axis-scene", more=more)
        with Store(tmp_path / f"town{number}.db", "town") as store:
            there = Hall(folder, store)
            for k in range(15):
                time_us = NOON + k * FRAME
                there.clock.set(time_us)
                image = ImageFrame("channel-1", time_us, np.array([9], np.uint64), np.array([0.5]), np.array([0.5]))
                there.tracking.take("overhead", Message(image_frames=[image]))
                there.work()
            assert there.told("hall-tracks/people") == people
            assert trouble in there.view().trouble


def test_tracks_are_forgotten_and_memory_does_not_grow(hall):
    """5,000 frames, with everybody's number new each second."""
    tracked = hall.tracking._devices["overhead"]
    ids, still = np.arange(50, dtype=np.uint64), np.linspace(6, 14, 50)
    for k in range(5_000):
        time_us = NOON + k * FRAME
        hall.clock.set(time_us)
        hall.tracking.take("overhead", Message(frames=[Frame("x", time_us, ids + np.uint64(k // 10 * 50), still, still)]))
        hall.tracking.work_off()
        if k % 1000 == 999:
            assert tracked.tracks <= 50 * 12
            assert len(tracked.recent) <= 70
    hall.wait(5)
    assert tracked.tracks == 0


def test_many_people_at_once_are_kept_up_with(hall):
    import time

    chance = np.random.default_rng(3)
    begun = time.process_time()
    for k in range(30):
        x, y = chance.uniform(0, 20, 3000), chance.uniform(0, 10, 3000)
        hall.send(NOON + k * FRAME, range(3000), x, y)
    assert 30 / (time.process_time() - begun) > 5, "frames a second"


def test_nothing_of_a_track_is_kept(hall, tmp_path, caplog):
    caplog.set_level(0)
    ids = [777_000_111 + k for k in range(40)]
    walks = wandering(40, 20.0, 10.0, 10.0, seed=5)
    places = set()
    for k in range(100):
        x, y = next(walks)
        places |= {f"{value:.3f}" for value in (*x, *y)}
        hall.send(NOON + k * FRAME, ids, x, y)
    hall.wait(5)
    hall.send(NOON + 20 * SECOND_US, ids[:1] * 2, [1e9, float(x[0])], [1.0, 2.0])
    hall.store.write(lambda c: c.execute("PRAGMA user_version")).result()
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("town.db*"))
    assert len(hall.told("hall-tracks/people")) == 10, "this run has stored something"
    shown = json.dumps([each.__class__.__name__ + repr(each) for each in hall.tracking.views("en")])
    for who in ids:
        for text in (str(who).encode(), who.to_bytes(8, "little"), who.to_bytes(4, "big")):
            assert text not in kept
        assert str(who) not in shown + caplog.text
    rare = {place for place in places if len(place) >= 6}
    assert not any(place in caplog.text for place in rare)
    rows = hall.store.read(lambda c: observations.received(c, 0, 2**62)).to_pylist()
    positions = {float(place) for place in rare}
    assert not positions & {round(row["result"], 3) for row in rows if "people" not in hall.names[row["datastream"]]}


def _changed(entry: AlgorithmEntry, **changes):
    return type(entry)(**{field: getattr(entry, field) for field in entry.__struct_fields__} | changes)


def test_the_page_of_crowds_shows_what_the_node_sees(hall):
    room = FakeRoom(seen_crowds=hall.tracking.views)
    app = create_app(room, FakeAccounts(), WebSettings())
    with TestClient(app, "http://localhost:8000", client=("127.0.0.1", 50_000)) as visitor:

        def shown(language):
            html = visitor.get("/fragments/crowds", params={"lang": language}).text
            return " ".join(re.sub(r"<script.*?</script>|<[^>]+>", " ", html, flags=re.S).split())

        assert "no frames yet" in shown("en")
        hall.stand(3, [6.0, 8.0, 10.0, 12.0], [5.0, 5.0, 5.0, 5.0], ids=[91827361, 91827362, 91827363, 91827364])
        hall.wait(0.5)
        assert "4 people in view" in shown("en")
        assert re.search(r"hall level A Fruin 1971, walking 4 ± \S+ 0\.0\d", shown("en"), flags=re.I)
        assert "4 mensen in beeld" in shown("nl")
        assert "91827361" not in visitor.get("/api/v1/crowds").text
        hall.wait(40)
        assert re.search(r"\? no frames for 4\d s", shown("en"))
        field = hall.view().field
        assert len(field.corners) == 4, "where it looks is hatched on the map"
        assert set(field.values) == {None}
        assert "4 people" not in shown("en")

"""From what a device sends to what the control room shows: nothing is missed, nothing counts twice, doubt does not count."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from ruimte.clock import MINUTE_US, ManualClock, iso, to_us
from ruimte.jobs.inbox import Inbox, Sent
from ruimte.jobs.live import LiveRoom, StoreFeed
from ruimte.jobs.register import register_lab
from ruimte.jobs.station import Station
from ruimte.lab.files import DeviceEntry
from ruimte.lab.new import new_lab
from ruimte.lab.read import read_lab
from ruimte.store.sqlite import Store

NOON = to_us(datetime(2026, 6, 1, 12, tzinfo=UTC))
TICK = 5 * MINUTE_US
STREET = "station-road"


@pytest.fixture
def town(tmp_path):
    """A node of the example lab by a clock of our own, and its inbox."""
    new_lab(tmp_path / "town")
    lab = read_lab(tmp_path / "town")
    lab.devices["street"] = DeviceEntry(key="street", name="Street", format="sensorthings", sensors=["station-road"])
    with Store(tmp_path / "town.db", lab.key) as store:
        yield Town(lab, store)


class Town:
    def __init__(self, lab, store):
        self.lab, self.store, self.clock = lab, store, ManualClock(NOON)
        self.start()

    def start(self):
        self.room = LiveRoom(Station(self.lab, register_lab(self.lab, self.store), self.store), self.clock, "live")
        self.inbox = Inbox(self.lab, self.store, self.clock)
        self.stream = self.store.stream_ids()[f"{STREET}/count"]

    def run(self, *ticks):
        """Live for as many ticks as there are lists of (count, end); each list is sent before its tick ends."""
        feed = StoreFeed(self.store)

        def sending(now_us):
            for count, end in ticks[(now_us - begun) // TICK - 1]:
                sent = Sent(self.stream, count, f"{iso(end - TICK)}/{iso(end)}")
                (taken,) = asyncio.run(self.inbox.take("street", b"{}", lambda payload, sent=sent: [sent]))
                assert isinstance(taken, int), taken
            return feed(now_us)

        begun = self.clock.now_us() // TICK * TICK
        asyncio.run(self.room.run(lambda progress: None, sending, begun + len(ticks) * TICK))

    def street(self):
        return next(view for view in self.room.zones("en") if view.key == STREET)


def test_what_is_sent_in_a_tick_is_in_its_picture(town):
    town.run([(60, NOON + TICK)])
    assert town.street().mean == pytest.approx(720, rel=0.05), "60 in five minutes are 720 an hour"
    assert not town.street().silent


def test_what_was_sent_while_nothing_ran_is_made_up_for_once(town):
    town.run([(60, NOON + TICK)])
    sent = Sent(town.stream, 60, f"{iso(NOON + TICK)}/{iso(NOON + 2 * TICK)}")
    town.clock.set(NOON + 2 * TICK)
    asyncio.run(town.inbox.take("street", b"{}", lambda payload: [sent]))
    town.clock.set(NOON + 2 * TICK + 1)
    town.start()
    town.run([], [])
    query = "SELECT end_us, observed FROM states JOIN places p ON p.id = place_id WHERE p.key = ?"
    observed = dict(town.store.read(lambda c: c.execute(query, (STREET,)).fetchall()))
    assert observed[NOON + TICK] == observed[NOON + 2 * TICK] == 1.0
    assert observed[NOON + 3 * TICK] == 0.0


def test_a_count_beyond_what_can_pass_moves_no_picture(town):
    town.run([(60, NOON + TICK)], [(100_000, NOON + 2 * TICK)])
    assert (town.street().mean or 0) < 1000
    (view,) = [view for view in town.inbox.views() if view.device == "street"]
    assert (view.kept, view.doubtful) == (2, 1)


def test_a_message_that_is_sent_twice_counts_once(town):
    town.run([(60, NOON + TICK), (60, NOON + TICK), (60, NOON + TICK)])
    assert town.street().mean == pytest.approx(720, rel=0.05)

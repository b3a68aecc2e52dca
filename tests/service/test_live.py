"""The live room: ticks by a clock, and what people decide is durable when they are told so."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ruimte.clock import DAY_US, HOUR_US, ManualClock, from_us
from ruimte.errors import RuimteError
from ruimte.jobs.live import LiveRoom, StoreFeed
from ruimte.jobs.register import register_lab
from ruimte.jobs.staff import forget_names, keep_forgetting, purge
from ruimte.jobs.station import Station
from ruimte.model.role import Actor
from ruimte.store import observations, records
from ruimte.store.sqlite import Reader

from .conftest import NOW, moment, rows_of

WEEK_US = 7 * DAY_US
JO = Actor("Jo Jansen", "manager")


@pytest.fixture
def room(start):
    """A room that was run until its street has a warning; ``room.run_on(hours)`` runs it further."""
    run = start()
    clock = ManualClock(moment(NOW - 1))
    live = LiveRoom(run.station, clock, "replay", 600.0)

    def feed(now_us):
        hours = range(run.hour, (now_us - moment(0)) // HOUR_US + 1)
        run.hour = hours.stop
        rows = rows_of(run.counts, run.store.stream_ids(), hours)
        run.store.append(rows)
        return rows

    def run_on(hours):
        # the run begins where the clock stands
        asyncio.run(live.run(lambda progress: None, feed, clock.now_us() + hours * HOUR_US))

    live.run_on, live.path = run_on, run.store.path
    live.run_on(8)
    return live


def street(room, **more):
    return next(warning for warning in room.warnings("en", **more) if warning.place == "station-road")


def test_it_runs_by_the_clock_and_tells_its_listeners(start):
    run = start()
    room = LiveRoom(run.station, ManualClock(moment(NOW - 1)), "live")
    heard = room.listen()
    assert room.status().phase == "starting"
    asyncio.run(room.run(lambda progress: progress(1.0), StoreFeed(run.store), moment(NOW + 2)))
    status = room.status()
    assert (status.phase, status.progress, status.time) == ("ended", 1.0, f"{from_us(moment(NOW + 2)):%Y-%m-%dT%H:%M:%SZ}")
    told = [heard.get_nowait() for _ in range(heard.qsize())]
    assert [change.sequence for change in told] == list(range(1, len(told) + 1))
    assert sum(change.kind == "state" for change in told) >= 4
    assert [entry.kind for entry in room.logbook("en")][-1] == "started"
    room.unlisten(heard)


def test_the_feed_tells_each_row_once_however_it_came_in(start):
    run = start()
    feed = StoreFeed(run.store)
    feed(moment(NOW))
    rows = rows_of(run.counts, run.store.stream_ids(), range(NOW + 1, NOW + 3))
    unwaited = run.store.write(lambda c: observations.append(c, rows))
    first, second = feed(moment(NOW + 1)), feed(moment(NOW + 2))
    assert unwaited.done()
    assert first.num_rows > 0
    assert first.num_rows + second.num_rows == rows.num_rows
    assert feed(moment(NOW + 3)).num_rows == 0


def test_a_listener_that_lags_loses_the_oldest(start):
    room = LiveRoom(start().station, ManualClock(moment(NOW - 1)), "live")
    heard = room.listen()

    async def tell():
        for _ in range(100):
            await room._tell("state")

    asyncio.run(tell())
    told = [heard.get_nowait().sequence for _ in range(heard.qsize())]
    assert told == list(range(37, 101))


def test_acknowledging_and_deciding_is_durable_and_in_the_logbook(room):
    warning = street(room)
    assert warning.phase == "open"
    asyncio.run(room.acknowledge(warning.id, JO))
    assert (street(room).phase, street(room).acknowledged_by) == ("acknowledged", "crowd manager")
    asyncio.run(room.decide(warning.id, JO, "announce", "Signs at the station"))
    with Reader(Path(room.path)) as other:
        kept = other.read(lambda c: records.warnings(c, 2**60, 0))
        assert next(w for w in kept if w.id == warning.id).decision == "announce"
    newest = room.logbook("en", limit=2)
    assert [(entry.kind, entry.who, entry.name, entry.warning) for entry in newest] == [
        ("decided", "crowd manager", "Jo Jansen", warning.id),
        ("acknowledged", "crowd manager", "Jo Jansen", warning.id),
    ]
    assert newest[0].text == "Measure for Station road: Show a quieter route. Signs at the station"
    assert street(room).decision == "Show a quieter route"
    # what was decided outlives a restart
    store = room._station.store
    again = Station(room.lab, register_lab(room.lab, store), store)
    again.warm_up(room._clock.now_us())
    assert again.book.get(warning.id).decision == "announce"


def test_the_name_stands_beside_the_logbook_and_nowhere_else(room):
    asyncio.run(room.acknowledge(street(room).id, JO))
    room._station.store.write(lambda c: c.execute("DELETE FROM staff_names")).result()
    with Reader(Path(room.path)) as other:
        dump = other.read(lambda c: "\n".join(c.iterdump()))
    assert "acknowledged" in dump
    assert JO.name not in dump


def test_declining_is_a_decision_too(room):
    asyncio.run(room.decide(street(room).id, JO, "declined", "Only a market"))
    assert room.logbook("nl", limit=1)[0].kind == "declined"
    assert street(room).decision == "No measure taken"


def test_seen_and_nothing_done_is_an_answer(room):
    asyncio.run(room.decide(street(room).id, JO, "seen"))
    assert room.logbook("nl", limit=1)[0].text.endswith("gezien, niets gedaan.")
    assert (street(room).answer, street(room).decision, street(room).phase) == ("seen", "Seen, nothing done", "acknowledged")


def test_of_two_who_answer_at_once_the_second_is_told_of_the_first(room):
    warning = street(room).id

    async def at_once():
        both = (room.decide(warning, JO, "announce"), room.decide(warning, Actor("Di", "operator"), "declined"))
        return await asyncio.gather(*both, return_exceptions=True)

    first, second = asyncio.run(at_once())
    refused = [each for each in (first, second) if isinstance(each, RuimteError)]
    assert [each.what for each in refused] == ["was answered by someone else"]
    answers = [entry.kind for entry in room.logbook("en") if entry.kind in ("decided", "declined")]
    assert len(answers) == 1
    # who has seen that answer may change it
    asyncio.run(room.decide(warning, JO, "seen", before=street(room).answer))
    assert street(room).answer == "seen"


def test_two_who_acknowledge_at_once_mean_the_same(room):
    warning = street(room).id

    async def at_once():
        await asyncio.gather(room.acknowledge(warning, JO), room.acknowledge(warning, Actor("Di", "operator")))

    asyncio.run(at_once())
    assert [entry.kind for entry in room.logbook("en")].count("acknowledged") == 1


def test_what_is_put_aside_comes_back_when_its_time_is_over(room):
    warning = street(room).id
    with pytest.raises(RuimteError, match="choose 1 to 240 minutes"):
        asyncio.run(room.shelve(warning, JO, 241))
    asyncio.run(room.shelve(warning, JO, 60, "Market day"))
    shelved = street(room)
    assert (shelved.phase, shelved.shelved_until) == ("acknowledged", f"{from_us(moment(NOW + 8)):%Y-%m-%dT%H:%M:%SZ}")
    assert room.warnings("en")[-1].place == "station-road"  # below what is not put aside
    asyncio.run(room.unshelve(warning, JO))
    assert (street(room).phase, street(room).shelved_until) == ("open", None)
    asyncio.run(room.unshelve(warning, JO))  # nothing more to bring back
    kinds = [entry.kind for entry in room.logbook("en")]
    assert (kinds.count("shelved"), kinds.count("unshelved")) == (1, 1)


def test_how_much_is_asked_is_told_without_who(room):
    asyncio.run(room.acknowledge(street(room).id, JO))
    load = room.load()
    assert load.each == load.alarms / load.operators
    assert not load.too_heavy


def test_what_does_not_exist_is_refused_and_changes_nothing(room):
    before = room.warnings("en"), room.logbook("en")
    standing = street(room).id
    for act in (room.acknowledge(99, JO), room.decide(standing, JO, "fly"), room.decide(99, JO, "declined")):
        with pytest.raises(RuimteError):
            asyncio.run(act)
    with pytest.raises(RuimteError, match="no such zone or count point"):
        room.series("atlantis", "en")
    assert (room.warnings("en"), room.logbook("en")) == before


def test_a_change_that_cannot_be_written_is_taken_back(room):
    warning = street(room)
    room._station.store.close()
    with pytest.raises(RuimteError, match="the store is closed"):
        asyncio.run(room.acknowledge(warning.id, JO))
    assert room._station.book.get(warning.id).phase == "open"


def test_warnings_as_they_stood(room):
    opened = street(room)
    asyncio.run(room.decide(opened.id, JO, "announce"))
    room.run_on(20)
    first, last = room.span()
    assert first < moment(NOW) < last == room._clock.now_us()
    then = street(room, at_us=moment(NOW + 4))
    assert (then.id, then.phase, then.decision) == (opened.id, "open", None)
    assert [w.id for w in room.warnings("en", at_us=moment(NOW - 1))] == []


def test_the_chart_holds_a_day_and_the_forecast_that_was_issued_then(room):
    now = room.series("station-road", "en")
    assert len(now.past_t) == 24
    assert len(now.ahead_t) == 6
    assert now.ahead_t[0] == now.past_t[-1] + 3600 == now.issued + 3600
    assert all(len(column) == 24 for column in (now.past, now.past_q05, now.past_q95))
    bands = zip(now.ahead_q05, now.ahead_q25, now.ahead_q50, now.ahead_q75, now.ahead_q95, strict=True)
    assert all(sorted(band) == list(band) for band in bands)
    then = room.series("station-road", "en", at_us=moment(NOW + 2))
    assert then.past_t[-1] == moment(NOW + 2) // 1_000_000
    assert then.issued == then.past_t[-1]
    assert then.past[5:] == now.past[:19]


def test_names_are_forgotten_when_their_time_is_over_and_that_is_told(room):
    asyncio.run(room.acknowledge(street(room).id, JO))
    store = room._station.store
    assert forget_names(store, moment(NOW)) == 0
    store.write(lambda c: c.execute("UPDATE staff_names SET until_us = 1")).result()
    assert asyncio.run(room.forget_names(Actor("Kim", "privacy-officer"))) == 1
    told, acknowledged = room.logbook("en", limit=2)
    assert (told.text, told.who, told.name) == ("Names of staff deleted, past their time: 1.", "privacy officer", None)
    assert (acknowledged.who, acknowledged.name) == ("crowd manager", None)


def test_what_is_older_than_the_lab_keeps_it_goes_from_the_logbook(room):
    store = room._station.store
    assert len(room.logbook("en")) > 1
    assert purge(store, 520 * WEEK_US) == 0
    lines = len(room.logbook("en", limit=500))
    assert purge(store, 0) == lines  # the evening of these tests lies in the past
    (left,) = room.logbook("en")
    assert left.kind == "purged"


def test_the_node_forgets_at_its_start_and_goes_on(room):
    asyncio.run(room.acknowledge(street(room).id, JO))
    store = room._station.store

    async def run():
        running = asyncio.create_task(keep_forgetting(store, 520 * WEEK_US, every_s=0.01))
        await asyncio.sleep(0.05)
        store.write(lambda c: c.execute("UPDATE staff_names SET until_us = 1")).result()
        while room.logbook("en", limit=1)[0].kind != "forgotten":
            await asyncio.sleep(0.01)
        running.cancel()

    asyncio.run(asyncio.wait_for(run(), 10))

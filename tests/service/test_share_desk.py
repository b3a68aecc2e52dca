"""The desk of a running lab: what goes out is what was agreed, is in the log before it leaves, and ends with the agreement."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import sqlite3
import threading
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

import agreed
from agreed import CITY, KEYS, METRO, NOW_S, POLICE
from ruimte.clock import HOUR_US, SECOND_US
from ruimte.errors import RuimteError
from ruimte.jobs.agreements import Book
from ruimte.jobs.desk import RefusedError
from ruimte.jobs.log import Log
from ruimte.jobs.processing_log import ProcessingLog
from ruimte.jobs.share_facts import ended, facts
from ruimte.jobs.share_forms import Forms
from ruimte.jobs.share_source import Source
from ruimte.jobs.sharing import Sharing
from ruimte.keys.signature import verify
from ruimte.lab.files import Privacy
from ruimte.ledger.entry import Entry, commitment
from ruimte.share import formats
from ruimte.share.agreement import Form, What
from ruimte.share.asking import Asked
from ruimte.share.contract import content_hash, sign
from ruimte.share.decide import Decider
from ruimte.share.event import read_event
from ruimte.share.noise import Noise
from ruimte.share.places import lab_places
from ruimte.store.noise import NoiseFile

ALL = ("state", "forecast", "warnings", "history")
EXACT = Form(exactness="exact", step="1h")
GROUND = {"legal_regime": "gdpr", "legal_ground": "public task: keeping the event safe"}


@dataclass
class World:
    """A city's desk over a station of its own, with a clock that is set by hand."""

    run: object
    folder: Path
    now_us: int = NOW_S * SECOND_US
    lab_us: int = 0
    privacy: Privacy | None = None
    open: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __post_init__(self):
        lab = self.run.station.lab
        lab = msgspec_lab(lab, self.privacy)
        self.book = Book((self.folder / "agreements",), lambda: self.now_us)
        self.log = self.open.enter_context(Log(self.folder / "town.log.db", f"{CITY}/{lab.key}", KEYS[CITY], lambda: self.now_us))
        processing = self.open.enter_context(ProcessingLog(self.folder / "town.processing.jsonl", lambda: self.now_us))
        self.noise = None
        if self.privacy is not None:
            drawn = self.open.enter_context(contextlib.closing(NoiseFile(self.folder / "town.noise.db")))
            areas = {key: place.area_m2 for key, place in lab_places(lab).items() if place.kind != "gate"}
            self.noise = Noise(drawn, self.privacy, lab.zone, areas, lambda: self.run.station.picture.end_us)
        self.decider = Decider("", lab_places(lab))
        forms = Forms(lab, Source(self.run.station), lambda: [], self.book, lambda: self.now_us, self.noise)
        self.desk = Sharing(
            lab.key, forms, self.book, self.decider, self.log, KEYS[CITY], lambda: self.now_us, processing.processing
        )
        self.lab = lab

    def agree(self, *grants, parties=(CITY, POLICE), **changes):
        agreement = agreed.proposed(*grants, parties=parties, **changes)
        for party in parties:
            agreement = sign(agreement, party, KEYS[party].private, "accept", agreed.FROM_S + 60)
        return self.book.keep(agreement)

    def ask(self, action="read-state", party=POLICE, **changes):
        asked = Asked(party=party, purpose="event-safety", action=action, lab=self.lab.key, at_us=0)
        return msgspec.structs.replace(asked, **changes)

    def get(self, action="read-state", *, from_us=None, until_us=None, media_type=formats.JSON, **changes):
        released = asyncio.run(self.desk.release(self.ask(action, **changes), media_type, from_us, until_us))
        return msgspec.json.decode(released.body) if media_type == formats.JSON else released

    def refused(self, action="read-state", **changes):
        with pytest.raises(RefusedError) as caught:
            self.get(action, **changes)
        return caught.value


def msgspec_lab(lab, privacy):
    from dataclasses import replace

    return lab if privacy is None else replace(lab, file=msgspec.structs.replace(lab.file, privacy=privacy))


def grant(**changes):
    usual = {"form": EXACT, "what": What(kinds=ALL, zones=("*",), quantities=("people", "inflow"))}
    return agreed.grant(lab="town", **GROUND, **(usual | changes))


@pytest.fixture
def make(start, tmp_path):
    made = []

    def world(privacy=None):
        run = start()
        run.tick()
        run.tick()
        made.append(World(run, tmp_path, privacy=privacy))
        return made[-1]

    yield world
    for each in made:
        each.open.close()


@pytest.fixture
def world(make):
    found = make()
    found.agree(grant())
    return found


def figure(body, place, quantity, step=0):
    return [row for row in body["figures"] if row["place"] == place and row["quantity"] == quantity][step]


def test_a_state_is_that_of_the_room_and_says_under_what_it_goes_out(world):
    body = world.get()
    picture = world.run.station.picture
    row = figure(body, "square", "people")
    assert row["value"] == pytest.approx(picture.states["mean"][0], abs=1e-4)
    assert row["low"] <= row["value"] <= row["high"]
    meta = body["meta"]
    assert (meta["purpose"], meta["source"], meta["delete_after"]) == ("event-safety", "City of Example", "30d")
    assert meta["agreement"] == world.book.all()[0].hash
    assert {row["quantity"] for row in body["figures"]} == {"people", "inflow"}


def test_whoever_got_it_can_show_later_that_it_was_sent(world):
    released = world.get(media_type=formats.CSV)
    salt, payload = world.log.payload(released.index)
    assert payload == released.payload
    assert payload["sha256"] == hashlib.sha256(released.body).hexdigest()
    entry = msgspec.json.decode(world.log.entries(released.index, 1)[0], type=Entry)
    from base64 import urlsafe_b64decode

    assert entry.commitment == commitment(urlsafe_b64decode(released.salt + "="), payload)
    assert released.salt == salt
    before = world.log.payload(released.index - 1)[1]
    assert (before["allowed"], before["action"], before["party"]) == (True, "read-state", POLICE)


def test_the_log_tells_of_no_count_and_a_line_of_each_release_is_in_the_processing_log(world):
    world.get()
    world.get("read-history")
    leaves = b"".join(world.log.entries(0, 100))
    assert b"people" not in leaves
    assert POLICE.encode() not in leaves
    lines = [msgspec.json.decode(line) for line in (world.folder / "town.processing.jsonl").read_bytes().splitlines()]
    assert len(lines) == 2
    assert "dpl.core.processing_activity_id" in str(lines[0])
    assert "data_subject" not in str(lines)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"party": METRO}, "no-agreement"),
        ({"purpose": "marketing"}, "purpose"),
        ({"action": "contribute-closures"}, "action"),
        ({"places": ("moon",)}, "places"),
        ({"quantities": ("outflow",)}, "quantities"),
        ({"step": "5m"}, "step"),
    ],
)
def test_what_was_not_agreed_is_refused_with_its_reason_and_that_is_logged(world, changes, reason):
    size = world.log.size
    refused = world.refused(**changes)
    assert refused.decision.reason == reason
    assert refused.what
    assert world.log.size == size + 1
    assert world.log.payload(refused.index)[1]["reason"] == reason


def test_another_lab_is_refused(world):
    assert world.refused(lab="boulevard").decision.reason == "no-agreement"


def test_expired_not_begun_and_a_clock_that_is_set_back(world):
    world.now_us = (agreed.UNTIL_S + 1) * SECOND_US
    assert world.refused().decision.reason == "expired"
    world.now_us = NOW_S * SECOND_US
    assert world.refused().decision.reason == "expired"  # what has ended does not come back with an old clock


def test_a_clock_that_is_set_back_while_the_node_is_down(world):
    world.now_us = (agreed.UNTIL_S + 1) * SECOND_US
    assert world.refused().decision.reason == "expired"
    world.now_us = NOW_S * SECOND_US
    world.book = world.desk.book = Book((world.folder / "agreements",), lambda: world.now_us)
    world.book.recall([], {}, world.log.latest_s)
    assert world.refused().decision.reason == "expired"


def test_an_agreement_that_is_still_to_begin_takes_nothing_from_others(make):
    world = make()
    few = Form(exactness="suppressed", step="1h", minimum=1)
    what = What(kinds=("state", "history"), zones=("square",), quantities=("people",))
    world.agree(grant(form=few, what=what))
    before = figure(world.get(), "square", "people")["value"]
    assert before is not None
    later = agreed.Validity(not_before=NOW_S + 3600, not_after=agreed.UNTIL_S)
    day = msgspec.structs.replace(few, step="1d")
    other = grant(consumer=METRO, form=day, what=what)
    world.agree(other, parties=(CITY, METRO), validity=later, iv="36338364-8305-7b74-8000-de4963503139")
    assert figure(world.get(), "square", "people")["value"] == before
    world.now_us = (NOW_S + 3600) * SECOND_US
    assert figure(world.get(), "square", "people")["value"] is None, "that hour is part of a day that is not over"


def test_before_it_begins_nothing_is_given(make):
    world = make()
    world.now_us = (agreed.FROM_S + 120) * SECOND_US
    validity = agreed.Validity(not_before=agreed.FROM_S + 3600, not_after=agreed.UNTIL_S)
    world.agree(grant(), validity=validity)
    assert world.refused().decision.reason == "not-yet-valid"


def test_taking_it_back_stops_the_next_request(world):
    world.get()
    hashed = world.book.all()[0].hash
    world.book.sign(hashed, "revoke", KEYS[CITY])
    assert world.refused().decision.reason == "revoked"
    assert world.desk.public_keys(POLICE) == [KEYS[POLICE].public]  # it may still be told why


def test_a_changed_file_gives_nothing(world):
    path = next((world.folder / "agreements").glob("*.json"))
    path.write_bytes(path.read_bytes().replace(b"event-safety", b"event-savety"))
    assert world.refused().decision.reason == "no-agreement"
    assert world.book.all()[0].trouble


def test_no_log_no_data(world, monkeypatch):
    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    size = world.log.size
    with monkeypatch.context() as patched:
        patched.setattr("ruimte.store.ledger.append", full)
        refused = world.refused()
        assert (refused.decision.reason, refused.index) == ("log-failed", None)
    assert world.log.size == size
    assert world.get()["figures"]


def test_what_cannot_be_logged_is_no_fact_either(world, monkeypatch):
    taken = []

    async def take(asked, party_name, body):
        taken.append(body)
        return {"contribution": len(taken)}

    world.desk._take = take
    what = What(contributions=("closures",), zones=("square",))
    world.agree(grant(what=what), iv="26338364-8305-7b74-8000-de4963503139")
    asked = world.ask("contribute-closures", places=("square",))

    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("ruimte.store.ledger.append", full)
        with pytest.raises(RefusedError):
            asyncio.run(world.desk.contribute(asked, {"place": "square"}))
    assert taken == []
    size = world.log.size
    receipt = asyncio.run(world.desk.contribute(asked, {"place": "square"}))
    assert (len(taken), world.log.size, receipt.index) == (1, size + 2, size + 1)


def test_the_last_of_the_disk_is_left_to_the_control_room(world, monkeypatch):
    world.log._spare_bytes = 100
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=99))
    assert world.refused().decision.reason == "log-failed"
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=100))
    assert world.get()["figures"]


def test_without_a_processing_log_nothing_goes_out(world, monkeypatch):
    @contextlib.contextmanager
    def broken(*_):
        yield
        raise RuimteError("cannot be written", "processing log", "make room")

    monkeypatch.setattr(world.desk, "_processing", broken)
    assert world.refused().decision.reason == "log-failed"


def test_an_engine_that_is_down_denies(world, monkeypatch):
    def down(*_):
        raise RuntimeError("down")

    monkeypatch.setattr("cedarpy.is_authorized_batch", down)
    assert world.refused().decision.reason == "engine-failed"


def test_history_is_bounded_and_ends_where_the_newest_tick_does(world):
    end_us = world.run.station.picture.end_us
    body = world.get("read-history", from_us=end_us - 5 * HOUR_US, until_us=end_us + 9 * HOUR_US, quantities=("people",))
    assert len([row for row in body["figures"] if row["place"] == "square"]) == 5
    with pytest.raises(RuimteError, match="31 days"):
        world.get("read-history", from_us=end_us - 800 * HOUR_US)
    assert world.get("read-history", from_us=end_us + HOUR_US)["figures"] == []


def test_a_forecast_and_warnings(world):
    forecast = world.get("read-forecast", quantities=("people",))
    assert forecast["meta"]["issued"]
    assert forecast["meta"]["algorithm"] == world.run.station.picture.forecast.algorithm
    assert "counting-line-balance" in world.get()["meta"]["algorithm"]
    assert figure(forecast, "square", "people")["value"] is not None
    assert world.get("read-warnings")["warnings"] == []


@pytest.mark.parametrize("media_type", formats.MEDIA_TYPES)
def test_every_form_of_a_body(world, media_type):
    asked = world.ask()
    released = asyncio.run(world.desk.release(asked, media_type))
    assert released.body
    assert released.media_type == media_type


# --- live -----------------------------------------------------------------------------------------------------------------


async def follow(world, count, after=None, action="read-state", **changes):
    """So many events of a stream."""
    queue = await world.desk.live(world.ask(action, **changes), after)
    try:
        return [await asyncio.wait_for(queue.get(), 5) for _ in range(count)]
    finally:
        world.desk.leave(queue)


def test_a_stream_begins_with_the_newest_step_and_each_message_is_signed(world):
    (event,) = asyncio.run(follow(world, 1))
    said = verify(event.signature, KEYS[CITY].public, event.body)
    assert said.sequence >= world.now_us
    read = read_event(event.body)
    assert (read.source, read.id, read.type) == (CITY, event.id, "org.ruimte.share.state")
    assert event.id == str(world.run.station.picture.end_us)
    payload = world.log.payload(int(read.logindex))[1]
    assert payload["sha256"] == hashlib.sha256(bytes(read.data)).hexdigest()


def test_who_comes_back_misses_nothing_and_gets_nothing_twice(world):
    first = asyncio.run(follow(world, 1))[0]
    for _ in range(3):
        world.run.tick()
    world.desk.look()
    missed = asyncio.run(follow(world, 3, after=first.id))
    assert [int(event.id) - int(first.id) for event in missed] == [HOUR_US, 2 * HOUR_US, 3 * HOUR_US]
    starts = [msgspec.json.decode(bytes(read_event(event.body).data))["figures"][0]["start"] for event in missed]
    assert len(set(starts)) == 3


def test_a_stream_ends_when_the_agreement_is_taken_back(world, monkeypatch):
    monkeypatch.setattr("ruimte.jobs.sharing.LOOK_AGAIN_S", 0.05)

    async def play():
        queue = await world.desk.live(world.ask(), None)
        await asyncio.wait_for(queue.get(), 5)
        world.book.sign(world.book.all()[0].hash, "revoke", KEYS[POLICE])
        return await asyncio.wait_for(queue.get(), 5)

    ended = asyncio.run(play())
    assert isinstance(ended, RefusedError)
    assert ended.decision.reason == "revoked"


def test_those_who_follow_are_told_in_turn_and_the_first_does_not_wait_for_the_last(world, monkeypatch):
    """Each is decided on when its turn comes: what the first gets is on its way before the last is decided on."""
    order, decide, event = [], world.decider.decide, world.desk._event
    world.desk._turn = asyncio.Semaphore(1)

    async def play():
        queues = [await world.desk.live(world.ask(), None) for _ in range(4)]
        for queue in queues:
            await asyncio.wait_for(queue.get(), 5)
        monkeypatch.setattr(world.decider, "decide", lambda *given: order.append("decided") or decide(*given))
        monkeypatch.setattr(world.desk, "_event", lambda *given: order.append("told") or event(*given))
        world.run.tick()
        world.desk.look()
        for queue in queues:
            await asyncio.wait_for(queue.get(), 5)
            world.desk.leave(queue)

    asyncio.run(play())
    assert order[:8] == ["decided", "told"] * 4


def test_the_files_are_looked_at_once_for_all_who_are_told_of_the_same_news(world, monkeypatch):
    monkeypatch.setattr("ruimte.jobs.agreements._MOMENT_S", 60.0)
    looks, stamps = [], world.book._stamps

    async def play():
        queues = [await world.desk.live(world.ask(), None) for _ in range(5)]
        for queue in queues:
            await asyncio.wait_for(queue.get(), 5)
        monkeypatch.setattr(world.book, "_stamps", lambda: looks.append(1) or stamps())
        world.run.tick()
        world.desk.look()
        for queue in queues:
            await asyncio.wait_for(queue.get(), 5)
            world.desk.leave(queue)

    asyncio.run(play())
    assert len(looks) == 1


def elsewhere(world):
    """The same agreements, in the hands of another process."""
    return Book((world.folder / "agreements",), lambda: world.now_us)


def test_what_another_process_takes_back_ends_a_stream_with_the_next_news(world, monkeypatch):
    monkeypatch.setattr("ruimte.jobs.agreements._MOMENT_S", 60.0)

    async def play():
        queue = await world.desk.live(world.ask(), None)
        await asyncio.wait_for(queue.get(), 5)
        elsewhere(world).sign(world.book.all()[0].hash, "revoke", KEYS[POLICE])
        world.run.tick()
        world.desk.look()
        return await asyncio.wait_for(queue.get(), 2)

    ended = asyncio.run(play())
    assert isinstance(ended, RefusedError)
    assert ended.decision.reason == "revoked"


def test_what_another_process_takes_back_stops_the_next_request(world, monkeypatch):
    monkeypatch.setattr("ruimte.jobs.agreements._MOMENT_S", 60.0)
    came_s = time.monotonic()
    assert world.get(came_s=came_s)["figures"]
    elsewhere(world).sign(world.book.all()[0].hash, "revoke", KEYS[POLICE])
    assert world.get(came_s=came_s)["figures"], "it came before that"
    assert world.refused(came_s=time.monotonic()).decision.reason == "revoked"
    assert world.refused().decision.reason == "revoked"


def test_new_figures_are_told_by_the_cells_of_a_grant_that_came_before_them(world, monkeypatch):
    """However short a look at the agreements lies back: a figure is never told by coarser cells than there were when it came."""
    monkeypatch.setattr("ruimte.jobs.agreements._MOMENT_S", 60.0)
    came_s = time.monotonic()
    world.get(came_s=came_s)
    before = world.desk._forms._cells()
    fine = Form(exactness="suppressed", step="1h", minimum=3)
    agreement = agreed.proposed(
        grant(consumer=METRO, form=fine), parties=(CITY, METRO), iv="16338364-8305-7b74-8000-de4963503139"
    )
    for party in (CITY, METRO):
        agreement = sign(agreement, party, KEYS[party].private, "accept", agreed.FROM_S + 60)
    elsewhere(world).keep(agreement)
    world.run.tick()
    world.desk.look()
    world.get(came_s=came_s)
    assert world.desk._forms._cells().cell.keys() > before.cell.keys()


def test_a_slow_reader_waits_and_misses_nothing(world):
    async def play():
        queue = await world.desk.live(world.ask(), str(world.run.station.picture.end_us - 20 * HOUR_US))
        await asyncio.sleep(0.3)
        found = [await asyncio.wait_for(queue.get(), 5) for _ in range(20)]
        world.desk.leave(queue)
        return [int(event.id) for event in found]

    ids = asyncio.run(play())
    assert [later - earlier for earlier, later in pairwise(ids)] == [HOUR_US] * 19


def test_what_a_slow_reader_has_not_fetched_is_not_given_after_it_was_taken_back(world, monkeypatch):
    monkeypatch.setattr("ruimte.jobs.sharing.LOOK_AGAIN_S", 0.05)

    async def play():
        queue = await world.desk.live(world.ask(), str(world.run.station.picture.end_us - 20 * HOUR_US))
        await asyncio.wait_for(queue.get(), 5)
        world.book.sign(world.book.all()[0].hash, "revoke", KEYS[CITY])
        await asyncio.sleep(1)
        return await asyncio.wait_for(queue.get(), 5), queue.empty()

    ended, empty = asyncio.run(play())
    assert isinstance(ended, RefusedError)
    assert (ended.decision.reason, empty) == ("revoked", True)


def test_one_partner_who_asks_much_keeps_nobody_else_waiting(world, monkeypatch):
    """Threads that the control room uses are left alone, and of each partner one request is worked on at a time."""
    world.agree(grant(consumer=METRO), parties=(CITY, METRO), iv="16338364-8305-7b74-8000-de4963503139")
    hold, body = threading.Event(), world.desk._forms.body

    def slow(decision, *rest):
        if decision.asked.party == POLICE:
            hold.wait(20)
        return body(decision, *rest)

    monkeypatch.setattr(world.desk._forms, "body", slow)

    async def play():
        asking = [asyncio.create_task(world.desk.release(world.ask(), formats.JSON)) for _ in range(50)]
        await asyncio.sleep(0.1)
        try:
            await asyncio.wait_for(asyncio.to_thread(int), 5)
            other = await asyncio.wait_for(world.desk.release(world.ask(party=METRO), formats.JSON), 5)
            await asyncio.wait_for(follow(world, 1), 5)
        finally:
            hold.set()
        return other, await asyncio.gather(*asking)

    other, given = asyncio.run(play())
    assert other.body
    assert len(given) == 50


def test_an_answer_that_would_fill_the_memory_is_refused(world, monkeypatch):
    monkeypatch.setattr("ruimte.jobs.share_forms.MOST_FIGURES", 24)
    end_us = world.run.station.picture.end_us
    few = {"quantities": ("people",), "places": ("square",), "until_us": end_us}
    assert world.get("read-history", from_us=end_us - 24 * HOUR_US, **few)["figures"]
    with pytest.raises(RuimteError, match="more than this lab gives at once"):
        world.get("read-history", from_us=end_us - 25 * HOUR_US, **few)


def test_the_partners_own_operation_is_named_in_the_processing_log(world):
    world.get(traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    assert "4bf92f3577b34da6a3ce929d0e0e4736" in (world.folder / "town.processing.jsonl").read_text()


def test_who_comes_back_late_gets_a_day_and_not_the_past_of_months(world):
    end_us = world.run.station.picture.end_us
    events = asyncio.run(follow(world, 24, after="0"))
    assert int(events[0].id) == end_us - 23 * HOUR_US


def test_warnings_are_told_when_they_change(world, monkeypatch):
    told = []
    monkeypatch.setattr(world.desk._forms, "_warnings", lambda: told)

    async def play():
        queue = await world.desk.live(world.ask("read-warnings"), None)
        first = await asyncio.wait_for(queue.get(), 5)
        world.desk.look()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(queue.get(), 0.2)
        told.append(
            SimpleNamespace(
                place="square",
                level="E",
                priority=1,
                phase="open",
                opened="2026-04-13T10:00:00Z",
                expected_at="2026-04-13T11:00:00Z",
                probability=0.73,
                earliest=None,
                latest=None,
            )
        )
        world.desk.look()
        second = await asyncio.wait_for(queue.get(), 5)
        world.desk.leave(queue)
        return [msgspec.json.decode(bytes(read_event(each.body).data))["warnings"] for each in (first, second)]

    first, second = asyncio.run(play())
    assert first == []
    assert [(each["place"], each["level"], each["probability"]) for each in second] == [("square", "E", 0.75)]


# --- privacy --------------------------------------------------------------------------------------------------------------

PRIVACY = Privacy(
    epsilon_per_day=2.0,
    step="1h",
    intervals=8,
    assumption="nobody is on the square for longer than eight hours a day",
    quantities={"people": 1.0},
)


def private(consumer, epsilon=1.0):
    form = agreed.privately(step="1h", minimum=5, round_to=5)
    form = msgspec.structs.replace(form, privacy=msgspec.structs.replace(form.privacy, epsilon_per_day=epsilon))
    what = What(kinds=("state", "history"), zones=("square", "street"), quantities=("people",))
    return agreed.grant(consumer=consumer, lab="town", form=form, what=what)


def test_noise_is_the_same_for_all_who_ask_and_whenever_they_ask(make):
    world = make(PRIVACY)
    world.agree(private(POLICE))
    world.agree(private(METRO), parties=(CITY, METRO), iv="16338364-8305-7b74-8000-de4963503139")
    first, again = world.get("read-history"), world.get("read-history")
    other = world.get("read-history", party=METRO)
    assert first["figures"] == again["figures"] == other["figures"]
    privacy = first["meta"]["privacy"]
    assert (privacy["intervals"], privacy["epsilon_per_day"]) == (8, 1.0)
    noise = privacy["noise"]
    assert (noise["quantities"]["people"]["intervals"], noise["epsilon_per_day"]) == (PRIVACY.intervals, 2.0)
    assert "eight hours" in noise["assumption"]


def test_a_recipient_whose_part_is_too_small_is_refused_and_told_when_it_renews(make):
    world = make(PRIVACY)
    world.agree(private(POLICE, epsilon=0.5))
    refused = world.refused()
    assert refused.decision.reason == "budget"
    assert world.log.payload(refused.index)[1]["reason"] == "budget"


def test_more_than_the_lab_has_is_given_to_nobody_who_comes_later(make):
    world = make(PRIVACY)
    world.agree(private(POLICE, epsilon=1.5))
    world.agree(private(METRO, epsilon=1.0), parties=(CITY, METRO), iv="f6338364-8305-7b74-8000-de4963503139")
    reasons = []
    for party in (POLICE, METRO):
        try:
            world.get(party=party)
        except RefusedError as error:
            reasons.append(error.decision.reason)
    assert reasons == ["budget"]


def test_who_is_not_named_in_a_rotation_keeps_its_key(world):
    assert content_hash(world.book.all()[0].agreement.content) == world.book.all()[0].hash
    assert world.desk.public_keys(CITY) == [KEYS[CITY].public]
    assert world.desk.public_keys(METRO) == []


def test_a_file_that_is_put_back_after_a_restart_does_not_bring_back_what_was_taken_back(world):
    path = next((world.folder / "agreements").glob("*.json"))
    before = path.read_bytes()
    world.book.sign(world.book.all()[0].hash, "revoke", KEYS[CITY])
    world.log.note_facts(facts(world.lab, world.book, world.desk.own()))
    path.write_bytes(before)
    world.book = world.desk.book = Book((world.folder / "agreements",), lambda: world.now_us)
    assert world.get()["figures"]  # a process that knows nothing of it
    world.book.recall(ended(world.log.facts()), {}, world.log.latest_s)
    assert world.refused().decision.reason == "no-agreement"
    assert "ended before" in world.book.all()[0].trouble


def test_what_changes_of_agreements_and_registers_is_logged_once(world):
    size = world.log.size
    first = world.log.note_facts(facts(world.lab, world.book, world.desk.own()))
    assert first == len(world.lab.sensors) + len(world.lab.algorithms) + 1
    assert world.log.note_facts(facts(world.lab, world.book, world.desk.own())) == 0
    world.book.sign(world.book.all()[0].hash, "revoke", KEYS[POLICE])
    assert world.log.note_facts(facts(world.lab, world.book, world.desk.own())) == 1
    assert world.log.size == size + first + 1
    assert world.log.payload(world.log.size - 1)[1]["status"] == "revoked"


def test_only_partners_in_force_may_cosign_the_log(world):
    assert world.desk.witnesses() == [(POLICE, KEYS[POLICE].public)]
    world.book.sign(world.book.all()[0].hash, "revoke", KEYS[POLICE])
    assert world.desk.witnesses() == []

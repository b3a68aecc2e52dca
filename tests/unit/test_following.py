"""Following a partner: what is right is kept once, what cannot be verified never, and a break leaves neither gap nor double."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from agreed import CITY, KEYS, METRO, POLICE, agreed, grant
from provider import BEGIN_US, META, STEP_US, Clock, FakeNode, figures
from ruimte.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from ruimte.jobs import following
from ruimte.jobs.following import Follower
from ruimte.jobs.foreign_views import place_names
from ruimte.jobs.link import EndedError, Link, Standing
from ruimte.jobs.log import Log
from ruimte.jobs.subscriptions import Subscription
from ruimte.share.agreement import What
from ruimte.share.contract import content_hash
from ruimte.share.received import UnverifiableError
from ruimte.share.shared import read_places
from ruimte.store import foreign, records
from ruimte.store.sqlite import Store

AGREED = agreed(grant(what=What(kinds=("state", "history", "warnings", "forecast"), zones=("square",), quantities=("people",))))
HASH = content_hash(AGREED.content)
SUBSCRIPTION = Subscription(
    url="https://city.example", agreement=HASH, party=POLICE, provider=CITY, lab="boulevard", purpose="event-safety", since_s=0
)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "FIRST_WAIT_S", 0.02)
    monkeypatch.setattr(following, "_LOOK_S", 0.02)


class World:
    """A police node that follows a city's."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock(BEGIN_US + STEP_US)
        self.node = FakeNode(folder, HASH, self.clock)
        self.store = Store(folder / "police.db", "police", durable=False)
        self.own = Log(folder / "police.log.db", POLICE, KEYS[POLICE], self.clock)
        self.standing: Standing | None = Standing(
            grants=AGREED.content.grants, provider=AGREED.content.parties[0], keys=(KEYS[CITY].public,)
        )
        self.follower = self.new()

    def new(self, subscription: Subscription = SUBSCRIPTION) -> Follower:
        """Another follower over the same store, as after a restart."""
        self.link = Link(subscription, self.store, self._stand, self.clock, lambda: None)
        self.follower = Follower(self.link, self.node, self.own)
        return self.follower

    def _stand(self) -> Standing:
        if self.standing is None:
            raise EndedError("revoked")
        return self.standing

    @property
    def state(self) -> foreign.LinkState:
        return self.store.read(lambda c: foreign.link(c, SUBSCRIPTION.key))

    def people(self) -> dict[int, float | str | None]:
        """People of the square by the number of the step."""
        known = self.store.read(lambda c: foreign.figures(c, SUBSCRIPTION.key, "state", 0, 2**62))
        return {(each.start_us - BEGIN_US) // STEP_US: each.value for each in known}

    def messages(self, kind: str = "state") -> int:
        query = "SELECT count(*) FROM foreign_messages WHERE kind = ?"
        return int(self.store.read(lambda c: c.execute(query, (kind,)).fetchone()[0]))

    def kinds(self) -> list[str]:
        """What the logbook tells, oldest first."""
        return [entry.kind for entry in reversed(self.store.read(lambda c: records.log(c, None, 100)))]

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not holds():
                await asyncio.sleep(0.005)

    def close(self) -> None:
        self.store.close()
        self.own.close()
        self.node.log.close()


def play(folder: Path, story: Callable[[World], Awaitable[None]]) -> None:
    """Run a story while the node is followed."""

    async def run() -> None:
        world = World(folder)
        task = asyncio.create_task(world.follower.run())
        try:
            await story(world)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            world.close()

    asyncio.run(run())


def test_a_state_is_kept_with_where_it_came_from(tmp_path):
    async def story(world: World) -> None:
        await world.node.tell_step(0, 130)
        await world.until(lambda: world.people() == {0: 130.0})
        message = world.store.read(lambda c: foreign.message(c, 1))
        assert message is not None
        assert (message.event, message.agreement, message.log_index) == (str(BEGIN_US + STEP_US), HASH, 0)
        assert message.delete_us == message.received_us + 30 * DAY_US
        assert msgspec.json.decode(message.body)["source"] == CITY
        assert message.signature.count(".") == 2
        assert world.state.failing_since_us is None

    play(tmp_path, story)


def test_after_a_break_it_goes_on_after_the_last_that_was_kept(tmp_path):
    async def story(world: World) -> None:
        for step in range(3):
            await world.node.tell_step(step, 100 + step)
            await world.until(lambda step=step: step in world.people())
        await world.until(lambda: len(world.people()) == 3)
        await world.node.break_off()
        await world.until(lambda: "partner-lost" in world.kinds())
        await world.node.tell_step(3, 103)
        await world.until(lambda: len(world.people()) == 4)
        assert world.people() == {0: 100, 1: 101, 2: 102, 3: 103}
        assert world.messages() == 4
        assert str(BEGIN_US + 3 * STEP_US) in world.node.resumed
        await world.until(lambda: world.kinds()[-1] == "partner-heard")
        assert world.state.failing_since_us is None

    play(tmp_path, story)


def test_what_is_sent_twice_is_kept_once(tmp_path):
    async def story(world: World) -> None:
        await world.node.tell_step(0)
        await world.until(lambda: world.people())
        await world.node.tell("state", world.node.events["state"][0])
        await world.node.tell_step(1)
        await world.until(lambda: len(world.people()) == 2)
        assert world.messages() == 2
        assert world.state.refused == 0

    play(tmp_path, story)


def test_a_gap_is_filled_from_the_history(tmp_path):
    async def story(world: World) -> None:
        world.node.histories = {step: [figures(step, 200.0 + step)] for step in (1, 2, 3)}
        await world.node.tell_step(0, 200)
        await world.until(lambda: world.people())
        await world.node.tell_step(3, 203)
        await world.until(lambda: len(world.people()) == 4)
        assert world.people() == {0: 200, 1: 201, 2: 202, 3: 203}
        assert (world.state.gap_from_us, world.state.gap_until_us) == (None, None)
        assert world.messages("history") == 1

    play(tmp_path, story)


def test_a_history_that_the_log_does_not_vouch_for_is_refused(tmp_path):
    async def story(world: World) -> None:
        world.node.tampers = 1
        world.node.histories = {1: [figures(1, 201.0)]}
        await world.node.tell_step(0, 200)
        await world.until(lambda: world.people())
        await world.node.tell_step(2, 202)
        await world.until(lambda: world.state.refused)
        assert world.people() == {0: 200, 2: 202}
        assert world.state.refusal["why"] == "link.log"
        assert world.state.gap_from_us is not None

    play(tmp_path, story)


def test_a_gap_that_is_not_given_stays_one_that_can_be_seen(tmp_path):
    async def story(world: World) -> None:
        world.standing = msgspec.structs.replace(
            world.standing, grants=(grant(what=What(kinds=("state",), zones=("square",), quantities=("people",))),)
        )
        await world.node.tell_step(0)
        await world.until(lambda: world.people())
        await world.node.tell_step(2)
        await world.until(lambda: len(world.people()) == 2)
        assert (world.state.gap_from_us, world.state.gap_until_us) == (BEGIN_US + STEP_US, BEGIN_US + 2 * STEP_US)

    play(tmp_path, story)


BAD = {
    "signature": {"key": KEYS[METRO].private},
    "source": {"source": METRO},
    "agreement": {"agreement": "A" * 86},
    "future": {"at_us": BEGIN_US + 2 * HOUR_US},
    "stale": {"at_us": BEGIN_US - HOUR_US},
    "kind": {"kind": "forecast"},
    "form": {"data": b'{"figures": [{"place": "square"}]}'},
}


@pytest.mark.parametrize("why", BAD)
def test_what_cannot_be_verified_is_refused_and_counted_and_shown(tmp_path, why):
    async def story(world: World) -> None:
        bad = world.node.event("state", "1", {"meta": META, "figures": [figures(0)]}, **BAD[why])
        await world.node.tell("state", bad)
        await world.until(lambda: world.state.refused)
        assert (world.people(), world.messages()) == ({}, 0)
        assert world.state.refusal["why"] == f"link.{why}"
        assert world.kinds() == ["partner-refused"]
        await world.node.tell_step(0, 90)  # the link goes on
        await world.until(lambda: world.people() == {0: 90})

    play(tmp_path, story)


@pytest.mark.parametrize("row", [figures(0, place="station"), figures(0, quantity="density")], ids=["place", "quantity"])
def test_more_than_the_agreement_gives_is_not_taken_whoever_signed_it(tmp_path, row):
    async def story(world: World) -> None:
        await world.node.tell("state", world.node.event("state", "1", {"meta": META, "figures": [row]}))
        await world.until(lambda: world.state.refused)
        assert world.people() == {}
        assert "does not give" in world.state.refusal["reason"]

    play(tmp_path, story)


HOSTILE = {
    "a time that is none": {"figures": [figures(0) | {"end": "soon"}]},
    "a state of tomorrow": {"figures": [figures(300)]},
    "a quantity that is none": {"figures": [figures(0) | {"quantity": "souls"}]},
    "a level like a book": {"figures": [figures(0) | {"level": "x" * 5000}]},
    "figures that are no list": {"figures": {"a": 1}},
    "no figures": {},
    "a backward step": {"figures": [figures(1) | {"end": figures(0)["start"]}]},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_partner_that_signs_nonsense_breaks_nothing(tmp_path, name):
    async def story(world: World) -> None:
        await world.node.tell("state", world.node.event("state", "1", {"meta": META, **HOSTILE[name]}))
        await world.until(lambda: world.state.refused)
        assert (world.people(), world.messages()) == ({}, 0)

    play(tmp_path, story)


@pytest.mark.parametrize(
    "places",
    [
        [],
        {"features": "all"},
        {"features": [1]},
        {"features": [{"properties": {"key": 3}}]},
        {"features": [{"properties": {"key": "a", "name": {"en": {}}}}]},
        {"features": [{"properties": {"key": "a"}, "geometry": {"type": "Polygon", "coordinates": "no"}}]},
        {"features": [{"properties": {"key": "a"}, "geometry": {"type": "Star", "coordinates": [1, 2]}}]},
        {"features": [{"properties": {"key": "a"}, "geometry": {"type": "Point", "coordinates": [["x"]]}}]},
    ],
)
def test_places_that_are_none_are_refused(places):
    with pytest.raises(UnverifiableError):
        read_places(msgspec.json.encode(places))


def test_a_warning_with_a_time_that_is_none_is_refused(tmp_path):
    async def story(world: World) -> None:
        bad = {"place": "square", "level": "E", "priority": 1, "phase": "open", "probability": 0.6, "exercise": False}
        bad |= {"opened": "x", "expected_at": "y", "earliest": None, "latest": None}
        await world.node.tell("warnings", world.node.event("warnings", "a", {"meta": META, "warnings": [bad]}))
        await world.until(lambda: world.state.refused)

    play(tmp_path, story)


def test_one_changed_byte_is_seen(tmp_path):
    async def story(world: World) -> None:
        event = world.node.event("state", "1", {"meta": META, "figures": [figures(0, 150.0)]})
        await world.node.tell("state", event._replace(data=event.data.replace('"value":150.0', '"value":950.0')))
        await world.until(lambda: world.state.refused)
        assert world.people() == {}
        assert world.state.refusal["why"] == "link.signature"

    play(tmp_path, story)


def test_an_old_message_is_no_news_and_one_from_before_the_last_is_out_of_order(tmp_path):
    async def story(world: World) -> None:
        old = world.node.event("state", "1", {"meta": META, "figures": [figures(0)]})
        world.clock.us += 5 * MINUTE_US
        await world.node.tell("state", world.node.event("state", "2", {"meta": META, "figures": [figures(1)]}))
        await world.node.tell("state", old)
        await world.until(lambda: world.state.refused)
        assert world.state.refusal["why"] == "link.order"
        assert [*world.people()] == [1]

    play(tmp_path, story)


def test_warnings_tell_of_all_that_stand(tmp_path):
    def warning(place: str, phase: str = "open") -> dict[str, object]:
        times = {"opened": "2026-09-21T14:00:00Z", "expected_at": "2026-09-21T15:00:00Z", "earliest": None, "latest": None}
        return {"place": place, "level": "E", "priority": 1, "phase": phase, "probability": 0.6, "exercise": False, **times}

    def standing(world: World) -> list[str]:
        return [each.body["place"] for each in world.store.read(lambda c: foreign.warnings(c, SUBSCRIPTION.key))]

    async def story(world: World) -> None:
        node = world.node
        await node.tell("warnings", node.event("warnings", "a", {"meta": META, "warnings": [warning("square")]}))
        await world.until(lambda: standing(world) == ["square"])
        await node.tell("warnings", node.event("warnings", "b", {"meta": META, "warnings": [warning("square", "closed")]}))
        await world.until(lambda: standing(world) == [])
        await node.tell("warnings", node.event("warnings", "a", {"meta": META, "warnings": [warning("square")]}))
        await world.until(lambda: standing(world) == ["square"])

    play(tmp_path, story)


def test_a_newer_forecast_takes_the_place_of_the_one_before(tmp_path):
    def ahead(world: World) -> list[float]:
        known = world.store.read(lambda c: foreign.figures(c, SUBSCRIPTION.key, "forecast", 0, 2**62))
        return [each.value for each in known]

    async def story(world: World) -> None:
        node = world.node
        await node.tell("forecast", node.event("forecast", "1", {"meta": META, "figures": [figures(1, 1.0), figures(2, 2.0)]}))
        await world.until(lambda: ahead(world) == [1.0, 2.0])
        await node.tell("forecast", node.event("forecast", "2", {"meta": META, "figures": [figures(2, 3.0)]}))
        await world.until(lambda: ahead(world) == [3.0])

    play(tmp_path, story)


def test_a_revoked_agreement_ends_it_at_once_and_a_new_signature_begins_it_again(tmp_path):
    async def story(world: World) -> None:
        await world.node.tell_step(0)
        await world.until(lambda: len(world.people()) == 1)
        standing, world.standing = world.standing, None
        await world.until(lambda: world.link.ended == "revoked")
        await world.node.tell_step(1)
        await asyncio.sleep(0.1)
        assert [*world.people()] == [0]
        assert world.kinds()[-1] == "partner-ended"
        assert world.state.trouble["why"] == "link.revoked"
        world.standing = standing
        await world.until(lambda: len(world.people()) == 2)

    play(tmp_path, story)


def test_an_agreement_only_to_tell_things_is_followed_for_its_log(tmp_path):
    async def story(world: World) -> None:
        await world.node.break_off()
        only = What(contributions=("closures",), zones=("square",))
        world.standing = msgspec.structs.replace(world.standing, grants=(grant(what=only),))
        world.node.resumed.clear()
        await world.node.break_off()
        await world.until(lambda: world.state.witnessed_us)
        await asyncio.sleep(0.1)
        assert world.link.ended is None
        assert world.node.resumed == []

    play(tmp_path, story)


def test_a_partner_that_refuses_says_why(tmp_path):
    async def story(world: World) -> None:
        world.node.refuse = 403
        await world.node.break_off()
        await world.until(lambda: world.state.trouble)
        assert world.link.ended == "the agreement gives nothing"
        assert world.state.trouble["reason"] == "the agreement gives nothing"

    play(tmp_path, story)


def test_a_partner_that_took_the_agreement_back_is_asked_for_its_copy(tmp_path):
    async def story(world: World) -> None:
        taken: list[bytes] = []
        world.link.take_copy = taken.append
        world.node.refuse, world.node.reason, world.node.file = 403, "revoked", b'{"version": 1}'
        await world.node.break_off()
        await world.until(lambda: len(taken) > 1)  # it is asked again, as long as the own copy says otherwise
        assert taken[0] == b'{"version": 1}'
        assert world.kinds().count("partner-ended") == 1

    play(tmp_path, story)


def test_places_keep_their_names_when_nothing_is_given_any_more(tmp_path):
    async def story(world: World) -> None:
        await world.until(lambda: world.state.places)
        world.node.places = {"type": "FeatureCollection", "features": []}
        asked = len(world.node.asked)
        await world.node.break_off()
        await world.until(lambda: len(world.node.asked) > asked + 1)
        assert place_names(world.state.places, "nl") == {"square": "Plein"}

    play(tmp_path, story)


def test_since_when_a_partner_shares_no_more_does_not_move(tmp_path):
    async def story(world: World) -> None:
        link, first_us = world.link, world.clock.us
        await link.end(EndedError("revoked", "the agreement was taken back"))
        world.clock.us += HOUR_US
        await link.failed({"why": "link.unreachable"})
        await link.end(EndedError("revoked"))
        assert world.state.failing_since_us == first_us
        assert (world.kinds().count("partner-ended"), world.kinds().count("partner-lost")) == (1, 0)
        again = world.new().link  # after a restart
        world.clock.us += HOUR_US
        await again.end(EndedError("revoked", "the agreement was taken back"))
        assert world.state.failing_since_us == first_us
        await again.end(EndedError("expired"))
        assert world.state.failing_since_us == world.clock.us
        world.standing = None
        named = Link(SUBSCRIPTION, world.store, world._stand, world.clock, lambda: None, name=lambda: "The City")
        await named.end(EndedError("revoked"))
        assert world.store.read(lambda c: records.log(c, None, 1))[0].body["partner"] == "The City"

    async def run() -> None:
        world = World(tmp_path)
        try:
            await story(world)
        finally:
            world.close()

    asyncio.run(run())


def test_the_log_is_witnessed_and_what_was_received_is_found_in_it(tmp_path, monkeypatch):
    monkeypatch.setattr(following, "_WITNESS_S", 0.05)

    async def story(world: World) -> None:
        await world.node.tell_step(0)
        await world.until(lambda: world.state.proved)
        assert world.node.cosigned
        await world.node.tell_step(1)
        await world.until(lambda: world.state.log_size == 2)
        assert world.node.cosigned
        witnesses = [(POLICE, KEYS[POLICE].public)]
        assert world.node.log.cosign(world.node.cosigned[-1], witnesses) == [POLICE]
        assert world.state.distrusted_us is None

    play(tmp_path, story)


def test_a_log_that_holds_something_else_under_a_receipt_is_distrusted(tmp_path, monkeypatch):
    monkeypatch.setattr(following, "_WITNESS_S", 0.05)

    async def story(world: World) -> None:
        other = world.node.log.append("release", {"sha256": "1" * 64}).result()
        event = world.node.event("state", "1", {"meta": META, "figures": [figures(0)]}, index=other.index)
        await world.node.tell("state", event)
        await world.until(lambda: world.state.distrusted_us is not None)
        assert "not what was sent" in world.state.distrust["reason"]

    play(tmp_path, story)


@pytest.mark.parametrize("lie", ["rewritten", "cut back"])
def test_a_log_that_contradicts_itself_ends_all_trust_until_somebody_looks(tmp_path, monkeypatch, lie):
    monkeypatch.setattr(following, "_WITNESS_S", 0.05)

    async def story(world: World) -> None:
        for step in range(3):
            await world.node.tell_step(step)
            await world.until(lambda step=step: step in world.people())
        await world.until(lambda: world.state.log_size == 3)
        honest = world.node.log
        world.node.log = Log(tmp_path / "forged.log.db", CITY, KEYS[CITY], world.clock)
        for _ in range(5 if lie == "rewritten" else 1):
            world.node.log.append("release", {"sha256": "1" * 64}).result()
        honest.close()
        await world.until(lambda: world.state.distrusted_us is not None)
        assert world.kinds()[-1] == "partner-distrusted"
        assert world.state.distrust["before"].startswith(CITY)
        assert world.state.distrust["shown"].startswith(CITY)
        await world.node.tell_step(3)
        await asyncio.sleep(0.15)
        assert 3 not in world.people()
        # somebody looked; from then on it is followed again
        world.clock.us += SECOND_US
        world.link.subscription = msgspec.structs.replace(SUBSCRIPTION, trusted_s=world.clock.us // SECOND_US)
        await world.until(lambda: 3 in world.people())
        await world.until(lambda: world.state.log_size == world.node.log.size)  # the log as it is now is witnessed anew
        assert "partner-trusted" in world.kinds()
        assert world.state.distrusted_us is None

    play(tmp_path, story)


def test_a_killed_node_goes_on_where_its_disk_was(tmp_path):
    async def story(world: World) -> None:
        await world.node.tell_step(0)
        await world.until(lambda: len(world.people()) == 1)
        again = asyncio.create_task(world.new().run())
        try:
            await world.until(lambda: str(BEGIN_US + STEP_US) in world.node.resumed)
            await world.node.tell_step(1)
            await world.until(lambda: len(world.people()) == 2)
            await asyncio.sleep(0.05)  # the one that was not killed got it too
            assert world.messages() == 2
        finally:
            again.cancel()
            await asyncio.gather(again, return_exceptions=True)

    play(tmp_path, story)

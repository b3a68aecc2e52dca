"""Webhooks of partners: made, told of and removed over the API; kept; delivered in order until the grant ends."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from share_partner import Partner, partner

from fake_desk import CITY, HASH, KEYS, NOW_US, POLICE, FakeDesk
from receivers import Receiver
from ruimte.errors import RuimteError, StorageError
from ruimte.jobs import webhooks as delivering
from ruimte.jobs.webhooks import GIVE_UP_US, KEPT_US, MOST_OF_PARTY, Webhooks
from ruimte.keys.signature import verify
from ruimte.notify.handshake import agree
from ruimte.share.asking import Asked
from ruimte.store.webhooks import Webhook, WebhookFile

ASKED = Asked(party=POLICE, purpose="event-safety", action="read-state", lab="town", at_us=NOW_US)


@pytest.fixture
def police(tmp_path: Path) -> Iterator[Partner]:
    with partner(tmp_path) as made:
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Iterator[WebhookFile]:
    with WebhookFile(tmp_path / "hooks.db") as made:
        yield made


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivering, "FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(delivering, "LONGEST_WAIT_S", 0.02)


def hook(**changes: Any) -> Webhook:
    plain = {
        "id": "one",
        "party": POLICE,
        "purpose": "event-safety",
        "address": "https://x.org/",
        "origin": "me",
        "kind": "state",
        "made_us": 1,
    }
    return Webhook(**(plain | changes))


# --- over the API -------------------------------------------------------------------------------------------------------


def test_a_webhook_is_made_told_of_and_removed(police: Partner) -> None:
    wish = {"address": "https://police.example.org/events", "kind": "warnings", "zones": ["square"], "agreement": HASH}
    made = police.ask("POST", "/webhooks", json=wish)
    assert made.status_code == 201
    told = made.json()
    assert made.headers["location"] == f"/share/v1/webhooks/{told['id']}"
    assert (told["state"], told["zones"], told["made"], told["last_event"]) == (
        "active",
        ["square"],
        "2026-04-27T14:00:00Z",
        None,
    )
    asked, after = police.desk.lives[0]
    assert (asked.action, asked.places, asked.agreement, after) == ("read-warnings", ("square",), HASH, None)
    assert police.desk.queues == [], "the desk was only asked whether it would"
    assert police.get("/webhooks").json() == {"webhooks": [told]}
    assert police.get(f"/webhooks/{told['id']}").json() == told
    assert police.ask("DELETE", f"/webhooks/{told['id']}").status_code == 204
    assert police.get("/webhooks").json() == {"webhooks": []}
    assert police.ask("DELETE", f"/webhooks/{told['id']}").status_code == 404
    assert police.get(f"/webhooks/{told['id']}").status_code == 404


def test_webhooks_of_others_are_not_there(police: Partner) -> None:
    told = police.ask("POST", "/webhooks", json={"address": "https://police.example.org/"}).json()
    city = {"authorization": f"Fake {CITY}"}
    assert police.get("/webhooks", city).json() == {"webhooks": []}
    assert police.get(f"/webhooks/{told['id']}", city).status_code == 404
    assert police.ask("DELETE", f"/webhooks/{told['id']}", city).status_code == 404
    assert len(police.get("/webhooks").json()["webhooks"]) == 1


@pytest.mark.parametrize(
    ("wish", "where"),
    [
        ({}, "body"),
        ({"address": 5}, "body"),
        ({"address": "https://x.org", "secret": "y"}, "body"),
        ({"address": "https://x.org", "kind": "history"}, "body"),
        ({"address": "https://x.org", "step": "soon"}, "step"),
        ({"address": "https://x.org", "quantities": ["persons"]}, "quantities"),
        ({"address": "https://x.org", "zones": [""]}, "zones"),
        ({"address": "https://x.org", "agreement": "x"}, "agreement"),
        ({"address": "ftp://x.org"}, "address"),
        ({"address": "x.org"}, "address"),
        ({"address": "https://"}, "address"),
        ({"address": "https://x.org:99999/"}, "address"),
        ({"address": "https://[::1/"}, "address"),
        ({"address": "https://x.org/#part"}, "address"),
        ({"address": "https://x.org/\r\nhost: y"}, "address"),
        ({"address": "https://bücher.example"}, "address"),
        ({"address": "https://user:secret@x.org/"}, "address"),
        ({"address": "https://x.org/" + "y" * 500}, "address"),
    ],
)
def test_a_wish_that_is_wrong(police: Partner, wish: dict[str, Any], where: str) -> None:
    answer = police.ask("POST", "/webhooks", json=wish)
    assert (answer.status_code, answer.json()["where"]) == (400, where)
    assert police.get("/webhooks").json() == {"webhooks": []}


def test_a_wish_that_is_refused_makes_nothing(police: Partner) -> None:
    police.desk.refuse = "purpose"
    answer = police.ask("POST", "/webhooks", json={"address": "https://x.org/"})
    assert (answer.status_code, answer.json()["reason"]) == (403, "purpose")
    police.desk.refuse = None
    assert police.get("/webhooks").json() == {"webhooks": []}


def test_a_party_has_so_many_at_most(police: Partner) -> None:
    answers = [police.ask("POST", "/webhooks", json={"address": f"https://x.org/{n}"}) for n in range(MOST_OF_PARTY + 1)]
    assert [answer.status_code for answer in answers] == [201] * MOST_OF_PARTY + [400]


@pytest.mark.parametrize(
    "address",
    ["http://x.org/", "https://127.0.0.1/", "https://10.0.0.8/", "https://[::1]/", "https://localhost/", "https://a.localhost/"],
)
def test_nothing_goes_into_a_private_network_or_without_tls(file: WebhookFile, address: str) -> None:
    hooks = Webhooks(FakeDesk(), file, "town", lambda: NOW_US)
    with pytest.raises(RuimteError) as caught:
        asyncio.run(hooks.add(ASKED, "state", address, "crowd.example.org"))
    assert caught.value.where == "address"


@pytest.mark.parametrize("allows", ["*", "crowd.example.org", "CROWD.example.org"])
def test_a_receiver_is_asked_whether_it_wants_events_of_this_node(file: WebhookFile, allows: str) -> None:
    hooks = Webhooks(FakeDesk(), file, "town", lambda: NOW_US, allow_private=True)
    with Receiver(allows={"webhook-allowed-origin": allows}) as receiver:
        asyncio.run(hooks.add(ASKED, "state", address(receiver), "crowd.example.org"))
        assert receiver.asked == ["crowd.example.org"]
    assert len(hooks.of(POLICE)) == 1


@pytest.mark.parametrize("allows", [{}, {"webhook-allowed-origin": "other.example.org"}, {"webhook-allowed-origin": ""}])
def test_who_does_not_say_that_it_wants_events_gets_none(file: WebhookFile, allows: dict[str, str]) -> None:
    hooks = Webhooks(FakeDesk(), file, "town", lambda: NOW_US, allow_private=True)
    with Receiver(allows=allows) as receiver, pytest.raises(RuimteError, match="does not say that it wants"):
        asyncio.run(hooks.add(ASKED, "state", address(receiver), "crowd.example.org"))
    assert hooks.of(POLICE) == []


def test_the_answer_tells_nothing_of_what_is_inside_a_network() -> None:
    told = set()
    with Receiver() as receiver, socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # but nobody listens
        for port in (receiver.port, bound.getsockname()[1]):
            with pytest.raises(RuimteError) as caught:
                asyncio.run(agree(f"http://127.0.0.1:{port}/", "crowd.example.org"))
            told.add(str(caught.value))
        assert receiver.asked == [], "it is in a private network, so it is not even asked"
    assert len(told) == 1


# --- kept ---------------------------------------------------------------------------------------------------------------


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    whole = hook(places=("square", "a b"), quantities=("people",), step="15m", agreement=HASH)
    with WebhookFile(tmp_path / "hooks.db") as file:
        file.put(whole)
        file.failed("one", "status 500", 5)
        file.failed("one", "no-answer", 9)
        assert file.get("one") == hook(
            places=("square", "a b"),
            quantities=("people",),
            step="15m",
            agreement=HASH,
            failing_since_us=5,
            trouble="no-answer",
        )
        file.taken("one", "41", 11)
    with WebhookFile(tmp_path / "hooks.db") as file:
        found = file.get("one")
        assert found is not None
        assert (found.last_id, found.last_us, found.failing_since_us, found.trouble) == ("41", 11, None, None)
        file.ended("one", "revoked", 20)
        file.put(hook(id="two", made_us=2))
        file.forget(20)
        assert [each.id for each in file.all(POLICE)] == ["one", "two"]
        file.forget(21)
        assert [each.id for each in file.all()] == ["two"]


def test_a_file_of_before_keys_were_noted_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "hooks.db"
    with WebhookFile(path) as file:
        file.put(hook())
    other = sqlite3.connect(path)
    other.execute("ALTER TABLE webhooks DROP COLUMN key")
    other.close()
    with WebhookFile(path) as file:
        file.put(hook(id="two", key="thumb"))
        assert [each.key for each in file.all()] == ["", "thumb"]


def test_a_file_that_cannot_be_used_is_said_in_a_line(tmp_path: Path) -> None:
    path = tmp_path / "hooks.db"
    with WebhookFile(path) as file:
        other = sqlite3.connect(path)
        other.execute("DROP TABLE webhooks")
        other.close()
        with pytest.raises(RuimteError, match="webhooks"):
            file.all()
        with pytest.raises(RuimteError, match="webhooks"):
            file.put(hook())


def test_a_disk_that_fails_is_no_fault_of_who_asks_and_tells_no_path(police: Partner, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "town.webhooks.db")
    other.execute("DROP TABLE webhooks")
    other.close()
    for answer in (police.get("/webhooks"), police.ask("POST", "/webhooks", json={"address": "https://x.org/"})):
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
        assert str(tmp_path) not in answer.text


# --- delivered ----------------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def running(hooks: Webhooks) -> AsyncIterator[None]:
    task = asyncio.create_task(hooks.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.005)


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(test())  # type: ignore[arg-type]


def address(receiver: Receiver) -> str:
    return f"http://127.0.0.1:{receiver.port}/events"


def test_each_event_is_posted_once_in_order_and_signed(file: WebhookFile) -> None:
    desk = FakeDesk()
    hooks = Webhooks(desk, file, "town", lambda: NOW_US, allow_private=True)

    async def test() -> None:
        with Receiver() as receiver:
            async with running(hooks):
                made = await hooks.add(ASKED, "state", address(receiver), "crowd.example.org")
                await until(lambda: len(desk.queues) == 1)
                events = [desk.publish() for _ in range(5)]
                await until(lambda: hooks.of(POLICE)[0].last_id == "5")
            assert [each.body for each in receiver.received] == [event.body for event in events]
            for got in receiver.received:
                headers = {name.lower(): value for name, value in got.headers.items()}
                assert headers["content-type"] == "application/cloudevents+json"
                assert headers["webhook-request-origin"] == "crowd.example.org"
                assert verify(headers["ruimte-signature"], KEYS.public, got.body)
                assert "authorization" not in headers
            found = file.get(made.id)
            assert found is not None
            assert (found.last_us, found.failing_since_us) == (NOW_US, None)
        assert desk.queues == []

    run(test)


def test_a_receiver_that_was_away_gets_all_in_order_and_each_try_is_decided_anew(file: WebhookFile) -> None:
    desk = FakeDesk()
    hooks = Webhooks(desk, file, "town", lambda: NOW_US, allow_private=True)

    async def test() -> None:
        with Receiver(answers=[(204, {}), (500, {}), (503, {}), (204, {})]) as receiver:
            async with running(hooks):
                await hooks.add(msgspec.structs.replace(ASKED, key="thumb"), "state", address(receiver), "crowd.example.org")
                await until(lambda: len(desk.queues) == 1)
                events = [desk.publish() for _ in range(3)]
                await until(lambda: hooks.of(POLICE)[0].last_id == "3")
            one, two, three = (event.body for event in events)
            assert [each.body for each in receiver.received] == [one, two, two, two, three]
        assert [after for _, after in desk.lives] == [None, None, "1", "1"], "asked; followed; and again after each failure"
        assert {asked.key for asked, _ in desk.lives} == {"thumb"}, "it ends with the key that asked for it"

    run(test)


def test_a_receiver_that_was_away_from_the_first_event_on_gets_that_too(file: WebhookFile) -> None:
    desk = FakeDesk()
    hooks = Webhooks(desk, file, "town", lambda: NOW_US, allow_private=True)

    async def test() -> None:
        with Receiver(answers=[(500, {}), (500, {})]) as receiver:
            async with running(hooks):
                await hooks.add(ASKED, "state", address(receiver), "crowd.example.org")
                await until(lambda: len(desk.queues) == 1)
                events = [desk.publish() for _ in range(3)]
                await until(lambda: hooks.of(POLICE)[0].last_id == "3")
            one, two, three = (event.body for event in events)
            assert [each.body for each in receiver.received] == [one, one, one, two, three]

    run(test)


def test_after_a_restart_it_goes_on_after_the_last_that_was_taken(file: WebhookFile) -> None:
    desk = FakeDesk()

    async def test() -> None:
        with Receiver() as receiver:
            file.put(hook(address=address(receiver), last_id="2"))
            for _ in range(4):
                desk.publish()
            async with running(Webhooks(desk, file, "town", lambda: NOW_US, allow_private=True)):
                await until(lambda: len(receiver.received) == 2)
            assert [each.body for each in receiver.received] == [event.body for event in desk.sent[2:]]

    run(test)


def test_an_agreement_that_is_taken_back_stops_the_next_try(file: WebhookFile) -> None:
    desk = FakeDesk()
    hooks = Webhooks(desk, file, "town", lambda: NOW_US, allow_private=True)

    async def test() -> None:
        with Receiver(answers=[(500, {})] * 1000) as receiver:
            async with running(hooks):
                await hooks.add(ASKED, "state", address(receiver), "crowd.example.org")
                await until(lambda: len(desk.queues) == 1)
                desk.publish()
                await until(lambda: len(receiver.received) > 2)
                desk.refuse = "revoked"  # nobody tells the queue: the next try finds it out
                await until(lambda: hooks.of(POLICE)[0].ended_us is not None)
                tries = len(receiver.received)
                await asyncio.sleep(0.1)
                assert len(receiver.received) == tries
            assert hooks.of(POLICE)[0].reason == "revoked"

    run(test)


def test_a_grant_that_ends_ends_the_webhook(file: WebhookFile) -> None:
    desk = FakeDesk()
    hooks = Webhooks(desk, file, "town", lambda: NOW_US, allow_private=True)

    async def test() -> None:
        with Receiver() as receiver:
            async with running(hooks):
                await hooks.add(ASKED, "state", address(receiver), "crowd.example.org")
                await until(lambda: len(desk.queues) == 1)
                desk.end("expired")
                await until(lambda: hooks.of(POLICE)[0].reason == "expired")
            assert receiver.received == []

    run(test)


def test_a_refusal_that_may_be_over_later_is_tried_again(file: WebhookFile) -> None:
    desk = FakeDesk()
    hooks = Webhooks(desk, file, "town", lambda: NOW_US, allow_private=True)

    async def test() -> None:
        with Receiver() as receiver:
            async with running(hooks):
                await hooks.add(ASKED, "state", address(receiver), "crowd.example.org")
                await until(lambda: len(desk.queues) == 1)
                desk.end("log-failed")
                await until(lambda: hooks.of(POLICE)[0].trouble == "refused: log-failed")
                desk.refuse = None
                await until(lambda: len(desk.queues) == 1)
                desk.publish()
                await until(lambda: len(receiver.received) == 1)
            assert hooks.of(POLICE)[0].ended_us is None

    run(test)


def test_a_receiver_that_is_gone_or_takes_nothing_for_days_is_let_go(file: WebhookFile) -> None:
    desk = FakeDesk()
    now = [NOW_US]
    hooks = Webhooks(desk, file, "town", lambda: now[0], allow_private=True)

    async def test() -> None:
        with Receiver(answers=[(410, {})]) as gone, Receiver(answers=[(500, {})] * 1000) as broken:
            async with running(hooks):
                await hooks.add(ASKED, "state", address(gone), "crowd.example.org")
                await hooks.add(ASKED, "state", address(broken), "crowd.example.org")
                await until(lambda: len(desk.queues) == 2)
                desk.publish()
                await until(lambda: any(each.reason == "gone" for each in hooks.of(POLICE)))
                await until(lambda: any(each.trouble == "status 500" for each in hooks.of(POLICE)))
                now[0] += GIVE_UP_US + 1
                await until(lambda: any(each.reason == "not-taken" for each in hooks.of(POLICE)))
            now[0] += KEPT_US + 1
            async with running(hooks):
                await until(lambda: hooks.of(POLICE) == [])

    run(test)


def test_one_that_was_removed_gets_nothing_more(file: WebhookFile) -> None:
    desk = FakeDesk()
    hooks = Webhooks(desk, file, "town", lambda: NOW_US, allow_private=True)

    async def test() -> None:
        with Receiver() as receiver:
            async with running(hooks):
                made = await hooks.add(ASKED, "state", address(receiver), "crowd.example.org")
                await until(lambda: len(desk.queues) == 1)
                assert await hooks.remove(POLICE, made.id)
                await until(lambda: desk.queues == [])
                desk.publish()
                await asyncio.sleep(0.05)
            assert receiver.received == []

    run(test)


def test_what_was_decided_long_ago_is_decided_anew_before_it_is_sent(file: WebhookFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivering, "STALE_S", 0.05)
    desk = FakeDesk()
    hooks = Webhooks(desk, file, "town", lambda: NOW_US, allow_private=True)

    async def test() -> None:
        with Receiver(wait_s=0.1) as receiver:
            async with running(hooks):
                await hooks.add(ASKED, "state", address(receiver), "crowd.example.org")
                await until(lambda: len(desk.queues) == 1)
                for _ in range(3):
                    desk.publish()
                await until(lambda: hooks.of(POLICE)[0].last_id == "3")
            assert len(receiver.received) == 3
        assert [after for _, after in desk.lives] == [None, None, "1", "2"]

    run(test)


def test_a_disk_that_fails_for_a_while_stops_no_webhook(
    file: WebhookFile, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    desk = FakeDesk()
    hooks = Webhooks(desk, file, "town", lambda: NOW_US, allow_private=True)

    async def test() -> None:
        with Receiver() as receiver:
            async with running(hooks):
                await hooks.add(ASKED, "state", address(receiver), "crowd.example.org")
                await until(lambda: len(desk.queues) == 1)
                with monkeypatch.context() as broken:
                    broken.setattr(file, "taken", lambda *_: (_ for _ in ()).throw(StorageError("full", "hooks.db", "make room")))
                    desk.publish()
                    await until(lambda: len(receiver.received) > 1)
                await until(lambda: hooks.of(POLICE)[0].last_id == "1")
                desk.publish()
                await until(lambda: hooks.of(POLICE)[0].last_id == "2")

    run(test)
    assert "a webhook has failed" in caplog.text


def test_a_slow_receiver_holds_up_no_other(file: WebhookFile) -> None:
    desk = FakeDesk()
    hooks = Webhooks(desk, file, "town", lambda: NOW_US, allow_private=True)

    async def test() -> None:
        with Receiver(wait_s=0.5) as slow, Receiver() as quick:
            async with running(hooks):
                await hooks.add(ASKED, "state", address(slow), "crowd.example.org")
                await hooks.add(ASKED, "state", address(quick), "crowd.example.org")
                await until(lambda: len(desk.queues) == 2)
                for _ in range(10):
                    desk.publish()
                await until(lambda: len(quick.received) == 10)
                assert len(slow.received) <= 2

    run(test)

"""Whom a node follows: the file, the command, and the node that takes up what changed in it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import msgspec
import pytest
from click.testing import CliRunner

from agreed import CITY, FROM_S, KEYS, METRO, NOW_S, POLICE, agreed, grant, proposed
from provider import Clock
from ruimte.cli import main
from ruimte.clock import SECOND_US, from_us
from ruimte.errors import RuimteError
from ruimte.jobs import subscribing
from ruimte.jobs.agreements import Book
from ruimte.jobs.event_stream import ServerEvent
from ruimte.jobs.foreign_views import said
from ruimte.jobs.link import EndedError
from ruimte.jobs.log import Log
from ruimte.jobs.meeting import meet, read_valid
from ruimte.jobs.partner_words import LINKS
from ruimte.jobs.subscribing import Subscriber, keep_copy, standing_of
from ruimte.jobs.subscriptions import (
    Subscription,
    find,
    read_subscriptions,
    subscriptions_path,
    with_subscription,
    write_subscriptions,
)
from ruimte.jobs.telling import body_of
from ruimte.jobs.words import Words
from ruimte.lab.read import read_lab
from ruimte.share.agreement import What
from ruimte.share.contract import content_hash, sign
from ruimte.share.contribution import read
from ruimte.share.document import write_document
from ruimte.store import foreign
from ruimte.store.foreign import Cursor, Message
from ruimte.store.records import LogEntry
from ruimte.store.sqlite import Store

AGREED = agreed(grant())
ONE = Subscription(
    url="https://city.example",
    agreement=content_hash(AGREED.content),
    party=POLICE,
    provider=CITY,
    lab="boulevard",
    purpose="event-safety",
    since_s=NOW_S,
)
OTHER = msgspec.structs.replace(ONE, url="https://other.example")


# --- the file -----------------------------------------------------------------------------------------------------------


def test_what_is_written_is_read_again(tmp_path):
    path = subscriptions_path(tmp_path / "deep", "police")
    assert read_subscriptions(path) == []
    write_subscriptions(path, [ONE, OTHER])
    assert read_subscriptions(path) == [ONE, OTHER]
    assert [each.name for each in path.parent.iterdir()] == ["police.subscriptions.json"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "does not hold subscriptions"),
        ('{"version": 2}', "newer than this one knows"),
        ('{"version": 1, "x": 1}', "does not hold"),
    ],
)
def test_a_file_that_is_wrong_is_told_in_one_line(tmp_path, text, told):
    path = subscriptions_path(tmp_path, "police")
    path.write_text(text)
    with pytest.raises(RuimteError, match=told) as raised:
        read_subscriptions(path)
    assert "\n" not in str(raised.value)


def test_the_same_subscription_again_takes_the_place_of_the_first():
    later = msgspec.structs.replace(ONE, since_s=NOW_S + 9, allow_private=True)
    assert with_subscription([ONE, OTHER], later) == [OTHER, later]


def test_one_is_found_by_its_key_or_its_address():
    assert find([ONE, OTHER], ONE.key) == ONE
    assert find([ONE, OTHER], "https://other.example/share/v1/") == OTHER
    with pytest.raises(RuimteError, match="is no subscription"):
        find([ONE], "https://nobody.example")
    twice = msgspec.structs.replace(ONE, purpose="traffic")
    with pytest.raises(RuimteError, match="more than one") as raised:
        find([ONE, twice], ONE.url)
    assert twice.key in str(raised.value)


# --- meeting ------------------------------------------------------------------------------------------------------------


class Stranger:
    """A node that answers as it is told to."""

    def __init__(self, **answers: httpx.Response) -> None:
        self.answers = {"": httpx.Response(200, json={"lab": "boulevard"}), "/state": STATE} | answers

    async def get(self, path: str, params: Mapping[str, str] | None = None, accept: str = "") -> httpx.Response:
        return self.answers[path]

    async def __aenter__(self) -> Stranger:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


STATE = httpx.Response(200, json={"figures": [{"place": "stage", "end": "2026-09-21T14:00:00Z"}]})


def met(node: Stranger, agreement: Any = AGREED, party: str | None = None, key: str = POLICE) -> list[Any]:
    return asyncio.run(
        meet("https://city.example/", agreement, KEYS[key], NOW_S, party=party, partner=lambda party, purpose: node)  # type: ignore[arg-type, return-value]
    )


def test_it_is_told_plainly_what_will_come():
    (found,) = met(Stranger())
    assert found.subscription == ONE
    assert found.lines() == [
        f"{ONE.key}  City of Example, lab boulevard, for event-safety",
        "  state, history of people, density in all places: every 5m, rounded to 5, at least 10 people; kept at most 30d",
        "  now: 1 place, up to 2026-09-21T14:00:00Z",
    ]


@pytest.mark.parametrize(
    ("node", "told"),
    [
        (Stranger(**{"": httpx.Response(200, json={"lab": "elsewhere"})}), "is the node of lab elsewhere"),
        (Stranger(**{"": httpx.Response(200, text="<html>")}), "no node of Ruimte answers there"),
        (Stranger(**{"": httpx.Response(404)}), "no node of Ruimte answers there"),
        (Stranger(**{"/state": httpx.Response(403, json={"detail": "not for you"})}), "refuses: not for you"),
    ],
)
def test_a_node_that_gives_nothing_is_told_in_one_line(node, told):
    with pytest.raises(RuimteError, match=told) as raised:
        met(node)
    assert "\n" not in str(raised.value)


def test_who_is_no_party_or_gets_nothing_is_told_so():
    with pytest.raises(RuimteError, match="is no party's key"):
        met(Stranger(), key=METRO)
    with pytest.raises(RuimteError, match="gives nothing to"):
        met(Stranger(), key=CITY)
    with pytest.raises(RuimteError, match="the node's key is that of"):
        met(Stranger(), party=CITY)


@pytest.mark.parametrize(
    ("agreement", "at_s", "told"),
    [
        (proposed(grant()), NOW_S, "is not signed by all"),
        (sign(AGREED, CITY, KEYS[CITY].private, "revoke", NOW_S), NOW_S, "was revoked"),
        (AGREED, 1_900_000_000, "has expired"),
        (AGREED, FROM_S - 10, "does not hold before 2026-05-28 22:26 \\(Europe/Amsterdam\\)"),
    ],
)
def test_an_agreement_that_does_not_hold_is_refused(tmp_path, agreement, at_s, told):
    path = tmp_path / "agreement.json"
    path.write_bytes(write_document(agreement))
    with pytest.raises(RuimteError, match=told):
        read_valid(path, at_s, ZoneInfo("Europe/Amsterdam"))


# --- the commands -------------------------------------------------------------------------------------------------------


@pytest.fixture
def police(tmp_path: Path) -> Path:
    """A lab without places, as a folder."""
    folder = tmp_path / "police"
    folder.mkdir()
    lab = 'format = 1\nkey = "police"\nname = "Police"\norganisation = "Police"\ncontact = "a@b.example"\ntime_zone = "UTC"\n'
    (folder / "lab.toml").write_text(lab)
    (folder / "places.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    for name in ("sensors", "algorithms", "playbook", "calendar"):
        (folder / f"{name}.toml").write_text("format = 1\n")
    return folder


def ruimte(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, [*map(str, arguments)])
    return done.exit_code, done.output


def test_a_lab_that_only_follows_is_in_order_and_one_with_a_sensor_needs_a_place(police):
    assert ruimte("check", police) == (0, f"{police}: in order\n")
    sensor = (
        '[[sensor]]\nkey = "a"\nname = "A"\nplace = "x"\nkind = "infrared"\nmeasures = ["count"]\ninterval = "5m"\nowner = "o"\n'
    )
    sensor += 'purpose = "p"\nlegal_ground = "l"\npersonal_data = false\nvalid_from = 2026-01-01\nvalid_until = 2027-01-01\n'
    (police / "sensors.toml").write_text("format = 1\n" + sensor)
    code, told = ruimte("check", police)
    assert code == 1
    assert "there is no zone and no count point" in told
    assert "algorithm 'rate-filter' is not registered" in told


def test_listing_removing_and_trusting(police, tmp_path):
    data = tmp_path / "data"
    at = ("--lab", police, "--data", data)
    assert ruimte("subscribe", "--list", *at) == (0, "nobody is followed\n")
    path = subscriptions_path(data, "police")
    write_subscriptions(path, [ONE, OTHER])
    told = json.loads(ruimte("subscribe", "--list", *at, "--json")[1])["subscriptions"]
    assert [(each["key"], each["told"]) for each in told] == [(each.key, "its agreement is not here") for each in (ONE, OTHER)]
    book = Book([data / "police.agreements"], lambda: NOW_S * SECOND_US)
    kept = book.keep(sign(AGREED, CITY, KEYS[CITY].private, "revoke", NOW_S)).path
    assert "for event-safety: revoked by City of Example on 2026-09-21" in ruimte("subscribe", "--list", *at)[1]
    kept.write_bytes(b"{}")
    assert "for event-safety: gives nothing: " in ruimte("subscribe", "--list", *at)[1]
    assert ruimte("subscribe", "--trust", ONE.key, *at)[0] == 0
    assert next(each for each in read_subscriptions(path) if each.key == ONE.key).trusted_s > 0
    assert ruimte("subscribe", "--remove", ONE.url, *at)[0] == 0
    assert read_subscriptions(path) == [OTHER]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ((), 2, "give URL with --agreement"),
        (("https://city.example",), 2, "an agreement is needed"),
        (("https://city.example", "--list"), 2, "give URL with --agreement"),
        (("https://city.example", "--agreement", "nowhere.json"), 1, "nowhere.json: there is no such file"),
        (("--remove", "nobody"), 1, "nobody: is no subscription; there is none yet"),
    ],
)
def test_bad_input_is_told_in_one_line(police, tmp_path, arguments, code, told):
    found = ruimte("subscribe", *arguments, "--lab", police, "--data", tmp_path / "data")
    assert found[0] == code
    assert told in found[1]
    assert "Traceback" not in found[1]


def test_a_data_folder_without_a_key_is_named_and_gets_none(police, tmp_path, monkeypatch):
    monkeypatch.setattr("ruimte.cli_follow.now_us", lambda: NOW_S * SECOND_US)
    data, agreement = tmp_path / "data", tmp_path / "agreement.json"
    agreement.write_bytes(write_document(AGREED))
    at = ("--lab", police, "--data", data)
    code, told = ruimte("subscribe", "https://city.example", "--agreement", agreement, *at)
    assert (code, "there is no key of the node of police; is --data right?" in told) == (1, True)
    assert not data.exists()
    write_subscriptions(subscriptions_path(data, "police"), [ONE])
    code, told = ruimte("contribute", ONE.key, "closures", "stage", "--until", "2026-12-01T00:00", *at)
    assert (code, "there is no key of the node of police" in told) == (1, True)
    assert [each.name for each in data.iterdir()] == ["police.subscriptions.json"]


def test_a_closure_of_before_ends_now():
    now_us, zone = NOW_S * SECOND_US, ZoneInfo("Europe/Amsterdam")
    now = from_us(now_us).astimezone(zone)
    earlier = (now - timedelta(hours=1)).replace(tzinfo=None)
    body = body_of("closures", "gate", from_=earlier.isoformat(), until=now.isoformat(), zone=zone, now_us=now_us)
    assert body["from"] == (now - timedelta(hours=1)).isoformat(timespec="seconds")
    assert body["until"] == now.isoformat(timespec="seconds")
    assert read("closures", body, [], ["gate"], now_us)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("zone-status", "stage", "--until", "2027-01-01T00:00"), 2, "zone-status needs --status"),
        (("closures", "stage", "--status", "full", "--until", "2027-01-01T00:00"), 2, "zone-status needs --status"),
        (("closures", "stage", "--until", "soon"), 1, "'soon' is not a time"),
        (
            ("closures", "stage", "--until", "2026-09-01T10:00"),
            1,
            "--until: 2026-09-01T10:00 is over already; write a later time",
        ),
        (
            ("closures", "stage", "--from", "2026-12-02T10:00", "--until", "2026-12-01T10:00"),
            1,
            "--until: 2026-12-01T10:00 is not after 2026-12-02T10:00",
        ),
        (
            ("closures", "stage", "--until", "2026-12-01T10:00"),
            1,
            "the agreement takes no closures; it takes arrivals, zone-status",
        ),
    ],
)
def test_a_contribution_that_makes_no_sense_is_not_sent(police, tmp_path, monkeypatch, arguments, code, told):
    monkeypatch.setattr("ruimte.cli_follow.now_us", lambda: NOW_S * SECOND_US)
    data = tmp_path / "data"
    agreement = agreed(grant(what=What(zones=("stage",), contributions=("arrivals", "zone-status"))))
    Book([data / "police.agreements"], lambda: NOW_S * SECOND_US).keep(agreement)
    one = msgspec.structs.replace(ONE, agreement=content_hash(agreement.content))
    write_subscriptions(subscriptions_path(data, "police"), [one])
    found = ruimte("contribute", one.key, *arguments, "--lab", police, "--data", data)
    assert found[0] == code
    assert told in found[1]


# --- the running node ---------------------------------------------------------------------------------------------------


class Silent:
    """A provider that says nothing, and notes that it was left."""

    def __init__(self) -> None:
        self.closed = False

    async def get(self, path: str, params: Mapping[str, str] | None = None, accept: str = "") -> httpx.Response:
        return httpx.Response(200, json={"type": "FeatureCollection", "features": []})

    async def post(self, path: str, json: Any) -> httpx.Response:
        return httpx.Response(200)

    async def stream(self, *_: object) -> AsyncIterator[ServerEvent]:
        yield ServerEvent("", "beat", "{}")
        await asyncio.Event().wait()

    async def aclose(self) -> None:
        self.closed = True


def test_a_running_node_takes_up_and_lets_go_of_what_changes_in_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(subscribing, "_LOOK_S", 0.01)
    path, clock = subscriptions_path(tmp_path, "police"), Clock(NOW_S * SECOND_US)
    providers: dict[str, Silent] = {}

    async def until(holds: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not holds():
                await asyncio.sleep(0.005)

    async def story(subscriber: Subscriber, store: Store) -> None:
        following = asyncio.create_task(subscriber.follow_all())
        try:
            assert subscriber.views("en") == []
            write_subscriptions(path, [ONE])
            await until(lambda: [view.status for view in subscriber.views("en")] == ["following"])
            (view,) = subscriber.views("en")
            assert (view.partner, view.lab, view.places) == ("City of Example", "boulevard", [])
            message = Message("1", "state", 1, 1, ONE.agreement, 0, "s", "d", "", b"{}", "{}", 2**62)
            store.write(lambda c: foreign.append(c, ONE.key, message, stream="state", at=Cursor("1", 1))).result()
            agreement = next((tmp_path / "agreements").glob("*.json"))
            kept = agreement.read_bytes()
            agreement.write_bytes(b"{}")
            (view,) = subscriber.views("en")
            assert (view.status, view.partner, view.until) == ("ended", CITY, None)
            assert "cannot be read" in view.told
            agreement.write_bytes(kept)
            path.write_text("{")  # a file that is wrong changes nothing
            await asyncio.sleep(0.1)
            assert len(subscriber) == 1
            write_subscriptions(path, [])
            await until(lambda: providers[ONE.key].closed)
            assert subscriber.views("en") == []
            await until(lambda: store.read(lambda c: foreign.message_ids(c, ONE.key)) == [])
            assert store.read(lambda c: foreign.cursor(c, ONE.key, "state")) is None
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    def connect(subscription: Subscription) -> Silent:
        return providers.setdefault(subscription.key, Silent())

    book = Book([tmp_path / "agreements"], clock)
    book.keep(AGREED)
    with (
        Store(tmp_path / "police.db", "police", durable=False) as store,
        Log(tmp_path / "log.db", POLICE, KEYS[POLICE], clock) as log,
    ):
        asyncio.run(story(Subscriber(path, store, book, clock, connect, log), store))


def test_a_provider_that_took_back_tells_so_with_its_copy_and_with_nothing_else(tmp_path):
    book = Book([tmp_path / "agreements"], lambda: NOW_S * SECOND_US)
    book.keep(AGREED)
    revoked = sign(AGREED, CITY, KEYS[CITY].private, "revoke", NOW_S)
    forged = write_document(revoked).replace(revoked.signatures.revoke[CITY].encode(), AGREED.signatures.accept[CITY].encode())
    other = agreed(grant(purpose="research"))
    for wrong in (forged, write_document(sign(other, CITY, KEYS[CITY].private, "revoke", NOW_S)), b"{}"):
        with pytest.raises(RuimteError):
            keep_copy(book, ONE, wrong)
    assert book.find(ONE.agreement).status == "valid"
    keep_copy(book, ONE, write_document(AGREED))
    keep_copy(book, ONE, write_document(revoked))
    assert book.find(ONE.agreement).status == "revoked"
    with pytest.raises(EndedError, match="revoked"):
        standing_of(book, ONE, NOW_S * SECOND_US)


@pytest.mark.parametrize("why", ["truncated", "fork", "rewritten", "refused"])
def test_what_the_other_node_says_in_english_is_dutch_on_a_dutch_page(police, why):
    shown = {
        "truncated": ("city/log showed 115 entries before, and 57 now", "city/log toonde eerder 115 regels, en nu 57"),
        "fork": ("c shows two different logs of 9 entries", "c toont twee verschillende logboeken van 9 regels"),
        "rewritten": (
            "the 99 entries of c do not begin with the 98 that it showed before",
            "de 99 regels beginnen niet",
        ),
        "refused": ("cannot be reached (ConnectError)", "de node is niet te bereiken"),
    }
    english, dutch = shown[why]
    trouble = {"why": "link.refused" if why == "refused" else "link.log", "reason": english}
    entry = LogEntry(lab_us=0, wall_us=0, kind="partner-distrusted", who="system", body={"partner": "City", **trouble})
    for language, told in (("nl", dutch), ("en", english)):
        assert told in Words(read_lab(police), language).log(entry)
        assert told in said(trouble, language)


def test_what_an_agreement_does_not_let_be_kept_is_deleted(tmp_path):
    with Store(tmp_path / "police.db", "police", durable=False) as store:
        figure = foreign.Figure("square", "people", 0, 1, 5.0, 4.0, 6.0, False)
        for event, delete_us in (("1", 100), ("2", 200)):
            message = Message(event, "state", 1, 1, "A", 0, "s", "d", "", b"{}", "{}", delete_us)
            told = [figure._replace(start_us=delete_us)]
            store.write(lambda c, m=message, f=told: foreign.append(c, "k", m, f)).result()
        assert store.write(lambda c: foreign.forget(c, 150)).result() == 1
        assert [each.start_us for each in store.read(lambda c: foreign.figures(c, "k", "state", 0, 1000))] == [200]


@pytest.mark.parametrize("language", ["en", "nl"])
@pytest.mark.parametrize("why", sorted(LINKS))
def test_every_trouble_of_a_link_can_be_said(police, why, language):
    words = Words(read_lab(police), language)
    body = {"partner": "City", "why": why, "reason": "of this", "status": 500, "host": "city.example"}
    for kind in ("partner-lost", "partner-ended", "partner-refused", "partner-distrusted"):
        told = words.log(LogEntry(lab_us=0, wall_us=0, kind=kind, who="system", body=body))
        assert "City" in told
        assert "{" not in told

"""Warnings for other systems: layers of a map, CAP and its feed; and browsers that ask to be warned."""

from __future__ import annotations

import re
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_notify_cap import follows_the_schema

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it asks for another HTTP library than the one we test with
    from starlette.testclient import TestClient

from cryptography.hazmat.primitives.asymmetric import ec

from fake_room import SPOTS, FakeAccounts, FakeRoom
from ruimte.clock import HOUR_US, SystemClock
from ruimte.jobs.push_desk import PushDesk
from ruimte.notify import web_push
from ruimte.notify.keys import node_keys
from ruimte.store import subscriptions
from ruimte.store.outbox import ChannelState
from ruimte.store.sqlite import Store
from ruimte.web.app import create_app
from ruimte.web.settings import WebSettings

ATOM = "{http://www.w3.org/2005/Atom}"


def test_the_warnings_that_stand_are_a_layer(client: TestClient, room: FakeRoom) -> None:
    answer = client.get("/api/v1/warnings.geojson?lang=nl")
    assert answer.headers["content-type"] == "application/geo+json"
    layer = answer.json()
    standing = [view for view in room.warnings("nl") if view.phase != "closed"]
    assert standing
    assert [feature["properties"]["warning"] for feature in layer["features"]] == [view.id for view in standing]
    one = layer["features"][0]
    assert one["type"] == "Feature"
    assert one["geometry"]["type"] in ("Polygon", "Point")
    assert one["properties"]["name"] == standing[0].place_name
    assert all(not isinstance(value, dict | list) for value in one["properties"].values()), "map programs want it flat"


def test_the_places_with_their_state_are_a_layer_now_and_then(client: TestClient, room: FakeRoom) -> None:
    layer = client.get("/api/v1/zones.geojson").json()
    assert [feature["id"] for feature in layer["features"]] == [spot.key for spot in SPOTS]
    room.now_us += HOUR_US
    then = client.get("/api/v1/zones.geojson?at=2019-12-31T19:45:00Z").json()
    assert then["features"][0]["properties"]["time"] == layer["features"][0]["properties"]["time"]
    assert client.get("/api/v1/zones.geojson?at=yesterday").status_code == 400


def test_every_warning_is_a_cap_message_and_the_feed_leads_to_it(client: TestClient, room: FakeRoom) -> None:
    answer = client.get("/api/v1/cap.xml")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    feed = ElementTree.fromstring(answer.content)
    assert feed.find(f"{ATOM}updated").text
    links = [entry.find(f"{ATOM}link").attrib["href"] for entry in feed.findall(f"{ATOM}entry")]
    assert links == [f"http://localhost:8000/api/v1/cap/{view.id}.xml" for view in room.warnings("en")]
    for link in links:
        message = client.get(link)
        assert message.headers["content-type"].startswith("application/cap+xml")
        follows_the_schema(ElementTree.fromstring(message.content))


@pytest.mark.parametrize("id_", ["999", "x", "1e3", "-1"])
def test_a_warning_that_is_not_there_is_not_found(client: TestClient, id_: str) -> None:
    assert client.get(f"/api/v1/cap/{id_}.xml").status_code == 404


def test_who_may_not_look_gets_none_of_it(client: TestClient, accounts: FakeAccounts) -> None:
    accounts.password = "a password that is set"
    for path in ("warnings.geojson", "zones.geojson", "cap.xml", "cap/1.xml"):
        assert client.get(f"/api/v1/{path}").status_code == 401


def test_who_watches_the_node_sees_a_channel_that_fails(room: FakeRoom, accounts: FakeAccounts) -> None:
    states = [ChannelState(key="wall", waiting=3, failing_since_us=1), ChannelState(key="duty", sent=2)]
    app = create_app(room, accounts, WebSettings(), channels=lambda: states)
    with TestClient(app, "http://localhost:8000", client=("127.0.0.1", 50_000)) as watcher:
        told = watcher.get("/metrics").text
    assert 'ruimte_outbox_waiting{channel="wall"} 3\n' in told
    assert 'ruimte_channel_failing{channel="wall"} 1\n' in told
    assert 'ruimte_channel_failing{channel="duty"} 0\n' in told


# --- web push ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "town.db", "town", durable=False) as opened:
        yield opened


@pytest.fixture
def visitor(room: FakeRoom, accounts: FakeAccounts, store: Store, tmp_path: Path) -> Iterator[TestClient]:
    """A visitor of a node that has a push channel; not signed in."""
    desk = PushDesk(store, node_keys(tmp_path, "town"), SystemClock().now_us)
    app = create_app(room, accounts, WebSettings(), push_desk=desk)
    base = "http://localhost:8000"
    with TestClient(app, base, headers={"origin": base}, client=("127.0.0.1", 50_000), follow_redirects=False) as come:
        yield come


def asked(**changes: Any) -> dict[str, Any]:
    public = web_push.encode(web_push.public_bytes(ec.generate_private_key(ec.SECP256R1())))
    keys = {"p256dh": public, "auth": web_push.encode(bytes(16))}
    return {"endpoint": "https://push.example.net/send/abc", "expirationTime": None, "keys": keys} | changes


def sign_in(visitor: TestClient, accounts: FakeAccounts) -> None:
    accounts.links.add("once")
    assert visitor.get("/sign-in/once").status_code == 200


def kept(store: Store) -> list[str]:
    return store.read(lambda c: subscriptions.ids(c, SystemClock().now_us()))


def test_a_browser_asks_and_leaves(visitor: TestClient, accounts: FakeAccounts, store: Store) -> None:
    sign_in(visitor, accounts)
    page = visitor.get("/").text
    assert re.search(r'"push":\s*"B[\w-]{86}"', page)
    body = asked()
    assert visitor.post("/push/subscribe", json=body).status_code == 204
    assert visitor.post("/push/subscribe", json=body).status_code == 204
    assert len(kept(store)) == 1
    assert visitor.post("/push/unsubscribe", json={"endpoint": body["endpoint"]}).status_code == 204
    assert kept(store) == []


def test_only_who_is_signed_in_can_ask(visitor: TestClient, store: Store) -> None:
    assert '"push":null' in visitor.get("/").text
    assert visitor.post("/push/subscribe", json=asked()).status_code == 401
    assert visitor.post("/push/subscribe", json=asked(), headers={"origin": "https://evil.example"}).status_code == 403
    assert kept(store) == []


@pytest.mark.parametrize(
    "body",
    [
        asked(endpoint="http://push.example.net/send"),
        asked(endpoint="javascript:alert(1)"),
        asked(endpoint="https:///"),
        asked(endpoint="https://push.example.net/" + "x" * 2000),
        asked(keys=None),
        asked(keys={"p256dh": "AAAA", "auth": "AAAA"}),
        {"endpoint": 1},
        [],
    ],
)
def test_what_is_no_subscription_is_refused(visitor: TestClient, accounts: FakeAccounts, store: Store, body: Any) -> None:
    sign_in(visitor, accounts)
    assert visitor.post("/push/subscribe", json=body).status_code == 400
    assert kept(store) == []


def test_a_node_without_the_channel_says_so(signed_in: TestClient) -> None:
    assert signed_in.post("/push/subscribe", json=asked()).status_code == 404


def test_the_worker_of_the_page_is_served_at_the_root(visitor: TestClient) -> None:
    answer = visitor.get("/push-worker.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "fetch(" not in answer.text


def test_there_is_an_end_to_how_many_browsers_are_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "MOST", 2)
    taken = [
        store.write(lambda c, n=n: subscriptions.keep(c, subscriptions.Subscription(f"https://p/{n}", "", "", "en"), 0)).result()
        for n in (1, 2, 3, 1)
    ]
    assert taken == [True, True, False, True]

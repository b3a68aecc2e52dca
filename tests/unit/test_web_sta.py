"""The SensorThings service over HTTP: addresses, methods, links, errors, and what it asks of who sends."""

from __future__ import annotations

import asyncio
import gzip
import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sta_visitor import BASE, PLACE, ROOT, THING, Visitor, visiting

from ruimte.clock import SystemClock
from ruimte.errors import RuimteError
from ruimte.jobs import sensorthings
from ruimte.jobs.sensorthings import Changes, SensorThings
from ruimte.sta.entities import SETS
from ruimte.sta.errors import StaError
from ruimte.store.sqlite import Store
from ruimte.web.settings import WebSettings
from ruimte.web.sta import body as bodies


@pytest.fixture
def visitor(tmp_path: Path) -> Iterator[Visitor]:
    with visiting(tmp_path) as made:
        yield made


# --- addresses and methods ----------------------------------------------------------------------------------------------


def test_the_root_lists_the_sets_and_what_is_served(visitor: Visitor) -> None:
    root = visitor.get()
    assert root["value"] == [{"name": name, "url": f"{BASE}{ROOT}/{name}"} for name in SETS]
    assert set(root["serverSettings"]) == {"conformance"}, "no broker, so no addresses of one"
    assert all(
        name.startswith("http://www.opengis.net/spec/iot_sensing/1.1/req/") for name in root["serverSettings"]["conformance"]
    )
    assert visitor.client.get(f"{ROOT}/").json() == root


def test_the_root_tells_where_the_broker_is(tmp_path: Path) -> None:
    with visiting(tmp_path, WebSettings(mqtt_endpoints=("mqtt://127.0.0.1:1883",))) as visitor:
        settings = visitor.get()["serverSettings"]
    told = [name for name in settings if settings[name] == {"endpoints": ["mqtt://127.0.0.1:1883"]}]
    assert len(told) == 2
    assert set(told) <= set(settings["conformance"])


@pytest.mark.parametrize(
    ("method", "path", "status", "allowed"),
    [
        ("POST", "", 405, "GET, HEAD"),
        ("DELETE", "api", 405, "GET, HEAD"),
        ("GET", "CreateObservations", 405, "POST"),
        ("PUT", "$batch", 405, "POST"),
        ("DELETE", "Things", 405, "GET, HEAD, POST"),
        ("PATCH", "Things", 405, "GET, HEAD, POST"),
        ("POST", "{thing}", 405, "GET, HEAD, PATCH, PUT, DELETE"),
        ("POST", "{thing}/name", 405, "GET, HEAD"),
        ("PUT", "{thing}/Locations/$ref", 405, "GET, HEAD, POST, DELETE"),
        ("OPTIONS", "Things", 405, "GET, HEAD, POST"),
        ("PATCH", "Cameras(1)", 404, None),
        ("DELETE", "Things(99)", 404, None),
        ("POST", "Things", 400, None),
        ("GET", "Things?$search=x", 501, None),
        ("GET", "Things?$top=-1", 400, None),
        ("GET", "Things?$resultFormat=xml", 501, None),
        ("GET", "Things?$resultFormat=dataArray", 400, None),
        ("GET", "{thing}/name?$resultFormat=CSV", 400, None),
        ("GET", "Things/%FF", 400, None),
    ],
)
def test_what_cannot_be_done_says_so(visitor: Visitor, method: str, path: str, status: int, allowed: str | None) -> None:
    thing = visitor.make("Things", THING)
    answer = visitor.ask(method, path.format(thing=thing))
    assert (answer.status_code, answer.headers.get("allow")) == (status, allowed)
    assert answer.headers["content-type"] == "application/json"
    error = answer.json()
    assert (error["code"], error["type"]) == (status, "error")
    assert error["message"]
    assert error["mend"]


@pytest.mark.parametrize("body", [b"", b"{", b'{"name": \xff}', b"\x00", b"[" * 100_000, b'"text"', b"5", b'{"name": 1e999}'])
def test_a_body_that_is_no_entity_is_a_400(visitor: Visitor, body: bytes) -> None:
    for method, path in (("POST", "Things"), ("POST", "CreateObservations"), ("POST", "$batch")):
        assert visitor.ask(method, path, body).status_code == 400
    assert visitor.get("Things?$count=true&$top=0")["@iot.count"] == 0


def test_the_path_is_read_as_it_was_sent(visitor: Visitor) -> None:
    thing = visitor.make("Things", {**THING, "properties": {"a/b": "slash", "ü": "umlaut"}})
    assert visitor.get(f"{thing}/properties/a%2Fb") == {"a/b": "slash"}
    assert visitor.get(f"{thing}/properties/%C3%BC") == {"ü": "umlaut"}
    assert visitor.client.get(f"/%73ta/v1.1/{thing}").status_code == 404


def test_a_life_of_an_entity(visitor: Visitor) -> None:
    thing = visitor.make("Things", THING)
    assert visitor.ask("PATCH", thing, {"name": "Pole"}).status_code == 200
    patch = b'[{"op": "replace", "path": "/properties/open", "value": false}]'
    kind = {"content-type": "application/json-patch+json; charset=utf-8"}
    assert visitor.ask("PATCH", thing, patch, headers=kind).status_code == 200
    shown = visitor.get(thing)
    assert (shown["name"], shown["properties"]["open"]) == ("Pole", False)
    assert visitor.ask("PUT", thing, {"name": "New", "description": "x"}).status_code == 200
    assert visitor.get(thing).get("properties") in (None, {})
    deleted = visitor.ask("DELETE", thing)
    assert (deleted.status_code, deleted.content) == (200, b"")
    assert visitor.ask("GET", thing).status_code == 404


def test_references_link_and_unlink(visitor: Visitor) -> None:
    thing, place = visitor.make("Things", {"name": "a", "description": "b"}), visitor.make("Locations", PLACE)
    linked = {"@id": f"{BASE}{ROOT}/{place}"}
    assert visitor.ask("POST", f"{thing}/Locations/$ref", linked).status_code == 200
    assert visitor.get(f"{thing}/Locations/$ref") == {"value": [{"@iot.selfLink": f"{BASE}{ROOT}/{place}"}]}
    assert visitor.ask("DELETE", f"{thing}/Locations/$ref?$id={BASE}{ROOT}/{place}").status_code == 200
    assert visitor.get(f"{thing}/Locations/$ref") == {"value": []}


def test_values_and_what_has_none(visitor: Visitor) -> None:
    visitor.observed({"a": 1}, "text", 2.5)
    value = visitor.ask("GET", "Observations(2)/result/$value")
    assert (value.text, value.headers["content-type"]) == ("text", "text/plain; charset=utf-8")
    assert visitor.ask("GET", "Observations(1)/result/$value").json() == {"a": 1}
    none = visitor.ask("GET", "Observations(1)/resultTime")
    assert (none.status_code, none.content) == (204, b"")
    assert "content-type" not in none.headers


def test_head_is_a_get_without_its_body(visitor: Visitor) -> None:
    visitor.make("Things", THING)
    head, get = visitor.ask("HEAD", "Things"), visitor.ask("GET", "Things")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]
    assert visitor.ask("HEAD", "Things(99)").status_code == 404


def test_the_entity_is_in_the_answer_for_who_would_rather_have_it(visitor: Visitor) -> None:
    prefer = {"prefer": "return=representation"}
    made = visitor.ask("POST", "Things", THING, headers=prefer)
    assert made.status_code == 201
    assert made.json()["@iot.selfLink"] == made.headers["location"]
    changed = visitor.ask("PATCH", "Things(1)", {"name": "Pole"}, headers=prefer)
    assert (changed.status_code, changed.json()["name"]) == (200, "Pole")


def test_large_answers_are_compressed_for_who_can_read_that(visitor: Visitor) -> None:
    visitor.observed(*range(60))
    plain = visitor.ask("GET", "Observations", headers={"accept-encoding": "identity"})
    with visitor.client.stream("GET", f"{ROOT}/Observations", headers={"accept-encoding": "gzip"}) as packed:
        assert packed.headers["content-encoding"] == "gzip"
        assert gzip.decompress(b"".join(packed.iter_raw())) == plain.content
    assert "content-encoding" not in plain.headers
    assert "content-encoding" not in visitor.ask("GET", "Observations(1)", headers={"accept-encoding": "gzip"}).headers


# --- data arrays --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["CreateObservations", "BulkObservations"])
def test_rows_are_made_or_told_why_not(visitor: Visitor, name: str) -> None:
    stream = visitor.observed()
    id_ = int(stream[len("Datastreams(") : -1])
    group = {
        "Datastream": {"@iot.id": id_},
        "components": ["result", "phenomenonTime"],
        "dataArray": [[1, "2026-05-01T12:00:00Z"], [2]],
    }
    answer = visitor.ask("POST", name, [group])
    assert answer.status_code == 201
    link, error = answer.json()
    assert visitor.client.get(link).json()["result"] == 1
    assert error.startswith("error: ")
    assert visitor.ask("POST", name, {"value": []}).status_code == 400


# --- who sends ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "[::1"])
def test_other_names_get_nothing(visitor: Visitor, host: str) -> None:
    assert visitor.ask("GET", "Things", headers={"host": host}).status_code == 421


def test_a_host_that_cannot_be_in_a_link_is_refused(visitor: Visitor) -> None:
    assert visitor.ask("GET", "Things", headers={"host": 'localhost:80"><script>'}).status_code == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 201),
        ({"origin": BASE}, 201),
        ({"origin": BASE, "sec-fetch-site": "same-origin"}, 201),
        ({"sec-fetch-site": "none"}, 201),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"origin": BASE, "sec-fetch-site": "same-site"}, 403),
    ],
)
def test_another_site_in_a_browser_changes_nothing(visitor: Visitor, headers: dict[str, str], status: int) -> None:
    assert visitor.ask("POST", "Things", THING, headers=headers).status_code == status
    assert visitor.get("Things?$count=true&$top=0")["@iot.count"] == (status == 201)


def test_no_answer_opens_itself_to_other_sites(visitor: Visitor) -> None:
    headers = visitor.ask("GET", "Things", headers={"origin": "http://evil.example"}).headers
    assert not [name for name in headers if name.startswith("access-control-")]
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["ruimte-sandbox"] == "true"


@pytest.mark.parametrize(
    ("headers", "begin"),
    [
        ({}, "http://localhost:8000"),
        ({"host": "127.0.0.1:9000"}, "http://127.0.0.1:9000"),
        ({"x-forwarded-proto": "https", "x-forwarded-host": "counts.example.org"}, "https://counts.example.org"),
        ({"x-forwarded-host": "a.example.org:8443, b.example.org"}, "http://a.example.org:8443"),
        ({"x-forwarded-prefix": "/crowd/"}, "http://localhost:8000/crowd"),
        ({"x-forwarded-proto": "ftp", "x-forwarded-host": 'a"b', "x-forwarded-prefix": "//x"}, "http://localhost:8000"),
    ],
)
def test_links_begin_as_the_caller_came(visitor: Visitor, headers: dict[str, str], begin: str) -> None:
    assert visitor.ask("GET", headers=headers).json()["value"][0]["url"] == f"{begin}{ROOT}/Things"


def test_a_stranger_does_not_forward(tmp_path: Path) -> None:
    forwarded = {"x-forwarded-host": "counts.example.org"}
    with visiting(tmp_path, peer="192.168.1.9") as visitor:
        assert visitor.ask("GET", headers=forwarded).json()["value"][0]["url"].startswith(BASE)


def test_a_configured_address_goes_before_all(tmp_path: Path) -> None:
    with visiting(tmp_path, WebSettings(base_url="https://counts.example.org/crowd/")) as visitor:
        answer = visitor.ask("POST", "Things", THING, headers={"x-forwarded-host": "other.example.org"})
    assert answer.headers["location"] == "https://counts.example.org/crowd/sta/v1.1/Things(1)"


# --- too much and too long ----------------------------------------------------------------------------------------------


def test_a_body_that_is_too_large(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "LARGEST", 100)
    answer = visitor.ask("POST", "Things", b" " * 101)
    assert (answer.status_code, answer.headers["connection"]) == (413, "close")
    pieces = iter([b" " * 60, b" " * 60])
    assert visitor.client.post(f"{ROOT}/Things", content=pieces).status_code == 413, "also where its length is not told"


def test_too_many_bodies_at_once(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "LARGEST_TOGETHER", 100)
    for _ in range(3):
        answer = visitor.ask("POST", "Things", b" " * 101)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
        assert visitor.ask("POST", "Things", b" " * 99).status_code == 400, "what was refused, or answered, is no longer held"


def test_a_read_that_takes_too_long(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor.observed(*range(20))
    monkeypatch.setattr(sensorthings, "LONGEST_READ_S", -1.0)
    monkeypatch.setattr(sensorthings, "_STEPS", 1)
    answer = visitor.ask("GET", "Observations")
    assert answer.status_code == 400
    assert "takes more than" in answer.json()["message"]
    monkeypatch.undo()
    assert len(visitor.get("Observations")["value"]) == 20, "the connection is as it was"


def test_a_store_that_cannot_write_is_a_503(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(connection: sqlite3.Connection, *rest: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(sensorthings.writing, "create", full)
    answer = visitor.ask("POST", "Things", THING)
    assert answer.status_code == 503
    assert "disk is full" in answer.json()["message"]


def test_an_own_mistake_is_a_500_that_tells_nothing(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sensorthings, "read_store", lambda *arguments: 1 / 0)
    with caplog.at_level(logging.ERROR):
        answer = visitor.ask("GET", "Things")
    assert (answer.status_code, answer.json()["message"]) == (500, "the node made a mistake")
    assert "ZeroDivisionError" in caplog.text


# --- the service itself -------------------------------------------------------------------------------------------------


def test_who_listens_hears_what_is_durable_and_nothing_else(tmp_path: Path) -> None:
    async def run(store: Store) -> list[Any]:
        things, heard = SensorThings(store, SystemClock().now_us), []
        things.listen(lambda touched: heard.append([(each.entity, each.created, each.changed) for each in touched]))
        await things.create("Things", b'{"name": "a", "description": "b"}')
        with pytest.raises(StaError):
            await things.create("Things", b'{"name": "a"}')
        with pytest.raises(StaError):
            await things.transact(
                lambda changes: (changes.update("Things(1)", b'{"name": "c"}', replace=False), changes.delete("Things(9)"))
            )
        await things.transact(lambda changes: changes.update("Things(1)", b'{"name": "d"}', replace=False))
        return heard

    with Store(tmp_path / "sandbox.db", "sandbox", "sandbox", durable=False) as store:
        assert asyncio.run(run(store)) == [[("Thing", [("Thing", 1)], [])], [("Thing", [], ["name"])]]


def test_a_change_that_nobody_waits_for_is_heard_all_the_same(tmp_path: Path) -> None:
    async def run(store: Store) -> int:
        things, heard = SensorThings(store, SystemClock().now_us), asyncio.Event()
        things.listen(lambda touched: heard.set())
        making = asyncio.create_task(things.create("Things", b'{"name": "a", "description": "b"}'))
        await asyncio.sleep(0)
        making.cancel()
        await asyncio.wait_for(heard.wait(), 5)
        return len(things.get("Things", "", "").rows)

    with Store(tmp_path / "sandbox.db", "sandbox", "sandbox", durable=False) as store:
        assert asyncio.run(run(store)) == 1


def test_all_or_none(tmp_path: Path) -> None:
    def two(changes: Changes) -> None:
        changes.create("Things", b'{"name": "a", "description": "b"}')
        raise RuimteError("no")

    with Store(tmp_path / "sandbox.db", "sandbox", "sandbox", durable=False) as store:
        things = SensorThings(store, SystemClock().now_us)
        with pytest.raises(RuimteError):
            asyncio.run(things.transact(two))
        assert things.get("Things", "", "").rows == []

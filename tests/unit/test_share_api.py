"""The API for partners: who asks, what is asked, what is answered, and every way in which a request can be wrong."""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from share_partner import BASE, Partner, partner

from fake_desk import CITY, DAY_US, HASH, NOW_US, POLICE, RECEIPT, FakeDesk, granted
from ruimte.errors import RuimteError
from ruimte.share.agreement import Form, What
from ruimte.share.formats import MEDIA_TYPES
from ruimte.web.limits import Limit
from ruimte.web.share.app import MOST_READS
from ruimte.web.share.version import VERSION


@pytest.fixture
def police(tmp_path: Path) -> Iterator[Partner]:
    with partner(tmp_path) as made:
        yield made


def one_line(answer: httpx.Response, status: int, where: str) -> dict[str, object]:
    """The problem document of an answer, once it is sure that it is one, about that part of the request."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == status
    assert {"type", "title", "detail", "where", "mend"} <= set(told)
    assert told["where"] == where
    assert told["detail"]
    assert "\n" not in told["detail"] + told["mend"]
    return told


# --- answers ------------------------------------------------------------------------------------------------------------


def test_what_is_asked_reaches_the_desk_in_its_words(police: Partner) -> None:
    police.get(f"/state?zones=square,street&quantities=people,level&step=15m&agreement={HASH}")
    asked, media_type, from_us, until_us = police.desk.asked[0]
    assert (asked.party, asked.purpose, asked.action, asked.lab) == (POLICE, "event-safety", "read-state", "town")
    assert (asked.places, asked.quantities, asked.step, asked.agreement) == (
        ("square", "street"),
        ("people", "level"),
        "15m",
        HASH,
    )
    assert (asked.at_us, media_type, from_us, until_us) == (NOW_US, "application/json", None, None)


def test_without_parameters_all_that_the_grant_gives_is_asked(police: Partner) -> None:
    police.get("/forecast")
    asked = police.desk.asked[0][0]
    assert (asked.action, asked.places, asked.quantities, asked.step, asked.agreement) == ("read-forecast", (), (), "", "")


def test_the_answer_is_what_was_logged_and_says_how_to_prove_it(police: Partner) -> None:
    answer = police.get("/state")
    assert answer.content == police.desk.body
    digest = base64.b64encode(hashlib.sha256(police.desk.body).digest()).decode()
    assert answer.headers["content-digest"] == f"sha-256=:{digest}:"
    assert answer.headers["ruimte-agreement"] == HASH
    assert (answer.headers["ruimte-log-index"], answer.headers["ruimte-log-salt"]) == ("41", "c2FsdA")
    assert "</share/v1/log/proofs/41>" in answer.headers["link"]
    assert answer.headers["cache-control"] == "no-store, no-transform"


def test_history_has_a_period(police: Partner) -> None:
    answer = police.get("/history", params={"from": "2026-04-27T12:00:00+02:00", "until": "2026-04-27T11:00:00Z"})
    assert answer.status_code == 200
    _, _, from_us, until_us = police.desk.asked[0]
    assert (from_us, until_us) == (1_777_284_000_000_000, 1_777_287_600_000_000)


@pytest.mark.parametrize("form", MEDIA_TYPES)
def test_a_client_gets_the_form_that_it_asks_for(police: Partner, form: str) -> None:
    answer = police.get("/state", {"accept": f"text/html, {form};q=0.9, */*;q=0.1"})
    assert answer.headers["content-type"] == form
    assert police.desk.asked[0][1] == form


def test_every_answer_says_its_version_and_is_of_no_use_to_a_browser(police: Partner) -> None:
    for answer in (police.get("/state"), police.get("/nowhere"), police.get("/state", {"authorization": ""}), police.get("")):
        assert answer.headers["api-version"] == VERSION
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        assert answer.headers["cache-control"].startswith("no-store")
        assert "access-control-allow-origin" not in answer.headers
        assert "set-cookie" not in answer.headers


def test_head_is_get_without_the_body(police: Partner) -> None:
    answer = police.ask("HEAD", "/state")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(police.desk.body))
    assert answer.headers["ruimte-log-index"] == "41"
    assert len(police.desk.asked) == 1, "it was decided and logged as a GET is"
    assert police.ask("HEAD", "/nowhere").content == b""


def test_options_tells_what_can_be_done(police: Partner) -> None:
    assert police.ask("OPTIONS", "/state").headers["allow"] == "GET, HEAD, OPTIONS"
    answer = police.ask("OPTIONS", "/webhooks", {"authorization": ""})
    assert (answer.status_code, answer.headers["allow"]) == (204, "GET, POST, HEAD, OPTIONS")


# --- what needs no token ------------------------------------------------------------------------------------------------


def test_the_links_and_the_description_are_for_everybody(police: Partner) -> None:
    for path in ("", "/", "/openapi.json"):
        answer = police.get(path, {"authorization": ""})
        assert answer.status_code == 200
        tag = answer.headers["etag"]
        again = police.get(path, {"authorization": "", "if-none-match": tag})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert police.get("/openapi.json").json()["servers"] == [{"url": f"{BASE}/share/v1"}]
    assert {link["rel"] for link in police.get("").json()["links"]} > {"state", "service-desc", "token"}


def test_any_page_may_read_the_description_and_nothing_else(police: Partner) -> None:
    origin = {"origin": "https://viewer.example.org"}
    assert police.get("/openapi.json", origin).headers["access-control-allow-origin"] == "*"
    preflight = police.ask("OPTIONS", "/openapi.json", origin | {"access-control-request-method": "GET"})
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, "*")
    assert "access-control-allow-origin" not in police.ask("OPTIONS", "/state", origin).headers


# --- refusals -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["no-agreement", "revoked", "expired", "purpose", "places", "forbidden-by-lab", "budget"])
def test_a_refusal_tells_why_and_where_it_is_logged(police: Partner, reason: str) -> None:
    police.desk.refuse = reason  # type: ignore[assignment]
    told = one_line(police.get("/state"), 403, "read-state")
    assert (told["reason"], told["decision"]) == (reason, 7)


@pytest.mark.parametrize("reason", ["engine-failed", "log-failed"])
def test_no_decision_and_no_log_is_no_word_about_the_request(police: Partner, reason: str) -> None:
    police.desk.refuse = reason  # type: ignore[assignment]
    answer = police.get("/state")
    assert one_line(answer, 503, "read-state")["reason"] == reason
    assert answer.headers["retry-after"] == "30"


def test_what_makes_no_sense_to_the_desk_is_a_mistake_of_the_request(police: Partner) -> None:
    police.desk.raises = RuimteError("is before what is kept", "from", "ask for less")
    one_line(police.get("/state"), 400, "from")


def test_a_mistake_of_the_node_tells_nothing_of_its_inside(police: Partner, caplog: pytest.LogCaptureFixture) -> None:
    police.desk.raises = ZeroDivisionError("secret of the house")
    with caplog.at_level(logging.CRITICAL):
        answer = police.get("/state")
    one_line(answer, 500, "")
    assert "secret" not in answer.text


def test_who_proves_nothing_is_told_how_to(police: Partner) -> None:
    answer = police.get("/state", {"authorization": ""})
    one_line(answer, 401, "Authorization")
    assert answer.headers["www-authenticate"].startswith("DPoP")
    assert police.desk.asked == []


def test_one_party_cannot_take_the_time_of_others(police: Partner) -> None:
    house = police.app._app.state.house
    limited = Limit("too many requests", 2)
    police.app._app.state.house = type(house)(**{name: getattr(house, name) for name in house.__slots__} | {"reads": limited})
    assert [police.get("/state").status_code for _ in range(3)] == [200, 200, 429]
    answer = police.get("/state")
    one_line(answer, 429, "")
    assert answer.headers["retry-after"] == "60"
    assert police.get("/state", {"authorization": f"Fake {CITY}"}).status_code == 200
    assert MOST_READS >= 60, "a reader who follows every second is welcome"


# --- requests that are wrong --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("/state?zone=square", "zone"),
        ("/state?Zones=square", "Zones"),
        ("/state?zones=square&zones=street", "zones"),
        ("/state?zones=", "zones"),
        ("/state?zones=square,,street", "zones"),
        ("/state?zones=%20", "zones"),
        ("/state?zones=a%00b", "zones"),
        ("/state?zones=" + "x" * 101, "zones"),
        ("/state?zones=" + ",".join(str(n) for n in range(1001)), "zones"),
        ("/state?quantities=persons", "quantities"),
        ("/state?quantities=people,", "quantities"),
        ("/state?step=5", "step"),
        ("/state?step=0m", "step"),
        ("/state?step=-5m", "step"),
        ("/state?step=99999999999w", "step"),
        ("/state?step=%D9%A5m", "step"),
        ("/state?agreement=abc", "agreement"),
        ("/state?agreement=" + "%2B" * 86, "agreement"),
        ("/state?from=2026-04-27T14:00:00Z", "from"),
        ("/state?" + "y" * 1000 + "=1", "y" * 40 + "…"),
        ("/warnings?quantities=people", "quantities"),
        ("/history", "from"),
        ("/history?from=2026-04-27T14:00:00Z", "until"),
        ("/history?from=2026-04-27T14:00:00&until=2026-04-27T15:00:00Z", "from"),
        ("/history?from=yesterday&until=2026-04-27T15:00:00Z", "from"),
        ("/history?from=0001-01-01T00:00:00%2B14:00&until=2026-04-27T15:00:00Z", "until"),
        ("/history?from=2026-04-27T15:00:00Z&until=2026-04-27T15:00:00Z", "until"),
        ("/history?from=2026-04-27T15:00:00Z&until=2026-06-27T15:00:00Z", "until"),
        ("/live?kind=history", "kind"),
        ("/agreements?zones=square", "zones"),
        ("/places?zones=square", "zones"),
        ("/openapi.json?x=1", "x"),
        ("/?x=1", "x"),
    ],
)
def test_a_parameter_that_is_wrong_or_unknown_is_named(police: Partner, path: str, where: str) -> None:
    one_line(police.get(path), 400, where)
    assert police.desk.asked == []


def test_an_id_of_an_event_that_is_none(police: Partner) -> None:
    one_line(police.get("/live", {"last-event-id": "a b"}), 400, "Last-Event-ID")


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "application/xml, text/*;q=0", "nonsense"])
def test_a_form_that_there_is_not(police: Partner, accept: str) -> None:
    one_line(police.get("/state", {"accept": accept}), 406, "Accept")
    assert police.desk.asked == []


def test_warnings_come_as_json_only(police: Partner) -> None:
    one_line(police.get("/warnings", {"accept": "text/csv"}), 406, "Accept")
    one_line(police.get("/live", {"accept": "application/json"}), 406, "Accept")


@pytest.mark.parametrize("path", ["/states", "/state/", "/agreements/", "/openapi.json/", "/STATE", "/agreements/a/b", "//state"])
def test_an_address_that_there_is_not(police: Partner, path: str) -> None:
    answer = police.get(path)
    assert answer.status_code == 404, "and never a redirect"
    assert answer.json()["mend"]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/state", "GET, HEAD, OPTIONS"),
        ("DELETE", "/webhooks", "GET, POST, HEAD, OPTIONS"),
        ("PUT", "/webhooks/x", "GET, DELETE, HEAD, OPTIONS"),
        ("GET", "/contributions/closures", "POST, OPTIONS"),
        ("PATCH", "/openapi.json", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_method_that_does_nothing_there(police: Partner, method: str, path: str, allow: str) -> None:
    answer = police.ask(method, path)
    one_line(answer, 405, f"/share/v1{path}")
    assert answer.headers["allow"] == allow


def test_another_host_is_not_this_node(police: Partner) -> None:
    answer = police.get("/state", {"host": "evil.example.com"})
    one_line(answer, 421, "Host: evil.example.com")
    assert police.desk.asked == []


# --- agreements and places ----------------------------------------------------------------------------------------------


def test_a_caller_sees_its_own_agreements_with_how_they_stand(tmp_path: Path) -> None:
    other = granted(agreement="o" * 86, status="revoked")
    foreign = msgspec.structs.replace(granted(), grant=msgspec.structs.replace(granted().grant, consumer="urn:x:other"))
    with partner(
        tmp_path, FakeDesk([granted(), granted(index=1), other, msgspec.structs.replace(foreign, agreement="f" * 86)])
    ) as asks:
        told = asks.get("/agreements").json()["agreements"]
        assert [(each["hash"], each["status"], len(each["grants"])) for each in told] == [
            (HASH, "valid", 2),
            ("o" * 86, "revoked", 1),
        ]
        assert told[0]["not_after"] == "2026-04-28T14:00:00Z"
        assert asks.get(f"/agreements/{HASH}").json() == told[0] | {"file": {"version": 1}}
        one_line(asks.get("/agreements/" + "f" * 86), 404, "hash")
        tag = asks.get("/agreements").headers["etag"]
        assert asks.get("/agreements", {"if-none-match": f'W/"x", {tag}'}).status_code == 304


def test_places_are_those_that_are_given_now(tmp_path: Path) -> None:
    terms = granted().grant.properties
    with_gate = msgspec.structs.replace(terms, what=What(kinds=("state",), zones=("corner", "gone"), gates=("*",)))
    areas = msgspec.structs.replace(
        terms, form=Form(exactness="exact", areas={"Centre": ("square", "street"), "Nowhere": ("x",)})
    )

    def under(new_terms: object, agreement: str, **more: object) -> object:
        return granted(grant=msgspec.structs.replace(granted().grant, properties=new_terms), agreement=agreement, **more)

    grants = [
        granted(),
        under(with_gate, "g" * 86),
        under(areas, "a" * 86),
        under(msgspec.structs.replace(terms, what=What(zones=("street",))), "r" * 86, status="revoked"),
        under(msgspec.structs.replace(terms, what=What(zones=("street",))), "p" * 86, not_after_us=NOW_US),
        under(msgspec.structs.replace(terms, what=What(zones=("street",)), purpose="planning"), "q" * 86),
    ]
    with partner(tmp_path, FakeDesk(grants)) as asks:  # type: ignore[arg-type]
        answer = asks.get("/places")
        assert answer.headers["content-type"] == "application/geo+json"
        found = {feature["id"]: feature for feature in answer.json()["features"]}
        kinds = {key: feature["properties"]["kind"] for key, feature in found.items()}
        assert kinds == {"square": "zone", "corner": "count_point", "middle": "gate", "Centre": "area"}
        assert found["square"]["properties"]["name"] == {"en": "Square", "nl": "square"}
        assert found["Centre"]["geometry"]["type"] == "Polygon"
        only = asks.get("/places?agreement=" + "g" * 86).json()["features"]
        assert [feature["id"] for feature in only] == ["corner", "middle"]


# --- contributions ------------------------------------------------------------------------------------------------------


def test_what_a_partner_tells_is_taken_with_a_receipt(police: Partner) -> None:
    body = {"place": "square", "from": "2026-04-27T14:00:00Z", "until": "2026-04-27T15:00:00Z"}
    answer = police.ask("POST", "/contributions/closures", json=body)
    assert (answer.status_code, answer.content) == (201, RECEIPT)
    assert answer.headers["ruimte-log-index"] == "41"
    asked, told = police.desk.told[0]
    assert (asked.action, asked.places, told) == ("contribute-closures", ("square",), body)


@pytest.mark.parametrize(
    ("content", "headers", "status", "where"),
    [
        (b"", {}, 400, "body"),
        (b"[]", {}, 400, "body"),
        (b'"text"', {}, 400, "body"),
        (b"{", {}, 400, "body"),
        (b"\xff\xfe", {}, 400, "body"),
        (b"[" * 60_000, {}, 400, "body"),
        (b"x" * 65_537, {}, 413, "body"),
        (b"{}", {"content-type": "text/plain"}, 415, "Content-Type"),
        (b"{}", {"content-type": ""}, 415, "Content-Type"),
        (b"{}", {"content-encoding": "gzip"}, 415, "Content-Encoding"),
    ],
)
def test_a_body_that_is_wrong(police: Partner, content: bytes, headers: dict[str, str], status: int, where: str) -> None:
    sent = {"content-type": "application/json; charset=utf-8"} | headers
    one_line(police.ask("POST", "/contributions/zone-status", sent, content=content), status, where)
    assert police.desk.told == []


def test_a_contribution_that_is_not_agreed_on(police: Partner) -> None:
    police.desk.refuse = "action"
    told = one_line(police.ask("POST", "/contributions/arrivals", json={"place": "square"}), 403, "contribute-arrivals")
    assert told["reason"] == "action"


def test_expired_grants_are_told_as_such(tmp_path: Path) -> None:
    with partner(tmp_path, FakeDesk([granted(status="expired", not_after_us=NOW_US - DAY_US)])) as asks:
        assert asks.get("/agreements").json()["agreements"][0]["status"] == "expired"
        assert asks.get("/places").json()["features"] == []

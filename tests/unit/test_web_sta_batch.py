"""Batches: what a request may say of another, and what happens to the others when one fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sta_visitor import BASE, ROOT, THING, Visitor, visiting

from ruimte.web.sta import batch, multipart
from ruimte.web.sta.exchange import Part, Reply

MULTIPART = {"content-type": 'multipart/mixed; boundary="b"'}
PLAIN = {"name": "plain", "description": "-"}


@pytest.fixture
def visitor(tmp_path: Path) -> Iterator[Visitor]:
    with visiting(tmp_path) as made:
        yield made


def send(visitor: Visitor, *requests: dict[str, Any]) -> list[dict[str, Any]]:
    answer = visitor.ask("POST", "$batch", {"requests": list(requests)})
    assert answer.status_code == 200, answer.text
    responses: list[dict[str, Any]] = answer.json()["responses"]
    assert [each["id"] for each in responses] == [each["id"] for each in requests]
    return responses


def statuses(visitor: Visitor, *requests: dict[str, Any]) -> list[int]:
    return [each["status"] for each in send(visitor, *requests)]


def post(id_: str, url: str = "Things", body: Any = None, **more: Any) -> dict[str, Any]:
    return {"id": id_, "method": "post", "url": url, "body": PLAIN if body is None else body, **more}


def names(visitor: Visitor) -> list[str]:
    return [each["name"] for each in visitor.get("Things?$orderby=id")["value"]]


@pytest.mark.parametrize(
    "url", ["Things(1)", "/Things(1)", "v1.1/Things(1)", "/v1.1/Things(1)", f"{ROOT}/Things(1)", f"{BASE}{ROOT}/Things(1)"]
)
def test_addresses_may_be_relative_or_absolute(visitor: Visitor, url: str) -> None:
    visitor.make("Things", THING)
    (answer,) = send(visitor, {"id": "1", "method": "GET", "url": f"{url}?$select=name"})
    assert answer == {"id": "1", "status": 200, "headers": {"content-type": "application/json"}, "body": {"name": "Mast"}}


def test_a_key_that_looks_like_a_root_is_none(visitor: Visitor) -> None:
    visitor.make("Things", {**THING, "properties": {"v1.1": 5}})
    (answer,) = send(visitor, {"id": "1", "method": "get", "url": "Things(1)/properties/v1.1"})
    assert answer["body"] == {"v1.1": 5}


def test_later_requests_use_what_earlier_ones_made(visitor: Visitor) -> None:
    place = {"name": "p", "description": "-", "encodingType": "text/plain", "location": "$mast", "Things": [{"@iot.id": "$mast"}]}
    answers = send(
        visitor,
        post("mast", body={**PLAIN, "name": "$mast"}),
        post("place", "Locations", place),
        {"id": "look", "method": "get", "url": "$mast/Locations?$select=location"},
    )
    assert [each["status"] for each in answers] == [201, 201, 200]
    assert answers[2]["body"]["value"] == [{"location": "$mast"}], "only links are put in, not texts"
    assert names(visitor) == ["$mast"]


def test_what_rests_on_a_failure_is_not_done(visitor: Visitor) -> None:
    answers = statuses(
        visitor,
        post("bad", body={"name": "only"}),
        post("after", dependsOn=["bad"]),
        post("later", dependsOn=["after"]),
        post("under", "$bad/Locations"),
        post("linked", "Locations", {"Things": [{"@iot.id": "$bad"}]}),
        post("unknown", "$nobody/Locations"),
        post("free"),
    )
    assert answers == [400, 424, 424, 424, 424, 400, 201]
    assert names(visitor) == ["plain"]


def test_a_group_is_done_or_undone_as_a_whole(visitor: Visitor) -> None:
    good = [post("a", atomicityGroup="g"), post("b", "$a/Locations", THING["Locations"][0], atomicityGroup="g")]
    assert statuses(visitor, *good) == [201, 201]
    bad = [*good, {"id": "c", "method": "delete", "url": "Things(99)", "atomicityGroup": "g"}]
    answers = send(visitor, *bad, post("after", dependsOn=["g"]), {"id": "still", "method": "get", "url": "Things"})
    assert [each["status"] for each in answers] == [424, 424, 404, 424, 200]
    assert len(names(visitor)) == 1


def test_all_kinds_of_changes_go_in_a_group(visitor: Visitor) -> None:
    visitor.make("Things", THING)
    group = {"atomicityGroup": "g"}
    patch = {
        "headers": {"Content-Type": "application/json-patch+json"},
        "body": [{"op": "replace", "path": "/description", "value": "new"}],
    }
    answers = statuses(
        visitor,
        {"id": "1", "method": "patch", "url": "Things(1)", "body": {"name": "Pole"}, **group},
        {"id": "2", "method": "patch", "url": "Things(1)", **patch, **group},
        post("3", **group),
        {"id": "4", "method": "delete", "url": "$3", **group},
    )
    assert answers == [200, 200, 201, 200]
    shown = visitor.get("Things(1)")
    assert (shown["name"], shown["description"], len(names(visitor))) == ("Pole", "new", 1)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"method": "get", "url": "Things", "atomicityGroup": "g"}, 400),
        ({"method": "post", "url": "$batch", "body": {"requests": []}}, 400),
        ({"method": "brew", "url": "Things"}, 400),
        ({"method": "get", "url": ""}, 200),
        ({"method": "get", "url": "Things?$top=x"}, 400),
        ({"method": "post", "url": "Things"}, 400),
        ({"method": "post", "url": "CreateObservations", "body": []}, 201),
        ({"method": "get", "url": "Things(1)/name/$value"}, 404),
    ],
)
def test_requests_that_are_odd(visitor: Visitor, request_: dict[str, Any], status: int) -> None:
    assert statuses(visitor, {"id": "1", **request_}) == [status]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"requests": []},
        {"requests": [{"id": 1, "method": "get", "url": "Things"}]},
        {"requests": [{"id": "1", "method": "get"}]},
        {"requests": [{"id": "1", "method": "get", "url": "Things", "if": "x"}]},
        {"requests": [{"id": "1", "method": "get", "url": "Things"}] * 2},
        {"requests": [post("a", atomicityGroup="g"), post("b"), post("c", atomicityGroup="g")]},
        {"requests": [post("a", atomicityGroup="a")]},
        {"requests": [{"id": str(n), "method": "get", "url": "Things"} for n in range(batch.MOST + 1)]},
    ],
    ids=range(9),
)
def test_what_is_no_batch_is_refused_as_a_whole(visitor: Visitor, body: Any) -> None:
    assert visitor.ask("POST", "$batch", body).status_code == 400
    assert names(visitor) == []


# --- multipart ----------------------------------------------------------------------------------------------------------


def http(line: str, body: str = "", more: str = "", inner: str = "") -> str:
    return f"Content-Type: application/http\r\n{more}\r\n{line}\r\n{inner}\r\n{body}"


def joined(boundary: str, *parts: str) -> bytes:
    return ("".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n").encode()


def test_parts_are_read_in_order_with_their_sets() -> None:
    changes = (
        "Content-Type: multipart/mixed; boundary=c\r\n\r\n"
        + joined("c", http("POST Things HTTP/1.1", '{"a": 1}', "Content-ID: <x>\r\n")).decode()
    )
    body = joined("b", http("GET Things?$filter=name eq 'a b' HTTP/1.1"), changes, http("GET Sensors"))
    assert multipart.read(body, MULTIPART["content-type"]) == [
        Part("part 1", "GET", "Things?$filter=name eq 'a b'", named=False),
        Part("x", "POST", "Things", b'{"a": 1}', group="change set 1"),
        Part("part 3", "GET", "Sensors", named=False),
    ]


def test_a_body_is_as_long_as_it_says_and_may_hold_any_bytes() -> None:
    head = "Content-Length: 4\r\nContent-Type: application/json-patch+json; charset=utf-8\r\n"
    body = joined("b", http("PATCH Things(1) HTTP/1.1", "[ü]trailing", inner=head))
    (part,) = multipart.read(body, MULTIPART["content-type"])
    assert (part.body, part.kind) == ("[ü]".encode(), "application/json-patch+json; charset=utf-8")
    assert multipart.read(body.replace(b"\r\n", b"\n"), MULTIPART["content-type"]) == [part]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "multipart/mixed; boundary=b"),
        (b"--b--\r\n", "multipart/mixed; boundary=b"),
        (b"no parts", "multipart/mixed; boundary=b"),
        (joined("b", http("GET Things")), "multipart/mixed; boundary=other"),
        (joined("b", http("GET Things")), "multipart/mixed"),
        (joined("b", "Content-Type: text/plain\r\n\r\nGET Things"), "multipart/mixed; boundary=b"),
        (
            b"".join(b"--%d\r\nContent-Type: multipart/mixed; boundary=%d\r\n\r\n" % (n, n + 1) for n in range(3000)),
            "multipart/mixed; boundary=0",
        ),
    ],
    ids=range(7),
)
def test_what_is_no_multipart_is_refused(visitor: Visitor, body: bytes, kind: str) -> None:
    assert visitor.ask("POST", "$batch", body, headers={"content-type": kind}).status_code == 400


def test_a_set_that_failed_has_one_answer_and_that_of_what_failed() -> None:
    parts = [
        Part("a", "POST", "Things", group="s"),
        Part("b", "POST", "Things", group="s"),
        Part("c", "GET", "Things", named=False),
    ]
    reply = multipart.write(parts, [Reply(424), Reply(400, b"{}"), Reply(200, b"[]")])
    lines = reply.body.decode().split("\r\n")
    assert [line for line in lines if line.startswith("HTTP/")] == ["HTTP/1.1 400 Bad Request", "HTTP/1.1 200 OK"]
    assert [line for line in lines if line.startswith("Content-ID")] == ["Content-ID: b"]
    assert reply.kind.removeprefix("multipart/mixed; boundary=") in lines[0]


def test_a_name_cannot_add_headers_to_the_answer(visitor: Visitor) -> None:
    body = joined("b", http("GET Things HTTP/1.1", more="Content-ID: a\r\n Evil: 1\r\n"))
    answer = visitor.ask("POST", "$batch", body, headers=MULTIPART)
    assert answer.status_code == 200
    assert "Content-ID: aEvil:1" in answer.text.split("\r\n")

"""req/batch-request: several requests in one, as multipart (OGC 18-088, clause 11) and as JSON (OData 4.01, clause 19)."""

from __future__ import annotations

import email.parser
import email.policy
import json
from email.message import EmailMessage

from . import bodies
from .bodies import Json
from .client import Sta, id_of
from .create import everything
from .table import row
from .world import TAG, World

BATCH = "req/batch-request/batch-request"


def part(request: str, body: Json | None = None, content_id: str | None = None) -> str:
    """One request as a part of a multipart body."""
    lines = ["Content-Type: application/http", *([f"Content-ID: {content_id}"] if content_id else []), "", f"{request} HTTP/1.1"]
    if body is None:
        return "\r\n".join([*lines, "Host: localhost", "", ""])
    text = json.dumps(body)
    return "\r\n".join([*lines, "Host: localhost", "Content-Type: application/json", f"Content-Length: {len(text)}", "", text])


def joined(boundary: str, parts: list[str]) -> str:
    return "".join(f"--{boundary}\r\n{each}\r\n" for each in parts) + f"--{boundary}--\r\n"


def change_set(parts: list[str]) -> str:
    return "Content-Type: multipart/mixed;boundary=changes\r\n\r\n" + joined("changes", parts)


def send(sta: Sta, parts: list[str]) -> list[tuple[int, str]]:
    """Status and text of every answer, in order; change sets flattened."""
    answer = sta.ask(
        "POST", "$batch", joined("batch", parts).encode(), headers={"content-type": "multipart/mixed;boundary=batch"}
    )
    assert answer.status_code == 200, answer.text
    text = f"Content-Type: {answer.headers['content-type']}\r\n\r\n{answer.text}"
    message = email.parser.Parser(EmailMessage, policy=email.policy.default).parsestr(text)
    leaves = [leaf for leaf in message.walk() if leaf.get_content_type() == "application/http"]
    contents = [leaf.get_payload(decode=True).decode() for leaf in leaves]
    return [(int(content.split(maxsplit=2)[1]), content) for content in contents]


def send_json(sta: Sta, requests: list[Json]) -> dict[str, Json]:
    """The answers by the ids of their requests."""
    answer = sta.ask("POST", "$batch", {"requests": requests})
    assert answer.status_code == 200, answer.text
    return {each["id"]: each for each in answer.json()["responses"]}


@row(BATCH, "multipart: reads, and a change set, in order; a failing read does not stop the others")
def multipart(sta: Sta, world: World) -> None:
    thing = sta.make("Things", bodies.thing("before"))
    answers = send(
        sta,
        [
            part(f"GET /v1.1/Things({thing})?$select=name"),
            change_set(
                [
                    part("POST /v1.1/Things", bodies.thing("made in a batch"), "1"),
                    part(f"PATCH /v1.1/Things({thing})", {"name": "after"}, "2"),
                ]
            ),
            part("GET Things(999999999)"),
            part(f"GET {sta.root}/Things?$filter=name%20eq%20'{TAG}%20thing%201'&$select=name"),
        ],
    )
    assert [status for status, _ in answers] == [200, 201, 200, 404, 200]
    assert '"before"' in answers[0][1]
    assert f"{TAG} thing 1" in answers[4][1]
    assert sta.get(f"Things({thing})")["name"] == "after"
    link = next(line for line in answers[1][1].splitlines() if line.lower().startswith("location:")).split(" ", 1)[1]
    assert sta.get(f"Things({id_of(link)})")["name"] == "made in a batch"


@row(BATCH, "multipart: a change set refers to what it made, in bodies and in addresses")
def multipart_references(sta: Sta) -> None:
    thing = sta.make("Things", bodies.thing(Locations=[bodies.location()]))
    stream = bodies.datastream("by reference", Sensor={"@iot.id": "$sensor"}, ObservedProperty=bodies.observed_property())
    answers = send(
        sta,
        [
            change_set(
                [
                    part("POST /v1.1/Sensors", bodies.sensor("by reference"), "sensor"),
                    part(f"POST /v1.1/Things({thing})/Datastreams", stream, "stream"),
                    part("POST $stream/Observations", {"result": 5}, "observation"),
                ]
            )
        ],
    )
    assert [status for status, _ in answers] == [201, 201, 201]
    (shown,) = sta.get(f"Things({thing})/Datastreams", expand="Sensor,Observations")["value"]
    assert shown["Sensor"]["name"] == "by reference"
    assert [each["result"] for each in shown["Observations"]] == [5]


@row(BATCH, "multipart: a change set with one bad request leaves nothing")
def multipart_atomic(sta: Sta) -> None:
    before = everything(sta)
    parts = [part("POST /v1.1/Things", bodies.thing(), "1"), part("POST /v1.1/Things", {"name": "no description"}, "2")]
    answers = send(sta, [change_set(parts)])
    assert all(status >= 400 for status, _ in answers)
    assert everything(sta) == before


@row(BATCH, "JSON: reads, changes and failures, each with its id")
def as_json(sta: Sta, world: World) -> None:
    answers = send_json(
        sta,
        [
            {"id": "0", "method": "get", "url": f"Things({world.things[0]})?$select=name"},
            {"id": "1", "method": "post", "url": "Things", "body": bodies.thing("made in JSON")},
            {"id": "2", "method": "get", "url": "Things(999999999)"},
        ],
    )
    assert [answers[key]["status"] for key in "012"] == [200, 201, 404]
    assert answers["0"]["body"]["name"] == f"{TAG} thing 0"


@row(BATCH, "JSON: a group refers to what it made, and is all or nothing")
def json_group(sta: Sta) -> None:
    group = {"atomicityGroup": "g", "method": "post"}
    made = [
        {"id": "thing", "url": "Things", "body": bodies.tree("grouped")} | group,
        {"id": "place", "url": "$thing/Locations", "body": bodies.location("grouped after")} | group,
    ]
    answers = send_json(sta, made)
    assert [answers[key]["status"] for key in ("thing", "place")] == [201, 201]
    before = everything(sta)
    answers = send_json(sta, [*made, {"id": "bad", "url": "Things", "body": {"name": "no description"}} | group])
    assert answers["bad"]["status"] == 400
    assert all(each["status"] >= 400 for each in answers.values())
    assert everything(sta) == before


@row(BATCH, "400 for a batch that cannot be read")
def malformed(sta: Sta) -> None:
    sta.refused(400, "POST", "$batch", {"requests": "none"})
    headers = {"content-type": "multipart/mixed;boundary=batch"}
    assert sta.ask("POST", "$batch", b"no parts at all", headers=headers).status_code == 400

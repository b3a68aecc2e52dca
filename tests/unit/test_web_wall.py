"""The wall display as the server writes it: what it tells, and who may see it."""

from __future__ import annotations

import re

import msgspec
import pytest
from starlette.testclient import TestClient

from fake_room import FakeAccounts, FakeRoom
from ruimte.jobs.room import Ahead, SensorView
from ruimte.web.app import create_app
from ruimte.web.control.wall import highest, troubles
from ruimte.web.settings import WebSettings


def plain(html: str) -> str:
    return " ".join(re.sub("<[^>]+>", " ", html).split())


def test_it_tells_warnings_with_their_lead_and_nothing_to_press(client: TestClient, room: FakeRoom) -> None:
    page = client.get("/wall", params={"lang": "en"}).text
    text = plain(page)
    assert "Warnings · 3 open" in text
    assert "◆ E Boulevard middle in 2 h 15 min 23:00 chance 74%" in text
    assert "Sensors in trouble 4 of 17 ✖ &nbsp;1 wrong ? &nbsp;2 silent ↗ &nbsp;1 drifts" in text
    assert "Places that are not heard ? 1 New Bridge" in text
    assert not re.search(r"<(button|a|input|select|form|summary)\b", page)
    assert 'data-theme="dark"' in page


def test_a_bright_room_may_ask_for_light(client: TestClient) -> None:
    assert 'data-theme="light"' in client.get("/wall", params={"theme": "light"}).text
    assert 'data-theme="dark"' in client.get("/wall", params={"theme": "pink"}).text


def test_what_was_acknowledged_or_decided_is_told_and_what_is_closed_is_not(signed_in: TestClient, room: FakeRoom) -> None:
    signed_in.post("/warnings/1/acknowledge")
    signed_in.post("/warnings/2/decide", data={"measure": "one-way"})
    text = plain(signed_in.get("/fragments/wall").text)
    assert "1 open · 2 acknowledged" in text
    assert "Acknowledged by crowd manager" in text
    assert "Decided: One-way walking" in text
    for _ in range(32):
        room.step()
    assert {warning.phase for warning in room.warnings("en")} == {"closed"}
    assert "No warnings." in plain(signed_in.get("/fragments/wall").text)


def test_the_highest_risk_of_the_hour_is_that_of_the_hour(client: TestClient, room: FakeRoom) -> None:
    assert "Highest risk in the next hour no raised level is likely" in plain(client.get("/fragments/wall").text)
    for _ in range(6):
        room.step()
    assert "Highest risk in the next hour ◆ E Boulevard middle 23:00, chance 74%" in plain(client.get("/fragments/wall").text)
    room.heard = False
    assert "not known: no forecast" in plain(client.get("/fragments/wall").text)


def test_the_highest_level_counts_before_the_chance(room: FakeRoom) -> None:
    def soon(rank: int, probability: float) -> Ahead:
        return Ahead(level="DEF"[rank], rank=rank, probability=probability, at="2019-12-31T20:00:00Z")

    risks = [soon(0, 0.99), soon(1, 0.6), soon(1, 0.8), None]
    zones = [msgspec.structs.replace(zone, soon=risk) for zone, risk in zip(room.zones("en"), risks, strict=False)]
    found = highest(zones)
    assert found is not None
    assert (found.place, found.colour, found.ahead.probability) == (zones[2].name, 4, 0.8)
    assert highest([zones[3]]) is None


def test_a_gate_without_a_sensor_is_no_sensor_in_trouble() -> None:
    def sensor(condition: str) -> SensorView:
        return SensorView(key="a", name="A", condition=condition, since=None, heard_s=None, used=True, imbalance=None, told="")

    assert troubles([sensor(each) for each in ("missing", "silent", "fine", "lying", "silent", "new")]) == {
        "lying": 1,
        "silent": 2,
    }


def test_during_the_start_nothing_is_called_calm(client: TestClient, room: FakeRoom) -> None:
    room.phase = "starting"
    room.begun.clear()
    text = plain(client.get("/wall").text)
    assert "Not known yet: the node is starting." in text
    assert "No warnings" not in text


@pytest.mark.parametrize("path", ["/wall", "/fragments/wall"])
def test_it_is_as_open_as_the_control_room(room: FakeRoom, path: str) -> None:
    for password, caller in ((None, "127.0.0.1"), (None, "192.0.2.7"), ("a long password", "127.0.0.1")):
        app = create_app(room, FakeAccounts(auto=False, password=password), WebSettings())
        with TestClient(app, "http://localhost:8000", client=(caller, 50_000), follow_redirects=False) as visitor:
            for kind in ("text/html", "application/json"):
                wall, control_room = (visitor.get(each, headers={"accept": kind}) for each in (path, "/"))
                assert wall.status_code == control_room.status_code
            assert (wall.status_code == 200) == (password is None and caller == "127.0.0.1")


def test_what_was_put_aside_is_counted_and_not_shown(signed_in: TestClient, room: FakeRoom) -> None:
    signed_in.post("/warnings/1/shelve", data={"minutes": "30"})
    text = plain(signed_in.get("/fragments/wall").text)
    assert "2 open · 1 put aside" in text
    assert "Boulevard middle" not in text.split("Highest risk")[0]

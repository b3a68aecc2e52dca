from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from fake_room import FakeAccounts, FakeRoom
from ruimte.web.auth import Tries
from ruimte.web.problems import WebError

PASSWORD = "correct horse battery"


def test_a_one_time_link_works_once(client: TestClient, accounts: FakeAccounts) -> None:
    accounts.links.add("once")
    assert client.get("/sign-in/once").headers["location"] == "/"
    assert client.get("/sign-in/once").status_code == 410


def test_signing_in_and_out(client: TestClient, accounts: FakeAccounts) -> None:
    accounts.password = PASSWORD
    assert client.post("/sign-in", data={"password": "guess"}).status_code == 401
    assert client.post("/sign-in", data={"password": PASSWORD}).status_code == 303
    assert client.get("/api/v1/zones").status_code == 200
    assert client.post("/sign-out").status_code == 303
    assert client.get("/api/v1/zones").status_code == 401
    assert accounts.sessions == {}


def test_a_sixth_try_within_a_minute_is_refused(client: TestClient, accounts: FakeAccounts) -> None:
    accounts.password = PASSWORD
    codes = [client.post("/sign-in", data={"password": "guess"}).status_code for _ in range(6)]
    assert codes == [401] * 5 + [429]


def test_tries_are_forgiven_after_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("ruimte.web.auth.time.monotonic", lambda: now[0])
    tries = Tries()
    for _ in range(5):
        tries.spend("caller")
    tries.spend("another caller")
    with pytest.raises(WebError, match="too many tries"):
        tries.spend("caller")
    now[0] = 60.0
    tries.spend("caller")


def test_setting_and_changing_the_password(signed_in: TestClient, accounts: FakeAccounts) -> None:
    def send(password: str, again: str, current: str = "") -> int:
        return signed_in.post("/account", data={"password": password, "again": again, "current": current}).status_code

    assert send("short", "short") == 400
    assert send(PASSWORD, "something else") == 400
    assert accounts.password is None
    assert send(PASSWORD, PASSWORD) == 200
    assert accounts.password == PASSWORD
    assert send("another good one", "another good one", "guess") == 400
    assert accounts.password == PASSWORD
    assert send("another good one", "another good one", PASSWORD) == 200
    assert accounts.password == "another good one"


def test_the_account_page_needs_a_session(client: TestClient) -> None:
    assert client.get("/account", headers={"accept": "text/html"}).headers["location"] == "/sign-in?why=act"


def test_acknowledging_is_written_down_with_who(signed_in: TestClient, room: FakeRoom) -> None:
    answer = signed_in.post("/warnings/1/acknowledge", headers={"hx-request": "true"})
    assert answer.status_code == 200
    assert "Acknowledged by crowd manager" in answer.text
    assert room.acknowledged == {1: "crowd manager"}


def test_acknowledging_twice_is_a_conflict(signed_in: TestClient) -> None:
    signed_in.post("/warnings/1/acknowledge")
    again = signed_in.post("/warnings/1/acknowledge")
    assert again.status_code == 409
    assert "someone was first" in again.json()["detail"]


def test_taking_a_measure_and_declining(signed_in: TestClient, room: FakeRoom) -> None:
    assert signed_in.post("/warnings/1/decide", data={"measure": "one-way", "note": " now "}).status_code == 303
    assert signed_in.post("/warnings/2/decide", data={"decline": "yes"}).status_code == 303
    assert room.decisions == {1: ("crowd manager", "one-way", "now"), 2: ("crowd manager", "declined", "")}


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({}, "measure"),
        ({"measure": "one-way", "decline": "yes"}, "measure"),
        ({"measure": "water cannon"}, "measure"),
        ({"decline": "yes", "note": "x" * 501}, "note"),
    ],
)
def test_a_decision_that_is_none_is_refused(signed_in: TestClient, room: FakeRoom, fields: dict[str, str], where: str) -> None:
    answer = signed_in.post("/warnings/1/decide", data=fields)
    assert answer.status_code == 400
    assert answer.json()["where"] == where
    assert room.decisions == {}


def test_an_unknown_warning_is_not_found(signed_in: TestClient) -> None:
    assert signed_in.post("/warnings/999/acknowledge").status_code == 404


@pytest.mark.parametrize(("body", "code"), [(b"x" * 20_000, 413), (b"password=\xff\xfe", 400)])
def test_a_body_that_is_no_form_is_refused(signed_in: TestClient, body: bytes, code: int) -> None:
    assert signed_in.post("/warnings/1/decide", content=body).status_code == code

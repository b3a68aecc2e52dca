from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from fake_room import FakeAccounts, FakeRoom
from ruimte.model.role import Actor
from ruimte.web.app import create_app
from ruimte.web.limits import Limit
from ruimte.web.problems import WebError
from ruimte.web.settings import WebSettings

PASSWORD = "correct horse battery"


def test_a_one_time_link_works_once(client: TestClient, accounts: FakeAccounts) -> None:
    accounts.links.add("once")
    page = client.get("/sign-in/once")
    assert 'http-equiv="refresh" content="0; url=/"' in page.text
    assert client.get("/account").status_code == 200
    assert client.get("/sign-in/once").status_code == 410


def test_signing_in_and_out(client: TestClient, accounts: FakeAccounts) -> None:
    accounts.password = PASSWORD
    assert client.post("/sign-in", data={"name": "Jo Jansen", "password": "guess"}).status_code == 401
    assert client.post("/sign-in", data={"name": "Jo Jansen", "password": PASSWORD}).status_code == 303
    assert client.get("/api/v1/zones").status_code == 200
    assert client.post("/sign-out").status_code == 303
    assert client.get("/api/v1/zones").status_code == 401
    assert accounts.held == {}


def test_a_sixth_try_within_a_minute_is_refused(client: TestClient, accounts: FakeAccounts) -> None:
    accounts.password = PASSWORD
    codes = [client.post("/sign-in", data={"name": "Jo Jansen", "password": "guess"}).status_code for _ in range(6)]
    assert codes == [401] * 5 + [429]


def test_tries_are_forgiven_after_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("ruimte.web.limits.time.monotonic", lambda: now[0])
    tries = Limit("too many tries to sign in", 5)
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
    assert send("auckland crowd", "auckland crowd") == 400
    assert send(PASSWORD * 20, PASSWORD * 20) == 400
    assert send(PASSWORD, "something else") == 400
    assert accounts.password is None
    assert send(PASSWORD, PASSWORD) == 200
    assert accounts.password == PASSWORD
    assert send("another good one", "another good one", "guess") == 400
    assert accounts.password == PASSWORD
    assert send("another good one", "another good one", PASSWORD) == 200
    assert accounts.password == "another good one"


def test_changing_the_password_ends_the_other_sessions_and_this_browser_goes_on(
    signed_in: TestClient, accounts: FakeAccounts
) -> None:
    elsewhere, before = accounts.welcome(), signed_in.cookies["ruimte_session_8000"]
    assert signed_in.post("/account", data={"password": PASSWORD, "again": PASSWORD}).status_code == 200
    assert signed_in.cookies["ruimte_session_8000"] != before
    assert accounts.actor(elsewhere) is None
    assert accounts.actor(before) is None
    assert signed_in.get("/account").status_code == 200


def test_signing_in_gives_a_new_token_and_ends_the_one_before(signed_in: TestClient, accounts: FakeAccounts) -> None:
    before = signed_in.cookies["ruimte_session_8000"]
    accounts.links.add("again")
    signed_in.get("/sign-in/again")
    assert signed_in.cookies["ruimte_session_8000"] != before
    assert accounts.actor(before) is None


def test_over_https_the_cookie_is_bound_to_this_host(room: FakeRoom, accounts: FakeAccounts) -> None:
    accounts.links.add("once")
    with TestClient(create_app(room, accounts, WebSettings()), "https://localhost", client=("127.0.0.1", 1)) as visitor:
        cookie = visitor.get("/sign-in/once").headers["set-cookie"]
    assert cookie.startswith("__Host-ruimte_session_")
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=strict"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


def test_own_sessions_are_listed_and_can_be_ended(signed_in: TestClient, accounts: FakeAccounts) -> None:
    other = accounts.welcome()
    assert f"/account/sessions/{other[:6]}/end" in signed_in.get("/account").text
    assert signed_in.post(f"/account/sessions/{other[:6]}/end").status_code == 303
    assert accounts.actor(other) is None


def test_somebody_without_an_account_here_can_set_no_password(signed_in: TestClient, accounts: FakeAccounts) -> None:
    accounts.local = False
    assert 'name="password"' not in signed_in.get("/account").text


def test_a_privacy_officer_can_have_names_deleted(client: TestClient, accounts: FakeAccounts, room: FakeRoom) -> None:
    accounts.user = Actor("Kim Visser", "privacy-officer")
    client.cookies.set("ruimte_session_8000", accounts.welcome())
    assert "/staff-names/forget" in client.get("/account").text
    assert client.post("/staff-names/forget").status_code == 303
    assert {line[-1] for line in room.lines} == {None}


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

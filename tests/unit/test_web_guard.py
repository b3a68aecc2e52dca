from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from fake_room import FakeAccounts, FakeRoom
from ruimte.model.role import Actor
from ruimte.web.app import create_app
from ruimte.web.limits import Limit
from ruimte.web.settings import WebSettings

PAGE = {"accept": "text/html"}


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "room.example.org", "192.168.1.7"])
def test_known_names_and_bare_addresses_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/api/v1/status", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "[::1", "a:b:c"])
def test_other_names_get_nothing(client: TestClient, host: str) -> None:
    answer = client.get("/api/v1/status", headers={"host": host})
    assert answer.status_code == 421
    assert answer.json()["where"].startswith("Host: ")


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:8000", "sec-fetch-site": "cross-site"},
        {"origin": "http://localhost:9000", "sec-fetch-site": "same-site"},
        {"origin": "http://localhost:9000"},
    ],
)
def test_a_change_from_another_site_is_refused(signed_in: TestClient, room: FakeRoom, headers: dict[str, str]) -> None:
    assert signed_in.post("/warnings/1/acknowledge", headers=headers).status_code == 403
    assert room.acknowledged == {}


def test_a_change_without_origin_is_refused(signed_in: TestClient) -> None:
    del signed_in.headers["origin"]
    assert signed_in.post("/warnings/1/acknowledge").status_code == 403


def test_answers_carry_the_security_headers(client: TestClient) -> None:
    headers = client.get("/").headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; object-src 'none'; script-src 'self'; style-src 'self'")
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-opener-policy"] == "same-origin"


def test_looking_needs_no_session_on_the_machine_itself(client: TestClient) -> None:
    assert client.get("/", headers=PAGE).status_code == 200


def test_another_machine_gets_nothing_before_there_is_a_password(room: FakeRoom, accounts: FakeAccounts) -> None:
    app = create_app(room, accounts, WebSettings())
    with TestClient(app, "http://192.168.1.7", client=("192.168.1.9", 1)) as visitor:
        assert visitor.get("/api/v1/zones").status_code == 403
        assert visitor.get("/healthz").status_code == 200


def test_with_a_password_everything_needs_a_session(client: TestClient, accounts: FakeAccounts) -> None:
    accounts.password = "correct horse battery"
    assert client.get("/api/v1/zones").status_code == 401
    assert client.get("/api/v1/stream").status_code == 401
    page = client.get("/", headers=PAGE)
    assert (page.status_code, page.headers["location"]) == (303, "/sign-in")
    assert client.get("/sign-in", headers=PAGE).status_code == 200
    assert client.get("/readyz").status_code == 200


def test_acting_needs_a_session(client: TestClient, room: FakeRoom) -> None:
    assert client.post("/warnings/1/acknowledge").status_code == 401
    assert client.post("/warnings/1/acknowledge", headers=PAGE).headers["location"] == "/sign-in?why=act"
    assert client.post("/warnings/1/acknowledge", headers={"hx-request": "true"}).headers["hx-redirect"] == "/sign-in?why=act"
    assert room.acknowledged == {}


def test_a_demo_welcomes_whoever_sits_at_the_machine(room: FakeRoom) -> None:
    app = create_app(room, FakeAccounts(auto=True), WebSettings())
    origin = {"origin": "http://localhost"}
    with TestClient(app, "http://localhost", headers=origin, client=("127.0.0.1", 1), follow_redirects=False) as visitor:
        cookie = visitor.get("/").headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert visitor.post("/warnings/1/acknowledge").status_code == 303
    assert room.acknowledged == {1: "crowd manager"}


def test_a_demo_with_a_password_welcomes_nobody(room: FakeRoom) -> None:
    app = create_app(room, FakeAccounts(auto=True, password="correct horse battery"), WebSettings())
    with TestClient(app, "http://localhost", client=("127.0.0.1", 1), follow_redirects=False) as visitor:
        assert "set-cookie" not in visitor.get("/", headers=PAGE).headers


def test_who_changes_more_than_a_person_could_is_stopped(signed_in: TestClient, accounts: FakeAccounts) -> None:
    codes = {signed_in.post("/warnings/999/acknowledge").status_code for _ in range(121)}
    assert codes == {404, 429}
    signed_in.cookies.set("ruimte_session_8000", accounts.welcome())
    assert signed_in.post("/warnings/999/acknowledge").status_code == 404


def test_costly_questions_have_a_limit_and_others_have_none(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    client.app.state.limits.costly = Limit("too many questions at once", 3)  # type: ignore[attr-defined]
    assert [client.get("/api/v1/zones/nowhere/series").status_code for _ in range(4)] == [404, 404, 404, 429]
    assert client.get("/api/v1/zones?at=2024-12-31T10:00:00Z").status_code == 429
    assert client.get("/api/v1/zones").status_code == 200


def test_what_a_role_may_not_do_is_noted_without_a_name(
    client: TestClient, accounts: FakeAccounts, caplog: pytest.LogCaptureFixture
) -> None:
    accounts.user = Actor("Kim Visser", "viewer")
    client.cookies.set("ruimte_session_8000", accounts.welcome())
    assert client.post("/warnings/1/acknowledge").status_code == 403
    assert "acknowledge is not for the role viewer" in caplog.text
    assert "Kim" not in caplog.text

"""Roles: each route says what it needs, and each role gets that and no more."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from fake_room import FakeAccounts, FakeRoom
from ruimte.model.role import MAY, ROLES, Actor, Permission, Role
from ruimte.web.app import create_app
from ruimte.web.roles import NEEDS, Need
from ruimte.web.settings import WebSettings


def declared(routes: Any) -> set[str]:
    """What the table should hold; anything that is no plain route cannot stand there."""
    assert [route for route in routes if not isinstance(route, Route)] == []
    return {f"{method} {route.path}" for route in routes for method in (route.methods or {"GET"}) - {"HEAD"}}


def test_every_route_says_what_it_needs_and_nothing_else_does() -> None:
    app = create_app(FakeRoom(), FakeAccounts(), WebSettings())
    assert declared(app.routes) == set(NEEDS)
    permissions = {*get_args(Permission), "nothing", "a session"}
    assert set(NEEDS.values()) <= permissions


def test_a_route_that_says_nothing_is_open_to_nobody(signed_in: TestClient) -> None:
    async def never(request: Any) -> Any:
        raise AssertionError("this was reached")

    signed_in.app.router.routes.append(Route("/forgotten", never))  # type: ignore[attr-defined]
    assert signed_in.get("/forgotten").status_code == 403
    signed_in.cookies.clear()
    assert signed_in.get("/forgotten").status_code == 401


def test_only_what_has_to_be_is_open_to_everybody() -> None:
    opened = {route for route, need in NEEDS.items() if need == "nothing"}
    assert {route for route in opened if not route.startswith(("GET /sign-in", "GET /static"))} == {
        "POST /sign-in",
        "GET /healthz",
        "GET /readyz",
        "GET /sign-out/provider",
    }


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("route", "need"), [(route, need) for route, need in NEEDS.items() if "stream" not in route])
def test_a_role_reaches_what_it_may_and_nothing_else(
    client: TestClient, accounts: FakeAccounts, role: Role, route: str, need: Need
) -> None:
    method, path = route.split(" ")
    accounts.user = Actor("Jo Jansen", role)
    client.cookies.set("ruimte_session_8000", accounts.welcome())
    path = (
        path.replace("{id:int}", "99").replace("{key}", "nowhere").replace("{token}", "x").replace("{version}/{name:path}", "x/x")
    )
    answer = client.request(method, path)
    allowed = need in ("nothing", "a session") or need in MAY[role]
    assert (answer.status_code == 403) is not allowed


def test_a_viewer_sees_no_buttons_and_no_names(client: TestClient, accounts: FakeAccounts, room: FakeRoom) -> None:
    def page(role: Role) -> str:
        accounts.user = Actor("Jo Jansen", role)
        client.cookies.set("ruimte_session_8000", accounts.welcome())
        return client.get("/").text + client.get("/api/v1/logbook").text

    accounts.user = Actor("Kim Visser", "operator")
    client.cookies.set("ruimte_session_8000", accounts.welcome())
    assert client.post("/warnings/1/acknowledge").status_code == 303
    assert "Kim Visser" in page("privacy-officer")
    assert "measure-2" not in page("privacy-officer")
    assert "measure-2" in page("operator")
    assert "Kim Visser" not in page("viewer")
    client.cookies.clear()
    assert "Kim Visser" not in client.get("/").text

"""A room with invented figures and a browser without pages, for the tests of the web."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it asks for another HTTP library than the one we test with
    from starlette.testclient import TestClient

from fake_room import FakeAccounts, FakeRoom
from ruimte.web.app import create_app
from ruimte.web.settings import WebSettings


@pytest.fixture
def room() -> FakeRoom:
    return FakeRoom()


@pytest.fixture
def accounts() -> FakeAccounts:
    return FakeAccounts(auto=False)


@pytest.fixture
def client(room: FakeRoom, accounts: FakeAccounts) -> Iterator[TestClient]:
    """A visitor on the machine itself, not signed in; posts come from our own pages."""
    app = create_app(room, accounts, WebSettings(hosts=("room.example.org",)))
    headers = {"origin": "http://localhost:8000"}
    base = "http://localhost:8000"
    with TestClient(app, base, headers=headers, client=("127.0.0.1", 50_000), follow_redirects=False) as visitor:
        yield visitor


@pytest.fixture
def signed_in(client: TestClient, accounts: FakeAccounts) -> TestClient:
    """The same visitor with a session."""
    accounts.links.add("once")
    assert client.get("/sign-in/once").status_code == 200
    return client

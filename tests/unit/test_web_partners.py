"""What partners share and tell, on the page and as JSON: apart from the lab's own, and silence looks unlike calm."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from starlette.testclient import TestClient

from fake_partners import FakePartners
from fake_room import FakeAccounts, FakeRoom
from ruimte.web.app import create_app
from ruimte.web.settings import WebSettings


@pytest.fixture
def partners() -> FakePartners:
    return FakePartners()


@pytest.fixture
def visitor(room: FakeRoom, partners: FakePartners) -> Iterator[TestClient]:
    app = create_app(room, FakeAccounts(), WebSettings(), followed=partners)
    with TestClient(app, "http://localhost:8000", client=("127.0.0.1", 50_000)) as client:
        yield client


def test_the_page_tells_of_each_partner_whose_it_is_how_exact_and_how_old(visitor):
    page = visitor.get("/?lang=en").text
    assert "City of Example" in page
    assert "every 5m, rounded to 10, at least 10 people" in page
    assert "not told: few people" in page
    assert "for event-safety, up to and including 1 Jan 2020" in page
    assert "log in order 20:44, 1,234 entries" in page


def test_a_broken_link_says_since_when_and_that_its_figures_are_old(visitor):
    page = visitor.get("/fragments/partners?lang=en").text
    assert "not heard since 20:05" in page
    assert "The node does not answer. What you see below is old, and says nothing of now." in page
    assert "Messages refused, for they could not be verified: 1. The last: a message was not signed by the partner." in page
    assert "links to look at: 1" in page
    metro = page[page.index("Metro of Example") :]
    assert "? old" in metro
    assert "level C" not in metro  # an old level is not shown as one


def test_the_same_in_dutch(visitor):
    page = visitor.get("/fragments/partners?lang=nl").text
    assert "niet gehoord sinds 20:05" in page
    assert "elke 5m, afgerond op 10, ten minste 10 mensen" in page
    assert "Plein" in page
    assert "waarschuwingen: 1" in page


def test_a_log_that_contradicts_itself_is_an_alarm(visitor, partners):
    assert 'role="alert"' not in visitor.get("/fragments/partners").text
    partners.distrusted = True
    page = visitor.get("/fragments/partners?lang=en").text
    assert "Nothing more is taken from it until somebody looks" in page
    assert 'role="alert"' in page


def test_what_partners_tell_stands_beside_the_place_but_not_in_the_past(visitor, room):
    assert "Police of Example: closed until 22:45: broken pavement" in visitor.get("/fragments/table").text
    past = datetime.fromtimestamp(room.now_us / 1e6 - 3600, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert "Police of Example" not in visitor.get("/fragments/table", params={"at": past}).text


def test_the_lab_s_own_figures_hold_none_of_a_partner_s(visitor):
    keys = {zone["key"] for zone in visitor.get("/api/v1/zones").json()["zones"]}
    assert not keys & {"square", "quay", "lane", "platform"}


def test_json_tells_all_of_it(visitor):
    told = visitor.get("/api/v1/foreign").json()
    assert [link["status"] for link in told["partners"]] == ["following", "broken"]
    assert told["partners"][0]["places"][0]["value"] == 1240.0
    assert told["contributions"][0]["place"] == "market"
    shapes = visitor.get("/api/v1/foreign.geojson").json()["features"]
    square = next(shape["properties"] for shape in shapes if shape["properties"]["key"] == "square")
    assert (square["partner"], square["value"], square["colour"], square["fresh"]) == ("City of Example", 1240.0, 3, True)


def test_without_partners_the_page_has_nothing_of_it(room):
    app = create_app(room, FakeAccounts(), WebSettings())
    with TestClient(app, "http://localhost:8000", client=("127.0.0.1", 50_000)) as client:
        page = client.get("/").text
        assert "partners-panel" not in page
        assert "partners.css" not in page
        assert client.get("/api/v1/foreign").json() == {"partners": [], "contributions": []}
        assert client.get("/api/v1/foreign.geojson").json()["features"] == []


def test_nobody_reads_it_without_the_right(room, partners):
    app = create_app(room, FakeAccounts(auto=False, password="long enough to be one"), WebSettings(), followed=partners)
    with TestClient(app, "http://localhost:8000", client=("203.0.113.7", 50_000), follow_redirects=False) as client:
        for path in ("/api/v1/foreign", "/api/v1/foreign.geojson", "/fragments/partners"):
            assert client.get(path).status_code in (303, 401, 403), path

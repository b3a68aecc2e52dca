from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from fake_room import CAVEATS, SPOTS, FakeAccounts, FakeRoom, fake_lab
from ruimte.text import duration_us
from ruimte.web.app import create_app
from ruimte.web.settings import WebSettings


def test_zones_tell_the_state_of_every_place(client: TestClient) -> None:
    told = client.get("/api/v1/zones").json()
    assert [zone["key"] for zone in told["zones"]] == [spot.key for spot in SPOTS]
    assert told["status"]["phase"] == "running"
    assert told["since"] == "2019-12-28T19:45:00Z"


def test_a_silent_place_has_no_figure(client: TestClient) -> None:
    zones = {zone["key"]: zone for zone in client.get("/api/v1/zones").json()["zones"]}
    assert zones["new-bridge"]["silent"]
    assert zones["new-bridge"]["mean"] is None


def test_zones_at_a_moment_are_those_of_that_moment(client: TestClient) -> None:
    then = client.get("/api/v1/zones", params={"at": "2019-12-31T14:00:00Z"}).json()["zones"][0]
    assert then["time"] == "2019-12-31T14:00:00Z"


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/v1/zones?at=yesterday", "at"),
        ("/api/v1/zones?at=2019-12-31T14:00:00", "at"),
        ("/api/v1/zones?at=1999-12-31T14:00:00Z", "at"),
        ("/api/v1/zones?at=9999-12-31T23:59:59-23:00", "at"),
        ("/fragments/warnings?at=now", "at"),
        ("/api/v1/logbook?limit=0", "limit"),
        ("/api/v1/logbook?limit=many", "limit"),
        ("/api/v1/logbook?limit=٣", "limit"),
        ("/api/v1/logbook?before=-1", "before"),
        ("/api/v1/zones/market/series?hours=1000", "hours"),
    ],
)
def test_a_wrong_field_is_named(client: TestClient, path: str, field: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["where"] == field
    assert problem["mend"]


def test_an_unknown_zone_is_not_found(client: TestClient) -> None:
    answer = client.get("/api/v1/zones/nowhere/series")
    assert answer.status_code == 404
    assert answer.json()["where"] == "nowhere"


def test_series_have_past_and_forecast(client: TestClient) -> None:
    series = client.get("/api/v1/zones/market/series", params={"hours": 6}).json()
    assert len(series["past_t"]) == len(series["past"]) == 25
    assert len(series["ahead_t"]) == len(series["ahead_q95"])


def test_a_forecast_tells_how_good_it_was_and_what_is_to_be_known_about_it(client: TestClient) -> None:
    skill = {key: client.get(f"/api/v1/zones/{key}/series").json()["skill"] for key in ("market", "new-bridge")}
    assert [(row["from_h"], row["until_h"], row["error"], row["within"]) for row in skill["market"]][1:] == [
        (1, 3, 0.138, 0.897),
        (3, 6, 0.142, None),
    ]
    assert skill["new-bridge"] == []
    for language in ("en", "nl"):
        zones = client.get("/api/v1/zones", params={"lang": language}).json()["zones"]
        assert {zone["key"]: zone["caveats"] for zone in zones if zone["caveats"]} == {
            "harbour-street": [CAVEATS["harbour-street"][language]]
        }


def test_places_are_geojson(client: TestClient) -> None:
    answer = client.get("/api/v1/places.geojson")
    assert answer.headers["content-type"] == "application/geo+json"
    assert {feature["geometry"]["type"] for feature in answer.json()["features"]} == {"Polygon", "Point"}


def test_text_is_in_the_language_asked_for(client: TestClient) -> None:
    dutch = client.get("/api/v1/warnings", params={"lang": "nl"}).json()["warnings"][0]
    english = client.get("/api/v1/warnings", headers={"accept-language": "en"}).json()["warnings"][0]
    assert (dutch["place_name"], english["place_name"]) == ("Boulevard midden", "Boulevard middle")


def test_the_logbook_pages_back(client: TestClient) -> None:
    newest, *rest = client.get("/api/v1/logbook", params={"limit": 3}).json()["logbook"]
    assert client.get("/api/v1/logbook", params={"limit": 2, "before": newest["id"]}).json()["logbook"] == rest


def test_ready_only_when_there_is_a_picture(client: TestClient, room: FakeRoom) -> None:
    room.phase = "starting"
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503
    assert client.get("/api/v1/zones").json()["zones"] == []
    assert client.get("/").status_code == 200
    room.phase = "running"
    assert client.get("/readyz").status_code == 200


def test_metrics_count_warnings_and_silence(client: TestClient) -> None:
    lines = client.get("/metrics").text.splitlines()
    assert "ruimte_places_silent 1" in lines
    assert 'ruimte_warnings_open{priority="2"} 2' in lines
    assert "ruimte_sequence 1" in lines


def test_an_unknown_path_is_a_problem_or_a_page(client: TestClient) -> None:
    assert client.get("/api/v2").headers["content-type"] == "application/problem+json"
    page = client.get("/nowhere", headers={"accept": "text/html"})
    assert page.status_code == 404
    assert "<h1>" in page.text


def test_an_own_mistake_is_a_500_without_details(room: FakeRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: FakeRoom, *_: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(FakeRoom, "zones", fail)
    app = create_app(room, FakeAccounts(), WebSettings())
    with TestClient(app, "http://localhost", raise_server_exceptions=False, client=("127.0.0.1", 1)) as client:
        answer = client.get("/api/v1/zones")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "content-security-policy" in answer.headers


def test_static_files_are_compressed_and_kept_for_ever(client: TestClient) -> None:
    page = client.get("/").text
    address = page.split('type="module" src="')[1].split('"')[0]
    answer = client.get(address, headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["content-security-policy"] == "sandbox;default-src 'none'"
    assert client.get(address.replace("main.js", "../../app.py")).status_code == 404


def test_tiles_are_allowed_only_where_the_lab_asks_for_them(client: TestClient) -> None:
    assert "pdok" not in client.get("/healthz").headers["content-security-policy"]
    app = create_app(FakeRoom(fake_lab(tiles="pdok-grey")), FakeAccounts(), WebSettings())
    with TestClient(app, "http://localhost", client=("127.0.0.1", 1)) as other:
        policy = other.get("/healthz").headers["content-security-policy"]
    assert "img-src 'self' data: https://service.pdok.nl;" in policy


def test_count_points_are_told_to_a_context_broker(client: TestClient, room: FakeRoom) -> None:
    answer = client.get("/api/v1/ngsi-ld/crowd-flow-observed")
    assert answer.headers["content-type"] == "application/ld+json"
    entities = {each["id"].rsplit(":", 1)[1]: each for each in answer.json()}
    views = {view.key: view for view in room.zones("en") if view.kind == "count_point"}
    assert set(entities) == {key for key, view in views.items() if not view.silent}
    street = entities["harbour-street"]
    assert street["type"] == "CrowdFlowObserved"
    ticks_an_hour = 3600e6 / duration_us(room.lab.file.ticks.length)
    assert street["peopleCount"]["value"] == round((views["harbour-street"].mean or 0) / ticks_an_hour)
    assert street["location"]["value"]["type"] == "Point"
    lanes = client.get("/api/v1/ngsi-ld/item-flow-observed").json()
    assert len(lanes) == len(entities) + sum(view.inflow is not None for key, view in views.items() if key in entities)
    assert {each["type"] for each in lanes} == {"ItemFlowObserved"}
    assert len({each["id"] for each in lanes}) == len(lanes)


def test_sensors_are_told_with_those_in_trouble_first(client: TestClient) -> None:
    sensors = client.get("/api/v1/sensors").json()["sensors"]
    conditions = [sensor["condition"] for sensor in sensors]
    assert conditions[:5] == ["missing", "lying", "silent", "silent", "drifting"]
    assert set(conditions[5:]) == {"fine"}
    silent = next(sensor for sensor in sensors if sensor["key"] == "new-bridge-1")
    assert (silent["used"], silent["since"]) == (False, "2019-12-31T05:45:00Z")
    dutch = client.get("/api/v1/sensors", params={"lang": "nl"}).json()["sensors"]
    assert next(sensor for sensor in dutch if sensor["key"] == "new-bridge-1")["told"] == "Niets gehoord sinds 31 dec 06:00."


def test_sensors_are_not_known_during_the_start(client: TestClient, room: FakeRoom) -> None:
    room.phase = "starting"
    assert client.get("/api/v1/sensors").json() == {"sensors": []}


def test_zones_tell_what_they_rest_on_and_at_a_moment_only_what_was_used(client: TestClient) -> None:
    def rests_on(**at: str) -> list[tuple[str, bool]]:
        zones = client.get("/api/v1/zones", params=at).json()["zones"]
        zone = next(zone for zone in zones if zone["key"] == "boulevard-middle")
        return [(sensor["condition"], sensor["used"]) for sensor in zone["rests_on"]]

    assert rests_on() == [("missing", False), ("lying", True), ("silent", False), ("drifting", True), ("fine", True)]
    then = rests_on(at="2019-12-31T14:00:00Z")
    assert then == [("missing", False), ("silent", False), ("fine", True), ("fine", True), ("fine", True)]

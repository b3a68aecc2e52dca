"""Measures side by side over HTTP: what is asked, what is refused, and the figures that are drawn."""

from __future__ import annotations

import asyncio
import re

import msgspec
import pytest
from shapely.geometry import box
from starlette.testclient import TestClient

from fake_room import SPOTS, FakeRoom
from ruimte.jobs.compared import CompareView
from ruimte.web.control.compare_figures import HEIGHT, WIDTH, figures, outlines

MIDDLE = "boulevard-middle"


def warned(room: FakeRoom, place: str = MIDDLE) -> int:
    return next(id_ for id_, (spot, _) in room.begun.items() if spot.key == place)


def test_a_warning_is_compared_as_json(client: TestClient, room: FakeRoom) -> None:
    answer = client.get(f"/api/v1/warnings/{warned(room)}/compare", params={"lang": "nl", "also": "screens"})
    assert answer.status_code == 200
    view = msgspec.json.decode(answer.content, type=CompareView)
    assert (view.warning, view.place, view.place_name) == (warned(room), MIDDLE, "Boulevard midden")
    assert [(each.key, each.rank) for each in view.measures] == [("one-way", 1), ("stewards", 2), ("screens", None)]
    raw = answer.json()
    assert raw["from"].endswith("Z")
    assert set(raw["measures"][0]["zones"][0]["levels"][0]) == {"level", "colour", "threshold", "at", "without", "with"}


def test_a_zone_is_compared_with_the_whole_playbook(client: TestClient, room: FakeRoom) -> None:
    view = client.get("/api/v1/zones/market/compare").json()
    assert (view["warning"], view["level"]) == (None, "E")
    assert {each["key"] for each in view["measures"]} == set(room.lab.measures)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("also=nonsense", "also"),
        ("also=" + ",".join(["stewards"] * 6), "also"),
        ("minutes=0", "minutes"),
        ("minutes=x", "minutes"),
    ],
)
def test_a_wrong_field_is_named(client: TestClient, room: FakeRoom, query: str, field: str) -> None:
    answer = client.get(f"/api/v1/warnings/{warned(room)}/compare?{query}")
    assert (answer.status_code, answer.json()["where"]) == (400, field)


@pytest.mark.parametrize("path", ["/api/v1/warnings/99/compare", "/warnings/99/compare", "/api/v1/zones/nowhere/compare"])
def test_what_is_not_there_is_not_found(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_who_asks_far_too_often_has_to_wait(client: TestClient, room: FakeRoom) -> None:
    path = f"/api/v1/warnings/{warned(room)}/compare"
    answers = {client.get(path).status_code for _ in range(61)}
    assert answers == {200, 429}


@pytest.mark.parametrize("language", ["en", "nl"])
def test_the_fragment_tells_each_measure_and_its_side_effects(client: TestClient, room: FakeRoom, language: str) -> None:
    html = client.get(f"/warnings/{warned(room)}/compare", params={"lang": language}).text
    assert re.findall(r'class="effect" data-measure="([^"]+)"', html) == ["one-way", "stewards"]
    assert {"en": "Boulevard north", "nl": "Boulevard noord"}[language] in html
    assert html.count("<polyline") == 2 * 2 + 2  # without and with of each measure, and the key
    assert " style=" not in html
    assert "<script" not in html


def test_a_street_says_why_it_is_not_compared_and_nothing_is_drawn(client: TestClient, room: FakeRoom) -> None:
    street = next(id_ for id_, (spot, _) in room.begun.items() if not spot.area_m2)
    html = client.get(f"/warnings/{street}/compare").text
    assert "Not simulated: a street, not a zone." in html
    assert "<svg" not in html


def test_all_curves_share_one_scale(room: FakeRoom) -> None:
    view = asyncio.run(room.compare(warned(room), "en"))
    drawn = figures(room.lab, view)
    assert set(drawn.curves) == {"one-way", "stewards"}
    points = [tuple(map(float, point.split(","))) for curve in drawn.curves.values() for point in curve.with_band.split()]
    assert min(x for x, _ in points) == 0.0
    assert max(x for x, _ in points) == WIDTH
    assert all(0.0 <= y <= HEIGHT for _, y in points)
    highest = max(
        max(curve.q95) for each in view.measures for zone in each.zones if zone.zone == MIDDLE for curve in (zone.without,)
    )
    assert drawn.top >= highest
    assert len(drawn.shapes) == sum(spot.area_m2 is not None for spot in SPOTS)


def test_a_single_moment_is_drawn_as_a_level_line(room: FakeRoom) -> None:
    view = asyncio.run(room.compare(warned(room), "en"))
    zone = view.measures[0].zones[0]
    one = msgspec.structs.replace(zone.without, q05=[10.0], q50=[20.0], q95=[30.0])
    effect = msgspec.structs.replace(view.measures[0], zones=[msgspec.structs.replace(zone, without=one, with_=one)])
    drawn = figures(room.lab, msgspec.structs.replace(view, valid=view.valid[:1], measures=[effect]))
    assert [point.split(",")[0] for point in drawn.curves["one-way"].with_.split()] == ["0.0", f"{WIDTH:.1f}"]


def test_outlines_keep_north_up_and_the_shape() -> None:
    (south, north), width, height = outlines({"south": box(5.0, 52.0, 5.001, 52.001), "north": box(5.0, 52.001, 5.001, 52.002)})
    assert south.y > north.y
    assert width < height
    assert outlines({}) == ([], 0.0, 0.0)

"""Data arrays, CSV and GeoJSON: of plain rows, and as a client gets them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sta_visitor import BASE, ROOT, Visitor, visiting

from ruimte.sta.entities import ENTITIES
from ruimte.web.sta.shapes import data_arrays, features, table

POINT = {"type": "Point", "coordinates": [4.9, 52.37]}


@pytest.fixture
def visitor(tmp_path: Path) -> Iterator[Visitor]:
    with visiting(tmp_path) as made:
        yield made


def test_rows_are_grouped_by_their_stream_in_the_order_they_came() -> None:
    rows = [{"@iot.id": n, "result": 10 * n, "resultTime": None} for n in range(4)]
    streams = [("Datastream", 1), ("MultiDatastream", 2), ("Datastream", 1), ("Datastream", 1)]
    groups = data_arrays(rows, streams, None, "http://h")
    assert groups == [
        {
            "Datastream@iot.navigationLink": "http://h/Datastreams(1)",
            "components": ["id", "resultTime", "result"],
            "dataArray@iot.count": 3,
            "dataArray": [[0, None, 0], [2, None, 20], [3, None, 30]],
        },
        {
            "MultiDatastream@iot.navigationLink": "http://h/MultiDatastreams(2)",
            "components": ["id", "resultTime", "result"],
            "dataArray@iot.count": 1,
            "dataArray": [[1, None, 10]],
        },
    ]
    assert data_arrays(rows[:1], streams[:1], ("result", "id"), "http://h")[0]["dataArray"] == [[0, 0]]
    assert data_arrays([], [], None, "http://h") == []


def test_cells_read_back_as_they_were() -> None:
    rows: list[dict[str, Any]] = [
        {
            "@iot.id": 1,
            "@iot.selfLink": "http://h/Things(1)",
            "name": 'say "hi", twice\nor =1+1',
            "properties": {"a": {"b": 2}, "on": True},
        },
        {"@iot.id": 2, "name": "ü", "properties": {"list": [1, "x"]}, "Datastreams@iot.navigationLink": "http://h"},
    ]
    text = table(rows).decode()
    assert text.endswith("\r\n")
    assert list(csv.DictReader(io.StringIO(text, newline=""))) == [
        {"id": "1", "name": 'say "hi", twice\nor =1+1', "properties/a/b": "2", "properties/on": "true", "properties/list": ""},
        {"id": "2", "name": "ü", "properties/a/b": "", "properties/on": "", "properties/list": '[1,"x"]'},
    ]


@pytest.mark.parametrize(
    ("entity", "row", "geometry"),
    [
        ("Location", {"location": POINT}, POINT),
        ("Location", {"location": {"type": "Feature", "geometry": POINT, "properties": {}}}, POINT),
        (
            "Location",
            {
                "location": {
                    "type": "FeatureCollection",
                    "features": [{"type": "Feature", "geometry": POINT}, {"type": "Feature"}],
                }
            },
            {"type": "GeometryCollection", "geometries": [POINT]},
        ),
        ("Location", {"location": "somewhere"}, None),
        ("FeatureOfInterest", {"feature": POINT}, POINT),
        ("Datastream", {"observedArea": POINT}, POINT),
        ("Datastream", {"Thing": {"Locations": [{"location": "x"}, {"location": POINT}]}}, POINT),
        ("Observation", {"result": 5, "FeatureOfInterest": {"feature": POINT}}, POINT),
        ("Thing", {"name": "a"}, None),
        ("Sensor", {"name": "a"}, None),
    ],
)
def test_the_geometry_is_the_nearest_place(entity: str, row: dict[str, Any], geometry: Any) -> None:
    (feature,) = features([{"@iot.id": 7, **row}], ENTITIES[entity])
    assert (feature["type"], feature["id"], feature["geometry"]) == ("Feature", 7, geometry)


def test_a_place_is_not_among_its_own_properties() -> None:
    (feature,) = features([{"@iot.id": 1, "name": "a", "location": POINT, "properties": {"n": [1]}}], ENTITIES["Location"])
    assert feature["properties"] == {"id": 1, "name": "a", "properties/n": [1]}


def test_pages_of_every_shape_lead_to_the_next_in_the_same_shape(visitor: Visitor) -> None:
    stream = visitor.observed(*range(5))
    for shape in ("dataArray", "CSV", "GeoJSON"):
        answer = visitor.ask("GET", f"{stream}/Observations?$resultFormat={shape}&$top=2&$count=true")
        pages = 1
        while next_page := next_of(answer):
            answer = visitor.client.get(next_page)
            pages += 1
        assert pages == 3, shape


def next_of(answer: Any) -> str | None:
    if "link" in answer.headers:
        link, _, rel = answer.headers["link"].partition(">; ")
        assert rel == 'rel="next"'
        return str(link[1:])
    found: str | None = answer.json().get("@iot.nextLink") if "json" in answer.headers["content-type"] else None
    return found


def test_a_csv_of_observations(visitor: Visitor) -> None:
    stream = visitor.observed(1, 2.5)
    answer = visitor.ask("GET", f"{stream}/Observations?$resultFormat=csv&$select=result,phenomenonTime&$orderby=phenomenonTime")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text == "result,phenomenonTime\r\n1,2026-05-01T12:00:00Z\r\n2.5,2026-05-01T12:01:00Z\r\n"
    expanded = visitor.ask("GET", f"{stream}?$resultFormat=CSV&$select=name&$expand=Thing($select=name)").text
    assert expanded == "name,Thing/name\r\nPeople,Mast\r\n"


def test_a_geojson_of_observations(visitor: Visitor) -> None:
    stream = visitor.observed(1)
    answer = visitor.ask("GET", f"{stream}/Observations?$resultFormat=GeoJSON&$expand=FeatureOfInterest&$count=true")
    assert answer.headers["content-type"] == "application/geo+json"
    shown = answer.json()
    assert (shown["type"], shown["@iot.count"]) == ("FeatureCollection", 1)
    assert shown["features"][0]["geometry"] == POINT
    assert shown["features"][0]["properties"]["result"] == 1


def test_a_data_array_says_whose_rows_they_are(visitor: Visitor) -> None:
    first, second = visitor.observed(1, 2), visitor.observed(3)
    groups = visitor.get("Observations?$resultFormat=dataArray&$orderby=id&$count=true")
    assert groups["@iot.count"] == 3
    told = {group["Datastream@iot.navigationLink"]: [row[-1] for row in group["dataArray"]] for group in groups["value"]}
    assert told == {f"{BASE}{ROOT}/{first}": [1, 2], f"{BASE}{ROOT}/{second}": [3]}

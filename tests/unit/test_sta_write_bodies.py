"""Bodies that clients write, checked without a store; GeoJSON and JSON Patch."""

from __future__ import annotations

import pytest

from ruimte.sta.bodies import DEEPEST, check_body, json_text, read_id, read_reference
from ruimte.sta.entities import ENTITIES
from ruimte.sta.errors import StaError
from ruimte.sta.geojson import box_of, check_geojson, geometry_of, join
from ruimte.sta.json_patch import MOST_OPERATIONS, apply_patch

POINT = {"type": "Point", "coordinates": [4.9, 52.37]}
BODIES = {
    "Thing": {"name": "n", "description": "d"},
    "Location": {"name": "n", "description": "d", "encodingType": "application/geo+json", "location": POINT},
    "HistoricalLocation": {"time": "2026-04-27T14:00:00Z"},
    "Datastream": {"name": "n", "description": "d", "observationType": "o", "unitOfMeasurement": {}},
    "MultiDatastream": {"name": "n", "description": "d", "multiObservationDataTypes": ["o"], "unitOfMeasurements": [{}]},
    "Sensor": {"name": "n", "description": "d", "encodingType": "application/pdf", "metadata": "m"},
    "ObservedProperty": {"name": "n", "definition": "http://x", "description": "d"},
    "Observation": {"result": 1},
    "FeatureOfInterest": {"name": "n", "description": "d", "encodingType": "application/geo+json", "feature": POINT},
}


@pytest.mark.parametrize("name", BODIES)
def test_a_whole_body_passes_and_each_required_property_is_missed_by_name(name):
    entity = ENTITIES[name]
    assert check_body(entity, BODIES[name]).values.keys() == BODIES[name].keys()
    required = {each.name for each in entity.properties.values() if each.required}
    assert required == BODIES[name].keys()
    for each in required:
        with pytest.raises(StaError, match=f"needs {each}"):
            check_body(entity, {key: value for key, value in BODIES[name].items() if key != each})
    assert check_body(entity, {}, partial=True).values == {}


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("Thing", {"name": 3}, "name: 3 is no text"),
        ("Thing", {"name": None}, "name: None is no text"),
        ("Thing", {"name": "a\0b"}, "name: holds characters that are none"),
        ("Thing", {"description": "\ud800"}, "description: holds characters that are none"),
        ("Thing", {"properties": [1]}, "properties: a list is no JSON object"),
        ("Thing", {"propertys": {}}, "did you mean properties?"),
        ("Thing", {"zzz": {}}, "it has name, description"),
        ("Thing", {"zzz@iot.navigationLink": "x"}, "has no 'zzz@iot.navigationLink'"),
        ("Thing", {"Datastreams": {"@iot.id": 1}}, "Datastreams: leads to many entities"),
        ("Thing", {"Datastreams": [5]}, "Datastreams/0: 5 is no entity"),
        ("Thing", {"Locations": [{"@iot.id": -1}]}, "Locations/0: -1 is no id"),
        ("Datastream", {"Thing": [{"@iot.id": 1}]}, "Thing: a list is no entity"),
        ("Datastream", {"unitOfMeasurement": None}, "unitOfMeasurement: None is no JSON object"),
        ("MultiDatastream", {"unitOfMeasurements": {}}, "unitOfMeasurements: an object is no list"),
        ("HistoricalLocation", {"time": "yesterday"}, "time: 'yesterday' is not an instant"),
        ("HistoricalLocation", {"time": "2026-04-27"}, "is not an instant"),
        ("Observation", {"phenomenonTime": "2026-04-27T15:00:00Z/2026-04-27T14:00:00Z"}, "ends before it starts"),
        ("Observation", {"phenomenonTime": "0001-01-01T00:00:00+14:00"}, "outside the years"),
        ("Observation", {"resultTime": 5}, "resultTime: 5 is not an instant"),
        ("Observation", {"validTime": "2026-04-27T14:00:00Z"}, "validTime: '2026-04-27T14:00:00Z' is not an interval"),
        ("Observation", {"parameters": "p"}, "parameters: 'p' is no JSON object"),
        ("Sensor", {"metadata": None}, "metadata: is null"),
        ("Location", {"location": None}, "location: is null"),
        ("Location", {"location": "here"}, "location: is no GeoJSON object"),
        ("Location", {"location": {"type": "Point", "coordinates": ["4", 52]}}, "coordinates that are none of a Point"),
        ("FeatureOfInterest", {"feature": {"type": "Circle"}}, "does not know: 'Circle'"),
    ],
)
def test_what_is_wrong_is_named(name, change, message):
    with pytest.raises(StaError) as caught:
        check_body(ENTITIES[name], BODIES[name] | change)
    assert message in str(caught.value)
    assert caught.value.status == 400


@pytest.mark.parametrize("body", [None, [], "x", 5])
def test_a_body_is_an_object(body):
    with pytest.raises(StaError, match="a Thing is a JSON object"):
        check_body(ENTITIES["Thing"], body)


def test_what_was_read_can_be_sent_back():
    shown = {
        "@iot.id": 7,
        "@iot.selfLink": "http://h/Datastreams(7)",
        "Thing@iot.navigationLink": "http://h/Datastreams(7)/Thing",
        "Observations@iot.count": 3,
        "Observations@iot.nextLink": "http://h",
        "observedArea": "whatever",
        "phenomenonTime": "no time",
        "resultTime": 5,
        "properties": None,
    }
    checked = check_body(ENTITIES["Datastream"], BODIES["Datastream"] | shown)
    assert checked.values == BODIES["Datastream"] | {"properties": None}
    assert checked.links == {}


def test_links_and_new_entities_are_told_apart():
    body = {"Datastreams": [{"@iot.id": "12"}, {"name": "new"}, {"@iot.id": 3, "name": "old"}], "Locations": None}
    assert check_body(ENTITIES["Thing"], body, partial=True).links == {"Datastreams": [12, {"name": "new"}, 3]}


def test_times_become_microseconds():
    body = {
        "phenomenonTime": "1970-01-01T01:00:01+01:00",
        "resultTime": "1970-01-01T00:00:02Z",
        "validTime": "1970-01-01T00:00:00Z/1970-01-01T00:00:03Z",
        "result": None,
    }
    assert check_body(ENTITIES["Observation"], body).values == {
        "phenomenonTime": (1_000_000, 1_000_000),
        "resultTime": 2_000_000,
        "validTime": (0, 3_000_000),
        "result": None,
    }


def test_an_opaque_encoding_keeps_any_place():
    body = BODIES["Location"] | {"encodingType": "text/plain", "location": "behind the station"}
    assert check_body(ENTITIES["Location"], body).values["location"] == "behind the station"


@pytest.mark.parametrize("value", ["", "1.5", "x", 1.5, True, None, -1, 2**63, "9" * 30, "١"])
def test_no_ids(value):
    with pytest.raises(StaError, match="is no id"):
        read_id(value)


@pytest.mark.parametrize(
    "body", [{"@iot.id": 5}, {"@id": "https://h/sta/v1.1/Things(5)"}, {"@odata.id": "Things(5)"}, {"url": "/v1.1/Things(5)"}]
)
def test_references(body):
    assert read_reference(body, "Thing") == 5


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "names no entity"),
        ([], "names no entity"),
        ({"@id": 5}, "names no entity"),
        ({"@id": "https://h/Things"}, "names no entity"),
        ({"@id": "https://h/Nothings(5)"}, "names no entity"),
        ({"@id": "https://h/Sensors(5)"}, "leads to a Sensor, not a Thing"),
    ],
)
def test_no_references(body, message):
    with pytest.raises(StaError, match=message):
        read_reference(body, "Thing")


def nested(levels):
    value = []
    for _ in range(levels - 1):
        value = [value]
    return value


def test_json_that_cannot_be_kept():
    assert json_text({"a": [1, "é"]}) == '{"a":[1,"é"]}'
    assert json_text(nested(DEEPEST))
    assert json_text([[]] * 1000)
    for value in (nested(DEEPEST + 1), nested(50_000), {"a": "\ud800"}, {"\ud800": 1}):
        with pytest.raises(StaError):
            json_text(value)


@pytest.mark.parametrize(
    "value",
    [
        POINT,
        {"type": "Point", "coordinates": [4, 52, 3.5]},
        {"type": "MultiPoint", "coordinates": [[4, 52], [5, 53]]},
        {"type": "LineString", "coordinates": [[4, 52], [5, 53]]},
        {"type": "Polygon", "coordinates": [[[4, 52], [5, 52], [5, 53], [4, 52]]]},
        {"type": "MultiPolygon", "coordinates": [[[[4, 52], [5, 52], [5, 53], [4, 52]]]]},
        {"type": "GeometryCollection", "geometries": [POINT]},
        {"type": "Feature", "geometry": POINT, "properties": {"a": 1}},
        {"type": "Feature", "geometry": None, "properties": None},
        {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": POINT}]},
    ],
)
def test_geojson(value):
    check_geojson(value)


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"type": 5},
        {"type": "Point"},
        {"type": "Point", "coordinates": []},
        {"type": "Point", "coordinates": [4]},
        {"type": "Point", "coordinates": [True, 52]},
        {"type": "Point", "coordinates": [float("inf"), 52]},
        {"type": "Point", "coordinates": [10**400, 52]},
        {"type": "LineString", "coordinates": [[4, 52]]},
        {"type": "Polygon", "coordinates": [[[4, 52], [5, 53]]]},
        {"type": "Polygon", "coordinates": [[4, 52], [5, 52], [5, 53]]},
        {"type": "Feature"},
        {"type": "Feature", "geometry": {"type": "Point"}},
        {"type": "GeometryCollection"},
        {"type": "FeatureCollection", "features": [5]},
    ],
)
def test_no_geojson(value):
    with pytest.raises(StaError):
        check_geojson(value, "location")


def test_boxes():
    assert box_of({"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": None}]}) is None
    line = {"type": "GeometryCollection", "geometries": [POINT, {"type": "MultiPoint", "coordinates": [[1, 2, 9], [3, 60, 9]]}]}
    assert box_of(line) == (1, 2, 4.9, 60)
    assert join(None, (1, 2, 3, 4)) == join((1, 2, 3, 4), None) == (1, 2, 3, 4)
    assert join((1, 2, 3, 4), (0, 3, 2, 9)) == (0, 2, 3, 9)
    assert geometry_of((1, 2, 1, 4)) == {"type": "LineString", "coordinates": [[1, 2], [1, 4]]}
    assert geometry_of((0, 0, 2, 1))["coordinates"] == [[[0, 0], [2, 0], [2, 1], [0, 1], [0, 0]]]


@pytest.mark.parametrize(
    ("document", "operations", "after"),
    [
        ({"a": 1}, [{"op": "add", "path": "/b", "value": [1]}], {"a": 1, "b": [1]}),
        ({"a": [1, 3]}, [{"op": "add", "path": "/a/1", "value": 2}], {"a": [1, 2, 3]}),
        ({"a": [1]}, [{"op": "add", "path": "/a/-", "value": 2}], {"a": [1, 2]}),
        ({"a": 1, "b": 2}, [{"op": "remove", "path": "/a"}], {"b": 2}),
        ({"a": [1, 2]}, [{"op": "remove", "path": "/a/0"}], {"a": [2]}),
        ({"a": 1}, [{"op": "replace", "path": "/a", "value": None}], {"a": None}),
        ({"a": [1]}, [{"op": "replace", "path": "/a/0", "value": 5}], {"a": [5]}),
        ({"a": 1}, [{"op": "replace", "path": "", "value": {"c": 1}}], {"c": 1}),
        ({"a": {"b": 1}, "c": {}}, [{"op": "move", "from": "/a/b", "path": "/c/d"}], {"a": {}, "c": {"d": 1}}),
        ({"a": {"b": 1}}, [{"op": "copy", "from": "/a", "path": "/c"}], {"a": {"b": 1}, "c": {"b": 1}}),
        ({"a/b": 1, "m~n": 2}, [{"op": "remove", "path": "/a~1b"}, {"op": "remove", "path": "/m~0n"}], {}),
        ({"a": 1.0}, [{"op": "test", "path": "/a", "value": 1}], {"a": 1.0}),
        ({"": 1}, [{"op": "replace", "path": "/", "value": 2}], {"": 2}),
    ],
)
def test_json_patch(document, operations, after):
    assert apply_patch(document, operations) == after


@pytest.mark.parametrize(
    ("operations", "status"),
    [
        ({}, 400),
        ([1], 400),
        ([{}], 400),
        ([{"op": "become", "path": "/a"}], 400),
        ([{"op": ["add"], "path": "/a"}], 400),
        ([{"op": "add", "path": "/a"}], 400),
        ([{"op": "add", "path": "a", "value": 1}], 400),
        ([{"op": "add", "path": "/l/01", "value": 1}], 400),
        ([{"op": "add", "path": "/l/9", "value": 1}], 400),
        ([{"op": "add", "path": "/x/y", "value": 1}], 400),
        ([{"op": "add", "path": "/~2", "value": 1}], 400),
        ([{"op": "remove", "path": "/x"}], 400),
        ([{"op": "remove", "path": ""}], 400),
        ([{"op": "remove", "path": "/l/-"}], 400),
        ([{"op": "replace", "path": "/x", "value": 1}], 400),
        ([{"op": "move", "from": "/o", "path": "/o/p"}], 400),
        ([{"op": "copy", "path": "/p"}], 400),
        ([{"op": "test", "path": "/a", "value": True}], 409),
        ([{"op": "test", "path": "/l", "value": [1]}], 409),
        ([{"op": "test", "path": "/a", "value": 1}] * (MOST_OPERATIONS + 1), 400),
        ([{"op": "copy", "from": "", "path": f"/c{each}"} for each in range(40)], 400),
    ],
)
def test_json_patches_that_are_refused(operations, status):
    document = {"a": 1, "l": [1, 2], "o": {"p": 1}}
    with pytest.raises(StaError) as caught:
        apply_patch(document, operations)
    assert caught.value.status == status
    assert document == {"a": 1, "l": [1, 2], "o": {"p": 1}}

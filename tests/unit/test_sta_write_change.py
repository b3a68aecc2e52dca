"""SensorThings entities in a store updated, linked and deleted."""

from __future__ import annotations

import pytest

from ruimte.store.sqlite import Store
from sta_written import OM, Written, at, datastream, feature, location, multi, named, observed, point, refused, sensor, thing


@pytest.fixture
def sandbox(tmp_path):
    with Store(tmp_path / "sta.db", "test", durable=False) as store:
        yield Written(store)


@pytest.fixture
def street(sandbox):
    """A Thing at a Location with one Datastream."""
    sandbox.create("Things", thing(Locations=[location()], Datastreams=[datastream()]))
    return sandbox


@pytest.mark.parametrize(
    ("path", "body", "changed", "query", "after"),
    [
        ("Things(1)", {"name": "post"}, ["name"], "SELECT name, description FROM things", ("post", "the pole")),
        ("Things(1)", {"name": "pole"}, [], "SELECT name FROM things", "pole"),
        ("Things(1)", {"properties": {"a": 1}}, ["properties"], "SELECT properties FROM things", '{"a":1}'),
        ("Datastreams(1)/Thing", {"name": "post"}, ["name"], "SELECT name FROM things", "post"),
        ("Locations(1)", {"location": point(1, 2)}, ["location"], "SELECT name FROM locations", "square"),
        ("Sensors(1)", {"metadata": {"a": 1}}, ["metadata"], "SELECT metadata FROM sensors", '{"a":1}'),
        (
            "ObservedProperties(1)",
            {"definition": "http://x"},
            ["definition"],
            "SELECT definition FROM observed_properties",
            "http://x",
        ),
        (
            "Datastreams(1)",
            {"unitOfMeasurement": {"name": "head"}, "phenomenonTime": "ignored"},
            ["unitOfMeasurement"],
            "SELECT json_extract(result_type, '$.uom.label'), json_extract(result_type, '$.type') FROM datastreams",
            ("head", "Count"),
        ),
        (
            "Datastreams(1)",
            {"observationType": OM + "OM_Measurement"},
            ["observationType"],
            "SELECT json_extract(result_type, '$.uom.label'), json_extract(result_type, '$.type') FROM datastreams",
            ("person", "Quantity"),
        ),
        ("HistoricalLocations(1)", {"time": at(0)}, ["time"], "SELECT time_us FROM historical_locations", 0),
    ],
)
def test_patch_changes_what_is_given(street, path, body, changed, query, after):
    touched = street.patch(path, body)
    assert (touched.id, touched.changed) == (1, changed)
    assert street.one(query) == after


def test_put_resets_what_is_left_out(street):
    street.patch("Things(1)", {"properties": {"a": 1}})
    assert "needs description" in refused(400, street.put, "Things(1)", {"name": "post"})
    assert street.put("Things(1)", named("post")).changed == ["name", "description", "properties"]
    assert street.one("SELECT name, properties FROM things") == ("post", "{}")
    street.put("Datastreams(1)", datastream(Sensor=None, ObservedProperty=None) | {"name": "new"})
    assert street.one("SELECT name, thing_id, sensor_id FROM datastreams") == ("new", 1, 1)


@pytest.mark.parametrize("function", ["patch", "put"])
@pytest.mark.parametrize(
    ("status", "path", "body"),
    [
        (404, "Things(9)", thing()),
        (404, "Things(1)/Datastreams(9)", {}),
        (405, "Things", thing()),
        (405, "Things(1)/Datastreams", {}),
        (405, "Things(1)/name", {}),
        (400, "Things(1)", []),
        (400, "Things(1)", thing(nam="x")),
        (400, "Things(1)", thing(name=None)),
        (400, "Things(1)", thing(Datastreams=[datastream()])),
        (400, "Things(1)", thing(Locations=[location()])),
        (400, "Things(1)", thing(Locations=[{"@iot.id": 9}])),
        (400, "Sensors(1)", sensor(Datastreams=[datastream()])),
        (400, "Datastreams(1)", datastream(ObservedProperty=None)),
        (400, "Locations(1)", location(location={"type": "Point", "coordinates": []})),
    ],
)
def test_updates_that_are_refused(street, function, status, path, body):
    before = street.counts()
    refused(status, getattr(street, function), path, body)
    assert street.counts() == before


def test_an_update_can_lead_links_elsewhere(street):
    street.create("Things", thing(Datastreams=[datastream()]))
    assert street.patch("Datastreams(1)", {"Thing": {"@iot.id": 2}, "Sensor": {"@iot.id": 2}}).changed == ["Thing", "Sensor"]
    assert street.one("SELECT thing_id, sensor_id FROM datastreams WHERE id = 1") == (2, 2)
    street.patch("Things(1)", {"Datastreams": [{"@iot.id": 1}, {"@iot.id": 2}]})
    assert street.all("SELECT thing_id FROM datastreams") == [(1,), (1,)]
    street.patch("ObservedProperties(1)", {"Datastreams": [{"@iot.id": 2}]})
    assert street.all("SELECT observed_property_id FROM datastreams_properties") == [(1,), (1,)]


def test_a_multi_datastream_keeps_its_lists_of_one_length(street):
    street.create("Things(1)/MultiDatastreams", multi("in", "out"))
    refused(400, street.patch, "MultiDatastreams(2)", {"unitOfMeasurements": [{}]})
    refused(400, street.patch, "MultiDatastreams(2)", {"ObservedProperties": [{"@iot.id": 1}]})
    street.patch("MultiDatastreams(2)", {"ObservedProperties": [{"@iot.id": 1}, {"@iot.id": 3}]})
    names = "SELECT json_extract(result_type, '$.field[0].name'), json_extract(result_type, '$.field[1].name') FROM datastreams"
    assert street.one(names + " WHERE id = 2") == ("count", "out")
    longer = {"multiObservationDataTypes": ["a"] * 3, "unitOfMeasurements": [{}] * 3}
    longer["ObservedProperties"] = [{"@iot.id": id_} for id_ in (3, 2, 1)]
    street.patch("MultiDatastreams(2)", longer)
    street.create("MultiDatastreams(2)/Observations", {"result": [1, 2, 3]})
    shorter = {"multiObservationDataTypes": ["a"], "unitOfMeasurements": [{}], "ObservedProperties": [{"@iot.id": 1}]}
    assert "has Observations of 3 results" in refused(400, street.patch, "MultiDatastreams(2)", shorter)
    refused(400, street.create, "MultiDatastreams(2)/ObservedProperties", observed("new"))
    refused(400, street.patch, "ObservedProperties(1)", {"MultiDatastreams": [{"@iot.id": 2}]})
    refused(400, street.link, "MultiDatastreams(2)/ObservedProperties/$ref", {"@iot.id": 1})


def test_an_updated_observation_keeps_its_id_and_its_past(street):
    street.create("Datastreams(1)/Observations", {"phenomenonTime": at(5), "result": 1, "parameters": {"a": 1}})
    street.create("Datastreams(1)/Observations", {"phenomenonTime": at(6), "result": 6})
    touched = street.patch("Observations(1)", {"result": "two"})
    assert (touched.id, touched.changed, touched.created, touched.streams) == (1, ["result"], [], {1})
    assert street.patch("Observations(1)", {"phenomenonTime": at(9), "resultQuality": 3}).changed == [
        "phenomenonTime",
        "resultQuality",
    ]
    rows = street.all("SELECT id, first, revises, start_us, result, result_json FROM observations ORDER BY id")
    assert rows == [
        (1, None, None, 5_000_000, 1, None),
        (2, None, None, 6_000_000, 6, None),
        (3, 1, 1, 5_000_000, None, '"two"'),
        (4, 1, 3, 9_000_000, None, '"two"'),
    ]
    assert street.spans()[:2] == [6, 9]
    assert street.one("SELECT count(*) FROM observations WHERE received_us = ?", street.now_us) == 1
    street.put("Observations(1)", {"phenomenonTime": at(1), "result": None})
    assert street.one("SELECT result, extra FROM current_observations WHERE first = 1") == (None, None)
    # the ids of revisions are nobody's
    for id_ in (3, 4, 5):
        refused(404, street.patch, f"Observations({id_})", {"result": 0})
    refused(400, street.patch, "Observations(1)", {"result": float("nan")})
    refused(400, street.patch, "Observations(1)", {"FeatureOfInterest": feature()})


def test_an_observation_can_be_moved_to_another_datastream_or_feature(street):
    street.create("Things(1)/Datastreams", datastream())
    for seconds in (5, 6):
        street.create("Datastreams(1)/Observations", {"phenomenonTime": at(seconds), "result": seconds})
    street.patch("Observations(1)", {"Datastream": {"@iot.id": 2}})
    assert street.observation(1) == (2, 1, 5)
    assert (street.spans(1)[:2], street.spans(2)[:2], street.area(2)) == ([6, 6], [5, 5], point(4, 52))
    street.create("FeaturesOfInterest", feature())
    assert street.patch("Observations(1)", {"FeatureOfInterest": {"@iot.id": 2}}).changed == ["FeatureOfInterest"]
    assert (street.observation(1), street.area(2)) == ((2, 2, 5), point(5, 53))
    street.patch("FeaturesOfInterest(2)", {"Observations": [{"@iot.id": 2}]})
    assert (street.observation(2), street.area(1)) == ((1, 2, 6), point(5, 53))
    street.create("Things(1)/MultiDatastreams", multi("a"))
    refused(400, street.patch, "Observations(1)", {"MultiDatastream": {"@iot.id": 3}})
    street.patch("Observations(1)", {"MultiDatastream": {"@iot.id": 3}, "result": [8]})
    assert street.observation(1) == (3, 2, "[8]")
    both = {"MultiDatastream": {"@iot.id": 3}, "Datastream": {"@iot.id": 1}}
    refused(400, street.patch, "Observations(1)", both)
    # the whole chain moved: deleting the old datastream takes nothing of it
    street.delete("Datastreams(2)")
    assert street.observation(1) == (3, 2, "[8]")


def test_json_patch_of_properties_and_within_them(street):
    street.patch("Things(1)", {"properties": {"floor": 3, "old": [1]}})
    operations = [
        {"op": "test", "path": "/properties/floor", "value": 3},
        {"op": "replace", "path": "/name", "value": "post"},
        {"op": "move", "from": "/properties/old", "path": "/properties/new"},
        {"op": "add", "path": "/properties/new/-", "value": 2},
    ]
    assert street.json_patch("Things(1)", operations).changed == ["name", "properties"]
    assert street.one("SELECT name, properties FROM things") == ("post", '{"floor":3,"new":[1,2]}')
    street.create("Datastreams(1)/Observations", {"phenomenonTime": at(5), "result": {"a": 1}})
    street.json_patch("Observations(1)", [{"op": "add", "path": "/result/b", "value": 2}])
    assert street.observation()[2] == '{"a":1,"b":2}'


@pytest.mark.parametrize(
    ("status", "path", "operations"),
    [
        (404, "Things(9)", []),
        (405, "Things", []),
        (400, "Things(1)", {"name": "x"}),
        (400, "Things(1)", [{"op": "remove", "path": "/name"}]),
        (400, "Things(1)", [{"op": "replace", "path": "/name", "value": 5}]),
        (400, "Things(1)", [{"op": "add", "path": "/nam", "value": "x"}]),
        (400, "Things(1)", [{"op": "replace", "path": "", "value": []}]),
        (409, "Things(1)", [{"op": "test", "path": "/name", "value": "post"}]),
    ],
)
def test_json_patches_that_are_refused(street, status, path, operations):
    refused(status, street.json_patch, path, operations)
    assert street.one("SELECT name FROM things") == "pole"


def test_each_move_is_remembered(street):
    moves = [
        (street.create, "Things(1)/Locations", location("park")),
        (street.patch, "Things(1)", {"Locations": [{"@iot.id": 1}, {"@iot.id": 2}]}),
        (street.create, "Locations", location("bridge", Things=[{"@iot.id": 1}])),
        (street.link, "Things(1)/Locations/$ref", {"@iot.id": 1}),
        (street.link, "Locations(2)/Things/$ref", {"@id": "http://h/Things(1)"}),
        (street.patch, "Locations(3)", {"Things": [{"@iot.id": 1}]}),
    ]
    expected = [[2], [1, 2], [3], [1], [2], [3]]
    for (function, path, body), places in zip(moves, expected, strict=True):
        touched = function(path, body)
        assert any(entity == "HistoricalLocation" for entity, _ in touched.created)
        assert street.places() == places
        assert street.history()[-1] == (street.now_us, ",".join(map(str, places)))
    assert len(street.history()) == 1 + len(moves)


def test_a_thing_that_stays_makes_no_history(street):
    assert street.patch("Things(1)", {"Locations": [{"@iot.id": 1}]}).created == []
    assert len(street.history()) == 1


def test_a_newer_historical_location_moves_its_thing(street):
    street.create("Locations", location("park"))
    street.create("HistoricalLocations", {"time": at(0), "Thing": {"@iot.id": 1}, "Locations": [{"@iot.id": 2}]})
    assert street.places() == [1]
    future = {"time": "2030-01-01T00:00:00Z", "Thing": {"@iot.id": 1}, "Locations": [{"@iot.id": 2}]}
    touched = street.create("HistoricalLocations", future)
    assert touched.created == [("HistoricalLocation", 3)]
    assert street.places() == [2]
    street.patch("HistoricalLocations(2)", {"time": "2031-01-01T00:00:00Z", "Locations": [{"@iot.id": 1}]})
    assert street.places() == [1, 2]
    street.create("HistoricalLocations(2)/Locations", location("bridge"))
    assert street.places() == [1, 2, 3]


def test_links_made_and_undone_by_ref(street):
    street.create("Things", thing())
    street.link("Things(2)/Datastreams/$ref", {"@iot.id": 1})
    street.link("Things(2)/Locations/$ref", {"@iot.id": 1})
    assert street.one("SELECT thing_id FROM datastreams") == 2
    touched = street.link("Datastreams(1)/Thing/$ref", {"@id": "https://h/sta/v1.1/Things(1)"})
    assert (touched.entity, touched.id, touched.changed) == ("Datastream", 1, ["Thing"])
    assert street.one("SELECT thing_id FROM datastreams") == 1
    street.create("Datastreams(1)/Observations", {"result": 1})
    street.create("FeaturesOfInterest", feature())
    street.link("Observations(1)/FeatureOfInterest/$ref", {"@iot.id": 2})
    assert street.observation()[1] == 2
    assert street.unlink("Things(2)/Locations(1)/$ref").changed == ["Locations"]
    assert street.places(2) == []
    street.unlink("Locations(1)/Things/$ref", {"@iot.id": 1})
    assert street.places(1) == []
    street.link("HistoricalLocations(1)/Locations/$ref", {"@iot.id": street.create("Locations", location()).id})
    street.unlink("HistoricalLocations(1)/Locations(1)/$ref")
    refused(400, street.unlink, "HistoricalLocations(1)/Locations(2)/$ref")


@pytest.mark.parametrize(
    ("status", "function", "path", "body"),
    [
        (400, "link", "Things(1)/Locations/$ref", {}),
        (400, "link", "Things(1)/Locations/$ref", {"@iot.id": 9}),
        (400, "link", "Things(1)/Locations/$ref", {"@id": "http://h/Things(1)"}),
        (404, "link", "Things(9)/Locations/$ref", {"@iot.id": 1}),
        (405, "link", "Things(1)/Locations(1)/$ref", {"@iot.id": 1}),
        (405, "link", "Things/$ref", {"@iot.id": 1}),
        (404, "unlink", "Things(1)/Locations(2)/$ref", None),
        (404, "unlink", "Things(1)/Locations/$ref", {"@iot.id": 7}),
        (400, "unlink", "Things(1)/Locations/$ref", None),
        (400, "unlink", "Datastreams(1)/Thing/$ref", None),
        (400, "unlink", "Things(1)/Datastreams(1)/$ref", None),
        (400, "unlink", "Sensors(1)/Datastreams(1)/$ref", None),
    ],
)
def test_refs_that_are_refused(street, status, function, path, body):
    refused(status, getattr(street, function), path, body)
    assert street.places() == [1]


@pytest.mark.parametrize(
    ("path", "gone"),
    [
        ("Things(1)", {"things": 1, "historical_locations": 1, "datastreams": 2, "current_observations": 3}),
        ("Locations(1)", {"locations": 1, "historical_locations": 1}),
        ("HistoricalLocations(1)", {"historical_locations": 1}),
        ("Sensors(1)", {"sensors": 1, "datastreams": 1, "current_observations": 2}),
        ("ObservedProperties(1)", {"observed_properties": 1, "datastreams": 1, "current_observations": 2}),
        ("ObservedProperties(2)", {"observed_properties": 1, "datastreams": 1, "current_observations": 1}),
        ("Datastreams(1)", {"datastreams": 1, "current_observations": 2}),
        ("Things(1)/Datastreams(1)", {"datastreams": 1, "current_observations": 2}),
        ("MultiDatastreams(2)", {"datastreams": 1, "current_observations": 1}),
        ("FeaturesOfInterest(1)", {"features": 1, "current_observations": 2}),
        ("FeaturesOfInterest(2)", {"features": 1, "current_observations": 1}),
        ("Observations(2)", {"current_observations": 1}),
        ("Observations(1)/FeatureOfInterest", {"features": 1, "current_observations": 2}),
    ],
)
def test_what_a_deletion_takes_along(street, path, gone):
    street.create("Things(1)/MultiDatastreams", multi("in"))
    street.create("Datastreams(1)/Observations", {"result": 1})
    street.create("Datastreams(1)/Observations", {"result": 1, "FeatureOfInterest": feature()})
    street.create("MultiDatastreams(2)/Observations", {"result": [1]})
    before = street.counts()
    street.delete(path)
    assert street.counts() == {table: number - gone.get(table, 0) for table, number in before.items()}
    refused(404, street.delete, path)


def test_a_withdrawn_observation_leaves_a_tombstone(street):
    street.create("Datastreams(1)/Observations", {"phenomenonTime": at(5), "result": 1})
    street.patch("Observations(1)", {"result": 2})
    assert street.delete("Observations(1)").streams == {1}
    assert street.all("SELECT first, revises, flags, result FROM observations") == [
        (None, None, 0, 1),
        (1, 1, 0, 2),
        (1, 2, 8, 2),
    ]
    assert street.one("SELECT received_us FROM observations WHERE flags = 8") == street.now_us
    for function, *rest in ((street.delete,), (street.patch, {"result": 1}), (street.json_patch, [])):
        refused(404, function, "Observations(1)", *rest)


def test_a_feature_takes_observations_by_what_they_are_of_now(street):
    street.create("Datastreams(1)/Observations", {"phenomenonTime": at(5), "result": 1})
    street.create("Datastreams(1)/Observations", {"phenomenonTime": at(6), "result": 1, "FeatureOfInterest": feature()})
    street.patch("Observations(1)", {"FeatureOfInterest": {"@iot.id": 2}})
    street.patch("Observations(2)", {"FeatureOfInterest": {"@iot.id": 1}})
    street.delete("FeaturesOfInterest(2)")
    assert street.observation(2) == (1, 1, 1)
    assert street.counts()["current_observations"] == 1
    assert (street.spans()[:2], street.area()) == ([6, 6], point(4, 52))


@pytest.mark.parametrize(
    ("status", "path"), [(404, "Things(9)"), (404, "Observations(9)"), (405, "Things"), (405, "Things(1)/name")]
)
def test_deletions_that_are_refused(street, status, path):
    refused(status, street.delete, path)


def test_a_place_that_is_seen_again_counts_again(street):
    """The datastream's own feature lost its last observation, while others stayed."""
    street.create("Datastreams(1)/Observations", {"phenomenonTime": at(1), "result": 1})
    street.create("Datastreams(1)/Observations", {"phenomenonTime": at(2), "result": 2, "FeatureOfInterest": feature()})
    street.delete("Observations(1)")
    assert street.area() == point(5, 53)
    id_ = street.create("Datastreams(1)/Observations", {"phenomenonTime": at(3), "result": 3}).id
    assert street.observation(id_) == (1, 1, 3)
    assert street.area()["type"] == "Polygon"

"""SensorThings entities created in a store, with all that their bodies hold."""

from __future__ import annotations

import msgspec
import pytest

from ruimte.store.sqlite import Store
from sta_written import Written, at, datastream, feature, location, multi, named, point, refused, sensor, thing


@pytest.fixture
def sandbox(tmp_path):
    with Store(tmp_path / "sta.db", "test", durable=False) as store:
        yield Written(store)


@pytest.fixture
def street(sandbox):
    """A Thing at a Location with one Datastream."""
    sandbox.create("Things", thing(Locations=[location()], Datastreams=[datastream()]))
    return sandbox


def test_deep_insert_makes_all_and_tells_all(sandbox):
    body = thing(
        properties={"floor": 3},
        Datastreams=[datastream(Observations=[{"phenomenonTime": at(5), "result": 7}]), datastream()],
        Locations=[location()],
    )
    touched = sandbox.create("Things", body)
    assert (touched.entity, touched.id, touched.streams) == ("Thing", 1, {1})
    assert len(touched.created) == 11
    assert set(touched.created) == {
        *((name, 1) for name in ("Thing", "Location", "HistoricalLocation", "FeatureOfInterest", "Observation")),
        *((name, id_) for name in ("Datastream", "Sensor", "ObservedProperty") for id_ in (1, 2)),
    }
    assert sandbox.one("SELECT thing_id, sensor_id, properties FROM datastreams WHERE id = 2") == (1, 2, "{}")
    assert sandbox.one("SELECT properties FROM things") == '{"floor":3}'
    assert sandbox.history() == [(sandbox.now_us, "1")]
    assert sandbox.observation() == (1, 1, 7)
    assert sandbox.one("SELECT location_id, feature FROM features") == (1, '{"type":"Point","coordinates":[4.0,52.0]}')


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        (
            "Things",
            thing(Locations=[location()], Datastreams=[datastream(Sensor=None)]),
            "Datastreams: a Datastream needs a Sensor",
        ),
        ("Things", thing(Datastreams=[datastream(ObservedProperty=None)]), "needs an ObservedProperty"),
        ("Things", thing(Datastreams=[datastream(Sensor=named("s"))]), "Datastreams/Sensor: a Sensor needs encodingType"),
        ("Things", thing(Datastreams=[datastream(Thing={"@iot.id": 2})]), "is given already, by where the Datastream stands"),
        ("Things", thing(Datastreams=[datastream(Observations=[{"result": 1}])]), "the Thing has no Location"),
        ("Things", thing(Locations=[location(location=point("x", 0))]), "Locations/location"),
        ("Things", thing(Locations=[{"@iot.id": 99}]), "Locations(99): does not exist"),
        ("Things", thing(Locations=[{"@iot.id": 2**63}]), "is no id"),
        ("Datastreams", datastream(), "a Datastream needs a Thing"),
        ("Datastreams", datastream(Thing={"@iot.id": 1}), "Things(1): does not exist"),
        ("HistoricalLocations", {"time": at(0), "Locations": [location()]}, "needs a Thing"),
        ("HistoricalLocations", {"time": at(0), "Thing": thing(), "Locations": []}, "needs Locations"),
        ("Observations", {"result": 1}, "needs a Datastream or a MultiDatastream"),
        ("Observations", {"phenomenonTime": at(0)}, "an Observation needs result"),
        ("MultiDatastreams", multi("a", "b", Thing=thing(), unitOfMeasurements=[{}]), "2 multiObservationDataTypes, 1 unitOf"),
        ("MultiDatastreams", multi(Thing=thing()), "needs ObservedProperties"),
        ("MultiDatastreams", multi("a", Thing=thing(), unitOfMeasurements=["x"]), "holds what is no object"),
        ("MultiDatastreams", multi("a", Thing=thing(), multiObservationDataTypes=[1]), "holds what is no text"),
    ],
)
def test_an_invalid_deep_insert_leaves_nothing_behind(sandbox, path, body, message):
    assert message in refused(400, sandbox.create, path, body)
    assert set(sandbox.counts().values()) == {0}


def test_entities_nested_too_deep_are_refused(sandbox):
    body = thing()
    for _ in range(20):
        body = thing(Datastreams=[datastream(Sensor=sensor(Datastreams=[datastream(Thing=body, Sensor=None)]))])
    assert "levels of entities" in refused(400, sandbox.create, "Things", body)


def test_links_to_what_exists(street):
    touched = street.create(
        "Datastreams",
        datastream(Thing={"@iot.id": 1}, Sensor={"@iot.id": "1"}, ObservedProperty={"@iot.id": 1, "name": "ignored"}),
    )
    assert touched.created == [("Datastream", 2)]
    assert street.one("SELECT thing_id, sensor_id FROM datastreams WHERE id = 2") == (1, 1)
    assert street.one("SELECT name FROM observed_properties") == "count"


def test_an_id_in_a_body_is_passed_over(sandbox):
    assert sandbox.create("Things", thing() | {"@iot.id": 77, "@iot.selfLink": "http://h/Things(77)"}).id == 1


@pytest.mark.parametrize(
    ("path", "body", "check"),
    [
        ("Things(1)/Datastreams", datastream(), "SELECT thing_id FROM datastreams WHERE id = 2"),
        ("Things(1)/Datastreams", datastream(Thing={"@iot.id": 1}), "SELECT thing_id FROM datastreams WHERE id = 2"),
        ("Datastreams(1)/Thing/Datastreams", datastream(), "SELECT thing_id FROM datastreams WHERE id = 2"),
        ("Things(1)/MultiDatastreams", multi("a"), "SELECT thing_id FROM datastreams WHERE multi AND id = 2"),
        (
            "Sensors(1)/Datastreams",
            datastream(Sensor=None, Thing={"@iot.id": 1}),
            "SELECT sensor_id FROM datastreams WHERE id = 2",
        ),
        (
            "ObservedProperties(1)/Datastreams",
            datastream(ObservedProperty=None, Thing={"@iot.id": 1}),
            "SELECT observed_property_id FROM datastreams_properties WHERE datastream_id = 2",
        ),
        ("Datastreams(1)/Observations", {"result": 1}, "SELECT datastream_id FROM observations"),
        ("Things(1)/Datastreams(1)/Observations", {"result": 1}, "SELECT datastream_id FROM observations"),
        ("Locations(1)/Things", thing(), "SELECT location_id FROM things_locations WHERE thing_id = 2"),
        (
            "Locations(1)/HistoricalLocations",
            {"time": at(0), "Thing": {"@iot.id": 1}},
            "SELECT location_id FROM historical_locations_locations WHERE historical_location_id = 2",
        ),
        (
            "Things(1)/HistoricalLocations",
            {"time": at(0), "Locations": [{"@iot.id": 1}]},
            "SELECT thing_id FROM historical_locations WHERE id = 2",
        ),
    ],
)
def test_behind_a_link_the_owner_is_known(street, path, body, check):
    street.create(path, body)
    assert street.one(check) == 1


@pytest.mark.parametrize(
    ("status", "path", "body"),
    [
        (404, "Things(9)/Datastreams", datastream()),
        (404, "Things(1)/Datastreams(9)/Observations", {"result": 1}),
        (404, "Things(9)", thing()),
        (404, "Things(1)/Locations(9)/HistoricalLocations", {}),
        (405, "Things(1)", thing()),
        (405, "Datastreams(1)/Thing", thing()),
        (405, "Things(1)/name", "new"),
        (400, "Things(1)/Datastreams", datastream(Thing={"@iot.id": 2})),
        (400, "Datastreams(1)/Observations", {"result": 1, "MultiDatastream": {"@iot.id": 1}}),
    ],
)
def test_addresses_that_take_no_new_entity(street, status, path, body):
    before = street.counts()
    refused(status, street.create, path, body)
    assert street.counts() == before


@pytest.mark.parametrize(
    ("result", "number", "text"),
    [
        (5, 5.0, None),
        (-2.5, -2.5, None),
        (2**53, 2.0**53, None),
        (2**53 + 1, None, "9007199254740993"),
        (10**40, None, "1" + "0" * 40),
        (True, None, "true"),
        (None, None, None),
        ("busy", None, '"busy"'),
        ("nul\0", None, '"nul\\u0000"'),
        ({"a": [1]}, None, '{"a":[1]}'),
        ([1, 2], None, "[1,2]"),
    ],
)
def test_results(street, result, number, text):
    street.create("Datastreams(1)/Observations", {"result": result})
    assert street.one("SELECT result, result_json FROM observations") == (number, text)


@pytest.mark.parametrize("result", [float("nan"), float("inf"), "\ud800"])
def test_no_results(street, result):
    refused(400, street.create, "Datastreams(1)/Observations", {"result": result})


def test_the_times_of_an_observation(street):
    street.create("Observations", {"result": 1, "Datastream": {"@iot.id": 1}})
    columns = "start_us, end_us, received_us, result_us, valid_start_us, valid_end_us, flags, extra"
    assert street.one(f"SELECT {columns} FROM observations") == (*[street.now_us] * 3, None, None, None, 0, None)
    body = {
        "phenomenonTime": f"{at(10)}/{at(20)}",
        "resultTime": at(30),
        "validTime": f"{at(0)}/{at(40)}",
        "result": 1,
        "resultQuality": [1],
        "parameters": {"a": "b"},
    }
    street.create("Datastreams(1)/Observations", body)
    *times, _, extra = street.one(f"SELECT {columns} FROM observations WHERE id = 2")
    assert times == [10_000_000, 20_000_000, street.now_us, 30_000_000, 0, 40_000_000]
    assert msgspec.json.decode(extra) == {"parameters": {"a": "b"}, "resultQuality": [1]}


def test_a_multi_datastream_takes_as_many_results_as_it_has_properties(street):
    street.create("Things(1)/MultiDatastreams", multi("in", "out", observationType="whatever"))
    assert msgspec.json.decode(street.one("SELECT result_type FROM datastreams WHERE id = 2"))["field"][1]["name"] == "out"
    street.create("MultiDatastreams(2)/Observations", {"result": [1, None]})
    street.create("Observations", {"result": ["a", {}], "MultiDatastream": {"@iot.id": 2}})
    for result in ([1], 5, [1, 2, 3], None):
        assert "send a list of 2" in refused(400, street.create, "MultiDatastreams(2)/Observations", {"result": result})
    assert street.counts()["current_observations"] == 2
    refused(404, street.create, "Datastreams(2)/Observations", {"result": [1, 2]})
    refused(400, street.create, "Observations", {"result": [1, 2], "Datastream": {"@iot.id": 2}})
    both = {"result": 1, "Datastream": {"@iot.id": 1}, "MultiDatastream": {"@iot.id": 2}}
    assert "not to both" in refused(400, street.create, "Observations", both)


def test_a_multi_datastream_under_a_property_lists_it_first(street):
    street.create(
        "ObservedProperties(1)/MultiDatastreams",
        multi("out", Thing={"@iot.id": 1}) | {"multiObservationDataTypes": ["a", "b"], "unitOfMeasurements": [{}, {}]},
    )
    listed = street.all("SELECT observed_property_id FROM datastreams_properties WHERE datastream_id = 2 ORDER BY position")
    assert listed == [(1,), (2,)]


def test_the_feature_is_made_once_for_each_place(street):
    for seconds in (1, 2):
        touched = street.create("Datastreams(1)/Observations", {"phenomenonTime": at(seconds), "result": 1})
    assert touched.created == [("Observation", 2)]
    assert street.one("SELECT id, name, encoding_type, location_id FROM features") == (1, "square", "application/vnd.geo+json", 1)
    street.create("Things", thing(Locations=[{"@iot.id": 1}], Datastreams=[datastream(Observations=[{"result": 1}])]))
    assert street.counts()["features"] == 1
    street.create("Things(1)/Locations", location("park", 6, 54))
    street.create("Datastreams(1)/Observations", {"phenomenonTime": at(3), "result": 1})
    assert [street.observation(id_)[1] for id_ in (1, 2, 3, 4)] == [1, 1, 1, 2]
    # rows are kept short: only the observation of another place names it
    assert street.all("SELECT feature_id FROM observations ORDER BY id") == [(None,), (None,), (None,), (2,)]


def test_a_location_that_changes_is_another_place(street):
    street.create("Datastreams(1)/Observations", {"result": 1})
    street.patch("Locations(1)", {"name": "renamed"})
    street.create("Datastreams(1)/Observations", {"result": 1})
    street.patch("Locations(1)", {"location": point(7, 55)})
    street.create("Datastreams(1)/Observations", {"result": 1})
    assert [street.observation(id_)[1] for id_ in (1, 2, 3)] == [1, 1, 2]
    assert street.one("SELECT feature FROM features WHERE id = 1") == '{"type":"Point","coordinates":[4.0,52.0]}'


def test_a_feature_is_taken_from_geojson_where_there_are_several_encodings(sandbox):
    plain = location("words", encodingType="text/plain", location="on the corner")
    sandbox.create("Things", thing(Locations=[plain, location()], Datastreams=[datastream(Observations=[{"result": 1}])]))
    assert sandbox.one("SELECT location_id FROM features") == 2
    sandbox.create("Things", thing(Locations=[{"@iot.id": 1}], Datastreams=[datastream(Observations=[{"result": 1}])]))
    assert sandbox.one("SELECT feature FROM features WHERE id = 2") == '"on the corner"'
    assert sandbox.area(2) is None


def test_what_a_datastream_spans(street):
    assert (street.spans(), street.area()) == ([None] * 4, None)
    street.create("Datastreams(1)/Observations", {"phenomenonTime": at(50), "result": 1})
    assert (street.spans(), street.area()) == ([50, 50, None, None], point(4, 52))
    street.create("Datastreams(1)/Observations", {"phenomenonTime": f"{at(20)}/{at(90)}", "resultTime": at(91), "result": 1})
    street.create("Datastreams(1)/Observations", {"phenomenonTime": at(60), "resultTime": at(60), "result": 1})
    assert street.spans() == [20, 90, 60, 91]
    there = {"phenomenonTime": at(70), "result": 1, "FeatureOfInterest": feature()}
    assert street.create("Datastreams(1)/Observations", there).created == [("FeatureOfInterest", 2), ("Observation", 4)]
    ring = [[4.0, 52.0], [5.0, 52.0], [5.0, 53.0], [4.0, 53.0], [4.0, 52.0]]
    assert street.area() == {"type": "Polygon", "coordinates": [ring]}
    street.delete("Observations(2)")
    assert street.spans() == [50, 70, 60, 60]
    street.delete("Observations(4)")
    assert (street.spans(), street.area()) == ([50, 60, 60, 60], point(4, 52))
    street.patch("FeaturesOfInterest(1)", {"feature": point(8, 56)})
    assert street.area() == point(8, 56)
    for id_ in (1, 3):
        street.delete(f"Observations({id_})")
    assert (street.spans(), street.area()) == ([None] * 4, None)
    street.create("Datastreams(1)/Observations", {"phenomenonTime": at(5), "result": 1})
    assert (street.spans(), street.area()) == ([5, 5, None, None], point(8, 56))

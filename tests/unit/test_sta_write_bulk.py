"""The data array: many observations of several datastreams at once."""

from __future__ import annotations

import pytest

from ruimte.sta.errors import StaError
from ruimte.sta.path import parse_path
from ruimte.store.sqlite import Store
from ruimte.store.sta.write import Touched, create, create_observations

NOW_US = 1_777_298_400_000_000
UNIT = {"name": "person", "symbol": "1", "definition": "http://example.org/person"}


def named(name, **more):
    return {"name": name, "description": name} | more


def place(kind, east):
    return named(f"place {east}", encodingType="application/geo+json") | {kind: {"type": "Point", "coordinates": [east, 52.0]}}


CAMERA = named("camera", encodingType="application/pdf", metadata="m")
COUNT = named("count", definition="http://example.org/count")
STREAM = named("flow", observationType="o", unitOfMeasurement=UNIT, Sensor=CAMERA, ObservedProperty=COUNT)
MULTI = named(
    "flows",
    multiObservationDataTypes=["a", "b"],
    unitOfMeasurements=[UNIT, UNIT],
    Sensor=CAMERA,
    ObservedProperties=[COUNT, COUNT],
)


@pytest.fixture
def store(tmp_path):
    """Datastreams 1 and 2 and MultiDatastream 3 at a place, Datastream 4 nowhere, and a feature besides."""
    with Store(tmp_path / "sta.db", "test", durable=False) as opened:
        here = named("pole", Locations=[place("location", 4.0)], Datastreams=[STREAM, STREAM], MultiDatastreams=[MULTI])
        for path, body in (
            ("Things", here),
            ("Things", named("lost", Datastreams=[STREAM])),
            ("FeaturesOfInterest", place("feature", 6.0)),
        ):
            opened.write(lambda c, path=path, body=body: create(c, parse_path(path), body, NOW_US)).result()
        yield opened


def group(*rows, stream=1, kind="Datastream", components=("phenomenonTime", "result")):
    return {kind: {"@iot.id": stream}, "components": list(components), "dataArray@iot.count": len(rows), "dataArray": list(rows)}


def send(store, groups, touched=None):
    return store.write(lambda c: create_observations(c, groups, NOW_US, touched)).result()


def at(seconds):
    return f"1970-01-01T00:00:{seconds:02}Z"


def stored(store, columns="datastream_id, start_us / 1000000, coalesce(result_json, result)"):
    return store.read(lambda c: c.execute(f"SELECT {columns} FROM observations ORDER BY id").fetchall())


def test_groups_become_observations_in_order(store):
    touched = Touched("Observation", 0)
    groups = [
        group([at(1), 10], [at(2), 20.5]),
        group([at(3), [1, 2]], stream="3", kind="MultiDatastream"),
        group([5, "@", at(4)], stream=2, components=("result", "id", "phenomenonTime")),
    ]
    assert send(store, groups, touched) == [1, 2, 3, 4]
    assert stored(store) == [(1, 1, 10), (1, 2, 20.5), (3, 3, "[1,2]"), (2, 4, 5)]
    assert touched.streams == {1, 2, 3}
    assert touched.created == [("FeatureOfInterest", 2), *(("Observation", id_) for id_ in (1, 2, 3, 4))]
    spans = store.read(lambda c: c.execute("SELECT first_start_us, last_end_us, feature_id FROM datastreams").fetchall())
    assert spans == [(1_000_000, 2_000_000, 2), (4_000_000, 4_000_000, 2), (3_000_000, 3_000_000, 2), (None, None, None)]


def test_one_group_need_not_be_in_a_list(store):
    assert send(store, group([at(1), 1])) == [1]
    assert send(store, []) == send(store, group()) == []


def test_all_components(store):
    components = ["result", "phenomenonTime", "resultTime", "validTime", "parameters", "resultQuality", "FeatureOfInterest/id"]
    full = [True, f"{at(1)}/{at(2)}", at(3), f"{at(0)}/{at(9)}", {"a": 1}, "good", 1]
    assert send(store, group(full, [None] * 7, components=components)) == [1, 2]
    columns = "result_json, start_us, end_us, received_us, result_us, valid_start_us, valid_end_us, extra, feature_id"
    extra = '{"parameters":{"a":1},"resultQuality":"good"}'
    assert stored(store, columns) == [
        ("true", 1_000_000, 2_000_000, NOW_US, 3_000_000, 0, 9_000_000, extra, None),
        (None, NOW_US, NOW_US, NOW_US, None, None, None, None, 2),
    ]
    area = store.read(lambda c: c.execute("SELECT observed_area FROM datastreams WHERE id = 1").fetchone()[0])
    assert area == '{"type":"LineString","coordinates":[[4.0,52.0],[6.0,52.0]]}'


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([at(1)], "is no list of 3"),
        ([at(1), 1, 1, 1], "is no list of 3"),
        ({"result": 1}, "is no list of 3"),
        (["now", 1, 1], "phenomenonTime: 'now' is not an instant"),
        ([5, 1, 1], "phenomenonTime: 5 is not an instant"),
        ([at(1), float("inf"), 1], "result: is no finite number"),
        ([at(1), "\ud800", 1], "result: cannot be kept"),
        ([at(1), 1, 99], "FeaturesOfInterest(99): does not exist"),
        ([at(1), 1, "probablyNoId"], "FeatureOfInterest/id: 'probablyNoId' is no id"),
        ([at(1), 1, {"a": 1}], "FeatureOfInterest/id: an object is no id"),
        ([at(1), 1, True], "FeatureOfInterest/id: True is no id"),
    ],
)
def test_a_wrong_row_does_not_harm_its_neighbours(store, row, message):
    good = [at(5), 1, 1]
    first, wrong, last = send(store, group(good, row, good, components=("phenomenonTime", "result", "FeatureOfInterest/id")))
    assert (first, last) == (1, 2)
    assert isinstance(wrong, StaError)
    assert message in str(wrong)
    assert wrong.status == 400
    assert len(stored(store)) == 2


@pytest.mark.parametrize("kind", ["Datastream", "MultiDatastream"])
def test_a_datastream_that_does_not_exist_fails_its_rows(store, kind):
    groups = [group([at(1), 1], [at(2), 1], stream=3 if kind == "Datastream" else 1, kind=kind), group([at(3), 3])]
    *failed, last = send(store, groups)
    assert last == 1
    assert [str(each) for each in failed] == [str(failed[0])] * 2
    assert "does not exist" in str(failed[0])


def test_a_row_without_feature_needs_a_place(store):
    lost, found = send(
        store, group([at(1), 1, None], [at(2), 2, 1], stream=4, components=("phenomenonTime", "result", "FeatureOfInterest/id"))
    )
    assert "the Thing has no Location" in str(lost)
    assert found == 1


def test_multi_results_have_the_length_of_their_properties(store):
    good, bad = send(store, group([at(1), [1, 2]], [at(2), [1]], stream=3, kind="MultiDatastream"))
    assert good == 1
    assert "send a list of 2" in str(bad)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Datastream": None}, "group 1: names no Datastream"),
        ({"Datastream": 1}, "names no Datastream"),
        ({"Datastream": {"@iot.id": "x"}}, "group 1/Datastream: 'x' is no id"),
        ({"MultiDatastream": {"@iot.id": 3}}, "not to both"),
        ({"components": None}, "has no list of components"),
        ({"components": [1]}, "has no list of components"),
        ({"components": ["phenomenonTime", "results"]}, "did you mean result?"),
        ({"components": ["phenomenonTime", "zzz"]}, "use phenomenonTime, resultTime, result"),
        ({"components": ["result", "result"]}, "names a component twice"),
        ({"components": ["result", "FeatureOfInterest/id", "FeatureOfInterest/@iot.id"]}, "names a component twice"),
        ({"components": ["phenomenonTime"]}, "has no component result"),
        ({"dataArray": None}, "has no dataArray"),
    ],
)
def test_a_wrong_group_stores_nothing(store, change, message):
    with pytest.raises(StaError) as caught:
        send(store, [group([at(1), 1]), group([at(2), 2]) | change])
    assert message in str(caught.value)
    assert caught.value.status == 400
    assert stored(store) == []


@pytest.mark.parametrize("groups", [None, 5, "x", [5]])
def test_groups_are_objects(store, groups):
    with pytest.raises(StaError, match="group 0: is no object"):
        send(store, groups)

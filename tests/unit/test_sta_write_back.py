"""What was read can be written back: nothing is refused, and nothing changes."""

from __future__ import annotations

import pytest

from ruimte.sta.entities import SETS
from ruimte.sta.options import parse_options
from ruimte.sta.path import parse_path
from ruimte.store.sqlite import Store
from ruimte.store.sta.read import read
from sta_written import Written, at, datastream, feature, location, multi, thing

BASE = "http://localhost/sta/v1.1"


@pytest.fixture
def written(tmp_path):
    full = {
        "phenomenonTime": f"{at(1)}/{at(2)}",
        "resultTime": at(3),
        "validTime": f"{at(4)}/{at(5)}",
        "result": 2**60,
        "parameters": {"a": [1]},
        "resultQuality": "good",
    }
    with Store(tmp_path / "sta.db", "test", durable=False) as store:
        written = Written(store)
        streams = [datastream(Observations=[full, {"result": 2.5, "FeatureOfInterest": feature()}, {"result": None}])]
        several = [multi("in", "out", Observations=[{"result": [1, "two"]}])]
        written.create(
            "Things", thing(properties={"floor": 3}, Locations=[location()], Datastreams=streams, MultiDatastreams=several)
        )
        yield written


def shown(written, path, query=""):
    path = parse_path(path)
    return written.store.read(lambda c: read(c, path, parse_options(query, path.entity), BASE)).body


@pytest.mark.parametrize("name", SETS)
def test_what_was_read_can_be_put_back(written, name):
    before = shown(written, name)["value"]
    assert before
    for body in before:
        path = f"{name}({body['@iot.id']})"
        assert written.put(path, body).changed == []
        assert written.patch(path, body).changed == []
        assert shown(written, path) == body
    assert shown(written, name)["value"] == before


def test_what_was_read_with_its_neighbours_can_be_sent_again(written):
    (body,) = shown(written, "Datastreams", "$expand=Thing,Sensor,ObservedProperty")["value"]
    copy = written.create("Datastreams", body)
    assert copy.created == [("Datastream", copy.id)]
    (first, second) = shown(written, "Datastreams", "$expand=Thing,Sensor,ObservedProperty")["value"]
    for name in ("Thing", "Sensor", "ObservedProperty", "name", "unitOfMeasurement", "observationType"):
        assert second[name] == first[name]

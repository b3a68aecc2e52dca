"""req/data-array: many observations as rows of values (OGC 18-088, clause 13), and the result formats beside it."""

from __future__ import annotations

import csv
import io
from typing import Any

from . import bodies
from .client import Sta, id_of
from .table import row
from .world import RESULTS, TIMES, World

ARRAY = "req/data-array/data-array"


def create(sta: Sta, groups: list[dict[str, Any]]) -> list[str]:
    """What CreateObservations answers for each row."""
    answer = sta.ask("POST", "CreateObservations", groups)
    assert answer.status_code == 201, answer.text
    return answer.json()


@row(ARRAY, "GET groups the rows by their stream, with components and counts")
def read(sta: Sta, world: World) -> None:
    chosen = f"Datastream/id eq {world.streams[0]} or Datastream/id eq {world.streams[1]}"
    answer = sta.get("Observations", resultFormat="dataArray", count="true", filter=chosen, orderby="phenomenonTime")
    assert answer["@iot.count"] == 11
    groups = {id_of(group["Datastream@iot.navigationLink"]): group for group in answer["value"]}
    assert set(groups) == set(world.streams[:2])
    for group in groups.values():
        assert group["dataArray@iot.count"] == len(group["dataArray"])
        assert all(len(each) == len(group["components"]) for each in group["dataArray"])
    first = groups[world.streams[0]]
    assert [each[first["components"].index("result")] for each in first["dataArray"]] == RESULTS
    assert {"phenomenonTime", "resultTime"} <= set(first["components"])


@row(ARRAY, "GET with $select gives those components, and pages as other sets do")
def read_selected(sta: Sta, world: World) -> None:
    options = {"resultFormat": "dataArray", "select": "result,phenomenonTime", "orderby": "phenomenonTime", "top": 2}
    page = sta.get(f"Datastreams({world.streams[0]})/Observations", **options)
    found = []
    while True:
        for group in page["value"]:
            assert group["components"] == ["result", "phenomenonTime"]
            found += group["dataArray"]
        if "@iot.nextLink" not in page:
            break
        page = sta.get(page["@iot.nextLink"])
    assert [each[0] for each in found] == RESULTS
    assert found[0][1] == TIMES[0]


@row(ARRAY, "CreateObservations: several Datastreams at once; a bad row is an error, the others are stored")
def write(sta: Sta) -> None:
    streams = [sta.stream(f"array {k}") for k in range(2)]
    feature = sta.make("FeaturesOfInterest", bodies.feature("array"))
    components = ["phenomenonTime", "result", "FeatureOfInterest/id"]
    rows = [["2026-01-01T00:00:00Z", 20, feature], ["2026-01-01T00:05:00Z", 30, 999_999_999]]
    plain = [["2026-01-01T00:00:00+01:00", 65], ["2026-01-01T00:05:00Z/2026-01-01T00:10:00Z", 60], ["never", 1]]
    answers = create(
        sta,
        [
            {"Datastream": bodies.link(streams[0]), "components": components, "dataArray@iot.count": 2, "dataArray": rows},
            {"Datastream": bodies.link(streams[1]), "components": components[:2], "dataArray": plain},
        ],
    )
    assert [each.startswith("error") for each in answers] == [False, True, False, False, True]
    made = [sta.get(each, expand="Datastream,FeatureOfInterest") for each in answers if not each.startswith("error")]
    assert [each["result"] for each in made] == [20, 65, 60]
    assert [each["Datastream"]["@iot.id"] for each in made] == [streams[0], streams[1], streams[1]]
    assert made[0]["FeatureOfInterest"]["@iot.id"] == feature
    assert made[1]["FeatureOfInterest"]["@iot.id"] == made[2]["FeatureOfInterest"]["@iot.id"]
    assert made[1]["phenomenonTime"] == "2025-12-31T23:00:00Z"


@row(ARRAY, "CreateObservations: all components, MultiDatastreams, and a stream that does not exist")
def write_more(sta: Sta) -> None:
    stream = sta.stream("components")
    components = ["result", "phenomenonTime", "resultTime", "validTime", "parameters", "resultQuality"]
    valid = "2026-01-01T00:00:00Z/2026-01-02T00:00:00Z"
    full = [5, "2026-01-01T00:00:00Z", "2026-01-01T00:00:05Z", valid, {"a": 1}, "good"]
    multi = sta.make(
        "MultiDatastreams",
        bodies.multi_datastream(
            Thing=bodies.thing(Locations=[bodies.location()]),
            Sensor=bodies.sensor(),
            ObservedProperties=[bodies.observed_property(), bodies.observed_property()],
        ),
    )
    answers = create(
        sta,
        [
            {"Datastream": bodies.link(stream), "components": components, "dataArray": [full]},
            {"MultiDatastream": bodies.link(multi), "components": ["result"], "dataArray": [[[1, 2]], [30]]},
            {"Datastream": bodies.link(999_999_999), "components": ["result"], "dataArray": [[1]]},
        ],
    )
    assert [each.startswith("error") for each in answers] == [False, False, True, True]
    shown = sta.get(answers[0])
    assert [shown[name] for name in components] == full
    assert sta.get(answers[1])["result"] == [1, 2]


@row(ARRAY, "CreateObservations: 400 for a body that cannot be read")
def malformed(sta: Sta, world: World) -> None:
    stream = bodies.link(world.streams[5])
    for body in (
        {"dataArray": []},
        [{"components": ["result"], "dataArray": [[1]]}],
        [{"Datastream": stream, "dataArray": [[1]]}],
        [{"Datastream": stream, "components": ["result"], "dataArray": "none"}],
    ):
        sta.refused(400, "POST", "CreateObservations", body)
    assert sta.get(f"Datastreams({world.streams[5]})/Observations")["value"] == []


@row(ARRAY, "CreateObservations: ten thousand rows in one request are all there")
def write_many(sta: Sta) -> None:
    stream = sta.stream("many rows")
    rows = [[f"2026-01-{1 + k // 1440:02}T{k // 60 % 24:02}:{k % 60:02}:00Z", k] for k in range(10_000)]
    answers = create(sta, [{"Datastream": bodies.link(stream), "components": ["phenomenonTime", "result"], "dataArray": rows}])
    assert len(set(answers)) == 10_000
    assert sta.get(f"Datastreams({stream})/Observations", count="true", top=0)["@iot.count"] == 10_000
    assert sta.values(f"Datastreams({stream})/Observations", "result", orderby="phenomenonTime desc", top=3) == [9999, 9998, 9997]


@row(ARRAY, "beside it: resultFormat=CSV and GeoJSON")
def formats(sta: Sta, world: World) -> None:
    path = f"Datastreams({world.streams[0]})/Observations"
    answer = sta.ask("GET", path, resultFormat="CSV", select="phenomenonTime,result", orderby="phenomenonTime")
    assert answer.headers["content-type"].startswith("text/csv")
    table = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(each["phenomenonTime"], float(each["result"])) for each in table] == list(zip(TIMES, RESULTS, strict=True))
    shapes = sta.ask("GET", "Locations", resultFormat="GeoJSON", filter="name eq 'reading square'").json()
    assert shapes["type"] == "FeatureCollection"
    assert shapes["features"][0]["geometry"]["type"] == "Polygon"

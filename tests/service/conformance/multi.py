"""req/multi-datastream: several results in one Observation (OGC 18-088, clause 12)."""

from __future__ import annotations

from typing import Any

from . import bodies
from .client import Sta
from .table import row, rows

MULTI = "req/multi-datastream/"


def make(sta: Sta) -> tuple[int, list[int]]:
    """A MultiDatastream of two ObservedProperties, and their ids."""
    observed = [sta.make("ObservedProperties", bodies.observed_property(f"multi {k}")) for k in range(2)]
    body = bodies.multi_datastream(
        Thing=bodies.thing("multi", Locations=[bodies.location()]),
        Sensor=bodies.sensor("multi"),
        ObservedProperties=[bodies.link(each) for each in observed],
        properties={"rank": 1},
    )
    return sta.make("MultiDatastreams", body), observed


@row(MULTI + "properties", "reads back what was written; observationType is OM_ComplexObservation")
def properties(sta: Sta) -> None:
    made, _ = make(sta)
    shown = sta.get(f"MultiDatastreams({made})")
    given = bodies.multi_datastream(properties={"rank": 1}, observationType=bodies.COMPLEX)
    assert {name: shown[name] for name in given} == given


@row(MULTI + "properties", "phenomenonTime, resultTime and observedArea follow the observations")
def computed(sta: Sta) -> None:
    made, _ = make(sta)
    for hour in (9, 7):
        body = {"phenomenonTime": f"2026-01-01T0{hour}:00:00Z", "resultTime": "2026-01-01T10:00:00Z", "result": [hour, 1.5]}
        sta.make(f"MultiDatastreams({made})/Observations", body)
    shown = sta.get(f"MultiDatastreams({made})")
    assert shown["phenomenonTime"] == "2026-01-01T07:00:00Z/2026-01-01T09:00:00Z"
    assert shown["resultTime"] == "2026-01-01T10:00:00Z/2026-01-01T10:00:00Z"
    assert shown["observedArea"]["type"] in ("Point", "Polygon")


@row(MULTI + "relations", "links both ways with Thing, Sensor, ObservedProperties (in order) and Observations")
def relations(sta: Sta) -> None:
    made, observed = make(sta)
    observation = sta.make("Observations", {"result": [4, 1.25], "MultiDatastream": bodies.link(made)})
    shown = sta.get(f"MultiDatastreams({made})", expand="Thing,Sensor,ObservedProperties,Observations")
    assert [each["@iot.id"] for each in shown["ObservedProperties"]] == observed
    assert [each["@iot.id"] for each in shown["Observations"]] == [observation]
    thing, sensor = shown["Thing"]["@iot.id"], shown["Sensor"]["@iot.id"]
    for path in (f"Things({thing})", f"Sensors({sensor})", f"ObservedProperties({observed[1]})"):
        assert sta.values(sta.get(path)["MultiDatastreams@iot.navigationLink"], "@iot.id") == [made]
    assert sta.get(f"Observations({observation})/MultiDatastream")["@iot.id"] == made
    sta.refused(404, "GET", f"Observations({observation})/Datastream")
    assert made not in sta.values("Datastreams", "@iot.id", orderby="id desc", top=5)


@row(MULTI + "relations", "results are filtered and read by the place in the list")
def results(sta: Sta) -> None:
    made, _ = make(sta)
    for result in ([1, 0.5], [2, 0.7], [3, 0.9]):
        sta.make(f"MultiDatastreams({made})/Observations", {"result": result})
    path = f"MultiDatastreams({made})/Observations"
    assert sta.values(path, "result", filter="result[0] ge 2", orderby="id") == [[2, 0.7], [3, 0.9]]
    assert sta.values(path, "result", filter="result[1] lt 0.6") == [[1, 0.5]]


@rows(
    MULTI + "constraints",
    {
        "400 for a result that is no list": ({"result": 1},),
        "400 for a result with too few": ({"result": [1]},),
        "400 for a result with too many": ({"result": [1, 2, 3]},),
    },
)
def result_shape(sta: Sta, body: dict[str, Any]) -> None:
    made, _ = make(sta)
    sta.refused(400, "POST", f"MultiDatastreams({made})/Observations", body)
    assert sta.get(f"MultiDatastreams({made})/Observations")["value"] == []


@rows(
    MULTI + "constraints",
    {
        "400 where units and types differ in number": ({"unitOfMeasurements": [dict(bodies.PERSONS)]},),
        "400 where properties and types differ in number": ({"ObservedProperties": [bodies.observed_property()]},),
        "400 without types": ({"multiObservationDataTypes": None},),
    },
)
def shapes(sta: Sta, wrong: dict[str, Any]) -> None:
    body = bodies.multi_datastream(
        Thing=bodies.thing(), Sensor=bodies.sensor(), ObservedProperties=[bodies.observed_property(), bodies.observed_property()]
    )
    sta.refused(400, "POST", "MultiDatastreams", {key: value for key, value in (body | wrong).items() if value is not None})


@row(MULTI + "constraints", "an Observation has a Datastream or a MultiDatastream, never both")
def one_of_two(sta: Sta) -> None:
    made, _ = make(sta)
    stream = sta.stream("not both")
    sta.refused(
        400, "POST", "Observations", {"result": [1, 2], "Datastream": bodies.link(stream), "MultiDatastream": bodies.link(made)}
    )
    observation = sta.make(f"Datastreams({stream})/Observations", {"result": 1})
    sta.refused(400, "PATCH", f"Observations({observation})", {"MultiDatastream": bodies.link(made)})


@row(MULTI + "constraints", "goes with its Thing, its Sensor or one of its ObservedProperties")
def cascade(sta: Sta) -> None:
    for kind in ("Thing", "Sensor", "ObservedProperties"):
        made, observed = make(sta)
        observation = sta.make(f"MultiDatastreams({made})/Observations", {"result": [1, 2]})
        shown = sta.get(f"MultiDatastreams({made})", expand="Thing,Sensor")
        path = f"ObservedProperties({observed[1]})" if kind == "ObservedProperties" else f"{kind}s({shown[kind]['@iot.id']})"
        sta.change("DELETE", path)
        sta.refused(404, "GET", f"MultiDatastreams({made})")
        sta.refused(404, "GET", f"Observations({observation})")

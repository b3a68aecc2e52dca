"""req/datamodel: what every entity is made of and leads to (OGC 18-088, clause 8)."""

from __future__ import annotations

from . import bodies
from .bodies import Json
from .client import Sta, id_of
from .table import row, rows
from .world import World

SETS = [
    "Things",
    "Locations",
    "HistoricalLocations",
    "Datastreams",
    "Sensors",
    "ObservedProperties",
    "Observations",
    "FeaturesOfInterest",
]

ENTITIES: dict[str, tuple[str, Json, dict[str, bool]]] = {
    "thing": (
        "Things",
        bodies.thing(properties={"lanes": 2, "owner": {"name": "city"}, "tags": ["a", "b"]}),
        {"Locations": True, "HistoricalLocations": True, "Datastreams": True},
    ),
    "location": ("Locations", bodies.location(properties={"floor": 0}), {"Things": True, "HistoricalLocations": True}),
    "historical-location": ("HistoricalLocations", {"time": "2026-01-01T00:00:00Z"}, {"Thing": False, "Locations": True}),
    "datastream": (
        "Datastreams",
        bodies.datastream(properties={"step": "5 min"}),
        {"Thing": False, "Sensor": False, "ObservedProperty": False, "Observations": True},
    ),
    "sensor": ("Sensors", bodies.sensor(properties={"height": 3.5}), {"Datastreams": True}),
    "observed-property": ("ObservedProperties", bodies.observed_property(properties={"unit": "1"}), {"Datastreams": True}),
    "observation": (
        "Observations",
        {
            "phenomenonTime": "2026-01-01T00:00:00Z/2026-01-01T00:05:00Z",
            "resultTime": "2026-01-01T00:05:01Z",
            "result": 12,
            "resultQuality": {"sd": 1.5},
            "validTime": "2026-01-01T00:00:00Z/2026-01-02T00:00:00Z",
            "parameters": {"weather": "rain"},
        },
        {"Datastream": False, "FeatureOfInterest": False},
    ),
    "feature-of-interest": ("FeaturesOfInterest", bodies.feature(properties={"area": 120}), {"Observations": True}),
}
"""Each entity: its set, a body with every property that a client can give, and its relations (true: to many)."""


def named(kind: str) -> str:
    """The entity's name as the standard writes it: ``observed-property`` is an ObservedProperty."""
    return "FeatureOfInterest" if kind == "feature-of-interest" else kind.title().replace("-", "")


def _make(sta: Sta, kind: str) -> tuple[str, int]:
    """An entity of this kind with everything it needs, and a neighbour at the end of each of its relations."""
    set_name, body, _ = ENTITIES[kind]
    thing = sta.make("Things", bodies.tree(f"model {kind}"))
    stream = sta.get(f"Things({thing})/Datastreams", expand="Sensor,ObservedProperty")["value"][0]
    place = sta.get(f"Things({thing})/Locations")["value"][0]["@iot.id"]
    links: dict[str, Json] = {
        "thing": {"Locations": [bodies.link(place)]},
        "location": {"Things": [bodies.link(thing)]},
        "historical-location": {"Thing": bodies.link(thing), "Locations": [bodies.link(place)]},
        "datastream": {
            "Thing": bodies.link(thing),
            "Sensor": bodies.link(stream["Sensor"]["@iot.id"]),
            "ObservedProperty": bodies.link(stream["ObservedProperty"]["@iot.id"]),
        },
        "observation": {"Datastream": bodies.link(stream["@iot.id"])},
    }
    made = sta.make(set_name, body | links.get(kind, {}))
    neighbours = {
        "thing": ("Datastreams", "Thing"),
        "sensor": ("Datastreams", "Sensor"),
        "observed-property": ("Datastreams", "ObservedProperty"),
        "feature-of-interest": ("Observations", "FeatureOfInterest"),
        "datastream": ("Observations", "Datastream"),
    }
    if kind in neighbours:
        to, back = neighbours[kind]
        more = links["datastream"] if to == "Datastreams" else links["observation"]
        sta.make(to, (bodies.datastream() if to == "Datastreams" else {"result": 1}) | more | {back: bodies.link(made)})
    return set_name, made


def _properties(sta: Sta, kind: str) -> None:
    set_name, made = _make(sta, kind)
    shown = sta.get(f"{set_name}({made})")
    given = ENTITIES[kind][1]
    assert {name: shown[name] for name in given} == given


def _relations(sta: Sta, kind: str) -> None:
    set_name, made = _make(sta, kind)
    shown = sta.get(f"{set_name}({made})")
    for name, many in ENTITIES[kind][2].items():
        address = shown[f"{name}@iot.navigationLink"]
        assert address.startswith(sta.root)
        far = sta.get(address)
        if many:
            assert far["value"], f"nothing at {name}"
            far = far["value"][0]
        expanded = sta.get(f"{set_name}({made})", expand=name)[name]
        assert (expanded[0] if many else expanded)["@iot.selfLink"] == far["@iot.selfLink"]


for _kind in ENTITIES:
    rows(f"req/datamodel/{_kind}/properties", {f"every property of a new {named(_kind)} reads back as it was written": (_kind,)})(
        _properties
    )
    rows(
        f"req/datamodel/{_kind}/relations", {f"every relation of {named(_kind)} has an absolute link that leads there": (_kind,)}
    )(_relations)


@row("req/datamodel/datastream/properties", "phenomenonTime, resultTime and observedArea follow the observations")
def computed(sta: Sta) -> None:
    stream = sta.stream("computed")
    before = sta.get(f"Datastreams({stream})")
    assert not {"phenomenonTime", "resultTime"} & set(before)
    for time in ("2026-02-03T10:00:00Z/2026-02-03T10:05:00Z", "2026-02-01T12:00:00+02:00"):
        sta.make(
            f"Datastreams({stream})/Observations", {"phenomenonTime": time, "resultTime": "2026-02-04T00:00:00Z", "result": 1}
        )
    after = sta.get(f"Datastreams({stream})")
    assert after["phenomenonTime"] == "2026-02-01T10:00:00Z/2026-02-03T10:05:00Z"
    assert after["resultTime"] == "2026-02-04T00:00:00Z/2026-02-04T00:00:00Z"
    assert after["observedArea"]["type"] in ("Point", "Polygon")


@row("req/datamodel/observation/properties", "a result is any JSON value; resultTime is null where none was given")
def any_result(sta: Sta, world: World) -> None:
    results = sta.values(f"Datastreams({world.streams[2]})/Observations", "result", orderby="phenomenonTime")
    assert results == ["quiet", "busy", True, {"in": 4, "out": 2}, [1, 2], None]
    stream = sta.stream("results")
    for result in (0, -3, 2.25, 10**12, 1e-9, "", "3", "ünïcødé 🚶", False):
        made = sta.make(f"Datastreams({stream})/Observations", {"result": result})
        shown = sta.get(f"Observations({made})")
        assert shown["result"] == result
        assert type(shown["result"]) is type(result)
        assert shown["resultTime"] is None


@row("req/datamodel/observation/properties", "times with an offset are the same instants as times with Z")
def offsets(sta: Sta) -> None:
    stream = sta.stream("offsets")
    for time, utc in (
        ("2026-03-29T03:30:00+02:00", "2026-03-29T01:30:00Z"),
        ("2026-01-01T00:00:00.123-05:00", "2026-01-01T05:00:00.123Z"),
        ("2026-01-01T00:00:00+01:00/2026-01-01T01:00:00+01:00", "2025-12-31T23:00:00Z/2026-01-01T00:00:00Z"),
    ):
        made = sta.make(f"Datastreams({stream})/Observations", {"phenomenonTime": time, "result": 1})
        assert sta.get(f"Observations({made})")["phenomenonTime"] == utc


@rows(
    "req/datamodel/entity-control-information/common-control-information",
    {f"{name} carry id, selfLink and links": (name,) for name in SETS},
)
def control_information(sta: Sta, world: World, set_name: str) -> None:
    for entity in sta.get(set_name, top=3)["value"]:
        assert type(entity["@iot.id"]) is int
        assert id_of(entity["@iot.selfLink"]) == entity["@iot.id"]
        assert entity["@iot.selfLink"] == f"{sta.root}/{set_name}({entity['@iot.id']})"
        assert sta.get(entity["@iot.selfLink"]) == entity
        assert any(name.endswith("@iot.navigationLink") for name in entity)

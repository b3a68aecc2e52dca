"""req/create-update-delete: creating, linking and deep inserts (OGC 18-088, clauses 10.2 and 10.2.1)."""

from __future__ import annotations

from typing import Any

from . import bodies
from .client import Sta
from .datamodel import ENTITIES, named
from .table import row, rows
from .world import World

CUD = "req/create-update-delete/"


def everything(sta: Sta) -> dict[str, int]:
    """How many entities there are of each kind."""
    return {each["name"]: sta.get(each["name"], count="true", top=0)["@iot.count"] for each in sta.get("")["value"]}


@row(CUD + "create-entity", "201 with a Location header that leads to the entity; names need not be unique")
def create(sta: Sta) -> None:
    first, second = (sta.make("Things", bodies.thing("the same name")) for _ in range(2))
    assert first != second
    assert sta.get(f"Things({first})")["name"] == sta.get(f"Things({second})")["name"] == "the same name"


@row(CUD + "create-entity", "a POST to a link makes the entity and ties it")
def create_at_link(sta: Sta) -> None:
    thing = sta.make("Things", bodies.thing())
    place = sta.make(f"Things({thing})/Locations", bodies.location("tied"))
    assert sta.values(f"Things({thing})/Locations", "@iot.id") == [place]
    body = bodies.datastream("tied", Sensor=bodies.sensor(), ObservedProperty=bodies.observed_property())
    stream = sta.make(f"Things({thing})/Datastreams", body)
    assert sta.get(f"Datastreams({stream})/Thing")["@iot.id"] == thing
    observation = sta.make(f"Datastreams({stream})/Observations", {"result": 1})
    assert sta.get(f"Observations({observation})/Datastream")["@iot.id"] == stream
    assert sta.ask("POST", f"Things({thing})/Datastreams({stream})/Observations", {"result": 2}).status_code == 201
    other = sta.make("Things", bodies.thing())
    sta.refused(404, "POST", f"Things({other})/Datastreams({stream})/Observations", {"result": 3})


@rows(
    CUD + "create-entity",
    {
        f"400 for a new {named(kind)} without {name}": (kind, name)
        for kind, names in {
            "thing": ["name", "description"],
            "location": ["name", "description", "encodingType", "location"],
            "datastream": ["name", "description", "unitOfMeasurement", "observationType"],
            "sensor": ["name", "description", "encodingType", "metadata"],
            "observed-property": ["name", "definition", "description"],
            "feature-of-interest": ["name", "description", "encodingType", "feature"],
            "historical-location": ["time"],
            "observation": ["result"],
        }.items()
        for name in names
    },
)
def mandatory(sta: Sta, world: World, kind: str, name: str) -> None:
    set_name, body, _ = ENTITIES[kind]
    links = {
        "datastream": {
            "Thing": bodies.link(world.things[2]),
            "Sensor": bodies.link(world.sensors[0]),
            "ObservedProperty": bodies.link(world.properties[0]),
        },
        "observation": {"Datastream": bodies.link(world.streams[5])},
        "historical-location": {"Thing": bodies.link(world.things[2]), "Locations": [bodies.location()]},
    }
    before = everything(sta)
    error = sta.refused(400, "POST", set_name, {key: value for key, value in (body | links.get(kind, {})).items() if key != name})
    assert name in str(error)
    assert everything(sta) == before


@rows(
    CUD + "create-entity",
    {
        f"400 for {what}": (set_name, body)
        for what, (set_name, body) in {
            "a body that is no JSON": ("Things", b"{name: 1"),
            "a body that is a list": ("Things", b"[]"),
            "a body that is empty": ("Things", b""),
            "a name that is a number": ("Things", bodies.thing() | {"name": 5}),
            "properties that is a text": ("Things", bodies.thing(properties="wide")),
            "a property that is unknown": ("Things", bodies.thing(colour="red")),
            "a location that is no GeoJSON": ("Locations", bodies.location(shape={"type": "Point", "coordinates": "here"})),
            "a time that cannot be read": ("Datastreams({stream})/Observations", {"phenomenonTime": "yesterday", "result": 1}),
            "an interval that ends before it starts": (
                "Datastreams({stream})/Observations",
                {"phenomenonTime": "2026-01-02T00:00:00Z/2026-01-01T00:00:00Z", "result": 1},
            ),
            "a time without offset": (
                "Datastreams({stream})/Observations",
                {"phenomenonTime": "2026-01-01T00:00:00", "result": 1},
            ),
            "an Observation without a stream": ("Observations", {"result": 1}),
            "a Datastream without a Thing": (
                "Datastreams",
                bodies.datastream(Sensor=bodies.sensor(), ObservedProperty=bodies.observed_property()),
            ),
        }.items()
    },
)
def malformed(sta: Sta, world: World, set_name: str, body: Any) -> None:
    before = everything(sta)
    sta.refused(400, "POST", set_name.format(stream=world.streams[5]), body)
    assert everything(sta) == before


@row(CUD + "create-entity", "phenomenonTime is the moment of receipt where none was given, resultTime is null")
def defaults(sta: Sta) -> None:
    stream = sta.stream("defaults")
    made = sta.make(f"Datastreams({stream})/Observations", {"result": 1})
    shown = sta.get(f"Observations({made})")
    assert shown["phenomenonTime"] > "2025-01-01T00:00:00Z"
    assert shown["phenomenonTime"].endswith("Z")
    assert shown["resultTime"] is None


@row(CUD + "create-entity", "a FeatureOfInterest is made from the Thing's Location and used again")
def feature_of_interest(sta: Sta) -> None:
    thing = sta.make("Things", bodies.tree("feature") | {"Locations": [bodies.location("where it is", bodies.point(6.5, 53.2))]})
    stream = sta.get(f"Things({thing})/Datastreams")["value"][0]["@iot.id"]
    made = [sta.make(f"Datastreams({stream})/Observations", {"result": k}) for k in range(2)]
    features = [sta.get(f"Observations({each})/FeatureOfInterest") for each in made]
    assert features[0]["@iot.id"] == features[1]["@iot.id"]
    assert features[0]["feature"] == bodies.point(6.5, 53.2)
    assert sta.values(f"FeaturesOfInterest({features[0]['@iot.id']})/Observations", "@iot.id") == made
    sta.make(f"Things({thing})/Locations", bodies.location("where it went", bodies.point(6.6, 53.2)))
    moved = sta.make(f"Datastreams({stream})/Observations", {"result": 2})
    assert sta.get(f"Observations({moved})/FeatureOfInterest")["feature"] == bodies.point(6.6, 53.2)
    assert sta.get(f"Observations({made[0]})/FeatureOfInterest")["feature"] == bodies.point(6.5, 53.2)


@row(CUD + "create-entity", "400 where there is no Location to make a FeatureOfInterest from")
def no_feature_of_interest(sta: Sta) -> None:
    thing = sta.make("Things", {key: value for key, value in bodies.tree("nowhere").items() if key != "Locations"})
    stream = sta.get(f"Things({thing})/Datastreams")["value"][0]["@iot.id"]
    sta.refused(400, "POST", f"Datastreams({stream})/Observations", {"result": 1})


@row(CUD + "create-entity", "what was read can be posted again: links and control information in it are ignored")
def post_back(sta: Sta, world: World) -> None:
    shown = sta.get(f"Things({world.things[0]})")
    made = sta.make("Things", shown | {"name": "a copy"})
    assert made != world.things[0]
    assert sta.get(f"Things({made})")["properties"] == shown["properties"]


@row(CUD + "link-to-existing-entities", "an inline object with only an id ties an existing entity")
def link_existing(sta: Sta) -> None:
    thing, sensor = sta.make("Things", bodies.thing()), sta.make("Sensors", bodies.sensor())
    observed = sta.make("ObservedProperties", bodies.observed_property())
    place = sta.make("Locations", bodies.location(Things=[bodies.link(thing)]))
    links = {"Thing": bodies.link(thing), "Sensor": bodies.link(sensor), "ObservedProperty": bodies.link(observed)}
    before = everything(sta)
    stream = sta.make("Datastreams", bodies.datastream(**links))
    after = everything(sta)
    assert {name for name in after if after[name] != before[name]} == {"Datastreams"}
    shown = sta.get(f"Datastreams({stream})", expand="Thing/Locations,Sensor,ObservedProperty")
    assert (shown["Thing"]["@iot.id"], shown["Sensor"]["@iot.id"], shown["ObservedProperty"]["@iot.id"]) == (
        thing,
        sensor,
        observed,
    )
    assert [each["@iot.id"] for each in shown["Thing"]["Locations"]] == [place]


@row(CUD + "link-to-existing-entities", "400 for a link to an entity that does not exist; nothing is made")
def link_missing(sta: Sta, world: World) -> None:
    before = everything(sta)
    sta.refused(400, "POST", "Observations", {"result": 1, "Datastream": bodies.link(999_999_999)})
    sta.refused(400, "POST", "Things", bodies.thing(Locations=[bodies.link(999_999_999)]))
    assert everything(sta) == before


@row(CUD + "deep-insert", "a Thing with all that hangs on it, in one request")
def deep_insert(sta: Sta) -> None:
    body = bodies.tree("deep")
    body["Datastreams"][0]["Observations"] = [
        {"phenomenonTime": f"2026-01-01T0{k}:00:00Z", "result": k, "FeatureOfInterest": bodies.feature("deep feature")}
        for k in range(2)
    ]
    thing = sta.make("Things", body)
    expand = "Locations,HistoricalLocations/Locations,Datastreams($expand=Sensor,ObservedProperty,Observations/FeatureOfInterest)"
    shown = sta.get(f"Things({thing})", expand=expand)
    (stream,) = shown["Datastreams"]
    assert [each["name"] for each in shown["Locations"]] == ["deep, place"]
    assert [each["name"] for each in shown["HistoricalLocations"][0]["Locations"]] == ["deep, place"]
    assert (stream["Sensor"]["name"], stream["ObservedProperty"]["name"]) == ("deep, counter", "deep, people")
    assert sorted(each["result"] for each in stream["Observations"]) == [0, 1]
    assert {each["FeatureOfInterest"]["name"] for each in stream["Observations"]} == {"deep feature"}


@row(CUD + "deep-insert", "from the other end: an Observation with its Datastream, Thing, Sensor and property")
def deep_insert_upward(sta: Sta) -> None:
    stream = bodies.datastream(
        "upward",
        Thing=bodies.thing("upward", Locations=[bodies.location()]),
        Sensor=bodies.sensor("upward"),
        ObservedProperty=bodies.observed_property("upward"),
    )
    made = sta.make("Observations", {"result": 7, "Datastream": stream})
    shown = sta.get(f"Observations({made})", expand="Datastream($expand=Thing,Sensor,ObservedProperty)")
    assert {shown["Datastream"][link]["name"] for link in ("Thing", "Sensor", "ObservedProperty")} == {"upward"}


@row(CUD + "deep-insert-status-code", "an invalid part: 400, and nothing of it is there")
def deep_insert_invalid(sta: Sta) -> None:
    before = everything(sta)
    for broken in ("ObservedProperty", "Sensor"):
        body = bodies.tree("broken")
        del body["Datastreams"][0][broken]["name"]
        sta.refused(400, "POST", "Things", body)
    body = bodies.tree("broken late")
    body["Datastreams"][0]["Observations"] = [{"result": 1}, {"result": 2, "phenomenonTime": "never"}]
    sta.refused(400, "POST", "Things", body)
    assert everything(sta) == before

"""req/create-update-delete: updates, deletes and the history of places (OGC 18-088, clauses 10.3 and 10.4)."""

from __future__ import annotations

from typing import Any

from . import bodies
from .client import Sta
from .datamodel import ENTITIES, named
from .table import row, rows

CUD = "req/create-update-delete/"
CHANGES: dict[str, tuple[str, Any]] = {
    "thing": ("name", "renamed"),
    "location": ("location", bodies.point(5.1, 52.1)),
    "datastream": ("unitOfMeasurement", dict(bodies.SPEED)),
    "sensor": ("metadata", "https://example.org/new.pdf"),
    "observed-property": ("definition", "https://example.org/def/new"),
    "observation": ("result", 99.5),
    "feature-of-interest": ("feature", bodies.point(5.2, 52.2)),
    "historical-location": ("time", "2024-01-01T00:00:00Z"),
}


def entity(sta: Sta, kind: str) -> str:
    """The path of a new entity of this kind."""
    thing = sta.make("Things", bodies.tree(f"to change: {kind}"))
    stream = sta.get(f"Things({thing})/Datastreams")["value"][0]["@iot.id"]
    sta.make(
        f"Datastreams({stream})/Observations", {"result": 1, "phenomenonTime": "2026-01-01T00:00:00Z", "parameters": {"a": 1}}
    )
    paths = {
        "thing": f"Things({thing})",
        "location": f"Things({thing})/Locations",
        "historical-location": f"Things({thing})/HistoricalLocations",
        "datastream": f"Datastreams({stream})",
        "sensor": f"Datastreams({stream})/Sensor",
        "observed-property": f"Datastreams({stream})/ObservedProperty",
        "observation": f"Datastreams({stream})/Observations",
        "feature-of-interest": f"Datastreams({stream})/Observations",
    }
    shown = sta.get(paths[kind])
    shown = shown["value"][0] if "value" in shown else shown
    if kind == "feature-of-interest":
        shown = sta.get(shown["FeatureOfInterest@iot.navigationLink"])
    return f"{ENTITIES[kind][0]}({shown['@iot.id']})"


@rows(
    CUD + "update-entity",
    {f"PATCH of {named(kind)} changes what it names and nothing else": (kind,) for kind in CHANGES},
)
def patch(sta: Sta, kind: str) -> None:
    path, (name, value) = entity(sta, kind), CHANGES[kind]
    before = sta.get(path)
    sta.change("PATCH", path, {name: value})
    assert sta.get(path) == before | {name: value}


@row(CUD + "update-entity", "PATCH of properties, of an Observation's time, and by a path over links")
def patch_more(sta: Sta) -> None:
    path = entity(sta, "observation")
    sta.change("PATCH", path, {"phenomenonTime": "2026-01-01T02:00:00+01:00", "parameters": {"b": 2}})
    shown = sta.get(path)
    assert (shown["phenomenonTime"], shown["parameters"]) == ("2026-01-01T01:00:00Z", {"b": 2})
    stream = sta.get(f"{path}/Datastream")
    assert stream["phenomenonTime"] == "2026-01-01T01:00:00Z/2026-01-01T01:00:00Z"
    sta.change("PATCH", f"{path}/Datastream", {"name": "renamed by a link"})
    assert sta.get(f"Datastreams({stream['@iot.id']})")["name"] == "renamed by a link"


@row(CUD + "update-entity", "PATCH can tie to another existing entity")
def patch_link(sta: Sta) -> None:
    path = entity(sta, "datastream")
    sensor = sta.make("Sensors", bodies.sensor("the new one"))
    sta.change("PATCH", path, {"Sensor": bodies.link(sensor)})
    assert sta.get(f"{path}/Sensor")["@iot.id"] == sensor


@rows(
    CUD + "update-entity",
    {
        "400 for an inline entity in a PATCH": (400, "datastream", {"Sensor": bodies.sensor()}),
        "400 for inline entities of a link to many in a PATCH": (400, "thing", {"Locations": [bodies.location()]}),
        "400 for a value of the wrong type in a PATCH": (400, "thing", {"name": 3}),
        "400 for an unknown property in a PATCH": (400, "thing", {"colour": "red"}),
        "400 for a mandatory property that is taken away": (400, "thing", {"name": None}),
        "404 for a PATCH of what does not exist": (404, "", {"name": "x"}),
    },
)
def patch_refused(sta: Sta, status: int, kind: str, body: Any) -> None:
    path = entity(sta, kind) if kind else "Things(999999999)"
    before = sta.get(path) if kind else None
    sta.refused(status, "PATCH", path, body)
    assert before is None or sta.get(path) == before


@row(CUD + "update-entity-put", "PUT replaces: what it does not name is gone, the id and links stay")
def put(sta: Sta) -> None:
    path = entity(sta, "thing")
    sta.change("PATCH", path, {"properties": {"lanes": 2}})
    before = sta.get(path)
    sta.change("PUT", path, bodies.thing("replaced"))
    after = sta.get(path)
    assert (after["@iot.id"], after["name"]) == (before["@iot.id"], "replaced")
    assert not after.get("properties")
    assert len(sta.get(f"{path}/Datastreams")["value"]) == 1
    sta.refused(404, "PUT", "Things(999999999)", bodies.thing())
    sta.refused(400, "PUT", path, {"name": "only a name"})


@row(CUD + "update-entity-jsonpatch", "add, replace, move, copy, remove and test, on properties too; all or nothing")
def json_patch(sta: Sta) -> None:
    path = entity(sta, "thing")
    sta.change("PATCH", path, {"properties": {"a": 1, "list": [1, 2]}})
    kind = {"content-type": "application/json-patch+json"}
    operations = [
        {"op": "test", "path": "/properties/a", "value": 1},
        {"op": "replace", "path": "/name", "value": "patched"},
        {"op": "add", "path": "/properties/list/-", "value": 3},
        {"op": "copy", "from": "/properties/a", "path": "/properties/c"},
        {"op": "move", "from": "/properties/a", "path": "/properties/b"},
    ]
    sta.change("PATCH", path, operations, headers=kind)
    shown = sta.get(path)
    assert (shown["name"], shown["properties"]) == ("patched", {"list": [1, 2, 3], "b": 1, "c": 1})
    failing = [{"op": "remove", "path": "/properties/b"}, {"op": "test", "path": "/name", "value": "something else"}]
    assert sta.ask("PATCH", path, failing, headers=kind).status_code in (400, 409)
    assert sta.ask("PATCH", path, [{"op": "remove", "path": "/properties/none"}], headers=kind).status_code in (400, 409)
    assert sta.get(path) == shown


@rows(
    CUD + "delete-entity",
    {f"{named(kind)}: gone, 404 afterwards, 404 to delete it again": (kind,) for kind in CHANGES},
)
def delete(sta: Sta, kind: str) -> None:
    path = entity(sta, kind)
    sta.change("DELETE", path)
    sta.refused(404, "GET", path)
    sta.refused(404, "DELETE", path)
    assert path.split("(")[1][:-1] not in map(str, sta.values(path.split("(")[0], "@iot.id", orderby="id desc", top=20))


@rows(
    CUD + "delete-entity",
    {
        "a Thing takes its Datastreams, Observations and history": (
            "thing",
            ["datastream", "observation", "historical-location"],
        ),
        "a Datastream takes its Observations": ("datastream", ["observation"]),
        "a Sensor takes its Datastreams and their Observations": ("sensor", ["datastream", "observation"]),
        "an ObservedProperty takes its Datastreams": ("observed-property", ["datastream", "observation"]),
        "a FeatureOfInterest takes its Observations": ("feature-of-interest", ["observation"]),
        "a Location takes its HistoricalLocations": ("location", ["historical-location"]),
    },
)
def cascade(sta: Sta, kind: str, taken: list[str]) -> None:
    thing = sta.make("Things", bodies.tree("cascade"))
    stream = sta.get(f"Things({thing})/Datastreams", expand="Sensor,ObservedProperty")["value"][0]
    observation = sta.make(f"Datastreams({stream['@iot.id']})/Observations", {"result": 1})
    paths = {
        "thing": f"Things({thing})",
        "datastream": f"Datastreams({stream['@iot.id']})",
        "observation": f"Observations({observation})",
        "sensor": f"Sensors({stream['Sensor']['@iot.id']})",
        "observed-property": f"ObservedProperties({stream['ObservedProperty']['@iot.id']})",
        "feature-of-interest": f"FeaturesOfInterest({sta.get(f'Observations({observation})/FeatureOfInterest')['@iot.id']})",
        "location": f"Locations({sta.get(f'Things({thing})/Locations')['value'][0]['@iot.id']})",
        "historical-location": f"HistoricalLocations({sta.get(f'Things({thing})/HistoricalLocations')['value'][0]['@iot.id']})",
    }
    sta.change("DELETE", paths[kind])
    gone = {name for name, path in paths.items() if sta.ask("GET", path).status_code == 404}
    assert gone == {kind, *taken}


@row(CUD + "delete-entity", "the times of a Datastream follow when its first or last Observation goes")
def delete_edge(sta: Sta) -> None:
    stream = sta.stream("edges")
    times = [f"2026-01-01T0{hour}:00:00Z" for hour in range(3)]
    made = [sta.make(f"Datastreams({stream})/Observations", {"phenomenonTime": time, "result": 1}) for time in times]
    sta.change("DELETE", f"Observations({made[2]})")
    assert sta.get(f"Datastreams({stream})")["phenomenonTime"] == f"{times[0]}/{times[1]}"


@row(
    CUD + "historical-location-auto-creation",
    "a Thing that gets a Location, gets a HistoricalLocation; the old one stays in the history",
)
def history(sta: Sta) -> None:
    thing = sta.make("Things", bodies.thing(Locations=[bodies.location("first")]))
    sta.make(f"Things({thing})/Locations", bodies.location("second"))
    third = sta.make("Locations", bodies.location("third"))
    sta.change("PATCH", f"Things({thing})", {"Locations": [bodies.link(third)]})
    assert sta.values(f"Things({thing})/Locations", "name") == ["third"]
    past = sta.get(f"Things({thing})/HistoricalLocations", expand="Locations", orderby="time,id")["value"]
    assert [each["Locations"][0]["name"] for each in past] == ["first", "second", "third"]
    assert sta.values(f"Locations({third})/HistoricalLocations", "@iot.id") == [past[2]["@iot.id"]]


@row(CUD + "historical-location-manual-creation", "the newest HistoricalLocation moves the Thing, an older one does not")
def manual_history(sta: Sta) -> None:
    thing = sta.make("Things", bodies.thing(Locations=[bodies.location("now")]))
    old = {"time": "2020-01-01T00:00:00Z", "Thing": bodies.link(thing), "Locations": [bodies.location("long ago")]}
    sta.make("HistoricalLocations", old)
    assert sta.values(f"Things({thing})/Locations", "name") == ["now"]
    sta.make("HistoricalLocations", old | {"time": "2099-01-01T00:00:00Z", "Locations": [bodies.location("next")]})
    assert sta.values(f"Things({thing})/Locations", "name") == ["next"]
    assert len(sta.get(f"Things({thing})/HistoricalLocations")["value"]) == 3

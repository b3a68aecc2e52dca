"""req/resource-path: addresses of sets, entities, properties and links (OGC 18-088, clause 9.2)."""

from __future__ import annotations

from .client import Sta
from .datamodel import SETS
from .table import REQUIREMENTS, SPEC, row, rows
from .world import TAG, World

PATH = "req/resource-path/resource-path-to-entities"


@row(PATH, "the root lists every set with an absolute address")
def root(sta: Sta) -> None:
    listed = {each["name"]: each["url"] for each in sta.get("")["value"]}
    assert listed == {name: f"{sta.root}/{name}" for name in [*SETS, "MultiDatastreams"]}
    assert sta.get(sta.root + "/")["value"] == sta.get("")["value"]


@row(PATH, "the root's serverSettings name every requirement that is served")
def server_settings(sta: Sta) -> None:
    claimed = set(sta.get("")["serverSettings"]["conformance"])
    without_broker = {name for name in REQUIREMENTS if "-via-mqtt" not in name}
    missing = {name for name in without_broker if not any((SPEC + name).startswith(claim) for claim in claimed)}
    assert missing == set()


@rows(PATH, {f"GET {name} gives a list under value": (name,) for name in [*SETS, "MultiDatastreams"]})
def sets(sta: Sta, world: World, name: str) -> None:
    assert isinstance(sta.get(name)["value"], list)


@rows(
    PATH,
    {
        "an entity by its id": ("Things({thing})", "name", f"{TAG} thing 0"),
        "a set of another entity": ("Things({thing})/Datastreams", "value", None),
        "an entity in a set of another": ("Things({thing})/Datastreams({stream})", "name", f"{TAG} stream 0"),
        "to one": ("Datastreams({stream})/Thing", "name", f"{TAG} thing 0"),
        "four levels": (
            "Things({thing})/Datastreams({stream})/Observations({observation})/FeatureOfInterest",
            "name",
            f"{TAG} feature",
        ),
        "there and back": (
            "Observations({observation})/Datastream/Thing/Datastreams({stream})/Sensor",
            "name",
            f"{TAG} sensor 0",
        ),
        "a property": ("Things({thing})/name", "name", f"{TAG} thing 0"),
        "a property over a link": ("Observations({observation})/Datastream/Sensor/name", "name", f"{TAG} sensor 0"),
        "a property of an object": ("Datastreams({stream})/unitOfMeasurement", "unitOfMeasurement", None),
        "a property inside properties": ("Things({thing})/properties/owner/name", "name", "city"),
    },
)
def addresses(sta: Sta, world: World, path: str, key: str, value: str | None) -> None:
    address = path.format(thing=world.things[0], stream=world.streams[0], observation=world.observations[0][0])
    answer = sta.get(address)
    assert key in answer
    assert value is None or answer[key] == value


@row(PATH, "$value gives a property's bare text")
def bare_value(sta: Sta, world: World) -> None:
    answer = sta.ask("GET", f"Things({world.things[1]})/name/$value")
    assert (answer.status_code, answer.text) == (200, f"{TAG} thing 1")
    assert answer.headers["content-type"].startswith("text/plain")
    assert sta.ask("GET", f"Observations({world.observations[0][2]})/result/$value").text == "2.5"


@row(PATH, "$ref gives the links of a set and of a single entity")
def references(sta: Sta, world: World) -> None:
    thing = f"Things({world.things[0]})"
    links = sta.values(f"{thing}/Datastreams/$ref", "@iot.selfLink")
    assert sorted(links) == sorted(f"{sta.root}/Datastreams({stream})" for stream in world.streams[:2])
    assert all(set(each) == {"@iot.selfLink"} for each in sta.get(f"{thing}/Datastreams/$ref")["value"])
    assert sta.get(f"Datastreams({world.streams[0]})/Thing/$ref")["@iot.selfLink"] == f"{sta.root}/{thing}"


@row(PATH, "a property that has no value answers 204")
def no_content(sta: Sta, world: World) -> None:
    answer = sta.ask("GET", f"Observations({world.observations[1][0]})/resultTime")
    assert (answer.status_code, answer.content) == (204, b"")


@rows(
    PATH,
    {
        f"404 for {what}": (path,)
        for what, path in {
            "a set that does not exist": "Cameras",
            "an id that does not exist": "Things(999999999)",
            "a link that does not exist": "Things({thing})/Observations",
            "a property that does not exist": "Things({thing})/colour",
            "an id in the middle that does not exist": "Things(999999999)/Datastreams({stream})",
            "an entity that belongs to another": "Things({other})/Datastreams({stream})",
            "a link that leads nowhere": "Observations({observation})/MultiDatastream",
            "a set under an entity that does not exist": "Datastreams(999999999)/Observations",
        }.items()
    },
)
def nowhere(sta: Sta, world: World, path: str) -> None:
    address = path.format(
        thing=world.things[0], other=world.things[1], stream=world.streams[0], observation=world.observations[0][0]
    )
    sta.refused(404, "GET", address)


@row(PATH, "links follow the proxy that the request came by")
def behind_a_proxy(sta: Sta, world: World) -> None:
    headers = {"x-forwarded-proto": "https", "x-forwarded-host": "counts.example.org"}
    thing = sta.http.get(f"{sta.root}/Things({world.things[0]})", headers=headers).json()
    assert thing["@iot.selfLink"].startswith("https://counts.example.org/")
    assert thing["@iot.selfLink"].endswith(f"/Things({world.things[0]})")

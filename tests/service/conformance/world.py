"""Entities for the rows that only read: three places with two streams each; results and times tell right answers from wrong."""

from __future__ import annotations

from dataclasses import dataclass, field

from . import bodies
from .client import Sta

TAG = "reading"
"""What the names of this world begin with; a filter by it leaves out what other rows made."""
RESULTS = [0, 1, 2.5, 3, 10]
TIMES = [
    "2025-12-31T23:59:59Z",
    "2026-03-29T01:30:15.250Z",
    "2026-06-01T12:00:00Z",
    "2026-06-02T12:00:00Z",
    "2026-06-02T18:45:00Z",
]
SHAPES = {
    "point": bodies.point(4, 52),
    "line": {"type": "LineString", "coordinates": [[3, 52], [6, 52]]},
    "square": {"type": "Polygon", "coordinates": [[[4, 51], [6, 51], [6, 53], [4, 53], [4, 51]]]},
    "far": bodies.point(100, 10),
}


@dataclass
class World:
    """Ids of what was made. Stream 0 holds ``RESULTS`` at ``TIMES``, stream 1 hours, stream 2 texts, truths and objects."""

    things: list[int] = field(default_factory=list)
    streams: list[int] = field(default_factory=list)
    sensors: list[int] = field(default_factory=list)
    properties: list[int] = field(default_factory=list)
    observations: dict[int, list[int]] = field(default_factory=dict)
    feature: int = 0


def make_world(sta: Sta) -> World:
    """Writes the world into an empty service."""
    world = World()
    world.sensors = [sta.make("Sensors", bodies.sensor(f"{TAG} sensor {k}")) for k in range(2)]
    world.properties = [sta.make("ObservedProperties", bodies.observed_property(f"{TAG} property {k}")) for k in range(3)]
    world.feature = sta.make("FeaturesOfInterest", bodies.feature(f"{TAG} feature"))
    for name, shape in SHAPES.items():
        sta.make("Locations", bodies.location(f"{TAG} {name}", shape))
    for k in range(3):
        properties = {"rank": k, "owner": {"name": "city" if k < 2 else "port"}, "open": k == 1, "note": None}
        place = bodies.location(f"{TAG} place {k}", bodies.point(20 + k, 52))
        thing = sta.make("Things", bodies.thing(f"{TAG} thing {k}", properties=properties, Locations=[place]))
        world.things.append(thing)
        for half in range(2):
            number = 2 * k + half
            body = bodies.datastream(
                f"{TAG} stream {number}",
                Thing=bodies.link(thing),
                Sensor=bodies.link(world.sensors[half]),
                ObservedProperty=bodies.link(world.properties[k]),
            )
            world.streams.append(sta.make("Datastreams", body))
    _observe(sta, world)
    return world


def _observe(sta: Sta, world: World) -> None:
    """Stream 0: results 0 … 10 at instants, with parameters; 1: hours from 06:00; 2: results that are no numbers."""
    plain = [
        {
            "phenomenonTime": time,
            "resultTime": time,
            "result": result,
            "parameters": {"weather": "rain" if k % 2 else "dry", "level": k},
            "FeatureOfInterest": bodies.link(world.feature),
        }
        for k, (result, time) in enumerate(zip(RESULTS, TIMES, strict=True))
    ]
    hours = [
        {
            "phenomenonTime": f"2026-05-01T{hour:02}:00:00Z/2026-05-01T{hour:02}:45:00Z",
            "validTime": f"2026-05-01T{hour:02}:00:00Z/2026-05-02T{hour:02}:00:00Z",
            "result": hour,
        }
        for hour in range(6, 12)
    ]
    others = [
        {"phenomenonTime": f"2026-05-01T{hour:02}:00:00Z", "result": result, "resultQuality": "good" if hour else "poor"}
        for hour, result in enumerate(["quiet", "busy", True, {"in": 4, "out": 2}, [1, 2], None])
    ]
    for number, observations in enumerate((plain, hours, others)):
        stream = world.streams[number]
        world.observations[number] = [sta.make(f"Datastreams({stream})/Observations", each) for each in observations]

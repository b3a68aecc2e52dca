"""What of each requirement holds in a lab: requests by a reader, by a device and by nobody, and the status that each gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from . import bodies

Caller = Literal["reader", "device", "nobody"]


@dataclass(frozen=True)
class Probe:
    """A request in a lab: who makes it, and what comes of it."""

    caller: Caller
    status: int
    method: str
    path: str
    body: Any = None


def reads(path: str) -> list[Probe]:
    """A reader reads; a device only sends; nobody gets anything."""
    return [Probe("reader", 200, "GET", path), Probe("device", 403, "GET", path), Probe("nobody", 401, "GET", path)]


def changes(method: str, path: str, body: Any = None) -> list[Probe]:
    """The lab folder is the master: not even a device changes the register."""
    return [Probe("device", 403, method, path, body), Probe("nobody", 401, method, path, body)]


def observation(number: int) -> dict[str, Any]:
    """An Observation of five minutes; each number another five."""
    begin, end = (f"2026-11-01T{minute // 60:02}:{minute % 60:02}:00Z" for minute in (5 * number, 5 * number + 5))
    return {"phenomenonTime": f"{begin}/{end}", "result": 3}


MINE, ANOTHERS = "Datastreams({mine})/Observations", "Datastreams({anothers})/Observations"
"""Observations of a Datastream that the device is registered for, and of one that it is not."""
_LINKS = {"Thing": bodies.link(1), "Sensor": bodies.link(1), "ObservedProperty": bodies.link(1)}
_DATA = "req/request-data/"
_CUD = "req/create-update-delete/"

PROBES: dict[str, list[Probe]] = {
    "req/datamodel/entity-control-information/common-control-information": reads("Things(1)"),
    **{
        f"req/datamodel/{entity}/{part}": reads(path + suffix)
        for entity, path in {
            "thing": "Things",
            "location": "Locations",
            "historical-location": "HistoricalLocations",
            "datastream": "Datastreams",
            "sensor": "Sensors",
            "observed-property": "ObservedProperties",
            "observation": "Observations",
            "feature-of-interest": "FeaturesOfInterest",
        }.items()
        for part, suffix in (("properties", ""), ("relations", "?$select=id"))
    },
    "req/resource-path/resource-path-to-entities": reads("Things(1)/Datastreams(1)/Sensor/name/$value") + reads(""),
    _DATA + "status-code": [*reads("Things"), Probe("reader", 404, "GET", "Things(999999999)")],
    _DATA + "query-status-code": [Probe("reader", 400, "GET", "Things?$top=x"), Probe("reader", 501, "GET", "Things?$search=x")],
    **{
        _DATA + part: reads(f"Datastreams?{query}")
        for part, query in {
            "order": "$filter=id%20gt%201&$orderby=name&$skip=1&$top=1&$count=true",
            "expand": "$expand=Thing,Observations($top=1)",
            "select": "$select=name",
            "orderby": "$orderby=name%20desc",
            "top": "$top=1",
            "skip": "$skip=1",
            "count": "$count=true",
            "filter": "$filter=Thing/name%20ne%20'x'",
            "built-in-filter-operations": "$filter=id%20add%201%20gt%202",
            "built-in-query-functions": "$filter=startswith(name,'square')",
            "pagination": "$top=2&$skip=2",
        }.items()
    },
    _CUD + "create-entity": [
        Probe("device", 201, "POST", MINE, observation(1)),
        Probe("device", 403, "POST", ANOTHERS, observation(1)),
        Probe("reader", 401, "POST", MINE, observation(2)),
        Probe("nobody", 401, "POST", MINE, observation(2)),
        *changes("POST", "Things", bodies.thing()),
    ],
    _CUD + "link-to-existing-entities": [
        Probe("device", 201, "POST", "Observations", observation(3) | {"Datastream": {"@iot.id": "{mine}"}}),
        *changes("POST", "Datastreams", bodies.datastream(**_LINKS)),
    ],
    _CUD + "deep-insert": changes("POST", "Things", bodies.tree()),
    _CUD + "deep-insert-status-code": changes("POST", "Things", bodies.tree()),
    _CUD + "update-entity": changes("PATCH", "Things(1)", {"name": "x"}),
    _CUD + "update-entity-put": changes("PUT", "Things(1)", bodies.thing()),
    _CUD + "update-entity-jsonpatch": changes("PATCH", "Things(1)", [{"op": "replace", "path": "/name", "value": "x"}]),
    _CUD + "delete-entity": changes("DELETE", "Things(1)"),
    _CUD + "historical-location-auto-creation": changes("POST", "Things(1)/Locations", bodies.location()),
    _CUD + "historical-location-manual-creation": changes("POST", "HistoricalLocations", {"time": "2026-01-01T00:00:00Z"}),
    "req/batch-request/batch-request": [
        Probe("reader", 200, "POST", "$batch", {"requests": [{"id": "1", "method": "get", "url": "Things"}]}),
        Probe("nobody", 401, "POST", "$batch", {"requests": []}),
    ],
    "req/multi-datastream/properties": reads("MultiDatastreams"),
    "req/multi-datastream/relations": reads("Things(1)/MultiDatastreams"),
    "req/multi-datastream/constraints": changes("POST", "MultiDatastreams", bodies.multi_datastream()),
    "req/data-array/data-array": [
        *reads("Observations?$resultFormat=dataArray"),
        Probe(
            "device",
            201,
            "POST",
            "CreateObservations",
            [
                {
                    "Datastream": {"@iot.id": "{mine}"},
                    "components": ["phenomenonTime", "result"],
                    "dataArray": [list(observation(4).values())],
                }
            ],
        ),
        Probe("nobody", 401, "POST", "CreateObservations", []),
    ],
}
"""The probes of every requirement but those of MQTT: there the broker lets a device in, which the tests of MQTT show."""

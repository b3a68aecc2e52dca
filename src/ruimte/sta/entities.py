"""The entities of OGC SensorThings API 1.1 (OGC 18-088, clause 8) with MultiDatastream: what each is made of and leads to.

Everything that knows entities asks this table: addresses, queries, checks of what is written, and what is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "object", "json", "instant", "interval", "time", "geometry", "list"]
"""``text`` a string; ``object`` a JSON object; ``json`` any JSON value; ``instant`` a TM_Instant, ``interval`` a TM_Period,
``time`` either; ``geometry`` what the encodingType says (GeoJSON); ``list`` a JSON array."""


@dataclass(frozen=True, slots=True)
class Property:
    """A property: its name, what it holds, whether a new entity must have it, and whether only the server sets it."""

    name: str
    kind: Kind
    required: bool = False
    computed: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A navigation property: its name, the entity it leads to, whether to many of them, the link that leads back,
    and whether a new entity must have it."""

    name: str
    target: str
    many: bool
    inverse: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Entity:
    """A kind of entity, by its name (``Thing``) and the name of its set (``Things``)."""

    name: str
    set_name: str
    properties: dict[str, Property]
    links: dict[str, Link]


def _entity(name: str, set_name: str, properties: list[Property], links: list[Link]) -> Entity:
    return Entity(name, set_name, {each.name: each for each in properties}, {each.name: each for each in links})


_NAME = Property("name", "text", required=True)
_DESCRIPTION = Property("description", "text", required=True)
_ENCODING = Property("encodingType", "text", required=True)
_PROPERTIES = Property("properties", "object")
_OBSERVED = [
    Property("observedArea", "geometry", computed=True),
    Property("phenomenonTime", "interval", computed=True),
    Property("resultTime", "interval", computed=True),
]

ENTITIES: dict[str, Entity] = {
    each.name: each
    for each in (
        _entity(
            "Thing",
            "Things",
            [_NAME, _DESCRIPTION, _PROPERTIES],
            [
                Link("Datastreams", "Datastream", True, "Thing"),
                Link("MultiDatastreams", "MultiDatastream", True, "Thing"),
                Link("Locations", "Location", True, "Things"),
                Link("HistoricalLocations", "HistoricalLocation", True, "Thing"),
            ],
        ),
        _entity(
            "Location",
            "Locations",
            [_NAME, _DESCRIPTION, _ENCODING, Property("location", "geometry", required=True), _PROPERTIES],
            [
                Link("Things", "Thing", True, "Locations"),
                Link("HistoricalLocations", "HistoricalLocation", True, "Locations"),
            ],
        ),
        _entity(
            "HistoricalLocation",
            "HistoricalLocations",
            [Property("time", "instant", required=True)],
            [
                Link("Thing", "Thing", False, "HistoricalLocations", required=True),
                Link("Locations", "Location", True, "HistoricalLocations", required=True),
            ],
        ),
        _entity(
            "Datastream",
            "Datastreams",
            [
                _NAME,
                _DESCRIPTION,
                Property("observationType", "text", required=True),
                Property("unitOfMeasurement", "object", required=True),
                *_OBSERVED,
                _PROPERTIES,
            ],
            [
                Link("Thing", "Thing", False, "Datastreams", required=True),
                Link("Sensor", "Sensor", False, "Datastreams", required=True),
                Link("ObservedProperty", "ObservedProperty", False, "Datastreams", required=True),
                Link("Observations", "Observation", True, "Datastream"),
            ],
        ),
        _entity(
            "MultiDatastream",
            "MultiDatastreams",
            [
                _NAME,
                _DESCRIPTION,
                Property("observationType", "text"),
                Property("multiObservationDataTypes", "list", required=True),
                Property("unitOfMeasurements", "list", required=True),
                *_OBSERVED,
                _PROPERTIES,
            ],
            [
                Link("Thing", "Thing", False, "MultiDatastreams", required=True),
                Link("Sensor", "Sensor", False, "MultiDatastreams", required=True),
                Link("ObservedProperties", "ObservedProperty", True, "MultiDatastreams", required=True),
                Link("Observations", "Observation", True, "MultiDatastream"),
            ],
        ),
        _entity(
            "Sensor",
            "Sensors",
            [_NAME, _DESCRIPTION, _ENCODING, Property("metadata", "json", required=True), _PROPERTIES],
            [
                Link("Datastreams", "Datastream", True, "Sensor"),
                Link("MultiDatastreams", "MultiDatastream", True, "Sensor"),
            ],
        ),
        _entity(
            "ObservedProperty",
            "ObservedProperties",
            [_NAME, Property("definition", "text", required=True), _DESCRIPTION, _PROPERTIES],
            [
                Link("Datastreams", "Datastream", True, "ObservedProperty"),
                Link("MultiDatastreams", "MultiDatastream", True, "ObservedProperties"),
            ],
        ),
        _entity(
            "Observation",
            "Observations",
            [
                Property("phenomenonTime", "time"),
                Property("resultTime", "instant"),
                Property("result", "json", required=True),
                Property("resultQuality", "json"),
                Property("validTime", "interval"),
                Property("parameters", "object"),
            ],
            [
                Link("Datastream", "Datastream", False, "Observations"),
                Link("MultiDatastream", "MultiDatastream", False, "Observations"),
                Link("FeatureOfInterest", "FeatureOfInterest", False, "Observations"),
            ],
        ),
        _entity(
            "FeatureOfInterest",
            "FeaturesOfInterest",
            [_NAME, _DESCRIPTION, _ENCODING, Property("feature", "geometry", required=True), _PROPERTIES],
            [Link("Observations", "Observation", True, "FeatureOfInterest")],
        ),
    )
}
"""Every kind of entity by its name. An Observation belongs to exactly one Datastream or MultiDatastream."""

SETS: dict[str, Entity] = {each.set_name: each for each in ENTITIES.values()}
"""Every kind of entity by the name of its set, in the order in which the service's root lists them."""

"""Bodies of valid entities, each with every property that the standard makes mandatory."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

MEASUREMENT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
COUNT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_CountObservation"
COMPLEX = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_ComplexObservation"
PERSONS = {"name": "persons", "symbol": "1", "definition": "http://qudt.org/vocab/unit/NUM"}
SPEED = {"name": "metre per second", "symbol": "m/s", "definition": "http://qudt.org/vocab/unit/M-PER-SEC"}
GEOJSON = "application/vnd.geo+json"


def point(longitude: float = 4.9, latitude: float = 52.37) -> Json:
    return {"type": "Point", "coordinates": [longitude, latitude]}


def thing(name: str = "a street", **more: Any) -> Json:
    return {"name": name, "description": "a place where people walk", **more}


def location(name: str = "a corner", shape: Json | None = None, **more: Any) -> Json:
    return {"name": name, "description": "where it is", "encodingType": GEOJSON, "location": shape or point(), **more}


def sensor(name: str = "a counter", **more: Any) -> Json:
    return {
        "name": name,
        "description": "counts who passes",
        "encodingType": "application/pdf",
        "metadata": "https://example.org/counter.pdf",
        **more,
    }


def observed_property(name: str = "people", **more: Any) -> Json:
    return {"name": name, "definition": "https://example.org/def/people", "description": "how many people", **more}


def datastream(name: str = "people per hour", **more: Any) -> Json:
    return {"name": name, "description": "counts", "observationType": COUNT, "unitOfMeasurement": dict(PERSONS), **more}


def multi_datastream(name: str = "people and their speed", **more: Any) -> Json:
    return {
        "name": name,
        "description": "counts and speeds",
        "multiObservationDataTypes": [COUNT, MEASUREMENT],
        "unitOfMeasurements": [dict(PERSONS), dict(SPEED)],
        **more,
    }


def feature(name: str = "the square", shape: Json | None = None, **more: Any) -> Json:
    return {"name": name, "description": "what is observed", "encodingType": GEOJSON, "feature": shape or point(), **more}


def link(identifier: int) -> Json:
    """A reference to an entity that exists."""
    return {"@iot.id": identifier}


def tree(name: str = "a street", **more: Any) -> Json:
    """A Thing with its Location and one Datastream, for a deep insert."""
    stream = datastream(
        f"{name}, people", Sensor=sensor(f"{name}, counter"), ObservedProperty=observed_property(f"{name}, people")
    )
    return thing(name, Locations=[location(f"{name}, place")], Datastreams=[stream], **more)

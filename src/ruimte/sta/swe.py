"""What a datastream's results are: SWE Common inside (SensorThings 2.0, OGC 23-019), OM types and units outside (1.1).

A Datastream's ``resultType`` is one component, ``{"type": "Quantity", "uom": {"label", "code", "href"}}``; a MultiDatastream's
is a ``DataRecord`` with a ``field`` for each of its properties. The observationType that a client wrote is kept beside it, so
that it reads back what it wrote.
"""

from __future__ import annotations

from typing import Any

OM = "http://www.opengis.net/def/observationType/OGC-OM/2.0/"
COMPLEX = OM + "OM_ComplexObservation"

_COMPONENTS = {
    OM + "OM_Measurement": "Quantity",
    OM + "OM_CountObservation": "Count",
    OM + "OM_CategoryObservation": "Category",
    OM + "OM_TruthObservation": "Boolean",
}
UNIT_NAMES = {"name": "label", "symbol": "code", "definition": "href"}
"""Keys of a unitOfMeasurement (1.1) and what SWE Common calls them."""
_BACK = {new: old for old, new in UNIT_NAMES.items()}


def result_type(observation_type: str, unit: dict[str, Any]) -> dict[str, Any]:
    """The component of a Datastream.

    >>> result_type(OM + "OM_CountObservation", {"name": "persons", "symbol": "1"})["type"]
    'Count'
    """
    uom = {UNIT_NAMES.get(name, name): value for name, value in unit.items()}
    return {"type": _COMPONENTS.get(observation_type, "Text"), "uom": uom, "observationType": observation_type}


def record_type(names: list[str], observation_types: list[str], units: list[dict[str, Any]]) -> dict[str, Any]:
    """The DataRecord of a MultiDatastream; the lists share one length."""
    fields = [
        {"name": name, "component": result_type(kind, unit)}
        for name, kind, unit in zip(names, observation_types, units, strict=True)
    ]
    return {"type": "DataRecord", "field": fields}


def shown(stored: dict[str, Any]) -> dict[str, Any]:
    """The 1.1 properties of a stored resultType.

    >>> shown(result_type(OM + "OM_CountObservation", {"symbol": "1"}))["unitOfMeasurement"]
    {'symbol': '1'}
    """
    if stored["type"] == "DataRecord":
        parts = [shown(field["component"]) for field in stored["field"]]
        return {
            "observationType": COMPLEX,
            "multiObservationDataTypes": [part["observationType"] for part in parts],
            "unitOfMeasurements": [part["unitOfMeasurement"] for part in parts],
        }
    unit = {_BACK.get(name, name): value for name, value in stored["uom"].items()}
    return {"observationType": stored["observationType"], "unitOfMeasurement": unit}

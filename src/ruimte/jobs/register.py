"""Write the lab into the store: the folder is master, the store follows; ids stay with their keys."""

from __future__ import annotations

from typing import Any

from ruimte.lab.compile import compile_lab, stream_keys
from ruimte.lab.lab import CountPoint, Gate, Lab, Zone
from ruimte.model.measure import MEASURES, Measure
from ruimte.model.place import Model
from ruimte.sta.swe import OM, result_type
from ruimte.store.catalogue import StreamEntry, register
from ruimte.store.sqlite import Store
from ruimte.text import duration_us, pick

_UCUM = "https://ucum.org/ucum"
"""Whose codes the symbols of the units are."""


def register_lab(lab: Lab, store: Store) -> Model:
    """Write Things, Sensors, Datastreams, Features and places of the lab into the store, and compile the lab with their ids."""
    keys = [*lab.zones, *lab.count_points]
    entries = [
        StreamEntry(
            key=stream.key,
            sensor_key=stream.sensor.key,
            name=pick(stream.sensor.name, "en"),
            description=pick(stream.sensor.purpose, "en"),
            kind=stream.sensor.kind,
            measure=stream.measure,
            definition=MEASURES[stream.measure].definition,
            result_type=_result_type(MEASURES[stream.measure]),
            interval_us=duration_us(stream.sensor.interval),
            feature_key=stream.place,
            feature_name=pick(_place(lab, stream.place).name, "en"),
            feature=_geometry(lab, stream.place),
            metadata={"kind": stream.sensor.kind, "owner": stream.sensor.owner, "legalGround": stream.sensor.legal_ground},
        )
        for stream in stream_keys(lab)
    ]
    store.write(lambda connection: register(connection, entries, keys)).result()
    return compile_lab(lab, store.stream_ids())


def _result_type(measure: Measure) -> dict[str, Any]:
    """Whole persons or devices are an OM_CountObservation, everything else an OM_Measurement; the unit with its UCUM code."""
    kind = "OM_CountObservation" if measure.unit in ("persons", "devices") else "OM_Measurement"
    return result_type(OM + kind, {"name": measure.unit, "symbol": measure.symbol, "definition": _UCUM})


def _place(lab: Lab, key: str) -> Gate | CountPoint | Zone:
    return lab.gates.get(key) or lab.count_points.get(key) or lab.zones[key]


def _geometry(lab: Lab, key: str) -> dict[str, Any]:
    place = _place(lab, key)
    shape = place.line if isinstance(place, Gate) else place.point if isinstance(place, CountPoint) else place.polygon
    return dict(shape.__geo_interface__)

"""Write the lab into the store: the folder is master, the store follows; ids stay with their keys."""

from __future__ import annotations

from typing import Any

from ruimte.lab.compile import compile_lab, stream_keys
from ruimte.lab.lab import Lab
from ruimte.model.place import Model
from ruimte.store.catalogue import StreamEntry, register
from ruimte.store.sqlite import Store
from ruimte.text import duration_us, pick

_DEFINITIONS = {
    "count": "persons who passed, both directions together",
    "count_in": "persons who passed from the gate's 'from' to its 'to'",
    "count_out": "persons who passed from the gate's 'to' to its 'from'",
}


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
            definition=_DEFINITIONS[stream.measure],
            unit=stream.unit,
            interval_us=duration_us(stream.sensor.interval),
            feature_key=stream.place,
            feature_name=pick(_name(lab, stream.place), "en"),
            feature=_geometry(lab, stream.place),
            metadata={"kind": stream.sensor.kind, "owner": stream.sensor.owner, "legalGround": stream.sensor.legal_ground},
        )
        for stream in stream_keys(lab)
    ]
    store.write(lambda connection: register(connection, entries, keys)).result()
    return compile_lab(lab, store.stream_ids())


def _name(lab: Lab, place: str) -> str | dict[str, str]:
    return lab.gates[place].name if place in lab.gates else lab.count_points[place].name


def _geometry(lab: Lab, place: str) -> dict[str, Any]:
    shape = lab.gates[place].line if place in lab.gates else lab.count_points[place].point
    return dict(shape.__geo_interface__)

"""What sharing knows of a lab's places, and which of them a grant gives, under which names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ruimte.lab.lab import Lab
from ruimte.lab.levels import UNUSUAL, table_name
from ruimte.model.place import Text
from ruimte.share.agreement import ALL, Grant

PlaceKind = Literal["zone", "count_point", "gate"]


@dataclass(frozen=True, slots=True)
class PlaceInfo:
    """A place of the lab. ``levels``: the name of its table of levels; ``sides``: of a gate, the zones (or
    ``outside``) that its inflow comes from and goes to.

    ``geometry``: GeoJSON (longitude, latitude).
    """

    kind: PlaceKind
    name: Text = ""
    area_m2: float | None = None
    width_m: float | None = None
    levels: str = UNUSUAL
    sides: tuple[str, ...] = ()
    geometry: Mapping[str, Any] | None = None


def lab_places(lab: Lab) -> dict[str, PlaceInfo]:
    """All places of a lab by key: zones, count points, gates."""
    levels = lab.file.levels
    places = {
        key: PlaceInfo(
            "zone",
            zone.name,
            area_m2=zone.area_m2,
            levels=table_name(levels, zone),
            geometry=zone.polygon.__geo_interface__,
        )
        for key, zone in lab.zones.items()
    }
    places |= {
        key: PlaceInfo(
            "count_point",
            point.name,
            width_m=point.width_m,
            levels=table_name(levels, point),
            geometry=point.point.__geo_interface__,
        )
        for key, point in lab.count_points.items()
    }
    return places | {
        key: PlaceInfo(
            "gate",
            gate.name,
            width_m=gate.width_m,
            sides=(gate.from_, gate.to),
            geometry=gate.line.__geo_interface__,
        )
        for key, gate in lab.gates.items()
    }


def listed(grant: Grant, places: Mapping[str, PlaceInfo]) -> tuple[str, ...]:
    """Keys of the zones, count points and gates that a grant lists; ``"*"`` is put out into all that the lab has."""
    what = grant.properties.what
    zones = [key for key, place in places.items() if place.kind != "gate"] if ALL in what.zones else what.zones
    gates = [key for key, place in places.items() if place.kind == "gate"] if ALL in what.gates else what.gates
    return (*zones, *gates)


def given(grant: Grant, places: Mapping[str, PlaceInfo]) -> dict[str, tuple[str, ...]]:
    """What a grant gives figures of: a name, and the places whose figures are put together under it.

    A grant with areas gives these and its gates, and nothing of a single zone; one without gives each place as it is.
    """
    areas = grant.properties.form.areas
    if not areas:
        return {key: (key,) for key in listed(grant, places)}
    gates = grant.properties.what.gates
    chosen = [key for key, place in places.items() if place.kind == "gate"] if ALL in gates else gates
    return {name: tuple(zones) for name, zones in areas.items()} | {key: (key,) for key in chosen}

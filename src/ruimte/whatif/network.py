"""A lab as a network of zones and gates: areas, widths, and how far people walk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from ruimte.lab.geometry import area_m2, flattened
from ruimte.lab.lab import Gate, Lab, Zone
from ruimte.model.place import OUTSIDE, Model

Array = NDArray[np.float64]
Index = NDArray[np.int64]

SHORTEST_M = 2.0
"""A walk to a gate is at least this long: nobody is through a gate at the moment that they think of it."""
NARROWEST_M = 0.5
"""A gate without a width is at least this wide."""
_POINTS = 256


@dataclass(frozen=True, slots=True)
class Network:
    """Zones, gates, and both ways through each gate (links).

    Links are in the order of the zone that they leave, those from outside last: ``first[z]:first[z + 1]`` leave zone z,
    ``first[zones]:`` are the entrances. ``source`` and ``target`` are zones, ``OUTSIDE`` for none; ``gate`` the gate's index;
    ``back`` the link the other way. ``length_m``: how far someone in the source zone walks to the gate on average (0 from
    outside). ``exits``: the links that lead outside, one for each entrance and in the same order: *outer gates*.
    ``limit_s``: persons/s that pass each link at the most whatever its width, as many as a tram service takes (infinite: as many
    as fit). ``assumed_width``: the gates whose width nobody gave; ``alone``: zones without any gate, in which nobody can move.
    """

    zones: tuple[str, ...]
    gates: tuple[str, ...]
    area_m2: Array
    width_m: Array
    first: Index
    source: Index
    target: Index
    gate: Index
    back: Index
    length_m: Array
    exits: Index
    inward: NDArray[np.bool_]
    limit_s: Array
    assumed_width: tuple[str, ...] = ()

    @property
    def entrances(self) -> Index:
        """Links from outside, one for each outer gate."""
        return np.arange(self.first[-1], len(self.source))

    @property
    def outer(self) -> tuple[str, ...]:
        """Keys of the outer gates."""
        return tuple(self.gates[self.gate[link]] for link in self.exits)

    @property
    def alone(self) -> tuple[str, ...]:
        """Keys of zones without any gate."""
        return tuple(key for key, a, b in zip(self.zones, self.first[:-1], self.first[1:], strict=True) if a == b)

    def link(self, gate: str, inward: bool) -> int:
        """Index of the link through a gate: inward is from the gate's ``from`` to its ``to``. Raises ``KeyError``."""
        if gate not in self.gates:
            raise KeyError(gate)
        return int(np.flatnonzero((self.gate == self.gates.index(gate)) & (self.inward == inward))[0])


def network(
    zones: Sequence[tuple[str, float]],
    gates: Sequence[tuple[str, str | None, str | None, float, float, float]],
    assumed_width: tuple[str, ...] = (),
    limits_s: Mapping[str, float] = MappingProxyType({}),
) -> Network:
    """A network of zones (key, area in m²) and gates (key, from, to, width in m, metres walked to it in from, in to).

    ``None`` is outside. ``limits_s``: persons/s that a gate (by key) takes each way at the most. Raises ``ValueError`` for what
    cannot be: an unknown zone, no area, no width.
    """
    index: dict[str | None, int] = {key: number for number, (key, _) in enumerate(zones)} | {None: OUTSIDE}
    ways = []
    for number, (key, one, other, width, from_m, to_m) in enumerate(gates):
        if one not in index or other not in index or one == other:
            raise ValueError(f"gate {key!r} joins {one!r} and {other!r}")
        if not width > 0:
            raise ValueError(f"gate {key!r} has no width")
        for source, target, metres, inward in ((one, other, from_m, True), (other, one, to_m, False)):
            length = 0.0 if source is None else max(metres, SHORTEST_M)
            ways.append((index[source], index[target], number, length, inward))
    if not all(area > 0 for _, area in zones):
        raise ValueError("a zone has no area")
    last = len(zones)
    ways.sort(key=lambda way: (way[0] if way[0] != OUTSIDE else last, way[2]))
    number_of = {(gate, inward): number for number, (_, _, gate, _, inward) in enumerate(ways)}
    back = np.array([number_of[gate, not inward] for _, _, gate, _, inward in ways], dtype=np.int64)
    leaves = np.array([way[0] for way in ways], dtype=np.int64)
    first = np.searchsorted(np.where(leaves == OUTSIDE, last, leaves), np.arange(last + 1)).astype(np.int64)
    return Network(
        zones=tuple(key for key, _ in zones),
        gates=tuple(each[0] for each in gates),
        area_m2=np.array([area for _, area in zones], dtype=np.float64),
        width_m=np.array([each[3] for each in gates], dtype=np.float64),
        first=first,
        source=leaves,
        target=np.array([way[1] for way in ways], dtype=np.int64),
        gate=np.array([way[2] for way in ways], dtype=np.int64),
        back=back,
        length_m=np.array([way[3] for way in ways], dtype=np.float64),
        exits=back[first[-1] :],
        inward=np.array([way[4] for way in ways], dtype=np.bool_),
        limit_s=np.array([limits_s.get(gates[way[2]][0], np.inf) for way in ways], dtype=np.float64),
        assumed_width=assumed_width,
    )


def network_of(lab: Lab, model: Model) -> Network:
    """The network of a lab; zones have the indices of the model's places (which begin with the zones).

    A gate without ``width_m`` is as wide as its line is long, and is named in ``assumed_width``; one with ``per_minute`` takes no
    more each way. How far people walk to a gate, as the crow flies, is the mean distance from everywhere in the zone, or from its
    other gates where that is more: through a street most only pass. Where the lab gives a zone another area than it is drawn
    with, lengths in it are scaled alike.
    """
    zones = [lab.zones[place.key] for place in model.places if place.quantity == "people"]
    by_key = {zone.key: zone for zone in zones}
    gates = []
    for gate in lab.gates.values():
        one, other = by_key.get(gate.from_), by_key.get(gate.to)
        drawn = float(flattened(gate.line, gate.line.centroid).length)
        width = gate.width_m if gate.width_m is not None else max(drawn, NARROWEST_M)
        walks = [0.0 if zone is None else max(_walk_m(zone, gate.line), _through_m(lab, zone, gate)) for zone in (one, other)]
        sides = [None if zone is None else zone.key for zone in (one, other)]
        gates.append((gate.key, sides[0], sides[1], width, walks[0], walks[1]))
    assumed = tuple(gate.key for gate in lab.gates.values() if gate.width_m is None)
    limits = {gate.key: gate.per_minute / 60 for gate in lab.gates.values() if gate.per_minute is not None}
    return network([(zone.key, zone.area_m2) for zone in zones], gates, assumed, limits)


def _through_m(lab: Lab, zone: Zone, gate: Gate) -> float:
    """Mean distance from the middle of a zone's other gates to a gate; 0 where it has no other."""
    middle = zone.polygon.centroid
    line = flattened(gate.line, middle)
    others = [each.line for each in lab.gates.values() if zone.key in (each.from_, each.to) and each.key != gate.key]
    scale = (zone.area_m2 / area_m2(zone.polygon)) ** 0.5
    return float(np.mean([flattened(each, middle).centroid.distance(line) for each in others]) * scale) if others else 0.0


def _walk_m(zone: Zone, gate: BaseGeometry) -> float:
    """Mean distance from points all over a zone to a gate."""
    middle = zone.polygon.centroid
    polygon, line = flattened(zone.polygon, middle), flattened(gate, middle)
    low_x, low_y, high_x, high_y = polygon.bounds
    step = (polygon.area / _POINTS) ** 0.5
    x, y = np.meshgrid(np.arange(low_x + step / 2, high_x, step), np.arange(low_y + step / 2, high_y, step))
    inside = shapely.contains_xy(polygon, x, y)
    points = shapely.points(x[inside], y[inside]) if inside.any() else np.array([polygon.representative_point()])
    scale = (zone.area_m2 / area_m2(zone.polygon)) ** 0.5
    return float(shapely.distance(points, line).mean() * scale)

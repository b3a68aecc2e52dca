"""Cells: what all suppressed grants of a lab have in common, so that no subtraction of what they give shows a small number.

One recipient gets the square and the street together, another the street alone; the difference is the square. Leaving out a small
figure for each of them by itself is not enough. So few or many is asked of **cells**, not of what is told:

* in space, a cell is a set of zones that always go together: no suppressed grant gives one of them without the others;
* in time, a cell is a block: the longest time of which every suppressed grant's step is a whole number.

A figure is told only where each of its cells in each of its blocks holds at least k people. Then

    **two worlds that differ only in cells that hold fewer than k people in both, give the same answers, to everybody.**

For every figure that is told is a function of cells that are alike in both worlds, and which figures are told depends only on
whether a cell holds k or more. So nothing that recipients do together with all that they got, sums, differences or anything
else, tells them more of a small cell than that it is small; and a set of cells that they isolate by sums and differences has k
people or more in every one of them. A cell without people is as small as one with few: an empty one is not told either.

Of several k the smallest of those who put their answers together counts.

**Flows.** Inflow and outflow of a zone are sums over the ways into and out of it; neighbours share ways, and a gate is one. So
flows have cells too: the ways that go together in all that suppressed grants give (``parts``). k is asked of those who take them.
And who knows how many there were, came and went, knows how many there are, also of a whole group of zones; so no flow of zones
that gates join is told while one of them is known to hold few.

**Grants that come later.** What was told before a new grant began rested on coarser cells. Of that time a figure is told only
where all cells are large that hang together with it: by areas that overlap, and in time within the smallest window that is a
whole number of every step. Nothing of it is told then that could be subtracted from what was told before. For the same reason
agreements that have ended still count for the time before their end.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ruimte.clock import DAY_US
from ruimte.share.agreement import Quantity
from ruimte.share.asking import Granted
from ruimte.share.places import PlaceInfo, given
from ruimte.text import duration_us

_K = TypeVar("_K", str, int, tuple[str, Quantity])
_EVER = ("valid", "expired", "revoked")
_FLOWS: tuple[Quantity, ...] = ("inflow", "outflow", "flow")


Way = tuple[str, Quantity]
"""One direction of a gate: its key, and "inflow" (from its first side to its second) or "outflow"."""


@dataclass(frozen=True, slots=True)
class Cells:
    """The common cells. ``cell`` and ``joined``: by zone or count point the number of its cell, and of the cells that hang
    together with it.

    ``parts``: by zone, the cells of ways that its inflow and outflow are cut into, where they are; ``flows_joined``: by zone or
    gate, which hang together by the ways that they share. ``sites``: by zone or gate, which group of zones that gates join.

    ``block_us``: the cells' length in time; ``window_us``: the time that hangs together, before ``since_us``: from then on all
    grants were there.
    """

    cell: Mapping[str, int]
    joined: Mapping[str, int]
    parts: Mapping[str, tuple[tuple[Way, ...], ...]]
    flows_joined: Mapping[str, int]
    sites: Mapping[str, int]
    block_us: int
    window_us: int
    since_us: int


def cells(
    granted: Sequence[Granted],
    places: Mapping[str, PlaceInfo],
    tick_us: int,
    from_us: int | None = None,
    since_us: int | None = None,
) -> Cells:
    """The common cells of all suppressed grants among ``granted`` that can tell, or could have told, of the time from ``from_us``
    on (without it: of any time).

    Give all grants of the lab that have begun, also those that ended. One whose step is no whole number of ticks tells nothing,
    so does not count. ``since_us``: from when on all of them were there; by default the latest moment at which one begins or was
    signed. A replay, whose past nobody was told before, gives 0.
    """
    counted = [one for one in granted if _counts(one, tick_us, from_us)]
    shown = [given(one.grant, places) for one in counted]
    gates = {key for key, place in places.items() if place.kind == "gate"}
    areas = list(dict.fromkeys(frozenset(zones) for one in shown for zones in one.values() if not gates.issuperset(zones)))
    cell, joined = _common(areas)
    flowing = {
        zones[0]
        for one, names in zip(counted, shown, strict=True)
        for zones in names.values()
        if len(zones) == 1 and set(_FLOWS).intersection(one.grant.properties.what.quantities)
    }
    parts, flows_joined = _flows(flowing, places)
    steps = [duration_us(one.grant.properties.form.step) for one in counted] or [DAY_US]
    begun = [max(one.not_before_us, one.signed_us) for one in counted]
    return Cells(
        cell=cell,
        joined=joined,
        parts=parts,
        flows_joined=flows_joined,
        sites=_sites(places),
        block_us=math.gcd(*steps),
        window_us=math.lcm(*steps),
        since_us=max(begun, default=0) if since_us is None else since_us,
    )


def _counts(one: Granted, tick_us: int, from_us: int | None) -> bool:
    form = one.grant.properties.form
    suppressed = form.exactness == "suppressed" and duration_us(form.step) % tick_us == 0
    gave = one.status in _EVER or (one.status == "rejected" and one.signed_us > 0)  # who accepted may reject all the same
    return suppressed and gave and (from_us is None or one.not_after_us > from_us)


def _common(areas: Sequence[frozenset[_K]]) -> tuple[dict[_K, int], dict[_K, int]]:
    """By member: the number of its cell (members that lie in the same areas), and of its component (areas that overlap)."""
    lies_in: dict[_K, list[int]] = {}
    for number, area in enumerate(areas):
        for member in area:
            lies_in.setdefault(member, []).append(number)
    numbers: dict[tuple[int, ...], int] = {}
    cell = {member: numbers.setdefault(tuple(of), len(numbers)) for member, of in sorted(lies_in.items())}
    parent = list(range(len(areas)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    for of in lies_in.values():
        for number in of[1:]:
            parent[root(number)] = root(of[0])
    return cell, {member: root(of[0]) for member, of in lies_in.items()}


def _flows(
    flowing: Iterable[str], places: Mapping[str, PlaceInfo]
) -> tuple[dict[str, tuple[tuple[Way, ...], ...]], dict[str, int]]:
    """``parts`` and ``flows_joined`` of the zones and gates whose flows are given."""
    ways = {key: _ways(key, places) for key in sorted(flowing) if key in places and places[key].kind != "count_point"}
    each = [frozenset(direction) for directions in ways.values() for direction in directions if direction]
    cell, joined = _common(list(dict.fromkeys(each)))
    parts = {}
    for key, directions in ways.items():
        cuts = [_cut(direction, cell) for direction in directions]
        if places[key].kind == "zone" and any(len(cut) > 1 for cut in cuts):
            parts[key] = tuple(part for cut in cuts if len(cut) > 1 for part in cut)
    return parts, _joined(ways, joined)


def _sites(places: Mapping[str, PlaceInfo]) -> dict[str, int]:
    """By zone and gate: the number of the group of zones that it belongs to, or leads to."""
    zones = [frozenset([key]) for key, place in places.items() if place.kind == "zone"]
    gates = {
        key: frozenset(side for side in place.sides if side in places) for key, place in places.items() if place.kind == "gate"
    }
    _, site = _common([*zones, *gates.values()])
    return site | {key: site[min(sides)] for key, sides in gates.items() if sides}


def _ways(key: str, places: Mapping[str, PlaceInfo]) -> tuple[list[Way], list[Way]]:
    """The ways that count as coming in and as going out: of a zone through all its gates, of a gate its own."""
    if places[key].kind == "gate":
        return [(key, "inflow")], [(key, "outflow")]
    gates = [(gate, place.sides) for gate, place in places.items() if place.kind == "gate" and key in place.sides]
    into: list[Way] = [(gate, "inflow" if sides[1] == key else "outflow") for gate, sides in gates]
    out: list[Way] = [(gate, "outflow" if sides[1] == key else "inflow") for gate, sides in gates]
    return into, out


def _cut(ways: Sequence[Way], cell: Mapping[Way, int]) -> list[tuple[Way, ...]]:
    by_cell: dict[int, list[Way]] = {}
    for way in ways:
        by_cell.setdefault(cell[way], []).append(way)
    return [tuple(part) for part in by_cell.values()]


def _joined(ways: Mapping[str, tuple[list[Way], list[Way]]], joined: Mapping[Way, int]) -> dict[str, int]:
    """Zones and gates by component. In and out are told together, so a place joins the components of both."""
    touches = [frozenset(joined[way] for direction in directions for way in direction) for directions in ways.values()]
    _, component = _common(touches)
    alone = len(touches)
    own = enumerate(zip(ways, touches, strict=True))
    return {key: component[min(of)] if of else alone + index for index, (key, of) in own}

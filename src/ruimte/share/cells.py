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

**Grants that come later.** What was told before a new grant began rested on coarser cells. Of that time a figure is told only
where all cells are large that hang together with it: by areas that overlap, and in time within the smallest window that is a
whole number of every step. Nothing of it is told then that could be subtracted from what was told before. For the same reason
agreements that have ended still count for the time before their end.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ruimte.clock import DAY_US
from ruimte.share.agreement import Quantity
from ruimte.share.asking import Granted
from ruimte.share.places import PlaceInfo, given
from ruimte.text import duration_us

_EVER = ("valid", "expired", "revoked")
_FLOWS: tuple[Quantity, ...] = ("inflow", "outflow", "flow")


@dataclass(frozen=True, slots=True)
class Cells:
    """The common cells. ``cell`` and ``joined``: by zone or count point the number of its cell, and of the cells that hang
    together with it.

    ``block_us``: the cells' length in time; ``window_us``: the time that hangs together, before ``since_us``: from then on all
    grants were there. ``gates``: those that are given; ``flowing``: zones whose inflow or outflow is given.
    """

    cell: Mapping[str, int]
    joined: Mapping[str, int]
    block_us: int
    window_us: int
    since_us: int
    gates: frozenset[str] = frozenset()
    flowing: frozenset[str] = frozenset()


def cells(
    granted: Sequence[Granted],
    places: Mapping[str, PlaceInfo],
    tick_us: int,
    from_us: int | None = None,
    since_us: int | None = None,
) -> Cells:
    """The common cells of all suppressed grants among ``granted`` that can tell, or could have told, of the time from ``from_us``
    on (without it: of any time).

    Give all grants of the lab, also those that ended. One whose step is no whole number of ticks tells nothing, so does not
    count. ``since_us``: from when on all of them were there; by default the latest moment at which one begins or was
    signed. A replay, whose past nobody was told before, gives 0.
    """
    counted = [one for one in granted if _counts(one, tick_us, from_us)]
    shown = [given(one.grant, places) for one in counted]
    is_gate = {key for key, place in places.items() if place.kind == "gate"}
    areas = list(dict.fromkeys(frozenset(zones) for one in shown for zones in one.values() if not is_gate.issuperset(zones)))
    cell, joined = _common(areas)
    steps = [duration_us(one.grant.properties.form.step) for one in counted] or [DAY_US]
    return Cells(
        cell=cell,
        joined=joined,
        block_us=math.gcd(*steps),
        window_us=math.lcm(*steps),
        since_us=since_us if since_us is not None else max((max(one.not_before_us, one.signed_us) for one in counted), default=0),
        gates=frozenset(name for one in shown for name in one if name in is_gate),
        flowing=frozenset(
            zones[0]
            for one, names in zip(counted, shown, strict=True)
            for zones in names.values()
            if len(zones) == 1 and zones[0] not in is_gate and set(_FLOWS).intersection(one.grant.properties.what.quantities)
        ),
    )


def _counts(one: Granted, tick_us: int, from_us: int | None) -> bool:
    form = one.grant.properties.form
    suppressed = form.exactness == "suppressed" and duration_us(form.step) % tick_us == 0
    return suppressed and one.status in _EVER and (from_us is None or one.not_after_us > from_us)


def _common(areas: Sequence[frozenset[str]]) -> tuple[dict[str, int], dict[str, int]]:
    """By zone: the number of its cell (zones that lie in the same areas), and of its component (areas that overlap)."""
    lies_in: dict[str, list[int]] = {}
    for number, area in enumerate(areas):
        for zone in area:
            lies_in.setdefault(zone, []).append(number)
    numbers: dict[tuple[int, ...], int] = {}
    cell = {zone: numbers.setdefault(tuple(of), len(numbers)) for zone, of in sorted(lies_in.items())}
    parent = list(range(len(areas)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    for of in lies_in.values():
        for number in of[1:]:
            parent[root(number)] = root(of[0])
    return cell, {zone: root(of[0]) for zone, of in lies_in.items()}

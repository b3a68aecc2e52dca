"""What an action needs, and what it names: checked against the lab's gates, zones and events."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TypeVar

from ruimte.lab.files import ActionEntry, MeasureEntry
from ruimte.lab.mistakes import Spot
from ruimte.lab.rules import OUTSIDE
from ruimte.lab.tables import nested_spots
from ruimte.text import duration_us

T = TypeVar("T")

NEEDS: dict[str, tuple[str, ...]] = {
    "close": ("gate or zone",),
    "open": ("gate or zone",),
    "hold": ("gate or zone",),
    "width": ("gate", "width_m"),
    "one-way": ("gate", "way"),
    "dose": ("gate", "per_minute"),
    "redirect": ("gate", "to_gate", "share"),
    "stop-arrivals": ("gate",),
    "extend-event": ("event", "by"),
}
"""The fields that each action needs."""
_MAY = {"close": ("way",), "open": ("way",), "hold": ("way",), "dose": ("way",), "redirect": ("way",)}
_FIELDS = ("gate", "zone", "to_gate", "event", "per_minute", "share", "width_m", "by")


@dataclass(frozen=True, slots=True)
class Named:
    """What can be named: gates with the zones (or outside) on their two sides, zones, events, measures."""

    gates: Mapping[str, tuple[str, str]]
    zones: Collection[str]
    events: Collection[str]
    measures: Collection[str]


def check_measures(measures: list[tuple[MeasureEntry | None, str | None, Spot]], named: Named) -> None:
    """Report what is wrong with the actions and the inclusions of the playbook's measures."""
    included = {measure.key: measure.includes for measure, _, _ in measures if measure is not None}
    told: set[frozenset[str]] = set()
    for measure, _, spot in measures:
        if measure is None:
            continue
        check_named(measure.includes, named.measures, "measure", spot, "includes")
        loop = _loop(measure.key, included)
        if loop is not None and frozenset(loop) not in told:
            told.add(frozenset(loop))
            spot.mistake(f"measures include each other: {' → '.join(loop)}", "take one of them out", at="includes")
        check_actions(measure.action, named, spot)


def _loop(start: str, included: Mapping[str, list[str]]) -> list[str] | None:
    """The shortest way from a measure by what it includes back to itself, as keys, itself first and last; None: there is none."""
    ways, seen = [[start]], {start}
    for way in ways:
        for key in included.get(way[-1], []):
            if key == start:
                return [*way, key]
            if key not in seen:
                seen.add(key)
                ways.append([*way, key])
    return None


def check_actions(actions: list[ActionEntry], named: Named, spot: Spot) -> None:
    """Report what is wrong with a list of actions, each on a spot of its own."""
    for action, here in zip(actions, nested_spots(spot, "action", len(actions)), strict=True):
        _check_fields(action, here)
        for key, known, what, at in (
            (action.gate, named.gates, "gate", "gate"),
            (action.to_gate, named.gates, "gate", "to_gate"),
            (action.zone, named.zones, "zone", "zone"),
            (action.event, named.events, "event", "event"),
        ):
            check_named([] if key is None else [key], known, what, here, at)
        _check_sides(action, named, here)
        _check_times(action, here)


def check_named(keys: list[str], known: Collection[str], what: str, spot: Spot, at: str) -> None:
    """Report keys that nothing has, with the nearest one that something has."""
    for key in keys:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            mend = f"did you mean {close[0]!r}?" if close else f"there is none of that name; there are {_list(known)}"
            spot.mistake(f"unknown {what} {key!r}", mend, at=at)


def _list(known: Collection[str]) -> str:
    return ", ".join(sorted(known)) if known else "none at all"


def _check_fields(action: ActionEntry, spot: Spot) -> None:
    given = [name for name in _FIELDS if getattr(action, name) is not None] + (["way"] if action.way != "both" else [])
    allowed: set[str] = set(_MAY.get(action.do, ()))
    for need in NEEDS[action.do]:
        ways = need.split(" or ")
        allowed.update(ways)
        if sum(way in given for way in ways) != 1:
            what = "needs to know which way: write way = in or way = out" if need == "way" else f"needs {need}"
            spot.mistake(f"{action.do!r} {what}", f"add {ways[0]} = …" if len(ways) == 1 else f"give one: {need}")
    for name in given:
        if name not in allowed:
            spot.mistake(f"{action.do!r} has no {name}", "leave it out", at=name)
    if action.do == "width" and action.width_m == 0:
        spot.mistake("a gate of no width", "write do = 'close'", at="width_m")


def _check_sides(action: ActionEntry, named: Named, spot: Spot) -> None:
    one, other = named.gates.get(action.gate or ""), named.gates.get(action.to_gate or "")
    if action.do == "stop-arrivals" and one is not None and OUTSIDE not in one:
        spot.mistake(f"nobody arrives by gate {action.gate!r}: it does not lead outside", "name one that does", at="gate")
    if action.do == "redirect" and one is not None and other is not None:
        if action.gate == action.to_gate:
            spot.mistake("people are led to the gate where they were going", "name another gate", at="to_gate")
        elif not set(one) & set(other):
            what = f"nobody can go to {action.to_gate!r} instead of {action.gate!r}: they have no side in common"
            spot.mistake(what, "name a gate of the same zone", at="to_gate")


def _check_times(action: ActionEntry, spot: Spot) -> None:
    start, end = action.from_, action.until
    relative = start is not None and end is not None and start.startswith("+") and end.startswith("+")
    if start is not None and end is not None and relative and duration_us(end[1:]) <= duration_us(start[1:]):
        spot.mistake(f"ends ({end}) before it begins ({start})", "set a later until", at="until")
    elif start is not None and start == end:
        spot.mistake(f"ends when it begins ({start})", "set a later until", at="until")

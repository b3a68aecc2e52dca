"""How levels look: a symbol beside each colour, and the legend's words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ruimte.jobs.room import ZoneView
from ruimte.web.words import Words

SYMBOLS = {3: "●", 4: "◆", 5: "▲"}
"""By place in the palette: the higher, the sharper. Lower levels are grey and have none."""

_PERCENTILES = {"normal": 0, "P90": 3, "P95": 4, "P99": 5}
_SERVICE = {"A": 0, "B": 1, "C": 2, "D": 3, "E": 4, "F": 5}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the legend."""

    name: str
    colour: int
    symbol: str
    told: str


def is_percentile(zone: ZoneView) -> bool:
    """Whether a place is measured against its own past, not against a level-of-service table."""
    return any(level in _PERCENTILES for level in (*zone.thresholds, zone.level))


def legend(zones: Iterable[ZoneView], words: Words) -> list[Step]:
    """The steps that the map can show: of level-of-service tables, of percentiles, or of both."""
    kinds = {is_percentile(zone) for zone in zones}
    steps = []
    if False in kinds:
        steps += [_step(name, colour, words("Level of service %(level)s", level=name)) for name, colour in _SERVICE.items()]
    if True in kinds:
        told = {"normal": words("Not unusual for this weekday and hour, or below the lab's minimum")}
        for name in ("P90", "P95", "P99"):
            told[name] = words(
                "Busier than %(share)s of 100 such hours (same weekday, same hour), and above the lab's minimum", share=name[1:]
            )
        steps += [_step(words.level(name), colour, told[name]) for name, colour in _PERCENTILES.items()]
    return steps


def worst_first(zones: Iterable[ZoneView]) -> list[ZoneView]:
    """What calls for attention first: abnormal now, then likely to be, then silent, then the rest; the busiest first."""

    def weight(zone: ZoneView) -> tuple[float, ...]:
        ahead = zone.ahead.probability * (1 + zone.ahead.rank) if zone.ahead else 0.0
        unknown = zone.silent or zone.mean is None
        return (zone.colour if zone.abnormal else 0, round(ahead, 1), unknown, zone.mean or 0.0)

    return sorted(zones, key=weight, reverse=True)


def _step(name: str, colour: int, told: str) -> Step:
    return Step(name, colour, SYMBOLS.get(colour, ""), told)

"""How a sensor's condition looks: a word, and a symbol where it calls for attention."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ruimte.jobs.room import SensorView
from ruimte.web.words import Words

SYMBOLS = {"lying": "✖", "stuck": "▪", "silent": "?", "doubtful": "?", "drifting": "↗", "missing": "○"}
"""By condition, the worst first; "fine" and "new" are no trouble and have none."""

IMBALANCED = 1.1
"""From so many times more one way than the other on, it is worth telling."""


@dataclass(frozen=True, slots=True)
class Rests:
    """On how many of its sensors a figure rests, and which is in the worst trouble."""

    used: int
    total: int
    worst: SensorView | None


def names(words: Words) -> dict[str, str]:
    """The word for each condition."""
    return {
        "fine": words("fine"),
        "new": words("new"),
        "drifting": words("drifts"),
        "doubtful": words("doubtful"),
        "silent": words("silent"),
        "stuck": words("stuck"),
        "lying": words("wrong"),
        "missing": words("no sensor"),
    }


def worst_first(sensors: Iterable[SensorView]) -> list[SensorView]:
    """Those in trouble first. What no sensor watches is so every day, and comes after what is news."""
    order = {condition: place for place, condition in enumerate(SYMBOLS)}
    return sorted(sensors, key=lambda sensor: order.get(sensor.condition, len(order)))


def rests(sensors: Iterable[SensorView]) -> Rests:
    """The summary; a gate without a sensor does not count as one."""
    every = worst_first(sensors)
    real = [sensor for sensor in every if sensor.condition != "missing"]
    worst = next((sensor for sensor in every if sensor.condition in SYMBOLS), None)
    return Rests(sum(sensor.used for sensor in real), len(real), worst)


def uneven(imbalance: float | None, words: Words) -> str:
    """How much more a sensor counts one way than the other, where that is worth telling.

    >>> from zoneinfo import ZoneInfo
    >>> uneven(0.5, Words("en", ZoneInfo("UTC")))
    'Counts 2.0\xa0× more out than in; corrected.'
    """
    if imbalance is None or 1 / IMBALANCED < imbalance < IMBALANCED:
        return ""
    times = f"{words.decimal(max(imbalance, 1 / imbalance))}\N{NO-BREAK SPACE}×"
    if imbalance > 1:
        return words("Counts %(times)s more in than out; corrected.", times=times)
    return words("Counts %(times)s more out than in; corrected.", times=times)

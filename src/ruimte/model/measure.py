"""What sensors can measure: the vocabulary of the register, with units and what is plausible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Measure:
    """One measurable quantity.

    ``over`` tells how a result relates to time: a ``total`` or a ``mean`` of its interval, or an ``instant``. ``unit`` is its
    name, ``symbol`` its UCUM code. Results below ``lowest`` cannot be; above ``highest`` they are doubtful.
    """

    key: str
    unit: str
    symbol: str
    over: Literal["total", "mean", "instant"]
    definition: str
    lowest: float = 0.0
    highest: float = float("inf")


MEASURES: dict[str, Measure] = {
    each.key: each
    for each in (
        Measure("count", "persons", "{persons}", "total", "persons who passed, both directions together"),
        Measure("count_in", "persons", "{persons}", "total", "persons who passed from the gate's 'from' to its 'to'"),
        Measure("count_out", "persons", "{persons}", "total", "persons who passed from the gate's 'to' to its 'from'"),
        Measure("people", "persons", "{persons}", "instant", "persons present in the zone"),
        Measure("people_sd", "persons", "{persons}", "instant", "by how much a figure of the persons present may be off (1 sd)"),
        Measure(
            "density",
            "persons per square metre",
            "{persons}/m2",
            "instant",
            "persons on a square metre of the zone",
            highest=10.0,
        ),
        Measure("speed", "metres per second", "m/s", "mean", "walking speed", highest=5.0),
        Measure("dwell", "seconds", "s", "mean", "time that persons stay in the zone"),
        Measure("occupancy", "share", "1", "mean", "share of time in which somebody is present", highest=1.0),
        Measure("devices", "devices", "{devices}", "total", "devices that were present, counted by the sensor itself"),
        Measure("sound_level", "decibels", "dB", "mean", "equivalent A-weighted sound level (LAeq)", highest=140.0),
        Measure("temperature", "degrees Celsius", "Cel", "mean", "air temperature", lowest=-60.0, highest=60.0),
        Measure("humidity", "share", "1", "mean", "relative humidity", highest=1.0),
        Measure("wind_speed", "metres per second", "m/s", "mean", "wind speed", highest=60.0),
        Measure("precipitation", "millimetres", "mm", "total", "rain and melted snow", highest=100.0),
    )
}
"""Every measure by its key. The estimate rests on ``FLOWS`` and ``PRESENCES``."""

FLOWS = ("count", "count_in", "count_out")
"""Persons who passed a gate or count point."""

PRESENCES = ("people", "density", "devices")
"""What tells how many people are in a zone; devices in a proportion that has to be learned."""

"""The health of a lab's sensors, as people need it: by sensor, with the evidence and what the picture does without it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ruimte.estimate.health import Condition, StreamHealth, health
from ruimte.lab.lab import Lab
from ruimte.model.place import Model

WORST: tuple[Condition, ...] = ("fine", "new", "drifting", "doubtful", "silent", "stuck", "lying")
"""Conditions from the mildest on."""
IMBALANCED = 1.1
"""From so many times more one way than the other on, it is worth saying."""


@dataclass(frozen=True, slots=True)
class SensorHealth:
    """One sensor of the register at one moment.

    ``condition`` is that of its worst datastream, but it is silent only when all of them are. ``imbalance``: how many times more
    it counts in than out for the same number of people; None where that is not known, or it does not count both ways.
    """

    key: str
    place: str
    condition: Condition
    since_us: int | None
    heard_us: int | None
    used: bool
    imbalance: float | None
    streams: tuple[StreamHealth, ...]

    @property
    def worst(self) -> StreamHealth:
        """The datastream that its condition comes from."""
        return next((one for one in self.streams if one.condition == self.condition), self.streams[0])


def sensor_of(stream_key: str) -> str:
    """The sensor's key in that of a datastream."""
    return stream_key.split("/")[0]


def sensor_health(lab: Lab, model: Model, state: bytes | None) -> list[SensorHealth]:
    """The health of every sensor on which the estimate rests, in the register's order."""
    found = health(model, state)
    by_sensor: dict[str, list[StreamHealth]] = {}
    for one in found:
        by_sensor.setdefault(sensor_of(one.key), []).append(one)
    return [_sensor(key, lab.sensors[key].place, by_sensor[key]) for key in lab.sensors if key in by_sensor]


def _sensor(key: str, place: str, streams: list[StreamHealth]) -> SensorHealth:
    condition = worst_of(one.condition for one in streams)
    since = [one.since_us for one in streams if one.condition == condition and one.since_us is not None]
    heard = [one.heard_us for one in streams if one.heard_us is not None]
    ways = {one.key.rpartition("/")[2]: one for one in streams if one.calibrated}
    both = "count_in" in ways and "count_out" in ways
    return SensorHealth(
        key=key,
        place=place,
        condition=condition,
        since_us=min(since) if since else None,
        heard_us=max(heard) if heard else None,
        used=any(one.used for one in streams),
        imbalance=ways["count_out"].scale / ways["count_in"].scale if both else None,
        streams=tuple(streams),
    )


def worst_of(conditions: Iterable[Condition]) -> Condition:
    """The condition of a sensor by those of its datastreams: it is silent only when all of them are."""
    every = list(conditions)
    if "silent" in every and not all(one in ("silent", "new") for one in every):
        every = [one for one in every if one != "silent"]
    return max(every, key=WORST.index)


def figures(sensor: SensorHealth) -> dict[str, Any]:
    """What the sentence about a sensor's condition tells: times in µs, counts of one tick, and moves of the calibration as
    shares."""
    worst = sensor.worst
    moved = worst.scale / worst.reference - 1
    known: dict[str, Any] = {
        "sensor": sensor.key,
        "heard": worst.heard_us,
        "said": worst.said,
        "expected": worst.expected,
        "repeats": float(worst.repeats),
        "moved": abs(moved),
    }
    return {name: value for name, value in known.items() if value is not None}


def sentence(sensor: SensorHealth) -> str:
    """Which sentence tells of a sensor's condition (a key of the words)."""
    worst = sensor.worst
    if sensor.condition in ("drifting", "lying") and worst.calibrated and abs(worst.scale / worst.reference - 1) > 0.1:
        # a larger scale: more pass for each one that is counted, so it counts fewer
        return f"sensor.{sensor.condition}-{'less' if worst.scale > worst.reference else 'more'}"
    return f"sensor.{'doubtful' if sensor.condition == 'lying' else sensor.condition}"


def unwatched(lab: Lab, model: Model) -> list[str]:
    """Keys of the gates that no sensor of the register watches: what passes there can only be guessed."""
    watched = {model.links[stream.link].gate for stream in model.streams}
    return [gate for gate in lab.gates if gate not in watched]

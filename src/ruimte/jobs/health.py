"""The health of a lab's sensors, as people need it: by sensor, with the evidence and what the picture does without it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ruimte.clock import from_us, iso
from ruimte.errors import RuimteError
from ruimte.estimate.health import Balance, Condition, StreamHealth, balances, health
from ruimte.jobs.words import Words
from ruimte.lab.compile import compile_lab
from ruimte.lab.lab import Lab
from ruimte.model.place import Model
from ruimte.store import results
from ruimte.store.sqlite import Reader

WORST: tuple[Condition, ...] = ("fine", "new", "drifting", "doubtful", "silent", "stuck", "lying")
"""Conditions from the mildest on."""
KNOWN_WITHIN = 0.1
"""An imbalance is told once it is known within this (standard deviation)."""


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
    ratios = {one.place: one.ratio for one in balances(model, state) if one.sd <= KNOWN_WITHIN}
    by_sensor: dict[str, list[StreamHealth]] = {}
    for one in found:
        by_sensor.setdefault(sensor_of(one.key), []).append(one)
    return [_sensor(key, lab.sensors[key].place, by_sensor[key], ratios) for key in lab.sensors if key in by_sensor]


def _sensor(key: str, place: str, streams: list[StreamHealth], ratios: dict[str, float]) -> SensorHealth:
    condition = worst_of(one.condition for one in streams)
    since = [one.since_us for one in streams if one.condition == condition and one.since_us is not None]
    heard = [one.heard_us for one in streams if one.heard_us is not None]
    both = {"count_in", "count_out"} <= {one.key.rpartition("/")[2] for one in streams}
    return SensorHealth(
        key=key,
        place=place,
        condition=condition,
        since_us=min(since) if since else None,
        heard_us=max(heard) if heard else None,
        used=any(one.used for one in streams),
        imbalance=ratios.get(place) if both else None,
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
    if sensor.condition in ("drifting", "lying") and worst.moved:
        # a larger scale: more pass for each one that is counted, so it counts fewer
        return f"sensor.{sensor.condition}-{'less' if worst.scale > worst.reference else 'more'}"
    return f"sensor.{'doubtful' if sensor.condition == 'lying' else sensor.condition}"


def unwatched(lab: Lab, model: Model) -> list[str]:
    """Keys of the gates that no sensor of the register watches: what passes there can only be guessed."""
    watched = {model.links[stream.link].gate for stream in model.streams}
    return [gate for gate in lab.gates if gate not in watched]


@dataclass(frozen=True, slots=True)
class Found:
    """The health of a lab's sensors at the end of the newest estimate, the imbalance of its zones' counters, and the gates that
    no sensor watches."""

    at_us: int
    sensors: tuple[SensorHealth, ...]
    zones: tuple[Balance, ...]
    unwatched: tuple[str, ...]


def read_health(lab: Lab, store: Reader, named: str) -> Found:
    """What the newest estimate in a database knows of the sensors. Raises ``RuimteError`` where there is none."""
    saved = store.read(lambda connection: results.snapshot(connection, "estimate"))
    if saved is None:
        raise RuimteError("holds no estimate yet", str(store.path), f"make one: ruimte estimate {named}")
    model = compile_lab(lab, store.stream_ids())
    zones = tuple(one for one in balances(model, saved[1]) if one.place in lab.zones)
    return Found(saved[0], tuple(sensor_health(lab, model, saved[1])), zones, tuple(unwatched(lab, model)))


def as_rows(lab: Lab, found: Found) -> dict[str, Any]:
    """For ``--json``. ``scale`` is persons who pass for each one counted (of a reading: what it tells for each person inside)."""
    words = Words(lab, "en")
    return {
        "lab": lab.key,
        "time": iso(found.at_us),
        "sensors": [
            {
                "key": each.key,
                "place": each.place,
                "condition": each.condition,
                "since": None if each.since_us is None else iso(each.since_us),
                "heard": None if each.heard_us is None else iso(each.heard_us),
                "used": each.used,
                "imbalance": each.imbalance,
                "told": words.sentence(sentence(each), figures(each)),
                "streams": [
                    {
                        "key": one.key,
                        "condition": one.condition,
                        "scale": one.scale,
                        "scale_sd": one.scale_sd,
                        "calibrated": one.calibrated,
                        "said": one.said,
                        "expected": one.expected,
                    }
                    for one in each.streams
                ],
            }
            for each in found.sensors
        ],
        "zones": [{"key": one.place, "imbalance": one.ratio, "imbalance_sd": one.sd} for one in found.zones],
        "unwatched": list(found.unwatched),
    }


def table(lab: Lab, found: Found) -> list[str]:
    """As lines of text: a line a sensor, then a sentence for each that is in trouble; times are the lab's."""
    words = Words(lab, "en")
    width = max([len(each.key) for each in found.sensors] + [6])
    head = f"{'sensor':{width}}  {'condition':9}  {'last heard':16}  {'in':>12}  {'out':>12}  in/out"
    lines = [f"{lab.key}: {len(found.sensors)} sensors at {_local(lab, found.at_us)}", head]
    for each in found.sensors:
        heard = "never" if each.heard_us is None else _local(lab, each.heard_us)
        ways = {one.key.rpartition("/")[2]: one for one in each.streams}
        into, out = (_scale(ways.get(way)) for way in ("count_in", "count_out"))
        ratio = "" if each.imbalance is None else f"{each.imbalance:6.2f}"
        lines.append(f"{each.key:{width}}  {each.condition:9}  {heard:16}  {into:>12}  {out:>12}  {ratio}".rstrip())
    lines += [f"{one.place}: counted {one.ratio:.2f} ± {one.sd:.2f} times more in than out" for one in found.zones]
    lines.append("in, out: persons who pass for each one counted; in/out: how many times more it counts in than out")
    for each in found.sensors:
        if each.condition not in ("fine", "new"):
            since = "" if each.since_us is None else f" since {_local(lab, each.since_us)}"
            lines.append(f"{each.key}: {each.condition}{since}. {words.sentence(sentence(each), figures(each))}")
    lines += [f"{gate}: {words.sentence('sensor.missing', {})}" for gate in found.unwatched]
    return lines


def _scale(one: StreamHealth | None) -> str:
    if one is None:
        return ""
    return f"{one.scale:.2f} ± {one.scale_sd:.2f}" if one.calibrated else "not known"


def _local(lab: Lab, moment_us: int) -> str:
    return f"{from_us(moment_us).astimezone(lab.zone):%Y-%m-%d %H:%M}"

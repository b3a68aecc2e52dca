"""A made-up city with known truth: ninety days of people, and what thirty gate sensors, three cameras and a wifi counter report.

The sensors see a share of those who pass (another one in and out, drifting over the months), count some twice, lose rows and send
late; some die, silently or with zeros, one is stuck for a day, and from the middle on one lies. Everything is labelled.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks._crowd import DAY, EMPTY_HOUR, GATES, HOUR, LINKS, ZONES, Crowd, live
from benchmarks._rows import Array, Ints, table
from ruimte.clock import DAY_US, HOUR_US, MINUTE_US, to_us
from ruimte.model.place import Link, Model, Place, Reading, Stream

TICK_US = 5 * MINUTE_US
START_US = to_us(datetime(2026, 1, 5, tzinfo=UTC))
"""A Monday at midnight; the city's time is UTC."""
LATEST_TICKS = 2
DOUBLE = 0.01
"""Share of the counted persons who are counted twice."""
CAMERA_SD, DEVICES_SD = 0.2, 0.1
"""Relative error of one figure of a camera, and of the device counter beyond who happens to carry a device."""
LIE = 1.6
_CAMERAS, _MOST = 3, 2000.0
_DEATHS_A_DAY = 12 / 90

Kind = Literal["silent", "zeros", "stuck", "scaled", "replayed"]


@dataclass(frozen=True, slots=True)
class Label:
    """What was wrong with a sensor, and with which of its datastreams (ids), in the ticks of ``[start_us, end_us)``."""

    sensor: str
    kind: Kind
    start_us: int
    end_us: int
    streams: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Secrets:
    """What only an oracle knows.

    ``detection`` and ``trusted`` (ticks, streams): the share that a datastream sees, and whether its rows tell that;
    ``proportion`` (ticks,): devices a person; ``expected``, ``spread`` (ticks, links): a flow's mean and variance in its hour.
    """

    detection: Array
    trusted: NDArray[np.bool_]
    proportion: Array
    expected: Array
    spread: Array


@dataclass(frozen=True, slots=True)
class City:
    """The city: its lab, what comes in (by ``received_us``), and the truth.

    ``people`` (ticks, zones) at the end of each tick from ``START_US`` on; ``flows`` (ticks, links) in it. Datastream ids are 1 +
    link, then those of the readings.
    """

    model: Model
    observations: pa.Table
    people: Ints
    flows: Ints
    labels: tuple[Label, ...]
    secrets: Secrets

    @property
    def open(self) -> NDArray[np.bool_]:
        """Ticks in which people are about: 06:00 to 01:00; shape (ticks,)."""
        hour = np.arange(len(self.people)) % DAY / HOUR
        return (hour >= 6.0) | (hour < 1.0)


def simulate(days: int = 90, seed: int = 0, lie: Literal["scaled", "replayed"] = "scaled") -> City:
    """The city of a seed: same seed, same city.

    The liar counts ``LIE`` times those who come in, or replays the rows that it sent on one day two weeks earlier.
    """
    crowd = live(days, np.random.default_rng([seed, 0]))
    chance = np.random.default_rng([seed, 1])
    detection = _detection(days, chance)
    seen = chance.binomial(crowd.flows, detection)
    counted = (seen + chance.binomial(seen, DOUBLE)).astype(np.float64)
    model = _model(crowd, days, chance)
    labels = _labels(counted, lie, chance)
    trusted = np.ones(counted.shape, np.bool_)
    for label in labels:
        _spoil(counted, trusted, label)
    figures, proportion = _figures(model, crowd, chance)
    observations = _rows(np.hstack([counted, figures]), chance)
    secrets = Secrets(detection, trusted, proportion, crowd.expected, crowd.spread)
    return City(model, observations, crowd.people, crowd.flows, labels, secrets)


def _detection(days: int, chance: np.random.Generator) -> Array:
    """Share that each datastream sees, shape (ticks, streams): 0.80–0.99, with a walk of up to 8 % over the months."""
    walk = np.cumsum(chance.standard_normal((days + 1, len(LINKS))), axis=0)
    walk *= chance.uniform(0.02, 0.08, len(LINKS)) / np.abs(walk).max(0)
    first = 0.80 + 0.19 * chance.beta(2.5, 1.5, len(LINKS))
    tick = np.arange(days * DAY) / DAY
    drift = np.stack([np.interp(tick, np.arange(days + 1), column) for column in walk.T], axis=1)
    return np.clip(first * (1.0 + drift), 0.7, 0.995)


def _figures(model: Model, crowd: Crowd, chance: np.random.Generator) -> tuple[Array, Array]:
    """What cameras and the device counter report, shape (ticks, readings), and the devices a person, shape (ticks,)."""
    ticks = len(crowd.people)
    days = np.arange(0, ticks + DAY, DAY)
    proportion = 0.35 * np.exp(np.interp(np.arange(ticks), days, 0.04 * np.cumsum(chance.standard_normal(len(days)))))
    proportion = np.clip(proportion, 0.2, 0.6)
    figures = np.empty((ticks, len(model.readings)))
    for column, reading in enumerate(model.readings):
        present = crowd.people[:, reading.place]
        if reading.measure == "people":
            figures[:, column] = present * (1.0 + CAMERA_SD * chance.standard_normal(ticks))
        else:
            figures[:, column] = chance.binomial(present, proportion) * (1.0 + DEVICES_SD * chance.standard_normal(ticks))
    return np.maximum(np.rint(figures), 0.0), proportion


def _labels(counted: Array, lie: Kind, chance: np.random.Generator) -> tuple[Label, ...]:
    """Who dies, is stuck and lies, each gate at most once, at moments of the day at which it counts somebody."""
    ticks = len(counted)
    days = ticks // DAY
    deaths = max(2, round(_DEATHS_A_DAY * days))
    gates = chance.permutation(len(GATES))[: deaths + 2]
    found = []
    for number, gate in enumerate(gates):
        kind: Kind = lie if number == deaths + 1 else "stuck" if number == deaths else "silent" if number % 2 else "zeros"
        day = int(chance.integers(min(3, days // 4), max(days - 2, 1)))
        first = day * DAY + int(chance.integers(9 * HOUR, 19 * HOUR))
        lasts = int(chance.integers(6 * HOUR, 48 * HOUR))
        streams = (int(2 * gate + 1), int(2 * gate + 2))
        if kind == "stuck":
            lasts = DAY
            while counted[first - 1, 2 * gate : 2 * gate + 2].min() < 1.0:
                first += 1
        elif kind == lie:
            first, lasts, streams = days // 2 * DAY, ticks, streams[:1] if lie == "scaled" else streams
        span = START_US + first * TICK_US, START_US + min(first + lasts, ticks) * TICK_US
        found.append(Label(f"gate{gate:02d}", kind, *span, streams))
    return tuple(sorted(found, key=lambda label: label.start_us))


def _spoil(counted: Array, trusted: NDArray[np.bool_], label: Label) -> None:
    """Put into the counts what the label says; NaN is no row."""
    first, after = (label.start_us - START_US) // TICK_US, (label.end_us - START_US) // TICK_US
    columns = np.array(label.streams) - 1
    trusted[first:after, columns] = False
    match label.kind:
        case "silent":
            counted[first:after, columns] = np.nan
        case "zeros":
            counted[first:after, columns] = 0.0
        case "stuck":
            counted[first:after, columns] = counted[first - 1, columns]
        case "scaled":
            counted[first:after, columns] = np.rint(LIE * counted[first:after, columns])
        case "replayed":
            long_ago = first - 14 * DAY if first >= 14 * DAY else 0
            day = counted[long_ago : long_ago + DAY, columns]
            counted[first:after, columns] = np.resize(day, (after - first, len(columns)))


def _rows(results: Array, chance: np.random.Generator) -> pa.Table:
    """Results (ticks, datastreams) as rows: 1–2 % are lost, the others come in up to ``LATEST_TICKS`` late."""
    kept = (chance.random(results.shape) >= chance.uniform(0.01, 0.02, results.shape[1])) & ~np.isnan(results)
    tick, column = np.nonzero(kept)
    ends_us = START_US + (tick + 1) * TICK_US
    late_us = chance.integers(0, LATEST_TICKS * TICK_US, len(tick))
    return table(column + 1, ends_us, np.full(len(tick), TICK_US), ends_us + late_us, results[kept])


def _model(crowd: Crowd, days: int, chance: np.random.Generator) -> Model:
    valid = START_US, START_US + (days + 1) * DAY_US
    ways = [(f"gate{gate:02d}", way) for gate in range(len(GATES)) for way in ("in", "out")]
    watched = chance.permutation(ZONES)[: _CAMERAS + 1]
    first = len(LINKS) + 1
    cameras = [
        Reading(first + number, f"camera{zone:02d}/people", int(zone), "people", TICK_US, *valid, CAMERA_SD)
        for number, zone in enumerate(watched[:_CAMERAS])
    ]
    wifi = Reading(first + _CAMERAS, f"wifi{watched[-1]:02d}/devices", int(watched[-1]), "devices", TICK_US, *valid, 0.15)
    return Model(
        lab="city",
        places=tuple(
            Place(f"zone{zone:02d}", f"zone {zone}", "people", "zone00", area_m2=float(area), empty_at_us=EMPTY_HOUR * HOUR_US)
            for zone, area in enumerate(crowd.area_m2)
        ),
        links=tuple(Link(gate, way, int(one), int(other)) for (gate, way), (one, other) in zip(ways, LINKS, strict=True)),
        streams=tuple(
            Stream(link + 1, f"{gate}/count_{way}", link, TICK_US, *valid, _MOST) for link, (gate, way) in enumerate(ways)
        ),
        tick_us=TICK_US,
        phase_us=0,
        lateness_us=LATEST_TICKS * TICK_US,
        offset_from_us=np.zeros(1, np.int64),
        offset_us=np.zeros(1, np.int64),
        readings=(*cameras, wifi),
    )

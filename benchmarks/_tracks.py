"""Truth from real trajectories: who is in a zone of a walking experiment, who crosses its lines, and what counters would see.

The runs are laboratory experiments of Forschungszentrum Jülich (``../shared/data/juelich_trajectories``): a corridor in one way,
a corridor in both ways, and a bottleneck. A zone is the strip between two lines across the walking direction; the walls close it
at the sides. Each line is a gate. Who is in the zone when the recording begins comes in through a third gate, ``start``.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks._rows import Array, Estimate, Ints, grid, score, table
from ruimte.clock import SECOND_US, to_us
from ruimte.model.place import OUTSIDE, Fact, Link, Model, Place, Reading, Stream, Way

FOLDER = Path(__file__).parent.parent.parent / "shared/data/juelich_trajectories"
START_US = to_us(datetime(2026, 1, 5, 12, tzinfo=UTC))
LEAST_S = 600
"""A series is at least so long: a family's runs are played one after another until it is."""
LINE_MOST = 60.0
"""Persons that a counter can count in one way in a second."""
MEMORY_S = 5.0
"""Seconds over which the oracle averages how many a counter sees, for the variance."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """How to read a run: the column (x: 2, y: 3) that is along the way, and the strip, in the file's own unit."""

    family: str
    fps: int
    axis: int
    low: float
    high: float
    area_m2: float
    gates: tuple[str, str]


_ONE_WAY = _Layout("corridor, one way", 16, 3, -400.0, 400.0, 14.4, ("exit", "entrance"))
_BOTH_WAYS = _Layout("corridor, both ways", 25, 2, -400.0, 300.0, 28.0, ("west", "east"))
# from the crowd that waits (1.5 m × 5.6 m) into the bottleneck (0.5 m wide), where the last person's track ends at -1.2 m
_BOTTLENECK = _Layout("bottleneck", 25, 3, -1.1, 1.5, 9.0, ("bottleneck", "behind"))
_RUNS = {
    "uo-050-180-180": _ONE_WAY,
    "uo-060-180-180": _ONE_WAY,
    "uo-070-180-180": _ONE_WAY,
    "uo-100-180-180": _ONE_WAY,
    "uo-145-180-180": _ONE_WAY,
    "bi_corr_400_b_03": _BOTH_WAYS,
    "040_c_56_h-": _BOTTLENECK,
}


@dataclass(frozen=True, slots=True)
class Run:
    """People in one zone, exact to the frame.

    A crossing is at ``time_s`` (n,), through ``gate`` (n,; index in ``gates``), and ``way`` (n,) is 1 into the zone and -1 out of
    it. ``people`` (seconds,) are in the zone at the end of each second; a crossing at the very end of a second belongs to it.
    """

    name: str
    family: str
    seconds: int
    time_s: Array
    gate: Ints
    way: Ints
    people: Ints
    area_m2: float
    gates: tuple[str, ...]

    def flows(self) -> Ints:
        """True crossings by second, gate and way (in, out), shape (seconds, gates, 2)."""
        counts = np.zeros((self.seconds, len(self.gates), 2), np.int64)
        second = np.ceil(self.time_s - 1e-9).astype(np.int64) - 1
        np.add.at(counts, (second, self.gate, (self.way < 0).astype(np.int64)), 1)
        return counts


@dataclass(frozen=True, slots=True)
class Truth:
    """The truth behind a run's observations.

    ``people`` (seconds,) at the end of each second; ``inflow``, ``outflow`` (seconds,) persons/s; ``detection`` (gates, 2) the
    share of crossings in and out that each gate's counter sees; ``camera_sd`` the camera's relative error.
    """

    people: Ints
    inflow: Ints
    outflow: Ints
    detection: Array
    camera_sd: float


def runs() -> list[Run]:
    """Every recorded run by itself. Raises ``FileNotFoundError`` where the files are not there."""
    return [_run(name, layout) for name, layout in _RUNS.items()]


def series() -> list[Run]:
    """One series a family, at least ``LEAST_S`` long: its runs one after another, again and again, the zone empty in between."""
    every = runs()
    families = dict.fromkeys(run.family for run in every)
    return [repeat([run for run in every if run.family == family]) for family in families]


def repeat(parts: list[Run], least_s: int = LEAST_S) -> Run:
    """Runs of one family as one longer run."""
    played: list[Run] = []
    while sum(run.seconds for run in played) < least_s:
        played += parts
    offsets = np.cumsum([0, *(run.seconds for run in played)])
    return replace(
        parts[0],
        name=parts[0].family,
        seconds=int(offsets[-1]),
        time_s=np.concatenate([run.time_s + offset for run, offset in zip(played, offsets[:-1], strict=True)]),
        gate=np.concatenate([run.gate for run in played]),
        way=np.concatenate([run.way for run in played]),
        people=np.concatenate([run.people for run in played]),
    )


def misses(rate: float, seed: int) -> tuple[float, float]:
    """Shares missed in and out for a nominal rate: one way half of it, the other one and a half; which one, the seed tells."""
    return (0.5 * rate, 1.5 * rate) if seed % 2 == 0 else (1.5 * rate, 0.5 * rate)


def observe(
    run: Run,
    seed: int,
    miss_in: float,
    miss_out: float,
    late_s: tuple[float, float] = (0.0, 3.0),
    camera_sd: float = 0.15,
    camera_every_s: int | None = 1,
) -> tuple[Model, pa.Table, Truth]:
    """What a counter at each gate and a camera would report of a run, and the lab for it.

    Each crossing is missed with probability ``miss_in`` or ``miss_out``. A row a second and datastream, which comes in ``late_s``
    (from, to) after its end. The camera's figure, at the end of its interval, has a relative error of ``camera_sd`` and is whole;
    with ``camera_every_s`` None there is no camera. Same seed, same rows.
    """
    chance = np.random.default_rng([seed, 1])
    model = _model(run, camera_sd, camera_every_s, late_s[1])
    flows, gates = run.flows(), len(run.gates)
    detection = np.tile([1.0 - miss_in, 1.0 - miss_out], (gates, 1))
    counted = chance.binomial(flows, detection).reshape(run.seconds, gates * 2)
    every_s = camera_every_s or run.seconds + 1
    seen_s = np.arange(every_s, run.seconds + 1, every_s)
    noise = 1.0 + camera_sd * chance.standard_normal(len(seen_s))
    camera = np.maximum(np.rint(run.people[seen_s - 1] * noise), 0.0)
    ids = [stream.id for stream in model.streams]
    ends_s = np.concatenate([np.repeat(np.arange(1, run.seconds + 1), len(ids)), seen_s])
    streams = np.concatenate([np.tile(ids, run.seconds), np.full(len(seen_s), _camera(model))])
    interval_us = np.where(streams == _camera(model), every_s, 1) * SECOND_US
    ends_us = START_US + ends_s * SECOND_US
    received_us = ends_us + (chance.uniform(*late_s, len(ends_us)) * SECOND_US).astype(np.int64)
    rows = table(streams, ends_us, interval_us, received_us, np.concatenate([counted.ravel(), camera]))
    return model, rows, Truth(run.people, flows[:, :, 0].sum(1), flows[:, :, 1].sum(1), detection, camera_sd)


def naive(model: Model, observations: pa.Table, seconds: int) -> Array:
    """People by adding up in − out of what was counted, never below 0; shape (seconds,)."""
    counted = np.nan_to_num(_counted(model, observations, seconds))
    people = np.zeros(seconds)
    inside = 0.0
    for second, change in enumerate(counted[:, 0::2].sum(1) - counted[:, 1::2].sum(1)):
        inside = people[second] = max(inside + change, 0.0)
    return people


def oracle(model: Model, observations: pa.Table, truth: Truth) -> Estimate:
    """A Kalman filter that knows every counter's detection rate and the camera's error; mean and sd of shape (seconds, 1).

    A count c of detection p stands for c/p crossings, with the binomial's variance c(1 − p)/p², there with c averaged over some
    seconds. The camera's variance is that of its relative error at the predicted people (at least 1), and of rounding.
    """
    seconds = len(truth.people)
    detection = truth.detection.ravel()
    counted = _counted(model, observations, seconds)
    camera = grid(model, observations, [_camera(model)], START_US, seconds)[:, 0]
    way = np.tile([1.0, -1.0], len(detection) // 2)
    change = (counted / detection * way).sum(1)
    spread = (_averaged(counted) * (1.0 - detection) / detection**2).sum(1)
    mean, variance = 0.0, model.facts[0].sd ** 2
    result = Estimate(np.zeros((seconds, 1)), np.zeros((seconds, 1)))
    for second in range(seconds):
        mean, variance = max(mean + change[second], 0.0), variance + spread[second]
        if not np.isnan(camera[second]):
            noise = truth.camera_sd**2 * (max(mean, 1.0) ** 2 + variance) + 1 / 12
            gain = variance / (variance + noise)
            mean, variance = max(mean + gain * (camera[second] - mean), 0.0), (1.0 - gain) * variance
        result.mean[second], result.sd[second] = mean, np.sqrt(variance)
    return result


def _counted(model: Model, observations: pa.Table, seconds: int) -> Array:
    return grid(model, observations, [stream.id for stream in model.streams], START_US, seconds)


def _averaged(counted: Array) -> Array:
    """Counts (seconds, streams) averaged over the last seconds: a second in which nobody was counted is not free of misses."""
    averages, average = np.empty(counted.shape), np.zeros(counted.shape[1])
    for second, counts in enumerate(counted):
        average = averages[second] = average + (counts - average) / MEMORY_S
    return averages


def _camera(model: Model) -> int:
    """Id of the camera's datastream, whether it is there or not."""
    return len(model.streams) + 1


def _run(name: str, layout: _Layout) -> Run:
    with gzip.open(FOLDER / f"{name}.txt.gz", "rt") as lines:
        rows = np.loadtxt(lines, comments="#")
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    who, frame, along = rows[:, 0].astype(np.int64), rows[:, 1].astype(np.int64), rows[:, layout.axis]
    inside = (along > layout.low) & (along < layout.high)
    seconds = int(-(-frame.max() // layout.fps)) + 2
    people = np.array([inside[frame == layout.fps * second].sum() for second in range(1, seconds + 1)])
    begins = np.append(True, who[1:] != who[:-1])
    if (inside & np.append(begins[1:], True)).any() or (inside & begins & (frame > 0)).any():
        raise ValueError(f"{name}: a track begins or ends inside the zone")
    crossed = np.flatnonzero((inside[1:] != inside[:-1]) & ~begins[1:]) + 1
    at_first = np.flatnonzero(inside & begins)
    # the one of the two rows that is outside the strip tells which line was crossed
    beyond = np.where(inside[crossed], along[crossed - 1], along[crossed])
    gate = np.concatenate([np.zeros(len(at_first), np.int64) + 2, (beyond >= layout.high).astype(np.int64)])
    # at the first frame they are in already; half a frame later, so that it is in the first second, also of a longer series
    time_s = np.concatenate([np.full(len(at_first), 0.5), frame[crossed]]) / layout.fps
    way = np.concatenate([np.ones(len(at_first), np.int64), np.where(inside[crossed], 1, -1)])
    order = np.argsort(time_s, kind="stable")
    gates = (*layout.gates, "start") if len(at_first) else layout.gates
    return Run(name, layout.family, seconds, time_s[order], gate[order], way[order], people, layout.area_m2, gates)


def _model(run: Run, camera_sd: float, camera_every_s: int | None, latest_s: float) -> Model:
    ways: list[tuple[str, Way]] = [(gate, way) for gate in run.gates for way in ("in", "out")]
    links = tuple(Link(gate, way, *((OUTSIDE, 0) if way == "in" else (0, OUTSIDE))) for gate, way in ways)
    valid = START_US, START_US + (run.seconds + 3600) * SECOND_US
    camera = Reading(len(ways) + 1, "camera/people", 0, "people", (camera_every_s or 1) * SECOND_US, *valid, camera_sd)
    return Model(
        lab="tracks",
        places=(Place("zone", run.family, "people", "zone", area_m2=run.area_m2),),
        links=links,
        streams=tuple(
            Stream(number + 1, f"{gate}/count_{way}", number, SECOND_US, *valid, LINE_MOST)
            for number, (gate, way) in enumerate(ways)
        ),
        tick_us=SECOND_US,
        phase_us=0,
        lateness_us=int(latest_s * SECOND_US),
        offset_from_us=np.zeros(1, np.int64),
        offset_us=np.zeros(1, np.int64),
        readings=(camera,) if camera_every_s else (),
        facts=(Fact(START_US, (0,), 0.0, 1.0),),
    )


def _check(run: Run) -> NDArray[np.float64]:
    """RMSE of naive and oracle, the oracle's bias and coverage, of one run with 10 % missed."""
    figures = []
    for seed in range(20):
        model, rows, truth = observe(run, seed, *misses(0.1, seed))
        summed = naive(model, rows, run.seconds)[:, None]
        best = score(truth.people[:, None], oracle(model, rows, truth))
        figures.append((score(truth.people[:, None], Estimate(summed, summed * 0)).rmse, best.rmse, best.bias, best.coverage))
    return np.mean(figures, axis=0)


if __name__ == "__main__":
    for one in runs() + series():
        assert (np.cumsum(one.flows() @ np.array([1, -1]), axis=0).sum(1) == one.people).all(), one.name
        plain, near, bias, covered = _check(one)
        print(f"{one.name:18s} {one.seconds:4d} s, {one.area_m2:4.1f} m², {len(one.way):5d} crossings", end=", ")
        print(f"people mean {one.people.mean():5.1f} most {one.people.max():3d}", end=": ")
        print(f"naive {plain:5.1f} oracle {near:5.2f} bias {bias:5.2f} covered {covered:.3f}")

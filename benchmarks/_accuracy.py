"""How near the estimate of the people comes where the truth is known: recorded walks, and a made-up city."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks import _city, _city_peers, _tracks
from benchmarks._report import Row, missing, row
from benchmarks._rows import Array
from ruimte.estimate import advance
from ruimte.model.place import Model

COVERED = (0.87, 0.93)
"""Share of the truth that a 90 % interval should hold."""
MISSES = (0.05, 0.10, 0.20)


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of the people at the end of each tick, each (ticks, zones): mean and interval; NaN is not known."""

    mean: Array
    low: Array
    high: Array


@dataclass(frozen=True, slots=True)
class Near:
    """Of one run: root mean square error of ours, of the plain sum and of the oracle (persons), where ours is told.

    ``coverage``: share of the truth in the 90 % interval; ``told``: share of the time that there is one.
    """

    ours: float
    naive: float
    oracle: float
    coverage: float
    told: float


def people(model: Model, observations: pa.Table, start_us: int, ticks: int) -> Told:
    """The latest of what ``advance`` tells of each tick, all rows given at once."""
    until_us = start_us + ticks * model.tick_us + model.lateness_us + model.tick_us
    _, states = advance(model, None, observations, max(until_us, int(observations["received_us"].to_numpy().max())))
    tick = (states["end_us"].to_numpy() - start_us) // model.tick_us - 1
    kept = (tick >= 0) & (tick < ticks)
    columns = []
    for name in ("mean", "q05", "q95"):
        values = np.full((ticks, len(model.places)), np.nan)
        values[tick[kept], states["place"].to_numpy()[kept]] = states[name].to_numpy()[kept]
        columns.append(values)
    return Told(*columns)


def track_rows(seeds: int) -> list[Row]:
    """Recorded walks (Jülich), counted by sensors that miss people, and an unsure camera."""
    names = [
        (f"recorded walks, {rate:.0%} missed: {figure}", unit, goal)
        for rate in MISSES
        for figure, unit, goal in (
            ("RMSE of people, beside in − out", "persons", "≤ 0.3 × peer"),
            ("RMSE of people, beside the oracle", "persons", "≤ 1.3 × peer"),
            ("truth in the 90 % interval", "", "0.87–0.93"),
        )
    ]
    try:
        series = _tracks.series()
    except FileNotFoundError:
        return [missing(name, unit, "the files are not here", goal) for name, unit, goal in names]
    rows = []
    for rate in MISSES:
        name = f"recorded walks, {rate:.0%} missed"
        runs = {run.family: [_track(run, seed, rate) for seed in range(seeds)] for run in series}
        rows += _nearness(name, [one for several in runs.values() for one in several])
        worst = max(runs, key=lambda family: abs(_mean(runs[family], "coverage") - 0.9))
        rows.append(row(f"{name}: the same, {worst} (worst series)", _mean(runs[worst], "coverage"), ""))
    return rows


def city_rows(city: _city.City, seed: int) -> list[Row]:
    """The made-up city, in its open hours."""
    told = people(city.model, city.observations, _city.START_US, len(city.people))
    about = np.broadcast_to(city.open[:, None], city.people.shape)
    near = _near(city.people, told, _city_peers.naive(city), _city_peers.oracle(city).mean, about)
    return [row(f"city {seed}: people are told", 100 * near.told, "% of the time"), *_nearness(f"city {seed}", [near])]


def _track(run: _tracks.Run, seed: int, rate: float) -> Near:
    model, rows, truth = _tracks.observe(run, seed, *_tracks.misses(rate, seed))
    told = people(model, rows, _tracks.START_US, run.seconds)
    summed = _tracks.naive(model, rows, run.seconds)[:, None]
    return _near(truth.people[:, None], told, summed, _tracks.oracle(model, rows, truth).mean, np.ones(summed.shape, np.bool_))


def _near(truth: NDArray[np.int64], told: Told, naive: Array, oracle: Array, where: NDArray[np.bool_]) -> Near:
    known = where & ~np.isnan(told.mean)
    errors = [float(np.sqrt(np.mean((each - truth)[known] ** 2))) for each in (told.mean, naive, oracle)]
    inside = (told.low <= truth) & (truth <= told.high)
    return Near(*errors, coverage=float(inside[known].mean()), told=float(known.sum() / where.sum()))


def _nearness(name: str, runs: list[Near]) -> list[Row]:
    ours, unit = _mean(runs, "ours"), "persons"
    naive, oracle = _mean(runs, "naive"), _mean(runs, "oracle")
    return [
        row(f"{name}: RMSE of people, beside in − out", ours, unit, ratio_most=0.3, peer="in − out", peer_value=naive),
        row(f"{name}: RMSE of people, beside the oracle", ours, unit, ratio_most=1.3, peer="oracle", peer_value=oracle),
        row(f"{name}: truth in the 90 % interval", _mean(runs, "coverage"), "", between=COVERED),
    ]


def _mean(runs: list[Near], figure: str) -> float:
    return float(np.mean([getattr(run, figure) for run in runs]))

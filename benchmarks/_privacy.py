"""Privacy noise: how near its figures stay, how well the best attack tells one person, and what it costs.

The peer of the trees is a naive split: each of the 96 running totals of a day drawn for itself, with a 96th of ε.
"""

from __future__ import annotations

import math
import tempfile
import time
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from benchmarks._report import Row, row
from ruimte.clock import DAY_US, MINUTE_US
from ruimte.lab.files import Privacy
from ruimte.share.audit import bound, likelier, nodes, right, surely_above
from ruimte.share.figures import Figures
from ruimte.share.noise import Noise
from ruimte.share.private import GRAIN, MICRO, Mechanism, levels, noise
from ruimte.store.noise import NoiseFile

Array = NDArray[np.float64]

STEPS, STEP_US, INTERVALS = 96, 15 * MINUTE_US, 8
PLACES = 50
DAY = "2026-06-01"
_DAY_US = 20_605 * DAY_US


def bench_privacy(quick: bool = False) -> list[Row]:
    """Errors and attacks at ε = 1 a day for one whose weight is 1, and the time of a first and a second answer."""
    return [*error_rows(200 if quick else 2000), *attack_rows(2000 if quick else 20_000), *time_rows(3 if quick else 7)]


def error_rows(days: int) -> list[Row]:
    """95th percentiles of the absolute error, over all steps of so many days."""
    naive = _q95(_days(0, days, touches=STEPS))
    rows = [row("presence, a person in 8 cells", _q95(_days(0, days, touches=INTERVALS)), "persons (95 %)", most=24.5)]
    for branching, name in ((2, "binary tree"), (12, "tree of twelve (default)")):
        drawn = _days(branching, days)
        total = _q95(np.cumsum(drawn, axis=1))
        rows += [
            row(f"running total, 96 steps, {name}", total, "persons (95 %)", most=42, peer="naive split", peer_value=naive),
            row(f"passages of one step, {name}", _q95(drawn), "persons (95 %)"),
        ]
    return rows


def attack_rows(trials: int) -> list[Row]:
    """How often the likelihood ratio is right about one person; the goal is the bound of ε = 1."""
    stays, at_once = np.zeros((2, STEPS))
    stays[:INTERVALS], at_once[0] = 1.0, INTERVALS
    found = [
        ("a person in 8 cells", _right(0, stays, INTERVALS, trials)),
        ("the largest difference of 8", _right(0, at_once, INTERVALS, trials)),
        ("a passage, binary tree", _right(2, at_once / INTERVALS, 1, trials // 10)),
        ("a passage, tree of twelve", _right(12, at_once / INTERVALS, 1, trials // 10)),
    ]
    fresh = _right(0, at_once, INTERVALS, trials, answers=8)
    half = _right(0, at_once, INTERVALS, trials, broken=0.5)
    return [
        *(row(f"best attack is right: {name}", share, "of 1", most=bound(1.0)) for name, share in found),
        row("broken on purpose, fresh noise eight times: surely right", surely_above(fresh, trials), "of 1", least=bound(1.0)),
        row("broken on purpose, half the scale: surely right", surely_above(half, trials), "of 1", least=bound(1.0)),
    ]


def time_rows(repeats: int) -> list[Row]:
    """A day of 50 places and 96 steps: drawn, written and told; and told again from what is kept."""
    settings = Privacy(epsilon_per_day=1.0, quantities={"people": 1.0}, intervals=INTERVALS, assumption="two hours")
    value = np.full((PLACES, STEPS, 1), 200.0)
    places = tuple(f"zone-{number}" for number in range(PLACES))
    starts = _DAY_US + np.arange(STEPS, dtype=np.int64) * STEP_US
    figures = Figures("history", "lab", places, ("people",), starts, STEP_US, value, value, value, np.zeros(value.shape, bool))
    first, again = [], []
    noise(_mechanism(0, 1), 1)  # loads OpenDP
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder, NoiseFile(Path(folder) / "lab.noise.db") as kept:
            made = Noise(kept, settings, ZoneInfo("UTC"), dict.fromkeys(places), lambda: _DAY_US + 2 * DAY_US)
            for took in (first, again):
                begun = time.perf_counter()
                made.tell("public", figures, 1.0)
                took.append(time.perf_counter() - begun)
    return [
        row("first answer over a day, 50 places", median(first) * 1000, "ms"),
        row("the same answer again", median(again) * 1000, "ms"),
    ]


def _mechanism(branching: int, touches: int, epsilon: float = 1.0) -> Mechanism:
    return Mechanism(epsilon=round(epsilon * MICRO), touches=touches, weight=1.0, branching=branching, step_us=STEP_US)


def _days(branching: int, days: int, touches: int = 1, epsilon: float = 1.0) -> Array:
    """Noise of so many days, persons, (days, steps)."""
    made = _mechanism(branching, touches, epsilon)
    return np.array([noise(made, STEPS) for _ in range(days)]) / GRAIN


def _q95(errors: Array) -> float:
    return float(np.quantile(np.abs(errors), 0.95))


def _right(branching: int, person: Array, touches: int, trials: int, *, answers: int = 1, broken: float = 1.0) -> float:
    """How often the attack is right; ``broken``: by which factor the scale is wrong, ``answers``: how often noise is fresh."""
    made = _mechanism(branching, touches)
    was_there = np.random.default_rng(9).random(trials) < 0.5
    used = np.flatnonzero(person) if branching == 0 else np.arange(STEPS)  # without a tree, other cells tell nothing
    exact = np.where(was_there[:, None], person[used], 0.0)
    scale, ratio = made.scale(STEPS), np.zeros(trials)
    for _ in range(answers):
        if branching == 0:
            drawn = noise(_mechanism(0, touches, 1 / broken), trials * len(used)).reshape(trials, len(used)) / GRAIN
        else:
            drawn = _days(branching, trials, touches)
        seen = nodes(exact + drawn, branching)
        ratio += likelier(seen, nodes(np.zeros_like(person[used]), branching), nodes(person[used], branching), scale)
    assert math.isclose(scale, touches * levels(STEPS, branching), rel_tol=0.002)
    return right(ratio, was_there)

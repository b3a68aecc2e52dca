"""Pairs of people within reach, by histogram, in a crowd that walks about: whole recordings, and live, one frame at a time."""

from __future__ import annotations

import time
from statistics import median
from typing import Any

import numpy as np

from benchmarks._report import Row, row
from ruimte.tracks.distancing import Distancing, Rule
from ruimte.tracks.frames import Frames, frames_of

UNIT = "persons·frames/s"
REACH_M, RATE_HZ = 1.5, 25.0


def distance_rows(quick: bool) -> list[Row]:
    """Rows of figures; SciPy's tree beside, which finds the pairs and their distances but does not know who they are."""
    rounds, count = (1, 50) if quick else (5, 400)
    rows = []
    for density, goal in ((0.25, 6e6), (1.0, None)):
        frames = walkers(1000, density, count)
        ours, peers = [], []
        _whole(frames)
        for _ in range(rounds):
            begin = time.process_time()
            _whole(frames)
            ours.append(time.process_time() - begin)
            begin = time.process_time()
            if _by_tree(frames):
                peers.append(time.process_time() - begin)
        peer = len(frames.x_m) / median(peers) if peers else None
        name = f"pairs within {REACH_M} m by histogram, {density:g} persons/m²"
        rows.append(
            row(name, len(frames.x_m) / median(ours), UNIT, least=goal, peer="SciPy cKDTree" if peers else None, peer_value=peer)
        )
    rows.append(_live(20 if quick else 200))
    return rows


def walkers(people: int, density: float, count: int, seed: int = 1) -> Frames:
    """People who cross a square straight on, at 1.3 m/s; who leaves it comes back as somebody else, elsewhere."""
    chance = np.random.default_rng(seed)
    side, way = (people / density) ** 0.5, chance.uniform(0, 2 * np.pi, people)
    step = chance.normal(1.3, 0.2, people)[:, None] * np.stack([np.cos(way), np.sin(way)], axis=1) / RATE_HZ
    at, who, known = chance.uniform(0, side, (people, 2)), np.arange(people), people
    persons, places = [], []
    for _ in range(count):
        at = at + step
        gone = np.flatnonzero(((at < 0) | (at > side)).any(axis=1))
        at[gone] = chance.uniform(0, side, (len(gone), 2))
        who = who.copy()
        who[gone] = known + np.arange(len(gone))
        known += len(gone)
        persons.append(who)
        places.append(at)
    x, y = np.concatenate(places).T
    return frames_of(np.concatenate(persons), np.repeat(np.arange(count), people), x, y, RATE_HZ)


def _whole(frames: Frames) -> None:
    Distancing(RATE_HZ, Rule(reach_m=REACH_M)).batch(frames)


def _by_tree(frames: Frames) -> bool:
    """The same pairs and one histogram of their distances by SciPy; False where that is not installed."""
    try:
        from scipy.spatial import cKDTree
    except ImportError:
        return False
    edges, total = np.arange(16) * 0.1, np.zeros(15)
    places: Any = np.stack([frames.x_m, frames.y_m], axis=1)
    for low, high in zip(frames.start[:-1], frames.start[1:], strict=True):
        here = places[low:high]
        pairs = cKDTree(here).query_pairs(REACH_M, output_type="ndarray")
        total += np.histogram(np.hypot(*(here[pairs[:, 0]] - here[pairs[:, 1]]).T), edges)[0]
    return True


def _live(count: int) -> Row:
    """One frame of 3,000 people at a time, as it comes in; the median."""
    frames = walkers(3000, 0.5, count, seed=2)
    watch, took = Distancing(RATE_HZ, Rule(reach_m=REACH_M)), []
    for f, number in enumerate(frames.number.tolist()):
        rows = slice(frames.start[f], frames.start[f + 1])
        begin = time.process_time()
        watch.stream(number, frames.person[rows], frames.x_m[rows], frames.y_m[rows])
        took.append(1000 * (time.process_time() - begin))
    return row("distances in a live frame of 3,000 people", median(took), "ms")

"""Distances and crowd pressure in a few random scenes; without compiled code it prints them as JSON (run with
NUMBA_DISABLE_JIT=1)."""

from __future__ import annotations

import json
import sys

import numpy as np

from distances_reference import random_scene
from ruimte.tracks.distancing import Distancing, Rule
from ruimte.tracks.frames import frames_of
from ruimte.tracks.motion import motion
from ruimte.tracks.pressure import crowd_pressure
from ruimte.tracks.profiles import Grid


def told() -> list[list[float]]:
    """What the kernels tell, in numbers."""
    found = []
    for seed in range(8):
        live = Distancing(5.0, Rule(group_s=1.0, keep_s=0.5))
        for number, people in random_scene(seed, 6, 40):
            x, y = np.array(list(people.values())).reshape(-1, 2).T
            live.stream(number, list(people), x, y)
        sums = live.finish()
        found.append([sums.contacts, sums.unsure, sums.jumped, *sums.exposure.tolist(), *sums.apart_s, *sums.together_s])
    chance = np.random.default_rng(0)
    person, frame = np.tile(np.arange(20), 10), np.repeat(np.arange(10), 20)
    frames = frames_of(person, frame, chance.uniform(0, 3, 200), chance.uniform(0, 3, 200), 5.0)
    pressure = crowd_pressure(frames, motion(frames, 1), Grid(0, 0, 1.0, 3, 3), window_s=2, least_density=0.1, least_people=1)
    return [*found, pressure.density.ravel().tolist(), pressure.variance.ravel().tolist(), pressure.people.ravel().tolist()]


if __name__ == "__main__":
    json.dump(told(), sys.stdout)

"""Distances in a few random scenes, without compiled code; prints them as JSON (run with NUMBA_DISABLE_JIT=1)."""

from __future__ import annotations

import json
import sys

import numpy as np

from distances_reference import random_scene
from ruimte.tracks.distancing import Distancing, Rule


def main() -> None:
    found = []
    for seed in range(8):
        live = Distancing(5.0, Rule(group_s=1.0, keep_s=0.5))
        for number, people in random_scene(seed, 6, 40):
            x, y = np.array(list(people.values())).reshape(-1, 2).T
            live.stream(number, list(people), x, y)
        told = live.finish()
        found.append(
            [told.contacts, told.unsure, told.jumped, *told.exposure.tolist(), *told.apart_s.tolist(), *told.together_s.tolist()]
        )
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()

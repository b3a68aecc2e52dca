"""All that is measured of a small crowd among obstacles; run with NUMBA_DISABLE_JIT=1 it prints what plain Python tells."""

from __future__ import annotations

import json

import numpy as np
import shapely

from ruimte.tracks.area import walkable_area
from ruimte.tracks.flow import crossings
from ruimte.tracks.frames import frames_of
from ruimte.tracks.gates import gates_of
from ruimte.tracks.meter import Meter
from ruimte.tracks.motion import acceleration, motion
from ruimte.tracks.profiles import grid_over
from ruimte.tracks.zones import zones_of


def told() -> dict[str, list[object]]:
    """Three frames of people who walk east in a room with a screen and a pillar."""
    chance = np.random.default_rng(8)
    room = shapely.box(0, 0, 8, 5) - shapely.box(3, 1.5, 3.2, 5) - shapely.Point(5, 2).buffer(0.4, quad_segs=2)
    x, y = chance.uniform(0, 8, 60), chance.uniform(0, 5, 60)
    x, y = x[walking := shapely.contains_xy(room, x, y)], y[walking]
    x[0], y[1] = np.nan, 9.0
    steps, who = np.repeat(np.arange(5), len(x)), np.tile(np.arange(len(x)), 5)
    frames = frames_of(who, steps, np.tile(x, 5) + 0.05 * steps, np.tile(y, 5), 10)
    gates = gates_of({"g": [(4, 5), (4, 0)]})
    area = walkable_area(room)
    moves, push, crossed = motion(frames, 1, "adaptive"), acceleration(frames, 1), crossings(frames, gates)
    zones = zones_of({"box": shapely.box(2, 1, 5, 3), "ell": [(0, 0), (8, 0), (8, 1), (1, 1), (1, 5), (0, 5)]})
    found = {"speed": moves.speed_m_s, "push": push.size_m_s2, "rows": crossed.row, "ways": crossed.way}
    for cut_off_m in (0.8, None):
        meter = Meter(area, zones, gates=gates, cut_off_m=cut_off_m, grid=grid_over(area, 0.7), fwhm_m=0.9)
        reading = meter.batch(frames, moves.speed_m_s)
        for name in ("area_m2", "flags", "on_gate", "classic", "voronoi", "speed_m_s", "profile", "profile_speed", "field"):
            found[f"{name} {cut_off_m}"] = getattr(reading, name)
    return {name: np.where(np.isnan(values), -1.0, values).tolist() for name, values in found.items()}


if __name__ == "__main__":
    print(json.dumps(told()))

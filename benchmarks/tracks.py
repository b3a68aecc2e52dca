"""The kernels of tracks beside PedPy: the same figures from the same tracks, and how much sooner; and a live frame of 3,000
people.

Run: ``make bench-tracks``. With ``--quick`` it takes fewer frames and one round. Tracks are recorded walks (Jülich), read from
``../shared/data``, where that is there. Both take turns in one process on one core; medians of CPU time, so that a busy machine
does less harm. What is made once (geometry, tables of tracks, compiled code) is not counted, for either. Speeds are persons ×
frames a second.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import time
import warnings
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
import shapely

from benchmarks._crowd_watch import watch_rows
from benchmarks._distances import distance_rows
from benchmarks._report import OUT, Row, markdown, missing, publish, row
from benchmarks._tracking import tracking_rows
from benchmarks._tracks import FOLDER
from benchmarks._walks import Walk, walks
from ruimte.tracks.area import walkable_area
from ruimte.tracks.density import classic_density
from ruimte.tracks.frames import Frames, frames_of
from ruimte.tracks.meter import Meter
from ruimte.tracks.profiles import Grid, grid_over
from ruimte.tracks.zones import Zones, zones_of

UNIT = "persons·frames/s"
CUT_OFF_M = 0.8
LEAST_S = 0.2
"""Ruimte repeats a call for so long, for its calls are short."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer frames, one round")
    quick = parser.parse_args().quick
    rows = [*_beside_pedpy(quick), _live(quick), *distance_rows(quick), *watch_rows(quick), *tracking_rows(quick)]
    publish("tracks", rows)
    (OUT / "tracks.md").write_text(markdown(rows) + "\n", "utf-8")


def _beside_pedpy(quick: bool) -> list[Row]:
    names = ("cells and zone, cut-off 0.8 m", "cells and zone, no cut-off", "Voronoi profile", "classic density")
    try:
        import pedpy
    except ImportError:
        return [missing(name, UNIT, "PedPy is not installed: pip install -e '.[peers]'") for name in names]
    if not FOLDER.is_dir():
        return [missing(name, UNIT, f"no {FOLDER}") for name in names]
    rounds = 1 if quick else 5
    found = []
    for walk in walks():
        found += _of_walk(walk, pedpy, 2000 if quick else 8000, rounds)
    return found


def _of_walk(walk: Walk, pedpy: Any, size: int, rounds: int) -> list[Row]:
    part, few = walk.some(size), walk.some(size // 10)
    area = walkable_area(walk.area)
    zone = zones_of({"zone": walk.zone})
    place, spot = pedpy.WalkableArea(walk.area), pedpy.MeasurementArea(walk.zone)
    rows = []
    for cut_off_m, goal in ((CUT_OFF_M, 40), (None, 20)):
        meter = Meter(area, zone, cut_off_m=cut_off_m, edge_counts=False)
        circle = None if cut_off_m is None else pedpy.Cutoff(radius=cut_off_m, quad_segments=3)

        def theirs(table: Any, circle: Any = circle) -> Any:
            cells = pedpy.compute_individual_voronoi_polygons(traj_data=table, walkable_area=place, cut_off=circle)
            return pedpy.compute_voronoi_density(individual_voronoi_data=cells, measurement_area=spot)[0].density

        ours, peers = _turns(meter.batch, theirs, part, pedpy, rounds)
        told, said = meter.batch(_frames(part)).voronoi[:, 0], theirs(_table(part, pedpy)).to_numpy()
        np.testing.assert_allclose(told, said, rtol=1e-9, atol=1e-12)
        name = f"{walk.name}: cells and zone, " + ("no cut-off" if cut_off_m is None else f"cut-off {cut_off_m} m")
        rows.append(row(name, ours, UNIT, ratio_least=goal, peer="PedPy", peer_value=peers))
    for side_m, goal in ((0.4, 300), (0.2, 1000)):
        rows.append(_profile(walk, few, area, place, pedpy, side_m, goal, min(rounds, 3)))
    for count, goal in ((25, 100), (100, 60)):
        rows.append(_classic(walk, part, pedpy, count, goal, rounds))
    return rows


def _profile(walk: Walk, few: Walk, area: Any, place: Any, pedpy: Any, side_m: float, goal: float, rounds: int) -> Row:
    cells = pedpy.compute_individual_voronoi_polygons(
        traj_data=_table(few, pedpy), walkable_area=place, cut_off=pedpy.Cutoff(radius=CUT_OFF_M, quad_segments=3)
    )
    grid = grid_over(area, side_m)
    # PedPy's squares begin in the north
    top = Grid(grid.west_m, walk.area.bounds[3] - grid.rows * side_m, side_m, grid.columns, grid.rows)
    meter = Meter(area, cut_off_m=CUT_OFF_M, grid=top)

    def theirs(_: Any) -> Any:
        method = pedpy.DensityMethod.VORONOI
        return pedpy.compute_density_profile(data=cells, walkable_area=place, grid_size=side_m, density_method=method)

    np.testing.assert_allclose(
        meter.batch(_frames(few)).profile, np.array(theirs(None))[:, : top.rows, : top.columns][:, ::-1], rtol=1e-9, atol=1e-9
    )
    ours, peers = _turns(meter.batch, theirs, few, pedpy, rounds)
    return row(f"{walk.name}: Voronoi profile, {side_m} m", ours, UNIT, ratio_least=goal, peer="PedPy", peer_value=peers)


def _classic(walk: Walk, part: Walk, pedpy: Any, count: int, goal: float, rounds: int) -> Row:
    squares = _squares(walk.area, count)
    zones = zones_of({str(number): each for number, each in enumerate(squares)})
    spots = [pedpy.MeasurementArea(each) for each in squares]

    def theirs(table: Any) -> Any:
        return [pedpy.compute_classic_density(traj_data=table, measurement_area=spot).density for spot in spots]

    def ours(frames: Frames) -> Any:
        return classic_density(frames, zones, edge_counts=False)

    assert np.array_equal(ours(_frames(part)), np.array(theirs(_table(part, pedpy))).T)
    mine, peers = _turns(ours, theirs, part, pedpy, rounds)
    return row(f"{walk.name}: classic density, {count} zones", mine, UNIT, ratio_least=goal, peer="PedPy", peer_value=peers)


def _squares(area: shapely.Polygon, count: int) -> list[shapely.Polygon]:
    """So many boxes over an area."""
    west, south, east, north = area.bounds
    side = round(count**0.5)
    xs, ys = np.linspace(west, east, side + 1), np.linspace(south, north, side + 1)
    return [shapely.box(xs[i], ys[j], xs[i + 1], ys[j + 1]) for j in range(side) for i in range(side)]


def _turns(
    ours: Callable[[Frames], Any], theirs: Callable[[Any], Any], walk: Walk, pedpy: Any, rounds: int
) -> tuple[float, float]:
    """Persons × frames a second of both, taking turns; medians."""
    frames, table = _frames(walk), _table(walk, pedpy)
    ours(frames)
    mine, peers = [], []
    for _ in range(rounds):
        begin = time.process_time()
        theirs(table)
        peers.append(time.process_time() - begin)
        begin, calls = time.process_time(), 0
        while calls == 0 or time.process_time() - begin < LEAST_S:
            ours(frames)
            calls += 1
        mine.append((time.process_time() - begin) / calls)
    return len(walk.x) / median(mine), len(walk.x) / median(peers)


def _frames(walk: Walk) -> Frames:
    return frames_of(walk.person, walk.frame, walk.x, walk.y, walk.rate_hz)


def _table(walk: Walk, pedpy: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        columns = {"id": walk.person, "frame": walk.frame, "x": walk.x, "y": walk.y}
        return pedpy.TrajectoryData(data=pd.DataFrame(columns), frame_rate=walk.rate_hz)


def _live(quick: bool) -> Row:
    """3,000 people on a square of 60 m × 40 m with obstacles, 20 zones, a Gaussian field of 0.5 m squares, one frame at a
    time."""
    chance = np.random.default_rng(1)
    area = walkable_area(shapely.box(0, 0, 60, 40), [shapely.box(x, y, x + 2, y + 3) for x in (12, 28, 44) for y in (8, 26)])
    zones: Zones = zones_of({str(number): each for number, each in enumerate(_squares(shapely.box(0, 0, 60, 40), 25)[:20])})
    x, y = chance.uniform(0.1, 59.9, 6000), chance.uniform(0.1, 39.9, 6000)
    walking = shapely.contains_xy(area.polygon, x, y)
    x, y = x[walking][:3000], y[walking][:3000]
    meter = Meter(area, zones, cut_off_m=CUT_OFF_M, grid=grid_over(area, 0.5), fwhm_m=1.0, profiles=False)
    meter.warm_up()
    took = []
    for _ in range(20 if quick else 200):
        x, y = np.clip(x + chance.normal(0, 0.01, 3000), 0.1, 59.9), np.clip(y + chance.normal(0, 0.01, 3000), 0.1, 39.9)
        begin = time.process_time()
        meter.stream(x, y)
        took.append(1000 * (time.process_time() - begin))
    return row("a live frame of 3,000 people: cells, 20 zones, Gaussian field", median(took), "ms", most=15)


if __name__ == "__main__":
    main()

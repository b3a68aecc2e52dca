"""All figures of a recording: of each zone over time, of each gate, by square, and the fundamental diagram.

Measured block by block, so that memory does not grow with the map; what is kept is a few numbers a frame, zone and gate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from ruimte.errors import RuimteError
from ruimte.tracks.area import Area
from ruimte.tracks.crowd import NO_CELL, NOT_FINITE, NOT_INSIDE, TWIN
from ruimte.tracks.diagram import Measured, fundamental_diagram
from ruimte.tracks.flow import Crossings, crossings, cumulative
from ruimte.tracks.frames import Frames
from ruimte.tracks.gates import Gates
from ruimte.tracks.meter import Meter, Reading
from ruimte.tracks.motion import Motion
from ruimte.tracks.profiles import Grid
from ruimte.tracks.zones import Zones

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Progress = Callable[[float], None]

_BLOCK_ROWS, _BLOCK_SQUARES = 100_000, 2_000_000
"""A block is at most so many positions, and so many squares of all its frames."""
_CLASS, _DENSEST = 0.25, 20.0
"""Width of the classes of the fundamental diagram, and where they end, persons/m²: denser are only errors."""
_JUMPY = 0.2
"""With more than this share of steps faster than anybody can go it is the unit or the frame rate that is wrong."""
_LONGEST_S = 86_400.0
_LEAST_CUT_OFF_M = 0.2
"""Cells that go no further hold less than a body: whoever is alone would look like a crowd."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Where is measured: the walkable ``area``, its ``zones``, ``gates`` and the ``grid`` of the map."""

    area: Area
    zones: Zones
    gates: Gates
    grid: Grid


@dataclass(frozen=True, slots=True)
class Series:
    """Of each zone over time. ``start_s`` (times,): since the first frame, each until the next begins; ``frames`` (times,) in it.

    By time and zone: ``people`` and the most in one frame; densities ``classic`` and ``voronoi`` in persons/m²; ``speed_m_s`` of
    the frames in which it is known, NaN where it never is. All means over the frames.
    """

    start_s: Array
    frames: Index
    people: Array
    people_most: Index
    classic: Array
    voronoi: Array
    speed_m_s: Array


@dataclass(frozen=True, slots=True)
class Passing:
    """Of each gate over time, at the end of each interval of the series. ``forward``, ``back`` (times, gates): crossings so far;
    ``people``: persons who crossed so far, each counted once. ``forward_s``, ``back_s``: persons/s over the window up to then,
    and ``density``, persons/m² along the gate over it; NaN until a whole window has passed, or where part of it is unseen."""

    forward: Index
    back: Index
    people: Index
    forward_s: Array
    back_s: Array
    density: Array


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Positions, and what was wrong: how many there are, ``unknown`` (no number), ``outside`` the area, without a cell, ``twins``
    (at one point with others: they count), and ``jumped``: without a speed, for the track jumps."""

    positions: int
    unknown: int
    outside: int
    no_cell: int
    twins: int
    jumped: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What a recording tells. ``map_mean`` (rows, columns): mean density by square; ``map_most``: the highest mean of an
    interval; row 0 is the south. ``diagram``: by zone, of pairs of density and speed of single frames;
    ``diagram_of_people``: of pairs of the density (1 over the area of the cell) and the speed of each person in each frame."""

    frames: int
    seconds: float
    series: Series
    passing: Passing
    map_mean: Array
    map_most: Array
    diagram: tuple[Measured, ...]
    diagram_of_people: Measured
    left_out: LeftOut


def measure(
    frames: Frames,
    moves: Motion,
    scene: Scene,
    *,
    cut_off_m: float | None = 0.8,
    window_s: float = 10.0,
    every_s: float = 1.0,
    progress: Progress = lambda share: None,
) -> Figures:
    """Measure a recording.

    Args:
        frames, moves: the tracks, and their speeds.
        scene: where is measured.
        cut_off_m: a cell goes no further than this from its person; None: as far as the walls.
        window_s: over which the flow is told.
        every_s: the interval of the series.
        progress: is told the share that is done.

    Raises ``RuimteError`` where nobody is there, most are outside the area, or unit or frame rate cannot be right.
    """
    if len(frames) == 0:
        raise RuimteError("nobody is in it", "tracks", "give a recording with positions")
    if cut_off_m is not None and 0 < cut_off_m < _LEAST_CUT_OFF_M:
        raise RuimteError(
            f"a cut-off of {cut_off_m:g} m", "cells", f"give {_LEAST_CUT_OFF_M:g} m or more: a cell has to hold a person"
        )
    interval = _intervals(len(frames), frames.rate_hz, every_s)
    jumped = int(moves.jumped.sum())
    if jumped > _JUMPY * len(frames.person):
        raise RuimteError(
            f"{jumped:,} of {len(frames.person):,} positions belong to steps faster than anybody can run",
            "tracks",
            f"check the unit of the positions, and the frame rate, {frames.rate_hz:g} frames a second",
        )
    meter = Meter(scene.area, scene.zones, gates=scene.gates, cut_off_m=cut_off_m, grid=scene.grid)
    sums = _Sums.empty(len(frames), len(frames.person), scene)
    for begin, end in _blocks(frames, scene.grid):
        first, last = int(frames.start[begin]), int(frames.start[end])
        block = frames.between(begin, end)
        sums.add(begin, first, block, meter.batch(block, moves.speed_m_s[first:last], part=True), interval)
        progress(end / len(frames))
    left_out = sums.left_out(len(frames.person), jumped)
    if 2 * left_out.outside > len(frames.person) - left_out.unknown:
        raise RuimteError(
            f"{left_out.outside:,} of {left_out.positions:,} positions are outside the walkable area",
            "tracks",
            "give both in metres, from the same origin",
        )
    crossed = crossings(frames, scene.gates)
    return Figures(
        len(frames),
        len(frames) / frames.rate_hz,
        _series(sums, interval, frames.rate_hz, every_s),
        _passing(frames, crossed, scene, sums.gate_density, interval, window_s),
        sums.map_sum / len(frames),
        sums.map_most,
        tuple(_diagram(sums.voronoi[:, zone], sums.speed[:, zone]) for zone in range(len(scene.zones))),
        _diagram(sums.density, moves.speed_m_s),
        left_out,
    )


def _intervals(frames: int, rate_hz: float, every_s: float) -> Index:
    """The interval of each frame, counted from 0."""
    if not (math.isfinite(every_s) and every_s * rate_hz >= 1 - 1e-9):
        raise RuimteError(f"an interval of {every_s:g} s", "series", f"give at least one frame, {1 / rate_hz:.3g} s")
    found: Index = np.floor((np.arange(frames) + 1e-6) / (every_s * rate_hz)).astype(np.int64)
    return found


def _blocks(frames: Frames, grid: Grid) -> Iterator[tuple[int, int]]:
    most = max(_BLOCK_SQUARES // (grid.rows * grid.columns), 1)
    begin = 0
    while begin < len(frames):
        end = int(np.searchsorted(frames.start, frames.start[begin] + _BLOCK_ROWS, side="right")) - 1
        end = min(max(end, begin + 1), begin + most, len(frames))
        yield begin, end
        begin = end


@dataclass(slots=True)
class _Sums:
    """What is gathered block by block: by frame and zone, by frame and gate, by square."""

    people: Index
    classic: Array
    voronoi: Array
    speed: Array
    gate_density: Array
    map_sum: Array
    map_most: Array
    now: Array
    """Of the interval that is going on: the sum by square, which interval, and its frames so far."""
    interval: int
    count: int
    flags: Index
    area_m2: Array
    density: Array
    """By position: 1 over the area of the cell, NaN where there is none."""

    @classmethod
    def empty(cls, frames: int, rows: int, scene: Scene) -> _Sums:
        zones, shape = (frames, len(scene.zones)), scene.grid.shape
        return cls(
            np.zeros(zones, np.int64), np.zeros(zones), np.zeros(zones), np.zeros(zones), np.zeros((frames, len(scene.gates))),
            np.zeros(shape), np.zeros(shape), np.zeros(shape), 0, 0, np.zeros(256, np.int64), scene.zones.area_m2,
            np.full(rows, np.nan),
        )  # fmt: skip

    def add(self, begin: int, first: int, block: Frames, reading: Reading, interval: Index) -> None:
        rows = slice(begin, begin + len(block))
        self.people[rows] = np.rint(reading.classic * self.area_m2)
        self.classic[rows], self.voronoi[rows], self.speed[rows] = reading.classic, reading.voronoi, reading.speed_m_s
        frame = np.repeat(np.arange(len(block)), np.diff(block.start))
        share = np.where(np.isfinite(reading.density)[:, None], reading.on_gate * reading.density[:, None], 0.0)
        np.add.at(self.gate_density[rows], frame, share)
        self.density[first : first + len(block.person)] = reading.density
        self.flags += np.bincount(reading.flags, minlength=256)
        for f, profile in enumerate(reading.profile, start=begin):
            if interval[f] != self.interval:
                self._close(int(interval[f]))
            self.now += profile
            self.count += 1
        if rows.stop == len(self.people):
            self._close(-1)

    def _close(self, following: int) -> None:
        self.map_sum += self.now
        np.maximum(self.map_most, self.now / self.count, out=self.map_most)
        self.now[:], self.interval, self.count = 0.0, following, 0

    def left_out(self, positions: int, jumped: int) -> LeftOut:
        flag = np.arange(256)
        unknown, outside, no_cell, twins = (
            int(self.flags[(flag & bit) > 0].sum()) for bit in (NOT_FINITE, NOT_INSIDE, NO_CELL, TWIN)
        )
        return LeftOut(positions, unknown, outside, no_cell, twins, jumped)


def _series(sums: _Sums, interval: Index, rate_hz: float, every_s: float) -> Series:
    starts = np.flatnonzero(np.diff(interval, prepend=-1))
    count = np.diff(np.append(starts, len(interval)))

    def mean(values: NDArray[np.float64] | Index) -> Array:
        return np.asarray(np.add.reduceat(values, starts, axis=0) / count[:, None])

    known = np.isfinite(sums.speed)
    with np.errstate(invalid="ignore", divide="ignore"):
        speed = np.add.reduceat(np.where(known, sums.speed, 0.0), starts, axis=0) / np.add.reduceat(
            known.astype(np.int64), starts, axis=0
        )
    return Series(
        starts / rate_hz,
        count,
        mean(sums.people),
        np.maximum.reduceat(sums.people, starts, axis=0),
        mean(sums.classic),
        mean(sums.voronoi),
        speed,
    )


def _passing(frames: Frames, crossed: Crossings, scene: Scene, density: Array, interval: Index, window_s: float) -> Passing:
    length = round(window_s * frames.rate_hz) if 0 < window_s <= _LONGEST_S else 0
    if length < 1:
        mend = f"give at least one frame, {1 / frames.rate_hz:.3g} s, and at most a day, {_LONGEST_S:g} s"
        raise RuimteError(f"a window of {window_s:g} s", "flow", mend)
    ends = np.append(np.flatnonzero(np.diff(interval)), len(interval) - 1)
    forward, back = (cumulative(frames, crossed, scene.gates, way, first_only=False) for way in (1, -1))
    seen = np.where(_seen(scene) >= 0.5, 0.0, np.nan)
    whole = ends + 1 >= length

    def over_window(total: Array | Index) -> Array:
        """Mean over the window up to each end, of what has come up to and in each frame."""
        padded = np.concatenate([np.zeros((1, total.shape[1])), total])
        change = padded[ends + 1] - padded[np.maximum(ends + 1 - length, 0)]
        return np.where(whole[:, None], change / length, np.nan)

    return Passing(
        forward[ends],
        back[ends],
        cumulative(frames, crossed, scene.gates)[ends],
        over_window(forward) * frames.rate_hz,
        over_window(back) * frames.rate_hz,
        over_window(np.cumsum(density, axis=0)) + seen,
    )


def _seen(scene: Scene) -> Array:
    """Which share of each gate lies in the walkable area."""
    lines = shapely.linestrings(scene.gates.line.reshape(-1, 2, 2))
    return np.asarray(shapely.length(shapely.intersection(lines, scene.area.polygon)) / scene.gates.width_m)


def _diagram(density: Array, speed: Array) -> Measured:
    """Of the pairs that are known, in classes."""
    top = density[np.isfinite(speed) & np.isfinite(density)].max(initial=0.0)
    top = min(top, _DENSEST)
    edges = _CLASS * np.arange(max(math.ceil(top / _CLASS + 1e-9), 1) + 1)
    return fundamental_diagram(density, speed, edges)

"""Flow over gates: who crosses when and which way, N(t), persons/s, and density, speed and flow along a gate. Compiled.

A crossing is a step of a track from one side of a gate to the other, through the gate. Who stops on the gate (within 1e-5 m) has
crossed when they leave it on the other side; who turns back has not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ruimte.compiled import compiled_aside
from ruimte.errors import RuimteError
from ruimte.tracks.crowd import from_segment
from ruimte.tracks.frames import Frames
from ruimte.tracks.gates import Gates
from ruimte.tracks.motion import MOST_M_S, Motion

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_ON_GATE_M = 1e-5


@dataclass(frozen=True, slots=True)
class Crossings:
    """One row a crossing, in order of time: the ``gate``, the ``row`` of the position after it, its ``frame`` and ``person``;
    ``way`` is 1 forward, -1 back. ``first`` (crossings,): whether it is this person's first of this gate, either way."""

    gate: Index
    row: Index
    frame: Index
    person: Index
    way: Index
    first: NDArray[np.bool_]


def crossings(frames: Frames, gates: Gates) -> Crossings:
    """All crossings of all gates. A step that is faster than anybody can go (a track that jumped) crosses nothing.

    >>> from ruimte.tracks.frames import frames_of
    >>> from ruimte.tracks.gates import gates_of
    >>> walk = frames_of([1, 1, 1], [0, 1, 2], [-0.2, 0.0, 0.2], [1.0, 1.0, 1.0], rate_hz=5)
    >>> found = crossings(walk, gates_of({"door": [(0, 0), (0, 2)]}))
    >>> found.frame.tolist(), found.way.tolist()
    ([2], [1])
    """
    gate, row, way, count = _cross(
        frames.by_track, frames.track, frames.frame, frames.x_m, frames.y_m, frames.rate_hz, gates.line
    )
    order = np.lexsort((frames.person[row[:count]], row[:count], gate[:count], frames.frame[row[:count]]))
    gate, row, way = gate[:count][order], row[:count][order], way[:count][order]
    person = frames.person[row]
    first = np.zeros(len(row), np.bool_)
    first[np.unique(np.stack([gate, person], axis=1), axis=0, return_index=True)[1]] = True
    return Crossings(gate, row, frames.frame[row], person, way, first)


def cumulative(frames: Frames, found: Crossings, gates: Gates, way: int = 0, first_only: bool = True) -> Index:
    """N(t): how many have crossed up to and in each frame, shape (frames, gates).

    ``way`` 1 or -1 counts that way only, 0 both. With ``first_only`` a person counts once a gate.
    """
    counts = np.zeros((len(frames), len(gates)), np.int64)
    kept = (found.first if first_only else np.ones(len(found.row), np.bool_)) & ((way == 0) | (found.way == way))
    np.add.at(counts, (found.frame[kept] - frames.first, found.gate[kept]), 1)
    return np.cumsum(counts, axis=0)


def flow(frames: Frames, found: Crossings, gates: Gates, window_s: float) -> Array:
    """Persons/s by window, gate and way, shape (windows, gates, 2): forward, back. Windows follow each other from the first
    frame; an unfinished one at the end is left out."""
    length = round(window_s * frames.rate_hz)
    if length < 1:
        raise RuimteError(f"windows of {window_s} s", "flow", f"give at least one frame, {1 / frames.rate_hz:g} s")
    windows = len(frames) // length
    counts = np.zeros((windows, len(gates), 2))
    window = (found.frame - frames.first) // length
    kept = window < windows
    np.add.at(counts, (window[kept], found.gate[kept], (found.way[kept] < 0).astype(np.int64)), 1)
    return counts * (frames.rate_hz / length)


@dataclass(frozen=True, slots=True)
class Spells:
    """Flow while somebody passes. ``start``, ``end`` (spells,): frames, [start, end); ``flow``, persons/s; ``speed_m_s``, mean
    of those who crossed, at the crossing."""

    start: Index
    end: Index
    people: Index
    flow: Array
    speed_m_s: Array


def spells(frames: Frames, found: Crossings, gates: Gates, gate: int, delta: int, speed_m_s: Array) -> Spells:
    """Flow of one gate from its first crossing on, in spells that end with a crossing.

    Every ``delta`` frames those who crossed since the spell before are divided by the time from the end of that spell to the
    frame after the last of them; PedPy's ``compute_flow`` does the same. Only the first crossing of each person counts. Empty
    spells are left out.
    """
    if delta < 1:
        raise RuimteError(f"spells of {delta} frames", "flow", "give at least one frame")
    counted = cumulative(frames, found, gates)[:, gate]
    kept = found.first & (found.gate == gate)
    when, speed = found.frame[kept] - frames.first, speed_m_s[found.row[kept]]
    rows: list[tuple[int, int, int, float, float]] = []
    if len(when):
        start, before = int(when[0]), 0
        for at in range(start + delta, len(frames) - 1, delta):
            passed = int(counted[at])
            if passed == before:
                continue
            end = int(when[passed - 1]) + 1
            there = speed[before:passed]
            mean = float(there[np.isfinite(there)].mean()) if np.isfinite(there).any() else math.nan
            rows.append((start, end, passed - before, (passed - before) / (end - start) * frames.rate_hz, mean))
            start, before = end, passed
    table = np.array(rows).reshape(-1, 5)
    whole = table[:, :3].astype(np.int64)
    return Spells(whole[:, 0] + frames.first, whole[:, 1] + frames.first, whole[:, 2], table[:, 3], table[:, 4])


@dataclass(frozen=True, slots=True)
class Along:
    """Along each gate, shape (frames, gates, 2): of those who go forward, and of those who go back.

    ``density`` Σ (1 / A_i) (w_i / w) in persons/m²; ``speed_m_s`` Σ v_i (w_i / w); ``flow`` Σ v_i (1 / A_i) (w_i / w), persons
    per metre and second. A_i is the cell's area, w_i how much of the gate's width w lies in the cell, v_i the speed across the
    gate.
    """

    density: Array
    speed_m_s: Array
    flow: Array


def along(frames: Frames, gates: Gates, area_m2: Array, on_gate: Array, moves: Motion) -> Along:
    """Density, speed and flow along gates, from cells: ``area_m2`` (rows,) and ``on_gate`` (rows, gates) of a meter's reading.

    Who counts as going forward is told by their velocity in the first frame in which their cell meets the gate. For speed and
    flow a velocity has to be known in each frame: take ``motion(…, borders="single")``. Who has
    none in that first frame counts in neither way.
    """
    if len(area_m2) != len(frames.person) or on_gate.shape != (len(frames.person), len(gates)):
        raise RuimteError("cells of other frames, or of other gates", "gates", "measure these frames with these gates")
    density, speed, rate = (np.zeros((len(frames), len(gates), 2)) for _ in range(3))
    frame = np.repeat(np.arange(len(frames)), np.diff(frames.start))
    track = np.zeros(len(frames.person), np.int64)
    track[frames.by_track] = np.repeat(np.arange(len(frames.track) - 1), np.diff(frames.track))
    for gate, (u, v) in enumerate(gates.forward):
        across = moves.x_m_s * u + moves.y_m_s * v
        meets = np.flatnonzero(on_gate[:, gate] > 0)
        seen, begin = np.unique(track[meets], return_index=True)
        side = np.zeros(len(frames.track) - 1)
        side[seen] = np.sign(across[meets[begin]])
        for way, sign in enumerate((1.0, -1.0)):
            rows = meets[side[track[meets]] == sign]
            width = on_gate[rows, gate]
            np.add.at(density[:, gate, way], frame[rows], width / area_m2[rows])
            np.add.at(speed[:, gate, way], frame[rows], sign * across[rows] * width)
            np.add.at(rate[:, gate, way], frame[rows], sign * across[rows] * width / area_m2[rows])
    return Along(density, speed, rate)


@compiled_aside
def _cross(
    by_track: Index, track: Index, frame: Index, x: Array, y: Array, rate_hz: float, line: Array
) -> tuple[Index, Index, Index, int]:
    """Gate, row and way of each crossing, and how many there are."""
    gate, row, way = np.zeros(64, np.int64), np.zeros(64, np.int64), np.zeros(64, np.int64)
    count = 0
    for t in range(len(track) - 1):
        for g in range(len(line)):
            came = 0
            for i in range(track[t], track[t + 1]):
                r = by_track[i]
                before = by_track[i - 1] if i > track[t] else -1
                px, py, most_m = math.nan, math.nan, 0.0
                if before >= 0:
                    px, py, most_m = x[before], y[before], MOST_M_S * (frame[r] - frame[before]) / rate_hz
                side, came = step(px, py, came, x[r], y[r], most_m, line, g)
                if side != 0:
                    if count == len(gate):
                        gate, row, way = _longer(gate), _longer(row), _longer(way)
                    gate[count], row[count], way[count] = g, r, side
                    count += 1
    return gate, row, way, count


@compiled_aside
def step(px: float, py: float, came: int, x: float, y: float, most_m: float, line: Array, g: int) -> tuple[int, int]:
    """One step of a track, from ``px``, ``py`` (NaN: it begins here) to ``x``, ``y``, of ``most_m`` at the most.

    Tells the way in which it crosses gate ``g`` (1, -1; 0: it does not), and, while it stands on the gate, on which side it
    ``came`` from.
    """
    ax, ay, bx, by = line[g, 0], line[g, 1], line[g, 2], line[g, 3]
    if not (math.isfinite(x) and math.isfinite(y)):
        return 0, 0
    known = math.isfinite(px) and math.isfinite(py)
    if from_segment(x, y, ax, ay, bx, by) < _ON_GATE_M * _ON_GATE_M:
        if known and came == 0:
            came = _side(px, py, ax, ay, bx, by)
        return 0, came
    if known:
        reached = came != 0 or _meets(px, py, x, y, ax, ay, bx, by)
        start = came if came != 0 else _side(px, py, ax, ay, bx, by)
        dx, dy = x - px, y - py
        side = _side(x, y, ax, ay, bx, by)
        if reached and math.sqrt(dx * dx + dy * dy) <= most_m and start * side < 0:
            return side, 0
    return 0, 0


@compiled_aside
def _side(px: float, py: float, ax: float, ay: float, bx: float, by: float) -> int:
    """1: on the forward (right) side of a line from a to b; -1: on the other; 0: on the line."""
    across = (px - ax) * (by - ay) - (py - ay) * (bx - ax)
    return 1 if across > 0.0 else (-1 if across < 0.0 else 0)


@compiled_aside
def _meets(px: float, py: float, qx: float, qy: float, ax: float, ay: float, bx: float, by: float) -> bool:
    """Whether the step from p to q meets the segment from a to b, ends included."""
    return (
        _side(px, py, ax, ay, bx, by) * _side(qx, qy, ax, ay, bx, by) <= 0
        and _side(ax, ay, px, py, qx, qy) * _side(bx, by, px, py, qx, qy) <= 0
    )


@compiled_aside
def _longer(values: Index) -> Index:
    longer = np.zeros(2 * len(values), np.int64)
    longer[: len(values)] = values
    return longer

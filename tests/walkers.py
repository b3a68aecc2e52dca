"""People who leave a room by its door, made up: a recording of tracks that is small, lawful and the same every time.

They walk by the collision-free speed model (Tordeux, Chraibi & Seyfried 2016): as fast as the gap before them allows, towards
the door and away from whom they come too close to.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from track_lab import sensor, track_lab

Array = NDArray[np.float64]

ROOM = [(0.0, 0.0), (8.0, 0.0), (8.0, 2.4), (8.2, 2.4), (8.2, 0.0), (13.0, 0.0), (13.0, 6.0), (8.2, 6.0), (8.2, 3.6), (8.0, 3.6),
        (8.0, 6.0), (0.0, 6.0)]  # fmt: skip
"""The room, its door of 1.2 m, and the hall behind it, m."""
BEFORE = [(5.0, 1.0), (8.0, 1.0), (8.0, 5.0), (5.0, 5.0)]
DOOR = [(8.1, 3.6), (8.1, 2.4)]
VIEW = [(-0.5, -0.5), (13.5, -0.5), (13.5, 6.5), (-0.5, 6.5)]
WALLS = [[(8.0, -1.0), (8.2, -1.0), (8.2, 2.4), (8.0, 2.4)], [(8.0, 3.6), (8.2, 3.6), (8.2, 7.0), (8.0, 7.0)]]
RATE_HZ = 10.0
_STEP_S, _GAP_S, _WIDE_M = 0.05, 0.8, 0.36


def walk_out(people: int = 80, seconds: float = 60.0, seed: int = 4) -> tuple[NDArray[np.int64], NDArray[np.int64], Array, Array]:
    """Person, frame, x and y (m) of everybody until they are through the hall."""
    chance = np.random.default_rng(seed)
    place = _standing(chance, people)
    free_m_s = np.clip(chance.normal(1.3, 0.15, people), 0.9, 1.7)
    rows = []
    for step in range(round(seconds / _STEP_S)):
        there = np.flatnonzero(place[:, 0] < 12.9)
        if step % round(1 / (RATE_HZ * _STEP_S)) == 0:
            frame = step // round(1 / (RATE_HZ * _STEP_S))
            rows.append(np.stack([there, np.full(len(there), frame), *place[there].T]))
        if len(there) == 0:
            break
        place[there] = _inside(place[there], place[there] + _STEP_S * _velocity(place[there], free_m_s[there]))
    person, frame, x, y = np.concatenate(rows, axis=1)
    return person.astype(np.int64), frame.astype(np.int64), x, y


def write_walk(path: Path, **more: float) -> Path:
    """The same as a file in Jülich's text."""
    rows = zip(*walk_out(**more), strict=True)  # type: ignore[arg-type]
    lines = [f"# framerate: {RATE_HZ:g}", "# id frame x/m y/m", *(f"{who} {when} {x:.3f} {y:.3f}" for who, when, x, y in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def walk_lab(folder: Path) -> Path:
    """A lab with the place before the door as zone ``hall``, the door as gate ``door``, and a device that sees all."""
    return track_lab(
        folder,
        VIEW,
        BEFORE,
        {"p": sensor("p", "hall", ["density"])},
        obstacles=WALLS,
        gates={"door": (DOOR, "hall", "outside")},
    )


def _standing(chance: np.random.Generator, people: int) -> Array:
    """Where they stand at first, none nearer than 0.4 m to another."""
    found: list[Array] = []
    while len(found) < people:
        at = chance.uniform((0.4, 0.4), (6.5, 5.6))
        if all(np.hypot(*(at - other)) > 0.4 for other in found):
            found.append(at)
    return np.array(found)


def _velocity(place: Array, free_m_s: Array) -> Array:
    before = place[:, 0] < 8.15
    aim = np.where(
        before[:, None],
        np.stack([np.full(len(place), 8.3), np.clip(place[:, 1], 2.75, 3.25)], axis=1),
        place + np.array([5.0, 0.0]),
    )
    away = place[:, None] - place[None]
    apart = np.hypot(away[..., 0], away[..., 1]) + np.eye(len(place)) * 1e9
    unit = away / apart[..., None]
    push = (4.0 * np.exp((_WIDE_M - apart) / 0.1)[..., None] * unit).sum(axis=1)
    way = (aim - place) / np.hypot(*(aim - place).T)[:, None] + push
    way /= np.hypot(*way.T)[:, None]
    ahead = -(unit * way[:, None]).sum(axis=-1)
    aside = abs(unit[..., 0] * way[:, None, 1] - unit[..., 1] * way[:, None, 0])
    gap = np.where((ahead > 0) & (aside * apart <= _WIDE_M), apart, np.inf).min(axis=1) - _WIDE_M
    return way * np.minimum(free_m_s, np.maximum(gap, 0.0) / _GAP_S)[:, None]


def _inside(old: Array, new: Array) -> Array:
    """Where they come to: walls let nobody through."""
    x, y = new[:, 0], np.clip(new[:, 1], 0.2, 5.8)
    opening = (y > 2.55) & (y < 3.45)
    x = np.where((old[:, 0] <= 7.85) & ~opening, np.minimum(x, 7.85), np.maximum(x, 0.2))
    passing = (x > 7.85) & (x < 8.35)
    return np.stack([x, np.where(passing, np.clip(y, 2.6, 3.4), y)], axis=1)

"""How fast tracks move: speed, velocity and acceleration of each person in each frame. Compiled.

Speed over a window of ``step`` frames to each side: v(t) = |x(t + step) − x(t − step)| / Δt (Steffen & Seyfried 2010).
Acceleration over the frames t − 2 step, t − step and t, told at t: the difference of the two displacements over Δt². Both as
PedPy does. Where a track has no position at an end of the window there is no figure (NaN), never a shorter or a guessed one,
unless ``borders`` says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ruimte.compiled import compiled_aside
from ruimte.errors import RuimteError
from ruimte.tracks.frames import Frames

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Borders = Literal["exclude", "adaptive", "single"]

MOST_M_S = 12.5
"""Nobody runs faster: a track that seems to has jumped to another person."""
_LONGEST = 1_000_000
_BORDERS: tuple[Borders, ...] = ("exclude", "adaptive", "single")


@dataclass(frozen=True, slots=True)
class Motion:
    """Of each row, in m/s: ``speed_m_s``, ``x_m_s``, ``y_m_s``; NaN where the window does not fit into the track. ``jumped``:
    the track seems to jump within the window, and there is no figure for that reason."""

    speed_m_s: Array
    x_m_s: Array
    y_m_s: Array
    jumped: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Acceleration:
    """Of each row, in m/s²: its size, and along x and y; NaN and ``jumped`` as in ``Motion``."""

    size_m_s2: Array
    x_m_s2: Array
    y_m_s2: Array
    jumped: NDArray[np.bool_]


def motion(frames: Frames, step: int, borders: Borders = "exclude", along: ArrayLike | None = None) -> Motion:
    """Speeds over ``step`` frames to each side.

    Args:
        frames: the tracks.
        step: at least 1.
        borders: at the ends of a track: ``exclude`` tells nothing; ``adaptive`` takes a shorter window, as far to one side as to
            the other; ``single`` looks to one side only.
        along: a direction (2,); the speed is then that along it, negative for those who go the other way.

    A window with a gap in it counts its true time; with ``adaptive`` both its ends have to be there.

    >>> from ruimte.tracks.frames import frames_of
    >>> walk = frames_of([1] * 4, range(4), [0.0, 0.1, 0.2, 0.3], [0.0] * 4, rate_hz=10)
    >>> motion(walk, step=1).speed_m_s.round(6).tolist()
    [nan, 1.0, 1.0, nan]
    """
    _check(step)
    if borders not in _BORDERS:
        raise RuimteError(f"borders {borders!r}", "speed", f"choose one of {', '.join(_BORDERS)}")
    rows = len(frames.x_m)
    found = Motion(np.full(rows, np.nan), np.full(rows, np.nan), np.full(rows, np.nan), np.zeros(rows, np.bool_))
    _speeds(
        frames.by_track, frames.track, frames.frame, frames.x_m, frames.y_m, frames.rate_hz, step, _BORDERS.index(borders),
        found.speed_m_s, found.x_m_s, found.y_m_s, found.jumped,
    )  # fmt: skip
    if along is None:
        return found
    u, v = _unit(along)
    return Motion(found.x_m_s * u + found.y_m_s * v, found.x_m_s, found.y_m_s, found.jumped)


def acceleration(frames: Frames, step: int, along: ArrayLike | None = None) -> Acceleration:
    """Accelerations over ``step`` frames and the ``step`` before; along a direction (2,) where one is given."""
    _check(step)
    rows = len(frames.x_m)
    found = Acceleration(np.full(rows, np.nan), np.full(rows, np.nan), np.full(rows, np.nan), np.zeros(rows, np.bool_))
    _accelerations(
        frames.by_track, frames.track, frames.frame, frames.x_m, frames.y_m, frames.rate_hz, step,
        found.size_m_s2, found.x_m_s2, found.y_m_s2, found.jumped,
    )  # fmt: skip
    if along is None:
        return found
    u, v = _unit(along)
    return Acceleration(found.x_m_s2 * u + found.y_m_s2 * v, found.x_m_s2, found.y_m_s2, found.jumped)


class Follower:
    """Speeds live: those of now against ``step`` frames ago, by track, as frames come in; it forgets a track that is gone."""

    def __init__(self, rate_hz: float, step: int) -> None:
        _check(step)
        self._rate_hz, self._step = rate_hz, step
        self._past: list[tuple[int, dict[int, tuple[float, float]]]] = []

    def follow(self, number: int, person: ArrayLike, x_m: ArrayLike, y_m: ArrayLike) -> Array:
        """Speed (people,) in m/s of those in frame ``number``; NaN for whom it is not known yet, or who seem to have jumped.

        Raises ``RuimteError`` where the frame is not later than the last one, or somebody is in it twice.
        """
        who, x, y = np.asarray(person, np.int64).tolist(), np.asarray(x_m, np.float64), np.asarray(y_m, np.float64)
        if self._past and number <= self._past[-1][0]:
            raise RuimteError(f"frame {number} after frame {self._past[-1][0]}", "tracks", "send frames in order, each once")
        now = dict(zip(who, zip(x.tolist(), y.tolist(), strict=True), strict=True))
        if len(now) < len(who):
            raise RuimteError(f"a person is twice in frame {number}", "tracks", "send one position a person")
        self._past = [each for each in self._past if each[0] >= number - self._step]
        speed = np.full(len(who), np.nan)
        if self._past and self._past[0][0] == number - self._step:
            before, apart_s = self._past[0][1], self._step / self._rate_hz
            was = np.array([before.get(each, (math.nan, math.nan)) for each in who]).reshape(-1, 2)
            speed = np.hypot(x - was[:, 0], y - was[:, 1]) / apart_s
            speed[~(speed <= MOST_M_S)] = np.nan
        self._past.append((number, now))
        return speed


def _check(step: int) -> None:
    if not (isinstance(step, int) and 1 <= step <= _LONGEST):
        raise RuimteError(f"a window of {step} frames", "speed", f"give a whole number of frames (--step), 1 to {_LONGEST:,}")


def _unit(along: ArrayLike) -> tuple[float, float]:
    given = np.asarray(along, dtype=np.float64)
    if given.shape != (2,) or not np.isfinite(given).all() or not given.any():
        raise RuimteError("not a direction", "speed", "give x and y of it, not both 0")
    u, v = given / np.hypot(*given)
    return float(u), float(v)


@compiled_aside
def _jumps(by_track: Index, frame: Index, x: Array, y: Array, rate_hz: float, start: int, end: int) -> bool:
    """Whether a track moves faster than anybody can between two of its positions from ``start`` to ``end``."""
    for i in range(start, end):
        a, b = by_track[i], by_track[i + 1]
        dx, dy = x[b] - x[a], y[b] - y[a]
        if math.sqrt(dx * dx + dy * dy) * rate_hz > MOST_M_S * (frame[b] - frame[a]):
            return True
    return False


@compiled_aside
def _speeds(
    by_track: Index, track: Index, frame: Index, x: Array, y: Array, rate_hz: float, step: int, borders: int,
    speed: Array, speed_x: Array, speed_y: Array, jumped: NDArray[np.bool_],
) -> None:  # fmt: skip
    for t in range(len(track) - 1):
        first, last = track[t], track[t + 1] - 1
        for i in range(first, last + 1):
            start, end = i - step, i + step
            if borders == 1:
                now = frame[by_track[i]]
                wide = min(step, min(now - frame[by_track[first]], frame[by_track[last]] - now))
                start = _at(by_track, frame, first, i, now - wide)
                end = _at(by_track, frame, i, last, now + wide)
            elif borders == 2:
                start, end = start if start >= first else i, end if end <= last else i
            if start < first or end < 0 or end > last or start == end:
                continue
            a, b, row = by_track[start], by_track[end], by_track[i]
            if _jumps(by_track, frame, x, y, rate_hz, start, end):
                jumped[row] = True
                continue
            seconds = (frame[b] - frame[a]) / rate_hz
            dx, dy = x[b] - x[a], y[b] - y[a]
            speed[row] = math.sqrt(dx * dx + dy * dy) / seconds
            speed_x[row], speed_y[row] = dx / seconds, dy / seconds


@compiled_aside
def _at(by_track: Index, frame: Index, low: int, high: int, wanted: int) -> int:
    """Where between two places a track is in a frame; -1: it is not."""
    while low < high:
        middle = (low + high) // 2
        if frame[by_track[middle]] < wanted:
            low = middle + 1
        else:
            high = middle
    return low if frame[by_track[low]] == wanted else -1


@compiled_aside
def _accelerations(
    by_track: Index, track: Index, frame: Index, x: Array, y: Array, rate_hz: float, step: int,
    total: Array, along_x: Array, along_y: Array, jumped: NDArray[np.bool_],
) -> None:  # fmt: skip
    for t in range(len(track) - 1):
        for i in range(track[t] + 2 * step, track[t + 1]):
            a, b, c = by_track[i - 2 * step], by_track[i - step], by_track[i]
            if _jumps(by_track, frame, x, y, rate_hz, i - 2 * step, i):
                jumped[c] = True
                continue
            if frame[c] - frame[b] != frame[b] - frame[a]:
                # with a gap in one half only the two displacements do not compare
                continue
            seconds = (frame[c] - frame[b]) / rate_hz
            dx, dy = (x[c] - x[b]) - (x[b] - x[a]), (y[c] - y[b]) - (y[b] - y[a])
            total[c] = math.sqrt(dx * dx + dy * dy) / seconds**2
            along_x[c], along_y[c] = dx / seconds**2, dy / seconds**2

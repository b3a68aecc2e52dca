"""Tracks as flat arrays: who was where in which frame. A track's number lives in memory only and says nothing of who it is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ruimte.errors import RuimteError

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_EMPTY_MOST = 1000
"""Frames without anybody between others: at most so many for each position; more of them are times, not frames."""


@dataclass(frozen=True, slots=True)
class Frames:
    """Positions, frame by frame.

    Rows of frame f are ``start[f]:start[f + 1]``; its number is ``first + f``, and there may be nobody in it. ``person``
    (rows,) is the track, ``x_m``, ``y_m`` (rows,) where it is, in metres. Rows of track t are ``by_track[track[t]:track[t +
    1]]``, in order of time; ``order`` (rows,) is where each row was in what was given.
    """

    first: int
    start: Index
    person: Index
    x_m: Array
    y_m: Array
    rate_hz: float
    by_track: Index
    track: Index
    order: Index

    def __len__(self) -> int:
        return len(self.start) - 1

    @property
    def number(self) -> Index:
        """Number of each frame, shape (frames,)."""
        return self.first + np.arange(len(self), dtype=np.int64)

    @property
    def frame(self) -> Index:
        """Number of the frame of each row, shape (rows,)."""
        return np.repeat(self.number, np.diff(self.start))

    @property
    def tracks(self) -> Index:
        """Number of each track, shape (tracks,), ascending."""
        return self.person[self.by_track[self.track[:-1]]]

    def between(self, begin: int, end: int) -> Frames:
        """Frames ``begin`` to ``end`` (without), counted from 0; tracks that reach beyond are cut off.

        >>> walk = frames_of([1, 1, 1, 2], [5, 6, 7, 7], [0.0, 0.1, 0.2, 3.0], [0.0] * 4, rate_hz=25)
        >>> later = walk.between(1, 3)
        >>> later.number.tolist(), later.person.tolist(), later.x_m.tolist()
        ([6, 7], [1, 1, 2], [0.1, 0.2, 3.0])
        """
        first, last = int(self.start[begin]), int(self.start[end])
        person, frame = self.person[first:last], np.repeat(np.arange(begin, end), np.diff(self.start[begin : end + 1]))
        by_track, track = _tracks(person, frame)
        x, y, start = self.x_m[first:last], self.y_m[first:last], self.start[begin : end + 1] - first
        return Frames(self.first + begin, start, person, x, y, self.rate_hz, by_track, track, self.order[first:last])


def frames_of(person: ArrayLike, frame: ArrayLike, x_m: ArrayLike, y_m: ArrayLike, rate_hz: float) -> Frames:
    """Tracks from a table with a row a person and frame, in any order.

    Args:
        person, frame: whole numbers, shape (rows,).
        x_m, y_m: position in metres, shape (rows,); NaN or infinite where it is not known.
        rate_hz: frames a second.

    Raises ``RuimteError`` where columns differ in length, numbers are no whole ones, a person is in a frame twice, or frames
    are so far apart that they look like times.

    >>> frames = frames_of([1, 1, 2], [8, 7, 8], [0.1, 0.0, 3.0], [0.0, 0.0, 2.0], rate_hz=25)
    >>> len(frames), frames.number.tolist(), frames.person.tolist(), frames.x_m.tolist()
    (2, [7, 8], [1, 1, 2], [0.0, 0.1, 3.0])
    """
    who, when = whole(person, "person"), whole(frame, "frame")
    x, y = np.asarray(x_m, dtype=np.float64), np.asarray(y_m, dtype=np.float64)
    if not (who.shape == when.shape == x.shape == y.shape) or who.ndim != 1:
        raise RuimteError("columns of different lengths", "tracks", "give a person, a frame, x and y for each row")
    if not (np.isfinite(rate_hz) and rate_hz > 0):
        raise RuimteError(f"{rate_hz} frames a second", "tracks", "give the sensor's frame rate in 1/s")
    if len(who) == 0:
        none = np.zeros(0, np.int64)
        return Frames(0, np.zeros(1, np.int64), none, x, y, float(rate_hz), none, np.zeros(1, np.int64), none)
    order = np.lexsort((who, when))
    who, when, x, y = who[order], when[order], x[order], y[order]
    twice = np.flatnonzero((who[1:] == who[:-1]) & (when[1:] == when[:-1]))
    if len(twice):
        at = twice[0]
        raise RuimteError(f"a person is twice in frame {when[at]}", "tracks", "keep one position a person and frame")
    first, span = int(when[0]), int(when[-1]) - int(when[0]) + 1
    if span > _EMPTY_MOST * len(who) + 1000:
        raise RuimteError(
            f"{len(who)} positions over {span} frames", "tracks", "give numbers of frames (0, 1, 2 …), not times in milliseconds"
        )
    start = np.searchsorted(when, first + np.arange(span + 1)).astype(np.int64)
    by_track, track = _tracks(who, when)
    return Frames(first, start, who, x, y, float(rate_hz), by_track, track, order.astype(np.int64))


def cut_at_gaps(frames: Frames, most: int) -> Frames:
    """The same, with a track cut in two where it is not seen for ``most`` frames or more: it may be of somebody else then.

    >>> frames = frames_of([1, 1, 1], [0, 1, 5], [0.0, 0.1, 9.0], [0.0] * 3, rate_hz=2)
    >>> cut_at_gaps(frames, most=3).track.tolist(), cut_at_gaps(frames, most=4).track.tolist()
    ([0, 2, 3], [0, 3])
    """
    apart = np.diff(frames.frame[frames.by_track]) > most
    return replace(frames, track=np.union1d(frames.track, np.flatnonzero(apart) + 1))


def in_slots(frames: Frames, every: int, first: int, last: int) -> Frames:
    """The same rows, numbered by slots of ``every`` frames, from slot ``first`` to ``last``; one frame of a slot may hold rows.

    >>> frames = frames_of([1, 1], [11, 15], [0.0, 0.1], [0.0, 0.0], rate_hz=10)
    >>> slots = in_slots(frames, 5, first=1, last=4)
    >>> slots.frame.tolist(), slots.start.tolist(), slots.rate_hz
    ([2, 3], [0, 0, 1, 2, 2], 2.0)
    """
    start = np.searchsorted(frames.frame // every, np.arange(first, last + 2)).astype(np.int64)
    return replace(frames, first=first, start=start, rate_hz=frames.rate_hz / every)


def _tracks(person: Index, frame: Index) -> tuple[Index, Index]:
    """Rows by track and time, and where in these each track begins (and the last one ends)."""
    by_track = np.lexsort((frame, person)).astype(np.int64)
    begins = np.flatnonzero(np.diff(person[by_track], prepend=person[by_track[0]] - 1)) if len(person) else by_track
    return by_track, np.append(begins, len(person)).astype(np.int64)


def one_frame(number: int, person: ArrayLike, x_m: ArrayLike, y_m: ArrayLike) -> tuple[int, Index, Array, Array]:
    """One frame as it comes in: its number, persons in ascending order, and their x and y (m).

    Raises ``RuimteError`` where columns differ in length, numbers are no whole ones, or somebody is in it twice.

    >>> number, person, x_m, _ = one_frame(8, [2, 1], [3.0, 0.1], [2.0, 0.0])
    >>> number, person.tolist(), x_m.tolist()
    (8, [1, 2], [0.1, 3.0])
    """
    who, x, y = whole(person, "person"), np.asarray(x_m, np.float64), np.asarray(y_m, np.float64)
    if not (who.shape == x.shape == y.shape) or who.ndim != 1:
        raise RuimteError("columns of different lengths", "frame", "give an x and a y for each person")
    order = np.argsort(who, kind="stable")
    who = who[order]
    if (who[1:] == who[:-1]).any():
        raise RuimteError(f"a person is twice in frame {number}", "tracks", "send one position a person")
    return int(whole(number, "frame")), who, x[order], y[order]


def whole(values: ArrayLike, column: str) -> Index:
    """Numbers as whole ones; raises ``RuimteError`` where they are not."""
    given = np.asarray(values)
    if given.dtype.kind in "iu":
        return given.astype(np.int64)
    if given.size == 0:
        return np.zeros(given.shape, np.int64)
    if given.dtype.kind != "f" or not np.isfinite(given).all() or (given != np.round(given)).any() or abs(given).max() > 2**53:
        raise RuimteError(f"column {column!r} holds something else than whole numbers", "tracks", f"number each {column}")
    return given.astype(np.int64)

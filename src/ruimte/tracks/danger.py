"""Danger indicators: figures that went up before crowds became dangerous, in the few cases that were measured.

No indicator has been validated as a predictor: not one has been tried on crowds whose end was not known yet. Each figure says
so, and comes with its formula, its source and the numbers it depends on. What is not known is told as not known, with the reason;
never as 0, which would read as calm. The indicators: ``pressure``, ``congestion``, ``oscillation``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ruimte.errors import RuimteError
from ruimte.tracks.frames import Frames

LABEL = "indicator, not validated as a predictor"

LEAST_SEEN = 0.9
"""The share of the frames of a window that must have come."""

Unknown = Literal["", "few people", "low density", "short window", "nobody moves", "no peak"]
"""Why a figure is not known; empty where it is."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number that a figure depends on."""

    name: str
    value: float
    unit: str

    def __str__(self) -> str:
        return f"{self.name} {self.value:g} {self.unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Indicator:
    """A figure, and all that it takes to read it.

    ``value`` in ``unit`` is NaN where ``unknown`` says that it is not known; ``why`` tells that in words. ``threshold``: where
    its source saw danger begin, None where it names no such number; it holds for the source's own averages, not for others.
    """

    name: str
    value: float
    unit: str
    parameters: tuple[Parameter, ...]
    formula: str
    source: str
    threshold: float | None = None
    unknown: Unknown = ""
    why: str = ""
    label: str = LABEL

    def __str__(self) -> str:
        figure = f"not known ({self.why})" if self.unknown else f"{self.value:.3g} {self.unit}"
        beside = [*map(str, self.parameters)]
        if self.threshold is not None:
            beside.append(f"threshold {self.threshold:g} {self.unit}, which depends on these")
        return f"{self.name}: {figure} ({', '.join(beside)}); {self.label}"


@dataclass(frozen=True, slots=True)
class Window:
    """The last frames up to one: frames ``begin`` to ``end`` (without) of a recording, rows ``first`` to ``last`` (without).
    ``seen``: how many of the frames were. ``short``: why that is less than was asked for; empty where it is not."""

    begin: int
    end: int
    first: int
    last: int
    seen: int
    short: str


def window_of(frames: Frames, window_s: float, until_frame: int | None = None, missing: ArrayLike = ()) -> Window:
    """The ``window_s`` seconds up to and with frame ``until_frame``, or the last one. ``missing``: numbers of frames that never
    came; nobody is in them, which does not mean that nobody was there. With more than a tenth of those a window is too short.

    Raises ``RuimteError`` for a window that is no length of time, or a frame that is not there.
    """
    positive(window_s, "window", "s")
    if until_frame is not None and not frames.first <= until_frame < frames.first + len(frames):
        what = f"no frame {until_frame} in frames {frames.first} to {frames.first + len(frames) - 1}"
        raise RuimteError(what, "danger indicators", "name one of the recording")
    end = len(frames) if until_frame is None else until_frame - frames.first + 1
    wanted = max(round(window_s * frames.rate_hz), 1)
    begin = max(end - wanted, 0)
    lost = np.unique(np.asarray(missing, np.int64)) - frames.first
    seen = end - begin - int(((lost >= begin) & (lost < end)).sum())
    short = ""
    if end - begin < wanted:
        short = f"only {(end - begin) / frames.rate_hz:.3g} s of {window_s:g} s"
    elif seen < LEAST_SEEN * wanted:
        short = f"only {seen} of {wanted} frames came"
    return Window(begin, end, int(frames.start[begin]), int(frames.start[end]), seen, short)


def positive(value: float, name: str, unit: str) -> None:
    """Raise ``RuimteError`` unless a number is finite and above 0."""
    if not (math.isfinite(value) and value > 0):
        raise RuimteError(f"{name} of {value} {unit}".rstrip(), "danger indicators", "give a number above 0")


def same_rows(frames: Frames, speeds: int) -> None:
    """Raise ``RuimteError`` where speeds are not those of these frames."""
    if speeds != len(frames.x_m):
        raise RuimteError(
            f"{speeds} speeds of {len(frames.x_m)} positions", "danger indicators", "give the motion of these frames"
        )

"""Collective oscillation: whether a dense crowd sways as one, how fast, and which way round.

Gu, Guiselin, Bain, Zuriguel & Bartolo (2025), Nature 638, 112–119: above some 4 persons/m² a confined crowd began to go round
together, at about 0.35 rad/s (a period near 18 s) where they measured; the wider the place, the slower. They propose it as an
early warning; nobody has tried it as one.

Here: the mean velocity of all in a region is a complex number a frame, z = v_x + i v_y, freed of its mean and drift; its power
spectrum (Hann window) has circling anticlockwise at frequencies above 0 and clockwise below. The peak is where both together are
greatest; it counts if it holds enough of the power of all slow motion. Whether a period is told, and which, depends on the
window. Of windows of mere noise (white, of positions, or with a memory of up to half a minute) about 1 in 100 has a peak.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from ruimte.errors import RuimteError
from ruimte.tracks.area import Area
from ruimte.tracks.danger import LEAST_SEEN, Indicator, Parameter, Unknown, positive, same_rows, window_of
from ruimte.tracks.frames import Frames
from ruimte.tracks.motion import Motion

Array = NDArray[np.float64]

_FORMULA = "ω = argmax of |Z(ω)|² + |Z(−ω)|², Z the Fourier transform of z = mean v_x + i mean v_y"
_SOURCE = "Gu, Guiselin, Bain, Zuriguel & Bartolo (2025), Nature 638, 112–119"
_FINER = 8
"""The spectrum is reckoned at so many times more frequencies than the window tells apart, so that the peak is found well."""
_LEAST_KNOWN = 0.9
"""The share of frames of which the mean velocity has to be known; between those it is drawn straight."""
WINDOW_S = 90.0
"""Five periods of 18 s; three of up to half a minute, which wider places may have."""


@dataclass(frozen=True, slots=True)
class Sway:
    """Of each frame of a region, one after another: the mean velocity of those in it (frames,), v_x + i v_y in m/s, NaN where
    nobody's is known; and how many there are (frames,), NaN where the frame never came."""

    velocity: NDArray[np.complex128]
    people: Array


@dataclass(frozen=True, slots=True)
class Oscillation:
    """How a crowd sways. ``indicator`` is its frequency in rad/s, and ``period_s`` the same as a period. ``share``: of the power
    of all motion that is slow enough, at the peak. ``turning``: 1 anticlockwise, −1 clockwise, 0 to and fro. ``speed_m_s``:
    frequency × confinement length, for the frequency fell as 1 / length; NaN where no length was given. ``density`` in
    persons/m², mean of the window. NaN: not known."""

    indicator: Indicator
    period_s: float
    share: float
    turning: float
    speed_m_s: float
    density: float


def collective_oscillation(
    frames: Frames,
    motion: Motion,
    region: Area,
    *,
    window_s: float = WINDOW_S,
    until_frame: int | None = None,
    missing: ArrayLike = (),
    confinement_m: float | None = None,
    fastest_s: float = 4.0,
    least_density: float = 4.0,
    least_people: int = 20,
    least_share: float = 0.6,
    least_periods: float = 3.0,
) -> Oscillation:
    """Oscillation of the crowd in a region, over the ``window_s`` seconds up to ``until_frame`` (or the last frame).

    Args:
        frames, motion: the tracks and their velocities.
        region: whose people count.
        missing: numbers of frames that never came.
        confinement_m: how wide the place is, the length of which the frequency falls.
        fastest_s: shorter periods than this are steps and errors.
        least_density, least_people: with fewer persons/m², or fewer people in an average frame, it is not known.
        least_share, least_periods: so much of the power has to be at the peak, and so many periods in the window. All but the
            density are ours.

    Raises ``RuimteError`` for numbers that make no sense.
    """
    same_rows(frames, len(motion.x_m_s))
    window = window_of(frames, window_s, until_frame)
    return oscillation_of(
        sway_of(frames, motion, region, window.begin, window.end, missing),
        frames.rate_hz,
        region.area_m2,
        window_s=window_s,
        confinement_m=confinement_m,
        fastest_s=fastest_s,
        least_density=least_density,
        least_people=least_people,
        least_share=least_share,
        least_periods=least_periods,
    )


def oscillation_of(
    sway: Sway,
    rate_hz: float,
    area_m2: float,
    *,
    window_s: float = WINDOW_S,
    confinement_m: float | None = None,
    fastest_s: float = 4.0,
    least_density: float = 4.0,
    least_people: int = 20,
    least_share: float = 0.6,
    least_periods: float = 3.0,
) -> Oscillation:
    """The same from how a crowd swayed, over the last ``window_s`` seconds of it: ``rate_hz`` frames a second, in a region of
    ``area_m2``."""
    positive(window_s, "window", "s")
    limits = ((fastest_s, "shortest period"), (least_density, "least density"), (least_people, "least number of people"))
    for number, name in (*limits, (least_share, "least share"), (least_periods, "least number of periods")):
        positive(number, name, "")
    if confinement_m is not None:
        positive(confinement_m, "confinement length", "m")
    if window_s / least_periods <= fastest_s or fastest_s * rate_hz <= 2:
        what = f"periods of {fastest_s:g} s or more in a window of {window_s:g} s at {rate_hz:g} frames a second"
        raise RuimteError(
            what, "danger indicators", f"take a window of more than {least_periods * fastest_s:g} s, and more frames"
        )
    wanted = max(round(window_s * rate_hz), 1)
    z, came = sway.velocity[-wanted:], np.isfinite(sway.people[-wanted:])
    people = float(sway.people[-wanted:][came].mean()) if came.any() else 0.0
    density = people / area_m2
    known = np.isfinite(z[came]).mean() if came.any() else 0.0
    short = ""
    if len(z) < wanted:
        short = f"only {len(z) / rate_hz:.3g} s of {window_s:g} s"
    elif came.sum() < LEAST_SEEN * wanted:
        short = f"only {came.sum()} of {wanted} frames came"
    unknown: Unknown = ""
    why, omega, share, turning = "", math.nan, math.nan, math.nan
    if short:
        unknown, why = "short window", short
    elif people < least_people:
        unknown, why = "few people", f"{people:.3g} people in an average frame, fewer than {least_people}"
    elif density < least_density:
        unknown, why = "low density", f"{density:.2g} persons/m², less than {least_density:g}"
    elif known < _LEAST_KNOWN:
        unknown, why = "few people", f"a mean velocity in {known:.0%} of the frames, fewer than {_LEAST_KNOWN:.0%}"
    else:
        slowest_s = window_s / least_periods
        omega, share, turning, rises = _peak(_steady(z), rate_hz, fastest_s, slowest_s)
        if rises == "slower":
            unknown, why = (
                "short window",
                f"most motion is slower than a period of {slowest_s:.3g} s, which the window cannot tell",
            )
            share = math.nan
        elif rises == "faster":
            unknown, why = "no peak", f"most motion is faster than a period of {fastest_s:g} s"
            share = math.nan
        elif not share >= least_share:
            unknown, why = "no peak", f"the highest peak has {share:.0%} of the power, less than {least_share:.0%}"
        if unknown:
            omega = turning = math.nan
    parameters = (
        Parameter("window", window_s, "s"),
        Parameter("region", area_m2, "m²"),
        Parameter("shortest period", fastest_s, "s"),
        Parameter("least density", least_density, "persons/m²"),
        Parameter("least people", least_people, ""),
        Parameter("least share of power", least_share, ""),
        Parameter("least periods", least_periods, ""),
        *([Parameter("confinement length", confinement_m, "m")] if confinement_m is not None else []),
    )
    return Oscillation(
        Indicator("collective oscillation", omega, "rad/s", parameters, _FORMULA, _SOURCE, None, unknown, why),
        2 * math.pi / omega,
        share,
        turning,
        omega * confinement_m if confinement_m is not None else math.nan,
        math.nan if short else density,
    )


def sway_of(frames: Frames, motion: Motion, region: Area, begin: int, end: int, missing: ArrayLike = ()) -> Sway:
    """How those in a region sway in frames ``begin`` to ``end`` (without), by place in the recording; ``missing``: numbers of
    those that never came."""
    first, last = int(frames.start[begin]), int(frames.start[end])
    inside = shapely.contains_xy(region.polygon, frames.x_m[first:last], frames.y_m[first:last])
    rows = first + np.flatnonzero(inside)
    frame = np.repeat(np.arange(end - begin), np.diff(frames.start[begin : end + 1]))[inside]
    moves = np.isfinite(motion.x_m_s[rows]) & np.isfinite(motion.y_m_s[rows])
    people = np.bincount(frame, minlength=end - begin).astype(np.float64)
    rows, frame = rows[moves], frame[moves]
    count = np.bincount(frame, minlength=end - begin)
    x, y = (np.bincount(frame, weights=each[rows], minlength=end - begin) for each in (motion.x_m_s, motion.y_m_s))
    z = np.full(end - begin, complex(math.nan, math.nan), dtype=np.complex128)
    some = count > 0
    z[some] = (x[some] + 1j * y[some]) / count[some]
    lost = np.asarray(missing, np.int64) - frames.first - begin
    lost = lost[(lost >= 0) & (lost < end - begin)]
    z[lost], people[lost] = complex(math.nan, math.nan), math.nan
    return Sway(z, people)


def _steady(z: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Gaps drawn straight, mean and drift taken away."""
    at = np.arange(len(z), dtype=np.float64)
    known = np.isfinite(z)
    parts = [np.interp(at, at[known], each[known]) for each in (z.real, z.imag)]
    middle = at - at.mean()
    x, y = (each - each.mean() - middle * (middle @ each) / (middle @ middle) for each in parts)
    steady: NDArray[np.complex128] = x + 1j * y
    return steady


def _peak(z: NDArray[np.complex128], rate_hz: float, fastest_s: float, slowest_s: float) -> tuple[float, float, float, str]:
    """Frequency of the peak in rad/s, its share of the power, which way round, and whether the power rises on where it is
    ``slower`` or ``faster`` than is looked for."""
    count = len(z)
    size, half = _FINER * count, _FINER * count // 2
    power = np.abs(np.fft.fft(z * np.hanning(count), size)) ** 2
    # frequencies k rate / size; what is below 0 is counted from the end
    both = power[1:half] + power[:half:-1]
    hertz = np.arange(1, half) * rate_hz / size
    slow = hertz <= 1 / fastest_s
    if not both[slow].sum() > 0:
        return math.nan, 0.0, math.nan, ""
    span = np.flatnonzero(slow & (hertz >= 1 / slowest_s))
    at = int(span[np.argmax(both[span])])
    rises = ""
    if at == span[0] and at > 0 and both[at - 1] > both[at]:
        rises = "slower"
    elif at == span[-1] and both[at + 1] > both[at]:
        rises = "faster"
    # a pure tone has nearly all its power so near, under a Hann window
    near = abs(hertz - hertz[at]) <= 1.5 * rate_hz / count
    share = float(both[near & slow].sum() / both[slow].sum())
    onward, back = power[at + 1], power[size - at - 1]
    return 2 * math.pi * float(hertz[at]), share, float((onward - back) / (onward + back)), rises

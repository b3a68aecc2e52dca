r"""Which sensor is wrong: every count is compared with what the others say. Compiled.

For each stream runs a small account of evidence:

- **silent**: nothing heard for three ticks.
- **stuck**: the same value again and again, where it should vary. Of a count with mean :math:`\mu` and variance
  :math:`\varphi\mu` the chance of 0 is :math:`\varphi^{-\mu/(\varphi-1)}` (negative binomial; :math:`e^{-\mu}` for Poisson), of
  any one value at most about :math:`(2\pi\varphi\mu)^{-1/2}`. Their logarithms add up until a run is less likely than
  :math:`e^{-18}`, about once in 65 million. :math:`\mu` is what the sisters of the sensor say *now*, at its lower end: where
  nobody is, they say so too, and zeros are no evidence.
- **doubtful**: refused three times in a row, or far from what its sisters say.
- **lying**: doubtful for an hour, or its calibration left what it used to be by more than a quarter.
- **drifting**: its calibration moved by more than 15 %, and by more than it usually does.

Each passes again when it has told something believable three times; one whose calibration moved, when that is back.
"""

from __future__ import annotations

import math

import numpy as np

from ruimte.compiled import compiled
from ruimte.estimate.layout import Records

FINE, DOUBTFUL, SILENT, STUCK, DRIFTING, LYING = range(6)
STATES = ("fine", "doubtful", "silent", "stuck", "drifting", "lying")

UNREGISTERED, USED, UNHEARD, REFUSED = range(4)
"""What became of a stream in a tick."""

SURE = 18.0
"""Minus the logarithm of the chance at which a run of equal values is no accident."""
RUN = 3
"""So many ticks in a row make silence, doubt, or trust again."""
LYING_H = 1.0
RELENT_H = 24.0
"""After so long what is refused is taken for the new normal: gates are closed, ways change."""
KNOWN_DAYS = 2.0
"""Before the profile rests on so many days, no zero is strange."""
DRIFT, LIE = 0.15, 0.25
"""Moves of the calibration that are told, as shares."""
SURELY, HARDLY = 4.0, 2.0
"""A move of the calibration counts beyond so many standard deviations of its usual moves; these follow moves up to so many."""
FIRST_MOVE, LEAST_MOVE = 0.05, 0.045
REFERENCE_DAYS = 28.0
FIRST_DAYS = 10.0
"""So long a calibration is only getting known, before it can drift."""


WATCH = np.dtype(
    [(name, np.int64) for name in ("state", "since", "heard", "unheard", "low", "high", "good", "repeats", "moved")]
    + [(name, np.float64) for name in ("value", "same", "peak", "said", "expected", "reference", "reference_sd", "days")]
)
"""The account of a stream or reading.

``state`` since tick ``since``; the tick in which it was last ``heard`` (-1: never) and for how many ticks it was ``unheard``; for
how many in a row it was refused as too ``low`` or stood out as too ``high``, or was ``good``; for how many it ``repeats`` its
``value``, and the evidence ``same`` of that; whether it was its calibration that ``moved`` (1) when it began to drift or lie; its
``peak``; what it last ``said`` and what was ``expected`` then; the ``reference`` of its calibration with its ``reference_sd``,
and for how many ``days`` it was calibrated.
"""


def new_watch(n: int) -> Records:
    """Accounts of streams that were never heard."""
    watch = np.zeros(n, dtype=WATCH).view(np.recarray)
    watch.heard = -1
    watch.reference = 1.0
    watch.value = watch.said = watch.expected = np.nan
    return watch


@compiled
def evidence(count: float, mean: float, noise: float) -> float:
    """Minus the logarithm of the chance of a count (of 0 exactly, of another at most), given its mean and noise (per Poisson)."""
    phi = max(noise, 1.0 + 1e-6)
    if count == 0.0:
        return mean * math.log(phi) / (phi - 1.0)
    return max(0.0, 0.5 * math.log(2.0 * math.pi * phi * mean + 1.2))


@compiled
def excluded(watch: Records, j: int) -> bool:
    """Whether what a stream says is left out of the picture: what is only scaled otherwise is told by its calibration."""
    state = watch.state[j]
    return bool(state == STUCK or (state == LYING and max(watch.low[j], watch.high[j]) >= RUN))


@compiled
def relents(watch: Records, j: int, tick_h: float) -> bool:
    """Whether it has been refused as too low for so long that it must be the new normal."""
    return bool(watch.low[j] * tick_h >= RELENT_H)


@compiled
def change(watch: Records, j: int, state: int, tick: int) -> None:
    """Enter a state; the first tick of it is kept."""
    if watch.state[j] != state:
        watch.state[j] = state
        watch.since[j] = tick


@compiled
def silence(watch: Records, j: int, tick: int) -> None:
    """A tick in which nothing was heard."""
    watch.unheard[j] += 1
    watch.good[j] = 0
    if watch.unheard[j] >= RUN:
        change(watch, j, SILENT, tick)


@compiled
def repetition(watch: Records, j: int, count: float, mean: float, noise: float, days: float) -> None:
    """Account for a value that is the same as the last."""
    if count != watch.value[j]:
        watch.same[j] = 0.0
        watch.repeats[j] = 0
        watch.value[j] = count
    if days >= KNOWN_DAYS:
        watch.same[j] += evidence(count, mean, noise)
    watch.repeats[j] += 1


@compiled
def is_stuck(watch: Records, j: int) -> bool:
    """Whether its run of equal values is no accident; a run is more than a value and its echo."""
    return bool(watch.same[j] > SURE and watch.repeats[j] >= (2 if watch.value[j] == 0.0 else 4))


@compiled
def judge(watch: Records, j: int, verdict: int, tick: int, tick_h: float) -> None:
    """Decide on the state of a stream that was heard, once its accounts are up to date."""
    watch.unheard[j] = 0
    watch.heard[j] = tick
    believable = verdict == USED and not is_stuck(watch, j)
    watch.good[j] = watch.good[j] + 1 if believable else 0
    if is_stuck(watch, j):
        change(watch, j, STUCK, tick)
    elif watch.low[j] >= RUN or watch.high[j] >= RUN:
        lies = max(watch.low[j], watch.high[j]) * tick_h >= LYING_H and max(watch.low[j], watch.high[j]) >= 2 * RUN
        if watch.state[j] != LYING:
            change(watch, j, LYING if lies else DOUBTFUL, tick)
    elif watch.state[j] != FINE and watch.moved[j] == 0 and watch.good[j] >= RUN:
        change(watch, j, FINE, tick)


@compiled
def calibrate(watch: Records, j: int, scale: float, sd: float, tick: int) -> None:
    """Once a day: compare the calibration, known to ``sd``, with what it used to be, and with how much it used to move."""
    watch.days[j] += 1.0
    if watch.days[j] == 1.0:
        watch.reference[j] = scale
        watch.reference_sd[j] = FIRST_MOVE
    move = scale - watch.reference[j]
    share = abs(move) / watch.reference[j]
    surely = watch.days[j] > FIRST_DAYS and abs(move) > max(SURELY * watch.reference_sd[j], HARDLY * sd)
    if surely and share > LIE:
        change(watch, j, LYING, tick)
        watch.moved[j] = 1
    elif surely and share > DRIFT:
        if watch.state[j] == FINE:
            change(watch, j, DRIFTING, tick)
            watch.moved[j] = 1
    elif watch.moved[j] == 1 and share < 0.8 * DRIFT:
        watch.moved[j] = 0
        if watch.state[j] >= DRIFTING:
            change(watch, j, FINE, tick)
    rate = 1.0 / min(watch.days[j], REFERENCE_DAYS)
    watch.reference[j] += rate * move
    seen = min(move * move, HARDLY**2 * watch.reference_sd[j] ** 2)
    watch.reference_sd[j] = max(math.sqrt(watch.reference_sd[j] ** 2 + rate * (seen - watch.reference_sd[j] ** 2)), LEAST_MOVE)

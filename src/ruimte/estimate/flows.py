r"""How many people take each link: a profile of the week, times what is different now. Compiled.

A count :math:`y` over a tick becomes :math:`z = 2\sqrt{y + 3/8}` (Anscombe 1948), whose noise is 1 for a Poisson count whatever
its level, and more for real crossings, which come in groups. With :math:`m_l` the same of the link's profile at this kind of day
and half-hour,

.. math:: z_l = m_l (1 + c + a_l) + \varepsilon_l, \qquad \varepsilon_l \sim N(0, r_l)

where :math:`c` is how much busier the whole site is than usual and :math:`a_l` what the link has on top. Both fall back to 0, the
first within hours, the second within a day: autoregressions, in a Kalman filter of 1 + links numbers a site. So a link that is
silent is told from its own past, its profile, and its sisters at this moment; the variance grows as long as it lasts.

:math:`r_l` is learned from the surprises. A surprise that is beyond reason takes no part (a redescending influence, Hampel 1974),
measured against what the sisters say: when all of them fall at once it is the world that changed. Each count is judged without
its own part in the estimate (leave-one-out): with :math:`s` the variance of the estimate and e its error after the update, the
error of what the others predict is :math:`e\,r/(r-s)`, and its variance :math:`s\,r/(r-s)`.

While the profile is young, :math:`a_l` may drift a lot: the filter then is one of a local level.

Anscombe, F. J. (1948), The transformation of Poisson, binomial and negative-binomial data, Biometrika 35.
Hampel, F. R. (1974), The influence curve and its role in robust estimation, JASA 69.
Harvey, A. C. (1989), Forecasting, Structural Time Series Models and the Kalman Filter, Cambridge University Press.
"""

from __future__ import annotations

import math

import numpy as np

from ruimte.compiled import compiled
from ruimte.estimate.kalman import spread, update
from ruimte.estimate.layout import Array
from ruimte.estimate.tape import SCALE, Tape, note

OFFSET = 3 / 8
COMMON_SD = 0.3
COMMON_H = 3.0
"""The whole site is by so much (of z) busier or calmer than usual, for about so long."""
OWN_SD = 0.1
OWN_H = 24.0
NEW_SD = 1.0
"""The same of one link; the last while nothing of its profile is known."""
PROFILE_VISITS = 10.0
"""So many earlier days of the same kind make the profile."""
LEAST_NOISE = 1.0
"""Of z: that of a Poisson count."""
FIRST_NOISE = 2.0
NOISE_RATE = 1 / 200
HUBER, HAMPEL = 3.0, 6.0
"""A surprise weighs less beyond the first and takes no part beyond the second, in standard deviations."""


@compiled
def rest_of(share_h: float, tick_h: float) -> float:
    """What is left of a deviation after a tick, when it lasts for ``share_h`` hours."""
    return math.exp(-tick_h / share_h)


@compiled
def persons(z: float, variance: float) -> float:
    """Mean count of which z is the root with that variance; never below 0."""
    return max(0.0, (z * z + variance) / 4 - OFFSET)


@compiled
def slot_ticks(slots: int, tick_h: float) -> float:
    """Ticks in one slot of the profile, of which a day has ``slots``."""
    return max(1.0, 24.0 / slots / tick_h)


@compiled
def usual(
    profile: Array, visits: Array, overall: float, kind: int, slot: int, slots: int, tick_h: float
) -> tuple[float, float, float]:
    """Mean count of a link for a slot of a kind of day, how many earlier days it rests on, and how many of any kind there were.

    Where that is few, what other kinds of day show at that time of day, or the mean of all ticks, fills in.
    """
    here = kind * slots + slot
    total, found, seen = 0.0, 0, 0.0
    for other in range(len(profile) // slots):
        seen += visits[other * slots + slot]
        if other != kind and visits[other * slots + slot] > 0:
            total += profile[other * slots + slot]
            found += 1
    elsewhere = total / found if found > 0 else overall
    a_day = slot_ticks(slots, tick_h)
    days = visits[here] / a_day
    return (days * profile[here] + elsewhere) / (days + 1.0), days, seen / a_day


@compiled
def predict(x: Array, p: Array, days: Array, tick_h: float, tape: Tape | None) -> None:
    """One tick on: what all share and what each link has of its own fall back towards 0, and become less sure. In place."""
    n = len(x)
    for i in range(n):
        if i == 0:
            rest, sd2 = rest_of(COMMON_H, tick_h), COMMON_SD**2
        else:
            young = NEW_SD / (1.0 + days[i - 1])
            rest, sd2 = rest_of(OWN_H, tick_h), OWN_SD**2 + young * young
        if tape is not None:
            note(tape, SCALE, i, i, rest)
        x[i] *= rest
        for j in range(n):
            if j != i:
                p[i, j] *= rest
                p[j, i] = p[i, j]
        p[i, i] = p[i, i] * rest * rest + sd2 * (1.0 - rest * rest)


@compiled
def common_shift(x: Array, m: Array, z: Array, link: Array, heard: Array, room: Array) -> float:
    """The median of the relative surprises of what was heard; 0 where that is less than three."""
    count = 0
    for j in range(len(z)):
        if heard[j]:
            at = link[j]
            room[count] = z[j] / m[at] - (1.0 + x[0] + x[1 + at])
            count += 1
    if count < 3:
        return 0.0
    return float(np.median(room[:count]))


@compiled
def weight(t: float) -> float:
    """How much a standardised surprise counts: fully, less, not at all."""
    size = abs(t)
    if size <= HUBER:
        return 1.0
    return HUBER / size if size <= HAMPEL else 0.0


@compiled
def row_of(link: int, m: float, at: Array, h: Array) -> None:
    """The measurement's row of a link: what all share and its own, both times m."""
    at[0], at[1] = 0, 1 + link
    h[0], h[1] = m, m


@compiled
def take(
    x: Array, p: Array, m: float, link: int, z: float, r: float, at: Array, h: Array, room: Array, tape: Tape | None
) -> None:
    """Take in one count, in place."""
    row_of(link, m, at, h)
    update(x, p, at, h, 2, z - m * (1.0 + x[0] + x[1 + link]), r, room, tape)


@compiled
def without(x: Array, p: Array, m: float, link: int, z: float, r: float, at: Array, h: Array) -> tuple[float, float]:
    """What the others predict for a count that has been taken in with noise ``r`` (infinite: it was not): z and its variance."""
    row_of(link, m, at, h)
    told, s = m * (1.0 + x[0] + x[1 + link]), spread(p, at, h, 2)
    if r == np.inf:
        return told, s
    rest = max(r - s, 1e-9 * r)
    return z - (z - told) * r / rest, s * r / rest


@compiled
def noise_after(noise: float, error: float, variance: float) -> float:
    """The noise, after a surprise of which ``variance`` is not its own."""
    seen = min(error * error, 9.0 * (variance + noise)) - variance
    return max(LEAST_NOISE, noise + NOISE_RATE * (seen - noise))


@compiled
def learn(profile: Array, visits: Array, here: int, count: float, ticks: float) -> None:
    """Put one count into the profile, in place: the mean of the last ``PROFILE_VISITS`` days of ``ticks`` ticks."""
    visits[here] = min(visits[here] + 1.0, PROFILE_VISITS * ticks)
    profile[here] += (count - profile[here]) / visits[here]

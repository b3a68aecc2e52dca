r"""How many people are inside: what came in less what went out, and how far that can be trusted. Compiled.

The people filter of a site is linear and Gaussian. With :math:`N_z` the people in zone z, :math:`c_j` what sensor j counted in a
tick and :math:`g_j` the persons who really crossed for each one that it counts,

.. math:: N_z \leftarrow N_z + \sum_{j\,\text{into}\,z} g_j c_j - \sum_{j\,\text{out of}\,z} g_j c_j + \eta

so what leaves a zone by a gate enters its neighbour, with one and the same error. :math:`g_j` is a slow random walk around 1:
what it does to all that was counted at once is in its covariance with :math:`N_z`, and whatever tells of the people (an area
count, the hour at which the zone is empty) tells of :math:`g_j` too. That is the calibration.

A link of which nothing is heard gives its predicted flow :math:`\mu_l (1 + e_l)`; the relative error :math:`e_l` falls back to 0
as slowly as the flow filter's, so that it does not average out. A reading of the people is :math:`s_k N_z`, with :math:`s_k`
near 1 for an area count (by the register's accuracy, for some hours), and free for devices in an unknown proportion.

The sum :math:`N_z` is never put back inside its limits: what is left of it at the empty hour is the evidence for the calibration.
Only what is told of it is (see ``quantiles``). Where nobody stays longer than the zone's longest stay, a sum of its own is told,
which is put back at once between nobody and all who came in during that time.

Kalman, R. E. (1960), A new approach to linear filtering and prediction problems, Journal of Basic Engineering 82.
"""

from __future__ import annotations

from ruimte.compiled import compiled
from ruimte.estimate.kalman import update
from ruimte.estimate.layout import Array
from ruimte.estimate.tape import EMPTY, SCALE, SHEAR, Tape, note, note_one

EMPTY_SD = 3.0
"""At the empty hour a handful may still be there."""
SHARED = 0.5
"""Of the variance of a calibration that the register allows for, the share that all counters of a site have in common: they are
of one make, and hang alike. Sums of in and out tell nothing of it."""
SCALE_DAYS = 365.0
"""So long a calibration lasts: g falls back to what the register says within it."""
FREE_DRIFT_PER_DAY = 0.02**2
"""Variance that a free s gains in a day, as a share."""
SCALE_RANGE = (0.25, 5.0)
"""Nothing counts more than four times what passes, or less than a fifth of it."""
COMMON_SCALE_DAYS = 90.0
"""What all counters of a site share in their calibration falls back within this: sums of in and out do not tell of it."""
MOST_GUESSED = 0.03
"""A day of which more than this share was guessed tells nothing of the calibration."""
STRANGE, STRANGE_H, STRANGE_DAYS = 0.35, 6.0, 3.0
"""A link that is by more than the first (a share) unlike its sisters may be told wrongly: its calibration gets loose within
hours. Only once its profile rests on some days."""
ALONE, STRANGE_SD, LOOSE = 0.5, 1.0, 0.35
"""And only where its neighbours do not see more than the first share of it, and where it is off by more than so many standard
deviations of a single count (where few pass that is nothing); up to the last (a standard deviation, as a share): one evening does
not do away with what months told."""
FIRST_KAPPA = 0.03
"""Variance that one person counted adds, besides that of those missed."""
KAPPA_RATE, KAPPA_READ = 0.1, 0.02
"""How fast kappa follows surprises: at the empty hour, and at a reading."""
KAPPA_RANGE = (0.01, 200.0)
LASTING_H = 6.0
"""For how many hours a part of an area count's error lasts (``readings.lasting``): light, wind, how close people stand. It is not
learned over weeks. Counts tell how people come and go, not whether the level of a camera, or that of all its counters, is off;
what looks like evidence of it adds up: a camera that was right was taken for one that misses a fifth after five weeks."""
GROUP_H = 20 / 3600
"""So long a group takes to pass: in ticks that are shorter those missed are like those counted, whatever single ticks say."""
FALSE_H = 1.0
"""Variance that a counter adds in an hour, whoever passes: a dog, a pram. In quiet hours that is most of what it counts."""
SURELY_BELOW = 2.0
"""A sum of people so many standard deviations below 0 is wrong."""
LEAST_FOR_PROPORTION = 20.0
"""With fewer people than this, the proportion of devices is not begun with."""
IMPOSSIBLE = 2.0
"""An area count of so many times what fits in at all is a fault."""
ODD = 5.0
"""A reading further off than this many standard deviations is not believed at once."""
ODD_DAY = 3.0
"""What one empty hour can tell is limited to a surprise of so many standard deviations."""


@compiled
def shear(x: Array, p: Array, row: int, column: int, by: float, tape: Tape | None) -> None:
    """Add ``by`` times one number of the state to another, in place; P stays symmetric to the last bit."""
    if by == 0.0:
        return
    if tape is not None:
        note(tape, SHEAR, row, column, by)
    x[row] += by * x[column]
    cross, own = p[row, column], p[column, column]
    for j in range(len(x)):
        if j != row:
            p[row, j] += by * p[column, j]
            p[j, row] = p[row, j]
    p[row, row] = max(0.0, p[row, row] + 2.0 * by * cross + by * by * own)


@compiled
def move(x: Array, p: Array, source: int, target: int, column: int, by: float, tape: Tape | None) -> None:
    """People cross a link, ``by`` times the number in ``column``: out of the source, into the target."""
    if source >= 0:
        shear(x, p, source, column, -by, tape)
    if target >= 0:
        shear(x, p, target, column, by, tape)


@compiled
def shift(x: Array, source: int, target: int, by: float) -> None:
    """People cross a link, ``by`` of them."""
    if source >= 0:
        x[source] -= by
    if target >= 0:
        x[target] += by


@compiled
def doubt(p: Array, source: int, target: int, variance: float) -> None:
    """The same error of a crossing enters the zones on both sides, with opposite signs."""
    if source >= 0:
        p[source, source] += variance
    if target >= 0:
        p[target, target] += variance
    if source >= 0 and target >= 0:
        p[source, target] -= variance
        p[target, source] = p[source, target]


@compiled
def forget(x: Array, p: Array, i: int, mean: float, variance: float, tape: Tape | None) -> None:
    """Number i of the state becomes ``mean`` with ``variance``, whatever it was; the others learn nothing from that."""
    if tape is not None:
        note(tape, SCALE, i, i, 0.0)
    x[i] = mean
    for j in range(len(x)):
        p[i, j] = 0.0
        p[j, i] = 0.0
    p[i, i] = variance


@compiled
def fade(x: Array, p: Array, i: int, mean: float, rest: float, variance: float, tape: Tape | None) -> None:
    """Number i falls back towards ``mean``, to ``rest`` of its distance, and in the long run becomes as unsure as
    ``variance``."""
    if tape is not None:
        note(tape, SCALE, i, i, rest)
    x[i] = mean + rest * (x[i] - mean)
    for j in range(len(x)):
        if j != i:
            p[i, j] *= rest
            p[j, i] = p[i, j]
    p[i, i] = p[i, i] * rest * rest + variance * (1.0 - rest * rest)


@compiled
def not_below(x: Array, p: Array, i: int, at: Array, h: Array, room: Array, tape: Tape | None) -> None:
    """A sum that is surely below 0 cannot be right: meet 0 halfway."""
    if x[i] < 0.0 and x[i] * x[i] > SURELY_BELOW**2 * p[i, i]:
        at[0], h[0] = i, 1.0
        update(x, p, at, h, 1, -x[i], p[i, i] + EMPTY_SD**2, room, tape)


@compiled
def kappa_after(kappa: float, strange: float, rate: float) -> float:
    """Kappa after a surprise whose square was ``strange`` times what was expected."""
    return min(max(kappa * (1.0 + rate * (min(strange, ODD_DAY**2) - 1.0)), KAPPA_RANGE[0]), KAPPA_RANGE[1])


@compiled
def settle(
    x: Array, p: Array, zone: int, known: bool, kappa: float, at: Array, h: Array, room: Array, tape: Tape | None
) -> float:
    """The empty hour of a zone: what is left of the sum tells the calibration, and it begins anew. Gives the new kappa."""
    if known:
        at[0], h[0] = zone, 1.0
        expected = p[zone, zone] + EMPTY_SD**2
        strange = x[zone] ** 2 / expected
        # one odd day does not decide: it is taken for as uncertain as it looks
        r = EMPTY_SD**2 + max(0.0, strange / ODD_DAY**2 - 1.0) * expected
        update(x, p, at, h, 1, -x[zone], r, room, tape)
        kappa = kappa_after(kappa, strange, KAPPA_RATE)
    elif tape is not None:
        note_one(tape, EMPTY, p, zone, 0.0, x[zone])
    forget(x, p, zone, 0.0, EMPTY_SD**2, tape)
    return kappa


@compiled
def common(x: Array, scale: Array, at: int) -> float:
    """What the calibrations of a site have in common: their mean, each as a multiple of what the register says (``scale``)."""
    total = 0.0
    for j in range(len(scale)):
        total += x[at + j] / scale[j]
    return total / max(len(scale), 1)


@compiled
def common_variance(p: Array, scale: Array, at: int) -> float:
    """The variance of ``common``."""
    n = len(scale)
    total = 0.0
    for j in range(n):
        for k in range(n):
            total += p[at + j, at + k] / (scale[j] * scale[k])
    return total / max(n * n, 1)


@compiled
def widen_common(p: Array, scale: Array, at: int, variance: float) -> None:
    """Make what the calibrations of a site have in common less sure by ``variance``."""
    for j in range(len(scale)):
        for k in range(j + 1):
            p[at + j, at + k] += variance * scale[j] * scale[k]
            p[at + k, at + j] = p[at + j, at + k]


@compiled
def set_common(x: Array, scale: Array, at: int, wanted: float) -> None:
    """Make what the calibrations of a site have in common ``wanted``; what each is against the others stays."""
    off = common(x, scale, at) - wanted
    for j in range(len(scale)):
        x[at + j] -= off * scale[j]


@compiled
def keep_in_range(x: Array, begin: int, end: int) -> None:
    """Scales stay between what is thinkable."""
    for i in range(begin, end):
        x[i] = min(max(x[i], SCALE_RANGE[0]), SCALE_RANGE[1])

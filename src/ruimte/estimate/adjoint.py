r"""What later rows tell of an earlier state: over a filter's tape, backwards and forwards. Compiled.

Of a filtered state :math:`x \sim N(\hat x, P)` the rows that come later tell

.. math:: \hat x^s = \hat x - P \lambda, \qquad P^s = P - P \Lambda P

with the adjoint :math:`\lambda` (the score of those rows: the gradient of minus the logarithm of their likelihood) and its
variance :math:`\Lambda` (their information). Both are 0 at the end, and go back over each step of the filter: over
:math:`x \leftarrow F x + \ldots`

.. math:: \lambda \leftarrow F^\top \lambda, \qquad \Lambda \leftarrow F^\top \Lambda F

whatever noise came in there, and over a measurement with gain :math:`k = P h/s` and surprise :math:`\nu`, with
:math:`C = I - k h^\top`,

.. math:: \lambda \leftarrow C^\top \lambda - h\,\nu/s, \qquad \Lambda \leftarrow C^\top \Lambda C + h h^\top/s.

That is the modified Bryson-Frazier smoother. No matrix is inverted, so that it does not matter that P is singular, as it is where
something is known exactly or was just forgotten; and each step costs what it costs the filter, while the Rauch-Tung-Striebel
smoother solves with the whole P once a tick.

The steps are linear in :math:`(\lambda, \Lambda)`, so that a stretch of tape can also be gone through forwards: with its matrix
:math:`\Phi`, the product of all F and C, and what its rows tell of the state before it. Fixed-lag smoothing is put together from
such stretches.

Bierman, G. J. (1973), Fixed interval smoothing with discrete measurements, International Journal of Control 18.
Bryson, A. E. and Frazier, M. (1963), Smoothing for linear and nonlinear dynamic systems, TDR 63-119, Wright-Patterson AFB.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ruimte.compiled import compiled
from ruimte.estimate.layout import Array, Records
from ruimte.estimate.people import EMPTY_SD, ODD_DAY, fade, shear
from ruimte.estimate.tape import EMPTY, MEASURED, SCALE, SHEAR, Tape


class Later(NamedTuple):
    """What later rows tell of a state of n numbers: ``score`` λ (n,) and ``information`` Λ (n, n), symmetric."""

    score: Array
    information: Array


@compiled
def nothing(n: int) -> Later:
    """Nothing came later."""
    return Later(np.zeros(n), np.zeros((n, n)))


@compiled
def back(tape: Tape, begin: int, end: int, later: Later, room: Array) -> None:
    """Over the steps [begin, end), in place; ``room`` for n numbers. What the filter left out at an empty hour is left out."""
    for k in range(end - 1, begin - 1, -1):
        _back(tape, k, later, room)


@compiled
def back_empty(tape: Tape, begin: int, end: int, later: Later, room: Array) -> None:
    """The same, but every empty hour tells, also one by which the filter did not dare to calibrate: that nobody was there then is
    known all the same."""
    for k in range(end - 1, begin - 1, -1):
        step = tape.steps[k]
        if step.kind == EMPTY:
            _empty(tape.measured[step.row], tape.ph[step.row], later, room)
        else:
            _back(tape, k, later, room)


@compiled
def _back(tape: Tape, k: int, later: Later, room: Array) -> None:
    """Over one step."""
    step = tape.steps[k]
    if step.kind == SHEAR:
        # the adjoint of a shear is the one with row and column swapped
        shear(later.score, later.information, step.column, step.row, step.by, None)
    elif step.kind == SCALE:
        fade(later.score, later.information, step.row, 0.0, step.by, 0.0, None)
    elif step.kind == MEASURED:
        _measured(tape.measured[step.row], tape.ph[step.row], later, room)


@compiled
def _measured(one: Records, ph: Array, later: Later, q: Array) -> None:
    """Over a measurement; only the rows of Λ that h names change."""
    information, score = later.information, later.score
    _times(q, ph, information)
    along, seen = one.pull, one.precision
    for i in range(len(q)):
        q[i] *= one.precision
        along += one.precision * ph[i] * score[i]
        seen += one.precision * ph[i] * q[i]
    for k in range(one.terms):
        at, h = one.at[k], one.h[k]
        score[at] -= h * along
        for j in range(len(q)):
            information[at, j] -= h * q[j]
        for m in range(one.terms):
            information[at, one.at[m]] += one.h[m] * (h * seen - q[at])
    for k in range(one.terms):
        at = one.at[k]
        for j in range(len(q)):
            information[j, at] = information[at, j]


@compiled
def _empty(one: Records, ph: Array, later: Later, q: Array) -> None:
    """Take in after all the rest that nobody was in a zone: a measurement of the smoothed people, whose :math:`P^s h` is
    :math:`P q` with :math:`q = h - \\Lambda P h`."""
    _times(q, ph, later.information)
    mean, variance = one.pull, 0.0
    for i in range(len(q)):
        q[i] = (1.0 if i == one.at[0] else 0.0) - q[i]
        mean -= ph[i] * later.score[i]
        variance += ph[i] * q[i]
    expected = max(variance, 0.0) + EMPTY_SD**2
    # one odd day does not decide, as in the filter
    s = expected + max(0.0, mean * mean / expected / ODD_DAY**2 - 1.0) * expected
    for i in range(len(q)):
        later.score[i] += q[i] * mean / s
    _add_product(later.information, q, q, 1.0 / s)


@compiled
def _times(into: Array, v: Array, matrix: Array) -> None:
    """v' times a matrix, row by row; what is 0 is passed over."""
    into[:] = 0.0
    for i in range(len(v)):
        if v[i] != 0.0:
            for j in range(len(into)):
                into[j] += v[i] * matrix[i, j]


@compiled
def _add_product(to: Array, v: Array, w: Array, by: float) -> None:
    """Add ``by`` v w', in place."""
    for i in range(len(v)):
        if v[i] != 0.0:
            for j in range(len(w)):
                to[i, j] += by * (v[i] * w[j])


@compiled
def ahead(tape: Tape, begin: int, end: int, through: Array, later: Later, room: Array) -> None:
    """Go on over steps, in place: ``through`` (n, n) is Φ from the begin of a stretch, ``later`` what that tells of then."""
    for k in range(begin, end):
        step = tape.steps[k]
        row = step.row
        if step.kind == SHEAR:
            through[row] += step.by * through[step.column]
        elif step.kind == SCALE:
            through[row] *= step.by
        elif step.kind == MEASURED:
            one, ph = tape.measured[row], tape.ph[row]
            room[:] = 0.0
            for m in range(one.terms):
                room += one.h[m] * through[one.at[m]]
            later.score[:] -= one.pull * room
            _add_product(later.information, room, room, one.precision)
            _add_product(through, ph, room, -one.precision)


@compiled
def onward(tape: Tape, begin: int, end: int, through: Array, room: Array) -> None:
    """Put steps before a stretch, in place: ``through`` (n, n) is the transposed Φ to the end of the stretch."""
    for k in range(end - 1, begin - 1, -1):
        step = tape.steps[k]
        row = step.row
        if step.kind == SHEAR:
            through[step.column] += step.by * through[row]
        elif step.kind == SCALE:
            through[row] *= step.by
        elif step.kind == MEASURED:
            one = tape.measured[row]
            _times(room, tape.ph[row], through)
            for m in range(one.terms):
                through[one.at[m]] -= one.precision * one.h[m] * room


@compiled
def told(rows: Array, later: Later, change: Array, less: Array, room: Array) -> None:
    """What later rows tell of sums w'x, whose w'P are ``rows`` (sums, n), in place.

    By how much their means change is added to ``change``, how much less their variances are to ``less``, both (sums,).
    """
    for s in range(len(rows)):
        _times(room, rows[s], later.information)
        for i in range(len(room)):
            change[s] -= rows[s, i] * later.score[i]
            less[s] += rows[s, i] * room[i]


@compiled
def carry(rows: Array, through: Array, room: Array) -> None:
    """From w'P at the end of a tick to that with the state at the end of the stretch that follows, in place."""
    for s in range(len(rows)):
        _times(room, rows[s], through)
        rows[s] = room

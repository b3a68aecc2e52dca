r"""The Kalman filter's measurement step, one number at a time, compiled.

A measurement :math:`y = h^\top x + \varepsilon`, :math:`\varepsilon \sim N(0, r)`, of a state :math:`x \sim N(\hat x, P)` gives

.. math:: s = h^\top P h + r, \quad k = P h / s, \quad \hat x \leftarrow \hat x + k (y - h^\top \hat x), \quad P \leftarrow P - k
(P h)^\top

Measurements whose errors are independent may come one after the other: no matrix is inverted, and ``h`` has but a few entries
that are not 0. The product of two entries of P h is formed first, so that P stays symmetric to the last bit: a trial that left
symmetry to chance diverged within 500 steps.

Bierman, G. J. (1977), Factorization Methods for Discrete Sequential Estimation, chapter 2 (sequential processing).
"""

from __future__ import annotations

from ruimte.compiled import compiled
from ruimte.estimate.layout import Array
from ruimte.estimate.tape import MEASURED, Tape, note_row


@compiled
def predicted(x: Array, at: Array, h: Array, terms: int) -> float:
    """:math:`h^\\top x` of a row with ``terms`` entries ``h`` at the positions ``at``."""
    total = 0.0
    for k in range(terms):
        total += h[k] * x[at[k]]
    return total


@compiled
def spread(p: Array, at: Array, h: Array, terms: int) -> float:
    """:math:`h^\\top P h`."""
    total = 0.0
    for k in range(terms):
        for j in range(terms):
            total += h[k] * h[j] * p[at[k], at[j]]
    return max(total, 0.0)


@compiled
def update(x: Array, p: Array, at: Array, h: Array, terms: int, surprise: float, r: float, ph: Array, tape: Tape | None) -> float:
    """Take in one measurement, in place.

    Args:
        x: the state, shape (n,).
        p: its covariance, shape (n, n), symmetric.
        at: positions of the entries of h that are not 0, at least ``terms`` of them.
        h: those entries.
        terms: how many they are.
        surprise: y less what was predicted, in the measurement's unit (the innovation).
        r: variance of the measurement's error, above 0.
        ph: room for n numbers; holds P h afterwards, as it was before the measurement.
        tape: to write it down on, for smoothing.

    Returns:
        s, the variance that the surprise was expected to have.
    """
    n = len(x)
    for i in range(n):
        ph[i] = 0.0
    for k in range(terms):
        column, by = p[at[k]], h[k]  # a row, which is the column too: it lies together
        for i in range(n):
            ph[i] += by * column[i]
    s = r
    for k in range(terms):
        s += h[k] * ph[at[k]]
    less = 1.0 / s
    if tape is not None:
        noted = note_row(tape, MEASURED, at, h, terms, less, surprise * less)
        for i in range(n):
            noted[i] = ph[i]
    for i in range(n):
        own = ph[i]
        if own == 0.0:
            continue
        x[i] += own * less * surprise
        row = p[i]
        for j in range(n):
            row[j] -= own * ph[j] * less  # the product first: it is the same for (j, i), to the last bit
        if row[i] < 0.0:  # rounding: of what is known exactly
            row[i] = 0.0
    return s

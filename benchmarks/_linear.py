"""Our filter on a linear model, many sites at once: the compiled steps of the people filter, for the comparison of speed.

A transition is done as the estimator does it: a few rows get a multiple of another number (``people.shear``), then each number
falls back by its own factor. No matrix is multiplied.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from benchmarks._kalman_peers import Linear
from benchmarks._rows import Array, Ints
from ruimte.estimate import people
from ruimte.estimate.kalman import update


def filter_linear(model: Linear, seen: Array) -> tuple[Array, Array]:
    """Filtered means and variances, each (sites, steps, n), of what was seen (sites, steps, m): site by site.

    The model must have rows of T of which each is a factor on its own number, or 1 on it and multiples of numbers of the first
    kind; a diagonal Q; and one number a measurement. Raises ``ValueError`` where it has not.
    """
    row, column, by = _shears(model)
    counted = model.H.argmax(1)
    diagonal = np.diag(model.Q.diagonal())
    if not np.array_equal(model.H, np.eye(len(model.x0))[counted]) or not np.array_equal(model.Q, diagonal):
        raise ValueError("each measurement must tell one number, and noises must not depend on each other")
    means = np.empty((*seen.shape[:2], len(model.x0)))
    variances = np.empty(means.shape)
    factor = model.T.diagonal()
    _run(row, column, by, factor, model.Q.diagonal(), counted, model.R, model.x0, model.P0, seen, means, variances)
    return means, variances


def _shears(model: Linear) -> tuple[Ints, Ints, Array]:
    """The entries of T off its diagonal: row, column, and the multiple."""
    factor = model.T.diagonal()
    row, column = np.nonzero(model.T - np.diag(factor))
    if np.isin(column, row).any() or (factor[row] != 1.0).any():
        raise ValueError("this transition is not one of rows that get multiples of others")
    return row, column, model.T[row, column]


@njit
def _run(
    row: Ints,
    column: Ints,
    by: Array,
    factor: Array,
    noise: Array,
    counted: Ints,
    r: Array,
    x0: Array,
    p0: Array,
    seen: Array,
    means: Array,
    variances: Array,
) -> None:
    n = len(x0)
    at, h, room = np.zeros(1, np.int64), np.ones(1), np.empty(n)
    x, p = np.empty(n), np.empty((n, n))
    for site in range(len(seen)):
        x[:], p[:] = x0, p0
        for t in range(seen.shape[1]):
            if t > 0:
                for k in range(len(row)):
                    people.shear(x, p, row[k], column[k], by[k], None)
                for i in range(n):
                    x[i] *= factor[i]
                    for j in range(n):
                        p[i, j] *= factor[i] * factor[j]
                    p[i, i] += noise[i]
            for j in range(len(counted)):
                if not np.isnan(seen[site, t, j]):
                    at[0] = counted[j]
                    update(x, p, at, h, 1, seen[site, t, j] - x[at[0]], r[j], room, None)
            for i in range(n):
                means[site, t, i] = x[i]
                variances[site, t, i] = p[i, i]

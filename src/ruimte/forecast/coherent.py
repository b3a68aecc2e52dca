r"""Zones and gates that agree: who leaves one zone enters the next, and people change by who comes and goes.

Zones and gates are forecast each by itself, and then made to agree, block by block. With :math:`\hat N` and :math:`\hat f` what
was
forecast of people and flows, V and F the squares of how far each may be off, A the incidence of links on zones (+1 into, −1 out
of) and N₋ the people at the block's begin, the flows that agree with both best are

.. math:: f = \hat f + F A^\top (A F A^\top + V)^{-1} (\hat N - N_- - A \hat f), \qquad N = N_- + A f

which is weighted least squares: what is known well is moved least. Wickramasuriya, Athanasopoulos and Hyndman (2019), Optimal
forecast reconciliation, JASA 114, is the same for sums.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


_ROUNDS = 50


def incidence(sources: list[int], targets: list[int], zones: int) -> Array:
    """Links on zones, shape (zones, links): -1 out of its source, +1 into its target; an index below 0 is no zone.

    >>> incidence([-1, 0], [0, 1], 2)
    array([[ 1., -1.],
           [ 0.,  1.]])
    """
    table = np.zeros((zones, len(sources)))
    for link, (source, target) in enumerate(zip(sources, targets, strict=True)):
        if source >= 0:
            table[source, link] -= 1
        if target >= 0:
            table[target, link] += 1
    return table


def balanced(totals: Array, links: Array) -> Array:
    """By which factor to multiply each link's counts so that over a long time as many leave each zone as enter it.

    Args:
        totals: counted on each link over some weeks, shape (links,); what was not counted is 0.
        links: incidence, shape (zones, links).

    Returns:
        Shape (links,): as near to 1 as can be, busy links moving least in share.

    >>> balanced(np.array([150.0, 100.0]), np.array([[1.0, -1.0]])).round(3)
    array([0.8, 1.2])
    """
    through = links * totals
    # a share of a busy link and of a quiet one cost alike for each person that they move
    weight = np.maximum(totals, 1.0)
    pull = through / weight @ through.T
    moved = np.linalg.lstsq(pull, through.sum(axis=1), rcond=None)[0]
    return np.asarray(np.clip(1.0 - through.T @ moved / weight, 0.2, 5.0))


def coherent(now: Array, people: Array, people_sd: Array, flows: Array, flows_sd: Array, links: Array) -> tuple[Array, Array]:
    """People and flows that agree with each other.

    Args:
        now: people in each zone at the moment, shape (zones,).
        people: forecast of the people at the end of each block, shape (zones, blocks).
        people_sd: how far that may be off, same shape.
        flows: forecast of the persons that take each link within each block, shape (links, blocks).
        flows_sd: how far that may be off, same shape.
        links: incidence, shape (zones, links).

    Returns:
        People and flows, shapes as they came. People change from block to block by just who comes and goes; none is below 0.
    """
    out_people, out_flows = np.empty_like(people), np.empty_like(flows)
    before = now.astype(np.float64)
    # nothing is surer than this, beside the rest: zones that only lead to each other could not be told apart
    least = 1e-6 * max(1.0, float(np.max(flows_sd, initial=0.0)))
    for block in range(people.shape[1]):
        spread = np.maximum(flows_sd[:, block], 1e-6) ** 2
        missing = people[:, block] - before - links @ flows[:, block]
        unsure = np.diag(np.maximum(people_sd[:, block], least) ** 2)
        gain = (spread[:, None] * links.T) @ np.linalg.inv(links * spread @ links.T + unsure)
        moved = _possible(before, np.maximum(flows[:, block] + gain @ missing, 0.0), links)
        out_flows[:, block] = moved
        before = before + links @ moved
        out_people[:, block] = before
    return out_people, out_flows


def _possible(before: Array, flows: Array, links: Array) -> Array:
    """The flows, those out of a zone made smaller where more would leave it than are there and come.

    What one zone cannot give the next does not get: so a few rounds, and what is then still short does not leave at all.
    """
    for round_ in range(_ROUNDS + len(before)):
        short = before + links @ flows < -1e-12 * (before.max(initial=0.0) + flows.max(initial=0.0))
        if not short.any():
            break
        out = np.where(links < 0, flows, 0.0).sum(axis=1)
        there = np.maximum(before + np.where(links > 0, flows, 0.0).sum(axis=1), 0.0)
        share = np.minimum(there / np.where(out > 0, out, 1.0), 1.0) if round_ < _ROUNDS else np.zeros(len(before))
        flows = flows * np.where(links < 0, np.where(short, share, 1.0)[:, None], 1.0).min(axis=0)
    return flows

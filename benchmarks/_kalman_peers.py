"""Peers for the speed of a filter step: one linear Gaussian model, filtered by statsmodels and by filterpy, one thread.

    state  x(t + 1) = T x(t) + noise   noise ~ N(0, Q)
    seen   y(t) = H x(t) + noise       noise ~ N(0, R), R diagonal; NaN in y: not seen

``x0``, ``P0`` are what is known of the first state before anything is seen. Both peers give the filtered means and variances,
each of shape (steps, n), and agree to the rounding. ``pip install "ruimte[peers]"``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from filterpy.kalman import KalmanFilter
from statsmodels.tsa.statespace import kalman_filter as statsmodels
from threadpoolctl import threadpool_limits

from benchmarks._rows import Array

Filtered = tuple[Array, Array]
Filter = Callable[[Array], Filtered]
_KEEP = (
    statsmodels.MEMORY_NO_FORECAST
    | statsmodels.MEMORY_NO_PREDICTED
    | statsmodels.MEMORY_NO_LIKELIHOOD
    | statsmodels.MEMORY_NO_GAIN
    | statsmodels.MEMORY_NO_SMOOTHING
    | statsmodels.MEMORY_NO_STD_FORECAST
)
"""All that statsmodels need not keep of the steps that are done: it keeps the filtered means and variances."""


class Linear(NamedTuple):
    """A time-invariant model: T (n, n), Q (n, n), H (m, n), R (m,), x0 (n,), P0 (n, n)."""

    T: Array
    Q: Array
    H: Array
    R: Array
    x0: Array
    P0: Array


def model_12_10(seed: int) -> Linear:
    """Two zones' people and the flows of ten one-way gates (persons a tick), each flow counted.

    N' = N + Σ in − Σ out; a flow's deviation from its mean is AR(1) with 0.98. Two gates join the zones, four lead in, four out.
    """
    chance = np.random.default_rng(seed)
    transition, noise = np.eye(12), np.zeros((12, 12))
    transition[2:, 2:] *= 0.98
    for gate, (source, target) in enumerate(
        [(-1, 0), (-1, 0), (-1, 1), (-1, 1), (0, -1), (0, -1), (1, -1), (1, -1), (0, 1), (1, 0)]
    ):
        if source >= 0:
            transition[source, 2 + gate] -= 1.0
        if target >= 0:
            transition[target, 2 + gate] += 1.0
    level = chance.uniform(5.0, 50.0, 10)
    noise[range(12), range(12)] = [1.0, 1.0, *(1.0 - 0.98**2) * (0.3 * level) ** 2]
    first = np.diag([9.0, 9.0, *(0.3 * level) ** 2])
    return Linear(transition, noise, np.eye(12)[2:], level, np.zeros(12), first)


def simulated(model: Linear, steps: int, seed: int, missing: float = 0.05) -> tuple[Array, Array]:
    """States (steps, n) that the model could take, and what is seen of them (steps, m), a share of it missing (NaN)."""
    chance = np.random.default_rng(seed)
    n, m = model.T.shape[0], model.H.shape[0]
    states = np.empty((steps, n))
    state = chance.multivariate_normal(model.x0, model.P0)
    drawn = chance.multivariate_normal(np.zeros(n), model.Q, steps)
    for step in range(steps):
        states[step] = state
        state = model.T @ state + drawn[step]
    seen = states @ model.H.T + np.sqrt(model.R) * chance.standard_normal((steps, m))
    seen[chance.random(seen.shape) < missing] = np.nan
    return states, seen


def statsmodels_filter(model: Linear) -> Filter:
    """statsmodels' compiled filter; one observation after the other (R is diagonal).

    It is made anew for each series: one that has filtered keeps to that series, whatever it is bound to (0.14, 0.15).
    """
    n, m = model.T.shape[0], model.H.shape[0]

    def run(seen: Array) -> Filtered:
        kalman = statsmodels.KalmanFilter(k_endog=m, k_states=n, k_posdef=n)
        kalman["transition"], kalman["design"], kalman["selection"] = model.T, model.H, np.eye(n)
        kalman["state_cov"], kalman["obs_cov"] = model.Q, np.diag(model.R)
        kalman.initialize_known(model.x0, model.P0)
        kalman.set_filter_method(statsmodels.FILTER_UNIVARIATE)
        kalman.set_conserve_memory(_KEEP)
        kalman.bind(seen)
        done = kalman.filter()
        return done.filtered_state.T, np.diagonal(done.filtered_state_cov, axis1=0, axis2=1)

    return run


def filterpy_filter(model: Linear) -> Filter:
    """filterpy's filter, of which its class is the fastest form; of each step only what is seen enters the update."""
    n, m = model.T.shape[0], model.H.shape[0]
    noise = np.diag(model.R)

    def run(seen: Array) -> Filtered:
        kalman = KalmanFilter(dim_x=n, dim_z=m)
        kalman.F, kalman.Q = model.T, model.Q
        kalman.x, kalman.P = model.x0[:, None], model.P0
        means, variances = np.empty((len(seen), n)), np.empty((len(seen), n))
        there = ~np.isnan(seen)
        whole, some = there.all(1), there.any(1)
        for step, z in enumerate(seen[:, :, None]):
            if step:
                kalman.predict()
            if whole[step]:
                kalman.update(z, noise, model.H)
            elif some[step]:
                kept = there[step]
                kalman.update(z[kept], noise[kept][:, kept], model.H[kept])
            means[step], variances[step] = kalman.x[:, 0], kalman.P.diagonal()
        return means, variances

    return run


def statsmodels_run(T: Array, Q: Array, H: Array, R: Array, y: Array, x0: Array, P0: Array) -> Filtered:  # noqa: N803
    """Filtered means and variances (steps, n) of one series by statsmodels."""
    return statsmodels_filter(Linear(T, Q, H, R, x0, P0))(y)


def filterpy_run(T: Array, Q: Array, H: Array, R: Array, y: Array, x0: Array, P0: Array) -> Filtered:  # noqa: N803
    """Filtered means and variances (steps, n) of one series by filterpy."""
    return filterpy_filter(Linear(T, Q, H, R, x0, P0))(y)


def cost(run: Filter, series: Sequence[Array], repeats: int = 3) -> float:
    """CPU seconds a step and site, one thread: the best of several goes at all series, after one to warm up."""
    steps = sum(len(seen) for seen in series)
    took = []
    with threadpool_limits(1):
        run(series[0])
        for _ in range(repeats):
            began = time.process_time()
            for seen in series:
                run(seen)
            took.append(time.process_time() - began)
    return min(took) / steps


if __name__ == "__main__":
    linear = model_12_10(0)
    sites = [simulated(linear, 2000, seed) for seed in range(5)]
    peers = {"statsmodels": statsmodels_filter(linear), "filterpy": filterpy_filter(linear)}
    one, other = (np.stack(run(sites[0][1])) for run in peers.values())
    print(f"largest difference {np.abs(one - other).max():.1e}")
    inside = np.abs(one[0] - sites[0][0]) <= 1.645 * np.sqrt(one[1])
    print(f"truth inside the 90 % interval: {inside.mean():.3f}")
    for peer, run in peers.items():
        print(f"{peer}: {1e6 * cost(run, [seen for _, seen in sites]):.1f} µs a step")

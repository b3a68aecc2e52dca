"""The speed of one filter step, ours beside two others on the same model, measured in turns on one thread."""

from __future__ import annotations

import time

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks._kalman_peers import filterpy_filter, model_12_10, simulated, statsmodels_filter
from benchmarks._linear import filter_linear
from benchmarks._report import Row, row

_ROUNDS = 7
_SITES, _STEPS = 20, 2000


def filter_rows(quick: bool) -> list[Row]:
    """CPU time of a site and step of a model of 12 numbers and 10 sensors: the best of several rounds each."""
    model = model_12_10(0)
    sites = np.stack([simulated(model, _STEPS, seed)[1] for seed in range(_SITES)])
    few = sites[:2]
    others = {"statsmodels": (statsmodels_filter(model), sites), "filterpy": (filterpy_filter(model), few)}
    took: dict[str, list[float]] = {"ours": [], **{name: [] for name in others}}
    with threadpool_limits(1):
        ours = np.stack(filter_linear(model, few))
        theirs = np.stack([np.stack(others["statsmodels"][0](seen)) for seen in few], axis=1)
        for _ in range(3 if quick else _ROUNDS):
            began = time.process_time()
            filter_linear(model, sites)
            took["ours"].append((time.process_time() - began) / sites[..., 0].size)
            for name, (run, series) in others.items():
                began = time.process_time()
                for seen in series:
                    run(seen)
                took[name].append((time.process_time() - began) / series[..., 0].size)
    best_us = {name: 1e6 * min(each) for name, each in took.items()}
    off = float((np.abs(ours - theirs) / np.maximum(np.abs(theirs), 1.0)).max())
    name, ours_us = "a filter's step, 12 numbers, 10 sensors", best_us["ours"]
    return [
        row(f"{name}: steps of a site", 1e6 / ours_us, "/CPU s"),
        *(
            row(f"{name}: CPU, beside {peer}", ours_us, "µs", ratio_most=1 / times, peer=peer, peer_value=best_us[peer])
            for peer, times in (("statsmodels", 4.0), ("filterpy", 15.0))
        ),
        row(f"{name}: unlike statsmodels by at most", off, "of the value", most=1e-8),
    ]

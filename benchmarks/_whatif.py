"""The what-if model on a town of 20 zones and 64 links: what an hour costs, alone and 200 times, and what it keeps to."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from statistics import median

import numpy as np

from benchmarks._report import Row, missing, row
from ruimte.errors import RuimteError
from ruimte.jobs.micro import crowd_flow, single_flow
from ruimte.whatif.diagram import WEIDMANN
from ruimte.whatif.ensemble import members, run
from ruimte.whatif.kernel import Demand
from ruimte.whatif.measures import Schedule, nothing
from ruimte.whatif.network import Network, network
from ruimte.whatif.simulate import plan_of, simulate
from ruimte.whatif.situation import situation_of

MINUTES, ROWS, COLUMNS, OUTER, GATES = 60, 4, 5, 6, 32
MEMBERS = 200


def town() -> Network:
    """Zones of 800 m² in a grid, gates of 4 m between them, and six outer gates of 5 m."""
    zones = [(f"zone-{number}", 800.0) for number in range(ROWS * COLUMNS)]
    inner = [(n, n + 1) for n in range(ROWS * COLUMNS) if (n + 1) % COLUMNS]
    inner += [(n, n + COLUMNS) for n in range(ROWS * COLUMNS - COLUMNS)]
    inner = inner[: GATES - OUTER]
    gates: list[tuple[str, str | None, str | None, float, float, float]] = [
        (f"gate-{a}-{b}", zones[a][0], zones[b][0], 4.0, 15.0, 15.0) for a, b in inner
    ]
    gates += [(f"outer-{n}", None, zones[n * 3][0], 5.0, 0.0, 15.0) for n in range(OUTER)]
    return network(zones, gates)


def busy(net: Network) -> tuple[np.ndarray, Demand]:
    """A crowd at up to 2 persons/m² that goes everywhere, while three persons a second come to each outer gate."""
    zones, exits = len(net.zones), len(net.exits)
    shares = np.random.default_rng(1).dirichlet(np.ones(zones + exits), zones + exits)
    start = np.random.default_rng(2).uniform(100, 1600, zones)
    return start, Demand(np.full((MINUTES, exits), 3.0), np.full((MINUTES, zones), 1 / 600), shares)


def whatif_rows(quick: bool) -> list[Row]:
    """Cost, conservation, and the highest density beside jam."""
    net = town()
    start, demand = busy(net)
    plan = plan_of(net, MINUTES)
    done = simulate(net, start, demand, plan)
    alone, alone_cpu = _median_s(lambda: simulate(net, start, demand, plan), 7 if quick else 31)
    lost = abs(done.people[-1].sum() + done.queue[-1].sum() + done.gone - done.came - start.sum()) / (start.sum() + done.came)
    situation = situation_of(net, 0, MINUTES, 5, start, 0.1 * start, _rates(net), 1000.0)
    drawn, schedule = members(situation, MEMBERS), nothing(net, MINUTES)
    together, together_cpu = _median_s(lambda: run(situation, drawn, schedule), 3 if quick else 7)
    name = f"{len(net.zones)} zones, {len(net.source)} links, 1 h"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    ensemble = f"{MEMBERS} members of {name}"
    return [
        row(f"what-if: {name}", alone * 1000, "ms", most=5.0),
        row(f"what-if: {ensemble}", together, "s", most=1.0)
        if cores >= 2
        else missing(f"what-if: {ensemble}", "s", "needs two cores", "≤ 1 s"),
        row(f"what-if: {name}, of processor time", alone_cpu * 1000, "ms"),
        row(f"what-if: {ensemble}, of processor time", together_cpu, "s"),
        row("what-if: persons lost, of all", float(lost), "", most=1e-9),
        row("what-if: highest density, of jam density", _fullest(net, demand), "", most=1.0 + 1e-9),
    ]


def micro_rows(quick: bool) -> list[Row]:
    """How many leave a room by a door, in the what-if model and in one of single pedestrians (JuPedSim)."""
    widths = (2.0,) if quick else (1.0, 1.5, 2.0, 3.0)
    rows = []
    for width_m in widths:
        name = f"what-if: flow by a door of {width_m:g} m"
        try:
            alone = median(single_flow(width_m, seed=seed) for seed in ((1,) if quick else (1, 2, 3)))
        except RuimteError as error:
            return [missing(name, "persons/s", str(error))]
        together = crowd_flow(width_m)
        within = abs(together / alone - 1) <= 0.15
        rows.append(Row(name, together, "persons/s", "JuPedSim", alone, together / alone, "within 15 % of the peer", within))
    return rows


def _rates(net: Network) -> np.ndarray:
    return np.where(net.source < 0, 3.0, np.where(net.target < 0, 2.5, 0.3))


def _fullest(net: Network, demand: Demand) -> float:
    """The highest density, as a share of that of a jam, where everybody wants into two zones and nobody can leave them."""
    crush: Schedule = nothing(net, MINUTES)
    crush.plan.may[:, (net.source == 7) | (net.source == 12)] = 0.0
    shares = np.zeros_like(demand.shares)
    shares[:, [7, 12]] = 0.5
    many = Demand(demand.arrivals * 3, demand.leave * 10, shares)
    done = simulate(net, 0.9 * WEIDMANN.jam * net.area_m2, many, crush.plan)
    return float((done.people / net.area_m2).max() / WEIDMANN.jam)


def _median_s(work: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Seconds of the clock and of processor time, medians; other work on the machine moves the former more."""
    work()
    taken = []
    for _ in range(repeats):
        began, cpu = time.perf_counter(), time.process_time()
        work()
        taken.append((time.perf_counter() - began, time.process_time() - cpu))
    return median(wall for wall, _ in taken), median(cpu for _, cpu in taken)

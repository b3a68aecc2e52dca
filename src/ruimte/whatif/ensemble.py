"""Many runs of what may be: each member begins with other people, other arrivals, another crowd, and meets the same measures."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from ruimte.clock import MINUTE_US
from ruimte.whatif.diagram import WEIDMANN, Array, Diagram
from ruimte.whatif.kernel import Demand, Record, Traits, walk
from ruimte.whatif.measures import Schedule
from ruimte.whatif.network import Network
from ruimte.whatif.simulate import check, net_of, new_record, step_s

UNSURE = 0.1
"""By which share (a standard deviation) walking speed, the gates' capacity and how long people stay may be off (assumed)."""
_FASTEST = 1.5
"""Factors of walking speed are held below this, and above its inverse."""


@dataclass(frozen=True, slots=True)
class Situation:
    """How things are at a moment, and who is expected.

    Args:
        start_us: the moment; the window is ``minutes`` long, and is told every ``every`` minutes (a divisor).
        people_mean, people_sd: persons by zone, (zones,).
        arrivals: expected persons/s who come to each outer gate, (outer gates, minutes).
        arrivals_sd: by which share of that arrivals as a whole may be off (a standard deviation).
        shares: where those who set out from each zone, and those who come in by each outer gate, go: a zone, or out by an outer
            gate; (zones + outer gates, zones + outer gates), rows sum to 1 (0: nowhere, they stay).
        stay_s: how long people stay in each zone, on average, walking out included; (zones,) or (zones, minutes).
        forecast: quantiles of people as they are forecast without a measure, (zones, steps, 21); NaN: no forecast.
        unknown: zones (indices) whose people are not known: what stands for them is a guess for the sake of the zones beside
            them, and nothing is told of them.
    """

    network: Network
    start_us: int
    minutes: int
    every: int
    people_mean: Array
    people_sd: Array
    arrivals: Array
    arrivals_sd: float
    shares: Array
    stay_s: Array
    forecast: Array | None = None
    diagram: Diagram = WEIDMANN
    unknown: tuple[int, ...] = ()

    @property
    def steps(self) -> int:
        """How many moments are told."""
        return self.minutes // self.every

    @property
    def valid_us(self) -> NDArray[np.int64]:
        """The moments that are told, (steps,)."""
        return self.start_us + np.arange(1, self.steps + 1) * self.every * MINUTE_US

    @property
    def room(self) -> Array:
        """How many fit in each zone at the most, (zones,)."""
        return self.diagram.jam * self.network.area_m2


@dataclass(frozen=True, slots=True)
class Members:
    """What is different in each member: ``people`` (members, zones), and factors (members,) of arrivals, of walking speed, of the
    gates' capacity, and of how long people stay."""

    people: Array
    arrivals: Array
    speed: Array
    capacity: Array
    stay: Array


@dataclass(frozen=True, slots=True)
class Paths:
    """What happens in each member, at each step.

    ``people`` and ``trapped`` (members, zones, steps), persons; ``queue`` (members, outer gates, steps), those who wait outside;
    ``flow`` (members, links, steps), persons/s through each gate over the step.
    """

    people: Array
    trapped: Array
    queue: Array
    flow: Array


def members(situation: Situation, count: int = 200, seed: int = 0) -> Members:
    """Draw members; the same for the same seed.

    People from a normal, held between 0 and what fits; one lognormal factor of mean 1 for the arrivals at all gates; speed,
    capacity and stay give or take ``UNSURE``. Each figure is drawn in as many layers as there are members (Latin hypercube,
    McKay, Beckman & Conover 1979), so that 200 tell about as much as a few thousand drawn freely.
    """
    rng = np.random.default_rng(seed)
    zones = len(situation.network.zones)
    normal = _layers(rng, count, zones + 4)
    people = situation.people_mean + normal[:, :zones] * situation.people_sd
    spread = np.sqrt(np.log1p(situation.arrivals_sd**2))
    arrivals = np.exp(spread * normal[:, zones] - spread**2 / 2)
    speed, capacity, stay = np.clip(1 + UNSURE * normal[:, zones + 1 :].T, 1 / _FASTEST, _FASTEST)
    return Members(np.clip(people, 0.0, situation.room), arrivals, speed, capacity, stay)


def _layers(rng: np.random.Generator, count: int, columns: int) -> Array:
    """Standard normal figures, one in each of ``count`` equally likely layers, shuffled; (count, columns)."""
    layer = rng.permuted(np.tile(np.arange(count)[:, None], (1, columns)), axis=0)
    chance = (layer + rng.random((count, columns))) / count
    deviates: Array = np.vectorize(NormalDist().inv_cdf, otypes=[np.float64])(np.clip(chance, 1e-12, 1 - 1e-12))
    return deviates


def run(situation: Situation, drawn: Members, schedule: Schedule, threads: int | None = None) -> Paths:
    """Run every member under one schedule, on several threads; the result does not depend on how many.

    Raises ``ValueError`` for what cannot be run (``simulate.check``).
    """
    s, n = situation, situation.network
    count, zones, exits = len(drawn.speed), len(n.zones), len(n.exits)
    walk_m, shares = first_walks_m(n, s.shares), np.array(s.shares, dtype=np.float64)
    demand = schedule.demand(Demand(np.ascontiguousarray(s.arrivals.T), _leave(s, walk_m, 1.0), shares))
    check(n, np.zeros((zones, zones + exits)), np.zeros(exits), demand, schedule.plan, s.diagram)
    net, dt_s = net_of(n, s.diagram), step_s(n, s.diagram, _FASTEST)
    told = slice(s.every - 1, s.steps * s.every, s.every)
    paths = Paths(*(np.empty((count, size, s.steps)) for size in (zones, zones, exits, len(n.source))))

    def one(member: int) -> None:
        speed, capacity = float(drawn.speed[member]), float(drawn.capacity[member])
        leave = _leave(s, walk_m, float(drawn.stay[member]))
        walk_s = walk_m / (s.diagram.free_m_s * speed)
        start = on_their_way(drawn.people[member], leave[0], walk_s, shares[:zones])
        later = np.ascontiguousarray(leave[schedule.leave_as, np.arange(zones)])
        mine = Demand(demand.arrivals * drawn.arrivals[member], later, shares)
        record = new_record(n, s.minutes)
        walk(net, schedule.plan, mine, Traits(speed, capacity), dt_s, start, np.zeros(exits), record)
        _tell(paths, member, record, told, s)

    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        list(pool.map(one, range(count)))
    return paths


def _tell(paths: Paths, member: int, record: Record, told: slice, s: Situation) -> None:
    paths.people[member] = np.maximum(record.people[told].T, 0.0)
    paths.trapped[member] = np.maximum(record.trapped[told].T, 0.0)
    paths.queue[member] = record.queue[told].T
    flow = record.flow[: s.steps * s.every].reshape(s.steps, s.every, -1)
    paths.flow[member] = flow.mean(axis=1).T


def _leave(s: Situation, walk_m: Array, factor: float) -> Array:
    """Which share of those who stay sets out in a second, (minutes, zones): 1 over the stay, less the walk out at free speed."""
    stay = np.broadcast_to(s.stay_s[:, None] if s.stay_s.ndim == 1 else s.stay_s, (len(s.network.zones), s.minutes)) * factor
    walk = (walk_m * s.shares[: len(stay)]).sum(axis=1) / s.diagram.free_m_s
    return np.ascontiguousarray((1 / np.maximum(stay - walk[:, None], 1.0)).T)


def first_walks_m(network: Network, shares: Array) -> Array:
    """How far those of each zone walk to the gate that they take first to each destination, (zones, destinations).

    To an exit or a zone next door, the nearest gate that leads there; further, the mean of the zone's gates.
    """
    zones = len(network.zones)
    walks = np.zeros((zones, shares.shape[1]))
    for z in range(zones):
        out = range(network.first[z], network.first[z + 1])
        if not len(out):
            continue
        walks[z] = np.mean([network.length_m[link] for link in out])
        for link in sorted(out, key=lambda link: -network.length_m[link]):
            to = network.target[link]
            walks[z, to if to >= 0 else zones + int(np.flatnonzero(network.exits == link)[0])] = network.length_m[link]
        walks[z, z] = 0.0
    return walks


def on_their_way(people: Array, leave: Array, walk_s: Array, shares: Array) -> Array:
    """Who of the people in each zone stays, and who is on the way where, as in a steady stream; (zones, destinations).

    Those on their way to d are to those who stay as the walk there times its share is to the time that people stay.
    """
    walking = walk_s * shares * leave[:, None]
    staying = 1 / (1 + walking.sum(axis=1))
    start: Array = walking * (staying * people)[:, None]
    start[np.arange(len(people)), np.arange(len(people))] += staying * people
    return start

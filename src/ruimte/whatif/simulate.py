"""One what-if run over a network: from who is where, who comes and what is done, to who is where each minute."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ruimte.whatif.diagram import WEIDMANN, Array, Diagram
from ruimte.whatif.kernel import SLOT_S, Demand, Net, Plan, Record, Traits, walk
from ruimte.whatif.network import Network

LONGEST_STEP_S = 5.0
_SHORTEST_STEP_S = 1.0


@dataclass(frozen=True, slots=True)
class Run:
    """What happened, at the end of each minute.

    ``people`` and ``trapped`` (minutes, zones): persons, and those of them who have no way out because of what is shut; ``queue``
    (minutes, outer gates): persons who wait outside; ``flow`` (minutes, links): persons/s through each gate; ``where`` (zones,
    destinations): how it ends. ``came`` and ``gone``: persons in all who came to the entrances, and who left.
    """

    people: Array
    trapped: Array
    queue: Array
    flow: Array
    where: Array
    came: float
    gone: float


def plan_of(network: Network, slots: int, diagram: Diagram = WEIDMANN) -> Plan:
    """The plan in which nothing is done, for so many slots (minutes)."""
    links = len(network.source)
    return Plan(
        width_m=np.tile(np.maximum(network.width_m - 2 * diagram.edge_m, 0.0), (slots, 1)),
        may=np.ones((slots, links)),
        held=np.zeros((slots, links)),
        limit=np.tile(network.limit_s, (slots, 1)),
        aside=np.zeros((slots, links)),
        aside_to=np.tile(np.arange(links), (slots, 1)),
    )


def net_of(network: Network, diagram: Diagram = WEIDMANN) -> Net:
    """The arrays that a run reads."""
    n = network
    return Net(n.area_m2, n.first, n.source, n.target, n.gate, n.back, n.length_m, n.exits, diagram.numbers())


def step_s(network: Network, diagram: Diagram = WEIDMANN, fastest: float = 1.3) -> float:
    """The step of time: divides a minute, is at most 5 s, and so short that nobody walks past a whole zone in it (CFL).

    ``fastest``: the highest factor of walking speed that will be asked for.
    """
    inside = network.length_m[: network.first[-1]]
    shortest = float(inside.min()) / (diagram.free_m_s * fastest) if len(inside) else LONGEST_STEP_S
    wanted = min(max(shortest, _SHORTEST_STEP_S), LONGEST_STEP_S)
    return SLOT_S / math.ceil(SLOT_S / wanted - 1e-9)


def simulate(
    network: Network,
    start: Array,
    demand: Demand,
    plan: Plan,
    queue: Array | None = None,
    diagram: Diagram = WEIDMANN,
    traits: Traits = Traits(1.0, 1.0),  # noqa: B008  a tuple of two numbers
) -> Run:
    """Run the network.

    Args:
        start: persons by zone (zones,), who then all stay where they are, or by zone and destination (zones, destinations).
        demand: arrivals, who sets out, and where they go, by minute.
        plan: what is done, by minute: ``plan_of``, or ``schedule_of`` a scenario.
        queue: persons who wait before each outer gate at the start; none where left out.

    Raises ``ValueError`` where shapes differ, a number is no number or negative, or more are in a zone than fit.
    """
    zones, exits = len(network.zones), len(network.exits)
    people = np.zeros((zones, zones + exits))
    given = np.asarray(start, dtype=np.float64)
    if given.shape == (zones,):
        people[np.arange(zones), np.arange(zones)] = given
    elif given.shape == people.shape:
        people[:] = given
    else:
        raise ValueError(f"start has shape {given.shape}, not {(zones,)} or {people.shape}")
    waiting = np.zeros(exits) if queue is None else np.array(queue, dtype=np.float64)
    check(network, people, waiting, demand, plan, diagram)
    demand = Demand(*(np.array(each, dtype=np.float64) for each in demand))  # of one kind, so that it is compiled once
    slots = len(plan.may)
    told = new_record(network, slots)
    walk(net_of(network, diagram), plan, demand, traits, step_s(network, diagram, max(1.3, traits.speed)), people, waiting, told)
    came = float(demand.arrivals.sum() * SLOT_S)
    leaving = network.target[: network.first[-1]] < 0
    gone = float(told.flow[:, : network.first[-1]][:, leaving].sum() * SLOT_S)
    return Run(told.people, told.trapped, told.queue, told.flow, told.where, came, gone)


def new_record(network: Network, slots: int) -> Record:
    """Room for what is told of a run."""
    zones, exits, links = len(network.zones), len(network.exits), len(network.source)
    shapes = ((slots, zones), (slots, zones), (slots, exits), (slots, links), (zones, zones + exits))
    return Record(*(np.empty(shape) for shape in shapes))


def check(network: Network, people: Array, queue: Array, demand: Demand, plan: Plan, diagram: Diagram) -> None:
    """Raises ``ValueError`` where a run could not be made of this: compiled code does not look."""
    zones, exits, links, slots = len(network.zones), len(network.exits), len(network.source), len(plan.may)
    wanted = {
        "people": (people, (zones, zones + exits)),
        "queue": (queue, (exits,)),
        "arrivals": (demand.arrivals, (slots, exits)),
        "leave": (demand.leave, (slots, zones)),
        "shares": (demand.shares, (zones + exits, zones + exits)),
        "width_m": (plan.width_m, (slots, len(network.gates))),
        "may": (plan.may, (slots, links)),
        "held": (plan.held, (slots, links)),
        "limit": (plan.limit, (slots, links)),
        "aside": (plan.aside, (slots, links)),
        "aside_to": (plan.aside_to, (slots, links)),
    }
    for name, (array, shape) in wanted.items():
        if array.shape != shape:
            raise ValueError(f"{name} has shape {array.shape}, not {shape}")
        if not (array >= 0).all() or (name != "limit" and not np.isfinite(array).all()):
            raise ValueError(f"{name} holds what is negative or no number")
    to = plan.aside_to
    if (to >= links).any() or (network.source[to] != network.source[np.arange(links)]).any() or (plan.aside > 1).any():
        raise ValueError("people can only be led aside to a gate of the same zone, at most all of them")
    full = people.sum(axis=1) > diagram.jam * network.area_m2 * (1 + 1e-9)
    if full.any():
        raise ValueError(f"more people than fit in {network.zones[int(np.flatnonzero(full)[0])]!r}")

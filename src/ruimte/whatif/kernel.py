"""One run: people walk from zone to zone, a few seconds at a time. Compiled.

Cell transmission (Daganzo 1994, 1995) on zones: of those in a zone who go to a gate, the share ``speed / length`` reaches it in a
second; a gate lets pass what its width can, and both ways share that in proportion to who wants to pass; a zone takes in what its
density allows, and what room it has left is shared among all its inflows in proportion. What cannot pass waits: in its zone, or
before an entrance, in a queue that takes no room. Nobody is lost.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ruimte.compiled import compiled_aside
from ruimte.whatif.diagram import Array, receiving_flow
from ruimte.whatif.network import Index
from ruimte.whatif.routes import (
    LONGEST_WAIT_S,
    choose_destinations,
    choose_links,
    link_costs,
    speeds,
    think_again,
    times_to_go,
)

SLOT_S = 60.0
"""Schedules change, and people look anew for their way, on whole slots of this length."""
_FAR = 1e30
_CAPACITY, _JAM, _FREE = 4, 2, 1


class Net(NamedTuple):
    """The arrays of a ``Network`` that a run reads, and the numbers of its diagram."""

    area_m2: Array
    first: Index
    source: Index
    target: Index
    gate: Index
    back: Index
    length_m: Array
    exits: Index
    diagram: Array


class Plan(NamedTuple):
    """What holds in each slot.

    ``width_m`` (slots, gates) that is walked on; ``may`` (slots, links): 0 where the way is closed, and people look for another;
    ``held`` (slots, links): 1 where people wait to be let through; ``limit`` (slots, links), persons/s; and the share ``aside``
    of those who would take a link that takes the link ``aside_to`` of the same zone instead (both (slots, links)).
    """

    width_m: Array
    may: Array
    held: Array
    limit: Array
    aside: Array
    aside_to: Index


class Demand(NamedTuple):
    """Who comes and who sets out.

    ``arrivals`` (slots, entrances), persons/s; ``leave`` (slots, zones): which share of those who stay sets out, 1/s; ``shares``
    (zones + entrances, destinations): where those who set out go.
    """

    arrivals: Array
    leave: Array
    shares: Array


class Traits(NamedTuple):
    """How this crowd differs from the diagram: factors of walking speed and of the gates' capacity."""

    speed: float
    capacity: float


class Record(NamedTuple):
    """At the end of each slot: ``people`` and ``trapped`` (slots, zones), ``queue`` before the entrances (slots, entrances); and
    the mean ``flow`` in the slot (slots, links), persons/s. ``where`` (zones, destinations) is how it ends."""

    people: Array
    trapped: Array
    queue: Array
    flow: Array
    where: Array


class _Work(NamedTuple):
    """Room to work in, made once a run.

    Of zones: people ``inside``, their ``speed``, the share that ``sets_out`` in a step, what of the inflow there is ``room`` for.
    Of links: ``cost`` and ``wait`` in seconds, who is ``heading`` there, ``flow``, a ``share``. Of destinations: seconds ``togo``
    now and in a ``free`` network, which links people ``take`` (``base``: before some are led aside), which destination is
    ``chosen`` and who ``knows`` any. ``after``: people by zone and destination after the step.
    """

    inside: Array
    speed: Array
    cost: Array
    wait: Array
    togo: Array
    free: Array
    base: Array
    take: Array
    chosen: Array
    knows: Array
    sets_out: Array
    scratch: Array
    heading: Array
    flow: Array
    share: Array
    room: Array
    after: Array


@compiled_aside
def walk(net: Net, plan: Plan, demand: Demand, traits: Traits, dt_s: float, people: Array, queue: Array, told: Record) -> None:
    """Run over all slots of the plan.

    ``people`` (zones, destinations) and ``queue`` (entrances,) are where it starts, and are changed; ``told`` is filled.
    ``dt_s`` divides ``SLOT_S`` and is at most the shortest walk over the highest speed.
    """
    zones, links, entrances = len(net.area_m2), len(net.source), len(net.source) - net.first[-1]
    destinations = zones + len(net.exits)
    work = _Work(
        np.zeros(zones),
        np.zeros(zones),
        np.zeros(links),
        np.zeros(links),
        np.zeros((destinations, zones)),
        np.zeros((destinations, zones)),
        np.zeros((links, destinations)),
        np.zeros((links, destinations)),
        np.zeros((zones + entrances, destinations)),
        np.zeros(zones + entrances),
        np.zeros(zones),
        np.zeros(links),
        np.zeros(links),
        np.zeros(links),
        np.zeros(links),
        np.zeros(zones),
        np.zeros((zones, destinations)),
    )
    origins = np.concatenate((np.arange(zones), net.target[net.first[-1] :]))
    _free_times(net, traits, work)
    steps = round(SLOT_S / dt_s)
    for slot in range(len(plan.may)):
        speeds(net.diagram, traits.speed, people, net.area_m2, work.inside, work.speed)
        _look_for_ways(net, plan, demand, traits, slot, people, origins, work)
        for z in range(zones):
            work.sets_out[z] = 1.0 - math.exp(-dt_s * demand.leave[slot, z])
        told.flow[slot] = 0.0
        for _ in range(steps):
            _step(net, plan, demand, traits, slot, dt_s, people, queue, work)
            for link in range(links):
                told.flow[slot, link] += work.flow[link] / steps
        speeds(net.diagram, traits.speed, people, net.area_m2, work.inside, work.speed)
        for z in range(zones):
            told.people[slot, z] = work.inside[z]
            told.trapped[slot, z] = work.inside[z] if _closed_off(net, work, z) else 0.0
        told.queue[slot] = queue
    told.where[:] = people


@compiled_aside
def _free_times(net: Net, traits: Traits, work: _Work) -> None:
    """Times to go in an empty network with all gates open, into ``work.free``."""
    work.speed[:] = traits.speed * net.diagram[_FREE]
    work.wait[:] = 0.0
    work.scratch[:] = 1.0
    link_costs(net.first, net.source, net.target, net.length_m, work.speed, net.back, work.wait, work.cost)
    times_to_go(net.first, net.source, net.target, net.exits, work.scratch, work.cost, work.free)


@compiled_aside
def _closed_off(net: Net, work: _Work, z: int) -> bool:
    """Whether a zone from which there is a way outside has none now."""
    could = can = False
    for d in range(len(net.area_m2), work.togo.shape[0]):
        could = could or work.free[d, z] < _FAR
        can = can or work.togo[d, z] < _FAR
    return could and not can


@compiled_aside
def _look_for_ways(
    net: Net, plan: Plan, demand: Demand, traits: Traits, slot: int, people: Array, origins: Index, work: _Work
) -> None:
    """Costs, times to go, and which way and where people go in this slot; people who have to think again do so."""
    for link in range(net.first[-1]):
        work.wait[link] = _wait_s(net, plan, traits, slot, link, work)
    link_costs(net.first, net.source, net.target, net.length_m, work.speed, net.back, work.wait, work.cost)
    may, changed = plan.may[slot], slot == 0
    for link in range(len(may)):
        changed = changed or may[link] != plan.may[slot - 1, link]
    times_to_go(net.first, net.source, net.target, net.exits, may, work.cost, work.togo)
    choose_destinations(origins, work.togo, demand.shares, work.chosen, work.knows)
    think_again(people, work.togo, work.free, work.chosen)
    keep = 0.0 if changed else 0.5
    choose_links(net.first, net.target, net.exits, may, work.cost, work.togo, keep, work.base, work.scratch)
    work.take[:] = work.base
    for link in range(net.first[-1]):
        other, share = plan.aside_to[slot, link], plan.aside[slot, link]
        if share > 0.0 and may[other] > 0.0:
            for d in range(work.take.shape[1]):
                moved = share * work.base[link, d]
                work.take[link, d] -= moved
                work.take[other, d] += moved


@compiled_aside
def _wait_s(net: Net, plan: Plan, traits: Traits, slot: int, link: int, work: _Work) -> float:
    """How long those who go to a link wait there, beyond walking: all of them over what passes. Held people wait to be let on."""
    if work.heading[link] <= 0.0 or plan.held[slot, link] > 0.0:
        return 0.0
    passes = min(_most(net, plan, traits, slot, link), plan.limit[slot, link])
    if net.target[link] >= 0:
        density = work.inside[net.target[link]] / net.area_m2[net.target[link]]
        passes = min(passes, plan.width_m[slot, net.gate[link]] * receiving_flow(net.diagram, density))
    walk_s = net.length_m[link] / work.speed[net.source[link]]
    if passes * LONGEST_WAIT_S <= work.heading[link]:
        return LONGEST_WAIT_S
    return float(max(work.heading[link] / passes - walk_s, 0.0))


@compiled_aside
def _most(net: Net, plan: Plan, traits: Traits, slot: int, link: int) -> float:
    """What the link's gate lets pass, both ways together, persons/s."""
    return float(traits.capacity * net.diagram[_CAPACITY] * plan.width_m[slot, net.gate[link]])


@compiled_aside
def _step(
    net: Net, plan: Plan, demand: Demand, traits: Traits, slot: int, dt_s: float, people: Array, queue: Array, work: _Work
) -> None:
    """``dt_s`` seconds: some of those who stay set out, walkers reach gates, gates and zones let pass what they can, all move."""
    zones = len(net.area_m2)
    speeds(net.diagram, traits.speed, people, net.area_m2, work.inside, work.speed)
    for z in range(zones):
        _set_out(people, work, z)
    for link in range(net.first[-1]):
        z = net.source[link]
        heading = _dot(people[z], work.take[link])
        work.heading[link] = heading
        work.flow[link] = heading * min(work.speed[z] / net.length_m[link], 1.0 / dt_s)
    for e in range(len(queue)):
        link = net.first[-1] + e
        queue[e] += dt_s * demand.arrivals[slot, e]
        work.heading[link] = queue[e]
        work.flow[link] = work.knows[zones + e] * queue[e] / dt_s
    _let_pass(net, plan, traits, slot, dt_s, work)
    _move(net, dt_s, people, queue, work)


@compiled_aside
def _dot(one: Array, other: Array) -> float:
    """Sum of products in four lanes, which is the quickest order that is still the same everywhere."""
    a = b = c = d = 0.0
    whole = len(one) // 4 * 4
    for i in range(0, whole, 4):
        a += one[i] * other[i]
        b += one[i + 1] * other[i + 1]
        c += one[i + 2] * other[i + 2]
        d += one[i + 3] * other[i + 3]
    for i in range(whole, len(one)):
        a += one[i] * other[i]
    return (a + b) + (c + d)


@compiled_aside
def _set_out(people: Array, work: _Work, z: int) -> None:
    leaving = work.sets_out[z] * work.knows[z] * people[z, z]
    if leaving > 0.0:
        people[z, z] -= leaving
        for d in range(people.shape[1]):
            people[z, d] += leaving * work.chosen[z, d]


@compiled_aside
def _let_pass(net: Net, plan: Plan, traits: Traits, slot: int, dt_s: float, work: _Work) -> None:
    """From what wants to pass each link to what does, persons/s, in ``work.flow``."""
    for link in range(len(net.source)):
        shut = plan.may[slot, link] == 0.0 or plan.held[slot, link] > 0.0
        work.flow[link] = 0.0 if shut else min(work.flow[link], plan.limit[slot, link])
    for link in range(len(net.source)):
        wants, t, most = work.flow[link], net.target[link], _most(net, plan, traits, slot, link)
        both = wants + work.flow[net.back[link]]
        takes = net.diagram[_CAPACITY] if t < 0 else receiving_flow(net.diagram, work.inside[t] / net.area_m2[t])
        work.scratch[link] = min(wants, traits.capacity * plan.width_m[slot, net.gate[link]] * takes)
        work.share[link] = min(work.scratch[link], wants * most / both if both > most else wants)
    for link in range(len(net.source)):  # what one way cannot use of its share of the gate, the other way may
        left = _most(net, plan, traits, slot, link) - work.share[net.back[link]]
        work.flow[link] = min(work.scratch[link], max(work.share[link], left))
    work.room[:] = 0.0
    for link in range(len(net.source)):
        if net.target[link] >= 0:
            work.room[net.target[link]] += work.flow[link] * dt_s
    for z in range(len(net.area_m2)):
        left = max(net.diagram[_JAM] * net.area_m2[z] - work.inside[z], 0.0)
        work.room[z] = left / work.room[z] if work.room[z] > left else 1.0
    for link in range(len(net.source)):
        if net.target[link] >= 0:
            work.flow[link] *= work.room[net.target[link]]


@compiled_aside
def _move(net: Net, dt_s: float, people: Array, queue: Array, work: _Work) -> None:
    """Those who pass: in proportion out of each group that goes to the link. Who comes to the zone of their wish stays there."""
    zones = len(net.area_m2)
    work.after[:] = people
    for link in range(net.first[-1]):
        if work.heading[link] <= 0.0 or work.flow[link] <= 0.0:
            continue
        z, t, share = net.source[link], net.target[link], work.flow[link] * dt_s / work.heading[link]
        if t >= 0:
            for d in range(people.shape[1]):
                moved = share * people[z, d] * work.take[link, d]
                work.after[z, d] -= moved
                work.after[t, d] += moved
        else:
            for d in range(people.shape[1]):
                work.after[z, d] -= share * people[z, d] * work.take[link, d]
    for e in range(len(queue)):
        link = net.first[-1] + e
        passed = min(work.flow[link] * dt_s, queue[e])
        queue[e] -= passed
        for d in range(people.shape[1]):
            work.after[net.target[link], d] += passed * work.chosen[zones + e, d]
    people[:] = work.after

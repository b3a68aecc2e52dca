"""One tick of one site's flows: what each link carries, and what to believe of each sensor. Compiled."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ruimte.compiled import compiled
from ruimte.estimate import flows, sensors
from ruimte.estimate.flows import OFFSET
from ruimte.estimate.kalman import spread
from ruimte.estimate.layout import Array, Layout, Records
from ruimte.estimate.sensors import REFUSED, UNHEARD, UNREGISTERED, USED
from ruimte.estimate.state import Inputs, Outputs, State
from ruimte.estimate.tape import SCALE, Tape, note

SURGE = 10.0
PEAKS = 5.0
"""A count is absurd beyond the first (standard deviations) and so many times what its sensor ever told; until it repeats
itself."""
PEAK_DAYS, FEW = 28.0, 12.0
"""Memory of what it ever told, and so many ticks before that says anything."""
OVERALL_H = 48.0
"""Memory of a link's mean count, in hours."""


class Flows(NamedTuple):
    """The links of a site at the end of a tick, each (links,): z and its variance, its mean count, how unlike its sisters it is
    (a share of z), how many days its profile rests on, and its usual z."""

    z: Array
    variance: Array
    mean: Array
    own: Array
    days: Array
    usual: Array


@compiled
def step_flows(layout: Layout, state: State, given: Inputs, out: Outputs, t: int, site: int, tape: Tape | None) -> Flows:
    """The flow filter of one site, and the verdicts on its streams (into ``out.stream``); ``tape`` is for smoothing."""
    l0, j0, j1 = layout.sites.link[site], layout.sites.stream[site], layout.sites.stream[site + 1]
    links, streams, tick = layout.sites.link[site + 1] - l0, j1 - j0, given.first + t
    link_of = layout.streams.link[j0:j1]
    verdict = out.stream[t, j0:j1]
    n = 1 + links
    x = state.flow_x[layout.sites.flow[site] : layout.sites.flow[site + 1]]
    p = state.flow_p[layout.sites.flow_p[site] : layout.sites.flow_p[site + 1]].reshape((n, n))
    watch = state.streams
    at, h, room = np.zeros(2, np.int64), np.zeros(2), np.empty(n + streams)

    m, days, seen = np.empty(links), np.empty(links), np.empty(links)
    for i in range(links):
        usual, days[i], seen[i] = flows.usual(
            state.profile[l0 + i],
            state.visits[l0 + i],
            state.links.overall[l0 + i],
            given.kind[t],
            given.slot[t],
            layout.day_bins,
            layout.tick_h,
        )
        m[i] = 2.0 * math.sqrt(usual + OFFSET)
    flows.predict(x, p, days, layout.tick_h, tape)

    z, heard = _hear(layout, state, given, t, j0, verdict)
    begun = _begin(state, given, t, j0, l0, link_of, heard, z, m, x, p, tape)
    common = 0.0 if begun else flows.common_shift(x, m, z, link_of, heard, room)
    r = _noises(layout, state, given, t, j0, l0, link_of, heard, z, m, x, p, common, at, h)
    for j in range(streams):
        if r[j] < np.inf:
            flows.take(x, p, m[link_of[j]], link_of[j], z[j], r[j], at, h, room, tape)

    for j in range(streams):
        if verdict[j] == UNREGISTERED:
            continue
        i, number = link_of[j], j0 + j
        noise = state.links.noise[l0 + i]
        told, s = flows.without(x, p, m[i], i, z[j], r[j], at, h)
        if verdict[j] == UNHEARD:
            if state.links.seen[l0 + i] > 0:
                watch.expected[number] = flows.persons(told, s)
            sensors.silence(watch, number, tick)
            continue
        count, covered = given.count[t, number], min(1.0, given.covered[t, number])
        # what is usual is never odd, whatever the sisters do: who leaves comes later than who came
        odd = z[j] - max(told, m[i]) if z[j] > told else z[j] - min(told, m[i])
        odd = (max(odd, 0.0) if z[j] > told else min(odd, 0.0)) / math.sqrt(s + noise / covered)
        verdict[j] = _verdict(watch, number, verdict[j], odd, count, state.links.seen[l0 + i], layout.tick_h)
        least = flows.persons(max(min(told, m[i]) - 2.0 * math.sqrt(s), 2.0 * math.sqrt(OFFSET)), 0.0)
        sensors.repetition(watch, number, count, least * covered, noise, seen[i])
        watch.said[number] = count
        watch.expected[number] = flows.persons(told, s) * covered
        sensors.judge(watch, number, verdict[j], tick, layout.tick_h)
        if sensors.excluded(watch, number):
            verdict[j] = REFUSED
        if verdict[j] == USED:
            state.links.noise[l0 + i] = flows.noise_after(noise, z[j] - told, s)

    found = Flows(np.empty(links), np.empty(links), np.empty(links), np.empty(links), days, m)
    for i in range(links):
        flows.row_of(i, m[i], at, h)
        told = m[i] * (1.0 + x[0] + x[1 + i])
        _learn(layout, state, given, t, i, l0, j0, link_of, verdict, told)
        found.z[i], found.variance[i], found.own[i] = max(told, 2.0 * math.sqrt(OFFSET)), spread(p, at, h, 2), x[1 + i]
        found.mean[i] = flows.persons(found.z[i], found.variance[i])
    return found


@compiled
def _hear(layout: Layout, state: State, given: Inputs, t: int, j0: int, verdict: Array) -> tuple[Array, Array]:
    """z of every stream, and which may take part at all; the others have their verdict already."""
    z, heard = np.zeros(len(verdict)), np.zeros(len(verdict), np.bool_)
    for j in range(len(verdict)):
        count, covered = given.count[t, j0 + j], given.covered[t, j0 + j]
        if not given.stream_valid[t, j0 + j]:
            verdict[j] = UNREGISTERED
        elif covered <= 0.0:
            verdict[j] = UNHEARD
        else:
            verdict[j] = REFUSED if count > layout.streams.most[j0 + j] or count < 0.0 else USED
            z[j] = 2.0 * math.sqrt(max(count, 0.0) / covered + OFFSET)
            heard[j] = verdict[j] == USED and not sensors.excluded(state.streams, j0 + j)
    return z, heard


@compiled
def _begin(
    state: State,
    given: Inputs,
    t: int,
    j0: int,
    l0: int,
    link_of: Array,
    heard: Array,
    z: Array,
    m: Array,
    x: Array,
    p: Array,
    tape: Tape | None,
) -> bool:
    """The first count of a link is all that is known of its level. Tells whether there was one."""
    begun = False
    for j in range(len(heard)):
        i = link_of[j]
        if heard[j] and state.links.seen[l0 + i] == 0:
            state.links.overall[l0 + i] = given.count[t, j0 + j] / given.covered[t, j0 + j]
            m[i] = z[j]
            if tape is not None:
                note(tape, SCALE, 1 + i, 1 + i, 0.0)
            x[1 + i] = 0.0
            p[1 + i, :] = 0.0
            p[:, 1 + i] = 0.0
            p[1 + i, 1 + i] = flows.NEW_SD**2
            begun = True
    return begun


@compiled
def _noises(
    layout: Layout,
    state: State,
    given: Inputs,
    t: int,
    j0: int,
    l0: int,
    link_of: Array,
    heard: Array,
    z: Array,
    m: Array,
    x: Array,
    p: Array,
    common: float,
    at: Array,
    h: Array,
) -> Array:
    """The noise with which each stream's z is taken in: larger where it is odd, infinite where it takes no part."""
    r = np.full(len(heard), np.inf)
    for j in range(len(heard)):
        if not heard[j]:
            continue
        i, watch = link_of[j], state.streams
        flows.row_of(i, m[i], at, h)
        noise = state.links.noise[l0 + i] / min(1.0, given.covered[t, j0 + j])
        told = m[i] * (1.0 + x[0] + x[1 + i])
        odd = (z[j] - told - common * m[i]) / math.sqrt(spread(p, at, h, 2) + noise)
        counts = flows.weight(odd)
        insists = watch.high[j0 + j] > 0 if odd > 0 else sensors.relents(watch, j0 + j, layout.tick_h)
        if counts == 0.0 and insists:
            # it insists: the level has changed
            p[1 + i, 1 + i] += flows.NEW_SD**2
            counts = 1.0
        if counts > 0.0:
            r[j] = noise / counts
    return r


@compiled
def _verdict(watch: Records, number: int, verdict: int, odd: float, count: float, seen: float, tick_h: float) -> int:
    """Refuse a count that cannot be: far too low where its sisters are busy, or far beyond all that it ever told."""
    if verdict == USED and odd < -flows.HAMPEL and not sensors.relents(watch, number, tick_h):
        verdict = REFUSED
        watch.low[number] += 1
        watch.high[number] = 0
    elif odd > flows.HAMPEL:
        beyond = seen >= FEW and watch.peak[number] > 0.0 and count > PEAKS * watch.peak[number]
        if odd > SURGE and beyond and watch.high[number] == 0:
            verdict = REFUSED
        watch.high[number] += 1
        watch.low[number] = 0
    else:
        watch.low[number] = 0
        watch.high[number] = 0
    if verdict == USED:
        watch.peak[number] = max(watch.peak[number] * math.exp(-tick_h / (24.0 * PEAK_DAYS)), count)
    return verdict


@compiled
def _learn(
    layout: Layout, state: State, given: Inputs, t: int, i: int, l0: int, j0: int, link_of: Array, verdict: Array, told: float
) -> None:
    """Put the mean of what was believed of a link into its profile, limited to what is not beyond reason."""
    total, believed, number = 0.0, 0, l0 + i
    for j in range(len(verdict)):
        if link_of[j] == i and verdict[j] == USED:
            total += given.count[t, j0 + j] / min(1.0, given.covered[t, j0 + j])
            believed += 1
    if believed == 0:
        return
    count = total / believed
    if state.links.seen[number] > 0:
        count = min(count, flows.persons(told + flows.HAMPEL * math.sqrt(state.links.noise[number]), 0.0))
    here = given.kind[t] * layout.day_bins + given.slot[t]
    flows.learn(state.profile[number], state.visits[number], here, count, flows.slot_ticks(layout.day_bins, layout.tick_h))
    state.links.seen[number] += 1.0
    share = max(1.0 / state.links.seen[number], layout.tick_h / OVERALL_H)
    state.links.overall[number] += share * (count - state.links.overall[number])

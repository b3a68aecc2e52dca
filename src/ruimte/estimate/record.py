"""A run of one site's filters that keeps what smoothing needs: the tapes, and of every tick what is asked of it. Compiled."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ruimte.compiled import compiled
from ruimte.estimate import flows
from ruimte.estimate.flows import OFFSET
from ruimte.estimate.layout import Array, Layout
from ruimte.estimate.state import Inputs, Outputs, State
from ruimte.estimate.step_flows import Flows, step_flows
from ruimte.estimate.step_people import facts_at, passing, persons_of, site_of, step_people, surge_of
from ruimte.estimate.tape import Tape, new_tape, rewind


class Written(NamedTuple):
    """One filter's tape over some ticks, and how far it was written at the end of each (``ends``, from 0 on: (ticks + 1,)).

    At the end of each tick some sums w'x of its numbers are asked, of which ``rows`` (ticks, sums, n) are w'P. What later rows
    tell of them: by how much the mean changes (``change``), and how much ``less`` the variance is, both (ticks, sums).
    """

    tape: Tape
    ends: Array
    rows: Array
    change: Array
    less: Array


class Record(NamedTuple):
    """Some ticks of one site: of the people filter the zones are asked, of the flow filter z of each link. And of each link what
    its flow is told from: ``level`` and ``variance`` of z, ``noise``, the ``surge`` that the filter has not followed, and its
    calibration ``scale``, all (ticks, links)."""

    people: Written
    flow: Written
    level: Array
    variance: Array
    noise: Array
    surge: Array
    scale: Array


def new_record(layout: Layout, given: Inputs, site: int, ticks: int) -> Record:
    """Room for so many ticks."""
    size = {name: int(layout.sites[name][site + 1] - layout.sites[name][site]) for name in layout.sites.dtype.names}
    zones, links, streams, readings, n = (size[name] for name in ("zone", "link", "stream", "reading", "people"))
    # at the most, in a tick: sensors of a link are compared, zones put within their limits, read, found empty; facts besides
    measured = ticks * (streams + 3 * zones + readings) + len(given.fact_tick)
    steps = measured + ticks * (3 * streams + 3 * links + 2 * readings + zones)
    return Record(
        _written(ticks, zones, n, steps, measured),
        _written(ticks, links, 1 + links, ticks * (1 + links + 2 * streams), ticks * streams),
        *(np.empty((ticks, links)) for _ in range(5)),
    )


def _written(ticks: int, sums: int, n: int, steps: int, measured: int) -> Written:
    tape = new_tape(n, steps, measured)
    return Written(
        tape, np.zeros(ticks + 1, np.int64), np.empty((ticks, sums, n)), np.zeros((ticks, sums)), np.zeros((ticks, sums))
    )


@compiled
def record(layout: Layout, state: State, given: Inputs, out: Outputs, site: int, begin: int, end: int, made: Record) -> None:
    """Advance one site over the ticks [begin, end), as ``step.run`` does, and write it down from the record's begin on."""
    rewind(made.people.tape)
    rewind(made.flow.tape)
    last = 0
    for t in range(begin, end):
        fact, last = facts_at(given, t, last)
        flow = step_flows(layout, state, given, out, t, site, made.flow.tape)
        step_people(layout, state, given, out, t, site, flow, fact, last, made.people.tape)
        made.people.ends[t - begin + 1] = made.people.tape.used[0]
        made.flow.ends[t - begin + 1] = made.flow.tape.used[0]
        _ask(layout, state, given, out, site, t, t - begin, flow, made)


@compiled
def _ask(layout: Layout, state: State, given: Inputs, out: Outputs, site: int, t: int, k: int, flow: Flows, made: Record) -> None:
    """Write down what is asked at the end of a tick."""
    f = site_of(layout, state, site, made.people.tape)
    for zone in range(f.zones):
        made.people.rows[k, zone] = 0.0
        # people who pass through are told by a sum of their own: of that nothing later tells
        if not passing(layout, out, t, f.zone + zone):
            _add(made.people.rows[k, zone], f.p[zone], 1.0)
    n = 1 + f.links
    x = state.flow_x[layout.sites.flow[site] : layout.sites.flow[site + 1]]
    p = state.flow_p[layout.sites.flow_p[site] : layout.sites.flow_p[site + 1]].reshape((n, n))
    verdict = out.stream[t, f.stream : f.stream + f.e - f.g]
    first = 0
    for i in range(f.links):
        end = first
        while end < f.e - f.g and layout.streams.link[f.stream + end] == i:
            end += 1
        made.flow.rows[k, i] = 0.0
        _add(made.flow.rows[k, i], p[0], flow.usual[i])
        _add(made.flow.rows[k, i], p[1 + i], flow.usual[i])
        made.level[k, i] = flow.usual[i] * (1.0 + x[0] + x[1 + i])
        made.variance[k, i] = flow.variance[i]
        made.noise[k, i] = state.links.noise[f.link + i]
        made.surge[k, i] = surge_of(state, given, t, f, verdict, first, end)
        # the calibration with which the filter told it; of a flow of nobody it does not matter
        one, _ = persons_of(flow.mean[i], flow.variance[i], made.noise[k, i], 1.0, made.surge[k, i])
        made.scale[k, i] = out.flow[t, f.link + i] / one if one > 0.0 else 1.0
        first = end


@compiled
def _add(row: Array, other: Array, by: float) -> None:
    for j in range(len(row)):
        row[j] += by * other[j]


@compiled
def finish(layout: Layout, out: Outputs, site: int, begin: int, count: int, made: Record) -> None:
    """Put what hindsight tells into ``out``, in the place of what the filters told, for the record's first ``count`` ticks."""
    zone, link = layout.sites.zone[site], layout.sites.link[site]
    for k in range(count):
        t = begin + k
        for z in range(layout.sites.zone[site + 1] - zone):
            out.people[t, zone + z] += made.people.change[k, z]
            out.people_var[t, zone + z] -= _part_of(made.people.less[k, z], out.people_var[t, zone + z])
        for i in range(layout.sites.link[site + 1] - link):
            if np.isnan(out.flow[t, link + i]):
                continue
            level = max(made.level[k, i] + made.flow.change[k, i], 2.0 * math.sqrt(OFFSET))
            v = made.variance[k, i] - _part_of(made.flow.less[k, i], made.variance[k, i])
            told = persons_of(flows.persons(level, v), v, made.noise[k, i], made.scale[k, i], made.surge[k, i])
            out.flow[t, link + i], out.flow_var[t, link + i] = told


@compiled
def _part_of(less: float, variance: float) -> float:
    """How much less the variance is: not more than all of it, whatever rounding says."""
    return min(max(less, 0.0), variance)

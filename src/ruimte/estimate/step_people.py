"""One tick of one site's people: they cross links, are read, and are known not to be there. Compiled."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ruimte.compiled import compiled
from ruimte.estimate import flows, people, sensors
from ruimte.estimate.flows import OFFSET
from ruimte.estimate.kalman import spread, update
from ruimte.estimate.layout import Array, Layout
from ruimte.estimate.neighbours import unexplained
from ruimte.estimate.sensors import REFUSED, UNHEARD, UNREGISTERED, USED
from ruimte.estimate.state import Inputs, Outputs, State
from ruimte.estimate.step_flows import Flows
from ruimte.estimate.tape import Tape

UNWATCHED = 1.0
"""Relative error (a standard deviation) of what is guessed of a link that was never watched: the mean of the site's links."""
STRAY_PER_H = 0.5
"""Where nothing was ever counted, so large a share of the people (a standard deviation) may have come or gone within an hour."""
STAY_MARGIN = 1.1
READ_FLOOR = 1.0
"""Variance of an area count of nobody: cameras tell whole persons, and are off by one."""
OWN_FLOOR = 0.25
"""The same where the error is told with it: now and then somebody is lost, or seen twice."""
AGREE = 0.3
"""Variance, a person counted, of the difference between two sensors of one link: each misses others."""


class Site(NamedTuple):
    """The people filter of one site: mean and covariance, where its parts begin in them (calibrations ``g``, errors ``e`` of
    guessed flows, scales ``s`` of readings), where the site begins in the layout, room to work in, and a
    smoother's tape."""

    x: Array
    p: Array
    zones: int
    links: int
    g: int
    e: int
    s: int
    zone: int
    link: int
    stream: int
    reading: int
    at: Array
    h: Array
    room: Array
    tape: Tape | None


@compiled
def facts_at(given: Inputs, t: int, first: int) -> tuple[int, int]:
    """Where the facts of tick t stand, [first, last), looked for from ``first`` on."""
    while first < len(given.fact_tick) and given.fact_tick[first] < t:
        first += 1
    last = first
    while last < len(given.fact_tick) and given.fact_tick[last] == t:
        last += 1
    return first, last


@compiled
def step_people(
    layout: Layout,
    state: State,
    given: Inputs,
    out: Outputs,
    t: int,
    site: int,
    flow: Flows,
    fact: int,
    last_fact: int,
    tape: Tape | None,
) -> None:
    """The people filter of one site; what it knows at the end of the tick goes into ``out``; ``tape`` is for smoothing."""
    f = site_of(layout, state, site, tape)
    verdict = out.stream[t, f.stream : f.stream + f.e - f.g]
    _forget_slowly(layout, state, f, flow)

    usual = _usual(state, f, flow)
    came, net, vague = np.zeros(f.zones), np.zeros(f.zones), np.zeros(f.zones)
    j = int(np.int64(0))  # not a literal, or all that takes it is compiled twice
    for i in range(f.links):
        first = j
        while j < f.e - f.g and layout.streams.link[f.stream + j] == i:
            j += 1
        out.flow[t, f.link + i], out.flow_var[t, f.link + i] = _told(layout, state, given, t, f, flow, verdict, i, first, j)
        source, target = layout.links.source[f.link + i], layout.links.target[f.link + i]
        if source < 0 and target < 0:
            continue
        crossed, variance = _cross(layout, state, given, t, f, flow, verdict, i, first, j, usual)
        guessed = crossed if state.links.guessed[f.link + i] else 0.0
        for zone, sign in ((target, 1.0), (source, -1.0)):
            if zone >= 0:
                net[zone] += sign * crossed
                vague[zone] += variance
                state.zones.crossed[f.zone + zone] += crossed
                state.zones.guessed[f.zone + zone] += guessed
        if target >= 0:
            came[target] += crossed

    for zone in range(f.zones):
        if usual == 0.0:
            f.p[zone, zone] += (STRAY_PER_H * max(f.x[zone], 1.0)) ** 2 * layout.tick_h
        people.not_below(f.x, f.p, zone, f.at, f.h, f.room, f.tape)
        out.people_most[t, f.zone + zone] = _stay(
            layout, state, f.zone + zone, came[zone], net[zone], vague[zone], given.first + t
        )
    for k in range(len(f.x) - f.s):
        out.reading[t, f.reading + k] = _read(layout, state, given, t, f, k, net, usual == 0.0)
    for each in range(fact, last_fact):
        zone = given.fact_zone[each] - f.zone
        if 0 <= zone < f.zones:
            _inform(layout, state, f, zone, given.fact_people[each], given.fact_sd[each] ** 2)
    people.keep_in_range(f.x, f.g, f.e)
    for zone in range(f.zones):
        number = f.zone + zone
        if given.empty[t, number]:
            _settle(layout, state, given, t, f, verdict, zone)
        own = passing(layout, out, t, number)
        out.people[t, number] = state.zones.inside[number] if own else f.x[zone]
        out.people_var[t, number] = state.zones.inside_var[number] if own else f.p[zone, zone]


@compiled
def passing(layout: Layout, out: Outputs, t: int, number: int) -> bool:
    """Whether people pass through a zone within a stay that is known: then they are told by a sum of their own."""
    return bool(layout.zones.stay[number] > 0 and out.people_most[t, number] < layout.zones.most[number])


@compiled
def site_of(layout: Layout, state: State, site: int, tape: Tape | None) -> Site:
    """The people filter of a site; its arrays are those of the state."""
    at, end = layout.sites[site], layout.sites[site + 1]
    zones, links, streams = end.zone - at.zone, end.link - at.link, end.stream - at.stream
    n = end.people - at.people
    return Site(
        state.people_x[at.people : end.people],
        state.people_p[at.people_p : end.people_p].reshape((n, n)),
        zones,
        links,
        zones,
        zones + streams,
        zones + streams + links,
        at.zone,
        at.link,
        at.stream,
        at.reading,
        np.zeros(2, np.int64),
        np.zeros(2),
        np.empty(n),
        tape,
    )


@compiled
def _forget_slowly(layout: Layout, state: State, f: Site, flow: Flows) -> None:
    """Calibrations fall back to what the register says of them, over months, and what a camera is off by within hours; become
    loose sooner where a link is unlike its sisters, and its neighbours do not see why."""
    lasting = flows.rest_of(people.LASTING_H, layout.tick_h)
    rest = flows.rest_of(24.0 * people.SCALE_DAYS, layout.tick_h)
    alone = unexplained(layout, f.link, flow, f.zones)
    for j in range(f.e - f.g):
        g, number = f.g + j, f.stream + j
        off = layout.streams.accuracy[number]
        people.fade(f.x, f.p, g, layout.streams.scale[number], rest, (1.0 - people.SHARED) * off**2, f.tape)
        for k in range(j + 1):
            f.p[g, f.g + k] += people.SHARED * off * layout.streams.accuracy[f.stream + k] * (1.0 - rest * rest)
            f.p[f.g + k, g] = f.p[g, f.g + k]
        i = layout.streams.link[number]
        own, most = flow.own[i], (people.LOOSE * layout.streams.scale[number]) ** 2
        sure = (own * flow.usual[i]) ** 2 > people.STRANGE_SD**2 * state.links.noise[f.link + i]
        if flow.days[i] >= people.STRANGE_DAYS and sure and alone[i] > people.ALONE and f.p[g, g] < most:
            # a share of z is half that of the count
            looser = max(0.0, 4.0 * own**2 - people.STRANGE**2) * layout.tick_h / people.STRANGE_H
            f.p[g, g] = min(f.p[g, g] + looser, most)
    for k in range(len(f.x) - f.s):
        s, number = f.s + k, f.reading + k
        if layout.readings.free[number]:
            f.p[s, s] += people.FREE_DRIFT_PER_DAY * f.x[s] ** 2 * layout.tick_h / 24.0
        else:
            share = layout.readings.lasting[number]
            people.fade(f.x, f.p, s, 1.0, lasting, share * layout.readings.accuracy[number] ** 2, f.tape)
    scale = layout.streams.scale[f.stream : f.stream + f.e - f.g]
    left = flows.rest_of(24.0 * people.COMMON_SCALE_DAYS, layout.tick_h)
    people.set_common(f.x, scale, f.g, 1.0 + left * (people.common(f.x, scale, f.g) - 1.0))


@compiled
def _usual(state: State, f: Site, flow: Flows) -> float:
    """The mean flow of the site's links, for one that was never watched."""
    total, known = 0.0, 0
    for i in range(f.links):
        if state.links.seen[f.link + i] > 0:
            total += flow.mean[i]
            known += 1
    return total / known if known > 0 else 0.0


@compiled
def _cross(
    layout: Layout,
    state: State,
    given: Inputs,
    t: int,
    f: Site,
    flow: Flows,
    verdict: Array,
    i: int,
    first: int,
    end: int,
    usual: float,
) -> tuple[float, float]:
    """People take link i, whose streams are [first, end): as counted, or as guessed where nothing is believed.

    Gives how many, and the variance of that.
    """
    source, target = layout.links.source[f.link + i], layout.links.target[f.link + i]
    believed = 0
    for j in range(first, end):
        believed += verdict[j] == USED
    if believed == 0:
        crossed, doubt = _guess(layout, state, f, flow, i, first, end, usual)
    else:
        if state.links.guessed[f.link + i]:
            people.forget(f.x, f.p, f.e + i, 0.0, 0.0, f.tape)
            state.links.guessed[f.link + i] = False
        crossed, doubt = _count(layout, state, given, t, f, flow, verdict, i, first, end, believed)
    people.doubt(f.p, source, target, doubt)
    off = f.p[f.e + i, f.e + i] if believed == 0 else 0.0
    for j in range(first, end):
        if verdict[j] == USED:
            off = max(off, f.p[f.g + j, f.g + j])
    return crossed, doubt + crossed * crossed * off


@compiled
def _guess(layout: Layout, state: State, f: Site, flow: Flows, i: int, first: int, end: int, usual: float) -> tuple[float, float]:
    """The predicted flow of a link, with one relative error that lasts; gives it and the variance that is new each tick."""
    source, target, e = layout.links.source[f.link + i], layout.links.target[f.link + i], f.e + i
    g = 1.0
    if end > first:
        g = 0.0
        for j in range(first, end):
            g += f.x[f.g + j] / (end - first)
    if state.links.seen[f.link + i] == 0:
        mean, relative, noise = usual, UNWATCHED, 1.0
    else:
        mean, relative, noise = (
            flow.mean[i],
            min(2.0 * math.sqrt(flow.variance[i]) / flow.z[i], UNWATCHED),
            state.links.noise[f.link + i],
        )
    if not state.links.guessed[f.link + i]:
        people.forget(f.x, f.p, e, 0.0, relative * relative, f.tape)
        state.links.guessed[f.link + i] = True
    else:
        people.fade(f.x, f.p, e, 0.0, flows.rest_of(flows.OWN_H, layout.tick_h), 0.0, f.tape)
        f.p[e, e] = max(f.p[e, e], relative * relative)
    people.shift(f.x, source, target, mean * g)
    people.move(f.x, f.p, source, target, e, mean * g, f.tape)
    return mean * g, noise * mean * g * g


@compiled
def _count(
    layout: Layout,
    state: State,
    given: Inputs,
    t: int,
    f: Site,
    flow: Flows,
    verdict: Array,
    i: int,
    first: int,
    end: int,
    believed: int,
) -> tuple[float, float]:
    """What the believed streams of a link counted, each with its calibration; gives it and its variance."""
    source, target = layout.links.source[f.link + i], layout.links.target[f.link + i]
    kappa = people.KAPPA_RANGE[0]
    if source >= 0:
        kappa = max(kappa, state.zones.kappa[f.zone + source])
    if target >= 0:
        kappa = max(kappa, state.zones.kappa[f.zone + target])
    noise, crossed, doubt = state.links.noise[f.link + i], 0.0, 0.0
    for j in range(first, end):
        if verdict[j] != USED:
            continue
        count, covered = given.count[t, f.stream + j], min(1.0, given.covered[t, f.stream + j])
        # who was missed is told by the usual count as much as by this one: of a Poisson flow, those counted tell nothing of those
        # missed, and to take them for a measure wears the calibration down; of one that comes in groups, whose count varies by
        # `noise` times its mean, the missed rise with the counted by 1 - 1 / noise. Ticks shorter than a group see it pass by
        basis = count / covered
        if state.streams.high[f.stream + j] == 0:
            alone = layout.tick_h / (layout.tick_h + people.GROUP_H) / noise
            basis = flow.mean[i] + (basis - flow.mean[i]) * (1.0 - alone)
        g = f.x[f.g + j]
        people.shift(f.x, source, target, (count - covered * basis) / believed)
        people.move(f.x, f.p, source, target, f.g + j, basis / believed, f.tape)
        crossed += (count - covered * basis + g * basis) / believed
        doubt += (abs(g - 1.0) * g * basis + kappa * count + people.FALSE_H * layout.tick_h) / (believed * believed)
        unseen = (1.0 - covered) * basis
        if unseen > 0.0:
            doubt += (noise * unseen + unseen * unseen * 4.0 * flow.variance[i] / flow.z[i] ** 2) * g * g
    if believed >= 2:
        doubt += _compare(given, t, f, verdict, first, end, kappa)
    return crossed, doubt


@compiled
def _compare(given: Inputs, t: int, f: Site, verdict: Array, first: int, end: int, kappa: float) -> float:
    """Sensors of one link count the same people: that ties their calibrations together, as far as they agree. Gives the
    variance of what they disagree on."""
    disagreement, one = 0.0, -1
    for j in range(first, end):
        if verdict[j] != USED:
            continue
        if one >= 0:
            a = given.count[t, f.stream + one] / min(1.0, given.covered[t, f.stream + one])
            b = given.count[t, f.stream + j] / min(1.0, given.covered[t, f.stream + j])
            f.at[0], f.at[1] = f.g + one, f.g + j
            f.h[0], f.h[1] = a, -b
            surprise = b * f.x[f.g + j] - a * f.x[f.g + one]
            r = (a + b) * (AGREE + kappa) + 1.0
            if surprise * surprise <= people.ODD**2 * (spread(f.p, f.at, f.h, 2) + r):
                update(f.x, f.p, f.at, f.h, 2, surprise, r, f.room, f.tape)
            disagreement = max(disagreement, surprise * surprise / 4.0)
        one = j
    return disagreement


@compiled
def _told(
    layout: Layout, state: State, given: Inputs, t: int, f: Site, flow: Flows, verdict: Array, i: int, first: int, end: int
) -> tuple[float, float]:
    """What is told of a link's flow, persons a tick and variance: the filter's, or a surge that it has not followed yet; not
    known where nothing was believable for a day."""
    if state.links.seen[f.link + i] == 0:
        return np.nan, np.nan
    watch, g, known, gone = state.streams, 0.0, 0, True
    for j in range(first, end):
        if verdict[j] == UNREGISTERED:
            continue
        number = f.stream + j
        g += f.x[f.g + j]
        known += 1
        stuck = watch.state[number] == sensors.STUCK and watch.repeats[number] * layout.tick_h >= sensors.RELENT_H
        gone = gone and (stuck or watch.unheard[number] * layout.tick_h >= sensors.RELENT_H)
    if known == 0 or gone:
        return np.nan, np.nan
    # who passes a count point is told as counted: nothing will ever calibrate it
    g = g / known if layout.links.source[f.link + i] >= 0 or layout.links.target[f.link + i] >= 0 else 1.0
    surge = surge_of(state, given, t, f, verdict, first, end)
    return persons_of(flow.mean[i], flow.variance[i], state.links.noise[f.link + i], g, surge)


@compiled
def surge_of(state: State, given: Inputs, t: int, f: Site, verdict: Array, first: int, end: int) -> float:
    """The largest of a link's counts that are believed, though the filter has not followed them yet; 0 where there is none."""
    surge = 0.0
    for j in range(first, end):
        number = f.stream + j
        if verdict[j] == USED and state.streams.high[number] > 0:
            surge = max(surge, given.count[t, number] / min(1.0, given.covered[t, number]))
    return surge


@compiled
def persons_of(mean: float, v: float, noise: float, g: float, surge: float) -> tuple[float, float]:
    """Flow in persons a tick and its variance, where z has the variance v, or of a surge above it; g persons for one counted."""
    z2 = 4.0 * (mean + OFFSET)
    variance = (2.0 * v * v + 4.0 * z2 * v) / 16.0
    if surge > mean:
        return surge * g, (noise * surge + variance) * g * g
    return mean * g, variance * g * g


@compiled
def _stay(layout: Layout, state: State, zone: int, came: float, net: float, vague: float, tick: int) -> float:
    """How many can be in a zone: by what fits in, and by who came in during its longest stay.

    Where there is such a stay, the people shown are a sum of their own, put back between nobody and that many at each tick. The
    filter's sum goes on without limits, for what is left of it at the empty hour tells the calibration.
    """
    stay, fits = layout.zones.stay[zone], layout.zones.most[zone]
    if stay == 0:
        return float(fits)
    state.recent[zone, tick % stay] = came
    state.zones.filled[zone] += 1
    state.zones.inside[zone] += net
    # what a calibration is off by is the same at every tick of the stay
    state.zones.inside_var[zone] += stay * vague
    if state.zones.filled[zone] < stay:
        return float(fits)
    total = 0.0
    for k in range(stay):
        total += state.recent[zone, k]
    # a calibration below 0 is possible for a moment, fewer people than nobody are not
    most = min(STAY_MARGIN * max(total, 0.0) + people.EMPTY_SD, fits)
    state.zones.inside[zone] = min(max(state.zones.inside[zone], 0.0), most)
    state.zones.inside_var[zone] = min(state.zones.inside_var[zone], most * most / 12.0 + people.EMPTY_SD**2)
    return float(most)


@compiled
def _inform(layout: Layout, state: State, f: Site, zone: int, told: float, variance: float) -> None:
    """Somebody knows how many people there are: where the sum is far from that, it is the sum that was too sure."""
    surprise = told - f.x[zone]
    if surprise * surprise > people.ODD**2 * (f.p[zone, zone] + variance):
        f.p[zone, zone] += surprise * surprise
    f.at[0], f.h[0] = zone, 1.0
    update(f.x, f.p, f.at, f.h, 1, surprise, variance, f.room, f.tape)
    _inform_inside(layout, state, f.zone + zone, told, variance)


@compiled
def _inform_inside(layout: Layout, state: State, zone: int, told: float, variance: float) -> None:
    """The same for the people shown, where they are a sum of their own."""
    if layout.zones.stay[zone] > 0:
        gain = state.zones.inside_var[zone] / (state.zones.inside_var[zone] + variance)
        state.zones.inside[zone] += gain * (told - state.zones.inside[zone])
        state.zones.inside_var[zone] *= 1.0 - gain


@compiled
def _read(layout: Layout, state: State, given: Inputs, t: int, f: Site, k: int, net: Array, uncounted: bool) -> int:
    """Take in one reading of the people in a zone, unless it is too odd to be believed at once. Gives what became of it.

    One that tells its own error is believed at once where nobody who comes or goes is counted (``uncounted``).
    """
    number, watch, tick = f.reading + k, state.readings, given.first + t
    if not given.reading_valid[t, number]:
        return UNREGISTERED
    told = given.reading[t, number] * layout.readings.scale[number]
    if np.isnan(told):
        sensors.silence(watch, number, tick)
        return UNHEARD
    zone, s = layout.readings.zone[number], f.s + k
    left = given.reading_left[t, number] * net[zone]
    inside = max(f.x[zone] - left, 0.0)
    most = layout.zones.most[f.zone + zone]
    sure = f.p[zone, zone] < (most * most / 12.0 if most < np.inf else 1e10)
    if layout.readings.free[number] and watch.heard[number] < 0:
        # the first devices: their proportion is what it is now, if the people are known at all
        if not sure or inside < people.LEAST_FOR_PROPORTION:
            return UNHEARD
        people.forget(f.x, f.p, s, max(told, 1.0) / inside, (0.5 * max(told, 1.0) / inside) ** 2, f.tape)
    watch.said[number] = told
    watch.expected[number] = f.x[s] * inside
    level = f.x[s] * inside if sure else told
    own = given.reading_sd[t, number]
    if np.isnan(own):
        momentary = 1.0 if layout.readings.free[number] else 1.0 - layout.readings.lasting[number]
        r = momentary * (layout.readings.accuracy[number] * level) ** 2 + READ_FLOOR + (0.5 * left) ** 2
    else:
        # what lasts of it is in the scale already
        lasts = layout.readings.lasting[number] * (layout.readings.accuracy[number] * told) ** 2
        r = max(own * own - lasts, OWN_FLOOR) + (0.5 * left) ** 2
    f.at[0], f.at[1] = zone, s
    # where nobody knew how many there are, the scale's error is that of as many as are told, not of the guess from before
    f.h[0], f.h[1] = f.x[s], inside if sure or layout.readings.free[number] else max(told, 0.0) / f.x[s]
    surprise = told - f.x[s] * inside
    expected = spread(f.p, f.at, f.h, 2) + r
    impossible = told < 0.0 or (not layout.readings.free[number] and told > people.IMPOSSIBLE * most)
    if impossible or (sure and surprise * surprise > people.ODD**2 * expected):
        watch.low[number] += 1
        insists = watch.low[number] >= sensors.RUN or (uncounted and not np.isnan(own))
        if impossible or not insists:
            sensors.judge(watch, number, REFUSED, tick, layout.tick_h)
            return REFUSED
        # it insists: nobody knows who is right, so that the interval takes in both
        f.p[zone, zone] += surprise * surprise
        expected += f.x[s] ** 2 * surprise * surprise
    else:
        watch.low[number] = 0
    strange = surprise * surprise / expected
    if sure:
        share = people.KAPPA_READ * f.p[zone, zone] / expected
        state.zones.kappa[f.zone + zone] = people.kappa_after(state.zones.kappa[f.zone + zone], strange, share)
    # one that is odd weighs less
    r += max(0.0, strange / people.ODD_DAY**2 - 1.0) * expected
    update(f.x, f.p, f.at, f.h, 2, surprise, r, f.room, f.tape)
    f.x[s] = max(f.x[s], 0.01)
    _inform_inside(layout, state, f.zone + zone, told / f.x[s] + left, r / f.x[s] ** 2)
    sensors.judge(watch, number, USED, tick, layout.tick_h)
    return USED


@compiled
def _settle(layout: Layout, state: State, given: Inputs, t: int, f: Site, verdict: Array, zone: int) -> None:
    """The empty hour of a zone, which tells the calibration of its counters; unless much of the day was guessed."""
    number = f.zone + zone
    counted = state.zones.guessed[number] <= people.MOST_GUESSED * state.zones.crossed[number]
    told = state.zones.anchored[number] and counted
    # sums of in and out tell nothing of what all counters have in common: noise in them would wear it down
    scale = layout.streams.scale[f.stream : f.stream + f.e - f.g]
    shared, sure = people.common(f.x, scale, f.g), people.common_variance(f.p, scale, f.g)
    state.zones.kappa[number] = people.settle(f.x, f.p, zone, told, state.zones.kappa[number], f.at, f.h, f.room, f.tape)
    people.set_common(f.x, scale, f.g, shared)
    people.widen_common(f.p, scale, f.g, max(0.0, sure - people.common_variance(f.p, scale, f.g)))
    people.keep_in_range(f.x, f.g, f.e)
    state.zones.anchored[number] = True
    state.zones.inside[number] = 0.0
    state.zones.inside_var[number] = people.EMPTY_SD**2
    state.zones.crossed[number] = 0.0
    state.zones.guessed[number] = 0.0
    for j in range(f.e - f.g):
        i = f.link + layout.streams.link[f.stream + j]
        # once a day: a link between two zones with the one that it leaves
        own = layout.links.source[i] == zone or (layout.links.source[i] < 0 and layout.links.target[i] == zone)
        if own and verdict[j] != UNREGISTERED:
            sensors.calibrate(state.streams, f.stream + j, f.x[f.g + j], math.sqrt(f.p[f.g + j, f.g + j]), given.first + t)

"""Which way people go: shortest in time as things are now, by logit over the ways that bring them nearer. Compiled.

Dial 1971 (efficient paths); travel time is walking at the density of now, plus the wait at a gate that more want than can pass.
"""

from __future__ import annotations

import math

from ruimte.compiled import compiled_aside
from ruimte.whatif.diagram import Array, sending_speed
from ruimte.whatif.network import Index

SCALE_S = 20.0
"""Of two ways that differ by this, 27 in 100 take the longer one (assumed)."""
PATIENCE_S = 900.0
"""Who has lost this much at a way out, and would be out sooner by another by as much, begins to think of that one (assumed)."""
LONGEST_WAIT_S = 1800.0
"""What people expect at most of a queue that does not move."""
_FAR = 1e30


@compiled_aside
def link_costs(
    first: Index, source: Index, target: Index, length_m: Array, speed: Array, back: Index, wait_s: Array, cost: Array
) -> None:
    """Seconds by each link from the middle of its zone to the middle of the next, into ``cost`` (links,)."""
    for link in range(first[-1]):
        cost[link] = length_m[link] / speed[source[link]] + wait_s[link]
        if target[link] >= 0:
            cost[link] += length_m[back[link]] / speed[target[link]]


@compiled_aside
def times_to_go(first: Index, source: Index, target: Index, exits: Index, may: Array, cost: Array, togo: Array) -> None:
    """Seconds from each zone to each destination by the quickest way that is open, into ``togo`` (destinations, zones).

    Destinations are the zones, then the exits. ``may`` (links,): 1 where people may try to pass. Far beyond: no way.
    """
    zones = len(first) - 1
    for d in range(togo.shape[0]):
        for z in range(zones):
            togo[d, z] = _FAR
        if d < zones:
            togo[d, d] = 0.0
        else:
            link = exits[d - zones]
            if may[link] > 0.0:
                togo[d, source[link]] = cost[link]
        changed, sweeps = True, 0
        while changed:  # to and fro, so that most ways are found in two or three sweeps
            changed, sweeps = False, sweeps + 1
            for number in range(first[-1]):
                link = number if sweeps % 2 else first[-1] - 1 - number
                z, t = source[link], target[link]
                if t >= 0 and may[link] > 0.0 and togo[d, t] < _FAR:
                    through = cost[link] + togo[d, t]
                    if through < togo[d, z]:
                        togo[d, z] = through
                        changed = True


@compiled_aside
def choose_links(
    first: Index, target: Index, exits: Index, may: Array, cost: Array, togo: Array, keep: float, take: Array, new: Array
) -> None:
    """Which share of those in a zone takes each link, for each destination, into ``take`` (links, destinations).

    Only ways that end nearer to the destination; by logit on time. ``keep``: the share of the former choice that stays, so that
    a crowd does not turn round all at once. ``new`` (links,) is scratch.
    """
    zones = len(first) - 1
    for z in range(zones):
        a, b = first[z], first[z + 1]
        for d in range(togo.shape[0]):
            total, before = 0.0, 0.0
            for link in range(a, b):
                before += take[link, d]
                new[link] = 0.0
                if d == z or togo[d, z] >= _FAR or may[link] == 0.0:
                    continue
                t = target[link]
                through = _FAR
                if t >= 0 and togo[d, t] < togo[d, z]:
                    through = cost[link] + togo[d, t]
                elif t < 0 and d >= zones and exits[d - zones] == link:
                    through = cost[link]
                if through < _FAR:
                    later = through - togo[d, z]
                    new[link] = math.exp(-later / SCALE_S) if later > 0.0 else 1.0
                    total += new[link]
            kept = keep if before > 0.0 else 0.0
            for link in range(a, b):
                share = new[link] / total if total > 0.0 else 0.0
                take[link, d] = kept * take[link, d] + (1.0 - kept) * share if total > 0.0 else 0.0


@compiled_aside
def choose_destinations(origins: Index, togo: Array, shares: Array, chosen: Array, knows: Array) -> None:
    """Where those who set out from each origin go, of what can be reached: ``shares`` (origins, destinations) made whole again.

    ``origins`` (origins,) is the zone in which each begins. Who would leave by an exit that is shut leaves by those that are
    open, as others do, else by the nearest. Where nothing can be reached they stay: all are 0, and ``knows`` (origins,), else 1.
    """
    zones = togo.shape[1]
    for o in range(len(origins)):
        z, shut, open_, best = origins[o], 0.0, 0.0, -1
        for d in range(togo.shape[0]):
            chosen[o, d] = shares[o, d] if togo[d, z] < _FAR else 0.0
            if d >= zones:
                shut += shares[o, d] - chosen[o, d]
                open_ += chosen[o, d]
                if togo[d, z] < _FAR and (best < 0 or togo[d, z] < togo[best, z]):
                    best = d
        if shut > 0.0 and open_ > 0.0:
            for d in range(zones, togo.shape[0]):
                chosen[o, d] *= (shut + open_) / open_
        elif shut > 0.0 and best >= 0:
            chosen[o, best] = shut
        total = _sum(chosen[o])
        for d in range(togo.shape[0]):
            chosen[o, d] = chosen[o, d] / total if total > 0.0 else 0.0
        knows[o] = 1.0 if total > 0.0 else 0.0


@compiled_aside
def think_again(people: Array, togo: Array, free: Array, chosen: Array) -> None:
    """Who can no longer get where they were going, or loses too much time at a way out, goes elsewhere; ``people`` is changed.

    Of the ways out only those come to mind that people of this zone use. ``free`` (destinations, zones): times to go when nobody
    is in the way.
    """
    zones, destinations = people.shape
    for z in range(zones):
        best, quickest = -1, _FAR
        for d in range(zones, destinations):
            if chosen[z, d] > 0.0 and togo[d, z] < quickest:
                best, quickest = d, togo[d, z]
        for d in range(destinations):
            if d == z or people[z, d] == 0.0:
                continue
            if togo[d, z] >= _FAR:
                _send_elsewhere(people, chosen, z, d)
            elif d >= zones and best >= 0:
                lost = min(togo[d, z] - quickest, togo[d, z] - free[d, z])
                share = 0.5 * min(max(lost / PATIENCE_S - 1.0, 0.0), 1.0)
                moved = share * people[z, d]
                people[z, d] -= moved
                people[z, best] += moved


@compiled_aside
def _send_elsewhere(people: Array, chosen: Array, z: int, d: int) -> None:
    crowd, total = people[z, d], 0.0
    people[z, d] = 0.0
    for other in range(people.shape[1]):
        share = chosen[z, other]
        if other != d and share > 0.0:
            people[z, other] += crowd * share
            total += share
    if total == 0.0:
        people[z, z] += crowd


@compiled_aside
def speeds(numbers: Array, factor: float, people: Array, area_m2: Array, inside: Array, speed: Array) -> None:
    """People in each zone, and the speed at which they would go on, into ``inside`` and ``speed`` (zones,)."""
    for z in range(len(area_m2)):
        inside[z] = _sum(people[z])
        speed[z] = factor * sending_speed(numbers, inside[z] / area_m2[z])


@compiled_aside
def _sum(values: Array) -> float:
    a = b = c = d = 0.0
    whole = len(values) // 4 * 4
    for i in range(0, whole, 4):
        a += values[i]
        b += values[i + 1]
        c += values[i + 2]
        d += values[i + 3]
    for i in range(whole, len(values)):
        a += values[i]
    return (a + b) + (c + d)

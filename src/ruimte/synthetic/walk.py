"""Single visitors walk, wait, stay and go home: the compiled heart of the invented world.

Every visitor stands at a spot of their own, in metres, and acts when their time has come: steps on, asks for a gate, looks
around whether it rains, waits for the tram. What others do to them is only how dense it is around them, and who was at the gate
before them. Nothing here knows of flows or of tables; those are what is counted afterwards.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ruimte.compiled import compiled
from ruimte.synthetic.ground import SPOTS, Array, Ground, Ints

STEP_S = 2.0
_HOP_S, _FREE_HOP_S = 15.0, 60.0
"""A walker looks up so often how dense it is; so often where one walks freely."""
_CHECK_S = 600.0
"""Who stays looks up so often whether it rains."""
_RETRY_S = 45.0
_TRIES = 12
"""Who finds it too full ahead waits, and tries again so many times."""
_FREE_PER_M2, _SLOWING, _SLOWEST = 0.5, 0.23, 0.12
"""Up to a density one walks freely; each further person/m² takes away this share of the speed, down to the slowest share."""
_FULL_PER_M2 = 5.4
"""Nobody fits in beyond this."""
_SHY_M, _SHY_MOST_M = 50.0, 150.0
"""So much of a detour does somebody take for every person/m² ahead beyond the first, and at the most."""
_BACK_M = 500.0
"""So much of a detour does somebody take before going back through the gate just passed."""

_AWAY, _ENTER, _PASS, _WALK, _THERE, _STAY, _TRAM = 0, 1, 2, 3, 4, 5, 6

VISITOR = np.dtype(
    [
        (name, np.float64)
        for name in ("start_s", "speed_m_s", "tolerance", "patience_s", "hardy_mm", "x", "y", "aim_x", "aim_y", "leave_s")
    ]
    + [(name, np.int64) for name in ("entry", "exit", "second", "doing", "zone", "stop", "door", "came", "tries", "after")]
    + [("chance", np.uint64)]
)
STOP = np.dtype([("goal", np.int64), ("stay_s", np.float64), ("until_s", np.float64)])
Records = Any
"""A NumPy record array; compiled code reads ``records[i].field``, as Python does."""


class Crowd(NamedTuple):
    """The visitors of a day: ``who`` (visitors,) of type VISITOR, and their plans, ``plan`` (visitors, stops) of type STOP.

    Of each visitor: ``start_s`` when they are at their ``entry`` (a gate); ``exit`` the gate by which they mean to go home,
    ``second`` the one they take when that is too full; ``speed_m_s``; ``tolerance`` (persons/m²) beyond which they do not go on
    into a zone; ``patience_s`` of a queue for the tram; ``hardy_mm``, the rain per hour that sends them home; ``chance``, the
    state of their own dice. The rest says where they are: position and aim in metres, what they are ``doing``, in which
    ``zone``, at which ``stop`` of their plan, before which gate (``door``), by which gate they ``came`` on this way and how
    often in vain (``tries``), and who acts ``after`` them. Of each stop: ``goal`` a zone or -1, ``stay_s`` how long,
    ``until_s`` the latest.
    """

    who: Records
    plan: Records


class Trams(NamedTuple):
    """When trams stop (rising), at which gate, and how many each of them takes along."""

    at_s: Array
    gate: int
    seats: int


class _Now(NamedTuple):
    """Who acts ``first`` and ``last`` in each step; how many are ``inside`` each zone; when each gate is free (``free_s``).

    Those wait for the tram who are in ``queue`` from number ``queued[0]`` up to ``queued[1]``.
    """

    first: Ints
    last: Ints
    inside: Ints
    free_s: Array
    queue: Ints
    queued: Ints


def new_visitors(count: int) -> Records:
    """So many visitors who are still at home, all numbers 0."""
    who = np.zeros(count, dtype=VISITOR).view(np.recarray)
    for name in ("zone", "stop", "door", "came", "after"):
        who[name] = -1
    who["doing"] = _ENTER
    return who


def walk(
    ground: Ground, crowd: Crowd, trams: Trams, gate_per_s: Array, rain_mm: Array, tick_s: float, ticks: int
) -> tuple[Ints, Ints]:
    """Let a day pass. Returns people, shape (ticks, zones), at the end of each tick, and who passed, shape (ticks, gates, 2).

    Those are who passed a gate from its first side to its second, and back. ``gate_per_s``: what each gate lets through;
    ``rain_mm``: by the hour from the start on. The same numbers give the same day, to the last visitor; the visitors themselves
    stay as they were given.
    """
    zones, gates = len(ground.area_m2), len(ground.sides)
    steps = round(ticks * tick_s / STEP_S)
    who = crowd.who.copy()
    now = _Now(
        first=np.full(steps, -1),
        last=np.full(steps, -1),
        inside=np.zeros(zones, dtype=np.int64),
        free_s=np.zeros(gates),
        queue=np.full(len(who), -1),
        queued=np.zeros(2, dtype=np.int64),
    )
    people, passed = np.zeros((ticks, zones), dtype=np.int64), np.zeros((ticks, gates, 2), dtype=np.int64)
    _run(ground, who, crowd.plan, trams, now, gate_per_s, rain_mm, round(tick_s / STEP_S), people, passed)
    return people, passed


@compiled
def _run(
    ground: Ground,
    who: Records,
    plan: Records,
    trams: Trams,
    now: _Now,
    gate_per_s: Array,
    rain_mm: Array,
    steps_of_tick: int,
    people: Ints,
    passed: Ints,
) -> None:
    first, last, inside = now.first, now.last, now.inside
    stops = plan.shape[1]
    for a in range(len(who)):
        _when(first, last, who, a, who[a].start_s)
    tram = 0
    for step in range(len(first)):
        at_s = step * STEP_S
        tick = step // steps_of_tick
        while tram < len(trams.at_s) and trams.at_s[tram] <= at_s:
            _board(ground, who, plan, trams, now, at_s, tick, tram == len(trams.at_s) - 1, passed)
            tram += 1
        a = first[step]
        while a >= 0:
            one = who[a]
            following = one.after
            if one.doing == _WALK:
                _when(first, last, who, a, at_s + _hop(one, inside[one.zone] / ground.area_m2[one.zone]))
            elif one.doing == _STAY:
                if rain_mm[min(int(at_s / 3600.0), len(rain_mm) - 1)] > one.hardy_mm:
                    one.stop = stops
                    _onward(ground, who, plan, now, a, at_s)
                elif at_s >= one.leave_s:
                    _next(ground, who, plan, now, a, at_s)
                else:
                    _when(first, last, who, a, min(one.leave_s, at_s + _CHECK_S))
            elif one.doing == _ENTER:
                _ask(now, who, a, one.entry, at_s, gate_per_s)
            elif one.doing == _PASS:
                _pass(ground, who, plan, now, a, at_s, tick, passed)
            elif one.door < 0:
                _settle(now, who, plan, a, at_s)
            elif one.door == trams.gate:
                _queue(ground, who, plan, trams, now, a, at_s, tram)
            else:
                _ask(now, who, a, one.door, at_s, gate_per_s)
            a = following
        if (step + 1) % steps_of_tick == 0:
            people[tick] = inside


@compiled
def _when(first: Ints, last: Ints, who: Records, a: int, at_s: float) -> None:
    """Act at that moment, after all who said so before; what lies after the day's end does not come."""
    step = math.ceil(at_s / STEP_S)
    if step >= len(first):
        return
    who[a].after = -1
    if first[step] < 0:
        first[step] = a
    else:
        who[last[step]].after = a
    last[step] = a


@compiled
def _roll(one: Records) -> float:
    """The visitor's own dice: uniform in [0, 1), a linear congruential generator (Knuth's MMIX)."""
    one.chance = one.chance * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
    return float(one.chance >> np.uint64(11)) / 9007199254740992.0


@compiled
def _hop(one: Records, density: float) -> float:
    """Walk towards the aim for some seconds, slower where it is dense; returns how many."""
    speed_m_s = one.speed_m_s * max(_SLOWEST, 1.0 - _SLOWING * max(0.0, density - _FREE_PER_M2))
    dx, dy = one.aim_x - one.x, one.aim_y - one.y
    away_m = math.hypot(dx, dy)
    hop_s = _HOP_S if density > _FREE_PER_M2 else _FREE_HOP_S
    if away_m <= speed_m_s * hop_s:
        one.x, one.y = one.aim_x, one.aim_y
        one.doing = _THERE
        return float(max(STEP_S, away_m / speed_m_s))
    share = speed_m_s * hop_s / away_m
    one.x += share * dx
    one.y += share * dy
    return hop_s


@compiled
def _ask(now: _Now, who: Records, a: int, gate: int, at_s: float, gate_per_s: Array) -> None:
    """Get in line at a gate: it lets one person through at a time."""
    through_s = max(at_s + STEP_S, now.free_s[gate])
    now.free_s[gate] = through_s + 1.0 / gate_per_s[gate]
    who[a].door = gate
    who[a].doing = _PASS
    _when(now.first, now.last, who, a, through_s)


@compiled
def _pass(ground: Ground, who: Records, plan: Records, now: _Now, a: int, at_s: float, tick: int, passed: Ints) -> None:
    """Through the gate, unless it is too full ahead."""
    one = who[a]
    gate, here = one.door, one.zone
    way = 0 if ground.sides[gate, 0] == here else 1
    ahead = ground.sides[gate, 1 - way]
    if ahead >= 0:
        density = now.inside[ahead] / ground.area_m2[ahead]
        worse = here < 0 or density > now.inside[here] / ground.area_m2[here]
        if density >= _FULL_PER_M2 or (density > one.tolerance and worse and one.tries <= _TRIES):
            _wait(ground, who, plan, now, a, at_s)
            return
        now.inside[ahead] += 1
    if here >= 0:
        now.inside[here] -= 1
    passed[tick, gate, way] += 1
    one.x, one.y = _along(ground, gate, _roll(one))
    one.zone, one.came = ahead, gate
    one.tries = 0
    if ahead < 0:
        one.doing = _AWAY
    elif one.stop < 0:
        _next(ground, who, plan, now, a, at_s)
    else:
        _onward(ground, who, plan, now, a, at_s)


@compiled
def _wait(ground: Ground, who: Records, plan: Records, now: _Now, a: int, at_s: float) -> None:
    """Too full ahead: wait a little; in the end go elsewhere, or home by another way; who is not in yet goes away."""
    one = who[a]
    one.tries += 1
    if one.tries <= _TRIES:
        _when(now.first, now.last, who, a, at_s + _RETRY_S * (0.5 + _roll(one)))
    elif one.zone < 0:
        one.doing = _AWAY
    elif one.stop < plan.shape[1]:
        one.tries, one.came = 0, -1
        _next(ground, who, plan, now, a, at_s)
    elif one.exit != one.second:
        one.tries, one.came = 0, -1
        one.exit = one.second
        _onward(ground, who, plan, now, a, at_s)
    else:
        _when(now.first, now.last, who, a, at_s + _RETRY_S)


@compiled
def _next(ground: Ground, who: Records, plan: Records, now: _Now, a: int, at_s: float) -> None:
    """On to the next stop of the plan whose time has not passed, or home."""
    stop = who[a].stop + 1
    while stop < plan.shape[1] and (plan[a, stop].goal < 0 or plan[a, stop].until_s <= at_s):
        stop += 1
    who[a].stop = stop
    _onward(ground, who, plan, now, a, at_s)


@compiled
def _onward(ground: Ground, who: Records, plan: Records, now: _Now, a: int, at_s: float) -> None:
    """Aim at a spot where one wants to stay, or else at the gate that leads there soonest."""
    one = who[a]
    home = one.stop >= plan.shape[1]
    goal = len(ground.area_m2) + one.exit if home else plan[a, one.stop].goal
    if goal == one.zone:
        spot = int(_roll(one) * SPOTS)
        one.door = -1
        one.aim_x, one.aim_y = ground.spots[goal, spot, 0], ground.spots[goal, spot, 1]
    else:
        one.door = _choose(ground, one, now, goal, at_s)
        one.aim_x, one.aim_y = _along(ground, one.door, _roll(one))
    one.doing = _WALK
    _when(now.first, now.last, who, a, at_s + STEP_S)


@compiled
def _along(ground: Ground, gate: int, share: float) -> tuple[float, float]:
    """A point on a gate's line."""
    x, y = ground.ends_m[gate, 0], ground.ends_m[gate, 1]
    return x + share * (ground.ends_m[gate, 2] - x), y + share * (ground.ends_m[gate, 3] - y)


@compiled
def _choose(ground: Ground, one: Records, now: _Now, goal: int, at_s: float) -> int:
    """The gate with the shortest way to the goal, a queue and a crowd behind it counted as more way."""
    best, least_m = -1, math.inf
    for gate in ground.doors[one.zone]:
        if gate < 0:
            break
        way = 0 if ground.sides[gate, 0] == one.zone else 1
        ahead = ground.sides[gate, 1 - way]
        x, y = _along(ground, gate, 0.5)
        way_m = math.hypot(x - one.x, y - one.y) + max(0.0, now.free_s[gate] - at_s) * one.speed_m_s
        if ahead >= 0:
            crowded = max(0.0, now.inside[ahead] / ground.area_m2[ahead] - 1.0)
            way_m += ground.rest_m[gate, way, goal] + min(_SHY_M * crowded, _SHY_MOST_M)
        elif gate != goal - len(ground.area_m2):
            continue
        if gate == one.came:
            way_m += _BACK_M
        if way_m < least_m:
            best, least_m = gate, way_m
    return best


@compiled
def _settle(now: _Now, who: Records, plan: Records, a: int, at_s: float) -> None:
    """Stay here as long as planned."""
    one, stop = who[a], plan[a, who[a].stop]
    one.came = -1
    one.leave_s = min(at_s + stop.stay_s, stop.until_s)
    one.doing = _STAY
    _when(now.first, now.last, who, a, max(at_s + STEP_S, min(one.leave_s, at_s + _CHECK_S * _roll(one))))


@compiled
def _queue(ground: Ground, who: Records, plan: Records, trams: Trams, now: _Now, a: int, at_s: float, tram: int) -> None:
    """Wait for the tram, unless that takes too long or none comes any more: then by another way."""
    one = who[a]
    ahead = (now.queued[1] - now.queued[0]) // trams.seats
    if tram + ahead >= len(trams.at_s) or trams.at_s[tram + ahead] - at_s > one.patience_s:
        one.exit, one.came = one.second, -1
        _onward(ground, who, plan, now, a, at_s)
        return
    one.doing = _TRAM
    now.queue[now.queued[1]] = a
    now.queued[1] += 1


@compiled
def _board(
    ground: Ground,
    who: Records,
    plan: Records,
    trams: Trams,
    now: _Now,
    at_s: float,
    tick: int,
    final: bool,
    passed: Ints,
) -> None:
    """A tram takes the first of the queue along; after the last one of the night the others walk."""
    way = 1 if ground.sides[trams.gate, 0] < 0 else 0
    for _ in range(min(trams.seats, now.queued[1] - now.queued[0])):
        one = who[now.queue[now.queued[0]]]
        now.queued[0] += 1
        now.inside[one.zone] -= 1
        passed[tick, trams.gate, way] += 1
        one.zone = -1
        one.doing = _AWAY
    while final and now.queued[0] < now.queued[1]:
        a = now.queue[now.queued[0]]
        now.queued[0] += 1
        who[a].exit, who[a].came = who[a].second, -1
        _onward(ground, who, plan, now, a, at_s)

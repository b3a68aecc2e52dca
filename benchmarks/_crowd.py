"""People of a made-up city: whole persons that come, roam, gather and leave; twelve zones, thirty gates, five minutes a tick.

It is made otherwise than any filter: arrivals are negative binomial with shocks that last hours, persons choose their ways one by
one (multinomial), gatherings hold thousands for hours, rain thins the whole city, and at night everybody leaves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks._rows import Array, Ints
from ruimte.model.place import OUTSIDE

HOUR = 12
"""Ticks in an hour."""
DAY = 24 * HOUR
EMPTY_HOUR = 4
"""Hour of the day at which nobody is in any zone."""
ZONES = 12
_OUTER = [0, 1, 2, 4, 5, 7, 8, 10, 11, 0, 5, 8]
_CHORDS = [(0, 4), (2, 7), (3, 9), (5, 10), (6, 11), (1, 8)]
GATES = [(OUTSIDE, zone) for zone in _OUTER] + [(zone, (zone + 1) % ZONES) for zone in range(ZONES)] + _CHORDS
"""The zones on both sides of each gate: first the gates to the outside, then a ring of zones and chords through it."""
LINKS = np.array([way for one, other in GATES for way in ((one, other), (other, one))])
"""Source and target of each link, shape (links, 2): link 2·gate goes from its first side to its second, 2·gate + 1 back."""
_ENTRIES = 2 * np.arange(len(_OUTER))
_CLOSING, _SWEEP, _OPENING = 1.5, 3.0, 5.0
"""Hours of the day from which nobody comes and all start to leave, nobody lingers, and people come again."""
_DISPERSION = 10.0
"""Arrivals vary by mean + mean²/this."""
_ROAMING, _LEAVING, _GUEST = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Crowd:
    """What happened, by tick.

    ``people`` (ticks, zones) inside at the end of each tick; ``flows`` (ticks, links) who took each link in it; ``expected`` and
    ``spread`` (ticks, links): the mean that each flow had over its hour, and the variance of a tick's flow around that.
    """

    area_m2: Array
    people: Ints
    flows: Ints
    expected: Array
    spread: Array


@dataclass(frozen=True, slots=True)
class _Gathering:
    """``guests`` (ticks, entries) are expected from tick ``first`` on; ``shares`` lead them there; at ``over`` it ends."""

    first: int
    over: int
    guests: Array
    shares: Array


def live(days: int, chance: np.random.Generator) -> Crowd:
    """Days of the city, from a Monday at midnight, when it is empty."""
    ticks = days * DAY
    area_m2 = chance.permutation(np.geomspace(800.0, 6000.0, ZONES))
    roaming = [_roaming(area_m2, chance) for _ in range(2)]  # by day and in the evening
    leaving, staying = _toward(OUTSIDE), np.eye(1, len(LINKS) + 1, len(LINKS)).repeat(ZONES, 0)
    gatherings = _gatherings(days, area_m2, chance)
    coming = _coming(days, chance)
    people, flows = np.zeros((ticks, ZONES), np.int64), np.zeros((ticks, len(LINKS)), np.int64)
    rates, variances = np.zeros(flows.shape), np.zeros(flows.shape)
    crowd = np.zeros((3, ZONES), np.int64)
    for tick in range(ticks):
        hour = tick % DAY / HOUR
        sweep = _SWEEP <= hour < EMPTY_HOUR
        gathering = next((one for one in gatherings if one.first <= tick < one.over), None)
        _turn(crowd, _GUEST, 1.0 if sweep else 0.0 if gathering else 0.25, chance)
        _turn(crowd, _ROAMING, 1.0 if sweep else _going_home(hour), chance)
        chosen = (roaming[hour >= 18.0], _mixed(leaving, 1.0 if sweep else 0.6), gathering.shares if gathering else staying)
        for kind, shares in enumerate(chosen):
            means = crowd[kind][:, None] * shares[:, :-1]
            rates[tick] += means.sum(0)
            variances[tick] += (means * (1.0 - shares[:, :-1])).sum(0)
            moved = chance.multinomial(crowd[kind], shares)[:, :-1].sum(0)
            flows[tick] += moved
            crowd[kind] += _net(moved)
        guests = gathering.guests[tick - gathering.first] if gathering else np.zeros(len(_OUTER))
        for kind, mean in ((_ROAMING, coming[tick]), (_GUEST, guests)):
            came = chance.poisson(mean * chance.gamma(_DISPERSION, 1.0 / _DISPERSION, len(mean)))
            rates[tick, _ENTRIES] += mean
            variances[tick, _ENTRIES] += mean + mean**2 / _DISPERSION
            flows[tick, _ENTRIES] += came
            np.add.at(crowd[kind], _OUTER, came)
        people[tick] = crowd.sum(0)
    return Crowd(area_m2, people, flows, *_by_hour(rates, variances))


def _coming(days: int, chance: np.random.Generator) -> Array:
    """Mean arrivals by tick and entry, shape (ticks, entries), persons a tick."""
    hour, day = np.arange(DAY) / HOUR, np.arange(days)
    weekend = (day % 7 >= 5)[:, None]

    def bell(at: float, width: float) -> Array:
        return np.exp(-0.5 * ((hour - at + 12.0) % 24.0 - 12.0) ** 2 / width**2)

    work = np.where(weekend, 0.2, 1.0) * (bell(8.3, 0.9) + 0.4 * bell(12.5, 1.0) + 0.9 * bell(17.5, 1.2))
    shops = np.select([day % 7 == 5, day % 7 == 6], [1.6, 1.1], 0.8)[:, None] * bell(14.5, 2.6)
    night = np.where(np.isin(day % 7, (4, 5)), 1.5, 0.5)[:, None] * bell(21.0, 2.2)
    mixture = chance.dirichlet([1.0, 1.0, 1.0], len(_OUTER)) * chance.uniform(55.0, 140.0, (len(_OUTER), 1))
    mean = np.einsum("kdt,ek->dte", [work, shops, night], mixture) + 1.0
    mean *= np.exp(0.12 * chance.standard_normal((days, 1, 1)))
    mean[:, (hour >= _CLOSING) & (hour < _OPENING)] = 0.0
    shocks = np.zeros((days * DAY, len(_OUTER)))
    drawn = chance.standard_normal(shocks.shape) * 0.15 * np.sqrt(1 - 0.96**2)
    for tick in range(1, len(shocks)):
        shocks[tick] = 0.96 * shocks[tick - 1] + drawn[tick]
    return mean.reshape(shocks.shape) * np.exp(shocks) * _rain(days, chance)[:, None]


def _rain(days: int, chance: np.random.Generator) -> Array:
    """What share of people come in spite of the rain, shape (ticks,): on one day in three 0.3–0.7, for hours."""
    share = np.ones(days * DAY)
    for day in np.flatnonzero(chance.random(days) < 1 / 3):
        first = day * DAY + int(chance.integers(8 * HOUR, 18 * HOUR))
        share[first : first + int(chance.integers(2 * HOUR, 7 * HOUR))] = chance.uniform(0.3, 0.7)
    return share


def _gatherings(days: int, area_m2: Array, chance: np.random.Generator) -> list[_Gathering]:
    """About one in six days, in one of the six largest zones, of up to 3000 guests who come in two hours and stay for hours."""
    found = []
    for day in np.flatnonzero(chance.random(days) < 1 / 6):
        zone = int(chance.choice(np.argsort(area_m2)[-6:]))
        first = day * DAY + int(chance.integers(16 * HOUR, 19 * HOUR))
        over = first + int(chance.integers(4 * HOUR, 6 * HOUR))
        expected = chance.uniform(0.25, 0.6) * min(float(area_m2[zone]), 5000.0)
        pace = np.zeros(over - first)
        pace[: 2 * HOUR] = np.hanning(2 * HOUR + 2)[1:-1]
        guests = np.outer(pace / pace.sum(), chance.dirichlet(np.full(len(_OUTER), 1.5))) * expected
        found.append(_Gathering(first, over, guests, _mixed(_toward(zone), 0.8)))
    return found


def _going_home(hour: float) -> float:
    """Chance that a person who roams turns home in a tick."""
    if _CLOSING <= hour < _OPENING:
        return 0.35
    return 1 / 14 if hour >= 22.0 or hour < _CLOSING else 1 / 30


def _roaming(area_m2: Array, chance: np.random.Generator) -> Array:
    """Chance of each link in a tick for who roams a zone, shape (zones, links + 1); the last column is to stay."""
    shares = np.zeros((ZONES, len(LINKS) + 1))
    for zone in range(ZONES):
        ways = np.flatnonzero((LINKS[:, 0] == zone) & (LINKS[:, 1] != OUTSIDE))
        weight = area_m2[LINKS[ways, 1]] ** 0.5 * chance.gamma(4.0, 0.25, len(ways))
        dwell = chance.uniform(5.0, 12.0) * (area_m2[zone] / area_m2.mean()) ** 0.5  # ticks
        shares[zone, ways] = weight / weight.sum() / dwell
    shares[:, -1] = 1.0 - shares.sum(1)
    return shares


def _toward(goal: int) -> Array:
    """The links of a shortest way from each zone to a zone (or outside), alike likely, shape (zones, links + 1)."""
    distance = np.full(ZONES + 1, ZONES)  # the last is the outside, OUTSIDE = -1
    distance[goal] = 0
    inner = (LINKS[:, 0] != OUTSIDE) & ((LINKS[:, 1] != OUTSIDE) | (goal == OUTSIDE))
    for _ in range(ZONES):
        np.minimum.at(distance, LINKS[inner, 0], distance[LINKS[inner, 1]] + 1)
    nearer = inner & (distance[LINKS[:, 1]] < distance[LINKS[:, 0]])
    shares = np.zeros((ZONES, len(LINKS) + 1))
    for zone in range(ZONES):
        ways = np.flatnonzero(nearer & (LINKS[:, 0] == zone))
        shares[zone, ways if len(ways) else -1] = 1.0 / max(len(ways), 1)
    return shares


def _mixed(shares: Array, pace: float) -> Array:
    """The shares of who moves with chance ``pace`` and else stays."""
    mixed = pace * shares
    mixed[:, -1] += 1.0 - pace
    return mixed


def _turn(crowd: Ints, kind: int, probability: float, chance: np.random.Generator) -> None:
    """Let some of a kind turn home."""
    turned = chance.binomial(crowd[kind], probability)
    crowd[kind] -= turned
    crowd[_LEAVING] += turned


def _net(moved: Ints) -> Ints:
    """What flows (links,) add to each zone, shape (zones,)."""
    change = np.zeros(ZONES + 1, np.int64)  # the last is the outside
    np.add.at(change, LINKS[:, 1], moved)
    np.subtract.at(change, LINKS[:, 0], moved)
    return change[:-1]


def _by_hour(rates: Array, variances: Array) -> tuple[Array, Array]:
    """Mean over the hour, and the variance of a tick around it."""
    hours = rates.reshape(-1, HOUR, rates.shape[1])
    expected = hours.mean(1, keepdims=True)
    spread = variances.reshape(hours.shape).mean(1, keepdims=True) + hours.var(1, keepdims=True)
    return expected.repeat(HOUR, 1).reshape(rates.shape), spread.repeat(HOUR, 1).reshape(rates.shape)


if __name__ == "__main__":
    lived = live(90, np.random.default_rng(0))
    busy = lived.people.reshape(-1, DAY, ZONES)[:, 12 * HOUR : 22 * HOUR].reshape(-1, ZONES)
    change = np.stack([_net(flows) for flows in lived.flows])
    assert (np.cumsum(change, axis=0) == lived.people).all()
    assert (lived.people.reshape(-1, DAY, ZONES)[:, EMPTY_HOUR * HOUR - 1] == 0).all()
    print("area", lived.area_m2.round())
    print("people in busy hours: mean", busy.mean(0).round(), "most", busy.max(0))
    taken = lived.flows.reshape(-1, DAY, len(LINKS))[:, 10 * HOUR : 20 * HOUR].mean((0, 1))
    print("persons a tick and link by day, deciles", np.percentile(taken, range(0, 101, 10)).round(1))

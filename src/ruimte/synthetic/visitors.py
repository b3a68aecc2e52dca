"""Who comes to the boulevard on a day, when, by which way, and what they mean to do there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from ruimte.errors import RuimteError
from ruimte.lab.lab import Lab
from ruimte.synthetic.ground import Array, Ints
from ruimte.synthetic.parameters import Parameters
from ruimte.synthetic.walk import STOP, Crowd, Trams, new_visitors
from ruimte.synthetic.weather import Weather

TRAM = "tram-stop"
STAGE = "festival-beach"
FIRST_H = 4
"""A day begins at this local hour, when nobody is there."""

_STOPS = 4
_LATEST_H = 26.0
"""By two o'clock at night everybody is on their way home."""
_HOUR_S = 3600.0
_NIGHT_H = 5.5
_FIRST_TRAM_H = 5.5
_TRAM_JITTER_S = 40.0

Shares = dict[str, float]
_WAYS: Shares = {
    "village": 0.2,
    "tram-street-head": 0.07,
    "church-street-head": 0.2,
    "south-end": 0.15,
    "car-park": 0.28,
    "south-beach-end": 0.05,
    "north-beach-end": 0.05,
}
"""By which gate those come who do not take the tram."""
_SAND: Shares = {"beach-south": 0.46, "beach-north": 0.46, STAGE: 0.08}
_TERRACES: Shares = {
    "promenade-south": 0.24,
    "promenade-middle": 0.24,
    "promenade-north": 0.24,
    "pier-square": 0.14,
    "tram-street": 0.06,
    "church-street": 0.08,
}
_SIGHTS: Shares = {
    "pier": 0.3,
    "pier-square": 0.16,
    "promenade-south": 0.12,
    "promenade-middle": 0.12,
    "promenade-north": 0.12,
    "lighthouse-square": 0.12,
    "beach-north": 0.06,
}
_VIEWS: Shares = {"promenade-middle": 0.62, "pier-square": 0.24, "pier": 0.14}
"""From where the festival is seen by those who stay off the sand."""
_WEEK = (0.6, 0.58, 0.64, 0.62, 0.76, 1.0, 1.04)


@dataclass(frozen=True, slots=True)
class Festival:
    """A festival on the beach: hours after the day's midnight, and who is expected."""

    start_h: float
    end_h: float
    expected: float


def require_boulevard(lab: Lab) -> None:
    """Raise ``RuimteError`` where the lab lacks what visitors here know of."""
    zones = {*_SAND, *_TERRACES, *_SIGHTS, *_VIEWS} - set(lab.zones)
    gates = {*_WAYS, TRAM} - set(lab.gates)
    if zones or gates:
        what = f"visitors are made up for the places of the boulevard, and {min(zones | gates)!r} is not there"
        raise RuimteError(what, lab.key, "synthesise the lab boulevard")


def trams_of(lab: Lab, parameters: Parameters, festival: Festival | None, random: np.random.Generator) -> Trams:
    """The trams of a day: by the timetable, more of them around a festival, none quite in time."""
    p, at_h, times = parameters, _FIRST_TRAM_H, []
    while at_h < p.last_tram_h:
        times.append(at_h)
        more = festival is not None and festival.start_h - 2.5 <= at_h
        at_h += (p.festival_tram_every_s if more else p.tram_every_s) / _HOUR_S
    at_s = (np.array([*times, p.last_tram_h]) - FIRST_H) * _HOUR_S
    return Trams(
        np.sort(at_s + random.uniform(-_TRAM_JITTER_S, _TRAM_JITTER_S, len(at_s))), list(lab.gates).index(TRAM), p.tram_seats
    )


def crowd_of(
    lab: Lab,
    on: date,
    weather: Weather,
    festival: Festival | None,
    trams: Trams,
    parameters: Parameters,
    random: np.random.Generator,
) -> Crowd:
    """The visitors of a day, each with a plan."""
    group = _Group(lab, parameters, random)
    pull = _pull(lab, on, weather, parameters, random)
    warm = float(weather.temperature_c[8:14].mean())  # noon to six
    sunbathers = 0.06 + 0.5 / (1 + np.exp(-(warm - 20.5) / 1.8))
    strolls = max(0.05, 0.7 - sunbathers)
    sand = {zone: share for zone, share in _SAND.items() if festival is None or zone != STAGE}
    group.bathe(round(pull * sunbathers), sand)
    group.stroll(round(pull * strolls))
    group.dine(round(pull * (1 - sunbathers - strolls)))
    group.pass_through(round(parameters.visitors * 0.09))
    if festival is not None:
        wet = float(weather.rain_mm[int(festival.start_h) - FIRST_H :][:4].sum())
        turnout = parameters.attendance * np.exp(random.normal(0, 0.05) - 0.12 * wet + 0.02 * np.clip(warm - 20, -6, 6))
        group.celebrate(round(festival.expected * turnout), festival)
    return group.crowd(trams)


def _pull(lab: Lab, on: date, weather: Weather, parameters: Parameters, random: np.random.Generator) -> float:
    """How many come to the sea of their own accord."""
    warm, windy = float(weather.temperature_c[8:16].mean()), float(weather.wind_m_s[8:16].mean())
    rainy_h = float((weather.rain_mm[6:17] > 0.2).sum())
    week = _WEEK[on.weekday()]
    if any(first <= on <= last for first, last in lab.school_holidays):
        week = max(week, 0.82)
    comfort = np.exp(0.075 * np.clip(warm - 18.5, -14, 9) - 0.09 * rainy_h - 0.03 * max(0.0, windy - 6))
    return float(parameters.visitors * week * comfort * np.exp(random.normal(0, 0.07)))


class _Group:
    """Visitors as they are added, kind by kind: each adds arrays of one length."""

    def __init__(self, lab: Lab, parameters: Parameters, random: np.random.Generator) -> None:
        self._zones = {key: number for number, key in enumerate(lab.zones)}
        self._gates = {key: number for number, key in enumerate(lab.gates)}
        self._p = parameters
        self._random = random
        self._parts: list[dict[str, NDArray[np.generic]]] = []

    def bathe(self, count: int, sand: Shares) -> None:
        """A day on the beach, and something to eat after it."""
        stay_s = self._stays([3.3, 0.8, 0.4], count)
        goals = [self._pick(sand, count), self._maybe(0.55, _TERRACES, count), self._maybe(0.15, _SIGHTS, count)]
        self._add(self._at(count, (12.3, 1.5)), goals, stay_s)

    def stroll(self, count: int) -> None:
        """A walk along the sights, by day or after dinner."""
        late = self._random.random(count) < 0.35
        at_h = np.where(late, self._at(count, (19.6, 1.2)), self._at(count, (13.8, 2.2)))
        goals = [self._pick(_SIGHTS, count), self._pick(_SIGHTS, count), self._maybe(0.5, _TERRACES, count)]
        self._add(at_h, goals, self._stays([0.35, 0.35, 0.7], count))

    def dine(self, count: int) -> None:
        """An evening on a terrace, and the sunset."""
        goals = [self._pick(_TERRACES, count), self._maybe(0.45, _SIGHTS, count)]
        self._add(self._at(count, (18.2, 1.1)), goals, self._stays([1.5, 0.3], count))

    def pass_through(self, count: int) -> None:
        """Who lives or works here: in by one way and out by another, at any time of the day."""
        at_h = np.where(self._random.random(count) < 0.5, self._at(count, (8.2, 0.8)), self._random.uniform(6.5, 23.5, count))
        self._add(at_h, [np.full(count, -1)], self._stays([0.0], count), by_tram=0.25, turn=1.0)

    def celebrate(self, count: int, festival: Festival) -> None:
        """To the festival, most until its end; some only look from above."""
        random, p = self._random, self._p
        at_h = festival.start_h - 0.35 + random.normal(0, 0.75, count)
        looks = random.random(count) < 0.18
        early = random.random(count) < 0.24
        leave_h = np.where(early, random.uniform(festival.start_h + 1.2, festival.end_h, count), festival.end_h)
        leave_h = leave_h + random.exponential(p.linger_s / _HOUR_S, count)
        there = np.where(looks, self._pick(_VIEWS, count), self._zones[STAGE])
        instead = np.where(looks, -1, self._pick(_VIEWS, count))  # of those who do not get in, for the others' time is over then
        goals = [self._maybe(0.3, _TERRACES, count), there, instead, self._maybe(0.14, _TERRACES, count)]
        stays = self._stays([0.5, 0.0, 0.0, 0.6], count)
        stays[:, 1] = np.where(looks, random.gamma(4, 0.5, count) * _HOUR_S, np.inf)
        stays[:, 2] = np.inf
        until_s = np.full((count, _STOPS), np.inf)
        until_s[:, 1] = until_s[:, 2] = (leave_h - FIRST_H) * _HOUR_S
        self._add(at_h, goals, stays, until_s=until_s, by_tram=p.festival_by_tram, hardy=2.5)

    def crowd(self, trams: Trams) -> Crowd:
        """All of them; who comes by tram is there when one stops that has room."""
        whole = {name: np.concatenate([part[name] for part in self._parts]) for name in self._parts[0]}
        count = len(whole["start_s"])
        random, p = self._random, self._p
        start_s = np.clip(whole["start_s"], (_NIGHT_H - FIRST_H) * _HOUR_S, (_LATEST_H - FIRST_H - 1.0) * _HOUR_S)
        rides = np.flatnonzero(whole["entry"] == trams.gate)
        start_s[rides] = _by_tram(start_s[rides], trams)
        mean, spread = p.speed_m_s
        who = new_visitors(count)
        who["start_s"] = start_s
        for name in ("entry", "exit", "second"):
            who[name] = whole[name]
        who["speed_m_s"] = np.clip(random.normal(mean, spread, count), 0.5, 2.2)
        who["tolerance"] = p.tolerance_per_m2 * np.exp(random.normal(0, 0.25, count))
        who["patience_s"] = p.patience_s * np.exp(random.normal(0, 0.4, count))
        who["hardy_mm"] = whole["hardy"] * random.exponential(1.0, count) / max(p.rain_flight, 1e-9)
        who["chance"] = random.integers(0, 2**63, count, dtype=np.uint64)
        plan = np.zeros((count, _STOPS), dtype=STOP).view(np.recarray)
        plan["goal"], plan["stay_s"] = whole["goal"], whole["stay_s"]
        plan["until_s"] = np.minimum(whole["until_s"], (_LATEST_H - FIRST_H) * _HOUR_S)
        return Crowd(who, plan)

    def _add(
        self,
        at_h: Array,
        goals: list[Ints],
        stay_s: Array,
        until_s: Array | None = None,
        by_tram: float | None = None,
        turn: float = 0.07,
        hardy: float = 1.0,
    ) -> None:
        """``turn``: share that goes home by another way than it came; ``hardy``: how many times the rain that others stand."""
        count = len(at_h)
        share = self._p.by_tram if by_tram is None else by_tram
        ways = {gate: part * (1 - share) for gate, part in _WAYS.items()} | {TRAM: share}
        entry, second = self._draw(ways, self._gates, count), self._draw(_WAYS, self._gates, count)
        turns = self._random.random(count) < turn
        out = np.where(turns, self._draw(ways, self._gates, count), entry)
        goal, stays, until = np.full((count, _STOPS), -1), np.zeros((count, _STOPS)), np.full((count, _STOPS), np.inf)
        for number, where in enumerate(goals):
            goal[:, number] = where
        stays[:, : stay_s.shape[1]] = stay_s
        if until_s is not None:
            until[:, : until_s.shape[1]] = until_s
        self._parts.append(
            {
                "start_s": (at_h - FIRST_H) * _HOUR_S,
                "entry": entry,
                "exit": out,
                "second": np.where(out == self._gates[TRAM], second, out),
                "goal": goal,
                "stay_s": stays,
                "until_s": until,
                "hardy": np.full(count, hardy),
            }
        )

    def _at(self, count: int, when: tuple[float, float]) -> Array:
        return self._random.normal(*when, count)

    def _stays(self, hours: list[float], count: int) -> Array:
        """How long at each stop, s: log-normal about the usual hours, shape (count, stops)."""
        return np.array(hours) * _HOUR_S * self._p.stay * np.exp(self._random.normal(0, 0.35, (count, len(hours))))

    def _pick(self, shares: Shares, count: int) -> Ints:
        return self._draw(shares, self._zones, count)

    def _maybe(self, chance: float, shares: Shares, count: int) -> Ints:
        return np.where(self._random.random(count) < chance, self._pick(shares, count), -1)

    def _draw(self, shares: Shares, index: dict[str, int], count: int) -> Ints:
        weights = np.array(list(shares.values()))
        numbers = np.array([index[key] for key in shares])
        return self._random.choice(numbers, size=count, p=weights / weights.sum())


def _by_tram(wanted_s: Array, trams: Trams) -> Array:
    """When each gets out, if they take the first tram that they can after they want to, and a full one leaves the last behind.

    >>> _by_tram(np.array([5.0, 1.0, 2.0]), Trams(np.array([3.0, 9.0, 20.0]), 0, 1)).tolist()
    [20.0, 3.0, 9.0]
    """
    order, at_s = np.argsort(wanted_s, kind="stable"), np.empty(len(wanted_s))
    waits = wanted_s[order]
    done = 0
    for number, stops_s in enumerate(trams.at_s):
        ready = int(np.searchsorted(waits, stops_s, side="right"))
        more = ready - done if number == len(trams.at_s) - 1 else min(trams.seats, ready - done)
        at_s[order[done : done + more]] = stops_s
        done += more
    at_s[order[done:]] = trams.at_s[-1]
    return at_s

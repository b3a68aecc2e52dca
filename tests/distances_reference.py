"""Distances between people counted slowly, in plain Python: what the kernels are held against. And random scenes to do it on."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from ruimte.tracks.distancing import Rule

Scene = list[tuple[int, dict[int, tuple[float, float]]]]
"""Frames by number: where each person is."""


@dataclass
class Track:
    first: int
    last: int
    at: tuple[float, float]


@dataclass
class Slow:
    """All that happened, by track in order of coming; nothing is ever forgotten."""

    tracks: list[Track] = field(default_factory=list)
    live: dict[int, int] = field(default_factory=dict)
    rings: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    seen: int = 0
    possible: int = 0
    jumped: int = 0
    unknown: int = 0
    same: int = 0


def watch(scene: Scene, rule: Rule, rate_hz: float, edges_m: list[float]) -> Slow:
    slow = Slow()
    live = slow.live
    for number, people in scene:
        now = {}
        for person in sorted(people):
            x, y = people[person]
            if not (abs(x) <= 1e8 and abs(y) <= 1e8):
                slow.unknown += 1
                continue
            mine = live.get(person)
            if mine is not None and number - slow.tracks[mine].last > rule.lost_s * rate_hz:
                mine = None
            if mine is not None:
                was = slow.tracks[mine]
                if math.sqrt((x - was.at[0]) ** 2 + (y - was.at[1]) ** 2) * rate_hz > 12.5 * (number - was.last):
                    slow.jumped, mine = slow.jumped + 1, None
            if mine is None:
                mine = live[person] = len(slow.tracks)
                slow.tracks.append(Track(number, number, (x, y)))
            slow.tracks[mine].last, slow.tracks[mine].at = number, (x, y)
            now[mine] = (x, y)
        slow.seen += len(now)
        slow.possible += len(now) * (len(now) - 1) // 2
        for a in now:
            for b in now:
                if a < b:
                    square = (now[a][0] - now[b][0]) ** 2 + (now[a][1] - now[b][1]) ** 2
                    slow.same += now[a] == now[b]
                    if square < edges_m[-1] ** 2:
                        slow.rings.setdefault((a, b), [0] * (len(edges_m) - 1))[sum(square >= e * e for e in edges_m[1:])] += 1
    return slow


def together(slow: Slow, rule: Rule, rate_hz: float) -> list[set[int]]:
    """Groups of tracks, by way of others too."""
    within, groups = round(rule.group_m / rule.ring_m), [{t} for t in range(len(slow.tracks))]
    for (a, b), rings in slow.rings.items():
        one, other = slow.tracks[a], slow.tracks[b]
        common = min(one.last, other.last) - max(one.first, other.first) + 1
        if common >= rule.group_s * rate_hz and sum(rings[:within]) >= rule.group_share * common:
            mine, theirs = (next(g for g in groups if t in g) for t in (a, b))
            if mine is not theirs:
                groups.remove(theirs)
                mine |= theirs
    return groups


def sums(slow: Slow, rule: Rule, rate_hz: float) -> dict[str, object]:
    """What is told at the end, as ``Distances`` names it."""
    groups, near = together(slow, rule, rate_hz), round(rule.contact_m / rule.ring_m)
    exposed, touched, grouped, contacts = [0] * len(slow.tracks), set(), set(), 0
    rings = round(rule.reach_m / rule.ring_m)
    apart, joint = np.zeros(rings), np.zeros(rings)
    for (a, b), counts in slow.rings.items():
        if any({a, b} <= group for group in groups):
            joint += counts
            grouped |= {a, b}
            continue
        apart += counts
        frames = sum(counts[:near])
        exposed[a], exposed[b] = exposed[a] + frames, exposed[b] + frames
        if frames >= max(rule.contact_s * rate_hz, 1):
            touched |= {a, b}
            contacts += 1
    exposure = [0] * (len(rule.exposure_s) + 1)
    for frames in exposed:
        exposure[sum(frames >= each * rate_hz for each in rule.exposure_s)] += 1
    people, minutes = len(slow.tracks), slow.seen / rate_hz / 60
    return {
        "people": people,
        "person_minutes": minutes,
        "contacts": contacts,
        "contacts_per_person_minute": 2 * contacts / minutes if minutes else math.nan,
        "share_too_close": len(touched) / people if people else math.nan,
        "share_in_groups": len(grouped) / people if people else math.nan,
        "exposure": exposure,
        "apart_s": apart / rate_hz,
        "together_s": joint / rate_hz,
        "jumped": slow.jumped,
        "unknown": slow.unknown,
        "same_point_s": slow.same / rate_hz,
    }


def random_scene(seed: int, people: int, frames: int) -> Scene:
    """A few walk about in some metres, some of them side by side; they come, go, come back, jump, and are not seen at times."""
    chance = np.random.default_rng(seed)
    size, lattice = chance.choice([2.0, 5.0, 12.0]), chance.random() < 0.3
    far = chance.choice([0.0, 155_000.0])
    at = chance.uniform(0, size, (people, 2))
    goes_with = np.where(chance.random(people) < 0.5, chance.integers(0, people, people), -1)
    shown = chance.random(people) < 0.7
    scene, number = [], int(chance.integers(-5, 1000))
    for _ in range(frames):
        number += int(chance.choice([1, 1, 1, 1, 1, 1, 2, 4, 9]) if chance.random() < 0.3 else 1)
        at = np.clip(at + chance.normal(0, 0.2, (people, 2)), 0, size)
        for p in np.flatnonzero(goes_with >= 0):
            at[p] = at[goes_with[p]] + [0.5, 0.25]
        if chance.random() < 0.1:
            at[chance.integers(people)] = chance.uniform(0, 3 * size, 2)
        shown ^= chance.random(people) < 0.06
        frame = {}
        for p in np.flatnonzero(shown & (chance.random(people) > 0.05)):
            x, y = (np.round(at[p] * 2) / 2 if lattice else at[p]) + far
            odd = chance.random()
            frame[int(p) * 7 - 3] = (math.nan, y) if odd < 0.02 else (x, math.inf) if odd < 0.03 else (float(x), float(y))
        scene.append((number, frame))
    return scene

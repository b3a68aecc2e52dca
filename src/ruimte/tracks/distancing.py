"""Physical distancing: how often and how long people who are not together come closer than they should.

Off unless the algorithm register has an entry for it (``ruimte.lab.distancing``). Who moves together, as one household does,
is taken out first: two tracks are a group if they spend enough of their common time near each other, and groups that share
somebody are one. While both are in view that is provisional; once one has left it is final. The idea is that of Pouw, Toschi,
van Schadewijk & Corbetta (2020), PLoS ONE 15 (10) e0240963; the distances, times and shares below are ours, not from that paper.

Only sums are told, never whom. A track's number is forgotten when the track is lost; its distances are, ``keep_s`` later.
"""

from __future__ import annotations

import math
from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ruimte.errors import RuimteError
from ruimte.tracks import contacts
from ruimte.tracks.area import Area
from ruimte.tracks.contacts import Limits, Memory
from ruimte.tracks.frames import Frames, one_frame
from ruimte.tracks.pairs import room_for
from ruimte.tracks.radial import chance_within

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_MOST_RINGS = 1000
_MOST_EDGES = 20_000_000
"""Pairs at once: some 5 GB. Who has more has another unit than metres."""
_MOST_TRACKS = 2**24
_LAST_FRAME = 2**53
_LIVE_RING_M, _LIVE_REACH_M, _LIVE_KEEP_S = 0.25, 2.0, 10.0
_LOOK_S = 5.0
"""How often is looked at who is gone."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What counts as too close, and who counts as together; all defaults are ours.

    Two people nearer than ``contact_m`` for at least ``contact_s`` in all are a contact, unless they are a group: nearer than
    ``group_m`` for at least ``group_share`` of their common time, which is at least ``group_s``. Distances are counted in rings
    of ``ring_m`` up to ``reach_m``. A track that is not seen for more than ``lost_s`` has left; ``keep_s`` after that, what
    is known of it is added to the sums. ``exposure_s``: where the classes of exposure begin, but the first.
    """

    contact_m: float = 1.5
    contact_s: float = 1.0
    group_m: float = 1.0
    group_share: float = 0.8
    group_s: float = 5.0
    ring_m: float = 0.1
    reach_m: float = 2.5
    lost_s: float = 1.0
    keep_s: float = 60.0
    exposure_s: tuple[float, ...] = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0)


@dataclass(frozen=True, slots=True)
class Distances:
    """What is known up to now. Not known is NaN.

    ``people`` tracks, of whom ``provisional`` are not settled: their part may still change. ``person_minutes`` seen.
    ``contacts``: pairs of strangers too close for long enough. ``contacts_per_person_minute``: how many others somebody comes too
    close to in a minute, 2 contacts / person-minutes. ``share_too_close``: the share of people with a contact (the share of
    offenders, as others call it). ``share_in_groups``: where people stand in a queue or close together it comes near 1, for then
    strangers count as groups too, and contacts are missed. ``exposure``: people by seconds too close to strangers, summed over
    those, in classes that begin at 0 and at each of ``rule.exposure_s``.

    By ring of distance, from ``edges_m[r]`` up to, without, ``edges_m[r + 1]``: ``apart_s`` and ``together_s``, pair-seconds of
    strangers and of groups; ``radial``, all pairs over what they would be if people were anywhere in the area with the same
    chance (1: as by chance), and ``radial_apart`` without groups. NaN where no area was given.

    Marked: ``jumped`` tracks that moved faster than anybody can, and count as another person from there; ``unknown`` positions
    that were no numbers, and were left out; ``same_point_s``, pair-seconds at exactly one point: probably one person seen twice;
    ``unsure`` pairs that were settled by a link between two others that could still change.
    """

    rule: Rule
    people: int
    provisional: int
    person_minutes: float
    contacts: int
    contacts_per_person_minute: float
    share_too_close: float
    share_in_groups: float
    exposure: Index
    edges_m: Array
    apart_s: Array
    together_s: Array
    radial: Array
    radial_apart: Array
    jumped: int
    unknown: int
    same_point_s: float
    unsure: int


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs in memory. ``one`` < ``other`` (pairs,): tracks by the order in which they came, not the sensor's numbers.
    ``time_s`` (pairs, rings); ``common_s``, from when the later one came to when the earlier one left; ``together``: a group,
    also by way of others; ``provisional``: both are in view, or may come back."""

    one: Index
    other: Index
    time_s: Array
    common_s: Array
    together: NDArray[np.bool_]
    provisional: NDArray[np.bool_]


def live_rule(contact_m: float) -> Rule:
    """The rule for a watch that goes on for days, with a distance that is too close: coarser rings, no further than 2 m (or the
    distance), and settled after 10 s, so that a crowd of thousands fits into little memory.

    >>> live_rule(1.5) == Rule(ring_m=0.25, reach_m=2.0, keep_s=10.0)
    True
    >>> live_rule(1.6).group_m, live_rule(3.0).reach_m
    (1.0666666666666667, 3.0)
    """
    ring_m = contact_m / max(round(contact_m / _LIVE_RING_M), 1)
    group_m = max(round(Rule().group_m / ring_m), 1) * ring_m
    reach_m = max(math.ceil(_LIVE_REACH_M / ring_m - 1e-9) * ring_m, contact_m, group_m)
    return Rule(contact_m=contact_m, group_m=group_m, ring_m=ring_m, reach_m=reach_m, keep_s=_LIVE_KEEP_S)


class Distancing:
    """Watches distances, of one frame as it comes in or of many at once; either way the result is the same.

    Args:
        rate_hz: frames a second.
        rule: what counts.
        area: where people can be, in which pairs by chance are reckoned; without it there is no radial distribution.
        most_pairs: so many in memory at once at most, each some 100 to 250 bytes; a frame that would make more is refused.

    >>> from ruimte.tracks.frames import frames_of
    >>> watch = Distancing(rate_hz=1, rule=Rule(group_s=10))
    >>> watch.batch(frames_of([1, 2, 1, 2, 1, 2], [0, 0, 1, 1, 2, 2], [0, 1, 0, 1.2, 0, 9], [0] * 6, rate_hz=1))
    >>> told = watch.figures()
    >>> told.contacts, told.people, told.provisional, told.exposure.tolist()
    (1, 2, 2, [0, 2, 0, 0, 0, 0, 0])
    """

    def __init__(self, rate_hz: float, rule: Rule | None = None, area: Area | None = None, most_pairs: int = _MOST_EDGES) -> None:
        if not (math.isfinite(rate_hz) and rate_hz > 0):
            raise RuimteError(f"{rate_hz} frames a second", "distancing", "give the sensor's frame rate in 1/s")
        self.rule = rule if rule is not None else Rule()
        self.rate_hz, self._most_pairs = float(rate_hz), most_pairs
        self._limits = _limits_of(self.rule, self.rate_hz)
        edges_m = self._limits.edges_m
        self._chance = chance_within(area, edges_m) if area is not None else np.full(len(edges_m) - 1, np.nan)
        self._forget()

    def anew(self) -> Distancing:
        """The same watch, with nothing in it yet."""
        other = copy(self)
        other._forget()
        return other

    def _forget(self) -> None:
        self._memory = contacts.memory_for(256, 1024, len(self._limits.edges_m) - 1, len(self.rule.exposure_s) + 1)
        self._near, self._slot = room_for(64, 512), np.zeros(64, np.int64)

    def warm_up(self) -> None:
        """Compile now what the first frame would wait for: some 15 s on a machine that has never done it, then some 0.2 s."""
        other = Distancing(self.rate_hz, self.rule)
        other.stream(0, [0, 1], [0.0, self.rule.ring_m], [0.0, 0.0])
        other.pairs()
        other.finish()

    def stream(self, number: int, person: ArrayLike, x_m: ArrayLike, y_m: ArrayLike) -> None:
        """Take in frame ``number``: tracks (people,), in any order, at ``x_m``, ``y_m``; NaN where that is not known.

        Raises ``RuimteError`` where the frame is not later than the last one, somebody is in it twice, columns differ in
        length, or numbers are no whole ones; then nothing of it is taken in.
        """
        at, who, x, y = one_frame(number, person, x_m, y_m)
        self._follow(at, np.array([0, len(who)]), who, x, y)

    def batch(self, frames: Frames) -> None:
        """Take in frames, all later than those before; raises ``RuimteError`` where they are not, or of another rate."""
        if frames.rate_hz != self.rate_hz:
            what = f"{frames.rate_hz:g} frames a second, not {self.rate_hz:g}"
            raise RuimteError(what, "distancing", "make the watch with the rate of its frames")
        self._follow(frames.first, frames.start, frames.person, frames.x_m, frames.y_m)

    def figures(self) -> Distances:
        """What is known now: who has left, and, provisionally, who has not."""
        # settled in a copy, as if everybody left now
        memory = Memory._make(each.copy() for each in self._memory)
        waiting = len(memory.track) - int(memory.state[contacts.FREE])
        contacts.settle(self._limits, contacts.FOR_EVER, memory)
        return self._told(memory, waiting)

    def finish(self) -> Distances:
        """Settle all, for there is nothing more to come; the figures then are final. What comes in later is of new people."""
        contacts.settle(self._limits, contacts.FOR_EVER, self._memory)
        return self._told(self._memory, 0)

    def pairs(self) -> Pairs:
        """The pairs in memory, in order of ``one`` and ``other``: what was settled is gone."""
        memory, limits = self._memory, self._limits
        count = int(memory.state[contacts.EDGES])
        a, b = memory.edge[:count].T
        parent = contacts.groups(limits, memory)
        stands = np.array([contacts.root(parent, s) for s in range(len(parent))])
        order, first, until = (memory.track[:, column] for column in (contacts.ORDER, contacts.FIRST, contacts.UNTIL))
        ends = np.sort(np.stack([order[a], order[b]]), axis=0)
        common = np.minimum(until[a], until[b]) - np.maximum(first[a], first[b]) + 1
        in_view = np.zeros(len(parent), np.bool_)
        in_view[memory.active[: memory.state[contacts.ACTIVE]]] = True
        in_view &= memory.state[contacts.LAST] - until <= limits.frames[contacts.LOST]
        by_order = np.lexsort((ends[1], ends[0]))
        time_s = memory.rings[:count] / self.rate_hz
        found = Pairs(ends[0], ends[1], time_s, common / self.rate_hz, stands[a] == stands[b], in_view[a] & in_view[b])
        return Pairs(*(getattr(found, name)[by_order] for name in Pairs.__slots__))

    @property
    def in_memory(self) -> tuple[int, int]:
        """Tracks and pairs that are not settled."""
        state = self._memory.state
        return len(self._memory.track) - int(state[contacts.FREE]), int(state[contacts.EDGES])

    def _follow(self, first: int, start: Index, person: Index, x: Array, y: Array) -> None:
        frames, last = len(start) - 1, int(self._memory.state[contacts.LAST])
        if frames == 0:
            return
        if first <= last:
            raise RuimteError(f"frame {first} after frame {last}", "tracks", "send frames in order, each once")
        if abs(first) > _LAST_FRAME:
            raise RuimteError(f"frame {first}", "tracks", "number frames 0, 1, 2 …")
        most = int(np.diff(start).max())
        if most > len(self._slot):
            self._near, self._slot = room_for(2 * most, len(self._near.one)), np.zeros(2 * most, np.int64)
        done = 0
        while True:
            done = contacts.follow(self._limits, first, start, done, person, x, y, self._near, self._slot, self._memory)
            if done == frames:
                return
            if self._memory.state[contacts.NEXT] <= first + done:
                contacts.look(self._limits, first + done, self._memory)
            else:
                self._make_room(first + done, most)

    def _make_room(self, number: int, people: int) -> None:
        memory, pairs = self._memory, int(self._memory.state[contacts.WANTED])
        edges, slots = int(memory.state[contacts.EDGES]) + pairs, len(memory.track)
        if edges > self._most_pairs or slots + people > _MOST_TRACKS:
            raise RuimteError(
                f"{edges} pairs within {self.rule.reach_m:g} m, {slots} tracks up to frame {number}",
                "distancing",
                "give positions in metres",
            )
        if pairs > len(self._near.one):
            self._near = room_for(len(self._near.row), 2 * pairs)
        if memory.state[contacts.FREE] < people:
            slots = 2 * (slots + people)
        if slots > len(memory.track) or edges > len(memory.edge):
            self._memory = contacts.grown(memory, slots, edges)

    def _told(self, memory: Memory, waiting: int) -> Distances:
        total, rate = memory.total, self.rate_hz
        people, seen = int(total[contacts.PEOPLE]), int(total[contacts.SEEN])
        minutes, found = seen / rate / 60, int(total[contacts.CONTACTS])
        by_chance = self._chance * float(total[contacts.POSSIBLE])
        with np.errstate(invalid="ignore", divide="ignore"):
            radial = np.where(by_chance > 0, (memory.apart + memory.together) / by_chance, np.nan)
            radial_apart = np.where(by_chance > 0, memory.apart / by_chance, np.nan)
        return Distances(
            rule=self.rule,
            people=people,
            provisional=waiting,
            person_minutes=minutes,
            contacts=found,
            contacts_per_person_minute=2 * found / minutes if seen else math.nan,
            share_too_close=int(total[contacts.TOUCHED]) / people if people else math.nan,
            share_in_groups=int(total[contacts.GROUPED]) / people if people else math.nan,
            exposure=memory.exposure.copy(),
            edges_m=self._limits.edges_m,
            apart_s=memory.apart / rate,
            together_s=memory.together / rate,
            radial=radial,
            radial_apart=radial_apart,
            jumped=int(total[contacts.JUMPED]),
            unknown=int(total[contacts.UNKNOWN]),
            same_point_s=int(total[contacts.SAME]) / rate,
            unsure=int(total[contacts.UNLINKED]),
        )


def _limits_of(rule: Rule, rate_hz: float) -> Limits:
    """The rule in rings and frames; raises ``RuimteError`` for one that makes no sense."""

    def mistake(what: str, mend: str) -> RuimteError:
        return RuimteError(what, "distancing", mend)

    lengths = {"ring_m": rule.ring_m, "contact_m": rule.contact_m, "group_m": rule.group_m, "reach_m": rule.reach_m}
    for name, value in lengths.items():
        if not (math.isfinite(value) and value > 0):
            raise mistake(f"{name} of {value} m", "give a length in metres, above 0")
        rings = value / rule.ring_m
        if rings > _MOST_RINGS or abs(rings - round(rings)) > 1e-6:
            raise mistake(f"{name} of {value:g} m in rings of {rule.ring_m:g} m", f"take whole rings, at most {_MOST_RINGS}")
    if max(rule.contact_m, rule.group_m) > rule.reach_m:
        raise mistake(f"reach_m of {rule.reach_m:g} m is less than contact_m or group_m", "make it as large as both")
    if not 0 < rule.group_share <= 1:
        raise mistake(f"group_share of {rule.group_share}", "give a share above 0, at most 1")
    times = {"contact_s": rule.contact_s, "group_s": rule.group_s, "lost_s": rule.lost_s, "keep_s": rule.keep_s}
    for name, value in times.items():
        if not 0 <= value <= 86_400:
            raise mistake(f"{name} of {value} s", "give seconds, from 0 to a day")
    if list(rule.exposure_s) != sorted(set(rule.exposure_s)) or not all(0 < each < 1e9 for each in rule.exposure_s):
        raise mistake(f"exposure_s of {rule.exposure_s}", "give seconds above 0, each more than the one before")
    edges_m = np.arange(round(rule.reach_m / rule.ring_m) + 1, dtype=np.float64) * float(rule.ring_m)
    contact_ring, group_ring = round(rule.contact_m / rule.ring_m), round(rule.group_m / rule.ring_m)
    # just these, without the rounding of a product
    edges_m[-1], edges_m[contact_ring], edges_m[group_ring] = rule.reach_m, rule.contact_m, rule.group_m
    frames = [
        contact_ring,
        group_ring,
        max(_frames(rule.contact_s, rate_hz), 1),
        max(_frames(rule.group_s, rate_hz), 1),
        max(_frames(rule.lost_s, rate_hz), 1),
        _frames(rule.keep_s, rate_hz),
        max(_frames(_LOOK_S, rate_hz), 1),
    ]
    exposure = [_frames(each, rate_hz) for each in rule.exposure_s]
    return Limits(edges_m, np.array(frames), np.array([rule.group_share, rate_hz]), np.array(exposure, dtype=np.int64))


def _frames(seconds: float, rate_hz: float) -> int:
    """So many whole frames last at least so long."""
    return math.ceil(seconds * rate_hz - 1e-9)

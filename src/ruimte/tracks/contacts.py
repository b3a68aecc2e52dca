"""The graph of who was near whom for how long, in memory that does not grow with time. Compiled.

A track has a slot while it is in view, and some time after. Two tracks that come within reach get an edge, which counts their
frames by ring of distance. Once a track has been gone for long enough its edges are settled: added to the totals, as time within
a group or as a contact between strangers; then edges and slot are free again. Whole frames are counted, so that sums are exact.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ruimte.compiled import compiled_aside
from ruimte.tracks.motion import MOST_M_S
from ruimte.tracks.pairs import FARTHEST_M, Near, near_pairs

Array = NDArray[np.float64]
Index = NDArray[np.int64]

FREE, ACTIVE, EDGES, SERIAL, NEXT, LAST, WANTED = range(7)
"""Places in ``Memory.state``: slots that are free, in view; edges; tracks so far; the frame of the next look at who is gone; the
last frame; how many pairs the frame has for which there was no room."""
PEOPLE, SEEN, PAIRS, POSSIBLE, CONTACTS, TOUCHED, JUMPED, UNKNOWN, SAME, UNLINKED, GROUPED = range(11)
"""Places in ``Memory.total``: people who are settled; person-frames; pair-frames within reach, and of all pairs; contacts; people
with one; tracks that jumped; positions that are none; pair-frames at one point; edges that were settled by a link that could
still change; people who are settled and were in a group."""
PERSON, ORDER, FIRST, UNTIL, GROUP, EXPOSED, TOUCHES, MATES = range(8)
"""Columns of ``Memory.track``: the sensor's number, -1 once the track is lost; in which order it came, -1 where the slot is
free; its first and last frame; a slot of the same group for good; frames near strangers; contacts; others of its group that
came within reach."""
CONTACT_RING, GROUP_RING, CONTACT_FRAMES, TOGETHER_FRAMES, LOST, KEEP, EVERY = range(7)
"""Places in ``Limits.frames``."""
FOR_EVER = 2**62


class Limits(NamedTuple):
    """What counts. ``edges_m`` (rings + 1,): the rings. ``frames`` (7,): rings that are within contact, within a group; frames
    that make a contact, a group; frames until a track is lost, and kept after that; frames between looks at who is gone.
    ``number`` (2,): the least share of common time that makes a group, and frames a second. ``exposure`` (bins,): where its
    bins begin but the first, in frames."""

    edges_m: Array
    frames: Index
    number: Array
    exposure: Index


class Memory(NamedTuple):
    """What is known between frames.

    ``track`` (slots, 8): a line of the cache each, columns above; ``place`` (slots, 2): where it was last. ``free``: slots that
    are; ``active``: those in view, by person.

    ``edge`` (edges, 2): two slots, the lower one first; ``rings`` (edges, rings) frames. ``table`` (a power of 2, 2) finds an
    edge by its key; -1 where it is empty.

    ``state``, ``total``: numbers, see above. ``apart``, ``together`` (rings,): settled frames of strangers and of groups;
    ``exposure`` (bins,): settled people.
    """

    track: Index
    place: Array
    free: Index
    active: Index
    spare: Index
    edge: Index
    rings: NDArray[np.int32]
    table: Index
    state: Index
    total: Index
    apart: Index
    together: Index
    exposure: Index


def memory_for(slots: int, edges: int, rings: int, bins: int) -> Memory:
    """Empty memory; ``edges`` becomes a power of 2."""
    edges = 1 << (max(edges, 16) - 1).bit_length()
    track = np.zeros((slots, 8), np.int64)
    track[:, [PERSON, ORDER]], track[:, GROUP] = -1, np.arange(slots)
    state = np.zeros(7, np.int64)
    state[FREE], state[NEXT], state[LAST] = slots, -FOR_EVER, -FOR_EVER
    return Memory(
        track,
        np.zeros((slots, 2)),
        np.arange(slots, dtype=np.int64)[::-1].copy(),
        np.zeros(slots, np.int64),
        np.zeros(slots, np.int64),
        np.zeros((edges, 2), np.int64),
        np.zeros((edges, rings), np.int32),
        np.full((2 * edges, 2), -1, np.int64),
        state,
        np.zeros(11, np.int64),
        np.zeros(rings, np.int64),
        np.zeros(rings, np.int64),
        np.zeros(bins, np.int64),
    )


def grown(memory: Memory, slots: int, edges: int) -> Memory:
    """The same in more room: at least so many slots and edges."""
    had, pairs = len(memory.track), len(memory.edge)
    slots, edges = max(slots, had), max(edges, pairs)
    more = memory_for(slots, edges, memory.rings.shape[1], len(memory.exposure))
    for name in ("track", "place", "active"):
        getattr(more, name)[:had] = getattr(memory, name)
    for name in ("edge", "rings"):
        getattr(more, name)[:pairs] = getattr(memory, name)
    for name in ("state", "total", "apart", "together", "exposure"):
        getattr(more, name)[:] = getattr(memory, name)
    # the slots that were free are taken first, as they would have been
    free = memory.state[FREE]
    more.free[: slots - had] = np.arange(had, slots)[::-1]
    more.free[slots - had : slots - had + free] = memory.free[:free]
    more.state[FREE] = slots - had + free
    _fill_table(more)
    return more


def look(limits: Limits, number: int, memory: Memory) -> None:
    """Settle who is gone, at the frames at which that is due: the same ones, whether or not there were frames in between."""
    state, every = memory.state, int(limits.frames[EVERY])
    while state[NEXT] <= number:
        if state[FREE] == len(memory.track):
            state[NEXT] = number - number % every + every
        else:
            settle(limits, int(state[NEXT]), memory)
            state[NEXT] += every


@compiled_aside
def follow(
    limits: Limits,
    first: int,
    start: Index,
    begin: int,
    person: Index,
    x: Array,
    y: Array,
    near: Near,
    slot: Index,
    memory: Memory,
) -> int:
    """Take in frames from frame ``begin`` on; rows of a frame are in order of person. ``slot`` is room for a frame.

    Returns how many frames are done. Fewer than there are: before the next one it is time to look who is gone (``state[NEXT]``),
    or there is not enough room for it (``state[WANTED]`` pairs).
    """
    state, total = memory.state, memory.total
    for f in range(begin, len(start) - 1):
        number, low, high = first + f, start[f], start[f + 1]
        if state[NEXT] <= number:
            return f
        people, pairs = near_pairs(x[low:high], y[low:high], limits.edges_m, near)
        state[WANTED] = pairs
        if pairs > len(near.one) or people > state[FREE] or state[EDGES] + pairs > len(memory.edge):
            return f
        _place(limits, number, person[low:high], x[low:high], y[low:high], slot, memory)
        for p in range(pairs):
            i, j = near.one[p], near.other[p]
            edge = _edge(memory, min(slot[i], slot[j]), max(slot[i], slot[j]))
            memory.rings[edge, near.ring[p]] += 1
            if x[low + i] == x[low + j] and y[low + i] == y[low + j]:
                total[SAME] += 1
        total[SEEN] += people
        total[PAIRS] += pairs
        total[POSSIBLE] += people * (people - 1) // 2
        total[UNKNOWN] += high - low - people
        state[LAST] = number
    return len(start) - 1


@compiled_aside
def _place(limits: Limits, number: int, person: Index, x: Array, y: Array, slot: Index, memory: Memory) -> None:
    """Tell of each row the slot of its track, a new one where it is one; both rows and ``active`` are in order of person."""
    state, was, now = memory.state, 0, 0
    for row in range(len(person)):
        slot[row] = -1
        if not (abs(x[row]) <= FARTHEST_M and abs(y[row]) <= FARTHEST_M):
            continue
        while was < state[ACTIVE] and memory.track[memory.active[was], PERSON] < person[row]:
            now = _keep(limits, number, memory.active[was], now, memory)
            was += 1
        if was < state[ACTIVE] and memory.track[memory.active[was], PERSON] == person[row]:
            s = memory.active[was]
            was += 1
            gap = number - memory.track[s, UNTIL]
            dx, dy = x[row] - memory.place[s, 0], y[row] - memory.place[s, 1]
            jumped = math.sqrt(dx * dx + dy * dy) * limits.number[1] > MOST_M_S * gap
            if gap <= limits.frames[LOST] and not jumped:
                slot[row] = s
            else:
                # it is somebody else now, by the same number
                memory.track[s, PERSON] = -1
                memory.total[JUMPED] += 1 if gap <= limits.frames[LOST] else 0
        if slot[row] < 0:
            state[FREE] -= 1
            s = memory.free[state[FREE]]
            slot[row] = s
            memory.track[s, PERSON], memory.track[s, ORDER], memory.track[s, FIRST] = person[row], state[SERIAL], number
            memory.track[s, GROUP], memory.track[s, EXPOSED], memory.track[s, TOUCHES], memory.track[s, MATES] = s, 0, 0, 0
            state[SERIAL] += 1
        memory.track[slot[row], UNTIL], memory.place[slot[row], 0], memory.place[slot[row], 1] = number, x[row], y[row]
        memory.spare[now] = slot[row]
        now += 1
    while was < state[ACTIVE]:
        now = _keep(limits, number, memory.active[was], now, memory)
        was += 1
    memory.active[:now] = memory.spare[:now]
    state[ACTIVE] = now


@compiled_aside
def _keep(limits: Limits, number: int, s: int, now: int, memory: Memory) -> int:
    """A track that is not in the frame: still in view, or lost, and then its number is forgotten; how many are in view."""
    if number - memory.track[s, UNTIL] > limits.frames[LOST]:
        memory.track[s, PERSON] = -1
        return now
    memory.spare[now] = s
    return now + 1


@compiled_aside
def _spot(memory: Memory, a: int, b: int) -> int:
    """Where in the table an edge is, or would be. The table is twice as large as there are edges at most: it ends."""
    size, key = len(memory.table), _key(a, b)
    # slots are below 2^26, so that no product is beyond 63 bits
    mixed = (a * 0x9E3779B1 + b * 0x85EBCA6B) & 0xFFFFFFFF
    at = (mixed ^ (mixed >> 15)) & (size - 1)
    while memory.table[at, 0] >= 0 and memory.table[at, 0] != key:
        at = (at + 1) & (size - 1)
    return int(at)


@compiled_aside
def _key(a: int, b: int) -> int:
    return (a << 26) + b


@compiled_aside
def _edge(memory: Memory, a: int, b: int) -> int:
    """The edge of two slots, a < b; a new one where there is none."""
    at = _spot(memory, a, b)
    if memory.table[at, 0] < 0:
        edge = memory.state[EDGES]
        memory.state[EDGES] = edge + 1
        memory.table[at, 0], memory.table[at, 1] = _key(a, b), edge
        memory.edge[edge, 0], memory.edge[edge, 1] = a, b
        memory.rings[edge] = 0
    return int(memory.table[at, 1])


@compiled_aside
def _fill_table(memory: Memory) -> None:
    memory.table[:] = -1
    for edge in range(memory.state[EDGES]):
        a, b = memory.edge[edge, 0], memory.edge[edge, 1]
        at = _spot(memory, a, b)
        memory.table[at, 0], memory.table[at, 1] = _key(a, b), edge


@compiled_aside
def is_group(limits: Limits, memory: Memory, edge: int) -> bool:
    """Whether two people move together: long enough, and near each other for enough of their common time, which is from when the
    later one came to when the earlier one left."""
    a, b, near = memory.edge[edge, 0], memory.edge[edge, 1], 0
    common = min(memory.track[a, UNTIL], memory.track[b, UNTIL]) - max(memory.track[a, FIRST], memory.track[b, FIRST]) + 1
    for ring in range(limits.frames[GROUP_RING]):
        near += memory.rings[edge, ring]
    return bool(common >= limits.frames[TOGETHER_FRAMES] and near >= limits.number[0] * common)


@compiled_aside
def root(parent: Index, s: int) -> int:
    """Who stands for the group of a slot."""
    while parent[s] != s:
        parent[s] = parent[parent[s]]
        s = parent[s]
    return s


@compiled_aside
def groups(limits: Limits, memory: Memory) -> Index:
    """As far as is known now, a slot that stands for the group of each slot: as it is for good, and by edges that still count."""
    parent = memory.track[:, GROUP].copy()
    for edge in range(memory.state[EDGES]):
        if is_group(limits, memory, edge):
            parent[root(parent, memory.edge[edge, 0])] = root(parent, memory.edge[edge, 1])
    return parent


@compiled_aside
def settle(limits: Limits, at: int, memory: Memory) -> None:
    """Add to the totals what is known of tracks that are gone long enough at frame ``at``, and forget them."""
    state, total = memory.state, memory.total
    kept = 0
    for i in range(state[ACTIVE]):
        s = memory.active[i]
        if at - memory.track[s, UNTIL] > limits.frames[LOST]:
            memory.track[s, PERSON] = -1
        else:
            memory.active[kept] = s
            kept += 1
    state[ACTIVE] = kept
    gone = np.zeros(len(memory.track), np.bool_)
    some = False
    for s in range(len(gone)):
        gone[s] = memory.track[s, ORDER] >= 0 and at - memory.track[s, UNTIL] > limits.frames[LOST] + limits.frames[KEEP]
        some = some or gone[s]
    if not some:
        return
    parent = groups(limits, memory)
    # what is final links for good, also when the one in the middle is forgotten
    final = memory.track[:, GROUP].copy()
    for edge in range(state[EDGES]):
        a, b = memory.edge[edge, 0], memory.edge[edge, 1]
        if (gone[a] or gone[b]) and is_group(limits, memory, edge):
            final[root(final, a)] = root(final, b)
    kept = 0
    for edge in range(state[EDGES]):
        a, b = memory.edge[edge, 0], memory.edge[edge, 1]
        if gone[a] or gone[b]:
            same = root(parent, a) == root(parent, b)
            if same != (root(final, a) == root(final, b)):
                total[UNLINKED] += 1
            _settle_edge(limits, memory, edge, same)
        else:
            memory.edge[kept, 0], memory.edge[kept, 1] = a, b
            memory.rings[kept] = memory.rings[edge]
            kept += 1
    state[EDGES] = kept
    _fill_table(memory)
    _forget(limits, gone, final, memory)


@compiled_aside
def _settle_edge(limits: Limits, memory: Memory, edge: int, same: bool) -> None:
    a, b, near = memory.edge[edge, 0], memory.edge[edge, 1], 0
    for ring in range(memory.rings.shape[1]):
        if same:
            memory.together[ring] += memory.rings[edge, ring]
        else:
            memory.apart[ring] += memory.rings[edge, ring]
            near += memory.rings[edge, ring] if ring < limits.frames[CONTACT_RING] else 0
    memory.track[a, MATES] += 1 if same else 0
    memory.track[b, MATES] += 1 if same else 0
    memory.track[a, EXPOSED] += near
    memory.track[b, EXPOSED] += near
    if near >= limits.frames[CONTACT_FRAMES]:
        memory.track[a, TOUCHES] += 1
        memory.track[b, TOUCHES] += 1
        memory.total[CONTACTS] += 1


@compiled_aside
def _forget(limits: Limits, gone: NDArray[np.bool_], final: Index, memory: Memory) -> None:
    """Add up who is gone, and free their slots; somebody else stands for the group of one who did."""
    state, total = memory.state, memory.total
    heir = np.full(len(gone), -1, np.int64)
    for s in range(len(gone)):
        if memory.track[s, ORDER] >= 0 and not gone[s]:
            heir[root(final, s)] = s
    for s in range(len(gone)):
        if memory.track[s, ORDER] >= 0 and not gone[s]:
            memory.track[s, GROUP] = heir[root(final, s)]
    for back in range(len(gone)):
        s = len(gone) - 1 - back
        if gone[s]:
            total[PEOPLE] += 1
            total[TOUCHED] += 1 if memory.track[s, TOUCHES] > 0 else 0
            total[GROUPED] += 1 if memory.track[s, MATES] > 0 else 0
            memory.exposure[np.searchsorted(limits.exposure, memory.track[s, EXPOSED], side="right")] += 1
            memory.track[s, ORDER], memory.track[s, GROUP] = -1, s
            memory.free[state[FREE]] = s
            state[FREE] += 1

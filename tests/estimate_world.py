"""A made-up square with truth: people come by gates, stay, and leave; counters miss some of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ruimte.clock import DAY_US, HOUR_US, MINUTE_US
from ruimte.model.observation import OBSERVATIONS
from ruimte.model.place import OUTSIDE, Link, Model, Place, Reading, Stream

TICK_US = 5 * MINUTE_US
DAY = 288
DAWN_US = 20_000 * DAY_US
"""A Thursday's midnight."""
FOUR = 48
"""Ticks until 04:00, when nobody is there."""


def square(gates: int = 4, area_m2: float = 2000.0, cameras: int = 0, lateness_us: int = 0, **place: object) -> Model:
    """A zone with gates to the outside that are counted both ways (ids 1, 2 at the first gate …), and cameras (ids from 101)."""
    kinds = {"empty_at_us": 4 * HOUR_US} | place
    links = [Link(f"gate{g}", way, *ends) for g in range(gates) for way, ends in (("in", (OUTSIDE, 0)), ("out", (0, OUTSIDE)))]
    return Model(
        lab="test",
        places=(Place("square", "Square", "people", "square", area_m2=area_m2, **kinds),),  # type: ignore[arg-type]
        links=tuple(links),
        streams=tuple(
            Stream(i + 1, f"{link.gate}/count_{link.way}", i, TICK_US, 0, 2**62, most=2000.0) for i, link in enumerate(links)
        ),
        readings=tuple(Reading(101 + k, f"camera{k}/people", 0, "people", TICK_US, 0, 2**62) for k in range(cameras)),
        tick_us=TICK_US,
        phase_us=0,
        lateness_us=lateness_us,
        offset_from_us=np.array([0]),
        offset_us=np.array([0]),
    )


@dataclass(slots=True)
class World:
    """``people`` (ticks,) at the end of each tick, ``flows`` (ticks, links) who really passed, ``counts`` (ticks, links) who was
    counted: change these to break a sensor, NaN is silence."""

    people: np.ndarray
    flows: np.ndarray
    counts: np.ndarray


def live(days: int, gates: int = 4, seed: int = 1, seen: object = 0.95, busy: float = 40.0) -> World:
    """Days of visitors: they come by day, stay an hour or so, and are gone before 04:00. ``seen``: share counted, by link."""
    random = np.random.default_rng(seed)
    ticks = days * DAY
    share = random.dirichlet(np.full(gates, 8.0))
    detection = np.broadcast_to(np.asarray(seen, dtype=float), 2 * gates)
    people, flows = np.zeros(ticks, dtype=int), np.zeros((ticks, 2 * gates), dtype=int)
    inside = 0
    for t in range(ticks):
        hour = t % DAY / 12
        level = busy * max(0.0, np.sin(np.pi * (hour - 6) / 18)) if 6 <= hour < 24 else 0.0
        came = random.poisson(level * share)
        stays = 12 if hour >= 6 else 2
        left = (
            random.multinomial(random.binomial(inside, 1 / stays), share)
            if hour < 3.5 or hour >= 4
            else random.multinomial(inside, share)
        )
        flows[t, 0::2], flows[t, 1::2] = came, left
        inside += came.sum() - left.sum()
        people[t] = inside
    return World(people, flows, random.binomial(flows, detection).astype(float))


def rows(world: World, model: Model, first: int = 0, last: int | None = None, cameras: np.ndarray | None = None) -> pa.Table:
    """Observations of ticks [first, last), received when the tick is over; ``cameras`` (ticks, cameras) are told at its end."""
    last = len(world.counts) if last is None else last
    told = world.counts[first:last]
    t, j = np.nonzero(~np.isnan(told))
    columns = [(j + 1, first + t, told[t, j])]
    if cameras is not None:
        t, k = np.nonzero(~np.isnan(cameras[first:last]))
        columns.append((101 + k, first + t, cameras[first:last][t, k]))
    stream, tick, result = (np.concatenate(parts) for parts in zip(*columns, strict=True))
    end = DAWN_US + (tick + 1) * TICK_US
    order = np.lexsort((stream, tick))
    arrays = [stream, end - TICK_US, end, end, result, np.zeros(len(end))]
    return pa.table([pa.array(a[order]).cast(f.type) for a, f in zip(arrays, OBSERVATIONS, strict=True)], schema=OBSERVATIONS)


def end_us(tick: int) -> int:
    """The end of a tick."""
    return DAWN_US + (tick + 1) * TICK_US

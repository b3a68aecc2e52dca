"""What the estimator knows of every sensor: which one is wrong, since when, how that shows, and its calibration."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ruimte.estimate import memory, sensors
from ruimte.estimate.layout import layout_of
from ruimte.model.place import Model
from ruimte.model.state import VALUE_COLUMNS

Floats = NDArray[np.float64]
Condition = Literal["new", "fine", "doubtful", "silent", "stuck", "drifting", "lying"]


@dataclass(frozen=True, slots=True)
class StreamHealth:
    """What is known of one datastream at the end of the newest settled tick.

    ``since_us`` is when it entered its condition (None: new, or always fine). ``said`` is what it last told and ``expected``
    what the others predicted for that tick, in persons (devices). ``repeats``: for how many ticks it tells the same. ``scale``:
    persons who really pass for each one that it counts (of a reading: what it tells for each person inside), with its standard
    deviation; ``calibrated`` whether anything has
    told of it yet; ``moved``: it is its calibration that makes it drift or lie. ``used``: whether the picture rests on it.
    """

    id: int
    key: str
    condition: Condition
    since_us: int | None
    heard_us: int | None
    said: float | None
    expected: float | None
    repeats: int
    scale: float
    scale_sd: float
    reference: float
    calibrated: bool
    moved: bool
    used: bool


@dataclass(frozen=True, slots=True)
class Balance:
    """How many times more the counters of a gate, or all those of a zone, count in than out for the same number of people.

    ``ratio`` with its standard deviation ``sd``. Sums of in and out tell that of a zone well, of each of its gates less so.
    """

    place: str
    ratio: float
    sd: float


def health(model: Model, state: bytes | None) -> list[StreamHealth]:
    """The health of all datastreams, in the model's order: flows first.

    Args:
        model: the compiled lab.
        state: what ``advance`` gave; None: nothing was ever heard.

    Raises ``RuimteError`` where the state was made by a newer version.
    """
    layout = layout_of(model)
    known = memory.new_memory(layout) if state is None else memory.load(state, model, len(VALUE_COLUMNS))
    keys = model.datastream_keys
    flows = [_one(model, known, keys, True, number) for number in range(len(layout.streams))]
    readings = [_one(model, known, keys, False, number) for number in range(len(layout.readings))]
    found = {one.id: one for one in flows + readings}
    return [found[id_] for id_ in model.datastream_ids]


def _one(model: Model, known: memory.Memory, keys: dict[int, str], flow: bool, number: int) -> StreamHealth:
    layout = layout_of(model)
    site = int(np.searchsorted(layout.sites.stream if flow else layout.sites.reading, number, side="right")) - 1
    table, watch = (layout.streams, known.state.streams) if flow else (layout.readings, known.state.readings)
    first, last = (int(layout.sites.people[site + k]) for k in (0, 1))
    n = last - first
    zones = int(layout.sites.zone[site + 1] - layout.sites.zone[site])
    at = zones + number - int(layout.sites.stream[site]) if flow else n + number - int(layout.sites.reading[site + 1])
    p_at = int(layout.sites.people_p[site])
    variance = float(known.state.people_p[p_at + at * n + at])
    id_ = int(table.id[number])
    heard_us = int(known.heard_us[number if flow else len(layout.streams) + number])
    state = int(watch.state[number])
    condition = sensors.STATES[state] if heard_us >= 0 else "new"
    prior = float(table.accuracy[number]) if flow else 0.0
    return StreamHealth(
        id=id_,
        key=keys[id_],
        condition=condition,  # type: ignore[arg-type]
        since_us=model.tick_end_us(int(watch.since[number])) if state != sensors.FINE and heard_us >= 0 else None,
        heard_us=heard_us if heard_us >= 0 else None,
        said=_known(watch.said[number]),
        expected=_known(watch.expected[number]),
        repeats=int(watch.repeats[number]),
        scale=float(known.state.people_x[first + at]),
        scale_sd=math.sqrt(variance),
        reference=float(watch.reference[number]),
        calibrated=math.sqrt(variance) < 0.75 * prior if flow else heard_us >= 0,
        moved=bool(watch.moved[number]),
        used=heard_us >= 0 and not sensors.excluded(watch, number) and state != sensors.SILENT,
    )


def balances(model: Model, state: bytes | None) -> list[Balance]:
    """The imbalance that was learned of every zone, then of every gate, that is counted both ways.

    With :math:`\\bar g` the mean calibration of the counters that count in (or out), weighted by what they usually count, the
    ratio is :math:`\\bar g_{out} / \\bar g_{in}`; its error by the first order of their covariance.
    """
    if state is None:
        return []
    layout = layout_of(model)
    known = memory.load(state, model, len(VALUE_COLUMNS))
    found = []
    for site in range(len(layout.sites) - 1):
        at, end = layout.sites[site], layout.sites[site + 1]
        n, zones, streams = int(end.people - at.people), int(end.zone - at.zone), int(end.stream - at.stream)
        part = slice(zones, zones + streams)
        g = known.state.people_x[at.people : end.people][part]
        p = known.state.people_p[at.people_p : end.people_p].reshape(n, n)[part, part]
        link = layout.streams.link[at.stream : end.stream]
        weight = known.state.links.overall[at.link : end.link][link]
        source, target = layout.links.source[at.link : end.link][link], layout.links.target[at.link : end.link][link]
        for zone in range(zones):
            place = model.places[int(layout.zones.place[at.zone + zone])].key
            found.append(_balance(place, g, p, np.where(target == zone, weight, 0.0), np.where(source == zone, weight, 0.0)))
        gates = [model.links[int(layout.links.model[at.link + i])] for i in link.tolist()]
        for gate in dict.fromkeys(each.gate for each in gates if each.point < 0):
            way = [np.array([each.gate == gate and each.way == w for each in gates], dtype=bool) for w in ("in", "out")]
            found.append(_balance(gate, g, p, np.where(way[0], weight, 0.0), np.where(way[1], weight, 0.0)))
    return [one for one in found if one is not None]


def _balance(place: str, g: Floats, p: Floats, into: Floats, out: Floats) -> Balance | None:
    if into.sum() <= 0 or out.sum() <= 0:
        return None
    into, out = into / into.sum(), out / out.sum()
    a, b = float(into @ g), float(out @ g)
    lean = out / b - into / a
    return Balance(place, b / a, b / a * math.sqrt(max(float(lean @ p @ lean), 0.0)))


def conditions(model: Model, state: bytes | None) -> dict[int, Condition]:
    """The condition of every datastream that is not fine (new ones too), by id: quick, for a live lab asks at every tick."""
    if state is None:
        return {}
    layout = layout_of(model)
    known = memory.load(state, model, len(VALUE_COLUMNS))
    heard = known.heard_us >= 0
    found: dict[int, Condition] = {}
    pairs = ((layout.streams, known.state.streams, 0), (layout.readings, known.state.readings, len(layout.streams)))
    for table, watch, first in pairs:
        there = heard[first : first + len(table)]
        for number in np.flatnonzero((watch.state != sensors.FINE) | ~there).tolist():
            name = sensors.STATES[int(watch.state[number])] if there[number] else "new"
            found[int(table.id[number])] = name  # type: ignore[assignment]
    return found


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)

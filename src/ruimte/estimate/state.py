"""What the filters of all sites remember, get and give."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ruimte.estimate import flows, people
from ruimte.estimate.layout import DAY_KINDS, Layout, Records
from ruimte.estimate.sensors import new_watch

ZONE = np.dtype(
    [(name, np.float64) for name in ("kappa", "crossed", "guessed", "inside", "inside_var")]
    + [("filled", np.int64), ("anchored", np.bool_)]
)
LINK = np.dtype([("overall", np.float64), ("seen", np.float64), ("noise", np.float64), ("guessed", np.bool_)])


class State(NamedTuple):
    """Everything that evolves from tick to tick, of all sites (see ``Layout``).

    Means and covariances of the flow and people filters. ``profile`` and ``visits`` have shape (links, slots of a week);
    ``recent`` (zones, ticks of the longest stay) holds what came in.

    ``zones``: ``kappa``, the variance that one person counted adds; persons who ``crossed`` into or out of it since the empty
    hour, and of those the ``guessed`` ones; of a zone with a longest stay the people ``inside`` with their variance, and for how
    many ticks ``recent`` was ``filled``; whether its sum began at an empty hour (``anchored``). ``links``: mean count ``overall``
    of the ticks ``seen``, ``noise``, and whether it is ``guessed`` for nothing is heard of it. ``streams`` and ``readings``: see
    ``sensors.WATCH``.
    """

    flow_x: NDArray[np.float64]
    flow_p: NDArray[np.float64]
    people_x: NDArray[np.float64]
    people_p: NDArray[np.float64]
    profile: NDArray[np.float32]
    visits: NDArray[np.float32]
    recent: NDArray[np.float64]
    zones: Records
    links: Records
    streams: Records
    readings: Records


class Inputs(NamedTuple):
    """What came in, by tick: persons counted and share covered (ticks, streams), readings in persons or devices (ticks,
    readings).

    ``stream_valid`` and ``reading_valid``: whether the register lets it count. ``reading_left``: share of the tick after the
    reading; ``reading_sd``: how far it is off, as told with it (persons), NaN where that is not told. ``slot`` and ``kind``
    (ticks,): of the local time. ``empty`` (ticks, zones). Facts are listed, ``fact_tick`` rising.
    """

    first: int
    count: NDArray[np.float64]  # type: ignore[assignment]
    covered: NDArray[np.float64]
    stream_valid: NDArray[np.bool_]
    reading: NDArray[np.float64]
    reading_left: NDArray[np.float64]
    reading_sd: NDArray[np.float64]
    reading_valid: NDArray[np.bool_]
    slot: NDArray[np.int64]
    kind: NDArray[np.int64]
    empty: NDArray[np.bool_]
    fact_tick: NDArray[np.int64]
    fact_zone: NDArray[np.int64]
    fact_people: NDArray[np.float64]
    fact_sd: NDArray[np.float64]


class Outputs(NamedTuple):
    """What is known at the end of each tick.

    People of a zone: mean, variance and most of a normal (ticks, zones). Flow of a link in persons a tick: mean and variance.
    What became of each stream and reading (``sensors.USED`` …).
    """

    people: NDArray[np.float64]
    people_var: NDArray[np.float64]
    people_most: NDArray[np.float64]
    flow: NDArray[np.float64]
    flow_var: NDArray[np.float64]
    stream: NDArray[np.int8]
    reading: NDArray[np.int8]


def new_state(layout: Layout) -> State:
    """Nothing is known of any site: not how many people there are, nor what is usual."""
    state = blank_state(layout)
    state.zones.kappa = people.FIRST_KAPPA
    state.zones.inside_var = np.where(np.isfinite(layout.zones.most), layout.zones.most, 1e6) ** 2
    state.links.noise = flows.FIRST_NOISE
    for site in range(len(layout.sites) - 1):
        _begin(layout, state, site)
    return state


def blank_state(layout: Layout) -> State:
    """The arrays of a state, to be filled."""
    zones, links, slots = len(layout.zones), len(layout.links), DAY_KINDS * layout.day_bins
    return State(
        flow_x=np.zeros(layout.sites.flow[-1]),
        flow_p=np.zeros(layout.sites.flow_p[-1]),
        people_x=np.zeros(layout.sites.people[-1]),
        people_p=np.zeros(layout.sites.people_p[-1]),
        profile=np.zeros((links, slots), dtype=np.float32),
        visits=np.zeros((links, slots), dtype=np.float32),
        recent=np.zeros((zones, max(1, int(layout.zones.stay.max(initial=0))))),
        zones=np.zeros(zones, dtype=ZONE).view(np.recarray),
        links=np.zeros(links, dtype=LINK).view(np.recarray),
        streams=new_watch(len(layout.streams)),
        readings=new_watch(len(layout.readings)),
    )


def _begin(layout: Layout, state: State, site: int) -> None:
    n = int(layout.sites.flow[site + 1] - layout.sites.flow[site])
    p = state.flow_p[layout.sites.flow_p[site] : layout.sites.flow_p[site + 1]].reshape(n, n)
    np.fill_diagonal(p, [flows.COMMON_SD**2] + [flows.NEW_SD**2] * (n - 1))
    zone, stream, link, reading = (
        slice(at[site], at[site + 1]) for at in (layout.sites.zone, layout.sites.stream, layout.sites.link, layout.sites.reading)
    )
    n = int(layout.sites.people[site + 1] - layout.sites.people[site])
    p = state.people_p[layout.sites.people_p[site] : layout.sites.people_p[site + 1]].reshape(n, n)
    unknown = np.where(np.isfinite(layout.zones.most[zone]), layout.zones.most[zone], 1e6) ** 2
    free = layout.readings.free[reading]
    scale = np.where(free, 1.0, layout.readings.lasting[reading] * layout.readings.accuracy[reading] ** 2)
    links = np.zeros(link.stop - link.start)
    off = layout.streams.accuracy[stream]
    np.fill_diagonal(p, np.concatenate([unknown, (1 - people.SHARED) * off**2, links, scale]))
    g = slice(len(unknown), len(unknown) + len(off))
    p[g, g] += people.SHARED * np.outer(off, off)
    zones = zone.stop - zone.start
    x = state.people_x[layout.sites.people[site] : layout.sites.people[site + 1]]
    x[zones : zones + stream.stop - stream.start] = layout.streams.scale[stream]
    x[len(x) - len(scale) :] = np.where(free, 0.5, 1.0)


def outputs(layout: Layout, ticks: int) -> Outputs:
    """Room for what is known of so many ticks."""
    zones, links = len(layout.zones), len(layout.links)
    return Outputs(
        people=np.empty((ticks, zones)),
        people_var=np.empty((ticks, zones)),
        people_most=np.empty((ticks, zones)),
        flow=np.empty((ticks, links)),
        flow_var=np.empty((ticks, links)),
        stream=np.zeros((ticks, len(layout.streams)), dtype=np.int8),
        reading=np.zeros((ticks, len(layout.readings)), dtype=np.int8),
    )


def inputs_of(given: Inputs, begin: int, end: int) -> Inputs:
    """The ticks [begin, end) of the inputs; facts are listed, so those are picked."""
    facts = (given.fact_tick >= begin) & (given.fact_tick < end)
    parts = {
        name: column[facts] if name.startswith("fact") else column[begin:end]
        for name, column in given._asdict().items()
        if name != "first"
    }
    parts["fact_tick"] = parts["fact_tick"] - begin
    return Inputs(first=given.first + begin, **parts)


def outputs_of(out: Outputs, begin: int, end: int) -> Outputs:
    """The ticks [begin, end) of the outputs: the same arrays, not copies."""
    return Outputs._make(array[begin:end] for array in out)

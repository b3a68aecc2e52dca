"""From who is where and who passed the gates lately to a situation: who will come, how long people stay, where they go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ruimte.clock import MINUTE_US
from ruimte.whatif.diagram import WEIDMANN, Array, Diagram
from ruimte.whatif.ensemble import Situation
from ruimte.whatif.network import Network

LONGEST_STAY_S = 4 * 3600.0
"""Nobody is thought to stay longer on average; so long where nobody was seen to leave (assumed)."""
SHORTEST_STAY_S = 60.0
GUESSED_STAY_S = 600.0
"""Where nobody knows how many people there are, as many are taken as pass in this time (assumed): see ``Situation.unknown``."""
AFTER_S = 1200.0
"""Within this time on average, visitors go once an event is over: most within half an hour (assumed)."""
UNSURE_ARRIVALS = 0.2
"""By which share (a standard deviation) arrivals of the next hour differ from those of the last half hour (assumed)."""


@dataclass(frozen=True, slots=True)
class Ending:
    """An event's end: its visitors in these zones (indices) go after ``at_us``."""

    at_us: int
    zones: tuple[int, ...]


def situation_of(
    network: Network,
    start_us: int,
    minutes: int,
    every: int,
    people_mean: Array,
    people_sd: Array,
    rates: Array,
    counted: float,
    endings: Sequence[Ending] = (),
    forecast: Array | None = None,
    diagram: Diagram = WEIDMANN,
) -> Situation:
    """The situation in which things go on as they lately were.

    Who came goes on to come. How long people stay is people over outflow (Little's law), and where they go is where those who
    left a zone went: into the next zone, or out by a gate. After an event's end people stay ``AFTER_S`` at the most.

    Args:
        rates: persons/s who lately passed each link, (links,).
        people_mean, people_sd: persons in each zone, (zones,); NaN: not known.
        counted: persons who were counted for them in all: few tell little.
        forecast: quantiles of people at each step, (zones, steps, 21).
    """
    outer, entrances = len(network.exits), network.entrances
    unknown = np.isnan(people_mean)
    guess = np.minimum(_outflow(network, rates) * GUESSED_STAY_S, diagram.jam * network.area_m2)
    people_mean, people_sd = np.where(unknown, guess, people_mean), np.where(unknown, guess / 2, people_sd)
    stay = np.repeat(_stay_s(network, people_mean, rates)[:, None], minutes, axis=1)
    for ending in endings:
        first = max(round((ending.at_us - start_us) / MINUTE_US), 0)
        zones = np.array(ending.zones, dtype=np.int64)
        stay[zones, first:] = np.minimum(stay[zones, first:], AFTER_S)
    return Situation(
        network=network,
        start_us=start_us,
        minutes=minutes,
        every=every,
        people_mean=people_mean,
        people_sd=people_sd,
        arrivals=np.repeat(rates[entrances][:, None], minutes, axis=1) if outer else np.zeros((0, minutes)),
        arrivals_sd=float(np.sqrt(UNSURE_ARRIVALS**2 + 1 / max(counted, 1.0))),
        shares=destination_shares(network, rates),
        stay_s=stay,
        forecast=forecast,
        diagram=diagram,
        unknown=tuple(np.flatnonzero(unknown).tolist()),
    )


def _outflow(network: Network, rates: Array) -> Array:
    """Persons/s who leave each zone, (zones,)."""
    inside = slice(0, int(network.first[-1]))
    return np.bincount(network.source[inside], rates[inside], minlength=len(network.zones)).astype(np.float64)


def _stay_s(network: Network, people: Array, rates: Array) -> Array:
    """How long people stay in each zone, on average, (zones,)."""
    outflow = _outflow(network, rates)
    with np.errstate(divide="ignore", invalid="ignore"):
        stay = np.where(outflow > 0, people / outflow, LONGEST_STAY_S)
    return np.clip(stay, SHORTEST_STAY_S, LONGEST_STAY_S)


def destination_shares(network: Network, rates: Array) -> Array:
    """Where those who set out from each zone, and those who come in, go: (zones + outer gates, zones + outer gates).

    Out of a zone in proportion to who passed its gates, or to their widths where nobody did; who comes in stays in the zone
    behind the gate.
    """
    zones, outer = len(network.zones), len(network.exits)
    shares = np.zeros((zones + outer, zones + outer))
    for z in range(zones):
        out = np.arange(network.first[z], network.first[z + 1])
        weight = rates[out] if rates[out].sum() > 0 else network.width_m[network.gate[out]]
        for link, part in zip(out, weight / weight.sum() if len(out) else weight, strict=True):
            to = network.target[link]
            shares[z, to if to >= 0 else zones + int(np.flatnonzero(network.exits == link)[0])] += part
    shares[zones + np.arange(outer), network.target[network.entrances]] = 1.0
    return shares

"""What is to come when an event ends: its visitors leave at once, which no past of the place tells.

The forecast knows when a gathering ends, not where its visitors go then. Where one of its series has been before, that tells: the
same places fill in the same minutes, in proportion to how many are there (``forecast.echo``). Of a first one the what-if model
tells: its visitors leave within the hour and go home the way they came, through the zones and gates between. Either is asked
while an end lies within the look-ahead or less than an hour back; of the moments after it, warnings go by it where it says more
than the forecast.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ruimte.clock import DAY_US, HOUR_US, MINUTE_US
from ruimte.forecast.echo import above_echo, echo_of, echo_quantiles, from_echoes
from ruimte.jobs.counted import KEPT_US, LATELY_US, Counted
from ruimte.lab.lab import Lab
from ruimte.lab.validity import moment_us
from ruimte.model.forecast import LEVELS
from ruimte.model.place import OUTSIDE, Model
from ruimte.whatif.ensemble import Situation, members, run
from ruimte.whatif.measures import nothing
from ruimte.whatif.network import Network, network_of
from ruimte.whatif.situation import Ending, situation_of

Array = NDArray[np.float64]

MEMBERS = 60
AFTERMATH_US = HOUR_US


@dataclass(frozen=True, slots=True)
class Leaving:
    """What is to come: P(above each level), shape (places, levels, 1 + ticks), and quantiles of people, (places, 1 + ticks, 21).

    NaN for now, before the first end, and of places of which nothing is told. ``simulated``: by the what-if model, not by the
    last evening of the series.
    """

    chance: Array
    people: Array
    simulated: bool


class Endings:
    """The ends of a lab's events, and what they bring; ``links``: for each link of its ``network`` that of the model."""

    def __init__(self, lab: Lab, model: Model, threads: int | None = None) -> None:
        self._model = model
        self.network = network_of(lab, model)
        self._threads = threads
        self.links = network_links(self.network, model)
        zones = self.network.zones
        self._endings: list[Ending] = []
        self._series: dict[int, str | None] = {}
        for event in lab.events:
            ending = Ending(moment_us(event.end, lab.zone), tuple(z for z, key in enumerate(zones) if key in event.places))
            if ending.zones and self.network.gates:
                self._endings.append(ending)
                self._series[ending.at_us] = event.series
        self._echoes: dict[int, Array] = {}
        self._there: dict[int, float] = {}

    def learn(self, ticks: NDArray[np.int64], values: Array) -> None:
        """Learn from the ends that a past holds: ``values`` of all places, shape (ticks, places), at these ticks (rising)."""
        if not len(ticks):
            return
        first, count = int(ticks[0]), int(ticks[-1] - ticks[0]) + 1
        history = np.full((len(self._model.places), count), np.nan)
        history[:, ticks - first] = values.T
        after = 2 * AFTERMATH_US // self._model.tick_us
        for ending in self._endings:
            echo = echo_of(history, self._model.tick_of(ending.at_us - 1) - first, ending.zones, int(after))
            if echo is not None and self._series[ending.at_us] is not None:
                self._echoes[ending.at_us] = echo

    def near(self, now_us: int, ahead_us: int) -> list[Ending]:
        """The ends that lie within the look-ahead, or not long ago."""
        return [each for each in self._endings if now_us - AFTERMATH_US < each.at_us < now_us + ahead_us]

    def leaving(self, end_us: int, mean: Array, sd: Array, counted: Counted, limits: Array) -> Leaving | None:
        """What is to come at every tick of the look-ahead; None where no end is near.

        Args:
            end_us: end of the newest tick.
            mean: the state, shape (places,), persons of zones; NaN is not known.
            sd: its standard deviation.
            counted: who was counted of late.
            limits: shape (places, levels, 1 + ticks); the first is now.
        """
        tick_us, ticks = self._model.tick_us, limits.shape[2] - 1
        ends = self.near(end_us, ticks * tick_us)
        if not ends or tick_us % MINUTE_US or tick_us > HOUR_US:
            return None
        if len(ends) == 1 and (echoes := self._of_series(ends[0])):
            return self._echo(end_us, mean, ends[0], echoes, limits)
        zones, every = len(self.network.zones), tick_us // MINUTE_US
        rates = counted.rates(LATELY_US)[self.links]
        seen = float(counted.persons(LATELY_US).sum())
        situation = situation_of(
            self.network, end_us, ticks * every, every, mean[:zones], np.nan_to_num(sd[:zones]), rates, seen, ends
        )
        situation = homeward(situation, ends, counted.persons(KEPT_US)[self.links])
        plain = nothing(self.network, situation.minutes, situation.diagram)
        paths = run(situation, members(situation, MEMBERS), plain, self._threads)
        above = paths.people[:, :, None, :] >= limits[None, :zones, :, 1:]
        chance, people = np.full(limits.shape, np.nan), np.full((len(limits), 1 + ticks, len(LEVELS)), np.nan)
        chance[:zones, :, 1:] = above.mean(axis=0)
        people[:zones, 1:] = np.moveaxis(np.quantile(paths.people, LEVELS, axis=0), 0, -1)
        early = end_us + tick_us * np.arange(1 + ticks) <= min(each.at_us for each in ends)
        chance[:, :, early], people[:, early] = np.nan, np.nan
        chance[np.isnan(limits)] = np.nan
        chance[list(situation.unknown)], people[list(situation.unknown)] = np.nan, np.nan
        return Leaving(chance, people, True)

    def _of_series(self, ending: Ending) -> list[Array]:
        """What earlier ends of the same series were like."""
        series = self._series[ending.at_us]
        return [
            echo
            for at_us, echo in self._echoes.items()
            if series is not None and self._series[at_us] == series and at_us < ending.at_us - DAY_US
        ]

    def _echo(self, end_us: int, mean: Array, ending: Ending, echoes: list[Array], limits: Array) -> Leaving:
        tick_us, ticks = self._model.tick_us, limits.shape[2] - 1
        if end_us <= ending.at_us:
            self._there[ending.at_us] = float(np.nansum(mean[list(ending.zones)]))
        median = from_echoes(echoes, self._there.get(ending.at_us, np.nan))
        lag = (end_us + tick_us * np.arange(1 + ticks) - ending.at_us) // tick_us - 1
        told = (lag >= 0) & (lag < median.shape[1]) & (np.arange(1 + ticks) > 0)
        middle = np.full((len(median), 1 + ticks), np.nan)
        middle[:, told] = median[:, lag[told]]
        return Leaving(above_echo(middle[:, None], limits), echo_quantiles(middle), False)


def network_links(network: Network, model: Model) -> NDArray[np.int64]:
    """For each link of the network, that of the model."""
    number = {(link.gate, link.way == "in"): index for index, link in enumerate(model.links) if link.point == OUTSIDE}
    gates = [network.gates[gate] for gate in network.gate]
    return np.array([number[way] for way in zip(gates, network.inward.tolist(), strict=True)], dtype=np.int64)


def homeward(situation: Situation, ends: list[Ending], persons: Array) -> Situation:
    """The same, but who leaves an event goes out by the outer gates: by each as many as came in there today and are still here.

    Args:
        ends: the events' ends.
        persons: who passed each of the network's links today.
    """
    network = situation.network
    came = np.maximum(persons[network.entrances] - persons[network.exits], 0.0)
    if not came.sum():
        return situation
    shares = situation.shares.copy()
    for zone in {zone for each in ends for zone in each.zones}:
        shares[zone] = 0.0
        shares[zone, len(network.zones) :] = came / came.sum()
    return replace(situation, shares=shares)

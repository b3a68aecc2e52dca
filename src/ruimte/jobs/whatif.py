"""What would happen if: a scenario beside nothing, from what a lab's database knows of a moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ruimte.clock import HOUR_US, MINUTE_US, from_us, iso
from ruimte.errors import RuimteError
from ruimte.jobs.counted import LATELY_US
from ruimte.lab.lab import Lab
from ruimte.lab.levels import UNUSUAL, colour, table, thresholds_for
from ruimte.lab.scenario import Scenario
from ruimte.lab.validity import moment_us
from ruimte.model.forecast import LEVELS, MEDIAN, level_index
from ruimte.model.observation import Flag
from ruimte.model.place import Model
from ruimte.store import observations, results
from ruimte.store.sqlite import Reader
from ruimte.text import pick
from ruimte.whatif.compare import Comparison, compare
from ruimte.whatif.ensemble import Situation
from ruimte.whatif.measures import Schedule, schedule_of
from ruimte.whatif.network import Network, network_of
from ruimte.whatif.situation import Ending, situation_of

Array = NDArray[np.float64]

_LONGEST_GAP_US = HOUR_US


@dataclass(frozen=True, slots=True)
class Told:
    """A scenario beside nothing, and what it is told of."""

    lab: Lab
    model: Model
    scenario: Scenario
    schedule: Schedule
    comparison: Comparison
    levels: tuple[tuple[str, ...], ...]
    limits: Array

    @property
    def situation(self) -> Situation:
        return self.comparison.situation

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``: chances 0–1, people in persons. Of a zone that is not ``known`` people are null, no level is told."""
        s, done = self.situation, self.comparison.outcomes[self.scenario.key]
        return {
            "lab": self.lab.key,
            "scenario": self.scenario.key,
            "name": pick(self.scenario.name, "en"),
            "measures": list(self.scenario.measures),
            "from": iso(s.start_us),
            "valid": [iso(at) for at in s.valid_us.tolist()],
            "zones": [self._zone(z) for z in range(len(s.network.zones))],
            "queues": {gate: float(done.queue[e].max()) for e, gate in enumerate(s.network.outer)},
            "assumed_width": list(s.network.assumed_width),
            "no_effect": [self.scenario.steps[number].action.do for number in self.schedule.idle],
        }

    def _zone(self, z: int) -> dict[str, Any]:
        place, known = self.model.places[z], z not in self.situation.unknown
        sides = {"without": self.comparison.outcomes["nothing"], "with": self.comparison.outcomes[self.scenario.key]}
        levels = [
            {
                "level": level,
                "from": float(self.limits[z, row]),
                "chance": {side: each.chance[z, row].tolist() for side, each in sides.items()},
                "ever": {side: float(each.ever[z, row]) for side, each in sides.items()},
            }
            for row, level in enumerate(self.levels[z])
        ]
        people = {
            side: {f"q{round(100 * LEVELS[at]):02d}": each.people[z, :, at].round(2).tolist() for at in _SHOWN}
            for side, each in sides.items()
        }
        return {
            "key": place.key,
            "name": pick(place.name, "en"),
            "known": known,
            "levels": levels if known else [],
            "people": people if known else None,
            "trapped": float(sides["with"].trapped[z].max()) if known else None,
        }

    def lines(self) -> list[str]:
        """As lines of text: of each zone people (median) and the chance of each level, without → with, at some moments; then who
        waits outside, who is shut in, and what to know."""
        s, told = self.situation, self.as_dict()
        start = from_us(s.start_us).astimezone(self.lab.zone)
        shown = sorted({round(part * s.steps) - 1 for part in (0.25, 0.5, 0.75, 1.0)} - {-1})
        heads = [f"{from_us(int(s.valid_us[step])).astimezone(self.lab.zone):%H:%M}" for step in shown]
        labels = [zone["name"] for zone in told["zones"]] + [_of(each) for zone in told["zones"] for each in zone["levels"]]
        width = max(map(len, labels))
        lines = [f"{told['name']}, decided {start:%Y-%m-%d %H:%M}; without → with"]
        lines.append(_row("", heads, width))
        for zone in told["zones"]:
            if not zone["known"]:
                lines.append(_row(zone["name"], ["not known"] * len(shown), width))
                continue
            people = [[zone["people"][side]["q50"][step] for step in shown] for side in ("without", "with")]
            lines.append(_row(zone["name"], [f"{a:,.0f} → {b:,.0f}" for a, b in zip(*people, strict=True)], width))
            for each in zone["levels"]:
                chance = [[each["chance"][side][step] for step in shown] for side in ("without", "with")]
                lines.append(_row(_of(each), [f"{a:.0%} → {b:.0%}" for a, b in zip(*chance, strict=True)], width))
        for zone in told["zones"]:
            if (zone["trapped"] or 0.0) >= 0.5:
                lines.append(f"no way out of {zone['name']} for up to {zone['trapped']:,.0f} people: all is shut")
        lines += [f"waiting outside {gate}: up to {count:,.0f}" for gate, count in told["queues"].items() if count >= 0.5]
        lines += [f"changes nothing in this time: {', '.join(told['no_effect'])}"] if told["no_effect"] else []
        assumed = told["assumed_width"]
        return [*lines, f"as wide as drawn, for lack of width_m: {', '.join(assumed)}"] if assumed else lines


def _of(level: dict[str, Any]) -> str:
    return f"  level {level['level']}, from {level['from']:,.0f}"


def _row(head: str, cells: list[str], width: int) -> str:
    return f"{head:{width}}" + "".join(f"{cell:>18}" for cell in cells)


_SHOWN = (level_index(0.05), MEDIAN, level_index(0.95))


def whatif(
    lab: Lab, model: Model, source: Reader, scenario: Scenario, *, at_us: int | None = None, minutes: int = 60, members: int = 200
) -> Told:
    """What a scenario that is decided at ``at_us`` (None: the newest estimate) changes in the ``minutes`` after.

    Raises ``RuimteError`` where the lab has no zones, or its database does not know how many people there are.
    """
    situation = read_situation(lab, model, source, at_us, minutes)
    schedule = schedule_of(scenario, situation.network, lab, situation.start_us, situation.minutes, situation.diagram)
    levels, limits = warning_levels(lab, model, len(situation.network.zones))
    found = compare(situation, {scenario.key: schedule}, limits, members)
    return Told(lab, model, scenario, schedule, found, levels, limits)


def read_situation(lab: Lab, model: Model, source: Reader, at_us: int | None, minutes: int) -> Situation:
    """The situation at the last estimate up to ``at_us``, as the database knows it; errors as of ``whatif``."""
    network = network_of(lab, model)
    require_gates(network, lab)
    every = max(model.tick_us // MINUTE_US, 1)
    if model.tick_us % MINUTE_US or every > minutes:
        raise RuimteError(f"a window of {minutes} minutes holds no whole tick", "--minutes", f"take {every} minutes or more")
    start_us, mean, sd = _people(lab, model, source, network, at_us)
    rates, counted = _rates(model, source, network, start_us)
    endings = [
        Ending(at, tuple(z for z, key in enumerate(network.zones) if key in event.places or not event.places))
        for event in lab.events
        if start_us - HOUR_US < (at := moment_us(event.end, lab.zone)) < start_us + minutes * MINUTE_US
    ]
    steps = minutes // every
    forecast = _forecast(model, source, network, start_us, steps)
    return situation_of(network, start_us, steps * every, every, mean, sd, rates, counted, endings, forecast)


def require_gates(network: Network, lab: Lab) -> None:
    """Raise ``RuimteError`` where nobody can walk from one zone to another."""
    if not network.gates:
        mend = "draw zones and gates in places.geojson"
        raise RuimteError("nobody walks from one place to another here: there are no gates between zones", lab.key, mend)


def _people(lab: Lab, model: Model, source: Reader, network: Network, at_us: int | None) -> tuple[int, Array, Array]:
    """The end of the last tick with states up to a moment, and mean and sd of the people in each zone then; NaN: not known."""
    index = {place.key: number for number, place in enumerate(model.places[: len(network.zones)])}
    ids = {id_: index[key] for key, id_ in source.place_ids().items() if key in index}

    def read(connection: Any) -> Any:
        marks = ",".join("?" * len(ids))
        upto = (1 << 62) if at_us is None else at_us
        row = connection.execute(
            f"SELECT max(end_us) FROM states WHERE end_us <= ? AND place_id IN ({marks})",  # noqa: S608  only question marks
            (upto, *ids),
        ).fetchone()
        last = row[0]
        return last, None if last is None else results.states(connection, ids, last - 1, last)

    last, states = source.read(read) if ids else (None, None)
    if last is None or states is None or (at_us is not None and at_us - last > _LONGEST_GAP_US):
        if last is not None:  # what was estimated before that moment is too old
            when = f"{from_us(int(last)).astimezone(lab.zone):%Y-%m-%dT%H:%M}"
            mend = f"choose another --at; the last estimate before it is of {when}"
        else:
            mend = f"run the node, or ruimte estimate {lab.key}; or choose a later --at"
        raise RuimteError("how many people there are then is not known: no estimate is stored", lab.key, mend)
    mean, sd = np.full((2, len(network.zones)), np.nan)
    places = states["place"].to_numpy()
    mean[places], sd[places] = states["mean"].to_numpy(), states["sd"].to_numpy()
    if np.isnan(mean).all():
        when = f"{from_us(last).astimezone(lab.zone):%Y-%m-%d %H:%M}"
        raise RuimteError(f"how many people there are at {when} is not known", lab.key, "choose another --at")
    return int(last), mean, np.nan_to_num(sd)


def _rates(model: Model, source: Reader, network: Network, start_us: int) -> tuple[Array, float]:
    """Persons/s who passed each link in the time before, corrected for who is not counted; and how many were counted.

    The mean of what was believed; several counters of one way are averaged. A way that nobody counts has 0.
    """
    rates, seen, total = np.zeros(len(network.source)), np.zeros(len(network.source)), 0.0
    for stream in model.streams:
        link = model.links[stream.link]
        if link.gate not in network.gates:
            continue
        rows = source.read(lambda c, i=stream.id: observations.current(c, i, start_us - LATELY_US, start_us))  # type: ignore[misc]
        flags, counts = rows["flags"].to_numpy(), rows["result"].to_numpy()
        believed = ((flags & (Flag.DOUBTFUL | Flag.TOMBSTONE)) == 0) & ~np.isnan(counts)
        seconds = (rows["end_us"].to_numpy() - rows["start_us"].to_numpy())[believed].sum() / 1e6
        if seconds > 0:
            number = network.link(link.gate, link.way == "in")
            rates[number] += counts[believed].sum() / stream.detection / seconds
            seen[number] += 1
            total += float(counts[believed].sum())
    return rates / np.maximum(seen, 1), total


def _forecast(model: Model, source: Reader, network: Network, start_us: int, steps: int) -> Array | None:
    """Forecast quantiles at the ends of the next ticks, (zones, steps, 21), NaN where there is none; None: none at all."""
    ids, found = source.place_ids(), np.full((len(network.zones), steps, len(LEVELS)), np.nan)
    valid = start_us + model.tick_us * np.arange(1, steps + 1)
    for z, key in enumerate(network.zones):
        stored = source.read(lambda c, i=ids[key]: results.forecast_at(c, i, start_us))  # type: ignore[misc]
        if stored is not None:
            _, mine, theirs = np.intersect1d(valid, stored.valid_us, return_indices=True)
            found[z, mine] = np.maximum.accumulate(stored.quantiles[theirs].astype(np.float64), axis=-1)
    return None if np.isnan(found).all() else found


def warning_levels(lab: Lab, model: Model, zones: int) -> tuple[tuple[tuple[str, ...], ...], Array]:
    """Names of each zone's levels that warn, and where they start, persons: (zones, levels), NaN where a zone has fewer.

    A zone that is compared with its own past has none here: that past is the node's.
    """
    lowest = colour(lab.file.warn.from_level)
    found = []
    for place in model.places[:zones]:
        scale = () if place.levels in (None, UNUSUAL) else thresholds_for(place, table(str(place.levels)))
        found.append([(each.level, each.lower) for each in scale if colour(each.level) >= max(lowest, 1)])
    limits = np.full((zones, max((len(each) for each in found), default=0)), np.nan)
    for z, each in enumerate(found):
        limits[z, : len(each)] = [lower for _, lower in each]
    return tuple(tuple(name for name, _ in each) for each in found), limits

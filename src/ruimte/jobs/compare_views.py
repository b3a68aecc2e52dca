"""From a comparison to what a page shows of it, in one language: chances, side effects, who waits outside, who is shut in."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from babel.numbers import format_percent
from numpy.typing import NDArray

from ruimte.clock import MINUTE_US, iso
from ruimte.errors import RuimteError
from ruimte.jobs.compare_sentences import DOES
from ruimte.jobs.compared import CompareView, Curve, LevelChance, MeasureEffect, Waiting, ZoneEffect
from ruimte.jobs.comparing import Compared
from ruimte.jobs.words import Words
from ruimte.lab.lab import Lab
from ruimte.lab.levels import colour
from ruimte.lab.scenario import scenario_of
from ruimte.model.forecast import MEDIAN, level_index
from ruimte.text import pick
from ruimte.whatif.compare import Outcome
from ruimte.whatif.measures import times

Array = NDArray[np.float64]

POINT = 0.01
"""A chance that changes by less is told as unchanged."""
LEAST = 0.05
"""A chance that is smaller and does not change is not told."""
_BAND = (level_index(0.05), MEDIAN, level_index(0.95))
_LEVELS_FROM = 4
"""Levels of this colour and above (E, P95) are told beside the warning's own."""
_LEAST_MIN = 0.5
"""Less time than this above a level is no gain."""
SHARE, FEWEST = 0.05, 10.0
"""A median that changes by less than this share, or by fewer people, is told as unchanged."""
_TOLD = 3
"""So many zones are named in a summary."""


def compare_view(lab: Lab, found: Compared, place: str, level: str, warning: int | None, language: str) -> CompareView:
    """A comparison as it bears on one zone and a level of it, in one language."""
    return _Teller(lab, found, place, level, language).view(warning)


def not_compared(
    lab: Lab,
    place: str,
    level: str,
    warning: int | None,
    measures: tuple[str, ...],
    at_us: int,
    error: RuimteError,
    language: str,
) -> CompareView:
    """Where nothing can be compared: why, and the measures all the same."""
    words = Words(lab, language)
    return CompareView(
        warning=warning,
        place=place,
        place_name=words.place(place),
        level=level,
        colour=colour(level),
        from_=iso(at_us),
        valid=[],
        worst=None,
        members=0,
        above_min=None,
        measures=[_not_simulated(lab, key, language) for key in measures],
        notes=[],
        why_not=f"{error.what}; {error.mend}" if error.mend else error.what,
    )


def above_minutes(found: Compared, outcome: Outcome, shade: int) -> float:
    """Expected minutes at the level of this place in the palette or above, over all zones whose people are known."""
    every = found.situation.every
    return sum(
        float(np.nansum(outcome.chance[z, row])) * every
        for z, names in enumerate(found.names)
        if (row := row_of(names, shade)) is not None
    )


def row_of(names: tuple[str, ...], shade: int) -> int | None:
    """Number of a zone's lowest level of this place in the palette or above; None: it has none."""
    return next((row for row, name in enumerate(names) if colour(name) >= shade), None)


class _Teller:
    def __init__(self, lab: Lab, found: Compared, place: str, level: str, language: str) -> None:
        self._lab = lab
        self._found = found
        self._place = place
        self._level = level
        self._shade = colour(level)
        self._language = language
        self._words = Words(lab, language)
        self._zones = found.network.zones
        self._without = found.comparison.outcomes["nothing"]
        self._worst = self._worst_step()
        self._names = [self._words.place(key) for key in self._zones]

    def view(self, warning: int | None) -> CompareView:
        found, s = self._found, self._found.situation
        without_min = above_minutes(found, self._without, self._shade)
        told = sorted((self._measure(key, without_min) for key in found.schedules), key=_order)
        ranked = [_ranked(each, number) for number, each in enumerate(told, 1)]
        others = [_not_simulated(self._lab, key, self._language) for key in found.measures if key not in found.schedules]
        return CompareView(
            warning=warning,
            place=self._place,
            place_name=self._words.place(self._place),
            level=self._level,
            colour=self._shade,
            from_=iso(s.start_us),
            valid=[iso(at) for at in s.valid_us.tolist()],
            worst=iso(int(s.valid_us[self._worst])),
            members=found.members,
            above_min=round(without_min, 1),
            measures=[*ranked, *others],
            notes=self._notes(),
            why_not=None,
        )

    def _worst_step(self) -> int:
        zone = self._zones.index(self._place)
        row = row_of(self._found.names[zone], self._shade)
        chance = None if row is None else self._without.chance[zone, row]
        if chance is None or np.isnan(chance).all():
            people = self._without.people[zone, :, MEDIAN]
            return int(np.nanargmax(people)) if not np.isnan(people).all() else 0
        return latest_worst(chance)

    def _notes(self) -> list[str]:
        s, words = self._found.situation, self._words
        minutes, members = str(self._found.minutes), str(self._found.members)
        notes = [words.sentence("compare.members", {"members": members, "time": s.start_us, "minutes": minutes})]
        if self._found.after_end:
            notes.append(words.sentence("compare.ending", {}))
        if s.unknown:
            notes.append(words.sentence("compare.unknown", {"places": ", ".join(self._names[z] for z in s.unknown)}))
        if s.network.assumed_width:
            gates = ", ".join(words.sensor(gate) for gate in s.network.assumed_width)
            notes.append(words.sentence("compare.width", {"gates": gates}))
        return notes

    def _measure(self, key: str, without_min: float) -> MeasureEffect:
        entry, outcome = self._lab.measures[key], self._found.comparison.outcomes[key]
        zones = sorted((self._zone(z, outcome) for z in range(len(self._zones))), key=self._place_first)
        waiting = self._waiting(outcome)
        with_min = above_minutes(self._found, outcome, self._shade)
        figures = {"at_level": self._at(self._level), "with_min": with_min, "without_min": without_min}
        people = self._people(outcome)
        fewer = people["with_people"] <= people["without_people"] - _moves(people)
        better = with_min < without_min - _LEAST_MIN or (fewer and with_min < without_min + _LEAST_MIN)
        reasons = [self._words.sentence("compare.rank", figures), self._words.sentence("compare.rank-people", people)]
        if not better:
            reasons.insert(0, self._words.sentence("compare.no-better", {}))
        if _trapped(zones):
            reasons.insert(0, self._words.sentence("compare.rank-trapped", {}))
        return MeasureEffect(
            key=key,
            name=pick(entry.name, self._language),
            decides=pick(entry.decides, self._language),
            simulated=True,
            rank=None,
            better=better,
            reason=" ".join(reasons),
            summary=self._summary(entry.name, zones, waiting, people),
            notes=self._measure_notes(key, zones, waiting),
            above_min=round(with_min, 1),
            zones=zones,
            waiting=waiting,
        )

    def _people(self, outcome: Outcome) -> dict[str, Any]:
        """The warned place's median without and with, when it is at its worst; 0 where it is not known."""
        zone = self._zones.index(self._place)
        pair = (float(np.nan_to_num(each.people[zone, self._worst, MEDIAN])) for each in (self._without, outcome))
        at_us = int(self._found.situation.valid_us[self._worst])
        return {"place": self._names[zone], "time": at_us, **dict(zip(("without_people", "with_people"), pair, strict=True))}

    def _place_first(self, zone: ZoneEffect) -> tuple[bool, float]:
        """The warned place, then where a chance changes most."""
        return zone.zone != self._place, -max((_moved(each) for each in zone.levels), default=0.0)

    def _zone(self, z: int, outcome: Outcome) -> ZoneEffect:
        known = z not in self._found.situation.unknown
        levels = self._levels(z, outcome) if known else []
        return ZoneEffect(
            zone=self._zones[z],
            name=self._names[z],
            known=known,
            told=bool(levels),
            levels=levels,
            without=_curve(self._without.people[z]) if known else None,
            with_=_curve(outcome.people[z]) if known else None,
            colour_without=self._colour(z, self._without) if known else None,
            colour_with=self._colour(z, outcome) if known else None,
            trapped=round(float(outcome.trapped[z].max()), 1),
        )

    def _levels(self, z: int, outcome: Outcome) -> list[LevelChance]:
        """The warning's own level, and those from E on, each where it is worth telling."""
        names, told = self._found.names[z], []
        rows = {row_of(names, self._shade)} | {row for row, name in enumerate(names) if colour(name) >= _LEVELS_FROM}
        for row in sorted(row for row in rows if row is not None):
            before, after = self._without.chance[z, row], outcome.chance[z, row]
            if np.isnan(before).all():
                continue
            step = latest_worst(after) if np.nanmax(after) > np.nanmax(before) + POINT / 2 else latest_worst(before)
            if z == self._zones.index(self._place):
                step = self._worst  # of the warned place all measures are told of at one moment: what is without is the same
            pair = float(before[step]), float(after[step])
            if abs(pair[1] - pair[0]) >= POINT or max(pair) >= LEAST:
                told.append(
                    LevelChance(
                        level=names[row],
                        colour=colour(names[row]),
                        threshold=round(float(self._found.limits[z, row, step]), 1),
                        at=iso(int(self._found.situation.valid_us[step])),
                        without=round(pair[0], 4),
                        with_=round(pair[1], 4),
                    )
                )
        return told

    def _colour(self, z: int, outcome: Outcome) -> int | None:
        """The median's place in the palette when the warned place is at its worst."""
        limits, names = self._found.limits[z, :, self._worst], self._found.names[z]
        if np.isnan(limits[: len(names)]).any():
            return None
        passed = [name for name, limit in zip(names, limits, strict=False) if outcome.people[z, self._worst, MEDIAN] >= limit]
        return colour(passed[-1]) if passed else 0

    def _waiting(self, outcome: Outcome) -> list[Waiting]:
        more = (outcome.queue - self._without.queue).max(axis=1, initial=0.0)
        gates = self._found.network.outer
        return [
            Waiting(gate=gate, name=self._words.sensor(gate), people=round(float(count)))
            for gate, count in zip(gates, more.tolist(), strict=True)
            if count >= 1
        ]

    def _summary(self, name: Any, zones: list[ZoneEffect], waiting: list[Waiting], people: dict[str, Any]) -> str:
        """One sentence: the warned place, then where the chance changes most, who waits and who is shut in."""
        changed = [(each, self._main(each)) for each in zones]
        moved = [(each, level) for each, level in changed if level and (each.zone == self._place or _moved(level) >= POINT)]
        moved.sort(key=lambda pair: (pair[0].zone != self._place, -_moved(pair[1])))
        parts, before = [], ""
        for each, level in moved[:_TOLD]:
            figures = {"place": each.name, "at_level": self._at(level.level)}
            whose = each.name if level.level == before else self._words.sentence("compare.zone", figures)
            parts.append(f"{whose} {self._chance(level.without)} → {self._chance(level.with_)}")
            before = level.level
        if len(moved) > _TOLD:
            more = len(moved) - _TOLD
            parts.append(self._words.sentence("compare.one-more" if more == 1 else "compare.more", {"count": str(more)}))
        if not any(_moved(level) >= POINT for _, level in moved):
            parts.append(self._words.sentence("compare.nothing", {"minutes": str(self._found.minutes)}))
        if abs(people["with_people"] - people["without_people"]) >= _moves(people):
            parts.append(self._words.sentence("compare.people", people))
        for each in _trapped(zones):
            parts.append(self._words.sentence("compare.trapped", {"place": each.name, "people": each.trapped}))
        if waiting:
            parts.append(self._words.sentence("compare.waiting", {"people": sum(each.people for each in waiting)}))
        return f"{pick(name, self._language)}: {'; '.join(parts)}."

    def _main(self, zone: ZoneEffect) -> LevelChance | None:
        """The level to tell of a zone: of the warned place the warning's, elsewhere the one whose chance changes most."""
        if not zone.levels:
            return None
        if zone.zone == self._place:
            return next((each for each in zone.levels if each.level == self._level), zone.levels[0])
        return max(zone.levels, key=_moved)

    def _measure_notes(self, key: str, zones: list[ZoneEffect], waiting: list[Waiting]) -> list[str]:
        words, lab, found = self._words, self._lab, self._found
        steps, idle = scenario_of(lab, [key]).steps, set(found.schedules[key].idle)
        notes = [words.sentence("compare.trapped-note", {"place": each.name, "people": each.trapped}) for each in _trapped(zones)]
        notes += [words.sentence("compare.waiting-note", {"people": each.people, "gate_name": each.name}) for each in waiting]
        if len(idle) == len(steps):
            return [*notes, words.sentence("compare.all-idle", {})]
        begins = [times(step, found.end_us, lab.zone)[0] for number, step in enumerate(steps) if number not in idle]
        if begins and min(begins) >= found.end_us + MINUTE_US:
            notes.append(words.sentence("compare.works", {"time": min(begins)}))
        if idle:
            actions = dict.fromkeys(pick(DOES[steps[number].action.do], self._language) for number in sorted(idle))
            notes.append(words.sentence("compare.idle", {"actions": ", ".join(actions)}))
        return notes

    def _at(self, level: str) -> str:
        if level.startswith("P"):
            return level
        return f"niveau {level}" if self._language == "nl" else f"level {level}"

    def _chance(self, value: float) -> str:
        """In whole percents, never 0 % or 100 %: no simulation is that sure."""
        if value > 0.99:
            return f">{format_percent(0.99, locale=self._language)}"
        if value < POINT:
            return f"<{format_percent(POINT, locale=self._language)}"
        return str(format_percent(value, locale=self._language))


def latest_worst(chance: Array) -> int:
    """The step with the highest chance; of those within half a point of it the last, when a measure has worked longest."""
    return int(np.flatnonzero(chance >= np.nanmax(chance) - POINT / 2)[-1])


def _moved(level: LevelChance) -> float:
    return abs(level.with_ - level.without)


def _trapped(zones: list[ZoneEffect]) -> list[ZoneEffect]:
    return [each for each in zones if each.trapped >= 0.5]


def _order(effect: MeasureEffect) -> tuple[bool, float, float, float]:
    """Who has no way out comes last; then the least time above the level, in minutes; then the fewest people at the place; then
    who waits."""
    people = effect.zones[0].with_
    average = 0.0 if people is None else float(np.mean(people.q50))
    return bool(_trapped(effect.zones)), round(effect.above_min or 0.0), average, sum(each.people for each in effect.waiting)


def _moves(people: dict[str, Any]) -> float:
    """By how many people the median changes at least to be told."""
    return max(FEWEST, SHARE * float(people["without_people"]))


def _ranked(effect: MeasureEffect, rank: int) -> MeasureEffect:
    return msgspec.structs.replace(effect, rank=rank)


def _not_simulated(lab: Lab, key: str, language: str) -> MeasureEffect:
    entry = lab.measures[key]
    return MeasureEffect(
        key=key,
        name=pick(entry.name, language),
        decides=pick(entry.decides, language),
        simulated=False,
        rank=None,
        better=False,
        reason="",
        summary="",
        notes=[],
        above_min=None,
        zones=[],
        waiting=[],
    )


def _curve(people: Array) -> Curve:
    low, middle, high = (people[:, at].round(1).tolist() for at in _BAND)
    return Curve(q05=low, q50=middle, q95=high)

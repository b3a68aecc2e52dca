"""What the invented room tells of measures: one empties the warned place into its neighbours, one does little."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ruimte.clock import MINUTE_US, SECOND_US, from_us, iso
from ruimte.jobs.compared import CompareView, Curve, Effect, LevelChance, MeasureEffect, Waiting, ZoneEffect
from ruimte.lab.lab import Lab
from ruimte.lab.levels import colour
from ruimte.text import pick

STEP_US, STEPS = 15 * MINUTE_US, 4
SHARE = {"stewards": 0.95, "one-way": 0.6}
"""What is left of the people at the warned place after an hour, by measure; ``screens`` is not simulated."""


def fake_comparison(
    lab: Lab,
    place: str,
    level: str,
    warning: int | None,
    measures: Sequence[str],
    language: str,
    at_us: int,
    people: Callable[[str, int], float],
) -> CompareView:
    """The comparison of an invented moment. ``people`` (zone, µs) are those without a measure."""
    valid = [at_us + (step + 1) * STEP_US for step in range(STEPS)]
    why_not = None if place in lab.zones else {"en": "a street, not a zone", "nl": "een straat, geen gebied"}[language]
    told = [_effect(lab, key, place, level, language, valid, people) for key in measures if key in SHARE and not why_not]
    told.sort(key=lambda each: each[0])
    ranked = [effect(rank) for rank, (_, effect) in enumerate(told, 1)]
    left = [key for key in measures if why_not or key not in SHARE]
    zone = lab.zones.get(place) or lab.count_points[place]
    return CompareView(
        warning=warning,
        place=place,
        place_name=pick(zone.name, language),
        level=level,
        colour=colour(level),
        from_=iso(at_us),
        valid=[iso(at) for at in valid],
        worst=None if why_not else iso(valid[-1]),
        members=200,
        above_min=42.0,
        measures=[*ranked, *(_plain(lab, key, language) for key in left)],
        notes=[{"en": "Simulated 200 times.", "nl": "200 keer gesimuleerd."}[language]],
        why_not=why_not,
    )


def _effect(
    lab: Lab, key: str, place: str, level: str, language: str, valid: list[int], people: Callable[[str, int], float]
) -> tuple[float, Callable[[int], MeasureEffect]]:
    entry, share = lab.measures[key], SHARE[key]
    nl = language == "nl"
    zones = []
    for zone in sorted(lab.zones.values(), key=lambda each: each.key != place):
        without = [people(zone.key, at) for at in valid]
        factor = share if zone.key == place else 2 - share
        with_ = [one * (1 + (factor - 1) * (step + 1) / len(valid)) for step, one in enumerate(without)]
        chances = (0.62, 0.62 * share**4) if zone.key == place else (0.03, 0.03 + (1 - share) / 2)
        chance = LevelChance(
            level=level, colour=colour(level), threshold=2500.0, at=iso(valid[-1]), without=chances[0], with_=chances[1]
        )
        zones.append(
            ZoneEffect(
                zone=zone.key,
                name=pick(zone.name, language),
                known=True,
                told=zone.key in (place, "boulevard-north"),
                levels=[chance] if zone.key in (place, "boulevard-north") else [],
                without=_curve(without),
                with_=_curve(with_),
                colour_without=4 if zone.key == place else 1,
                colour_with=2 if zone.key == place else 3 if zone.key == "boulevard-north" else 1,
                trapped=0.0,
            )
        )
    waiting = [Waiting(gate="boulevard-gate", name="Boulevard", people=140)] if key == "one-way" else []
    summary = f"{pick(entry.name, language)}: 62% → {62 * share**4:.0f}%"
    left = 42.0 * share**4

    def ranked(rank: int) -> MeasureEffect:
        return MeasureEffect(
            key=key,
            name=pick(entry.name, language),
            decides=pick(entry.decides, language),
            simulated=True,
            rank=rank,
            better=True,
            reason=f"Tijd op niveau E of hoger: {left:.0f} min." if nl else f"Time at level E or above: {left:.0f} min.",
            summary=summary + "." if not waiting else summary + ("; 140 mensen wachten." if nl else "; 140 people wait outside."),
            notes=[],
            above_min=left,
            zones=zones,
            waiting=waiting,
        )

    return left, ranked


def _plain(lab: Lab, key: str, language: str) -> MeasureEffect:
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


def _curve(people: list[float]) -> Curve:
    return Curve(q05=[each * 0.8 for each in people], q50=people, q95=[each * 1.25 for each in people])


def fake_effect(lab: Lab, measure: str, decided_us: int, now_us: int, language: str, people: Callable[[int], float]) -> Effect:
    """What was predicted for one place; ``people`` (µs) are those without the measure."""
    valid = [decided_us + (step + 1) * STEP_US for step in range(STEPS)]
    without = [people(at) for at in valid]
    with_ = [one * (1 - 0.1 * (step + 1)) for step, one in enumerate(without)]
    name = pick(lab.measures[measure].name, language)
    known = [step for step, at in enumerate(valid) if at <= now_us]
    step = known[-1] if known else STEPS - 1
    clock = from_us(valid[step]).astimezone(lab.zone).strftime("%H:%M")
    middle, low, high = with_[step], 0.8 * with_[step], 1.25 * with_[step]
    measured = f"{people(valid[step]):,.0f}"
    told = {
        "en": f"Predicted with {name}: {middle:,.0f} at {clock} ({low:,.0f}–{high:,.0f}), without: {without[step]:,.0f}; "
        + (f"measured: {measured}." if known else "not measured yet."),
        "nl": f"Voorspeld met {name}: {middle:.0f} om {clock} ({low:.0f}–{high:.0f}), zonder: {without[step]:.0f}; "
        + (f"gemeten: {measured}." if known else "nog niet gemeten."),
    }
    return Effect(
        at=decided_us // SECOND_US,
        measure=measure,
        name=name,
        t=[at // SECOND_US for at in valid],
        without_q50=without,
        with_q05=[each * 0.8 for each in with_],
        with_q50=with_,
        with_q95=[each * 1.25 for each in with_],
        told=told[language],
    )

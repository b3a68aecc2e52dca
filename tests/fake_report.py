"""The after-action report of the invented room: its own figures, made into one evening."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ruimte.clock import HOUR_US, MINUTE_US
from ruimte.report.evening import (
    DecisionTold,
    Evening,
    FaultTold,
    LogTold,
    PlaceTold,
    SensorTold,
    SkillTold,
    WarningTold,
    judge,
    misses,
)
from ruimte.text import pick

if TYPE_CHECKING:
    from fake_room import FakeRoom, Spot

TICK_US = 15 * MINUTE_US


def fake_evening(room: FakeRoom, language: str, from_us: int, until_us: int) -> Evening:
    """The period as the invented room went through it."""
    from fake_room import MEASURES, SPOTS

    places = [_place(spot, language, from_us, until_us) for spot in SPOTS]
    by_key = {place.key: place for place in places}
    measures = {measure.key: pick(measure.name, language) for measure in MEASURES}
    warnings, decisions = [], []
    for id_, (spot, opened_us) in room.begun.items():
        place = by_key[spot.key]
        ahead = next((name for name, colour in zip(place.names, place.colours, strict=True) if colour >= 3), "D")
        who, measure, note = room.decisions.get(id_, ("", None, ""))
        busy = np.flatnonzero((place.ends_us > opened_us) & (place.rank >= place.warns_from))
        calm = np.flatnonzero((place.ends_us > place.ends_us[busy[0]]) & (place.rank < place.warns_from)) if len(busy) else busy
        told = WarningTold(
            id=id_,
            place=spot.key,
            level=ahead,
            priority=2,
            probability=0.72,
            opened_us=opened_us,
            acknowledged_us=opened_us + (2 + id_) * MINUTE_US if id_ in room.acknowledged else None,
            by=room.acknowledged.get(id_),
            answer=measures.get(measure or ""),
            measure=measure in measures,
            closed_us=int(place.ends_us[calm[0]]) if len(calm) else None,
        )
        warnings.append(told)
        if measure is not None:
            most = int(np.nanargmax(place.mean))
            limit = float(place.limits[place.names.index(ahead), 0])
            expected = 1.08 * float(place.mean[most])
            decisions.append(
                DecisionTold(
                    at_us=opened_us + 5 * MINUTE_US,
                    place=spot.key,
                    what=measures[measure],
                    by=who,
                    note=note,
                    level=ahead,
                    limit=limit,
                    expected=expected,
                    expected_us=int(place.ends_us[most]),
                    probability=0.72,
                    peak=float(place.mean[most]),
                    peak_us=int(place.ends_us[most]),
                    passed=True,
                )
            )
    lines = [line for line in room.lines if from_us <= line[0] < until_us]
    silent = {"en": "Not heard any more: New Bridge.", "nl": "Niets meer gehoord van: Nieuwe Brug."}
    return Evening(
        lab=pick(room.lab.file.name, language),
        organisation=room.lab.file.organisation,
        attribution=pick(room.lab.file.attribution, language),
        synthetic=True,
        from_us=from_us,
        until_us=until_us,
        made_us=until_us,
        tick_us=TICK_US,
        look_ahead_us=3 * HOUR_US,
        places=places,
        warnings=[judge(warning, by_key[warning.place]) for warning in warnings],
        misses=[miss for place in places for miss in misses(place, warnings, TICK_US, TICK_US)],
        decisions=decisions,
        faults=[FaultTold(from_us + HOUR_US, silent[language])],
        skill=[SkillTold(place.key, HOUR_US, 0.12, 0.19, 0.9, 24) for place in places[:5]],
        log=[LogTold(at_us, text[language], who) for at_us, _, _, text, who, _ in lines],
        sensors=[SensorTold(f"{place.key}-1", place.name, "infrared", "Example", len(place.ends_us)) for place in places],
        algorithms=["counting-line-balance 2", "learned-ratio 1", "rate-filter 2"],
        version="0",
        files_hash="0" * 64,
    )


def _place(spot: Spot, language: str, from_us: int, until_us: int) -> PlaceTold:
    from fake_room import LEVELS, PERCENTILES, figure, thresholds

    ends = np.arange(from_us + TICK_US, until_us + 1, TICK_US, dtype=np.int64)
    mean = np.array([figure(spot, int(at)) for at in ends])
    limits = [0.0, *thresholds(spot).values()]
    return PlaceTold(
        key=spot.key,
        name=pick(spot.name, language),
        unit="persons" if spot.area_m2 else "persons/h",
        table="fruin-walkway" if spot.area_m2 else "unusual",
        names=LEVELS if spot.area_m2 else PERCENTILES,
        colours=(0, 1, 2, 3, 4, 5) if spot.area_m2 else (0, 3, 4, 5),
        ends_us=ends,
        mean=mean,
        q05=0.93 * mean,
        q95=1.07 * mean,
        heard=np.full(len(ends), not spot.silent),
        limits=np.tile(np.array(limits)[:, None], (1, len(ends))),
        warns_from=3 if spot.area_m2 else 1,
    )

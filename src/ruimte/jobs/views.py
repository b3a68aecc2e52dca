"""From pictures, warnings and log lines to what a page shows, in one language."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ruimte.clock import HOUR_US, SECOND_US, iso
from ruimte.estimate.distance import capacity_at_distance
from ruimte.forecast.score import BASELINES, Skill
from ruimte.jobs.effects import effects
from ruimte.jobs.health import WORST, SensorHealth, figures, sensor_of, sentence, unwatched
from ruimte.jobs.reasons import scale_of
from ruimte.jobs.room import (
    Ahead,
    Chance,
    DistanceView,
    LoadView,
    LogView,
    MeasureView,
    SensorView,
    Series,
    SkillView,
    WarningView,
    ZoneView,
)
from ruimte.jobs.station import Picture, Station
from ruimte.jobs.words import Words
from ruimte.lab.levels import colour
from ruimte.model.forecast import LEVELS, MEDIAN, level_index
from ruimte.model.warning import Warning  # noqa: A004 - the field's own word
from ruimte.store import observations
from ruimte.store.records import LogEntry
from ruimte.store.results import StoredForecast
from ruimte.text import pick
from ruimte.warn.decide import Risk, above_now
from ruimte.warn.situations import load

_LEAST_SHOWN = 0.05
"""A risk below this is not worth a place on the page."""
_BAND = tuple(level_index(level) for level in (0.05, 0.25, 0.5, 0.75, 0.95))
"""Indices of the quantiles that a chart shows."""


def zone_views(station: Station, picture: Picture, language: str, now_us: int | None = None) -> list[ZoneView]:
    """All places of a picture, in the lab's order, as seen at ``now_us`` (else at its own time)."""
    return [zone_view(station, picture, index, language, now_us) for index in range(len(station.model.places))]


def zone_view(station: Station, picture: Picture, index: int, language: str, now_us: int | None = None) -> ZoneView:
    """One place of a picture, as seen at ``now_us`` (else at its own time)."""
    late_us = 0 if now_us is None else now_us - picture.end_us
    place, scale_table = station.model.places[index], station.thresholds.scales[index]
    scale, unit = scale_of(place)
    state = {name: float(column[index]) for name, column in picture.states.items()}
    tick = int(station.model.tick_of_end(np.array([picture.end_us]))[0])
    lower = station.thresholds.lower(index, tick)
    silent = station.is_silent(int(state["age_us"]))
    level = None if silent else scale_table.level_of(state["mean"], lower)
    mean = _known(state["mean"] * scale)
    shade = colour(level) if level is not None else 0
    is_zone = place.key in station.lab.zones
    names = scale_table.names[1:]
    chances = above_now(np.array([state["mean"]]), np.array([state["sd"]]), np.array([lower[1:]]))[0]
    return ZoneView(
        key=place.key,
        name=pick(place.name, language),
        kind="zone" if is_zone else "count_point",
        unit=unit,
        time=iso(picture.end_us),
        mean=mean,
        q05=_known(state["q05"] * scale),
        q25=_known(state["q25"] * scale),
        q75=_known(state["q75"] * scale),
        q95=_known(state["q95"] * scale),
        density=_known(state["mean"] / place.area_m2) if is_zone and place.area_m2 else None,
        inflow=_known(state["inflow"] * 3600),
        inflow_sd=_known(state["inflow_sd"] * 3600),
        outflow=_known(state["outflow"] * 3600),
        outflow_sd=_known(state["outflow_sd"] * 3600),
        observed=state["observed"],
        age_s=None if state["age_us"] < 0 else (state["age_us"] + late_us) / SECOND_US,
        silent=silent,
        table=scale_table.table,
        level=level,
        colour=shade,
        abnormal=shade >= 3,
        thresholds=_thresholds(scale_table.names, lower, scale),
        chances={} if mean is None or silent else _thresholds((names[0], *names), [0.0, *chances.tolist()], 1.0) if names else {},
        sensors=station.sensors_of(index),
        rests_on=_rests_on(station, picture, index, language, now_us),
        distance=_distance(station, index, state),
        forecast=picture.forecast is not None and bool(picture.forecast.quantiles[index, 0, MEDIAN] >= 0),
        caveats=_caveats(station, picture, index, language),
        ahead=_ahead(picture.risks[index], station.lab.file.warn.open_at),
        soon=_soon(picture.risks[index], station.lab.file.warn.open_at, picture.end_us),
    )


def _caveats(station: Station, picture: Picture, index: int, language: str) -> list[str]:
    """What is to be known about a place's forecast; of one that was read back nothing is."""
    if picture.forecast is None:
        return []
    words = Words(station.lab, language)
    told = {"broken": picture.forecast.broken, "young": picture.forecast.young}
    return [words.sentence(f"caveat.{kind}", {}) for kind, places in told.items() if index in places]


def _distance(station: Station, index: int, state: dict[str, float]) -> DistanceView | None:
    distance_m, area_m2 = station.lab.file.distancing.distance_m, station.model.places[index].area_m2
    if distance_m is None or area_m2 is None:
        return None
    capacity = capacity_at_distance(area_m2, distance_m)
    known = state["mean"] == state["mean"]
    chance = above_now(np.array([state["mean"]]), np.array([state["sd"]]), np.array([[capacity]]))[0, 0]
    return DistanceView(distance_m=distance_m, capacity=capacity, exceeded=float(chance) if known else None)


def _rests_on(station: Station, picture: Picture, index: int, language: str, now_us: int | None) -> list[SensorView]:
    """What a place's figure rests on. Of the past only what it rested on is known, not the health of then."""
    words, now = Words(station.lab, language), picture is station.picture
    left_out = set(picture.left_out[index])
    asked: dict[str, list[int]] = {}
    for stream in station.model.tells_of(index):
        if stream.valid_from_us < picture.end_us and picture.end_us - station.model.tick_us < stream.valid_until_us:
            asked.setdefault(sensor_of(stream.key), []).append(stream.id)
    known = {one.key: one for one in station.health()} if now else {}
    views = []
    for key, ids in asked.items():
        used = not left_out.issuperset(ids)
        sensor = known.get(key)
        if sensor is None:
            word = "fine" if used else "left-out"
            views.append(_plain_sensor(words, key, "fine" if used else "silent", used, words.sentence(f"sensor.{word}", {})))
        else:
            views.append(_sensor_view(words, sensor, picture.end_us if now_us is None else now_us, used))
    views += _reported(station, words, picture, index, picture.end_us if now_us is None else now_us)
    gates = {station.model.links[i].gate for i in range(len(station.model.links)) if index in station.model.links[i].places}
    views += [_unwatched(words, gate) for gate in unwatched(station.lab, station.model) if gate in gates]
    return sorted(views, key=lambda view: (-_rank(view.condition), view.name))


def _reported(station: Station, words: Words, picture: Picture, index: int, now_us: int) -> list[SensorView]:
    """What people told of a place, as long as the picture is not silent without it."""
    model, end_us = station.model, picture.end_us
    begin_us = end_us - 2 * model.tick_us - model.lateness_us + 1
    views = []
    for report in (each for each in model.reports if each.place == index):
        asked = partial(observations.latest, stream=report.id, from_us=begin_us, until_us=end_us)
        told = station.store.read(asked)
        if told is not None:
            text = words.sentence("sensor.reported", {"time": told[0], "people": told[1]})
            view = _plain_sensor(words, report.key, "fine", True, text)
            views.append(msgspec.structs.replace(view, heard_s=max(0, now_us - told[0]) / SECOND_US))
    return views


def sensor_views(station: Station, language: str, now_us: int) -> list[SensorView]:
    """Every sensor, and the gates that none watches; those in trouble first."""
    words = Words(station.lab, language)
    views = [_sensor_view(words, sensor, now_us, sensor.used) for sensor in station.health()]
    views += [_unwatched(words, gate) for gate in unwatched(station.lab, station.model)]
    return sorted(views, key=lambda view: (-_rank(view.condition), view.name))


def _sensor_view(words: Words, sensor: SensorHealth, now_us: int, used: bool) -> SensorView:
    return SensorView(
        key=sensor.key,
        name=words.sensor(sensor.key),
        condition=sensor.condition,
        since=None if sensor.since_us is None else iso(sensor.since_us),
        heard_s=None if sensor.heard_us is None else max(0, now_us - sensor.heard_us) / SECOND_US,
        used=used,
        imbalance=sensor.imbalance,
        told=words.sentence(sentence(sensor), figures(sensor)),
    )


def _unwatched(words: Words, gate: str) -> SensorView:
    return _plain_sensor(words, gate, "missing", False, words.sentence("sensor.missing", {}))


def _plain_sensor(words: Words, key: str, condition: str, used: bool, told: str) -> SensorView:
    return SensorView(
        key=key, name=words.sensor(key), condition=condition, since=None, heard_s=None, used=used, imbalance=None, told=told
    )


def _rank(condition: str) -> int:
    return len(WORST) if condition == "missing" else [str(each) for each in WORST].index(condition)


def _ahead(risks: list[Risk], open_at: float) -> Ahead | None:
    """The highest level that is likely; where none is, the level that is most likely of all, if worth telling."""
    likely = [risk for risk in risks if risk.probability >= open_at]
    chosen = likely[-1] if likely else max(risks, key=lambda risk: risk.probability, default=None)
    if chosen is None or chosen.probability < _LEAST_SHOWN:
        return None
    return _told(chosen)


def _soon(risks: list[Risk], open_at: float, now_us: int) -> Ahead | None:
    """The highest level that is likely within an hour."""
    likely = [risk for risk in risks if risk.probability >= open_at and risk.at_us <= now_us + HOUR_US]
    return _told(likely[-1]) if likely else None


def _told(risk: Risk) -> Ahead:
    return Ahead(level=risk.level, rank=risk.rank, probability=risk.probability, at=iso(risk.at_us))


def series_view(
    station: Station,
    index: int,
    language: str,
    states: pa.Table,
    forecast: StoredForecast | None,
    decisions: Sequence[LogEntry] = (),
) -> Series:
    """The chart of one place: its past states, the forecast that was issued at their end, and what ``decisions`` predicted."""
    place = station.model.places[index]
    scale, unit = scale_of(place)
    valid = np.zeros(0, dtype=np.int64) if forecast is None else forecast.valid_us
    ends = np.concatenate([states["end_us"].to_numpy(), valid])
    ticks = station.model.tick_of_end(ends)
    now = int(ticks[max(0, states.num_rows - 1)]) if len(ticks) else 0
    names, limits = station.thresholds.over(index, ticks, now)
    ahead = np.full((0, len(LEVELS)), np.nan) if forecast is None else forecast.quantiles.astype(np.float64)
    bands = [_list(ahead[:, column] * scale) for column in _BAND]
    return Series(
        key=place.key,
        name=pick(place.name, language),
        unit=unit,
        table=station.thresholds.scales[index].table,
        limits={name: _list(row * scale) for name, row in zip(names, limits, strict=True)},
        issued=None if forecast is None else forecast.issued_us // SECOND_US,
        past_t=(states["end_us"].to_numpy() // SECOND_US).tolist(),
        # a line says "measured": where nothing was, only the band goes on
        past=_list(np.where(states["observed"].to_numpy() > 0, states["mean"].to_numpy(), np.nan) * scale),
        past_q05=_list(states["q05"].to_numpy() * scale),
        past_q95=_list(states["q95"].to_numpy() * scale),
        ahead_t=(valid // SECOND_US).tolist(),
        ahead_q05=bands[0],
        ahead_q25=bands[1],
        ahead_q50=bands[2],
        ahead_q75=bands[3],
        ahead_q95=bands[4],
        skill=[_skill_view(each) for each in station.skill(index)],
        effects=effects(station.lab, decisions, place.key, states, language),
    )


def _skill_view(skill: Skill) -> SkillView:
    last_week, profile = (_rounded(skill.baselines[name]) for name in BASELINES)
    return SkillView(
        from_h=skill.from_h,
        until_h=skill.until_h,
        error=_rounded(skill.nmae),
        last_week=last_week,
        profile=profile,
        within=_known(skill.coverage),
        pairs=skill.pairs,
    )


def warning_view(
    station: Station, warning: Warning, language: str, now_us: int | None = None, began: str | None = None
) -> WarningView:
    """A warning as a person reads it at ``now_us`` (else when it was last looked at); ``began``: the place of the first of its
    situation."""
    moment_us = warning.updated_us if now_us is None else now_us
    words = Words(station.lab, language)
    scale, unit = scale_of(station.place(warning.place))
    measures = [station.lab.measures[key] for key in warning.measures if key in station.lab.measures]
    return WarningView(
        id=warning.id,
        place=warning.place,
        place_name=words.place(warning.place),
        table=warning.table,
        level=warning.level,
        colour=colour(warning.level),
        priority=warning.priority,
        phase=warning.phase,
        opened=iso(warning.opened_us),
        updated=iso(warning.updated_us),
        closed=None if warning.closed_us is None else iso(warning.closed_us),
        probability=warning.probability,
        expected_at=iso(warning.expected_us),
        lead_s=max(0, warning.expected_us - moment_us) / SECOND_US,
        unit=unit,
        threshold=warning.threshold * scale,
        expected=None if warning.expected is None else warning.expected * scale,
        now=None if warning.now is None else warning.now * scale,
        reasons=[words.reason(reason) for reason in warning.reasons],
        measures=[
            MeasureView(key=m.key, name=pick(m.name, language), text=pick(m.text, language), decides=pick(m.decides, language))
            for m in measures
        ],
        acknowledged_by=None if warning.acknowledged_by is None else words.who(warning.acknowledged_by),
        decision=words.decision(warning.decision),
        answer=warning.decision,
        outlook=[Chance(at=iso(moment), probability=round(chance, 3)) for moment, chance in warning.outlook],
        earliest=None if warning.earliest_us is None else iso(warning.earliest_us),
        latest=None if warning.latest_us is None else iso(warning.latest_us),
        situation=warning.situation or warning.id,
        first=warning.situation in (0, warning.id),
        began=words.place(began or warning.place),
        surge=warning.surge,
        shelved_until=None if warning.shelved_until_us is None else iso(warning.shelved_until_us),
        escalated=None if warning.escalated_us is None else iso(warning.escalated_us),
    )


def load_view(station: Station, now_us: int) -> LoadView:
    """What was asked of the people on duty."""
    operators = station.lab.file.warn.operators
    found = load(station.book, operators, now_us)
    return LoadView(alarms=found.alarms, operators=operators, each=found.each, heavy=found.heavy, too_heavy=found.too_heavy)


def log_view(station: Station, entry: LogEntry, language: str) -> LogView:
    """A line of the logbook as a person reads it."""
    words = Words(station.lab, language)
    return LogView(
        id=entry.id,
        time=iso(entry.lab_us),
        wall_time=iso(entry.wall_us),
        kind=entry.kind,
        place=entry.place,
        warning=entry.warning,
        text=words.log(entry),
        who=words.who(entry.who),
        name=entry.name,
    )


def _thresholds(names: tuple[str, ...], lower: list[float], scale: float) -> dict[str, float]:
    pairs = zip(names[1:], lower[1:], strict=True)
    return {name: _rounded(limit * scale) for name, limit in pairs if limit == limit}


def _known(value: float) -> float | None:
    return None if value != value else _rounded(value)


def _rounded(value: float) -> float:
    """As exact as anybody reads it: the other digits would be half of what a page weighs."""
    return round(value, 4)


def _list(values: NDArray[Any]) -> list[float | None]:
    return [_known(value) for value in values.tolist()]

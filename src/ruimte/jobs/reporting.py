"""Reports from a lab's database: the logbook of a period, and the after-action report of one."""

from __future__ import annotations

import hashlib
import math
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ruimte import __version__
from ruimte.clock import HOUR_US, SECOND_US, SystemClock, from_us, iso
from ruimte.errors import RuimteError
from ruimte.jobs.reasons import scale_of
from ruimte.jobs.words import Words as Sentences
from ruimte.lab.lab import Lab
from ruimte.lab.levels import colour
from ruimte.model.forecast import LEVELS, MEDIAN, level_index
from ruimte.model.place import Model
from ruimte.model.warning import ANSWERS, Warning  # noqa: A004 - the field's own word
from ruimte.report import logbook as paper
from ruimte.report.after_action import after_action, in_short
from ruimte.report.evening import (
    DecisionTold,
    Evening,
    FaultTold,
    LogTold,
    Miss,
    PlaceTold,
    SensorTold,
    SkillTold,
    WarningTold,
    judge,
    misses,
)
from ruimte.report.pdf import to_pdf
from ruimte.report.words import Words
from ruimte.store import periods, records, results
from ruimte.store.records import LogEntry
from ruimte.text import duration_us, pick
from ruimte.warn.thresholds import Thresholds
from ruimte.warn.unusual import Unusual

LONGEST_US = 31 * 24 * HOUR_US
"""A report of more than a month is not what happened one evening, and would not fit in a page."""
_DECISIONS = ("decided", *ANSWERS)
_FAULTS = ("silent", "heard", "sends-personal")
_AHEAD_US = (HOUR_US, 3 * HOUR_US)
_BAND = (level_index(0.05), level_index(0.95))
_LEAST_PAIRS = 4
Floats = NDArray[np.float64]
T = TypeVar("T")


class Source(Protocol):
    """A database that is read: a reader of the file, or the running node's store."""

    def read(self, query: Any) -> Any: ...

    def place_ids(self) -> dict[str, int]: ...

    def stream_ids(self) -> dict[str, int]: ...


def role_of(who: str) -> str:
    """Who did something, as a report tells it: by role, never by name, which is kept beside the logbook for a while only."""
    return who


def require_period(from_us: int, until_us: int) -> None:
    """Raise ``RuimteError`` where a period ends before it begins, or is too long for a report."""
    if until_us <= from_us:
        raise RuimteError("the period ends before it begins", "from and to", "set a later end")
    if until_us - from_us > LONGEST_US:
        raise RuimteError("the period is longer than 31 days", "from and to", "choose a shorter one")


# ---- the logbook


def log_lines(lab: Lab, source: Source, language: str, from_us_: int, until_us: int) -> list[paper.Line]:
    """The lines of the logbook with a lab time in ``[from, until)``, oldest first."""
    words = Sentences(lab, language)
    return [
        paper.Line(
            id=entry.id,
            at_us=entry.lab_us,
            lab_time=_local(entry.lab_us, lab),
            wall_time=_local(entry.wall_us, lab),
            kind=entry.kind,
            place="" if entry.place is None else words.place(entry.place),
            warning=entry.warning,
            who=words.who(role_of(entry.who)),
            text=words.log(entry),
        )
        for entry in source.read(lambda c: records.log_between(c, from_us_, until_us))
    ]


def log_csv(lab: Lab, source: Source, language: str, from_us_: int, until_us: int) -> str:
    """The logbook of a period as CSV."""
    return paper.as_csv(log_lines(lab, source, language, from_us_, until_us), Words(language, lab.zone))


def log_page(lab: Lab, source: Source, language: str, from_us_: int, until_us: int, notice: str = "") -> str:
    """The logbook of a period as a page to print."""
    return paper.as_html(
        log_lines(lab, source, language, from_us_, until_us),
        Words(language, lab.zone),
        lab=pick(lab.file.name, language),
        synthetic=lab.file.synthetic,
        from_us=from_us_,
        until_us=until_us,
        notice=notice,
    )


# ---- the after-action report


def report_page(lab: Lab, model: Model, source: Source, language: str, from_us_: int, until_us: int) -> str:
    """The after-action report of a period as a page. Raises ``RuimteError`` without matplotlib, or for a period that is none."""
    return after_action(gather(lab, model, source, language, from_us_, until_us), Words(language, lab.zone))


def gather(lab: Lab, model: Model, source: Source, language: str, from_us_: int, until_us: int) -> Evening:
    """All that the database tells of ``[from_us_, until_us)``, in one language. Raises ``RuimteError`` where it is none."""
    require_period(from_us_, until_us)
    places = _places(lab, model, source, language, from_us_, until_us)
    by_key = {place.key: place for place in places}
    try:
        entries: list[LogEntry] = source.read(lambda c: records.log_between(c, from_us_, until_us))
        steps: list[tuple[int, Warning]] = source.read(lambda c: records.warning_steps(c, from_us_, until_us))
    except sqlite3.OperationalError as error:  # it is only read here: the schema is brought forward by who writes
        mend = f"let this version's node open it once: ruimte serve {lab.key}"
        raise RuimteError(f"was last opened by an older Ruimte ({error})", "database", mend) from None
    lives: dict[int, list[tuple[int, Warning]]] = {}
    for at_us, warning in steps:
        lives.setdefault(warning.id, []).append((at_us, warning))
    words = Sentences(lab, language)
    told = [_warning(life, words) for life in lives.values()]
    apart_us = duration_us(lab.file.warn.close_after)
    started = source.read(records.first_start)
    ran_from_us = math.inf if started is None else started + model.tick_us
    missed: list[Miss] = [miss for place in places for miss in misses(place, told, model.tick_us, apart_us, ran_from_us)]
    return Evening(
        lab=pick(lab.file.name, language),
        organisation=lab.file.organisation,
        attribution=pick(lab.file.attribution, language),
        synthetic=lab.file.synthetic,
        from_us=from_us_,
        until_us=until_us,
        made_us=SystemClock().now_us(),
        tick_us=model.tick_us,
        look_ahead_us=duration_us(lab.file.warn.look_ahead),
        places=places,
        warnings=[judge(warning, by_key.get(warning.place)) for warning in sorted(told, key=lambda each: each.opened_us)],
        misses=sorted(missed, key=lambda miss: miss.from_us),
        decisions=[_decision(entry, lives, lab, model, by_key, words) for entry in entries if entry.kind in _DECISIONS],
        faults=[FaultTold(e.lab_us, words.log(e)) for e in entries if e.kind in _FAULTS or e.kind.startswith("sensor-")],
        skill=_skill(lab, model, source, from_us_, until_us),
        log=[LogTold(entry.lab_us, words.log(entry), words.who(role_of(entry.who))) for entry in entries],
        sensors=_sensors(lab, source, language, from_us_, until_us),
        algorithms=[f"{key} {version}" for key, version in source.read(lambda c: periods.algorithms(c, from_us_, until_us))],
        version=__version__,
        files_hash=files_hash(lab),
    )


def last_known(source: Source) -> int:
    """The end of the newest state, µs. Raises ``RuimteError`` where there is none."""
    newest = source.read(periods.last_state)
    if newest is None:
        mend = "run the node, or estimate its history: ruimte estimate LAB"
        raise RuimteError("no state is known yet", "the lab's database", mend)
    return int(newest)


def write_report(e: Evening, lab: Lab, language: str, out: Path) -> None:
    """Write a report as HTML, or as PDF where the name ends so. Raises ``RuimteError`` where it cannot be made or written."""
    if out.suffix.lower() not in (".html", ".pdf"):
        raise RuimteError(f"{out.suffix or 'no ending'!s} is no kind of report", str(out), "let the name end in .html or .pdf")
    text = after_action(e, Words(language, lab.zone))
    body = to_pdf(text) if out.suffix.lower() == ".pdf" else text.encode()
    try:
        out.write_bytes(body)
    except OSError as error:
        raise RuimteError(f"cannot be written ({error.strerror or error})", str(out), "name a file you may write") from None


def lines(e: Evening, lab: Lab, language: str) -> list[str]:
    """A report in a few lines: what stands at its head."""
    words = Words(language, lab.zone)
    head = f"{e.lab}: {words.day(e.from_us)} – {words.day(e.until_us)}"
    return [head, *(f"{words(name)}: {strong}, {told}" for name, strong, told in in_short(e, words))]


def as_dict(e: Evening) -> dict[str, Any]:
    """The figures of a report for a program: times in ISO 8601 UTC, lengths of time in seconds."""

    def seconds(us: int | None) -> float | None:
        return None if us is None else us / SECOND_US

    return {
        "lab": e.lab,
        "from": iso(e.from_us),
        "to": iso(e.until_us),
        "known": e.known,
        "places": [
            {
                "key": place.key,
                "unit": place.unit,
                "worst": None
                if place.worst is None
                else {
                    "time": iso(int(place.ends_us[place.worst])),
                    "level": place.names[int(place.rank[place.worst])],
                    "figure": float(place.mean[place.worst]),
                },
                "warns_s": float((place.rank >= place.warns_from).sum() * e.tick_us / SECOND_US),
                "silent": e.silent_share(place),
            }
            for place in e.places
        ],
        "warnings": [
            {
                "id": judged.warning.id,
                "place": judged.warning.place,
                "level": judged.warning.level,
                "priority": judged.warning.priority,
                "opened": iso(judged.warning.opened_us),
                "acknowledged_after_s": None
                if judged.warning.acknowledged_us is None
                else seconds(judged.warning.acknowledged_us - judged.warning.opened_us),
                "answer": judged.warning.answer,
                "verdict": judged.verdict,
                "lead_s": seconds(judged.lead_us),
            }
            for judged in e.warnings
        ],
        "misses": [{"place": m.place, "level": m.level, "from": iso(m.from_us), "to": iso(m.until_us)} for m in e.misses],
        "decisions": len(e.decisions),
        "skill": [
            {"place": s.place, "ahead_s": seconds(s.ahead_us), "error": s.error, "as_it_was": s.as_it_was, "within": s.within}
            for s in e.skill
        ],
        "algorithms": e.algorithms,
        "files_hash": e.files_hash,
    }


def files_hash(lab: Lab) -> str:
    """SHA-256 of the lab's files, in the order of their names: what the report's settings were."""
    digest = hashlib.sha256()
    for path in sorted(each for each in lab.folder.glob("*.*") if each.is_file()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _places(lab: Lab, model: Model, source: Source, language: str, from_us_: int, until_us: int) -> list[PlaceTold]:
    ids = source.place_ids()
    index = {ids[place.key]: number for number, place in enumerate(model.places) if place.key in ids}
    states = source.read(lambda c: results.states(c, index, from_us_, until_us))
    number = states["place"].to_numpy()
    columns = {name: states[name].to_numpy() for name in ("end_us", "mean", "q05", "q95", "age_us")}
    thresholds = _thresholds(lab, model, source, index, from_us_)
    told = []
    for at, place in enumerate(model.places):
        mine = number == at
        end_us, mean, q05, q95, age_us = (columns[name][mine] for name in ("end_us", "mean", "q05", "q95", "age_us"))
        scale, unit = scale_of(place)
        levels = thresholds.scales[at]
        ticks = model.tick_of_end(end_us)
        limits = np.zeros((len(levels.names), len(ticks)))
        if len(ticks):
            limits[1:] = thresholds.over(at, ticks, int(ticks[0]))[1] * scale
        colours = tuple(colour(name) for name in levels.names)
        least = colour(lab.file.warn.from_level)
        told.append(
            PlaceTold(
                key=place.key,
                name=pick(place.name, language),
                unit=unit,
                table=levels.table,
                names=levels.names,
                colours=colours,
                ends_us=end_us,
                mean=mean * scale,
                q05=q05 * scale,
                q95=q95 * scale,
                heard=(age_us >= 0) & (age_us < 2 * model.tick_us + model.lateness_us),
                limits=limits,
                warns_from=next((n for n, each in enumerate(colours) if each >= max(1, least)), len(colours)),
            )
        )
    return told


def _thresholds(lab: Lab, model: Model, source: Source, index: Mapping[int, int], from_us_: int) -> Thresholds:
    """Where the levels start, as was known when the period began: of what is compared with its own past that past is read."""
    unusual = Unusual(model, duration_us(lab.file.unusual.history))
    thresholds = Thresholds(lab, model, unusual)
    if thresholds.needs_past:
        begin_us = from_us_ - unusual.needs_ticks * model.tick_us
        places, ends, values = source.read(lambda c: results.values(c, index, begin_us, from_us_))
        if len(ends):
            ticks, row = np.unique(model.tick_of_end(ends), return_inverse=True)
            table = np.full((len(ticks), len(model.places)), np.nan)
            table[row, places] = values
            for tick, known in zip(ticks.tolist(), table, strict=True):
                unusual.observe(tick, known)
    return thresholds


def _warning(life: list[tuple[int, Warning]], words: Sentences) -> WarningTold:
    first, last = life[0][1], life[-1][1]
    acknowledged = next(((at_us, step) for at_us, step in life if step.acknowledged_by is not None), None)
    decision = next((step.decision for _, step in reversed(life) if step.decision is not None), None)
    levels = [(at_us, step.level) for at_us, step in life]
    return WarningTold(
        id=first.id,
        place=first.place,
        level=first.level,
        priority=min(step.priority for _, step in life),
        probability=first.probability,
        opened_us=first.opened_us,
        acknowledged_us=None if acknowledged is None else acknowledged[0],
        by=None if acknowledged is None else words.who(role_of(acknowledged[1].acknowledged_by or "")),
        answer=words.decision(decision),
        measure=decision is not None and words.is_measure(decision),
        closed_us=last.closed_us if last.phase == "closed" else None,
        said=tuple(now for before, now in pairwise(levels) if now[1] != before[1]),
    )


def _decision(
    entry: LogEntry,
    lives: Mapping[int, list[tuple[int, Warning]]],
    lab: Lab,
    model: Model,
    places: Mapping[str, PlaceTold],
    words: Sentences,
) -> DecisionTold:
    """A decision, with the warning as it stood then and what came within the look-ahead."""
    stood = [step for at_us, step in lives.get(entry.warning or 0, []) if at_us <= entry.lab_us]
    place = places.get(entry.place or "")
    scale = next((scale_of(each)[0] for each in model.places if each.key == entry.place), 1.0)
    warning = stood[-1] if stood else None
    peak = peak_us = passed = None
    level = warning.level if warning is not None else ""
    if place is not None:
        until_us = entry.lab_us + duration_us(lab.file.warn.look_ahead)
        after = np.flatnonzero((place.ends_us > entry.lab_us) & (place.ends_us <= until_us) & place.heard & ~np.isnan(place.mean))
        if len(after):
            most = int(after[np.argmax(place.mean[after])])
            peak, peak_us = float(place.mean[most]), int(place.ends_us[most])
            passed = bool(place.passed(level)[after].any())
    has_expected = warning is not None and warning.expected is not None and warning.lead_us > 0
    return DecisionTold(
        at_us=entry.lab_us,
        place=entry.place or "",
        what=words.decision(str(entry.body.get("measure", entry.kind))) or "",
        by=words.who(role_of(entry.who)),
        note=str(entry.body.get("note", "")),
        level=level,
        limit=warning.threshold * scale if warning is not None else float("nan"),
        expected=warning.expected * scale if has_expected and warning is not None and warning.expected is not None else None,
        expected_us=warning.expected_us if warning is not None else entry.lab_us,
        probability=warning.probability if warning is not None else 0.0,
        peak=peak,
        peak_us=peak_us,
        passed=passed,
    )


def _skill(lab: Lab, model: Model, source: Source, from_us_: int, until_us: int) -> list[SkillTold]:
    """How far off what was forecast for the period was, at each place, one and three hours ahead as far as the lab looks."""
    ids = source.place_ids()
    horizon_us = duration_us(lab.file.forecast.horizon)
    aheads = [ahead for ahead in _AHEAD_US if model.tick_us <= ahead <= horizon_us] or [model.tick_us]
    found = []
    for place in model.places:
        if place.key not in ids:
            continue
        id_ = ids[place.key]
        _, ends, values = source.read(lambda c, i=id_: results.values(c, {i: 0}, from_us_ - aheads[-1] - model.tick_us, until_us))
        came = {int(end): float(value) for end, value in zip(ends, values, strict=True)}
        for ahead in aheads:
            rows = source.read(lambda c, i=id_, a=ahead: list(periods.forecasts_ahead(c, i, a, from_us_ - a, until_us - a)))
            pairs = [
                (came[valid], told, came.get(issued, float("nan")))
                for issued, valid, told in rows
                if came.get(valid, float("nan")) == came.get(valid, float("nan"))
                and from_us_ < valid <= until_us
                and valid in came
            ]
            skill = _compare(place.key, ahead, pairs)
            if skill is not None:
                found.append(skill)
    return found


def _compare(place: str, ahead_us: int, pairs: list[tuple[float, NDArray[np.float32], float]]) -> SkillTold | None:
    pairs = [each for each in pairs if each[0] == each[0] and each[1][len(each[1]) // 2] >= 0]
    total = sum(actual for actual, _, _ in pairs)
    if len(pairs) < _LEAST_PAIRS or total <= 0:
        return None
    error = sum(abs(actual - float(told[_middle(told)])) for actual, told, _ in pairs) / total
    kept = [(actual, before) for actual, _, before in pairs if before == before]
    kept_total = sum(actual for actual, _ in kept)
    as_it_was = sum(abs(actual - before) for actual, before in kept) / kept_total if kept_total > 0 else float("nan")
    within = sum(float(told[_low(told)]) <= actual <= float(told[-1 - _low(told)]) for actual, told, _ in pairs) / len(pairs)
    return SkillTold(place, ahead_us, error, as_it_was, within, len(pairs))


def _middle(told: NDArray[np.float32]) -> int:
    return MEDIAN if len(told) == len(LEVELS) else len(told) // 2


def _low(told: NDArray[np.float32]) -> int:
    """Index of the 5 % quantile: forecasts of before there were 1 and 99 % begin with it."""
    return _BAND[0] if len(told) == len(LEVELS) else 0


def _sensors(lab: Lab, source: Source, language: str, from_us_: int, until_us: int) -> list[SensorTold]:
    ids = source.stream_ids()
    counted = source.read(lambda c: periods.counts(c, from_us_, until_us))
    return [
        SensorTold(
            key=sensor.key,
            name=pick(sensor.name, language),
            kind=sensor.kind,
            owner=sensor.owner,
            observations=_total(counted, (ids.get(f"{sensor.key}/{measure}") for measure in sensor.measures)),
        )
        for sensor in lab.sensors.values()
    ]


def _total(counted: Mapping[int, int], ids: Iterable[int | None]) -> int:
    return sum(counted.get(id_, 0) for id_ in ids if id_ is not None)


def _local(us: int, lab: Lab) -> str:
    """A moment as the lab's wall shows it, with its offset."""
    moment: datetime = from_us(us).astimezone(lab.zone)
    return moment.isoformat(timespec="seconds")

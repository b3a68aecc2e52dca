"""Train a lab's forecast from its own past, or take a model as it came; measure it on weeks that it has not seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from ruimte.clock import DAY_US, SystemClock, from_us, iso
from ruimte.errors import RuimteError
from ruimte.forecast.learn import City, learn
from ruimte.forecast.learned_forecaster import SKILL_DAYS, LearnedForecaster
from ruimte.forecast.model_file import About, Bundle
from ruimte.forecast.outlook import QUARTERS, blocks_a_day
from ruimte.forecast.past import DAY_H
from ruimte.jobs.history import Actual, actual, city_of, require_ticks
from ruimte.jobs.models import Measured, ModelEntry, Models, read_bundle, shipped
from ruimte.lab.lab import Lab
from ruimte.model.calendar import EPOCH
from ruimte.model.place import Model
from ruimte.store import observations
from ruimte.store.sqlite import Reader
from ruimte.text import pick

Progress = Callable[[float], None]

MEASURED_DAYS = SKILL_DAYS
"""The newest weeks are not learned from: on them the model is measured."""
LEAST_DAYS = 26 * 7
"""With less of its own past a lab does better with the model that comes along."""
_YEARS = 3


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of it."""

    entry: ModelEntry
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        return {"model": msgspec.to_builtins(self.entry), "seconds": round(self.seconds, 1)}

    def lines(self) -> list[str]:
        entry = self.entry
        days = f" on {entry.measured_from} to {entry.measured_until}" if entry.skill else ""
        told = [f"model {entry.id} ({entry.origin}) forecasts from the next start of the node on", *skill_lines(entry, days)]
        if entry.skill and entry.measured_from is not None and max(entry.until, default="") > entry.measured_from:
            last = max(entry.until)
            told.append(f"it learned from counts until {last}: where those are of this city, it is no judge of itself")
        return told


def skill_lines(entry: ModelEntry, days: str = "") -> list[str]:
    """The measured skill as a small table."""
    if not entry.skill:
        return ["its skill could not be measured here: too little history"]
    lines = [f"measured{days}: mean absolute error over the mean count", f"{'hours ahead':14}{'this model':>12}"]
    names = list(entry.skill[0].baselines)
    lines[-1] += "".join(f"{name:>20}" for name in names) + f"{'within 90 %':>14}"
    for each in entry.skill:
        span = f"{each.from_h:g}–{each.until_h:g}"
        row = f"{span:14}{each.nmae:12.3f}" + "".join(f"{each.baselines[name]:20.3f}" for name in names)
        lines.append(row + (f"{each.coverage:13.1%}" if each.coverage is not None else f"{'':>13}"))
    return lines


def train(
    lab: Lab, model: Model, source: Reader, data: Path, *, until_us: int | None = None, progress: Progress = lambda share: None
) -> Trained:
    """Learn from the lab's past, and let the new model forecast.

    Args:
        lab: the lab.
        model: the same, compiled with the ids of ``source``.
        source: its database.
        data: folder of the databases; the model goes into ``models/`` there.
        until_us: end of what is looked at; else the last observation.
        progress: told the share that is done.

    Raises ``RuimteError`` where there is too little to learn from.
    """
    began = SystemClock().now_us()
    found = past_of(lab, model, source, until_us, lambda share: progress(0.2 * share))
    ticks = MEASURED_DAYS * DAY_US // model.tick_us
    span_days = found.values.shape[1] * model.tick_us / DAY_US
    if span_days < LEAST_DAYS + MEASURED_DAYS:
        what = f"holds {span_days:.0f} days; to learn from takes {LEAST_DAYS + MEASURED_DAYS}"
        raise RuimteError(
            what, str(source.path), f"import more, or take the model that comes along: ruimte train {lab.key} --pretrained"
        )
    seen = Actual(found.values[:, :-ticks], found.first)
    fine = blocks_a_day(model) == QUARTERS
    city = _latest(city_of(model, seen, DAY_H), DAY_H)
    hours = learn([city], DAY_H, progress=lambda share: progress(0.2 + (0.35 if fine else 0.6) * share))
    quarters = None
    if fine:
        quarters = learn(
            [_latest(city_of(model, seen, QUARTERS), QUARTERS)], QUARTERS, progress=lambda s: progress(0.55 + 0.25 * s)
        )
    first, after = city.first_h // DAY_H, city.first_h // DAY_H + city.values.shape[1] // DAY_H
    about = About(
        name=lab.key,
        made=iso(began),
        sources=[f"counts of {lab.key}" + (f": {pick(lab.file.attribution, 'en')}" if lab.file.attribution else "")],
        from_=[str(EPOCH + timedelta(first))],
        until=[str(EPOCH + timedelta(after))],
        command=f"ruimte train {lab.key}",
    )
    bundle = Bundle(about, hours, quarters)
    measured = measure(lab, model, bundle, found, lambda share: progress(0.8 + 0.2 * share))
    entry = Models(data, lab.key).add(bundle, "trained", measured)
    return Trained(entry, (SystemClock().now_us() - began) / 1e6)


def take(
    lab: Lab, model: Model, source: Reader | None, data: Path, path: Path | None, progress: Progress = lambda share: None
) -> Trained:
    """Let a pretrained model forecast: the one in ``path``, or the one that comes with Ruimte. Measured where there is a past."""
    began = SystemClock().now_us()
    bundle = shipped() if path is None else read_bundle(path)
    bundle = replace(bundle, about=msgspec.structs.replace(bundle.about, made=iso(began)))
    measured = None
    if source is not None and source.read(observations.span) is not None:
        found = past_of(lab, model, source, None, lambda share: progress(0.5 * share))
        measured = measure(lab, model, bundle, found, lambda share: progress(0.5 + 0.5 * share))
    entry = Models(data, lab.key).add(bundle, "pretrained", measured)
    return Trained(entry, (SystemClock().now_us() - began) / 1e6)


def past_of(lab: Lab, model: Model, source: Reader, until_us: int | None, progress: Progress = lambda share: None) -> Actual:
    """The last years of the lab's past. Raises ``RuimteError`` where there is none."""
    require_ticks(model)
    span = source.read(observations.span)
    if span is None:
        raise RuimteError(
            "holds no observations yet", str(source.path), f"import a file first: ruimte import {lab.key} FILE --format …"
        )
    end_us = span[1] + 1 if until_us is None else min(until_us, span[1] + 1)
    begin_us = max(span[0] - DAY_US, end_us - (366 * _YEARS + 90) * DAY_US)
    return actual(model, source, begin_us, end_us, progress)


def measure(lab: Lab, model: Model, bundle: Bundle, found: Actual, progress: Progress = lambda share: None) -> Measured | None:
    """Skill over the last four weeks of a past, forecast as if they were to come; None where it is too short for that."""
    horizons = 7 * DAY_US // model.tick_us
    forecaster = LearnedForecaster(model, horizons, bundle.hours, bundle.quarters)
    forecaster.feed(found.first, found.values, progress)
    skill = forecaster.skill()
    if not skill:
        return None
    until = from_us(model.tick_end_us(found.last)).astimezone(lab.zone).date()
    return Measured(str(until - timedelta(MEASURED_DAYS)), str(until), skill)


def _latest(city: City, per_day: int) -> City:
    """The last years of a city: what lies further back no longer helps."""
    count = min(city.values.shape[1], 366 * _YEARS * per_day)
    gone = city.values.shape[1] - count
    return City(city.values[:, gone:], city.first_h + gone * DAY_H // per_day, city.days)

"""Forecast a lab once, from its database: zones, gates and count points, coherent with each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ruimte.clock import DAY_US, HOUR_US, SystemClock, from_us, iso
from ruimte.errors import RuimteError
from ruimte.forecast.coherent import balanced, coherent, incidence
from ruimte.forecast.learned_forecaster import LearnedForecaster
from ruimte.forecast.model_file import Bundle
from ruimte.jobs.history import Actual, actual, counted, require_horizon, require_ticks
from ruimte.jobs.reasons import scale_of
from ruimte.lab.lab import Lab
from ruimte.lab.validity import require_algorithm
from ruimte.model.forecast import LEVELS, MEDIAN, level_index
from ruimte.model.place import OUTSIDE, Link, Model, Place
from ruimte.store import observations
from ruimte.store.sqlite import Reader
from ruimte.text import pick

Array = NDArray[np.float64]
Progress = Callable[[float], None]

_MOST = 1e9
_PAST_DAYS = 500
_BALANCED_DAYS = 28
_LOW, _HIGH = level_index(0.05), level_index(0.95)


@dataclass(frozen=True, slots=True)
class Series:
    """One place, or one way through a gate: quantiles (horizons, 21) in ``unit``, and what is to be known about them."""

    key: str
    name: str
    kind: str
    unit: str
    quantiles: Array
    caveats: tuple[str, ...]


@dataclass(slots=True)
class LabForecast:
    """The forecast of a lab; ``valid_us``: end of each tick that is forecast, shape (horizons,)."""

    lab: str
    zone: Any
    issued_us: int
    valid_us: NDArray[np.int64]
    series: list[Series]
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {
            "lab": self.lab,
            "issued": iso(self.issued_us),
            "valid": [iso(int(moment)) for moment in self.valid_us],
            "levels": LEVELS.tolist(),
            "notes": self.notes,
            "series": [
                {
                    "key": each.key,
                    "kind": each.kind,
                    "unit": each.unit,
                    "caveats": list(each.caveats),
                    "quantiles": [[None if v != v else round(v, 2) for v in row] for row in each.quantiles.tolist()],
                }
                for each in self.series
            ],
        }

    def lines(self) -> list[str]:
        """A table: some moments ahead, of each place the median and the 90 % interval."""
        count = len(self.valid_us)
        steps = {round(share * count) for share in (0.05, 0.25, 0.5, 0.75, 1.0)}
        shown = sorted({max(step, 1) - 1 for step in steps})
        wide = max((len(each.name) for each in self.series), default=0) + 2
        clock = [f"{from_us(int(self.valid_us[at])).astimezone(self.zone):%a %d %b %H:%M}" for at in shown]
        told = [f"issued {from_us(self.issued_us).astimezone(self.zone):%Y-%m-%d %H:%M}; median (5–95 %)", *self.notes]
        told.append(" " * (wide + 10) + "".join(f"{each:>24}" for each in clock))
        for each in self.series:
            cells = "".join(f"{_cell(each.quantiles[at]):>24}" for at in shown)
            mark = " *" if each.caveats else ""
            told.append(f"{each.name:{wide}}{each.unit:10}{cells}{mark}")
        told += [f"* {caveat}" for caveat in dict.fromkeys(c for each in self.series for c in each.caveats)]
        return told


def _cell(row: Array) -> str:
    if np.isnan(row).any():
        return "not known"
    return f"{row[MEDIAN]:,.0f} ({row[_LOW]:,.0f}–{row[_HIGH]:,.0f})"


def forecast_lab(
    lab: Lab,
    model: Model,
    source: Reader | None,
    bundle: Bundle,
    horizon_us: int,
    at_us: int | None = None,
    typical: float | None = None,
    progress: Progress = lambda share: None,
) -> LabForecast:
    """Forecast all places of a lab, and the gates of its zones.

    Args:
        lab: the lab; its register must let the learned forecast run.
        model: the same, compiled with the ids of ``source``.
        source: its database; None where it has none yet, and then ``typical`` is needed.
        bundle: the learned model.
        horizon_us: how far ahead, at most a week.
        at_us: moment of issue; else the newest that is known.
        typical: how many persons (or persons an hour) a place holds in an average hour, in place of what the lab's files say.
        progress: told the share that is done.

    Raises ``RuimteError`` where that cannot be.
    """
    require_ticks(model)
    require_horizon(model, horizon_us)
    if typical is not None and not 0 < typical <= _MOST:
        raise RuimteError(f"{typical} is not above 0, or more people than there are", "--typical", "write a number above 0")
    if typical is not None:
        model = replace(model, places=tuple(replace(place, typical=typical) for place in model.places))
    found, now_us = _found(lab, model, source, at_us, lambda share: progress(0.5 * share))
    require_algorithm(lab, "learned-ratio", now_us)
    horizons = horizon_us // model.tick_us
    issued = _issue(model, found, bundle, horizons, lambda share: progress(0.5 + 0.3 * share))
    notes = []
    ways: list[Series] = []
    gates = [link for link in range(len(model.links)) if model.links[link].point == OUTSIDE]
    watched = {stream.link for stream in model.streams}
    if gates and source is not None:
        flows = _gate_flows(model, source, found, gates)
        places = tuple(_way(model.links[link]) for link in gates)
        told = _issue(
            replace(model, places=places, occasions=(), loads=()),
            flows,
            bundle,
            horizons,
            lambda share: progress(0.8 + 0.2 * share),
        )
        zones = [index for index, place in enumerate(model.places) if place.quantity == "people"]
        if all(link in watched for link in gates):
            _agree(model, found, zones, gates, issued, told)
        else:
            notes.append("some gates have no sensor: zones and gates are forecast each by itself")
        names = {gate.key: pick(gate.name, "en") for gate in lab.gates.values()}
        ways = [
            Series(way.key, f"{names[model.links[link].gate]}, {model.links[link].way}", "gate", *each)
            for link, way, each in zip(gates, places, told, strict=True)
            if link in watched
        ]
    series = [
        Series(place.key, pick(place.name, "en"), "zone" if place.quantity == "people" else "count point", *each)
        for place, each in zip(model.places, issued, strict=True)
    ]
    issued_us = model.tick_end_us(found.last)
    valid_us = issued_us + model.tick_us * np.arange(1, horizons + 1)
    return LabForecast(lab.key, lab.zone, issued_us, valid_us, series + ways, notes)


def _found(lab: Lab, model: Model, source: Reader | None, at_us: int | None, progress: Progress) -> tuple[Actual, int]:
    """What is known up to the moment of issue, and that moment."""
    span = None if source is None else source.read(observations.span)
    if source is None or span is None:
        if all(place.typical is None for place in model.places):
            where = f"{lab.key}.db" if source is None else str(source.path)
            said = "say what an average hour holds: typical in places.geojson, or --typical N"
            mend = f"import a file (ruimte import {lab.key} FILE --format …), or {said}"
            raise RuimteError("holds no observations yet", where, mend)
        now_us = SystemClock().now_us() if at_us is None else at_us
        return Actual(np.full((len(model.places), 1), np.nan), model.tick_of(now_us) - 1), now_us
    now_us = span[1] + 1 if at_us is None else at_us
    if not span[0] < now_us <= span[1] + DAY_US:
        begin, end = (from_us(us).astimezone(lab.zone).strftime("%Y-%m-%dT%H:%M") for us in span)
        raise RuimteError("lies outside the data", "--at", f"choose a time from {begin} to {end}")
    begin_us = max(span[0] - DAY_US, now_us - _PAST_DAYS * DAY_US)
    found = actual(model, source, begin_us, now_us, progress)
    if not found.values.shape[1]:
        raise RuimteError("no tick had ended by then", "--at", "choose a later moment")
    return found, now_us


_Issued = tuple[str, Array, tuple[str, ...]]
"""Unit, quantiles (horizons, 21) in it, caveats."""


def _issue(model: Model, found: Actual, bundle: Bundle, horizons: int, progress: Progress) -> list[_Issued]:
    """The forecast of each place of a model from the end of what is known, in the unit that people count in."""
    forecaster = LearnedForecaster(model, horizons, bundle.hours, bundle.quarters)
    forecaster.feed(found.first, found.values, progress)
    forecast = forecaster.issue()
    assert forecast is not None  # a tick was observed
    told: list[_Issued] = []
    for index, place in enumerate(model.places):
        scale, unit = scale_of(place)
        quantiles = forecast.quantiles[index] * scale
        caveats = []
        if np.isnan(quantiles).all():
            caveats.append(
                f"{pick(place.name, 'en')}: no past and no typical level: set typical in places.geojson, or give --typical"
            )
        elif index in forecast.young:
            caveats.append("less than two weeks of past: it leans on other places, in a wider interval")
        if index in forecast.broken:
            caveats.append("the level has just changed: the past tells little, the interval is wide")
        told.append((unit, quantiles, tuple(caveats)))
    return told


def _way(link: Link) -> Place:
    """One way through a gate as a place of its own, whose quantity is a flow."""
    return Place(f"{link.gate}/{link.way}", link.gate, "flow", f"{link.gate}/{link.way}")


def _gate_flows(model: Model, source: Reader, found: Actual, gates: list[int]) -> Actual:
    """Persons/s counted on each way through a gate; a tick in which nothing was heard of it is not known."""
    begin_us, end_us = model.tick_end_us(found.first - 1), model.tick_end_us(found.last)
    rows = source.read(lambda c: observations.received(c, begin_us, end_us + model.lateness_us + 1))
    totals = counted(model, rows, found.first, found.values.shape[1])
    return Actual(np.stack([totals[link] for link in gates]), found.first)


def _agree(model: Model, found: Actual, zones: list[int], gates: list[int], people: list[_Issued], flows: list[_Issued]) -> None:
    """Make zones and gates agree, in place: all quantiles of a block move with its median."""
    links = incidence(
        [zones.index(link.source) if link.source in zones else OUTSIDE for link in (model.links[at] for at in gates)],
        [zones.index(link.target) if link.target in zones else OUTSIDE for link in (model.links[at] for at in gates)],
        len(zones),
    )
    tick_h = model.tick_us / HOUR_US
    past = found.values[zones]
    now = np.array([row[~np.isnan(row)][-1] if (~np.isnan(row)).any() else np.nan for row in past])
    zone_q, gate_q = np.stack([people[at][1] for at in zones]), np.stack([each[1] for each in flows])
    if np.isnan(now).any() or np.isnan(zone_q).any() or np.isnan(gate_q).any():
        return
    factor = balanced(gate_q[..., MEDIAN].sum(axis=1) * tick_h, links)
    gate_q = gate_q * factor[:, None, None]
    sds = [(each[..., _HIGH] - each[..., _LOW]) / 3.29 for each in (zone_q, gate_q * tick_h)]
    agreed = coherent(now, zone_q[..., MEDIAN], sds[0], gate_q[..., MEDIAN] * tick_h, sds[1], links)
    for number, at in enumerate(zones):
        moved = zone_q[number] + (agreed[0][number] - zone_q[number, :, MEDIAN])[:, None]
        people[at] = (people[at][0], np.maximum(moved, 0.0), people[at][2])
    for number, each in enumerate(flows):
        moved = gate_q[number] + (agreed[1][number] / tick_h - gate_q[number, :, MEDIAN])[:, None]
        flows[number] = (each[0], np.maximum(moved, 0.0), each[2])


def write_forecast(found: LabForecast, path: Path) -> None:
    """Write all quantiles as a Parquet file: a row a place and tick, a column a level.

    Raises ``RuimteError`` where the file cannot be written.
    """
    count = len(found.valid_us)
    columns: dict[str, Any] = {
        "key": [each.key for each in found.series for _ in range(count)],
        "kind": [each.kind for each in found.series for _ in range(count)],
        "unit": [each.unit for each in found.series for _ in range(count)],
        "issued": pa.array([found.issued_us] * (count * len(found.series)), pa.timestamp("us", "UTC")),
        "valid": pa.array(np.tile(found.valid_us, len(found.series)), pa.timestamp("us", "UTC")),
    }
    every = np.concatenate([each.quantiles for each in found.series])
    columns |= {f"q{round(100 * level):02d}": every[:, at] for at, level in enumerate(LEVELS)}
    try:
        pq.write_table(pa.table(columns), path, compression="zstd")
    except OSError as error:
        mend = "name a file in a folder you may write"
        raise RuimteError(f"cannot be written ({error.strerror or error})", str(path), mend) from None

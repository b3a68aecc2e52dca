"""A year of the Hardbrücke stop, as it was published: read in, and what comes of it night by night."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import holidays
import numpy as np
import pyarrow as pa

from benchmarks._report import Row, missing, row
from benchmarks._rows import Array, Ints, grid
from ruimte.clock import DAY_US, HOUR_US, to_us
from ruimte.estimate import advance
from ruimte.estimate.health import conditions, health
from ruimte.jobs.health import sensor_of, worst_of
from ruimte.lab.compile import compile_lab
from ruimte.lab.read import read_lab
from ruimte.labs import lab_folder
from ruimte.model.place import Model
from ruimte.store import observations
from ruimte.store.sqlite import Reader

FILE = Path(__file__).parent.parent.parent / "shared/data/zurich_hardbruecke/frequenzen_hardbruecke_2020.csv.gz"
ABSENT = "the file is not here"
LEARNING_DAYS = 28
HANDFUL = 5.0
_RUIMTE = Path(sys.executable).with_name("ruimte")
_DAY_H, _RULE_DAYS = 23, 14
_LOST = date(2020, 8, 2)
"""From this day on a line is missing for two weeks."""


@dataclass(frozen=True, slots=True)
class Year:
    """The stop's lab, all rows of 2020 in the order of receipt, and what was counted by tick and datastream from ``start_us`` on.

    ``counts`` (ticks, datastreams) stands in the order of ``model.streams``; NaN is no row.
    """

    model: Model
    rows: pa.Table
    start_us: int
    counts: Array

    def tick(self, moment: datetime) -> int:
        """Number of the tick that begins at a moment, counted from ``start_us``."""
        return (to_us(moment) - self.start_us) // self.model.tick_us

    @property
    def until_us(self) -> int:
        """When the last row came in."""
        return int(self.rows["received_us"].to_numpy().max())


def read_year(folder: Path) -> Year | None:
    """The published file, through ``ruimte import`` and the store; None where it is not here."""
    if not FILE.exists():
        return None
    command = [_RUIMTE, "import", "hardbruecke", FILE, "--format", "zurich", "--data", folder]
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    lab = read_lab(lab_folder("hardbruecke"))
    with Reader(folder / "hardbruecke.db", "hardbruecke") as reader:
        model = compile_lab(lab, reader.stream_ids())
        rows = reader.read(lambda connection: observations.received(connection, 0, 2**62))
    start_us, after_us = (to_us(datetime(year, 1, 1, tzinfo=lab.zone)) for year in (2020, 2021))
    ids = [stream.id for stream in model.streams]
    return Year(model, rows, start_us, grid(model, rows, ids, start_us, (after_us - start_us) // model.tick_us))


# --- nights -----------------------------------------------------------------------------------------------------------


def night_rows(year: Year | None) -> list[Row]:
    """People at 03:00, when there is nobody, half an hour before the model is told so; and the calibration that was learned."""
    ways = ("counts alone", "nobody stays half an hour")
    if year is None:
        return [missing(f"Zürich nights, {way}: 95 % of errors within", "persons", ABSENT, "≤ 0.5 × peer") for way in ways]
    nights = _nights(year)
    bare = replace(year.model, places=tuple(replace(place, longest_stay_us=None) for place in year.model.places))
    rules = [_rules(year, place, nights) for place in range(len(year.model.places))]
    rows = []
    for way, model in zip(ways, (bare, year.model), strict=True):
        state, states = advance(model, None, year.rows, year.until_us)
        for place, errors in enumerate(rules):
            rows += _night(f"Zürich nights, {way}, {year.model.places[place].key}", states, place, nights, errors)
        rows += _learned(way, year, model, state)
    return rows


def _nights(year: Year) -> Ints:
    """03:00 of the working days (holidays left out on both sides of midnight) after the first four weeks, µs."""
    zone = read_lab(lab_folder("hardbruecke")).zone
    free = holidays.country_holidays("CH", subdiv="ZH", years=2020)
    found = []
    for number in range(LEARNING_DAYS, 365):
        day = date(2020, 1, 1) + timedelta(number)
        evening = day - timedelta(1)
        if evening.weekday() < 5 and evening not in free and day not in free:
            found.append(to_us(datetime(day.year, day.month, day.day, 3, tzinfo=zone)))
    return np.array(found)


def _night(name: str, states: pa.Table, place: int, nights: Ints, rules: Array) -> list[Row]:
    """``rules`` (nights, 2): the errors of the simple rules, of which the better one on the same nights is the peer."""
    at = np.flatnonzero((states["place"].to_numpy() == place) & np.isin(states["end_us"].to_numpy(), nights))
    mean, low = states["mean"].to_numpy()[at], states["q05"].to_numpy()[at]
    known = ~np.isnan(mean)
    share = 100 * known.sum() / len(nights)
    rows = [row(f"{name}: nights on which people are told", float(share), f"% of {len(nights)}")]
    goal, peer = "≤ 0.5 × peer", "best rule of 14 days"
    if not known.any():
        return [*rows, missing(f"{name}: 95 % of errors within", "persons", "never told", goal)]
    error, held = float(np.percentile(np.abs(mean[known]), 95)), float((low[known] <= HANDFUL).mean())
    rule = float(np.percentile(np.abs(rules[known]), 95, axis=0).min())
    return [
        *rows,
        row(f"{name}: 95 % of errors within", error, "persons", ratio_most=0.5, peer=peer, peer_value=rule),
        row(f"{name}: interval holds a handful", 100 * held, "% of those"),
    ]


def _rules(year: Year, place: int, nights: Ints) -> Array:
    """Errors of two simple rules, shape (nights, 2): in − ratio · out since 04:00.

    The ratio of in to out is that of the sums of the 14 days before, or the median of their ratios.
    """
    came, went = (_total(year, place, way) for way in ("in", "out"))
    day, before = DAY_US // year.model.tick_us, np.arange(1, _RULE_DAYS + 1)
    errors = np.empty((len(nights), 2))
    for number, night in enumerate(nights):
        end = int((night - year.start_us) // year.model.tick_us)
        begin = end - _DAY_H * HOUR_US // year.model.tick_us
        ins, outs = (np.array([each[begin - k * day : end - k * day].sum() for k in before]) for each in (came, went))
        for rule, ratio in enumerate((ins.sum() / outs.sum(), float(np.median(ins / np.maximum(outs, 1.0))))):
            errors[number, rule] = came[begin:end].sum() - ratio * went[begin:end].sum()
    return errors


def _learned(name: str, year: Year, model: Model, state: bytes) -> list[Row]:
    """Of each platform how many times more it counts in than out: as learned by the year's end, and by the year's sums."""
    scale = {one.id: one.scale for one in health(model, state)}
    rows = []
    for place, each in enumerate(model.places):
        counted, real = {"in": 0.0, "out": 0.0}, {"in": 0.0, "out": 0.0}
        for number, stream in enumerate(model.streams):
            link = model.links[stream.link]
            if place in link.places:
                total = float(np.nansum(year.counts[:, number]))
                counted[link.way] += total
                real[link.way] += total * scale[stream.id]
        ratio, learned = counted["in"] / counted["out"], real["out"] / real["in"]
        title = f"Zürich, {name}, {each.key}: counted in for each out, learned"
        rows.append(row(title, learned * ratio, "", peer="ratio of the year's sums", peer_value=ratio))
    return rows


def _total(year: Year, place: int, way: str) -> Array:
    """Counted into or out of a zone by all its gates, shape (ticks,)."""
    links = [year.model.links[stream.link] for stream in year.model.streams]
    columns = [number for number, link in enumerate(links) if (link.target if way == "in" else link.source) == place]
    return np.asarray(np.nansum(year.counts[:, columns], axis=1))


# --- a real loss ------------------------------------------------------------------------------------------------------


def loss_row(year: Year | None) -> Row:
    """When the loss of a line in August 2020 is found, looked at live, tick by tick from two days before its last row."""
    name, unit = "Zürich, line ost-sbb lost in August 2020", "hours after its last row"
    if year is None:
        return missing(name, unit, ABSENT, "≤ 24 h")
    model = year.model
    ids = [id_ for id_, key in model.datastream_keys.items() if sensor_of(key) == "ost-sbb"]
    received, ends = (year.rows[column].to_numpy() for column in ("received_us", "end_us"))
    middle_us = to_us(datetime(_LOST.year, _LOST.month, _LOST.day, 12, tzinfo=read_lab(lab_folder("hardbruecke")).zone))
    lost_us = int(ends[np.isin(year.rows["datastream"].to_numpy(), ids) & (ends <= middle_us)].max())
    begin_us = lost_us - 2 * DAY_US
    after = int(np.searchsorted(received, begin_us, side="right"))
    state, _ = advance(model, None, year.rows.slice(0, after), begin_us)
    for until_us in range(begin_us + model.tick_us, lost_us + 2 * DAY_US, model.tick_us):
        last = int(np.searchsorted(received, until_us, side="right"))
        state, _ = advance(model, state, year.rows.slice(after, last - after), until_us)
        after, sick = last, conditions(model, state)
        if until_us > lost_us and worst_of(sick.get(id_, "fine") for id_ in ids) in ("silent", "stuck"):
            clock = datetime.fromtimestamp(until_us / 1e6, read_lab(lab_folder("hardbruecke")).zone)
            return row(f"{name}, found {clock:%d %B %H:%M}", (until_us - lost_us) / HOUR_US, unit, most=24)
    return missing(name, unit, "not found", "≤ 24 h")

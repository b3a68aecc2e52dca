"""Hours of single lines that were hidden from the estimator: how near its guess of them comes, and how sure it is of that.

The guess of a link is the flow filter's, in persons counted, before any calibration (``step_flows``); its error is taken as the
people filter takes it (``step_people._guess``): a relative error that lasts, and noise that is new each tick.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numba import njit

from benchmarks._report import Row, missing, row
from benchmarks._rows import WIDE, Array, Ints
from benchmarks._zurich import ABSENT, LEARNING_DAYS, Year
from ruimte.clock import HOUR_US
from ruimte.estimate import buffer, memory
from ruimte.estimate.layout import Layout, layout_of
from ruimte.estimate.state import Inputs, Outputs, State
from ruimte.estimate.step_flows import step_flows
from ruimte.estimate.step_people import step_people

HIDDEN = 500
_APART_H = 6
_WEEK_H, _RULE_DAYS = 7 * 24, 14


class Hours(NamedTuple):
    """What is hidden: hours (n,) since the year began, and the lines (n,); line l has the columns 2·l and 2·l + 1 (in, out)."""

    hour: Ints
    line: Ints


def hidden_rows(year: Year | None) -> list[Row]:
    """Ours beside what anybody could do without a filter."""
    names = ("interpolation in time", "ratio to the sister lines, 14 days", "same hour last week")
    goals = (0.8, 0.8, 0.6)
    title = f"Zürich, {HIDDEN} hidden hours"
    if year is None:
        found = [
            missing(f"{title}: nMAE beside {name}", "", ABSENT, f"≤ {goal} × peer")
            for name, goal in zip(names, goals, strict=True)
        ]
        return [*found, missing(f"{title}: count in the 90 % interval", "", ABSENT, "0.87–0.93")]
    columns = _columns(year)
    hourly = _hourly(year, year.counts[:, columns])
    hidden = _choose(year, hourly)
    truth = _of(hourly, hidden)
    mean, sd = _guesses(year, hidden, columns)
    peers = _interpolated(hourly, hidden), _by_sisters(year, hourly, hidden), _of(hourly, hidden, _back(year, hidden, 7))
    ours = _nmae(mean, truth)
    rows = [
        row(f"{title}: nMAE beside {name}", ours, "", ratio_most=goal, peer=name, peer_value=_nmae(peer, truth))
        for name, goal, peer in zip(names, goals, peers, strict=True)
    ]
    inside = np.abs(mean - truth) <= np.maximum(WIDE * sd, 0.5)
    return [*rows, row(f"{title}: count in the 90 % interval", float(inside.mean()), "", between=(0.87, 0.93))]


# --- what is hidden ---------------------------------------------------------------------------------------------------


def _columns(year: Year) -> Ints:
    """Columns of the counts by platform, line, and way (in, out)."""
    links = [year.model.links[stream.link] for stream in year.model.streams]
    order = sorted(range(len(links)), key=lambda number: (links[number].places, links[number].gate, links[number].way != "in"))
    return np.array(order)


def _hourly(year: Year, counts: Array) -> Array:
    """Counts by hour of the year and column; NaN where a tick is missing."""
    ticks = HOUR_US // year.model.tick_us
    return counts.reshape(-1, ticks, counts.shape[1]).sum(1)


def _choose(year: Year, hourly: Array) -> Hours:
    """Hours of one line at random, where all that the peers need is there; never two of one platform that are near each other."""
    chance = np.random.default_rng(1)
    there = ~np.isnan(hourly)
    near: set[tuple[int, int]] = set()
    hours, lines = [], []
    while len(hours) < HIDDEN:
        line, hour = int(chance.integers(8)), int(chance.integers(LEARNING_DAYS * 24, len(hourly) - 24))
        platform = line // 4
        own, all_lines = slice(2 * line, 2 * line + 2), slice(8 * platform, 8 * platform + 8)
        asked = (there[hour - 1 : hour + 2, own], there[hour, all_lines], there[hour - _WEEK_H - 1 : hour - _WEEK_H + 2, own])
        if (platform, hour) not in near and all(each.all() for each in asked):
            near |= {(platform, other) for other in range(hour - _APART_H, hour + _APART_H + 1)}
            hours.append(hour)
            lines.append(line)
    return Hours(np.array(hours), np.array(lines))


def _of(hourly: Array, hidden: Hours, at: Ints | None = None) -> Array:
    """Both ways of each hidden line at its hours, or at others, shape (n, 2)."""
    hour = hidden.hour if at is None else at
    return hourly[hour[:, None], 2 * hidden.line[:, None] + np.arange(2)]


# --- peers ------------------------------------------------------------------------------------------------------------


def _back(year: Year, hidden: Hours, days: int) -> Ints:
    """The hours that had the same time on the wall so many days before."""
    then = year.start_us + (hidden.hour - 24 * days) * HOUR_US
    shift = year.model.utc_offset_us(year.start_us + hidden.hour * HOUR_US) - year.model.utc_offset_us(then)
    return hidden.hour - 24 * days + shift // HOUR_US


def _interpolated(hourly: Array, hidden: Hours) -> Array:
    return (_of(hourly, hidden, hidden.hour - 1) + _of(hourly, hidden, hidden.hour + 1)) / 2


def _by_sisters(year: Year, hourly: Array, hidden: Hours) -> Array:
    """The line's share of what its platform's other lines count, over the same hour of 14 days, times what they count now."""
    lines = np.arange(8)
    sisters = (lines // 4 == hidden.line[:, None] // 4) & (lines != hidden.line[:, None])
    both = np.repeat(sisters, 2, axis=1)
    own, theirs = np.zeros((len(hidden.hour), 2)), np.zeros(len(hidden.hour))
    for days in range(1, _RULE_DAYS + 1):
        at = _back(year, hidden, days)
        own += np.nan_to_num(_of(hourly, hidden, at))
        theirs += np.where(both, np.nan_to_num(hourly[at]), 0.0).sum(1)
    now = np.where(both, hourly[hidden.hour], 0.0).sum(1)
    return own * (now / np.maximum(theirs, 1.0))[:, None]


def _nmae(guess: Array, truth: Array) -> float:
    return float(np.abs(guess - truth).sum() / truth.sum())


# --- ours -------------------------------------------------------------------------------------------------------------


def _guesses(year: Year, hidden: Hours, columns: Ints) -> tuple[Array, Array]:
    """The estimator's guess of each hidden hour both ways, and its standard deviation, each (n, 2), in persons counted."""
    model, layout = year.model, layout_of(year.model)
    ids = np.array([stream.id for stream in model.streams])[columns]
    known = memory.new_memory(layout)
    buffer.take(known, model, layout, _without(year, hidden, ids))
    assert known.settled is not None
    first = known.settled + 1
    given, _ = buffer.inputs(known, model, layout, model.tick_of(year.until_us))
    ticks, links = len(given.slot), len(layout.links)
    mean, relative, noise = (np.empty((ticks, links)) for _ in range(3))
    _watch(layout, known.state, given, _room(layout, ticks), mean, relative, noise)

    link_of = {id_: int(link) for id_, link in zip(layout.streams.id.tolist(), _links(layout), strict=True)}
    begin = model.tick_of(year.start_us) - first  # the first of the year's ticks among those
    in_hour = HOUR_US // model.tick_us
    at = begin + hidden.hour[:, None] * in_hour + np.arange(in_hour)
    guess, sd = np.empty((len(at), 2)), np.empty((len(at), 2))
    for way in range(2):
        link = np.array([link_of[id_] for id_ in ids[2 * hidden.line + way].tolist()])[:, None]
        total = mean[at, link].sum(1)
        lasting = relative[at, link].mean(1) * total
        guess[:, way], sd[:, way] = total, np.sqrt(lasting**2 + (noise[at, link] * mean[at, link]).sum(1))
    return guess, sd


def _without(year: Year, hidden: Hours, ids: Ints) -> pa.Table:
    """The year's rows without those that are hidden."""
    position = {id_: number for number, id_ in enumerate(ids.tolist())}
    hide = np.zeros((len(year.counts) * year.model.tick_us // HOUR_US, len(ids)), np.bool_)
    for way in range(2):
        hide[hidden.hour, 2 * hidden.line + way] = True
    hour = (year.rows["start_us"].to_numpy() - year.start_us) // HOUR_US
    stream = np.array([position[id_] for id_ in year.rows["datastream"].to_numpy().tolist()])
    inside = (hour >= 0) & (hour < len(hide))
    kept = ~(inside & hide[np.clip(hour, 0, len(hide) - 1), stream])
    return year.rows.filter(pa.array(kept))


def _links(layout: Layout) -> Ints:
    """The link of each stream, numbered as in the layout."""
    site = np.searchsorted(layout.sites.stream, np.arange(len(layout.streams)), side="right") - 1
    return np.asarray(layout.sites.link[site] + layout.streams.link)


def _room(layout: Layout, ticks: int) -> Outputs:
    zones, links, streams, readings = (len(each) for each in (layout.zones, layout.links, layout.streams, layout.readings))
    people, people_var, people_most = (np.empty((ticks, zones)) for _ in range(3))
    flow, flow_var = (np.empty((ticks, links)) for _ in range(2))
    verdicts = (np.zeros((ticks, number), np.int8) for number in (streams, readings))
    return Outputs(people, people_var, people_most, flow, flow_var, *verdicts)


@njit
def _watch(layout: Layout, state: State, given: Inputs, out: Outputs, mean: Array, relative: Array, noise: Array) -> None:
    """``step.run``, which also tells of every link the flow filter's mean count, its relative error, and the noise of a count."""
    for t in range(len(given.slot)):
        for site in range(len(layout.sites) - 1):
            flow = step_flows(layout, state, given, out, t, site, None)
            step_people(layout, state, given, out, t, site, flow, 0, 0, None)
            first = layout.sites.link[site]
            for i in range(len(flow.z)):
                mean[t, first + i] = flow.mean[i]
                relative[t, first + i] = 2.0 * np.sqrt(flow.variance[i]) / flow.z[i]
                noise[t, first + i] = state.links.noise[first + i]

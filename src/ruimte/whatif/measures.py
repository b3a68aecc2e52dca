"""From what is done to what that means for gates and arrivals, minute by minute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from ruimte.clock import DAY_US, from_us
from ruimte.lab.files import ActionEntry
from ruimte.lab.lab import Lab
from ruimte.lab.scenario import Scenario, Step
from ruimte.lab.validity import moment_us
from ruimte.text import duration_us
from ruimte.whatif.diagram import WEIDMANN, Array, Diagram
from ruimte.whatif.kernel import SLOT_S, Demand, Plan
from ruimte.whatif.network import Index, Network
from ruimte.whatif.simulate import plan_of

SLOT_US = int(SLOT_S * 1e6)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A scenario over a window of minutes.

    ``plan``: of gates. ``come_by`` (minutes, outer gates, outer gates): which share of those who would come by one gate comes
    by another, rows of what is left of 1 or less. ``leave_as`` (minutes, zones): the minute of which the way people leave holds
    (later than planned, where an event goes on). ``idle``: the numbers (from 0) of steps that change nothing in this window.
    """

    plan: Plan
    come_by: Array
    leave_as: Index
    idle: tuple[int, ...] = ()

    def demand(self, without: Demand) -> Demand:
        """The demand as this schedule makes it."""
        zones = np.arange(self.leave_as.shape[1])
        arrivals = np.einsum("si,sij->sj", without.arrivals, self.come_by)
        return Demand(np.ascontiguousarray(arrivals), np.ascontiguousarray(without.leave[self.leave_as, zones]), without.shares)


def nothing(network: Network, minutes: int, diagram: Diagram = WEIDMANN) -> Schedule:
    """The schedule in which nothing is done."""
    zones, outer = len(network.zones), len(network.exits)
    as_ever = np.repeat(np.arange(minutes)[:, None], zones, axis=1)
    return Schedule(plan_of(network, minutes, diagram), np.tile(np.eye(outer), (minutes, 1, 1)), as_ever)


def schedule_of(
    scenario: Scenario, network: Network, lab: Lab, start_us: int, minutes: int, diagram: Diagram = WEIDMANN
) -> Schedule:
    """What a scenario that is decided at ``start_us`` does in the ``minutes`` after; later actions go over earlier ones."""
    made, window = nothing(network, minutes, diagram), _Window(network, lab, start_us, minutes, diagram)
    idle = [number for number, step in enumerate(scenario.steps) if not _apply(step, window, made)]
    return Schedule(made.plan, made.come_by, made.leave_as, tuple(idle))


@dataclass(frozen=True, slots=True)
class _Window:
    network: Network
    lab: Lab
    start_us: int
    minutes: int
    diagram: Diagram

    def minute(self, at_us: int) -> int:
        return round((at_us - self.start_us) / SLOT_US)

    def when(self, step: Step) -> slice:
        first, last = (min(max(self.minute(at), 0), self.minutes) for at in times(step, self.start_us, self.lab.zone))
        return slice(first, last)


def times(step: Step, start_us: int, zone: ZoneInfo) -> tuple[int, int]:
    """From when and until when (µs) a step works that is decided at ``start_us``.

    ``+10m`` counts from the decision; ``21:30`` is the nearest such local time for ``from``, and the first one after that for
    ``until``. An end that is never told is far away.
    """
    begin, end = step.action.from_, step.action.until
    if begin is None:
        from_us = start_us + step.takes_us
    elif begin.startswith("+"):
        from_us = start_us + duration_us(begin[1:])
    else:
        from_us = min(_on_days(begin, start_us, zone), key=lambda at: abs(at - start_us))
    if end is None:
        return from_us, from_us + (36_500 * DAY_US if step.lasts_us is None else step.lasts_us)
    if end.startswith("+"):
        return from_us, start_us + duration_us(end[1:])
    return from_us, min(at for at in _on_days(end, from_us, zone) if at > from_us)


def _on_days(time: str, around_us: int, zone: ZoneInfo) -> list[int]:
    """A time of day on the day before, the same, and the two days after."""
    day = from_us(around_us).astimezone(zone)
    hour, minute = map(int, time.split(":"))
    wall = datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC).replace(tzinfo=None)
    return [moment_us(wall + timedelta(days=days), zone) for days in (-1, 0, 1, 2)]


def _apply(step: Step, window: _Window, made: Schedule) -> bool:
    """Write one action into the schedule; whether it changes anything in the window."""
    action, network, when = step.action, window.network, window.when(step)
    if action.do == "extend-event":
        return _extend(action, made, window)
    links = _links(action, network)
    if when.start >= when.stop or not links:
        return False
    plan = made.plan
    match action.do:
        case "close":
            plan.may[when, links] = 0.0
        case "open":
            plan.may[when, links], plan.held[when, links], plan.limit[when, links] = 1.0, 0.0, network.limit_s[links]
        case "hold":
            plan.held[when, links] = 1.0
        case "width":
            walked_m = max((action.width_m or 0.0) - 2 * window.diagram.edge_m, 0.0)
            plan.width_m[when, network.gate[links]] = walked_m
        case "one-way":
            plan.may[when, network.back[links]] = 0.0
        case "dose":
            plan.limit[when, links] = np.minimum((action.per_minute or 0.0) / 60, network.limit_s[links])
        case "redirect":
            return _redirect(action, when, links, made, network)
        case "stop-arrivals":
            made.come_by[when, :, _outer(links, network)] = 0.0
    return True


def _links(action: ActionEntry, network: Network) -> list[int]:
    """The links of the gate or zone that an action names, in the way that it names."""
    ways = {"in": (True,), "out": (False,), "both": (True, False)}[action.way]
    if action.gate is not None:
        return [network.link(action.gate, inward) for inward in ways]
    number = network.zones.index(action.zone or "")
    found = [np.flatnonzero((network.target if inward else network.source) == number) for inward in ways]
    return [int(link) for links in found for link in links]


def _outer(links: Sequence[int], network: Network) -> list[int]:
    """Numbers of the outer gates whose entrance is among these links."""
    first = int(network.first[-1])
    return [link - first for link in links if link >= first]


def _redirect(action: ActionEntry, when: slice, links: list[int], made: Schedule, network: Network) -> bool:
    """Lead a share of those who would go by the links to the other gate, from the side that both gates have."""
    changed = False
    for link in links:
        there = [network.link(action.to_gate or "", inward) for inward in (True, False)]
        there = [other for other in there if network.source[other] == network.source[link]]
        share = action.share or 0.0
        if not there:
            continue
        changed = True
        if link >= network.first[-1]:
            one, other = link - int(network.first[-1]), there[0] - int(network.first[-1])
            moved = share * made.come_by[when, :, one]
            made.come_by[when, :, one] -= moved
            made.come_by[when, :, other] += moved
        else:
            made.plan.aside[when, link], made.plan.aside_to[when, link] = share, there[0]
    return changed


def _extend(action: ActionEntry, made: Schedule, window: _Window) -> bool:
    """People of an event's zones leave as they would have before its end, and after that as planned, but so much later."""
    event = next(each for each in window.lab.events if each.key == action.event)
    end = window.minute(moment_us(event.end, window.lab.zone))
    by = round(duration_us(action.by or "0m") / SLOT_US)
    if not 0 < end < window.minutes or by == 0:
        return False
    minute = np.arange(window.minutes)
    later = np.where(minute < end, minute, np.where(minute < end + by, end - 1, minute - by))
    for number, key in enumerate(window.network.zones):
        if key in event.places or not event.places:
            made.leave_as[:, number] = later
    return True

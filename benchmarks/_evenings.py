"""Warnings on evenings whose truth is known: the boulevard's invented world, each evening with other numbers than its history.

The history (ten weeks, in them one smaller festival) is made with the world's usual numbers, and estimate and forecast know it.
Each evening is then that of another world (``Parameters.drawn``): two of three the festival's, which the calendar knows of, the
others an ordinary Saturday's. They are followed from 04:00, warned of from noon, and judged by the people who were really there.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from benchmarks._report import Row, row
from ruimte.clock import HOUR_US, MINUTE_US
from ruimte.estimate import advance
from ruimte.jobs.history import Actual
from ruimte.jobs.judging import Replay, judge, lines
from ruimte.jobs.models import shipped
from ruimte.lab.compile import compile_lab, stream_keys
from ruimte.lab.lab import Lab
from ruimte.lab.read import read_lab
from ruimte.labs import lab_folder
from ruimte.synthetic import Parameters, day, history, observe
from ruimte.warn.evaluate import Tally
from ruimte.warn.quality import Quality

EVENING = date(2026, 8, 15)
WEEKS = 10
WARNED_FROM_H = 8
"""Hours after 04:00 at which warnings begin: noon."""
EARLY = 3
"""Ticks that are 15 minutes."""
_REPLAYS: dict[bool, Replay] = {}
"""Replays that know the history: with the festival in the calendar, and without."""


def evenings(count: int, say: Callable[[str], None] = lambda line: None) -> Quality:
    """How the warnings of so many evenings did, all together."""
    for festival in (True, False):
        _REPLAYS[festival] = _ready(festival)
    say("the history is known")
    total = Quality(_REPLAYS[True].model.tick_us, _REPLAYS[True].leads)
    # each evening in a child of its own: it starts from the same memory and leaves no trace in it
    with multiprocessing.get_context("fork").Pool(2, maxtasksperchild=1) as pool:
        for number, found in enumerate(pool.imap_unordered(_evening, range(count), chunksize=1), start=1):
            total.add(found)
            if number % 20 == 0:
                say(f"{number} of {count} evenings")
    return total


def _ready(festival: bool) -> Replay:
    lab = read_lab(lab_folder("boulevard"))
    if not festival:
        lab = replace(lab, events=tuple(event for event in lab.events if event.start.date() != EVENING))
    ids = _ids(lab)
    replay = Replay(lab, compile_lab(lab, ids), shipped())
    state, parts, first = None, [], 0
    for each in history(lab, EVENING - timedelta(weeks=WEEKS), EVENING - timedelta(days=1), seed=0):
        state, states = advance(replay.model, state, observe(each, lab, ids), int(each.ends_us[-1]))
        known = np.where(states["observed"].to_numpy() > 0, states["mean"].to_numpy(), np.nan)
        first = first or int(replay.model.tick_of_end(states["end_us"].to_numpy()[:1])[0])
        parts.append(known.reshape(-1, len(replay.model.places)))
    replay.feed(Actual(np.concatenate(parts).T, first, state))
    return replay


def _ids(lab: Lab) -> dict[str, int]:
    return {each.key: number for number, each in enumerate(stream_keys(lab), start=1)}


def _evening(number: int) -> Quality:
    """One evening of another world."""
    festival, seed = number % 3 != 2, 1000 + number
    replay = _REPLAYS[festival]
    tick_us = replay.model.tick_us
    today = day(replay.lab, EVENING, seed, Parameters.drawn(seed), festival)
    rows = observe(today, replay.lab, _ids(replay.lab))
    received = rows["received_us"].to_numpy()
    begin = WARNED_FROM_H * HOUR_US // tick_us
    for tick, end_us in enumerate(today.ends_us.tolist()):
        first, last = np.searchsorted(received, [end_us - tick_us, end_us], side="right")
        (replay.tick if tick >= begin else replay.follow)(rows.slice(first, last - first), end_us)
    return judge(replay, today.people[begin:].T.astype(np.float64))


def evening_rows(quick: bool) -> list[Row]:
    """How few, how early and how honest the warnings of the evenings were, beside both other methods."""
    found = evenings(24 if quick else 200, print)
    rows = []
    for level in ("D", "E"):
        methods = found.levels[level]
        one, minutes = methods["ruimte"].tally, found.tick_us // MINUTE_US
        best = max(("profile", "threshold"), key=lambda name: methods[name].tally.hits(found.leads[0]))
        peer = methods[best].tally
        goal = {"least": 0.9} if level == "E" else {}
        for name, ours, theirs, limit in (
            (f"passages into {level} warned of 15 min ahead", one.hits(found.leads[0]), peer.hits(found.leads[0]), goal),
            (f"passages into {level}, a warning at the place 15 min ahead", _early(one), _early(peer), {}),
            (f"passages into {level} warned of when they happened", one.hits(0), peer.hits(0), {}),
        ):
            rows.append(row(name, ours / one.passages, "of 1", peer=best, peer_value=theirs / one.passages, **limit))
        for lead in found.leads:
            scores = {name: methods[name].chances[lead].brier for name in methods}
            best = min(("profile", "threshold"), key=scores.__getitem__)
            told = f"Brier score of {level}, {lead * minutes} min ahead"
            rows.append(row(told, scores["ruimte"], "", peer=best, peer_value=scores[best], ratio_most=1.0))
    ours, false = found.alarms["ruimte"], found.false["ruimte"]
    for name, value, most in (
        ("priority 1 alarms an evening", ours[1], 3.0),
        ("of them false", false[1], 1.0),
        ("all alarms an evening", sum(ours.values()), None),
        ("of them false (all)", sum(false.values()), None),
    ):
        peer_of = found.alarms["threshold"] if "false" not in name else found.false["threshold"]
        theirs = peer_of[1] if "priority" in name or name == "of them false" else sum(peer_of.values())
        figures = {"peer": "threshold", "peer_value": theirs / found.periods} if theirs else {}
        rows.append(row(name, value / found.periods, "", most=most, **figures))
    print("\n".join(lines(found)))
    return rows


def _early(one: Tally) -> int:
    return sum(lead >= EARLY for lead in one.noticed)

"""How what a device with tracks sees is told: what is old is not told as if it were now, what is not known says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ruimte.jobs.crowd_view import CrowdView, DistanceFiguresView, FieldView, FigureView
from ruimte.lab.levels import LevelTable
from ruimte.web.control.crowd_words import table_name
from ruimte.web.words import Words

SILENT_S = 5.0
"""After so long without a frame what a device told last is old: it is not shown any more."""
_CALLS = 3
"""The level of a table from which on colour calls: D."""
_TALL = 60.0
"""Height of the chart by distance, in units of its picture; a ring is 10 wide."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A class of a distribution, and how long its bar is of 100."""

    label: str
    people: str
    length: float


@dataclass(frozen=True, slots=True)
class Ring:
    """Pairs of a ring of distance over what chance would give, and its bar in the chart; ``figure`` is "?" where not known."""

    label: str
    figure: str
    x: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Rings:
    """The chart of pairs by distance: as ``wide`` as its rings and ``tall``; chance at ``even``, too close up to ``close``."""

    rings: list[Ring]
    wide: float
    tall: float
    even: float
    close: float | None
    reach: str


@dataclass(frozen=True, slots=True)
class Told:
    """A device as the page shows it. ``silence``: why nothing is known of now; empty where it is heard."""

    view: CrowdView
    silence: str
    heard: str
    zones: list[FigureView]
    gates: list[FigureView]
    tables: dict[str, str]
    densest: str
    exposure: list[Bar]
    rings: Rings | None


def told(view: CrowdView, levels: LevelTable, words: Words) -> Told:
    """A view, without the figures that are too old to be of now."""
    gone = silence(view, words)
    if gone:
        view = _without_figures(view, gone)
    return Told(
        view,
        gone,
        "" if gone else words("%(time)s ago", time=seconds(view.age_s or 0.0, words)),
        [figure for figure in view.figures if figure.kind == "zone"],
        [figure for figure in view.figures if figure.kind == "gate"],
        {figure.table: table_name(figure.table, words) for figure in view.figures if figure.table},
        densest(view.field, levels, words),
        [] if view.distancing is None else exposure(view.distancing, words),
        None if view.distancing is None else rings(view.distancing, words),
    )


def on_map(view: CrowdView) -> dict[str, Any]:
    """Of a view what the map draws."""
    return {"device": view.device, "name": view.name, "age_s": view.age_s, "field": view.field}


def silence(view: CrowdView, words: Words) -> str:
    """Since when a device is not heard; empty where it is."""
    if view.age_s is None:
        return words("no frames yet")
    if view.age_s > SILENT_S:
        return words("no frames for %(time)s", time=seconds(view.age_s, words))
    return ""


def seconds(length: float, words: Words) -> str:
    """A length of time: in seconds up to two minutes, then in minutes and hours.

    >>> from zoneinfo import ZoneInfo
    >>> seconds(40.2, Words("en", ZoneInfo("UTC"))), seconds(190, Words("en", ZoneInfo("UTC")))
    ('40 s', '3 min')
    """
    return f"{length:.0f} s" if length < 120 else words.duration(length)


def densest(field: FieldView | None, levels: LevelTable, words: Words) -> str:
    """The map in words: the densest square, and how much of what is seen is at a level that calls; empty without a field."""
    known = [] if field is None else [value for value in field.values if value is not None]
    if field is None or not known:
        return ""
    most = max(known)
    level = levels.names[sum(most >= upper for upper in levels.upper)]
    calls = sum(value >= levels.upper[_CALLS - 1] for value in known) / len(known)
    return words(
        "Densest square of %(side)s m: %(density)s persons/m², level %(level)s. Level %(from_)s or above: %(share)s of the view.",
        side=words.decimal(field.square_m),
        density=words.decimal(most),
        level=level,
        from_=levels.names[_CALLS],
        share=words.share(calls),
    )


def exposure(view: DistanceFiguresView, words: Words) -> list[Bar]:
    """People by time too close. The bars are as the greatest class."""
    starts = [0.0, *view.exposure_s]
    most = max(view.exposure, default=0)
    return [
        Bar(_span(starts, number, words), words.number(people), round(100 * people / most, 1) if most else 0.0)
        for number, people in enumerate(view.exposure[: len(starts)])
    ]


def rings(view: DistanceFiguresView, words: Words) -> Rings | None:
    """Pairs by distance, over what chance would give; None where nothing is known of them."""
    known = [value for value in view.radial if value is not None]
    if view.ring_m is None or not known:
        return None
    scale = _TALL / max(2.0, *known)
    bars = []
    for number, value in enumerate(view.radial):
        height = round((value or 0.0) * scale, 2)
        label = f"{words.decimal(number * view.ring_m)}–{words.decimal((number + 1) * view.ring_m)} m"
        figure = "?" if value is None else words.decimal(value, 2)
        bars.append(Ring(label, figure, 10.0 * number, round(_TALL - height, 2), height))
    close = None if view.contact_m is None else round(10.0 * view.contact_m / view.ring_m, 2)
    reach = f"{words.decimal(len(bars) * view.ring_m)} m"
    return Rings(bars, 10.0 * len(bars), _TALL, round(_TALL - scale, 2), close, reach)


def _span(starts: Sequence[float], number: int, words: Words) -> str:
    """The class of times that begins at one of ``starts``, as in "1–5 s" and "15 min and more"."""

    def told(length: float) -> str:
        return f"{words.figure(length / 60)} {words('min')}" if length >= 60 else f"{words.figure(length)} s"

    if number + 1 == len(starts):
        return words("%(time)s and more", time=told(starts[number]))
    low, high = told(starts[number]), told(starts[number + 1])
    return f"{low.rsplit(' ', 1)[0]}–{high}" if low.rsplit(" ", 1)[1] == high.rsplit(" ", 1)[1] else f"{low} – {high}"


def _without_figures(view: CrowdView, why: str) -> CrowdView:
    bare = {"people": None, "people_sd": None, "density": None, "speed": None, "inward": None, "outward": None, "level": None}
    return msgspec.structs.replace(
        view,
        people=None,
        left_out=None,
        field=None,
        figures=[msgspec.structs.replace(figure, **bare) for figure in view.figures],
        indicators=[msgspec.structs.replace(each, value=None, why=why) for each in view.indicators],
    )

"""The figures of an after-action report, as SVG that can stand in a page: the course of all places, and each place by itself.

They are to be read in print and without colours: levels are told by lightness and by their letter, marks by their shape. Each has
a title and a description for who cannot see it. Nothing global is drawn on, so this can run in any thread.
"""

from __future__ import annotations

import io
import re
from html import escape
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ruimte.clock import HOUR_US, MINUTE_US
from ruimte.report.evening import Evening, PlaceTold
from ruimte.report.look import BLUE, FAINT, INK, QUIET
from ruimte.report.words import Words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEVELS = ("#eceeef", "#d3d8db", "#b4bcc2", "#f5d547", "#e0700a", "#6a1b9a")
"""The house's colours of the levels A–F: grey is calm."""
_ON = (INK, INK, INK, INK, INK, "white")
_MOST_POINTS = 400
_STEPS_MIN = (15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080)


def course(evening: Evening, words: Words) -> str:
    """A row a place: its level over time, with warnings and decisions as marks."""
    places = evening.places
    figure = _figure(10.0, 0.9 + 0.42 * len(places))
    axes = figure.subplots()
    for row, place in enumerate(places):
        _strip(axes, row, place, evening)
        for judged in evening.warnings:
            if judged.warning.place == place.key:
                end_us = judged.warning.closed_us or evening.until_us
                begin_us = max(judged.warning.opened_us, evening.from_us)
                axes.plot([_h(begin_us, evening), _h(end_us, evening)], [row + 0.34] * 2, color=INK, linewidth=1.4)
                axes.plot(_h(begin_us, evening), row + 0.34, "^", color=INK, markersize=6, clip_on=False)
        for decision in evening.decisions:
            if decision.place == place.key:
                axes.plot(_h(decision.at_us, evening), row - 0.32, "D", color=INK, markersize=5, clip_on=False)
    axes.set_yticks(range(len(places)), [place.name for place in places])
    axes.set_ylim(len(places) - 0.45, -0.55)
    _time_axis(axes, evening, words)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.plot([], [], "^", color=INK, markersize=6, label=words("warning"))
    axes.plot([], [], "D", color=INK, markersize=5, label=words("decision"))
    for name, colour in _legend(places):
        axes.plot([], [], "s", color=LEVELS[colour], markersize=8, markeredgecolor=QUIET, markeredgewidth=0.4, label=name)
    axes.plot([], [], "s", color="white", markersize=8, markeredgecolor=QUIET, label=f"? {words('not known')}")
    figure.legend(loc="outside lower center", ncols=12, frameon=False, fontsize=8, handletextpad=0.3, columnspacing=1.1)
    told = " ".join(place_told(place, words) for place in places)
    return _svg(figure, "course", words("Course of the period"), words("Levels of every place over time. %(told)s", told=told))


def small_multiple(evening: Evening, place: PlaceTold, words: Words, number: int) -> str:
    """One place: how many, the 90 % band, the levels behind it, and its warnings and decisions."""
    figure = _figure(4.9, 2.15, layout=None)  # a layout that finds its own margins draws everything three times
    figure.subplots_adjust(left=0.15, right=0.93, top=0.88, bottom=0.13)
    axes = figure.subplots()
    at, keep = _kept(place)
    hours = np.array([_h(int(us), evening) for us in place.ends_us[at]])
    mean, low, high = (values[at] for values in (keep, place.q05, place.q95))
    top = _top(place)
    _bands(axes, place, at, hours, top)
    axes.fill_between(hours, low, high, color=BLUE, alpha=0.28, linewidth=0)
    axes.plot(hours, mean, color=BLUE, linewidth=1.4)
    for judged in evening.warnings:
        if judged.warning.place == place.key:
            begin = _h(max(judged.warning.opened_us, evening.from_us), evening)
            axes.axvline(begin, color=INK, linewidth=0.8, linestyle=":")
            axes.plot(begin, 0.96 * top, "^", color=INK, markersize=5)
    for decision in evening.decisions:
        if decision.place == place.key:
            axes.plot(_h(decision.at_us, evening), 0.04 * top, "D", color=INK, markersize=4.5)
    axes.set_ylim(0, top)
    _time_axis(axes, evening, words, few=True)
    axes.set_title(place.name, loc="left", fontsize=9.5, color=INK)
    axes.set_ylabel(words.unit(place.unit), fontsize=8, color=INK)
    axes.yaxis.set_major_formatter(lambda value, _: words.number(value))
    axes.spines[["top", "right"]].set_visible(False)
    return _svg(figure, f"place{number}", place.name, place_told(place, words))


def place_told(place: PlaceTold, words: Words) -> str:
    """A place in one sentence: what a figure shows, for who cannot see it."""
    worst = place.worst
    if worst is None:
        return words("%(place)s: not known.", place=place.name)
    return words(
        "%(place)s: at most %(figure)s at %(time)s (%(level)s).",
        place=place.name,
        figure=f"{words.number(float(place.mean[worst]))} {words.unit(place.unit)}",
        time=words.clock(int(place.ends_us[worst])),
        level=words.level(place.names[int(place.rank[worst])]),
    )


def _strip(axes: Axes, row: int, place: PlaceTold, evening: Evening) -> None:
    """The levels of a place as bars; its letter stands in those that are wide enough."""
    axes.barh(row, _h(evening.until_us, evening), 0.56, color="white", edgecolor=FAINT, linewidth=0.6)
    rank, tick_h = place.rank, evening.tick_us / HOUR_US
    if not len(rank):
        return
    joined = (np.diff(rank) == 0) & (np.diff(place.ends_us) == evening.tick_us)
    for run in np.split(np.arange(len(rank)), np.flatnonzero(~joined) + 1):
        level = int(rank[run[0]])
        begin, width = _h(int(place.ends_us[run[0]]), evening) - tick_h, tick_h * len(run)
        wide = width > 0.03 * _h(evening.until_us, evening)
        if level >= 0:
            colour = place.colours[level]
            axes.barh(row, width, 0.56, begin, color=LEVELS[colour], linewidth=0)
            if wide and colour >= 3:
                axes.text(begin + width / 2, row, place.names[level], ha="center", va="center", fontsize=8, color=_ON[colour])
        elif wide:
            axes.text(begin + width / 2, row, "?", ha="center", va="center", fontsize=8, color=QUIET)


def _bands(axes: Axes, place: PlaceTold, at: NDArray[Any], hours: NDArray[Any], top: float) -> None:
    limits = np.vstack([place.limits[:, at], np.full(len(at), np.inf)])
    for level, colour in enumerate(place.colours):
        low, high = (np.minimum(limits[k], top) for k in (level, level + 1))
        if colour >= 3 and len(hours):
            axes.fill_between(hours, low, high, color=LEVELS[colour], alpha=0.3 if colour == 5 else 0.42, linewidth=0)
            if high[-1] - low[-1] > 0.09 * top:  # its name beside the end of the band, where there is room
                axes.text(
                    1.01,
                    float(low[-1] + high[-1]) / 2 / top,
                    place.names[level],
                    transform=axes.transAxes,
                    fontsize=8,
                    color=INK,
                    va="center",
                )


def _top(place: PlaceTold) -> float:
    """The upper end of the axis: all figures, and where the lowest level that warns begins if that is not far."""
    most = float(np.nanmax(np.append(place.q95, place.mean), initial=1.0))
    warns = place.limits[place.warns_from] if place.warns_from < len(place.limits) else np.array([])
    begins = float(np.nanmin(warns, initial=np.inf))
    return 1.12 * (max(most, begins) if begins < 3 * most else most)


def _kept(place: PlaceTold) -> tuple[NDArray[Any], NDArray[Any]]:
    """Which ticks are drawn, where there are very many: of each stretch the busiest; and the mean, where it was heard."""
    mean = np.where(place.heard, place.mean, np.nan)
    count = len(mean)
    if count <= _MOST_POINTS:
        return np.arange(count), mean
    stretches = np.array_split(np.arange(count), _MOST_POINTS)
    return np.array([s[int(np.argmax(np.nan_to_num(mean[s], nan=-1.0)))] for s in stretches]), mean


def _legend(places: list[PlaceTold]) -> list[tuple[str, int]]:
    """The names of the levels that warn, by their colour: an A–F lab and one of percentiles may be one."""
    named: dict[int, list[str]] = {}
    for place in places:
        for name, colour in zip(place.names, place.colours, strict=True):
            if colour >= 3 and name not in named.setdefault(colour, []):
                named[colour].append(name)
    return [(" / ".join(named[colour]), colour) for colour in sorted(named)]


def _h(us: int, evening: Evening) -> float:
    """Hours since the period began."""
    return (us - evening.from_us) / HOUR_US


def _time_axis(axes: Axes, evening: Evening, words: Words, *, few: bool = False) -> None:
    length_us = evening.until_us - evening.from_us
    most = 5 if few else 12
    step_us = next((m * MINUTE_US for m in _STEPS_MIN if length_us / (m * MINUTE_US) <= most), _STEPS_MIN[-1] * MINUTE_US)
    ahead_us = words.offset_us(evening.from_us)  # whole hours of the wall
    first = -(-(evening.from_us + ahead_us) // step_us) * step_us - ahead_us
    ticks = list(range(first, evening.until_us + 1, step_us))
    long = length_us > 36 * HOUR_US
    axes.set_xticks([_h(us, evening) for us in ticks], [words.moment(us) if long else words.clock(us) for us in ticks])
    axes.set_xlim(0, length_us / HOUR_US)
    axes.tick_params(labelsize=8, color=QUIET, labelcolor=INK)
    axes.spines[["left", "bottom"]].set_color(QUIET)


def _figure(width: float, height: float, layout: Literal["constrained"] | None = "constrained") -> Figure:
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure((width, height), facecolor="white", layout=layout)
    FigureCanvasSVG(figure)
    return figure


def _svg(figure: Figure, name: str, title: str, description: str) -> str:
    """The figure as an element of a page: ids that no other figure has, scaled to its column, with words beside it."""
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    text = drawn.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', text)
    text = re.sub(r'(href="#|url\(#)', rf"\1{name}-", text)
    text = re.sub(
        r'(<svg[^>]*?) (?:width|height)="[^"]*pt"',
        r"\1",
        re.sub(r'(<svg[^>]*?) (?:width|height)="[^"]*pt"', r"\1", text, count=1),
        count=1,
    )
    told = f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(description)}</desc>'
    return re.sub(r"(<svg[^>]*)>", rf'\1 role="img" aria-labelledby="{name}-title {name}-desc">{_safe(told)}', text, count=1)


def _safe(text: str) -> str:
    """A text that can stand in the replacement of a pattern."""
    return text.replace("\\", "\\\\")

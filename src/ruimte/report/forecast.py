"""Pictures of a comparison of forecasts, as PNG files: how far off, how well the quantiles hold, and the worst days.

They are to be read in print and without colours: what matters is told by lightness, shape and words. Nothing global is drawn
on, so this can run in any thread; the same comparison gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ruimte.clock import HOUR_US, from_us, to_us
from ruimte.forecast import metrics
from ruimte.forecast.comparison import Comparison, Method
from ruimte.forecast.learned_forecaster import ALGORITHM
from ruimte.model.forecast import LEVELS, MEDIAN, level_index
from ruimte.report.look import BLUE, FAINT, INK, QUIET, RED, dress, new_figure, require_matplotlib, write_pictures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

RANGES_H: tuple[tuple[float, float], ...] = ((0, 6), (6, 24), (24, 48), (48, np.inf))
"""Ranges of horizons (after, until] that are drawn apart, hours."""
_SHADES = (("#08203a", "o"), (BLUE, "s"), ("#4a86bd", "^"), ("#86b3da", "D"))
"""Of those ranges: darker is nearer."""
_SHAPES = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
_EACH_UNTIL_H = 1.0
_EDGES_H = np.array([2.0, 3, 4, 5, 6, 9, 12, 18, *np.arange(24, 24 * 60, 24)])
"""Each horizon is a point of a line until one hour; from there on those up to each of these make one: on a log axis more would be
a thicket, and after a day they would show the time of day.
"""
_TICKS_H = {0.25: "15 min", 0.5: "30 min", 1: "1 h", 2: "2 h", 3: "3 h", 6: "6 h", 12: "12 h", 24: "1 day", 48: "2 days"}
_TICKS_H |= {24 * days: f"{days} days" for days in (4, 7, 14, 28, 56)}
_WORST = 4
_ALIKE = 400
"""How many hours tell how the places are off together."""
_LEAST_ALIKE = 20


def draw_backtest(found: Comparison, out: Path, zone: tzinfo = UTC) -> list[Path]:
    """Draw a comparison into a folder; gives the files.

    They are of skill and of the worst days, and where a method has quantiles of reliability and the PIT. Where no pair of
    forecast and actual is served by every method, there is nothing to draw.

    Args:
        found: the comparison.
        out: the folder; it is made where it is not there.
        zone: whose days and hours are told.

    Raises ``RuimteError`` where matplotlib is not installed, or the folder cannot be written.
    """
    require_matplotlib()
    figures: dict[str, Figure] = {}
    served = found.served()
    if served.any():
        figures["skill"] = _skill(found, served, zone)
        sure = {name: method.quantiles for name, method in found.methods.items() if method.quantiles is not None}
        if sure:
            figures["reliability"] = _reliability(found, served, sure)
            figures["pit"] = _pit(found, served, sure)
        days = _worst(found, served, zone)
        if days:
            figures["worst-days"] = _days(days, _main(found), zone)
    return write_pictures(out, {f"backtest-{name}": figure for name, figure in figures.items()})


def _main(found: Comparison) -> str:
    """The method that the pictures are about: the learned one, else the first that has quantiles, else the first."""
    sure = [name for name, method in found.methods.items() if method.quantiles is not None]
    return ALGORITHM if ALGORITHM in found.methods else [*sure, *found.methods][0]


# ---- how far off, by how far ahead


def _skill(found: Comparison, served: Mask, zone: tzinfo) -> Figure:
    """nMAE of every method by horizon."""
    figure = new_figure(8.2, 4.0)
    axes = figure.subplots()
    main, lines = _main(found), []
    group = _groups(found.elapsed_h)
    shapes = iter(_SHAPES * (1 + len(found.methods) // len(_SHAPES)))
    for name, method in found.methods.items():
        at_h, off = _nmae(found, method, served, group)
        mine = name == main
        axes.plot(
            at_h,
            off,
            color=BLUE if mine else QUIET,
            linewidth=2.4 if mine else 0.9,
            marker="o" if mine else next(shapes),
            markersize=5 if mine else 3.8,
            markerfacecolor=BLUE if mine else "white",
            zorder=3 if mine else 2,
        )
        lines.append((name, float(at_h[-1]), float(off[-1]), mine))
    axes.set_xscale("log")
    axes.set_xlim(found.elapsed_h[0] / 1.12, found.elapsed_h[-1] * 1.12)
    axes.set_ylim(bottom=0)
    ticks = [hours for hours in _TICKS_H if found.elapsed_h[0] <= hours <= found.elapsed_h[-1]]
    axes.set_xticks(ticks, [_TICKS_H[hours] for hours in ticks])
    axes.set_xticks([], minor=True)
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    first, last = (from_us(int(us)).astimezone(zone) for us in found.origins_us[[0, -1]])
    told = f"nMAE; {_many(len(found.origins_us), 'forecast')} of {_many(len(found.places), 'place')}, made "
    told += f"{_day(first)} to {_day(last)}" if first.date() != last.date() else _day(first)
    dress(axes, "How far off the forecasts were", "how far ahead", "mean absolute error ÷ mean of what came", below=told)
    _label(axes, lines)
    return figure


def _groups(elapsed_h: Array) -> Ints:
    """Of each horizon the point it is part of, counted from 0."""
    near = elapsed_h <= _EACH_UNTIL_H + 1e-9
    group = np.where(near, np.arange(len(elapsed_h)), len(elapsed_h) + np.searchsorted(_EDGES_H, elapsed_h - 1e-9))
    return np.unique(group, return_inverse=True)[1].astype(np.int64)


def _nmae(found: Comparison, method: Method, served: Mask, group: Ints) -> tuple[Array, Array]:
    """Horizons and nMAE of the points of a line; without those at which nothing came or nothing is known."""
    points = int(group.max()) + 1
    off = np.where(served, np.abs(method.point - found.actual), 0.0).sum(axis=(0, 1))
    came = np.where(served, found.actual, 0.0).sum(axis=(0, 1))
    total = np.bincount(group, came, points)
    at_h = np.bincount(group, found.elapsed_h, points) / np.bincount(group, minlength=points)
    some = total > 0
    if not some.any():
        return at_h[:1], np.full(1, np.nan)
    return at_h[some], np.bincount(group, off, points)[some] / total[some]


def _label(axes: Axes, lines: list[tuple[str, float, float, bool]]) -> None:
    """Write the names at the ends of lines (name, x, y, whether it is the main one), not over each other."""
    lines = sorted((line for line in lines if np.isfinite(line[2])), key=lambda line: line[2])
    low, high = axes.get_ylim()
    room = 0.058 * (high - low)
    heights: list[float] = []
    for _, _, y, _ in lines:
        heights.append(max(y, heights[-1] + room) if heights else y)
    # what was pushed up is let down again, by half of it
    for first in range(len(lines)):
        if first and heights[first] - heights[first - 1] < room * 1.001:
            continue
        last = first
        while last + 1 < len(lines) and heights[last + 1] - heights[last] < room * 1.001:
            last += 1
        wanted = np.mean([lines[index][2] for index in range(first, last + 1)]) - np.mean(heights[first : last + 1])
        floor = heights[first - 1] + room if first else low
        down = max(float(wanted), floor - heights[first])
        heights[first : last + 1] = [height + down for height in heights[first : last + 1]]
    for (name, x, y, mine), height in zip(lines, heights, strict=True):
        axes.annotate(
            name,
            (x, y),
            (1.045, height),
            textcoords=axes.get_yaxis_transform(),
            annotation_clip=False,
            va="center",
            fontsize=9 if mine else 8.5,
            fontweight="bold" if mine else "normal",
            color=BLUE if mine else INK,
            arrowprops={"arrowstyle": "-", "color": FAINT, "linewidth": 0.8, "shrinkA": 2, "shrinkB": 4},
        )


# ---- how well the quantiles hold


def _reliability(found: Comparison, served: Mask, sure: dict[str, Array]) -> Figure:
    """Promised against observed share below each quantile; a row a method."""
    figure = new_figure(8.2, 0.4 + 3.7 * len(sure))
    grid = figure.subplots(len(sure), 2, squeeze=False, width_ratios=(1, 1.15))
    for (name, quantiles), (whole, apart) in zip(sure.items(), grid, strict=True):
        whole.plot([0, 100], [0, 100], color=QUIET, linewidth=0.8, linestyle="--", zorder=1)
        apart.axhline(0, color=QUIET, linewidth=0.8, linestyle="--", zorder=1)
        most = 5.0
        for (label, within), (colour, shape) in zip(_ranges(found, served).items(), _SHADES, strict=False):
            seen = 100 * metrics.reliability(np.where(within, found.actual, np.nan), quantiles)
            if np.isnan(seen).any():
                continue
            style = {"color": colour, "marker": shape, "markersize": 3.6, "linewidth": 1.3, "label": label}
            whole.plot(100 * LEVELS, seen, **style)
            apart.plot(100 * LEVELS, seen - 100 * LEVELS, **style)
            most = max(most, 1.25 * float(np.abs(seen - 100 * LEVELS).max()))
        for axes in (whole, apart):
            axes.set_xlim(0, 100)
            axes.set_xticks(range(0, 101, 20))
            axes.grid(color=FAINT, linewidth=0.6)
        whole.set_ylim(0, 100)
        whole.legend(frameon=False, fontsize=8, title="ahead", title_fontsize=8, loc="upper left", alignment="left")
        apart.set_ylim(-most, most)
        apart.text(99, 0.96 * most, "came lower than forecast", ha="right", va="top", color=QUIET, fontsize=8)
        apart.text(99, -0.96 * most, "came higher than forecast", ha="right", va="bottom", color=QUIET, fontsize=8)
        dress(whole, f"Share below each quantile: {name}", "promised below, %", "observed below, %")
        dress(apart, "Observed minus promised", "promised below, %", "percentage points")
    return figure


def _pit(found: Comparison, served: Mask, sure: dict[str, Array]) -> Figure:
    """How often what came lay between which two quantiles, a row a method, a column a range of horizons."""
    ranges = _ranges(found, served)
    figure = new_figure(max(6.4, 0.6 + 2.1 * len(ranges)), 0.7 + 2.1 * len(sure))
    grid = figure.subplots(len(sure), len(ranges), squeeze=False, sharex=True, sharey=True)
    for row, (name, quantiles) in enumerate(sure.items()):
        for column, ((label, within), axes) in enumerate(zip(ranges.items(), grid[row], strict=True)):
            often = metrics.pit(np.where(within, found.actual, np.nan), quantiles)
            if not np.isnan(often).any():
                axes.bar(5.0 * np.arange(20), often, 5, align="edge", color=BLUE, edgecolor="white", linewidth=0.5)
            axes.axhline(1, color=INK, linewidth=1.0, linestyle="--")
            axes.set_xlim(0, 100)
            axes.set_xticks((0, 25, 50, 75, 100))
            dress(axes, f"{label} ahead", "", f"{name}\n× as often as promised" if column == 0 else "", size=9)
    grid[0, 0].set_ylim(0, max(2.0, grid[0, 0].get_ylim()[1]))
    figure.suptitle("Where among the quantiles did it come? (PIT; flat is calibrated)", x=0.01, ha="left", fontsize=10, color=INK)
    figure.supxlabel("quantile at which it came, %   (left: fewer came than forecast; right: more)", fontsize=9, color=INK)
    return figure


def _ranges(found: Comparison, served: Mask) -> dict[str, Mask]:
    """Pairs of each range of horizons that there is, by how it is called."""
    ranges: dict[str, Mask] = {}
    longest = float(found.elapsed_h.max())
    for low, high in RANGES_H:
        within = served & (found.elapsed_h > low + 1e-9) & (found.elapsed_h <= high + 1e-9)
        if within.any():
            ranges[f"{low:g}–{min(high, longest):g} h"] = within
    return ranges


# ---- the worst days


@dataclass(frozen=True, slots=True)
class _Day:
    """A day as it was forecast, all places added up; ``at_h``: hours since its begin."""

    issued: datetime
    begin: datetime
    end: datetime
    at_h: Array
    came: Array
    told: Array
    band: tuple[Array, Array] | None

    @property
    def off(self) -> float:
        return float(np.nanmean(np.abs(self.came - self.told)))


def _worst(found: Comparison, served: Mask, zone: tzinfo) -> list[_Day]:
    """The days on which all places together were the furthest off, in order of time."""
    chosen: dict[datetime, tuple[int, Mask, datetime]] = {}
    for index in np.argsort(found.origins_us, kind="stable"):
        begin, end, blocks = _next_day(found, int(index), zone)
        chosen[begin] = (int(index), blocks, end)  # of those issued before a day the last
    block_h = float(np.diff(found.elapsed_h, prepend=0.0)[-1])
    method, days = found.methods[_main(found)], []
    order = None if method.quantiles is None else _alike(found, served, method)
    for begin, (index, blocks, end) in chosen.items():
        there = served[index][:, blocks]
        known = there.sum(axis=0)
        enough = (known > 0) & (2 * known >= known.max(initial=0))
        if 2 * enough.sum() < len(enough) or not enough.any():
            continue
        came, told = (
            np.where(enough, np.where(there, values[index][:, blocks], 0.0).sum(axis=0), np.nan)
            for values in (found.actual, method.point)
        )
        band = None
        if method.quantiles is not None:
            low, high = _total(np.where(there[..., None], method.quantiles[index][:, blocks], 0.0), order)
            band = np.where(enough, low, np.nan), np.where(enough, high, np.nan)
        ends_us = found.origins_us[index] + found.elapsed_h[blocks] * HOUR_US
        at_h = (ends_us - to_us(begin)) / HOUR_US - block_h / 2
        issued = from_us(int(found.origins_us[index])).astimezone(zone)
        days.append(_Day(issued, begin, end, at_h, came, told, band))
    worst: list[_Day] = []
    for day in sorted(days, key=lambda day: -day.off):
        if all(day.end <= other.begin or day.begin >= other.end for other in worst):
            worst.append(day)
    return sorted(worst[:_WORST], key=lambda day: day.begin)


def _next_day(found: Comparison, index: int, zone: tzinfo) -> tuple[datetime, datetime, Mask]:
    """Begin, end and blocks of the first whole day after an origin; where that is too far ahead, of its first 24 hours."""
    origin_us = int(found.origins_us[index])
    issued = from_us(origin_us).astimezone(zone)
    begin = issued.replace(hour=0, minute=0, second=0, microsecond=0)
    if begin < issued:
        begin += timedelta(days=1)
    end = begin + timedelta(days=1)
    ends_us = origin_us + np.rint(found.elapsed_h * HOUR_US).astype(np.int64)
    if ends_us[-1] < to_us(end):
        begin, end = issued, from_us(int(min(ends_us[-1], origin_us + 24 * HOUR_US))).astimezone(zone)
    return begin, end, (ends_us > to_us(begin)) & (ends_us <= to_us(end))


def _alike(found: Comparison, served: Mask, method: Method) -> Array | None:
    """How places are off together: of hours up to two days ahead, at which level each place came, shape (hours, places).

    The levels are ranks among these hours, so that each place for itself keeps what its quantiles promise. None where there are
    too few hours.
    """
    assert method.quantiles is not None
    blocks = found.elapsed_h <= 48 + 1e-9
    told = method.quantiles[:, :, blocks]
    width = told[..., level_index(0.95)] - told[..., level_index(0.05)]
    off = np.where(served[:, :, blocks], found.actual[:, :, blocks] - told[..., MEDIAN], np.nan) / np.maximum(width, 1e-9)
    hours = np.moveaxis(off, 1, 2).reshape(-1, off.shape[1])
    # a place that is never told with the others, or not in this hour, is taken to be off by as little as can be
    hours = hours[(~np.isnan(hours)).sum(axis=1) * 2 >= hours.shape[1]]
    if len(hours) < _LEAST_ALIKE:
        return None
    hours = np.nan_to_num(hours[np.linspace(0, len(hours) - 1, min(_ALIKE, len(hours))).round().astype(np.int64)])
    return np.asarray((hours.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable") + 0.5) / len(hours))


def _total(quantiles: Array, alike: Array | None) -> tuple[Array, Array]:
    """5 and 95 % quantile of the sum over places, shape (blocks,); ``quantiles`` has shape (places, blocks, 21).

    The sum's quantiles are not the sum of quantiles: that would be so if all places were off together. So the places are drawn
    from their quantiles at the levels at which they came together in other hours (after Clark et al. (2004), The Schaake shuffle,
    Journal of Hydrometeorology 5). Where there are none, they are added up.
    """
    if alike is None:
        low, high = (quantiles[..., level_index(level)].sum(axis=0) for level in (0.05, 0.95))
        return low, high
    left = np.clip(np.searchsorted(LEVELS, alike) - 1, 0, len(LEVELS) - 2)
    part = np.clip((alike - LEVELS[left]) / (LEVELS[left + 1] - LEVELS[left]), 0.0, 1.0)
    total = np.zeros((len(alike), quantiles.shape[1]))
    for place, told in enumerate(quantiles):
        at, share = left[:, place], part[:, place, None]
        total += told[:, at].T * (1 - share) + told[:, at + 1].T * share
    low, high = np.quantile(total, (0.05, 0.95), axis=0)
    return low, high


def _days(days: list[_Day], name: str, zone: tzinfo) -> Figure:
    """What came on the worst days against what was forecast the day before."""
    columns = min(2, len(days))
    rows = -(-len(days) // columns)
    figure = new_figure(9.2 if columns > 1 else 6.4, 0.8 + 2.5 * rows)
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for axes in panels[len(days) :]:
        axes.set_visible(False)
    for number, (day, axes) in enumerate(zip(days, panels, strict=False)):
        if day.band is not None:
            axes.fill_between(day.at_h, *day.band, color="#c9dcee", linewidth=0, label="its 90 % band")
        axes.plot(day.at_h, day.told, color=BLUE, linewidth=1.3, linestyle="--", label=f"forecast ({name})")
        axes.plot(day.at_h, day.came, color=INK, linewidth=1.5, label="came")
        if day.band is not None:
            outside = (day.came < day.band[0]) | (day.came > day.band[1])
            axes.plot(day.at_h[outside], day.came[outside], "x", color=RED, markersize=4.5, label="came outside it")
        length_h = (to_us(day.end) - to_us(day.begin)) / HOUR_US
        ticks = np.arange(0.0, length_h + 1e-9, 6.0 if length_h > 12 else 3.0 if length_h > 4 else 1.0)
        clock = [from_us(to_us(day.begin) + int(hours * HOUR_US)).astimezone(zone) for hours in ticks]
        axes.set_xticks(ticks, [f"{moment:%H:%M}" for moment in clock])
        axes.set_xlim(0, length_h)
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.grid(axis="y", color=FAINT, linewidth=0.6)
        mean = float(np.nanmean(day.came))
        share = f" ({100 * day.off / mean:.0f} %)" if mean > 0 else ""
        told = f"made {day.issued:%a %H:%M}; off by {day.off:,.0f} on average{share}"
        unit = "persons or persons/h" if number % columns == 0 else ""
        dress(axes, f"{day.begin:%a} {_day(day.begin)}", "", unit, size=9.5, below=told)
    panels[0].set_ylim(bottom=0)
    title = "The worst days" if len(days) > 1 else "The worst day"
    figure.suptitle(f"{title}, all places added up (times of {zone})", x=0.01, ha="left", fontsize=10, color=INK)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, fontsize=8.5)
    return figure


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y}"


def _many(count: int, of: str) -> str:
    return f"{count:,} {of}" if count == 1 else f"{count:,} {of}s"

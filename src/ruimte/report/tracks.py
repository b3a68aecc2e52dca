"""The picture of a recording of tracks: where it was dense, who passed, how fast at which density, and how it went.

To be read in print and without colours: a denser square is darker, lines differ in dashes too, and everything has its name.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from ruimte.lab.levels import LevelTable
from ruimte.report.look import BLUE, FAINT, INK, QUIET, dress, new_figure, png, require_matplotlib, svg
from ruimte.tracks.figures import Figures, Scene
from ruimte.whatif.diagram import WEIDMANN

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure
    from matplotlib.path import Path

Array = NDArray[np.float64]

_WALL = "#b9bfc8"
_DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.2, 1.5)))
_INKS = (BLUE, "#b45309", "#4b5563", "#7b3f8c")
_MARKS = ("o", "s", "^", "D")
_LEAST_PAIRS = 10
"""A class of the diagram is drawn from so many pairs on."""
_MOST = 4
"""So many zones or gates are drawn as lines; more would be a thicket."""
_STEPS = (0.1, 0.2, 0.25, 0.5, 1.0, 2.0)
_SHADES = 8


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is drawn. ``zones``: their names; ``gates``: name, and the two sides; ``levels``: of each zone its table."""

    title: str
    figures: Figures
    scene: Scene
    zones: tuple[str, ...]
    gates: tuple[tuple[str, str, str], ...]
    levels: tuple[LevelTable, ...]
    cut_off_m: float | None
    every_s: float


def draw_tracks(drawn: Drawn) -> dict[str, bytes]:
    """The picture, as ``tracks.png`` and ``tracks.svg``. Raises ``RuimteError`` where matplotlib is not installed."""
    require_matplotlib()
    drawn = replace(
        drawn,
        title=_plain(drawn.title),
        zones=tuple(map(_plain, drawn.zones)),
        gates=tuple((_plain(name), _plain(from_), _plain(to)) for name, from_, to in drawn.gates),
    )
    figure = new_figure(12.4, 8.4)
    grid = figure.add_gridspec(3, 4, height_ratios=(2.3, 1.25, 0.75))
    _map(figure, figure.add_subplot(grid[0, :2]), drawn)
    (_passed if drawn.gates else _people)(figure.add_subplot(grid[0, 2:]), drawn)
    _over_time(figure.add_subplot(grid[1, :2]), figure.add_subplot(grid[2, :2]), drawn)
    _diagram(figure.add_subplot(grid[1:, 2]), figure.add_subplot(grid[1:, 3]), drawn)
    seconds = drawn.figures.seconds
    figure.suptitle(f"{drawn.title}: {_length(seconds)} of tracks", x=0.008, ha="left", fontsize=12, color=INK)
    return {"tracks.png": png(figure, colours=None), "tracks.svg": svg(figure)}


# ---- where


def _map(figure: Figure, axes: Axes, drawn: Drawn) -> None:
    """Mean density by square, with walls, zones and gates."""
    from matplotlib.colors import BoundaryNorm
    from matplotlib.patches import PathPatch

    grid, area = drawn.scene.grid, drawn.scene.area.polygon
    x, y = (
        start + grid.side_m * np.arange(count + 1) for start, count in ((grid.west_m, grid.columns), (grid.south_m, grid.rows))
    )
    bounds = _steps(float(drawn.figures.map_mean.max()))
    shade = axes.pcolormesh(
        x, y, drawn.figures.map_mean, cmap=_shades(len(bounds) - 1), norm=BoundaryNorm(bounds, len(bounds) - 1)
    )
    west, south, east, north = area.bounds
    margin = 0.03 * max(east - west, north - south)
    walls = shapely.box(west - margin, south - margin, east + margin, north + margin).difference(area)
    axes.add_patch(PathPatch(_path(walls), facecolor=_WALL, linewidth=0, zorder=2))
    axes.add_patch(PathPatch(_path(area), facecolor="none", edgecolor=INK, linewidth=1.2, zorder=3))
    if not _is_whole(drawn):
        for name, shape in zip(drawn.zones, _zone_shapes(drawn), strict=True):
            axes.add_patch(
                PathPatch(_path(shape), facecolor="none", edgecolor=BLUE, linewidth=1.3, linestyle=(0, (4, 2)), zorder=4)
            )
            at = shape.representative_point()
            axes.text(at.x, at.y, name, ha="center", va="center", fontsize=8.5, color=INK, zorder=6, bbox=_BOX)
    for (name, _, _), line, forward in zip(drawn.gates, drawn.scene.gates.line, drawn.scene.gates.forward, strict=True):
        axes.plot(line[[0, 2]], line[[1, 3]], color="black", linewidth=2.6, zorder=5, solid_capstyle="butt")
        axes.plot(
            line[[0, 2]], line[[1, 3]], color="white", linewidth=1.0, zorder=5, solid_capstyle="butt", linestyle=(0, (2, 2))
        )
        middle = (line[:2] + line[2:]) / 2
        tip = middle + forward * 2.2 * margin
        axes.annotate("", tip, middle, arrowprops={"arrowstyle": "-|>", "color": "black", "linewidth": 1.3}, zorder=6)
        axes.text(line[2] + 0.4 * margin, line[3] + 0.4 * margin, name, fontsize=8.5, color=INK, zorder=6, bbox=_BOX)
    axes.set(xlim=(west - margin, east + margin), ylim=(south - margin, north + margin), aspect="equal")
    cut_off = "" if drawn.cut_off_m is None else f", cells cut off at {drawn.cut_off_m:g} m"
    dress(axes, "Where it was dense", "m", "m", below=f"mean Voronoi density of squares of {grid.side_m:g} m{cut_off}")
    bar = figure.colorbar(shade, cax=axes.inset_axes((1.03, 0.0, 0.035 * min(1.0, _slim(area)), 1.0)), ticks=bounds)
    bar.ax.set_yticklabels([f"{bound:g}" for bound in bounds])
    bar.set_label("persons/m²", fontsize=9, color=INK)
    bar.ax.tick_params(labelsize=8.5, labelcolor=INK, color=QUIET)
    bar.outline.set_visible(False)


def _slim(shape: shapely.Geometry) -> float:
    """How high it is for its width."""
    west, south, east, north = shape.bounds
    return float((north - south) / (east - west))


_BOX = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.75}


def _steps(top: float) -> Array:
    """Round limits of some eight classes from 0 on."""
    size = next((step for step in _STEPS if top <= step * _SHADES), math.ceil(top / _SHADES))
    return np.arange(max(math.ceil(top / size - 1e-9), 2) + 1, dtype=np.float64) * size


def _shades(count: int) -> ListedColormap:
    """From near white to near black, evenly in lightness, by way of yellow and red."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    return ListedColormap(colormaps["magma_r"](np.linspace(0.02, 0.88, count)))


def _is_whole(drawn: Drawn) -> bool:
    """Whether the only zone is the whole walkable area."""
    areas, whole = drawn.scene.zones.area_m2, drawn.scene.area.area_m2
    return len(areas) == 1 and bool(abs(areas[0] - whole) < 0.01 * whole)


def _zone_shapes(drawn: Drawn) -> list[shapely.Geometry]:
    """The zones' polygons, put together from the parts that are measured."""
    arrays, shapes = drawn.scene.zones.arrays, []
    corners = np.stack([arrays.x, arrays.y], axis=1) + arrays.origin
    for zone in range(len(drawn.scene.zones)):
        parts = range(arrays.part[zone], arrays.part[zone + 1])
        polygons = [shapely.Polygon(corners[arrays.corner[part] : arrays.corner[part + 1]]) for part in parts]
        shapes.append(shapely.union_all(polygons, grid_size=1e-6))
    return shapes


def _path(shape: shapely.Geometry) -> Path:
    """A polygon, holes and all, as one path."""
    from matplotlib.path import Path

    rings = [ring for part in shapely.get_parts(shape) for ring in (part.exterior, *part.interiors)]
    return Path.make_compound_path(*(Path(np.asarray(ring.coords)[:, :2], closed=True) for ring in rings))


# ---- who passed, and how many there were


def _passed(axes: Axes, drawn: Drawn) -> None:
    """N(t) of the gates that most passed, by way."""
    passing, series = drawn.figures.passing, drawn.figures.series
    time = np.append(series.start_s[1:], drawn.figures.seconds)
    total = passing.forward[-1] + passing.back[-1]
    chosen = np.sort(np.argsort(-total, kind="stable")[: _MOST // 2])
    ends: list[tuple[str, float]] = []
    for number, gate in enumerate(chosen):
        name, from_, to = drawn.gates[gate]
        for way, counted in enumerate((passing.forward[:, gate], passing.back[:, gate])):
            if way and not counted[-1]:
                continue
            sides = (to, from_) if way else (from_, to)
            axes.plot(
                [0.0, *time], [0, *counted], drawstyle="steps-post", color=_INKS[number], linewidth=1.9,
                linestyle=_DASHES[2 * way],
            )  # fmt: skip
            ends.append((f"{name}: {sides[0]} → {sides[1]}", float(counted[-1])))
    _at_ends(axes, ends, drawn.figures.seconds)
    axes.set_ylim(bottom=0)
    more = f"; {len(drawn.gates) - len(chosen)} gates more in gates.parquet" if len(drawn.gates) > len(chosen) else ""
    dress(axes, "Who passed", "s", "people so far", below=f"N(t), every crossing{more}")
    axes.grid(axis="y", color=FAINT, linewidth=0.6)


def _people(axes: Axes, drawn: Drawn) -> None:
    """People in the zones over time, where there is no gate."""
    series, ends = drawn.figures.series, []
    for number, zone in enumerate(_chosen(drawn)):
        people = series.people[:, zone]
        axes.plot(_middle(drawn), people, color=_INKS[number], linestyle=_DASHES[number], linewidth=1.7)
        ends.append((drawn.zones[zone], float(people[-1])))
    if len(ends) > 1:
        _at_ends(axes, ends, drawn.figures.seconds)
    axes.set_xlim(0, drawn.figures.seconds)
    axes.set_ylim(bottom=0)
    dress(axes, "How many there were", "s", "people", below=f"means of {drawn.every_s:g} s")
    axes.grid(axis="y", color=FAINT, linewidth=0.6)


def _at_ends(axes: Axes, ends: list[tuple[str, float]], seconds: float) -> None:
    """Names at the ends of lines, not over each other."""
    axes.set_xlim(0, seconds)
    top = max((value for _, value in ends), default=1.0) or 1.0
    room, last = 0.07 * top, -math.inf
    for name, value in sorted(ends, key=lambda end: end[1]):
        last = max(value, last + room)
        axes.annotate(
            f" {name}", (1, last), xycoords=axes.get_yaxis_transform(), fontsize=8.5, va="center", color=INK,
            annotation_clip=False,
        )  # fmt: skip


# ---- how it went


def _over_time(upper: Axes, lower: Axes, drawn: Drawn) -> None:
    """Density above, with the levels of service, and speed below it."""
    series, chosen = drawn.figures.series, _chosen(drawn)
    top = 1.15 * max(float(series.voronoi[:, chosen].max()), 0.1)
    tables = {drawn.levels[zone].name: drawn.levels[zone] for zone in chosen}
    if len(tables) == 1:
        _bands(upper, next(iter(tables.values())), top)
    for number, zone in enumerate(chosen):
        style: dict[str, Any] = {"color": _INKS[number], "linestyle": _DASHES[number], "linewidth": 1.7}
        upper.plot(_middle(drawn), series.voronoi[:, zone], label=drawn.zones[zone], **style)
        lower.plot(_middle(drawn), series.speed_m_s[:, zone], **style)
    upper.set_ylim(0, top)
    lower.set_ylim(bottom=0)
    for axes in (upper, lower):
        axes.set_xlim(0, drawn.figures.seconds)
    upper.tick_params(labelbottom=False)
    lower.grid(axis="y", color=FAINT, linewidth=0.6)
    levels = f"; level of service by {next(iter(tables))}" if len(tables) == 1 else ""
    dress(upper, "How it went", "", "persons/m²", below=f"Voronoi density, means of {drawn.every_s:g} s{levels}")
    dress(lower, "", "s", "m/s")
    if len(chosen) > 1:
        upper.legend(frameon=False, fontsize=8.5, ncols=len(chosen), loc="upper left")


def _bands(axes: Axes, table: LevelTable, top: float) -> None:
    """A level of service is a band, darker where it is worse, with its letter at the right."""
    lower = (0.0, *table.upper)
    for rank, (name, start) in enumerate(zip(table.names, lower, strict=True)):
        end = lower[rank + 1] if rank + 1 < len(lower) else math.inf
        if start >= top:
            break
        axes.axhspan(start, min(end, top), color=str(1 - 0.055 * rank), linewidth=0, zorder=0)
        if min(end, top) - start > 0.045 * top:
            middle = (start + min(end, top)) / 2
            axes.annotate(
                f" {name}", (1, middle), xycoords=axes.get_yaxis_transform(), fontsize=8.5, va="center", color=QUIET,
                annotation_clip=False,
            )  # fmt: skip


def _chosen(drawn: Drawn) -> list[int]:
    """The zones that were the densest, in their own order."""
    top = drawn.figures.series.voronoi.max(axis=0)
    return sorted(np.argsort(-top, kind="stable")[:_MOST].tolist())


def _middle(drawn: Drawn) -> Array:
    """The middle of each interval, s."""
    start = drawn.figures.series.start_s
    return np.asarray(0.5 * (start + np.append(start[1:], drawn.figures.seconds)))


# ---- how fast at which density


def _diagram(speed: Axes, flow: Axes, drawn: Drawn) -> None:
    """The fundamental diagram beside Weidmann's: of zones, or of single people where one zone is all there is."""
    series, whole = drawn.figures.series, _is_whole(drawn)
    found = [drawn.figures.diagram_of_people] if whole else [drawn.figures.diagram[zone] for zone in _chosen(drawn)]
    densest = max((float(each.density[each.pairs >= _LEAST_PAIRS].max(initial=0.0)) for each in found), default=0.0)
    top = max(1.2 * densest, 1.0)
    curve = np.linspace(0.0, min(top, WEIDMANN.jam), 200)
    for axes, weidmann in ((speed, WEIDMANN.speed(curve)), (flow, WEIDMANN.flow(curve))):
        axes.plot(curve, weidmann, color=INK, linewidth=1.2, linestyle=(0, (5, 2)), zorder=2)
        axes.set_xlim(0, top)
        axes.grid(color=FAINT, linewidth=0.6)
    if not whole:
        density, moving = series.voronoi[:, _chosen(drawn)].ravel(), series.speed_m_s[:, _chosen(drawn)].ravel()
        for axes, values in ((speed, moving), (flow, density * moving)):
            axes.plot(density, values, "o", color=QUIET, alpha=0.35, markersize=2.6, markeredgewidth=0, zorder=1)
    for number, each in enumerate(found):
        some = each.pairs >= _LEAST_PAIRS
        style: dict[str, Any] = {"fmt": _MARKS[number], "color": _INKS[number], "markersize": 4.2, "linewidth": 1, "zorder": 3}
        speed.errorbar(each.density[some], each.speed_m_s[some], each.speed_sd[some], **style)
        flow.errorbar(each.density[some], each.flow[some], each.flow_sd[some], **style)
    for axes in (speed, flow):
        axes.set_ylim(bottom=0)
    at = min(0.55 * float(curve[-1]), 1.9)
    for axes, weidmann in ((speed, WEIDMANN.speed(np.array([at]))), (flow, WEIDMANN.flow(np.array([at])))):
        axes.annotate(
            "Weidmann",
            (at, float(weidmann[0])),
            (5, 5),
            textcoords="offset points",
            fontsize=8.5,
            color=INK,
            annotation_clip=False,
        )
    of = "of single people" if whole else f"faint: {drawn.every_s:g} s of a zone"
    dress(speed, "How fast at which density", "persons/m²", "m/s", below=f"means of classes ± 1 sd, {of}")
    dress(flow, "How many pass", "persons/m²", "persons per m and s", below="density × speed")


def _plain(name: str) -> str:
    """A name as it is: what stands between two dollar signs would be read as a formula."""
    return name.replace("$", r"\$")


def _length(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 300 else f"{seconds / 60:.0f} min"

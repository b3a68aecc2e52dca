"""Pictures of how good warnings were, as PNG files: how many in time, how far ahead, and whether the chances hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ruimte.clock import MINUTE_US
from ruimte.report.look import BLUE, FAINT, INK, QUIET, dress, new_figure, require_matplotlib, write_pictures
from ruimte.warn.quality import METHODS, Method, Quality

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLE: dict[Method, tuple[str, str, str]] = {
    "ruimte": (BLUE, "o", "Ruimte"),
    "profile": (QUIET, "s", "weekly profile"),
    "threshold": (INK, "^", "threshold on now"),
}
"""Colour, mark and name of each method."""


def draw_warnings(found: Quality, out: Path) -> list[Path]:
    """Draw how the warnings did into a folder; gives the files. Where no level was ever passed there is nothing to draw.

    Raises ``RuimteError`` where matplotlib is not installed, or the folder cannot be written.
    """
    require_matplotlib()
    passed = [level for level, methods in found.levels.items() if methods["ruimte"].tally.passages]
    figures: dict[str, Figure] = {}
    if passed:
        figures["warnings-in-time"] = _in_time(found, passed)
        figures["warnings-reliability"] = _reliability(found, passed)
    return write_pictures(out, figures)


def _in_time(found: Quality, levels: list[str]) -> Figure:
    """Share of passages that were warned of, by how long before: the further to the right a line stays high, the better."""
    figure = new_figure(3.0 + 2.6 * len(levels), 3.6)
    minutes = found.tick_us / MINUTE_US
    many = figure.subplots(1, len(levels), sharey=True, squeeze=False)[0]
    for axes, level in zip(many, levels, strict=True):
        for method in METHODS:
            colour, mark, name = _STYLE[method]
            one = found.levels[level][method].tally
            at = np.arange(0, max(found.leads) + 1)
            share = [one.hits(int(lead)) / one.passages for lead in at]
            axes.step(at * minutes, share, where="post", color=colour, linewidth=2.2 if method == "ruimte" else 1.2)
            axes.plot(at[::3] * minutes, share[::3], mark, color=colour, markersize=4, label=name)
        axes.axhline(0.9, color=FAINT, linewidth=0.8)
        axes.set_ylim(0, 1.02)
        one = found.levels[level]["ruimte"].tally
        below = f"{one.passages} passages; {one.false} of {one.alarms} alarms false"
        dress(axes, f"Level {level}", "minutes ahead, or more", "share warned of", below=below)
    many[0].legend(frameon=False, fontsize=8, loc="lower left")
    return figure


def _reliability(found: Quality, levels: list[str]) -> Figure:
    """What was told beside how often it came, at the middle lead: on the line the chances are honest."""
    figure = new_figure(3.0 + 2.6 * len(levels), 3.8)
    lead = found.leads[len(found.leads) // 2]
    minutes = found.tick_us / MINUTE_US
    many = figure.subplots(1, len(levels), sharey=True, squeeze=False)[0]
    for axes, level in zip(many, levels, strict=True):
        axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1)
        scores = []
        for method in METHODS:
            colour, mark, name = _STYLE[method]
            one = found.levels[level][method].chances[lead]
            there = one.count > 0
            told, came = one.told[there] / one.count[there], one.came[there] / one.count[there]
            axes.plot(
                told, came, color=colour, marker=mark, markersize=4.5, linewidth=1.4 if method == "ruimte" else 0.8, label=name
            )
            scores.append(f"{one.brier:.4f}")
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        title = f"Level {level}, {lead * minutes:g} minutes ahead"
        dress(axes, title, "chance that was told", "how often it came", below=f"Brier {' · '.join(scores)}")
    many[0].legend(frameon=False, fontsize=8, loc="upper left")
    return figure

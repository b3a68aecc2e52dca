"""The picture of docs/sharing-form.md: ``python docs/make_sharing_form.py``. Needs matplotlib (extra ``report``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

IMAGES = Path(__file__).parent / "images"
INK, QUIET, BLUE, RED = "#1b1f23", "#6b7280", "#174a7c", "#b3261e"
K = 10
PEOPLE = {"square": 7, "street": 48, "quay": 31}


def main() -> None:
    plt.rcParams.update({"font.size": 9, "figure.dpi": 130})
    figure, axes = plt.subplots(1, 3, figsize=(8.6, 2.2))
    panel(axes[0], "one partner gets two areas", [("square", "street"), ("quay",)])
    panel(axes[1], "another gets two zones", [("street",), ("quay",)])
    panel(axes[2], "cells in common", [("square",), ("street",), ("quay",)])
    figure.suptitle(f"k = {K}: 55 is not told, for 55 − 48 would be the 7 on the square", x=0.01, ha="left", color=INK)
    figure.tight_layout()
    figure.savefig(IMAGES / "sharing-cells.png", facecolor="white")


def panel(axes: Any, title: str, areas: list[tuple[str, ...]]) -> None:
    """Zones in a row; what is put together shares a frame. Red: few, or not told because of few in it."""
    axes.set(xlim=(-0.1, 3.1), ylim=(-0.05, 1.0))
    axes.axis("off")
    axes.set_title(title, loc="left", fontsize=9, color=INK)
    zones = list(PEOPLE)
    for area in areas:
        first = zones.index(area[0])
        people = sum(PEOPLE[zone] for zone in area)
        told = all(PEOPLE[zone] >= K for zone in area)
        shade = BLUE if told else RED
        corner, width, height = (first + 0.05, 0.05), len(area) - 0.1, 0.85
        axes.add_patch(plt.Rectangle(corner, width, height, alpha=0.12, color=shade))
        axes.add_patch(plt.Rectangle(corner, width, height, fill=False, edgecolor=shade, linewidth=1.6))
        text = str(people) if told or len(area) == 1 else "not told"
        axes.text(first + len(area) / 2, 0.42, text, ha="center", va="center", fontsize=12, color=shade)
        axes.text(first + len(area) / 2, 0.72, " + ".join(area), ha="center", va="center", color=INK)


if __name__ == "__main__":
    main()

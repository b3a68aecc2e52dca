"""The picture of docs/tracks.md: ``python docs/make_tracks.py``. Needs matplotlib (``pip install -e '.[report]'``)."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np

from ruimte.tracks.area import Area, walkable_area
from ruimte.tracks.meter import Meter
from ruimte.tracks.profiles import grid_over

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.patches import Polygon

IMAGES = Path(__file__).parent / "images"
INK, QUIET, WALL = "#1b1f23", "#6b7280", "#c9ced6"
plt.rcParams.update({"font.size": 9, "figure.dpi": 130, "axes.edgecolor": QUIET})


def main() -> None:
    """People before a door: their cells, the profile of these, and the Gaussian field."""
    chance = np.random.default_rng(4)
    room = [(0, 0), (8, 0), (8, 5), (0, 5)]
    walls = [[(5.9, -1), (6.1, -1), (6.1, 2.0), (5.9, 2.0)], [(5.9, 3.0), (6.1, 3.0), (6.1, 6), (5.9, 6)]]
    pillar = [(3.0, 3.6), (3.6, 3.6), (3.6, 4.2), (3.0, 4.2)]
    area = walkable_area(room, [*walls, pillar])
    x, y = _apart(chance, 70, area)
    grid = grid_over(area, 0.2)
    meter = Meter(area, cut_off_m=0.8, grid=grid, fwhm_m=0.7)
    reading = meter.stream(x, y)
    figure, axes = plt.subplots(1, 3, figsize=(10.5, 2.9), layout="constrained", sharey=True)
    shade = plt.get_cmap("YlOrRd")
    for cell, density in zip(meter.outlines(x, y), reading.density, strict=True):
        for piece in cell:
            axes[0].add_patch(Polygon(piece, facecolor=shade(density / 6), edgecolor="none"))
        if len(cell) == 1:
            axes[0].add_patch(Polygon(cell[0], fill=False, edgecolor=INK, linewidth=0.5))
    axes[0].plot(x, y, ".", color=INK, markersize=2.5)
    axes[0].set_title("Voronoi cells, cut off at 0.8 m")
    extent = (grid.west_m, grid.west_m + 0.2 * grid.columns, grid.south_m, grid.south_m + 0.2 * grid.rows)
    for axis, values, title in (
        (axes[1], reading.profile[0], "Voronoi profile"),
        (axes[2], reading.field[0], "Gaussian field, FWHM 0.7 m"),
    ):
        image = axis.imshow(values, origin="lower", extent=extent, cmap="YlOrRd", vmin=0, vmax=6)
        axis.set_title(title)
    for axis in axes:
        for wall in (*walls, pillar):
            axis.add_patch(Polygon(np.clip(wall, [0, 0], [8, 5]), facecolor=WALL))
        axis.set(xlim=(0, 8), ylim=(0, 5), aspect="equal", xlabel="m")
    figure.colorbar(image, ax=axes, label="persons/m²", shrink=0.85)
    figure.savefig(IMAGES / "tracks.png")


def _apart(chance: np.random.Generator, people: int, area: Area) -> tuple[np.ndarray, np.ndarray]:
    """People around a door, none nearer than 0.3 m to another."""
    found: list[tuple[float, float]] = []
    meter = Meter(area)
    while len(found) < people:
        at = (5.7 - abs(chance.normal(0, 1.6)), chance.normal(2.5, 1.1))
        if chance.random() > 0.85:  # some are through the door
            at = (chance.uniform(6.1, 8), chance.normal(2.5, 0.6))
        near = any(np.hypot(at[0] - a, at[1] - b) < 0.3 for a, b in found)
        if not near and meter.stream([at[0]], [at[1]]).flags[0] == 0:
            found.append(at)
    return np.array(found).T[0], np.array(found).T[1]


if __name__ == "__main__":
    main()

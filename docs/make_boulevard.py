"""The picture of docs/boulevard.md: ``python docs/make_boulevard.py``. Needs matplotlib (``pip install -e '.[report]'``)."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from ruimte.clock import from_us, to_us
from ruimte.lab.compile import stream_keys
from ruimte.lab.geometry import flattened
from ruimte.lab.lab import Lab
from ruimte.lab.levels import TABLES, table_name
from ruimte.lab.read import read_lab
from ruimte.labs import lab_folder
from ruimte.synthetic import Day, day, observe

mpl.use("Agg")
import matplotlib.dates as mdates
import matplotlib.pyplot as plt

PICTURE = Path(__file__).parent / "images" / "boulevard-evening.png"
INK, QUIET = "#1b1f23", "#6b7280"
LEVELS = ["#eceeef", "#d3d8db", "#b4bcc2", "#f5d547", "#e0700a", "#6a1b9a"]  # the control room's
SHOWN = {"festival-beach": "#174a7c", "promenade-middle": "#b3261e", "tram-square": "#6a4a9c"}
MOMENTS = ((18, 0), (20, 40), (23, 20))
plt.rcParams.update({"font.size": 9, "figure.dpi": 130, "axes.edgecolor": QUIET})
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})


def main() -> None:
    lab = read_lab(lab_folder("boulevard"))
    evening = day(lab, date(2026, 8, 15), 1)
    figure = plt.figure(figsize=(9, 5))
    grid = figure.add_gridspec(2, 3, height_ratios=(0.55, 1))
    for number, (hour, minute) in enumerate(MOMENTS):
        a_map(figure.add_subplot(grid[0, number]), lab, evening, hour, minute)
    lower = grid[1, :].subgridspec(1, 2)
    people(figure.add_subplot(lower[0]), lab, evening)
    trams(figure.add_subplot(lower[1]), lab, evening)
    figure.tight_layout()
    figure.savefig(PICTURE)


def a_map(panel: Any, lab: Lab, evening: Day, hour: int, minute: int) -> None:
    """Every zone in the colour of its level, seaward side up."""
    tick = np.flatnonzero(evening.ends_us == to_us(datetime(2026, 8, 15, hour, minute, tzinfo=lab.zone)))[0]
    around = lab.zones["pier-square"].polygon.centroid
    along = np.radians(54)  # the coast runs to the north-east: turned, it lies flat
    turn = np.array([[np.cos(along), -np.sin(along)], [np.sin(along), np.cos(along)]])
    for number, zone in enumerate(lab.zones.values()):
        table = TABLES[table_name(lab.file.levels, zone)]
        level = sum(evening.people[tick, number] / zone.area_m2 >= upper for upper in table.upper)
        corners = np.array(flattened(zone.polygon, around).exterior.coords) @ turn
        panel.fill(*corners.T, facecolor=LEVELS[level], edgecolor=QUIET, linewidth=0.5)
        if level >= 3:
            panel.annotate(table.names[level], corners[:-1].mean(axis=0), ha="center", va="center", fontsize=8, color=INK)
    panel.set_aspect("equal")
    panel.axis("off")
    panel.set_title(f"{hour}:{minute:02d}, {evening.people[tick].sum():,} people", loc="left", color=INK)


def people(panel: Any, lab: Lab, evening: Day) -> None:
    """The truth, what the area cameras tell of it, and where level D begins."""
    ids = {each.key: number for number, each in enumerate(stream_keys(lab))}
    told = observe(evening, lab, ids)
    for key, colour in SHOWN.items():
        zone = lab.zones[key]
        panel.plot(times(lab, evening.ends_us), evening.people[:, evening.zones.index(key)], color=colour, label=zone.name["en"])
        mine = told["datastream"].to_numpy() == ids[f"camera-{key}/people"]
        ends, seen = told["end_us"].to_numpy()[mine], told["result"].to_numpy()[mine]
        panel.plot(times(lab, ends), seen, ".", color=colour, markersize=1.8, alpha=0.5)
        limit = TABLES[table_name(lab.file.levels, zone)].upper[2] * zone.area_m2
        panel.axhline(limit, color=colour, linewidth=0.7, linestyle=":")
    panel.set_ylabel("persons")
    panel.legend(frameon=False, fontsize=8, loc="upper left")
    hours(panel, lab)


def trams(panel: Any, lab: Lab, evening: Day) -> None:
    """Who got out of the trams and who got in."""
    stop = evening.flows[:, evening.gates.index("tram-stop")]
    panel.fill_between(
        times(lab, evening.ends_us), stop[:, 0], step="pre", color=SHOWN["festival-beach"], alpha=0.5, label="get out"
    )
    panel.fill_between(
        times(lab, evening.ends_us), -stop[:, 1], step="pre", color=SHOWN["tram-square"], alpha=0.5, label="get in"
    )
    panel.axhline(0, color=QUIET, linewidth=0.6)
    panel.yaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
    panel.set_ylabel("by tram, persons in 5 minutes")
    panel.legend(frameon=False, fontsize=8, loc="upper left")
    hours(panel, lab)


def times(lab: Lab, ends_us: np.ndarray) -> list[datetime]:
    return [from_us(moment).astimezone(lab.zone) for moment in ends_us.tolist()]


def hours(panel: Any, lab: Lab) -> None:
    panel.set_xlim(datetime(2026, 8, 15, 12, tzinfo=lab.zone), datetime(2026, 8, 16, 1, tzinfo=lab.zone))
    panel.xaxis.set_major_formatter(mdates.DateFormatter("%H", tz=lab.zone))


if __name__ == "__main__":
    main()

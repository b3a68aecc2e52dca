"""The pictures of docs/estimate.md: ``python docs/make_estimate.py FILE``, FILE the year 2020 of *Frequenzen Hardbrücke*.

Needs matplotlib (``pip install -e '.[peers]'``).
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pyarrow as pa

from ruimte.clock import from_us, to_us
from ruimte.estimate import advance
from ruimte.estimate.health import health
from ruimte.jobs.importing import import_file
from ruimte.jobs.register import register_lab
from ruimte.lab.read import read_lab
from ruimte.labs import lab_folder
from ruimte.model.place import Model
from ruimte.store import observations
from ruimte.store.sqlite import Store

mpl.use("Agg")
import matplotlib.dates as mdates
import matplotlib.pyplot as plt

IMAGES = Path(__file__).parent / "images"
INK, QUIET, BLUE, RED = "#1b1f23", "#6b7280", "#174a7c", "#b3261e"
plt.rcParams.update({"font.size": 9, "figure.dpi": 130, "axes.edgecolor": QUIET})
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})


def main(file: Path) -> None:
    lab = read_lab(lab_folder("hardbruecke"))
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "lab.db", lab.key, durable=False) as store:
        model = register_lab(lab, store)
        import_file(lab, store, file, "zurich")
        rows = store.read(lambda connection: observations.received(connection, 0, 2**62))
    bare = dataclasses.replace(model, places=tuple(dataclasses.replace(p, longest_stay_us=None) for p in model.places))
    until = int(rows["received_us"][-1].as_py())
    states = {"counts alone": advance(bare, None, rows, until)[1], "with the longest stay": advance(model, None, rows, until)[1]}
    sketch()
    a_day(lab.zone, model, rows, states)
    a_loss(lab.zone, model, rows)


def sketch() -> None:
    """What the people filter knows: zones, gates, and a calibration for each counter."""
    figure, axes = plt.subplots(figsize=(7.2, 2.6))
    axes.set(xlim=(0, 10), ylim=(0, 3.2))
    axes.axis("off")
    for x, name in ((1.9, "zone A"), (5.4, "zone B")):
        axes.add_patch(plt.Rectangle((x, 0.9), 2.3, 1.5, fill=False, edgecolor=INK, linewidth=1.4))
        axes.text(x + 1.15, 1.85, name, ha="center", color=QUIET)
        axes.text(x + 1.15, 1.3, f"$N_{{{name[-1]}}}$", ha="center", fontsize=16, color=INK)
    for x0, x1, label in ((0.4, 1.9, "$g_1 c_1$"), (4.2, 5.4, "$g_3 c_3$"), (7.7, 9.2, "$g_5 c_5$")):
        axes.annotate("", (x1, 1.95), (x0, 1.95), arrowprops={"arrowstyle": "->", "color": BLUE, "linewidth": 1.6})
        axes.text((x0 + x1) / 2, 2.1, label, ha="center", color=BLUE)
    for x0, x1, label in ((1.9, 0.4, "$g_2 c_2$"), (5.4, 4.2, "$g_4 c_4$"), (9.2, 7.7, "$\\mu_6 (1+e_6)$")):
        dashed = "e_6" in label
        style = {"arrowstyle": "->", "color": RED if dashed else BLUE, "linewidth": 1.6, "linestyle": "--" if dashed else "-"}
        axes.annotate("", (x1, 1.3), (x0, 1.3), arrowprops=style)
        axes.text((x0 + x1) / 2, 0.95, label, ha="center", color=RED if dashed else BLUE)
    axes.text(8.45, 0.55, "not heard: guessed", ha="center", color=RED, fontsize=8)
    axes.text(4.8, 0.3, "what leaves A enters B, with one and the same error", ha="center", color=QUIET, fontsize=8)
    axes.text(3.05, 2.75, "camera: $s_1 N_A$", ha="center", color=INK, fontsize=8)
    axes.annotate("", (3.05, 2.4), (3.05, 2.7), arrowprops={"arrowstyle": "->", "color": INK})
    save(figure, "estimate-model")


def a_day(zone: Any, model: Model, rows: pa.Table, states: dict[str, pa.Table]) -> None:
    """A working day at both platforms: in less out, and what is estimated."""
    begin = to_us(datetime(2020, 2, 12, 3, 30, tzinfo=zone))
    end = begin + int(timedelta(hours=24).total_seconds() * 1e6)
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2))
    for index, panel in enumerate(axes):
        for (name, table), colour in zip(states.items(), (QUIET, BLUE), strict=True):
            mine = table.filter(pa.array(table["place"].to_numpy() == index))
            ends = mine["end_us"].to_numpy()
            inside = (ends > begin) & (ends <= end)
            times = [from_us(moment).astimezone(zone) for moment in ends[inside]]
            low, high, mean = (mine[column].to_numpy()[inside] for column in ("q05", "q95", "mean"))
            panel.fill_between(times, low, high, color=colour, alpha=0.25, linewidth=0, step="post")
            panel.plot(times, mean, color=colour, linewidth=1.2, label=name)
        panel.plot(*naive(zone, model, rows, index, begin, end), color=RED, linewidth=1, label="in less out")
        panel.axhline(0, color=QUIET, linewidth=0.6)
        panel.set_title(("Platform East", "Platform West")[index], loc="left", color=INK)
        panel.set_ylabel("persons")
        panel.xaxis.set_major_formatter(mdates.DateFormatter("%H", tz=zone))
    axes[1].legend(frameon=False, fontsize=8)
    axes[0].set_ylim(-30, 1200)
    axes[1].set_ylim(-30, 330)
    save(figure, "estimate-zurich-day")


def naive(zone: Any, model: Model, rows: pa.Table, place: int, begin: int, end: int) -> tuple[list[datetime], np.ndarray]:
    """The plain sum of in less out since the empty hour."""
    sign = {s.id: (model.links[s.link].target == place) * 1 - (model.links[s.link].source == place) for s in model.streams}
    ends = rows["end_us"].to_numpy()
    inside = (ends > begin) & (ends <= end)
    net = rows["result"].to_numpy()[inside] * np.array([sign[i] for i in rows["datastream"].to_numpy()[inside].tolist()])
    moments, at = np.unique(ends[inside], return_inverse=True)
    return [from_us(moment).astimezone(zone) for moment in moments], np.cumsum(np.bincount(at, np.nan_to_num(net)))


def a_loss(zone: Any, model: Model, rows: pa.Table) -> None:
    """The hour after a counter dies into zeros: what it says, what is expected, and when it is found."""
    line = next(s for s in model.streams if s.key == "west-sbb/count_in")
    dies = to_us(datetime(2020, 3, 4, 16, 30, tzinfo=zone))
    until = dies + int(timedelta(hours=2).total_seconds() * 1e6)
    received = rows["received_us"].to_numpy()
    state, _ = advance(model, None, rows.filter(pa.array(received <= dies - 3_600_000_000)), dies - 3_600_000_000)
    times, said, expected, found = [], [], [], None
    for moment in range(dies - 3_600_000_000 + model.tick_us, until, model.tick_us):
        part = rows.filter(pa.array((received > moment - model.tick_us) & (received <= moment)))
        dead = (part["datastream"].to_numpy() == line.id) & (part["end_us"].to_numpy() > dies)
        result = np.where(dead, 0.0, part["result"].to_numpy())
        state, _ = advance(model, state, part.set_column(4, "result", pa.array(result)), moment)
        now = next(one for one in health(model, state) if one.id == line.id)
        times.append(from_us(moment).astimezone(zone))
        said.append(now.said)
        expected.append(now.expected)
        if found is None and now.condition == "stuck":
            found = moment
    figure, panel = plt.subplots(figsize=(9, 2.6))
    panel.step(times, said, where="mid", color=INK, label="says")
    panel.plot(times, expected, color=BLUE, label="expected from its sisters and its past")
    panel.axvline(from_us(dies).astimezone(zone), color=QUIET, linestyle=":", label="dies into zeros")
    if found is not None:
        panel.axvline(from_us(found).astimezone(zone), color=RED, label=f"found stuck after {(found - dies) // 60_000_000} min")
    panel.set_ylabel("persons in 5 minutes")
    panel.xaxis.set_major_formatter(mdates.DateFormatter("%H:%M", tz=zone))
    panel.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    save(figure, "estimate-loss")


def save(figure: Any, name: str) -> None:
    figure.tight_layout()
    figure.savefig(IMAGES / f"{name}.png")
    plt.close(figure)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))

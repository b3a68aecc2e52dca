"""The picture of docs/whatif.md: ``python docs/make_whatif.py``. Needs matplotlib (``pip install -e '.[report]'``)."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np

from ruimte.whatif.compare import compare
from ruimte.whatif.diagram import DIAGRAMS
from ruimte.whatif.measures import nothing
from ruimte.whatif.network import network
from ruimte.whatif.situation import situation_of

mpl.use("Agg")
import matplotlib.pyplot as plt

IMAGES = Path(__file__).parent / "images"
INK, QUIET, BLUE, RED = "#1b1f23", "#6b7280", "#174a7c", "#b3261e"
plt.rcParams.update({"font.size": 9, "figure.dpi": 130, "axes.edgecolor": QUIET})
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})


def main() -> None:
    """Left the two diagrams; right a square that fills, with a dose at its door and without, and who waits outside."""
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(10.5, 3.1), layout="constrained")
    for name, colour in (("weidmann", BLUE), ("sfpe", RED)):
        diagram = DIAGRAMS[name]
        density = np.linspace(0, diagram.jam, 300)
        left.plot(density, diagram.flow(density), color=colour)
        left.plot(diagram.critical, diagram.capacity, "o", color=colour, markersize=4)
        left.annotate(
            name.title() if name != "sfpe" else "SFPE",
            (diagram.jam * 0.72, diagram.flow(diagram.jam * 0.72) + 0.07),
            color=colour,
        )
    left.set(
        xlabel="density, persons/m²", ylabel="flow, persons per metre and second", ylim=(0, 1.5), title="Fundamental diagrams"
    )
    net = network([("square", 900.0)], [("west", None, "square", 6.0, 0, 18), ("east", "square", None, 6.0, 18, 0)])
    lately = np.zeros(len(net.source))
    lately[net.link("west", True)], lately[net.link("east", True)] = 1.6, 0.6
    situation = situation_of(net, 0, 60, 5, np.array([900.0]), np.array([90.0]), lately, 1500.0)
    dose = nothing(net, 60)
    dose.plan.limit[10:, net.link("west", True)] = 30 / 60
    found = compare(situation, {"dose": dose}, np.array([[0.718, 1.076, 2.153]]) * 900).outcomes
    minutes = np.arange(5, 61, 5)
    for key, colour, label in (("nothing", RED, "nothing is done"), ("dose", BLUE, "30 a minute let in")):
        people = found[key].people[0]
        middle.fill_between(minutes, people[:, 1], people[:, -2], color=colour, alpha=0.15, linewidth=0)
        middle.plot(minutes, people[:, 10], color=colour, label=label)
        right.plot(minutes, found[key].chance[0, 2], color=colour, label=label)
    middle.axhline(2.153 * 900, color=QUIET, linewidth=0.8, linestyle=":")
    middle.annotate("level F", (6, 2.153 * 900 + 25), color=QUIET)
    middle.set(
        xlabel="minutes after the decision",
        ylabel="people on the square (5–95 %)",
        title="A dose from minute 10",
    )
    middle.set_ylim(0)
    middle.legend(frameon=False, loc="lower left")
    right.set(
        xlabel="minutes after the decision", ylabel="chance of level F", ylim=(0, 1), title="What it buys, and what it costs"
    )
    waiting = right.twinx()
    waiting.plot(minutes, found["dose"].queue[net.outer.index("west")], color=INK, linestyle="--")
    waiting.set_ylabel("people who wait outside (dashed)")
    waiting.spines["right"].set_visible(True)
    figure.savefig(IMAGES / "whatif.png")


if __name__ == "__main__":
    main()

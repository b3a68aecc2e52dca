"""The picture of docs/privacy.md: ``python docs/make_privacy.py``. Needs matplotlib and OpenDP (extras report and share)."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np

from ruimte.share.private import GRAIN, MICRO, Mechanism, noise

mpl.use("Agg")
import matplotlib.pyplot as plt

IMAGES = Path(__file__).parent / "images"
INK, QUIET, BLUE, RED = "#1b1f23", "#6b7280", "#174a7c", "#b3261e"
plt.rcParams.update({"font.size": 9, "figure.dpi": 130, "axes.edgecolor": QUIET})
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})
STEPS, DAYS = 96, 1500


def drawn(branching: int, days: int, touches: int = 1) -> np.ndarray:
    """Noise of so many days at ε = 1, in persons, (days, steps)."""
    made = Mechanism(epsilon=MICRO, touches=touches, weight=1.0, branching=branching, step_us=900_000_000)
    return np.array([noise(made, STEPS) for _ in range(days)]) / GRAIN


def main() -> None:
    """Left how far off a running total is; right a day of people in a zone, as it was and as it is told."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
    hours = np.arange(1, STEPS + 1) / 4
    totals = {
        "naive split": (drawn(0, DAYS, STEPS), RED),
        "binary tree": (np.cumsum(drawn(2, DAYS), axis=1), BLUE),
        "tree of twelve": (np.cumsum(drawn(12, DAYS), axis=1), INK),
    }
    for name, (errors, colour) in totals.items():
        q95 = np.quantile(np.abs(errors), 0.95, axis=0)
        left.plot(hours, q95, color=colour, linewidth=1.2)
        overall = np.quantile(np.abs(errors), 0.95)
        left.text(24.4, q95[-24:].mean(), f"{name}: {overall:.0f}", color=colour, va="center")
    left.set(yscale="log", ylim=(1, 500), xlim=(0, 24), xticks=range(0, 25, 6), xlabel="hour of the day")
    left.set_ylabel("persons (95th percentile of the error)")
    left.set_title("A running total over 96 steps, ε = 1", loc="left", color=INK)
    people = 420 * np.exp(-(((hours - 15) / 4) ** 2)) + 260 * np.exp(-(((hours - 21) / 1.4) ** 2))
    told = people + drawn(0, 1, touches=8)[0]
    right.plot(hours, told, color=BLUE, linewidth=0.8, alpha=0.6, label="told, every quarter")
    right.step(
        np.arange(25), np.append(told.reshape(24, 4).mean(axis=1), np.nan), where="post", color=BLUE, label="told, by the hour"
    )
    right.plot(hours, people, color=INK, linewidth=1, linestyle="--", label="as it was")
    right.set(xlim=(0, 24), xticks=range(0, 25, 6), xlabel="hour of the day", ylabel="people in a zone")
    right.set_title("People, ε = 1, up to 8 intervals each", loc="left", color=INK)
    right.legend(frameon=False, fontsize=8, loc="upper left")
    figure.savefig(IMAGES / "privacy.png")


if __name__ == "__main__":
    main()

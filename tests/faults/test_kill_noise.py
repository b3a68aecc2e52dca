"""Kill −9 while figures are told: what went out is told again after the restart, to the last digit, and costs nothing more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.fault,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system cannot kill −9"),
]

TELLER = """
import sys
from pathlib import Path
from zoneinfo import ZoneInfo
import numpy as np
from ruimte.lab.files import Privacy
from ruimte.share.figures import Figures
from ruimte.share.noise import Noise
from ruimte.store.noise import NoiseFile

path, steps = Path(sys.argv[1]), int(sys.argv[2])
STEP_US = 900_000_000
DAY_US = 86_400_000_000
settings = Privacy(
    epsilon_per_day=1.0, quantities={"people": 0.5, "inflow": 0.5}, intervals=8, passages=4, assumption="two hours"
)
with NoiseFile(path) as kept:
    noise = Noise(kept, settings, ZoneInfo("UTC"), {"square": 400.0}, lambda: 2**60)
    for step in range(steps):
        value = np.array([[[100.0, 400.0]]])
        starts = np.array([20_600 * DAY_US + step * STEP_US])
        figures = Figures(
            "history", "lab", ("square",), ("people", "inflow"), starts, STEP_US, value, value, value, np.zeros(value.shape, bool)
        )
        told = noise.tell("paper", figures, 1.0)
        print(step, *told.value.ravel().tolist(), noise.spending("2026-05-27").paid, flush=True)
"""
STEPS = 120  # more than a day


def _tell(path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", TELLER, str(path), str(STEPS)], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    )


def test_a_killed_node_tells_the_same_after_the_restart(tmp_path: Path) -> None:
    seen: dict[str, str] = {}
    for after in (1, 40, STEPS):
        with _tell(tmp_path / "lab.noise.db") as teller:
            assert teller.stdout is not None
            for number, line in enumerate(teller.stdout, start=1):
                step, _, figures = line.partition(" ")
                assert seen.setdefault(step, figures) == figures
                if number == after:
                    teller.kill()
                    break
    assert len(seen) == STEPS
    assert {figures.split()[-1] for figures in seen.values()} == {"1.0"}

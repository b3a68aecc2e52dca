"""What a forecast costs: processor seconds, memory, and what an install weighs."""

from __future__ import annotations

import subprocess
import sys
import time
from importlib.metadata import distribution
from pathlib import Path

import numpy as np

from benchmarks._report import Row, row
from ruimte.clock import HOUR_US, MINUTE_US
from ruimte.forecast.outlook import Outlook
from ruimte.jobs.models import shipped
from ruimte.model.calendar import Calendar
from ruimte.model.place import Model, Place

_TRAIN = """
import resource, time
from datetime import date, timedelta
from benchmarks._forecast_data import auckland
from benchmarks._forecast_skill import learned
world = auckland()
begun = time.process_time()
learned(world, date(2022, 1, 1), date(2025, 1, 1))
print(time.process_time() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
_PACKAGES = ("lightgbm", "scipy")


def cost_rows(quick: bool) -> list[Row]:
    """Learning, all forecasts of 1,000 sensors for a week, and an update of the next two hours for 1,000 sensors."""
    told = subprocess.run([sys.executable, "-c", _TRAIN], capture_output=True, text=True, check=True).stdout.split()
    rows = [
        row("training on three years of 21 places, processor time", float(told[0]), "s", most=60),
        row("memory of that", float(told[1]), "MB", most=1024),
    ]
    week, update = _seconds(HOUR_US, 168), _seconds(15 * MINUTE_US, 8)
    rows += [
        row("1,000 sensors × 168 hours forecast, processor time", week, "s", most=15),
        row("1,000 sensors, the next two hours in quarters, processor time", update, "s", most=2),
        row(f"install of {', '.join(_PACKAGES)}", sum(_megabytes(name) for name in _PACKAGES), "MB", most=200),
    ]
    return rows


def _seconds(tick_us: int, blocks: int, sensors: int = 1000) -> float:
    """Median processor seconds of one outlook for all sensors, of three."""
    zero = np.zeros(1, dtype=np.int64)
    places = tuple(Place(str(number), str(number), "flow", str(number)) for number in range(sensors))
    model = Model("made-up", places, (), (), tick_us, 0, 0, zero, zero, calendar=Calendar({}))
    ticks = 70 * 24 * HOUR_US // tick_us
    values = np.random.default_rng(0).poisson(40, (sensors, ticks)) / 3600
    outlook = Outlook(model, shipped().hours, None, blocks)
    taken = []
    for _ in range(3):
        begun = time.process_time()
        outlook.tell(values, 480_000)
        taken.append(time.process_time() - begun)
    return sorted(taken)[1]


def _megabytes(name: str) -> float:
    """Size of an installed package on disk, with the libraries that it brings."""
    found = distribution(name)
    files = [Path(str(found.locate_file(each))) for each in found.files or ()]
    return sum(each.stat().st_size for each in files if each.exists()) / 1e6

"""What the danger indicators and the distances of one device cost, live: processor time for each second of frames."""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import shapely

from benchmarks._report import Row, row
from ruimte.clock import to_us
from ruimte.jobs.crowd_watch import CrowdWatch
from ruimte.lab.check import check_lab
from ruimte.lab.distancing import DISTANCING
from ruimte.lab.files import SENSORTHINGS, DeviceEntry
from ruimte.lab.lab import Lab
from ruimte.lab.new import new_lab
from ruimte.tracks.area import walkable_area

RATE_HZ = 10.0
NOW = datetime(2026, 6, 1, 12, 20, tzinfo=UTC)


def watch_rows(quick: bool) -> list[Row]:
    """People who walk about on 60 m × 40 m, with and without distances."""
    with tempfile.TemporaryDirectory() as folder:
        new_lab(Path(folder) / "lab")
        lab, found = check_lab(Path(folder) / "lab")
        if lab is None:
            raise SystemExit("\n".join(map(str, found)))
        rows = []
        for people in (100, 3000):
            for name, each in (("", lab), (" and distances", _with_distances(lab))):
                spent = _seconds(each, people, 20 if quick else 60)
                rows.append(row(f"danger{name} of {people:,} people at {RATE_HZ:g} Hz, each second", 1000 * spent, "ms"))
        return rows


def _with_distances(lab: Lab) -> Lab:
    entry = next(iter(lab.algorithms.values()))
    day = NOW.date()
    own = msgspec.structs.replace(entry, key=DISTANCING, lawful_basis="Emergency order", valid_from=day, valid_until=day)
    return Lab(**{name: getattr(lab, name) for name in lab.__dataclass_fields__} | {"algorithms": {DISTANCING: own}})


def _seconds(lab: Lab, people: int, seconds: int) -> float:
    """Processor seconds for a second of frames, after as many to get going."""
    area = walkable_area(shapely.box(0, 0, 60, 40))
    device = DeviceEntry(key="overhead", name="Overhead sensor", format=SENSORTHINGS, sensors=[])
    watch = CrowdWatch(lab, device, area, RATE_HZ, lambda: to_us(NOW))
    watch.warm_up()
    chance = np.random.default_rng(1)
    size = np.array([60.0, 40.0])
    at, way, who = chance.uniform(0, size, (people, 2)), chance.uniform(0, 2 * np.pi, people), np.arange(people)
    step = 1.3 / RATE_HZ * np.stack([np.cos(way), np.sin(way)], axis=1)
    spent, known = 0.0, people
    for number in range(round(2 * seconds * RATE_HZ)):
        at = at + step
        gone = np.flatnonzero(((at < 0) | (at > size)).any(axis=1))
        at[gone], who[gone] = chance.uniform(0, size, (len(gone), 2)), known + np.arange(len(gone))
        known += len(gone)
        begin = time.process_time()
        watch.take(number, who, at[:, 0], at[:, 1])
        spent += time.process_time() - begin if number >= seconds * RATE_HZ else 0.0
    return spent / seconds

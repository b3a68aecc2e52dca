"""A small lab of two zones and a street counter, with fifteen weeks of made-up hours that cross a change of clock."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ruimte.clock import HOUR_US, to_us
from ruimte.jobs.register import register_lab
from ruimte.jobs.station import Outcome, Station
from ruimte.lab.lab import Lab
from ruimte.lab.new import new_lab
from ruimte.lab.read import read_lab
from ruimte.model.observation import OBSERVATIONS
from ruimte.store.sqlite import Store

FIRST_US = to_us(datetime(2026, 1, 4, 23, tzinfo=UTC))
"""A Monday's midnight in Amsterdam."""
NOW = 14 * 7 * 24 + 12
"""The hour at which the stations start: noon on a Monday, two weeks into summer time."""
HOURS = NOW + 96


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example lab by the hour, with one street that is compared with its own past."""
    made = tmp_path_factory.mktemp("labs") / "town"
    new_lab(made)
    changes = {
        "lab.toml": {
            'length = "5m"': 'length = "1h"',
            'lateness = "30s"': 'lateness = "0s"',
            'horizon = "3h"': 'horizon = "6h"',
            'history = "52w"': 'history = "9w"',
            'look_ahead = "1h"': 'look_ahead = "4h"',
            'close_after = "15m"': 'close_after = "2h"',
            'cool_down = "1h"': 'cool_down = "4h"',
        },
        "sensors.toml": {'interval = "5m"': 'interval = "1h"', "4500": "54000", "1600": "19200"},
        "places.geojson": {'"nl": "Stationsweg"}, "width_m": 4': '"nl": "Stationsweg"}'},
    }
    for name, replacements in changes.items():
        text = (made / name).read_text()
        for before, after in replacements.items():
            assert before in text
            text = text.replace(before, after)
        (made / name).write_text(text)
    return made


@pytest.fixture(scope="session")
def town(folder: Path) -> Lab:
    return read_lab(folder)


@pytest.fixture(scope="session")
def counts() -> dict[str, np.ndarray]:
    """Persons by the hour of every datastream; on the last afternoons the town is far busier than ever."""
    random = np.random.default_rng(11)
    hour = np.arange(HOURS) % 24
    busy = np.clip(np.sin(2 * np.pi * (hour - 8) / 24), 0, None) * 500
    busy *= np.repeat(np.exp(random.normal(0, 0.1, HOURS // 24 + 1)), 24)[:HOURS]
    for afternoon in (NOW + 3, NOW + 51):
        busy[afternoon : afternoon + 4] *= np.array([2.0, 5.0, 6.0, 3.0])
    came, strolled, shopped = (random.poisson(busy / share) for share in (1, 10, 12))
    left, back, gone = (np.concatenate([[0], of[:-1]]) for of in (came, strolled, shopped))  # everybody stays an hour
    return {
        "square-west/count_in": came,
        "square-west/count_out": left,
        "square-street/count_in": strolled,
        "square-street/count_out": back,
        "street-east/count_in": shopped,
        "street-east/count_out": gone,
        "station-road/count": random.poisson(busy * 2 + 5),
    }


def moment(hour: int) -> int:
    """The end of an hour, µs."""
    return FIRST_US + (hour + 1) * HOUR_US


def rows_of(counts: dict[str, np.ndarray], ids: dict[str, int], hours: range, without: tuple[str, ...] = ()) -> pa.Table:
    """Observations of these hours, each received when its hour is over."""
    keys = [key for key in counts if key not in without]
    hour = np.repeat(np.arange(hours.start, hours.stop), len(keys))
    stream = np.tile([ids[key] for key in keys], len(hours))
    result = np.stack([counts[key][hours.start : hours.stop] for key in keys], axis=1).ravel()
    start = FIRST_US + hour * HOUR_US
    columns = [stream, start, start + HOUR_US, start + HOUR_US, result, np.zeros(len(hour))]
    return pa.table([pa.array(c).cast(f.type) for c, f in zip(columns, OBSERVATIONS, strict=True)], schema=OBSERVATIONS)


@dataclass(slots=True)
class Run:
    """A station over a store of its own, fed hour by hour."""

    store: Store
    station: Station
    counts: dict[str, np.ndarray]
    hour: int = NOW

    def tick(self, without: tuple[str, ...] = ()) -> Outcome:
        """One hour more."""
        rows = rows_of(self.counts, self.store.stream_ids(), range(self.hour, self.hour + 1), without)
        if rows.num_rows:
            self.store.append(rows)
        outcome = self.station.tick(rows, moment(self.hour))
        outcome.durable.result()
        self.hour += 1
        return outcome

    def restart(self) -> None:
        """Another station over the same store, as after a stop."""
        self.station = Station(self.station.lab, register_lab(self.station.lab, self.store), self.store)
        self.station.warm_up(moment(self.hour - 1))


StartRun = Callable[..., "contextmanager[Run]"]


@pytest.fixture(scope="session")
def warm(town: Lab, counts: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the past in it, estimated up to ``NOW``."""
    path = tmp_path_factory.mktemp("warm") / "town.db"
    with Store(path, town.key, durable=False) as store:
        model = register_lab(town, store)
        store.append(rows_of(counts, store.stream_ids(), range(NOW)))
        Station(town, model, store).warm_up(moment(NOW - 1))
    return path


@pytest.fixture
def start(town: Lab, counts: dict[str, np.ndarray], warm: Path, tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """Starts a run at ``NOW`` over a copy of the warm database; another ``lab`` may run over it."""
    opened = []

    def begin(name: str = "town", lab: Lab = town) -> Run:
        path = shutil.copy(warm, tmp_path / f"{name}.db")
        store = Store(Path(path), town.key, durable=False)
        opened.append(store)
        station = Station(lab, register_lab(lab, store), store)
        station.warm_up(moment(NOW - 1))
        return Run(store, station, counts)

    yield begin
    for store in opened:
        store.close()

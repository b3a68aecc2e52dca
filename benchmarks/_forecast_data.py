"""Cities for the forecast's benchmark, straight from their publishers' files, and moments to forecast from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from benchmarks._rows import Array, Ints
from ruimte.clock import HOUR_US, SECOND_US
from ruimte.forecast.learn import City
from ruimte.intake.formats.auckland import packaged_counts
from ruimte.jobs.history import Actual
from ruimte.jobs.pretraining import AUCKLAND, MELBOURNE, Published, published_city
from ruimte.lab.compile import holiday_names
from ruimte.model.calendar import EPOCH, Calendar
from ruimte.model.place import Model, Place

SHARED = Path(__file__).parent.parent.parent / "shared/data"
MELBOURNE_FILE = SHARED / "melbourne_pedestrian/hourly_2012_2015.csv.gz"
ABSENT = "the file is not here"
AHEAD = np.arange(1, 169)


@dataclass(frozen=True, slots=True)
class World:
    """A city as it is learned from, and as a lab sees it: count points with ticks of an hour."""

    city: City
    model: Model
    found: Actual
    zone: ZoneInfo

    def tick(self, day: date, hour: int) -> int:
        """Number of the newest tick known at a local hour: that which ends then."""
        moment = datetime(day.year, day.month, day.day, hour, tzinfo=self.zone).astimezone(UTC)
        return int(moment.timestamp()) // 3600 - 1

    def block(self, day: date, hour: int) -> int:
        """How many blocks of the city are known at a local hour."""
        return (day - EPOCH).days * 24 + hour - self.city.first_h

    def truth(self, blocks: list[int]) -> Array:
        """What came in the week after each moment, shape (moments, places, 168); NaN after the end."""
        wide = np.concatenate([self.city.values, np.full((len(self.city.values), 168), np.nan)], axis=1)
        return np.stack([wide[:, block : block + 168] for block in blocks])


def auckland() -> World:
    """Auckland 2019–2025."""
    return _world(AUCKLAND, packaged_counts())


def melbourne() -> World | None:
    """Melbourne 2012–2015; None where the file is not here."""
    return _world(MELBOURNE, MELBOURNE_FILE) if MELBOURNE_FILE.exists() else None


def every_ten_days(first: date, count: int = 36) -> list[tuple[date, int]]:
    """Moments every ten days, at 06, 12 and 18 h in turn."""
    return [(first + timedelta(10 * number), (6, 12, 18)[number % 3]) for number in range(count)]


def _world(published: Published, path: Path) -> World:
    city, names = published_city(published, path)
    zone = ZoneInfo(published.zone)
    first = _utc_hour(zone, city.first_h)
    last = _utc_hour(zone, city.first_h + city.values.shape[1] - 1)
    hours = np.arange(first, last + 1)
    offset = np.array([_offset_h(zone, hour) for hour in hours])
    column = hours + offset - city.first_h
    # an hour that comes twice in autumn is told twice
    values = city.values[:, np.clip(column, 0, city.values.shape[1] - 1)]
    changes = np.flatnonzero(np.diff(offset, prepend=-99))
    years = ((EPOCH + timedelta(city.first_h // 24)).year - 1, (EPOCH + timedelta(city.first_h // 24)).year + 10)
    model = Model(
        lab=published.format,
        places=tuple(Place(name, name, "flow", name) for name in names),
        links=(),
        streams=(),
        tick_us=HOUR_US,
        phase_us=0,
        lateness_us=0,
        offset_from_us=(hours[changes] * HOUR_US).astype(np.int64),
        offset_us=(offset[changes] * HOUR_US).astype(np.int64),
        calendar=Calendar(holiday_names(published.country, published.region, years)),
    )
    return World(city, model, Actual(values / (HOUR_US / SECOND_US), int(first)), zone)


def _utc_hour(zone: ZoneInfo, local_h: int) -> int:
    wall = datetime(1970, 1, 1) + timedelta(hours=local_h)
    return int(wall.replace(tzinfo=zone).timestamp()) // 3600


def _offset_h(zone: ZoneInfo, hour: int) -> int:
    offset = datetime.fromtimestamp(int(hour) * 3600, UTC).astimezone(zone).utcoffset() or timedelta()
    return offset // timedelta(hours=1)


def blocks_of(world: World, moments: list[tuple[date, int]]) -> list[int]:
    """How many blocks are known at each moment."""
    return [world.block(day, hour) for day, hour in moments]


def ticks_of(world: World, moments: list[tuple[date, int]]) -> Ints:
    """Newest ticks at each moment."""
    return np.array([world.tick(day, hour) for day, hour in moments], dtype=np.int64)


def nmae(actual: Array, point: Array, low: int, high: int) -> float:
    """Σ|error| / Σ actual over horizons low … high (hours), of shape (moments, places, 168)."""
    came, said = actual[..., low - 1 : high], point[..., low - 1 : high]
    known = ~np.isnan(came) & ~np.isnan(said)
    return float(np.abs(came - said)[known].sum() / came[known].sum())

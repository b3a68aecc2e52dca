"""Pedestrian counts as the City of Melbourne publishes them: hourly, or per minute. The header tells which.

**Hourly** (``Date``, ``Hour``, ``SensorID``, ``PedestrianCount``, …): ``Hour`` is the hour's start in naive local time
(Australia/Melbourne); zeros are written. In autumn the hour that comes twice is written once and holds one hour's count, not
two (2012–2014: about as much as a week later); it is taken for the first and flagged as doubtful, the second stays missing. In
spring the hour that does not exist is absent; where it is not (2012), its rows are refused. ``NaN`` is an empty cell. Measure
``count``.

**Per minute** (``LocationID``, ``SensingDateTime``, ``Direction_1``, ``Direction_2``, ``total_of_Directions``): the stamp
names its offset and marks the END of the interval: five of the six sensors that report every 5 minutes already have a row at
11:25 in a file whose last minute is 11:26, which a start of 11:25 would not allow. Minutes without anybody are left out:
between two rows of a sensor, silence of up to 2 hours is taken for zeros; longer silence stays missing. A sensor that
registers ``count`` gets the total; one that registers ``count_in`` and ``count_out`` gets directions 1 and 2. The interval is
the sensor's registered one, 1 minute where it is not registered.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow.compute as pc

from ruimte.clock import HOUR_US, MINUTE_US
from ruimte.intake.cells import read_stamps
from ruimte.intake.counts import read_counts
from ruimte.intake.files import EMPTY_CELLS, csv_header, read_csv
from ruimte.intake.long import Layout, LongRows, long_batches
from ruimte.intake.raw import Batch, Options
from ruimte.intake.report import Report
from ruimte.intake.sensors import sensors_by_name
from ruimte.lab.lab import Lab
from ruimte.text import duration_us

_ZONE = ZoneInfo("Australia/Melbourne")
_DIRECTIONS = {"count": "total_of_Directions", "count_in": "Direction_1", "count_out": "Direction_2"}
_LONGEST_GAP_US = 2 * HOUR_US
_MEND = "this format reads the City of Melbourne's hourly or per-minute pedestrian counts"


class Melbourne:
    """The format ``melbourne``."""

    name = "melbourne"

    def read(self, path: Path, lab: Lab, report: Report, options: Options) -> Iterator[Batch]:
        options.refuse_mapping(self.name)
        return (_minutes if "LocationID" in csv_header(path) else _hours)(path, lab, report, options)


def _hours(path: Path, lab: Lab, report: Report, options: Options) -> Iterator[Batch]:
    layout = Layout(_ZONE, "start", "both", options.longest_gap_us)
    yield from long_batches(_hourly_rows(path, report), layout, lambda _: HOUR_US, lambda _: ("count",), lab, report)


def _hourly_rows(path: Path, report: Report) -> LongRows:
    columns = ["Date", "Hour", "SensorID", "PedestrianCount"]
    sheet = read_csv(path, columns, report, mend=_MEND, empty=(*EMPTY_CELLS, "NaN"))
    hour = pc.binary_join_element_wise(sheet.columns["Date"], sheet.columns["Hour"], " ")
    counts = read_counts(sheet.columns["PedestrianCount"], "PedestrianCount")
    return LongRows(sheet.columns["SensorID"], read_stamps(hour, "%d-%b-%Y %H"), sheet.row, {"count": counts})


def _minutes(path: Path, lab: Lab, report: Report, options: Options) -> Iterator[Batch]:
    registered = sensors_by_name(lab)

    def interval_us(name: str) -> int:
        return duration_us(registered[name][0].interval) if name in registered else MINUTE_US

    def measures(name: str) -> tuple[str, ...]:
        wanted = {measure for entry in registered.get(name, []) for measure in entry.measures}
        return tuple(measure for measure in _DIRECTIONS if measure in wanted) or ("count",)

    layout = Layout(_ZONE, "end", "both", options.longest_gap(_LONGEST_GAP_US))
    yield from long_batches(_minute_rows(path, report), layout, interval_us, measures, lab, report)


def _minute_rows(path: Path, report: Report) -> LongRows:
    sheet = read_csv(path, ["LocationID", "SensingDateTime", *_DIRECTIONS.values()], report, mend=_MEND)
    counts = {measure: read_counts(sheet.columns[name], name) for measure, name in _DIRECTIONS.items()}
    return LongRows(sheet.columns["LocationID"], read_stamps(sheet.columns["SensingDateTime"]), sheet.row, counts)

"""Any table: CSV (plain or gzipped) or Parquet, long or wide, described by a mapping.

A long file holds a row for each sensor and interval:

    time = "van"
    interval = "15m"
    sensor = "telpunt"
    count_in = "in"
    count_out = "uit"
    folded = "both"
    delimiter = ";"

A wide file holds a column a sensor:

    time = ["Datum", "Uur"]
    time_format = "%d-%m-%Y %H"
    interval = "1h"
    columns = { "Brug (noord)" = "bridge-north", "Brug (zuid)" = "bridge-south" }

All fields: ``ruimte.intake.mapping.Mapping``. Hours that come twice or never are treated as the mapping declares (``folded``):
by default refused, and counted in the report.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ruimte.errors import RuimteError
from ruimte.intake.cells import Stamps, read_stamps
from ruimte.intake.counts import Counts, read_counts
from ruimte.intake.files import Sheet, is_parquet, read_csv, read_parquet
from ruimte.intake.long import Layout, LongRows, long_batches
from ruimte.intake.mapping import Mapping, read_mapping
from ruimte.intake.raw import Batch, Options
from ruimte.intake.report import Report
from ruimte.intake.rows import place_in_time, silent_doubled_hours
from ruimte.intake.series import Columns, OmittedZeros, one_sensor
from ruimte.lab.lab import Lab


class Table:
    """The format ``table``."""

    name = "table"

    def read(self, path: Path, lab: Lab, report: Report, options: Options) -> Iterator[Batch]:
        if options.mapping is None:
            raise RuimteError("format table needs a mapping", str(path), "give a TOML file that tells what its columns mean")
        mapping = read_mapping(options.mapping)
        zone = ZoneInfo(mapping.time_zone) if mapping.time_zone is not None else lab.zone
        gap_us = mapping.longest_gap_us if options.longest_gap_us is None else options.longest_gap_us
        layout = Layout(zone, mapping.stamps, mapping.folded, gap_us)
        sheet = _sheet(path, mapping, options.mapping, report)
        return (_long if mapping.sensor is not None else _wide)(sheet, mapping, layout, lab, report)


def _sheet(path: Path, mapping: Mapping, mapping_path: Path, report: Report) -> Sheet:
    counts = [*mapping.columns] if mapping.sensor is None else [mapping.sensor, *mapping.measures.values()]
    columns = [*mapping.time_columns, *counts]
    mend = f"name the file's columns in {mapping_path.name}"
    if is_parquet(path):
        return read_parquet(path, columns, report, mend=mend)
    return read_csv(path, columns, report, mend=mend, delimiter=mapping.delimiter, encoding=mapping.encoding)


def _long(sheet: Sheet, mapping: Mapping, layout: Layout, lab: Lab, report: Report) -> Iterator[Batch]:
    assert mapping.sensor is not None
    counts = {measure: _counts(sheet, column, mapping) for measure, column in mapping.measures.items()}
    rows = LongRows(sheet.columns[mapping.sensor], _stamps(sheet, mapping), sheet.row, counts)
    yield from long_batches(rows, layout, lambda _: mapping.interval_us, lambda _: tuple(counts), lab, report)


def _wide(sheet: Sheet, mapping: Mapping, layout: Layout, lab: Lab, report: Report) -> Iterator[Batch]:
    group = np.zeros(len(sheet.row), dtype=np.int64)
    stamps = _stamps(sheet, mapping)
    start_us, flags, good = place_in_time(stamps, layout.zone, layout.folded, layout.edge, group, sheet.row, report)
    if layout.edge == "end":
        start_us = start_us - mapping.interval_us
    zeros = None
    if layout.longest_gap_us is not None:
        zeros = OmittedZeros(layout.longest_gap_us, silent_doubled_hours(layout.zone, start_us[good]))
    index = np.flatnonzero(good)
    for number, (column, target) in enumerate(mapping.columns.items(), start=1):
        sensor, measure = _target(target)
        results = {measure: _counts(sheet, column, mapping).take(index, sheet.row, report)}
        columns = Columns(start_us[index], flags[index], sheet.row[index], results)
        for table in one_sensor(sensor, columns, mapping.interval_us, zeros, report):
            yield Batch(table, number / len(mapping.columns))


def _target(text: str) -> tuple[str, str]:
    """Sensor and measure of a wide column; a name may hold a slash of its own.

    >>> _target("bridge/count_in"), _target("Quay St / Albert St")
    (('bridge', 'count_in'), ('Quay St / Albert St', 'count'))
    """
    sensor, _, measure = text.rpartition("/")
    return (sensor, measure) if measure in ("count", "count_in", "count_out") and sensor else (text, "count")


def _counts(sheet: Sheet, column: str, mapping: Mapping) -> Counts:
    return read_counts(sheet.columns[column], column, mapping.numerals, mapping.persons)


def _stamps(sheet: Sheet, mapping: Mapping) -> Stamps:
    columns = [sheet.columns[name] for name in mapping.time_columns]
    if len(columns) == 1:
        return read_stamps(columns[0], mapping.time_format)
    texts = [column.cast(pa.string()) for column in columns]
    return read_stamps(reduce(lambda a, b: pc.binary_join_element_wise(a, b, " "), texts), mapping.time_format)

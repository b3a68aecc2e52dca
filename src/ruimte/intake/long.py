"""Long files: a row holds one sensor's counts of one interval."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ruimte.intake.cells import Stamps
from ruimte.intake.counts import Counts
from ruimte.intake.raw import Batch
from ruimte.intake.report import Report
from ruimte.intake.rows import Edge, Folded, place_in_time, silent_doubled_hours
from ruimte.intake.sensors import sensors_by_name
from ruimte.intake.series import Columns, OmittedZeros, one_sensor
from ruimte.lab.lab import Lab


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file tells time. ``longest_gap_us`` is how long silence means zero; None: silence is missing."""

    zone: ZoneInfo
    edge: Edge
    folded: Folded
    longest_gap_us: int | None


@dataclass(frozen=True, slots=True)
class LongRows:
    """A long file's rows, columns of one length: the sensor's name, the stamp, the row in the file, the counts of each
    measure."""

    sensor: pa.ChunkedArray
    stamps: Stamps
    row: NDArray[np.int64]
    counts: Mapping[str, Counts]


def long_batches(
    rows: LongRows,
    layout: Layout,
    interval_us: Callable[[str], int],
    measures: Callable[[str], tuple[str, ...]],
    lab: Lab,
    report: Report,
) -> Iterator[Batch]:
    """Batches of a long file, one sensor after the other; ``interval_us`` and ``measures`` tell of each sensor what to take."""
    names, codes = _coded(rows.sensor)
    utc, flags, good = place_in_time(rows.stamps, layout.zone, layout.folded, layout.edge, codes, rows.row, report)
    nameless = good & (codes < 0)
    report.refuse("rows", "no sensor", int(nameless.sum()), (f"row {row}" for row in rows.row[nameless]))
    good &= codes >= 0
    intervals = np.array([interval_us(name) for name in names], dtype=np.int64)
    start = utc - intervals[codes] if layout.edge == "end" and names else utc
    zeros = None
    if layout.longest_gap_us is not None:
        unknown = [] if rows.stamps.absolute.all() else silent_doubled_hours(layout.zone, start[good])
        zeros = OmittedZeros(layout.longest_gap_us, unknown)
    registered = sensors_by_name(lab)
    for number, index, done in _by_sensor(codes, good, len(names)):
        name = names[number]
        results = {measure: rows.counts[measure].take(index, rows.row, report) for measure in measures(name)}
        mine = Columns(start[index], flags[index], rows.row[index], results)
        for table in one_sensor(name, mine, int(intervals[number]), zeros if name in registered else None, report):
            yield Batch(table, done)


def _coded(column: pa.ChunkedArray) -> tuple[list[str], NDArray[np.int64]]:
    coded = column.cast(pa.string()).combine_chunks().dictionary_encode()
    return coded.dictionary.to_pylist(), coded.indices.fill_null(-1).to_numpy().astype(np.int64)


def _by_sensor(codes: NDArray[np.int64], good: NDArray[np.bool_], sensors: int) -> Iterator[tuple[int, NDArray[np.int64], float]]:
    """Of each sensor its number, the indices of its good rows, and the share of rows done with it."""
    index = np.flatnonzero(good)
    index = index[np.argsort(codes[index], kind="stable")]
    bounds = np.searchsorted(codes[index], np.arange(sensors + 1))
    for number in range(sensors):
        yield number, index[bounds[number] : bounds[number + 1]], float(bounds[number + 1]) / max(len(index), 1)

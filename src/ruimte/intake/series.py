"""One sensor's rows to raw tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ruimte.intake.gaps import implied_zeros
from ruimte.intake.raw import NO_ROW, raw_table
from ruimte.intake.report import Report
from ruimte.model.observation import Flag

_CHUNK = 100_000


@dataclass(frozen=True, slots=True)
class OmittedZeros:
    """The publisher leaves zeros out: silence up to ``longest_gap_us`` means zero, but for the ``unknown`` periods."""

    longest_gap_us: int
    unknown: Sequence[tuple[int, int]] = ()


@dataclass(frozen=True, slots=True)
class Columns:
    """A file's rows as arrays of one length: when, flags, row in the file, and the result of each measure (NaN: empty cell)."""

    start_us: NDArray[np.int64]
    flags: NDArray[np.int32]
    row: NDArray[np.int64]
    results: Mapping[str, NDArray[np.float64]]

    def take(self, index: NDArray[np.int64]) -> Columns:
        """The rows at ``index``, in its order."""
        results = {measure: result[index] for measure, result in self.results.items()}
        return Columns(self.start_us[index], self.flags[index], self.row[index], results)


def one_sensor(sensor: str, columns: Columns, interval_us: int, zeros: OmittedZeros | None, report: Report) -> Iterator[pa.Table]:
    """Raw tables of one sensor, in order of time; empty cells are left out, omitted zeros put back."""
    columns = columns.take(np.argsort(columns.start_us, kind="stable"))
    implied = np.empty(0, dtype=np.int64)
    if zeros is not None:
        implied, left = implied_zeros(np.unique(columns.start_us), interval_us, zeros.longest_gap_us, zeros.unknown)
        report.long_gaps += left
    for measure, result in columns.results.items():
        there = ~np.isnan(result)
        starts = np.concatenate([columns.start_us[there], implied])
        results = np.concatenate([result[there], np.zeros(len(implied))])
        flags = np.concatenate([columns.flags[there], np.full(len(implied), Flag.IMPLIED, dtype=np.int32)])
        rows = np.concatenate([columns.row[there], np.full(len(implied), NO_ROW)])
        order = np.argsort(starts, kind="stable")
        for first in range(0, len(order), _CHUNK):
            part = order[first : first + _CHUNK]
            yield raw_table(sensor, measure, starts[part], interval_us, results[part], flags[part], rows[part])

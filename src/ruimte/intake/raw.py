"""What a format yields: observations under the publisher's own names, before the gatekeeper looks at them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ruimte.errors import RuimteError
from ruimte.intake.report import Report
from ruimte.lab.lab import Lab

RAW = pa.schema(
    [
        ("sensor", pa.dictionary(pa.int32(), pa.string())),
        ("measure", pa.dictionary(pa.int32(), pa.string())),
        ("start_us", pa.int64()),
        ("end_us", pa.int64()),
        ("result", pa.float64()),
        ("flags", pa.int32()),
        ("row", pa.int64()),
    ]
)
"""Columns of a raw batch.

``sensor`` is the publisher's name of it or its key in the register; ``measure`` is ``count``, ``count_in`` or ``count_out``;
``result`` is persons in ``[start_us, end_us)``; ``flags`` are those of ``model.observation.Flag``; ``row`` is the row of the
file (1 is the first line, blank lines are not counted), 0 where no row stands behind it.
"""

NO_ROW = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """A raw batch (schema ``RAW``) and the share of the file, 0–1, that is done with it."""

    table: pa.Table
    done: float


@dataclass(frozen=True, slots=True)
class Options:
    """What a user says of a file: its mapping (format ``table``), and the longest gap that omitted zeros can explain."""

    mapping: Path | None = None
    longest_gap_us: int | None = None

    def longest_gap(self, otherwise: int) -> int:
        """The longest gap that means zeros, µs: the user's, else the format's own."""
        return otherwise if self.longest_gap_us is None else self.longest_gap_us

    def refuse_mapping(self, name: str) -> None:
        """Raise where a mapping is given to a format that knows its file without."""
        if self.mapping is not None:
            raise RuimteError(f"format {name} takes no mapping", str(self.mapping), "leave it out, or use format table")


class Format(Protocol):
    """Reads one publisher's files."""

    @property
    def name(self) -> str: ...

    def read(self, path: Path, lab: Lab, report: Report, options: Options) -> Iterator[Batch]:
        """Yield the file's observations; rows that cannot be read are refused in the report.

        Raises ``RuimteError`` where the file as a whole cannot be read.
        """
        ...


def raw_table(
    sensor: str,
    measure: str,
    start_us: NDArray[np.int64],
    interval_us: int,
    result: NDArray[np.float64],
    flags: NDArray[np.int32],
    row: NDArray[np.int64],
) -> pa.Table:
    """Observations of one sensor and measure as a table with schema ``RAW``; the arrays share one length."""
    same = pa.array(np.zeros(len(start_us), dtype=np.int32))
    return pa.Table.from_arrays(
        [
            pa.DictionaryArray.from_arrays(same, pa.array([sensor])),
            pa.DictionaryArray.from_arrays(same, pa.array([measure])),
            pa.array(start_us),
            pa.array(start_us + interval_us),
            pa.array(result),
            pa.array(flags),
            pa.array(row),
        ],
        schema=RAW,
    )

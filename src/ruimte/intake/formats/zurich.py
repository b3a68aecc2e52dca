"""Passengers over the counting lines of a stop, as Open Data Zürich publishes them (Frequenzen Hardbrücke).

Columns ``In``, ``Out``, ``Timestamp``, ``Name``; persons per 5 minutes, ``Timestamp`` the start of the interval in naive local
time (Europe/Zurich), the newest of each day first.

- Rows with In = Out = 0 are left out. Between two rows of a line, silence of up to 6 hours is taken for zeros; longer silence
  may be an outage and stays missing.
- Autumn: the hour that comes twice is written once (2020: 62 rows of 96 possible, no stamp doubled), and the counts do not tell
  whether that is one hour or the sum of both. It is taken for the first and flagged as doubtful; the second stays missing, not
  zero. Should a year write stamps twice, each goes to its own hour.
- Spring: the hour that does not exist is absent; a row in it is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

from ruimte.clock import HOUR_US, MINUTE_US
from ruimte.intake.cells import read_stamps
from ruimte.intake.counts import read_counts
from ruimte.intake.files import read_csv
from ruimte.intake.long import Layout, LongRows, long_batches
from ruimte.intake.raw import Batch, Options
from ruimte.intake.report import Report
from ruimte.lab.lab import Lab

_MEASURES = {"count_in": "In", "count_out": "Out"}
_INTERVAL_US = 5 * MINUTE_US
_LONGEST_GAP_US = 6 * HOUR_US
_MEND = "this format reads Open Data Zürich's Frequenzen Hardbrücke"


class Zurich:
    """The format ``zurich``."""

    name = "zurich"

    def read(self, path: Path, lab: Lab, report: Report, options: Options) -> Iterator[Batch]:
        options.refuse_mapping(self.name)
        layout = Layout(ZoneInfo("Europe/Zurich"), "start", "both", options.longest_gap(_LONGEST_GAP_US))
        rows = _rows(path, report)
        yield from long_batches(rows, layout, lambda _: _INTERVAL_US, lambda _: tuple(_MEASURES), lab, report)


def _rows(path: Path, report: Report) -> LongRows:
    sheet = read_csv(path, [*_MEASURES.values(), "Timestamp", "Name"], report, mend=_MEND)
    counts = {measure: read_counts(sheet.columns[name], name) for measure, name in _MEASURES.items()}
    return LongRows(sheet.columns["Name"], read_stamps(sheet.columns["Timestamp"]), sheet.row, counts)

"""Import a file: format, gatekeeper, store, and a report of what became of every row."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from ruimte.clock import Clock, SystemClock
from ruimte.errors import RuimteError
from ruimte.intake.formats import FORMATS
from ruimte.intake.gatekeeper import admit
from ruimte.intake.raw import Options
from ruimte.intake.report import Report
from ruimte.lab.lab import Lab
from ruimte.store.observations import Appended
from ruimte.text import duration_us

Progress = Callable[[float, int], None]
"""Told now and then: the share of the file that is done (0–1), and how many observations were kept so far."""


class ObservationStore(Protocol):
    """What an import needs of a store in which the lab is registered; ``path`` is its file."""

    path: Path

    def stream_ids(self) -> dict[str, int]: ...

    def append(self, table: pa.Table) -> Appended: ...


def import_file(
    lab: Lab,
    store: ObservationStore,
    path: Path,
    format: str,  # noqa: A002 - the option's own word
    mapping: Path | None = None,
    progress: Progress | None = None,
    longest_gap: str | None = None,
    clock: Clock | None = None,
) -> Report:
    """Import a publisher's file and report what became of it; importing it again adds nothing.

    ``mapping`` belongs to the format ``table``. ``longest_gap`` (``"2h"``) overrides how long the silence of a sensor may last
    and still mean zero, in formats that leave zeros out. What ends after the time of ``clock`` (the system's where none is given)
    is refused. Each batch is durable before the next is read, so what a broken-off import leaves behind is whole, and importing
    again completes it.

    Raises ``RuimteError`` where the file as a whole cannot be read; a row that cannot is refused and counted.
    """
    reader = FORMATS.get(format)
    if reader is None:
        raise RuimteError(f"unknown format {format!r}", str(path), f"choose one of {', '.join(FORMATS)}")
    began = time.perf_counter()
    now_us = (clock or SystemClock()).now_us()
    report = Report(str(path), format, str(store.path.resolve()))
    ids = _stream_ids(lab, store)
    for batch in reader.read(path, lab, report, Options(mapping, _gap_us(longest_gap))):
        appended = store.append(admit(batch.table, lab, ids, report, now_us))
        report.added += appended.added
        report.known += appended.known
        report.revised += appended.revised
        if progress is not None:
            progress(batch.done, report.kept)
    report.seconds = time.perf_counter() - began
    return report


def _stream_ids(lab: Lab, store: ObservationStore) -> dict[str, int]:
    ids = store.stream_ids()
    for entry in lab.sensors.values():
        for measure in entry.measures:
            if (key := f"{entry.key}/{measure}") not in ids:
                raise RuimteError(f"the store does not know datastream {key}", lab.key, "register the lab in the store first")
    return ids


def _gap_us(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return duration_us(text)
    except ValueError as error:
        raise RuimteError(str(error), "longest gap", 'write one like "2h"') from None

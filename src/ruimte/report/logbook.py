"""The logbook to take along: as CSV for a spreadsheet, and as a page to print."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass

from ruimte.report.pages import page
from ruimte.report.words import Words

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the logbook: times in µs and as the lab writes them (ISO 8601), who by role, text in the reader's language."""

    id: int
    at_us: int
    lab_time: str
    wall_time: str
    kind: str
    place: str
    warning: int | None
    who: str
    text: str


def as_csv(lines: Iterable[Line], words: Words) -> str:
    """The lines as CSV (RFC 4180), with a line of names. No cell can be taken for a formula: one that would be begins with an
    apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    names = ("Number", "Lab time", "Wall time", "Kind", "Place", "Warning", "Who", "Text")
    writer.writerow([words(name) for name in names])
    for line in lines:
        warning = "" if line.warning is None else str(line.warning)
        cells = (str(line.id), line.lab_time, line.wall_time, line.kind, line.place, warning, line.who, line.text)
        writer.writerow([_inert(cell) for cell in cells])
    return out.getvalue()


def as_html(
    lines: Iterable[Line], words: Words, *, lab: str, synthetic: bool, from_us: int, until_us: int, notice: str = ""
) -> str:
    """The lines as a page to print; ``notice`` is shown on the screen only."""
    return page(
        "logbook.html",
        words,
        lines=list(lines),
        lab=lab,
        synthetic=synthetic,
        from_us=from_us,
        until_us=until_us,
        notice=notice,
    )


def _inert(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell

"""Rows with the publisher's stamps become rows with UTC; those whose time cannot be told are refused."""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ruimte.intake.cells import Stamps
from ruimte.intake.localtime import doubled_hours, to_utc, wall_text
from ruimte.intake.report import Report
from ruimte.model.observation import Flag

Edge = Literal["start", "end"]
Folded = Literal["first", "both", "refuse"]
"""What to do with wall times that come twice in autumn: ``first``, the file holds the first of the two hours; ``both``, it
holds both, in order (a stamp that comes once is taken as the first and flagged as doubtful); ``refuse``."""


_DOUBLED = 'tell in the mapping which hour the file holds: folded = "first" or "both"'
_SKIPPED = "where the file keeps winter time or UTC all year, name that as time_zone in a mapping"


def place_in_time(
    stamps: Stamps, zone: ZoneInfo, folded: Folded, edge: Edge, group: NDArray[np.int64], row: NDArray[np.int64], report: Report
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.bool_]]:
    """UTC of each stamp (µs), its flags, and which rows have one; the others are refused in the report.

    ``group`` tells rows apart that may share a stamp: one number a sensor. Of each the rows are mostly in order of time, or
    mostly in its reverse. ``edge`` says what the stamps mark: the end of the last interval before a missing hour may be
    written either way.
    """
    unreadable = np.flatnonzero(~stamps.readable)
    told = (f"row {row[i]}: {stamps.written(int(i))}" for i in unreadable)
    report.refuse("rows", "unreadable time", len(unreadable), told, stamps.expected)
    wall = stamps.readable & ~stamps.absolute
    local_us = stamps.us[wall]
    local = to_utc(local_us, zone)
    utc = stamps.us.copy()
    good = stamps.readable.copy()
    flags = np.zeros(len(utc), dtype=np.int32)

    missing = local.missing.copy()
    if edge == "end" and missing.any():
        missing &= to_utc(local_us - 1, zone).missing
    _refuse(report, "a wall time that does not exist (clocks go forward)", row[wall], local_us, missing, _SKIPPED)
    refused = missing
    placed = local.first_us.copy()
    if local.folded.any() and folded == "refuse":
        _refuse(report, "a wall time that comes twice (clocks go back)", row[wall], local_us, local.folded, _DOUBLED)
        refused = refused | local.folded
    elif local.folded.any() and folded == "both":
        index = np.flatnonzero(local.folded)
        number, total = _occurrence(group[wall][index], local_us[index], _newest_first(group[wall], local_us))
        placed[index] = np.where(number > 0, local.second_us[index], local.first_us[index])
        flags[np.flatnonzero(wall)[index[total == 1]]] = Flag.DOUBTFUL
    utc[wall] = placed
    good[wall] = ~refused
    return utc, flags, good


def silent_doubled_hours(zone: ZoneInfo, start_us: NDArray[np.int64]) -> list[tuple[int, int]]:
    """The second hours of autumn in which no row of the whole file starts: the publisher wrote each wall time once.

    Of these silence says nothing.
    """
    if len(start_us) == 0:
        return []
    hours = doubled_hours(zone, int(start_us.min()), int(start_us.max()))
    return [(first, until) for first, until in hours if not ((start_us >= first) & (start_us < until)).any()]


def _newest_first(group: NDArray[np.int64], local_us: NDArray[np.int64]) -> bool:
    order = np.argsort(group, kind="stable")
    steps = np.diff(local_us[order])[np.diff(group[order]) == 0]
    return bool(np.count_nonzero(steps < 0) > np.count_nonzero(steps > 0))


def _occurrence(
    group: NDArray[np.int64], local_us: NDArray[np.int64], newest_first: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of each row: how many rows of the same group and stamp happened before it, and how many there are in all."""
    happened = np.arange(len(group))
    if newest_first:
        happened = happened[::-1]
    _, pair = np.unique(np.stack([group, local_us]), axis=1, return_inverse=True)
    order = np.lexsort((happened, pair))
    first_of_pair = np.searchsorted(pair[order], pair[order], side="left")
    number = np.empty(len(group), dtype=np.int64)
    number[order] = np.arange(len(group)) - first_of_pair
    total = np.bincount(pair)[pair]
    return number, total


def _refuse(
    report: Report, reason: str, row: NDArray[np.int64], local_us: NDArray[np.int64], mask: NDArray[np.bool_], mend: str
) -> None:
    examples = (f"row {row[i]} at {wall_text(local_us[i])}" for i in np.flatnonzero(mask))
    report.refuse("rows", reason, int(np.count_nonzero(mask)), examples, mend)

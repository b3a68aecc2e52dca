"""Local time to UTC, vectorised: hours that come twice in autumn and never in spring are told apart, not guessed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ruimte.clock import DAY_US, SECOND_US, to_us

Times = NDArray[np.int64]
Mask = NDArray[np.bool_]

_NAIVE_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
_LONGEST_OFFSET_US = DAY_US


def naive_us(moment: datetime) -> int:
    """Microseconds of a naive local datetime since 1970-01-01 00:00 on the same wall clock.

    >>> naive_us(datetime(1970, 1, 1, 0, 0, 1))
    1000000
    """
    return (moment - _NAIVE_EPOCH) // _MICROSECOND


def wall_text(local_us: int) -> str:
    """A naive local time as people write it.

    >>> wall_text(0)
    '1970-01-01 00:00'
    """
    return (_NAIVE_EPOCH + int(local_us) * _MICROSECOND).strftime("%Y-%m-%d %H:%M")


@dataclass(frozen=True, slots=True)
class Local:
    """What naive local times mean in UTC; all arrays have the shape of the input.

    ``folded`` times come twice, at ``first_us`` and ``second_us``; elsewhere the two are equal. ``missing`` times never come;
    their UTC is not to be used.
    """

    first_us: Times
    second_us: Times
    folded: Mask
    missing: Mask


def to_utc(local_us: Times, zone: ZoneInfo) -> Local:
    """Resolve naive local times (µs) in a time zone.

    >>> from ruimte.clock import iso
    >>> autumn = np.array([naive_us(datetime(2020, 10, 25, 2, 30))])
    >>> local = to_utc(autumn, ZoneInfo("Europe/Zurich"))
    >>> iso(local.first_us[0]), iso(local.second_us[0]), bool(local.folded[0])
    ('2020-10-25T00:30:00Z', '2020-10-25T01:30:00Z', True)
    """
    if len(local_us) == 0:
        none = np.zeros(0, dtype=bool)
        return Local(local_us, local_us, none, none)
    changes, offsets = changes_between(zone, int(local_us.min()), int(local_us.max()))
    segment = np.searchsorted(changes + offsets[1:], local_us, side="right")
    last = local_us - offsets[segment]
    before = np.maximum(segment - 1, 0)
    if len(changes) == 0:
        none = np.zeros(len(local_us), dtype=bool)
        return Local(last, last, none, none)
    folded = (segment > 0) & (local_us < changes[before] + offsets[before])
    following = np.minimum(segment, len(changes) - 1)
    missing = (segment < len(changes)) & (last >= changes[following])
    first = np.where(folded, local_us - offsets[before], last)
    return Local(first, last, folded, missing)


def doubled_hours(zone: ZoneInfo, from_us: int, until_us: int) -> list[tuple[int, int]]:
    """The UTC periods within ``[from_us, until_us)`` whose wall time came already just before: the second 02:00–03:00 of
    autumn."""
    changes, offsets = changes_between(zone, from_us, until_us)
    turned_back = zip(changes.tolist(), (offsets[:-1] - offsets[1:]).tolist(), strict=True)
    return [(change, change + by) for change, by in turned_back if by > 0 and from_us <= change < until_us]


def changes_between(zone: ZoneInfo, from_us: int, until_us: int) -> tuple[Times, Times]:
    """The moments (UTC µs) at which the zone's offset changes, and its offsets (µs) around them: one more than changes.

    Covers at least ``[from_us, until_us]`` taken as UTC or as local time.
    """
    first = (from_us - _LONGEST_OFFSET_US) // DAY_US
    last = -((-until_us - _LONGEST_OFFSET_US) // DAY_US)
    return _changes(zone, first // 366, last // 366 + 1)


@lru_cache(maxsize=64)
def _changes(zone: ZoneInfo, first_block: int, last_block: int) -> tuple[Times, Times]:
    days = range(first_block * 366 * DAY_US, last_block * 366 * DAY_US + 1, DAY_US)
    offsets = [_offset_us(zone, days[0])]
    changes: list[int] = []
    for day in days:
        if _offset_us(zone, day) != offsets[-1]:
            changes.append(_first_with_other_offset(zone, day - DAY_US, day))
            offsets.append(_offset_us(zone, changes[-1]))
    return np.array(changes, dtype=np.int64), np.array(offsets, dtype=np.int64)


def _first_with_other_offset(zone: ZoneInfo, low_us: int, high_us: int) -> int:
    before = _offset_us(zone, low_us)
    while high_us - low_us > SECOND_US:
        middle = (low_us + high_us) // 2 // SECOND_US * SECOND_US
        if _offset_us(zone, middle) == before:
            low_us = middle
        else:
            high_us = middle
    return high_us


def _offset_us(zone: ZoneInfo, utc_us: int) -> int:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + int(utc_us) * _MICROSECOND
    local = moment.astimezone(zone)
    return naive_us(local.replace(tzinfo=None)) - to_us(moment)

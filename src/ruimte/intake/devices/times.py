"""Devices' times: with an offset, as a number since 1970, or on the wall's clock of the lab."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from ruimte.clock import MINUTE_US, to_us
from ruimte.errors import RuimteError
from ruimte.intake.localtime import naive_us, to_utc
from ruimte.model.observation import Flag

Moment = tuple[int, Flag]
"""Microseconds, and what is to be known about them."""

FIRST_US = to_us(datetime(1970, 1, 1, tzinfo=UTC))
LAST_US = to_us(datetime(2200, 1, 1, tzinfo=UTC))
_TOLD_APART_US = 30 * MINUTE_US
"""A doubled hour is told apart by the time of receipt, if that is within so much of the one, and by so much farther from the
other."""


def instant(text: str, where: str, zone: ZoneInfo, received_us: int) -> Moment:
    """A time in ISO 8601, with an offset or without."""
    return _moment(text, where, _iso, zone, received_us)


def by_pattern(text: str, pattern: str, where: str, zone: ZoneInfo, received_us: int) -> Moment:
    """A time written by a ``strptime`` pattern."""
    return _moment(text, where, lambda written: datetime.strptime(written, pattern), zone, received_us)


def interval(text: str, where: str, zone: ZoneInfo, received_us: int) -> tuple[Moment, Moment]:
    """An ISO 8601 interval ``start/end``, or an instant: then both are equal."""
    start, slash, end = text.partition("/")
    first = instant(start, where, zone, received_us)
    return first, instant(end, where, zone, received_us) if slash else first


def epoch_ms(value: float, where: str) -> int:
    """Milliseconds since 1970 as microseconds."""
    return _within(value * 1000, where)


def epoch_s(value: float, where: str) -> int:
    """Seconds since 1970 as microseconds."""
    return _within(value * 1_000_000, where)


def in_order(start_us: int, end_us: int, where: str) -> None:
    """Raise ``RuimteError`` where an interval ends before it starts."""
    if end_us < start_us:
        raise RuimteError("ends before it starts", where, "correct the device's clock or settings")


def _iso(text: str) -> datetime:
    if len(text) <= len("2026-01-01"):
        raise ValueError("a date is no moment")
    return datetime.fromisoformat(text)


def _moment(text: str, where: str, parse: Callable[[str], datetime], zone: ZoneInfo, received_us: int) -> Moment:
    try:
        moment = parse(text)
        us = naive_us(moment) if moment.tzinfo is None else to_us(moment)
    except (ValueError, OverflowError):
        raise RuimteError("is not a time", where, "send the vendor's form of it, best with an offset") from None
    us = _within(us, where)
    return _on_the_wall(us, where, zone, received_us) if moment.tzinfo is None else (us, Flag.NONE)


def _on_the_wall(local_us: int, where: str, zone: ZoneInfo, received_us: int) -> Moment:
    """A local time in UTC. Of the two that a doubled hour can mean, the one nearer to the receipt; doubtful if unclear."""
    local = to_utc(np.array([local_us]), zone)
    if local.missing[0]:
        raise RuimteError("never comes on the lab's wall clock", where, "let the device send UTC, or an offset")
    first_us, second_us = int(local.first_us[0]), int(local.second_us[0])
    from_first, from_second = abs(received_us - first_us), abs(received_us - second_us)
    flags = Flag.REPAIRED
    if local.folded[0] and (abs(from_first - from_second) < _TOLD_APART_US or min(from_first, from_second) > _TOLD_APART_US):
        flags |= Flag.DOUBTFUL
    return (second_us if from_second < from_first else first_us), flags


def _within(us: float, where: str) -> int:
    if not FIRST_US <= us < LAST_US:
        raise RuimteError("is no time of a measurement", where, "correct the device's clock")
    return int(us)

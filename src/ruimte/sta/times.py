"""Times as SensorThings writes them: ISO 8601 instants, and intervals ``start/end``; inside they are UTC microseconds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ruimte.clock import from_us, to_us
from ruimte.sta.errors import StaError


def parse_instant(text: Any, where: str = "time") -> int:
    """Microseconds of an instant with ``Z`` or an offset. Raises ``StaError`` (400) for anything else.

    >>> parse_instant("1970-01-01T01:00:01+01:00")
    1000000
    """
    if isinstance(text, str) and len(text) > 10:  # a bare date is no instant
        try:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is not None:
                return to_us(moment.astimezone(UTC))
        except OverflowError:  # by its offset
            raise StaError("lies outside the years 1 to 9999", where, "check the year") from None
        except ValueError:
            pass
    raise StaError(f"{_short(text)} is not an instant", where, "write it as 2026-04-27T14:00:00Z or with an offset like +02:00")


def parse_interval(text: Any, where: str = "time") -> tuple[int, int]:
    """Start and end of an interval ``start/end``. Raises ``StaError`` (400) where it is none, or ends before it starts."""
    start, slash, end = text.partition("/") if isinstance(text, str) else ("", "", "")
    if not slash:
        raise StaError(f"{_short(text)} is not an interval", where, "write it as 2026-04-27T14:00:00Z/2026-04-27T14:05:00Z")
    span = parse_instant(start, where), parse_instant(end, where)
    if span[1] < span[0]:
        raise StaError(f"{_short(text)} ends before it starts", where, "write the earlier moment first")
    return span


def parse_time(text: Any, where: str = "time") -> tuple[int, int]:
    """Start and end of an instant (then they are equal) or an interval.

    >>> parse_time("1970-01-01T00:00:01Z")
    (1000000, 1000000)
    >>> parse_time("1970-01-01T00:00:01Z/1970-01-01T00:00:02Z")
    (1000000, 2000000)
    """
    if isinstance(text, str) and "/" in text:
        return parse_interval(text, where)
    instant = parse_instant(text, where)
    return instant, instant


def show_instant(us: int) -> str:
    """An instant, to the microsecond where it needs that.

    >>> show_instant(1_000_000), show_instant(1_500_000)
    ('1970-01-01T00:00:01Z', '1970-01-01T00:00:01.500Z')
    """
    moment = from_us(us).astimezone(UTC).replace(tzinfo=None)
    if us % 1_000_000 == 0:
        return moment.isoformat("T", "seconds") + "Z"
    return moment.isoformat("T", "milliseconds" if us % 1000 == 0 else "microseconds") + "Z"


def show_time(start_us: int, end_us: int) -> str:
    """An instant where both are equal, else an interval."""
    return show_instant(start_us) if start_us == end_us else show_interval(start_us, end_us)


def show_interval(start_us: int, end_us: int) -> str:
    """An interval, also where it lasts no time."""
    return f"{show_instant(start_us)}/{show_instant(end_us)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."

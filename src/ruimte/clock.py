"""Time: UTC, integer microseconds inside; aware ``datetime`` at the edges.

Three clocks tell what time it is in the lab: the system's, one that replays the past at a chosen
speed, and one that a test sets by hand.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_us(moment: datetime) -> int:
    """Microseconds since 1970 of an aware datetime.

    >>> to_us(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    if moment.tzinfo is None:
        raise ValueError("a datetime needs a time zone")
    return (moment - _EPOCH) // _MICROSECOND


def from_us(us: int) -> datetime:
    """The aware datetime (UTC) of microseconds since 1970.

    >>> from_us(1_000_000).isoformat()
    '1970-01-01T00:00:01+00:00'
    """
    return _EPOCH + timedelta(microseconds=int(us))


def iso(us: int) -> str:
    """ISO 8601 with ``Z``, to the second.

    >>> iso(1_000_000)
    '1970-01-01T00:00:01Z'
    """
    return from_us(us).strftime("%Y-%m-%dT%H:%M:%SZ")


class Clock(Protocol):
    """Tells the lab's time."""

    def start(self) -> None:
        """Begin to run, where the clock waits for that; what came before took no time."""
        ...

    def now_us(self) -> int:
        """The lab's time, microseconds since 1970."""
        ...

    def wait_s(self, until_us: int) -> float:
        """Seconds of real time until the lab's time reaches ``until_us`` (0 when it has)."""
        ...


class SystemClock:
    """The lab's time is the wall's time."""

    def start(self) -> None:
        pass

    def now_us(self) -> int:
        return time.time_ns() // 1000

    def wait_s(self, until_us: int) -> float:
        return max(0.0, (until_us - self.now_us()) / SECOND_US)


class ReplayClock:
    """The lab's time stands at ``start_us`` until it is started, and then runs at ``speed`` seconds a second."""

    def __init__(self, start_us: int, speed: float) -> None:
        if speed <= 0:
            raise ValueError("speed must be above 0")
        self.start_us = start_us
        self.speed = speed
        self._begun: float | None = None

    def start(self) -> None:
        self._begun = time.monotonic()

    def now_us(self) -> int:
        if self._begun is None:
            return self.start_us
        return self.start_us + int((time.monotonic() - self._begun) * self.speed * SECOND_US)

    def wait_s(self, until_us: int) -> float:
        return max(0.0, (until_us - self.now_us()) / SECOND_US / self.speed)


class ManualClock:
    """The lab's time is what a test says, and never waits."""

    def __init__(self, now_us: int) -> None:
        self._now_us = now_us

    def now_us(self) -> int:
        return self._now_us

    def start(self) -> None:
        pass

    def set(self, now_us: int) -> None:
        self._now_us = now_us

    def wait_s(self, until_us: int) -> float:
        self._now_us = max(self._now_us, until_us)
        return 0.0

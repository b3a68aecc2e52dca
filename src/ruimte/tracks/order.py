"""Frames in order of time: a network brings some of them late, twice or not at all."""

from __future__ import annotations

import heapq
from typing import Generic, TypeVar

T = TypeVar("T")


class InOrder(Generic[T]):
    """Holds frames back until none before them can be expected any more.

    ``wait_us``: how much later than a frame the newest one is when it is given out. ``anew_after``: after so many frames in a
    row that come too late it is the clock of the sensor that was set back, and the order begins anew with them. ``late`` and
    ``doubled`` count what was dropped; ``anew`` how often the order began anew.

    >>> order = InOrder(wait_us=200, anew_after=3)
    >>> for time_us in (0, 100, 300, 200, 200, 400):
    ...     order.put(time_us, str(time_us))
    >>> order.ready(), order.doubled
    ([(0, '0'), (100, '100'), (200, '200')], 1)
    >>> order.put(50, "50")
    >>> order.rest(), order.late
    ([(300, '300'), (400, '400')], 1)
    """

    def __init__(self, wait_us: int, anew_after: int) -> None:
        self.late = self.doubled = self.anew = 0
        self._wait_us, self._anew_after = wait_us, anew_after
        self._held: list[tuple[int, int, T]] = []
        self._times: set[int] = set()
        self._given_us: int | None = None
        self._newest_us = 0  # times are since 1970
        self._in_a_row = self._count = 0

    def put(self, time_us: int, frame: T) -> None:
        """Take a frame in."""
        if self._given_us is not None and time_us <= self._given_us:
            self._in_a_row += 1
            if self._in_a_row < self._anew_after:
                if time_us == self._given_us:
                    self.doubled += 1
                else:
                    self.late += 1
                return
            self.anew += 1
            self._held.clear()
            self._times.clear()
            self._given_us, self._newest_us = None, time_us
        self._in_a_row = 0
        if time_us in self._times:
            self.doubled += 1
            return
        self._count += 1  # so that frames themselves are never compared
        heapq.heappush(self._held, (time_us, self._count, frame))
        self._times.add(time_us)
        self._newest_us = max(self._newest_us, time_us)

    @property
    def newest_us(self) -> int | None:
        """Time of the newest frame that is held; None where none is."""
        return self._newest_us if self._held else None

    def ready(self) -> list[tuple[int, T]]:
        """What can be given out: time and frame, in order."""
        return self._take(self._newest_us - self._wait_us)

    def rest(self) -> list[tuple[int, T]]:
        """All that is held: nothing more is expected."""
        return self._take(self._newest_us)

    def _take(self, until_us: int) -> list[tuple[int, T]]:
        found = []
        while self._held and self._held[0][0] <= until_us:
            time_us, _, frame = heapq.heappop(self._held)
            self._times.discard(time_us)
            self._given_us = time_us
            found.append((time_us, frame))
        return found

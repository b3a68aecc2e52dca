"""What the node must remember of a device between messages, to make intervals of what it sends.

Two kinds of devices do not tell intervals. Some tell a count and only when it ended; some tell a counter that runs on. Both are
brought to the interval that the register gives for the channel: the source and measure of one device. What is remembered is lost
with the node; then the first interval after its start stays missing, which is not zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from ruimte.clock import HOUR_US
from ruimte.intake.message import Message, Reading, Total
from ruimte.model.measure import MEASURES
from ruimte.model.observation import Flag

LONGEST_SILENCE_US = 6 * HOUR_US
"""A counter that stood still may have been silent for so long; after more it begins anew."""
LAST_US = 2**63 - 1
_JITTER = 0.1
"""Share of the interval by which a message may come early or late and still end where it should."""
_MOST_APART = 1.5
"""Intervals that may lie between two totals: one that comes late is still near enough, one that was lost is not."""

IntervalOf = Callable[[str, str, int], int | None]
"""The registered interval (µs) of a source and measure at a time; None where the register has no such channel."""
MOST_OWED = 10_000
"""Readings of one device that are kept for its next message, where they could not be stored."""
_Channel = tuple[str, str, str]
_Interval = tuple[str, str, int, int]


class Channels:
    """Makes readings with intervals. One for all devices; it keeps a few numbers for each registered channel."""

    def __init__(self) -> None:
        self._ends: dict[_Channel, int] = {}
        self._counters: dict[_Channel, Counter] = {}
        self._owed: dict[str, dict[_Interval, Reading]] = {}

    def settle(self, device: str, message: Message, interval_of: IntervalOf, latest_us: int = LAST_US) -> list[Reading]:
        """The readings of a message from ``device`` (its key in the register), each with its full source and interval; before
        them those that were given back.

        What the register does not know, and what is of a time after ``latest_us``, passes as an instant, for the gatekeeper to
        refuse: nothing is remembered of it. A channel that tells its counts itself is not counted again by its running total.
        """
        settled: list[Reading] = []
        for reading in message.readings:
            reading = replace(reading, source=_full(device, message, reading.source))
            if reading.start_us == reading.end_us <= latest_us and MEASURES[reading.measure].over != "instant":
                reading = self._with_interval(device, reading, interval_of)
            settled.append(reading)
        for total in message.totals:
            total = _one_way(replace(total, source=_full(device, message, total.source)), interval_of)
            if total.time_us > latest_us:
                settled.append(_as_instant(total))
            else:
                settled += self._differences(device, total, interval_of)
        told = {_interval(reading) for reading in settled}
        owed = self._owed.pop(device, {})
        return [*(reading for interval, reading in owed.items() if interval not in told), *settled]

    def give_back(self, device: str, readings: list[Reading]) -> None:
        """Take back readings that could not be stored: the device's next message tells them again, for its totals will not."""
        owed = self._owed.setdefault(device, {})
        owed.update((_interval(reading), reading) for reading in readings)
        for interval in list(owed)[:-MOST_OWED]:
            del owed[interval]

    def _with_interval(self, device: str, reading: Reading, interval_of: IntervalOf) -> Reading:
        interval_us = interval_of(reading.source, reading.measure, reading.end_us)
        if interval_us is None:
            return reading
        channel = (device, reading.source, reading.measure)
        end_us = steady_end(reading.end_us, self._ends.get(channel), interval_us)
        self._ends[channel] = max(end_us, self._ends.get(channel, end_us))
        return replace(reading, start_us=end_us - interval_us, end_us=end_us, flags=reading.flags | Flag.REPAIRED)

    def _differences(self, device: str, total: Total, interval_of: IntervalOf) -> list[Reading]:
        channel = (device, total.source, total.measure)
        if channel in self._ends:
            return []
        interval_us = interval_of(total.source, total.measure, total.time_us)
        if interval_us is None:
            return [_as_instant(total)]
        counter = self._counters.get(channel)
        if counter is None or counter.interval_us != interval_us:
            self._counters[channel] = Counter.first_sight(total, interval_us)
            return []
        self._counters[channel], closed = counter.advance(total)
        return closed


def _interval(reading: Reading) -> _Interval:
    return reading.source, reading.measure, reading.start_us, reading.end_us


def _as_instant(total: Total) -> Reading:
    return Reading(total.source, total.measure, total.time_us, total.time_us, total.value, total.flags)


def _full(device: str, message: Message, source: str) -> str:
    return source if message.device else f"{device}/{source}".rstrip("/")


def _one_way(total: Total, interval_of: IntervalOf) -> Total:
    """A counter of one line crossed one way calls it a count; where the register has it as one way only, it is that."""
    if total.measure != "count" or interval_of(total.source, "count", total.time_us) is not None:
        return total
    ways = [way for way in ("count_in", "count_out") if interval_of(total.source, way, total.time_us) is not None]
    return replace(total, measure=ways[0]) if len(ways) == 1 else total


def steady_end(end_us: int, last_us: int | None, interval_us: int) -> int:
    """When an interval ended, given when its message was sent and when the last interval ended.

    Messages come some seconds early or late. Within a tenth of the interval they end where the last one says, so that intervals
    neither overlap nor leave gaps; farther off, the device has begun a new rhythm.

    >>> steady_end(1_203, 600, 600), steady_end(1_150, 600, 600), steady_end(1_500, 600, 600), steady_end(603, 600, 600)
    (1200, 1200, 1500, 600)
    """
    if last_us is None:
        return end_us
    expected_us = last_us + round((end_us - last_us) / interval_us) * interval_us
    return expected_us if abs(end_us - expected_us) <= _JITTER * interval_us else end_us


@dataclass(frozen=True, slots=True)
class Counter:
    """A running total at ``time_us``, read at the registered intervals: what it rose by in each.

    Intervals begin at whole multiples of their length since 1970 (UTC). At such a moment the total is taken from the messages
    around it, in a straight line, down to whole persons: right for a device that sends at every person, and off by what passes
    between two messages for one that sends now and then. Nothing is lost or counted twice over the day.

    Where a message was lost, so that two lie more than one and a half intervals apart, what passed in between belongs to no known
    interval and stays missing, unless it is at most one person: then the device was quiet, and the intervals that it passed over
    are zero (``IMPLIED``). A total that falls has begun anew: what it had counted before is gone, so the intervals around hold at
    least so much, and are doubtful.

    ``counted``: what the present interval holds so far, None where its begin was not seen; ``flags``: what is to be known of it.
    """

    interval_us: int
    time_us: int
    total: float
    since_us: int | None
    counted: float | None
    flags: Flag

    @classmethod
    def first_sight(cls, total: Total, interval_us: int) -> Counter:
        """A counter seen for the first time: what it counted before nobody here knows."""
        begins = total.time_us % interval_us == 0
        return cls(interval_us, total.time_us, total.value, total.since_us, 0.0 if begins else None, total.flags)

    def advance(self, total: Total) -> tuple[Counter, list[Reading]]:
        """The counter at a new total, and the intervals that this closes. A total that is not newer changes nothing."""
        if total.time_us <= self.time_us:
            return self, []
        restarted = total.value < self.total or (None not in (total.since_us, self.since_us) and total.since_us != self.since_us)
        rise = total.value if restarted else total.value - self.total
        apart_us = total.time_us - self.time_us
        if apart_us > _MOST_APART * self.interval_us and (restarted or rise > 1 or apart_us > LONGEST_SILENCE_US):
            return Counter.first_sight(total, self.interval_us), []

        news = total.flags | Flag.REPAIRED | (Flag.DOUBTFUL if restarted else Flag.NONE)
        counted, shared, flags = self.counted, 0, self.flags | news
        closed: list[Reading] = []
        end_us = (self.time_us // self.interval_us + 1) * self.interval_us
        while end_us <= total.time_us:
            share = math.floor(rise * (end_us - self.time_us) / apart_us)
            if counted is not None:
                start_us, value = end_us - self.interval_us, counted + share - shared
                passed_over = Flag.IMPLIED if value == 0 and start_us >= self.time_us else Flag.NONE
                closed.append(Reading(total.source, total.measure, start_us, end_us, value, flags | passed_over))
            counted, shared, flags = 0.0, share, news
            end_us += self.interval_us
        counted = None if counted is None else counted + rise - shared
        return Counter(self.interval_us, total.time_us, total.value, total.since_us, counted, flags), closed

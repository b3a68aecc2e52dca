"""What devices send live, judged by the same register as imports: refused, kept, or kept and marked as doubtful.

A device's observation that cannot be is refused with an answer that says why. One that only may be wrong (a clock that runs
ahead, a value that has been frozen for hours, an interval that overlaps the last one, more than can pass) is kept and marked, so
that a person can see what happened; the estimate does not lean on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ruimte.clock import iso
from ruimte.intake.gatekeeper import Objection, impossible
from ruimte.intake.register import UNKNOWN, Register
from ruimte.lab.files import Intake
from ruimte.model.observation import Flag
from ruimte.text import duration_text, duration_us

KEPT = -1
"""The refusal of a row that is not refused."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Observations as they arrived; the arrays share one length. ``stream`` is the store's id of a datastream."""

    stream: NDArray[np.int64]
    start_us: NDArray[np.int64]
    end_us: NDArray[np.int64]
    result: NDArray[np.float64]
    flags: NDArray[np.int32]

    @classmethod
    def of(cls, rows: list[tuple[int, int, int, float, int]]) -> Arrivals:
        """From rows of stream, start, end, result and flags."""
        stream, start, end, result, flags = zip(*rows, strict=True) if rows else ((),) * 5
        return cls(
            np.array(stream, dtype=np.int64),
            np.array(start, dtype=np.int64),
            np.array(end, dtype=np.int64),
            np.array(result, dtype=np.float64),
            np.array(flags, dtype=np.int32),
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of each row its ``refusal`` (an index in ``reasons``: why, and how to mend it; or ``KEPT``), and its flags with doubts."""

    refusal: NDArray[np.int64]
    flags: NDArray[np.int32]
    reasons: tuple[tuple[str, str], ...]


class Gate:
    """Judges what arrives for one lab. Remembers what each datastream said last, so one gate must see all of it in order.

    ``skew_most_us``: how far ahead of the node's clock an observation may end.
    """

    def __init__(self, register: Register, rules: Intake) -> None:
        self.register = register
        self._skew_us = duration_us(rules.clock_skew)
        self.skew_most_us = duration_us(rules.clock_skew_most)
        self._frozen_us = duration_us(rules.frozen_after)
        self._last: dict[int, _Last] = {}

    def implied_start_us(self, stream: int, end_us: int) -> int:
        """Where an interval began of which only the end is told: as long before as registered; an instant stays one."""
        entry, measure = self.register.streams[stream]
        return end_us if self.register.is_instant(measure) else end_us - int(self.register.interval_us[entry])

    def judge(self, arrivals: Arrivals, now_us: int) -> Verdict:
        """Judge rows that arrived together, by the wall's time ``now_us``."""
        pairs = [self.register.streams.get(stream, (UNKNOWN, UNKNOWN)) for stream in arrivals.stream.tolist()]
        entry, measure = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
        objections = (
            Objection("the register knows no such datastream", entry == UNKNOWN, "add the sensor to sensors.toml"),
            *self._out_of_time(arrivals, entry, now_us),
            *impossible(self.register, entry, measure, arrivals.end_us - arrivals.start_us, arrivals.result),
        )
        refusal = np.full(len(entry), KEPT, dtype=np.int64)
        for number, objection in enumerate(objections):
            refusal[(refusal == KEPT) & objection.holds] = number
        kept = np.flatnonzero(refusal == KEPT)
        doubtful = np.zeros(len(entry), dtype=bool)
        ends, results = arrivals.end_us[kept], arrivals.result[kept]
        doubtful[kept] = (ends > now_us + self._skew_us) | (results > self.register.highest[entry[kept], measure[kept]])
        doubtful[kept] |= self._unlike_the_last(arrivals, kept)
        flags = arrivals.flags | np.where(doubtful, np.int32(Flag.DOUBTFUL), np.int32(0))
        return Verdict(refusal, flags, tuple((objection.reason, objection.mend) for objection in objections))

    def _out_of_time(self, arrivals: Arrivals, entry: NDArray[np.int64], now_us: int) -> tuple[Objection, ...]:
        ahead = arrivals.end_us > now_us + self.skew_most_us
        early = arrivals.start_us < self.register.from_us[entry]
        late = arrivals.end_us > self.register.until_us[entry]
        allowed = duration_text(self.skew_most_us)
        return (
            Objection(
                f"ends more than {allowed} ahead of the node's clock", ahead, f"set the device's clock (it is now {iso(now_us)})"
            ),
            Objection("outside the sensor's registered period", early | late, "review the entry in sensors.toml"),
        )

    def _unlike_the_last(self, arrivals: Arrivals, kept: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of the kept rows overlap their datastream's last interval, or repeat a value that has stood still too long."""
        doubtful = np.zeros(len(kept), dtype=bool)
        columns = (column[kept].tolist() for column in (arrivals.stream, arrivals.start_us, arrivals.end_us, arrivals.result))
        for position, (stream, start_us, end_us, result) in enumerate(zip(*columns, strict=True)):
            last = self._last.get(stream)
            if last is None:
                self._last[stream] = _Last(start_us, end_us, result, start_us)
                continue
            doubtful[position] = last.start_us < start_us < last.end_us or start_us < last.start_us < end_us
            if start_us < last.start_us:
                continue  # older than what was said last: it tells nothing of the present
            if result != last.result:
                last.result, last.since_us = result, start_us
            elif result != 0 and end_us - last.since_us >= self._frozen_us:
                doubtful[position] = True
            last.start_us, last.end_us = start_us, end_us
        return doubtful


@dataclass(slots=True)
class _Last:
    """What a datastream said last, and since when it has said nothing else."""

    start_us: int
    end_us: int
    result: float
    since_us: int

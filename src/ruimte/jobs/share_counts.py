"""What went out and what was refused today, read from the log itself: what that does not hold did not happen."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from ruimte.clock import SECOND_US, from_us, to_us
from ruimte.jobs.log import MOST_ENTRIES, Log
from ruimte.ledger.entry import Entry


@dataclass(slots=True)
class Given:
    """Of one local day: ``releases`` by agreement and the ``last_s`` of each (seconds since 1970); ``refusals`` by party,
    agreement ("" where none was named) and reason."""

    releases: Counter[str] = field(default_factory=Counter)
    last_s: dict[str, int] = field(default_factory=dict)
    refusals: Counter[tuple[str, str, str]] = field(default_factory=Counter)


class Today:
    """Counts of the lab's local day. What was read before is not read again; thread-safe."""

    def __init__(self, log: Log, zone: ZoneInfo) -> None:
        self._log, self._zone = log, zone
        self._lock = threading.Lock()
        self._day: datetime | None = None
        self._next = 0
        self._given = Given()

    def given(self, now_us: int) -> Given:
        """The counts up to now. The first time on a day this reads all that the log holds of it."""
        day = midnight(now_us, self._zone)
        with self._lock:
            if day != self._day:
                self._day, self._given = day, Given()
                self._next = self._first(to_us(day) // SECOND_US)
            while leaves := self._log.entries(self._next, MOST_ENTRIES):
                for index, leaf in enumerate(leaves, start=self._next):
                    self._count(index, msgspec.json.decode(leaf, type=Entry))
                self._next += len(leaves)
            given = self._given
            return Given(given.releases.copy(), dict(given.last_s), given.refusals.copy())

    def _first(self, from_s: int) -> int:
        """The first entry from a moment on: their times never go back."""
        low, high = 0, self._log.size
        while low < high:
            middle = (low + high) // 2
            (leaf,) = self._log.entries(middle, 1)
            low, high = (middle + 1, high) if msgspec.json.decode(leaf, type=Entry).at < from_s else (low, middle)
        return low

    def _count(self, index: int, entry: Entry) -> None:
        if entry.kind not in ("release", "decision"):
            return
        kept = self._log.payload(index)
        if kept is None:
            return
        payload = kept[1]
        agreement = str(payload.get("agreement", ""))
        if entry.kind == "release":
            self._given.releases[agreement] += 1
            self._given.last_s[agreement] = entry.at
        elif payload.get("allowed") is False:
            self._given.refusals[str(payload.get("party", "")), agreement, str(payload.get("reason", ""))] += 1


def midnight(now_us: int, zone: ZoneInfo, days: int = 0) -> datetime:
    """The begin of the local day of a moment, or of so many days later."""
    local = from_us(now_us).astimezone(zone) + timedelta(days=days)
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)

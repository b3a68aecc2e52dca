"""How several methods of warning did, at every level: what a report shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ruimte.warn.evaluate import Chances, Tally

Method = Literal["ruimte", "profile", "threshold"]
METHODS: tuple[Method, ...] = ("ruimte", "profile", "threshold")


@dataclass(slots=True)
class LevelQuality:
    """How one method did at one level: ``tally`` of its passages and alarms, ``chances`` by lead (ticks)."""

    tally: Tally = field(default_factory=Tally)
    chances: dict[int, Chances] = field(default_factory=dict)


@dataclass(slots=True)
class Quality:
    """How the methods did, by level: adds up over periods.

    ``alarms``: of each method, how many by priority; ``false``: those of them whose level was not passed; ``periods``, ``days``:
    how much was judged.
    """

    tick_us: int
    leads: tuple[int, ...]
    levels: dict[str, dict[Method, LevelQuality]] = field(default_factory=dict)
    alarms: dict[Method, dict[int, int]] = field(default_factory=dict)
    false: dict[Method, dict[int, int]] = field(default_factory=dict)
    periods: int = 0
    days: float = 0.0

    def add(self, other: Quality) -> None:
        """Take in another period."""
        for level, methods in other.levels.items():
            for method, found in methods.items():
                mine = self.levels.setdefault(level, {}).setdefault(method, LevelQuality())
                mine.tally.add(found.tally)
                for lead, each in found.chances.items():
                    mine.chances.setdefault(lead, Chances()).add(each)
        for theirs, ours in ((other.alarms, self.alarms), (other.false, self.false)):
            for method, counts in theirs.items():
                kept = ours.setdefault(method, {})
                for priority, count in counts.items():
                    kept[priority] = kept.get(priority, 0) + count
        self.periods += other.periods
        self.days += other.days

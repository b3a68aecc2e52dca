"""What was given and refused since the node started, for those who look after its agreements."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ruimte.share.asking import Reason


@dataclass(slots=True)
class Told:
    """Of one party: how many ``releases`` under which agreement, the last of each (µs); refusals by reason, and the last."""

    releases: Counter[str] = field(default_factory=Counter)
    last_us: dict[str, int] = field(default_factory=dict)
    refusals: Counter[Reason] = field(default_factory=Counter)
    refused_us: int | None = None


class Tally:
    """Counts by party."""

    def __init__(self) -> None:
        self.by_party: dict[str, Told] = {}

    def released(self, party: str, agreement: str, count: int, now_us: int) -> None:
        told = self.by_party.setdefault(party, Told())
        told.releases[agreement] += count
        told.last_us[agreement] = now_us

    def refused(self, party: str, reason: Reason, now_us: int) -> None:
        told = self.by_party.setdefault(party, Told())
        told.refusals[reason] += 1
        told.refused_us = now_us

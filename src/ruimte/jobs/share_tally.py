"""What was given and refused since the node started, for those who look after its agreements."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ruimte.share.asking import Reason


@dataclass(slots=True)
class Told:
    """Of one party: when it last got something under each agreement (µs), and how often it was refused for which reason."""

    last_us: dict[str, int] = field(default_factory=dict)
    refusals: Counter[Reason] = field(default_factory=Counter)


class Tally:
    """Counts by party."""

    def __init__(self) -> None:
        self.by_party: dict[str, Told] = {}

    def released(self, party: str, agreement: str, now_us: int) -> None:
        self.by_party.setdefault(party, Told()).last_us[agreement] = now_us

    def refused(self, party: str, reason: Reason) -> None:
        self.by_party.setdefault(party, Told()).refusals[reason] += 1

"""How much a device may send: a bucket of tokens for each, filled at a steady rate (RFC 3290, token bucket)."""

from __future__ import annotations

from collections.abc import Mapping

from ruimte.clock import MINUTE_US

PER_MINUTE = 600.0
"""For who has no limit of their own: senders without a credential, who share one bucket."""


class Buckets:
    """A bucket for each key of ``per_minute``, which holds a minute's worth: after a silence a device may catch up that far.

    The clock is handed in; one that is set back takes nothing away, and fills from then on.

    >>> buckets = Buckets({"camera": 2.0})
    >>> [buckets.spend("camera", 0), buckets.spend("camera", 0), buckets.spend("camera", 0), buckets.spend("camera", 30_000_000)]
    [True, True, False, True]
    """

    def __init__(self, per_minute: Mapping[str, float]) -> None:
        self._per_minute = dict(per_minute)
        self._filled: dict[str, tuple[float, int]] = {}

    def spend(self, key: str, now_us: int, cost: float = 1.0) -> bool:
        """Take the tokens of one message; False where there are not enough.

        A key that has no limit of its own has ``PER_MINUTE``. A message that costs more than the bucket holds takes a full one.
        """
        rate = self._per_minute.get(key, PER_MINUTE)
        most = max(1.0, rate)
        tokens, then_us = self._filled.get(key, (most, now_us))
        tokens = min(most, tokens + max(0, now_us - then_us) * rate / MINUTE_US)
        cost = min(cost, most)
        enough = tokens >= cost
        self._filled[key] = (tokens - cost if enough else tokens, now_us)
        return enough

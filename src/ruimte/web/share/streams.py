"""The streams that are open: so many at most, and all ended when the node stops."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator

from ruimte.web.limits import Limit
from ruimte.web.problems import WebError

MOST, MOST_OF_PARTY = 256, 8
MOST_BEGUN = 60
"""Streams of one party that begin in a minute: each may begin with a day of steps, which are all logged."""


class Streams:
    """Counts streams by party. Used from one event loop."""

    def __init__(self, most: int = MOST, most_of_party: int = MOST_OF_PARTY) -> None:
        self._most, self._most_of_party = most, most_of_party
        self._open: Counter[str] = Counter()
        self._begun = Limit("too many streams are begun", MOST_BEGUN)
        self._stops: set[Callable[[], object]] = set()

    def __len__(self) -> int:
        return self._open.total()

    def enter(self, party: str) -> None:
        """One more. Raises ``WebError``: 429 where the party has too many, 503 where the node has."""
        if self._open[party] >= self._most_of_party:
            raise WebError(429, "too many streams are open", "", f"close one: {self._most_of_party} may be open at a time")
        if len(self) >= self._most:
            raise WebError(503, "too many streams are open", "", "try again a little later")
        self._begun.spend(party)
        self._open[party] += 1

    def leave(self, party: str) -> None:
        """One less."""
        self._open -= Counter({party: 1})

    @contextlib.contextmanager
    def stopped_by(self, stop: Callable[[], object]) -> Iterator[None]:
        """While the block lasts, ``stop`` is called when the node stops."""
        self._stops.add(stop)
        try:
            yield
        finally:
            self._stops.discard(stop)

    def close(self) -> None:
        """End all streams: the node stops."""
        for stop in tuple(self._stops):
            stop()

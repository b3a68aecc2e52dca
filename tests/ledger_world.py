"""What the tests of the transparency log share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ruimte.jobs.log import Log
from ruimte.keys.signature import KeyPair, generate
from ruimte.ledger import tree


class Kept:
    """The hashes of full subtrees, in memory."""

    def __init__(self, entries: Sequence[bytes] = ()) -> None:
        self._hashes: dict[tuple[int, int], bytes] = {}
        self.size = 0
        for entry in entries:
            self.append(entry)

    def append(self, entry: bytes) -> None:
        for made in tree.completed(self, self.size, tree.leaf_hash(entry)):
            self._hashes[made.level, made.position] = made.hash
        self.size += 1

    def node(self, level: int, index: int) -> bytes:
        return self._hashes[level, index]


ORIGIN = "urn:nld:oin:00000099000000001000/town"
CITY, POLICE = (generate(), generate())
POLICE_ID = "urn:nld:oin:00000099000000002000"
NOW_US = 1_782_000_000_000_000


def open_log(path: Path, now_us: Callable[[], int] = lambda: NOW_US, keys: KeyPair = CITY) -> Log:
    """A log of the city's node."""
    return Log(path, ORIGIN, (keys.private, keys.public), now_us)

"""What the tests of the transparency log share."""

from __future__ import annotations

from collections.abc import Sequence

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

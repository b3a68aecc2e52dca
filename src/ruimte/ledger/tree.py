"""The Merkle tree of RFC 9162 (section 2.1): SHA-256, leaves behind 0x00, nodes behind 0x01.

A log of n entries is told by one hash, its root. The hashes of all full subtrees are kept, so that an append, a root and a proof
each look at about log2(n) of them: a **node** (level, i) is the hash over the entries [i · 2^level, (i + 1) · 2^level).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

EMPTY_ROOT = hashlib.sha256().digest()
HASH_BYTES = 32


class Nodes(Protocol):
    """Where the hashes of full subtrees are kept."""

    def node(self, level: int, index: int) -> bytes:
        """The hash (32 bytes) of a full subtree that is in the log."""
        ...


class Node(NamedTuple):
    """A full subtree and its hash."""

    level: int
    position: int
    hash: bytes


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry (32 bytes).

    >>> leaf_hash(b"").hex()[:16]
    '6e340b9cffb37a98'
    """
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash over two hashes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def completed(nodes: Nodes, size: int, hashed: bytes) -> list[Node]:
    """The full subtrees that an entry (its ``leaf_hash``) completes when it is put behind ``size`` others, its own leaf first."""
    made = [Node(0, size, hashed)]
    while made[-1].position & 1:
        level, position, right = made[-1]
        made.append(Node(level + 1, position >> 1, node_hash(nodes.node(level, position - 1), right)))
    return made


def root(nodes: Nodes, size: int) -> bytes:
    """The hash of the whole tree of the first ``size`` entries."""
    return _range(nodes, 0, size) if size else EMPTY_ROOT


def inclusion(nodes: Nodes, index: int, size: int) -> list[bytes]:
    """The proof that an entry is in the tree of the first ``size``: sibling hashes, the leaf's first (RFC 9162, 2.1.3.1).

    Raises ``ValueError`` where it is not.
    """
    if not 0 <= index < size:
        raise ValueError(f"entry {index} is not in a tree of {size}")
    proof: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _left(end - start)
        if index < middle:
            proof.append(_range(nodes, middle, end))
            end = middle
        else:
            proof.append(_range(nodes, start, middle))
            start = middle
    return proof[::-1]


def consistency(nodes: Nodes, old: int, new: int) -> list[bytes]:
    """The proof that the tree of the first ``new`` entries begins with that of the first ``old`` (RFC 9162, 2.1.4.1).

    It is empty where they are equal, or where the old one is. Raises ``ValueError`` where the old one is larger.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} does not begin with one of {old}")
    if old in (0, new):
        return []
    proof: list[bytes] = []
    start, end = 0, new
    while end != old:
        middle = start + _left(end - start)
        if old <= middle:
            proof.append(_range(nodes, middle, end))
            end = middle
        else:
            proof.append(_range(nodes, start, middle))
            start = middle
    if start:
        proof.append(_range(nodes, start, end))
    return proof[::-1]


def is_included(index: int, size: int, hashed: bytes, proof: Sequence[bytes], expected: bytes) -> bool:
    """Whether a proof leads from an entry's ``leaf_hash`` to the root ``expected`` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, hashed
    for sibling in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(sibling, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and found == expected


def is_consistent(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether a proof shows that the new tree begins with the old one (RFC 9162, 2.1.4.2)."""
    if not 0 <= old <= new:
        return False
    if old == 0:
        return old_root == EMPTY_ROOT and not proof and (new != 0 or new_root == EMPTY_ROOT)
    if old == new:
        return old_root == new_root and not proof
    hashes = [old_root, *proof] if old & (old - 1) == 0 else list(proof)  # a full tree is its own first hash
    if not hashes:
        return False
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            after = node_hash(after, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root


class Frontier:
    """A tree that only grows, of which no more is kept than its next root needs: for reading a whole log in one go."""

    def __init__(self) -> None:
        self.size = 0
        self._hashes: list[bytes] = []

    def push(self, entry: bytes) -> None:
        """Put an entry behind the others."""
        hashed, place = hashlib.sha256(b"\x00" + entry).digest(), self.size
        while place & 1:
            hashed = hashlib.sha256(b"\x01" + self._hashes.pop() + hashed).digest()
            place >>= 1
        self._hashes.append(hashed)
        self.size += 1

    def root(self) -> bytes:
        """The hash of the whole tree as it is now."""
        return _folded(self._hashes) if self._hashes else EMPTY_ROOT


def _range(nodes: Nodes, start: int, end: int) -> bytes:
    """The hash over the entries [start, end), at least one, where ``start`` is where a subtree of at least that size begins."""
    return _folded([nodes.node(level, index) for level, index in _full(start, end)])


def _full(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The full subtrees that make up [start, end), largest first."""
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def _folded(hashes: Sequence[bytes]) -> bytes:
    """One hash over those of full subtrees, largest first."""
    *others, found = hashes
    for left in reversed(others):
        found = node_hash(left, found)
    return found


def _left(size: int) -> int:
    """How many entries the left half of a tree of ``size`` > 1 has: the largest power of two below it."""
    return 1 << (size - 1).bit_length() - 1

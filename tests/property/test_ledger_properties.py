"""Laws of the Merkle tree: of any size, every proof holds, and none holds when a byte of anything is changed."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from ledger_world import Kept
from ruimte.ledger import tree

sizes = st.integers(1, 130)


def plain_root(entries: list[bytes]) -> bytes:
    """The definition of RFC 9162, 2.1.1, word for word."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return hashlib.sha256(b"\x01" + plain_root(entries[:k]) + plain_root(entries[k:])).digest()


def entries(size: int) -> list[bytes]:
    return [b"entry %d" % number for number in range(size)]


def changed(octets: bytes, at: int) -> bytes:
    at %= len(octets) * 8
    flipped = octets[at // 8] ^ (1 << at % 8)
    return octets[: at // 8] + bytes([flipped]) + octets[at // 8 + 1 :]


@given(st.lists(st.binary(max_size=40), max_size=70))
def test_the_root_is_that_of_the_definition(some: list[bytes]) -> None:
    frontier = tree.Frontier()
    for entry in some:
        frontier.push(entry)
    assert frontier.root() == tree.root(Kept(some), len(some)) == plain_root(some)


@given(sizes, st.data())
def test_every_entry_of_every_tree_is_proved_and_no_changed_byte_is(size: int, data: st.DataObject) -> None:
    kept = Kept(entries(size + 3))
    index = data.draw(st.integers(0, size - 1))
    hashed, root = tree.leaf_hash(entries(size)[index]), tree.root(kept, size)
    proof = tree.inclusion(kept, index, size)
    assert tree.is_included(index, size, hashed, proof, root)
    bit = data.draw(st.integers(0, 255))
    assert not tree.is_included(index, size, changed(hashed, bit), proof, root)
    assert not tree.is_included(index, size, hashed, proof, changed(root, bit))
    assert not tree.is_included(index, size, hashed, [*proof, hashed], root)
    for place in range(len(proof)):
        assert not tree.is_included(index, size, hashed, [*proof[:place], changed(proof[place], bit), *proof[place + 1 :]], root)
        assert not tree.is_included(index, size, hashed, [*proof[:place], *proof[place + 1 :]], root)
    other = data.draw(st.integers(0, size - 1).filter(lambda found: found != index)) if size > 1 else size
    assert not tree.is_included(other, size, hashed, proof, root)


@given(sizes, sizes, st.data())
def test_every_tree_begins_with_every_smaller_one_and_with_no_other(first: int, second: int, data: st.DataObject) -> None:
    old, new = sorted((first, second))
    kept = Kept(entries(new))
    before, after = tree.root(kept, old), tree.root(kept, new)
    proof = tree.consistency(kept, old, new)
    assert tree.is_consistent(old, before, new, after, proof)
    bit = data.draw(st.integers(0, 255))
    assert not tree.is_consistent(old, changed(before, bit), new, after, proof)
    assert not tree.is_consistent(old, before, new, changed(after, bit), proof)
    assert not tree.is_consistent(old, before, new, after, [*proof, before])
    for place in range(len(proof)):
        assert not tree.is_consistent(old, before, new, after, [*proof[:place], changed(proof[place], bit), *proof[place + 1 :]])
        assert not tree.is_consistent(old, before, new, after, [*proof[:place], *proof[place + 1 :]])


@given(sizes, sizes, st.data())
def test_a_log_that_was_rewritten_is_never_consistent(first: int, second: int, data: st.DataObject) -> None:
    old, new = sorted((first, second))
    rewritten = entries(new)
    rewritten[data.draw(st.integers(0, old - 1))] = b"something else"
    kept, other = Kept(entries(new)), Kept(rewritten)
    proof = tree.consistency(other, old, new)
    assert not tree.is_consistent(old, tree.root(kept, old), new, tree.root(other, new), proof)

"""The Merkle tree against the test tree of Certificate Transparency, whose figures are published."""

from __future__ import annotations

import pytest

from ledger_world import Kept
from ruimte.ledger import tree

ENTRIES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): INCLUSION[0, 8],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


@pytest.mark.parametrize("size", range(9))
def test_the_roots_are_those_of_certificate_transparency(size: int) -> None:
    assert tree.root(Kept(ENTRIES), size).hex() == ROOTS[size]
    frontier = tree.Frontier()
    for entry in ENTRIES[:size]:
        frontier.push(entry)
    assert frontier.root().hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_the_inclusion_proofs_are_those_of_certificate_transparency(index: int, size: int) -> None:
    proof = tree.inclusion(Kept(ENTRIES), index, size)
    assert [each.hex() for each in proof] == INCLUSION[index, size]
    assert tree.is_included(index, size, tree.leaf_hash(ENTRIES[index]), proof, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_the_consistency_proofs_are_those_of_certificate_transparency(old: int, new: int) -> None:
    proof = tree.consistency(Kept(ENTRIES), old, new)
    assert [each.hex() for each in proof] == CONSISTENCY[old, new]
    assert tree.is_consistent(old, bytes.fromhex(ROOTS[old]), new, bytes.fromhex(ROOTS[new]), proof)


def test_what_is_not_in_the_tree_has_no_proof() -> None:
    kept = Kept(ENTRIES)
    with pytest.raises(ValueError, match="entry 3"):
        tree.inclusion(kept, 3, 3)
    with pytest.raises(ValueError, match="begin"):
        tree.consistency(kept, 5, 4)
    assert not tree.is_included(3, 3, bytes(32), [], bytes(32))
    assert not tree.is_consistent(5, bytes(32), 4, bytes(32), [])
    assert not tree.is_consistent(3, bytes.fromhex(ROOTS[3]), 8, bytes.fromhex(ROOTS[8]), [])


def test_an_empty_log_begins_every_log_but_only_as_an_empty_one() -> None:
    assert tree.is_consistent(0, tree.EMPTY_ROOT, 8, bytes.fromhex(ROOTS[8]), [])
    assert not tree.is_consistent(0, bytes(32), 8, bytes.fromhex(ROOTS[8]), [])
    assert not tree.is_consistent(0, tree.EMPTY_ROOT, 0, bytes(32), [])


def test_a_proof_in_a_log_of_a_million_looks_at_few_hashes() -> None:
    class Counting:
        asked = 0

        def node(self, level: int, index: int) -> bytes:
            self.asked += 1
            return bytes(32)

    nodes = Counting()
    tree.inclusion(nodes, 123_456, 1_000_000)
    assert nodes.asked < 40

"""Boosted trees as flat arrays: what LightGBM learned, told by Ruimte itself.

Learning needs LightGBM (extra ``forecast``); telling needs only this file. The arrays go into a model file as they are:
numbers, no code, so a file from elsewhere can be wrong but can do nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ruimte.compiled import compiled

Array = NDArray[np.float64]
Rows = NDArray[np.float32]

_CHUNK = 128
"""Rows that go through a tree together: they and the tree stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Trees:
    """Binary trees whose leaves add up.

    A node sends a row with ``feature`` ≤ ``threshold`` to ``left``, else to ``right``; one that is missing (NaN) goes left where
    ``missing`` is 1, right where it is 0, and counts as zero where it is 2 (no row was missing when it was learned). Children
    from 0 on are nodes, below 0 leaves: -1 is the first of ``leaf``. ``root``: where each tree starts, a child likewise.
    """

    root: NDArray[np.int32]
    feature: NDArray[np.int16]
    threshold: Array
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    missing: NDArray[np.int8]
    leaf: Array

    def predict(self, rows: Rows) -> Array:
        """Sum of the leaves of each row; ``rows`` has shape (n, features), the answer (n,)."""
        rows = np.ascontiguousarray(rows, dtype=np.float32)
        return np.asarray(_predict(rows, self.root, self.feature, self.threshold, self.left, self.right, self.missing, self.leaf))

    def mistake(self, features: int) -> str | None:
        """What is wrong with them, where they come from a file: each index within bounds, each child after its node."""
        nodes, leaves = len(self.feature), len(self.leaf)
        if not (len(self.threshold) == len(self.left) == len(self.right) == len(self.missing) == nodes):
            return "arrays of nodes differ in length"
        if nodes and not (self.feature.min() >= 0 and self.feature.max() < features):
            return f"a node asks for a feature that is none of {features}"
        children = np.concatenate([self.left, self.right, self.root])
        if len(children) and not (-leaves <= children.min() and children.max() < nodes):
            return "a node leads to where nothing is"
        place = np.arange(nodes)
        if not ((self.left < 0) | (self.left > place)).all() or not ((self.right < 0) | (self.right > place)).all():
            return "a node leads back"
        if not (np.isfinite(self.threshold).all() and np.isfinite(self.leaf).all()):
            return "a threshold or a leaf is not a number"
        return None


@compiled
def _predict(
    rows: Rows,
    root: NDArray[np.int32],
    feature: NDArray[np.int16],
    threshold: Array,
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    missing: NDArray[np.int8],
    leaf: Array,
) -> Array:
    out = np.zeros(rows.shape[0])
    for begin in range(0, rows.shape[0], _CHUNK):
        end = min(begin + _CHUNK, rows.shape[0])
        for start in root:
            for row in range(begin, end):
                node = start
                while node >= 0:
                    value = rows[row, feature[node]]
                    if np.isnan(value):
                        how = missing[node]
                        goes_left = how == 1 or (how == 2 and threshold[node] >= 0.0)
                    else:
                        goes_left = value <= threshold[node]
                    node = left[node] if goes_left else right[node]
                out[row] += leaf[-1 - node]
    return out


def from_lightgbm(dump: dict[str, Any]) -> Trees:
    """The trees of a LightGBM booster, as its ``dump_model()`` tells them; numerical features only."""
    root: list[int] = []
    nodes: list[tuple[int, float, int, int, int]] = []
    leaf: list[float] = []

    def add(part: dict[str, Any]) -> int:
        if "split_feature" not in part:
            leaf.append(float(part["leaf_value"]))
            return -len(leaf)
        if part["decision_type"] != "<=":
            raise ValueError(f"a split by {part['decision_type']!r} is not numerical")
        mine = len(nodes)
        how = (1 if part["default_left"] else 0) if part["missing_type"] == "NaN" else 2
        nodes.append((part["split_feature"], part["threshold"], 0, 0, how))
        left, right = add(part["left_child"]), add(part["right_child"])
        nodes[mine] = (*nodes[mine][:2], left, right, how)
        return mine

    for tree in dump["tree_info"]:
        root.append(add(tree["tree_structure"]))
    feature, threshold, left, right, missing = zip(*nodes, strict=True) if nodes else ((), (), (), (), ())
    return Trees(
        np.array(root, dtype=np.int32),
        np.array(feature, dtype=np.int16),
        np.array(threshold, dtype=np.float64),
        np.array(left, dtype=np.int32),
        np.array(right, dtype=np.int32),
        np.array(missing, dtype=np.int8),
        np.array(leaf, dtype=np.float64),
    )

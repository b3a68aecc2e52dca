"""Trees told by Ruimte against LightGBM itself, and what is found where a file of them is damaged."""

from __future__ import annotations

from dataclasses import replace

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast_world import all_trees, stump, trained
from ruimte.forecast.features import NAMES
from ruimte.forecast.trees import Trees, from_lightgbm

FEATURES = 5


def boosted(rows, target, rounds=12, **params):
    fixed = {"num_threads": 1, "verbose": -1, "min_data_in_leaf": 3, "num_leaves": 15, "seed": 1, "learning_rate": 0.2}
    return lightgbm.train(fixed | params, lightgbm.Dataset(rows, target), rounds)


def made(seed, n=400, missing=0.0):
    random = np.random.default_rng(seed)
    rows = random.normal(0, 3, (n, FEATURES)).astype(np.float32)
    rows[:, 3] = np.round(rows[:, 3])  # ties, and zeros
    target = rows[:, 0] * 2 + np.abs(rows[:, 1]) - (rows[:, 3] == 0) * 3 + random.normal(0, 0.1, n)
    rows[random.random(rows.shape) < missing] = np.nan
    return rows, target


@pytest.mark.parametrize("missing", [0.0, 0.02, 0.4], ids=["missing type None", "few NaN", "many NaN"])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("objective", ["huber", "quantile"])
def test_they_say_what_lightgbm_says(seed, missing, objective):
    booster = boosted(*made(seed, missing=missing), objective=objective)
    dump = booster.dump_model()
    kinds = {kind for tree in dump["tree_info"] for kind in missing_types(tree["tree_structure"])}
    assert kinds == ({"NaN"} if missing == 0.4 else {"None"} if missing == 0 else kinds)
    trees = from_lightgbm(dump)
    assert trees.mistake(FEATURES) is None
    for gaps in (0.0, 0.3, 1.0):
        rows, _ = made(seed + 50, 301, gaps)
        np.testing.assert_allclose(trees.predict(rows), booster.predict(rows), rtol=0, atol=1e-12)


def missing_types(node):
    if "split_feature" not in node:
        return set()
    return {node["missing_type"]} | missing_types(node["left_child"]) | missing_types(node["right_child"])


@given(st.lists(st.one_of(st.floats(width=32), st.just(float("nan"))), min_size=FEATURES, max_size=FEATURES))
@settings(max_examples=60)
def test_whatever_a_row_holds_they_say_what_lightgbm_says(row):
    for missing in (0.0, 0.3):
        booster = _booster(missing)
        rows = np.array([row], dtype=np.float32)
        np.testing.assert_allclose(from_lightgbm(booster.dump_model()).predict(rows), booster.predict(rows), rtol=0, atol=1e-12)


_KEPT: dict[float, lightgbm.Booster] = {}


def _booster(missing):
    if missing not in _KEPT:
        _KEPT[missing] = boosted(*made(7, 200, missing), rounds=4)
    return _KEPT[missing]


def test_a_value_at_the_threshold_goes_left():
    trees = from_lightgbm(boosted(*made(3)).dump_model())
    for node in range(0, len(trees.feature), 17):
        at = np.zeros((1, FEATURES), dtype=np.float32)
        at[0, trees.feature[node]] = np.float32(trees.threshold[node])
        assert np.isfinite(trees.predict(at)).all()


def test_where_nothing_was_learned_each_tree_is_one_leaf():
    rows, _ = made(1, 50)
    booster = boosted(rows, np.full(50, 4.0), 3)
    trees = from_lightgbm(booster.dump_model())
    assert trees.mistake(FEATURES) is None
    assert len(trees.feature) == 0
    assert (trees.root < 0).all()
    assert trees.predict(rows) == pytest.approx(booster.predict(rows), abs=1e-12)
    assert stump(2.5).mistake(FEATURES) is None
    assert stump(2.5).predict(rows).tolist() == [2.5] * 50


def test_no_trees_and_no_rows_give_nothing():
    none = from_lightgbm({"tree_info": []})
    assert none.mistake(FEATURES) is None
    assert none.predict(np.zeros((3, FEATURES), dtype=np.float32)).tolist() == [0.0, 0.0, 0.0]
    assert stump(1.0).predict(np.zeros((0, FEATURES), dtype=np.float32)).shape == (0,)


@pytest.mark.parametrize("n", [1, 127, 128, 129, 300])
def test_rows_do_not_touch_each_other(n):
    trees = from_lightgbm(boosted(*made(2, missing=0.2)).dump_model())
    rows, _ = made(9, n, 0.2)
    together = trees.predict(rows)
    assert together.tolist() == [float(trees.predict(row[None, :])[0]) for row in rows]
    np.testing.assert_array_equal(trees.predict(rows.astype(np.float64)), together)
    np.testing.assert_array_equal(trees.predict(np.asfortranarray(rows)), together)


def test_a_split_by_category_is_refused():
    leaf = {"leaf_value": 1.0}
    node = {"split_feature": 0, "decision_type": "==", "threshold": "1||2", "left_child": leaf, "right_child": leaf}
    with pytest.raises(ValueError, match="not numerical"):
        from_lightgbm({"tree_info": [{"tree_structure": node}]})


def small() -> Trees:
    """Two nodes, three leaves."""
    return Trees(
        root=np.array([0], dtype=np.int32),
        feature=np.array([0, 4], dtype=np.int16),
        threshold=np.array([1.0, 2.0]),
        left=np.array([1, -1], dtype=np.int32),
        right=np.array([-3, -2], dtype=np.int32),
        missing=np.array([0, 1], dtype=np.int8),
        leaf=np.array([1.0, 2.0, 3.0]),
    )


def at(name, index, value):
    array = getattr(small(), name).copy()
    array[index] = value
    return {name: array}


DAMAGE = [
    ({"threshold": np.array([1.0])}, "differ in length"),
    ({"left": np.array([-1], dtype=np.int32)}, "differ in length"),
    ({"right": np.array([-1, -1, -1], dtype=np.int32)}, "differ in length"),
    ({"missing": np.array([0], dtype=np.int8)}, "differ in length"),
    ({"feature": np.array([0, 0, 0], dtype=np.int16)}, "differ in length"),
    (at("feature", 1, 5), "none of 5"),
    (at("feature", 0, -1), "none of 5"),
    (at("left", 0, 2), "where nothing is"),
    (at("right", 1, -4), "where nothing is"),
    (at("root", 0, 2), "where nothing is"),
    (at("root", 0, -4), "where nothing is"),
    (at("left", 0, 0), "leads back"),
    (at("left", 1, 1), "leads back"),
    (at("right", 1, 0), "leads back"),
    (at("threshold", 0, np.nan), "not a number"),
    (at("threshold", 1, np.inf), "not a number"),
    (at("leaf", 2, np.nan), "not a number"),
    (at("leaf", 0, -np.inf), "not a number"),
]


@pytest.mark.parametrize(("damage", "what"), DAMAGE)
def test_each_damage_is_found(damage, what):
    assert small().mistake(FEATURES) is None
    assert what in (replace(small(), **damage).mistake(FEATURES) or "")


@given(data=st.data())
@settings(max_examples=150)
def test_what_has_no_mistake_can_be_told(data):
    """Whatever a file holds: either a mistake is found, or each row comes to a leaf."""
    nodes, leaves = data.draw(st.integers(0, 4)), data.draw(st.integers(0, 4))
    child = st.integers(-6, 5)

    def ints(n, values, kind):
        return np.array(data.draw(st.lists(values, min_size=n, max_size=n)), dtype=kind)

    trees = Trees(
        ints(2, child, np.int32),
        ints(nodes, st.integers(-1, FEATURES), np.int16),
        ints(nodes, st.floats(-2, 2), np.float64),
        ints(nodes, child, np.int32),
        ints(nodes, child, np.int32),
        ints(nodes, st.integers(0, 2), np.int8),
        ints(leaves, st.floats(-2, 2), np.float64),
    )
    if trees.mistake(FEATURES) is None:
        told = trees.predict(np.array([[0.0] * FEATURES, [np.nan] * FEATURES], dtype=np.float32))
        possible = {float(a + b) for a in trees.leaf for b in trees.leaf}
        assert set(told.tolist()) <= possible


def test_the_trees_of_a_learned_model_have_no_mistake():
    model = trained()
    for trees in all_trees(model):
        assert trees.mistake(len(NAMES)) is None
        assert "none of" in (trees.mistake(3) or "")

"""Methods side by side: on the pairs that all serve, by range of horizons, figures as by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ruimte.forecast.comparison import Comparison, Method
from ruimte.jobs.backtesting import as_dict, lines
from ruimte.model.forecast import LEVELS


def compared(actual, scale=(2.0,), **methods):
    actual = np.array(actual, dtype=float)
    return Comparison(
        places=tuple(f"p{k}" for k in range(actual.shape[1])),
        origins_us=np.arange(len(actual)),
        elapsed_h=np.arange(1.0, actual.shape[2] + 1),
        actual=actual,
        scale=np.array(scale),
        methods={name.replace("_", "-"): method for name, method in methods.items()},
    )


def point(values):
    return Method(np.array(values, dtype=float))


def sure(values):
    values = np.array(values, dtype=float)
    return Method(values, np.repeat(values[..., None], len(LEVELS), axis=-1))


def test_figures_by_hand():
    found = compared([[[10.0, 20.0]], [[30.0, 40.0]]], one=point([[[12.0, 20.0]], [[30.0, 30.0]]]))
    rows = {(row["from_h"], row["until_h"]): row for row in found.figures()}
    assert set(rows) == {(0, 1), (1, 3)}  # no whole day where there is none
    assert rows[0, 1]["pairs"] == 2
    assert rows[0, 1]["mae"] == pytest.approx(1.0)
    assert rows[0, 1]["rmse"] == pytest.approx(2**0.5)
    assert rows[0, 1]["mase"] == pytest.approx(0.5)
    assert rows[0, 1]["nmae"] == pytest.approx(2 / 40)
    assert rows[1, 3]["nmae"] == pytest.approx(10 / 60)
    assert "crps" not in rows[0, 1]


def test_a_whole_day_is_told_where_there_is_one():
    actual = np.full((1, 1, 24), 10.0)
    found = compared(actual, one=point(actual + np.where(np.arange(24) < 12, 1.0, 3.0)))
    rows = {(row["from_h"], row["until_h"]): row for row in found.figures()}
    assert rows[0, 24]["nmae"] == pytest.approx(0.2)
    assert rows[12, 24]["nmae"] == pytest.approx(0.3)


def test_of_a_sure_method_the_crps_is_its_error():
    actual = [[[10.0]], [[30.0]]]
    (row,) = [row for row in compared(actual, one=sure([[[12.0]], [[30.0]]])).figures() if row["until_h"] == 1]
    assert row["crps"] == pytest.approx(row["nmae"])
    assert row["pinball"] == pytest.approx(row["mae"] / 2)
    assert row["coverage_90"] == row["coverage_80"] == 0.5


def test_only_pairs_that_all_methods_serve_count():
    found = compared(
        [[[10.0, np.nan, 10.0, 10.0]]],
        one=point([[[11.0, 11.0, np.nan, 11.0]]]),
        other=point([[[12.0, 12.0, 12.0, np.nan]]]),
    )
    assert found.served().tolist() == [[[True, False, False, False]]]
    assert {row["method"]: row["mae"] for row in found.figures()} == {"one": 1.0, "other": 2.0}
    assert found.ratio("one", "other", 0, 24)[0] == pytest.approx(0.5)


def test_a_ratio_has_an_interval_around_it():
    random = np.random.default_rng(1)
    actual = random.uniform(10, 20, (60, 2, 3))
    found = compared(actual, (1.0, 1.0), one=point(actual + random.normal(0, 1, actual.shape)), other=point(actual + 1.0))
    ratio, (least, most) = found.ratio("one", "other", 0, 24)
    assert least < ratio < most
    assert ratio == pytest.approx(np.sqrt(2 / np.pi), rel=0.15)


NOTHING = [
    ("nobody came", np.zeros((2, 1, 2)), 0.0),
    ("nothing is known", np.full((2, 1, 2), np.nan), 1.0),
    ("one never was off", np.full((2, 1, 2), 7.0), 0.0),
    ("a scale is not known", np.full((2, 1, 2), 7.0), np.nan),
]


@pytest.mark.parametrize(("actual", "scale"), [each[1:] for each in NOTHING], ids=[each[0] for each in NOTHING])
def test_what_cannot_be_told_is_null_in_json_and_no_warning(actual, scale):
    exact = np.nan_to_num(actual)
    found = compared(actual, (scale,), learned_ratio=sure(exact + 1), last_week=point(exact))
    told = as_dict(found)
    json.dumps(told, allow_nan=False)
    assert isinstance(lines(found), list)


def test_a_place_without_a_scale_leaves_the_scaled_error_to_others():
    actual = np.full((3, 2, 1), 10.0)
    found = compared(actual, (2.0, np.nan), one=point(actual + 1))
    assert found.figures()[0]["mase"] == pytest.approx(0.5)

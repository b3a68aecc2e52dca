"""The measurement step, beside the textbook's matrices; and what is told of a state, beside numbers that are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from ruimte.estimate.distance import capacity_at_distance
from ruimte.estimate.kalman import update
from ruimte.estimate.people import fade, forget, shear
from ruimte.estimate.quantiles import censor, of_flow


def some_state(random, n):
    root = random.normal(size=(n, n))
    return random.normal(size=n), root @ root.T + 0.1 * np.eye(n)


@pytest.mark.parametrize("n", [1, 2, 7, 30])
def test_one_by_one_is_the_same_as_all_at_once(n):
    random = np.random.default_rng(n)
    x, p = some_state(random, n)
    rows = random.normal(size=(5, n)) * (random.random((5, n)) < 0.4)
    rows[:, 0] += 1.0
    r, y = random.random(5) + 0.1, random.normal(size=5)
    s = rows @ p @ rows.T + np.diag(r)
    gain = p @ rows.T @ np.linalg.inv(s)
    wanted_x, wanted_p = x + gain @ (y - rows @ x), p - gain @ s @ gain.T
    for row, one_r, one_y in zip(rows, r, y, strict=True):
        at = np.flatnonzero(row)
        update(x, p, at, row[at], len(at), one_y - row @ x, one_r, np.empty(n), None)
    np.testing.assert_allclose(x, wanted_x, atol=1e-9)
    np.testing.assert_allclose(p, wanted_p, atol=1e-9)
    assert np.array_equal(p, p.T)


def test_what_is_surer_after_each_step_stays_symmetric_and_positive_for_a_hundred_thousand_steps():
    random = np.random.default_rng(1)
    x, p = some_state(random, 6)
    at, h, room = np.array([0, 3]), np.array([1.0, -1.0]), np.empty(6)
    for step in range(100_000):
        shear(x, p, step % 6, (step + 1) % 6, 0.1, None)
        fade(x, p, step % 6, 0.0, 0.5, 1e6 if step % 1000 == 0 else 1.0, None)
        at[0], at[1] = step % 6, (step + 3) % 6
        update(x, p, at, h, 2, float(random.normal()) * (1e6 if step % 997 == 0 else 1.0), 1e-6 if step % 2 else 1e3, room, None)
        if step % 5000 == 0:
            assert np.array_equal(p, p.T)
            assert np.linalg.eigvalsh(p).min() > -1e-9 * np.abs(p).max()
    assert np.isfinite(x).all()


def test_adding_one_number_to_another_is_the_matrix_that_does_so():
    x, p = some_state(np.random.default_rng(2), 4)
    f = np.eye(4)
    f[1, 3] = 2.5
    wanted = f @ x, f @ p @ f.T
    shear(x, p, 1, 3, 2.5, None)
    np.testing.assert_allclose(x, wanted[0])
    np.testing.assert_allclose(p, wanted[1])


def test_what_is_forgotten_tells_of_nothing_else():
    x, p = some_state(np.random.default_rng(3), 4)
    others = p[np.ix_([0, 2, 3], [0, 2, 3])].copy()
    forget(x, p, 1, 5.0, 2.0, None)
    assert (x[1], p[1, 1]) == (5.0, 2.0)
    assert not p[1, [0, 2, 3]].any()
    assert np.array_equal(p[np.ix_([0, 2, 3], [0, 2, 3])], others)


@pytest.mark.parametrize(
    ("mean", "sd", "most"), [(20.0, 30.0, np.inf), (-40.0, 30.0, 500.0), (400.0, 200.0, 450.0), (0.0, 1e-9, 10.0)]
)
def test_people_are_neither_below_nobody_nor_above_what_fits(mean, sd, most):
    told = np.empty(7)
    censor(mean, sd**2, most, told)
    drawn = np.clip(np.random.default_rng(4).normal(mean, sd, 2_000_000), 0.0, most)
    np.testing.assert_allclose(told[0], drawn.mean(), atol=0.002 * max(sd, 1))
    np.testing.assert_allclose(told[1], drawn.std(), atol=0.002 * max(sd, 1))
    np.testing.assert_allclose(told[2:], np.quantile(drawn, (0.05, 0.25, 0.5, 0.75, 0.95)), atol=0.005 * max(sd, 1))


def test_a_flow_keeps_its_mean_and_rises_with_the_order():
    told = of_flow(np.array([0.0, 3.0, 400.0]), np.array([0.0, 2.0, 900.0]))
    assert told[:, 0].tolist() == [0.0, 3.0, 400.0]
    assert (np.diff(told[:, 2:]) >= 0).all()
    assert (told >= 0).all()


def test_how_many_fit_at_a_distance():
    # a triangle of side d belongs half to one point: a point has two triangles
    assert capacity_at_distance(1000.0, 1.5) == pytest.approx(1000 / (2 * np.sqrt(3) / 4 * 1.5**2))
    for area, distance in ((0.0, 1.5), (10.0, 0.0), (-1.0, 1.5), (float("nan"), 1.5)):
        with pytest.raises(ValueError, match="above 0"):
            capacity_at_distance(area, distance)

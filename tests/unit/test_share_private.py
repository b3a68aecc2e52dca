"""The mechanisms: as much noise as the sensitivity asks, and totals of a tree that stay near.

OpenDP's noise takes no seed, so bounds on samples are so wide that they fail by chance less than once in 10⁹ runs.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from ruimte.share import private
from ruimte.share.private import GRAIN, MICRO, Mechanism, levels, noise, spread, units

STEP_US = 900_000_000


def mechanism(branching: int = 0, touches: int = 1, weight: float = 1.0, epsilon: float = 1.0) -> Mechanism:
    return Mechanism(epsilon=round(epsilon * MICRO), touches=touches, weight=weight, branching=branching, step_us=STEP_US)


def within(share: float, count: int, chance: float = 1e-9) -> tuple[float, float]:
    """Between which shares of ``count`` draws a thing of this probability is found, but for this chance (Hoeffding)."""
    off = math.sqrt(math.log(2 / chance) / (2 * count))
    return share - off, share + off


@pytest.mark.parametrize(
    ("steps", "branching", "found"), [(96, 2, 7), (92, 2, 7), (100, 2, 7), (128, 2, 8), (96, 12, 2), (1, 2, 1)]
)
def test_a_tree_has_a_level_for_each_whole_node(steps: int, branching: int, found: int) -> None:
    assert levels(steps, branching) == found


@pytest.mark.parametrize("branching", [2, 3, 12, 96, 97])
@pytest.mark.parametrize("steps", [1, 2, 23, 92, 96, 100, 288])
def test_no_passage_is_counted_in_more_nodes_than_the_sensitivity_says(
    steps: int, branching: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Give each node its own power, and look which are in every running total: those hold the step, and few of them."""
    drawn: list[tuple[int, int]] = []  # which node: its level (by order) and index
    sizes: list[int] = []

    def count(sensitivity: int, epsilon: int, number: int) -> np.ndarray:
        sizes.append(number)
        return np.zeros(number, dtype=np.int64)

    monkeypatch.setattr(private, "_draw", count)
    noise(mechanism(branching), steps)
    assert len(sizes) == levels(steps, branching)
    assert sizes == [steps // branching**level for level in range(len(sizes))]
    for level, number in enumerate(sizes):
        for index in range(number):
            drawn.append((level, index))
            calls = iter(
                [np.eye(1, n, index, dtype=np.int64)[0] if k == level else np.zeros(n, int) for k, n in enumerate(sizes)]
            )
            monkeypatch.setattr(private, "_draw", lambda s, e, n, calls=calls: next(calls))
            totals = np.cumsum(noise(mechanism(branching), steps))
            ends = (index + 1) * branching**level
            inside = np.flatnonzero(totals) + 1
            assert set(totals.tolist()) <= {0, 1}
            assert all(ended >= ends for ended in inside.tolist()), "a total rests on what comes after it"
            parent = (index // branching + 1) * branching ** (level + 1)
            assert all(ended < parent for ended in inside.tolist()), "a whole parent takes its children's place"


def test_draws_of_a_step_are_those_that_its_noise_is_made_of(monkeypatch: pytest.MonkeyPatch) -> None:
    for branching in (2, 3, 12):
        made = mechanism(branching)
        random = np.random.default_rng(1)
        monkeypatch.setattr(private, "_draw", lambda s, e, n, random=random: random.choice([-1, 1], n))
        sample = np.array([noise(made, 96) for _ in range(4000)])
        expected = np.array([made.draws(index) for index in range(96)])
        assert np.allclose(sample.var(axis=0), expected, rtol=0.15)


def test_opendp_vouches_for_the_scale() -> None:
    for epsilon in (0.1, 1 / 3, 0.7, 1.0):
        made = mechanism(12, touches=7, weight=1.07, epsilon=round(epsilon, 6))
        measurement, scale = private._mechanism(made.sensitivity(96), made.epsilon)
        assert measurement.map(made.sensitivity(96)) <= made.epsilon / MICRO
        assert measurement.map(made.sensitivity(96) + 1) > made.epsilon / MICRO
        assert scale / GRAIN == made.scale(96) == pytest.approx(7 * 1.071 * 2 / (made.epsilon / MICRO))


def test_presence_at_epsilon_1_and_8_intervals_is_within_24() -> None:
    made = mechanism(touches=8)
    drawn = np.abs(noise(made, 40_000)) / GRAIN
    low, high = within(0.95, drawn.size)
    assert low <= np.mean(drawn <= 8 * math.log(20)) <= high
    assert 8 * math.log(20) == pytest.approx(24, abs=0.1)


def test_noise_has_no_direction() -> None:
    drawn = noise(mechanism(), 40_000)
    low, high = within(0.5, drawn.size)
    assert low <= np.mean(drawn > 0) + np.mean(drawn == 0) / 2 <= high


def seeded(sensitivity: int, epsilon: int, count: int, random: np.random.Generator) -> np.ndarray:
    """Laplace noise as ``_draw`` gives it, but the same in every run."""
    return np.rint(random.laplace(scale=sensitivity * MICRO / epsilon, size=count)).astype(np.int64)


def test_a_running_total_of_96_steps_stays_near_where_a_naive_split_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """95 % of a binary tree's running totals are within 42 persons, of a tree of twelve within 20; of a naive split 288."""
    random = np.random.default_rng(11)
    monkeypatch.setattr(private, "_draw", lambda s, e, n: seeded(s, e, n, random))
    found = {b: np.abs(np.cumsum([noise(mechanism(b), 96) for _ in range(4000)], axis=1)) / GRAIN for b in (2, 12)}
    naive = np.abs([noise(mechanism(touches=96), 96) for _ in range(4000)]) / GRAIN
    assert 35 <= np.quantile(found[2], 0.95) <= 42
    assert 16 <= np.quantile(found[12], 0.95) <= 20
    assert np.quantile(naive, 0.95) == pytest.approx(96 * math.log(20), rel=0.02)


def test_the_spread_of_a_sum_is_what_a_sum_of_many_shows() -> None:
    random = np.random.default_rng(7)
    for draws in (1, 2, 7, 12, 40):
        sums = np.abs(random.laplace(size=(100_000, draws)).sum(axis=1))
        assert np.mean(sums <= spread(draws)) == pytest.approx(0.9, abs=0.004)
        assert np.mean(sums <= spread(draws, 0.5)) == pytest.approx(0.5, abs=0.006)


def test_rounding_lets_a_person_move_a_figure_by_a_unit_more_than_its_weight_at_most() -> None:
    figures = np.round(np.random.default_rng(3).uniform(0, 50, 20_000), 3)  # many that end in a half unit
    for weight in (1.0, 1.25, 1.053):
        assert np.max(np.abs(units(figures + weight) - units(figures))) <= math.ceil(weight * GRAIN) + 1

"""An attacker who knows every other person, and gets all that is ever told, learns no more than ε of whether one was there.

The person's world is drawn at random for each of many places; each is a trial of its own. OpenDP's noise takes no seed, so a
bound is said to be passed only where that happens by chance less than once in 10⁹ runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from ruimte.clock import HOUR_US, to_us
from ruimte.lab.files import Privacy
from ruimte.share import private
from ruimte.share.audit import bound, likelier, nodes, right, surely_above
from ruimte.share.budget import mechanism
from ruimte.share.figures import Figures
from ruimte.share.noise import Noise
from ruimte.store.noise import NoiseFile

ZONE = ZoneInfo("Europe/Amsterdam")
MIDNIGHT_US = to_us(datetime(2026, 6, 1, tzinfo=ZONE))
STEPS, TRIALS, INTERVALS = 24, 2500, 8
PLACES = tuple(f"zone-{number}" for number in range(TRIALS))


class World:
    """Busy places, of which a person is in about half; what it adds there is the attacker's to choose."""

    def __init__(self, person: np.ndarray, seed: int = 5) -> None:
        random = np.random.default_rng(seed)
        self.was_there = random.random(TRIALS) < 0.5
        self.without = random.integers(0, 300, (TRIALS, STEPS)).astype(float)
        self.with_ = self.without + person
        self.exact = np.where(self.was_there[:, None], self.with_, self.without)

    def figures(self, day: int = 0, quantity: str = "people") -> Figures:
        value = self.exact[:, :, None]
        starts = MIDNIGHT_US + (24 * day + np.arange(STEPS, dtype=np.int64)) * HOUR_US
        hidden = np.zeros(value.shape, dtype=bool)
        return Figures("history", "lab", PLACES, (quantity,), starts, HOUR_US, value, value, value, hidden)  # type: ignore[arg-type]


def stays(cells: int, by: float = 1.0) -> np.ndarray:
    """A person who is in the first so many cells, and moves each by so much."""
    return np.where(np.arange(STEPS) < cells, by, 0.0)


def settings(branching: int = 12) -> Privacy:
    return Privacy(
        epsilon_per_day=2.0,
        quantities={"people": 1.0, "inflow": 1.0},
        intervals=INTERVALS,
        passages=2,
        assumption="in eight places an hour at the most",
        step="1h",
        weight=1.0,
        passage_weight=1.0,
        branching=branching,
    )


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[NoiseFile]:
    with NoiseFile(tmp_path / "lab.noise.db") as opened:
        yield opened


def noise(kept: NoiseFile, branching: int = 12) -> Noise:
    return Noise(kept, settings(branching), ZONE, dict.fromkeys(PLACES), lambda: MIDNIGHT_US + 10 * 24 * HOUR_US)


def attack(told: np.ndarray, world: World, scale: float, branching: int = 0) -> np.ndarray:
    return likelier(nodes(told, branching), nodes(world.without, branching), nodes(world.with_, branching), scale)


def best(person: np.ndarray, scale: float, trials: int = 100_000) -> float:
    """How often the attack is right where the noise is as it should be, by numpy's own (seeded) noise."""
    drawn = np.random.default_rng(2).laplace(scale=scale, size=(trials, STEPS))
    ratio = likelier(drawn, np.zeros(STEPS), person, scale)
    return right(ratio, np.zeros(trials, dtype=bool))


SCALE = INTERVALS * 1.001


def test_all_that_two_recipients_ever_get_of_a_day_tells_no_more_than_epsilon(kept: NoiseFile) -> None:
    """A person in eight cells, and the largest difference that ε covers: eight in one cell."""
    for day, person in enumerate((stays(8), stays(1, by=8.0))):
        world = World(person)
        one = noise(kept).tell("police", world.figures(day), 1.0).value[:, :, 0]
        other = noise(kept).tell("transport", world.figures(day), 1.0).value[:, :, 0]
        windows = [noise(kept).noised(_cut(world.figures(day), first, last)) for first, last in ((0, 5), (3, 9), (2, 24))]
        together = np.mean([one, other, *(_paste(one, each, world.figures(day)) for each in windows)], axis=0)
        assert np.allclose(together, one), "what others got, or what windows hold, is something new"
        found, expected = right(attack(together, world, SCALE), world.was_there), best(person, SCALE)
        print(f"a guess is right {found:.3f} of the time (the best possible {expected:.3f}); ε = 1 bounds it to {bound(1.0):.3f}")
        assert surely_above(found, TRIALS) <= bound(1.0)
        assert found == pytest.approx(expected, abs=0.065), "the noise is not that of the mechanism, or the attack is weak"


def _cut(figures: Figures, first: int, last: int) -> Figures:
    cubes = [getattr(figures, name)[:, first:last] for name in ("value", "low", "high", "suppressed")]
    starts = figures.starts_us[first:last]
    return Figures(figures.kind, figures.lab, figures.places, figures.quantities, starts, figures.step_us, *cubes)


def _paste(whole: np.ndarray, part: Figures, figures: Figures) -> np.ndarray:
    pasted = whole.copy()
    pasted[:, np.searchsorted(figures.starts_us, part.starts_us)] = part.value[:, :, 0]
    return pasted


@pytest.mark.parametrize("branching", [2, 12])
def test_all_totals_of_passages_tell_no_more_than_epsilon(kept: NoiseFile, branching: int) -> None:
    person = stays(1, by=2.0)  # both of its two passages within one step: in a node of every level
    world = World(person)
    told = noise(kept, branching).tell("police", world.figures(quantity="inflow"), 1.0).value[:, :, 0]
    scale = 2 * 1.001 * private.levels(STEPS, branching)
    found = right(attack(told, world, scale, branching), world.was_there)
    print(f"tree of {branching}: right {found:.3f} of the time; ε = 1 bounds it to {bound(1.0):.3f}")
    assert found > 0.53
    assert surely_above(found, TRIALS) <= bound(1.0)


def test_days_add_up_and_no_more_than_that(kept: NoiseFile) -> None:
    """ε is a day's: a person who comes on three days is hidden by 3 ε. That is not hidden from whoever reads the docs, either."""
    world = World(stays(1, by=8.0))
    ratio = sum(attack(noise(kept).tell("p", world.figures(day), 1.0).value[:, :, 0], world, SCALE) for day in range(3))
    found = right(np.asarray(ratio), world.was_there)
    print(f"three days: right {found:.3f} of the time; 3 ε bounds it to {bound(3.0):.3f}")
    assert surely_above(found, TRIALS) <= bound(3.0)
    assert surely_above(found, TRIALS) > best(stays(1, by=8.0), SCALE) - 0.02, "days do add up"


def test_asking_again_tells_what_asking_once_does(kept: NoiseFile) -> None:
    world = World(stays(1, by=8.0))
    asked = [noise(kept).tell("police", world.figures(), 1.0).value for _ in range(3)]
    assert all(np.array_equal(each, asked[0]) for each in asked)


def test_noise_of_half_the_scale_is_caught(kept: NoiseFile, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = private._draw
    monkeypatch.setattr(private, "_draw", lambda sensitivity, epsilon, count: whole(sensitivity // 2, epsilon, count))
    world = World(stays(1, by=8.0))
    told = noise(kept).tell("police", world.figures(), 1.0).value[:, :, 0]
    assert surely_above(right(attack(told, world, SCALE), world.was_there), TRIALS) > bound(1.0)


def test_noise_that_is_fresh_each_time_is_caught() -> None:
    """Eight answers to the same question, each within ε by itself."""
    world = World(stays(1, by=8.0))
    made = mechanism(settings(), "people")
    ratio = np.zeros(TRIALS)
    for _ in range(8):
        told = world.exact[:, :1] + private.noise(made, TRIALS)[:, None] / private.GRAIN
        once = likelier(told, world.without[:, :1], world.with_[:, :1], SCALE)
        assert surely_above(right(once, world.was_there), TRIALS) <= bound(1.0)
        ratio += once
    assert surely_above(right(ratio, world.was_there), TRIALS) > bound(1.0)


def test_the_estimates_own_band_is_not_told(kept: NoiseFile) -> None:
    """It grows with its figure, so it would give that away."""
    figures = World(stays(8)).figures()
    told = noise(kept).tell("police", figures, 1.0)
    wider = replace(figures, low=figures.value - 50, high=figures.value + 50)
    assert np.array_equal(noise(kept).noised(wider).high, told.high)

"""Smoothing: what is known of a moment with everything that was heard later."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from ruimte.clock import DAY_US, HOUR_US, MINUTE_US
from ruimte.estimate.adjoint import ahead, back, nothing, onward
from ruimte.estimate.advance import advance
from ruimte.estimate.kalman import update
from ruimte.estimate.layout import LASTING
from ruimte.estimate.people import LASTING_H, doubt, fade, forget, shear
from ruimte.estimate.smooth import smooth
from ruimte.estimate.tape import new_tape
from ruimte.model.observation import OBSERVATIONS
from ruimte.model.place import OUTSIDE, Fact, Link, Model, Place, Reading, Stream
from ruimte.model.state import STATES, VALUE_COLUMNS

TICK_US = 5 * MINUTE_US
HOUR, DAY = 12, 288
START_US = 20_000 * DAY_US
DETECTION, ACCURACY, CAMERA, TICKS = 0.8, 0.05, 0.1, DAY

Array = NDArray[np.float64]


def square(camera: bool = True, empty_at_us: int | None = None) -> Model:
    """A square with a gate to the outside and one to a yard, which has a camera; 500 people to begin with."""
    valid = 0, 2**62
    ways = ((OUTSIDE, 0), (0, OUTSIDE), (0, 1), (1, 0))
    return Model(
        lab="test",
        places=tuple(Place(key, key, "people", "site", area_m2=1e4, empty_at_us=empty_at_us) for key in ("square", "yard")),
        links=tuple(Link(f"g{k // 2}", "out" if k % 2 else "in", *way) for k, way in enumerate(ways)),
        streams=tuple(Stream(k + 1, f"s{k}", k, TICK_US, *valid, 1e5, DETECTION, ACCURACY) for k in range(4)),
        tick_us=TICK_US,
        phase_us=0,
        lateness_us=0,
        offset_from_us=np.zeros(1, np.int64),
        offset_us=np.zeros(1, np.int64),
        readings=(Reading(5, "camera", 1, "people", TICK_US, *valid, CAMERA),) if camera else (),
        facts=(Fact(START_US + TICK_US, (0, 1), 1000.0, 50.0),) if empty_at_us is None else (),
    )


def live(seed: int, ticks: int = TICKS) -> tuple[Array, Array]:
    """People at the end of each tick, shape (ticks, 2), and what is told, shape (ticks, 5): four counts and the camera.

    The share that each counter sees is as far off as the register says, and so is the camera, partly for hours.
    """
    chance = np.random.default_rng(seed)
    level = 40.0 * np.exp(0.5 * np.sin(np.arange(ticks) / 30.0))
    flows = chance.poisson(level[:, None] * np.array([1.0, 1.0, 0.8, 0.8]), (ticks, 4))
    people = 500 + np.stack([np.cumsum(flows @ [1, -1, -1, 1]), np.cumsum(flows @ [0, 0, 1, -1])], axis=1)
    keeps, error = np.exp(-1 / HOUR / LASTING_H), chance.standard_normal(ticks)
    for tick in range(1, ticks):
        error[tick] = keeps * error[tick - 1] + np.sqrt(1 - keeps**2) * error[tick]
    error = np.sqrt(LASTING) * error + np.sqrt(1 - LASTING) * chance.standard_normal(ticks)
    camera = people[:, 1] * (1.0 + CAMERA * error)
    seen = np.minimum(1.0 / (1.0 / DETECTION + ACCURACY * chance.standard_normal(4)), 1.0)
    return people.astype(np.float64), np.column_stack([chance.binomial(flows, seen), camera])


def rows(told: Array) -> pa.Table:
    """What was told as observations, each received at its end; NaN is none."""
    tick, stream = np.nonzero(~np.isnan(told))
    ends = START_US + (tick + 1) * TICK_US
    columns = [stream + 1, ends - TICK_US, ends, ends, told[tick, stream], np.zeros(len(tick))]
    named = zip(OBSERVATIONS.names, columns, strict=True)
    return pa.table({name: pa.array(column).cast(OBSERVATIONS.field(name).type) for name, column in named}, schema=OBSERVATIONS)


def column(states: pa.Table, name: str, places: int = 2) -> Array:
    return states[name].to_numpy().reshape(-1, places)


def until(ticks: int) -> int:
    return START_US + ticks * TICK_US


class TestAgainstRauchTungStriebel:
    """Random steps over five numbers, taken by the filter onto a tape and by a dense smoother beside it."""

    N, STEPS = 5, 200

    def run(self) -> None:
        """The filter's moments after every step (``x``, ``p``), the dense smoother's (``smoothed_…``), and the tape."""
        chance, n = np.random.default_rng(4), self.N
        x, p = chance.standard_normal(n), np.diag(chance.uniform(1.0, 9.0, n))
        self.tape = new_tape(n, self.STEPS, self.STEPS)
        xs, ps, steps = [x.copy()], [p.copy()], []
        for step in range(self.STEPS):
            move, moved, noise = np.eye(n), np.zeros(n), np.zeros((n, n))
            i, j = chance.permutation(n)[:2]
            match step % 5:
                case 0:
                    move[i, j] = by = chance.standard_normal()
                    shear(x, p, i, j, by, self.tape)
                case 1:
                    noise[[i, j], [i, j]], noise[[i, j], [j, i]] = 0.3, -0.3
                    doubt(p, i, j, 0.3)
                case 2:
                    move[i, i], moved[i], noise[i, i] = 0.9, 0.1 * 2.0, 1.5 * (1 - 0.9**2)
                    fade(x, p, i, 2.0, 0.9, 1.5, self.tape)
                case 3:
                    at, h = np.array([i, j]), np.array([1.0, chance.standard_normal()])
                    y, r = chance.standard_normal() * 3, 0.7
                    update(x, p, at, h, 2, y - h @ x[at], r, np.empty(n), self.tape)
                case _ if step % 20 == 9:
                    move[i, i], moved[i], noise[i, i] = 0.0, 1.0, 4.0
                    forget(x, p, i, 1.0, 4.0, self.tape)
            measured = step % 5 == 3
            steps.append((None if measured else move, moved, noise, int(self.tape.used[0])))
            xs.append(x.copy())
            ps.append(p.copy())
        self.x, self.p, self.ends = np.array(xs), np.array(ps), [0, *(s[3] for s in steps)]
        self.smoothed_x, self.smoothed_p = self.x.copy(), self.p.copy()
        for k in range(self.STEPS - 1, -1, -1):
            move, moved, noise, _ = steps[k]
            if move is None:  # what a measurement changed is the same moment
                self.smoothed_x[k], self.smoothed_p[k] = self.smoothed_x[k + 1], self.smoothed_p[k + 1]
                continue
            predicted = move @ self.p[k] @ move.T + noise
            gain = np.linalg.solve(predicted, move @ self.p[k]).T
            self.smoothed_x[k] = self.x[k] + gain @ (self.smoothed_x[k + 1] - (move @ self.x[k] + moved))
            self.smoothed_p[k] = self.p[k] + gain @ (self.smoothed_p[k + 1] - predicted) @ gain.T

    def test_going_back_over_the_tape_gives_the_same_moments(self) -> None:
        self.run()
        later, room = nothing(self.N), np.empty(self.N)
        for k in range(self.STEPS, -1, -1):
            np.testing.assert_allclose(self.x[k] - self.p[k] @ later.score, self.smoothed_x[k], atol=1e-8)
            np.testing.assert_allclose(self.p[k] - self.p[k] @ later.information @ self.p[k], self.smoothed_p[k], atol=1e-8)
            if k:
                back(self.tape, self.ends[k - 1], self.ends[k], later, room)

    @pytest.mark.parametrize("cut", [20, 110, 199])
    def test_two_stretches_of_tape_put_together_tell_what_the_whole_tells(self, cut: int) -> None:
        self.run()
        room, whole = np.empty(self.N), nothing(self.N)
        back(self.tape, 0, self.ends[-1], whole, room)
        first, through = nothing(self.N), np.eye(self.N)
        back(self.tape, 0, self.ends[cut], first, room)
        onward(self.tape, 0, self.ends[cut], through, room)
        second = nothing(self.N)
        ahead(self.tape, self.ends[cut], self.ends[-1], np.eye(self.N), second, room)
        np.testing.assert_allclose(first.score + through @ second.score, whole.score, atol=1e-9)
        np.testing.assert_allclose(first.information + through @ second.information @ through.T, whole.information, atol=1e-9)


def test_without_a_lag_it_tells_what_the_filter_tells() -> None:
    model, observations = square(), rows(live(0)[1])
    _, states = advance(model, None, observations, until(TICKS))
    assert smooth(model, None, observations, until(TICKS), lag_us=0).equals(states)


def test_the_sd_of_people_is_never_above_the_filters_and_the_last_tick_is_the_same() -> None:
    # so many that no limit is near, which would cut the interval
    crowd = Fact(START_US + TICK_US, (0,), 20_000.0, 50.0)
    model, observations = replace(square(), facts=(crowd,)), rows(live(0)[1])
    told = smooth(model, None, observations, until(TICKS), lag_us=0)
    before = column(told, "sd")
    for lag_us in (TICK_US, HOUR_US, 7 * HOUR_US, None):
        states = smooth(model, None, observations, until(TICKS), lag_us=lag_us)
        after = column(states, "sd")
        assert (after <= before + 1e-9).all()
        assert after[: DAY // 2, 1].mean() < 0.98 * before[: DAY // 2, 1].mean()
        for name in VALUE_COLUMNS:
            np.testing.assert_allclose(column(states, name)[-1], column(told, name)[-1], rtol=1e-9)


@pytest.mark.parametrize("lag", [1, 5, 12, 100])
def test_a_fixed_lag_tells_what_all_would_tell_if_nothing_came_after_it(lag: int) -> None:
    model, observations = square(), rows(live(1)[1])
    lagged = smooth(model, None, observations, until(TICKS), lag_us=lag * TICK_US)
    for tick in (0, 3, 40, 149, 187):
        whole = smooth(model, None, observations, until(tick + lag + 1))
        for name in ("mean", "sd"):
            np.testing.assert_allclose(column(lagged, name)[tick], column(whole, name)[tick], rtol=1e-9)


def test_it_does_not_matter_how_the_period_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    model, observations = square(), rows(live(2)[1])
    module = importlib.import_module("ruimte.estimate.smooth")
    whole, lagged = (smooth(model, None, observations, until(TICKS), lag_us=lag) for lag in (None, HOUR_US))
    monkeypatch.setattr(module, "LEAST_CHUNK", 24)
    monkeypatch.setattr(module, "_chunk", lambda ticks: 31)
    for before, lag in ((whole, None), (lagged, HOUR_US)):
        after = smooth(model, None, observations, until(TICKS), lag_us=lag)
        for name in VALUE_COLUMNS:
            np.testing.assert_allclose(column(after, name), column(before, name), rtol=1e-9, atol=1e-9)


def test_it_goes_on_from_a_state_and_leaves_it_alone() -> None:
    model, (_, told) = square(), live(3)
    state, _ = advance(model, None, rows(told[:100]), until(100))
    rest = rows(np.where(np.arange(TICKS)[:, None] >= 100, told, np.nan))
    for lag in (None, HOUR_US):
        whole = smooth(model, None, rows(told), until(TICKS), lag)
        later = smooth(model, state, rest, until(TICKS), lag)
        assert later.num_rows == 2 * (TICKS - 100)
        for name in ("mean", "sd", "inflow", "outflow", "observed"):
            np.testing.assert_allclose(column(later, name), column(whole, name)[100:], rtol=1e-9)
        assert later.equals(smooth(model, state, rest, until(TICKS), lag))


def _scores(model: Model, cases: range, change: Callable[[Array], Array], lag: int | None) -> tuple[Array, Array]:
    """Of the yard: error, and whether the 90 % interval holds the truth, shape (cases, ticks)."""
    errors, held = [], []
    for seed in cases:
        people, told = live(seed)
        states = smooth(model, None, rows(change(told)), until(TICKS), lag)
        errors.append((column(states, "mean") - people)[:, 1])
        held.append(((column(states, "q05") <= people) & (people <= column(states, "q95")))[:, 1])
    return np.array(errors), np.array(held)


def _rmse(errors: Array) -> float:
    return float(np.sqrt(np.mean(errors**2)))


def test_hindsight_is_nearer_to_the_truth_and_knows_how_near() -> None:
    filtered, _ = _scores(square(), range(12), lambda told: told, 0)
    lagged, held_lagged = _scores(square(), range(12), lambda told: told, HOUR_US)
    whole, held = _scores(square(), range(12), lambda told: told, None)
    assert _rmse(lagged) < 0.85 * _rmse(filtered)
    assert _rmse(whole) < _rmse(lagged)
    assert 0.85 < held.mean() < 0.97
    assert 0.85 < held_lagged.mean() < 0.97


def test_a_gate_that_was_silent_for_an_hour_is_filled_better() -> None:
    silent = slice(150, 150 + HOUR)

    def change(told: Array) -> Array:
        told[silent, 2:4] = np.nan
        return told

    filtered, _ = (each[:, silent] for each in _scores(square(), range(8), change, 0))
    whole, held = (each[:, silent] for each in _scores(square(), range(8), change, None))
    assert _rmse(whole) < 0.8 * _rmse(filtered)
    assert held.mean() > 0.8


def test_an_empty_hour_tells_of_the_day_before_it_also_where_the_filter_knew_nothing() -> None:
    model = replace(square(camera=False, empty_at_us=20 * HOUR_US), facts=())
    chance = np.random.default_rng(5)
    came = np.where(np.arange(DAY) < 100, chance.poisson(30, DAY), 0)
    left = np.where((np.arange(DAY) >= 120) & (np.arange(DAY) < 220), came[np.arange(DAY) - 120], 0)
    people = np.cumsum(came - left)
    told = np.column_stack([chance.binomial(came, DETECTION), chance.binomial(left, DETECTION), np.zeros((DAY, 2))])
    filtered, whole = (column(smooth(model, None, rows(told), until(DAY), lag), "mean")[:230, 0] for lag in (0, None))
    assert np.isnan(filtered).all()
    assert np.abs(whole - people[:230]).max() < 0.12 * people.max()


def test_a_flow_is_told_without_the_filters_lag() -> None:
    chance, ticks = np.random.default_rng(6), 5 * DAY
    busier = np.zeros(ticks)
    for tick in range(1, ticks):
        busier[tick] = 0.97 * busier[tick - 1] + 0.07 * chance.standard_normal()
    level = 40.0 * np.exp(busier)
    told = chance.binomial(chance.poisson(level, (4, ticks)), DETECTION).T.astype(np.float64)
    filtered, whole = (
        column(smooth(square(camera=False), None, rows(told), until(ticks), lag), "inflow")[:, 0] for lag in (0, None)
    )
    truth, late = level * 2 / (TICK_US / 1e6), slice(2 * DAY, None)
    assert _rmse((whole - truth)[late]) < 0.92 * _rmse((filtered - truth)[late])


def test_nothing_heard_or_nothing_to_tell_gives_no_rows() -> None:
    model, (_, told) = square(), live(0)
    assert smooth(model, None, OBSERVATIONS.empty_table(), until(5)).num_rows == 0
    state, _ = advance(model, None, rows(told[:5]), until(5))
    for lag in (0, HOUR_US, None):
        nothing_new = smooth(model, state, OBSERVATIONS.empty_table(), until(5), lag)
        assert nothing_new.num_rows == 0
        assert nothing_new.schema == STATES
    with pytest.raises(ValueError, match="negative"):
        smooth(model, state, OBSERVATIONS.empty_table(), until(5), -1)

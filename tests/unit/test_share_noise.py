"""Noise that is drawn once and kept, and a budget that nobody passes, drains or renews by a trick."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from ruimte.clock import HOUR_US, MINUTE_US, to_us
from ruimte.errors import RuimteError
from ruimte.lab.files import Privacy
from ruimte.share.budget import PUBLIC, BudgetError
from ruimte.share.figures import Figures
from ruimte.share.noise import WAITS_US, Noise
from ruimte.share.private import spread
from ruimte.store.noise import NoiseFile

STEP_US = 15 * MINUTE_US
ZONE = ZoneInfo("Europe/Amsterdam")
PLACES = {"square": 1000.0, "street": 500.0, "corner": None}
SETTINGS = Privacy(
    epsilon_per_day=1.0,
    quantities={"people": 0.4, "inflow": 0.3, "flow": 0.3},
    intervals=8,
    passages=4,
    assumption="nobody stays longer than two hours",
    weight=1.0,
    passage_weight=1.0,
    accuracy=0.1,
)
DAY = "2026-06-01"
MIDNIGHT_US = to_us(datetime(2026, 6, 1, tzinfo=ZONE))


def figures(
    start_us: int = MIDNIGHT_US, steps: int = 8, quantities: tuple[str, ...] = ("people",), value: float = 100
) -> Figures:
    shape = (len(PLACES), steps, len(quantities))
    return Figures(
        kind="history",
        lab="lab",
        places=tuple(PLACES),
        quantities=quantities,  # type: ignore[arg-type]
        starts_us=start_us + np.arange(steps, dtype=np.int64) * STEP_US,
        step_us=STEP_US,
        value=np.full(shape, float(value)),
        low=np.full(shape, value - 5.0),
        high=np.full(shape, value + 5.0),
        suppressed=np.zeros(shape, dtype=bool),
    )


@pytest.fixture
def clock() -> list[int]:
    return [MIDNIGHT_US + 20 * HOUR_US]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lab.noise.db"


@pytest.fixture
def kept(path: Path) -> Iterator[NoiseFile]:
    with NoiseFile(path) as opened:
        yield opened


@pytest.fixture
def noise(kept: NoiseFile, clock: list[int]) -> Noise:
    return made(kept, clock)


def made(kept: NoiseFile, clock: list[int], **changed: object) -> Noise:
    settings = Privacy(**({name: getattr(SETTINGS, name) for name in SETTINGS.__struct_fields__} | changed))
    return Noise(kept, settings, ZONE, PLACES, lambda: clock[0])


def same(one: Figures, other: Figures) -> bool:
    return all(np.array_equal(getattr(one, n), getattr(other, n), equal_nan=True) for n in ("value", "low", "high"))


def test_who_asks_again_gets_the_same_also_after_a_restart(noise: Noise, path: Path, clock: list[int]) -> None:
    first = noise.tell("police", figures(), 0.4)
    assert np.isfinite(first.value).all()
    assert not np.array_equal(first.value, figures().value)
    assert same(first, noise.tell("police", figures(), 0.4))
    assert same(first, noise.tell("transport", figures(), 0.4))
    with NoiseFile(path) as again:
        assert same(first, made(again, clock).tell("police", figures(), 0.4))


def test_a_shifted_window_or_fewer_places_tell_the_same_figures(noise: Noise) -> None:
    whole = noise.tell("police", figures(steps=8), 0.4)
    shifted = noise.noised(figures(MIDNIGHT_US + 3 * STEP_US, steps=4))
    assert np.array_equal(shifted.value, whole.value[:, 3:7])
    one = figures()
    one = replace(one, places=("street",), **{n: getattr(one, n)[1:2] for n in ("value", "low", "high", "suppressed")})
    assert np.array_equal(noise.noised(one).value, whole.value[1:2])


def test_a_figure_that_is_estimated_anew_is_told_as_it_was(noise: Noise) -> None:
    first = noise.tell("police", figures(value=100), 0.4)
    assert same(first, noise.noised(figures(value=400)))


def test_steps_that_are_not_over_wait_and_unknown_ones_are_told_once_known(noise: Noise, clock: list[int]) -> None:
    clock[0] = MIDNIGHT_US + 5 * STEP_US - 1
    unknown = figures()
    unknown.value[0, 2, 0] = np.nan
    told = noise.tell("police", unknown, 0.4)
    assert np.isfinite(told.value[1, :, 0]).tolist() == [True] * 4 + [False] * 4
    assert told.suppressed[1, :, 0].tolist() == [False] * 4 + [True] * 4
    assert (np.isnan(told.value[0, 2, 0]), told.suppressed[0, 2, 0]) == (True, False)
    clock[0] += HOUR_US
    later = noise.noised(figures())
    assert np.isfinite(later.value[0, 2, 0])
    assert np.array_equal(later.value[1, :4], told.value[1, :4])


def test_gates_are_not_told(noise: Noise) -> None:
    with_gate = replace(figures(), places=("square", "street", "gate-north"))
    told = noise.tell("police", with_gate, 0.4)
    assert np.isnan(told.value[2]).all()
    assert told.suppressed[2].all()
    assert np.isfinite(told.value[:2]).all()


def test_density_is_people_over_area_at_no_further_cost(noise: Noise) -> None:
    people = noise.tell("police", figures(), 0.4)
    density = noise.tell("police", figures(quantities=("density",), value=0.1), 0.4)
    assert np.allclose(density.value[:2, :, 0], people.value[:2, :, 0] / [[1000], [500]])
    assert np.isnan(density.value[2]).all()
    assert noise.spending(DAY).paid == pytest.approx(0.4)


def test_passages_of_windows_are_differences_of_one_running_total(noise: Noise) -> None:
    told = noise.tell("police", figures(steps=80, quantities=("inflow",), value=400), 0.3)
    persons = told.value[0, :, 0] * STEP_US / HOUR_US
    scale = noise.metadata(DAY, ["inflow"])["noise"]["quantities"]["inflow"]["scale"] * STEP_US / HOUR_US
    assert scale == pytest.approx(4 * 2 / 0.3, rel=0.002)
    nodes = 80 // 12 + 80 % 12
    assert abs(persons.sum() - 80 * 100) < spread(nodes, 1 - 1e-9) * scale
    assert np.ptp(persons) > 0


def test_the_band_holds_the_noise_and_the_error_of_the_estimate_and_not_its_own_band(noise: Noise) -> None:
    narrow, wide = figures(), figures(MIDNIGHT_US + 8 * STEP_US)
    wide.low[:], wide.high[:] = 0, 500
    for each in (narrow, wide):
        told = noise.tell("police", each, 0.4)
        half = (told.high - told.low) / 2
        scale = noise.metadata(DAY, ["people"])["noise"]["quantities"]["people"]["scale"]
        assert scale == pytest.approx(8 / 0.4, rel=0.002)
        assert np.allclose(half, np.hypot(spread(1) * scale, 0.1 * np.maximum(told.value, 0)))


def test_ticks_are_put_together_into_steps_of_which_all_is_known(noise: Noise) -> None:
    coarse = figures(steps=2)
    starts = MIDNIGHT_US + np.arange(8, dtype=np.int64) * 5 * MINUTE_US  # two whole steps, and two ticks of the third
    cubes = {n: np.repeat(getattr(coarse, n), 4, axis=1)[:, :8] for n in ("value", "low", "high", "suppressed")}
    cubes["value"][0, 1, 0] = np.nan
    told = noise.tell("police", replace(coarse, starts_us=starts, step_us=5 * MINUTE_US, **cubes), 0.4)
    assert told.starts_us.tolist() == [MIDNIGHT_US, MIDNIGHT_US + STEP_US]
    assert np.isnan(told.value[:, :, 0]).tolist() == [[True, False], [False, False], [False, False]]


@pytest.mark.parametrize(("day", "steps"), [("2026-03-29", 92), ("2026-10-25", 100), ("2026-06-01", 96)])
def test_days_of_23_and_25_hours_have_a_budget_each(kept: NoiseFile, day: str, steps: int) -> None:
    start_us = to_us(datetime.fromisoformat(day).replace(tzinfo=ZONE))
    noise = made(kept, [start_us + 40 * HOUR_US])
    told = noise.tell("police", figures(start_us, steps, ("inflow",)), 0.3)
    assert np.isfinite(told.value).all()
    assert noise.days(figures(start_us, steps)) == [day]
    assert noise.days(figures(start_us, steps + 1))[0] == day
    assert len(noise.days(figures(start_us - 1 * STEP_US, steps + 2))) == 3


# the budget


def test_a_request_that_passes_the_recipients_part_is_refused_and_says_when_it_renews(noise: Noise) -> None:
    noise.open("police", DAY, "people", 0.5)
    noise.open("police", DAY, "people", 0.5)
    with pytest.raises(BudgetError, match=r"police: inflow of 2026-06-01 costs ε = 0\.3, of 0\.5 that is reserved") as refused:
        noise.open("police", DAY, "inflow", 0.5)
    assert (refused.value.spent, refused.value.left) == (0.4, 0.1)
    assert refused.value.renews_us == to_us(datetime(2026, 6, 2, tzinfo=ZONE))
    assert "2026-06-01T22:00:00Z" in str(refused.value)
    with pytest.raises(RuimteError, match="inflow of 2026-06-01 was not opened"):
        noise.noised(figures(quantities=("inflow",)))


def test_a_request_that_is_refused_costs_nothing(noise: Noise) -> None:
    with pytest.raises(BudgetError):
        noise.tell("police", figures(quantities=("people", "inflow")), 0.5)
    with pytest.raises(RuimteError, match="has not begun"):
        noise.tell("police", figures(MIDNIGHT_US + 22 * HOUR_US, steps=9), 0.5)
    assert noise.spending(DAY).paid == 0


def test_nobody_drains_anothers_part(noise: Noise) -> None:
    noise.open("police", DAY, "people", 0.4)
    for greedy in ("transport", "organiser"):
        with pytest.raises(BudgetError, match=r"reserved beside 0\.4 of others, of the lab's 1"):
            noise.open(greedy, DAY, "inflow", 0.7)
    noise.open("transport", DAY, "inflow", 0.6)
    with pytest.raises(BudgetError):
        noise.open("organiser", DAY, "people", 0.4)
    noise.open("transport", DAY, "flow", 0.6)
    spent = {part.recipient: (part.reserved, part.spent) for part in noise.spending(DAY).recipients}
    assert spent == {"police": (0.4, 0.4), "transport": (0.6, 0.6)}
    assert noise.spending(DAY).lost == noise.spending(DAY).paid == 1.0


def test_what_two_share_is_lost_once_and_paid_by_each(noise: Noise) -> None:
    noise.open("police", DAY, "people", 0.5)
    noise.open("transport", DAY, "people", 0.5)
    spending = noise.spending(DAY)
    assert (spending.lost, spending.paid, spending.budget) == (0.4, 0.8, 1.0)


def test_the_publics_part_is_kept_for_it_and_what_is_public_costs_nobody_else(kept: NoiseFile, clock: list[int]) -> None:
    noise = made(kept, clock, public=["people"])
    noise.open("police", DAY, "people", 0.0)
    assert {part.recipient: part.spent for part in noise.spending(DAY).recipients} == {PUBLIC: 0.4, "police": 0.0}
    with pytest.raises(BudgetError, match=r"beside 0\.4 of others"):
        noise.open("transport", DAY, "inflow", 0.7)
    noise.open(PUBLIC, DAY, "people", 0.4)
    assert noise.spending(DAY).lost == 0.4


def test_tenths_add_up_to_one(kept: NoiseFile, clock: list[int]) -> None:
    noise = made(kept, clock, quantities={"people": 0.1, "inflow": 0.1, "flow": 0.1})
    for number in range(10):
        noise.open(f"partner-{number}", DAY, "people", 0.1)
    with pytest.raises(BudgetError):
        noise.open("partner-10", DAY, "people", 0.1)
    assert noise.spending(DAY).paid == 1.0


def test_a_clock_set_back_gives_no_new_budget(noise: Noise, clock: list[int]) -> None:
    first = noise.tell("police", figures(), 0.4)
    for back_us in (2 * HOUR_US, 19 * HOUR_US):
        clock[0] = MIDNIGHT_US + 20 * HOUR_US - back_us
        assert same(first, noise.noised(figures()))
        with pytest.raises(BudgetError):
            noise.open("police", DAY, "inflow", 0.4)
    clock[0] = MIDNIGHT_US - HOUR_US
    with pytest.raises(RuimteError, match="2026-06-01 has not begun"):
        noise.open("transport", DAY, "people", 0.4)
    assert same(first, noise.noised(figures()))


def test_deleted_days_are_never_drawn_again(noise: Noise, clock: list[int], path: Path) -> None:
    noise.tell("police", figures(steps=4), 0.4)
    clock[0] += 30 * 24 * HOUR_US
    assert noise.tidy(31 * 24 * HOUR_US) == 0
    assert noise.tidy(28 * 24 * HOUR_US) == 12
    clock[0] -= 30 * 24 * HOUR_US
    noise.forget(MIDNIGHT_US - 48 * HOUR_US)  # an earlier day opens nothing again
    with pytest.raises(RuimteError, match="is deleted, and noise of a day is never drawn twice"):
        noise.open("police", DAY, "people", 0.4)
    with pytest.raises(RuimteError, match="was not opened"):
        noise.noised(figures())


def test_noise_that_waited_too_long_is_deleted_and_its_steps_are_never_told(noise: Noise, clock: list[int], path: Path) -> None:
    told = noise.tell("police", figures(steps=4), 0.4)
    assert _rows(path, "waiting") == 3 * (96 - 4)
    clock[0] += WAITS_US + 1
    noise.forget(MIDNIGHT_US - 48 * HOUR_US)
    assert _rows(path, "waiting") == 0
    later = noise.noised(figures(steps=8))
    assert np.array_equal(later.value[:, :4], told.value)
    assert np.isnan(later.value[:, 4:]).all()


def _rows(path: Path, table: str) -> int:
    with sqlite3.connect(path) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_the_file_never_holds_both_a_figure_and_its_noise(noise: Noise, path: Path) -> None:
    noise.tell("police", figures(), 0.4)
    with sqlite3.connect(path) as connection:
        both = "SELECT count(*) FROM told JOIN waiting USING (quantity, place, start_us)"
        assert connection.execute(both).fetchone()[0] == 0
        columns = {row[1] for row in connection.execute("PRAGMA table_info(told)")}
    assert columns == {"quantity", "place", "start_us", "day", "units"}
    assert path.stat().st_mode & 0o077 == 0


def test_a_changed_setting_counts_for_days_that_nobody_opened_yet(kept: NoiseFile, clock: list[int]) -> None:
    made(kept, clock).open("police", DAY, "people", 1.0)
    changed = made(kept, clock, epsilon_per_day=9.0, quantities={"people": 9.0}, intervals=1)
    assert changed.metadata(DAY, ["people"])["noise"]["quantities"]["people"]["epsilon"] == 0.4
    assert changed.metadata(DAY, ["people"])["noise"]["quantities"]["people"]["intervals"] == 8
    assert changed.spending(DAY).budget == 1.0
    with pytest.raises(BudgetError):
        changed.open("transport", DAY, "people", 9.0)
    assert changed.spending("2026-05-31").budget == 9.0
    other_step = made(kept, clock, step="30m")
    with pytest.raises(RuimteError, match="drawn for steps of 15m, not 30m"):
        other_step.noised(replace(figures(), step_us=2 * STEP_US, starts_us=MIDNIGHT_US + np.arange(8) * 2 * STEP_US))


def test_two_that_ask_at_once_get_one_draw(path: Path, clock: list[int]) -> None:
    got: list[Figures] = []
    start = threading.Barrier(4)

    def ask() -> None:
        with NoiseFile(path) as own:
            start.wait()
            got.append(made(own, clock).tell("police", figures(), 0.4))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 4
    assert all(same(got[0], other) for other in got[1:])


def test_the_metadata_tells_what_is_hidden_and_on_which_assumption(noise: Noise) -> None:
    told = noise.metadata(DAY, ["density", "inflow"])["noise"]
    assert told["assumption"] == "nobody stays longer than two hours"
    assert (told["epsilon_per_day"], told["step"], told["day"]) == (1.0, "15m", DAY)
    density, inflow = told["quantities"]["density"], told["quantities"]["inflow"]
    assert (density["epsilon"], density["intervals"], density["weight"]) == (0.4, 8, 1.0)
    assert (inflow["epsilon"], inflow["passages"], inflow["branching"]) == (0.3, 4, 12)
    assert inflow["scale"] == pytest.approx(4 * 2 / 0.3 * 4, rel=0.002)  # persons/h over a quarter


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"kind": "forecast"}, "a forecast is not told with noise"),
        ({"quantities": ("level",)}, "level is not told with noise"),
        ({"starts_us": MIDNIGHT_US + 1 + np.arange(8) * STEP_US}, "steps begin beside whole steps"),
        ({"step_us": 7 * MINUTE_US}, "are not made of ticks"),
    ],
)
def test_what_is_never_told_with_noise(noise: Noise, changed: dict[str, object], what: str) -> None:
    with pytest.raises(RuimteError, match=what):
        noise.tell("police", replace(figures(), **changed), 0.4)  # type: ignore[arg-type]
    assert noise.spending(DAY).paid == 0


@pytest.mark.parametrize("day", ["2026-06-31", "today", "9999-12-31"])
def test_a_day_that_is_none(noise: Noise, day: str) -> None:
    with pytest.raises(RuimteError, match=r"is no day|has not begun"):
        noise.open("police", day, "people", 0.4)


def test_a_quantity_without_a_part_is_not_opened(noise: Noise) -> None:
    with pytest.raises(RuimteError, match=r"outflow is not told with noise; choose from people, inflow, flow"):
        noise.open("police", DAY, "outflow", 0.4)


def test_the_ledger_counts_as_opendps_composition_does(noise: Noise) -> None:
    """The same questions to OpenDP's adaptive composition, with the same parts: the same ones are answered."""
    import opendp.prelude as dp

    space = dp.vector_domain(dp.atom_domain(T=dp.i64)), dp.l1_distance(T=dp.i64)
    asked = {"people": 0.4, "inflow": 0.3, "flow": 0.3}
    composed = dp.c.make_adaptive_composition(*space, output_measure=dp.max_divergence(), d_in=1, d_mids=[0.4, 0.3])
    assert composed.map(1) == pytest.approx(0.7)
    queryable = composed([0])
    allowed, answered = [], []
    for quantity, epsilon in asked.items():
        with contextlib.suppress(BudgetError):
            noise.open("police", DAY, quantity, 0.7)
            allowed.append(quantity)
        with contextlib.suppress(dp.OpenDPException):
            queryable(dp.m.make_laplace(*space, scale=1 / epsilon))
            answered.append(quantity)
    assert allowed == answered == ["people", "inflow"]

"""Noise first, the agreed form after: k and rounding look at noised figures, and every form rests on the same draws."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from ruimte.clock import HOUR_US, MINUTE_US, to_us
from ruimte.lab.files import Privacy
from ruimte.share.agreement import Duties, Form, Grant, Quantity, Terms, What
from ruimte.share.agreement import Privacy as Reserved
from ruimte.share.asking import Granted
from ruimte.share.cells import cells
from ruimte.share.figures import Figures
from ruimte.share.noise import Noise
from ruimte.share.places import PlaceInfo
from ruimte.share.release import release
from ruimte.store.noise import NoiseFile

START_US = to_us(datetime(2026, 6, 1, 10, tzinfo=UTC))
TICK_US, TICKS = 5 * MINUTE_US, 48
PLACES = {key: PlaceInfo("zone", key, area_m2=400.0) for key in ("east", "west")}
SETTINGS = Privacy(epsilon_per_day=1.0, quantities={"people": 1.0}, intervals=8, assumption="two hours", weight=1.0)


def granted(step: str, minimum: int = 0, round_to: int = 1, areas: dict[str, tuple[str, ...]] | None = None) -> Granted:
    quantities: tuple[Quantity, ...] = ("people", "density")
    what = What(kinds=("history",), zones=("east", "west"), quantities=quantities)
    reserved = Reserved(epsilon_per_day=1.0, intervals=8, assumption="two hours")
    form = Form(exactness="private", step=step, areas=areas or {}, minimum=minimum, round_to=round_to, privacy=reserved)
    duties = Duties(delete_after="30d", name_source="City")
    terms = Terms(purpose="open-data", legal_regime="none", legal_ground="none", what=what, form=form, duties=duties)
    grant = Grant(provider="urn:city", consumer="urn:paper", lab="lab", properties=terms)
    return Granted(agreement="hash", index=0, grant=grant, status="valid", not_before_us=0, not_after_us=2**62)


def ticks(people: float) -> Figures:
    value = np.full((2, TICKS, 1), people)
    starts = START_US + np.arange(TICKS, dtype=np.int64) * TICK_US
    return Figures(
        "history", "lab", tuple(PLACES), ("people",), starts, TICK_US, value, value, value, np.zeros(value.shape, bool)
    )


@pytest.fixture
def noise(tmp_path: Path) -> Iterator[Noise]:
    with NoiseFile(tmp_path / "lab.noise.db") as kept:
        yield Noise(kept, SETTINGS, ZoneInfo("UTC"), dict.fromkeys(PLACES, 400.0), lambda: START_US + 24 * HOUR_US)


def test_every_form_rests_on_the_same_draws(noise: Noise) -> None:
    told = noise.tell("urn:paper", ticks(200.0), 1.0)
    common = cells([], PLACES, TICK_US)
    quarters, hours = (release(told, granted(step), PLACES, common) for step in ("15m", "1h"))
    assert quarters.value.shape == (2, 16, 2)
    expected = told.value[:, :, 0].reshape(2, 4, 4).mean(axis=2)
    assert np.array_equal(hours.value[:, :, 0], np.maximum(np.floor(expected + 0.5), 0))
    assert np.allclose(hours.value[:, :, 1], hours.value[:, :, 0] / 400)
    both = release(told, granted("15m", areas={"all": ("east", "west")}), PLACES, common)
    assert np.array_equal(both.value[0, :, 0], np.maximum(np.floor(told.value[:, :, 0].sum(axis=0) + 0.5), 0))


def test_k_and_rounding_look_at_noised_figures(noise: Noise) -> None:
    """Nobody is there, so every figure that is told is noise: those of 10 or more are told, in tens."""
    told = noise.tell("urn:paper", ticks(0.0), 1.0)
    out = release(told, granted("15m", minimum=10, round_to=10), PLACES, cells([], PLACES, TICK_US))
    enough = told.value[:, :, 0] >= 10
    assert np.array_equal(np.isfinite(out.value[:, :, 0]), enough)
    assert np.array_equal(out.suppressed[:, :, 0], ~enough)
    assert np.all(out.value[enough, 0] % 10 == 0)


def test_less_than_a_step_opens_nothing_and_tells_nothing(noise: Noise) -> None:
    whole = ticks(200.0)
    cubes = {name: getattr(whole, name)[:, :2] for name in ("value", "low", "high", "suppressed")}
    told = noise.tell("urn:paper", replace(whole, starts_us=whole.starts_us[:2], **cubes), 1.0)
    out = release(told, granted("15m"), PLACES, cells([], PLACES, TICK_US))
    assert (told.value.shape, out.value.shape) == ((2, 0, 1), (2, 0, 2))
    assert noise.spending("2026-06-01").paid == 0

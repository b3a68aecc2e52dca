"""What always holds of what goes out, whatever the grants and figures."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ruimte.share import places as share_places
from ruimte.share.asking import Granted
from ruimte.share.cells import cells
from ruimte.share.figures import Figures
from ruimte.share.release import BASE, cut, release
from ruimte.text import duration_us
from share_world import MINUTE_US, NOON_US, PLACES, figures, granted

TICK_US = 5 * MINUTE_US
TICKS = 12
ZONES = ("square", "street", "quay")
AREAS = st.sampled_from(
    [{}, {}, {"centre": ("square", "street")}, {"water": ("street", "quay")}, {"all": ZONES}, {"ends": ("square", "quay")}]
)


@st.composite
def grants(draw: st.DrawFn, most: int = 4) -> list[Granted]:
    found = []
    for number in range(draw(st.integers(1, most))):
        areas = draw(AREAS)
        zones = sorted({zone for of in areas.values() for zone in of}) or draw(
            st.lists(st.sampled_from([*ZONES, "bridge"]), min_size=1, max_size=3, unique=True)
        )
        found.append(
            granted(
                f"agreement-{number}",
                zones=tuple(zones),
                gates=draw(st.sampled_from([(), (), ("arch",)])),
                areas=areas,
                step=draw(st.sampled_from(["5m", "10m", "15m", "30m"])),
                minimum=draw(st.sampled_from([5, 10])),
                round_to=draw(st.sampled_from([1, 5])),
                quantities=draw(
                    st.sampled_from([("people",), ("people", "density", "level"), ("inflow", "people", "outflow", "flow")])
                ),
                begins_us=NOON_US + draw(st.sampled_from([-100, 0, 3, 6])) * TICK_US,
            )
        )
    return found


def counts(most: int) -> st.SearchStrategy[list[float]]:
    few = st.sampled_from([float("nan"), 0.0, 3.0, 9.0])
    return st.lists(st.one_of(st.integers(0, most).map(float), few), min_size=TICKS, max_size=TICKS)


@st.composite
def worlds(draw: st.DrawFn) -> Figures:
    """An hour of ticks. Persons an hour are twelve times those who pass in a tick."""
    told = {zone: {"people": draw(counts(60))} for zone in ZONES}
    for place in PLACES:
        flows = told.setdefault(place, {})
        for quantity in ("inflow", "outflow") if place not in ("bridge",) else ("flow",):
            flows[quantity] = [12 * count for count in draw(counts(60))]
    return figures(told, TICK_US)


def released(world: Figures, known: Sequence[Granted], since_us: int | None = None) -> list[Figures]:
    common = cells(known, PLACES, TICK_US, since_us=since_us)
    return [release(world, one, PLACES, common) for one in known]


@settings(max_examples=60, deadline=None)
@given(worlds(), grants())
def test_nothing_goes_out_that_the_grant_does_not_give(world: Figures, known: list[Granted]) -> None:
    for one, out in zip(known, released(world, known), strict=True):
        terms = one.grant.properties
        assert set(out.places) == set(share_places.given(one.grant, PLACES))
        assert out.quantities == terms.what.quantities
        assert out.step_us == duration_us(terms.form.step)
        assert not np.any(out.starts_us % out.step_us)
        assert (out.starts_us >= world.starts_us[0]).all()
        assert (out.starts_us + out.step_us <= world.starts_us[-1] + TICK_US).all()
        told = ~np.isnan(out.value)
        assert not (told & out.suppressed).any()
        assert np.isnan(out.low[out.suppressed]).all()
        assert np.isnan(out.high[out.suppressed]).all()
        assert (out.low[told] <= out.value[told]).all()
        assert (out.value[told] <= out.high[told]).all()
        counted = [index for index, quantity in enumerate(out.quantities) if quantity in ("people", *BASE)]
        figures_ = out.value[:, :, counted]
        assert not np.any(figures_[~np.isnan(figures_)] % terms.form.round_to)


@settings(max_examples=40, deadline=None)
@given(worlds())
def test_an_aggregate_of_aggregates_is_the_aggregate(world: Figures) -> None:
    parts = granted(zones=ZONES, exactness="exact", step="5m", quantities=("people",))
    whole = granted(zones=ZONES, exactness="exact", step="15m", quantities=("people",), areas={"all": ZONES})
    fine, coarse = released(world, [parts])[0], released(world, [whole])[0]
    again = fine.value[:, :, 0].sum(axis=0).reshape(-1, 3).mean(axis=1)
    assert np.allclose(coarse.value[0, :, 0], again, equal_nan=True)


@settings(max_examples=40, deadline=None)
@given(worlds(), grants(most=2), st.integers(0, 3), st.integers(0, 3))
def test_a_part_of_the_time_never_tells_more_than_the_whole(world: Figures, known: list[Granted], skip: int, drop: int) -> None:
    """Who asks in pieces gets what who asks at once gets, or less."""
    piece = cut(world, from_us=NOON_US + skip * TICK_US, until_us=NOON_US + (TICKS - drop) * TICK_US)
    for whole, part in zip(released(world, known), released(piece, known), strict=True):
        at = np.isin(whole.starts_us, part.starts_us)
        told = ~np.isnan(part.value)
        assert np.array_equal(part.value[told], whole.value[:, at][told])


@settings(max_examples=120, deadline=None)
@given(worlds(), grants(), st.booleans(), st.integers(0, 2**32 - 1))
def test_a_world_with_other_small_cells_looks_the_same(world: Figures, known: list[Granted], replayed: bool, seed: int) -> None:
    """The theorem of ``ruimte.share.cells``: nobody, not even all together, sees any change of what is few."""
    common = cells(known, PLACES, TICK_US, since_us=0 if replayed else None)
    least = min(one.grant.properties.form.minimum for one in known)
    other = with_other_small_cells(world, common.cell, common.block_us // TICK_US, least, np.random.default_rng(seed))
    for one in known:
        mine, theirs = release(world, one, PLACES, common), release(other, one, PLACES, common)
        assert np.array_equal(mine.suppressed, theirs.suppressed)
        for part in ("value", "low", "high"):
            assert np.array_equal(getattr(mine, part), getattr(theirs, part), equal_nan=True)


def with_other_small_cells(
    world: Figures, cell: dict[str, int], per_block: int, least: int, random: np.random.Generator
) -> Figures:
    """The same world with other numbers wherever a cell, or a flow, is below ``least`` over a block, and stays below it."""
    value = world.value.copy()
    for start in range(0, TICKS, per_block):
        block = slice(start, start + per_block)
        for number in set(cell.values()):
            rows = [world.places.index(zone) for zone, of in cell.items() if of == number]
            now = value[rows, block, 0]
            if now.sum() / per_block < least and (now < least).all():  # in every tick, for flows look at ticks
                value[rows, block, 0] = np.round(random.random(now.shape) * least / len(rows) * 0.99, 3)
        for row in range(len(world.places)):
            for quantity in (1, 2, 3):
                passed = value[row, block, quantity] / 12
                if passed.sum() < least:
                    value[row, block, quantity] = random.random(per_block) * least / per_block * 12 * 0.99
    return dataclasses.replace(world, value=value, low=value * 0.9, high=value * 1.1)

"""Learning from a small made-up city: it beats last week, it is the same each time, and it says what it cannot do."""

from __future__ import annotations

import sys
from datetime import date

import numpy as np
import pytest

from forecast_world import (
    DAY_H,
    FIRST,
    SPRING_DAYS,
    WEEK,
    Z,
    all_trees,
    city,
    counts,
    past,
    plain,
    trained,
    week,
)
from ruimte.errors import RuimteError
from ruimte.forecast import learn as learning
from ruimte.forecast.learn import BREAK_AGE_H, BREAKS, HORIZON_H, OLDEST_H, PRIOR_WORTH, SAID_SD, UNBORN, learn
from ruimte.forecast.learned import BUCKETS_H, LEAST_SCALE
from ruimte.forecast.naive import last_week
from ruimte.forecast.usual import level_of
from ruimte.model.calendar import Calendar
from ruimte.model.forecast import LEVELS, MEDIAN

AHEAD = np.arange(1, HORIZON_H + 1)


@pytest.fixture
def few_rounds(monkeypatch):
    monkeypatch.setattr(learning, "_MEDIAN_ROUNDS", 5)
    monkeypatch.setattr(learning, "_SOON_ROUNDS", 5)
    monkeypatch.setattr(learning, "_SCALE_ROUNDS", 3)


def told(learned, values):
    return learned.tell(past(values, calendar=SPRING_DAYS), AHEAD, AHEAD.astype(float))


def test_it_beats_last_week_and_the_usual_in_a_city_that_it_has_not_seen():
    values = counts(24, 4, seed=321)
    off, off_week, off_usual, inside, total = 0.0, 0.0, 0.0, [], 0.0
    for moment in range(10 * WEEK, 23 * WEEK, 61):
        before, came = values[:, moment - 9 * WEEK : moment], values[:, moment : moment + HORIZON_H]
        at = past(before, first_h=FIRST + moment - 9 * WEEK)
        seen = trained().tell(at, AHEAD, AHEAD.astype(float))
        off, total = off + np.abs(seen.middle() - came).sum(), total + came.sum()
        off_week += np.abs(last_week(at, AHEAD) - came).sum()
        off_usual += np.abs(seen.usual - came).sum()
        quantiles = seen.quantiles(trained().spread[-1])
        inside.append(((came >= quantiles[..., 1]) & (came <= quantiles[..., 19]))[:, 48:].mean())
    assert off < 0.8 * off_week
    assert off <= off_usual
    assert off / total < 0.2
    assert 0.83 < np.mean(inside) < 0.97


def test_it_has_seen_a_lockdown_and_a_first_week():
    """A city that broke four days ago is told nearer to its new level than the usual is; a place of three days is told well."""
    values = counts(10, 4, seed=77)
    broken = values.copy()
    broken[:, -4 * DAY_H :] *= 0.2
    came = counts(11, 4, seed=77)[:, -WEEK:]
    low = told(trained(), broken)
    assert np.abs(low.middle()[:, :24] - 0.2 * came[:, :24]).sum() < 0.5 * np.abs(low.usual[:, :24] - 0.2 * came[:, :24]).sum()
    young = told(trained(), values[:, -3 * DAY_H :])
    assert np.abs(young.middle() - came).sum() < 0.45 * came.sum()


def test_what_it_tells_of_broken_places_is_less_sure():
    values = counts(10, 4, seed=78)
    broken = values.copy()
    broken[:, -2 * DAY_H :] *= 0.2
    usual, low = (told(trained(), each).scale.mean() for each in (values, broken))
    assert low > 1.1 * usual


def test_the_same_seed_gives_the_same_to_the_bit_and_another_does_not(few_rounds):
    values = counts(16, 4, seed=3)
    one, again, other = (learn([city(values)], DAY_H, seed=seed, rows=3_000) for seed in (1, 1, 2))
    for mine, same in zip(all_trees(one), all_trees(again), strict=True):
        for part in ("root", "feature", "threshold", "left", "right", "missing", "leaf"):
            np.testing.assert_array_equal(getattr(mine, part), getattr(same, part))
    np.testing.assert_array_equal(one.spread, again.spread)
    np.testing.assert_array_equal(one.shape, again.shape)
    assert not np.array_equal(one.median[0].trees.leaf, other.median[0].trees.leaf)


def test_what_is_learned_is_whole(few_rounds):
    shares = []
    values = counts(60, 2, seed=4)
    calendar = Calendar({date(2024, 3, 20): "Feast"})
    learned = learn([city(values, calendar)], DAY_H, rows=4_000, progress=shares.append)
    assert learned.per_day == DAY_H
    assert learned.shape == pytest.approx(week() / week().mean(), rel=0.2)
    assert learned.spread.shape == (len(BUCKETS_H), 21)
    assert (np.diff(learned.spread, axis=1) >= 0).all()
    assert (learned.spread[:, MEDIAN] == 0).all()
    assert np.isfinite(learned.memory.of("Feast")[0]).all()
    assert np.isnan(learned.memory.of("Fair")[0]).all()
    assert shares == sorted(shares)
    assert shares[0] >= 0
    assert shares[-1] == pytest.approx(1)


def test_it_learns_from_several_cities_with_gaps(few_rounds):
    one, other = counts(12, 3, seed=5), counts(14, 5, seed=6)
    one[:, 3 * WEEK : 4 * WEEK] = np.nan
    other[2] = np.nan
    other[3, : 9 * WEEK] = np.nan
    learned = learn([city(one), city(other)], DAY_H, rows=6_000)
    assert np.isfinite(told(learned, one).middle()).all()


def test_it_learns_quarters_up_to_two_hours(few_rounds):
    learned = learn([city(counts(6, 3, seed=7, per_day=96))], 96, rows=3_000)
    assert learned.per_day == 96
    assert learned.shape.shape == (7 * 96,)
    at = past(counts(6, 2, seed=8, per_day=96), 96)
    ahead = np.arange(1, 9)
    assert np.isfinite(learned.tell(at, ahead, ahead / 4).middle()).all()


@pytest.mark.parametrize("hours", [0, 1, 24, 24 + HORIZON_H, 24 + HORIZON_H + 1, 9 * 24])
def test_too_short_a_past_is_told_with_what_mends_it(hours, few_rounds):
    with pytest.raises(RuimteError, match="too short to learn from") as refused:
        learn([city(counts(3, 1)[:, :hours])], DAY_H, rows=2_000)
    assert "import more history" in refused.value.mend


@pytest.mark.parametrize("values", [np.full((2, 10 * WEEK), np.nan), np.zeros((0, 10 * WEEK))], ids=["not known", "no places"])
def test_of_nothing_nothing_is_learned(values, few_rounds):
    with pytest.raises(RuimteError, match="too short to learn from"):
        learn([city(values)], DAY_H, rows=3_000)


def test_no_cities_are_too_little(few_rounds):
    with pytest.raises(RuimteError, match="too short to learn from"):
        learn([], DAY_H)


def test_of_a_city_where_nobody_ever_is_there_is_nothing_to_learn(few_rounds):
    with pytest.raises(RuimteError, match="nobody was ever counted"):
        learn([city(np.zeros((3, 12 * WEEK)))], DAY_H, rows=3_000)


def test_without_lightgbm_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(RuimteError, match="lightgbm") as refused:
        learn([city(counts(10))], DAY_H)
    assert "ruimte[forecast]" in refused.value.mend


# --- moments that are changed on purpose ----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_a_broken_level_breaks_the_newest_hours_and_what_comes_by_one_factor(seed):
    at = past(np.full((4, 9 * WEEK), 10.0))
    came = np.full((4, 6), 10.0)
    broken, after = learning._broken(at, came, np.random.default_rng(seed))
    assert (at.values == 10).all()  # the city itself is not changed
    factor = after[:, 0] / 10
    assert ((factor >= BREAKS[0] - 1e-9) & (factor <= BREAKS[1] + 1e-9)).all()
    assert (after == after[:, :1]).all()
    for place in range(4):
        changed = np.flatnonzero(broken.values[place] != 10)
        assert 1 <= len(changed) < BREAK_AGE_H
        assert changed[-1] == at.values.shape[1] - 1
        assert len(changed) == changed[-1] - changed[0] + 1
        assert broken.values[place, changed] == pytest.approx(10 * factor[place])
    assert broken.end_h == at.end_h


def test_breaks_are_of_the_city_or_of_each_place_about_equally_often():
    at, came = past(np.full((5, 20 * DAY_H), 10.0)), np.full((5, 1), 10.0)
    random = np.random.default_rng(1)
    together = [len(set(learning._broken(at, came, random)[1][:, 0].tolist())) == 1 for _ in range(200)]
    assert 0.35 < np.mean(together) < 0.65


@pytest.mark.parametrize("per_day", [24, 96])
def test_a_past_that_has_just_begun_knows_only_its_newest_hours(per_day):
    at = past(np.full((200, 9 * 7 * per_day), 10.0), per_day)
    begun = learning._begun(at, np.random.default_rng(2))
    known = ~np.isnan(begun.values)
    assert (begun.values[known] == 10).all()
    assert (np.diff(known.astype(int), axis=1) >= 0).all()  # once known, always known
    unborn = ~known.any(axis=1)
    hours = known[~unborn].sum(axis=1) * 24 / per_day
    assert hours.min() < 24
    assert hours.max() > 14 * 24
    assert hours.max() <= OLDEST_H
    assert known[~unborn, -1].all()
    # of those that have a past nobody says anything
    np.testing.assert_array_equal(np.isnan(begun.typical), ~unborn)
    assert begun.end_h == at.end_h
    assert not np.isnan(at.values).any()  # the city itself is not changed
    assert at.typical is None


def test_of_a_place_without_any_past_its_level_is_said_about():
    level = np.random.default_rng(5).uniform(5, 500, 2000)
    at = past(level[:, None] * np.ones((2000, 2 * WEEK)))
    begun = learning._begun(at, np.random.default_rng(3))
    unborn = np.isnan(begun.values).all(axis=1)
    assert unborn.mean() == pytest.approx(UNBORN, abs=0.03)
    off = np.log(begun.typical / level)[unborn]
    assert off.mean() == pytest.approx(0, abs=0.02)
    assert off.std() == pytest.approx(SAID_SD, rel=0.1)
    # it is what such a place is told by: nothing else is known of it
    told_level = level_of(begun, plain().shape)
    assert told_level[unborn] == pytest.approx(begun.typical[unborn])
    assert np.isfinite(told_level).all()


def test_of_a_place_of_which_the_city_knows_nothing_nothing_is_said():
    begun = learning._begun(past(np.full((40, WEEK), np.nan)), np.random.default_rng(4))
    assert np.isnan(begun.values).all()
    assert np.isnan(begun.typical).all()


def test_rows_are_drawn_of_places_with_and_without_a_past(monkeypatch):
    monkeypatch.setattr(learning, "BROKEN", 0.0)
    monkeypatch.setattr(learning, "BEGUN", 1.0)
    monkeypatch.setattr(learning, "UNBORN", 1.0)
    at = city(counts(12, 3, seed=9))
    rows = learning._draw(at, DAY_H, plain().shape, [], 600, np.random.default_rng(1), lambda share: None)
    assert sum(len(each.actual) for each in rows) > 300  # some, though none of them has a past
    assert np.isfinite(np.concatenate([each.usual for each in rows])).all()


def test_a_city_s_past_at_a_moment_ends_there_and_holds_nine_weeks():
    values = counts(12, 1)
    at = city(values).past(DAY_H, 11 * WEEK + 5)
    assert at.values.shape == (1, 63 * DAY_H)
    assert at.values[0, -1] == values[0, 11 * WEEK + 4]
    assert at.end_h == FIRST + 11 * WEEK + 5
    assert city(values).past(DAY_H, 30).values.shape == (1, 30)


def test_the_spread_of_a_bucket_leans_on_all_until_it_has_errors_of_its_own():
    random = np.random.default_rng(3)
    errors, horizon = random.normal(0, 1, 60_000), np.full(60_000, 100.0)
    errors[:10], horizon[:10] = np.linspace(20, 80, 10), 1.0
    spread = learning._spread(errors, horizon, np.ones(60_000))
    assert spread[-1] == pytest.approx(Z, abs=0.05)
    assert spread[1] == pytest.approx(spread[-1], abs=0.02)  # none of its own
    own = learning._quantiles(errors[:10], np.ones(10)) - 50
    assert spread[0] == pytest.approx((10 * own + PRIOR_WORTH * Z) / (10 + PRIOR_WORTH), abs=0.05)
    assert spread[0, 20] > spread[1, 20] + 0.4


def test_the_median_of_a_spread_is_the_median_that_was_told():
    random = np.random.default_rng(6)
    errors, horizon = random.gamma(2.0, 1.0, 30_000), random.uniform(0, HORIZON_H, 30_000)
    spread, moved = (learning._spread(each, horizon, np.ones(30_000)) for each in (errors, errors + 7.0))
    assert (spread[:, MEDIAN] == 0).all()
    assert moved == pytest.approx(spread, abs=1e-9)
    assert spread[-1] == pytest.approx(np.quantile(errors, LEVELS) - np.median(errors), abs=0.1)  # skewed as it was
    assert (np.diff(spread, axis=1) > 0).all()


def test_busy_places_weigh_more_in_quantiles():
    values = np.random.default_rng(4).permutation(np.arange(1000.0))
    weight = np.where(values < 500, 9.0, 1.0)  # nine tenths lie below 500
    assert learning._quantiles(values, weight)[[10, 18, 19]] == pytest.approx([500 * 5 / 9, 500, 750], abs=2)
    evenly = learning._quantiles(np.arange(1001.0), np.ones(1001))
    assert evenly[[0, 10, 20]] == pytest.approx([10, 500, 990], abs=1)


def test_a_scale_is_never_less_than_the_least():
    learned = plain(scale=-3.0)
    assert (told(learned, counts(9)).scale == LEAST_SCALE).all()

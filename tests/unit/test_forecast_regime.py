"""Breaks: told within a day or two, over when the forecast is right again, and hardly ever without a reason."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from forecast_world import DAY_H, FIRST, WEEK, counts, lab, past, plain, trained
from ruimte.forecast import learned_forecaster as forecaster_at_work
from ruimte.forecast.learned import Told
from ruimte.forecast.learned_forecaster import LearnedForecaster
from ruimte.forecast.regime import Errors, Regime, no_break, regime_of
from ruimte.forecast.usual import level_of, log_ratio, usual_of

NAN = np.nan


def errors(model, plain_error, n):
    return Errors(*(np.broadcast_to(np.array(each, dtype=float), n) for each in (model, plain_error)))


def after(before, surprise, day=(1, 1), soon=(1, 1), far=(1, 1), hours=24.0):
    """``day``, ``soon``, ``far``: errors of the model and of the plain method, of each place or of all."""
    n = len(surprise)
    groups = (errors(*each, n) for each in (day, soon, far))
    return regime_of(before, np.array(surprise), np.broadcast_to(np.array(hours), n), *groups)


def regime(broken, yields, beyond):
    return Regime(*(np.array(each, dtype=bool) for each in (broken, yields, beyond)))


def test_a_city_breaks_where_the_median_passes_two_and_mends_below_one_and_a_half():
    found = after(no_break(3), [1.9, 1.9, 2.9])
    assert not found.broken.any()
    found = after(found, [1.0, 2.1, 2.9])
    assert found.broken.all()
    found = after(found, [1.6, 1.6, 1.0])
    assert found.broken.all()
    found = after(found, [1.4, 1.4, 1.0])
    assert not found.broken.any()


def test_a_place_breaks_by_itself_and_mends_by_itself():
    found = after(no_break(4), [1.0, 1.0, 1.0, 3.1])
    assert found.broken.tolist() == [False, False, False, True]
    found = after(found, [1.0, 1.0, 1.0, 1.6])
    assert found.broken.tolist() == [False, False, False, True]
    found = after(found, [1.0, 1.0, 1.0, 1.4])
    assert not found.broken.any()


def test_with_less_than_half_a_day_known_nothing_is_said():
    broken = regime([1, 0], [1, 0], [0, 1])
    assert after(broken, [9.0, 9.0], hours=11) is broken
    assert after(broken, [NAN, NAN]) is broken
    found = after(no_break(3), [9.0, 9.0, 1.0], day=(1, [0, 0, 2]), hours=[11, 11, 24])
    assert not found.broken.any()
    assert not found.yields.any()
    assert not found.beyond.any()
    found = after(no_break(3), [NAN, 9.0, 9.0], day=([NAN, 1, 1], [NAN, 0.1, 0.1]), far=([NAN, 1, 1], [NAN, 0.1, 2]))
    assert found.broken.all()  # what breaks the city breaks the place that is silent
    assert found.yields.tolist() == [False, True, True]
    assert found.beyond.tolist() == [False, True, False]


def test_it_yields_only_where_the_plain_method_is_clearly_better():
    found = after(no_break(5), [1.0] * 5, day=([10, 10, 10, 0, 10], [4.9, 5.1, 20, 0, 7.9]))
    assert found.yields.tolist() == [True, False, False, False, False]
    assert not found.beyond.any()
    # in a break less will do
    found = after(no_break(3), [9.0] * 3, day=(10, [7.9, 8.1, 20]))
    assert found.yields.tolist() == [True, False, False]


def test_what_has_yielded_does_so_until_the_model_is_better_again():
    """In a break it begins below 0.8 times the model's error and ends at 1.0; where nothing broke, at 0.5 and 0.8."""
    found = after(regime([1] * 4, [1, 1, 0, 0], [0] * 4), [1.6] * 4, day=(10, [9.9, 10.0, 9.9, 7.9]))
    assert found.yields.tolist() == [True, False, False, True]
    found = after(regime([0] * 4, [1, 1, 0, 0], [0] * 4), [1.0] * 4, day=(10, [7.9, 8.0, 7.9, 4.9]))
    assert found.yields.tolist() == [True, False, False, True]
    found = after(regime([1] * 4, [0] * 4, [1, 1, 0, 0]), [1.6] * 4, far=(10, [9.9, 10.0, 9.9, 7.9]))
    assert found.broken.all()
    assert found.beyond.tolist() == [True, False, False, True]


def test_what_was_told_lately_counts_all_over_the_city_while_it_is_broken():
    far_off, lately = (10, 11), (10, [7.0, 7.0, 9.0])  # yesterday it was worse; lately, in all, better
    found = after(no_break(3), [9.0] * 3, day=far_off, soon=lately)
    assert found.yields.all()
    assert not found.beyond.any()
    found = after(no_break(3), [9.0] * 3, day=far_off, soon=(10, [7.0, 7.0, 10.1]))
    assert not found.yields.any()
    # neither in a city that is as it was nor for a place that broke by itself
    assert not after(no_break(3), [1.0] * 3, day=far_off, soon=lately).yields.any()
    alone = after(no_break(3), [1.0, 1.0, 9.0], day=far_off, soon=lately)
    assert alone.broken.tolist() == [False, False, True]
    assert not alone.yields.any()


def test_lately_counts_for_places_that_are_silent_too_and_of_them_nothing_is_added():
    found = after(no_break(3), [9.0, 9.0, NAN], day=(10, 11), soon=([10, 10, NAN], [7.0, 7.0, NAN]), hours=[24, 24, 0])
    assert found.yields.all()


def test_all_over_the_city_it_ends_only_when_the_model_is_as_good():
    all_of_it, some = regime([1, 1], [1, 1], [0, 0]), regime([1, 1], [1, 0], [0, 0])
    for lately, begins, stays in ((7.9, True, True), (9.9, False, True), (10.0, False, False)):
        assert after(all_of_it, [9.0] * 2, day=(10, 11), soon=(10, lately)).yields.tolist() == [stays] * 2
        assert after(some, [9.0] * 2, day=(10, 11), soon=(10, lately)).yields.tolist() == [begins] * 2
        found = after(regime([0, 0], [0, 0], [1, 1]), [1.0] * 2, far=(10, lately))
        assert found.beyond.tolist() == [stays] * 2
        found = after(regime([0, 0], [0, 0], [1, 0]), [9.0] * 2, far=(10, lately))
        assert found.beyond.tolist() == [begins or lately < 10, begins]
        # where nothing is broken nothing begins: one odd day would be copied onto others
        assert not after(no_break(2), [1.0] * 2, far=(10, lately)).beyond.any()


def test_beyond_a_day_it_yields_all_over_the_city_or_where_it_is_broken():
    found = after(no_break(3), [9.0, 9.0, 9.0], far=(10, [1.0, 12, 1.0]))
    assert found.beyond.all()  # in all it was better: 14 to 30
    found = after(no_break(3), [1.0, 1.0, 9.0], far=(10, [1.0, 12, 1.0]))
    assert found.beyond.tolist() == [False, False, True]  # the city is as it was
    found = after(no_break(3), [1.0, 1.0, 9.0], far=(10, [7.0, 30, 7.0]))
    assert found.broken.tolist() == [False, False, True]
    assert found.beyond.tolist() == [False, False, True]
    assert not found.yields.any()
    # a place with less than half a day is not looked at by itself, though it stands in a broken city
    found = after(no_break(3), [9.0, 9.0, 9.0], far=(10, [7.0, 30, 7.0]), hours=[24, 24, 11])
    assert found.broken.all()
    assert found.beyond.tolist() == [True, False, False]


# --- at work -----------------------------------------------------------------------------------------------------------

PLACES, HORIZONS = 3, 24
QUIET, BROKEN = 10, 4
"""Weeks before and after a break."""


def followed(values, learned, horizons=HORIZONS, begin=0):
    """Of each day from ``begin`` on: the regime and the forecast at its end."""
    forecaster = LearnedForecaster(lab(len(values)), horizons, learned)
    found = []
    for tick in range(values.shape[1]):
        (forecaster.observe if tick >= begin else forecaster.recall)(FIRST + tick, values[:, tick])
        if tick >= begin and (tick + 1) % DAY_H == 0:
            found.append((forecaster.issue(), forecaster._regime))
    return found


@cache
def broken_city():
    values = counts(QUIET + BROKEN, PLACES, seed=11)
    values[:, QUIET * WEEK :] = np.round(values[:, QUIET * WEEK :] * 0.2)
    return values, followed(values, trained(), begin=(QUIET - 2) * WEEK)


def test_a_break_of_the_city_is_told_within_two_days_and_ends_later():
    _, found = broken_city()
    told = [len(forecast.broken) for forecast, _ in found]
    assert not any(told[2:14])
    assert PLACES in told[14:16]  # by the end of its second day
    assert not any(told[-7:])
    for forecast, regime in found:
        assert forecast.broken == tuple(np.flatnonzero(regime.broken).tolist())


def test_the_forecast_follows_a_break_within_days():
    values, found = broken_city()
    shape = trained().shape
    off, off_usual = [], []
    for day in range(14 + 3, 14 + 14):
        at = (QUIET - 2) * WEEK + (day + 1) * DAY_H
        came = values[:, at : at + DAY_H]
        forecast = found[day][0].quantiles[:, :DAY_H, 10]
        from_past = _past(values[:, :at])
        usual = usual_of(from_past, np.arange(1, DAY_H + 1), shape, level_of(from_past, shape)).value
        off.append(np.abs(forecast - came).sum())
        off_usual.append(np.abs(usual - came).sum())
    assert sum(off) < 0.4 * sum(off_usual)


def _past(values):
    return past(values[:, -63 * DAY_H :], first_h=FIRST + max(0, values.shape[1] - 63 * DAY_H))


def test_what_has_yielded_stays_so_while_the_model_is_worse():
    """The plain method that is told in its place is no reason to trust the model again: the old level does not come back."""
    values, found = broken_city()
    days = range(14 + 3, 14 + 12)
    tuesday = 14 + 7  # the Monday before it was told as a Sunday: at one place that was worse than the model
    assert all(found[day][1].yields.all() for day in days if day not in (tuesday, tuesday + 1))
    assert all(found[day][1].yields.sum() >= PLACES - 1 for day in days)
    off, total = 0.0, 0.0
    for day in days:
        at = (QUIET - 2) * WEEK + (day + 1) * DAY_H
        came = values[:, at : at + DAY_H]
        off, total = off + np.abs(found[day][0].quantiles[:, :DAY_H, 10] - came).sum(), total + came.sum()
    assert off / total < 0.4  # at its worst from a Saturday to a Sunday


def test_a_break_at_one_place_is_told_of_that_place_alone():
    values = counts(9, 4, seed=12)
    values[2, 8 * WEEK :] *= 5
    found = followed(values, trained(), begin=7 * WEEK)
    told = {place for forecast, _ in found[7:10] for place in forecast.broken}
    assert told == {2}
    assert not any(forecast.broken for forecast, _ in found[2:7])


def test_a_quiet_year_has_hardly_any_breaks(monkeypatch):
    monkeypatch.setattr(forecaster_at_work, "KEPT_DAYS", 10)  # breaks look at two days; this is four times as quick
    found = followed(counts(62, 2, seed=13), plain(scale=0.25), 12, begin=9 * WEEK)
    days = [len(forecast.broken) == 2 for forecast, _ in found]
    assert len(days) > 350
    assert np.mean(days) < 0.01
    assert np.mean([len(forecast.broken) for forecast, _ in found]) < 0.05


def test_the_plain_method_is_told_only_where_it_yields():
    """What yields is told by the last day, to the last digit that is kept; what does not is told by the model."""
    values, found = broken_city()
    for day, yields in ((13, False), (17, True), (14 + 9, True)):
        at = (QUIET - 2) * WEEK + (day + 1) * DAY_H
        forecast, stands = found[day]
        same = np.isclose(forecast.quantiles[:, :DAY_H, 10], values[:, at - DAY_H : at], rtol=1e-5, atol=1e-4)
        assert stands.yields.any() == yields
        for place in range(PLACES):
            assert same[place].all() if stands.yields[place] else same[place].mean() < 0.2


def test_beyond_a_day_the_last_day_is_told_again_and_again():
    values, _ = broken_city()
    values = values[:, : QUIET * WEEK + 6 * DAY_H]
    found = followed(values, trained(), 60, begin=(QUIET - 1) * WEEK)
    forecast, stands = found[-1]
    assert stands.beyond.all()
    assert stands.yields.all()
    last = np.tile(values[:, -DAY_H:], 3)[:, :60]
    np.testing.assert_allclose(forecast.quantiles[..., 10], last, rtol=1e-5, atol=1e-4)
    assert not any(stands.beyond.any() for _, stands in found[1:7])


AHEAD_H = 48


def yielding(stands, plain_told, usual, median=0.5):
    """The median that is told, (places, blocks), where the plain method says the same of all blocks."""
    forecaster = LearnedForecaster(lab(len(usual)), AHEAD_H, plain())
    forecaster._regime = stands
    wide = np.ones(AHEAD_H)
    own = Told(np.array(usual)[:, None] * wide, np.full((len(usual), AHEAD_H), median), np.full((len(usual), AHEAD_H), 0.2))
    told = forecaster._yielding(own, np.array(plain_told)[:, None] * wide)
    np.testing.assert_array_equal(told.usual, own.usual)
    np.testing.assert_array_equal(told.scale, own.scale)
    return told.median


def ratio(one, other):
    return float(log_ratio(np.float64(one), np.float64(other)))


def test_near_and_beyond_a_day_it_yields_apart():
    told = yielding(regime([0] * 4, [1, 1, 0, 0], [1, 0, 1, 0]), [10.0] * 4, [100.0] * 4)
    plainly = ratio(10.0, 100.0)
    for place, (near, beyond) in enumerate([(True, True), (True, False), (False, True), (False, False)]):
        assert told[place, :DAY_H] == pytest.approx(plainly if near else 0.5)
        assert told[place, DAY_H:] == pytest.approx(plainly if beyond else 0.5)


def test_a_place_that_was_not_heard_lately_goes_with_the_city():
    everywhere = regime([1] * 3, [1] * 3, [1] * 3)
    told = yielding(everywhere, [20.0, 30.0, NAN], [100.0, 300.0, 50.0])
    assert told[0] == pytest.approx(ratio(20.0, 100.0))
    assert told[1] == pytest.approx(ratio(30.0, 300.0))
    assert told[2] == pytest.approx(ratio(50.0, 400.0))  # of those that were heard
    # where no place was heard the model has to do; a place without a usual tells nothing of the city
    assert (yielding(everywhere, [NAN] * 3, [100.0, 300.0, 50.0]) == 0.5).all()
    assert yielding(everywhere, [20.0, 30.0, NAN], [100.0, NAN, 50.0])[2] == pytest.approx(ratio(20.0, 100.0))
    assert (yielding(regime([1] * 3, [1, 1, 0], [1, 1, 0]), [20.0, 30.0, NAN], [100.0, 300.0, 50.0])[2] == 0.5).all()

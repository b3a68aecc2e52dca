"""Breaks: told within a day or two, over when the forecast is right again, and hardly ever without a reason."""

from __future__ import annotations

from functools import cache

import numpy as np

from forecast_world import DAY_H, FIRST, WEEK, counts, lab, past, plain, trained
from ruimte.forecast import learned_forecaster as forecaster_at_work
from ruimte.forecast.learned_forecaster import LearnedForecaster
from ruimte.forecast.regime import Regime, no_break, regime_of
from ruimte.forecast.usual import level_of, usual_of

NAN = np.nan


def after(before, surprise, model=None, plain_error=None, hours=24.0):
    surprise = np.array(surprise)
    n = len(surprise)
    model = np.ones(n) if model is None else np.array(model)
    plain_error = np.ones(n) if plain_error is None else np.array(plain_error)
    return regime_of(before, surprise, model, plain_error, np.broadcast_to(np.array(hours), n))


def test_a_city_breaks_where_the_median_passes_two_and_mends_below_one_and_a_half():
    regime = after(no_break(3), [1.9, 1.9, 2.9])
    assert not regime.broken.any()
    regime = after(regime, [1.0, 2.1, 2.9])
    assert regime.broken.all()
    regime = after(regime, [1.6, 1.6, 1.0])
    assert regime.broken.all()
    regime = after(regime, [1.4, 1.4, 1.0])
    assert not regime.broken.any()


def test_a_place_breaks_by_itself_and_mends_by_itself():
    regime = after(no_break(4), [1.0, 1.0, 1.0, 3.1])
    assert regime.broken.tolist() == [False, False, False, True]
    regime = after(regime, [1.0, 1.0, 1.0, 1.6])
    assert regime.broken.tolist() == [False, False, False, True]
    regime = after(regime, [1.0, 1.0, 1.0, 1.4])
    assert not regime.broken.any()


def test_with_less_than_half_a_day_known_nothing_is_said():
    broken = Regime(np.array([True, False]), np.array([True, False]))
    assert after(broken, [9.0, 9.0], hours=11) is broken
    assert after(broken, [NAN, NAN]) is broken
    regime = after(no_break(3), [9.0, 9.0, 1.0], plain_error=[0.0, 0.0, 2.0], hours=[11, 11, 24])
    assert not regime.broken.any()
    assert not regime.yields.any()
    regime = after(no_break(3), [NAN, 9.0, 9.0], model=[NAN, 1, 1], plain_error=[NAN, 0.1, 0.1])
    assert regime.broken.all()  # what breaks the city breaks the place that is silent
    assert regime.yields.tolist() == [False, True, True]


def test_it_yields_only_where_the_plain_method_is_clearly_better():
    regime = after(no_break(4), [1.0] * 4, model=[10, 10, 10, 0], plain_error=[7.9, 8.1, 20, 0])
    assert regime.yields.tolist() == [True, False, False, False]


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
    assert all(found[day][1].yields.all() for day in days)
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
    """What yields is told by the last two days; what does not is told by the model."""
    values, found = broken_city()
    for day, yields in ((15, False), (17, True), (14 + 13, True)):
        at = (QUIET - 2) * WEEK + (day + 1) * DAY_H
        forecast, regime = found[day]
        profile = (values[:, at - DAY_H : at] + values[:, at - 2 * DAY_H : at - DAY_H]) / 2
        # the median of what was learned of errors is not quite zero
        same = np.isclose(forecast.quantiles[:, :DAY_H, 10], profile, rtol=0.1, atol=1)
        assert regime.yields.any() == yields
        for place in range(PLACES):
            assert same[place].mean() > 0.9 if regime.yields[place] else same[place].mean() < 0.6

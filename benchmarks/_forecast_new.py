"""When the past tells little: the first weeks at a new place, and the week in which a city closes."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from benchmarks._forecast_data import AHEAD, World, blocks_of, every_ten_days, nmae, ticks_of
from benchmarks._report import Row, missing, row
from benchmarks._rows import Array
from ruimte.forecast.learn import City, learn
from ruimte.forecast.learned import Learned
from ruimte.forecast.model_file import About, Bundle
from ruimte.forecast.naive import last_day, last_week, mean_4_weeks
from ruimte.forecast.past import Past
from ruimte.jobs.backtesting import LEARNED, backtest
from ruimte.jobs.pretraining import cut

FOLDS = 7
"""Places left out together: each fold's are forecast by a model that has never seen them."""
_YEARS = timedelta(366 * 3)
_LOCKED = date(2020, 3, 26)
"""The first whole day of New Zealand's first lockdown, which began the evening before."""


def lockdown_rows(auckland: World, melbourne: World | None) -> list[Row]:
    """Forecasts on days 3 to 6 of the lockdown of March 2020, by a model that knows nothing from the week before on."""
    until = date(2020, 3, 18)
    cities = [cut(auckland.city, None, until)] + ([] if melbourne is None else [melbourne.city])
    about = About(name="benchmark", made="", sources=[], from_=[], until=[str(until)], command="")
    bundle = Bundle(about, learn(cities, 24))
    moments = [(_LOCKED + timedelta(day), hour) for day in (2, 3, 4, 5) for hour in (6, 12, 18)]
    found = backtest(
        auckland.model,
        auckland.found,
        ticks_of(auckland, moments),
        168,
        bundle,
        (LEARNED, "last-week", "last-day", "mean-4-weeks"),
    )
    said = {name: method.point for name, method in found.methods.items()}
    rows = []
    for low, high, goal in ((1, 24, 0.25), (25, 168, 0.55)):
        errors = {name: nmae(found.actual, point, low, high) for name, point in said.items()}
        best = min((name for name in errors if name != LEARNED), key=lambda name, errors=errors: errors[name])  # type: ignore[misc]
        title = f"lockdown of March 2020, days 3–6: nMAE, {low}–{high} h"
        rows.append(row(title, errors[LEARNED], "", most=goal, peer=best, peer_value=errors[best]))
        rows.append(row(f"  last week's values, {low}–{high} h", errors["last-week"], ""))
    return rows


def cold_rows(auckland: World, melbourne: World | None, quick: bool) -> list[Row]:
    """Places that the model has never seen, of which only the last days are known; Auckland 2025."""
    until = date(2025, 1, 1)
    city = auckland.city
    before = cut(city, until - _YEARS, until)
    moments = blocks_of(auckland, every_ten_days(date(2025, 1, 6)))
    truth = auckland.truth(moments)
    weeks = (0, 1, 2, 4)
    said = {each: np.full(truth.shape, np.nan) for each in weeks}
    plain = {each: np.full(truth.shape, np.nan) for each in weeks}
    for fold in range(FOLDS):
        out = np.arange(len(city.values)) % FOLDS == fold
        model = learn([City(before.values[~out], before.first_h, before.days)], 24, rows=100_000 if quick else 300_000)
        for each in weeks:
            for number, block in enumerate(moments):
                past = _young(city, block, out, each)
                said[each][number, out] = model.tell(past, AHEAD, AHEAD.astype(float)).middle()[out]
                plain[each][number, out] = _naive(past)[out]
    rows = []
    for each, goal in ((0, None), (1, 0.165), (2, 0.16), (4, None)):
        name = "level known, no past" if each == 0 else f"{each} week{'s' if each > 1 else ''} known"
        ours = nmae(truth, said[each], 1, 24)
        if each == 0:
            rows.append(row(f"new place, {name}: nMAE, 1–24 h", ours, "", most=goal))
        else:
            theirs = nmae(truth, plain[each], 1, 24)
            peer = "best plain method with that past"
            rows.append(row(f"new place, {name}: nMAE, 1–24 h", ours, "", most=goal, peer=peer, peer_value=theirs))
    if melbourne is None:
        return [
            *rows,
            missing("learned in Melbourne only, 2 weeks known: nMAE, 1–24 h", "", "Melbourne's file is not here", "≤ 0.165"),
        ]
    abroad = learn([melbourne.city], 24)
    everywhere = np.ones(len(city.values), dtype=bool)
    told = _told(abroad, city, moments, everywhere, 2)
    ours, theirs = nmae(truth, told, 1, 24), nmae(truth, plain[2], 1, 24)
    title = "learned in Melbourne only, 2 weeks known: nMAE, 1–24 h"
    return [*rows, row(title, ours, "", most=0.165, peer="best plain method with that past", peer_value=theirs)]


def _told(model: Learned, city: City, moments: list[int], out: Array, weeks: int) -> Array:
    return np.stack([model.tell(_young(city, block, out, weeks), AHEAD, AHEAD.astype(float)).middle() for block in moments])


def _young(city: City, block: int, out: Array, weeks: int) -> Past:
    """The past at a moment, of which some places know only the last weeks; without any, what an average hour of the year before
    held is known, as an operator would say it."""
    past = city.past(24, block)
    gone = past.values.shape[1] - weeks * 168
    values = past.values.copy()
    values[np.ix_(out, np.arange(max(0, gone)))] = np.nan
    typical = None
    if weeks == 0:
        typical = np.where(out, np.nanmean(city.values[:, max(0, block - 8760) : block], axis=1), np.nan)
    return Past(values, past.end_h, past.per_day, past.days, typical)


def _naive(past: Past) -> Array:
    """What plain methods say of the next day: last week where there is one, the mean of the last weeks, else the last day."""
    weeks = mean_4_weeks(past, AHEAD)
    said = np.where(np.isnan(weeks), last_week(past, AHEAD), weeks)
    return np.where(np.isnan(said), last_day(past, AHEAD), said)

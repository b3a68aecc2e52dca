"""How good the forecast is beside its peers: Auckland 2025 and Melbourne 2014, calibration day by day, rare hours."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from benchmarks._forecast_data import World, every_ten_days, ticks_of
from benchmarks._report import Row, row
from benchmarks._rows import Array
from ruimte.forecast import metrics
from ruimte.forecast.comparison import Comparison
from ruimte.forecast.errors import exceedance
from ruimte.forecast.learn import ROWS, learn
from ruimte.forecast.model_file import About, Bundle
from ruimte.jobs.backtesting import LEARNED, METHODS, backtest
from ruimte.jobs.peers import method as peer
from ruimte.jobs.pretraining import cut
from ruimte.model.forecast import level_index

REACH = {
    (0, 1): 0.122,
    (1, 3): 0.141,
    (3, 6): 0.141,
    (6, 12): 0.144,
    (12, 24): 0.144,
    (0, 24): 0.142,
    (24, 48): 0.15,
    (48, 168): 0.147,
}
_YEARS = timedelta(366 * 3)


def learned(world: World, first: date | None, until: date, rows: int = ROWS) -> Bundle:
    """A model of one city that has seen nothing from a day on."""
    about = About(name="benchmark", made="", sources=[], from_=[], until=[str(until)], command="")
    return Bundle(about, learn([cut(world.city, first, until)], 24, rows=rows))


def skill_rows(world: World, name: str, year: int, quick: bool) -> tuple[list[Row], Comparison]:
    """A year's forecasts every ten days, beside every peer; the model and mlforecast have seen the three years before."""
    first = date(year, 1, 6)
    bundle = learned(world, first - _YEARS, date(year, 1, 1))
    peers = ("mlforecast",) if quick else ("mlforecast", "statsforecast")
    extra = {each: peer(each, world.model) for each in peers}
    moments = every_ten_days(first)
    found = backtest(world.model, world.found, ticks_of(world, moments), 168, bundle, METHODS, extra)
    rows = []
    figures = {(each["method"], each["from_h"], each["until_h"]): each for each in found.figures()}
    others = [each for each in found.methods if each != LEARNED]
    for low, high in dict.fromkeys((each["from_h"], each["until_h"]) for each in found.figures()):
        best = min(others, key=lambda each, low=low, high=high: figures[each, low, high]["nmae"])  # type: ignore[misc]
        ratio, (least, most) = found.ratio(LEARNED, best, low, high)
        goal = REACH[low, high] if name == "Auckland" else {(0, 24): 0.123}.get((low, high))
        title = f"{name} {year}: nMAE, {low:g}–{high:g} h (ratio {ratio:.3f}, 90 % {least:.3f}–{most:.3f})"
        ours, theirs = (figures[each, low, high]["nmae"] for each in (LEARNED, best))
        rows.append(row(title, ours, "", most=goal, peer=best, peer_value=theirs))
        if (low, high) in ((0, 24), (24, 48), (48, 168)):
            rows += [
                row(f"  {each}, {low:g}–{high:g} h", figures[each, low, high]["nmae"], "") for each in others if each != best
            ]
    whole = found.elapsed_h <= 168
    served = found.served() & whole
    for low, high, goal in ((0, 24, 0.11), (0, 168, 0.112)):
        within = served & (found.elapsed_h > low) & (found.elapsed_h <= high)
        ours, theirs = (_crps(found, each, within) for each in (LEARNED, "mlforecast"))
        most = goal if name == "Auckland" else None
        title = f"{name} {year}: CRPS / mean, {low:g}–{high:g} h"
        rows.append(row(title, ours, "", most=most, peer="mlforecast", peer_value=theirs))
        if name != "Auckland":
            errors = [
                float(np.abs(found.methods[each].point - found.actual)[within].sum() / found.actual[within].sum())
                for each in (LEARNED, "mlforecast")
            ]
            most = {24: 0.123, 168: 0.127}[high]
            title = f"{name} {year}: nMAE, {low:g}–{high:g} h in all"
            rows.append(row(title, errors[0], "", most=most, peer="mlforecast", peer_value=errors[1]))
    return rows + rare_rows(found, world, name, year), found


def _crps(found: Comparison, name: str, within: Array) -> float:
    quantiles = found.methods[name].quantiles
    assert quantiles is not None
    return metrics.crps(found.actual[within], quantiles[within]) / float(found.actual[within].mean())


def rare_rows(found: Comparison, world: World, name: str, year: int) -> list[Row]:
    """Each place's top 1 % of hours: pinball loss high up, and whether a threshold passed within 1–3 h was told."""
    begin = world.tick(date(year - 1, 1, 1), 0) - world.found.first
    end = world.tick(date(year, 1, 1), 0) - world.found.first
    top = np.nanquantile(world.found.values[:, begin:end] * 3600, 0.99, axis=1)
    served = found.served() & (found.elapsed_h <= 24)
    rare = served & (found.actual > top[None, :, None])
    rows = []
    for level in (0.95, 0.99):
        losses = []
        for each in (LEARNED, "mlforecast"):
            quantiles = found.methods[each].quantiles
            assert quantiles is not None
            gap = found.actual - quantiles[..., level_index(level)]
            losses.append(np.where(rare, np.maximum(level * gap, (level - 1) * gap), 0.0).sum(axis=(1, 2)))
        least, most = metrics.block_bootstrap(*losses)
        count = int(rare.sum())
        ours, theirs = (float(each.sum()) / max(count, 1) for each in losses)
        title = f"{name} {year}: pinball at {level:.0%}, top 1 % of hours, ≤ 24 h ({count}; ratio 90 % {least:.2f}–{most:.2f})"
        rows.append(row(title, ours, "persons/h", ratio_most=1, peer="mlforecast", peer_value=theirs))
    soon = (found.elapsed_h >= 1) & (found.elapsed_h <= 3)
    briers, hits = {}, {}
    for each in (LEARNED, "mlforecast"):
        quantiles = found.methods[each].quantiles
        assert quantiles is not None
        chance = exceedance(quantiles, np.broadcast_to(top[None, :, None], found.actual.shape))
        pairs = served & soon
        passed = (found.actual > top[None, :, None])[pairs]
        briers[each] = float(np.nanmean((chance[pairs] - passed) ** 2))
        hits[each] = float((chance[pairs][passed] >= 0.3).mean()) if passed.any() else float("nan")
    rows.append(
        row(
            f"{name} {year}: Brier score of “above the top 1 % within 1–3 h”, × 1000",
            1000 * briers[LEARNED],
            "",
            ratio_most=1,
            peer="mlforecast",
            peer_value=1000 * briers["mlforecast"],
        )
    )
    rows.append(
        row(
            f"{name} {year}: of those passed, told with 30 % or more",
            hits[LEARNED],
            "",
            peer="mlforecast",
            peer_value=hits["mlforecast"],
        )
    )
    return rows


def calibration_rows(world: World, year: int, quick: bool) -> list[Row]:
    """Forecasts every day of a year: what lay within the 80 and the 90 % interval, over the year and in its worst month."""
    bundle = learned(world, date(year, 1, 1) - _YEARS, date(year, 1, 1), 200_000 if quick else ROWS)
    days = [date(year, 1, 1) + timedelta(number) for number in range(0, 357)]
    moments = [(day, (6, 12, 18)[number % 3]) for number, day in enumerate(days)]
    found = backtest(world.model, world.found, ticks_of(world, moments), 168, bundle, (LEARNED,))
    quantiles = found.methods[LEARNED].quantiles
    assert quantiles is not None
    month = np.array([day.month for day in days])
    rows = []
    for share in (0.8, 0.9):
        whole = metrics.coverage(found.actual, quantiles, share)
        every = [metrics.coverage(found.actual[month == each], quantiles[month == each], share) for each in range(1, 13)]
        worst = max(every, key=lambda each: abs(each - share))
        rows.append(row(f"daily, {year}: within the {share:.0%} interval", whole, "", between=(share - 0.01, share + 0.01)))
        rows.append(row(f"daily, {year}: the month furthest off", worst, "", between=(share - 0.03, share + 0.03)))
    above = float((found.actual > quantiles[..., level_index(0.99)])[~np.isnan(found.actual)].mean())
    rows.append(row(f"daily, {year}: above the 99 % quantile", above, "", between=(0.005, 0.015)))
    return rows

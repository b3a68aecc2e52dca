"""How good is a forecast? Forecast again and again from moments of the past, every method with the same past, and compare."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ruimte.clock import DAY_US, HOUR_US, from_us, iso, to_us
from ruimte.errors import RuimteError
from ruimte.forecast import naive
from ruimte.forecast.baseline import point_forecast
from ruimte.forecast.blocks import Blocks
from ruimte.forecast.comparison import BUCKETS_H, Comparison, Method
from ruimte.forecast.learned_forecaster import KEPT_DAYS, LearnedForecaster
from ruimte.forecast.model_file import Bundle
from ruimte.forecast.outlook import blocks_a_day
from ruimte.forecast.past import DAY_H, PAST_DAYS, Past
from ruimte.jobs.history import Actual, actual, require_horizon, require_ticks
from ruimte.lab.lab import Lab
from ruimte.model.forecast import MEDIAN
from ruimte.model.place import Model
from ruimte.store import observations
from ruimte.store.sqlite import Reader

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Progress = Callable[[float], None]
Plain = Callable[[Past, Ints], Array]

PLAIN: dict[str, Plain] = {
    "last-week": naive.last_week,
    "last-day": naive.last_day,
    "mean-4-weeks": naive.mean_4_weeks,
    "median-4-weeks": naive.median_4_weeks,
}
LEARNED, PROFILE = "learned-ratio", "amsterdam-profile"
METHODS = (LEARNED, *PLAIN, PROFILE)
"""What can be compared without more packages."""
PEERS = ("mlforecast", "statsforecast")
"""What can be compared with the extra ``peers``."""
_PEERS_DAYS = 3 * 366 + 200
"""They are fitted on three years."""


def backtest(
    model: Model,
    found: Actual,
    origins: Ints,
    horizon_h: float,
    bundle: Bundle | None,
    methods: tuple[str, ...] = METHODS,
    extra: Mapping[str, Callable[[Array, float, Ints, int], Method]] | None = None,
    progress: Progress = lambda share: None,
) -> Comparison:
    """Forecast from each of the origins, with every method.

    Args:
        model: the compiled lab.
        found: what came, from well before the first origin on.
        origins: numbers of the newest ticks known, rising.
        horizon_h: how far ahead, hours.
        bundle: the learned model; None leaves it out.
        methods: of ``METHODS``.
        extra: other methods, by name: given all values in blocks (places, blocks), the local hour at which the first starts,
        and the
            index of the newest block of each origin, and how many blocks ahead. They must not look beyond an origin.
        progress: told the share that is done.

    Raises ``RuimteError`` for a method that is not known, or an origin without a past.
    """
    for name in methods:
        if name not in METHODS:
            raise RuimteError(f"no such method {name!r}", "--methods", f"choose of {', '.join(METHODS)}")
    if not len(origins) or origins[0] - found.first < 7 * DAY_US // model.tick_us:
        raise RuimteError("no week of history lies before the first moment", "--from", "choose a later start, or import more")
    blocks = Blocks(model, blocks_a_day(model))
    count = max(1, round(horizon_h * blocks.per_day / 24))
    ends = np.stack([blocks.ahead(int(tick), count).ticks for tick in origins])
    actual = np.moveaxis(blocks.means(found.values, found.last, ends), 0, 1)
    learned = None
    if bundle is not None and LEARNED in methods:
        learned = LearnedForecaster(model, count * blocks.ticks, bundle.hours, bundle.quarters)
    said: dict[str, list[Array]] = {name: [] for name in methods if name != LEARNED or learned is not None}
    quantiles: list[Array] = []
    wanted = set(origins.tolist())
    begin = int(origins[0]) - (0 if learned is None else learned.learns_from_ticks)
    for tick in range(found.first, int(origins[-1]) + 1):
        column = tick - found.first
        if learned is not None:
            (learned.observe if tick > begin else learned.recall)(tick, found.values[:, column])
        if tick not in wanted:
            continue
        known = found.values[:, : column + 1]
        past, ahead = blocks.past(known, tick), blocks.ahead(tick, count)
        for name in said:
            if name == LEARNED:
                assert learned is not None
                issued = learned.issue()
                assert issued is not None
                told = issued.quantiles[:, :: blocks.ticks] * blocks.scale[:, None, None]
                quantiles.append(told)
                said[name].append(told[..., MEDIAN])
            elif name == PROFILE:
                said[name].append(_profile(model, blocks, known, tick, count))
            else:
                said[name].append(PLAIN[name](past, ahead.wall))
        progress((tick - begin) / max(1, int(origins[-1]) - begin))
    result = {name: Method(np.stack(points), np.stack(quantiles) if name == LEARNED else None) for name, points in said.items()}
    if extra:
        whole = blocks.past(found.values, found.last, whole=True)
        newest = np.array([_block_of(blocks, int(tick), whole) for tick in origins])
        first_h = whole.end_h - whole.values.shape[1] * 24 / whole.per_day
        for name, method in extra.items():
            result[name] = method(whole.values, first_h, newest, count)
    year = blocks.past(found.values[:, : int(origins[0]) - found.first + 1], int(origins[0]), whole=True)
    return Comparison(
        places=tuple(place.key for place in model.places),
        origins_us=np.array([model.tick_end_us(int(tick)) for tick in origins]),
        elapsed_h=blocks.ahead(0, count).elapsed_h,
        actual=actual,
        scale=_scale(year),
        methods=result,
    )


def _profile(model: Model, blocks: Blocks, known: Array, tick: int, count: int) -> Array:
    width = min(known.shape[1], PAST_DAYS * blocks.per_day * blocks.ticks)
    shift = model.local_shift(tick + np.arange(1 - width, count * blocks.ticks + 2))
    told = point_forecast(known[:, -width:], shift, DAY_US // model.tick_us, count * blocks.ticks)
    return np.asarray(told.reshape(len(told), count, blocks.ticks).mean(axis=-1) * blocks.scale[:, None])


def _block_of(blocks: Blocks, tick: int, whole: Past) -> int:
    """Index of the block that ends with a tick, by the wall's clock."""
    back_h = whole.end_h - blocks.wall_end_h(tick)
    return int(whole.values.shape[1] - 1 - round(back_h * whole.per_day / 24))


def _scale(past: Past) -> Array:
    """Mean absolute difference from a week before, over the last 52 weeks, of each place."""
    values = past.values[:, -53 * past.week :]
    with np.errstate(invalid="ignore"):
        off = np.abs(values[:, past.week :] - values[:, : -past.week])
        known = (~np.isnan(off)).sum(axis=1)
        return np.where(known > 0, np.nansum(off, axis=1) / np.maximum(known, 1), np.nan)


def as_dict(found: Comparison) -> dict[str, Any]:
    """The backtest as JSON; a figure that there is none of (nobody came, a peer was never off) is None."""
    ratios = []
    if LEARNED in found.methods:
        for low, high in BUCKETS_H:
            if not ((found.elapsed_h > low) & (found.elapsed_h <= high)).any():
                continue
            for name in found.methods:
                if name != LEARNED:
                    ratio, (least, most) = found.ratio(LEARNED, name, low, high)
                    row = {"peer": name, "from_h": low, "until_h": high, "ratio": ratio, "least": least, "most": most}
                    ratios.append(_without_nan(row))
    return {
        "places": list(found.places),
        "origins": [iso(int(moment)) for moment in found.origins_us],
        "figures": [_without_nan(row) for row in found.figures()],
        "ratios": ratios,
    }


def _without_nan(row: dict[str, Any]) -> dict[str, Any]:
    return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()}


def lines(found: Comparison) -> list[str]:
    """The backtest as a table: nMAE by method and range of horizons, then how well the intervals covered."""
    rows = found.figures()
    spans = list(dict.fromkeys((row["from_h"], row["until_h"]) for row in rows))
    head = "nMAE, hours ahead".ljust(20) + "".join(f"{low:g}–{high:g}".rjust(9) for low, high in spans)
    told = [f"{len(found.origins_us)} forecasts of {len(found.places)} places", head]
    for name in found.methods:
        mine = {(row["from_h"], row["until_h"]): row for row in rows if row["method"] == name}
        told.append(name.ljust(20) + "".join(f"{mine[span]['nmae']:9.3f}" for span in spans))
    for name, method in found.methods.items():
        if method.quantiles is not None:
            mine = {(row["from_h"], row["until_h"]): row for row in rows if row["method"] == name}
            for key, title in (("crps", "CRPS / mean"), ("coverage_80", "within 80 %"), ("coverage_90", "within 90 %")):
                told.append(f"  {title}".ljust(20) + "".join(f"{mine[span][key]:9.3f}" for span in spans))
    return told


@dataclass(frozen=True, slots=True)
class Moments:
    """When to forecast: ``count`` moments from ``from_us`` on (else from 90 days before the end, or eight days
    after the begin), ``every_us`` (else so that they fill what there is), at local ``hours`` in turn (else at the first one's),
    each ``horizon_us`` ahead."""

    from_us: int | None
    count: int
    every_us: int | None
    hours: tuple[int, ...] | None
    horizon_us: int

    def within(self, lab: Lab, span: tuple[int, int], tick_us: int) -> list[int]:
        """The moments, µs. Raises ``RuimteError`` where they do not lie within what is known."""
        # a week has to lie before the first, and its hour may be moved to an earlier one of its day
        settled_us = span[0] + 8 * DAY_US if span[0] + 8 * DAY_US <= span[1] else span[0]
        first_us = max(settled_us, span[1] - 90 * DAY_US) if self.from_us is None else self.from_us
        room_us = max(0, span[1] - self.horizon_us - first_us) // self.count
        every_us = max(tick_us, room_us // DAY_US * DAY_US or room_us) if self.every_us is None else self.every_us
        moments = [first_us + number * every_us for number in range(self.count)]
        if _near(moments, span):
            moments = [self._at_hour(lab, moment, number) for number, moment in enumerate(moments)]
        if any(later - earlier < tick_us for earlier, later in pairwise(moments)):
            what = "the moments do not follow each other, tick by tick"
            raise RuimteError(what, "--origins, --every and --hours", "choose fewer --origins or a longer --every")
        if moments[-1] > span[1] or moments[0] < span[0]:
            first, last, begin, end = (_shown(us, lab) for us in (moments[0], moments[-1], *span))
            what = f"from {first} to {last} is asked, from {begin} to {end} is known"
            raise RuimteError(
                what, "--from, --origins and --every", "choose another --from, fewer --origins or a shorter --every"
            )
        return moments

    def _at_hour(self, lab: Lab, moment_us: int, number: int) -> int:
        """The moment, moved to the hour of its local day whose turn it is."""
        if self.hours is None:
            return moment_us
        local = from_us(moment_us).astimezone(lab.zone)
        return to_us(local.replace(hour=self.hours[number % len(self.hours)], minute=0, second=0, microsecond=0))


def _near(moments: list[int], span: tuple[int, int]) -> bool:
    """Whether all lie within what is known, give or take a day."""
    return span[0] - DAY_US <= moments[0] and moments[-1] <= span[1] + DAY_US


def _shown(moment_us: int, lab: Lab) -> str:
    try:
        return from_us(moment_us).astimezone(lab.zone).strftime("%Y-%m-%dT%H:%M")
    except OverflowError:
        return "a year that no calendar has"


def run_backtest(
    lab: Lab,
    model: Model,
    source: Reader,
    bundle: Bundle,
    moments: Moments,
    methods: tuple[str, ...] | None = None,
    progress: Progress = lambda share: None,
) -> Comparison:
    """The backtest of a lab from its database.

    Raises ``RuimteError`` where the moments do not fit into what is known, or a method is not known or not installed.
    """
    require_ticks(model)
    require_horizon(model, moments.horizon_us)
    span = source.read(observations.span)
    if span is None:
        mend = f"import a file first: ruimte import {lab.key} FILE --format …"
        raise RuimteError("holds no observations yet", str(source.path), mend)
    asked = moments.within(lab, span, model.tick_us)
    extra = _extras(model, tuple(name for name in methods or () if name not in METHODS))
    known_us = asked[0] - (PAST_DAYS + KEPT_DAYS + (_PEERS_DAYS if extra else 400)) * DAY_US
    found = actual(model, source, max(span[0] - DAY_US, known_us), span[1] + 1, lambda share: progress(0.3 * share))
    ticks = np.array([model.tick_of(moment) - 1 for moment in asked], dtype=np.int64)
    chosen = tuple(name for name in METHODS if methods is None or name in methods)
    return backtest(
        model, found, ticks, moments.horizon_us / HOUR_US, bundle, chosen, extra, lambda share: progress(0.3 + 0.7 * share)
    )


def first_day(found: Comparison, lab: Lab) -> str:
    """The local day of the first moment of a comparison."""
    return str(from_us(int(found.origins_us[0])).astimezone(lab.zone).date())


def _extras(model: Model, names: tuple[str, ...]) -> dict[str, Callable[[Array, float, Ints, int], Method]]:
    """Methods of other libraries. Raises ``RuimteError`` for one that is not known, or whose package is missing."""
    unknown = [name for name in names if name not in PEERS]
    if unknown:
        raise RuimteError(f"no such method {unknown[0]!r}", "--methods", f"choose of {', '.join((*METHODS, *PEERS))}")
    if not names:
        return {}
    if blocks_a_day(model) != DAY_H:
        raise RuimteError("they forecast hours, and the lab's ticks are shorter", ", ".join(names), "leave them out")
    try:
        from ruimte.jobs import peers
    except ImportError as error:
        raise RuimteError("is not installed", f"package {error.name}", "pip install 'ruimte[peers]'") from None
    return {name: peers.method(name, model) for name in names}

"""How good are a lab's warnings? Replay its past tick by tick, warn as if it were now, and compare with what came.

Three methods see the same past and the same rules of a warning's life:

- ``ruimte``: the state now, the learned forecast, and surges;
- ``profile``: the state now and the forecast from the weekly profile, as the crowd monitor of Amsterdam does it;
- ``threshold``: a fixed limit on the current value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ruimte.clock import DAY_US, HOUR_US, MINUTE_US
from ruimte.errors import RuimteError
from ruimte.estimate import advance
from ruimte.forecast.errors import exceedance
from ruimte.forecast.forecaster import Forecaster
from ruimte.forecast.model_file import Bundle
from ruimte.jobs.counted import Counted
from ruimte.jobs.endings import Endings
from ruimte.jobs.forecasters import feed_past, live_forecaster
from ruimte.jobs.history import Actual, actual, require_ticks
from ruimte.jobs.warner import Warner
from ruimte.lab.lab import Lab
from ruimte.lab.levels import colour
from ruimte.model.forecast import Forecast
from ruimte.model.place import Model
from ruimte.store import observations
from ruimte.store.sqlite import Reader, Store
from ruimte.text import duration_us
from ruimte.warn.evaluate import Chances, chances, tally
from ruimte.warn.quality import METHODS, LevelQuality, Method, Quality
from ruimte.warn.thresholds import Thresholds
from ruimte.warn.unusual import Unusual

Array = NDArray[np.float64]
Progress = Callable[[float], None]
LEADS_US = (15 * MINUTE_US, 30 * MINUTE_US, HOUR_US)
"""So far ahead passages are asked for, and chances judged."""
APART_US = 30 * MINUTE_US
"""So long below a level parts two passages into it."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A warning that asked for an answer: it opened or was raised at a place (an index) when ``tick`` had ended."""

    tick: int
    place: int
    rank: int
    level: str
    priority: int
    surge: bool


@dataclass(slots=True)
class Heard:
    """What one method told: by tick and place the ``ranks`` that were warned of (-1: none), the ``chance`` of each level at each
    lead, shape (places, levels, leads), and its alarms."""

    ranks: list[list[int]] = field(default_factory=list)
    chance: list[Array] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)


class Replay:
    """One lab, tick by tick, under every method. ``feed`` it its past first, then ``tick``."""

    def __init__(self, lab: Lab, model: Model, bundle: Bundle | None) -> None:
        self.lab = lab
        self.model = model
        self.first: int | None = None
        self.mean = np.full(len(model.places), np.nan)
        self.state: bytes | None = None
        self.heard: dict[Method, Heard] = {method: Heard() for method in METHODS}
        horizons = max(1, duration_us(lab.file.forecast.horizon) // model.tick_us)
        self.leads = tuple(dict.fromkeys(max(1, lead // model.tick_us) for lead in LEADS_US if lead // model.tick_us <= horizons))
        self._profile = Forecaster(model, horizons)
        self._live = live_forecaster(lab, model, horizons, bundle)
        self._unusual = Unusual(model, duration_us(lab.file.unusual.history))
        self.thresholds = Thresholds(lab, model, self._unusual)
        self._warners = {method: Warner(lab, model, self.thresholds) for method in METHODS}
        self._least_colour = colour(lab.file.warn.from_level)
        self._before = np.full(len(model.places), np.nan)
        self._counted = Counted(model)
        self._endings = Endings(lab, model, threads=1)

    @property
    def needs_ticks(self) -> int:
        """How many ticks of the past make it as good as it gets."""
        return max(
            self._profile.needs_ticks, self._live.needs_ticks, self._unusual.needs_ticks if self.thresholds.needs_past else 0
        )

    def feed(self, past: Actual, progress: Progress = lambda share: None) -> None:
        """Take in what came before."""
        self.state = past.state
        ticks = past.values.shape[1]
        numbers = past.first + np.arange(ticks)
        for tick, values in zip(numbers.tolist(), past.values.T, strict=True):
            self._unusual.observe(tick, values)
        feed_past(self._profile, numbers, past.values.T, lambda share: progress(0.3 * share))
        self._endings.learn(numbers, past.values.T)
        feed_past(self._live, numbers, past.values.T, lambda share: progress(0.3 + 0.7 * share))
        if ticks:
            self._before = past.values[:, -1]

    def tick(self, rows: pa.Table, end_us: int) -> None:
        """Take in what was received up to the tick that ends at ``end_us``, and let every method warn."""
        tick, mean, sd, left_out = self._take_in(rows, end_us)
        self.first = tick if self.first is None else self.first
        limits, _ = self.thresholds.warning(tick + np.arange(max(self.leads) + 1), self._least_colour)
        live, profile = self._live.issue(), self._profile.issue()
        for method in METHODS:
            forecast = live if method == "ruimte" else profile if method == "profile" else None
            exact = np.zeros(len(mean)) if method == "threshold" else sd
            also = self._also(end_us, mean, sd) if method == "ruimte" else None
            self._warn(method, rows, left_out, mean, exact, forecast, also, end_us, tick)
            self.heard[method].chance.append(self._chance(method, mean, forecast, also, limits))
        self._before = mean

    def follow(self, rows: pa.Table, end_us: int) -> None:
        """Take in what was received up to the tick that ends at ``end_us``, without warning yet."""
        self._before = self._take_in(rows, end_us)[1]

    def _take_in(self, rows: pa.Table, end_us: int) -> tuple[int, Array, Array, list[list[int]]]:
        model = self.model
        self._counted.note(rows, end_us)
        self.state, states = advance(model, self.state, rows, end_us + model.lateness_us)
        places = len(model.places)
        newest = states.slice(max(0, states.num_rows - places))
        if newest.num_rows < places or int(newest["end_us"][-1].as_py()) != end_us:
            raise RuimteError("nothing was received", "--from", "choose a time at which observations are there")
        tick = int(model.tick_of_end(np.array([end_us]))[0])
        seen = newest["observed"].to_numpy() > 0
        mean, sd = (newest[name].to_numpy() for name in ("mean", "sd"))
        values = np.where(seen, mean, np.nan)
        self._unusual.observe(tick, values)
        self._profile.observe(tick, values)
        self._live.observe(tick, values)
        self.mean = values
        return tick, mean, sd, newest["left_out"].to_pylist()

    def _warn(
        self,
        method: Method,
        rows: pa.Table,
        left_out: list[list[int]],
        mean: Array,
        sd: Array,
        forecast: Forecast | None,
        also: Array | None,
        end_us: int,
        tick: int,
    ) -> None:
        warner, heard = self._warners[method], self.heard[method]
        risks = warner.risks(end_us, mean, sd, forecast, also)
        if method == "ruimte":
            found = warner.surges(rows, self.state, left_out, end_us)
            risks = warner.with_surges(risks, found, self._before, end_us)
        for index, kind, warning in warner.look(risks, ~np.isnan(mean), end_us + self.model.lateness_us):
            if kind in ("opened", "raised"):
                heard.alarms.append(Alarm(tick, index, warning.rank, warning.level, warning.priority, warning.surge))
        standing = {warning.place: warning.rank for warning in warner.book.open_warnings()}
        heard.ranks.append([standing.get(place.key, -1) for place in self.model.places])

    def _also(self, end_us: int, mean: Array, sd: Array) -> Array | None:
        leaving = self._warners["ruimte"].leaving(self._endings, end_us, mean, sd, self._counted)
        return None if leaving is None else leaving.chance

    def _chance(self, method: Method, mean: Array, forecast: Forecast | None, also: Array | None, limits: Array) -> Array:
        """P(above each level) at each lead, shape (places, levels, leads)."""
        ahead = limits[:, :, list(self.leads)]
        if method == "threshold":
            above = (mean[:, None, None] >= ahead).astype(np.float64)
            return np.where(np.isnan(mean)[:, None, None] | np.isnan(ahead), np.nan, above)
        if forecast is None:
            return np.full(ahead.shape, np.nan)
        told = exceedance(forecast.quantiles[:, None, [lead - 1 for lead in self.leads]], ahead)
        return told if also is None else np.fmax(told, also[:, :, [min(lead, also.shape[2] - 1) for lead in self.leads]])


def judge(replay: Replay, truth: Array) -> Quality:
    """Hold what was told since the replay's first tick against what came.

    Args:
        replay: after its ticks.
        truth: what came, shape (places, ticks), in the places' own quantity; NaN is not known.
    """
    model, ticks = replay.model, truth.shape[1]
    assert replay.first is not None
    quality = Quality(model.tick_us, replay.leads, periods=1, days=ticks * model.tick_us / DAY_US)
    apart = max(1, APART_US // model.tick_us)
    grace = max(1, duration_us(replay.lab.file.warn.look_ahead) // model.tick_us)
    limits, names = replay.thresholds.warning(replay.first + np.arange(ticks), colour(replay.lab.file.warn.from_level))
    above = truth[:, None] >= limits  # NaN is above nothing
    known = ~np.isnan(truth)
    for method, heard in replay.heard.items():
        told = np.stack(heard.chance, axis=-1)  # places, levels, leads, ticks
        for place, levels in enumerate(names):
            ranks = [each[place] for each in heard.ranks]
            for rank, level in enumerate(levels):
                mine = quality.levels.setdefault(level, {}).setdefault(method, LevelQuality())
                mine.tally.add(tally(above[place, rank], ranks, rank, apart=apart, grace=grace, days=quality.days))
                for at, lead in enumerate(replay.leads):
                    found = chances(told[place, rank, at, : ticks - lead], above[place, rank, lead:], known[place, lead:])
                    mine.chances.setdefault(lead, Chances()).add(found)
        counts, false = {1: 0, 2: 0, 3: 0}, {1: 0, 2: 0, 3: 0}
        for alarm in heard.alarms:
            at = alarm.tick - replay.first
            stands = next((k for k in range(at, ticks) if heard.ranks[k][alarm.place] < alarm.rank), ticks)
            counts[alarm.priority] += 1
            false[alarm.priority] += not above[alarm.place, alarm.rank, at : stands + grace].any()
        quality.alarms[method], quality.false[method] = counts, false
    return quality


def judge_warnings(
    lab: Lab,
    model: Model,
    source: Reader | Store,
    bundle: Bundle | None,
    from_us: int,
    until_us: int,
    truth: Callable[[int, int], Array] | None = None,
    progress: Progress = lambda share: None,
) -> Quality:
    """Replay ``[from_us, until_us)`` of a lab's database, and judge the warnings.

    Args:
        lab: the lab.
        model: the same, compiled for the database.
        source: the database.
        bundle: what the learned forecast knows; None: the profile alone.
        from_us: begin.
        until_us: end.
        truth: what came, shape (places, ticks), given a first tick and their number; else it is the estimate that was made at the
            time (of a count point: what was counted), for lack of another.
        progress: told the share that is done.

    Raises ``RuimteError`` where the period is shorter than an hour, or nothing was received in it.
    """
    if bundle is not None:
        require_ticks(model)
    replay = Replay(lab, model, bundle)
    first, last = int(model.tick_of(from_us)), int(model.tick_of(until_us))
    if last <= first:
        raise RuimteError("the end lies before the beginning", "--from and --to", "set a later --to")
    if (last - first) * model.tick_us < HOUR_US:
        raise RuimteError("the time is too short to judge", "--from and --to", "set a later --to")
    begin_us = model.tick_end_us(first - 1)
    replay.feed(
        actual(model, source, begin_us - replay.needs_ticks * model.tick_us, begin_us, lambda share: progress(0.2 * share)),
        lambda share: progress(0.2 + 0.2 * share),
    )
    means = []
    for tick in range(first, last):
        end_us = model.tick_end_us(tick)
        due = end_us + model.lateness_us
        rows = source.read(lambda c, d=due: observations.received(c, d - model.tick_us, d))  # type: ignore[misc]
        replay.tick(rows, end_us)
        means.append(replay.mean)
        progress(0.4 + 0.6 * (tick - first + 1) / (last - first))
    came = np.stack(means, axis=1) if truth is None else truth(first, last - first)
    return judge(replay, came)


def read_truth(path: Path, model: Model) -> Callable[[int, int], Array]:
    """What really came, from a Parquet file with the columns ``place`` (key), ``end_us`` and ``people``; missing is not known.

    Raises ``RuimteError`` where the file is no such file.
    """
    if not path.exists():
        raise RuimteError("no such file", str(path), "check the path of --truth")
    try:
        table = pq.read_table(path, columns=["place", "end_us", "people"])
    except (OSError, pa.ArrowException, KeyError) as error:
        what = f"is not a table of what came ({error})".splitlines()[0]
        raise RuimteError(what, str(path), "write Parquet with the columns place, end_us and people") from None
    index = {place.key: number for number, place in enumerate(model.places)}
    rows = np.array([index.get(key, -1) for key in table["place"].to_pylist()], dtype=np.int64)
    ticks, people = model.tick_of_end(table["end_us"].to_numpy()), table["people"].to_numpy().astype(np.float64)

    def truth(first: int, count: int) -> Array:
        came = np.full((len(model.places), count), np.nan)
        there = (rows >= 0) & (ticks >= first) & (ticks < first + count)
        came[rows[there], ticks[there] - first] = people[there]
        return came

    return truth


def as_dict(quality: Quality) -> dict[str, Any]:
    """For ``--json``."""
    minutes = quality.tick_us / MINUTE_US
    return {
        "periods": quality.periods,
        "days": quality.days,
        "levels": {
            level: {method: _level_dict(found, quality, minutes) for method, found in methods.items()}
            for level, methods in quality.levels.items()
        },
        "alarms_a_day": {m: {str(p): n / quality.days for p, n in counts.items()} for m, counts in quality.alarms.items()},
        "false_a_day": {m: {str(p): n / quality.days for p, n in counts.items()} for m, counts in quality.false.items()},
    }


def _level_dict(found: LevelQuality, quality: Quality, minutes: float) -> dict[str, Any]:
    one = found.tally
    return {
        "passages": one.passages,
        "hits": {f"{lead * minutes:g}m": one.hits(lead) for lead in (0, *quality.leads)},
        "noticed": {f"{lead * minutes:g}m": sum(each >= lead for each in one.noticed) for lead in (0, *quality.leads)},
        "missed": one.missed,
        "alarms": one.alarms,
        "false": one.false,
        "lead_minutes": [each * minutes for each in sorted(one.leads)],
        "brier": {f"{lead * minutes:g}m": _none(each.brier) for lead, each in found.chances.items()},
        "reliability": {
            f"{lead * minutes:g}m": [
                {"told": told / count, "came": came / count, "count": int(count)}
                for count, told, came in zip(each.count.tolist(), each.told.tolist(), each.came.tolist(), strict=True)
                if count
            ]
            for lead, each in found.chances.items()
        },
    }


def lines(quality: Quality) -> list[str]:
    """As a table: a line for each level and method."""
    minutes = quality.tick_us / MINUTE_US
    head = [f"{f'≥ {lead * minutes:g} min':>9}" for lead in quality.leads]
    briers = [f"{f'Brier {lead * minutes:g}':>10}" for lead in quality.leads]
    told = [
        f"{quality.days:.1f} days",
        f"{'level':6}{'method':11}{'passages':>9}{'hit':>6}{''.join(head)}{'noticed':>9}{'missed':>8}{'alarms/d':>10}{'false/d':>9}"
        f"{'lead':>8}{''.join(briers)}",
    ]
    for level, methods in quality.levels.items():
        for method, found in methods.items():
            one = found.tally
            ahead = "".join(f"{one.hits(lead):9}" for lead in quality.leads)
            lead = f"{np.median(one.leads) * minutes:.0f} min" if one.leads else "–"
            scores = "".join(f"{_figure(found.chances[lead].brier):>10}" for lead in quality.leads)
            noticed = sum(each >= quality.leads[0] for each in one.noticed)
            told.append(
                f"{level:6}{method:11}{one.passages:9}{one.hits(0):6}{ahead}{noticed:9}{one.missed:8}"
                f"{one.alarms / quality.days:10.2f}{one.false / quality.days:9.2f}{lead:>8}{scores}"
            )
    for method, counts in quality.alarms.items():
        each = ", ".join(f"{priority}: {_a_day(counts, quality.false[method], priority, quality.days)}" for priority in (1, 2, 3))
        told.append(f"{method:11}alarms a day by priority (false): {each}")
    return told


def _a_day(counts: Mapping[int, int], false: Mapping[int, int], priority: int, days: float) -> str:
    return f"{counts.get(priority, 0) / days:.2f} ({false.get(priority, 0) / days:.2f})"


def _figure(value: float) -> str:
    return "–" if value != value else f"{value:.4f}"


def _none(value: float) -> float | None:
    return None if value != value else value

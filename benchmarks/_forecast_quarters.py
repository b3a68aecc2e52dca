"""The next two hours, in quarters of an hour: passengers at the Hardbrücke stop in 2020, a year of lockdowns."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from benchmarks._report import Row, row
from benchmarks._rows import Array
from benchmarks._zurich import Year
from ruimte.clock import SECOND_US, to_us
from ruimte.forecast.blocks import Blocks
from ruimte.forecast.learn import learn
from ruimte.forecast.learned import Learned
from ruimte.forecast.outlook import QUARTERS, Outlook
from ruimte.forecast.usual import level_of, usual_of
from ruimte.jobs.history import Actual, city_of
from ruimte.jobs.models import shipped
from ruimte.model.place import Model, Place

_ZONE = ZoneInfo("Europe/Zurich")
SHOWN = {15: 1, 30: 2, 60: 4, 120: 8}
"""Minutes ahead, and the quarter that ends then."""


def quarter_rows(year: Year, quick: bool) -> list[Row]:
    """Every line and direction by itself, March to December; the model of quarters learns anew each month from what was before
    it.

    The model of hours is the one that comes with Ruimte: it has never seen this city.
    """
    model = _lines(year)
    values = year.counts.T / (model.tick_us / SECOND_US)
    first = model.tick_of(year.start_us)
    blocks = Blocks(model, QUARTERS)
    hours = shipped().hours
    errors: dict[str, dict[int, list[Array]]] = {}
    truth: dict[int, list[Array]] = {minutes: [] for minutes in SHOWN}
    for month in range(3, 13):
        begin = model.tick_of(to_us(datetime(2020, month, 1, tzinfo=_ZONE)))
        after = datetime(2020 + month // 12, month % 12 + 1, 1, tzinfo=_ZONE)
        end = min(model.tick_of(to_us(after)), first + values.shape[1] - 24)
        quarters = _quarters(model, Actual(values[:, : begin - first], first), quick)
        outlook = Outlook(model, hours, quarters, 8)
        # every 65 minutes (quick: 195), so that all minutes of the hour have their turn
        for tick in range(begin, end, 39 if quick else 13):
            known = values[:, : tick - first + 1]
            told, past = outlook.tell(known, tick)
            ahead = blocks.ahead(tick, 8)
            came = blocks.means(values, first + values.shape[1] - 1, ahead.ticks)
            shape = np.repeat(hours.shape, 4)
            level = level_of(past, shape)
            usual = usual_of(past, ahead.wall, shape, level).value
            recent = usual_of(past, np.arange(-1, 1), shape, level).value.mean(axis=1)
            now = past.at(np.arange(-1, 1)).mean(axis=1)
            ratio = np.clip((now + 3) / (recent + 3), 0.1, 10)
            said = {
                "Ruimte": told.middle(),
                "persistence": np.repeat(past.at(np.array([0])), 8, axis=1),
                "profile × ratio": usual * ratio[:, None],
                "last week": past.at(ahead.wall - past.week),
            }
            both = ~np.isnan(came)
            for each in said.values():
                both &= ~np.isnan(each)
            for minutes, quarter in SHOWN.items():
                at = both[:, quarter - 1]
                truth[minutes].append(came[at, quarter - 1])
                for name, each in said.items():
                    off = np.abs(each - came)[at, quarter - 1]
                    errors.setdefault(name, {}).setdefault(minutes, []).append(off)
    rows = []
    for minutes in SHOWN:
        total = np.concatenate(truth[minutes]).sum()
        share = {name: float(np.concatenate(each[minutes]).sum() / total) for name, each in errors.items()}
        best = min((name for name in share if name != "Ruimte"), key=lambda name, share=share: share[name])  # type: ignore[misc]
        title = f"Hardbrücke 2020, {minutes} min ahead: nMAE"
        rows.append(row(title, share["Ruimte"], "", ratio_most=0.9, peer=best, peer_value=share[best]))
    return rows


def _lines(year: Year) -> Model:
    """Each line and direction as a count point of its own."""
    names = [stream.key for stream in year.model.streams]
    places = tuple(Place(name, name, "flow", name) for name in names)
    return replace(year.model, places=places, links=(), streams=(), readings=(), facts=(), occasions=(), loads=())


def _quarters(model: Model, seen: Actual, quick: bool) -> Learned:
    return learn([city_of(model, seen, QUARTERS)], QUARTERS, rows=40_000 if quick else 120_000)

"""What the learned forecast looks at, of every place and block ahead, as seen from one moment.

All levels are told as log-ratios to the usual, so that a small street and a large square, and one city and another, look alike.
Every row is made from a ``Past`` that ends at the moment, and from the calendar: nothing here can look ahead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ruimte.forecast.past import DAY_H, Past
from ruimte.forecast.special import Memory
from ruimte.forecast.usual import LEVEL_DAYS, OFFSET, level_of, log_ratio, slots, usual_of

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

WINDOWS_H = (1, 2, 3, 6, 24, 168)
"""The last so many hours are compared with their usual; of quarters of an hour 1, 2, 4, 12, 96 and 672 of them."""
WINDOWS_QUARTER = (1, 2, 4, 12, 96, 672)
_CITY = (0, 2, 4, 5)
"""Of which of those windows the whole city's ratio is told."""
_CLASSES = ("weekdays", "saturdays", "sundays")
_CLASS_FADE = (0.9, 0.75, 0.75)
_SMOOTH = 1e-9

NAMES: tuple[str, ...] = (
    "horizon",  # hours ahead
    "weeks",  # of the same weekday and hour that are known
    "age",  # hours of the last 8 weeks that are known
    "size",  # log(usual + 3)
    "median",  # of the last 8 weeks, as log-ratio to the usual, as all below
    "faded",
    "last_week",
    "week_before",
    "spread",  # standard deviation of log(y + 3) over the weeks
    "pooled",  # level × the pooled shape
    *(f"ratio_{k}" for k in range(6)),  # the last windows against their usual
    *(f"city_{k}" for k in _CITY),
    "turn",  # how the last window's ratio differs from that of the last three
    "same_time_last_day",  # ratio to its usual at the same time of the last day that is known
    "same_time_day_before",
    "same_time_last_week",
    "hour",
    "weekday",
    "holiday",
    "to_holiday",  # days
    "from_holiday",
    "school",
    "now_holiday",
    "now_from_holiday",
    *_CLASSES,  # faded mean at this hour over the days of each class
    "own_class",
    "special",  # what the same special day was like before, the city's ratio
    "special_weight",
    "now_special",
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What is seen from one moment: ``rows`` (places, blocks, features) in the order of ``NAMES``, and the ``usual`` of each."""

    rows: NDArray[np.float32]
    usual: Array


def features(past: Past, shape: Array, memory: Memory, ahead: Ints, elapsed_h: Array, special: Array | None = None) -> Seen:
    """The features of the blocks that end ``ahead`` blocks from the moment.

    Args:
        past: what is known.
        shape: pooled shape of a week, (blocks a week,).
        memory: what special days were like.
        ahead: blocks ahead by the wall's clock, rising from 1 on, shape (blocks,).
        elapsed_h: hours that will have passed at the end of each, shape (blocks,); differs at a change of clocks.
        special: usual of blocks that are unlike other weeks (see ``occasions``), shape (places, one week + blocks): of the last
            week and of those ahead; NaN where the week's own holds. NaN throughout where None.
    """
    week = past.week
    level = level_of(past, shape)
    recent = np.arange(-week + 1, 1)
    coming = usual_of(past, ahead, shape, level)
    before = usual_of(past, recent, shape, level).value
    usual = coming.value
    if special is not None:
        before = np.where(np.isnan(special[:, :week]), before, special[:, :week])
        usual = np.where(np.isnan(special[:, week:]), usual, special[:, week:])
    places, blocks = usual.shape
    out = np.empty((places, blocks, len(NAMES)), dtype=np.float32)
    column = {name: index for index, name in enumerate(NAMES)}

    def put(name: str, value: NDArray[Any] | float) -> None:
        out[:, :, column[name]] = value

    put("horizon", elapsed_h)
    put("weeks", coming.weeks)
    put("age", (~np.isnan(past.values[:, -8 * week :])).sum(axis=1)[:, None] * (DAY_H / past.per_day))
    put("size", np.log(usual + OFFSET))
    for name, value in (
        ("median", coming.median),
        ("faded", coming.faded),
        ("last_week", coming.last),
        ("week_before", coming.before_last),
    ):
        put(name, log_ratio(value, usual))
    put("spread", coming.spread)
    put("pooled", log_ratio(level[:, None] * shape[slots(past, ahead)], usual))

    actual = past.at(recent)
    both = ~np.isnan(actual) & ~np.isnan(before)
    counted, expected = np.where(both, actual, 0.0), np.where(both, before, 0.0)
    for number, window in enumerate(WINDOWS_H if past.per_day == DAY_H else WINDOWS_QUARTER):
        known = both[:, -window:].sum(axis=1)
        mine = (each[:, -window:].sum(axis=1) for each in (counted, expected))
        with np.errstate(invalid="ignore"):
            put(
                f"ratio_{number}",
                np.where(known > 0, log_ratio(*(total / np.maximum(known, 1) for total in mine)), np.nan)[:, None],
            )
        if number in _CITY:
            city = counted[:, -window:].sum(), expected[:, -window:].sum()
            put(f"city_{number}", float(np.log((city[0] + OFFSET) / (city[1] + OFFSET))) if city[1] > 0 else np.nan)

    put("turn", out[:, :, column["ratio_0"]] - out[:, :, column["ratio_2"]])
    ratio = np.where(both, log_ratio(np.where(both, actual, 0.0), np.where(both, before, 0.0)), np.nan)
    back = ahead - past.per_day * (-(-ahead // past.per_day))
    put("same_time_last_day", _column(ratio, back))
    put("same_time_day_before", _column(ratio, back - past.per_day))
    put("same_time_last_week", _column(ratio, ahead - week))

    start_h = past.start_h(ahead)
    day = past.day_index(ahead)
    today = int(past.day_index(np.array([0]))[0])
    days = past.days
    put("hour", start_h % DAY_H)
    put("weekday", (days.first + day + 3) % 7)
    put("holiday", days.holiday[day])
    put("to_holiday", days.ahead[day])
    put("from_holiday", days.back[day])
    put("school", days.school[day])
    put("now_holiday", float(days.holiday[today]))
    put("now_from_holiday", float(days.back[today]))
    by_class = _by_class(past, ahead)
    for name, value in zip(_CLASSES, by_class, strict=True):
        put(name, log_ratio(value, usual))
    kind = _class_of(past, day)
    put("own_class", log_ratio(by_class[kind, :, np.arange(blocks)].T, usual))
    hour = np.floor(start_h + _SMOOTH).astype(np.int64) % DAY_H
    told = [memory.of(days.special[index]) for index in day]
    put("special", np.array([mean[h] for (mean, _), h in zip(told, hour, strict=True)]))
    put("special_weight", np.array([weight[h] for (_, weight), h in zip(told, hour, strict=True)]))
    now_h = int(np.floor(past.end_h - DAY_H / past.per_day + _SMOOTH)) % DAY_H
    put("now_special", float(memory.of(days.special[today])[0][now_h]))
    return Seen(out, usual)


def _column(table: Array, ahead: Ints) -> Array:
    """Columns of a table that ends at the moment, by blocks from it (0: the newest); NaN before its begin and after its end."""
    newest = table.shape[1] - 1
    column = newest + ahead
    return np.where((column >= 0) & (ahead <= 0), table[:, np.clip(column, 0, newest)], np.nan)


def _class_of(past: Past, day: Ints) -> Ints:
    """0 for working days, 1 for Saturdays, 2 for Sundays and public holidays."""
    weekday = (past.days.first + day + 3) % 7
    return np.where(past.days.holiday[day] | (weekday == 6), 2, np.where(weekday == 5, 1, 0))


def _by_class(past: Past, ahead: Ints) -> Array:
    """Faded mean at the same time over the last four weeks' days of each class, shape (3, places, blocks), newest weighing
    most.
    """
    time = (ahead - 1) % past.per_day  # blocks from the moment that share a time of day
    source = np.arange(1 - past.per_day, 1)[None, :] - past.per_day * np.arange(LEVEL_DAYS)[:, None]
    values = past.at(source)  # (places, days, times)
    kind = _class_of(past, past.day_index(source))
    means = []
    for number, fade in enumerate(_CLASS_FADE):
        mine = (kind == number) & ~np.isnan(values)
        # how many days of the class, known or not, lie after each
        weight = mine * fade ** (np.cumsum(kind == number, axis=0) - (kind == number))
        total = weight.sum(axis=1)
        with np.errstate(invalid="ignore"):
            mean = (np.where(mine, values, 0.0) * weight).sum(axis=1) / np.where(total > 0, total, np.nan)
        means.append(mean[:, time])
    return np.stack(means)

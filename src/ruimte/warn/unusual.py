"""What is unusual for this weekday and hour: percentiles of the past, for places whose width and area are not known.

Of each local time slot of the week, the values of the past year in that slot and its two neighbours give the 50th, 90th, 95th and
99th percentile. It says "busier than nearly ever at this hour", which is not "dangerous": it is named as such wherever it shows.
"""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from ruimte.clock import DAY_US
from ruimte.model.place import Model
from ruimte.model.rolling import Rolling

Array = NDArray[np.float64]

SHARES = (0.5, 0.9, 0.95, 0.99)
LEAST_VALUES = 24
"""With fewer values in a slot and its neighbours (eight weeks of three), there is no threshold."""
_TABLES_KEPT = 4


class Unusual:
    """Percentiles by slot of the week, for all places, from up to ``history_us`` of past.

    May be asked by one thread while another one feeds it.
    """

    def __init__(self, model: Model, history_us: int) -> None:
        self._model = model
        self._week_ticks = int(7 * DAY_US // model.tick_us)
        self._weeks = int(max(1, history_us // (7 * DAY_US)))
        # two weeks more than a table needs: the one that runs, and one to look back on
        self._past = Rolling(len(model.places), (self._weeks + 2) * self._week_ticks)
        self._tables: dict[int, Array] = {}
        self._lock = threading.Lock()

    @property
    def needs_ticks(self) -> int:
        """How many ticks of the past make it as good as it gets."""
        return (self._weeks + 1) * self._week_ticks

    def observe(self, tick: int, values: Array) -> None:
        """Take in the values of all places, shape (places,), at a tick, in order."""
        with self._lock:
            self._past.put(tick, values)

    def percentiles(self, ticks: NDArray[np.int64], known_at: int) -> Array:
        """The 50th, 90th, 95th and 99th percentile for ticks past or to come: (places, ticks, 4); NaN where too little is known.

        They are told as at tick ``known_at``, from the weeks before the one that holds it, so that they stay the same for a week
        and whoever looks back sees what was seen then.
        """
        with self._lock:
            table = self._table(known_at // self._week_ticks)
        return table[:, self._slots(ticks)]

    def _table(self, week: int) -> Array:
        table = self._tables.get(week)
        if table is None:
            table = self._make(week * self._week_ticks)
            if self._past.tick is not None and self._past.tick >= week * self._week_ticks - 1:
                self._tables[week] = table
                self._tables = dict(list(self._tables.items())[-_TABLES_KEPT:])
        return table

    def _slots(self, ticks: NDArray[np.int64]) -> NDArray[np.int64]:
        return (ticks + self._model.local_shift(ticks)) % self._week_ticks

    def _make(self, start: int) -> Array:
        """The table that holds from tick ``start`` on."""
        places, slots = len(self._model.places), self._week_ticks
        ticks = start + np.arange(-self._weeks * slots, 0)
        by_slot = np.full((places, slots, self._weeks), np.nan)
        by_slot[:, self._slots(ticks), np.arange(len(ticks)) // slots] = self._values(ticks)
        pooled = np.concatenate([np.roll(by_slot, move, axis=1) for move in (-1, 0, 1)], axis=2)
        pooled = np.sort(pooled, axis=2)  # NaN last
        known = np.sum(~np.isnan(pooled), axis=2)
        table = np.full((places, slots, len(SHARES)), np.nan)
        for index, share in enumerate(SHARES):
            position = np.ceil(share * np.maximum(known, 1)).astype(np.int64) - 1
            table[..., index] = np.take_along_axis(pooled, position[..., None], axis=2)[..., 0]
        table[known < LEAST_VALUES] = np.nan
        return table

    def _values(self, ticks: NDArray[np.int64]) -> Array:
        """What the past holds of these ticks, shape (places, ticks); NaN where it holds nothing."""
        if self._past.tick is None:
            return np.full((len(self._model.places), len(ticks)), np.nan)
        columns = ticks - self._past.tick + self._past.width - 1
        held = (columns >= 0) & (columns < self._past.width)
        return np.where(held, self._past.view()[:, np.clip(columns, 0, self._past.width - 1)], np.nan)

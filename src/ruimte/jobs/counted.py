"""Who was counted on every link of late, as the counters said it: what drives a warning, and by which way people go home."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ruimte.clock import HOUR_US, MINUTE_US
from ruimte.model.place import Model
from ruimte.model.rolling import Rolling

Array = NDArray[np.float64]

KEPT_US = 12 * HOUR_US
LATELY_US = 30 * MINUTE_US
"""Who passed the gates in this time tells of the next hour."""


class Counted:
    """Persons by link over the last twelve hours: counts over the share that the register thinks is counted.

    Several counters of one way are averaged; of a way that nobody counted in a tick nothing is known.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self.ticks = max(1, KEPT_US // model.tick_us)
        self._past = Rolling(len(model.links), self.ticks)
        self._link = {stream.id: (stream.link, stream.detection) for stream in model.streams}

    def note(self, rows: pa.Table, end_us: int) -> None:
        """Take in what was counted in the tick that ends at ``end_us``; other rows are passed over."""
        stream, end, said = (rows[name].to_numpy() for name in ("datastream", "end_us", "result"))
        newest = (end > end_us - self._model.tick_us) & (end <= end_us) & (said == said)
        by_stream: dict[int, float] = {}
        for id_, value in zip(stream[newest].tolist(), said[newest].tolist(), strict=True):
            by_stream[id_] = by_stream.get(id_, 0.0) + value
        total, counters = np.zeros(len(self._model.links)), np.zeros(len(self._model.links))
        for id_, value in by_stream.items():
            if id_ in self._link:
                link, detection = self._link[id_]
                total[link] += value / detection
                counters[link] += 1
        tick = int(self._model.tick_of_end(np.array([end_us]))[0])
        self._past.put(tick, np.where(counters > 0, total / np.maximum(counters, 1), np.nan))

    def persons(self, span_us: int) -> Array:
        """Persons by link over the last so many µs (up to twelve hours); what was not counted is 0."""
        ticks = min(self.ticks, max(1, span_us // self._model.tick_us))
        return np.asarray(np.nansum(self._past.view()[:, -ticks:], axis=1))

    def rates(self, span_us: int) -> Array:
        """Persons/s by link over the last so many µs: the mean of the ticks that were counted, 0 where none was."""
        ticks = min(self.ticks, max(1, span_us // self._model.tick_us))
        past = self._past.view()[:, -ticks:]
        known = (~np.isnan(past)).sum(axis=1)
        return np.asarray(np.nansum(past, axis=1) / np.maximum(known, 1) / (self._model.tick_us / 1e6))

"""What a lab has to share, before any agreement has put it into its form: figures of every place, tick by tick."""

from __future__ import annotations

import sqlite3

import numpy as np
from numpy.typing import NDArray

from ruimte.clock import HOUR_US, SECOND_US
from ruimte.jobs.station import Picture, Station
from ruimte.model.forecast import MEDIAN, level_index
from ruimte.share.enough import FLOW, INFLOW, OUTFLOW, PEOPLE
from ruimte.share.figures import Array, Figures
from ruimte.share.release import BASE
from ruimte.store import observations, results

_LOW, _HIGH = level_index(0.05), level_index(0.95)
_SDS = 1.6449
"""So many standard deviations above and below lie 90 % of a normal distribution."""
_AN_HOUR = HOUR_US / SECOND_US


class Source:
    """The figures of one running lab. ``places``: its zones and count points, then its gates."""

    def __init__(self, station: Station) -> None:
        self._station = station
        model = station.model
        own = tuple(place.key for place in model.places)
        self.tick_us = model.tick_us
        self.places = (*own, *station.lab.gates)
        self._own = len(own)
        self._row = {gate: self._own + index for index, gate in enumerate(station.lab.gates)}
        self._is_zone = np.array([place.quantity == "people" for place in model.places], dtype=bool)
        self._picture: Picture | None = None
        self._newest: Figures | None = None

    def refresh(self) -> None:
        """The room has told of a new picture: it is on the disk by now, with all that it rests on."""
        self._picture, self._newest = self._station.picture, None

    def newest(self) -> Figures | None:
        """The newest tick that the room has told of; None while there is none."""
        picture = self._told()
        if picture is None:
            return None
        newest = self._newest
        if newest is None:
            start_us = picture.end_us - self.tick_us
            value, low, high = self._empty(1)
            self._put_states(picture, value, low, high)
            self._station.store.read(lambda c: self._put_gates(c, value, start_us, picture.end_us))
            newest = self._newest = self._figures("state", np.array([start_us]), value, low, high)
        return newest

    def history(self, from_us: int, until_us: int) -> Figures:
        """Every tick that lies in [``from_us``, ``until_us``), as the newest estimate tells it; what nobody knows is NaN."""
        model = self._station.model
        ticks = range(model.tick_of(from_us + self.tick_us - 1), model.tick_of(until_us))
        starts_us = np.array([model.tick_end_us(tick) - self.tick_us for tick in ticks], dtype=np.int64)
        value, low, high = self._empty(len(starts_us))
        if len(starts_us):
            index, begin_us = self._station.place_index, int(starts_us[0])
            end_us = int(starts_us[-1]) + self.tick_us
            table = self._station.store.read(lambda c: results.states(c, index, begin_us, end_us))
            columns = {name: table[name].to_numpy() for name in table.column_names if name != "left_out"}
            place, tick = columns["place"], (columns["end_us"] - begin_us) // self.tick_us - 1
            columns = {name: self._heard(column, columns["age_us"]) for name, column in columns.items()}
            self._put(place, tick, columns, value, low, high)
            self._station.store.read(lambda c: self._put_gates(c, value, begin_us, end_us))
        return self._figures("history", starts_us, value, low, high)

    def forecast(self) -> Figures | None:
        """What is expected of zones and count points, by the forecast of the newest picture; None where there is none."""
        picture = self._told()
        if picture is None or picture.forecast is None:
            return None
        forecast = picture.forecast
        value, low, high = self._empty(len(forecast.valid_us))
        for cube, level in ((value, MEDIAN), (low, _LOW), (high, _HIGH)):
            told = forecast.quantiles[:, :, level]
            zones = np.flatnonzero(self._is_zone)
            points = np.flatnonzero(~self._is_zone)
            cube[zones, :, PEOPLE] = told[zones]
            cube[points, :, FLOW] = told[points] * _AN_HOUR
        return self._figures("forecast", forecast.valid_us - self.tick_us, value, low, high, forecast.issued_us)

    @property
    def forecaster(self) -> str:
        """What the forecast is told by."""
        picture = self._told()
        return "" if picture is None or picture.forecast is None else picture.forecast.algorithm

    def _told(self) -> Picture | None:
        """The picture that the room has told of; at first the one that it began with."""
        if self._picture is None:
            self.refresh()
        return self._picture

    def _empty(self, steps: int) -> tuple[Array, Array, Array]:
        value, low, high = (np.full((len(self.places), steps, len(BASE)), np.nan) for _ in range(3))
        return value, low, high

    def _figures(
        self, kind: str, starts_us: NDArray[np.int64], value: Array, low: Array, high: Array, issued_us: int | None = None
    ) -> Figures:
        return Figures(
            kind=kind,  # type: ignore[arg-type]
            lab=self._station.lab.key,
            places=self.places,
            quantities=BASE,
            starts_us=starts_us,
            step_us=self.tick_us,
            value=value,
            low=low,
            high=high,
            suppressed=np.zeros(value.shape, dtype=bool),
            issued_us=issued_us,
        )

    def _put_states(self, picture: Picture, value: Array, low: Array, high: Array) -> None:
        places = np.arange(self._own)
        ages = picture.states["age_us"]
        columns = {name: self._heard(column, ages) for name, column in picture.states.items()}
        self._put(places, np.zeros(self._own, dtype=np.int64), columns, value, low, high)

    def _heard(self, column: NDArray[np.float64], ages_us: NDArray[np.int64]) -> NDArray[np.float64]:
        """A column of states, not known where nothing was heard for too long."""
        if column.dtype.kind != "f":
            return column
        ages, which = np.unique(ages_us, return_inverse=True)
        silent = np.array([self._station.is_silent(age) for age in ages.tolist()], dtype=bool)
        return np.where(silent[which], np.nan, column)

    def _put(
        self,
        place: NDArray[np.int64],
        tick: NDArray[np.int64],
        columns: dict[str, NDArray[np.float64]],
        value: Array,
        low: Array,
        high: Array,
    ) -> None:
        zone = self._is_zone[place]
        for quantity, chosen, scale in ((PEOPLE, zone, 1.0), (FLOW, ~zone, _AN_HOUR)):
            at = place[chosen], tick[chosen], quantity
            value[at], low[at], high[at] = (columns[name][chosen] * scale for name in ("mean", "q05", "q95"))
        for quantity, name in ((INFLOW, "inflow"), (OUTFLOW, "outflow")):
            mean, sd = columns[name] * _AN_HOUR, columns[f"{name}_sd"] * _AN_HOUR
            at = place, tick, quantity
            value[at], low[at], high[at] = mean, np.maximum(mean - _SDS * sd, 0.0), mean + _SDS * sd

    def _put_gates(self, connection: sqlite3.Connection, value: Array, begin_us: int, end_us: int) -> None:
        """Who was counted through each gate: from its ``from`` to its ``to`` is in. Only counts of whole ticks tell; several
        counters of one way are averaged. A count has no band of its own."""
        model = self._station.model
        ways = {
            stream.id: (self._row[model.links[stream.link].gate], self._way(stream.link), stream.detection)
            for stream in model.streams
            if model.links[stream.link].gate in self._row and stream.interval_us <= self.tick_us
        }
        rows = observations.counted(connection, list(ways), begin_us, end_us)
        steps = value.shape[1]
        total: dict[tuple[int, int, int], dict[int, float]] = {}
        for id_, end, result in rows:
            row, quantity, detection = ways[id_]
            tick = min((end - 1 - begin_us) // self.tick_us, steps - 1)
            counters = total.setdefault((row, tick, quantity), {})
            counters[id_] = counters.get(id_, 0.0) + result / detection
        for (row, tick, quantity), counters in total.items():
            value[row, tick, quantity] = sum(counters.values()) / len(counters) * HOUR_US / self.tick_us

    def _way(self, link: int) -> int:
        """The quantity that tells of who takes a link."""
        way = self._station.model.links[link].way
        return {"in": INFLOW, "out": OUTFLOW}.get(way, FLOW)

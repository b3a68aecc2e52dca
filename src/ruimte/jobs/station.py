"""One lab, tick by tick: observations in; states, forecasts, warnings and log lines out, all in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ruimte.clock import DAY_US, SystemClock
from ruimte.errors import RuimteError
from ruimte.estimate.advance import ALGORITHMS as ESTIMATORS
from ruimte.estimate.advance import advance
from ruimte.estimate.health import Condition, conditions
from ruimte.forecast.model_file import Bundle
from ruimte.forecast.score import Skill
from ruimte.jobs.counted import Counted
from ruimte.jobs.endings import Endings, Leaving
from ruimte.jobs.estimating import changed
from ruimte.jobs.forecasters import feed_past, live_forecaster
from ruimte.jobs.health import SensorHealth, figures, sensor_health, sensor_of, sentence, worst_of
from ruimte.jobs.reasons import Drivers, explain
from ruimte.jobs.warner import Warner
from ruimte.lab.lab import Lab
from ruimte.lab.validity import IN_USE, validity_us
from ruimte.model.forecast import LEVELS, Forecast
from ruimte.model.observation import no_observations
from ruimte.model.place import Model, Place
from ruimte.model.state import STATES
from ruimte.model.warning import Warning  # noqa: A004 - the field's own word
from ruimte.store import observations, records, results
from ruimte.store.records import LogEntry
from ruimte.store.sqlite import Store
from ruimte.text import duration_us
from ruimte.warn.decide import Risk
from ruimte.warn.lifecycle import Book, Step
from ruimte.warn.surge import Surge
from ruimte.warn.thresholds import Thresholds
from ruimte.warn.unusual import Unusual

Array = NDArray[np.float64]

WARNER, VERSION = "threshold-warning", "2"
SYSTEM = "system"
_CHUNK_US = 28 * DAY_US
_LARGE_STATE = 1_000_000
_LARGE_EVERY = 12
"""A state of so many bytes is written only every so many ticks: what came after it is read back and estimated again."""
_LATELY = 3
"""Over so many ticks it is told through which gate most people come."""
_NOT_KNOWN = {"place": -1, "start_us": -1, "end_us": -1, "observed": 0.0, "age_us": -1}
"""What a place shows at a time when it was not in the lab yet; all other columns are NaN."""


OnStep = Callable[[sqlite3.Connection, str, Warning, int], None]
"""Is told of every step of a warning (its name, the warning, the lab's time), in the transaction that writes it."""


@dataclass(frozen=True, slots=True)
class Picture:
    """All places at the end of one tick. ``states`` holds a column of ``STATES`` by name, shape (places,), but for ``left_out``:
    the datastreams on which each place's state does not rest."""

    end_us: int
    states: dict[str, NDArray[Any]]
    forecast: Forecast | None
    risks: list[list[Risk]]
    left_out: list[list[int]]


@dataclass(slots=True)
class Outcome:
    """What one tick gave besides the picture: steps of warnings, lines of the logbook; ``durable`` once it is on the disk."""

    warnings: list[tuple[Step, Warning]] = field(default_factory=list)
    log: list[LogEntry] = field(default_factory=list)
    durable: Future[None] | None = None


class Station:
    """The chain of one lab over its store. Not thread-safe: one caller at a time."""

    def __init__(self, lab: Lab, model: Model, store: Store, bundle: Bundle | None = None) -> None:
        """``bundle``: what the learned forecast knows; without it, or where the register has no such algorithm, the profile
        forecasts.
        """
        self.lab = lab
        self.model = model
        self.store = store
        self.picture: Picture | None = None
        self.on_step: OnStep = _tell_nobody
        self._horizons = max(1, duration_us(lab.file.forecast.horizon) // model.tick_us)
        self._forecaster = live_forecaster(lab, model, self._horizons, bundle)
        self._broken: set[int] = set()
        self._unusual = Unusual(model, duration_us(lab.file.unusual.history))
        self.thresholds = Thresholds(lab, model, self._unusual)
        self.warner = Warner(lab, model, self.thresholds)
        self._before = np.full(len(model.places), np.nan)
        self.counted = Counted(model)
        self.endings = Endings(lab, model)
        self._state: bytes | None = None
        self._unwritten = 0
        self._keys = model.datastream_keys
        self._silent: set[int] = set()
        self._conditions: dict[str, Condition] = {}
        self._health: tuple[bytes | None, list[SensorHealth]] | None = None
        self._not_run: set[str] = set()
        ids = store.place_ids()
        self.place_ids = [ids[place.key] for place in model.places]
        self.place_index = {id_: index for index, id_ in enumerate(self.place_ids)}
        self._validity = {key: validity_us(entry, lab.zone) for key, entry in lab.algorithms.items()}
        running = ESTIMATORS | {self._forecaster.algorithm: self._forecaster.version, WARNER: VERSION}
        self._algorithms = store.write(lambda c: {k: results.algorithm_id(c, k, v) for k, v in running.items()}).result()
        balance, rate = self._algorithms["counting-line-balance"], self._algorithms["rate-filter"]
        self._state_makers = [balance if place.quantity == "people" else rate for place in model.places]

    @property
    def book(self) -> Book:
        """What stands."""
        return self.warner.book

    def skill(self, index: int | None = None) -> list[Skill]:
        """How the forecast did over the last four weeks, at one place (an index) or at all; empty where it keeps no such
        record.
        """
        return self._forecaster.skill(index)

    @property
    def needs_us(self) -> int:
        """How long a past makes the forecasts and thresholds as good as they get."""
        history_ticks = self._unusual.needs_ticks if self.thresholds.needs_past else 0
        return (max(self._forecaster.needs_ticks, history_ticks) + 1) * self.model.tick_us

    # --- starting ---------------------------------------------------------------------------------------------------

    def warm_up(self, until_us: int, progress: Callable[[float], None] = lambda share: None) -> None:
        """Read back what is known, estimate what is not yet, and learn from the past up to ``until_us``."""
        store = self.store
        begin_us = until_us - self.needs_us
        saved = store.read(lambda c: results.snapshot(c, "estimate"))
        known_us = begin_us
        if saved is not None and not store.read(lambda c: results.was_overtaken(c, "estimate")):
            known_us, self._state = saved
        book = store.read(lambda c: results.snapshot(c, "warnings"))
        if book is not None:
            self.warner.book = msgspec.msgpack.decode(book[1], type=Book)
        self.book.next_id = max(self.book.next_id, store.read(records.last_warning_id) + 1)
        if all(self._registered(key, until_us) for key in ESTIMATORS):
            self._catch_up(known_us, until_us, progress)
        self._learn(begin_us, until_us)
        self.picture = self.picture_at(until_us)
        self._before = self.heard(self.picture.states)
        self._recall_counts(self.picture.end_us)
        self._silent = self._silent_in(self.picture)
        self._conditions = self._conditions_now()
        progress(1.0)

    def _catch_up(self, known_us: int, until_us: int, progress: Callable[[float], None]) -> None:
        """Estimate what lies between the last snapshot and now, in chunks; a chunk is durable as a whole or not at all."""
        for begin in range(known_us, until_us, _CHUNK_US):
            end = min(begin + _CHUNK_US, until_us)
            rows = self.store.read(lambda c, b=begin, e=end: observations.received(c, b, e))  # type: ignore[misc]
            state, states = advance(self.model, self._state, rows, end)
            states = changed(self.store, self.place_index, states, begin, end)

            def work(connection: sqlite3.Connection, state: bytes = state, states: pa.Table = states, end: int = end) -> None:
                results.append_states(connection, states, self.place_ids, self._state_makers)
                results.save_snapshot(connection, "estimate", end, state)

            self.store.write(work).result()
            self._state = state
            progress(0.9 * (end - known_us) / max(1, until_us - known_us))

    def _learn(self, begin_us: int, until_us: int) -> None:
        places, ends, values = self.store.read(lambda c: results.values(c, self.place_index, begin_us, until_us))
        if not len(ends):
            return
        ticks, row = np.unique(self.model.tick_of_end(ends), return_inverse=True)
        table = np.full((len(ticks), len(self.model.places)), np.nan)
        table[row, places] = values
        for tick, known in zip(ticks.tolist(), table, strict=True):
            self._unusual.observe(tick, known)
        self.endings.learn(ticks, table)
        feed_past(self._forecaster, ticks, table)

    # --- running ----------------------------------------------------------------------------------------------------

    def tick(self, rows: pa.Table, until_us: int) -> Outcome:
        """Take in what was received since the last call and look at every place at ``until_us``."""
        outcome = Outcome()
        if not self.model.places:  # a node that only shows what others share
            self.picture = self.picture_at(until_us)
            self._write(outcome, None, None, until_us)
            return outcome
        if not self._runs(ESTIMATORS, until_us, outcome):
            self._write(outcome, None, None, until_us)
            return outcome
        self._state, states = advance(self.model, self._state, rows if rows.num_rows else no_observations(), until_us)
        forecast = None
        if states.num_rows:
            self._observe(states)
            newest = int(states["end_us"][-1].as_py())
            if self.picture is None or newest >= self.picture.end_us:
                forecast = self._forecast(until_us, outcome)
                columns, left_out = _columns(states, len(self.model.places))
                self.counted.note(rows, newest)
                self.picture = self._look(newest, columns, left_out, forecast)
                self._warn(self.picture, self.warner.surges(rows, self._state, left_out, newest), until_us, outcome)
                self._listen(self.picture, until_us, outcome)
        elif self.picture is None or self.picture.end_us < self.model.tick_end_us(self.model.tick_of(until_us) - 1):
            self.picture = self.picture_at(until_us)  # nothing was ever heard
        self._write(outcome, states, forecast, until_us)
        return outcome

    def _runs(self, algorithms: dict[str, str], now_us: int, outcome: Outcome) -> bool:
        """Whether the register lets these algorithms run now; says so once in the logbook when it does not."""
        refused = {key for key in algorithms if not self._registered(key, now_us)}
        for key in refused - self._not_run:
            outcome.log.append(_line(now_us, "not-run", algorithm=key))
        self._not_run = (self._not_run - set(algorithms)) | refused
        return not refused

    def _registered(self, key: str, now_us: int) -> bool:
        entry = self.lab.algorithms.get(key)
        if entry is None or entry.status != IN_USE:
            return False
        from_us, until_us = self._validity[key]
        return from_us <= now_us < until_us

    def _observe(self, states: pa.Table) -> None:
        places = len(self.model.places)
        means = np.where(states["observed"].to_numpy() > 0, states["mean"].to_numpy(), np.nan).reshape(-1, places)
        ticks = self.model.tick_of_end(states["end_us"].to_numpy()[::places])
        for tick, values in zip(ticks.tolist(), means, strict=True):
            self._unusual.observe(tick, values)
            self._forecaster.observe(tick, values)

    def _forecast(self, now_us: int, outcome: Outcome) -> Forecast | None:
        if not self._runs({self._forecaster.algorithm: self._forecaster.version}, now_us, outcome):
            return None
        forecast = self._forecaster.issue()
        if forecast is not None:
            self._tell_breaks(set(forecast.broken), now_us, outcome)
        return forecast

    def _tell_breaks(self, broken: set[int], now_us: int, outcome: Outcome) -> None:
        """Tell of places whose level has broken or mended; one line where it is most of the lab."""
        places = self.model.places
        for kind, changed_now in (("forecast-break", broken - self._broken), ("forecast-mended", self._broken - broken)):
            if 2 * len(changed_now) > len(places) > 1:
                outcome.log.append(_line(now_us, f"{kind}-all"))
            else:
                outcome.log.extend(_line(now_us, kind, place=places[index].key) for index in sorted(changed_now))
        self._broken = broken

    def _look(
        self, end_us: int, states: dict[str, NDArray[Any]], left_out: list[list[int]], forecast: Forecast | None
    ) -> Picture:
        risks = self.warner.risks(end_us, self.heard(states), states["sd"], forecast)
        return Picture(end_us, states, forecast, risks, left_out)

    def heard(self, states: dict[str, NDArray[Any]]) -> Array:
        """The mean of every place that is known and not silent; NaN elsewhere."""
        heard = np.array([not self.is_silent(age) for age in states["age_us"].tolist()])
        return np.where(heard, states["mean"], np.nan)

    def _warn(self, picture: Picture, found: dict[int, Surge], now_us: int, outcome: Outcome) -> None:
        mean, before = self.heard(picture.states), self._before
        self._before = mean
        if not self._runs({WARNER: VERSION}, now_us, outcome):
            return
        usual = self.thresholds.usual(int(self.model.tick_of_end(np.array([picture.end_us]))[0]))
        known = ~np.isnan(mean)
        leaving = self.warner.leaving(self.endings, picture.end_us, mean, picture.states["sd"], self.counted)
        risks = picture.risks
        if leaving is not None:
            risks = self.warner.risks(picture.end_us, mean, picture.states["sd"], picture.forecast, leaving.chance)
        risks = self.warner.with_surges(risks, found, before, picture.end_us)
        for index, kind, warning in self.warner.look(risks, known, now_us):
            if kind != "closed":
                warning = self._explained(picture, index, found.get(index), leaving, warning, float(usual[index]))
                self.book.replace(warning)
            outcome.warnings.append((kind, warning))
            if kind != "updated":
                outcome.log.append(_warning_line(now_us, kind, warning))
        for warning in self.warner.escalate(now_us):
            outcome.warnings.append(("escalated", warning))
            outcome.log.append(_warning_line(now_us, "escalated", warning))

    def _explained(
        self, picture: Picture, index: int, surge: Surge | None, leaving: Leaving | None, warning: Warning, usual: float
    ) -> Warning:
        horizon = (warning.expected_us - picture.end_us) // self.model.tick_us - 1
        ahead = picture.forecast.quantiles[index, horizon].tolist() if picture.forecast and horizon >= 0 else None
        kind: Literal["", "leaving", "leaving-before"] = ""
        if leaving is not None and leaving.chance[index, warning.rank, horizon + 1] == warning.probability:
            kind = "leaving" if leaving.simulated else "leaving-before"
            ahead = leaving.people[index, horizon + 1].tolist()
        return explain(
            self.lab,
            self.model.places[index],
            warning,
            now=float(picture.states["mean"][index]),
            usual=usual,
            observed=float(picture.states["observed"][index]),
            quantiles=ahead,
            drivers=replace(self._drivers(picture, index, surge), leaving=kind),
        )

    def _drivers(self, picture: Picture, index: int, surge: Surge | None) -> Drivers:
        """What drives how busy a place is getting, by what its gates counted of late."""
        model = self.model
        surge_gate = "" if surge is None else next(model.links[s.link].gate for s in model.streams if s.id == surge.stream)
        missing = tuple(dict.fromkeys(sensor_of(self._keys[id_]) for id_ in picture.left_out[index]))
        rates = self.counted.rates(_LATELY * model.tick_us)
        into = {link.gate: float(rates[number]) for number, link in enumerate(model.links) if link.target == index}
        total = sum(into.values())
        grows = float(picture.states["inflow"][index]) > float(picture.states["outflow"][index])
        if not grows or not total:
            return Drivers(surge, surge_gate, missing=missing, tick_us=model.tick_us)
        gate, most = max(into.items(), key=lambda each: each[1])
        return Drivers(surge, surge_gate, gate, most, most / total, missing, model.tick_us)

    def _recall_counts(self, end_us: int) -> None:
        """Read back what was counted of late, tick by tick, as it was received then."""
        tick_us, late_us = self.model.tick_us, self.model.lateness_us
        begin = end_us - self.counted.ticks * tick_us
        rows = self.store.read(lambda c: observations.received(c, begin + late_us, end_us + late_us))
        received = rows["received_us"].to_numpy()
        for end in range(begin + tick_us, end_us + 1, tick_us):
            first, last = np.searchsorted(received, [end - tick_us + late_us, end + late_us], side="right")
            self.counted.note(rows.slice(first, last - first), end)

    def _listen(self, picture: Picture, now_us: int, outcome: Outcome) -> None:
        silent = self._silent_in(picture)
        for kind, places in (("silent", silent - self._silent), ("heard", self._silent - silent)):
            outcome.log.extend(_line(now_us, kind, place=self.model.places[index].key) for index in sorted(places))
        self._silent = silent
        self._examine(now_us, outcome)

    def _examine(self, now_us: int, outcome: Outcome) -> None:
        """Tell of sensors whose condition has changed; that of a place's only sensor being silent is told already."""
        now = self._conditions_now()
        changed = {key for key in now.keys() | self._conditions.keys() if now.get(key) != self._conditions.get(key)}
        before, self._conditions = self._conditions, now
        if not changed:
            return
        quiet = {self.model.places[index].key for index in self._silent}
        for sensor in self.health():
            begins = sensor.condition == "new" or (sensor.condition == "fine" and before.get(sensor.key) == "new")
            if sensor.key not in changed or begins:
                continue
            told = {"silent", "fine"} >= {sensor.condition, before.get(sensor.key, "fine")} and self._only_of(sensor.key, quiet)
            if not told:
                why = {} if sensor.condition == "fine" else {"why": sentence(sensor)}
                outcome.log.append(_line(now_us, f"sensor-{sensor.condition}", **figures(sensor), **why))

    def _only_of(self, sensor: str, quiet: set[str]) -> bool:
        """Whether all places that a sensor tells of have told or will tell of their silence themselves."""
        places = [index for index in range(len(self.model.places)) if sensor in self.sensors_of(index)]
        return all(self.model.places[index].key in quiet or self.sensors_of(index) == [sensor] for index in places)

    def _conditions_now(self) -> dict[str, Condition]:
        """The condition of every sensor that is not fine, by its key."""
        found = conditions(self.model, self._state)
        by_sensor: dict[str, list[Condition]] = {}
        for id_, key in self._keys.items():
            by_sensor.setdefault(sensor_of(key), []).append(found.get(id_, "fine"))
        return {key: worst for key, each in by_sensor.items() if (worst := worst_of(each)) != "fine"}

    def health(self) -> list[SensorHealth]:
        """The health of every sensor, as it stood after the last tick."""
        state = self._state
        if self._health is None or self._health[0] is not state:
            self._health = (state, sensor_health(self.lab, self.model, state))
        return self._health[1]

    def _silent_in(self, picture: Picture) -> set[int]:
        return {index for index, age_us in enumerate(picture.states["age_us"].tolist()) if self.is_silent(age_us)}

    def place(self, key: str) -> Place:
        """The place with this key. Raises ``RuimteError`` where there is none."""
        return self.model.places[self.index(key)]

    def index(self, key: str) -> int:
        """Index of a place in the model. Raises ``RuimteError`` where there is none."""
        for index, place in enumerate(self.model.places):
            if place.key == key:
                return index
        raise RuimteError("no such zone or count point", key, "see /api/v1/zones for the keys")

    def sensors_of(self, index: int) -> list[str]:
        """Keys of the sensors that tell of a place."""
        return sorted({sensor_of(stream.key) for stream in self.model.tells_of(index)})

    def is_silent(self, age_us: int) -> bool:
        """Whether a place whose newest observation is so old counts as silent: two ticks and what may come late."""
        return age_us < 0 or age_us >= 2 * self.model.tick_us + self.model.lateness_us

    def _write(self, outcome: Outcome, states: pa.Table | None, forecast: Forecast | None, until_us: int) -> None:
        state, book = self._state, msgspec.msgpack.encode(self.book)
        self._unwritten += 1
        keep = state is not None and (len(state) < _LARGE_STATE or self._unwritten >= _LARGE_EVERY)
        if keep:
            self._unwritten = 0

        def work(connection: sqlite3.Connection) -> None:
            if states is not None and states.num_rows:
                results.append_states(connection, states, self.place_ids, self._state_makers)
            if states is not None and state is not None and keep:
                results.save_snapshot(connection, "estimate", until_us, state)
            if forecast is not None:
                results.append_forecast(connection, forecast, self.place_ids, self._algorithms[self._forecaster.algorithm])
            for kind, warning in outcome.warnings:
                records.append_warning(connection, warning, until_us)
                self.on_step(connection, kind, warning, until_us)
            for entry in outcome.log:
                records.append_log(connection, entry)
            results.save_snapshot(connection, "warnings", until_us, book)

        outcome.durable = self.store.write(work)

    # --- looking back -----------------------------------------------------------------------------------------------

    def picture_at(self, at_us: int) -> Picture:
        """The picture as it was known for the last tick that ended at or before ``at_us``; what was not is not known."""
        model = self.model
        end_us = model.tick_end_us(model.tick_of(at_us) - 1)
        states = self.store.read(lambda c: results.states(c, self.place_index, end_us - model.tick_us, end_us))
        columns, left_out = _columns(states.sort_by("place"), len(model.places))
        return self._look(end_us, columns, left_out, self._stored_forecast(end_us))

    def _stored_forecast(self, end_us: int) -> Forecast | None:
        found = [
            self.store.read(lambda c, i=id_: results.forecast_at(c, i, end_us))  # type: ignore[misc]
            for id_ in self.place_ids
        ]
        known = [one for one in found if one is not None and one.issued_us == end_us]
        if not known or len(known) < len(found):
            return None
        quantiles = np.stack([one.quantiles for one in known]).astype(np.float64)
        if quantiles.shape[1:] != (self._horizons, len(LEVELS)):
            return None
        return Forecast(end_us, known[0].valid_us, quantiles, self._forecaster.algorithm)


def _columns(states: pa.Table, places: int) -> tuple[dict[str, NDArray[Any]], list[list[int]]]:
    """The newest tick of a table that is ordered by tick, then place; a place that was not there then is not known."""
    newest = states.slice(max(0, states.num_rows - places))
    there = newest["place"].to_numpy()
    columns = {}
    for name in STATES.names:
        if name == "left_out":
            continue
        values = newest[name].to_numpy()
        columns[name] = np.full(places, _NOT_KNOWN.get(name, np.nan), dtype=values.dtype)
        columns[name][there] = values
    left_out: list[list[int]] = [[] for _ in range(places)]
    for index, ids in zip(there.tolist(), newest["left_out"].to_pylist(), strict=True):
        left_out[index] = ids
    return columns, left_out


def _tell_nobody(connection: sqlite3.Connection, step: str, warning: Warning, at_us: int) -> None:
    pass


def _line(now_us: int, kind: str, place: str | None = None, **body: Any) -> LogEntry:
    return LogEntry(lab_us=now_us, wall_us=SystemClock().now_us(), kind=kind, who=SYSTEM, place=place, body=body)


def _warning_line(now_us: int, kind: str, warning: Warning) -> LogEntry:
    return LogEntry(
        lab_us=now_us,
        wall_us=SystemClock().now_us(),
        kind=kind,
        who=SYSTEM,
        place=warning.place,
        warning=warning.id,
        body={
            "level": warning.level,
            "priority": warning.priority,
            "probability": warning.probability,
            "time": warning.expected_us,
            "lead_us": warning.lead_us,
        },
    )

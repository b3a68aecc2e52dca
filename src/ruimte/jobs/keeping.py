"""What people write down while a lab runs: notes in the logbook, and field reports, which are observations too."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

import pyarrow as pa

from ruimte.clock import Clock, SystemClock
from ruimte.errors import RuimteError
from ruimte.estimate.layout import JAM_DENSITY_PER_M2
from ruimte.intake.notes import check_note
from ruimte.lab.field_reports import report_key
from ruimte.lab.lab import Lab
from ruimte.lab.validity import validity_us
from ruimte.model.observation import OBSERVATIONS, Flag, no_observations
from ruimte.model.role import Actor
from ruimte.store import observations, records, results, staff
from ruimte.store.records import LogEntry
from ruimte.store.sqlite import Store
from ruimte.text import duration_us

RANGE_SD = 2.0
"""A range as people give it is two standard deviations wide: ranges are too narrow as a rule, so one is taken to hold what is
true two times in three, however sure whoever gave it was.

Lichtenstein, Fischhoff & Phillips (1982), Calibration of probabilities: the state of the art to 1980, in: Judgment under
Uncertainty.
"""
SUREST = 0.05
"""Nobody counts a crowd better than this share of it, whatever range is given."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What a person tells of a crowd: about so many ``people``, give or take ``sd``."""

    people: float
    sd: float


LEAST_SD = 5.0
"""Persons; whoever sees nobody may have overlooked some."""


def judge_figure(low: float, high: float, accuracy: float, most: float) -> Figure:
    """What "from ``low`` to ``high``" says (equal: one figure, as sure as ``accuracy``, a share). ``most`` fit in the zone.

    >>> judge_figure(400, 600, 0.25, 5000), judge_figure(400, 400, 0.25, 5000)
    (Figure(people=500.0, sd=100.0), Figure(people=400.0, sd=100.0))

    Raises ``RuimteError`` where that is no number of people who can be there.
    """
    where = "number of people"
    if not (math.isfinite(low) and math.isfinite(high)):
        raise RuimteError("is not a number", where, "write how many, like 400 or 300-500")
    if low < 0:
        raise RuimteError("is below 0", where, "write 0 or more")
    if high < low:
        raise RuimteError("ends below where it begins", where, "write the lower number first, like 300-500")
    if high > most:
        raise RuimteError("is more than fit in there", f"{where} (at most {most:.0f})", "count again, or choose another place")
    people = (low + high) / 2
    sd = (high - low) / RANGE_SD if high > low else accuracy * people
    return Figure(float(people), float(max(sd, SUREST * people, LEAST_SD)))


class Keeper:
    """Writes for one lab what people tell. Blocks until it is on the disk; may be called from any thread."""

    def __init__(self, lab: Lab, store: Store, clock: Clock) -> None:
        self._lab = lab
        self._store = store
        self._clock = clock
        self._told: list[pa.Table] = []
        self._lock = Lock()

    def note(self, actor: Actor, text: str, place: str | None = None) -> None:
        """Write a note. Raises ``RuimteError`` for a place that is none, and where the text is not fit for the logbook."""
        if place is not None and place not in self._lab.zones and place not in self._lab.count_points:
            raise RuimteError("no such zone or count point", place, "choose one of the lab")
        body = {"note": check_note(text)}
        now_us = self._clock.now_us()
        self._store.write(lambda c: self._log(c, now_us, "note", actor, place, body)).result()

    def act(self, actor: Actor, kind: str, body: Mapping[str, object]) -> None:
        """Write what somebody did elsewhere on the node."""
        now_us = self._clock.now_us()
        self._store.write(lambda c: self._log(c, now_us, kind, actor, None, body)).result()

    def report(self, actor: Actor, place: str, low: float, high: float, note: str = "") -> Figure:
        """Keep how many people somebody sees in a zone, as an observation of it and a line of the logbook, both or none.

        Raises ``RuimteError`` where the lab takes no reports of that place now, the number cannot be, or the note is not fit for
        the logbook.
        """
        zone, sensor = self._lab.zones.get(place), self._lab.sensors.get(report_key(place))
        if zone is None or sensor is None:
            mend = "choose a zone, or add [field_reports] to lab.toml"
            raise RuimteError("takes no field reports", place, mend)
        now_us = self._clock.now_us()
        from_us, until_us = validity_us(sensor, self._lab.zone)
        if not from_us <= now_us < until_us:
            raise RuimteError("takes no field reports now", place, "review valid_until of [field_reports] in lab.toml")
        figure = judge_figure(low, high, sensor.accuracy or 0.25, zone.area_m2 * JAM_DENSITY_PER_M2)
        body = {
            "people": figure.people,
            "low": low if low < high else max(0.0, figure.people - figure.sd),
            "high": high if low < high else figure.people + figure.sd,
            "sd": figure.sd,
            "note": check_note(note) if note.strip() else "",
        }
        ids = self._store.stream_ids()
        told = [(ids[f"{sensor.key}/people"], figure.people), (ids[f"{sensor.key}/people_sd"], figure.sd)]

        def work(connection: sqlite3.Connection) -> list[observations.Row]:
            # stamped here, after all that the estimate has looked at, so that the next tick takes it in
            received_us = max(results.known_until(connection) + 1, now_us)
            rows: list[observations.Row] = [
                (stream, now_us, now_us, received_us, value, int(Flag.NONE), None, None) for stream, value in told
            ]
            observations.append_rows(connection, rows)
            self._log(connection, now_us, "field-report", actor, place, body)
            return rows

        rows = self._store.write(work).result()
        columns = list(zip(*rows, strict=True))[: len(OBSERVATIONS)]
        table = pa.Table.from_arrays(
            [pa.array(column, field.type) for column, field in zip(columns, OBSERVATIONS, strict=True)], schema=OBSERVATIONS
        )
        with self._lock:
            self._told.append(table)
        return figure

    def received(self, until_us: int) -> pa.Table:
        """What was reported since the last call and received up to ``until_us``: for a feed from elsewhere."""
        with self._lock:
            ready = [table for table in self._told if table["received_us"][0].as_py() <= until_us]
            self._told = [table for table in self._told if table["received_us"][0].as_py() > until_us]
        return pa.concat_tables(ready) if ready else no_observations()

    def _log(
        self,
        connection: sqlite3.Connection,
        now_us: int,
        kind: str,
        actor: Actor,
        place: str | None,
        body: Mapping[str, object],
    ) -> None:
        """A line by somebody: the role stays in it, the name is kept beside it for a while."""
        wall_us = SystemClock().now_us()
        entry = LogEntry(lab_us=now_us, wall_us=wall_us, kind=kind, who=actor.role, place=place, body=dict(body))
        line = records.append_log(connection, entry)
        if actor.name != actor.role:
            staff.keep_name(connection, line, actor.name, wall_us + duration_us(self._lab.file.retention.staff))

"""Synthesise: fill a lab's database with days of the invented world, and write down their truth."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ruimte.clock import from_us
from ruimte.errors import RuimteError
from ruimte.jobs.register import register_lab
from ruimte.lab.lab import Lab
from ruimte.lab.validity import moment_us
from ruimte.store import observations
from ruimte.store.sqlite import Store
from ruimte.synthetic import Day, Parameters, history, observe
from ruimte.synthetic.visitors import FIRST_H, require_boulevard

SEED = 1
WEEKS = timedelta(weeks=10, days=1)
"""The usual past before the festival: what a replay wants, and a day more."""

TRUTH = pa.schema(
    [("place", pa.string()), ("quantity", pa.string()), ("end", pa.timestamp("us", "UTC")), ("persons", pa.int32())]
)
"""Columns of the truth: ``people`` of a zone at ``end``; who passed a gate ``in`` or ``out`` in the tick that ends then."""


@dataclass(frozen=True, slots=True)
class Synthesised:
    """What was written: days, how many people came in all and were there at once at most, rows of observations."""

    first: date
    last: date
    seed: int
    visitors: int
    most: int
    rows: int

    def as_dict(self) -> dict[str, Any]:
        return {
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "seed": self.seed,
            "visitors": self.visitors,
            "most": self.most,
            "rows": self.rows,
        }

    def lines(self) -> list[str]:
        return [
            f"{self.first} to {self.last}, seed {self.seed}: {self.rows:,} observations, all invented",
            f"{self.visitors:,} people came, {self.most:,} at once at the most",
        ]


def usual_period(lab: Lab) -> tuple[date, date]:
    """Ten weeks and a day up to the newest event of the calendar, both days included.

    Raises ``RuimteError`` where the calendar has none.
    """
    if not lab.events:
        raise RuimteError("the calendar has no event to end with", f"{lab.key}/calendar.toml", "say --from and --to")
    last = from_us(max(moment_us(event.start, lab.zone) for event in lab.events)).astimezone(lab.zone).date()
    return last - WEEKS, last


def synthesise(
    lab: Lab,
    store: Store,
    first: date,
    last: date,
    seed: int = SEED,
    truth: Path | None = None,
    parameters: Parameters | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> Synthesised:
    """Write what the lab's sensors would tell of the days from ``first`` to ``last``, and, where asked, the truth as Parquet.

    All of it in one transaction, so that what is broken off leaves nothing behind.
    Raises ``RuimteError`` where the lab does not say that its figures are invented, is not the boulevard, or where the database
    holds observations of that time already; also where the truth cannot be written.
    """
    if not lab.file.synthetic:
        what, mend = "invented figures would stand among measured ones", "set synthetic = true, in a lab of their own"
        raise RuimteError(what, f"{lab.key}/lab.toml", mend)
    if last < first:
        raise RuimteError("ends before it begins", "--from and --to", "set a later --to")
    require_boulevard(lab)
    _require_room(lab, store, first, last)
    register_lab(lab, store)
    ids, given_up = store.stream_ids(), Event()
    try:
        with nullcontext() if truth is None else pq.ParquetWriter(truth, TRUTH, compression="zstd") as file:

            def work(connection: sqlite3.Connection) -> Synthesised:
                visitors = most = rows = 0
                for number, day in enumerate(history(lab, first, last, seed, parameters), start=1):
                    if given_up.is_set():
                        raise InterruptedError
                    rows += observations.append(connection, observe(day, lab, ids)).added
                    visitors += day.visitors
                    most = max(most, int(day.people.sum(axis=1).max()))
                    if file is not None:
                        file.write_table(truth_of(day))
                    progress(number / ((last - first).days + 1))
                return Synthesised(first, last, seed, visitors, most, rows)

            try:
                return store.write(work).result()
            except BaseException:
                given_up.set()  # so that Ctrl-C need not wait for the last day
                raise
    except OSError as error:
        raise RuimteError(
            f"cannot be written ({error.strerror or error})", str(truth or store.path), "name a file in a folder you may write"
        ) from None


def truth_of(day: Day) -> pa.Table:
    """The truth of a day as a table with schema ``TRUTH``: all zones, then all gates, each in order of time."""
    flows = day.flows.reshape(len(day.flows), -1)
    names = [(zone, "people") for zone in day.zones] + [(gate, way) for gate in day.gates for way in ("in", "out")]
    number = np.repeat(np.arange(len(names)), len(day.people))
    columns = [
        pa.array([place for place, _ in names]).take(pa.array(number)),
        pa.array([quantity for _, quantity in names]).take(pa.array(number)),
        pa.array(np.tile(day.ends_us, len(names))).cast(pa.timestamp("us", "UTC")),
        pa.array(np.concatenate([day.people, flows], axis=1).T.ravel().astype(np.int32)),
    ]
    return pa.table(columns, schema=TRUTH)


def _require_room(lab: Lab, store: Store, first: date, last: date) -> None:
    held = store.read(observations.span)
    begin, end = (moment_us(datetime.combine(day, time(FIRST_H)), lab.zone) for day in (first, last + timedelta(days=1)))
    if held is not None and held[0] <= end and begin < held[1]:
        days = " to ".join(from_us(us).astimezone(lab.zone).date().isoformat() for us in held)
        raise RuimteError(f"holds observations of {days} already", str(store.path), "choose other days, or another --data")

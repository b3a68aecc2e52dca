"""Replay the past: a source database feeds a temporary one by the way that live data takes."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

import numpy as np
import pyarrow as pa

from ruimte import __version__
from ruimte.clock import DAY_US, HOUR_US, from_us, to_us
from ruimte.errors import RuimteError
from ruimte.forecast.model_file import Bundle
from ruimte.jobs.own_data import OWN_DATA
from ruimte.jobs.register import register_lab
from ruimte.jobs.station import Station
from ruimte.lab.lab import Lab
from ruimte.lab.validity import moment_us
from ruimte.model.observation import no_observations
from ruimte.store import observations
from ruimte.store.observations import Appended
from ruimte.store.sqlite import Reader, Store

Progress = Callable[[float], None]

_BEFORE_US = 70 * DAY_US
"""A replay wants ten weeks of past: eight for the profile, and some to learn its errors from."""
_CHUNK_US = 28 * DAY_US
_AFTERNOON_H = 15


def open_source(lab: Lab, path: Path, progress: Progress = lambda share: None) -> Reader:
    """The lab's own database, to read; where there is none and the lab's data come along or are invented, it is filled first.

    Raises ``RuimteError`` where there is nothing to replay.
    """
    source = _held(lab, path)
    if source is None and lab.key in OWN_DATA:
        with Store(path, lab.key) as store:
            OWN_DATA[lab.key].fill(lab, store, progress)
        source = _held(lab, path)
    if source is None:
        raise RuimteError("holds no observations yet", str(path), f"import a file first: ruimte import {lab.key} FILE --format …")
    return source


def _held(lab: Lab, path: Path) -> Reader | None:
    """The database, if there is one and it holds observations."""
    if not path.exists():
        return None
    source = Reader(path, lab.key)
    if source.read(observations.span) is not None:
        return source
    source.close()
    return None


def default_start(lab: Lab, span: tuple[int, int]) -> int:
    """The afternoon of the calendar's newest event that has ten weeks before it and a day after its end, else an hour after it.

    Where the data hold no event, that of 31 December; where they hold none either, three quarters of the way through them.
    """
    first, last = span
    hour = OWN_DATA[lab.key].from_h if lab.key in OWN_DATA else _AFTERNOON_H

    def afternoon(day: date) -> int:
        return to_us(datetime.combine(day, time(hour), lab.zone))

    ends = [(event, moment_us(event.end, lab.zone)) for event in lab.events]
    planned = [(afternoon(from_us(moment_us(e.start, lab.zone)).astimezone(lab.zone).date()), end) for e, end in ends]
    years = range(from_us(first).year, from_us(last).year + 1)
    evenings = [(afternoon(date(year, 12, 31)),) * 2 for year in years]
    for wanted in (planned, evenings):
        for rest_us in (DAY_US, HOUR_US):
            good = [begin for begin, end in wanted if first + _BEFORE_US <= begin and end + rest_us <= last]
            if good:
                return max(good)
    return first + (last - first) * 3 // 4


@dataclass(frozen=True, slots=True)
class Replay:
    """A source, and the temporary store that it feeds from ``start_us`` on."""

    lab: Lab
    source: Reader
    target: Store
    start_us: int
    kept: Path
    bundle: Bundle | None = None

    @staticmethod
    def begin(lab: Lab, source: Reader, folder: Path, start_us: int, bundle: Bundle | None = None) -> Replay:
        """Open the temporary store in ``folder``; where an earlier replay from the same moment left its past, that is copied.

        ``bundle``: what the learned forecast knows (see ``Station``).
        """
        kept = source.path.parent / "cache" / f"{lab.key}-{start_us}-{_fingerprint(lab)}.db"
        path = folder / f"{lab.key}-replay.db"
        if kept.exists() and kept.stat().st_mtime >= _written(source.path):
            shutil.copy(kept, path)
        return Replay(lab, source, Store(path, lab.key, "replay", durable=False), start_us, kept, bundle)

    def prepare(self, progress: Progress) -> None:
        """Give the temporary store its past, and keep a copy for the next time."""
        if self.target.read(observations.span) is not None:
            return
        station = Station(self.lab, register_lab(self.lab, self.target), self.target, self.bundle)
        begin = self.start_us - station.needs_us
        feed = Feed(self, begin)
        while feed.last_us < self.start_us:
            feed(min(feed.last_us + _CHUNK_US, self.start_us))
            progress(0.5 * (feed.last_us - begin) / (self.start_us - begin))
        station.warm_up(self.start_us, lambda share: progress(0.5 + 0.5 * share))
        self.kept.parent.mkdir(parents=True, exist_ok=True)
        for old in self.kept.parent.glob(f"{self.lab.key}-*.db"):
            old.unlink(missing_ok=True)
        self.target.copy_to(self.kept)


class Feed:
    """What the source received since the last call, written to the target first; ids are the target's."""

    def __init__(self, replay: Replay, last_us: int) -> None:
        self._source = replay.source
        self._target = replay.target
        self.last_us = last_us
        there, here = replay.source.stream_ids(), replay.target.stream_ids()
        pairs = sorted((there[key], here[key]) for key in there if key in here)
        self._from, self._to = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
        self._ahead = no_observations()
        self._ahead_us = last_us
        self._written: Future[Appended] | None = None

    def __call__(self, now_us: int) -> pa.Table:
        if now_us > self._ahead_us:
            self._read_ahead(max(now_us, self._ahead_us + DAY_US))
        count = int(np.searchsorted(self._ahead["received_us"].to_numpy(), now_us, side="right"))
        rows, self._ahead = self._ahead.slice(0, count), self._ahead.slice(count)
        self.last_us = now_us
        if self._written is not None:
            self._written.result()  # the last one, which by now is done: so that no failure goes unseen
        self._written = self._target.write(lambda c: observations.append(c, rows)) if count else None
        return rows

    def _read_ahead(self, until_us: int) -> None:
        """A day at a time, for a query a tick would cost more than the tick; the past of a source does not change."""
        rows = self._source.read(lambda c: observations.received(c, self._ahead_us, until_us))
        ids = rows["datastream"].to_numpy()
        known = np.isin(ids, self._from)
        renumbered = self._to[np.searchsorted(self._from, ids[known])]
        rows = rows.filter(pa.array(known)).set_column(0, "datastream", pa.array(renumbered, pa.int64()))
        self._ahead = pa.concat_tables([self._ahead, rows]).combine_chunks()
        self._ahead_us = until_us


@dataclass(frozen=True, slots=True)
class Summary:
    """What a replay at full speed did."""

    ticks: int
    rows: int
    warnings: int


def run_through(replay: Replay, until_us: int, progress: Progress = lambda share: None) -> Summary:
    """Replay at full speed, tick by tick, through intake, estimate, forecast and warnings. Durable when it returns."""
    replay.prepare(lambda share: None)
    station = Station(replay.lab, register_lab(replay.lab, replay.target), replay.target, replay.bundle)
    station.warm_up(replay.start_us)
    feed = Feed(replay, replay.start_us)
    model = station.model
    rows = warnings = 0
    ticks = range(model.tick_of(replay.start_us), model.tick_of(until_us))
    for tick in ticks:
        now = model.tick_end_us(tick) + model.lateness_us
        received = feed(now)
        outcome = station.tick(received, now)
        rows += received.num_rows
        warnings += sum(kind == "opened" for kind, _ in outcome.warnings)
        if (tick - ticks[0]) % 256 == 255 or tick == ticks[-1]:
            if outcome.durable is not None:
                outcome.durable.result()
            progress((now - replay.start_us) / (until_us - replay.start_us))
    return Summary(len(ticks), rows, warnings)


def _written(source: Path) -> float:
    """When the source was last written to (its log counts too)."""
    log = source.with_name(source.name + "-wal")
    return max((path.stat().st_mtime for path in (source, log) if path.exists()), default=0.0)


def _fingerprint(lab: Lab) -> str:
    """Changes with the lab's files and with Ruimte's version."""
    digest = hashlib.sha256(__version__.encode())
    for path in sorted(lab.folder.glob("*.*")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]

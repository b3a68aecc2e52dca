"""Nothing enters the store but what the register lets in.

A sensor that is not registered, is used outside its registered period, or tells what it is not registered for, is refused; so
is a count that cannot be, one of a time that has not come, and one of an interval that overlaps another. Fractions are let in:
publishers halve, scale and correct their counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ruimte.clock import iso
from ruimte.intake.raw import NO_ROW
from ruimte.intake.report import Report
from ruimte.intake.sensors import sensors_by_name
from ruimte.lab.lab import Lab
from ruimte.lab.validity import validity_us
from ruimte.model.observation import OBSERVATIONS, Flag
from ruimte.text import duration_text, duration_us

MEASURES = ("count", "count_in", "count_out")

_UNKNOWN = -1
_OTHER_INTERVAL = "interval is not the registered one"


def admit(batch: pa.Table, lab: Lab, stream_ids: Mapping[str, int], report: Report, now_us: int) -> pa.Table:
    """The observations of a raw batch that may enter, as a table with schema ``OBSERVATIONS``.

    ``stream_ids`` are the store's ids by datastream key (``sensor/measure``); ``now_us`` is the wall's time. What is refused is
    counted in the report by its first reason; implied zeros that are refused are dropped without a count, for the file does not
    hold them. ``received_us`` is the end of the interval: an import knows no other time of receipt.
    """
    rows = _Rows.of(batch)
    register = _Register.of(lab, stream_ids)
    candidates = register.candidates(rows.sensor_names)[:, rows.sensor]
    entry = _pick(candidates, register, rows)
    known = [MEASURES.index(name) if name in MEASURES else _UNKNOWN for name in rows.measure_names]
    measure = np.array(known, dtype=np.int64)[rows.measure]
    stream = np.where((entry >= 0) & (measure >= 0), register.stream[entry, measure], _UNKNOWN)
    lasts = rows.end - rows.start
    with np.errstate(invalid="ignore"):
        objections = (
            _Objection("sensor is not registered", candidates[0] == _UNKNOWN),
            _Objection("lies in the future", rows.end > now_us, f"check time_format and time_zone (it is now {iso(now_us)})"),
            _Objection("outside the sensor's registered period", entry == _UNKNOWN),
            _Objection("measure is not registered for the sensor", stream == _UNKNOWN),
            _Objection(_OTHER_INTERVAL, lasts != register.interval_us[entry], "correct it in the mapping or in sensors.toml"),
            _Objection("not a finite number", ~np.isfinite(rows.result)),
            _Objection("negative count", rows.result < 0),
            _Objection("more than the sensor can count in an interval", rows.result > register.maximum[entry]),
        )
    good = np.ones(len(rows.start), dtype=bool)

    def refuse(objection: _Objection) -> None:
        refused = np.flatnonzero(good & objection.holds)
        good[refused] = False
        counted = refused[rows.flags[refused] & Flag.IMPLIED == 0]
        examples = rows.describe(counted)
        if objection.reason == _OTHER_INTERVAL:
            registered = register.interval_us[entry]
            examples = (
                f"{told} lasts {duration_text(int(lasts[i]))}, registered is {duration_text(int(registered[i]))}"
                for told, i in zip(examples, counted, strict=True)
            )
        report.refuse("observations", objection.reason, len(counted), examples, objection.mend)

    for objection in objections:
        refuse(objection)
    refuse(_Objection("overlaps the interval before it", _overlapping(stream, rows, good), "check time and the sensor's name"))
    return _admitted(rows, stream, good, report)


class _Objection(NamedTuple):
    """A reason to refuse, the rows for which it holds, and how to mend them."""

    reason: str
    holds: NDArray[np.bool_]
    mend: str = ""


def _overlapping(stream: NDArray[np.int64], rows: _Rows, good: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which good rows overlap an earlier interval of their datastream that stays; equal starts are no overlap but a revision.

    All good intervals of a datastream have one length: the registered one.
    """
    overlapping = np.zeros(len(good), dtype=bool)
    for each in np.unique(stream[good]):
        index = np.flatnonzero(good & (stream == each))
        starts, number = np.unique(rows.start[index], return_inverse=True)
        length_us = int(rows.end[index[0]] - rows.start[index[0]])
        if (np.diff(starts) < length_us).any():
            overlapping[index] = ~_apart(starts, length_us)[number]
    return overlapping


def _apart(starts: NDArray[np.int64], length_us: int) -> NDArray[np.bool_]:
    """Which of the rising ``starts`` stay, where each that begins less than ``length_us`` after the last that stays must go.

    >>> _apart(np.array([0, 2, 15, 16, 31]), 15).tolist()
    [True, False, True, False, True]
    """
    following = np.append(np.searchsorted(starts, starts + length_us), len(starts))
    stays = np.zeros(len(starts) + 1, dtype=bool)
    stays[0] = True
    while following[0] < len(starts):  # each round doubles how far ahead is known, for a loop over all starts would be slow
        stays[following[stays]] = True
        following = following[following]
    return stays[:-1]


def _admitted(rows: _Rows, stream: NDArray[np.int64], good: NDArray[np.bool_], report: Report) -> pa.Table:
    flags, end = rows.flags[good], rows.end[good]
    report.kept += len(flags)
    report.repaired += int(np.count_nonzero(flags & Flag.REPAIRED))
    report.doubtful += int(np.count_nonzero(flags & Flag.DOUBTFUL))
    report.implied += int(np.count_nonzero(flags & Flag.IMPLIED))
    if len(flags):
        report.saw(int(rows.start[good].min()), int(end.max()))
    columns = [stream[good], rows.start[good], end, end, rows.result[good], flags]
    return pa.Table.from_arrays([pa.array(column) for column in columns], schema=OBSERVATIONS)


def _pick(candidates: NDArray[np.int64], register: _Register, rows: _Rows) -> NDArray[np.int64]:
    """Of each row's candidates the entry whose period holds the row's interval; -1 where none does."""
    entry = np.full(len(rows.start), _UNKNOWN, dtype=np.int64)
    for candidate in candidates:
        holds = (rows.start >= register.from_us[candidate]) & (rows.end <= register.until_us[candidate])
        entry = np.where((entry == _UNKNOWN) & (candidate != _UNKNOWN) & holds, candidate, entry)
    return entry


@dataclass(frozen=True, slots=True)
class _Rows:
    """A raw batch as arrays; sensors and measures are indices into their names."""

    sensor_names: list[str]
    sensor: NDArray[np.int64]
    measure_names: list[str]
    measure: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    result: NDArray[np.float64]
    flags: NDArray[np.int32]
    row: NDArray[np.int64]

    @classmethod
    def of(cls, batch: pa.Table) -> _Rows:
        batch = batch.unify_dictionaries().combine_chunks()
        return cls(
            *_coded(batch["sensor"]),
            *_coded(batch["measure"]),
            *(batch[name].to_numpy() for name in ("start_us", "end_us", "result", "flags", "row")),
        )

    def describe(self, indices: NDArray[np.int64]) -> Iterator[str]:
        for i in indices:
            row = "" if self.row[i] == NO_ROW else f"row {self.row[i]}: "
            yield f"{row}{self.sensor_names[self.sensor[i]]!r} {self.result[i]:g} at {iso(self.start[i])}"


@dataclass(frozen=True, slots=True)
class _Register:
    """The sensor register as arrays, one row an entry; the last row stands for "no entry" and lets nothing in."""

    entries: dict[str, list[int]]
    from_us: NDArray[np.int64]
    until_us: NDArray[np.int64]
    interval_us: NDArray[np.int64]
    maximum: NDArray[np.float64]
    stream: NDArray[np.int64]

    @classmethod
    def of(cls, lab: Lab, stream_ids: Mapping[str, int]) -> _Register:
        sensors = list(lab.sensors.values())
        place = {entry.key: i for i, entry in enumerate(sensors)}
        periods = [validity_us(entry, lab.zone) for entry in sensors] + [(0, 0)]
        streams = [
            [stream_ids.get(f"{entry.key}/{m}", _UNKNOWN) if m in entry.measures else _UNKNOWN for m in MEASURES]
            for entry in sensors
        ]
        return cls(
            {name: [place[entry.key] for entry in entries] for name, entries in sensors_by_name(lab).items()},
            np.array([first for first, _ in periods], dtype=np.int64),
            np.array([until for _, until in periods], dtype=np.int64),
            np.array([duration_us(entry.interval) for entry in sensors] + [0], dtype=np.int64),
            np.array([entry.max_per_interval for entry in sensors] + [0.0]),
            np.array([*streams, [_UNKNOWN] * len(MEASURES)], dtype=np.int64),
        )

    def candidates(self, names: list[str]) -> NDArray[np.int64]:
        """Entries that a name can mean, shape (most entries a name has, names), filled up with -1."""
        found = [self.entries.get(name, []) for name in names]
        table = np.full((max([1, *map(len, found)]), len(names)), _UNKNOWN, dtype=np.int64)
        for column, entries in enumerate(found):
            table[: len(entries), column] = entries
        return table


def _coded(column: pa.ChunkedArray) -> tuple[list[str], NDArray[np.int64]]:
    if column.num_chunks == 0:
        return [], np.empty(0, dtype=np.int64)
    coded = column.chunk(0) if pa.types.is_dictionary(column.type) else column.chunk(0).dictionary_encode()
    return coded.dictionary.to_pylist(), coded.indices.to_numpy().astype(np.int64)

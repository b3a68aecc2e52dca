"""Nothing enters the store but what the register lets in.

A sensor that is not registered, is used outside its registered period, or tells what it is not registered for, is refused; so
is a count that cannot be, one of a time that has not come, and one of an interval that overlaps another. More than can pass is
kept, but marked as doubtful: the estimate does not lean on it. Fractions are let in: publishers halve, scale and correct their
counts. What devices send live passes ``ruimte.intake.arrivals``, by the same rules.
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
from ruimte.intake.register import MEASURES, UNKNOWN, Register
from ruimte.intake.report import Report
from ruimte.lab.lab import Lab
from ruimte.model.observation import OBSERVATIONS, Flag
from ruimte.text import duration_text

OTHER_INTERVAL = "interval is not the registered one"


def admit(batch: pa.Table, lab: Lab, stream_ids: Mapping[str, int], report: Report, now_us: int) -> pa.Table:
    """The observations of a raw batch that may enter, as a table with schema ``OBSERVATIONS``.

    ``stream_ids`` are the store's ids by datastream key (``sensor/measure``); ``now_us`` is the wall's time. What is refused is
    counted in the report by its first reason; implied zeros that are refused are dropped without a count, for the file does not
    hold them. ``received_us`` is the end of the interval: an import knows no other time of receipt.
    """
    rows = _Rows.of(batch)
    register = Register.of(lab, stream_ids)
    candidates = register.candidates(rows.sensor_names)[:, rows.sensor]
    entry = _pick(candidates, register, rows)
    known = [MEASURES.index(name) if name in MEASURES else UNKNOWN for name in rows.measure_names]
    measure = np.array(known, dtype=np.int64)[rows.measure]
    stream = np.where((entry >= 0) & (measure >= 0), register.stream[entry, measure], UNKNOWN)
    objections = (
        Objection("sensor is not registered", candidates[0] == UNKNOWN),
        Objection("lies in the future", rows.end > now_us, f"check time_format and time_zone (it is now {iso(now_us)})"),
        Objection("outside the sensor's registered period", entry == UNKNOWN),
        *impossible(register, entry, measure, rows.end - rows.start, rows.result),
    )
    with np.errstate(invalid="ignore"):
        rows.flags[rows.result > register.highest[entry, measure]] |= Flag.DOUBTFUL
    good = np.ones(len(rows.start), dtype=bool)

    def refuse(objection: Objection) -> None:
        refused = np.flatnonzero(good & objection.holds)
        good[refused] = False
        counted = refused[rows.flags[refused] & Flag.IMPLIED == 0]
        examples = rows.describe(counted)
        if objection.reason == OTHER_INTERVAL:
            lasts, registered = rows.end - rows.start, register.interval_us[entry]
            examples = (
                f"{told} lasts {duration_text(int(lasts[i]))}, registered is {duration_text(int(registered[i]))}"
                for told, i in zip(examples, counted, strict=True)
            )
        report.refuse("observations", objection.reason, len(counted), examples, objection.mend)

    for objection in objections:
        refuse(objection)
    refuse(Objection("overlaps the interval before it", _overlapping(stream, rows, good), "check time and the sensor's name"))
    return _admitted(rows, stream, good, report)


class Objection(NamedTuple):
    """A reason to refuse, the rows for which it holds, and how to mend them."""

    reason: str
    holds: NDArray[np.bool_]
    mend: str = ""


def impossible(
    register: Register,
    entry: NDArray[np.int64],
    measure: NDArray[np.int64],
    lasts_us: NDArray[np.int64],
    result: NDArray[np.float64],
) -> tuple[Objection, ...]:
    """What no observation of a registered sensor can be, whichever way it came. The arrays share one length; ``entry`` and
    ``measure`` are numbers in the register."""
    not_registered = (measure == UNKNOWN) | (register.stream[entry, measure] == UNKNOWN)
    other_interval = register.other_interval(entry, measure, lasts_us)
    with np.errstate(invalid="ignore"):
        return (
            Objection("measure is not registered for the sensor", not_registered),
            Objection(OTHER_INTERVAL, other_interval, "correct it in the mapping or in sensors.toml"),
            Objection("not a finite number", ~np.isfinite(result)),
            Objection("less than can be", register.too_low(measure, result)),
        )


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


def _pick(candidates: NDArray[np.int64], register: Register, rows: _Rows) -> NDArray[np.int64]:
    """Of each row's candidates the entry whose period holds the row's interval; -1 where none does."""
    entry = np.full(len(rows.start), UNKNOWN, dtype=np.int64)
    for candidate in candidates:
        holds = (rows.start >= register.from_us[candidate]) & (rows.end <= register.until_us[candidate])
        entry = np.where((entry == UNKNOWN) & (candidate != UNKNOWN) & holds, candidate, entry)
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
            start=batch["start_us"].to_numpy(),
            end=batch["end_us"].to_numpy(),
            result=batch["result"].to_numpy(),
            flags=batch["flags"].to_numpy().copy(),
            row=batch["row"].to_numpy(),
        )

    def describe(self, indices: NDArray[np.int64]) -> Iterator[str]:
        for i in indices:
            row = "" if self.row[i] == NO_ROW else f"row {self.row[i]}: "
            yield f"{row}{self.sensor_names[self.sensor[i]]!r} {self.result[i]:g} at {iso(self.start[i])}"


def _coded(column: pa.ChunkedArray) -> tuple[list[str], NDArray[np.int64]]:
    if column.num_chunks == 0:
        return [], np.empty(0, dtype=np.int64)
    coded = column.chunk(0) if pa.types.is_dictionary(column.type) else column.chunk(0).dictionary_encode()
    return coded.dictionary.to_pylist(), coded.indices.to_numpy().astype(np.int64)

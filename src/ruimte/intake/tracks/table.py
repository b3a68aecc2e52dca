"""Any table with a row a person and frame: CSV, Parquet or JSON, described by a mapping or by the usual names of columns.

All fields of a mapping: ``ruimte.intake.tracks.track_mapping.TrackMapping``. Without one, columns like ``id``, ``frame``,
``x/m`` and ``y/m`` are found by their names; the unit in a name counts, a frame rate is asked.
"""

from __future__ import annotations

from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ruimte.errors import RuimteError
from ruimte.intake.cells import read_stamps
from ruimte.intake.localtime import to_utc
from ruimte.intake.tracks.assemble import RowName, assembled, whole_column
from ruimte.intake.tracks.column_names import by_names, unit_in_name
from ruimte.intake.tracks.content import damage_told
from ruimte.intake.tracks.globe import on_plane
from ruimte.intake.tracks.recording import Asked, Recording
from ruimte.intake.tracks.sheet import Sheet, numbered, numbers, require_columns, sheet_of, texts
from ruimte.intake.tracks.steps import stepped
from ruimte.intake.tracks.track_mapping import TrackMapping, read_track_mapping
from ruimte.intake.tracks.units import DEGREES, agreed_rate, agreed_unit

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_TICKS = {"s": 1_000_000, "ms": 1_000, "us": 1}
_MOST_US = 2**60


class Table:
    """The format ``table``."""

    name = "table"

    def read(self, content: bytes, asked: Asked) -> Recording:
        return recording_of(content, asked, self.name)


def recording_of(content: bytes, asked: Asked, format_name: str, *, on_globe: bool = False) -> Recording:
    """What a table tells; ``on_globe``: without a mapping, longitude and latitude are wanted."""
    mapping = read_track_mapping(asked.mapping) if asked.mapping is not None else None
    sheet = sheet_of(content, mapping, asked.where)
    mapping = mapping or by_names(sheet.names, asked.where, on_globe=on_globe)
    require_columns(sheet, mapping.wanted, asked.where)
    rows = _people(sheet, mapping, asked)
    person = numbered(rows.table[mapping.id], mapping.id, asked.where, rows.name)
    when = _by_frame(rows, mapping, asked) if mapping.frame is not None else _by_time(rows, mapping, asked)
    x, y = (numbers(rows.table[each], each, mapping.decimal, asked.where, rows.name) for each in mapping.places)
    unit = agreed_unit(_told_unit(mapping, asked), asked, when.frame, x, y)
    origin, notes = None, (*rows.notes, *when.notes)
    if unit == DEGREES:
        x, y, origin, more = on_plane(x, y, asked.where)
        notes += more
    frames = assembled(person, when.frame, x, y, "m" if unit == DEGREES else unit, when.rate_hz, asked, rows.name)
    return Recording(frames, format_name, unit, start_us=when.start_us, origin=origin, notes=notes)


class _Rows(NamedTuple):
    """The wanted columns of the rows that are of people, and how these are called."""

    table: pa.Table
    name: RowName
    notes: tuple[str, ...]


class _When(NamedTuple):
    """Frames of rows, shape (rows,); frames a second; when frame 0 was, where that is known."""

    frame: Index
    rate_hz: float
    start_us: int | None
    notes: tuple[str, ...]


def _people(sheet: Sheet, mapping: TrackMapping, asked: Asked) -> _Rows:
    table = sheet.read(mapping.wanted)
    if mapping.kind is None:
        return _Rows(table, sheet.name, ())
    kinds = pc.utf8_lower(pc.utf8_trim_whitespace(texts(table[mapping.kind], mapping.kind, asked.where)))
    kept = np.flatnonzero(pc.fill_null(pc.is_in(kinds, pa.array([each.lower() for each in mapping.people])), False))
    if len(kept) == 0:
        known = ", ".join(map(repr, mapping.people))
        raise RuimteError(
            f"no row is of people: column {mapping.kind!r} says {known} nowhere",
            asked.where,
            "tell by a mapping (--mapping) what it says of people",
        )
    left = table.num_rows - len(kept)
    notes = (f"{left:,} positions of what is no person (by column {mapping.kind}) were left out",) if left else ()
    return _Rows(table.take(kept), lambda row: sheet.name(int(kept[row])), notes)


def _by_frame(rows: _Rows, mapping: TrackMapping, asked: Asked) -> _When:
    title = mapping.frame or ""
    given = numbers(rows.table[title], title, mapping.decimal, asked.where, rows.name)
    frame = whole_column(given, "frame", asked, rows.name)
    return _When(frame, agreed_rate(mapping.rate_hz, asked), None, ())


def _by_time(rows: _Rows, mapping: TrackMapping, asked: Asked) -> _When:
    title = mapping.time or ""
    column = rows.table[title]
    if mapping.time_unit is not None:
        time_us, absolute = _counted(column, mapping, asked, rows.name), mapping.since_1970
    else:
        time_us, absolute = _written(column, mapping, asked, rows.name)
    rate_hz = None if mapping.rate_hz is asked.rate_hz is None else agreed_rate(mapping.rate_hz, asked)
    found = stepped(time_us, rate_hz, asked.where)
    notes = (
        *([f"its times keep {found.rate_hz:.4g} frames a second"] if rate_hz is None else []),
        *([] if absolute else ["its times tell no offset and no time zone: when it was recorded is not known"]),
    )
    return _When(found.frame, found.rate_hz, found.first_us if absolute else None, notes)


def _counted(column: pa.ChunkedArray, mapping: TrackMapping, asked: Asked, name: RowName) -> Index:
    """Times that are numbers, in µs."""
    title, unit = mapping.time or "", mapping.time_unit or "s"
    ticks = numbers(column, title, mapping.decimal, asked.where, name) * _TICKS[unit]
    broken = np.flatnonzero(~(abs(ticks) < _MOST_US))
    if len(broken):
        where = f"{asked.where}, {name(int(broken[0]))}, column {title}"
        raise RuimteError("is no time", where, "correct it, take the row out, or correct time_unit")
    return np.round(ticks).astype(np.int64)


def _written(column: pa.ChunkedArray, mapping: TrackMapping, asked: Asked, name: RowName) -> tuple[Index, bool]:
    """Times that are text or timestamps, in µs, and whether these are UTC."""
    title = mapping.time or ""
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        raise RuimteError("holds numbers", f"{asked.where}, column {title}", "tell time_unit by a mapping (--mapping)")
    with damage_told(asked.where):
        stamps = read_stamps(column, mapping.time_format)
    broken = np.flatnonzero(~stamps.readable)
    if len(broken):
        row = int(broken[0])
        raise RuimteError("is no time", f"{asked.where}, {name(row)}, column {title}", stamps.expected)
    if stamps.absolute.all():
        return stamps.us, True
    if stamps.absolute.any():
        row = int(np.flatnonzero(~stamps.absolute)[0])
        where = f"{asked.where}, {name(row)}, column {title}"
        raise RuimteError("names no offset, where others do", where, "write all times in one way")
    if mapping.time_zone is None:
        return stamps.us, False
    local = to_utc(stamps.us, ZoneInfo(mapping.time_zone))
    unclear = np.flatnonzero(local.folded | local.missing)
    if len(unclear):
        where = f"{asked.where}, {name(int(unclear[0]))}, column {title}"
        raise RuimteError("is an hour that comes twice or never", where, "write times with an offset, or in UTC")
    return local.first_us, True


def _told_unit(mapping: TrackMapping, asked: Asked) -> str | None:
    """The unit that the mapping tells, or the names of the columns."""
    if mapping.x is None:
        return DEGREES
    told = {unit for unit in (mapping.unit, *map(unit_in_name, mapping.places)) if unit is not None}
    if len(told) > 1:
        raise RuimteError(f"positions are in {' and in '.join(sorted(told))}", asked.where, "tell one unit, that of the columns")
    return next(iter(told), None)

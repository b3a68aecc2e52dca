"""Cells to times; a cell that cannot be read is marked, never guessed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ruimte.clock import to_us
from ruimte.intake.localtime import naive_us

_FIRST_US = to_us(datetime(1970, 1, 1, tzinfo=UTC))
_LAST_US = to_us(datetime(2100, 1, 1, tzinfo=UTC))
_EXAMPLE = datetime(2026, 7, 4, 10, 5)
_ISO_EXPECTED = f"expected ISO 8601, like {_EXAMPLE.isoformat(timespec='minutes')}, or a time_format in a mapping"


@dataclass(frozen=True, slots=True)
class Stamps:
    """Times as a file writes them, arrays of one length.

    ``us`` is UTC where ``absolute`` (the cell names an offset), else wall time; ``readable`` is false for a cell that is
    empty, no time, or outside 1970–2099. ``cells`` are the times as written, ``expected`` says how they should be.
    """

    us: NDArray[np.int64]
    absolute: NDArray[np.bool_]
    readable: NDArray[np.bool_]
    cells: pa.ChunkedArray
    expected: str

    def written(self, i: int) -> str:
        """The cell of row ``i`` as a person can look it up.

        >>> read_stamps(pa.chunked_array([["soon", None]])).written(0)
        "'soon'"
        """
        cell = self.cells[i].as_py()
        return "empty" if cell is None else repr(str(cell))


def read_stamps(column: pa.ChunkedArray, pattern: str | None = None) -> Stamps:
    """Times of a column of text (``pattern``: of ``datetime.strptime``, ISO 8601 where none), dates or timestamps."""
    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("us"))
    if pa.types.is_timestamp(column.type):
        return _typed(column, column, "expected a time from 1970 to 2099")
    column = column.cast(pa.string())
    if pattern is not None:
        expected = f"expected {pattern!r}, like {_EXAMPLE.strftime(pattern)}"
        return _each(column, lambda text: datetime.strptime(text, pattern), expected)
    for kind in (pa.timestamp("us"), pa.timestamp("us", "UTC")):
        try:
            return _typed(column.cast(kind), column, _ISO_EXPECTED)
        except pa.ArrowInvalid:
            continue
    return _each(column, datetime.fromisoformat, _ISO_EXPECTED)


def mapped(column: pa.ChunkedArray, function: Callable[[str], int | None]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """A whole number of each cell of text, and which cells have one; ``function`` is called once for each different cell."""
    numbers = each_different(column.cast(pa.string()), function, pa.int64())
    return pc.fill_null(numbers, 0).to_numpy().astype(np.int64), pc.is_valid(numbers).to_numpy(zero_copy_only=False)


def each_different(column: pa.ChunkedArray, function: Callable[[str], int | float | None], kind: pa.DataType) -> pa.Array:
    """What ``function`` makes of each cell of text; it is called once for each different cell, and not for empty ones."""
    coded = column.combine_chunks().dictionary_encode()
    values = pa.array([function(text) for text in coded.dictionary.to_pylist()], type=kind)
    return values.take(coded.indices)


def _typed(column: pa.ChunkedArray, cells: pa.ChunkedArray, expected: str) -> Stamps:
    us = pc.fill_null(column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64()), -1).to_numpy()
    absolute = np.full(len(us), column.type.tz is not None)
    return Stamps(us, absolute, (us >= _FIRST_US) & (us < _LAST_US), cells, expected)


def _each(column: pa.ChunkedArray, parse: Callable[[str], datetime], expected: str) -> Stamps:
    """Parse each different cell once; cells with and without an offset may be mixed."""
    unique = pc.unique(column.combine_chunks())
    moments = {text: _moment(text, parse) for text in unique.to_pylist() if text is not None}
    offsets = {text: moment is not None and moment.tzinfo is not None for text, moment in moments.items()}

    def us(text: str) -> int | None:
        moment = moments[text]
        if moment is None:
            return None
        return to_us(moment) if moment.tzinfo is not None else naive_us(moment)

    times, readable = mapped(column, us)
    absolute, _ = mapped(column, lambda text: int(offsets[text]))
    readable &= (times >= _FIRST_US) & (times < _LAST_US)
    return Stamps(times, absolute.astype(bool), readable, column, expected)


def _moment(text: str, parse: Callable[[str], datetime]) -> datetime | None:
    try:
        return parse(text.strip())
    except ValueError:
        return None

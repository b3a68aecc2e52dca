"""Cells to counts; a cell that holds no number in the file's own way of writing is refused, never guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ruimte.intake.cells import each_different
from ruimte.intake.report import Report

_WRITTEN_OTHERWISE = re.compile(r"[+-]?\d[\d.,' ]*")
_NOT_A_NUMBER = re.compile(r"[+-]?nan", re.IGNORECASE)


@dataclass(frozen=True)
class Numerals:
    """How a file writes numbers: the ``decimal`` mark, and what parts thousands (``None``: nothing does).

    >>> Numerals(decimal=",", thousands=".").number("1.234,5"), Numerals(decimal=",").number("1.234")
    (1234.5, None)
    """

    decimal: str = "."
    thousands: str | None = None

    @property
    def plain(self) -> bool:
        """Whether numbers are written as programs do."""
        return self.decimal == "." and self.thousands is None

    def number(self, text: str) -> float | None:
        """The number that a cell holds; ``None`` where it is not wholly one."""
        text = text.strip()
        if not self._pattern.fullmatch(text):
            return None
        return float(text.replace(self.thousands or "", "").replace(self.decimal, "."))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        grouped = rf"|\d{{1,3}}(?:{re.escape(self.thousands)}\d{{3}})+" if self.thousands is not None else ""
        mark = re.escape(self.decimal)
        return re.compile(rf"[+-]?(?:(?:\d+{grouped})(?:{mark}\d*)?|{mark}\d+)(?:[eE][+-]?\d+)?")


PLAIN = Numerals()


@dataclass(frozen=True, slots=True)
class Counts:
    """A column of counts: its name, its cells as written, and of each the number (NaN: none) and whether it is unreadable."""

    name: str
    cells: pa.ChunkedArray
    numbers: NDArray[np.float64]
    unreadable: NDArray[np.bool_]

    def take(self, index: NDArray[np.int64], row: NDArray[np.int64], report: Report) -> NDArray[np.float64]:
        """The counts at ``index``, NaN where a cell is empty (counted as missing) or unreadable (refused).

        ``row`` is the row in the file of each cell of the column. What is not taken is not counted: a row that is refused as a
        row takes its cells with it.
        """
        numbers, bad = self.numbers[index], index[self.unreadable[index]]
        report.observations += len(index)
        report.missing += int(np.count_nonzero(np.isnan(numbers))) - len(bad)
        examples = [f"row {row[i]}: {self.name} is {self.cells[int(i)].as_py()!r}" for i in bad[:3]]
        report.refuse("observations", "unreadable number", len(bad), examples, _mend(self.cells.take(pa.array(bad))))
        return numbers


def read_counts(column: pa.ChunkedArray, name: str, numerals: Numerals = PLAIN, persons: float = 1.0) -> Counts:
    """A column of text or numbers as counts; ``persons`` is how many persons one in the file's unit is.

    The text "nan" is unreadable; a NaN in a column of numbers is how such a file leaves a cell empty.
    """
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        numbers = pc.fill_null(column.cast(pa.float64()), np.nan).to_numpy().astype(np.float64)
        return Counts(name, column, numbers * persons, np.zeros(len(numbers), dtype=bool))
    numbers = pc.fill_null(_numbers(column, numerals), np.nan).to_numpy().astype(np.float64)
    return Counts(name, column, numbers * persons, np.isnan(numbers) & column.is_valid().to_numpy())


def _numbers(column: pa.ChunkedArray, numerals: Numerals) -> pa.ChunkedArray | pa.Array:
    if numerals.plain:
        try:
            return column.cast(pa.float64())
        except pa.ArrowInvalid:
            pass
    return each_different(column, numerals.number, pa.float64())


def _mend(cells: pa.ChunkedArray) -> str:
    """What to do about unreadable cells, where they look like something known."""

    def any_is(pattern: re.Pattern[str]) -> bool:
        return any(pattern.fullmatch(text.strip()) for text in pc.unique(cells).to_pylist())

    if any_is(_WRITTEN_OTHERWISE):
        return "tell in a mapping how numbers are written: decimal (and thousands, where something parts them)"
    return "leave a cell empty where there is no count" if any_is(_NOT_A_NUMBER) else ""

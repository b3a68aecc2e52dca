"""A table's columns by name, from CSV, Parquet or JSON (objects in lines or in an array)."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ruimte.errors import RuimteError
from ruimte.intake.files import EMPTY_CELLS
from ruimte.intake.tracks.assemble import RowName, row_number
from ruimte.intake.tracks.content import damage_told, require_rows
from ruimte.intake.tracks.objects import objects_in
from ruimte.intake.tracks.track_mapping import TrackMapping

PARQUET_MAGIC = b"PAR1"
_DELIMITERS = (",", ";", "\t")
_MOST_HEADER_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Sheet:
    """The names of a table's columns, what reads some of them, and how its rows are called."""

    names: list[str]
    read: Callable[[Sequence[str]], pa.Table]
    name: RowName


def sheet_of(content: bytes, mapping: TrackMapping | None, where: str) -> Sheet:
    """A file's table, as its first bytes tell what it is. Raises ``RuimteError`` where it cannot be read."""
    if content.startswith(PARQUET_MAGIC):
        return _parquet(content, where)
    if content.lstrip()[:1] in (b"{", b"["):
        return _json(content, where)
    return _csv(content, mapping, where)


def require_columns(sheet: Sheet, wanted: Sequence[str], where: str) -> None:
    """Raise ``RuimteError`` where a column is lacking, or comes twice."""
    count = Counter(sheet.names)
    if lacking := [name for name in wanted if name not in count]:
        some = ", ".join(map(repr, sheet.names[:12])) + (", …" if len(sheet.names) > 12 else "")
        raise RuimteError(f"no column {', '.join(map(repr, lacking))} (found: {some})", where, "correct the mapping")
    if doubled := [name for name in wanted if count[name] > 1]:
        raise RuimteError(f"column {doubled[0]!r} comes twice", where, "give each column its own name")


# --- cells --------------------------------------------------------------------------------------------------------------


def numbers(column: pa.ChunkedArray, title: str, decimal: str, where: str, name: RowName) -> NDArray[np.float64]:
    """Cells as numbers, NaN where they are empty. Raises ``RuimteError`` with the row of what is none."""
    if _is_text(column):
        column = pc.utf8_trim_whitespace(column.cast(pa.string()))
        column = pc.replace_substring(column, ",", ".") if decimal == "," else column
        column = pc.if_else(pc.equal(column, ""), None, column)
    try:
        return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
    except pa.ArrowInvalid:
        row = next((row for row, cell in enumerate(column.to_pylist()) if not _is_number(cell)), 0)
        raise RuimteError("is not a number", f"{where}, {name(row)}, column {title}", "correct it or take the row out") from None
    except pa.ArrowException:
        raise RuimteError(f"holds {column.type}, not numbers", f"{where}, column {title}", "name another column") from None


def texts(column: pa.ChunkedArray, title: str, where: str) -> pa.ChunkedArray:
    """Cells as text."""
    try:
        return column.cast(pa.string())
    except pa.ArrowException:
        raise RuimteError(f"holds {column.type}, not text", f"{where}, column {title}", "name another column") from None


def numbered(column: pa.ChunkedArray, title: str, where: str, name: RowName) -> NDArray[np.int64]:
    """Small numbers for whatever tells tracks apart, in the order in which they come. An empty cell is refused."""
    try:
        codes = column.combine_chunks().dictionary_encode().indices
    except pa.ArrowException:
        raise RuimteError(f"holds {column.type}", f"{where}, column {title}", "name the column that tells tracks apart") from None
    if codes.null_count:
        row = int(np.flatnonzero(codes.is_null().to_numpy(zero_copy_only=False))[0])
        raise RuimteError("is empty", f"{where}, {name(row)}, column {title}", "tell whose position it is, or take the row out")
    return np.asarray(codes.to_numpy(), dtype=np.int64)


def _is_text(column: pa.ChunkedArray) -> bool:
    kind = column.type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_number(cell: Any) -> bool:
    try:
        return cell is None or float(cell) is not None
    except (TypeError, ValueError):
        return False


# --- CSV ----------------------------------------------------------------------------------------------------------------


def _csv(content: bytes, mapping: TrackMapping | None, where: str) -> Sheet:
    text = _as_utf8(content, mapping.encoding if mapping is not None else "utf-8", where)
    first = text[:_MOST_HEADER_BYTES].decode(errors="ignore").splitlines()[0]
    delimiter = mapping.delimiter if mapping is not None else max(_DELIMITERS, key=first.count)
    told = mapping.names if mapping is not None else []
    try:
        names = told or [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])]
    except csv.Error as error:
        raise RuimteError(f"its first line is no line of a table ({error})", where, "choose another file") from None

    def read(columns: Sequence[str]) -> pa.Table:
        places = [names.index(column) for column in columns]
        table = _cells_of(text, len(names), places, bool(told), delimiter, where)
        require_rows(table.num_rows, where)
        return table.rename_columns(list(columns))

    return Sheet(names, read, _line_names(text, not told))


def _as_utf8(content: bytes, encoding: str, where: str) -> bytes:
    try:
        text = content.decode(encoding).removeprefix("\ufeff").lstrip("\r\n")
    except (UnicodeError, LookupError, ValueError, TypeError):
        raise RuimteError(f"is not text in {encoding}", where, "save it as UTF-8, or name its encoding in a mapping") from None
    if not text.strip():
        raise RuimteError("the file is empty", where, "fetch it again from its publisher")
    return text.encode(errors="replace")


def _cells_of(text: bytes, width: int, places: list[int], headless: bool, delimiter: str, where: str) -> pa.Table:
    """Cells of the columns at some places as text, null where they are empty."""
    broken: list[tuple[int, int]] = []

    def skip(row: pacsv.InvalidRow) -> str:
        broken.append((row.number, row.actual_columns))
        return "skip"

    wanted = [str(place) for place in places]
    try:
        table = pacsv.read_csv(
            pa.BufferReader(text),
            # one thread, for only then does a broken row know its number
            read_options=pacsv.ReadOptions(
                use_threads=False, column_names=[str(place) for place in range(width)], skip_rows=0 if headless else 1
            ),
            parse_options=pacsv.ParseOptions(delimiter=delimiter, invalid_row_handler=skip),
            convert_options=pacsv.ConvertOptions(
                include_columns=wanted,
                column_types=dict.fromkeys(wanted, pa.string()),
                strings_can_be_null=True,
                null_values=list(EMPTY_CELLS),
            ),
        )
    except pa.ArrowException as error:
        raise RuimteError(f"cannot be read ({str(error).splitlines()[0][:200]})", where, "check that the file is whole") from None
    if broken:
        row, cells = broken[0]
        told = f"holds {cells} cells, not {width}"
        raise RuimteError(told, f"{where}, line {row}", "complete it or take it out; the file may be cut off")
    return table


def _line_names(content: bytes, has_header: bool) -> RowName:
    """How rows are called: by the number of the line that holds them, where empty lines hold none."""

    def name(row: int) -> str:
        held = (number for number, line in enumerate(content.splitlines(), start=1) if line)
        return f"line {next(islice(held, row + has_header, None), '?')}"

    return name


# --- Parquet and JSON ---------------------------------------------------------------------------------------------------


def _parquet(content: bytes, where: str) -> Sheet:
    with damage_told(where):
        file = pq.ParquetFile(pa.BufferReader(content))
        names = list(file.schema_arrow.names)
    require_rows(file.metadata.num_rows, where)

    def read(columns: Sequence[str]) -> pa.Table:
        with damage_told(where):
            table = file.read(columns=list(columns)).select(list(columns))
            table.validate(full=True)
            return table

    return Sheet(names, read, row_number)


def _json(content: bytes, where: str) -> Sheet:
    rows = [_flat(each) for each in objects_in(content, msgspec.json.Decoder(dict[str, Any]), where)]
    require_rows(len(rows), where)
    names = list(dict.fromkeys(name for row in rows for name in row))

    def read(columns: Sequence[str]) -> pa.Table:
        return pa.table({column: _cells([row.get(column) for row in rows], column, where) for column in columns})

    return Sheet(names, read, row_number)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """The fields of an object, those of objects in it by ``name.field``."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{field}": each for field, each in value.items()}
        else:
            flat[name] = value
    return flat


def _cells(values: list[Any], column: str, where: str) -> pa.Array:
    """Numbers or text; text where they are mixed."""
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError):
        pass
    try:
        return pa.array([None if value is None else str(value) for value in values], pa.string())
    except (pa.ArrowException, UnicodeError):
        raise RuimteError("cannot be read", f"{where}, column {column}", "name another column") from None

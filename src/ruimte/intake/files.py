"""Opening a publisher's file, with an error that says what is wrong where it cannot be read."""

from __future__ import annotations

import csv
import gzip
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ruimte.errors import RuimteError
from ruimte.intake.report import Report

EMPTY_CELLS = ("", "NA", "N/A", "null", "NULL", "None", "-")
"""What publishers write where they have nothing to tell."""

_GZIP_MAGIC = b"\x1f\x8b"
_PARQUET_MAGIC = b"PAR1"
_MOST_HEADER_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file's wanted columns, and of each row its number in the file (1 is the first line; blank lines are not counted).

    Columns of a CSV file are strings, null where a cell is empty; those of a Parquet file have the file's types.
    """

    columns: dict[str, pa.ChunkedArray]
    row: NDArray[np.int64]


def is_parquet(path: Path) -> bool:
    """Whether a file is Parquet, told by its first bytes."""
    return _first_bytes(path) == _PARQUET_MAGIC


def csv_header(path: Path, *, delimiter: str = ",", encoding: str = "utf-8") -> list[str]:
    """The column names of a CSV file, plain or gzipped, without a byte-order mark and surrounding spaces."""
    with _mended_errors(path, encoding):
        names = _header(path, delimiter, encoding)
    if not names:
        raise RuimteError("the file is empty", str(path), "fetch it again from its publisher")
    return names


def read_csv(
    path: Path,
    columns: Sequence[str],
    report: Report,
    *,
    mend: str,
    delimiter: str = ",",
    encoding: str = "utf-8",
    empty: Sequence[str] = EMPTY_CELLS,
) -> Sheet:
    """Read the named columns of a CSV file, plain or gzipped; ``empty`` is what a cell without content may hold.

    Rows with too many or too few cells are refused in the report. ``mend`` says what to do where a column is lacking.
    """
    header = csv_header(path, delimiter=delimiter, encoding=encoding)
    columns = _require(path, header, columns, mend)
    doubled = [name for name, count in Counter(header).items() if count > 1 and name in columns]
    if doubled:
        raise RuimteError(f"column {doubled[0]!r} comes twice", str(path), "give each column its own name")
    broken: list[int] = []

    def skip(row: pacsv.InvalidRow) -> str:
        broken.append(row.number)
        report.refuse("rows", f"not {row.expected_columns} cells", 1, [f"row {row.number} has {row.actual_columns}"])
        return "skip"

    with _mended_errors(path, encoding), pa.input_stream(str(path), compression=_compression(path)) as stream:
        table = pacsv.read_csv(
            stream,
            # one thread, for only then does a broken row know its number
            read_options=pacsv.ReadOptions(use_threads=False, column_names=_unique(header), skip_rows=1, encoding=encoding),
            parse_options=pacsv.ParseOptions(delimiter=delimiter, invalid_row_handler=skip),
            convert_options=pacsv.ConvertOptions(
                include_columns=columns,
                column_types={name: pa.string() for name in columns},
                strings_can_be_null=True,
                null_values=list(empty),
            ),
        )
    numbers = np.arange(2, 2 + table.num_rows + len(broken))
    row = np.delete(numbers, np.array(broken, dtype=np.int64) - 2)
    return _sheet(table, row, len(numbers), path, report)


def read_parquet(path: Path, columns: Sequence[str], report: Report, *, mend: str) -> Sheet:
    """Read the named columns of a Parquet file; row 1 is the first. ``mend`` says what to do where a column is lacking."""
    with _mended_errors(path, "utf-8"):
        table = pq.read_table(path, columns=_require(path, pq.read_schema(path).names, columns, mend))
    return _sheet(table, np.arange(1, 1 + table.num_rows), table.num_rows, path, report)


def _require(path: Path, found: Sequence[str], columns: Sequence[str], mend: str) -> list[str]:
    columns = list(dict.fromkeys(columns))
    lacking = [name for name in columns if name not in found]
    if lacking:
        some = ", ".join(found[:8]) + (", …" if len(found) > 8 else "")
        raise RuimteError(f"no column {', '.join(map(repr, lacking))} (found: {some})", str(path), mend)
    return columns


def _sheet(table: pa.Table, row: NDArray[np.int64], rows: int, path: Path, report: Report) -> Sheet:
    if rows == 0:
        raise RuimteError("the file holds no rows", str(path), "fetch it again from its publisher")
    report.rows += rows
    return Sheet({name: table[name] for name in table.column_names}, row)


def _unique(header: Sequence[str]) -> list[str]:
    """Names for the reader: those that come twice, which nobody wants, get their number."""
    seen: Counter[str] = Counter()
    names = []
    for name in header:
        names.append(f"{name}\0{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return names


def _header(path: Path, delimiter: str, encoding: str) -> list[str]:
    with _open(path) as stream:
        line = stream.readline(_MOST_HEADER_BYTES)
    text = line.decode("utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding)
    first = re.split("[\r\n]", text, maxsplit=1)[0]
    return [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])]


def _open(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path, "rb")) if _compression(path) else path.open("rb")


def _compression(path: Path) -> str | None:
    if _first_bytes(path)[:2] == _GZIP_MAGIC:
        return "gzip"
    if path.suffix.lower() == ".gz":
        raise RuimteError("is not gzip", str(path), "fetch it again, or leave .gz out of its name if it was never compressed")
    return None


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(len(_PARQUET_MAGIC))
    except FileNotFoundError:
        raise RuimteError("file not found", str(path), "check the path") from None
    except IsADirectoryError:
        raise RuimteError("this is a folder, not a file", str(path), "name a file in it") from None
    except OSError as error:
        raise RuimteError(f"cannot be read ({error.strerror})", str(path), "check its permissions") from None


@contextmanager
def _mended_errors(path: Path, encoding: str) -> Iterator[None]:
    """Turn what the readers raise into errors a user can mend."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile) as error:
        raise RuimteError(f"the gzip file is cut off or damaged ({error})", str(path), "fetch it again") from None
    except LookupError:
        raise RuimteError(f"unknown encoding {encoding!r}", str(path), "name one like 'utf-8' or 'latin-1'") from None
    except UnicodeDecodeError:
        raise RuimteError(f"is not text in {encoding}", str(path), _ENCODING_MEND) from None
    except pa.ArrowInvalid as error:
        reason = str(error).splitlines()[0]
        if "UTF8" in reason:
            raise RuimteError(f"is not text in {encoding}", str(path), _ENCODING_MEND) from None
        raise RuimteError(f"cannot be read ({reason})", str(path), "check that the file is whole and of this format") from None
    except OSError as error:
        raise RuimteError(f"the file is cut off or damaged ({error})", str(path), "fetch it again") from None


_ENCODING_MEND = "save it as UTF-8, or name its encoding in a mapping (format table)"

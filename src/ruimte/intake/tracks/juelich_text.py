"""Text of Forschungszentrum Jülich (PeTrack, JuPedSim's older output, the Pedestrian Dynamics Data Archive), as PedPy reads it.

A line a person and frame: id, frame, x, y and further columns, which are left out; blanks or tabs between. Comments start with
``#``. Of those before the first row the reader takes the frame rate (``framerate: 25``), the unit (``x/m``, ``x/cm``,
``in metres``) and, where one names the columns, their order. Many files have no comments: then unit and rate have to be given.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import islice, takewhile

import pyarrow as pa
import pyarrow.csv as pacsv

from ruimte.errors import RuimteError
from ruimte.intake.tracks.assemble import RowName, assembled, whole_column
from ruimte.intake.tracks.content import require_rows
from ruimte.intake.tracks.recording import Asked, Recording
from ruimte.intake.tracks.units import agreed_rate, agreed_unit

_COLUMNS = ("id", "frame", "x", "y")
_RATE = re.compile(r"(?:frame\s?rate|fps)\s*[:=]?\s*([0-9]+(?:[.][0-9]+)?(?:e[+-]?[0-9]+)?)", re.IGNORECASE)
_UNIT = re.compile(r"\bx\s*[/[]\s*(?:in\s+)?(c?m)\b|\bin\s+(c?m|(?:centi)?met(?:er|re)s?)\b", re.IGNORECASE)
_UNKNOWN = ["nan", "NaN", "NAN", "-nan"]


class JuelichText:
    """The format ``juelich-text``."""

    name = "juelich-text"

    def read(self, content: bytes, asked: Asked) -> Recording:
        text = _plain(content)
        width = _width(text, asked.where)
        head = _head(content, width, asked.where)
        table = _columns(text, width, head.places, asked.where)
        require_rows(len(table), asked.where)
        person, frame = (whole_column(table[at].to_numpy(), each, asked, _lines(text)) for at, each in ((0, "id"), (1, "frame")))
        x, y = table[2].to_numpy(), table[3].to_numpy()
        rate_hz, unit = agreed_rate(head.rate_hz, asked), agreed_unit(head.unit, asked, frame, x, y)
        frames = assembled(person, frame, x, y, unit, rate_hz, asked, _lines(text))
        return Recording(frames, self.name, unit, notes=head.notes)


# --- comments -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Head:
    """What the comments before the first row tell; ``places``: which columns hold id, frame, x and y."""

    rate_hz: float | None
    unit: str | None
    places: tuple[int, ...]
    notes: tuple[str, ...]


def _head(content: bytes, width: int, where: str) -> _Head:
    lines = content.removeprefix(b"\xef\xbb\xbf").lstrip()[:100_000].decode("utf-8", errors="replace").splitlines()
    comments = [line.strip(" \t#") for line in takewhile(lambda line: line.lstrip().startswith("#") or not line.strip(), lines)]
    text = "\n".join(comments)
    units = {"cm" if (one or other).lower().startswith("c") else "m" for one, other in _UNIT.findall(text)}
    rates = {rate for found in _RATE.findall(text) if (rate := _number(found)) is not None}
    for name, told in (("units", units), ("frame rates", rates)):
        if len(told) > 1:
            raise RuimteError(f"its comments tell different {name} ({_listed(told)})", where, "correct the comments")
    named = [places for line in comments if (places := _places(line, width)) is not None]
    notes = () if named else ("no comment names the columns: they were read as id, frame, x, y",)
    return _Head(next(iter(rates), None), next(iter(units), None), named[-1] if named else (0, 1, 2, 3), notes)


def _places(comment: str, width: int) -> tuple[int, ...] | None:
    """Where a comment that names the columns of rows with so many cells has id, frame, x and y; None where it names none.

    >>> _places("frame id x/m y/m z/m", 5), _places("each row has id frame x y", 5)
    ((1, 0, 2, 3), None)
    """
    words = [word.split("/")[0] for word in re.sub(r"\s*[\[(].*?[\])]", "", comment.lower()).split()]
    words = ["frame" if word == "fr" else word for word in words]
    if not all(words.count(name) == 1 for name in _COLUMNS):
        return None
    places = tuple(map(words.index, _COLUMNS))
    return places if len(words) == width or max(places) < len(_COLUMNS) else None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _listed(told: set[str] | set[float]) -> str:
    return ", ".join(sorted(f"{each:g}" if isinstance(each, float) else each for each in told))


# --- rows ---------------------------------------------------------------------------------------------------------------


def _plain(content: bytes) -> bytes:
    """The same lines with single blanks between cells, and nothing in the place of comments."""
    text = content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\t", b" ")
    if b"#" in text:
        text = re.sub(rb"#[^\n]*", b"", text)
    while b"  " in text:
        text = text.replace(b"  ", b" ")
    return text.replace(b" \n", b"\n").replace(b"\n ", b"\n").strip(b" ")


def _width(text: bytes, where: str) -> int:
    """How many cells the first row has."""
    require_rows(int(bool(text.strip())), where)
    width = len(text.lstrip(b"\n").split(b"\n", maxsplit=1)[0].split(b" "))
    if width < len(_COLUMNS):
        raise RuimteError(f"its first row has {width} cells", where, "give at least id, frame, x and y")
    return width


def _columns(text: bytes, width: int, places: tuple[int, ...], where: str) -> pa.Table:
    """Persons, frames, x and y. Raises ``RuimteError`` with the line and the column of what is no number."""
    table = _table(text, places, pa.int64()) or _table(text, places, pa.float64())  # many write whole numbers as 1.00e+00
    if table is None or table[0].null_count or table[1].null_count:
        raise _fault(text, width, places, where)
    return table


def _table(text: bytes, places: tuple[int, ...], whole: pa.DataType) -> pa.Table | None:
    """The wanted columns, in order; None where one holds something else, or rows differ in length."""
    types = dict(zip((f"f{place}" for place in places), (whole, whole, pa.float64(), pa.float64()), strict=True))
    try:
        return pacsv.read_csv(
            pa.BufferReader(text),
            read_options=pacsv.ReadOptions(autogenerate_column_names=True),
            parse_options=pacsv.ParseOptions(delimiter=" ", quote_char=False),
            convert_options=pacsv.ConvertOptions(include_columns=list(types), column_types=types, null_values=_UNKNOWN),
        )
    except pa.ArrowInvalid:
        return None


def _fault(text: bytes, width: int, places: tuple[int, ...], where: str) -> RuimteError:
    """What is wrong in the first row that cannot be read."""
    for number, line in enumerate(text.split(b"\n"), start=1):
        cells = line.split(b" ")
        if line and len(cells) != width:
            told = f"holds {len(cells)} cells, not {width}"
            return RuimteError(told, f"{where}, line {number}", "complete it or take it out; the file may be cut off")
        for name, place in zip(_COLUMNS, places, strict=True):
            value = _number(cells[place].decode("ascii", errors="replace")) if line else 0.0
            if value is None or (name in ("id", "frame") and not math.isfinite(value)):
                return RuimteError("is not a number", f"{where}, line {number}, column {name}", "correct it or take the line out")
    return RuimteError("cannot be read as numbers", where, "check that it is text with a person and frame a line")


def _lines(text: bytes) -> RowName:
    """How rows are called: by the number of the line that holds them, where empty lines hold none."""

    def name(row: int) -> str:
        held = (number for number, line in enumerate(text.split(b"\n"), start=1) if line)
        return f"line {next(islice(held, row, None))}"

    return name

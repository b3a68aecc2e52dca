"""Reading a recording of tracks, of whatever format."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path

import msgspec
from numpy.typing import ArrayLike

from ruimte.errors import RuimteError
from ruimte.intake.tracks.column_names import by_names
from ruimte.intake.tracks.content import read_content
from ruimte.intake.tracks.gps import VinotionGps
from ruimte.intake.tracks.homography import checked_homography
from ruimte.intake.tracks.juelich_hdf5 import JuelichHdf5
from ruimte.intake.tracks.juelich_text import JuelichText
from ruimte.intake.tracks.jupedsim import JuPedSim
from ruimte.intake.tracks.objects import raw_objects
from ruimte.intake.tracks.pushes import RecordedAxisScene, RecordedXovis
from ruimte.intake.tracks.recording import Asked, Recording, TrackFormat
from ruimte.intake.tracks.sheet import PARQUET_MAGIC, sheet_of
from ruimte.intake.tracks.table import Table

FORMATS: dict[str, TrackFormat] = {
    each.name: each
    for each in (JuelichText(), JuelichHdf5(), JuPedSim(), Table(), RecordedXovis(), RecordedAxisScene(), VinotionGps())
}
_MAGIC = {b"\x89HDF\r\n\x1a\n": "juelich-hdf5", b"SQLite format 3\0": "jupedsim", PARQUET_MAGIC: "table"}
_MAPPED = ("table", "vinotion-gps")


def read_tracks(
    path: Path,
    *,
    format: str | None = None,  # noqa: A002
    unit: str | None = None,
    rate_hz: float | None = None,
    mapping: Path | None = None,
    homography: ArrayLike | None = None,
) -> Recording:
    """A recording of tracks, plain or gzipped.

    Args:
        format: a key of ``FORMATS``; told from the file where it is left out.
        unit: of positions (``"m"``, ``"cm"``, ``"mm"``), for files that do not tell it. It is never guessed.
        rate_hz: frames a second, for files that do not tell it.
        mapping: a TOML file that tells what the columns of a table mean (``TrackMapping``).
        homography: shape (3, 3), shares of a camera's picture (x, y, 1) to metres on the ground, up to scale.

    Raises ``RuimteError`` where the file cannot be read, lacks what nobody told, or contradicts what was told.
    """
    where = str(path)
    if format is not None and format not in FORMATS:
        raise RuimteError(f"format {format!r} is not known", where, f"give one of {', '.join(FORMATS)}")
    content = read_content(path)
    name = format or ("table" if mapping is not None else told_format(content, where))
    if mapping is not None and name not in _MAPPED:
        raise RuimteError(f"format {name} needs no mapping", where, "leave out --mapping, or give --format table")
    if homography is not None and name != "axis-scene":
        raise RuimteError(f"format {name} needs no homography", where, "leave it out, or give --format axis-scene")
    ground = None if homography is None else checked_homography(homography, where)
    return FORMATS[name].read(content, Asked(path, unit, rate_hz, mapping, ground))


def told_format(content: bytes, where: str) -> str:
    """The name of a file's format, as its beginning tells it. Raises ``RuimteError`` where it does not."""
    for magic, name in _MAGIC.items():
        if content.startswith(magic):
            return name
    text = content.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] in (b"{", b"["):
        found = _of_object(text, where)
    elif _is_juelich_text(text):
        found = "juelich-text"
    else:
        found = _of_columns(content, where)
    if found is None:
        raise RuimteError("its format is not sure", where, f"give --format, one of {', '.join(FORMATS)}")
    return found


def _of_object(text: bytes, where: str) -> str | None:
    """The format of JSON, as its first object tells it."""
    first = raw_objects(text, where)[:1]
    try:
        fields = set(msgspec.json.decode(first[0], type=dict[str, msgspec.Raw])) if first else set()
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    if fields & {"live_data", "logics_data", "history_data"}:
        return "xovis"
    if "detections" in fields or ("frame" in fields and len(fields) == 1):
        return "axis-scene"
    return _of_columns(text, where)


def _of_columns(content: bytes, where: str) -> str | None:
    """The format of a table, as the names of its columns tell it."""
    try:
        found = by_names(sheet_of(content, None, where).names, where)
    except RuimteError:
        return None
    return "table" if found.x is not None else "vinotion-gps"


def _is_juelich_text(text: bytes) -> bool:
    """Whether its comments tell a frame rate, or its first row has at least four cells and begins with two numbers."""
    lines = text[:100_000].splitlines()
    comments = list(takewhile(lambda line: line.lstrip().startswith(b"#") or not line.strip(), lines))
    cells = lines[len(comments)].split() if len(comments) < len(lines) else []
    return b"framerate" in b"".join(comments).lower() or (len(cells) >= 4 and all(map(_is_number, cells[:2])))


def _is_number(cell: bytes) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True

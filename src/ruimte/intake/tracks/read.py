"""Reading a recording of tracks, of whatever format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from ruimte.errors import RuimteError
from ruimte.intake.tracks.content import read_content
from ruimte.intake.tracks.juelich_text import JuelichText
from ruimte.intake.tracks.recording import Asked, Recording, TrackFormat

FORMATS: dict[str, TrackFormat] = {each.name: each for each in (JuelichText(),)}


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
        mapping: a TOML file that tells what the columns of a table mean.
        homography: shape (3, 3), shares of a camera's picture (x, y, 1) to metres on the ground, up to scale.

    Raises ``RuimteError`` where the file cannot be read, lacks what nobody told, or contradicts what was told.
    """
    content = read_content(path)
    name = format if format is not None else told_format(content, str(path))
    if name not in FORMATS:
        raise RuimteError(f"format {name!r} is not known", str(path), f"give one of {', '.join(FORMATS)}")
    ground = None if homography is None else np.asarray(homography, dtype=np.float64)
    return FORMATS[name].read(content, Asked(path, unit, rate_hz, mapping, ground))


def told_format(content: bytes, where: str) -> str:
    """The name of a file's format, as its first bytes tell it. Raises ``RuimteError`` where they do not."""
    line = content.removeprefix(b"\xef\xbb\xbf").lstrip()[:10_000].split(b"\n", maxsplit=1)[0]
    if line.startswith(b"#") or (len(line.split()) >= 4 and _all_numbers(line)):
        return "juelich-text"
    raise RuimteError("its format is not sure", where, f"give --format, one of {', '.join(FORMATS)}")


def _all_numbers(line: bytes) -> bool:
    try:
        return bool([float(cell) for cell in line.split()])
    except ValueError:
        return False

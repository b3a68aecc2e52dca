"""Columns of a file as frames: what would become a silent wrong number later is refused here, with the row that it is in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ruimte.errors import RuimteError
from ruimte.intake.tracks.content import MOST_WHOLE
from ruimte.intake.tracks.recording import Asked
from ruimte.intake.tracks.units import PER_METRE
from ruimte.tracks.frames import Frames, frames_of

Array = NDArray[np.float64]
Index = NDArray[np.int64]

RowName = Callable[[int], str]
"""How a row (0 is the first) is called in the file: ``"line 12"``."""


def row_number(row: int) -> str:
    """How a row is called where the file has no lines."""
    return f"row {row + 1}"


def assembled(person: Index, frame: Index, x: Array, y: Array, unit: str, rate_hz: float, asked: Asked, name: RowName) -> Frames:
    """Frames of a table with a row a person and frame, positions in ``unit``; NaN and infinite ones stay, as not known.

    Raises ``RuimteError`` where a person is in a frame twice, and where frames are not numbered one by one: nobody would be
    there in those between.
    """
    order = np.lexsort((frame, person))
    same = np.diff(person[order]) == 0
    step = np.diff(frame[order])[same]
    if (step == 0).any():
        at = np.flatnonzero(same & (np.diff(frame[order]) == 0))[0]
        one, other = sorted(order[at : at + 2].tolist())
        raise RuimteError(
            f"the same person is twice in frame {frame[one]} ({name(one)} and {name(other)})",
            asked.where,
            "keep one position a person and frame",
        )
    if len(step) and (usual := int(np.median(step))) > 1:
        raise RuimteError(
            f"whoever stays is seen in one of {usual} frames only",
            asked.where,
            "number frames 0, 1, 2 … and give the rate of these; if they are times, use a mapping that says so",
        )
    try:
        return frames_of(person, frame, x / PER_METRE[unit], y / PER_METRE[unit], rate_hz)
    except RuimteError as error:
        raise RuimteError(error.what, asked.where, error.mend) from None


def whole_column(values: NDArray[np.float64] | NDArray[np.int64], column: str, asked: Asked, name: RowName) -> Index:
    """Numbers of persons or frames; raises ``RuimteError`` with the row of what is no whole number."""
    with np.errstate(invalid="ignore"):
        broken = np.flatnonzero((values != np.round(values)) | (values < -MOST_WHOLE) | (values > MOST_WHOLE))
    if len(broken):
        raise RuimteError(
            f"the {column} is no whole number", f"{asked.where}, {name(int(broken[0]))}", "number persons and frames 0, 1, 2 …"
        )
    return values.astype(np.int64)

"""A recording of tracks, and what whoever reads it has to say of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon

from ruimte.tracks.frames import Frames


@dataclass(frozen=True, slots=True)
class Recording:
    """Who was where in which frame, in metres of the recording's own plane.

    - ``format``: the name of the format that it was read by.
    - ``unit``: what the file told positions in: ``"m"``, ``"cm"``, ``"mm"`` or ``"degrees"``.
    - ``walkable``: where people could be, metres in the same plane, where the file tells it; holes are obstacles.
    - ``start_us``: the moment (microseconds since 1970, UTC) of frame number 0, where the file tells one.
    - ``origin``: longitude and latitude of (0, 0), with x to the east and y to the north, where positions were degrees.
    - ``notes``: what the reader had to decide or left out, a line each.
    """

    frames: Frames
    format: str
    unit: str
    walkable: Polygon | MultiPolygon | None = None
    start_us: int | None = None
    origin: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What whoever reads a file says of it; None where they leave it to the file.

    ``unit``: of positions. ``rate_hz``: frames a second. ``mapping``: a file that tells what columns mean. ``homography``
    (3, 3): shares of a camera's picture to metres on the ground.
    """

    path: Path
    unit: str | None = None
    rate_hz: float | None = None
    mapping: Path | None = None
    homography: NDArray[np.float64] | None = None

    @property
    def where(self) -> str:
        """The file's name, for errors."""
        return str(self.path)


class TrackFormat(Protocol):
    """Reads one kind of file."""

    name: str

    def read(self, content: bytes, asked: Asked) -> Recording:
        """The recording in a file's (unpacked) content. Raises ``RuimteError``."""
        ...

"""Tracks by longitude and latitude, as cameras that know where they look tell them (ViNotion's ViSense, for one).

We know of no published description of ViNotion's trajectories; so the reader takes a row (CSV) or an object (JSON, one a line or
in an array) a person and moment, finds the columns by their usual names (``id``, ``timestamp``, ``longitude``, ``latitude``,
``class``), and takes a mapping where they have others. Times are ISO 8601, best with an offset. Cameras see bicycles and cars
too: where a column tells the class, only people are read.
"""

from __future__ import annotations

from ruimte.intake.tracks.recording import Asked, Recording
from ruimte.intake.tracks.table import recording_of


class VinotionGps:
    """The format ``vinotion-gps``."""

    name = "vinotion-gps"

    def read(self, content: bytes, asked: Asked) -> Recording:
        return recording_of(content, asked, self.name, on_globe=True)

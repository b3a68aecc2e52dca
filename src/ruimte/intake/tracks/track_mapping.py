"""The mapping of a table of tracks: which of its columns mean what."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Literal

import msgspec

from ruimte.intake.mapping import FORMAT, checked_mapping, is_zone
from ruimte.lab.mistakes import Spot

Unit = Literal["m", "cm", "mm"]
TimeUnit = Literal["s", "ms", "us"]


class TrackMapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping file (TOML) of a table with a row a person and frame.

    Who: ``id``, the column that tells the track. ``kind``, the column that tells what moves, and ``people``, what it says of
    people; other rows are left out.

    When, one of:

    - ``frame``: the column with the number of the frame, which needs ``rate_hz``, frames a second.
    - ``time``: the column with the time: in ISO 8601, or as ``time_format`` says (``datetime.strptime``), or a number of
      ``time_unit`` (``"s"``, ``"ms"``, ``"us"``), which counts from 1970 in UTC if ``since_1970 = true``. ``time_zone``: of times
      that name no offset. ``rate_hz`` where the times do not keep one by themselves.

    Where, one of:

    - ``x`` and ``y``, in ``unit`` (``"m"``, ``"cm"``, ``"mm"``).
    - ``longitude`` and ``latitude``, in degrees (WGS84).

    How it is written: ``delimiter`` (``","``), ``decimal`` (``"."`` or ``","``), ``encoding`` (``"utf-8"``), and ``names``, the
    names of the columns of a file that does not tell them.
    """

    id: str
    format: int = FORMAT
    kind: str | None = None
    people: list[str] = []
    frame: str | None = None
    rate_hz: float | None = None
    time: str | None = None
    time_format: str | None = None
    time_unit: TimeUnit | None = None
    time_zone: str | None = None
    since_1970: bool = False
    x: str | None = None
    y: str | None = None
    unit: Unit | None = None
    longitude: str | None = None
    latitude: str | None = None
    delimiter: str = ","
    decimal: Literal[".", ","] = "."
    encoding: str = "utf-8"
    names: list[str] = []

    @property
    def places(self) -> list[str]:
        """The two columns that tell where a person is."""
        return [name for name in (self.x, self.y, self.longitude, self.latitude) if name is not None]

    @property
    def wanted(self) -> list[str]:
        """The columns that are read."""
        roles = (self.id, self.kind, self.frame, self.time, *self.places)
        return list(dict.fromkeys(name for name in roles if name is not None))


def read_track_mapping(path: Path) -> TrackMapping:
    """Read and check a mapping file; raises ``RuimteError`` naming the file, the field and the mend."""
    return checked_mapping(path, TrackMapping, _check)


def _check(mapping: TrackMapping, spot: Spot) -> None:
    """Report what the types let through."""
    if (mapping.frame is None) == (mapping.time is None):
        spot.mistake("a row tells its frame or its time", "give either frame or time", at="frame")
    if mapping.time is None:
        for field in ("time_format", "time_unit", "time_zone"):
            if getattr(mapping, field) is not None:
                spot.mistake("belongs to time", "give time, or leave it out", at=field)
    if mapping.time_format is not None and mapping.time_unit is not None:
        spot.mistake("is for numbers, time_format for text", "give one of the two", at="time_unit")
    if mapping.since_1970 and mapping.time_unit is None:
        spot.mistake("is for times that are numbers", "give time_unit, or leave it out", at="since_1970")
    if mapping.time_zone is not None and not is_zone(mapping.time_zone):
        spot.mistake(f"{mapping.time_zone!r} is not known", 'write one like "Europe/Amsterdam"', at="time_zone")
    plane, globe = (mapping.x, mapping.y), (mapping.longitude, mapping.latitude)
    if (None in plane) == (None in globe) or plane.count(None) == 1 or globe.count(None) == 1:
        spot.mistake("a row tells where a person is", "give either x and y, or longitude and latitude", at="x")
    if mapping.unit is not None and mapping.x is None:
        spot.mistake("belongs to x and y", "leave it out: longitude and latitude are degrees", at="unit")
    if (mapping.kind is None) != (not mapping.people):
        spot.mistake("belongs to people", 'give both (people = ["pedestrian"]) or neither', at="kind")
    if mapping.rate_hz is not None and not 0 < mapping.rate_hz < float("inf"):
        spot.mistake(f"{mapping.rate_hz} frames a second", "write one like 25", at="rate_hz")
    if len(mapping.delimiter) != 1 or not mapping.delimiter.isascii() or mapping.delimiter in "\r\n":
        spot.mistake(f"{mapping.delimiter!r} is not one character", 'write one like ";"', at="delimiter")
    if mapping.decimal == mapping.delimiter:
        spot.mistake("is the same as delimiter", "write what the file uses", at="decimal")
    if not _is_encoding(mapping.encoding):
        spot.mistake(f"{mapping.encoding!r} is not known", 'write one like "utf-8" or "latin-1"', at="encoding")


def _is_encoding(name: str) -> bool:
    try:
        codecs.lookup(name)
    except (LookupError, ValueError):
        return False
    return True

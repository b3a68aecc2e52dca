"""The mapping file: how a table that nobody foresaw is to be read."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from ruimte.clock import HOUR_US, MINUTE_US, SECOND_US
from ruimte.errors import RuimteError
from ruimte.intake.counts import Numerals
from ruimte.intake.rows import Edge, Folded
from ruimte.lab.mistakes import Mistake, Spot
from ruimte.lab.tables import typed
from ruimte.text import duration_us

M = TypeVar("M", bound=msgspec.Struct)

FORMAT = 1
"""Version of the mapping file; a newer one is refused."""

Unit = Literal["persons per interval", "persons per second", "persons per minute", "persons per hour"]

_PER_US: dict[Unit, int] = {
    "persons per second": SECOND_US,
    "persons per minute": MINUTE_US,
    "persons per hour": HOUR_US,
}


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping file (TOML).

    When:

    - ``time``: the column with the time, or a list of columns (a date and an hour, say) whose texts are joined by a space.
    - ``time_format``: how times are written, as ``datetime.strptime`` reads them (``"%d/%m/%Y %H:%M"``); ISO 8601 where it is
      left out.
    - ``time_zone``: of times that name no offset; the lab's own where it is left out.
    - ``interval``: the length of one interval (``"15m"``).
    - ``stamps``: whether times mark the ``"start"`` (as assumed) or the ``"end"`` of the interval.
    - ``folded``: of times that come twice in autumn the file holds the ``"first"``, or ``"both"`` in order (one that stands
      alone is taken as the first and flagged as doubtful); ``"refuse"`` (as assumed) refuses them. Times that spring skips are
      always refused.

    Who, one of:

    - ``sensor``: the column with the sensor (a long file), with ``count``, or ``count_in`` and/or ``count_out``: columns with
      the counts.
    - ``columns``: a table of ``"column" = "sensor"`` (a wide file) or ``"column" = "sensor/count_in"``.

    A sensor is named by its ``source_id`` or its ``key`` in the lab's ``sensors.toml``.

    What:

    - ``unit``: ``"persons per interval"`` (as assumed), ``"persons per second"``, ``"… minute"`` or ``"… hour"``.
    - ``absence``: a row that is not there is ``"missing"`` (as assumed), or ``"zero"`` where it stands between two rows of the
      same sensor that leave a gap no longer than ``longest_gap`` (``"6h"``). An empty cell is always missing.

    How it is written: ``delimiter`` (``","``), ``decimal`` (``"."`` or ``","``), ``thousands`` (what parts thousands:
    ``"."``, ``","``, ``"'"`` or ``" "``; nothing where it is left out, and such a count is refused), ``encoding`` (``"utf-8"``).
    """

    time: str | list[str]
    interval: str
    format: int = FORMAT
    time_format: str | None = None
    time_zone: str | None = None
    stamps: Edge = "start"
    folded: Folded = "refuse"
    sensor: str | None = None
    count: str | None = None
    count_in: str | None = None
    count_out: str | None = None
    columns: dict[str, str] = {}
    unit: Unit = "persons per interval"
    absence: Literal["missing", "zero"] = "missing"
    longest_gap: str | None = None
    delimiter: str = ","
    decimal: Literal[".", ","] = "."
    thousands: Literal[".", ",", "'", " "] | None = None
    encoding: str = "utf-8"

    @property
    def numerals(self) -> Numerals:
        return Numerals(self.decimal, self.thousands)

    @property
    def interval_us(self) -> int:
        return duration_us(self.interval)

    @property
    def longest_gap_us(self) -> int | None:
        """How long an absent row means zero, µs; None: it is missing."""
        return duration_us(self.longest_gap) if self.longest_gap is not None else None

    @property
    def time_columns(self) -> list[str]:
        return [self.time] if isinstance(self.time, str) else self.time

    @property
    def measures(self) -> dict[str, str]:
        """Of a long file the column of each measure."""
        columns = {"count": self.count, "count_in": self.count_in, "count_out": self.count_out}
        return {measure: column for measure, column in columns.items() if column is not None}

    @property
    def persons(self) -> float:
        """What one in the file's unit is in persons per interval.

        >>> Mapping(time="t", interval="15m", sensor="s", count="n", unit="persons per hour").persons
        0.25
        """
        return 1.0 if self.unit == "persons per interval" else self.interval_us / _PER_US[self.unit]


def read_mapping(path: Path) -> Mapping:
    """Read and check a mapping file; raises ``RuimteError`` naming the file, the field and the mend."""
    return checked_mapping(path, Mapping, _check)


def checked_mapping(path: Path, kind: type[M], check: Callable[[M, Spot], None]) -> M:
    """A mapping file of some kind, with what ``check`` finds in it. Raises as ``read_mapping`` does."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        raw = tomllib.loads(text)
    except OSError as error:
        raise RuimteError(f"the mapping cannot be read ({error.strerror})", str(path), "check the path") from None
    except (ValueError, RecursionError) as error:
        raise RuimteError(f"is not TOML ({error})", str(path), "mend it there") from None
    found: list[Mistake] = []
    lines = tuple(text.splitlines())
    spot = Spot(found, str(path), lines=lines, stop=len(lines))
    if raw.get("format", FORMAT) != FORMAT:
        spot.mistake(f"version {raw['format']!r} is not known", f"write {FORMAT}, or use a newer ruimte", at="format")
        raise _error(found)
    mapping = typed(raw, kind, spot)
    if mapping is None:
        raise _error(found)
    check(mapping, spot)
    if found:
        raise _error(found)
    return mapping


def _error(found: list[Mistake]) -> RuimteError:
    first, *others = found
    more = f" (and {len(others)} more mistake{'s' if len(others) > 1 else ''})" if others else ""
    return RuimteError(first.what + more, first.where, first.mend)


def _check(mapping: Mapping, spot: Spot) -> None:
    """Report what the types let through."""
    if not mapping.time_columns:
        spot.mistake("names no column", "name the column with the time", at="time")
    for field, text in (("interval", mapping.interval), ("longest_gap", mapping.longest_gap)):
        if text is not None and not _is_duration(text):
            spot.mistake(f"{text!r} is not a length of time", 'write one like "15m"', at=field)
    if mapping.time_zone is not None and not is_zone(mapping.time_zone):
        spot.mistake(f"{mapping.time_zone!r} is not known", 'write one like "Europe/Amsterdam"', at="time_zone")
    if (mapping.sensor is None) == (not mapping.columns):
        spot.mistake("a file is long or wide", "give either sensor or columns", at="sensor")
    if mapping.sensor is not None and not mapping.measures:
        spot.mistake("no column holds counts", "give count, or count_in and count_out", at="count")
    if mapping.columns and mapping.measures:
        spot.mistake("is for long files", 'write the measure in columns: "column" = "sensor/count_in"', at="count")
    if (mapping.absence == "zero") != (mapping.longest_gap is not None):
        spot.mistake('belongs to absence = "zero"', 'give both (longest_gap = "6h", say) or neither', at="longest_gap")
    if len(mapping.delimiter) != 1 or not mapping.delimiter.isascii():
        spot.mistake(f"{mapping.delimiter!r} is not one character", 'write one like ";"', at="delimiter")
    if mapping.decimal == mapping.delimiter:
        spot.mistake("is the same as delimiter", "write what the file uses", at="decimal")
    if mapping.thousands == mapping.decimal:
        spot.mistake("is the same as decimal", "write what the file uses", at="thousands")


def _is_duration(text: str) -> bool:
    try:
        return duration_us(text) > 0
    except ValueError:
        return False


def is_zone(name: str) -> bool:
    """Whether a time zone of this name is known."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True

"""From when until when a register entry holds, and what may not run outside that time."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from ruimte.clock import iso, to_us
from ruimte.errors import RuimteError
from ruimte.lab.files import AlgorithmEntry, FieldReports, SensorEntry
from ruimte.lab.lab import Lab

ALGORITHMS = ("rate-filter", "counting-line-balance", "amsterdam-profile", "threshold-warning")
"""Keys of the algorithms that the software runs: each runs only where the lab's register holds it."""

TRACK_FIGURES = "track-figures"
"""Key of the algorithm that makes figures of tracks; a lab with a device that tells tracks needs it too."""

IN_USE = "in use"
"""The register status with which an algorithm may run."""


def moment_us(value: date | datetime, zone: ZoneInfo) -> int:
    """Microseconds (UTC) of a date (its local midnight) or a datetime (local where it names no offset).

    >>> moment_us(date(2020, 1, 1), ZoneInfo("Europe/Zurich")) == moment_us(datetime(2020, 1, 1), ZoneInfo("Europe/Zurich"))
    True
    """
    moment = value if isinstance(value, datetime) else datetime.combine(value, time())
    return to_us(moment if moment.tzinfo is not None else moment.replace(tzinfo=zone))


def validity_us(entry: SensorEntry | AlgorithmEntry | FieldReports, zone: ZoneInfo) -> tuple[int, int]:
    """The half-open interval ``[from, until)`` in microseconds (UTC) in which a register entry holds.

    A plain date counts whole: an entry "valid until 2030-12-31" still holds on that day, and ends at the midnight after it.
    """
    until = entry.valid_until
    if not isinstance(until, datetime) and until < date.max:
        until += timedelta(days=1)
    return moment_us(entry.valid_from, zone), moment_us(until, zone)


def registered(lab: Lab, algorithm: str, at_us: int) -> bool:
    """Whether the register holds this algorithm, in use and valid, at ``at_us``."""
    return _objection(lab, algorithm, at_us) is None


def require_algorithm(lab: Lab, algorithm: str, at_us: int) -> None:
    """Raise ``RuimteError`` unless the register holds this algorithm, in use and valid, at ``at_us``."""
    objection = _objection(lab, algorithm, at_us)
    if objection is not None:
        what, mend = objection
        raise RuimteError(what, f"{lab.folder.name}/algorithms.toml", mend)


def _objection(lab: Lab, algorithm: str, at_us: int) -> tuple[str, str] | None:
    entry = lab.algorithms.get(algorithm)
    if entry is None:
        return f"algorithm {algorithm!r} is not registered, so it does not run", "add an [[algorithm]] with this key"
    if entry.status != IN_USE:
        return f"algorithm {algorithm!r} has status {entry.status!r}, so it does not run", f"set status to {IN_USE!r}"
    from_us, until_us = validity_us(entry, lab.zone)
    if not from_us <= at_us < until_us:
        span = f"{entry.valid_from} to {entry.valid_until}"
        return f"algorithm {algorithm!r} holds from {span}, not at {iso(at_us)}", "review it and set a new valid_until"
    return None

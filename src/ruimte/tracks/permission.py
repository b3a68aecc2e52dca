"""Whether physical distancing may be watched: a measure of an emergency, with a legal ground and an end in sight."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from ruimte.clock import iso
from ruimte.errors import RuimteError
from ruimte.lab.files import AlgorithmEntry
from ruimte.lab.validity import IN_USE, moment_us, validity_us

DISTANCING = "physical-distancing"
"""Key of the algorithm in the register."""
LONGEST = timedelta(days=90)
"""An entry holds for so long at most; who needs longer decides again."""

_FILE = "algorithms.toml"
_NO_GROUND = (
    "",
    "-",
    "none",
    "no",
    "n/a",
    "not needed",
    "geen",
    "no personal data is processed",
    "er worden geen persoonsgegevens verwerkt",
)


def require_distancing(entry: AlgorithmEntry | None, zone: ZoneInfo, at_us: int) -> None:
    """Raise ``RuimteError`` unless the register's entry allows distancing at ``at_us`` (UTC, µs).

    Without an entry it is off. An entry allows it if it is of this algorithm, in use, names a legal ground of its own, holds for
    no more than 90 days of the lab's ``zone``, and holds now.
    """
    where = f"{_FILE}, {DISTANCING}"
    if entry is None or entry.key != DISTANCING:
        raise RuimteError(
            "physical distancing is off: it is not registered",
            _FILE,
            f'decide on it, and add an [[algorithm]] with key = "{DISTANCING}"',
        )
    if entry.status != IN_USE:
        raise RuimteError(f"physical distancing has status {entry.status!r}, so it is off", where, f"set status to {IN_USE!r}")
    if entry.lawful_basis.strip().rstrip(".").lower() in _NO_GROUND:
        raise RuimteError("physical distancing without a legal ground", where, "name the law or decision in lawful_basis")
    from_us, until_us = validity_us(entry, zone)
    if until_us <= from_us:
        raise RuimteError(f"valid_until {entry.valid_until} is before valid_from {entry.valid_from}", where, "set a later day")
    if until_us > _latest_us(entry, zone):
        raise RuimteError(
            f"physical distancing from {entry.valid_from} until {entry.valid_until} is longer than {LONGEST.days} days",
            where,
            "set an earlier valid_until; decide again when it ends",
        )
    if not from_us <= at_us < until_us:
        span = f"{entry.valid_from} to {entry.valid_until}"
        raise RuimteError(
            f"physical distancing holds from {span}, not at {iso(at_us)}", where, "decide on it anew, or leave it off"
        )


def _latest_us(entry: AlgorithmEntry, zone: ZoneInfo) -> int:
    """When an entry has to end, by the wall's clock; at the end of the calendar it ends by itself."""
    try:
        return moment_us(entry.valid_from + LONGEST, zone)
    except OverflowError:
        return validity_us(entry, zone)[1]

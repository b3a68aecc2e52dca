"""Whether physical distancing may be watched: a measure of an emergency, with a legal ground and an end in sight."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from ruimte.clock import iso
from ruimte.errors import RuimteError
from ruimte.lab.files import AlgorithmEntry
from ruimte.lab.validity import IN_USE, moment_us, validity_us

DISTANCING = "physical-distancing"
"""Key of the algorithm in the register."""
LONGEST = timedelta(days=90)
"""An entry holds for so long at most; who needs longer decides again."""

Why = Literal["not-registered", "not-in-use", "no-ground", "reversed", "too-long", "not-yet", "over"]

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


class Objection(NamedTuple):
    """Why distances may not be watched: for words of one's own, in words, what to do, and in which field of the entry."""

    why: Why
    what: str
    mend: str
    field: str = ""


def require_distancing(entry: AlgorithmEntry | None, zone: ZoneInfo, at_us: int) -> None:
    """Raise ``RuimteError`` unless the register's entry allows distancing at ``at_us`` (UTC, µs)."""
    found = objection(entry, zone, at_us)
    if found is not None:
        raise RuimteError(found.what, _FILE if entry is None else f"{_FILE}, {DISTANCING}", found.mend)


def objection(entry: AlgorithmEntry | None, zone: ZoneInfo, at_us: int) -> Objection | None:
    """What the register's entry has against distancing at ``at_us`` (UTC, µs).

    Without an entry it is off. An entry allows it if it is of this algorithm, in use, names a legal ground of its own, holds for
    no more than 90 days of the lab's ``zone``, and holds now.
    """
    if entry is None or entry.key != DISTANCING:
        mend = f'decide on it, and add an [[algorithm]] with key = "{DISTANCING}"'
        return Objection("not-registered", "physical distancing is off: it is not registered", mend)
    if entry.status != IN_USE:
        what = f"physical distancing has status {entry.status!r}, so it is off"
        return Objection("not-in-use", what, f"set status to {IN_USE!r}", "status")
    wrong = mistake_in(entry, zone)
    if wrong is not None:
        return wrong
    from_us, until_us = validity_us(entry, zone)
    if not from_us <= at_us < until_us:
        what = f"physical distancing holds from {entry.valid_from} to {entry.valid_until}, not at {iso(at_us)}"
        mend = "decide on it anew, or leave it off"
        return Objection("not-yet" if at_us < from_us else "over", what, mend, "valid_until")
    return None


def mistake_in(entry: AlgorithmEntry, zone: ZoneInfo) -> Objection | None:
    """Which of its own rules an entry breaks, whenever that is: its legal ground, or how long it holds."""
    if entry.lawful_basis.strip().rstrip(".").lower() in _NO_GROUND:
        what, mend = "physical distancing without a legal ground", "name the law or decision in lawful_basis"
        return Objection("no-ground", what, mend, "lawful_basis")
    from_us, until_us = validity_us(entry, zone)
    if until_us <= from_us:
        what = f"valid_until {entry.valid_until} is before valid_from {entry.valid_from}"
        return Objection("reversed", what, "set a later day", "valid_until")
    if until_us > _latest_us(entry, zone):
        what = f"physical distancing from {entry.valid_from} until {entry.valid_until} is longer than {LONGEST.days} days"
        return Objection("too-long", what, "set an earlier valid_until; decide again when it ends", "valid_until")
    return None


def _latest_us(entry: AlgorithmEntry, zone: ZoneInfo) -> int:
    """When an entry has to end, by the wall's clock; at the end of the calendar it ends by itself."""
    try:
        return moment_us(entry.valid_from + LONGEST, zone)
    except OverflowError:
        return validity_us(entry, zone)[1]

"""A warning: a reason to act. Its life is open → acknowledged → closed."""

from __future__ import annotations

from typing import Literal

import msgspec

Phase = Literal["open", "acknowledged", "closed"]
ANSWERS = ("declined", "seen")
"""Answers to a warning besides a measure: none is taken; seen, and nothing done."""


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a warning stands: a kind and figures; words come later.

    Kinds: ``surge``, ``surge-doubted``, then ``above``, ``forecast``, ``leaving``, ``leaving-before`` or ``unknown``, then what
    drives it, where that holds: ``inflow``, ``busier``, ``event``, ``event-ends``, ``partly``, ``sensor``.
    """

    kind: str
    figures: dict[str, float | str | dict[str, str]]


class Warning(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):  # noqa: A001 - the field's own word
    """One warning for one place.

    ``level`` is a name of the place's threshold table ("E", "P99"); ``rank`` its order (0 is the lowest that warns), so
    ``priority`` 1 is the highest. ``probability`` is that of passing the level at ``expected_us``; ``lead_us`` the time from the
    last look to that moment (0: passed now). ``threshold``, ``expected`` (the median forecast for that moment)
    and ``now`` are in the place's quantity.

    ``outlook``: for every moment that is looked at, the probability of being above the level then. ``earliest_us``: by then the
    level is passed with a chance of 10 % at least, ``latest_us``: of 90 %; None where no moment reaches that.
    ``situation``: the id of the warning that was the first of those at neighbouring places (its own where it stands alone).
    ``surge``: it rests on a sudden count. ``asked_us``: since when it waits for an answer; ``escalated_us``: when it was passed
    on for want of one; ``shelved_until_us``: put aside until then. ``decision``: the key of the measure that was taken, else
    ``declined`` or ``seen``.
    """

    id: int
    place: str
    table: str
    level: str
    rank: int
    priority: int
    phase: Phase
    opened_us: int
    updated_us: int
    closed_us: int | None = None
    probability: float
    expected_us: int
    lead_us: int
    threshold: float
    expected: float | None = None
    now: float | None = None
    reasons: tuple[Reason, ...] = ()
    measures: tuple[str, ...] = ()
    acknowledged_by: str | None = None
    acknowledged_us: int | None = None
    asked_us: int | None = None
    decision: str | None = None
    outlook: tuple[tuple[int, float], ...] = ()
    earliest_us: int | None = None
    latest_us: int | None = None
    situation: int = 0
    surge: bool = False
    shelved_until_us: int | None = None
    escalated_us: int | None = None

"""A warning: a reason to act. Its life is open → acknowledged → closed."""

from __future__ import annotations

from typing import Literal

import msgspec

Phase = Literal["open", "acknowledged", "closed"]


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a warning stands: a kind and figures; words come later.

    Kinds: ``above``, ``forecast`` or ``unknown``, then ``busier``, ``event`` and ``partly`` where they hold.
    """

    kind: str
    figures: dict[str, float | str | dict[str, str]]


class Warning(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):  # noqa: A001 - the field's own word
    """One warning for one place.

    ``level`` is a name of the place's threshold table ("E", "P99"); ``rank`` its order (0 is the lowest that warns), so
    ``priority`` 1 is the highest. ``probability`` is that of passing the level at ``expected_us``; ``lead_us`` the time from the
    last look to that moment (0: passed now). ``threshold``, ``expected`` (the median forecast for that moment)
    and ``now`` are in the place's quantity.
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
    decision: str | None = None

"""What a control room shows of measures that are compared: what each would change, and what was predicted of one that was taken.

Part of the contract of ``ruimte.jobs.room``: times are ISO 8601 UTC text (in a ``Series`` seconds since 1970), people persons,
chances 0–1.
"""

from __future__ import annotations

import msgspec


class _View(msgspec.Struct, frozen=True, kw_only=True):
    pass


class LevelChance(_View, frozen=True, kw_only=True):
    """The chance that a zone is at a level or above, without a measure and with it, at the worst moment ``at``."""

    level: str
    colour: int
    threshold: float
    at: str
    without: float
    with_: float = msgspec.field(name="with")


class Curve(_View, frozen=True, kw_only=True):
    """People at each of the comparison's moments: the 5, 50 and 95 % quantiles."""

    q05: list[float]
    q50: list[float]
    q95: list[float]


class ZoneEffect(_View, frozen=True, kw_only=True):
    """What a measure does to one zone.

    ``told``: whether a chance changes by a point or more, or is 5 % or more: only then ``levels`` holds any. ``known``: whether
    the zone's people are known; where not, there are no curves. ``without`` and ``with`` are people; ``colour_without`` and
    ``colour_with`` the median's place in the palette A–F when the warned place is at its worst, None where that is not known.
    ``trapped``: the most people that have no way out because of what is shut, the mean of the members.
    """

    zone: str
    name: str
    known: bool
    told: bool
    levels: list[LevelChance]
    without: Curve | None
    with_: Curve | None = msgspec.field(name="with")
    colour_without: int | None
    colour_with: int | None
    trapped: float


class Waiting(_View, frozen=True, kw_only=True):
    """How many more people wait outside a gate, at most, because of a measure."""

    gate: str
    name: str
    people: float


class MeasureEffect(_View, frozen=True, kw_only=True):
    """What one measure of the playbook does, in one language; ``zones``: the warned place, then where a chance changes most.

    ``simulated``: whether it has actions that can be reckoned; where not, all that follows is empty. ``rank`` is 1 for the best;
    ``better`` whether that is better than doing nothing; ``reason`` says why it stands there. ``summary`` is one sentence;
    ``notes`` are others that have to be known, those about who is shut in first. ``above_min``: expected minutes that zones are
    at the warning's level or above, over all zones together.
    """

    key: str
    name: str
    decides: str
    simulated: bool
    rank: int | None
    better: bool
    reason: str
    summary: str
    notes: list[str]
    above_min: float | None
    zones: list[ZoneEffect]
    waiting: list[Waiting]


class CompareView(_View, frozen=True, kw_only=True):
    """Measures side by side, best first; those that are not simulated last. All by the same ``members``.

    ``valid``: the moments of all curves; ``worst``: the moment at which the warned place is at its worst without a measure.
    ``above_min``: as of a measure, where nothing is done. ``notes``: what is to be known about all of it. ``why_not``: why
    nothing could be compared, else None.
    """

    warning: int | None
    place: str
    place_name: str
    level: str
    colour: int
    from_: str = msgspec.field(name="from")
    valid: list[str]
    worst: str | None
    members: int
    above_min: float | None
    measures: list[MeasureEffect]
    notes: list[str]
    why_not: str | None


class Effect(_View, frozen=True, kw_only=True):
    """What was predicted of a measure when it was taken, for one place, on the clock of a ``Series``.

    ``at``: when it was decided; ``t`` the ends of ticks that were predicted. ``told``: the same as a sentence, with what was
    measured at the newest of these moments, else with the last moment that is predicted.
    """

    at: int
    measure: str
    name: str
    t: list[int]
    without_q50: list[float]
    with_q05: list[float]
    with_q50: list[float]
    with_q95: list[float]
    told: str

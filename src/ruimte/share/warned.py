"""Warnings on their way out: that there is a reason to act, where and when; never how many people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, Protocol

import msgspec

from ruimte.model.warning import Phase
from ruimte.share.asking import Granted
from ruimte.share.places import PlaceInfo, given

_STEP = 0.05


class Warned(Protocol):
    """What is looked at of a warning; times are ISO 8601."""

    @property
    def place(self) -> str: ...
    @property
    def level(self) -> str: ...
    @property
    def priority(self) -> int: ...
    @property
    def phase(self) -> Phase: ...
    @property
    def opened(self) -> str: ...
    @property
    def expected_at(self) -> str: ...
    @property
    def probability(self) -> float: ...
    @property
    def earliest(self) -> str | None: ...
    @property
    def latest(self) -> str | None: ...


class SharedWarning(msgspec.Struct, frozen=True, kw_only=True):
    """A warning as a partner gets it. ``place`` may be an area's name; ``level`` is passed with ``probability`` (to 5 %) at
    ``expected_at``, from ``earliest`` (a chance of 10 %) to ``latest`` (90 %). ``exercise``: it is not real."""

    place: str
    level: str
    priority: int
    phase: Literal["open", "acknowledged", "closed"]
    opened: str
    expected_at: str
    probability: float
    earliest: str | None
    latest: str | None
    exercise: bool


def release_warnings(
    warnings: Iterable[Warned], granted: Granted, places: Mapping[str, PlaceInfo], exercise: bool = False
) -> list[SharedWarning]:
    """The warnings of places that the grant gives, in their order; one of a zone in several areas is told of each.

    A grant that gives no warnings, or is private, gives none. ``exercise``: all of them are of a drill or a replay.
    """
    terms = granted.grant.properties
    if "warnings" not in terms.what.kinds or terms.form.exactness == "private":
        return []
    names: dict[str, list[str]] = {}
    for name, zones in given(granted.grant, places).items():
        for zone in zones:
            names.setdefault(zone, []).append(name)
    return [
        SharedWarning(
            place=name,
            level=warning.level,
            priority=warning.priority,
            phase=warning.phase,
            opened=warning.opened,
            expected_at=warning.expected_at,
            probability=round(round(warning.probability / _STEP) * _STEP, 2),
            earliest=warning.earliest,
            latest=warning.latest,
            exercise=exercise,
        )
        for warning in warnings
        for name in names.get(warning.place, [])
    ]

"""Warnings at neighbouring places are one situation; and how many a person is asked to answer.

A crowd that fills a square fills the street beside it, too. Four warnings at four places that touch ask one question, so they are
shown together under the one that came first (*first-out* in ISA-18.2), which tells where it began.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ruimte.clock import HOUR_US
from ruimte.model.place import OUTSIDE, Model
from ruimte.model.warning import Warning  # noqa: A004 - the field's own word
from ruimte.warn.lifecycle import Book

ACCEPTABLE, MOST = 6, 12
"""Alarms an hour that one person can answer well: one in ten minutes, and the most that can be managed, one in five (EEMUA 191;
ANSI/ISA-18.2, table of average alarm rates)."""


def neighbours(model: Model) -> dict[str, frozenset[str]]:
    """The places that share a gate with each place, by key."""
    found: dict[str, set[str]] = {place.key: set() for place in model.places}
    for link in model.links:
        if OUTSIDE not in (link.source, link.target):
            one, other = (model.places[index].key for index in (link.source, link.target))
            found[one].add(other)
            found[other].add(one)
    return {key: frozenset(each - {key}) for key, each in found.items()}


def situation_at(near: Iterable[str], book: Book) -> int | None:
    """The situation that a warning at a place with these neighbours belongs to: the oldest of theirs; None where none stands.

    A situation never moves: where a new warning joins two, they stay two, and it belongs to the older.
    """
    return min((book.standing[key].warning.situation for key in near if key in book.standing), default=None)


def by_situation(warnings: Iterable[Warning]) -> dict[int, list[Warning]]:
    """Warnings by situation, in each the first-out first."""
    grouped: dict[int, list[Warning]] = {}
    for warning in sorted(warnings, key=lambda each: each.id):
        grouped.setdefault(warning.situation or warning.id, []).append(warning)
    return grouped


@dataclass(frozen=True, slots=True)
class Load:
    """What was asked of the people on duty in the last hour: ``alarms`` in all, ``each`` on average; who answered is not kept.

    ``heavy`` where that is more than one person can answer well, ``too_heavy`` where it is more than can be managed.
    """

    alarms: int
    each: float
    heavy: bool
    too_heavy: bool


def load(book: Book, operators: int, now_us: int) -> Load:
    """The load of the last hour, shared among so many operators."""
    alarms = sum(now_us - HOUR_US < moment <= now_us for moment in book.alarms_us)
    each = alarms / operators
    return Load(alarms, each, each > ACCEPTABLE, each > MOST)

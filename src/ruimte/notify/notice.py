"""What goes out: one step of one warning, with its words, ready for any channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Wording:
    """A step in one language: a line that stands by itself, why, and what can be done (empty where nothing is proposed)."""

    headline: str
    description: str
    instruction: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One step of a warning's life, or a message of trial (``step`` is "test", ``warning`` 0 and ``views`` empty).

    Attributes:
        id: the same each time that this step is sent, so that a receiver can drop doubles.
        sequence: a whole number that is higher for what was written later.
        source: the address or URN of the node.
        step: "opened", "raised", "lowered", "closed", "acknowledged", "decided", "declined" …
        at_us: when the step was taken, µs.
        warning: number of the warning.
        opened_us: when it was opened, µs.
        views: the warning in plain types, by language ("en", "nl"), with the fields of ``/api/v1/warnings``.
        texts: its words, by language.
        place: the place's name, by language; that of the lab in a trial.
        geometry: GeoJSON geometry (longitude, latitude) of the place; None in a trial.
        earlier_us: when the earlier steps that this receiver was sent were taken, µs.
        standing: all warnings that stand now, by language, as in ``views``.
        exercise: nothing of this is real.
    """

    id: str
    sequence: int
    source: str
    lab: str
    organisation: str
    contact: str
    zone: ZoneInfo
    step: str
    at_us: int
    warning: int
    opened_us: int
    views: Mapping[str, dict[str, Any]]
    texts: Mapping[str, Wording]
    place: Mapping[str, str]
    geometry: Mapping[str, Any] | None = None
    earlier_us: tuple[int, ...] = ()
    standing: Mapping[str, list[dict[str, Any]]] | None = None
    exercise: bool = False


class Sender(Protocol):
    """Sends over one channel."""

    async def send(self, notice: Notice, target: str) -> None:
        """Until the receiver has it. ``target``: which of the channel's receivers, where it has several.

        Raises ``Undelivered`` where it has not been taken.
        """
        ...

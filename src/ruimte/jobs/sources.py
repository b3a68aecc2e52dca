"""What sends to a lab, and what became of it since the node started."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from ruimte.clock import iso
from ruimte.lab.files import Text


@dataclass(slots=True)
class Source:
    """What one device did since the node started. ``unasked``: results of measures that the register does not ask for, which are
    left out. ``personal``: the kind of identifier that it sent last, though it must not; ``told_us``: when the logbook was told
    of each kind."""

    device: str
    messages: int = 0
    kept: int = 0
    doubtful: int = 0
    refused: int = 0
    unasked: int = 0
    last_us: int | None = None
    refusal: str | None = None
    personal: str | None = None
    told_us: dict[str, int] = field(default_factory=dict)


class SourceView(msgspec.Struct, frozen=True, kw_only=True):
    """A source as the page shows it: counts since the node started, when it was ``last`` heard (ISO 8601), the reason of its last
    ``refusal``, and the kind of ``personal`` identifier that it sent, though it must not."""

    device: str
    name: Text
    messages: int
    kept: int
    doubtful: int
    refused: int
    unasked: int
    last: str | None
    refusal: str | None
    personal: str | None


def view(source: Source, name: Text) -> SourceView:
    """A source as it is shown, under its name in the register."""
    return SourceView(
        device=source.device,
        name=name,
        messages=source.messages,
        kept=source.kept,
        doubtful=source.doubtful,
        refused=source.refused,
        unasked=source.unasked,
        last=None if source.last_us is None else iso(source.last_us),
        refusal=source.refusal,
        personal=source.personal,
    )

"""What a message of a partner tells, read strictly: figures and warnings, of places and quantities that the agreement gives."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from ruimte.clock import to_us
from ruimte.share.agreement import ALL, Grant
from ruimte.share.received import UnverifiableError
from ruimte.share.warned import SharedWarning
from ruimte.store.foreign import Figure, ForeignWarning

MOST_FIGURES = 200_000


class Shared(NamedTuple):
    """What was told. Either may be empty."""

    figures: list[Figure]
    warnings: list[ForeignWarning]


class _Row(msgspec.Struct, frozen=True):
    place: str
    quantity: str
    start: str
    end: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    suppressed: bool = False
    level: str | None = None


class _Figures(msgspec.Struct, frozen=True):
    figures: list[_Row]


class _Warnings(msgspec.Struct, frozen=True):
    warnings: list[SharedWarning]


def read_shared(data: bytes, kind: str, grants: Sequence[Grant], made_us: int) -> Shared:
    """What ``data`` (JSON) of a message of this ``kind`` tells. ``made_us``: when the message was made.

    Raises ``UnverifiableError`` where it cannot be read, or tells of what no grant gives.
    """
    try:
        if kind == "warning":
            warnings = msgspec.json.decode(data, type=_Warnings).warnings
            return Shared([], [_warning(told, made_us) for told in warnings if told.phase != "closed"])
        rows = msgspec.json.decode(data, type=_Figures).figures
        figures = [_figure(row) for row in rows]
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise UnverifiableError("form", "cannot be read as figures or warnings") from None
    if len(figures) > MOST_FIGURES:
        raise UnverifiableError("form", f"holds more than {MOST_FIGURES} figures")
    _require_given(figures, grants)
    return Shared(figures, [])


def _warning(told: SharedWarning, made_us: int) -> ForeignWarning:
    """A warning is known by its place and when it was opened."""
    return ForeignWarning(f"{told.place} {told.opened} {told.level}", made_us, msgspec.to_builtins(told))


def _figure(row: _Row) -> Figure:
    start_us, end_us = _us(row.start), _us(row.end)
    if end_us <= start_us:
        raise ValueError("ends before it begins")
    value: float | str | None = row.level if row.quantity == "level" else row.value
    return Figure(row.place, row.quantity, start_us, end_us, value, row.low, row.high, row.suppressed)


def _require_given(figures: list[Figure], grants: Sequence[Grant]) -> None:
    """A place or a quantity that the agreement does not name is not taken, whoever signed it."""
    for place, quantity in {(figure.place, figure.quantity) for figure in figures}:
        if not any(_gives(grant, place, quantity) for grant in grants):
            raise UnverifiableError("kind", f"tells {quantity} of {place}, which the agreement does not give")


def _gives(grant: Grant, place: str, quantity: str) -> bool:
    what, form = grant.properties.what, grant.properties.form
    named = {*(form.areas or what.zones), *what.gates}
    return quantity in what.quantities and (place in named or ALL in named)


def _us(text: str) -> int:
    return to_us(datetime.fromisoformat(text))

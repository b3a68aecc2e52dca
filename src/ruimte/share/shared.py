"""What a message of a partner tells, read strictly: figures and warnings, of places and quantities that the agreement gives."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

import msgspec
from shapely.errors import ShapelyError
from shapely.geometry import mapping, shape

from ruimte.clock import DAY_US, to_us
from ruimte.share.agreement import ALL, Grant, Quantity
from ruimte.share.received import SKEW_US, UnverifiableError
from ruimte.share.warned import SharedWarning
from ruimte.store.foreign import Figure, ForeignWarning

MOST_FIGURES, MOST_WARNINGS = 400_000, 1_000
"""In one message; of figures as many as a node gives in one answer."""
MOST_BYTES = 4 * 1024 * 1024
"""Of the shapes of a partner's places."""

_AHEAD_US = 31 * DAY_US
"""A forecast reaches no further."""
_LONGEST_LEVEL = 40
_LAST_US = to_us(datetime(3000, 1, 1, tzinfo=UTC))
_Key = Annotated[str, msgspec.Meta(max_length=100)]


class Shared(NamedTuple):
    """What was told. Either may be empty."""

    figures: list[Figure]
    warnings: list[ForeignWarning]


class _Row(msgspec.Struct, frozen=True):
    place: _Key
    quantity: Quantity
    start: str
    end: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    suppressed: bool = False
    level: _Key | None = None


class _About(msgspec.Struct, frozen=True):
    key: _Key
    kind: _Key = "zone"
    name: _Key | dict[str, _Key] = ""


class _Feature(msgspec.Struct, frozen=True):
    properties: _About
    geometry: dict[str, Any] | None = None


class _Places(msgspec.Struct, frozen=True):
    features: list[_Feature]


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
            if len(warnings) > MOST_WARNINGS:
                raise UnverifiableError("form", f"holds more than {MOST_WARNINGS} warnings")
            _require_warned(warnings, grants)
            return Shared([], [_warning(told, made_us) for told in warnings if told.phase != "closed"])
        rows = msgspec.json.decode(data, type=_Figures).figures
        figures = [_figure(row) for row in rows]
    except (msgspec.DecodeError, ValueError, OverflowError, RecursionError):
        raise UnverifiableError("form", "cannot be read as figures or warnings") from None
    if len(figures) > MOST_FIGURES:
        raise UnverifiableError("form", f"holds more than {MOST_FIGURES} figures")
    latest_us = made_us + (_AHEAD_US if kind == "forecast" else SKEW_US)
    if any(figure.end_us > latest_us for figure in figures):
        raise UnverifiableError("future", "tells as known what is still to come")
    _require_given(figures, grants)
    return Shared(figures, [])


def read_places(body: bytes) -> dict[str, Any]:
    """The places that a partner shares, as GeoJSON (RFC 7946) of which every part has been looked at.

    Raises ``UnverifiableError`` where it is none.
    """
    try:
        told = msgspec.json.decode(body if len(body) <= MOST_BYTES else b"", type=_Places)
        shapes = [None if each.geometry is None else mapping(shape(each.geometry)) for each in told.features]
    except (msgspec.DecodeError, ShapelyError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise UnverifiableError("form", "the places cannot be read") from None
    features = [
        {"type": "Feature", "id": each.properties.key, "properties": msgspec.to_builtins(each.properties), "geometry": geometry}
        for each, geometry in zip(told.features, shapes, strict=True)
    ]
    return {"type": "FeatureCollection", "features": features}


def _warning(told: SharedWarning, made_us: int) -> ForeignWarning:
    """A warning is known by its place and when it was opened."""
    for moment in (told.opened, told.expected_at, told.earliest, told.latest):
        if moment is not None:
            _us(moment)
    if len(told.level) > _LONGEST_LEVEL or not 0 <= told.probability <= 1:
        raise ValueError("is no warning that can be shown")
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


def _require_warned(warnings: list[SharedWarning], grants: Sequence[Grant]) -> None:
    """The same of warnings."""
    warning = [grant for grant in grants if "warnings" in grant.properties.what.kinds]
    for place in {each.place for each in warnings}:
        if not any(_names(grant, place) for grant in warning):
            raise UnverifiableError("kind", f"warns of {place[:40]!a}, which the agreement does not give")


def _gives(grant: Grant, place: str, quantity: str) -> bool:
    return quantity in grant.properties.what.quantities and _names(grant, place)


def _names(grant: Grant, place: str) -> bool:
    what, form = grant.properties.what, grant.properties.form
    named = {*(form.areas or what.zones), *what.gates}
    return place in named or ALL in named


def _us(text: str) -> int:
    """A moment from 1970 to 2999: others cannot be told in every time zone."""
    us = to_us(datetime.fromisoformat(text))
    if not 0 <= us < _LAST_US:
        raise ValueError("is of another age")
    return us

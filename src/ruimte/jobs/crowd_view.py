"""What a device that tells tracks sees now, as a browser gets it: a field of density, figures of places, indicators, distance.

Nothing in it is of one person: densities of squares, sums and means. Times are ISO 8601 UTC text.
"""

from __future__ import annotations

from typing import Protocol

import msgspec


class _View(msgspec.Struct, frozen=True, kw_only=True):
    pass


class FieldView(_View, frozen=True, kw_only=True):
    """Density by square of a grid over the view of a device, in persons/m².

    ``corners``: longitude and latitude of the grid's corners, anticlockwise from that of the first square. ``values``: row by
    row, ``columns`` a row; None where nobody can be, and all None while the device is silent. ``square_m``: the side of a square.
    """

    corners: list[list[float]]
    columns: int
    rows: int
    square_m: float
    values: list[float | None]


class FigureView(_View, frozen=True, kw_only=True):
    """Of a zone: ``people``, ``density`` (persons/m²), ``speed`` (m/s). Of a gate: ``inward`` and ``outward`` (persons in the
    last minute). What is not known is None. ``kind`` is "zone" or "gate"; ``level`` that of ``table``, ``colour`` as of zones."""

    key: str
    name: str
    kind: str
    people: float | None = None
    people_sd: float | None = None
    density: float | None = None
    speed: float | None = None
    inward: float | None = None
    outward: float | None = None
    table: str | None = None
    level: str | None = None
    colour: int = 0


class IndicatorView(_View, frozen=True, kw_only=True):
    """A danger indicator in the reader's language: ``label`` says that none is validated, ``parameters`` what the figure depends
    on, ``why`` why it is not known (then ``value`` is None)."""

    key: str
    name: str
    value: float | None
    unit: str
    threshold: float | None
    parameters: list[str]
    formula: str
    source: str
    label: str
    why: str = ""


class DistanceFiguresView(_View, frozen=True, kw_only=True):
    """How often people who are not together come too close. Off unless the register allows it: ``on``, and ``why`` not.

    All is since ``since``, within the hour. ``exposure``: people by seconds too close, in classes that begin at 0 and at each of
    ``exposure_s``. ``radial``: pairs by ring of ``ring_m``, over what chance would give.
    """

    on: bool
    why: str = ""
    until: str | None = None
    since: str | None = None
    contact_m: float | None = None
    people: int = 0
    provisional: int = 0
    contacts_per_person_minute: float | None = None
    share_too_close: float | None = None
    share_in_groups: float | None = None
    exposure_s: list[float] = []
    exposure: list[int] = []
    ring_m: float | None = None
    radial: list[float | None] = []


class CrowdView(_View, frozen=True, kw_only=True):
    """One device. ``time``: the second that this is of; ``age_s``: how long ago that was, by the lab's clock; both None before
    its first frame. ``left_out``: share of the positions that could not be used. ``trouble``: what is wrong, in words."""

    device: str
    name: str
    time: str | None
    age_s: float | None
    frames: int = 0
    people: float | None = None
    left_out: float | None = None
    trouble: str = ""
    field: FieldView | None = None
    figures: list[FigureView] = []
    indicators: list[IndicatorView] = []
    distancing: DistanceFiguresView | None = None


class Crowds(Protocol):
    """What tells, in the reader's language, what the devices with tracks see."""

    def views(self, language: str) -> list[CrowdView]: ...

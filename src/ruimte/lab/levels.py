"""Level-of-service tables, by name: never mixed, and never more than their measure can show.

A table says at which density (of a zone) or flow per metre of width (of a count point) a level ends. Together with a
place's area or width it becomes thresholds in the place's own quantity: persons, or persons/s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ruimte.errors import RuimteError
from ruimte.lab.lab import CountPoint, Zone
from ruimte.model.place import Place

Measure = Literal["density", "flow_per_width"]

UNUSUAL = "unusual"
"""Name of the table that has no fixed limits: its thresholds are percentiles of the same weekday and hour in the past."""
UNUSUAL_LEVELS = ("normal", "P90", "P95", "P99")

_COLOURS = {"A": 0, "B": 1, "C": 2, "D": 3, "E": 4, "F": 5, "normal": 0, "P90": 3, "P95": 4, "P99": 5}


@dataclass(frozen=True, slots=True)
class LevelTable:
    """A published table. ``upper[i]`` is where level ``names[i]`` ends: persons/m², or persons per metre per minute.

    A table of densities ends in a level without upper limit; one of flows stops at the last limit it knows.
    """

    name: str
    measure: Measure
    names: tuple[str, ...]
    upper: tuple[float, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Threshold:
    """Level ``level``, the ``rank``-th of its table (0 is the calmest), starts at ``lower`` in the place's quantity."""

    level: str
    rank: int
    lower: float


_DENSITY = ("A", "B", "C", "D", "E", "F")
_FLOW = ("A", "B", "C", "D", "E")
_FRUIN = "J. J. Fruin, Pedestrian Planning and Design, 1971"
_HCM = "Transportation Research Board, Highway Capacity Manual, 2000, chapter 18"

_ELSE = "fruin-walkway"
"""The table where a lab's own cannot be used."""
TABLES: dict[str, LevelTable] = {
    table.name: table
    for table in (
        LevelTable("fruin-walkway", "density", _DENSITY, (0.308, 0.431, 0.718, 1.076, 2.153), _FRUIN),
        LevelTable("fruin-queueing", "density", _DENSITY, (0.828, 1.076, 1.538, 3.588, 5.382), _FRUIN),
        LevelTable("hcm-queueing", "density", _DENSITY, (0.83, 1.11, 1.67, 3.33, 5.0), _HCM),
        LevelTable("fruin-walkway-flow", "flow_per_width", _FLOW, (23.0, 33.0, 49.0, 66.0, 82.0), _FRUIN),
        LevelTable("hcm-walkway-flow", "flow_per_width", _FLOW, (16.0, 23.0, 33.0, 49.0, 75.0), _HCM),
    )
}


def table(name: str) -> LevelTable:
    """The table of this name. Raises ``RuimteError`` where there is none.

    >>> table("fruin-queueing").upper[0]
    0.828
    """
    if name not in TABLES:
        raise RuimteError(f"no level-of-service table {name!r}", mend=f"choose one of {', '.join(TABLES)}")
    return TABLES[name]


def density_table(name: str) -> LevelTable:
    """The table of this name if it is one of densities, else Fruin's for walking.

    >>> density_table("hcm-queueing").name, density_table("unusual").name
    ('hcm-queueing', 'fruin-walkway')
    """
    found = TABLES.get(name)
    return found if found is not None and found.measure == "density" else TABLES[_ELSE]


def flow_table(name: str) -> LevelTable:
    """The table of this name if it is one of flows, else the one of flows from the same source (Fruin where no table has it).

    >>> flow_table("hcm-queueing").name, flow_table("unusual").name
    ('hcm-walkway-flow', 'fruin-walkway-flow')
    """
    found = TABLES.get(name, TABLES[_ELSE])
    if found.measure == "flow_per_width":
        return found
    return next(each for each in TABLES.values() if each.measure == "flow_per_width" and each.source == found.source)


def table_name(lab_levels: str, place: Zone | CountPoint) -> str:
    """Name of the table that a place uses, given the lab's own (``lab.toml``, ``levels``).

    A zone uses its own table or the lab's, if that is one of densities; a count point whose width is known uses its own or the
    one of flows from the same source. Any other place is compared with its own past: ``unusual``.
    """
    name = place.levels or lab_levels
    chosen = TABLES.get(name)
    if chosen is None:
        return UNUSUAL
    if isinstance(place, Zone):
        return name if chosen.measure == "density" else UNUSUAL
    if place.width_m is None:
        return UNUSUAL
    return flow_table(name).name


def thresholds_for(place: Place, levels: LevelTable) -> tuple[Threshold, ...]:
    """Where each level of the table starts at a place, calmest first: persons of a zone, persons/s of a count point.

    A table of flows gives no level F: past its capacity a passage lets through fewer people, so that a flow alone cannot tell
    a jam from a quiet hour.

    >>> zone = Place(key="square", name="Square", quantity="people", site="square", area_m2=100.0)
    >>> [f"{t.level} from {t.lower:.0f}" for t in thresholds_for(zone, table("hcm-queueing"))][:3]
    ['A from 0', 'B from 83', 'C from 111']

    Raises ``RuimteError`` where the place lacks the area or width that the table's measure needs.
    """
    if levels.measure == "density":
        size, lacking, scale = place.area_m2, "area_m2", 1.0
    else:
        size, lacking, scale = place.width_m, "width_m", 1 / 60
    if size is None:
        raise RuimteError(f"table {levels.name!r} needs {lacking}", place.key, f"give {lacking}, or use {UNUSUAL!r}")
    lower = (0.0, *(limit * size * scale for limit in levels.upper))
    return tuple(Threshold(name, rank, lower[rank]) for rank, name in enumerate(levels.names))


def colour(level: str) -> int:
    """Index 0–5 of a level in the palette A–F.

    >>> colour("F"), colour("P95")
    (5, 4)
    """
    return _COLOURS[level]

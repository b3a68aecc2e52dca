"""Level of service of what was measured, by the named tables of ``ruimte.lab.levels``.

A density gives every level. A flow alone does not: past capacity fewer people pass than before, so that a jam and a quiet hour
have the same flow. With a density or a speed the two are told apart (flow = density × speed), and only then can there be a
level F.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ruimte.errors import RuimteError
from ruimte.lab.levels import LevelTable

Array = NDArray[np.float64]

_JAM = {"fruin-walkway-flow": 2.153, "hcm-walkway-flow": 1 / 0.75}
"""Persons/m² from which level F holds in the source of a table of flows: Fruin 5 ft² a person; HCM 2000, 0.75 m² a person."""


@dataclass(frozen=True, slots=True)
class Levels:
    """Levels of service, any shape. ``rank``: index in ``names``, 0 is the calmest, -1 not known. ``certain``: whether a jam is
    told from a quiet hour; where it is not, the true level may also be F."""

    names: tuple[str, ...]
    rank: NDArray[np.int64]
    certain: NDArray[np.bool_]


def of_density(density: ArrayLike, table: LevelTable) -> Levels:
    """Levels of densities in persons/m² (NaN: not known), by a table of densities.

    >>> from ruimte.lab.levels import table
    >>> of_density([0.2, 1.0, 7.0, float("nan")], table("fruin-walkway")).rank.tolist()
    [0, 3, 5, -1]
    """
    if table.measure != "density":
        raise RuimteError(f"table {table.name!r} is of flows", "level of service", "take one of densities, or give flows")
    given = np.asarray(density, dtype=np.float64)
    known = np.isfinite(given)
    rank = np.where(known, np.searchsorted(table.upper, given, side="right"), -1)
    return Levels(table.names, rank.astype(np.int64), known)


def of_flow(
    flow_per_m_min: ArrayLike, table: LevelTable, *, density: ArrayLike | None = None, speed_m_s: ArrayLike | None = None
) -> Levels:
    """Levels of flows in persons per metre of width and minute, by a table of flows; F where density or speed shows a jam.

    >>> from ruimte.lab.levels import table
    >>> flows = table("fruin-walkway-flow")
    >>> alone = of_flow(20.0, flows)
    >>> alone.names[int(alone.rank)], bool(alone.certain)
    ('A', False)
    >>> jam = of_flow(20.0, flows, speed_m_s=0.1)
    >>> jam.names[int(jam.rank)], bool(jam.certain)
    ('F', True)
    """
    if table.measure != "flow_per_width":
        raise RuimteError(f"table {table.name!r} is of densities", "level of service", "take one of flows, or give densities")
    given = np.asarray(flow_per_m_min, dtype=np.float64)
    crowded = np.full(given.shape, np.nan)
    if density is not None:
        crowded = np.asarray(density, dtype=np.float64)
    elif speed_m_s is not None:
        speed = np.asarray(speed_m_s, dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            crowded = np.where(given > 0, given / 60 / speed, np.nan)
    if crowded.shape != given.shape:
        raise RuimteError("not as many densities or speeds as flows", "level of service", "give one for each flow")
    known, certain = np.isfinite(given), np.isfinite(given) & ~np.isnan(crowded)
    worst = len(table.upper) - 1
    rank = np.where(known, np.minimum(np.searchsorted(table.upper, given, side="right"), worst), -1)
    rank = np.where(certain & (crowded >= _JAM[table.name]), worst + 1, rank)
    return Levels((*table.names, "F"), rank.astype(np.int64), certain)

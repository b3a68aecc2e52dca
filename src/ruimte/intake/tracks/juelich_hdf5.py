"""HDF5 of the Pedestrian Dynamics Data Archive of Forschungszentrum Jülich (version 1.0), as PedPy reads it.

A dataset ``trajectory`` of rows with ``id``, ``frame``, ``x`` and ``y``; its attribute ``fps`` is the frame rate, its attributes
``x`` and ``y`` describe these columns and name their unit in brackets. The file's attribute ``wkt_geometry`` is the walkable
area. Needs the extra ``tracks``.
"""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import numpy as np

from ruimte.errors import RuimteError
from ruimte.intake.tracks.assemble import assembled, whole_column
from ruimte.intake.tracks.content import damage_told, require_rows
from ruimte.intake.tracks.geometry import walkable_of
from ruimte.intake.tracks.recording import Asked, Recording
from ruimte.intake.tracks.units import agreed_rate, agreed_unit

_COLUMNS = ("id", "frame", "x", "y")
_UNIT = re.compile(r"\[\s*(m|cm|mm)\s*\]")


class JuelichHdf5:
    """The format ``juelich-hdf5``."""

    name = "juelich-hdf5"

    def read(self, content: bytes, asked: Asked) -> Recording:
        try:
            import h5py
        except ImportError:
            raise RuimteError("HDF5 needs the package h5py", asked.where, "pip install 'ruimte[tracks]'") from None
        with damage_told(asked.where), h5py.File(BytesIO(content), "r") as file:
            table, attributes = _table(file, asked.where), file["trajectory"].attrs
            told_rate, told_unit, area = attributes.get("fps"), _unit(attributes, asked.where), file.attrs.get("wkt_geometry")
        person, frame = (whole_column(table[each], each, asked, _row) for each in ("id", "frame"))
        x, y = (np.asarray(table[each], dtype=np.float64) for each in ("x", "y"))
        rate_hz = agreed_rate(_number(told_rate, asked.where), asked)
        unit = agreed_unit(told_unit, asked, frame, x, y)
        walkable, notes = walkable_of([] if area is None else [_text(area)], unit)
        frames = assembled(person, frame, x, y, unit, rate_hz, asked, _row)
        return Recording(frames, self.name, unit, walkable, notes=notes)


def _table(file: Any, where: str) -> Any:
    """The rows, as an array with fields."""
    table = file.get("trajectory")
    names = getattr(getattr(table, "dtype", None), "names", None)
    mend = "choose a file of the Pedestrian Dynamics Data Archive, or turn it into a table"
    if names is None or table.ndim != 1:
        raise RuimteError("holds no dataset 'trajectory' of rows", where, mend)
    if lacking := [name for name in _COLUMNS if name not in names or table.dtype[name].kind not in "iuf"]:
        raise RuimteError(f"its dataset 'trajectory' holds no numbers {', '.join(lacking)}", where, mend)
    require_rows(len(table), where)
    return {name: table.fields(name)[:] for name in _COLUMNS}


def _unit(attributes: Any, where: str) -> str | None:
    """The unit that the descriptions of x and y name, None where they name none."""
    units = {found[1] for axis in ("x", "y") if (found := _UNIT.search(_text(attributes.get(axis, "")))) is not None}
    if len(units) > 1:
        raise RuimteError("tells x and y in different units", where, "write both in metres")
    return next(iter(units), None)


def _number(told: Any, where: str) -> float | None:
    try:
        return None if told is None else float(np.asarray(told, dtype=np.float64).reshape(-1)[0])
    except (TypeError, ValueError, IndexError):
        raise RuimteError("its frame rate is no number", where, "correct the attribute fps of its dataset 'trajectory'") from None


def _text(told: Any) -> str:
    return told.decode("utf-8", errors="replace") if isinstance(told, bytes) else str(told)


def _row(row: int) -> str:
    return f"row {row + 1}"

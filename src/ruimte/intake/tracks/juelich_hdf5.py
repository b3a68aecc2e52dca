"""HDF5 of the Pedestrian Dynamics Data Archive of Forschungszentrum Jülich (version 1.0), as PedPy reads it.

A dataset ``trajectory`` of rows with ``id``, ``frame``, ``x`` and ``y``; its attribute ``fps`` is the frame rate, its attributes
``x`` and ``y`` describe these columns and name their unit in brackets. The file's attribute ``wkt_geometry`` is the walkable
area. Needs the extra ``tracks``.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ruimte.errors import RuimteError
from ruimte.intake.tracks.assemble import assembled, row_number, whole_column
from ruimte.intake.tracks.content import MOST_ROWS, require_rows
from ruimte.intake.tracks.geometry import walkable_of
from ruimte.intake.tracks.recording import Asked, Recording
from ruimte.intake.tracks.units import agreed_rate, agreed_unit

PATIENCE_S = 60.0
"""A file is given up after so long: reading a gigabyte takes a few seconds."""

_CHILD = Path(__file__).with_name("hdf5_child.py")
_UNIT = re.compile(r"\[\s*(m|cm|mm)\s*\]")
_MEND = "choose a file of the Pedestrian Dynamics Data Archive, or turn it into a table"


class JuelichHdf5:
    """The format ``juelich-hdf5``."""

    name = "juelich-hdf5"

    def read(self, content: bytes, asked: Asked) -> Recording:
        told, columns = _read_apart(content, asked.where)
        person, frame = (whole_column(columns[at], each, asked, row_number) for at, each in ((0, "id"), (1, "frame")))
        x, y = (np.asarray(column, dtype=np.float64) for column in columns[2:])
        rate_hz = agreed_rate(_number(told["fps"], asked.where), asked)
        unit = agreed_unit(_unit(told, asked.where), asked, frame, x, y)
        walkable, notes = walkable_of([] if told["area"] is None else [told["area"]], unit)
        frames = assembled(person, frame, x, y, unit, rate_hz, asked, row_number)
        return Recording(frames, self.name, unit, walkable, notes=notes)


def _read_apart(content: bytes, where: str) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    """Attributes, and the columns id, frame, x and y, read by ``hdf5_child`` in a process of its own."""
    if find_spec("h5py") is None:
        raise RuimteError("HDF5 needs the package h5py", where, "pip install 'ruimte[tracks]'")
    command = [sys.executable, "-P", str(_CHILD), str(MOST_ROWS)]
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=PATIENCE_S, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise RuimteError(f"could not be read within {PATIENCE_S:g} s: it is damaged", where, "fetch it again") from None
    header, _, body = done.stdout.partition(b"\n")
    if done.returncode != 0 or not header:
        raise RuimteError("the file is cut off or damaged (the HDF5 library gave up)", where, "fetch it again")
    told: dict[str, Any] = json.loads(header)
    if "damage" in told:
        raise RuimteError(f"the file is cut off or damaged ({told['damage']})", where, "fetch it again, or choose another file")
    if "problem" in told:
        raise RuimteError(told["problem"], where, _MEND)
    require_rows(told["rows"], where)
    stream = io.BytesIO(body)
    return told, [np.load(stream, allow_pickle=False) for _ in range(4)]


def _unit(told: dict[str, Any], where: str) -> str | None:
    """The unit that the descriptions of x and y name, None where they name none."""
    units = {found[1] for axis in ("x", "y") if (found := _UNIT.search(told[axis] or "")) is not None}
    if len(units) > 1:
        raise RuimteError("tells x and y in different units", where, "write both in metres")
    return next(iter(units), None)


def _number(text: str | None, where: str) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        raise RuimteError("its frame rate is no number", where, "correct the attribute fps of its dataset 'trajectory'") from None

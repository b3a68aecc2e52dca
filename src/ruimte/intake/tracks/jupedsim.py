"""JuPedSim's trajectories (SQLite, versions 1 to 3 of its schema): simulated people, in metres.

| version | ``trajectory_data`` | walkable area |
|---|---|---|
| 1 | frame, id, pos_x, pos_y, ori_x, ori_y | one ``geometry`` |
| 2 | the same | each ``geometry`` by its hash; ``frame_data`` tells which holds in a frame |
| 3 | frame, id, pos_x, pos_y | as 2 |

``metadata`` tells the version and ``fps``. The database is read from a copy in memory, so that nothing can be written to it.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing

import numpy as np

from ruimte.errors import RuimteError
from ruimte.intake.tracks.assemble import assembled, row_number, whole_column
from ruimte.intake.tracks.content import MOST_ROWS, damage_told, require_rows
from ruimte.intake.tracks.geometry import walkable_of
from ruimte.intake.tracks.recording import Asked, Recording
from ruimte.intake.tracks.units import agreed_rate, agreed_unit

_VERSIONS = ("1", "2", "3")
_TABLES = ("trajectory_data", "metadata", "geometry")
_PIECE = 200_000
_MEND = "choose a file that JuPedSim's SqliteTrajectoryWriter wrote"


class JuPedSim:
    """The format ``jupedsim``."""

    name = "jupedsim"

    def read(self, content: bytes, asked: Asked) -> Recording:
        with damage_told(asked.where), closing(sqlite3.connect(":memory:")) as database:
            database.deserialize(content)
            metadata = _metadata(database, asked.where)
            rows = _rows(database, asked.where)
            areas = [str(text) for (text,) in database.execute("SELECT wkt FROM geometry LIMIT 10000")]
        person, frame = whole_column(rows[1], "id", asked, row_number), whole_column(rows[0], "frame", asked, row_number)
        x, y = rows[2], rows[3]
        rate_hz = agreed_rate(_number(metadata.get("fps"), asked.where), asked)
        unit = agreed_unit("m", asked, frame, x, y)
        walkable, notes = walkable_of(areas, unit)
        return Recording(assembled(person, frame, x, y, unit, rate_hz, asked, row_number), self.name, unit, walkable, notes=notes)


def _metadata(database: sqlite3.Connection, where: str) -> dict[str, str]:
    """The table ``metadata``; raises ``RuimteError`` where the database is not JuPedSim's or of a version that is not known."""
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if lacking := [name for name in _TABLES if name not in tables]:
        raise RuimteError(f"is not JuPedSim's: it holds no table {', '.join(lacking)}", where, _MEND)
    metadata = {str(key): str(value) for key, value in database.execute("SELECT key, value FROM metadata LIMIT 10000")}
    version = metadata.get("version", "none")
    if version not in _VERSIONS:
        raise RuimteError(
            f"version {version[:20]!r} of JuPedSim's trajectories is not known", where, "use a newer ruimte, or write version 3"
        )
    return metadata


def _rows(database: sqlite3.Connection, where: str) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Frame, person, x and y, shape (4, rows)."""
    cursor = database.execute(f"SELECT frame, id, pos_x, pos_y FROM trajectory_data LIMIT {MOST_ROWS + 1}")  # noqa: S608
    pieces = [np.empty((0, 4))]
    while piece := cursor.fetchmany(_PIECE):
        try:
            pieces.append(np.array(piece, dtype=np.float64))
        except (TypeError, ValueError):
            raise RuimteError("its trajectory_data holds something else than numbers", where, _MEND) from None
    rows = np.concatenate(pieces)
    require_rows(len(rows), where)
    return np.ascontiguousarray(rows.T)


def _number(text: str | None, where: str) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        raise RuimteError("its frame rate is no number", where, "correct fps in its table metadata") from None

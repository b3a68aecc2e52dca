"""Files of tracks for tests: written where the test says, and what is told of those that are refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ruimte.errors import RuimteError
from ruimte.intake.tracks import read_tracks
from ruimte.tracks.frames import Frames

RECORDED = Path(__file__).parents[3] / "shared/data"
HALL = "POLYGON ((0 0, 8 0, 8 5, 0 5, 0 0), (2 2, 3 2, 3 3, 2 3, 2 2))"


def recorded(name: str) -> Path:
    """A file of real data, or the reason that the test is skipped."""
    path = RECORDED / name
    if not path.exists():
        pytest.skip(f"{name} is not here")
    return path


def write(folder: Path, content: str | bytes, name: str = "walk.txt") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refused(path: Path, **asked: Any) -> str:
    """What is told of a file that is refused, without its name."""
    with pytest.raises(RuimteError) as raised:
        read_tracks(path, **asked)
    assert raised.value.mend
    return str(raised.value).removeprefix(str(path))


def require_same(frames: Frames, table: Any) -> None:
    """Assert that frames hold what a table of PedPy holds."""
    table = table.sort_values(["frame", "id"])
    for column, ours in (("id", frames.person), ("frame", frames.frame), ("x", frames.x_m), ("y", frames.y_m)):
        assert (table[column].to_numpy() == ours).all(), column


def write_jupedsim(
    path: Path,
    rows: Sequence[tuple[Any, ...]],
    *,
    version: str = "3",
    fps: str | None = "12.5",
    areas: Sequence[str] = (HALL,),
) -> Path:
    """A database by the published schema of a version."""
    with closing(sqlite3.connect(path)) as database:
        turned = ", ori_x REAL NOT NULL, ori_y REAL NOT NULL" if version in ("1", "2") else ""
        database.execute(
            f"CREATE TABLE trajectory_data (frame INTEGER NOT NULL, id INTEGER NOT NULL, pos_x REAL, pos_y REAL{turned})"
        )
        database.execute("CREATE TABLE metadata (key TEXT NOT NULL UNIQUE PRIMARY KEY, value TEXT NOT NULL)")
        hashed = "" if version == "1" else "hash INTEGER NOT NULL, "
        database.execute(f"CREATE TABLE geometry ({hashed}wkt TEXT NOT NULL)")
        for number, area in enumerate(areas):
            database.execute(
                *(
                    ("INSERT INTO geometry VALUES (?)", (area,))
                    if version == "1"
                    else ("INSERT INTO geometry VALUES (?, ?)", (number, area))
                )
            )
        if version != "1":
            database.execute("CREATE TABLE frame_data (frame INTEGER NOT NULL, geometry_hash INTEGER NOT NULL)")
        told = {"version": version} | ({"fps": fps} if fps is not None else {})
        database.executemany("INSERT INTO metadata VALUES (?, ?)", told.items())
        tail = (1.0, 0.0) if turned else ()
        marks = ", ".join("?" * (4 + len(tail)))
        database.executemany(f"INSERT INTO trajectory_data VALUES ({marks})", [(*row, *tail) for row in rows])
        database.commit()
    return path

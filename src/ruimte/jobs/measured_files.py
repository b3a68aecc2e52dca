"""What a recording of tracks tells, as files: Parquet tables and a picture. No file knows of a single person."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray

from ruimte.clock import SECOND_US
from ruimte.jobs.agreement_files import write_whole
from ruimte.jobs.measured import ends_s, parameters
from ruimte.jobs.measuring import Told, start_us
from ruimte.report.tracks import Drawn, draw_tracks
from ruimte.tracks.distancing import Distances
from ruimte.tracks.service import Levels

Columns = dict[str, Any]

_ANYBODY = 0o644


def write_measured(told: Told, out: Path) -> list[Path]:
    """Write all tables and the picture into a folder, which is made where it is not there; gives the files.

    Raises ``RuimteError`` where one cannot be written, or matplotlib is not installed.
    """
    tables = {"figures": _figures(told), "gates": _gates(told), "map": _map(told), "diagram": _diagram(told)}
    if told.distances is not None:
        tables["distancing"] = _distances(told.distances)
    # drawn first: what cannot be drawn leaves no half a set of files
    pictures = draw_tracks(drawn(told))
    about = {"ruimte": json.dumps(parameters(told), ensure_ascii=False)}
    files = {f"{name}.parquet": _parquet(columns, about) for name, columns in tables.items()} | pictures
    for name, content in files.items():
        write_whole(out / name, content, _ANYBODY)
    return [out / name for name in files]


def drawn(told: Told) -> Drawn:
    """What the picture shows."""
    return Drawn(
        title=told.file.name,
        figures=told.figures,
        scene=told.stage.scene,
        zones=tuple(zone.name for zone in told.stage.zones),
        gates=tuple((gate.name, gate.from_, gate.to) for gate in told.stage.gates),
        levels=tuple(zone.levels for zone in told.stage.zones),
        cut_off_m=told.choices.cut_off_m,
        every_s=told.choices.every_s,
    )


def _figures(told: Told) -> Columns:
    series, zones = told.figures.series, told.stage.zones
    times = len(series.start_s)
    return {
        "zone": _each([zone.key for zone in zones], times),
        **_time(told, "start", np.tile(series.start_s, len(zones))),
        "frames": np.tile(series.frames, len(zones)),
        "people": series.people.T.ravel(),
        "people_most": series.people_most.T.ravel(),
        "density_classic": series.classic.T.ravel(),
        "density_voronoi": series.voronoi.T.ravel(),
        "speed_m_s": _known(series.speed_m_s.T.ravel()),
        "level": [name for levels in told.zone_levels for name in _names(levels)],
        "levels": _each([zone.levels.name for zone in zones], times),
    }


def _gates(told: Told) -> Columns:
    passing, series, gates = told.figures.passing, told.figures.series, told.stage.gates
    times = len(series.start_s)
    return {
        "gate": _each([gate.key for gate in gates], times),
        **_time(told, "end", np.tile(ends_s(told), len(gates))),
        "forward": passing.forward.T.ravel(),
        "back": passing.back.T.ravel(),
        "people": passing.people.T.ravel(),
        "flow_forward_per_s": _known(passing.forward_s.T.ravel()),
        "flow_back_per_s": _known(passing.back_s.T.ravel()),
        "density": _known(passing.density.T.ravel()),
        "level": [name for levels in told.gate_levels for name in _names(levels)],
        "certain": np.concatenate([levels.certain for levels in told.gate_levels]) if gates else np.zeros(0, np.bool_),
        "levels": _each([gate.levels.name for gate in gates], times),
    }


def _map(told: Told) -> Columns:
    """The squares that are walkable, in part at least; where it is known where on the map they lie, that too."""
    grid, figures = told.stage.scene.grid, told.figures
    x, y = (
        start + (np.arange(count) + 0.5) * grid.side_m
        for start, count in ((grid.west_m, grid.columns), (grid.south_m, grid.rows))
    )
    x, y = (each.ravel() for each in np.meshgrid(x, y))
    half = grid.side_m / 2
    squares = shapely.box(x - half, y - half, x + half, y + half)
    shapely.prepare(told.stage.scene.area.polygon)
    kept = shapely.intersects(told.stage.scene.area.polygon, squares)
    x, y = x[kept], y[kept]
    place: Columns = {"x_m": x, "y_m": y}
    if told.stage.plane is not None:
        place["longitude"], place["latitude"] = told.stage.plane.degrees(x, y).T
    return place | {"density_mean": figures.map_mean.ravel()[kept], "density_most": figures.map_most.ravel()[kept]}


def _diagram(told: Told) -> Columns:
    """Classes of density of each zone, by frame, and of all people (``zone`` is null), by person and frame."""
    found = (*told.figures.diagram, told.figures.diagram_of_people)
    keys = (*(zone.key for zone in told.stage.zones), None)
    names = ("low", "high", "pairs", "density", "speed_m_s", "speed_sd", "flow", "flow_sd")
    columns = {name: np.concatenate([getattr(each, name) for each in found]) for name in names}
    zone = [key for key, each in zip(keys, found, strict=True) for _ in each.low]
    return {"zone": zone} | {name: values if name == "pairs" else _known(values) for name, values in columns.items()}


def _distances(found: Distances) -> Columns:
    return {
        "from_m": found.edges_m[:-1],
        "to_m": found.edges_m[1:],
        "apart_s": found.apart_s,
        "together_s": found.together_s,
        "radial": _known(found.radial),
        "radial_apart": _known(found.radial_apart),
    }


def _time(told: Told, name: str, seconds: NDArray[np.float64]) -> Columns:
    """Seconds since the first frame, and the moment, where the file tells it."""
    begin_us = start_us(told.recording)
    if begin_us is None:
        return {f"{name}_s": seconds}
    moments = begin_us + np.rint(seconds * SECOND_US).astype(np.int64)
    return {f"{name}_s": seconds, name: pa.array(moments, pa.timestamp("us", "UTC"))}


def _each(keys: list[str], times: int) -> list[str]:
    return [key for key in keys for _ in range(times)]


def _names(levels: Levels) -> list[str | None]:
    return [levels.names[rank] if rank >= 0 else None for rank in levels.rank.tolist()]


def _known(values: NDArray[np.float64]) -> pa.Array:
    """Null where a figure is not known."""
    return pa.array(values, from_pandas=True)


def _parquet(columns: Columns, about: dict[str, str]) -> bytes:
    out = io.BytesIO()
    table = pa.table(
        {name: pa.array(values, pa.string()) if isinstance(values, list) else values for name, values in columns.items()}
    )
    pq.write_table(table.replace_schema_metadata(about), out, compression="zstd")
    return out.getvalue()

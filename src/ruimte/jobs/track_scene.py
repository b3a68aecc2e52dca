"""Where a recording of tracks is measured: the zones and gates of a lab in the recording's own plane, or all of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from ruimte.errors import RuimteError
from ruimte.intake.tracks import Recording
from ruimte.lab.files import Ground, Text
from ruimte.lab.ground import PRECISION_M, SHARE, Plane, gate_line, walkable
from ruimte.lab.lab import Lab
from ruimte.lab.levels import UNUSUAL, LevelTable, density_table, flow_table
from ruimte.text import pick
from ruimte.tracks.area import Area, walkable_area
from ruimte.tracks.figures import Scene
from ruimte.tracks.gates import gates_of
from ruimte.tracks.profiles import grid_over
from ruimte.tracks.zones import zones_of

WHOLE = "all"
"""Key of the one zone where no lab tells of any."""
_ROUND_M = 0.5
"""Where nobody tells the walkable area it is taken to reach so far beyond who is furthest out."""
_SQUARES, _SIDES_M = 10_000, (0.2, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
"""The map has the smallest of these squares of which it needs no more than so many."""
_FURTHEST_M = 100_000.0
"""Who is told to be further apart than this was not seen by the same sensors."""
_MOST_SQUARES = 1_000_000
_LEAST = 0.01
"""A zone or gate of which less than this share is in view is left out."""


@dataclass(frozen=True, slots=True)
class ZonePlace:
    """A zone as it is measured: as much of it as is in the walkable area."""

    key: str
    name: str
    area_m2: float
    levels: LevelTable


@dataclass(frozen=True, slots=True)
class GatePlace:
    """A gate as it is measured: forward is from its side ``from_`` to its side ``to``."""

    key: str
    name: str
    from_: str
    to: str
    width_m: float
    levels: LevelTable


@dataclass(frozen=True, slots=True)
class Stage:
    """Where is measured. ``plane``: where on the map it lies, if that is known. ``seen``: what the walkable area is.
    ``notes``: what was decided or left out, a line each."""

    scene: Scene
    zones: tuple[ZonePlace, ...]
    gates: tuple[GatePlace, ...]
    plane: Plane | None
    seen: str
    notes: tuple[str, ...]


def ground_of(lab: Lab, key: str | None) -> Ground | None:
    """The ground of a device of the lab, or of its only one that has any; None where none has.

    Raises ``RuimteError`` where there is no such device, it has no ground, or there are several to choose from.
    """
    grounds = {each.key: each.ground for each in lab.devices.values() if each.ground is not None}
    where = str(lab.folder / "sensors.toml")
    if key is not None:
        if key not in lab.devices:
            named = f"name one of {', '.join(grounds)}" if grounds else "add it, with a [device.ground]"
            raise RuimteError(f"no device {key!r}", where, named)
        if key not in grounds:
            raise RuimteError(f"device {key!r} has no ground", where, "add a [device.ground], which tells where its tracks lie")
        return grounds[key]
    if len(grounds) > 1:
        raise RuimteError("several devices tell tracks", where, f"choose one with --device: {', '.join(grounds)}")
    return next(iter(grounds.values()), None)


def stage_of(recording: Recording, where: str, lab: Lab | None, device: str | None, square_m: float | None) -> Stage:
    """Where a recording is measured; ``where`` is its file, for errors.

    Raises ``RuimteError`` where the lab does not tell where the tracks lie, or most positions are outside of what it sees.
    """
    if lab is None:
        polygon, seen, notes = _alone(recording, where)
        area = walkable_area(polygon)
        only = {WHOLE: area.polygon}
        zones = (ZonePlace(WHOLE, WHOLE, area.area_m2, density_table(UNUSUAL)),)
        return Stage(_scene(area, only, {}, square_m), zones, (), None, seen, notes)
    ground = ground_of(lab, device) if recording.origin is None or device is not None else None
    if ground is None and recording.origin is None:
        mend = "add a [device.ground] to the device that made the recording, or leave out --lab"
        raise RuimteError("no device tells where its tracks lie", str(lab.folder / "sensors.toml"), mend)
    plane = Plane(recording.origin) if recording.origin is not None else Plane.of(_there(ground))
    area, seen, notes = _area(recording, where, lab, ground, plane)
    return _of_lab(lab, plane, area, seen, notes, square_m)


def _there(ground: Ground | None) -> Ground:
    assert ground is not None
    return ground


def _alone(recording: Recording, where: str) -> tuple[Polygon | MultiPolygon, str, tuple[str, ...]]:
    """The walkable area that the file tells, or the hull of who is seen."""
    if recording.walkable is not None:
        return recording.walkable, "the walkable area of the file", ()
    x, y = recording.frames.x_m, recording.frames.y_m
    known = np.isfinite(x) & np.isfinite(y)
    path = np.stack([x[known], y[known]], axis=1)
    with np.errstate(over="ignore"):
        reach = np.ptp(path, axis=0).max()
    if reach > _FURTHEST_M:
        what = f"positions are up to {reach / 1000:.3g} km apart, so some cannot be right"
        raise RuimteError(what, where, "take these out, check the unit, or tell the walkable area: --lab")
    # one line through all is quicker than as many points; it needs two of them
    hull = shapely.linestrings(np.concatenate([path[:1], path])).convex_hull.buffer(_ROUND_M, quad_segs=4)
    note = f"no file tells where people can walk: taken is the hull of all positions and {_ROUND_M:g} m around it"
    return hull, "the hull of all positions", (note,)


def _area(recording: Recording, where: str, lab: Lab, ground: Ground | None, plane: Plane) -> tuple[Area, str, tuple[str, ...]]:
    """Where people can be: what the device sees without obstacles, and what the file itself tells."""
    notes: tuple[str, ...] = ()
    polygon: BaseGeometry | None
    if ground is not None:
        polygon, seen = walkable(plane, lab.views[ground.view].polygon, lab.obstacles.values()), f"view {ground.view!r}"
        if recording.walkable is not None and polygon is not None:
            polygon, seen = polygon.intersection(recording.walkable), f"{seen} and the walkable area of the file"
    else:
        polygon, seen, notes = _alone(recording, where)
        for obstacle in lab.obstacles.values():
            polygon = polygon.difference(plane.flat(obstacle.polygon))
    polygon = _polygonal(polygon)
    if polygon.is_empty:
        raise RuimteError(f"{seen} leaves no place to walk", where, "check origin and bearing_deg of the device's ground")
    _require_inside(recording, where, polygon, seen)
    return walkable_area(polygon), seen, notes


def _require_inside(recording: Recording, where: str, polygon: Polygon | MultiPolygon, seen: str) -> None:
    x, y = recording.frames.x_m, recording.frames.y_m
    known = np.isfinite(x) & np.isfinite(y)
    outside = int(known.sum()) - int(shapely.intersects_xy(polygon, x[known], y[known]).sum())
    if 2 * outside > known.sum():
        west, south, east, north = polygon.bounds
        reach = f"x {x[known].min():.1f} to {x[known].max():.1f} m, y {y[known].min():.1f} to {y[known].max():.1f} m"
        view = f"x {west:.1f} to {east:.1f} m, y {south:.1f} to {north:.1f} m"
        raise RuimteError(
            f"{outside:,} of {int(known.sum()):,} positions ({reach}) are outside {seen} ({view})",
            where,
            "check --unit, --device, and origin and bearing_deg of the device's ground",
        )


def _of_lab(lab: Lab, plane: Plane, area: Area, seen: str, notes: tuple[str, ...], square_m: float | None) -> Stage:
    told = list(notes)
    shapes, zones = {}, []
    for zone in lab.zones.values():
        whole = plane.flat(zone.polygon)
        part = _polygonal(whole.intersection(area.polygon))
        if part.area < _LEAST * whole.area:
            continue
        if part.area < SHARE * whole.area:
            told.append(
                f"zone {zone.key!r}: {part.area / whole.area:.0%} of it is walkable and in view; the figures are of that part"
            )
        shapes[zone.key] = part
        zones.append(ZonePlace(zone.key, _name(zone.name), part.area, density_table(zone.levels or lab.file.levels)))
    if not zones:
        told.append("no zone of the lab lies in view: the whole walkable area is taken as one")
        shapes, zones = {WHOLE: area.polygon}, [ZonePlace(WHOLE, WHOLE, area.area_m2, density_table(lab.file.levels))]
    lines, gates = {}, []
    for gate in lab.gates.values():
        line = gate_line(plane, gate, lab.zones)
        if line.intersection(area.polygon).length < _LEAST * line.length:
            continue
        bend = plane.flat(gate.line).hausdorff_distance(line)
        if bend > _ROUND_M:
            told.append(f"gate {gate.key!r} bends by {bend:.1f} m: it is measured as a straight line between its ends")
        width_m = gate.width_m if gate.width_m is not None else line.length
        lines[gate.key] = list(line.coords)
        gates.append(GatePlace(gate.key, _name(gate.name), gate.from_, gate.to, width_m, flow_table(lab.file.levels)))
    unseen = [key for key in (*lab.zones, *lab.gates) if key not in shapes and key not in lines]
    if unseen:
        told.append(f"not in view: {', '.join(unseen)}")
    return Stage(_scene(area, shapes, lines, square_m), tuple(zones), tuple(gates), plane, seen, tuple(told))


def _scene(
    area: Area, zones: dict[str, Polygon | MultiPolygon], gates: dict[str, list[tuple[float, float]]], square_m: float | None
) -> Scene:
    west, south, east, north = area.bounds
    if square_m is None:
        fitting = (side for side in _SIDES_M if (east - west) * (north - south) <= _SQUARES * side * side)
        square_m = next(fitting, ((east - west) * (north - south) / _SQUARES) ** 0.5)
    grid = grid_over(area, square_m)
    if grid.rows * grid.columns > _MOST_SQUARES:
        what = f"squares of {square_m:g} m are {grid.rows * grid.columns:,} over the walkable area"
        raise RuimteError(what, "--square", f"take larger ones, at most {_MOST_SQUARES:,}")
    return Scene(area, zones_of(zones), gates_of(gates), grid)


def _polygonal(shape: BaseGeometry | None) -> Polygon | MultiPolygon:
    """The parts of a shape that have an area; empty where none has."""
    parts: Iterable[BaseGeometry] = [] if shape is None else shapely.get_parts(shape)
    return shapely.union_all([part for part in parts if isinstance(part, Polygon)], grid_size=PRECISION_M)


def _name(name: Text) -> str:
    return pick(name, "en")

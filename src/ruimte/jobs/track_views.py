"""What a device with tracks sees, as a page gets it: the newest second, and the last minute of its gates."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import shapely

from ruimte.clock import MINUTE_US, SECOND_US, iso
from ruimte.jobs.crowd_view import CrowdView, FieldView, FigureView
from ruimte.jobs.tracked import MISSING_MOST, Dropped, GateTold, Told, ZoneTold, missing, passages
from ruimte.jobs.words import Words
from ruimte.lab.files import DeviceEntry
from ruimte.lab.ground import Plane
from ruimte.lab.lab import Lab
from ruimte.lab.levels import UNUSUAL, colour, table, table_name
from ruimte.text import pick
from ruimte.tracks.profiles import Grid
from ruimte.tracks.seconds import Second
from ruimte.tracks.service import of_density

_SILENT_S = 5.0
_DIGITS = 3
_OUTSIDE_MOST, _SOME = 0.25, 10
"""So large a share of the positions left out, of some, is told: axes that are swapped show so."""


@dataclass(frozen=True, slots=True)
class Squares:
    """Where the field of a device lies, which does not change: its ``corners`` on the map, and which squares ``can_be_walked``,
    row by row, by their middles."""

    grid: Grid
    corners: list[list[float]]
    can_be_walked: list[bool]

    @classmethod
    def of(cls, grid: Grid, walkable: shapely.Geometry, plane: Plane) -> Squares:
        """The squares of a grid over what is ``walkable`` in the ``plane`` of a device."""
        east, north = grid.west_m + grid.columns * grid.side_m, grid.south_m + grid.rows * grid.side_m
        corners = plane.degrees([grid.west_m, east, east, grid.west_m], [grid.south_m, grid.south_m, north, north])
        x, y = np.meshgrid(
            grid.west_m + (np.arange(grid.columns) + 0.5) * grid.side_m, grid.south_m + (np.arange(grid.rows) + 0.5) * grid.side_m
        )
        return cls(grid, np.round(corners, 7).tolist(), shapely.contains_xy(walkable, x, y).ravel().tolist())


@dataclass(frozen=True, slots=True)
class Shown:
    """What is to be shown of a device: its newest ``seconds``, and the frames that were ``dropped`` since the node started.

    Of the newest second: frames ``skipped`` because the node could not keep up, and those that came too late or twice
    (``disorder``). ``off``: the register does not allow figures of it now.
    """

    squares: Squares
    told: tuple[Told, ...]
    seconds: tuple[Second, ...] = ()
    dropped: Dropped = field(default_factory=Dropped)
    skipped: int = 0
    disorder: int = 0
    off: bool = False


def crowd_view(lab: Lab, device: DeviceEntry, shown: Shown, language: str, now_us: int, *, ready: bool) -> CrowdView:
    """One device as it is seen at ``now_us``."""
    newest = shown.seconds[-1] if shown.seconds else None
    age_s = None if newest is None else max(0.0, (now_us - newest.end_us) / SECOND_US)
    here = newest is not None and age_s is not None and age_s <= _SILENT_S
    last_us = 0 if newest is None else newest.end_us
    minute = [each for each in shown.seconds if each.start_us >= last_us - MINUTE_US]
    positions = 0.0 if newest is None else newest.people + newest.left_out
    return CrowdView(
        device=device.key,
        name=pick(device.name, language),
        time=None if newest is None else iso(newest.start_us),
        age_s=age_s,
        frames=0 if newest is None else newest.frames,
        people=None if newest is None or not here else _known(newest.people, 1),
        left_out=_known(newest.left_out / positions, _DIGITS) if newest is not None and positions > 0 else None,
        trouble=_trouble(lab, device, shown, language, age_s, now_us, ready=ready),
        field=None if shown.off else _field(shown, newest if here else None),
        figures=[_figure(lab, each, newest if here else None, minute, language) for each in shown.told],
    )


def _trouble(lab: Lab, device: DeviceEntry, shown: Shown, language: str, age_s: float | None, now_us: int, *, ready: bool) -> str:
    """The worst that is wrong, in words; empty where nothing is."""
    words = Words(lab, language)
    assert device.ground is not None
    if shown.off:
        return words.sentence("tracks.off", {})
    if not ready:
        return words.sentence("tracks.starting", {})
    if shown.dropped.frames and now_us - shown.dropped.at_us < MINUTE_US:
        return words.sentence(f"tracks.{shown.dropped.why}", {"frames": shown.dropped.frames})
    if age_s is None:
        return words.sentence("tracks.never", {})
    if age_s > _SILENT_S:
        return words.sentence("tracks.silent", {"seconds": round(age_s)})
    newest = shown.seconds[-1]
    if newest.refused:
        return words.sentence("tracks.elsewhere", {})
    if newest.missing > MISSING_MOST:
        kind = "slow" if shown.skipped else "disorder" if shown.disorder else "missing"
        return words.sentence(f"tracks.{kind}", {"frames": newest.frames, "expected": round(device.ground.rate_hz)})
    positions = newest.people + newest.left_out
    if positions >= _SOME and newest.left_out > _OUTSIDE_MOST * positions:
        return words.sentence("tracks.outside", {"percent": round(100 * newest.left_out / positions)})
    return ""


def _field(shown: Shown, second: Second | None) -> FieldView:
    """Where it looks is known, also while it is silent: then no square has a value."""
    grid = shown.squares.grid
    values: list[float | None] = [None] * (grid.columns * grid.rows)
    if second is not None and second.field is not None:
        figures = np.round(second.field.ravel(), _DIGITS).tolist()
        values = [value if here else None for value, here in zip(figures, shown.squares.can_be_walked, strict=True)]
    return FieldView(
        corners=shown.squares.corners,
        columns=grid.columns,
        rows=grid.rows,
        square_m=grid.side_m,
        values=values,
    )


def _figure(lab: Lab, told: Told, second: Second | None, minute: list[Second], language: str) -> FigureView:
    if isinstance(told, ZoneTold):
        return _of_zone(lab, told, second, language)
    return _of_gate(lab, told, second, minute, language)


def _of_zone(lab: Lab, told: ZoneTold, second: Second | None, language: str) -> FigureView:
    zone = lab.zones[told.sensor.place]
    name = table_name(lab.file.levels, zone)
    here = second is not None and second.frames > 0
    density = float(second.density[told.index]) if second is not None and here else math.nan
    level = None
    if name != UNUSUAL and not math.isnan(density):
        levels = of_density(density, table(name))
        level = levels.names[int(levels.rank)]
    counts = "people" in told.sensor.measures
    return FigureView(
        key=zone.key,
        name=pick(zone.name, language),
        kind="zone",
        people=_known(float(second.people_in[told.index]), 1) if second is not None and counts else None,
        people_sd=_known(float(second.people_sd[told.index]), 1) if second is not None and counts else None,
        density=_known(density, _DIGITS),
        speed=_known(float(second.speed[told.index]), 2) if second is not None else None,
        table=None if name == UNUSUAL else name,
        level=level,
        colour=0 if level is None else colour(level),
    )


def _of_gate(lab: Lab, told: GateTold, second: Second | None, minute: list[Second], language: str) -> FigureView:
    gate = lab.gates[told.sensor.place]
    known = second is not None and missing(minute, MINUTE_US) <= MISSING_MOST
    into, out = passages(told, minute) if known else (None, None)
    speeds = [float(each) for one in minute for each in one.pass_speed[told.pieces] if not math.isnan(each)]
    return FigureView(
        key=gate.key,
        name=pick(gate.name, language),
        kind="gate",
        inward=into,
        outward=out,
        speed=_known(sum(speeds) / len(speeds), 2) if known and speeds else None,
    )


def _known(value: float, digits: int) -> float | None:
    return None if math.isnan(value) else round(value, digits)

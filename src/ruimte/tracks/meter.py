"""The meter: from where people are to densities, cells and profiles; of one frame as it comes in, or of many at once.

Both ways run the same compiled loop, so that what is seen live is to the bit what a later look at the recording tells.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ruimte.compiled import compiled_inner, compiled_within
from ruimte.errors import RuimteError
from ruimte.tracks import crowd as crowds
from ruimte.tracks import gates as lines
from ruimte.tracks import profiles, voronoi
from ruimte.tracks import zones as places
from ruimte.tracks.area import Area, Walls
from ruimte.tracks.convex import size
from ruimte.tracks.crowd import NO_CELL, NOT_FINITE, NOT_INSIDE, TWIN, Crowd
from ruimte.tracks.frames import Frames
from ruimte.tracks.gates import Gates
from ruimte.tracks.profiles import Grid
from ruimte.tracks.voronoi import Circle, Room
from ruimte.tracks.zones import ZoneArrays, Zones

__all__ = ["NOT_FINITE", "NOT_INSIDE", "NO_CELL", "TWIN", "Meter", "Reading"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Flags = NDArray[np.uint8]

_CROWDED = 20.0
"""No crowd has a median of more persons/m² than this: then it is the unit that is wrong."""
_SOME = 10
"""From so many people on a crowd is judged as one."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the meter tells of some frames. What was not asked for has length 0 in the axis it is about.

    Of each row (person in a frame): ``area_m2`` of their cell, NaN where there is none; ``flags``, 0 or what is wrong:
    NOT_FINITE, NOT_INSIDE and NO_CELL were left out; TWIN is at the same point as others, and has its share of their cell.
    ``on_gate`` (rows, gates): which share of a gate lies in the cell.

    Of each frame: ``people`` who count, ``left_out`` who do not. By zone (frames, zones), persons/m²: ``classic`` and
    ``voronoi``; and m/s, NaN where nobody's speed is known: ``speed_m_s``, the mean over what of the zone is in somebody's
    cell, and ``speed_over_zone_m_s``, the same over the whole zone, as Steffen & Seyfried define it (too low where a zone is
    not full). Profiles (frames, rows, columns), row 0 is the south: ``profile`` (Voronoi), ``profile_classic``, ``field``
    (Gaussian), persons/m²; ``profile_speed``, m/s: Σ v |cell ∩ square| / |square|.
    """

    area_m2: Array
    flags: Flags
    on_gate: Array
    people: Index
    left_out: Index
    classic: Array
    voronoi: Array
    speed_m_s: Array
    speed_over_zone_m_s: Array
    profile: Array
    profile_classic: Array
    profile_speed: Array
    field: Array

    @property
    def density(self) -> Array:
        """Of each row, persons/m²: 1 over the area of the cell."""
        return 1.0 / self.area_m2


class _Sums(NamedTuple):
    """What the loop fills in. By zone: ``inside`` (people), ``held`` (Σ |cell ∩ zone| / |cell|), ``moved`` (Σ |cell ∩ zone| v)
    and ``known`` (Σ |cell ∩ zone| of those whose speed is known)."""

    area_m2: Array
    flags: Flags
    on_gate: Array
    people: Index
    inside: Index
    held: Array
    moved: Array
    known: Array
    profile: Array
    profile_classic: Array
    profile_speed: Array
    field: Array


class Meter:
    """Measures people in a walkable area.

    Args:
        area: where people can be.
        zones: of which densities are told.
        gates: of which line densities are made (``ruimte.tracks.flow``).
        cut_off_m: a cell goes no further than this from its person; None: as far as the walls. Its circle has ``segments`` edges
            a quarter.
        grid: of which profiles are told.
        profiles: whether the Voronoi and classic profiles are told too; else only the field.
        fwhm_m: width of the Gaussian field on the grid; None: no field.
        edge_counts: whether somebody on the edge of a zone counts as in it, in the classic density (PedPy: no).
    """

    def __init__(
        self,
        area: Area,
        zones: Zones | None = None,
        *,
        gates: Gates | None = None,
        cut_off_m: float | None = None,
        segments: int = 3,
        grid: Grid | None = None,
        profiles: bool = True,
        fwhm_m: float | None = None,
        edge_counts: bool = True,
    ) -> None:
        for value, name in ((cut_off_m, "cut-off"), (fwhm_m, "width of the Gaussian")):
            if value is not None and not (math.isfinite(value) and value > 0):
                raise RuimteError(f"a {name} of {value} m", mend="give a length in metres, above 0, or leave it out")
        if not 1 <= segments <= 1000:
            raise RuimteError(f"{segments} edges a quarter of the cut-off", mend="give a number from 1 to 1000")
        if fwhm_m is not None and grid is None:
            raise RuimteError("a Gaussian field without a grid", mend="give a grid as well")
        self.area = area
        self.zones = zones if zones is not None else places.zones_of({})
        self.gates = gates if gates is not None else lines.gates_of({})
        self.grid = grid
        self._squares = grid if grid is not None else Grid(0.0, 0.0, 1.0, 0, 0)
        self._fwhm_m, self._profiles = fwhm_m or 0.0, profiles
        self._edge_counts = edge_counts
        self._circle = voronoi.circle_of(cut_off_m, segments)
        self._most = -1
        self._make_room(64)

    def warm_up(self) -> None:
        """Compile now what the first frame would wait for: half a minute on a machine that has never done it, a second
        after that."""
        point = self.area.polygon.representative_point()
        self.stream([point.x], [point.y], [0.0])

    def stream(self, x_m: ArrayLike, y_m: ArrayLike, speed_m_s: ArrayLike | None = None) -> Reading:
        """One frame: people at ``x_m``, ``y_m`` (people,), with their speeds where those are known."""
        x, y = (np.ascontiguousarray(each, dtype=np.float64) for each in (x_m, y_m))
        if x.ndim != 1 or x.shape != y.shape:
            raise RuimteError("columns of different lengths", "frame", "give an x and a y for each person")
        return self._read(x, y, np.array([0, len(x)]), speed_m_s)

    def batch(self, frames: Frames, speed_m_s: ArrayLike | None = None, *, part: bool = False) -> Reading:
        """All frames of a recording; speeds (rows,) where those are known, NaN elsewhere.

        Of a ``part`` of a recording it is not asked that most people are in the area: they may be elsewhere.

        Raises ``RuimteError`` where most people are outside the area, or closer together than people can be: a wrong unit or
        origin.
        """
        reading = self._read(frames.x_m, frames.y_m, frames.start, speed_m_s, frames.first)
        outside = int(((reading.flags & NOT_INSIDE) > 0).sum())
        known = len(reading.flags) - int(((reading.flags & NOT_FINITE) > 0).sum())
        if not part and known >= _SOME and 2 * outside > known:
            raise RuimteError(
                f"{outside} of {known} positions are outside the walkable area",
                "tracks",
                "give both in metres, from the same origin",
            )
        return reading

    def outlines(self, x_m: ArrayLike, y_m: ArrayLike) -> list[list[Array]]:
        """The cells of one frame as corners (n, 2) in m: each person's convex pieces, mostly one; none for who has no cell."""
        x, y = (np.ascontiguousarray(each, dtype=np.float64) for each in (x_m, y_m))
        self._make_room(len(x))
        room, found = self._room, [list[Array]() for _ in x]
        for k in range(crowds.gather(self.area.walls, x, y, np.zeros(len(x), np.uint8), self._crowd)):
            if voronoi.cell(self.area.walls, self._circle, self._crowd, k, room) < 0:
                continue
            row = self._crowd.row[k]
            ends = room.first[: room.counts[0] + 1].tolist()
            corners = np.stack([room.px[: ends[-1]] + x[row], room.py[: ends[-1]] + y[row]], axis=1)
            found[row] = [corners[start:end] for start, end in pairwise(ends)]
        return found

    def _read(self, x: Array, y: Array, start: Index, speed: ArrayLike | None, number: int = 0) -> Reading:
        given = np.zeros(0) if speed is None else np.ascontiguousarray(speed, dtype=np.float64)
        if speed is not None and given.shape != x.shape:
            raise RuimteError(
                f"{given.size} speeds of {len(x)} people", "tracks", "give a speed for each, NaN where it is not known"
            )
        self._make_room(int(np.diff(start).max(initial=0)))
        rows, frames, zones = len(x), len(start) - 1, len(self.zones)
        square, moves = self._squares, speed is not None
        sums = _Sums(
            np.full(rows, np.nan),
            np.zeros(rows, np.uint8),
            np.zeros((rows, len(self.gates))),
            np.zeros(frames, np.int64),
            np.zeros((frames, zones), np.int64),
            np.zeros((frames, zones)),
            np.zeros((frames, zones)),
            np.zeros((frames, zones)),
            square.empty(frames if self._profiles else 0),
            square.empty(frames if self._profiles else 0),
            square.empty(frames if self._profiles and moves else 0),
            square.empty(frames if self._fwhm_m else 0),
        )
        crowd, room = self._crowd, self._room
        worst = _measure(
            self.area.walls, self._circle, self.zones.arrays, self.gates.line, square.numbers, self._fwhm_m, self._edge_counts,
            x, y, given, start, crowd, room, self._along, self._cover, self._full, sums,
        )  # fmt: skip
        if worst >= 0:
            rows_of = sums.area_m2[start[worst] : start[worst + 1]]
            raise RuimteError(
                f"a crowd of {np.nanmedian(1 / rows_of):.0f} persons/m² in frame {number + worst}",
                "tracks",
                "give positions in metres",
            )
        area = self.zones.area_m2
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = sums.moved / sums.known
        return Reading(
            area_m2=sums.area_m2,
            flags=sums.flags,
            on_gate=sums.on_gate,
            people=sums.people,
            left_out=np.diff(start) - sums.people,
            classic=sums.inside / area,
            voronoi=sums.held / area,
            speed_m_s=mean if moves else mean[:0],
            speed_over_zone_m_s=np.where(sums.known > 0, sums.moved / area, np.nan) if moves else mean[:0],
            profile=sums.profile,
            profile_classic=sums.profile_classic,
            profile_speed=sums.profile_speed,
            field=sums.field,
        )

    def _make_room(self, most: int) -> None:
        if most <= self._most:
            return
        self._most = 2 * most
        self._crowd = crowds.room_for(self._most)
        self._room = voronoi.room_for(self._most, self.area.walls, self._circle)
        self._along = np.zeros(self._squares.columns)
        self._cover, self._full = (np.zeros((self._squares.rows, self._squares.columns + 1)) for _ in range(2))


@compiled_inner
def _measure(
    walls: Walls, circle: Circle, zones: ZoneArrays, gates: Array, grid: Array, fwhm_m: float, edge_counts: bool,
    x: Array, y: Array, speed: Array, start: Index, crowd: Crowd, room: Room, along: Array, cover: Array, full: Array,
    sums: _Sums,
) -> int:  # fmt: skip
    """All frames, one after another; a frame whose people are closer together than people can be ends it, and is returned; else
    -1."""
    for f in range(len(start) - 1):
        begin, end = start[f], start[f + 1]
        flags = sums.flags[begin:end]
        n = crowds.gather(walls, x[begin:end], y[begin:end], flags, crowd)
        sums.people[f] = n
        places.count(zones, x[begin:end], y[begin:end], flags, edge_counts, sums.inside[f])
        if sums.profile_classic.size > 0:
            profiles.classic(grid, x[begin:end], y[begin:end], flags, sums.profile_classic[f])
        if sums.field.size > 0:
            profiles.gaussian(grid, fwhm_m, x[begin:end], y[begin:end], flags, along, sums.field[f])
        dense = 0
        for k in range(n):
            row = begin + crowd.row[k]
            v = speed[row] if len(speed) > 0 else math.nan
            _measure_one(walls, circle, zones, gates, grid, crowd, k, f, row, v, room, cover, full, sums)
            if sums.area_m2[row] * _CROWDED < 1.0:
                dense += 1
        if n >= _SOME and 2 * dense > n:
            return f
    return -1


@compiled_within
def _measure_one(
    walls: Walls, circle: Circle, zones: ZoneArrays, gates: Array, grid: Array, crowd: Crowd, k: int, f: int, row: int, v: float,
    room: Room, cover: Array, full: Array, sums: _Sums,
) -> None:  # fmt: skip
    """One person: their cell, and what of it lies in zones, on gates, in squares."""
    twins = voronoi.cell(walls, circle, crowd, k, room)
    if twins < 0:
        sums.flags[row] = NO_CELL
        sums.people[f] -= 1
        return
    if twins > 0:
        sums.flags[row] = TWIN
    area, far = 0.0, 0.0
    for p in range(room.counts[0]):
        area += size(room.px, room.py, room.first[p], room.first[p + 1])
    for i in range(room.first[room.counts[0]]):
        far = max(far, room.px[i] * room.px[i] + room.py[i] * room.py[i])
    far = math.sqrt(far)
    sums.area_m2[row] = area / (1 + twins)
    px, py = crowd.x[k] + walls.origin[0], crowd.y[k] + walls.origin[1]
    # those at the same point hold the cell together: each has its share
    part = 1.0 / (1 + twins)
    for z in range(len(zones.box)):
        held = places.overlap(zones, z, px - zones.origin[0], py - zones.origin[1], far, room)
        if held > 0.0:
            sums.held[f, z] += held / area
            if not math.isnan(v):
                sums.moved[f, z] += part * held * v
                sums.known[f, z] += part * held
    for g in range(len(gates)):
        sums.on_gate[row, g] = part * lines.share(gates, g, px, py, far, room)
    if sums.profile.size > 0:
        profiles.add_cell(grid, px, py, 1.0 / area, room, cover, full, sums.profile[f])
        if sums.profile_speed.size > 0 and not math.isnan(v):
            profiles.add_cell(grid, px, py, part * v, room, cover, full, sums.profile_speed[f])

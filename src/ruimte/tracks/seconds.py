"""What the frames of one sensor tell, second by second: people in zones, density, speed, who passed gates, a field of density.

Tracks are known here only as long as somebody is in view: a second holds sums and means.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from ruimte.errors import RuimteError
from ruimte.tracks.area import Area
from ruimte.tracks.gates import Gates
from ruimte.tracks.headcount import Counted, headcount, on_edge
from ruimte.tracks.meter import NOT_FINITE, TWIN, Meter
from ruimte.tracks.meter import Reading as Measured
from ruimte.tracks.motion import Follower
from ruimte.tracks.passing import Passing
from ruimte.tracks.profiles import Grid
from ruimte.tracks.zones import zones_of

Array = NDArray[np.float64]
Index = NDArray[np.int64]

SECOND_US = 1_000_000
CUT_OFF_M = 1.0
"""A person's cell goes no further than this."""
STEP_S = 0.5
"""Speeds are taken over so long: over less, errors of the positions look like speed."""
LOST_S = 1.0
"""A track that was away for longer is another one."""
_SNAP = 3.0
"""Who is outside the walkable area by no more than so many errors of a position leans against its wall, and counts."""
_INWARD_M = 1e-3
_FAR_M = 1e6
"""No place is that large: further away is out of view, however far it is."""
_SOME = 10
"""From so many positions on it is judged whether a frame is of this place at all."""
_MOST_A_M2, _MOST = 20.0, 1000
"""More people than this on the whole area, and more than so many, are no crowd: such a frame costs no time."""


@dataclass(frozen=True, slots=True)
class Second:
    """One second, from ``start_us`` on. What is not known is NaN.

    ``frames`` that were used; ``missing``, the share of those expected that were not; ``refused``, frames that cannot be of this
    place (most of their positions are outside it or far from it, or closer together than people can be). Means over frames:
    ``people`` in view, ``left_out`` positions that could not be used. By zone (zones,): ``people_in`` with ``people_sd``,
    ``seen`` (of those, as they were counted), ``density`` in persons/m² (Voronoi, over what of the zone is seen) and ``speed``
    in m/s. By gate: ``passed`` (gates, 2), forward and back, and ``pass_speed`` of all of them. ``field`` (rows, columns),
    persons/m².
    """

    start_us: int
    frames: int
    missing: float
    refused: int
    people: float
    left_out: float
    people_in: Array
    people_sd: Array
    seen: Array
    density: Array
    speed: Array
    passed: Index
    pass_speed: Array
    field: Array | None

    @property
    def end_us(self) -> int:
        return self.start_us + SECOND_US


@dataclass(frozen=True, slots=True)
class Usable:
    """A frame as it was used: its running ``number``, and who is where; nobody twice."""

    number: int
    who: Index
    x_m: Array
    y_m: Array


@dataclass(slots=True)
class _Open:
    """The sums of a second that is not over."""

    start_us: int
    frames: list[Measured] = field(default_factory=list)
    refused: int = 0
    twice: int = 0
    passed: list[tuple[int, int, float]] = field(default_factory=list)
    where: tuple[Array, Array] = field(default_factory=lambda: (np.zeros(0), np.zeros(0)))


class Seconds:
    """Sums up the frames of one sensor.

    Args:
        area: where people can be, of what the sensor sees whole, in m of its own plane.
        zones: in which people are counted. gates: that they pass.
        rate_hz: frames a second. error_m: by how much a position is off (a standard deviation).
        grid, fwhm_m: squares and width of the field; without a grid there is none.
    """

    def __init__(
        self,
        area: Area,
        zones: Mapping[str, Counted],
        gates: Gates,
        *,
        rate_hz: float,
        error_m: float,
        grid: Grid | None = None,
        fwhm_m: float | None = None,
    ) -> None:
        self._zones = list(zones.values())
        self._rate_hz, self._error_m, self._gates = rate_hz, error_m, gates
        shapes = zones_of({key: zone.seen for key, zone in zones.items()})
        self._size_m2 = shapes.area_m2
        self._meter = Meter(area, shapes, cut_off_m=CUT_OFF_M, grid=grid, fwhm_m=fwhm_m if grid else None, profiles=False)
        self._polygon = area.polygon
        self._wall = area.polygon.buffer(-_INWARD_M)
        self._most = max(_MOST, round(_MOST_A_M2 * area.area_m2))
        west, south, east, north = area.bounds
        self._middle, self._far_m = ((west + east) / 2, (south + north) / 2), 1.5 * math.hypot(east - west, north - south)
        shapely.prepare([self._polygon])
        self._passing = Passing(gates, LOST_S)
        self._open: _Open | None = None
        self._before: Second | None = None
        self._number, self._last_us = -1, 0
        self.forget()

    def forget(self) -> None:
        """All tracks are over, as after a start of the sensor, or a jump of its clock. Numbers of frames go on."""
        self._follower = Follower(self._rate_hz, self._step)
        self._passing.forget()
        self._times: dict[int, int] = {}
        self._anew = True

    @property
    def _step(self) -> int:
        return max(1, round(STEP_S * self._rate_hz))

    @property
    def open_us(self) -> int | None:
        """When the second began that is not over; None where there is none."""
        return None if self._open is None else self._open.start_us

    @property
    def tracks(self) -> int:
        """How many tracks are known."""
        return len(self._passing)

    def warm_up(self) -> None:
        """Compile now what the first frames would wait for."""
        self._meter.warm_up()
        point = self._polygon.representative_point()
        one = np.array([1])
        for k in range(2):
            self._passing.take(float(k), one, np.array([point.x]), np.array([point.y]))
        self.forget()

    def take(self, time_us: int, who: ArrayOfNumbers, x_m: Array, y_m: Array) -> tuple[Usable | None, Second | None]:
        """A frame, later than the one before; the frame as it was used (None: it cannot be of this place), and the second before
        it, where this one begins a new one."""
        start_us = time_us // SECOND_US * SECOND_US
        done = self.close() if self._open is not None and self._open.start_us != start_us else None
        if self._open is None:
            self._open = _Open(start_us)
        if time_us - self._last_us > LOST_S * SECOND_US:
            self.forget()
        return self._add(self._open, time_us, who, x_m, y_m), done

    def close(self) -> Second | None:
        """The second that is open, which is over; None where there is none."""
        if self._open is None:
            return None
        told = self._sum_up(self._open)
        self._open, self._before = None, told
        return told

    # --- one frame --------------------------------------------------------------------------------------------------

    def _add(self, second: _Open, time_us: int, who: ArrayOfNumbers, x_m: Array, y_m: Array) -> Usable | None:
        used, first = np.unique(np.asarray(who).astype(np.int64), return_index=True)
        second.twice += len(who) - len(used)
        if len(used) > self._most or 2 * self._far_away(x_m[first], y_m[first]) > len(used):
            second.refused += 1
            return None
        x, y = self._against_walls(x_m[first], y_m[first])
        number = self._number + max(1, round((time_us - self._last_us) * self._rate_hz / SECOND_US))
        if self._anew:  # so far on that nobody takes a number for the track that had it before
            number, self._anew = self._number + 1 + round(2 * LOST_S * self._rate_hz), False
        speed = self._speeds(number, time_us, used, x, y)
        self._number, self._last_us = number, time_us
        try:
            measured = self._meter.stream(x, y, speed)
        except RuimteError:  # a crowd closer together than people can be
            second.refused += 1
            return None
        if len(used) >= _SOME and 2 * int(measured.left_out[0]) > len(used):
            second.refused += 1
            return None
        second.frames.append(measured)
        second.where = (x, y)
        passed = self._passing.take(time_us / SECOND_US, used, x, y)
        second.passed += zip(passed.gate.tolist(), passed.way.tolist(), speed[passed.row].tolist(), strict=True)
        return Usable(number, used, x, y)

    def _far_away(self, x_m: Array, y_m: Array) -> int:
        """How many are further outside than the area is long: seen by no sensor that sees it, even where only few are there."""
        with np.errstate(over="ignore"):
            return int((np.hypot(x_m - self._middle[0], y_m - self._middle[1]) > self._far_m).sum())

    def _against_walls(self, x_m: Array, y_m: Array) -> tuple[Array, Array]:
        """Positions, where those that are just outside are moved to the nearest place that can be walked on."""
        x, y = (np.where(np.isfinite(each), np.clip(each, -_FAR_M, _FAR_M), np.nan) for each in (x_m, y_m))
        outside = np.flatnonzero(np.isfinite(x) & np.isfinite(y) & ~shapely.contains_xy(self._polygon, x, y))
        if len(outside) and not self._wall.is_empty:
            line = shapely.shortest_line(self._wall, shapely.points(x[outside], y[outside]))
            leans = shapely.length(line) <= _SNAP * self._error_m + _INWARD_M
            moved = shapely.get_point(line[leans], 0)
            x[outside[leans]], y[outside[leans]] = shapely.get_x(moved), shapely.get_y(moved)
        return x, y

    def _speeds(self, number: int, time_us: int, who: Index, x: Array, y: Array) -> Array:
        """Speeds by the times of the frames, which are not as even as their numbers."""
        self._times = {each: at for each, at in self._times.items() if each >= number - self._step} | {number: time_us}
        speed = self._follower.follow(number, who, x, y)
        began_us = self._times.get(number - self._step)
        if began_us is not None:
            speed *= (self._step / self._rate_hz) * SECOND_US / (time_us - began_us)
        return speed

    # --- one second -------------------------------------------------------------------------------------------------

    def _sum_up(self, second: _Open) -> Second:
        frames = len(second.frames)
        zones, gates = len(self._zones), len(self._gates)
        missing = max(0.0, 1.0 - frames / max(self._rate_hz, 1.0))
        if not frames:
            no = np.full(zones, np.nan)
            nobody, never = np.zeros((gates, 2), np.int64), np.full(gates, np.nan)
            return Second(second.start_us, 0, 1.0, second.refused, math.nan, math.nan, no, no, no, no, no, nobody, never, None)
        inside = np.round(np.concatenate([each.classic for each in second.frames]) * self._size_m2)
        held = np.concatenate([each.voronoi for each in second.frames])
        speeds = np.concatenate([each.speed_m_s for each in second.frames])
        people, sd, seen = np.empty(zones), np.empty(zones), np.empty(zones)
        in_view = _mean(second.frames, "people")
        twins, astray = (sum(int((each.flags == flag).sum()) for each in second.frames) / frames for flag in (TWIN, NOT_FINITE))
        before = self._before if self._before is not None and self._before.end_us == second.start_us else None
        for z, zone in enumerate(self._zones):
            part = inside[:, z].mean() / in_view if in_view > 0 else 1.0
            people[z], sd[z] = headcount(
                zone, inside[:, z], missing=missing, before=math.nan if before is None else float(before.seen[z]),
                edge=on_edge(zone, *second.where, self._error_m), twins=twins * part, astray=astray * part,
            )  # fmt: skip
            seen[z] = inside[:, z].mean()
        passed, pass_speed = np.zeros((gates, 2), np.int64), np.full(gates, np.nan)
        for gate, way, _ in second.passed:
            passed[gate, 0 if way > 0 else 1] += 1
        for gate in range(gates):
            known = [speed for g, _, speed in second.passed if g == gate and not math.isnan(speed)]
            pass_speed[gate] = sum(known) / len(known) if known else math.nan
        fields = [each.field[0] for each in second.frames if each.field.size]
        return Second(
            start_us=second.start_us,
            frames=frames,
            missing=missing,
            refused=second.refused,
            people=in_view,
            left_out=_mean(second.frames, "left_out") + second.twice / frames,
            people_in=people,
            people_sd=sd,
            seen=seen,
            density=held.mean(axis=0),
            speed=_weighted(speeds, held),
            passed=passed,
            pass_speed=pass_speed,
            field=np.mean(fields, axis=0) if fields else None,
        )


ArrayOfNumbers = NDArray[Any]


def _mean(frames: list[Measured], what: str) -> float:
    return sum(int(getattr(each, what)[0]) for each in frames) / len(frames)


def _weighted(values: Array, weights: Array) -> Array:
    """Means over frames by zone, of what is known; NaN where nothing is."""
    known = np.where(np.isnan(values), 0.0, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Array = (np.nan_to_num(values) * known).sum(axis=0) / known.sum(axis=0)
    return mean

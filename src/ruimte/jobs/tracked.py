"""One device that tells tracks: its place on the map, its frames in order, and the observations of its sensors, by interval."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, Polygon

from ruimte.clock import MINUTE_US, SECOND_US
from ruimte.errors import RuimteError
from ruimte.intake.message import Frame, ImageFrame
from ruimte.lab.files import DeviceEntry, SensorEntry
from ruimte.lab.ground import ACCURACY, TRACKS, Plane, goes_in, sides, walkable
from ruimte.lab.lab import Lab
from ruimte.lab.validity import validity_us
from ruimte.model.observation import Flag
from ruimte.text import duration_us
from ruimte.tracks.area import Area, walkable_area
from ruimte.tracks.gates import Gates, gates_of
from ruimte.tracks.headcount import Counted, counted
from ruimte.tracks.order import InOrder
from ruimte.tracks.profiles import Grid, grid_over
from ruimte.tracks.seconds import Second, Seconds, Usable

Array = NDArray[np.float64]

Row = tuple[int, int, int, float, int]
"""An observation: datastream, start, end (µs), result, flags."""

MISSING_MOST = 0.1
"""Of an interval of which more than this share of the frames is missing, no count of a gate is told: somebody may have passed."""
SQUARES_MOST = 2500
"""So many squares has the field at the most."""
SQUARE_LEAST_M = 0.5
_WAIT_US = 300_000
"""So long a frame is held back for one that is on its way."""
GRACE_US = 2 * SECOND_US
"""So long after its end a second is over, also where nothing comes any more."""
_REPLACED_US = 10 * SECOND_US
"""A sensor that was not heard for so long may be replaced by another one."""
_ANEW_S = 2.0
"""A device whose frames have come too late for so long has set its clock back."""


@dataclass(frozen=True, slots=True)
class ZoneTold:
    """A sensor that tells of a zone: ``index`` in the figures of a second."""

    sensor: SensorEntry
    index: int


@dataclass(frozen=True, slots=True)
class GateTold:
    """A sensor that tells of a gate: its pieces in the figures of a second, and whether forward is in."""

    sensor: SensorEntry
    pieces: slice
    inward: bool


Told = ZoneTold | GateTold


@dataclass(frozen=True, slots=True)
class Dropped:
    """How many frames were not used since the node started, and why (``ahead``, ``behind``: of the node's clock; ``unreadable``:
    no homography for a picture; ``another``: of another sensor) and when the newest was not."""

    frames: int = 0
    why: str = ""
    at_us: int = 0


class Tracked:
    """One device. Not thread-safe: frames and the end of seconds come from one thread; ``recent`` is read by others."""

    def __init__(self, lab: Lab, device: DeviceEntry, streams: Mapping[str, int], skew_us: int) -> None:
        assert device.ground is not None
        ground, self.lab, self.device = device.ground, lab, device
        self.plane = Plane.of(ground)
        self.area = _area(lab, device, self.plane)
        self.told = list(_told(lab, device))
        self.grid = _grid(self.area)
        self.dropped = Dropped()
        self.order: InOrder[Frame] = InOrder(_WAIT_US, max(2, round(_ANEW_S * ground.rate_hz)))
        self.recent: deque[Second] = deque()
        self._streams, self._skew_us = streams, skew_us
        self._homography = None if ground.homography is None else np.array(ground.homography)
        self._seconds = Seconds(
            self.area, _zones(lab, self.told, self.plane, self.area), _gates(lab, self.told, self.plane),
            rate_hz=ground.rate_hz, error_m=ground.error_m, grid=self.grid, fwhm_m=max(1.0, 2 * self.grid.side_m),
        )  # fmt: skip
        self._keep_us = max([MINUTE_US, *(duration_us(each.sensor.interval) for each in self.told)]) + GRACE_US
        self._until_us = {each.sensor.key: 0 for each in self.told}
        self._anew = 0
        self._lag_us = 0
        self._source, self._source_us = "", -_REPLACED_US

    def warm_up(self) -> None:
        """Compile what the first frame would wait for."""
        self._seconds.warm_up()

    @property
    def tracks(self) -> int:
        """How many tracks are known now."""
        return self._seconds.tracks

    def forget(self) -> None:
        """Forget everybody in view."""
        self._seconds.close()
        self._seconds.forget()
        self.order.rest()

    # --- frames -----------------------------------------------------------------------------------------------------

    def take(self, frame: Frame | ImageFrame, now_us: int) -> list[Usable]:
        """A frame that came in at ``now_us``; those that are used now, in order of time."""
        why = self._against(frame, now_us)
        if why:
            self.dropped = Dropped(self.dropped.frames + 1, why, now_us)
            return []
        if isinstance(frame, ImageFrame):
            assert self._homography is not None
            with np.errstate(all="ignore"):  # where a picture shows the sky there is no ground: then it is no number
                frame = frame.on_ground(self._homography)
        self._lag_us = now_us - frame.time_us
        self.order.put(frame.time_us, frame)
        if self.order.anew != self._anew:
            self._anew = self.order.anew
            self._begin_anew()
        return self._use(self.order.ready())

    def _against(self, frame: Frame | ImageFrame, now_us: int) -> str:
        """Why a frame cannot be used; empty where it can. A device tells of one sensor, for its ground is that of one."""
        if abs(frame.time_us - now_us) > self._skew_us:
            return "ahead" if frame.time_us > now_us else "behind"
        if isinstance(frame, ImageFrame) and self._homography is None:
            return "unreadable"
        if frame.source != self._source and now_us - self._source_us < _REPLACED_US:
            return "another"
        self._source, self._source_us = frame.source, now_us
        return ""

    def wait_is_over(self, now_us: int) -> list[Usable]:
        """Nothing came for a while: what is used because of that. Ends the second that is over, by the device's own clock."""
        used, there_us = [], now_us - self._lag_us
        if (newest_us := self.order.newest_us) is not None and there_us > newest_us + GRACE_US:
            used = self._use(self.order.rest())
        open_us = self._seconds.open_us
        if open_us is not None and there_us > open_us + SECOND_US + GRACE_US:
            self._keep(self._seconds.close())
            self._seconds.forget()
        return used

    def _use(self, ready: list[tuple[int, Frame]]) -> list[Usable]:
        used = []
        for time_us, frame in ready:
            usable, done = self._seconds.take(time_us, frame.ids, frame.x_m, frame.y_m)
            self._keep(done)
            if usable is not None:
                used.append(usable)
        return used

    def _begin_anew(self) -> None:
        """The device has set its clock back."""
        self._seconds.close()
        self._seconds.forget()
        self.recent.clear()
        self._until_us = dict.fromkeys(self._until_us, 0)

    def _keep(self, second: Second | None) -> None:
        if second is None:
            return
        if self.recent:
            self.recent[-1] = replace(self.recent[-1], field=None)  # only the newest one is drawn
        self.recent.append(second)
        while self.recent and self.recent[0].end_us <= second.end_us - self._keep_us:
            self.recent.popleft()

    # --- observations -----------------------------------------------------------------------------------------------

    def rows(self, now_us: int) -> list[Row]:
        """Observations of the intervals that have ended since the last call, of sensors that the register lets tell."""
        if not self.recent:
            return []
        closed_us = max(self.recent[-1].end_us, now_us - self._lag_us - GRACE_US - SECOND_US)
        return [row for told in self.told for row in self._rows_of(told, closed_us)]

    def _rows_of(self, told: Told, closed_us: int) -> Iterator[Row]:
        sensor = told.sensor
        interval_us = duration_us(sensor.interval)
        end_us = closed_us // interval_us * interval_us
        since_us = self._until_us[sensor.key] or self.recent[0].start_us // interval_us * interval_us
        if end_us <= since_us:
            return
        self._until_us[sensor.key] = end_us
        from_us, until_us = validity_us(sensor, self.lab.zone)
        seconds = [each for each in self.recent if since_us <= each.start_us and each.end_us <= end_us]
        for begin_us in sorted({each.start_us // interval_us * interval_us for each in seconds}):
            if from_us <= begin_us and begin_us + interval_us <= until_us:
                within = [each for each in seconds if begin_us <= each.start_us < begin_us + interval_us]
                yield from self._of_interval(told, within, begin_us, begin_us + interval_us)

    def _of_interval(self, told: Told, seconds: list[Second], begin_us: int, end_us: int) -> Iterator[Row]:
        known = _zone_figures(told, seconds) if isinstance(told, ZoneTold) else _gate_figures(told, seconds, end_us - begin_us)
        newest_us = max((each.end_us for each in seconds if each.frames), default=end_us)
        for measure in told.sensor.measures:
            value = known.get(measure, math.nan)
            if not math.isnan(value):
                start, end = (newest_us, newest_us) if measure in _INSTANTS else (begin_us, end_us)
                yield self._streams[f"{told.sensor.key}/{measure}"], start, end, value, int(Flag.NONE)


_INSTANTS = ("people", "people_sd", "density")


def _zone_figures(told: ZoneTold, seconds: list[Second]) -> dict[str, float]:
    """Of an instant, the newest second; speed is the mean of those who were there."""
    known = [each for each in seconds if each.frames]
    if not known:
        return {}
    z, newest = told.index, known[-1]
    pairs = [(each.speed[z], each.seen[z]) for each in known if not math.isnan(each.speed[z])]
    weight = sum(seen for _, seen in pairs)
    return {
        "people": float(newest.people_in[z]),
        "people_sd": float(newest.people_sd[z]),
        "density": float(newest.density[z]),
        "speed": float(sum(speed * seen for speed, seen in pairs) / weight) if weight > 0 else math.nan,
    }


def _gate_figures(told: GateTold, seconds: list[Second], lasts_us: int) -> dict[str, float]:
    """Who passed; nothing where too much of it was not seen."""
    if missing(seconds, lasts_us) > MISSING_MOST:
        return {}
    into, out = passages(told, seconds)
    weights = [(float(speed), int(count)) for each in seconds for speed, count in _speeds_at(told, each)]
    total = sum(count for _, count in weights)
    speed = sum(speed * count for speed, count in weights) / total if total else math.nan
    return {"count_in": float(into), "count_out": float(out), "speed": speed}


def _speeds_at(told: GateTold, second: Second) -> Iterator[tuple[float, int]]:
    for speed, count in zip(second.pass_speed[told.pieces], second.passed[told.pieces].sum(axis=1), strict=True):
        if not math.isnan(speed):
            yield speed, count


def passages(told: GateTold, seconds: list[Second]) -> tuple[int, int]:
    """How many passed a gate in these seconds, in and out."""
    forward, back = (sum(int(each.passed[told.pieces, way].sum()) for each in seconds) for way in (0, 1))
    return (forward, back) if told.inward else (back, forward)


def missing(seconds: list[Second], lasts_us: int) -> float:
    """The share of the frames of an interval that is missing; a second of which nothing came is missing whole."""
    return 1.0 - sum(1.0 - each.missing for each in seconds) * SECOND_US / lasts_us


# --- from the lab -------------------------------------------------------------------------------------------------------


def _area(lab: Lab, device: DeviceEntry, plane: Plane) -> Area:
    assert device.ground is not None
    seen = walkable(plane, lab.views[device.ground.view].polygon, lab.obstacles.values())
    if seen is None:
        what = f"obstacles leave no room, or cut view {device.ground.view!r} in two"
        raise RuimteError(what, f"device {device.key}", "draw the view or the obstacles anew")
    return walkable_area(seen)


def _told(lab: Lab, device: DeviceEntry) -> Iterator[Told]:
    zones = pieces = 0
    assert device.ground is not None
    plane = Plane.of(device.ground)
    for sensor in (lab.sensors[key] for key in device.sensors):
        if sensor.kind != TRACKS:
            continue
        if sensor.place in lab.zones:
            yield ZoneTold(sensor, zones)
            zones += 1
        elif sensor.place in lab.gates:
            gate = lab.gates[sensor.place]
            line = plane.flat(gate.line)
            assert isinstance(line, LineString)
            count = len(line.coords) - 1
            yield GateTold(sensor, slice(pieces, pieces + count), goes_in(line, *sides(plane, gate, lab.zones)))
            pieces += count


def _zones(lab: Lab, every: list[Told], plane: Plane, area: Area) -> dict[str, Counted]:
    obstacles = shapely.union_all([plane.flat(each.polygon) for each in lab.obstacles.values()])
    found = {}
    for told in every:
        if isinstance(told, ZoneTold):
            sensor, zone = told.sensor, plane.flat(lab.zones[told.sensor.place].polygon)
            assert isinstance(zone, Polygon)
            detection = 1.0 if sensor.detection is None else sensor.detection
            accuracy = ACCURACY if sensor.accuracy is None else sensor.accuracy
            seen = counted(zone, area.polygon, obstacles, detection, accuracy)
            if seen is None:
                what = f"zone {sensor.place!r} is not in the view"
                raise RuimteError(what, f"sensor {sensor.key}", "draw the view, or correct origin and bearing")
            found[sensor.key] = seen
    return found


def _gates(lab: Lab, every: list[Told], plane: Plane) -> Gates:
    lines = {}
    for told in every:
        if isinstance(told, GateTold):
            corners = plane.flat(lab.gates[told.sensor.place].line).coords
            for number, ends in enumerate(pairwise(corners)):
                lines[f"{told.sensor.key}/{number}"] = ends
    return gates_of(lines)


def _grid(area: Area) -> Grid:
    """Squares as small as may be."""
    west, south, east, north = area.bounds
    side_m = max(SQUARE_LEAST_M, math.ceil(10 * math.sqrt((east - west) * (north - south) / SQUARES_MOST)) / 10)
    while (grid := grid_over(area, side_m)).columns * grid.rows > SQUARES_MOST:
        side_m += 0.1
    return grid

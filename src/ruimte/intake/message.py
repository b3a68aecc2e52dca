"""What a device's payload says, whatever its format: readings, running totals, and frames of tracks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ruimte.model.observation import Flag


@dataclass(frozen=True, slots=True)
class Reading:
    """One result of one measure (a key of ``ruimte.model.measure.MEASURES``, in its unit).

    ``source``: how the device names what it counts at, ``<device>`` or ``<device>/<line, region or counter>``. The interval is
    [start, end). Equal times are an instant; of a measure of an interval they say only when it ended (see ``devices.channels``).
    """

    source: str
    measure: str
    start_us: int
    end_us: int
    value: float
    flags: Flag = Flag.NONE


@dataclass(frozen=True, slots=True)
class Total:
    """A counter that runs on: ``value`` is all that it counted up to ``time_us``, since ``since_us`` where the device tells
    that."""

    source: str
    measure: str
    time_us: int
    value: float
    since_us: int | None = None
    flags: Flag = Flag.NONE


@dataclass(frozen=True, slots=True)
class Frame:
    """Where persons are on the ground at one moment, for the life of their tracks only: never stored, never logged.

    ``ids`` are opaque numbers of tracks, shape (n,); ``x_m`` and ``y_m`` are metres in the device's own plane, ``height_m``
    metres above the ground, same shape.
    """

    source: str
    time_us: int
    ids: NDArray[np.uint64]
    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]
    height_m: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True)
class ImageFrame:
    """Where persons stand in a camera's picture: a ``Frame`` before calibration. Never stored, never logged.

    ``x`` and ``y`` are shares of the picture's width and height, from the upper left; shape (n,) like ``ids``.
    """

    source: str
    time_us: int
    ids: NDArray[np.uint64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]

    def on_ground(self, homography: NDArray[np.float64]) -> Frame:
        """The same on the ground: ``homography`` (shape (3, 3)) maps (x, y, 1) to metres, up to scale."""
        ground = homography @ np.stack([self.x, self.y, np.ones_like(self.x)])
        return Frame(self.source, self.time_us, self.ids, ground[0] / ground[2], ground[1] / ground[2])


@dataclass(slots=True)
class Message:
    """All that one payload says. ``device`` is what the device calls itself; a payload that tells only serial numbers or
    addresses leaves it empty, and its sources are then to be read as within the device that sent it."""

    device: str = ""
    readings: list[Reading] = field(default_factory=list)
    totals: list[Total] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    image_frames: list[ImageFrame] = field(default_factory=list)


class DeviceFormat(Protocol):
    """Reads the payloads of one kind of device."""

    name: str

    def read(self, payload: bytes, zone: ZoneInfo, received_us: int) -> Message:
        """What a payload says. Times without an offset are of ``zone`` and get ``Flag.REPAIRED``; ``received_us`` tells which of
        an autumn night's doubled hours is meant. Raises ``RuimteError``, without any value of the payload in it."""
        ...

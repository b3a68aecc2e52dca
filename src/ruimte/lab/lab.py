"""The lab in memory: what the folder says, once it has been read and checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from shapely.geometry import LineString, Point, Polygon

from ruimte.lab.files import AlgorithmEntry, ArrivalEntry, DeviceEntry, EventEntry, LabFile, MeasureEntry, SensorEntry, Text


@dataclass(frozen=True, slots=True)
class Zone:
    """A polygon (longitude, latitude) where people can be; ``area_m2`` given or computed; ``empty_at`` is "HH:MM" local time.

    ``longest_stay`` is how long a person stays in it at the most.
    """

    key: str
    name: Text
    polygon: Polygon
    area_m2: float
    capacity: float | None
    empty_at: str | None
    levels: str | None
    longest_stay: str | None = None
    typical: float | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """A line between two zones, or a zone and ``outside``; it takes ``per_minute`` people each way at the most."""

    key: str
    name: Text
    line: LineString
    from_: str
    to: str
    width_m: float | None
    per_minute: float | None = None


@dataclass(frozen=True, slots=True)
class CountPoint:
    """A lone gate ``outside | outside`` with a point: a street counter that closes no zone."""

    key: str
    name: Text
    point: Point
    width_m: float | None
    levels: str | None
    typical: float | None = None


@dataclass(frozen=True, slots=True)
class View:
    """The ground (longitude, latitude) that a device which tells tracks sees whole."""

    key: str
    polygon: Polygon


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Where nobody can be (longitude, latitude)."""

    key: str
    polygon: Polygon


@dataclass(frozen=True, slots=True)
class Lab:
    """A checked lab. ``places`` of the GeoJSON are split by kind and keep the file's order; ``school_holidays`` are (first, last)
    days."""

    folder: Path
    file: LabFile
    zone: ZoneInfo
    zones: dict[str, Zone]
    gates: dict[str, Gate]
    count_points: dict[str, CountPoint]
    sensors: dict[str, SensorEntry]
    devices: dict[str, DeviceEntry]
    algorithms: dict[str, AlgorithmEntry]
    measures: dict[str, MeasureEntry]
    events: tuple[EventEntry, ...]
    arrivals: tuple[ArrivalEntry, ...] = ()
    school_holidays: tuple[tuple[date, date], ...] = ()
    views: dict[str, View] = field(default_factory=dict)
    obstacles: dict[str, Obstacle] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.file.key

    def topic(self, device: DeviceEntry) -> str:
        """The MQTT topic on which a device publishes payloads of its own format."""
        return device_topic(self.key, device)

    def geojson(self) -> dict[str, Any]:
        """The places with a state of their own as a GeoJSON FeatureCollection (properties: key, kind)."""
        shapes = [(z.key, "zone", z.polygon) for z in self.zones.values()]
        points = [(c.key, "count_point", c.point) for c in self.count_points.values()]
        return {
            "type": "FeatureCollection",
            "features": [
                {"type": "Feature", "id": key, "properties": {"key": key, "kind": kind}, "geometry": shape.__geo_interface__}
                for key, kind, shape in [*shapes, *points]
            ],
        }


def device_topic(lab: str, device: DeviceEntry) -> str:
    """The MQTT topic of a device of the lab with this key: its own, or ``ruimte/LAB/DEVICE``."""
    return device.topic or f"ruimte/{lab}/{device.key}"

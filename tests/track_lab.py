"""A lab with a device that tells tracks: the new lab, and a view over its square."""

from __future__ import annotations

import json
from pathlib import Path

from shapely.geometry import LineString, Polygon, mapping

from ruimte.lab.ground import Plane
from ruimte.lab.new import new_lab

ORIGIN = (5.12100, 52.08970)
"""Longitude and latitude of the device's (0, 0), south-west of the square of the new lab."""
BEARING_DEG = 20.0
PLANE = Plane(ORIGIN, BEARING_DEG)

_DEVICE = """
[[device]]
key = "overhead"
name = "Overhead sensor"
format = "{format}"
sensors = {sensors}
[device.ground]
view = "seen"
origin = [{origin[0]}, {origin[1]}]
bearing_deg = {bearing}
rate_hz = {rate_hz}
{more}
"""

_SENSOR = """
[[sensor]]
key = "{key}"
name = "Tracks"
place = "{place}"
kind = "tracks"
measures = {measures}
interval = "{interval}"
max_per_interval = 100000
owner = "Example"
purpose = "Seeing in time where it gets too busy"
legal_ground = "A task in the public interest"
personal_data = false
valid_from = 2019-01-01
valid_until = 2099-12-31
"""

ALGORITHM = """
[[algorithm]]
key = "{key}"
version = "1"
name = "{key}"
goal = "Figures of places from anonymous tracks"
kind = "measuring"
owner = "Example"
status = "in use"
human_intervention = "People decide"
risks = "A blind spot"
lawful_basis = "{basis}"
valid_from = {valid_from}
valid_until = {valid_until}
"""


def feature(key: str, kind: str, shape: Polygon | LineString, **properties: object) -> dict[str, object]:
    """A feature of ``places.geojson``."""
    return {"type": "Feature", "properties": {"key": key, "kind": kind, **properties}, "geometry": mapping(shape)}


def on_map(corners: list[tuple[float, float]]) -> Polygon:
    """A polygon of the device's plane (m) as longitudes and latitudes."""
    x, y = zip(*corners, strict=True)
    return Polygon(PLANE.degrees(x, y))


def sensor(key: str, place: str, measures: list[str], interval: str = "1s") -> str:
    """An entry of the sensor register for figures from tracks."""
    return _SENSOR.format(key=key, place=place, measures=json.dumps(measures), interval=interval)


def track_lab(
    folder: Path,
    view: list[tuple[float, float]],
    zone: list[tuple[float, float]],
    sensors: dict[str, str],
    *,
    obstacles: list[list[tuple[float, float]]] | None = None,
    gates: dict[str, tuple[list[tuple[float, float]], str, str]] | None = None,
    device_format: str = "xovis",
    rate_hz: float = 10.0,
    more: str = "",
) -> Path:
    """The new lab with a zone ``hall`` (corners in m of the device's plane), a ``view`` and a device ``overhead``.

    ``sensors``: register entries by key, each as ``sensor`` makes one. ``gates`` by key: corners in m, from, to.
    """
    new_lab(folder)
    places = folder / "places.geojson"
    collection = json.loads(places.read_text(encoding="utf-8"))
    collection["features"] += [
        feature("hall", "zone", on_map(zone), name={"en": "Hall", "nl": "Hal"}),
        feature("seen", "view", on_map(view)),
        *(
            feature(key, "gate", LineString(PLANE.degrees(*zip(*line, strict=True))), name=key, **{"from": from_, "to": to})
            for key, (line, from_, to) in (gates or {}).items()
        ),
        *(feature(f"stall-{number}", "obstacle", on_map(each)) for number, each in enumerate(obstacles or [], 1)),
    ]
    places.write_text(json.dumps(collection), encoding="utf-8")
    device = _DEVICE.format(
        format=device_format, sensors=json.dumps(list(sensors)), origin=ORIGIN, bearing=BEARING_DEG, rate_hz=rate_hz, more=more
    )
    _append(folder / "sensors.toml", *sensors.values(), device)
    entry = ALGORITHM.format(key="track-figures", basis="A task", valid_from="2019-01-01", valid_until="2099-12-31")
    _append(folder / "algorithms.toml", entry)
    return folder


def _append(file: Path, *texts: str) -> None:
    file.write_text(file.read_text(encoding="utf-8") + "".join(texts), encoding="utf-8")

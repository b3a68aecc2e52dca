"""What a live frame costs a node: from the decoded frame to the figures of its second, with danger indicators, in CPU time."""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from benchmarks._report import Row, row
from ruimte.clock import SECOND_US, ManualClock
from ruimte.intake.devices import FORMATS
from ruimte.intake.message import Frame, Message
from ruimte.jobs.register import register_lab
from ruimte.jobs.tracking import Tracking
from ruimte.lab.ground import Plane
from ruimte.lab.new import new_lab
from ruimte.lab.read import read_lab
from ruimte.store.sqlite import Store

WIDE, HIGH, RATE_HZ = 60.0, 40.0, 10.0
NOON = 1_780_315_200 * SECOND_US


def tracking_rows(quick: bool) -> list[Row]:
    """At 100 and at 3,000 people on 60 m × 40 m with four stalls, a zone and a gate."""
    return [each for people in (100, 3000) for each in _at(people, 30 if quick else 150)]


def _at(people: int, frames: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        lab = read_lab(_lab(Path(folder) / "town"))
        with Store(Path(folder) / "town.db", lab.key) as store:
            register_lab(lab, store)
            clock = ManualClock(NOON)
            tracking = Tracking(lab, store, clock)
            tracking.warm_up()
            walks, ids = _walks(people), np.arange(people, dtype=np.uint64)
            took = []
            for k in range(frames):
                x, y = next(walks)
                time_us = NOON + round(k * SECOND_US / RATE_HZ)
                clock.set(time_us)
                message = Message(frames=[Frame("x", time_us, ids, x, y)])
                begin = time.process_time()
                tracking.take("overhead", message)
                tracking.work_off()
                took.append(1000 * (time.process_time() - begin))
            body = _payload(ids.tolist(), x, y)
            begin = time.process_time()
            for _ in range(10):
                FORMATS["xovis"].read(body, lab.zone, NOON)
            decoded = 100 * (time.process_time() - begin)
    name = f"tracks in the node, {people:,} people"
    return [
        row(f"{name}: a frame, mean with its share of seconds and indicators", sum(took) / len(took), "ms"),
        row(f"{name}: a frame, median", median(took), "ms"),
        row(f"{name}: its Xovis payload of {len(body) / 1000:,.0f} kB read", decoded, "ms"),
    ]


def _walks(people: int) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Positions of people who walk about at 1 m/s and turn round at the walls, frame by frame."""
    chance = np.random.default_rng(1)
    x, y, way = chance.uniform(0, WIDE, people), chance.uniform(0, HIGH, people), chance.uniform(0, 2 * np.pi, people)
    while True:
        yield x, y
        x, y = x + np.cos(way) / RATE_HZ, y + np.sin(way) / RATE_HZ
        way = np.where((x < 0) | (x > WIDE), np.pi - way, way)
        way = np.where((y < 0) | (y > HIGH), -way, way)
        x, y = np.clip(x, 0.01, WIDE - 0.01), np.clip(y, 0.01, HIGH - 0.01)


def _payload(ids: list[int], x: NDArray[np.float64], y: NDArray[np.float64]) -> bytes:
    persons = [
        {"track_id": who, "type": "PERSON", "position": [round(a, 3), round(b, 3), 1.7]}
        for who, a, b in zip(ids, x.tolist(), y.tolist(), strict=True)
    ]
    frame = {"time": NOON // 1000, "framenumber": 1, "tracked_objects": persons, "events": []}
    return json.dumps({"live_data": {"sensor_info": {"serial_number": "80:1F:12:00:00:01"}, "frames": [frame]}}).encode()


def _lab(folder: Path) -> Path:
    """The new lab with a hall, a door and four stalls before a sensor."""
    new_lab(folder)
    plane = Plane((5.121, 52.0897), 20.0)

    def feature(key: str, kind: str, shape: BaseGeometry, **more: str) -> dict[str, Any]:
        on_map = shapely.transform(shape, lambda metres: plane.degrees(metres[:, 0], metres[:, 1]))
        return {"type": "Feature", "properties": {"key": key, "kind": kind, **more}, "geometry": mapping(on_map)}

    places = folder / "places.geojson"
    collection = json.loads(places.read_text("utf-8"))
    collection["features"] += [
        feature("seen", "view", shapely.box(0, 0, WIDE, HIGH)),
        feature("hall", "zone", shapely.box(20, 0, WIDE, HIGH), name="Hall"),
        feature("door", "gate", shapely.LineString([(20, 0), (20, HIGH)]), name="Door", to="hall", **{"from": "outside"}),
        *(feature(f"stall-{x}-{y}", "obstacle", shapely.box(x, y, x + 3, y + 2)) for x in (10, 40) for y in (10, 30)),
    ]
    places.write_text(json.dumps(collection), "utf-8")
    sensors = folder / "sensors.toml"
    sensors.write_text(sensors.read_text("utf-8") + _SENSORS, "utf-8")
    algorithms = folder / "algorithms.toml"
    first = algorithms.read_text("utf-8").partition("[[algorithm]]")[2].partition("[[algorithm]]")[0]
    named = re.sub(r'key = "[^"]*"', 'key = "track-figures"', first, count=1)
    algorithms.write_text(algorithms.read_text("utf-8") + "\n[[algorithm]]" + named, "utf-8")
    return folder


_SENSOR = """
[[sensor]]
key = "{place}-tracks"
name = "Tracks"
place = "{place}"
kind = "tracks"
measures = {measures}
interval = "{interval}"
max_per_interval = 100000
owner = "Example"
purpose = "A benchmark"
legal_ground = "A task in the public interest"
personal_data = false
valid_from = 2019-01-01
valid_until = 2099-12-31
"""
_SENSORS = (
    _SENSOR.format(place="hall", measures='["people", "people_sd", "density", "speed"]', interval="1s")
    + _SENSOR.format(place="door", measures='["count_in", "count_out", "speed"]', interval="10s")
    + """
[[device]]
key = "overhead"
name = "Overhead sensor"
format = "xovis"
sensors = ["hall-tracks", "door-tracks"]
[device.ground]
view = "seen"
origin = [5.121, 52.0897]
bearing_deg = 20.0
rate_hz = 10.0
"""
)

"""People who walk about before a sensor, and what a Xovis sensor sends of them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
SERIAL = "80:1F:12:00:00:01"


def payload(time_us: int, ids: NDArray[np.int64] | list[int], x: Array | list[float], y: Array | list[float]) -> bytes:
    """A live push of one frame."""
    persons = [
        {"track_id": int(who), "type": "PERSON", "position": [round(float(a), 3), round(float(b), 3), 1.7]}
        for who, a, b in zip(ids, x, y, strict=True)
    ]
    frame = {"time": time_us // 1000, "framenumber": 1, "tracked_objects": persons, "events": []}
    return json.dumps({"live_data": {"sensor_info": {"serial_number": SERIAL}, "frames": [frame]}}).encode()


def wandering(people: int, wide: float, high: float, rate_hz: float, seed: int) -> Iterator[tuple[Array, Array]]:
    """Positions, frame by frame, of people who walk at about 1 m/s and turn round at the walls."""
    chance = np.random.default_rng(seed)
    x, y = chance.uniform(0, wide, people), chance.uniform(0, high, people)
    way = chance.uniform(0, 2 * np.pi, people)
    while True:
        yield x, y
        way = way + chance.normal(0, 0.1, people)
        x, y = x + np.cos(way) / rate_hz, y + np.sin(way) / rate_hz
        way = np.where((x < 0) | (x > wide), np.pi - way, way)
        way = np.where((y < 0) | (y > high), -way, way)
        x, y = np.clip(x, 0.01, wide - 0.01), np.clip(y, 0.01, high - 0.01)

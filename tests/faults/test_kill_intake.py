"""Kill −9 while clients write: every observation that was acknowledged is there after the restart, exactly once."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox import Sandbox

KILLS = int(os.environ.get("RUIMTE_KILLS", "3"))
WRITERS = 8

pytestmark = [
    pytest.mark.fault,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system cannot kill −9"),
]

Key = tuple[int, int]
"""The Datastream and the result; a result is never sent twice."""


class Writer(threading.Thread):
    """Posts to its Datastream until the node is gone; even ones send an observation at a time, odd ones rows of a dataArray."""

    def __init__(self, root: str, number: int, stream: int, first: int) -> None:
        super().__init__(daemon=True)
        self.stream = stream
        self.acknowledged: dict[Key, int] = {}
        self.sent = 0
        self._root = root
        self._many = number % 2 == 1
        self._next = first

    def run(self) -> None:
        with httpx.Client(timeout=30) as http:
            try:
                while True:
                    self._arrays(http) if self._many else self._single(http)
            except httpx.TransportError:
                return  # the node is gone

    def _single(self, http: httpx.Client) -> None:
        result = self._take()
        body = {"phenomenonTime": _time(result), "result": result}
        answer = http.post(f"{self._root}/Datastreams({self.stream})/Observations", json=body)
        assert answer.status_code == 201, answer.text
        self.acknowledged[self.stream, result] = _id(answer.headers["location"])

    def _arrays(self, http: httpx.Client) -> None:
        results = [self._take() for _ in range(50)]
        rows = [[_time(result), result] for result in results]
        group = {"Datastream": {"@iot.id": self.stream}, "components": ["phenomenonTime", "result"], "dataArray": rows}
        answer = http.post(f"{self._root}/CreateObservations", json=[group])
        assert answer.status_code == 201, answer.text
        self.acknowledged |= {(self.stream, result): _id(link) for result, link in zip(results, answer.json(), strict=True)}

    def _take(self) -> int:
        self._next += 1
        self.sent += 1
        return self._next


def _time(result: int) -> str:
    return f"2026-01-{1 + result // 86_400:02}T{result // 3600 % 24:02}:{result // 60 % 60:02}:{result % 60:02}Z"


def _id(link: str) -> int:
    return int(link.rpartition("(")[2].rstrip(")"))


def _streams(root: str) -> list[int]:
    """A Datastream for each writer."""
    unit = {"name": "persons", "symbol": "1", "definition": "none"}
    place = {"name": "p", "description": "-", "encodingType": "application/geo+json"}
    body: dict[str, Any] = {
        "name": "s",
        "description": "-",
        "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_CountObservation",
        "unitOfMeasurement": unit,
        "Sensor": {"name": "s", "description": "-", "encodingType": "text/plain", "metadata": "-"},
        "ObservedProperty": {"name": "o", "definition": "-", "description": "-"},
        "Thing": {
            "name": "t",
            "description": "-",
            "Locations": [place | {"location": {"type": "Point", "coordinates": [4.9, 52.4]}}],
        },
    }
    return [_id(httpx.post(f"{root}/Datastreams", json=body).headers["location"]) for _ in range(WRITERS)]


def _stored(root: str, streams: list[int]) -> Iterator[tuple[Key, int, str]]:
    """Every observation that the service shows."""
    with httpx.Client(timeout=30) as http:
        for stream in streams:
            url = f"{root}/Datastreams({stream})/Observations?$top=1000"
            while url:
                page = http.get(url).json()
                for each in page["value"]:
                    yield (stream, each["result"]), each["@iot.id"], each["phenomenonTime"]
                url = page.get("@iot.nextLink", "")


def test_what_was_acknowledged_is_there_once(tmp_path: Path) -> None:
    dice = random.Random(7)
    acknowledged: dict[Key, int] = {}
    node = Sandbox(tmp_path)
    try:
        streams = _streams(node.root)
        for kill in range(KILLS):
            first = kill * 100_000
            writers = [Writer(node.root, number, stream, first) for number, stream in enumerate(streams)]
            for writer in writers:
                writer.start()
            time.sleep(dice.uniform(0.3, 1.5))
            node.kill()
            for writer in writers:
                writer.join(30)
                assert not writer.is_alive()
                assert writer.acknowledged, "a writer got nothing through: nothing is shown by this round"
                acknowledged |= writer.acknowledged
            node = Sandbox(tmp_path)
            stored = list(_stored(node.root, streams))
            times = Counter(key for key, _, _ in stored)
            assert [key for key, number in times.items() if number > 1] == []
            ids = {key: number for key, number, _ in stored}
            assert [key for key, number in acknowledged.items() if ids.get(key) != number] == []
            assert all(shown == _time(result) for (_, result), _, shown in stored)
            sent = {writer.stream: writer.sent for writer in writers}
            known = Counter(stream for (stream, result) in times if result > first)
            assert all(known[stream] <= sent[stream] for stream in streams), "more is stored than was sent"
    finally:
        node.stop()

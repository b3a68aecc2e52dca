"""A node in a process of its own, and load for it from another: so that the server's CPU is told apart from the load's."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

RUIMTE = Path(sys.executable).with_name("ruimte")
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Node:
    """A running node: where it listens, and its process."""

    url: str
    pid: int

    def cpu_s(self) -> float:
        """CPU that the process used so far, seconds."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND

    def memory_mb(self) -> float:
        """Memory of the process that is resident now, MB."""
        line = next(line for line in Path(f"/proc/{self.pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def get(self, path: str) -> Any:
        """An answer as JSON."""
        with urllib.request.urlopen(f"{self.url}sta/v1.1/{path}", timeout=600) as answer:
            return json.load(answer)

    def post(self, path: str, body: Any) -> str:
        """Create something; its address."""
        request = urllib.request.Request(f"{self.url}sta/v1.1/{path}", json.dumps(body).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=600) as answer:
            return str(answer.headers["location"])

    def new_datastream(self) -> int:
        """A new Datastream with all that it needs; its id."""
        address = self.post("Datastreams", DATASTREAM)
        found = re.search(r"Datastreams\((\d+)\)$", address)
        assert found is not None, address
        return int(found[1])


@contextmanager
def sandbox(data: Path, *options: str) -> Iterator[Node]:
    """``ruimte serve --sandbox`` on a free port, until the block ends."""
    with serving(data, "--sandbox", *options) as node:
        yield node


@contextmanager
def serving(data: Path, *options: str) -> Iterator[Node]:
    """``ruimte serve`` with these options on a free port, until the block ends."""
    command = [str(RUIMTE), "serve", "--port", "0", "--no-browser", "--data", str(data), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:\d+/", line):
                yield Node(found[0], process.pid)
                return
        raise SystemExit(f"the node did not start: {' '.join(command)}")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def load(url: str, requests: list[list[bytes]]) -> float:
    """Send each list of requests over a connection of its own, one after another; seconds until all were answered with 201."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(_load, (url, requests))


def request(url: str, path: str, body: bytes, token: str = "") -> bytes:
    """A POST as it goes over the wire, with a device's token where it has one."""
    parts = urlsplit(url)
    head = f"POST {parts.path}sta/v1.1/{path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
    if token:
        head += f"Authorization: Bearer {token}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _load(url: str, requests: list[list[bytes]]) -> float:
    parts = urlsplit(url)

    async def connection(mine: list[bytes]) -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        for each in mine:
            writer.write(each)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 201"):
                raise SystemExit(f"not created: {head.decode()}")
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            if length is not None:
                await reader.readexactly(int(length[1]))
        writer.close()

    async def everything() -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.gather(*(connection(mine) for mine in requests))
        return loop.time() - began

    return asyncio.run(everything())


DATASTREAM = {
    "name": "persons who passed",
    "description": "invented",
    "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_CountObservation",
    "unitOfMeasurement": {"name": "persons", "symbol": "{persons}", "definition": "https://ucum.org/ucum"},
    "ObservedProperty": {"name": "count", "definition": "https://example.org/count", "description": "persons who passed"},
    "Sensor": {
        "name": "counter",
        "description": "invented",
        "encodingType": "text/html",
        "metadata": "https://example.org/counter",
    },
    "Thing": {
        "name": "lamp post",
        "description": "invented",
        "Locations": [
            {
                "name": "quay",
                "description": "invented",
                "encodingType": "application/geo+json",
                "location": {"type": "Point", "coordinates": [4.9, 52.38]},
            }
        ],
    },
}

"""What tests of MQTT share: entities to publish, and a bridge that runs for a while."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from ruimte.jobs.mqtt import Bridge

STREAM = {
    "name": "persons",
    "description": "who passed",
    "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_CountObservation",
    "unitOfMeasurement": {"name": "persons", "symbol": "1", "definition": "http://unitsofmeasure.org/ucum.html"},
    "Sensor": {
        "name": "a counter",
        "description": "counts",
        "encodingType": "application/pdf",
        "metadata": "https://example.org",
    },
    "ObservedProperty": {"name": "persons", "definition": "https://example.org/persons", "description": "persons"},
}
PLACE = {
    "name": "a gate",
    "description": "a way in",
    "Locations": [
        {
            "name": "there",
            "description": "where it stands",
            "encodingType": "application/geo+json",
            "location": {"type": "Point", "coordinates": [4.9, 52.37]},
        }
    ],
}


@contextlib.asynccontextmanager
async def linked(bridge: Bridge, within_s: float) -> AsyncIterator[None]:
    """The bridge runs, and is linked to its broker when the block begins."""
    task = asyncio.create_task(bridge.run())
    try:
        async with asyncio.timeout(within_s):
            await bridge.link.connected.wait()
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

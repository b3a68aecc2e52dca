"""A sandbox in this process, for the tests of the SensorThings service over HTTP."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it asks for another HTTP library than the one we test with
    from starlette.testclient import TestClient

from ruimte.clock import SystemClock
from ruimte.jobs.sensorthings import SensorThings
from ruimte.store.sqlite import Store
from ruimte.web.sandbox import create_sandbox
from ruimte.web.settings import WebSettings

BASE = "http://localhost:8000"
ROOT = "/sta/v1.1"
PLACE = {
    "name": "Square",
    "description": "-",
    "encodingType": "application/geo+json",
    "location": {"type": "Point", "coordinates": [4.9, 52.37]},
}
STREAM = {
    "name": "People",
    "description": "-",
    "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_CountObservation",
    "unitOfMeasurement": {"name": "persons", "symbol": "1", "definition": "http://qudt.org/vocab/unit/NUM"},
    "Sensor": {"name": "Counter", "description": "-", "encodingType": "text/plain", "metadata": "none"},
    "ObservedProperty": {"name": "people", "definition": "https://example.org/people", "description": "-"},
}
THING = {
    "name": "Mast",
    "description": "-",
    "properties": {"owner": {"name": "city"}, "open": True, "tags": ["a", "b"]},
    "Locations": [PLACE],
    "Datastreams": [STREAM],
}


class Visitor:
    """Asks a service; addresses are relative to its root."""

    def __init__(self, client: TestClient, store: Store, things: SensorThings) -> None:
        self.client, self.store, self.things = client, store, things

    def ask(self, method: str, path: str = "", body: Any = None, **more: Any) -> Any:
        """The answer, whatever it is."""
        sent = {"content": body} if isinstance(body, bytes) else {} if body is None else {"json": body}
        return self.client.request(method, f"{ROOT}/{path}" if path else ROOT, **sent, **more)

    def get(self, path: str = "") -> Any:
        """The JSON of a GET that succeeds."""
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def make(self, path: str, body: Any) -> str:
        """The address of what a POST makes, relative to the root."""
        answer = self.ask("POST", path, body)
        assert answer.status_code == 201, answer.text
        return str(answer.headers["location"]).removeprefix(f"{BASE}{ROOT}/")

    def observed(self, *results: Any) -> str:
        """The address of a new Datastream with these results, a minute apart."""
        thing = self.make("Things", THING)
        stream = f"Datastreams({self.get(f'{thing}/Datastreams')['value'][0]['@iot.id']})"
        for minute, result in enumerate(results):
            self.make(f"{stream}/Observations", {"phenomenonTime": f"2026-05-01T12:{minute:02}:00Z", "result": result})
        return stream


@contextmanager
def visiting(folder: Path, settings: WebSettings | None = None, peer: str = "127.0.0.1") -> Iterator[Visitor]:
    """A visitor of a new sandbox."""
    with Store(folder / "sandbox.db", "sandbox", "sandbox", durable=False) as store:
        things = SensorThings(store, SystemClock().now_us)
        app = create_sandbox(things, settings or WebSettings())
        with TestClient(app, BASE, client=(peer, 50_000), follow_redirects=False, raise_server_exceptions=False) as client:
            yield Visitor(client, store, things)

"""The API for partners in this process, over a fake desk, and a partner who asks it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

import httpx
from shapely.geometry import LineString, Point, Polygon

from fake_desk import NOW_US, POLICE, FakeDesk, fake_identify
from ruimte.jobs.webhooks import Webhooks
from ruimte.lab.files import LabFile
from ruimte.lab.lab import CountPoint, Gate, Lab, Zone
from ruimte.store.webhooks import WebhookFile
from ruimte.web.settings import WebSettings
from ruimte.web.share.app import ShareApp

BASE = "https://crowd.example.org"
SETTINGS = WebSettings(hosts=("crowd.example.org",), base_url=BASE)


def town() -> Lab:
    """Two zones side by side, the gate between them, and a street counter."""
    file = LabFile(
        format=1, key="town", name="Town", organisation="City of Example", contact="lab@example.org", time_zone="Europe/Amsterdam"
    )
    zones = {
        key: Zone(
            key, {"en": key.title(), "nl": key}, Polygon([(x, 52), (x + 1, 52), (x + 1, 53), (x, 53)]), 1e4, None, None, None
        )
        for key, x in (("square", 4), ("street", 5))
    }
    gates = {"middle": Gate("middle", "Middle", LineString([(5, 52), (5, 53)]), "square", "street", 4.0)}
    points = {"corner": CountPoint("corner", "Corner", Point(7, 52), None, None)}
    return Lab(Path("town"), file, ZoneInfo("Europe/Amsterdam"), zones, gates, points, {}, {}, {}, {}, ())


@dataclass
class Partner:
    """Asks the API as the police do."""

    app: ShareApp
    desk: FakeDesk
    hooks: Webhooks

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        """One request, by the police unless the headers say otherwise."""

        async def go() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
                known = {"authorization": f"Fake {POLICE}"} | (headers or {})
                return await client.request(
                    method, f"/share/v1{path}", headers={name: value for name, value in known.items() if value}, **more
                )

        return asyncio.run(go())

    def get(self, path: str, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        return self.ask("GET", path, headers, **more)


@contextlib.contextmanager
def partner(folder: Path, desk: FakeDesk | None = None, settings: WebSettings = SETTINGS) -> Iterator[Partner]:
    """The API over a desk, with webhooks in a folder."""
    desk = desk or FakeDesk()
    with WebhookFile(folder / "town.webhooks.db") as file, mock.patch("ruimte.jobs.webhooks.agree"):
        hooks = Webhooks(desk, file, "town", lambda: NOW_US, allow_private=True)
        app = ShareApp(town(), desk, hooks, settings, identify=fake_identify, now_us=lambda: NOW_US)
        yield Partner(app, desk, hooks)

"""The sandbox's SensorThings service as an application in this process, over a store of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from starlette.types import ASGIApp

from ruimte.clock import SystemClock
from ruimte.jobs.sensorthings import SensorThings
from ruimte.store.sqlite import Store
from ruimte.web.settings import WebSettings
from ruimte.web.sta.access import anybody
from ruimte.web.sta.app import StaApp
from ruimte.web.sta.exchange import ROOT
from ruimte.web.sta.service import Service

DESCRIPTION = f"{ROOT}/api"
"""Where the service describes itself (OpenAPI)."""


@contextlib.contextmanager
def sandbox_app(folder: Path) -> Iterator[ASGIApp]:
    """The application, for as long as the block lasts. What is stored need not survive the machine."""
    with Store(folder / "sandbox.db", "sandbox", "sandbox", durable=False) as store:
        service = Service(SensorThings(store, SystemClock().now_us))
        yield StaApp(service, anybody, WebSettings(), {})

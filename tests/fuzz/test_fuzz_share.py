"""The description of the API for partners is true: requests made from it get answers that it names (schemathesis)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from share_partner import town
from starlette.requests import Request

from fake_desk import NOW_US, FakeDesk, FakeWho
from ruimte.jobs.log import Log
from ruimte.jobs.webhooks import Webhooks
from ruimte.keys.signature import generate
from ruimte.store.webhooks import WebhookFile
from ruimte.web import limits
from ruimte.web.settings import WebSettings
from ruimte.web.share.app import ShareApp
from ruimte.web.share.log import log_routes

from .asgi import Asgi
from .chunks import share
from .described import GenerationMode, hold_against

BASE = "http://127.0.0.1:8000/share/v1"
_META: dict[str, Any] = {
    "agreement": "h" * 86,
    "grant": 0,
    "provider": "a",
    "consumer": "b",
    "lab": "town",
    "purpose": "event-safety",
    "legal_regime": "none",
    "source": "City",
    "delete_after": "30d",
    "onward_sharing": False,
}
_BODY = json.dumps({"meta": _META, "figures": [], "warnings": [], "value": []}).encode()


async def _police(request: Request) -> FakeWho:
    return FakeWho()


async def _willing(*_: object, **__: object) -> None:
    """Every receiver wants events; none is asked over the network."""


@pytest.fixture
def asgi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asgi]:
    monkeypatch.setattr(limits.Limit, "spend", lambda self, key: None)
    monkeypatch.setattr("ruimte.jobs.webhooks.agree", _willing)
    desk, keys = FakeDesk(body=_BODY), generate()
    with (
        WebhookFile(tmp_path / "hooks.db") as file,
        Log(tmp_path / "log.db", "town.example.org", keys, lambda: NOW_US) as log,
    ):
        log.append("decision", {"allowed": True}).result(10)
        hooks = Webhooks(desk, file, "town", lambda: NOW_US)
        routes = log_routes(log, lambda: [])
        app = ShareApp(town(), desk, hooks, WebSettings(), identify=_police, routes=routes, now_us=lambda: NOW_US)
        with closing(Asgi(app)) as running:
            yield running


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.filterwarnings("ignore")  # schemathesis and what it rests on; our own code's warnings fail the other tests
def test_the_description_is_true(asgi: Asgi, mode: GenerationMode) -> None:
    description = json.loads(asgi.ask("GET", b"/share/v1/openapi.json", kind=None).body)
    hold_against(description, asgi, BASE, mode, share(0.05), ("accept", "last-event-id"))

"""A node as partners see it, and the key pairs of invented parties, for tests."""

from __future__ import annotations

from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ruimte.jobs.identity import Identity
from ruimte.keys.signature import generate
from ruimte.store.spent import Spent
from ruimte.web.problems import WebError
from ruimte.web.settings import WebSettings
from ruimte.web.share.token import ROUTES, Door, UnprovenError, caller

CITY = "urn:nld:oin:00000099000000000001"
POLICE = "urn:nld:oin:00000099000000000002"
BASE = "https://crowd.example.org"
NOW_S = 1_800_000_000.0


class Time:
    """A wall's clock that can be set, and one beside it that only goes forward."""

    def __init__(self) -> None:
        self.now_s, self.up_s = NOW_S, 1000.0

    def now_us(self) -> int:
        return int(self.now_s * 1_000_000)

    def pass_s(self, seconds: float) -> None:
        self.now_s += seconds
        self.up_s += seconds


class PartnerNode:
    """A node at ``BASE`` that tells who asks. ``keys`` are those of parties; take them out to revoke."""

    def __init__(self, folder: Path, *, base_url: str = BASE, certificate_header: str = "") -> None:
        self.time = Time()
        self.pair, self.police = generate(), generate()
        self.keys: dict[str, list[str]] = {POLICE: [self.police.public]}
        self.path = folder / "lab.spent.db"
        self.settings = WebSettings(base_url=base_url)
        self.certificate_header = certificate_header
        self.start()

    def start(self) -> None:
        """Run, or run anew: all that is only in memory is gone."""
        self.identity = Identity(
            lambda party: self.keys.get(party, []), self.pair, Spent(self.path), self.time.now_us, uptime_s=lambda: self.time.up_s
        )
        self.door = Door(self.identity, self.settings, self.certificate_header)
        self.app = Starlette(
            routes=[*ROUTES, Route("/share/v1/who", _who, methods=["GET", "POST"])],
            exception_handlers={WebError: _error},
        )
        self.app.state.door = self.door

    def http(self, base: str = BASE, client: tuple[str, int] = ("192.0.2.7", 50000)) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(app=self.app, client=client), base_url=base)


async def _who(request: Request) -> Response:
    who = caller(request)
    door: Door = request.app.state.door
    return JSONResponse({"party": who.party, "purpose": who.purpose, "key": who.key_id}, headers=door.nonce())


async def _error(request: Request, error: Exception) -> Response:
    assert isinstance(error, WebError)
    headers = error.headers if isinstance(error, UnprovenError) else None
    return JSONResponse({"detail": error.what}, error.status, headers=headers)

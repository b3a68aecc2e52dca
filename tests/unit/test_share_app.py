"""The API with its real door and its real log: a partner's own client gets tokens, reads, follows, and checks the proof."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import pytest
from share_partner import town

from fake_desk import LoggingDesk
from partners import BASE, POLICE, PartnerNode
from ruimte.jobs.log import Log
from ruimte.jobs.partner import Partner, PartnerError
from ruimte.jobs.webhooks import Webhooks
from ruimte.ledger.entry import commitment
from ruimte.store.webhooks import WebhookFile
from ruimte.web.settings import WebSettings
from ruimte.web.share.app import ShareApp
from ruimte.web.share.log import log_routes
from ruimte.web.share.token import ROUTES, identify


@dataclass
class Whole:
    node: PartnerNode
    desk: LoggingDesk
    log: Log
    app: ShareApp

    def http(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=self.app, client=("192.0.2.7", 50_000))
        return httpx.AsyncClient(transport=transport, base_url=BASE)

    def as_police(self, test: Callable[[Partner], Awaitable[None]]) -> None:
        async def go() -> None:
            async with self.http() as http:
                times: dict[str, Any] = {"now_s": lambda: self.node.time.now_s}
                async with Partner(BASE, POLICE, self.node.police, "event-safety", http=http, **times) as partner:
                    await test(partner)

        asyncio.run(go())


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Whole]:
    node = PartnerNode(tmp_path)
    settings = WebSettings(hosts=("crowd.example.org",), base_url=BASE)
    with (
        Log(tmp_path / "log.db", "town.example.org", node.pair, node.time.now_us) as log,
        WebhookFile(tmp_path / "hooks.db") as file,
    ):
        desk = LoggingDesk(log)
        hooks = Webhooks(desk, file, "town", node.time.now_us)
        routes = [*ROUTES, *log_routes(log, lambda: [])]
        state = {"door": node.door}
        app = ShareApp(town(), desk, hooks, settings, identify=identify, routes=routes, state=state, marks=node.door.nonce)
        yield Whole(node, desk, log, app)


def test_a_partner_reads_and_what_it_read_is_in_the_log(whole: Whole) -> None:
    async def test(police: Partner) -> None:
        answer = await police.get("/state")
        assert (answer.status_code, answer.content) == (200, whole.desk.body)
        assert "dpop-nonce" in answer.headers, "for the next proof"
        index, salt = int(answer.headers["ruimte-log-index"]), answer.headers["ruimte-log-salt"]
        proof = await police.get(f"/log/proofs/{index}", accept="text/plain")
        assert proof.status_code == 200
        entries = await police.get("/log/entries", {"start": str(index), "limit": "1"}, accept="application/jsonl")
        payload = {"sha256": hashlib.sha256(answer.content).hexdigest(), "party": POLICE}
        assert commitment(base64.urlsafe_b64decode(salt + "=="), payload) in entries.text
        kept = whole.log.payload(index)
        assert kept is not None
        assert kept[1] == payload

    whole.as_police(test)


def test_without_a_token_nothing_is_given_but_the_way_to_one(whole: Whole) -> None:
    async def test() -> None:
        async with whole.http() as http:
            answer = await http.get("/share/v1/state")
            assert answer.status_code == 401
            assert answer.json()["where"] == "Authorization"
            assert answer.headers["www-authenticate"].startswith("DPoP")
            assert answer.headers["api-version"]
            for path in ("/.well-known/oauth-authorization-server", "/jwks.json", "/openapi.json", "/log/checkpoint", ""):
                open_to_all = await http.get(f"/share/v1{path}")
                assert open_to_all.status_code == 200, path
                assert open_to_all.headers["x-content-type-options"] == "nosniff"
                assert open_to_all.headers["api-version"]
            bearer = await http.get("/share/v1/state", headers={"authorization": "Bearer x.y.z"})
            assert bearer.status_code == 401

    asyncio.run(test())


def test_an_agreement_that_is_taken_back_ends_its_token_at_once(whole: Whole) -> None:
    async def test(police: Partner) -> None:
        assert (await police.get("/state")).status_code == 200
        whole.node.keys.clear()
        with pytest.raises(PartnerError) as caught:
            await police.get("/state")
        assert caught.value.status == 401
        assert whole.log.size == 1, "nothing more was given"

    whole.as_police(test)


def test_a_mistake_of_the_node_at_any_address_is_told_without_its_inside(
    whole: Whole, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> str:
        raise ZeroDivisionError("secret of the house")

    monkeypatch.setattr(whole.log, "checkpoint", broken)

    async def test() -> None:
        async with whole.http() as http:
            answer = await http.get("/share/v1/log/checkpoint")
        assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
        assert answer.headers["api-version"]
        assert "secret" not in answer.text

    asyncio.run(test())
    assert "secret of the house" in caplog.text, "but it is noted"


def test_a_partner_contributes_and_makes_a_webhook(whole: Whole, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(police: Partner) -> None:
        told = await police.post(
            "/contributions/zone-status", {"zone": "square", "status": "full", "until": "2027-01-15T10:00:00Z"}
        )
        assert told.status_code == 201
        monkeypatch.setattr("ruimte.jobs.webhooks.agree", mock.AsyncMock())
        made = await police.post("/webhooks", {"address": "https://police.example.org/"})
        assert made.status_code == 201
        assert (await police.get("/webhooks")).json()["webhooks"][0]["purpose"] == "event-safety"

    whole.as_police(test)


@pytest.mark.parametrize(
    ("method", "path", "status", "where"),
    [
        ("GET", "/log/proofs/99", 404, "index"),
        ("GET", "/log/proofs/x", 400, "index"),
        ("GET", "/log/nowhere", 404, "/share/v1/log/nowhere"),
        ("DELETE", "/log/checkpoint", 405, "/share/v1/log/checkpoint"),
        ("GET", "/log/cosignatures", 405, "/share/v1/log/cosignatures"),
        ("POST", "/log/cosignatures", 400, None),
        ("GET", "/token", 405, "/share/v1/token"),
    ],
)
def test_mistakes_at_the_log_and_the_door_are_told_as_elsewhere(
    whole: Whole, method: str, path: str, status: int, where: str | None
) -> None:
    async def test() -> None:
        async with whole.http() as http:
            answer = await http.request(method, f"/share/v1{path}")
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert where is None or answer.json()["where"] == where
        assert status != 405 or "allow" in answer.headers

    asyncio.run(test())

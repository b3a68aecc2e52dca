"""The API for partners behind the door that tells who asks, as a partner's client meets them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from share_partner import town

from fake_desk import FakeDesk
from partners import BASE, POLICE, PartnerNode
from ruimte.jobs.partner import Partner, PartnerError
from ruimte.jobs.webhooks import Webhooks
from ruimte.store.webhooks import WebhookFile
from ruimte.web.settings import WebSettings
from ruimte.web.share.app import ShareApp
from ruimte.web.share.token import ROUTES, identify


def test_the_api_answers_who_proves_to_be_a_party_for_as_long_as_it_is_one(tmp_path: Path) -> None:
    node, desk = PartnerNode(tmp_path), FakeDesk()
    settings = WebSettings(hosts=("crowd.example.org",), base_url=BASE)

    async def work(app: ShareApp) -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE) as http:
            partner = Partner(BASE, POLICE, node.police, "event-safety", http=http, now_s=lambda: node.time.now_s)
            answer = await partner.get("state", {"zones": "square"})
            assert (answer.status_code, answer.headers["dpop-nonce"]) == (200, node.identity.nonce())
            assert (desk.asked[-1][0].party, desk.asked[-1][0].purpose) == (POLICE, "event-safety")

            bare = await http.get("/share/v1/state")
            assert (bare.status_code, bare.headers["content-type"]) == (401, "application/problem+json")
            assert bare.headers["www-authenticate"].startswith("DPoP algs=")
            assert bare.headers["dpop-nonce"] == node.identity.nonce()
            for path in ("/share/v1/.well-known/oauth-authorization-server", "/share/v1/jwks.json"):
                assert (await http.get(path)).status_code == 200

            node.keys.clear()
            with pytest.raises(PartnerError, match=r"refuses \(401\)"):
                await partner.get("state", {"zones": "square"})
            assert len(desk.asked) == 1

    with WebhookFile(tmp_path / "town.webhooks.db") as file:
        hooks = Webhooks(desk, file, "town", node.time.now_us)
        state = {"door": node.door}
        asyncio.run(
            work(ShareApp(town(), desk, hooks, settings, identify=identify, routes=ROUTES, state=state, marks=node.door.nonce))
        )

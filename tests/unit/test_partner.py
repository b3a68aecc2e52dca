"""A partner's client and a node's door, together: tokens are had and renewed, nonces followed, refusals told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path

import httpx
import pytest

from partners import BASE, POLICE, PartnerNode
from ruimte.jobs.partner import Partner


def partner(node: PartnerNode, http: httpx.AsyncClient, **other: object) -> Partner:
    given: dict[str, object] = {"keys": node.police, "purpose": "event-safety"} | other
    return Partner(BASE, POLICE, http=http, now_s=lambda: node.time.now_s, **given)  # type: ignore[arg-type]


def run(node: PartnerNode, work: Callable[[httpx.AsyncClient], Coroutine[object, object, None]]) -> None:
    async def whole() -> None:
        async with node.http() as http:
            await work(http)

    asyncio.run(whole())


@pytest.fixture
def node(tmp_path: Path) -> PartnerNode:
    return PartnerNode(tmp_path)


def test_a_partner_is_known_by_its_id_and_purpose(node: PartnerNode) -> None:
    async def work(http: httpx.AsyncClient) -> None:
        asks = partner(node, http)
        assert (await asks.get("who", {"zones": "square"})).json()["party"] == POLICE
        assert (await asks.post("/share/v1/who", {"a": 1})).json()["purpose"] == "event-safety"

    run(node, work)

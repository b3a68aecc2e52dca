"""A partner's client and a node's door, together: tokens are had and renewed, nonces followed, refusals told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest

from partners import BASE, POLICE, PartnerNode
from ruimte.errors import RuimteError
from ruimte.jobs import partner as module
from ruimte.jobs.nonces import WINDOW_S
from ruimte.jobs.partner import Partner, PartnerError
from ruimte.keys.signature import generate


def partner(node: PartnerNode, http: httpx.AsyncClient, **other: Any) -> Partner:
    given: dict[str, Any] = {"keys": node.police, "purpose": "event-safety"} | other
    return Partner(BASE, POLICE, http=http, now_s=lambda: node.time.now_s, **given)


def run(node: PartnerNode, work: Callable[[httpx.AsyncClient], Coroutine[Any, Any, None]]) -> list[str]:
    """Do it, and tell which paths were asked with which status."""
    asked: list[str] = []

    async def noted(answer: httpx.Response) -> None:
        asked.append(f"{answer.request.url.path.removeprefix('/share/v1/')} {answer.status_code}")

    async def whole() -> None:
        async with node.http() as http:
            http.event_hooks["response"].append(noted)
            await work(http)

    asyncio.run(whole())
    return asked


@pytest.fixture
def node(tmp_path: Path) -> PartnerNode:
    return PartnerNode(tmp_path)


def test_a_partner_is_known_by_its_id_and_purpose(node: PartnerNode) -> None:
    async def work(http: httpx.AsyncClient) -> None:
        asks = partner(node, http)
        assert (await asks.get("who", {"zones": "square"})).json()["party"] == POLICE
        assert (await asks.post("/share/v1/who", {"a": 1})).json()["purpose"] == "event-safety"

    assert run(node, work) == ["token 400", "token 200", "who 200", "who 200"]


def test_nonces_are_followed(node: PartnerNode) -> None:
    async def work(http: httpx.AsyncClient) -> None:
        asks = partner(node, http)
        await asks.get("who")
        node.time.pass_s(2 * WINDOW_S)
        await asks.get("who")
        node.time.pass_s(10)
        await asks.get("who")

    assert run(node, work) == ["token 400", "token 200", "who 200", "who 401", "who 200", "who 200"]


def test_a_token_is_renewed_before_it_ends(node: PartnerNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.time, "monotonic", lambda: node.time.up_s)

    async def work(http: httpx.AsyncClient) -> None:
        asks = partner(node, http)
        for _ in range(7):
            assert (await asks.get("who")).status_code == 200
            node.time.pass_s(100)

    asked = run(node, work)
    assert asked.count("who 200") == 7
    assert asked.count("token 200") == 3


def test_a_token_that_is_taken_no_longer_is_asked_for_once_more(node: PartnerNode) -> None:
    async def work(http: httpx.AsyncClient) -> None:
        asks = partner(node, http)
        await asks.get("who")
        node.time.up_s += 400  # the node's time runs on, the partner does not know
        node.time.now_s += 400
        assert (await asks.get("who")).status_code == 200

    assert run(node, work)[-3:] == ["who 401", "token 200", "who 200"]


def test_who_is_revoked_is_told_so(node: PartnerNode) -> None:
    async def work(http: httpx.AsyncClient) -> None:
        asks = partner(node, http)
        await asks.get("who")
        node.keys.clear()
        with pytest.raises(PartnerError, match=r"refuses \(401\): client_assertion: no key of this party signed this") as found:
            await asks.get("who")
        assert (found.value.status, found.value.again, found.value.problem["error"]) == (401, False, "invalid_client")

    assert run(node, work)[-2:] == ["who 401", "token 401"]


def test_a_refusal_under_the_agreement_is_an_answer(node: PartnerNode) -> None:
    async def work(http: httpx.AsyncClient) -> None:
        assert (await partner(node, http).get("nowhere")).status_code == 404

    run(node, work)


def mocked(answers: Callable[[httpx.Request], httpx.Response]) -> PartnerError:
    async def whole() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answers)) as http:
            await Partner(BASE, POLICE, generate(), "event-safety", http=http).get("state")

    with pytest.raises(PartnerError) as found:
        asyncio.run(whole())
    return found.value


@pytest.mark.parametrize(
    ("answer", "told", "again"),
    [
        (httpx.Response(200, json={"access_token": "a", "token_type": "Bearer", "expires_in": 300}), "another kind", False),
        (httpx.Response(200, json={"access_token": "é", "token_type": "DPoP", "expires_in": 300}), "another kind", False),
        (httpx.Response(200, json={"access_token": "a"}), "no token", False),
        (httpx.Response(200, content=b"\xff"), "no token", False),
        (httpx.Response(200, content=b"[" * 50_000), "no token", False),
        (httpx.Response(200, content=b"x" * 70_000), "larger", False),
        (httpx.Response(302, headers={"location": "https://evil.example"}), "refuses (302)", False),
        (httpx.Response(400, json={"error": "use_dpop_nonce"}, headers={"dpop-nonce": "n"}), "refuses (400)", False),
        (httpx.Response(400, json={"error_description": "a\x1b[31m\nb" + "c" * 999}), "refuses (400): a?[31m?b", False),
        (httpx.Response(503, headers={"retry-after": "7"}), "refuses (503)", True),
        (httpx.Response(429, content=json.dumps({"detail": 7})), "refuses (429): 7", True),
    ],
)
def test_what_another_node_answers_instead_of_a_token_is_told_in_a_line(answer: httpx.Response, told: str, again: bool) -> None:
    error = mocked(lambda _: answer)
    assert told in str(error)
    assert "\n" not in str(error)
    assert len(str(error)) < 500
    assert error.again == again
    assert error.after_s == (7.0 if "retry-after" in answer.headers else 0.0)


def test_a_node_that_never_has_enough_is_not_asked_for_ever() -> None:
    asked = []

    def answers(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if request.url.path.endswith("token"):
            return httpx.Response(200, json={"access_token": "a", "token_type": "DPoP", "expires_in": 300})
        code = ("use_dpop_nonce", "invalid_token")[len(asked) % 2]
        return httpx.Response(401, headers={"www-authenticate": f'DPoP error="{code}"', "dpop-nonce": str(len(asked))})

    async def whole() -> int:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answers)) as http:
            return (await Partner(BASE, POLICE, generate(), "event-safety", http=http).get("state")).status_code

    assert asyncio.run(whole()) == 401
    assert len(asked) <= 5


def test_a_path_leads_to_no_other_host() -> None:
    asked = []

    def answers(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(200, json={"access_token": "a", "token_type": "DPoP", "expires_in": 300})

    async def whole() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answers)) as http:
            asks = Partner(BASE, POLICE, generate(), "event-safety", http=http)
            for path in ("//evil.example/a", "https://evil.example", "@evil.example", "../../../a", "\\\\evil.example"):
                await asks.get(path)

    asyncio.run(whole())
    assert set(asked) == {"crowd.example.org"}


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://127.0.0.1:8641", "or in a network of your own http://127.0.0.1:8641 with --allow-private"),
        ("127.0.0.1:8641", "or in a network of your own http://127.0.0.1:8641 with --allow-private"),
        ("crowd.example.org", "write https://crowd.example.org, or"),
        ("ftp://crowd.example.org", "write it like https://crowd.example.org"),
    ],
)
def test_an_address_that_is_none_is_told_with_one_that_is(address: str, told: str) -> None:
    with pytest.raises(RuimteError, match="is no address of a node") as raised:
        Partner(address, POLICE, generate(), "event-safety")
    assert told in raised.value.mend

"""A partner's client over a real connection: streams, silence, sizes, redirects, names that lead inside, new starts."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from partners import POLICE, PartnerNode
from receivers import Receiver, certificate
from ruimte.errors import RuimteError
from ruimte.jobs import partner as module
from ruimte.jobs.event_stream import ServerEvent
from ruimte.jobs.partner import Partner, PartnerError
from ruimte.keys.signature import generate
from ruimte.web.server import plain_server
from ruimte.web.share.token import caller


async def _live(request: Request) -> Response:
    caller(request)
    after = int(request.headers.get("last-event-id", "0"))

    async def events() -> AsyncIterator[bytes]:
        for number in range(after + 1, 4):
            yield f"id: {number}\nevent: figures\ndata: {number}\n\n".encode()
        yield b"event: ended\ndata: {}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


async def _state(request: Request) -> Response:
    return PlainTextResponse(json.dumps({"party": caller(request).party}))


async def _silent(request: Request) -> Response:
    caller(request)

    async def nothing() -> AsyncIterator[bytes]:
        yield b": here\n\n"
        await asyncio.sleep(5)

    return StreamingResponse(nothing(), media_type="text/event-stream")


async def _large(request: Request) -> Response:
    return PlainTextResponse("x" * 5000)


async def _packed(request: Request) -> Response:
    return PlainTextResponse("x", headers={"content-encoding": "gzip"})


async def _elsewhere(request: Request) -> Response:
    return RedirectResponse("/share/v1/who")


class Served:
    """A ``PartnerNode`` on the loopback, and where it is."""

    def __init__(self, folder: Path, port: int) -> None:
        self.node = PartnerNode(folder, base_url="")
        self.node.app.routes.extend(
            [
                Route("/share/v1/live", _live),
                Route("/share/v1/state", _state),
                Route("/share/v1/silent", _silent),
                Route("/share/v1/large", _large),
                Route("/share/v1/packed", _packed),
                Route("/share/v1/elsewhere", _elsewhere),
            ]
        )
        self.url = f"http://127.0.0.1:{port}"

    def partner(self, url: str = "", **other: object) -> Partner:
        given: dict[str, object] = {"allow_private": True, "now_s": lambda: self.node.time.now_s} | other
        return Partner(url or self.url, POLICE, self.node.police, "event-safety", **given)  # type: ignore[arg-type]


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        served = Served(folder, listening.getsockname()[1])
        server: uvicorn.Server = plain_server(served.node.app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield served
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path) as found:
        yield found


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(work())


def test_a_stream_is_followed_and_taken_up_where_it_was(served: Served) -> None:
    async def work() -> None:
        async with served.partner() as asks:
            events = [event async for event in asks.stream("live")]
            assert events == [*(ServerEvent(str(n), "figures", str(n)) for n in (1, 2, 3)), ServerEvent("3", "ended", "{}")]
            assert [event async for event in asks.stream("live", last_event_id="2")] == events[2:]

    run(work)


def test_a_stream_that_is_silent_breaks_off(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SILENCE_S", 0.2)

    async def work() -> None:
        async with served.partner() as asks:
            with pytest.raises(PartnerError, match="in time") as found:
                _ = [event async for event in asks.stream("silent")]
            assert found.value.again

    run(work)


def test_a_stream_that_is_refused_says_so(served: Served) -> None:
    async def work() -> None:
        async with served.partner() as asks:
            with pytest.raises(PartnerError, match="refuses") as found:
                _ = [event async for event in asks.stream("nowhere")]
            assert (found.value.status, found.value.again) == (404, False)

    run(work)


def test_answers_are_bounded_and_lead_nowhere_else(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 4000)

    async def work() -> None:
        async with served.partner() as asks:
            with pytest.raises(PartnerError, match="larger"):
                await asks.get("large")
            with pytest.raises(PartnerError, match="coding"):
                await asks.get("packed")
            assert (await asks.get("elsewhere")).status_code == 307

    run(work)


def test_a_node_that_starts_anew_is_asked_for_a_new_token(served: Served) -> None:
    async def work() -> None:
        async with served.partner() as asks:
            assert (await asks.get("who")).status_code == 200
            served.node.start()
            assert served.node.app.state.door is served.node.door
            assert (await asks.get("who")).status_code == 200

    run(work)


def test_many_requests_at_once_share_one_token(served: Served) -> None:
    async def work() -> None:
        async with served.partner() as asks:
            answers = await asyncio.gather(*(asks.get("who") for _ in range(20)))
            assert {answer.status_code for answer in answers} == {200}

    given: list[str] = []
    token = served.node.identity.token
    served.node.identity.token = lambda *form, **how: given.append("one") or token(*form, **how)  # type: ignore[method-assign]
    run(work)
    assert len(given) == 2  # the first asks for the node's nonce


def test_a_name_that_leads_into_a_private_network_leads_nowhere(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        for url in (served.url.replace("http", "https"), "https://localhost", "https://[::1]:9", "https://169.254.169.254"):
            async with served.partner(url, allow_private=False) as asks:
                with pytest.raises(PartnerError, match="private") as found:
                    await asks.get("who")
                assert not found.value.again

    run(work)


def test_tls_is_verified_for_the_name_by_the_authority_that_is_given(tmp_path: Path) -> None:
    authority, context = certificate(tmp_path, "localhost")
    (tmp_path / "other").mkdir()
    stranger, _ = certificate(tmp_path / "other", "localhost")

    async def told(port: int, ca_file: Path | None, name: str = "localhost") -> str:
        keys = generate()
        async with Partner(
            f"https://{name}:{port}", POLICE, keys, "event-safety", allow_private=True, ca_file=ca_file and str(ca_file)
        ) as asks:
            with pytest.raises(PartnerError) as found:
                await asks.get("who")
        return str(found.value)

    with Receiver(tls=context) as receiver:
        assert "refuses (204)" in asyncio.run(told(receiver.port, authority))
        assert len(receiver.received) == 1
        for ca_file, name in ((None, "localhost"), (stranger, "localhost"), (authority, "127.0.0.1")):
            assert "cannot be reached" in asyncio.run(told(receiver.port, ca_file, name))
        assert len(receiver.received) == 1
        assert {name.lower() for name in receiver.received[0].headers} >= {"host", "dpop"}
        assert receiver.received[0].headers["Host"] == f"localhost:{receiver.port}"


def test_nobody_there_is_told_plainly(served: Served) -> None:
    async def work() -> None:
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"  # bound, but nobody listens
            async with served.partner(url) as asks:
                with pytest.raises(PartnerError, match="cannot be reached") as found:
                    await asks.get("who")
                assert found.value.again
        async with served.partner(served.url.replace("http", "https")) as asks:
            with pytest.raises(PartnerError, match="cannot be reached"):
                await asks.get("who")

    run(work)


def example_of_the_docs(served: Served, private: str) -> subprocess.CompletedProcess[str]:
    page = (Path(__file__).parents[2] / "docs" / "sharing-identity.md").read_text()
    (code,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    served.node.time.now_s = time.time()
    names = {"NODE": f"{served.url}/share/v1", "PARTY": POLICE, "PRIVATE": private}
    return subprocess.run([sys.executable, "-c", code], env={**os.environ, **names}, capture_output=True, text=True, check=False)


def test_the_example_of_the_docs_gets_a_token_and_an_answer(served: Served) -> None:
    done = example_of_the_docs(served, served.node.police.private)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["party"] == POLICE


def test_the_example_of_the_docs_prints_what_a_node_refuses(served: Served) -> None:
    done = example_of_the_docs(served, generate().private)
    assert done.returncode == 1
    assert json.loads(done.stderr)["error"] == "invalid_client"


def test_a_node_cannot_pass_on_what_a_partner_proved_to_it(served: Served) -> None:
    """A node that is up to no good hands the form and the proof that it got to another, as if the partner had sent them."""
    overheard: list[httpx.Request] = []

    async def steal(request: httpx.Request) -> httpx.Response:
        overheard.append(request)
        return httpx.Response(503)

    async def work() -> None:
        nonce = served.node.identity.nonce()
        async with httpx.AsyncClient(transport=httpx.MockTransport(steal)) as http:
            asks = served.partner("http://evil.example", http=http)
            asks._nonce = nonce
            with pytest.raises(PartnerError):
                await asks.get("who")
        (stolen,) = overheard
        for host in ({}, {"host": "evil.example"}):
            async with httpx.AsyncClient() as http:
                headers = {"dpop": stolen.headers["dpop"], "content-type": stolen.headers["content-type"], **host}
                answer = await http.post(f"{served.url}/share/v1/token", content=stolen.content, headers=headers)
                assert answer.status_code in (400, 421)

    run(work)


@pytest.mark.parametrize(
    "url", ["", "crowd.example.org", "http://crowd.example.org", "https://u:p@h", "https://h?a=b", "ftp://h", "https://[h"]
)
def test_an_address_that_is_none_is_told(url: str) -> None:
    with pytest.raises(RuimteError, match="no address of a node"):
        Partner(url, POLICE, generate(), "event-safety")


@pytest.mark.parametrize("url", ["https://h", "https://h/", "https://h/share/v1", "https://h/share/v1/"])
def test_the_root_may_be_written_or_not(url: str) -> None:
    assert Partner(url, POLICE, generate(), "event-safety").issuer == "https://h/share/v1"

"""The page on the API for partners: its example runs against a node, its commands are answered, and it leaves nothing out."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest

from fake_desk import LoggingDesk
from partners import POLICE, PartnerNode
from ruimte.clock import SystemClock
from ruimte.jobs.log import Log
from ruimte.jobs.webhooks import Webhooks
from ruimte.share.asking import Reason
from ruimte.share.event import ShareEvent
from ruimte.share.formats import MEDIA_TYPES
from ruimte.store.webhooks import WebhookFile
from ruimte.web.server import plain_server
from ruimte.web.share.app import ShareApp
from ruimte.web.share.log import log_routes
from ruimte.web.share.openapi import description
from ruimte.web.share.released import HEADERS
from ruimte.web.share.token import ROUTES, identify

PAGE = (Path(__file__).parents[2] / "docs" / "share-api.md").read_text()
TOLD = description("https://crowd.example.org/share/v1", "City", "lab@example.org")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@dataclass
class Node:
    url: str
    partner: PartnerNode
    desk: LoggingDesk
    log: Log
    loop: asyncio.AbstractEventLoop


@pytest.fixture
def node(tmp_path: Path, make_lab: Any) -> Iterator[Node]:
    partner = PartnerNode(tmp_path, base_url="")
    partner.time.now_s = time.time()
    now_us = SystemClock().now_us
    with (
        Log(tmp_path / "log.db", "town.example.org", partner.pair, now_us) as log,
        WebhookFile(tmp_path / "hooks.db") as file,
        socket.create_server(("127.0.0.1", 0)) as listening,
    ):
        desk = LoggingDesk(log)
        app = ShareApp(
            make_lab(),
            desk,
            Webhooks(desk, file, "test", now_us),
            partner.settings,
            identify=identify,
            routes=[*ROUTES, *log_routes(log, lambda: [])],
            state={"door": partner.door},
            marks=partner.door.nonce,
        )
        server = plain_server(app)
        loops: list[asyncio.AbstractEventLoop] = []

        async def serve() -> None:
            loops.append(asyncio.get_running_loop())
            await server.serve(sockets=[listening])

        thread = threading.Thread(target=lambda: asyncio.run(serve()))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield Node(f"http://127.0.0.1:{listening.getsockname()[1]}", partner, desk, log, loops[0])
        server.should_exit = True
        thread.join(20)


def test_the_example_runs(node: Node) -> None:
    (code,) = blocks("python")
    police = node.partner.police
    names = {"NODE": node.url, "PARTY": POLICE, "PRIVATE": police.private, "PUBLIC": police.public}
    with subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, **names}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        while not node.desk.queues and running.poll() is None:
            time.sleep(0.01)
        node.loop.call_soon_threadsafe(node.desk.publish)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    assert f"entry 0 of the log; sha256 of what was sent: {hashlib.sha256(node.desk.body).hexdigest()}" in out
    assert node.log.proof(0).splitlines()[0] in out
    assert "1 {'people': 1}" in out.splitlines()[-1]


def test_the_commands_are_answered(node: Node) -> None:
    commands = [shlex.split(line) for block in blocks("sh") for line in block.splitlines()]
    assert commands
    for program, url in commands:
        assert program == "curl"
        answer = httpx.get(url.replace("https://crowd.example.org", node.url))
        assert answer.status_code == 200, url


def test_json_in_the_page_is_json_and_the_event_is_one() -> None:
    shown = [json.loads(block) for block in blocks("json")]
    event = next(each for each in shown if "specversion" in each)
    assert set(event) == set(ShareEvent.__struct_fields__)
    problem = next(each for each in shown if "detail" in each)
    assert set(problem) == set(TOLD["components"]["schemas"]["Problem"]["properties"])


def test_nothing_is_left_out() -> None:
    for path, methods in TOLD["paths"].items():
        if path in ("/", "/openapi.json"):
            continue
        assert f"{path}`" in PAGE, path
        assert {"get", "post", "delete"} >= set(methods)
    for words in (TOLD["components"]["parameters"], HEADERS, MEDIA_TYPES):
        for word in words:
            assert f"`{word}`" in PAGE, word
    for reason in get_args(Reason):
        assert reason == "allowed" or f"`{reason}`" in PAGE, reason
    for name in ("ZoneStatus", "Closure", "Arrivals"):
        for field in TOLD["components"]["schemas"][name]["properties"]:
            assert f"`{field}`" in PAGE, field
    for status in {code for methods in TOLD["paths"].values() for each in methods.values() for code in each["responses"]}:
        assert re.search(rf"^\| [\d, ]*{status}", PAGE, re.MULTILINE), status

"""The API for partners behind the node's own server, over real sockets: beside the pages, streaming, and letting go."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fake_desk import NOW_US, POLICE, FakeDesk, fake_identify
from fake_room import FakeAccounts, FakeRoom
from ruimte.jobs.webhooks import Webhooks
from ruimte.store.webhooks import WebhookFile
from ruimte.web import protocol
from ruimte.web.app import create_app
from ruimte.web.server import page_server
from ruimte.web.settings import WebSettings
from ruimte.web.share.app import ShareApp

AUTHORISED = {"authorization": f"Fake {POLICE}"}


@dataclass
class Node:
    """A node in a thread. What touches the desk is done in that thread: ``do``."""

    port: int
    desk: FakeDesk
    app: ShareApp
    loop: asyncio.AbstractEventLoop
    stop: Callable[[], None]
    streams: list[Stream] = field(default_factory=list)

    def do(self, action: Callable[[], object]) -> None:
        done = threading.Event()
        self.loop.call_soon_threadsafe(lambda: (action(), done.set()))
        assert done.wait(5)

    def ask(self, path: str, method: str = "GET", headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request(method, path, headers=AUTHORISED if headers is None else headers)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()

    def follow(self, headers: dict[str, str] | None = None) -> Stream:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", "/share/v1/live", headers=AUTHORISED | (headers or {}))
        self.streams.append(Stream(connection, connection.getresponse()))
        return self.streams[-1]

    def until(self, holds: Callable[[], bool], within_s: float = 10) -> None:
        last = time.monotonic() + within_s
        while not holds():
            assert time.monotonic() < last, "not in time"
            time.sleep(0.005)


@dataclass
class Stream:
    connection: http.client.HTTPConnection
    answer: http.client.HTTPResponse

    def next(self) -> tuple[str, str | None, Any] | None:
        """The next event; None where the stream has ended."""
        fields: dict[str, str] = {}
        while line := self.answer.readline().decode():
            if line == "\n":
                return fields["event"], fields.get("id"), json.loads(fields["data"])
            name, _, value = line.rstrip("\n").partition(": ")
            fields[name] = value
        return None

    def close(self) -> None:
        self.answer.close()
        self.connection.close()


@pytest.fixture
def node(tmp_path: Path, make_lab: Any) -> Iterator[Node]:
    desk, settings = FakeDesk(), WebSettings()
    with WebhookFile(tmp_path / "hooks.db") as file:
        hooks = Webhooks(desk, file, "town", lambda: NOW_US)
        app = ShareApp(make_lab(), desk, hooks, settings, identify=fake_identify, now_us=lambda: NOW_US)
        server = page_server(create_app(FakeRoom(), FakeAccounts(), settings, [app]))
        listening = socket.create_server(("127.0.0.1", 0))
        loops: list[asyncio.AbstractEventLoop] = []

        async def serve() -> None:
            loops.append(asyncio.get_running_loop())
            await server.serve(sockets=[listening])

        thread = threading.Thread(target=lambda: asyncio.run(serve()))
        thread.start()

        def stop() -> None:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()

        while not server.started:
            time.sleep(0.01)
        made = Node(listening.getsockname()[1], desk, app, loops[0], stop)
        yield made
        for stream in made.streams:
            stream.close()
        began = time.monotonic()
        stop()
        assert time.monotonic() - began < 1.5, "a stream was left over"
        listening.close()


def test_it_stands_beside_the_pages(node: Node) -> None:
    status, headers, body = node.ask("/share/v1/state")
    assert (status, body) == (200, node.desk.body)
    assert "content-encoding" not in headers
    assert "set-cookie" not in headers
    status, headers, body = node.ask("/share/v1/state", headers={"accept-encoding": "gzip", "cookie": "session=x"})
    assert (status, headers["content-type"]) == (401, "application/problem+json"), "a page's session opens nothing here"
    assert node.ask("/healthz")[0] == 200
    assert "api-version" not in node.ask("/share/v2/state")[1], "that is the pages' own 404"


def test_the_body_is_never_compressed_for_it_was_logged_as_it_is(node: Node) -> None:
    node.desk.body = b'{"figures":[' + b"0," * 5000 + b"0]}"
    _, headers, body = node.ask("/share/v1/state", headers=AUTHORISED | {"accept-encoding": "gzip, br"})
    assert body == node.desk.body
    assert "content-encoding" not in headers


def test_a_head_has_no_body(node: Node) -> None:
    status, headers, body = node.ask("/share/v1/state", "HEAD")
    assert (status, body, headers["content-length"]) == (200, b"", str(len(node.desk.body)))


def test_a_stream_comes_at_once_and_resumes_after_a_break(node: Node) -> None:
    stream = node.follow()
    assert stream.next() is not None
    node.do(node.desk.publish)
    node.do(lambda: node.desk.publish("warning"))
    events = [stream.next(), stream.next()]
    assert [(each[0], each[1]) for each in events if each] == [("figures", "1"), ("warning", "2")]
    stream.close()
    node.until(lambda: not node.desk.queues)
    node.do(node.desk.publish)
    again = node.follow({"last-event-id": "2"})
    first, second = again.next(), again.next()
    assert first is not None
    assert second is not None
    assert (first[0], second[1]) == ("beat", "3")
    again.close()


def test_a_grant_that_ends_ends_the_answer(node: Node) -> None:
    stream = node.follow()
    stream.next()
    node.do(node.desk.end)
    ended = stream.next()
    assert ended is not None
    assert (ended[0], ended[2]["reason"]) == ("ended", "revoked")
    assert stream.next() is None
    node.until(lambda: len(node.app.streams) == 0)


def test_who_does_not_read_is_cut_off_and_all_is_freed(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "STALL_S", 0.3)
    with socket.create_connection(("127.0.0.1", node.port), timeout=10) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(f"GET /share/v1/live HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Fake {POLICE}\r\n\r\n".encode())
        node.until(lambda: len(node.desk.queues) == 1)
        node.do(lambda: [node.desk.publish(padding=100_000) for _ in range(200)])
        node.until(lambda: not node.desk.queues and len(node.app.streams) == 0)


def test_a_slow_reader_who_reads_is_not_cut_off(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "STALL_S", 0.3)
    stream = node.follow()
    stream.next()
    for number in range(1, 4):
        time.sleep(0.4)
        node.do(node.desk.publish)
        event = stream.next()
        assert event is not None
        assert event[1] == str(number)
    stream.close()


def test_a_stop_does_not_wait_for_those_who_follow(node: Node) -> None:
    streams = [node.follow() for _ in range(5)]
    for stream in streams:
        stream.next()
    began = time.monotonic()
    node.stop()
    assert time.monotonic() - began < 3
    assert [stream.next() for stream in streams] == [None] * 5, "each ends whole, so that a client knows"
    assert node.desk.queues == []


def test_many_who_come_and_go_leave_nothing_behind(node: Node) -> None:
    for _ in range(5):
        streams = [node.follow() for _ in range(8)]
        for stream in streams:
            stream.next()
        assert node.ask("/share/v1/live")[0] == 429, "a party has eight at a time"
        node.do(node.desk.publish)
        for stream in streams:
            event = stream.next()
            assert event is not None
            assert event[0] == "figures"
            stream.close()
        node.until(lambda: not node.desk.queues and len(node.app.streams) == 0)

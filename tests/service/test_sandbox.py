"""The sandbox as a process: what it says it is, what it refuses, and how long its patience lasts."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ruimte.clock import SystemClock
from ruimte.errors import RuimteError
from ruimte.jobs.sensorthings import SensorThings
from ruimte.store.sqlite import Reader, Store
from ruimte.web import protocol
from ruimte.web.sandbox import create_sandbox
from ruimte.web.server import plain_server
from ruimte.web.settings import WebSettings
from ruimte.web.sta import body as bodies
from sandbox import Sandbox, sandbox

THING = json.dumps({"name": "Mast", "description": "-"}).encode()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


def ask(node: Sandbox, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], str]:
    with closing(http.client.HTTPConnection("127.0.0.1", int(node.url.split(":")[2].strip("/")), timeout=10)) as connection:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["This is a sandbox.", "register is off", "Nothing of it can be estimated or shared", "Entities"]),
        ("nl", ["Dit is een testomgeving.", "register staat uit", "Niets ervan kan worden geschat of gedeeld", "Entiteiten"]),
    ],
)
def test_the_page_says_what_it_is(node: Sandbox, language: str, words: list[str]) -> None:
    status, _, text = ask(node, "/", accept_language=language)
    assert status == 200
    assert 'class="problem sandbox"' in text
    assert [each for each in words if each not in text] == []
    assert 'href="/sta/v1.1/Things"' in text
    _, _, missing = ask(node, "/zones", accept_language=language, accept="text/html")
    assert words[0] in missing, "on every page"


@pytest.mark.parametrize(
    "path", ["/", "/healthz", "/readyz", "/metrics", "/nowhere", "/sta/v1.1", "/sta/v1.1/Nowhere", "/static/x/y"]
)
def test_every_answer_is_marked(node: Sandbox, path: str) -> None:
    assert ask(node, path)[1]["ruimte-sandbox"] == "true"
    assert ask(node, path, host="evil.example")[1]["ruimte-sandbox"] == "true"
    assert ask(node, path, host="evil.example")[0] == 421


def test_pages_carry_the_security_headers(node: Sandbox) -> None:
    for path in ("/", "/nowhere"):
        headers = ask(node, path)[1]
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["x-content-type-options"] == "nosniff"


def test_it_counts_what_it_holds(tmp_path: Path) -> None:
    with sandbox(tmp_path) as node:
        connection = http.client.HTTPConnection("127.0.0.1", int(node.url.split(":")[2].strip("/")), timeout=10)
        connection.request("POST", "/sta/v1.1/Things", THING)
        assert connection.getresponse().status == 201
        connection.close()
        assert 'ruimte_entities{set="Things"} 1' in ask(node, "/metrics")[2]
        assert '<td class="figure">1</td>' in ask(node, "/")[2]
    with sandbox(tmp_path) as again:
        assert json.loads(ask(again, "/sta/v1.1/Things(1)")[2])["name"] == "Mast", "it is kept"


def refused(tmp_path: Path, *options: str) -> str:
    code = "from ruimte.cli import main; main()"
    command = [sys.executable, "-c", code, "serve", *options, "--port", "0", "--no-browser", "--data", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    return done.stderr


def test_it_is_for_this_machine_only(tmp_path: Path) -> None:
    assert "for this machine only" in refused(tmp_path, "--sandbox", "--host", "0.0.0.0")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "address", ["crowd.example.org", "ftp://crowd.example.org", "https://", "https://crowd.example.org/?a=b"]
)
def test_an_address_that_is_none_is_refused(tmp_path: Path, address: str) -> None:
    assert "is no address of a node" in refused(tmp_path, "--sandbox", "--base-url", address)


def test_it_takes_no_lab_and_a_lab_is_needed_without_it(tmp_path: Path) -> None:
    assert "give a LAB" in refused(tmp_path, "--sandbox", "auckland")
    assert "give a LAB" in refused(tmp_path)


def test_its_database_is_no_labs_and_the_other_way_round(tmp_path: Path) -> None:
    Store(tmp_path / "sandbox.db", "sandbox", "sandbox").close()
    with pytest.raises(RuimteError, match="stamp 'sandbox'"):
        Store(tmp_path / "sandbox.db", "sandbox", "lab")
    with pytest.raises(RuimteError, match="nothing of it can be estimated or shared"):
        Reader(tmp_path / "sandbox.db", "sandbox")
    Store(tmp_path / "other" / "sandbox.db", "sandbox", "lab").close()
    assert "stamp 'lab'" in refused(tmp_path / "other", "--sandbox")


# --- patience -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def patience(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], socket.socket]]:
    """Connections to a sandbox in a thread of this process, that waits half a second where the real one waits ten."""
    monkeypatch.setattr(bodies, "PROGRESS_S", 0.5)
    monkeypatch.setattr(bodies, "WHOLE_S", 1.5)
    monkeypatch.setattr(protocol, "HEAD_S", 0.5)
    with Store(tmp_path / "sandbox.db", "sandbox", "sandbox", durable=False) as store, running(store) as port:
        made: list[socket.socket] = []

        def connect() -> socket.socket:
            made.append(socket.create_connection(("127.0.0.1", port), timeout=10))
            return made[-1]

        yield connect
        for each in made:
            each.close()


@contextmanager
def running(store: Store) -> Iterator[int]:
    server = plain_server(create_sandbox(SensorThings(store, SystemClock().now_us), WebSettings()))
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join(20)
    listening.close()


def until_closed(connection: socket.socket) -> bytes:
    heard = b""
    while more := connection.recv(65_536):
        heard += more
    return heard


def post(length: int) -> bytes:
    return f"POST /sta/v1.1/Things HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n".encode()


def test_a_client_that_falls_silent_is_cut_off(patience: Callable[[], socket.socket]) -> None:
    connection = patience()
    connection.sendall(post(100) + b"{")
    begun = time.monotonic()
    heard = until_closed(connection)
    assert heard.startswith(b"HTTP/1.1 408 ")
    assert 0.4 < time.monotonic() - begun < 5


def test_a_client_that_trickles_is_cut_off(patience: Callable[[], socket.socket]) -> None:
    connection = patience()
    connection.sendall(post(1000))
    begun = time.monotonic()
    connection.settimeout(0.1)
    heard = b""
    while time.monotonic() - begun < 10 and not heard:
        connection.sendall(b" ")
        try:
            heard = connection.recv(65_536)
        except TimeoutError:
            continue
    assert heard.startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - begun < 5


def test_a_body_that_keeps_coming_is_waited_for(patience: Callable[[], socket.socket]) -> None:
    connection = patience()
    connection.sendall(post(len(THING)))
    for byte in (THING[:20], THING[20:]):
        time.sleep(0.3)
        connection.sendall(byte)
    assert connection.recv(65_536).startswith(b"HTTP/1.1 201 ")


def test_a_body_that_says_it_is_too_large_is_not_waited_for(patience: Callable[[], socket.socket]) -> None:
    connection = patience()
    connection.sendall(post(bodies.LARGEST + 1) + b" " * 10)
    assert until_closed(connection).startswith(b"HTTP/1.1 413 ")


def test_a_head_that_does_not_end_is_cut_off(patience: Callable[[], socket.socket]) -> None:
    for begin in (b"", b"GET / HTTP/1.1\r\nHost: "):
        connection = patience()
        connection.sendall(begin)
        begun = time.monotonic()
        assert until_closed(connection) == b""
        assert time.monotonic() - begun < 5


def test_a_head_that_is_too_large_is_cut_off(patience: Callable[[], socket.socket]) -> None:
    connection = patience()
    connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
    sent = 0
    with contextlib.suppress(ConnectionError):
        while sent < 100 * protocol.LARGEST_HEAD:
            line = b"X-%d: " % sent + b"x" * 1000 + b"\r\n"
            connection.sendall(line)
            sent += len(line)
        assert until_closed(connection) == b""
    assert protocol.LARGEST_HEAD <= sent < 100 * protocol.LARGEST_HEAD


def test_who_waits_between_requests_is_let_be(patience: Callable[[], socket.socket]) -> None:
    connection = patience()
    for _ in range(3):
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
        time.sleep(0.8)

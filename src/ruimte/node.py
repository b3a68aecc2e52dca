"""The node: one lab, its clock, its store and its pages in one process."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import tempfile
import webbrowser
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from ruimte.clock import ReplayClock, SystemClock
from ruimte.errors import RuimteError
from ruimte.jobs.live import LiveRoom, StoreFeed
from ruimte.jobs.register import register_lab
from ruimte.jobs.replay import Feed as ReplayFeed
from ruimte.jobs.replay import Replay
from ruimte.jobs.station import Station
from ruimte.lab.lab import Lab
from ruimte.store import observations
from ruimte.store.accounts import StoredAccounts
from ruimte.store.sqlite import Reader, Store
from ruimte.web.app import create_app
from ruimte.web.server import page_server
from ruimte.web.settings import WebSettings

Say = Callable[[str], None]


def serve(lab: Lab, data: Path, host: str, port: int, *, browser: bool, say: Say) -> None:
    """Run the lab live until stopped. Raises ``RuimteError`` where it cannot start."""
    listening = _bind(host, port)
    with contextlib.closing(listening), Store(data / f"{lab.key}.db", lab.key) as store:
        accounts = StoredAccounts(store, SystemClock().now_us)
        _require_password(accounts, host)
        room = LiveRoom(Station(lab, register_lab(lab, store), store), SystemClock(), "live")
        path = "" if accounts.has_password else f"sign-in/{accounts.one_time_token()}"
        if path:
            say("No password is set: this link signs you in, once (set a password at /account):")
        running = room.run(lambda progress: None, StoreFeed(store))
        _run(room, running, accounts, listening, host, path, browser=browser, say=say)


def demo(lab: Lab, source: Reader, host: str, port: int, *, speed: float, start_us: int, browser: bool, say: Say) -> None:
    """Replay the lab's own past until stopped. Raises ``RuimteError`` where it cannot start."""
    if not _is_loopback(host):
        raise RuimteError("a demo signs every visitor in, so it is for this machine only", f"host {host}", "use ruimte serve")
    listening = _bind(host, port)
    with contextlib.closing(listening), tempfile.TemporaryDirectory(prefix="ruimte-") as folder:
        replay = Replay.begin(lab, source, Path(folder), start_us)
        with replay.target as store:
            model = register_lab(lab, store)
            room = LiveRoom(Station(lab, model, store), ReplayClock(start_us, speed), "replay", speed)
            accounts = StoredAccounts(store, SystemClock().now_us, auto=True)
            span = source.read(observations.span)
            running = room.run(replay.prepare, ReplayFeed(replay, start_us), until_us=span[1] if span else None)
            _run(room, running, accounts, listening, host, "", browser=browser, say=say)


def _run(
    room: LiveRoom,
    run: Coroutine[Any, Any, None],
    accounts: StoredAccounts,
    listening: socket.socket,
    host: str,
    path: str,
    *,
    browser: bool,
    say: Say,
) -> None:
    """Serve a room's pages while it runs, until stopped. A room that fails takes the pages with it; one that ends does not."""
    app = create_app(room, accounts, WebSettings(hosts=() if _is_loopback(host) else (host,)))
    server = page_server(app)
    port = listening.getsockname()[1]
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}/{path}"

    async def everything() -> None:
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        say(f"Control room: {url}   (stop with Ctrl-C)")
        if browser:
            await asyncio.to_thread(webbrowser.open, url)
        running = asyncio.create_task(run)
        await asyncio.wait({serving, running}, return_when=asyncio.FIRST_COMPLETED)
        if running.done() and not running.cancelled() and (error := running.exception()) is not None:
            server.should_exit = True
            await serving
            raise error
        await serving
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running

    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(everything())


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop, where it exists (not on Windows)."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(256)
    except OSError as error:
        listening.close()
        mend = "stop what uses it, or choose another --port (0 takes any free one)"
        raise RuimteError(f"cannot listen there ({error.strerror or error})", f"{host}:{port}", mend) from None
    return listening


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _require_password(accounts: StoredAccounts, host: str) -> None:
    if not _is_loopback(host) and not accounts.has_password:
        raise RuimteError(
            "without a password the node listens on this machine only",
            f"host {host}",
            "start it once with --host 127.0.0.1, open the link and set a password",
        )

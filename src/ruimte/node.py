"""The node: one lab, its clock, its store and its pages in one process."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ipaddress
import logging
import os
import socket
import sqlite3
import tempfile
import webbrowser
from collections.abc import Callable, Coroutine, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette

from ruimte.clock import ReplayClock, SystemClock
from ruimte.compiled import never_before
from ruimte.errors import RuimteError
from ruimte.forecast.model_file import Bundle
from ruimte.intake.mqtt.address import Address
from ruimte.jobs.accounts import accounts_path, first_link
from ruimte.jobs.broker import broker as broker_of
from ruimte.jobs.delivering import Delivery
from ruimte.jobs.devices import credentials_path
from ruimte.jobs.inbox import Inbox
from ruimte.jobs.live import LiveRoom, StoreFeed
from ruimte.jobs.models import Models
from ruimte.jobs.notifying import channels_of, source_of
from ruimte.jobs.push_desk import PushDesk
from ruimte.jobs.register import register_lab
from ruimte.jobs.replay import Feed as ReplayFeed
from ruimte.jobs.replay import Replay
from ruimte.jobs.sensorthings import SensorThings
from ruimte.jobs.share_office import Office
from ruimte.jobs.staff import keep_forgetting
from ruimte.jobs.station import Station
from ruimte.jobs.tracking import Tracking
from ruimte.lab.lab import Lab
from ruimte.notify.channels import PushChannel
from ruimte.notify.keys import node_keys
from ruimte.settings import read_node_file
from ruimte.store import observations
from ruimte.store.accounts import StoredAccounts
from ruimte.store.credentials import Credentials
from ruimte.store.sqlite import Reader, Store
from ruimte.text import duration_us
from ruimte.web.app import create_app
from ruimte.web.oidc.client import client_of
from ruimte.web.oidc.provider import Provider
from ruimte.web.payloads import ROOT as PAYLOADS
from ruimte.web.payloads import Payloads
from ruimte.web.sandbox import create_sandbox
from ruimte.web.server import page_server, plain_server
from ruimte.web.settings import WebSettings
from ruimte.web.sta.access import authorise
from ruimte.web.sta.app import StaApp
from ruimte.web.sta.exchange import ROOT
from ruimte.web.sta.service import Service

if TYPE_CHECKING:
    from ruimte.web.share.begin import Shared

Say = Callable[[str], None]
_log = logging.getLogger(__name__)


def serve(
    lab: Lab,
    data: Path,
    host: str,
    port: int,
    *,
    base_url: str = "",
    broker: str = "",
    broker_updates: bool = False,
    certificate_header: str = "",
    browser: bool,
    say: Say,
) -> None:
    """Run the lab live until stopped. Raises ``RuimteError`` where it cannot start."""
    channels = channels_of(data)
    listening, now_us = _bind(host, port), SystemClock().now_us
    with (
        contextlib.closing(listening),
        Store(data / f"{lab.key}.db", lab.key) as store,
        contextlib.closing(Credentials(credentials_path(lab, data), now_us)) as credentials,
        StoredAccounts(accounts_path(lab, data), now_us) as accounts,
        _broker(broker) as address,
        contextlib.ExitStack() as stack,
    ):
        provider = _provider(data, base_url)
        _require_password(accounts, host, provider)
        station = Station(lab, register_lab(lab, store), store, _bundle(lab, data, say))
        tracking = Tracking(lab, store)
        room = LiveRoom(station, SystemClock(), "live", tracking=tracking)
        inbox = Inbox(lab, store)
        inbox.on_tracks = tracking.take
        things = SensorThings(store, now_us, inbox)
        access = authorise(
            credentials,
            accounts,
            certificate_header=certificate_header,
            anonymous_writes=lab.file.intake.anonymous_writes,
        )
        settings = _settings(host, base_url, address)
        services = (
            StaApp(Service(things, settings.mqtt_endpoints), access, settings, {}),
            StaApp(Payloads(inbox), access, settings, {}, root=PAYLOADS),
        )
        room.get_ready_to_compare()
        delivery = desk = None
        if channels:
            keys = node_keys(data, lab.key)
            delivery = Delivery(station, channels, keys, os.environ, source_of(lab, base_url))
            station.on_step = delivery.put
            push = next((channel for channel in channels if isinstance(channel, PushChannel)), None)
            desk = None if push is None else PushDesk(store, keys, now_us, plain=push.allow_private)
        states = None if delivery is None else delivery.states
        shared = _sharing(stack, station, room, data, settings, certificate_header, say)
        app = create_app(
            room,
            accounts,
            settings,
            (*services, shared.app) if shared else services,
            inbox,
            desk,
            states,
            provider,
            followed=shared.partners if shared else None,
            sharing=Office(shared, room, now_us) if shared else None,
        )
        path = "" if accounts.has_password or provider else f"sign-in/{first_link(accounts)}"
        if path:
            say("No password is set: this link signs you in, once (set a password at /account):")
        bridge = None
        if address is not None:
            from ruimte.jobs.mqtt import lab_bridge  # an extra

            links = (base_url or _url(host, listening)).rstrip("/") + ROOT
            bridge = lab_bridge(address, data, inbox, store.stream_ids(), things, links if broker_updates else None)
        running = _together(
            room.run(lambda progress: None, StoreFeed(store)),
            keep_forgetting(store, duration_us(lab.file.retention.logbook)),
            tracking.run(inbox.tell),
        )
        if shared is not None:
            running = _together(running, shared.run(room))
        if bridge is not None:
            running = _together(running, bridge.run())
        if delivery is not None:
            running = _together(running, delivery.run(room))
        _run(app, running, listening, host, path, browser=browser, say=say)


def demo(lab: Lab, source: Reader, host: str, port: int, *, speed: float, start_us: int, browser: bool, say: Say) -> None:
    """Replay the lab's own past until stopped. Raises ``RuimteError`` where it cannot start."""
    if not _is_loopback(host):
        raise RuimteError("a demo signs every visitor in, so it is for this machine only", f"host {host}", "use ruimte serve")
    listening = _bind(host, port)
    with contextlib.closing(listening), tempfile.TemporaryDirectory(prefix="ruimte-") as folder:
        bundle = _bundle(lab, source.path.parent, say)
        replay = Replay.begin(lab, source, Path(folder), start_us, bundle)
        with (
            replay.target as store,
            StoredAccounts(Path(folder) / "accounts.db", SystemClock().now_us, auto=True) as accounts,
        ):
            model = register_lab(lab, store)
            room = LiveRoom(Station(lab, model, store, bundle), ReplayClock(start_us, speed), "replay", speed)
            room.get_ready_to_compare()
            span = source.read(observations.span)
            running = room.run(replay.prepare, ReplayFeed(replay, start_us), until_us=span[1] if span else None)
            _run(create_app(room, accounts, _settings(host)), running, listening, host, "", browser=browser, say=say)


def _sharing(
    stack: contextlib.ExitStack,
    station: Station,
    room: LiveRoom,
    data: Path,
    settings: WebSettings,
    certificate_header: str,
    say: Say,
) -> Shared | None:
    """Sharing with partners, until the stack is left; None where it cannot be, and why is said: the control room goes on."""
    if missing := [name for name in ("cedarpy", "opentelemetry") if find_spec(name) is None]:
        say(f"Sharing is off: {', '.join(missing)} is missing; pip install 'ruimte[share,otel]' brings it.")
        return None
    from ruimte.web.share.begin import begin  # extras

    try:
        return stack.enter_context(begin(station, room, data, settings, certificate_header))
    except RuimteError as error:
        say(f"Sharing is off: {error}")
    except (OSError, sqlite3.Error, ValueError, KeyError) as error:  # a file that holds something else than it did
        _log.exception("sharing cannot begin")
        say(f"Sharing is off: its files cannot be used ({error}); see the log, and restore them from a backup.")
    return None


def _bundle(lab: Lab, data: Path, say: Say) -> Bundle:
    """What the learned forecast knows; where the lab's own model cannot be read, the one that comes along, and that is said."""
    bundle, wrong = Models(data, lab.key).load_or_shipped()
    if wrong is not None:
        say(f"The lab's own forecast model is left out, the one that comes with Ruimte is used: {wrong}")
    return bundle


def sandbox(data: Path, host: str, port: int, *, base_url: str = "", broker: str = "", browser: bool, say: Say) -> None:
    """Run a SensorThings server without a lab until stopped. Raises ``RuimteError`` where it cannot start."""
    if not _is_loopback(host):
        raise RuimteError("a sandbox lets everybody write, so it is for this machine only", f"host {host}", "leave --host out")
    listening = _bind(host, port)
    with (
        contextlib.closing(listening),
        Store(data / "sandbox.db", "sandbox", "sandbox") as store,
        _broker(broker) as address,
    ):
        things, url = SensorThings(store, SystemClock().now_us), _url(host, listening)
        app = create_sandbox(things, _settings(host, base_url, address))
        beside = None
        if address is not None:
            from ruimte.jobs.mqtt import sandbox_bridge  # an extra

            beside = sandbox_bridge(address, data, things, (base_url or url).rstrip("/") + ROOT).run()
        _until_stopped(_serve(plain_server(app), listening, "Sandbox", url, beside, browser=browser, say=say))


def _run(
    app: Starlette,
    run: Coroutine[Any, Any, None],
    listening: socket.socket,
    host: str,
    path: str,
    *,
    browser: bool,
    say: Say,
) -> None:
    """Serve a room's pages while it runs, until stopped. A room that fails takes the pages with it; one that ends does not."""
    url = _url(host, listening) + path

    async def running() -> None:
        if never_before():
            say("The first time, the estimate is compiled: the picture takes half a minute longer to come.")
        await run

    _until_stopped(_serve(page_server(app), listening, "Control room", url, running(), browser=browser, say=say))


async def _serve(
    server: uvicorn.Server,
    listening: socket.socket,
    name: str,
    url: str,
    beside: Coroutine[Any, Any, None] | None = None,
    *,
    browser: bool,
    say: Say,
) -> None:
    """Serve until stopped, with something that runs beside it: where that fails, the server goes with it."""
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    gc.freeze()  # what a node begins with stays: to look through it for what can go would stop everything for 0.1 s, ever again
    say(f"{name}: {url}   (stop with Ctrl-C)")
    if browser:
        await asyncio.to_thread(webbrowser.open, url)
    if beside is None:
        await serving
        return
    running = asyncio.create_task(beside)
    await asyncio.wait({serving, running}, return_when=asyncio.FIRST_COMPLETED)
    if running.done() and not running.cancelled() and (error := running.exception()) is not None:
        server.should_exit = True
        await serving
        raise error
    await serving
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


def _until_stopped(work: Coroutine[Any, Any, None]) -> None:
    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(work)


@contextlib.contextmanager
def _broker(named: str) -> Iterator[Address | None]:
    """The broker, while it is needed; None where none is named."""
    if not named:
        yield None
        return
    with broker_of(named, os.environ) as address:
        yield address


async def _together(*work: Coroutine[Any, Any, None]) -> None:
    await asyncio.gather(*work)


def _settings(host: str, base_url: str = "", broker: Address | None = None) -> WebSettings:
    names, parts = () if _is_loopback(host) else (host,), urlsplit(base_url)
    named = parts.hostname
    if base_url and (parts.scheme not in ("http", "https") or not named or parts.query or parts.fragment):
        raise RuimteError(f"{base_url!r} is no address of a node", "--base-url", "write it like https://crowd.example.org")
    return WebSettings(
        hosts=(*names, named) if named else names, base_url=base_url, mqtt_endpoints=(broker.url,) if broker else ()
    )


def _url(host: str, listening: socket.socket) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}/"


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


def _provider(data: Path, base_url: str) -> Provider | None:
    """The provider that ``[oidc]`` in the node's file names; None where there is none."""
    file = read_node_file(data).oidc
    return None if file is None else Provider(client_of(file, os.environ), base_url)


def _require_password(accounts: StoredAccounts, host: str, provider: Provider | None) -> None:
    if not _is_loopback(host) and not accounts.has_password and provider is None:
        raise RuimteError(
            "without a password the node listens on this machine only",
            f"host {host}",
            "start it once with --host 127.0.0.1, open the link and set a password",
        )

"""A real browser, and a server for any room: the tests here show the pages to Chromium."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from fake_room import FakeAccounts, FakeRoom
from ruimte.jobs.room import Room
from ruimte.web.app import create_app
from ruimte.web.auth import Accounts
from ruimte.web.server import PageServer, page_server
from ruimte.web.settings import WebSettings

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE = {"width": 1456, "height": 819}
PATIENCE_MS = 20_000  # on a busy machine a page may be slow; a test tells what happens, not how fast
expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Served:
    """A room that is served: its address, and a way to do something in the server's own thread."""

    url: str
    room: Any
    server: PageServer
    thread: threading.Thread
    loop: Any = None

    def do(self, work: Callable[[], object]) -> None:
        """Run in the server's event loop."""
        self.loop.call_soon_threadsafe(work)

    def stop(self) -> None:
        """Stop serving."""
        self.server.should_exit = True
        self.thread.join(10)


@dataclass
class Seen:
    """What pages complained about, but for what a test expects."""

    complaints: list[str] = field(default_factory=list)

    def watch(self, page: Page, expecting: str | None) -> None:
        def note(text: str) -> None:
            if expecting is None or expecting not in text:
                self.complaints.append(text)

        page.on("console", lambda said: note(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: note(str(error)))


@contextmanager
def serving(
    room: Room,
    accounts: Accounts,
    port: int = 0,
    inbox: Any = None,
    push: Any = None,
    followed: Any = None,
    sharing: Any = None,
) -> Iterator[Served]:
    """Serve a room on a free port of this machine, in a thread."""
    app = create_app(room, accounts, WebSettings(), inbox=inbox, push_desk=push, followed=followed, sharing=sharing)
    server = page_server(app, port)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 10
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        assert time.monotonic() < until, "the server did not start in 10 s"
        time.sleep(0.01)
    socket = server.servers[0].sockets[0]
    served = Served(f"http://127.0.0.1:{socket.getsockname()[1]}", room, server, thread, server.servers[0].get_loop())
    try:
        yield served
    finally:
        served.stop()


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Serves any room, until the test ends."""
    with ExitStack() as stack:
        yield lambda room, accounts, port=0, inbox=None, push=None, followed=None, sharing=None: stack.enter_context(
            serving(room, accounts, port, inbox, push, followed, sharing)
        )


@pytest.fixture
def served(serve: Callable[..., Served]) -> Served:
    """The invented room; whoever opens its page is signed in."""
    return serve(FakeRoom(), FakeAccounts())


@pytest.fixture(scope="module")  # while it lives, so does its event loop, and no other test could run one
def chromium() -> Iterator[Browser]:
    """The machine's own Chromium. Without one the tests are skipped; where ``CI`` is true they fail."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Chromium on this machine, and CI=true makes the browser tests compulsory")
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a page in a browser of its own (or in ``context``), waits until it works, and checks at the end that it had no
    complaint: no script error, nothing that the Content-Security-Policy stopped (but for what is ``expecting``). A ``plain`` page
    has no script that gets ready."""
    seen = Seen()
    contexts: list[BrowserContext] = []

    def open_(
        url: str, *, context: BrowserContext | None = None, expecting: str | None = None, plain: bool = False, **options: Any
    ) -> Page:
        if context is None:
            context = chromium.new_context(**{"viewport": WIDE, "locale": "en-GB", **options})
            contexts.append(context)
        page = context.new_page()
        seen.watch(page, expecting)
        page.goto(url)
        page.wait_for_selector("body.plain" if plain else "body[data-ready]")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert seen.complaints == []


def violations(page: Page, axe: str) -> list[str]:
    """What axe finds that somebody could not read or reach."""
    if not page.evaluate("typeof axe !== 'undefined'"):
        page.evaluate(axe)
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
    return [f"{each['id']}: {[node['html'][:120] for node in each['nodes'][:3]]}" for each in found]


def picture(page: Page, name: str, part: str | None = None) -> None:
    """Take a screenshot of a page or a part of it; it goes into the docs when RUIMTE_SCREENSHOTS is set."""
    page.wait_for_timeout(300)
    path = IMAGES / name if os.environ.get("RUIMTE_SCREENSHOTS") else None
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    shown = page if part is None else page.locator(part)
    assert len(shown.screenshot(path=path)) > 20_000


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, as the lock file pins it; kept in pytest's cache between runs."""
    installed = ROOT / "node_modules/axe-core/axe.min.js"
    if installed.is_file():
        return installed.read_text()
    folder = ROOT / ".pytest_cache" / "axe"
    script = folder / "node_modules/axe-core/axe.min.js"
    if not script.is_file():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("no npm on this machine to fetch axe-core with")
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(ROOT / name, folder)
        done = subprocess.run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, capture_output=True)
        if done.returncode != 0:
            pytest.skip(f"npm could not fetch axe-core: {done.stderr.decode().strip().splitlines()[-1:]}")
    return script.read_text()

